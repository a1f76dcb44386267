//! The folder that a model is fetched to: private, and gone when it is not needed any more.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use seldon_runtime::__private::{Artifact, Folder};

use super::bucket::{Bucket, no_fault};
use super::model::{Small, location, small, storage};
use super::server::{reply, wait_for_the_end};

fn folders_in(staging: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(staging).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

#[test]
fn it_is_there_as_long_as_the_folder_is_open() {
    let bucket = Bucket::of_small(no_fault);
    let folder = Folder::open_for::<Small>(&location("s3://models/small"), &bucket.storage());
    let folder = folder.expect("opened");
    assert_eq!(
        folders_in(bucket.staging.path()),
        [folder.path().to_owned()]
    );
    assert!(folder.path().join("weights.msgpack").is_file());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let mode = fs::metadata(folder.path())
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }
    assert_eq!(Small::load(&folder).expect("loaded"), small());
    drop(folder);
    bucket.nothing_is_left();
}

/// Not a test: a program that fetches until it is killed.
#[test]
#[ignore = "the program of the test below"]
fn program() {
    let variable = |name| std::env::var(name).expect("it is set");
    let storage = storage(variable("ENDPOINT"), Path::new(&variable("STAGING")));
    let _ = Folder::open_for::<Small>(&location("s3://models/small"), &storage);
}

#[test]
fn what_a_killed_process_left_is_removed_by_the_next() {
    let (began, begins) = mpsc::channel();
    let bucket = Bucket::of_small(move |request, _, read| {
        let hangs = request.path.ends_with("weights.msgpack") && request.before == 0;
        if hangs {
            began.send(()).expect("the test waits");
            wait_for_the_end(read);
        }
        hangs
    });
    let mut program = Command::new(std::env::current_exe().expect("it runs"))
        .args(["staging::program", "--exact", "--ignored"])
        .env("ENDPOINT", bucket.server.url())
        .env("STAGING", bucket.staging.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    begins.recv().expect("it fetches");
    let left = folders_in(bucket.staging.path());
    program
        .kill()
        .and_then(|()| program.wait())
        .expect("killed");
    assert_eq!(left.len(), 1);
    assert!(left[0].exists(), "nobody was there to remove it");
    assert_eq!(bucket.load().expect("loaded"), small());
    bucket.nothing_is_left();
}

#[test]
fn a_staging_folder_that_cannot_be_is_said() {
    let bucket = Bucket::of_small(no_fault);
    let mut storage = bucket.storage();
    let file = bucket.staging.path().join("file");
    fs::write(&file, "").expect("written");
    storage.staging = Some(file.clone());
    let error = bucket
        .load_with(&storage)
        .expect_err("it is a file")
        .to_string();
    assert!(
        error.starts_with(&format!(
            "cannot keep what is fetched in {}",
            file.display()
        )),
        "{error}"
    );
}

#[test]
fn a_fetch_that_fails_leaves_nothing() {
    let bucket = Bucket::of_small(|request, write, _| {
        let fails = request.path.ends_with("name.msgpack");
        if fails {
            reply(write, "403 Forbidden", "", b"");
        }
        fails
    });
    assert!(bucket.refusal().contains("access is refused with 403"));
}
