//! What fails on the way: tried again as long as it may pass, then said in one sentence.

use std::io::Write;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use seldon_runtime::__private::Folder;

use super::bucket::{Bucket, in_folder, no_fault, tag};
use super::model::{Small, Whatever, location, small};
use super::server::{Request, reply, wait_for_the_end};

const WEIGHTS: &str = "/models/small/weights.msgpack";

/// A model whose weights take several reads.
fn large() -> Small {
    Small {
        weights: (0..20_000).map(f64::from).collect(),
        ..small()
    }
}

fn is_weights(request: &Request) -> bool {
    request.path == WEIGHTS
}

/// The head of an answer of `bytes`, of which only some will come.
fn head(write: &mut dyn Write, bytes: &[u8]) {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\netag: {}\r\n\
         last-modified: Wed, 25 Nov 2026 00:00:00 GMT\r\n\r\n",
        bytes.len(),
        tag(bytes)
    );
    let _ = write.write_all(head.as_bytes());
}

fn weights(model: &Small) -> Vec<u8> {
    let objects = in_folder("small", model);
    let found = objects
        .into_iter()
        .find(|(key, _)| key.ends_with("weights.msgpack"));
    found.expect("it is saved").1
}

#[test]
fn a_good_server_is_asked_once_for_each_file_and_for_the_manifest_first() {
    let bucket = Bucket::of_small(no_fault);
    assert_eq!(bucket.load().expect("loaded"), small());
    let asked = bucket.server.asked();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert_eq!(asked[0], "GET /models/small/manifest.json");
    bucket.nothing_is_left();
}

#[test]
fn access_that_is_refused_is_said_at_once_with_the_storages_word() {
    let bucket = Bucket::of_small(|_, write, _| {
        let body = b"<Error><Code>InvalidAccessKeyId</Code><Key>HUSH</Key></Error>";
        reply(write, "403 Forbidden", "", body);
        true
    });
    assert_eq!(
        bucket.refusal(),
        "cannot fetch s3://models/small/manifest.json: access is refused with 403 InvalidAccessKeyId: \
         see whether credentials and region are right, and allow this"
    );
    assert_eq!(bucket.server.asked().len(), 1);
}

#[test]
fn a_wrong_region_is_said_at_once() {
    let bucket = Bucket::of_small(|_, write, _| {
        let body =
            b"<Error><Code>AuthorizationHeaderMalformed</Code>\n<Region>HUSH</Region></Error>";
        reply(write, "400 Bad Request", "", body);
        true
    });
    assert_eq!(
        bucket.refusal(),
        "cannot fetch s3://models/small/manifest.json: access is refused with 400 \
         AuthorizationHeaderMalformed: see whether credentials and region are right, and allow this"
    );
}

#[test]
fn what_is_not_there_is_said_at_once() {
    let bucket = Bucket::start(Vec::new(), no_fault);
    assert_eq!(
        bucket.refusal(),
        "there is no model folder s3://models/small: it has no manifest.json"
    );
    assert_eq!(bucket.server.asked().len(), 1);
    let storage = bucket.storage();
    let error = Folder::open_for::<Small>(&location("s3://other/small"), &storage);
    let error = error.expect_err("there is no such bucket").to_string();
    assert_eq!(
        error,
        "cannot fetch s3://other/small/manifest.json: there is no such bucket"
    );
    let error = Folder::open_for::<Whatever>(&location("s3://models/small"), &storage);
    let error = error.expect_err("there is nothing").to_string();
    assert_eq!(error, "there is no model at s3://models/small");
}

#[test]
fn a_server_that_is_ill_for_a_while_is_asked_again() {
    let bucket = Bucket::of_small(|request, write, _| {
        let status = [
            "500 Internal Server Error",
            "503 Slow Down",
            "429 Too Many Requests",
        ];
        let Some(status) = status.get(request.before) else {
            return false;
        };
        reply(write, status, "", b"<Error><Code>SlowDown</Code></Error>");
        true
    });
    assert_eq!(bucket.load().expect("loaded"), small());
    assert_eq!(bucket.server.asked().len(), 12);
}

#[test]
fn a_server_that_stays_ill_is_given_up_after_the_stated_time() {
    let bucket = Bucket::of_small(|_, write, _| {
        reply(write, "503 Service Unavailable", "", b"");
        true
    });
    let mut storage = bucket.storage();
    storage.retry = Duration::from_millis(400);
    let sentence = bucket.refusal_with(&storage);
    let (said, tried) = sentence
        .split_once("; it was tried ")
        .expect("it was tried again");
    assert_eq!(
        said,
        "cannot fetch s3://models/small/manifest.json: HOST answers 503"
    );
    assert!(tried.ends_with(" times in 400ms"), "{tried}");
    assert!(bucket.server.asked().len() >= 2);
}

#[test]
fn a_server_that_is_down_is_given_up_after_the_stated_time() {
    let bucket = Bucket::of_small(no_fault);
    // A port at which nothing listens any more.
    let gone = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let gone = gone.expect("a port");
    let mut storage = bucket.storage();
    storage.s3_endpoint = Some(format!("http://{gone}"));
    storage.retry = Duration::from_millis(300);
    let sentence = bucket
        .refusal_with(&storage)
        .replace(&gone.to_string(), "HOST");
    assert!(
        sentence.starts_with(
            "cannot fetch s3://models/small/manifest.json: HOST cannot be reached: Connection refused"
        ),
        "{sentence}"
    );
    assert!(sentence.ends_with(" times in 300ms"), "{sentence}");
}

#[test]
fn a_body_that_breaks_off_goes_on_where_it_did() {
    let model = large();
    let bytes = weights(&model);
    let (half, whole) = (bytes.len() / 2, bytes.clone());
    let bucket = Bucket::start(in_folder("small", &model), move |request, write, _| {
        let breaks = is_weights(request) && request.before == 0;
        if breaks {
            head(write, &whole);
            let _ = write.write_all(&whole[..half]);
        }
        breaks
    });
    assert_eq!(bucket.load().expect("loaded"), model);
}

#[test]
fn a_body_that_always_breaks_off_is_given_up() {
    let model = large();
    let bytes = weights(&model);
    let bucket = Bucket::start(in_folder("small", &model), move |request, write, _| {
        if is_weights(request) {
            head(write, &bytes);
            let _ = write.write_all(&bytes[..10]);
        }
        is_weights(request)
    });
    let sentence = bucket.refusal();
    assert!(
        sentence.starts_with(
            "cannot fetch s3://models/small/weights.msgpack: the connection was lost before the file's end"
        ),
        "{sentence}"
    );
}

#[test]
fn silence_within_a_body_is_not_borne() {
    let model = large();
    let bytes = weights(&model);
    let bucket = Bucket::start(in_folder("small", &model), move |request, write, read| {
        if is_weights(request) {
            head(write, &bytes);
            let _ = write.write_all(&bytes[..10]);
            wait_for_the_end(read);
        }
        is_weights(request)
    });
    let mut storage = bucket.storage();
    storage.silence = Duration::from_millis(100);
    let sentence = bucket.refusal_with(&storage);
    assert!(
        sentence
            .starts_with("cannot fetch s3://models/small/weights.msgpack: nothing came for 100ms"),
        "{sentence}"
    );
}

#[test]
fn a_server_that_does_not_answer_is_not_borne() {
    let bucket = Bucket::of_small(|_, _, read| {
        wait_for_the_end(read);
        true
    });
    let mut storage = bucket.storage();
    (storage.silence, storage.retry) = (Duration::from_millis(100), Duration::from_millis(200));
    let sentence = bucket.refusal_with(&storage);
    assert!(
        sentence.starts_with(
            "cannot fetch s3://models/small/manifest.json: HOST did not answer in time; it was tried"
        ),
        "{sentence}"
    );
}

#[test]
fn a_slow_body_that_is_never_silent_is_awaited() {
    let bytes = weights(&small());
    let bucket = Bucket::of_small(move |request, write, _| {
        if is_weights(request) {
            head(write, &bytes);
            // In all, longer than silence may last.
            for byte in &bytes {
                let _ = write.write_all(&[*byte]);
                std::thread::sleep(Duration::from_millis(30));
            }
        }
        is_weights(request)
    });
    let mut storage = bucket.storage();
    storage.silence = Duration::from_millis(600);
    assert!(weights(&small()).len() * 30 > 800, "it takes longer");
    assert_eq!(bucket.load_with(&storage).expect("loaded"), small());
    let asked = bucket.server.asked();
    assert_eq!(
        asked
            .iter()
            .filter(|line| line.ends_with("weights.msgpack"))
            .count(),
        1
    );
}

#[test]
fn a_model_that_is_replaced_while_it_is_fetched_is_one_or_the_other() {
    let next = Small {
        name: "next".to_owned(),
        weights: vec![9.0; 5],
    };
    let objects = Arc::new(Mutex::new(None::<Arc<Mutex<super::bucket::Objects>>>));
    let (held, new) = (Arc::clone(&objects), in_folder("small", &next));
    let bucket = Bucket::of_small(move |request, _, _| {
        // After the manifest was read, and before its files are.
        if is_weights(request) && request.before == 0 {
            let held = held.lock().expect("no panic").clone().expect("it is set");
            *held.lock().expect("no panic") = new.clone();
        }
        false
    });
    *objects.lock().expect("no panic") = Some(Arc::clone(&bucket.objects));
    assert_eq!(bucket.load().expect("loaded"), next);
    bucket.nothing_is_left();
}

#[test]
fn a_file_that_is_not_as_the_manifest_says_is_refused_soon() {
    for (damaged, said) in [
        (
            &b"0123456789"[..],
            "was truncated: it has 10 bytes, and was said to have",
        ),
        (
            &[0; 100][..],
            "was altered: it has 100 bytes, and was said to have",
        ),
    ] {
        let bucket = Bucket::of_small(no_fault);
        for (key, bytes) in &mut *bucket.objects.lock().expect("no panic") {
            if key.ends_with("weights.msgpack") {
                *bytes = damaged.to_vec();
            }
        }
        let sentence = bucket.refusal();
        assert!(
            sentence.starts_with("s3://models/small/weights.msgpack "),
            "{sentence}"
        );
        assert!(sentence.contains(said), "{sentence}");
        // The manifest was looked at again, in case it was about to be replaced.
        assert!(bucket.server.asked().len() > 4);
    }
    let bucket = Bucket::of_small(no_fault);
    for (key, bytes) in &mut *bucket.objects.lock().expect("no panic") {
        if key.ends_with("weights.msgpack") {
            bytes[3] ^= 1;
        }
    }
    assert!(
        bucket
            .refusal()
            .contains("was altered or damaged: its SHA-256")
    );
    bucket
        .objects
        .lock()
        .expect("no panic")
        .retain(|(key, _)| !key.ends_with("weights.msgpack"));
    assert_eq!(
        bucket.refusal(),
        "s3://models/small/weights.msgpack is missing"
    );
}

#[test]
fn a_damaged_manifest_is_refused() {
    let bucket = Bucket::start(
        vec![("small/manifest.json".to_owned(), b"{".to_vec())],
        no_fault,
    );
    let sentence = bucket.refusal();
    assert!(
        sentence.starts_with("s3://models/small/manifest.json is no manifest of a model folder: "),
        "{sentence}"
    );
}

#[test]
fn too_many_bytes_are_refused_before_they_come() {
    let bucket = Bucket::of_small(no_fault);
    let mut storage = bucket.storage();
    storage.max_bytes = 20;
    // The manifest alone is longer.
    assert!(
        bucket
            .refusal_with(&storage)
            .contains("has 34 bytes, and 20 are the most (`max_bytes`")
    );
    assert_eq!(bucket.server.asked(), ["GET /models/small/manifest.json"]);
}

#[test]
fn more_bytes_than_were_announced_are_not_read() {
    let bucket = Bucket::of_small(|request, write, read| {
        if is_weights(request) {
            // Chunks without end, where a length was to be.
            let _ = write.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            while write.write_all(b"1000\r\n").is_ok() && write.write_all(&[b'x'; 0x1000]).is_ok() {
                let _ = write.write_all(b"\r\n");
            }
            wait_for_the_end(read);
        }
        is_weights(request)
    });
    let sentence = bucket.refusal();
    assert!(
        sentence.contains("s3://models/small/weights.msgpack"),
        "{sentence}"
    );
}

#[test]
fn too_many_files_are_refused_before_they_come() {
    let objects = (0..300).map(|n| (format!("small/{n:03}"), vec![0]));
    let bucket = Bucket::start(objects.collect(), no_fault);
    let mut storage = bucket.storage();
    storage.max_files = 299;
    let open = |storage: &seldon_runtime::Storage| {
        Folder::open_for::<Whatever>(&location("s3://models/small/"), storage)
    };
    let error = open(&storage).expect_err("too many").to_string();
    // There is no manifest, and three pages of a listing; no file was asked for.
    assert_eq!(bucket.server.asked()[1..], ["GET /models"; 3]);
    assert_eq!(
        error,
        "s3://models/small holds over 299 files, which is no model"
    );
    storage.max_files = 300;
    let folder = open(&storage).expect("as many as may be");
    assert_eq!(folder.files().len(), 300);
    // A manifest's files are counted, too.
    let bucket = Bucket::of_small(no_fault);
    let mut storage = bucket.storage();
    storage.max_files = 1;
    assert!(
        bucket
            .refusal_with(&storage)
            .contains("has 2 files, and 1 are the most (`max_files`")
    );
}

#[test]
fn names_that_lead_out_of_the_folder_are_refused() {
    for name in ["../out", "a\\b", "..", "/etc/passwd"] {
        let objects = vec![
            ("small/a".to_owned(), vec![0]),
            (format!("small/{name}"), vec![0]),
        ];
        let bucket = Bucket::start(objects, no_fault);
        let folder =
            Folder::open_for::<Whatever>(&location("s3://models/small/"), &bucket.storage());
        let error = folder.expect_err(name).to_string();
        assert!(error.contains("no plain file name"), "{name}: {error}");
        bucket.nothing_is_left();
    }
    let manifest = r#"{"format":1,"service":"small","files":[{"field":"a","file":"../a","kind":"msgpack","schema":1,"bytes":1,"sha256":""}]}"#;
    let bucket = Bucket::start(
        vec![("small/manifest.json".to_owned(), manifest.into())],
        no_fault,
    );
    assert!(bucket.refusal().contains("`../a` is no plain file name"));
}

#[test]
fn a_server_that_sends_in_circles_is_refused() {
    let bucket = Bucket::of_small(|request, write, _| {
        reply(
            write,
            "302 Found",
            &format!("location: {}\r\n", request.path),
            b"",
        );
        true
    });
    let sentence = bucket.refusal();
    assert!(
        sentence.contains("HOST sends elsewhere without end"),
        "{sentence}"
    );
    assert!(
        bucket.server.asked().len() <= 11,
        "{:?}",
        bucket.server.asked().len()
    );
}

#[test]
fn plain_text_is_spoken_only_with_an_endpoint_that_says_so() {
    let bucket = Bucket::of_small(|request, write, _| {
        // An endpoint by TLS would not send here.
        reply(
            write,
            "302 Found",
            &format!("location: {}\r\n", request.path),
            b"",
        );
        true
    });
    let mut storage = bucket.storage();
    storage.s3_endpoint = Some(bucket.server.address.to_string());
    let sentence = bucket.refusal_with(&storage);
    assert_eq!(
        sentence,
        "--s3-endpoint is no URL: it begins with https:// or http://"
    );
    assert!(bucket.server.asked().is_empty());
}

#[test]
fn no_secret_is_logged_or_said() {
    let bucket = Bucket::of_small(|request, write, _| {
        let fails = is_weights(request) && request.before < 2;
        if fails {
            reply(write, "500 Internal Server Error", "", b"<Error/>");
        }
        fails
    });
    let storage = bucket.storage();
    assert!(!format!("{storage:?}").contains("HUSH"));
    assert_eq!(bucket.load_with(&storage).expect("loaded"), small());
    let logged = super::logs::all();
    assert!(
        logged.contains("the model was fetched"),
        "it is said in the log"
    );
    assert!(
        logged.contains("trying again"),
        "so is a failure that passed"
    );
    assert!(!logged.contains("HUSH"), "a secret is in the log");
}
