//! Model folders: what is saved is what is loaded, and nothing else ever is.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use seldon_runtime::__private::{Artifact, Draft, Folder, Result, stored, stored_as_json};
use seldon_runtime::{Error, Persist};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The implementation of `Artifact` that the attribute writes, for a struct of stored fields.
macro_rules! artifact {
    ($model:ident, $name:literal, $($field:ident: $kind:ident),*) => {
        impl Artifact for $model {
            const NAME: &'static str = $name;
            fn read(folder: &Folder) -> Result<Self> {
                Ok(Self { $($field: $kind(stringify!($field)).load(folder)?),* })
            }
            fn write(&self, draft: &mut Draft) -> Result<()> {
                $($kind(stringify!($field)).save(&self.$field, draft)?;)*
                Ok(())
            }
        }
    };
}

/// A model of two files.
#[derive(Debug, PartialEq)]
struct Small {
    weights: [[f64; 4]; 3],
    names: Vec<String>,
}
artifact!(Small, "small", weights: stored, names: stored_as_json);

fn small() -> Small {
    Small {
        weights: [[0.5, -1.0, 2.0, 1e-9]; 3],
        names: vec!["a".to_owned(), "b".to_owned()],
    }
}

/// A saved [`Small`] in a folder that goes with the test.
struct Saved {
    root: tempfile::TempDir,
}

impl Saved {
    fn new() -> Self {
        let saved = Self {
            root: tempfile::tempdir().expect("a folder"),
        };
        small().save(saved.model()).expect("saved");
        saved
    }

    fn model(&self) -> PathBuf {
        self.root.path().join("model")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.model().join(name)
    }

    /// Changes the manifest as JSON.
    fn edit_manifest(&self, edit: impl FnOnce(&mut Value)) {
        let path = self.file("manifest.json");
        let text = fs::read(&path).expect("a manifest");
        let mut manifest = serde_json::from_slice(&text).expect("JSON");
        edit(&mut manifest);
        fs::write(&path, manifest.to_string()).expect("written");
    }

    /// What loading says, after checking that it is one sentence and names the folder.
    fn refusal(&self) -> String {
        let sentence = load(&self.model()).expect_err("it is refused").to_string();
        assert!(!sentence.contains('\n'), "{sentence}");
        let root = self.root.path().to_string_lossy().into_owned();
        assert!(sentence.contains(&root), "{sentence}");
        sentence.replace(&format!("{root}/"), "")
    }

    /// What is beside the model.
    fn beside(&self) -> Vec<String> {
        names_in(self.root.path())
            .into_iter()
            .filter(|name| name != "model")
            .collect()
    }
}

fn load(path: &Path) -> Result<Small> {
    Small::load(&Folder::open(path)?)
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into()
        })
        .collect();
    names.sort();
    names
}

fn round_trip<M: Artifact>(model: &M) -> M {
    let root = tempfile::tempdir().expect("a folder");
    model.save(root.path().join("model")).expect("saved");
    M::load(&Folder::open(root.path().join("model")).expect("opened")).expect("loaded")
}

// What is kept.

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Nested {
    id: u64,
    inner: Option<Box<Nested>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Split {
    Leaf(f32),
    Node {
        feature: usize,
        at: f64,
        then: Box<Split>,
    },
    Pair(i8, char),
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Unit;

/// A type that serde knows nothing of, and that says itself how it is kept.
#[derive(Debug, PartialEq)]
struct Raw(Vec<u8>);

impl Persist for Raw {
    const KIND: &'static str = "raw";

    fn to_bytes(&self) -> Result<Vec<u8>> {
        Ok(self.0.clone())
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(Self(bytes.to_vec()))
    }
}

#[derive(Debug, PartialEq)]
struct Everything {
    array: [[f64; 4]; 3],
    list: Vec<f32>,
    text: String,
    map: HashMap<String, Vec<i64>>,
    tuple_keys: BTreeMap<(i32, bool), u8>,
    none: Option<u32>,
    some: Option<String>,
    nested: Nested,
    tree: Vec<Split>,
    tuple: (u8, String, (i64, f64)),
    big: u128,
    least: i64,
    empty: Vec<String>,
    unit: Unit,
    readable: BTreeMap<String, Nested>,
    manifest: Vec<u8>,
    raw: Raw,
}
artifact!(Everything, "everything",
    array: stored, list: stored, text: stored, map: stored, tuple_keys: stored, none: stored,
    some: stored, nested: stored, tree: stored, tuple: stored, big: stored, least: stored,
    empty: stored, unit: stored, readable: stored_as_json, manifest: stored_as_json, raw: stored);

#[test]
fn every_kind_of_field_comes_back_as_it_was() {
    let nested = Nested {
        id: u64::MAX,
        inner: Some(Box::new(Nested { id: 0, inner: None })),
    };
    let node = Split::Node {
        feature: 3,
        at: -0.0,
        then: Box::new(Split::Leaf(f32::MIN_POSITIVE)),
    };
    let everything = Everything {
        array: [[f64::MAX, f64::MIN, f64::INFINITY, f64::EPSILON]; 3],
        list: vec![1.5; 1000],
        text: "šípek\0\n\u{1F33A}".to_owned(),
        map: HashMap::from([("a".to_owned(), vec![i64::MIN]), (String::new(), vec![])]),
        tuple_keys: BTreeMap::from([((-1, true), 7)]),
        none: None,
        some: Some("x".to_owned()),
        nested: nested.clone(),
        tree: vec![node, Split::Pair(-8, 'ß'), Split::Nothing],
        tuple: (255, "t".to_owned(), (-1, 0.1)),
        big: u128::MAX,
        least: i64::MIN,
        empty: vec![],
        unit: Unit,
        readable: BTreeMap::from([("n".to_owned(), nested)]),
        manifest: vec![1, 2, 3],
        raw: Raw(vec![0, 255, 10]),
    };
    assert_eq!(round_trip(&everything), everything);
}

#[test]
fn a_nan_is_kept_in_messagepack() {
    let mut model = small();
    model.weights[1][2] = f64::NAN;
    model.weights[0][0] = f64::NEG_INFINITY;
    let back = round_trip(&model);
    assert!(back.weights[1][2].is_nan());
    assert_eq!(back.weights[0][0], f64::NEG_INFINITY);
}

proptest! {
    #[test]
    fn whatever_is_saved_is_loaded(
        weights in any::<[[f64; 4]; 3]>(),
        names in proptest::collection::vec(".*", 0..8),
    ) {
        let model = Small { weights, names };
        prop_assert_eq!(round_trip(&model), model);
    }

    #[test]
    fn no_damage_to_a_file_is_overlooked(
        file in prop_oneof![Just("weights.msgpack"), Just("names.json")],
        at in any::<prop::sample::Index>(),
        flip in 1..=255u8,
    ) {
        let saved = Saved::new();
        let mut bytes = fs::read(saved.file(file)).expect("a file");
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        fs::write(saved.file(file), bytes).expect("written");
        prop_assert!(saved.refusal().contains("SHA-256"));
    }

    #[test]
    fn a_garbled_manifest_never_panics(garbage in proptest::collection::vec(any::<u8>(), 0..200)) {
        let saved = Saved::new();
        fs::write(saved.file("manifest.json"), garbage).expect("written");
        saved.refusal();
    }
}

#[test]
fn the_manifest_describes_each_file() {
    let saved = Saved::new();
    assert_eq!(
        names_in(&saved.model()),
        ["manifest.json", "names.json", "weights.msgpack"]
    );
    let manifest: Value =
        serde_json::from_slice(&fs::read(saved.file("manifest.json")).expect("a manifest"))
            .expect("JSON");
    // The digest is of the file's content, `[\n  "a",\n  "b"\n]\n`, by coreutils' sha256sum.
    let names = json!({
        "field": "names", "file": "names.json", "kind": "json", "schema": 1, "bytes": 17,
        "sha256": "ebe7cd0f0fd38b6e7ba1beb3871633bdfef385a5c5b0d888c7ca252f0ac4e4f4",
    });
    assert_eq!(manifest["format"], 1);
    assert_eq!(manifest["service"], "small");
    assert_eq!(manifest["files"][0]["file"], "weights.msgpack");
    assert_eq!(manifest["files"][0]["kind"], "msgpack");
    assert_eq!(manifest["files"][1], names);
}

#[cfg(unix)]
#[test]
fn another_user_can_read_the_model() {
    use std::os::unix::fs::PermissionsExt;

    let saved = Saved::new();
    // What the system gives a new file and a new folder here, whatever the umask is.
    let (file, folder) = (saved.root.path().join("f"), saved.root.path().join("d"));
    fs::write(&file, "").expect("a file");
    fs::create_dir(&folder).expect("a folder");
    let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode();
    assert_eq!(mode(&saved.file("weights.msgpack")), mode(&file));
    assert_eq!(mode(&saved.file("manifest.json")), mode(&file));
    assert_eq!(mode(&saved.model()), mode(&folder));
}

// What is refused when it is loaded.

#[test]
fn a_folder_that_is_not_there() {
    let root = tempfile::tempdir().expect("a folder");
    let error = load(&root.path().join("model")).expect_err("refused");
    let path = root.path().join("model");
    assert_eq!(
        error.to_string(),
        format!("there is no model folder {}", path.display())
    );
}

#[test]
fn a_file_for_a_folder() {
    let saved = Saved::new();
    fs::remove_dir_all(saved.model()).expect("removed");
    fs::write(saved.model(), "text").expect("written");
    assert_eq!(saved.refusal(), "model is no folder");
}

#[test]
fn a_folder_without_a_manifest() {
    let saved = Saved::new();
    fs::remove_file(saved.file("manifest.json")).expect("removed");
    assert_eq!(
        saved.refusal(),
        "model is no model folder: it has no manifest.json"
    );
}

#[test]
fn a_manifest_that_is_no_json() {
    let saved = Saved::new();
    fs::write(saved.file("manifest.json"), "{\"format\": 1,").expect("written");
    let refusal = saved.refusal();
    assert!(
        refusal.starts_with("model/manifest.json is no manifest of a model folder: EOF"),
        "{refusal}"
    );
}

#[test]
fn a_manifest_that_lacks_something() {
    for key in ["field", "file", "kind", "schema", "bytes", "sha256"] {
        let saved = Saved::new();
        saved.edit_manifest(|m| {
            m["files"][0]
                .as_object_mut()
                .expect("an object")
                .remove(key);
        });
        assert!(saved.refusal().contains(&format!("missing field `{key}`")));
    }
}

#[test]
fn a_manifest_of_gigabytes() {
    let saved = Saved::new();
    let file = fs::File::create(saved.file("manifest.json")).expect("a file");
    file.set_len(1 << 33).expect("a sparse file");
    assert!(saved.refusal().contains("it has over 1048576 bytes"));
}

#[test]
fn a_manifest_of_another_format() {
    let saved = Saved::new();
    // Nothing but the number needs to be as it is here.
    fs::write(
        saved.file("manifest.json"),
        "{\"format\": 2, \"parts\": []}",
    )
    .expect("written");
    assert!(
        saved
            .refusal()
            .starts_with("model/manifest.json is of format 2, and this program reads format 1")
    );
}

#[test]
fn a_file_of_another_schema() {
    let saved = Saved::new();
    saved.edit_manifest(|m| m["files"][0]["schema"] = json!(2));
    assert!(
        saved
            .refusal()
            .ends_with("`weights.msgpack` has schema version 2, and this program reads version 1")
    );
}

#[test]
fn the_model_of_another_service() {
    let saved = Saved::new();
    saved.edit_manifest(|m| m["service"] = json!("large"));
    assert_eq!(
        saved.refusal(),
        "model holds a model of the service `large`, not of `small`"
    );
}

#[test]
fn a_missing_file() {
    let saved = Saved::new();
    fs::remove_file(saved.file("weights.msgpack")).expect("removed");
    assert_eq!(
        saved.refusal(),
        "model/weights.msgpack is missing, and the manifest lists it"
    );
}

#[test]
fn a_truncated_file() {
    let saved = Saved::new();
    let bytes = fs::read(saved.file("weights.msgpack")).expect("a file");
    let half = &bytes[..bytes.len() / 2];
    fs::write(saved.file("weights.msgpack"), half).expect("written");
    assert_eq!(
        saved.refusal(),
        format!(
            "model/weights.msgpack was truncated: it has {} bytes, and the manifest says {}",
            half.len(),
            bytes.len()
        )
    );
}

#[test]
fn an_empty_file() {
    let saved = Saved::new();
    fs::write(saved.file("names.json"), "").expect("written");
    assert!(
        saved
            .refusal()
            .starts_with("model/names.json was truncated: it has 0 bytes")
    );
}

#[test]
fn a_file_with_more_at_its_end() {
    let saved = Saved::new();
    let mut bytes = fs::read(saved.file("names.json")).expect("a file");
    bytes.push(b'\n');
    fs::write(saved.file("names.json"), bytes).expect("written");
    assert!(
        saved
            .refusal()
            .starts_with("model/names.json was altered: it has 18 bytes")
    );
}

#[test]
fn an_altered_file() {
    let saved = Saved::new();
    fs::write(saved.file("names.json"), "[\n  \"b\",\n  \"a\"\n]\n").expect("written");
    assert_eq!(
        saved.refusal(),
        "model/names.json was altered or damaged: its SHA-256 is not the one in the manifest"
    );
}

#[test]
fn a_length_in_the_manifest_is_compared_before_anything_is_allocated() {
    let saved = Saved::new();
    saved.edit_manifest(|m| m["files"][0]["bytes"] = json!(u64::MAX));
    assert!(
        saved
            .refusal()
            .contains("the manifest says 18446744073709551615")
    );
}

#[test]
fn a_file_of_another_kind() {
    let saved = Saved::new();
    saved.edit_manifest(|m| m["files"][0]["kind"] = json!("json"));
    assert_eq!(
        saved.refusal(),
        "model/weights.msgpack holds the field `weights` as json, and the program keeps it as msgpack"
    );
}

#[test]
fn a_file_that_is_not_in_the_folder() {
    for name in [
        "../outside",
        "/etc/hostname",
        "a/b",
        "..",
        ".",
        "",
        "a\\b",
        "c:x",
        "a\0",
        "a\n",
    ] {
        let saved = Saved::new();
        fs::write(saved.root.path().join("outside"), "x").expect("written");
        saved.edit_manifest(|m| m["files"][0]["file"] = json!(name));
        let refusal = saved.refusal();
        assert!(
            refusal.ends_with("is no plain file name"),
            "{name:?}: {refusal}"
        );
    }
}

#[test]
fn a_field_that_is_listed_twice() {
    let saved = Saved::new();
    saved.edit_manifest(|m| m["files"][1]["field"] = json!("weights"));
    assert!(
        saved
            .refusal()
            .ends_with("it lists the field `weights` twice")
    );
}

#[test]
fn more_files_than_a_model_has() {
    let saved = Saved::new();
    saved.edit_manifest(|m| {
        let entry = m["files"][0].clone();
        m["files"] = vec![entry; 257].into();
    });
    assert!(
        saved
            .refusal()
            .ends_with("it lists 257 files, and 256 are the most")
    );
}

#[test]
fn a_folder_for_a_file() {
    let saved = Saved::new();
    fs::remove_file(saved.file("names.json")).expect("removed");
    fs::create_dir(saved.file("names.json")).expect("a folder");
    assert_eq!(
        saved.refusal(),
        "cannot read model/names.json: it is no regular file"
    );
}

#[cfg(unix)]
#[test]
fn a_link_for_a_file() {
    let saved = Saved::new();
    let elsewhere = saved.root.path().join("elsewhere");
    fs::rename(saved.file("names.json"), &elsewhere).expect("renamed");
    std::os::unix::fs::symlink(elsewhere, saved.file("names.json")).expect("a link");
    assert_eq!(
        saved.refusal(),
        "cannot read model/names.json: it is no regular file"
    );
}

/// It would hang here if it did.
#[cfg(unix)]
#[test]
fn a_fifo_for_a_file_does_not_block() {
    for name in ["names.json", "manifest.json"] {
        let saved = Saved::new();
        fs::remove_file(saved.file(name)).expect("removed");
        let made = Command::new("mkfifo").arg(saved.file(name)).status();
        assert!(made.expect("mkfifo").success());
        assert_eq!(
            saved.refusal(),
            format!("cannot read model/{name}: it is no regular file")
        );
    }
}

#[test]
fn a_field_of_another_type() {
    #[derive(Debug)]
    struct Small {
        weights: Vec<String>,
    }
    artifact!(Small, "small", weights: stored);

    let saved = Saved::new();
    let error = Small::load(&Folder::open(saved.model()).expect("opened")).expect_err("refused");
    let sentence = error.to_string();
    assert!(
        sentence.contains("weights.msgpack holds no value of the field `weights`: "),
        "{sentence}"
    );
}

#[test]
fn an_array_of_another_length() {
    for name in ["shorter", "longer"] {
        #[derive(Debug)]
        struct Shorter {
            weights: [[f64; 4]; 2],
        }
        artifact!(Shorter, "small", weights: stored);
        #[derive(Debug)]
        struct Longer {
            weights: [[f64; 5]; 3],
        }
        artifact!(Longer, "small", weights: stored);

        let folder = Folder::open(Saved::new().model()).expect("opened");
        let error = match name {
            "shorter" => Shorter::load(&folder).map(|m| m.weights.len()),
            _ => Longer::load(&folder).map(|m| m.weights.len()),
        };
        error.expect_err("refused");
    }
}

// What may change between two versions of a program.

#[derive(Debug)]
struct Grown {
    weights: [[f64; 4]; 3],
    added: Option<Vec<f64>>,
    readable: Option<String>,
}
artifact!(Grown, "small", weights: stored, added: stored, readable: stored_as_json);

#[test]
fn a_new_optional_field_loads_from_an_old_folder() {
    let grown = Grown::load(&Folder::open(Saved::new().model()).expect("opened")).expect("loaded");
    assert_eq!(grown.weights, small().weights);
    assert_eq!((grown.added, grown.readable), (None, None));
}

#[test]
fn any_other_new_field_does_not() {
    #[derive(Debug)]
    struct Small {
        bias: [f64; 3],
    }
    artifact!(Small, "small", bias: stored);

    let saved = Saved::new();
    let error = Small::load(&Folder::open(saved.model()).expect("opened")).map(|m| m.bias);
    assert_eq!(
        error.expect_err("refused").to_string(),
        format!(
            "{} holds no field `bias`: it was saved by another version of the program",
            saved.model().display()
        )
    );
}

#[test]
fn files_that_nobody_lists_are_ignored() {
    let saved = Saved::new();
    fs::write(saved.file("README.md"), "mine").expect("written");
    assert_eq!(load(&saved.model()).expect("loaded"), small());
}

// Saving.

#[test]
fn a_nan_is_refused_where_json_would_lose_it() {
    #[derive(Debug)]
    struct Scale {
        by: BTreeMap<String, [f64; 2]>,
    }
    artifact!(Scale, "scale", by: stored_as_json);

    let root = tempfile::tempdir().expect("a folder");
    let scale = Scale {
        by: BTreeMap::from([("a".to_owned(), [1.0, f64::NAN])]),
    };
    let error = scale.save(root.path().join("model")).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "the field `by` cannot be saved as json: JSON has no NaN and no infinity, and it holds one, at `/0/1`"
    );
    assert!(names_in(root.path()).is_empty(), "nothing is left behind");
}

#[test]
fn a_failed_save_leaves_the_old_model_and_nothing_beside_it() {
    struct Fails;
    impl Artifact for Fails {
        const NAME: &'static str = "small";
        fn read(_: &Folder) -> Result<Self> {
            Ok(Self)
        }
        fn write(&self, draft: &mut Draft) -> Result<()> {
            stored("weights").save(&[0.0; 4], draft)?;
            Err(Error::setup("no more"))
        }
    }

    let saved = Saved::new();
    Fails.save(saved.model()).expect_err("fails");
    assert_eq!(load(&saved.model()).expect("loaded"), small());
    assert!(saved.beside().is_empty());
}

#[test]
fn a_save_replaces_the_whole_model() {
    #[derive(Debug)]
    struct Other {
        bias: f64,
    }
    artifact!(Other, "other", bias: stored);

    let saved = Saved::new();
    Other { bias: 1.0 }.save(saved.model()).expect("saved");
    assert_eq!(names_in(&saved.model()), ["bias.msgpack", "manifest.json"]);
    assert!(saved.beside().is_empty());
}

#[test]
fn a_damaged_model_can_be_replaced() {
    let saved = Saved::new();
    fs::remove_file(saved.file("names.json")).expect("removed");
    small().save(saved.model()).expect("saved");
    assert_eq!(load(&saved.model()).expect("loaded"), small());
}

#[test]
fn folders_above_the_model_are_made() {
    let root = tempfile::tempdir().expect("a folder");
    let deep = root.path().join("a/b/model");
    small().save(&deep).expect("saved");
    assert_eq!(load(&deep).expect("loaded"), small());
}

#[test]
fn a_folder_of_something_else_is_not_replaced() {
    for (name, text) in [
        ("thesis.tex", "years of work"),
        ("manifest.json", "{\"name\":\"a web page\",\"icons\":[]}"),
    ] {
        let root = tempfile::tempdir().expect("a folder");
        fs::write(root.path().join(name), text).expect("written");
        let error = small().save(root.path()).expect_err("refused");
        assert!(
            error.to_string().ends_with(
                "it holds something else than a model; delete it first, or save elsewhere"
            ),
            "{error}"
        );
        assert_eq!(
            fs::read_to_string(root.path().join(name)).expect("there"),
            text
        );
    }
}

#[test]
fn a_file_is_not_replaced() {
    let root = tempfile::tempdir().expect("a folder");
    fs::write(root.path().join("model"), "text").expect("written");
    let error = small()
        .save(root.path().join("model"))
        .expect_err("refused");
    assert!(error.to_string().ends_with("it is no folder"), "{error}");
}

#[cfg(unix)]
#[test]
fn through_a_link_the_folder_that_it_leads_to_is_replaced() {
    let saved = Saved::new();
    let link = saved.root.path().join("current");
    std::os::unix::fs::symlink("model", &link).expect("a link");
    let mut model = small();
    model.names.clear();
    model.save(&link).expect("saved");
    assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    assert_eq!(load(&link).expect("loaded"), model);
    assert_eq!(load(&saved.model()).expect("loaded"), model);
}

// Two at once, and crashes.

/// A model of which a mix is plain to see: all its files hold the same number.
struct Version {
    a: Vec<u64>,
    b: u64,
    c: Vec<u64>,
}
artifact!(Version, "version", a: stored, b: stored_as_json, c: stored);

impl Version {
    fn of(n: u64) -> Self {
        Self {
            a: vec![n; 2000],
            b: n,
            c: vec![n; 50],
        }
    }

    fn load_from(path: &Path) -> Result<u64> {
        let version = Self::load(&Folder::open(path)?)?;
        assert!(version.a.iter().chain(&version.c).all(|n| *n == version.b));
        Ok(version.b)
    }
}

#[test]
fn a_model_that_is_replaced_while_it_is_loaded_is_one_or_the_other() {
    let root = tempfile::tempdir().expect("a folder");
    let model = root.path().join("model");
    Version::of(0).save(&model).expect("saved");
    let loaded = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for saver in [1, 1_000_000] {
            let (model, loaded) = (&model, &loaded);
            scope.spawn(move || {
                let mut n = saver;
                while !loaded.load(Ordering::Relaxed) {
                    Version::of(n)
                        .save(model)
                        .expect("saved beside another saver");
                    n += 1;
                }
            });
        }
        let result = (0..500).try_for_each(|_| Version::load_from(&model).map(drop));
        loaded.store(true, Ordering::Relaxed);
        result.expect("every load finds one whole model");
    });
    assert_eq!(names_in(root.path()), ["model"]);
}

#[test]
fn an_open_folder_is_read_to_its_end_though_it_was_replaced() {
    let root = tempfile::tempdir().expect("a folder");
    let model = root.path().join("model");
    Version::of(1).save(&model).expect("saved");
    let open = Folder::open(&model).expect("opened");
    Version::of(2).save(&model).expect("saved");
    assert_eq!(Version::load(&open).expect("loaded").b, 1);
    assert_eq!(Version::load_from(&model).expect("loaded"), 2);
}

#[test]
fn the_old_model_is_found_where_an_interrupted_save_has_left_it() {
    let saved = Saved::new();
    let aside = saved.root.path().join(".model.previous");
    fs::rename(saved.model(), &aside).expect("renamed");
    assert_eq!(load(&saved.model()).expect("loaded"), small());
    small().save(saved.model()).expect("saved");
    assert!(saved.beside().is_empty());
}

/// Names the folder to a test that is run again as a process of its own, to be killed.
const CHILD: &str = "SELDON_TEST_SAVE_TO";

fn child(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, folder)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[test]
fn a_process_that_dies_while_it_writes_leaves_the_old_model() {
    struct Dies;
    impl Artifact for Dies {
        const NAME: &'static str = "version";
        fn read(_: &Folder) -> Result<Self> {
            Ok(Self)
        }
        fn write(&self, draft: &mut Draft) -> Result<()> {
            stored("a").save(&vec![9_u64; 2000], draft)?;
            std::process::abort()
        }
    }

    if let Some(model) = std::env::var_os(CHILD) {
        let _ = Dies.save(model);
        return;
    }
    let root = tempfile::tempdir().expect("a folder");
    let model = root.path().join("model");
    Version::of(1).save(&model).expect("saved");
    let test = "a_process_that_dies_while_it_writes_leaves_the_old_model";
    let status = child(test, &model).stdout(Stdio::null()).status();
    assert!(!status.expect("it ran").success());
    assert_eq!(names_in(root.path()).len(), 2, "the draft is left");
    assert_eq!(Version::load_from(&model).expect("loaded"), 1);
    Version::of(2).save(&model).expect("saved");
    assert_eq!(Version::load_from(&model).expect("loaded"), 2);
}

#[test]
fn a_process_killed_at_any_moment_leaves_a_whole_model() {
    if let Some(model) = std::env::var_os(CHILD) {
        // Ends by the signal, or, if the parent is gone, when the pipe breaks.
        for n in 1.. {
            Version::of(n).save(&model).expect("saved");
            println!("saved {n}");
        }
    }
    let root = tempfile::tempdir().expect("a folder");
    let model = root.path().join("model");
    Version::of(0).save(&model).expect("saved");
    for saves in 1..12 {
        let test = "a_process_killed_at_any_moment_leaves_a_whole_model";
        let mut process = child(test, &model)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let seen = lines
            .map_while(Result::ok)
            .filter(|line| line.ends_with(&format!("saved {saves}")))
            .take(1)
            .count();
        process.kill().expect("killed");
        process.wait().expect("gone");
        assert_eq!(seen, 1);
        let version = Version::load_from(&model).expect("a whole model");
        assert!(version >= saves, "what was reported as saved is there");
    }
}
