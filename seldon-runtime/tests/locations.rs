//! Locations of models: what is opened there, and what tells one state of it from another.

use std::fs;
use std::path::{Path, PathBuf};

use seldon_runtime::__private::{Artifact, Draft, Folder, Result, stored};
use seldon_runtime::{Location, Storage};

/// A model of one field.
#[derive(Debug, PartialEq)]
struct Small(Vec<f64>);

impl Artifact for Small {
    const NAME: &'static str = "small";
    fn read(folder: &Folder) -> Result<Self> {
        Ok(Self(stored("weights").load(folder)?))
    }
    fn write(&self, draft: &mut Draft) -> Result<()> {
        stored("weights").save(&self.0, draft)
    }
}

/// A model of whatever files there are.
struct Whatever(Vec<(String, Vec<u8>)>);

impl Artifact for Whatever {
    const NAME: &'static str = "whatever";
    const LOOSE: bool = true;
    fn read(folder: &Folder) -> Result<Self> {
        let read = |(name, _)| Ok((String::from(name), folder.bytes(name)?));
        folder.files().map(read).collect::<Result<_>>().map(Self)
    }
    fn write(&self, _: &mut Draft) -> Result<()> {
        Ok(())
    }
}

/// A folder of files that another program wrote.
struct Loose {
    root: tempfile::TempDir,
}

impl Loose {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let loose = Self { root };
        fs::create_dir(loose.model()).expect("a folder");
        loose.write("model.ubj", "trees");
        loose.write("pipeline.toml", "classes = 3");
        loose
    }

    fn model(&self) -> PathBuf {
        self.root.path().join("model")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.model().join(name), text).expect("written");
    }

    fn digest(&self) -> String {
        let folder = Folder::open_loose(self.model()).expect("opened");
        folder.digest().to_owned()
    }

    fn refusal(&self) -> String {
        let refused = Folder::open_loose(self.model()).expect_err("refused");
        refused.to_string()
    }
}

fn glance(path: &Path) -> seldon_runtime::artifact::Glance {
    let location = Location::from(path);
    location.glance(&Storage::default()).expect("it is there")
}

#[test]
fn a_folder_is_opened_by_whatever_names_it() {
    let root = tempfile::tempdir().expect("a folder");
    let path = root.path().join("a b");
    Small(vec![1.0]).save(&path).expect("saved");
    let url = format!("file://{}", path.display()).replace(' ', "%20");
    let location: Location = url.parse().expect("a location");
    let opened = [
        Folder::open(&path),
        Folder::open(path.as_path()),
        Folder::open(path.to_str().expect("a text")),
        Folder::open(url.clone()),
        Folder::open(PathBuf::from(&url)),
        Folder::open(&location),
        Folder::open_for::<Small>(&location, &Storage::default()),
    ];
    for folder in opened {
        let folder = folder.expect("opened");
        assert_eq!(folder.location().as_path(), Some(path.as_path()));
        assert_eq!(Small::load(&folder).expect("loaded"), Small(vec![1.0]));
    }
    // Saved to the URL, it is at the path.
    Small(vec![2.0]).save(&location).expect("saved");
    let folder = Folder::open(&path).expect("opened");
    assert_eq!(Small::load(&folder).expect("loaded"), Small(vec![2.0]));
}

#[test]
fn a_folder_with_a_manifest_lists_its_files_and_checks_what_is_read() {
    let root = tempfile::tempdir().expect("a folder");
    let path = root.path().join("model");
    Small(vec![1.0]).save(&path).expect("saved");
    fs::write(path.join("candidates.json"), "{}").expect("written");
    let folder = Folder::open_loose(&path).expect("opened");
    assert_eq!(folder.service(), Some("small"));
    assert_eq!(
        folder.files().collect::<Vec<_>>(),
        [("weights.msgpack", 10)]
    );
    assert_eq!(folder.bytes("weights.msgpack").expect("read").len(), 10);
    let error = folder.bytes("candidates.json").expect_err("not listed");
    assert!(error.to_string().contains("holds no file"), "{error}");
    fs::write(path.join("weights.msgpack"), "0123456789").expect("written");
    let error = folder.bytes("weights.msgpack").expect_err("altered");
    assert!(error.to_string().contains("was altered"), "{error}");
}

#[test]
fn a_loose_folder_holds_the_regular_files_right_in_it() {
    let loose = Loose::new();
    loose.write(".hidden", "x");
    fs::create_dir(loose.model().join("below")).expect("a folder");
    fs::write(loose.model().join("below/file"), "x").expect("written");
    let folder = Folder::open_for::<Whatever>(&loose.model().into(), &Storage::default());
    let folder = folder.expect("opened");
    assert_eq!(folder.service(), None);
    assert_eq!(folder.files().len(), 2);
    let Whatever(files) = Whatever::load(&folder).expect("loaded");
    assert_eq!(files[0], ("model.ubj".to_owned(), b"trees".to_vec()));
    assert_eq!(files[1].0, "pipeline.toml");
}

#[test]
fn a_single_file_is_a_loose_folder_of_itself() {
    let loose = Loose::new();
    let file = loose.model().join("model.ubj");
    let folder = Folder::open_loose(&file).expect("opened");
    assert_eq!(folder.files().collect::<Vec<_>>(), [("model.ubj", 5)]);
    assert_eq!(folder.bytes("model.ubj").expect("read"), b"trees");
    let error = Folder::open(&file).expect_err("no folder");
    assert!(
        error.to_string().ends_with("model.ubj is no folder"),
        "{error}"
    );
}

#[test]
fn a_loose_folder_is_refused_where_a_manifest_is_wanted() {
    let loose = Loose::new();
    let error = Folder::open(loose.model()).expect_err("refused");
    assert!(
        error.to_string().ends_with("it has no manifest.json"),
        "{error}"
    );
    let folder = Folder::open_loose(loose.model()).expect("opened");
    let error = Small::load(&folder).expect_err("refused");
    assert!(error.to_string().contains("not of `small`"), "{error}");
}

#[test]
fn a_damaged_manifest_does_not_make_a_folder_loose() {
    let loose = Loose::new();
    loose.write("manifest.json", r#"{"format": 1, "service": "small", "fi"#);
    assert!(loose.refusal().contains("is no manifest of a model folder"));
    // Another program's, which is none of ours.
    loose.write("manifest.json", r#"{"name": "a page"}"#);
    let folder = Folder::open_loose(loose.model()).expect("opened");
    assert_eq!(folder.files().len(), 3);
}

#[test]
fn the_digest_of_a_loose_folder_tells_names_and_contents_apart() {
    let loose = Loose::new();
    let first = loose.digest();
    assert_eq!(first.len(), 64);
    assert_eq!(first, Loose::new().digest(), "whenever it was written");
    loose.write("model.ubj", "other");
    let second = loose.digest();
    assert_ne!(first, second);
    fs::rename(loose.model().join("model.ubj"), loose.model().join("x")).expect("renamed");
    assert_ne!(second, loose.digest());
}

#[test]
fn an_open_loose_folder_does_not_become_another_model() {
    let loose = Loose::new();
    let folder = Folder::open_loose(loose.model()).expect("opened");
    loose.write("model.ubj", "tRees");
    let error = folder.bytes("model.ubj").expect_err("altered");
    assert!(error.to_string().contains("was altered"), "{error}");
}

#[test]
fn what_is_no_loose_folder_is_said_in_one_sentence() {
    let loose = Loose::new();
    fs::remove_file(loose.model().join("model.ubj")).expect("removed");
    fs::remove_file(loose.model().join("pipeline.toml")).expect("removed");
    assert!(loose.refusal().ends_with("model holds no file"));
    for n in 0..257 {
        loose.write(&format!("{n}"), "");
    }
    assert!(loose.refusal().contains("over 256 files"));
    fs::remove_dir_all(loose.model()).expect("removed");
    assert!(loose.refusal().starts_with("there is no model at "));
}

#[cfg(unix)]
#[test]
fn a_link_and_a_name_of_one_system_alone_are_refused() {
    let loose = Loose::new();
    std::os::unix::fs::symlink("/etc/hostname", loose.model().join("host")).expect("linked");
    assert!(loose.refusal().contains("host: it is no regular file"));
    fs::remove_file(loose.model().join("host")).expect("removed");
    loose.write("a\\b", "");
    assert!(loose.refusal().contains("`a\\b` is no plain file name"));
}

#[test]
fn a_glance_changes_with_what_is_there_and_only_then() {
    let loose = Loose::new();
    let model = loose.model();
    let first = glance(&model);
    assert_eq!(first, glance(&model));
    loose.write("model.ubj", "longer trees");
    let second = glance(&model);
    assert_ne!(first, second);
    assert_ne!(second, glance(&model.join("model.ubj")));
    // The same length at another time.
    let file = fs::File::options()
        .append(true)
        .open(model.join("model.ubj"));
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    file.and_then(|file| file.set_modified(later))
        .expect("touched");
    assert_ne!(second, glance(&model));

    let root = tempfile::tempdir().expect("a folder");
    let saved = root.path().join("model");
    Small(vec![1.0]).save(&saved).expect("saved");
    let one = glance(&saved);
    Small(vec![1.0]).save(&saved).expect("saved");
    assert_eq!(one, glance(&saved), "the same model");
    Small(vec![2.0]).save(&saved).expect("saved");
    assert_ne!(one, glance(&saved));
    let gone = Location::from(root.path().join("gone"));
    assert!(gone.glance(&Storage::default()).is_err());
}
