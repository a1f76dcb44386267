//! A real server of S3, moto: what is saved there is what is fetched.

use std::collections::BTreeSet;
use std::fs;

use seldon_runtime::__private::{Artifact, Draft, Folder, Result, stored};
use seldon_runtime::{Location, Matrix, Persist, Storage};

use super::model::{Small, Whatever, location, small, storage};
use super::python::{Moto, program};

/// A server with the bucket `models`.
struct Kept {
    moto: Moto,
    staging: tempfile::TempDir,
}

impl Kept {
    fn new() -> Self {
        super::logs::keep();
        let kept = Self {
            moto: Moto::start(),
            staging: tempfile::tempdir().expect("a folder"),
        };
        kept.python("s3.create_bucket(Bucket='models')");
        kept
    }

    fn storage(&self) -> Storage {
        storage(self.moto.url.clone(), self.staging.path())
    }

    /// Does something by the client that Python's users have. What it prints.
    fn python(&self, what: &str) -> String {
        let url = &self.moto.url;
        let text = format!(
            "import boto3\n\
             s3 = boto3.client('s3', endpoint_url='{url}', region_name='us-east-1',\n\
             \x20   aws_access_key_id='any', aws_secret_access_key='any')\n\
             {what}\n"
        );
        let output = std::process::Command::new(program("python"))
            .args(["-c", &text])
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).expect("a text")
    }

    fn put(&self, key: &str, text: &str) {
        self.python(&format!(
            "s3.put_object(Bucket='models', Key='{key}', Body=b'{text}')"
        ));
    }

    fn keys(&self) -> BTreeSet<String> {
        let listed = self.python(
            "print(*[o['Key'] for o in s3.list_objects_v2(Bucket='models').get('Contents', [])], sep='\\n')",
        );
        listed
            .lines()
            .map(str::to_owned)
            .filter(|key| !key.is_empty())
            .collect()
    }

    fn load(&self, at: &Location) -> Result<Small> {
        Small::load(&Folder::open_for::<Small>(at, &self.storage())?)
    }
}

#[test]
fn a_model_is_saved_to_a_bucket_and_fetched_from_it() {
    let kept = Kept::new();
    let at = location("s3n://models/deep/prefix/small");
    small().save_with(&at, &kept.storage()).expect("saved");
    assert_eq!(kept.load(&at).expect("loaded"), small());
    let folder = Folder::open_for::<Small>(&at, &kept.storage()).expect("opened");
    assert_eq!(
        folder.location().to_string(),
        "s3://models/deep/prefix/small"
    );
    assert_eq!(folder.service(), Some("small"));
    assert_eq!(folder.files().len(), 2);
    // It is at the root of a bucket, too.
    let root = location("s3://models");
    small().save_with(&root, &kept.storage()).expect("saved");
    assert_eq!(kept.load(&root).expect("loaded"), small());
}

#[test]
fn a_save_replaces_the_model_in_one_step_and_leaves_nothing_of_the_old_one() {
    let kept = Kept::new();
    let at = location("s3://models/small");
    small().save_with(&at, &kept.storage()).expect("saved");
    kept.put("small/candidates.json", "{}");
    let before = kept.keys();
    let old = Folder::open_for::<Small>(&at, &kept.storage()).expect("opened");
    let next = Small {
        name: "next".to_owned(),
        ..small()
    };
    next.save_with(&at, &kept.storage()).expect("saved");
    assert_eq!(kept.load(&at).expect("loaded"), next);
    assert_eq!(
        Small::load(&old).expect("loaded"),
        small(),
        "what was open stays"
    );
    let after = kept.keys();
    assert_eq!(before.len(), after.len());
    assert!(
        after.contains("small/candidates.json"),
        "which is no part of the model"
    );
    // The weights are the same and so is their name; the other file is another.
    assert_eq!(before.difference(&after).count(), 1);
}

#[test]
fn what_another_program_keeps_there_is_not_replaced() {
    let kept = Kept::new();
    kept.put("page/manifest.json", "{\"name\": \"a page\"}");
    let error = small().save_with(location("s3://models/page"), &kept.storage());
    assert_eq!(
        error.expect_err("refused").to_string(),
        "s3://models/page is not replaced by the model: its manifest.json is another program's"
    );
    let error = small().save_with(location("s3://nobodys/small"), &kept.storage());
    assert_eq!(
        error.expect_err("refused").to_string(),
        "cannot fetch s3://nobodys/small/manifest.json: there is no such bucket"
    );
}

#[test]
fn a_file_of_many_parts_is_saved_and_fetched() {
    let kept = Kept::new();
    let large = Small {
        weights: (0..1_200_000).map(f64::from).collect(),
        ..small()
    };
    let at = location("s3://models/large");
    large.save_with(&at, &kept.storage()).expect("saved");
    assert_eq!(kept.load(&at).expect("loaded"), large);
}

#[test]
fn files_that_another_program_left_are_fetched() {
    let kept = Kept::new();
    for name in ["model.ubj", "pipeline.toml", ".hidden", "below/file"] {
        kept.put(&format!("loose/{name}"), name);
    }
    kept.python("s3.put_object(Bucket='models', Key='loose/')");
    let storage = kept.storage();
    let open = |at: &str| Folder::open_for::<Whatever>(&location(at), &storage);
    for at in ["s3://models/loose", "s3://models/loose/"] {
        let folder = open(at).expect("opened");
        let files: Vec<_> = folder.files().collect();
        assert_eq!(files, [("model.ubj", 9), ("pipeline.toml", 13)]);
        assert_eq!(folder.bytes("model.ubj").expect("read"), b"model.ubj");
        assert_eq!(folder.service(), None);
    }
    let folder = open("s3://models/loose/model.ubj").expect("opened");
    assert_eq!(folder.files().collect::<Vec<_>>(), [("model.ubj", 9)]);
    // The same files here have the same digest.
    let root = tempfile::tempdir().expect("a folder");
    for name in ["model.ubj", "pipeline.toml"] {
        fs::write(root.path().join(name), name).expect("written");
    }
    let (here, there) = (Folder::open_loose(root.path()), open("s3://models/loose/"));
    assert_eq!(
        here.expect("opened").digest(),
        there.expect("opened").digest()
    );
}

#[test]
fn a_glance_changes_with_what_is_in_the_bucket_and_only_then() {
    let kept = Kept::new();
    let storage = kept.storage();
    let at = location("s3://models/small");
    let glance = |at: &Location| at.glance(&storage);
    assert!(glance(&at).is_err(), "there is nothing");
    small().save_with(&at, &storage).expect("saved");
    let first = glance(&at).expect("it is there");
    assert_eq!(first, glance(&at).expect("it is there"));
    let next = Small {
        name: "next".to_owned(),
        ..small()
    };
    next.save_with(&at, &storage).expect("saved");
    assert_ne!(first, glance(&at).expect("it is there"));
    let loose = location("s3://models/loose/");
    kept.put("loose/model.ubj", "one");
    let first = glance(&loose).expect("it is there");
    assert_eq!(first, glance(&loose).expect("it is there"));
    kept.put("loose/model.ubj", "two");
    assert_ne!(first, glance(&loose).expect("it is there"));
}

/// A model that Python reads, and writes.
#[derive(Debug, PartialEq)]
struct Shared {
    settings: Settings,
    vectors: Matrix,
    labels: Vec<String>,
}

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Settings {
    rate: f64,
    sizes: Vec<u32>,
    name: Option<String>,
    #[serde(default)]
    added_later: Option<u8>,
}

impl Artifact for Shared {
    const NAME: &'static str = "shared";
    fn read(folder: &Folder) -> Result<Self> {
        Ok(Self {
            settings: stored("settings").load(folder)?,
            vectors: stored("vectors").load(folder)?,
            labels: seldon_runtime::__private::stored_as_json("labels").load(folder)?,
        })
    }
    fn write(&self, draft: &mut Draft) -> Result<()> {
        stored("settings").save(&self.settings, draft)?;
        stored("vectors").save(&self.vectors, draft)?;
        seldon_runtime::__private::stored_as_json("labels").save(&self.labels, draft)
    }
}

fn shared() -> Shared {
    Shared {
        settings: Settings {
            rate: 0.125,
            sizes: vec![1, 70_000],
            name: Some("ü".to_owned()),
            added_later: None,
        },
        vectors: Matrix::new(2, 3, vec![1.0, -2.5, 3.0, 4.0, 5.0, 6.5]).expect("it fits"),
        labels: vec!["a".to_owned(), "b".to_owned()],
    }
}

fn python(text: &str, folder: &std::path::Path) -> String {
    let output = std::process::Command::new(program("python"))
        .args(["-c", text])
        .current_dir(folder)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).expect("a text")
}

#[test]
fn python_reads_what_was_written() {
    let root = tempfile::tempdir().expect("a folder");
    shared().save(root.path().join("model")).expect("saved");
    let said = python(
        "import hashlib, json, msgpack, numpy\n\
         manifest = json.load(open('model/manifest.json'))\n\
         assert manifest['format'] == 1 and manifest['service'] == 'shared'\n\
         files = {}\n\
         for entry in manifest['files']:\n\
         \x20   data = open('model/' + entry['file'], 'rb').read()\n\
         \x20   assert len(data) == entry['bytes']\n\
         \x20   assert hashlib.sha256(data).hexdigest() == entry['sha256']\n\
         \x20   files[entry['field']] = data\n\
         print(msgpack.unpackb(files['settings']))\n\
         rows, columns = numpy.frombuffer(files['vectors'][:16], '<u8')\n\
         print(numpy.frombuffer(files['vectors'][16:], '<f4').reshape(rows, columns).tolist())\n\
         print(json.loads(files['labels']))\n",
        root.path(),
    );
    assert_eq!(
        said,
        "{'rate': 0.125, 'sizes': [1, 70000], 'name': 'ü', 'added_later': None}\n\
         [[1.0, -2.5, 3.0], [4.0, 5.0, 6.5]]\n\
         ['a', 'b']\n"
    );
}

#[test]
fn what_python_writes_is_read() {
    let root = tempfile::tempdir().expect("a folder");
    python(
        "import hashlib, json, msgpack, numpy, os\n\
         os.mkdir('model')\n\
         vectors = numpy.array([[1, -2.5, 3], [4, 5, 6.5]], '<f4')\n\
         fields = [\n\
         \x20   ('settings', 'msgpack', msgpack.packb({'rate': 0.125, 'sizes': [1, 70000], 'name': 'ü'})),\n\
         \x20   ('vectors', 'matrix', numpy.array(vectors.shape, '<u8').tobytes() + vectors.tobytes()),\n\
         \x20   ('labels', 'json', json.dumps(['a', 'b']).encode()),\n\
         ]\n\
         files = []\n\
         for field, kind, data in fields:\n\
         \x20   file = f'{field}.{kind}'\n\
         \x20   open('model/' + file, 'wb').write(data)\n\
         \x20   files.append(dict(field=field, file=file, kind=kind, schema=1, bytes=len(data),\n\
         \x20       sha256=hashlib.sha256(data).hexdigest()))\n\
         json.dump(dict(format=1, service='shared', files=files), open('model/manifest.json', 'w'))\n",
        root.path(),
    );
    let folder = Folder::open(root.path().join("model")).expect("opened");
    // Written before a field was added, too.
    assert_eq!(Shared::load(&folder).expect("loaded"), shared());
}

#[test]
fn a_matrix_is_as_long_as_its_numbers() {
    let bytes = shared().vectors.to_bytes().expect("any matrix has bytes");
    assert_eq!(bytes.len(), 16 + 4 * 6);
}
