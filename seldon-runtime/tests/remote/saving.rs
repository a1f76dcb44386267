//! What fails while a model is saved elsewhere: the old one stays.

use std::time::Duration;

use seldon_runtime::__private::Artifact;

use super::bucket::{Bucket, no_fault};
use super::model::{Small, location, small};
use super::server::reply;

fn next() -> Small {
    Small {
        name: "next".to_owned(),
        ..small()
    }
}

#[test]
fn the_manifest_is_written_last() {
    let bucket = Bucket::start(Vec::new(), no_fault);
    let at = location("s3://models/small");
    small().save_with(&at, &bucket.storage()).expect("saved");
    let asked = bucket.server.asked();
    let puts: Vec<_> = asked
        .iter()
        .filter(|line| line.starts_with("PUT"))
        .collect();
    assert_eq!(puts.len(), 3, "{asked:?}");
    assert_eq!(puts[2], "PUT /models/small/manifest.json");
    assert_eq!(bucket.load().expect("loaded"), small());
    bucket.nothing_is_left();
}

#[test]
fn a_save_that_breaks_off_leaves_the_old_model() {
    // It had been saved by another program, under plain names.
    let bucket = Bucket::of_small(|request, write, _| {
        let fails = request.method == "PUT" && request.path.ends_with("manifest.json");
        if fails {
            reply(
                write,
                "403 Forbidden",
                "",
                b"<Error><Code>AccessDenied</Code></Error>",
            );
        }
        fails
    });
    let at = location("s3://models/small");
    let error = next()
        .save_with(&at, &bucket.storage())
        .expect_err("it fails");
    assert_eq!(
        error.to_string(),
        "cannot write s3://models/small/manifest.json: access is refused with 403 AccessDenied: \
         see whether credentials and region are right, and allow this"
    );
    assert_eq!(bucket.load().expect("loaded"), small());
    bucket.nothing_is_left();
}

#[test]
fn a_server_that_is_ill_for_a_while_is_sent_it_again() {
    let bucket = Bucket::start(Vec::new(), |request, write, _| {
        let fails = request.method == "PUT" && request.before == 0;
        if fails {
            reply(write, "503 Slow Down", "", b"");
        }
        fails
    });
    let at = location("s3://models/small");
    small().save_with(&at, &bucket.storage()).expect("saved");
    assert_eq!(bucket.load().expect("loaded"), small());
}

#[test]
fn a_server_that_stays_ill_is_given_up() {
    let bucket = Bucket::start(Vec::new(), |request, write, _| {
        if request.method == "PUT" {
            reply(write, "503 Slow Down", "", b"");
        }
        request.method == "PUT"
    });
    let mut storage = bucket.storage();
    storage.retry = Duration::from_millis(200);
    let error = small().save_with(location("s3://models/small"), &storage);
    let sentence = error.expect_err("it fails").to_string();
    assert!(
        sentence.starts_with("cannot write s3://models/small/")
            && sentence.ends_with(" answers 503"),
        "{sentence}"
    );
    bucket.nothing_is_left();
}

#[test]
fn nothing_is_saved_over_https() {
    let error = small()
        .save(location("https://localhost/small/"))
        .expect_err("refused");
    assert_eq!(
        error.to_string(),
        "a model cannot be saved at https://localhost/small/: over https:// it can only be fetched"
    );
}
