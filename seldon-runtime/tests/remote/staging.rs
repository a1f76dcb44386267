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

/// A bucket whose weights come in pieces, with time between them.
#[cfg(unix)]
fn slow_bucket() -> Bucket {
    Bucket::of_small(|request, write, _| {
        let is_slow = request.path.ends_with("weights.msgpack");
        if is_slow {
            let files = super::model::files_of(&small());
            let found = files.iter().find(|(name, _)| name == "weights.msgpack");
            let bytes = &found.expect("it is saved").1;
            let tag = super::bucket::tag(bytes);
            let length = bytes.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\netag: {tag}\r\n\
                 last-modified: Wed, 25 Nov 2026 00:00:00 GMT\r\n\r\n"
            );
            let _ = write.write_all(head.as_bytes());
            for piece in bytes.chunks(length / 2) {
                std::thread::sleep(std::time::Duration::from_millis(150));
                let _ = write.write_all(piece);
            }
        }
        is_slow
    })
}

/// What the program writes to its standard error, which is `stderr`.
#[cfg(unix)]
fn run_with(bucket: &Bucket, stderr: impl Into<Stdio>) -> std::process::Output {
    let mut program = Command::new(std::env::current_exe().expect("it runs"));
    let program = program
        .args(["staging::program", "--exact", "--ignored"])
        .env("ENDPOINT", bucket.server.url())
        .env("STAGING", bucket.staging.path())
        .stdout(Stdio::null())
        .stderr(stderr);
    program
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .expect("it runs")
}

#[cfg(unix)]
#[test]
fn a_terminal_shows_how_far_it_is_and_nothing_else_does() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let bucket = slow_bucket();
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("it is ours");
    unlockpt(&terminal).expect("it is ours");
    let name = ptsname(&terminal, Vec::new()).expect("it has a name");
    let name = name.into_string().expect("it is text");
    let stderr = fs::File::options()
        .read(true)
        .write(true)
        .open(name)
        .expect("opened");
    run_with(&bucket, stderr);
    let mut shown = Vec::new();
    // It ends with an error where nobody has the other side any more.
    let _ = std::io::Read::read_to_end(&mut fs::File::from(terminal), &mut shown);
    let shown = String::from_utf8(shown).expect("a text");
    assert!(
        shown.contains("\r\u{1b}[Kfetching s3://models/small: 0.0 of 0.0 MB, "),
        "{shown}"
    );
    assert!(
        shown.ends_with("\r\u{1b}[K"),
        "the line is left empty: {shown:?}"
    );

    let output = run_with(&bucket, Stdio::piped());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
