//! A bucket that speaks as much of S3 as is needed to fetch from it, and fails where it is told to.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

use seldon_runtime::__private::{Artifact, Folder};
use seldon_runtime::{Result, Storage};

use super::model::{Small, files_of, location, small, storage};
use super::server::{Request, Server, reply};

/// Keys and what is there.
pub(crate) type Objects = Vec<(String, Vec<u8>)>;

/// The bucket `models`.
pub(crate) struct Bucket {
    pub(crate) server: Server,
    pub(crate) objects: Arc<Mutex<Objects>>,
    pub(crate) staging: tempfile::TempDir,
}

impl Bucket {
    /// One that holds `objects`. What `fault` answers, by returning `true`, is not the bucket's to answer.
    pub(crate) fn start<F>(objects: Objects, fault: F) -> Self
    where
        F: Fn(&Request, &mut dyn Write, &mut dyn Read) -> bool + Send + Sync + 'static,
    {
        super::logs::keep();
        let objects = Arc::new(Mutex::new(objects));
        let held = Arc::clone(&objects);
        let server = Server::start(move |request, write, read| {
            if !fault(request, write, read) {
                answer(
                    &mut held.lock().expect("no test panics with it"),
                    request,
                    write,
                );
            }
        });
        Self {
            server,
            objects,
            staging: tempfile::tempdir().expect("a folder"),
        }
    }

    /// One that holds a model in the folder `small`.
    pub(crate) fn of_small<F>(fault: F) -> Self
    where
        F: Fn(&Request, &mut dyn Write, &mut dyn Read) -> bool + Send + Sync + 'static,
    {
        Self::start(in_folder("small", &small()), fault)
    }

    pub(crate) fn storage(&self) -> Storage {
        storage(self.server.url(), self.staging.path())
    }

    pub(crate) fn load(&self) -> Result<Small> {
        self.load_with(&self.storage())
    }

    pub(crate) fn load_with(&self, storage: &Storage) -> Result<Small> {
        let folder = Folder::open_for::<Small>(&location("s3://models/small"), storage)?;
        Small::load(&folder)
    }

    /// What loading says, after checking that it is one sentence that tells no secret, and that
    /// nothing is left.
    pub(crate) fn refusal(&self) -> String {
        self.refusal_with(&self.storage())
    }

    pub(crate) fn refusal_with(&self, storage: &Storage) -> String {
        let error = self.load_with(storage).expect_err("it is refused");
        let sentence = format!("{error}");
        assert!(!sentence.contains('\n'), "{sentence}");
        assert!(!format!("{error:?}").contains("HUSH"), "{sentence}");
        self.nothing_is_left();
        sentence.replace(&self.server.address.to_string(), "HOST")
    }

    pub(crate) fn nothing_is_left(&self) {
        let left = std::fs::read_dir(self.staging.path())
            .expect("a folder")
            .count();
        assert_eq!(left, 0, "in the staging folder");
    }
}

pub(crate) fn in_folder(folder: &str, model: &Small) -> Objects {
    let files = files_of(model);
    files
        .into_iter()
        .map(|(name, bytes)| (format!("{folder}/{name}"), bytes))
        .collect()
}

pub(crate) fn no_fault(_: &Request, _: &mut dyn Write, _: &mut dyn Read) -> bool {
    false
}

pub(crate) fn tag(bytes: &[u8]) -> String {
    // As good as a digest for tests: what differs, differs in its sum of products.
    let sum = bytes
        .iter()
        .fold(7_u64, |sum, b| sum.wrapping_mul(31) + u64::from(*b));
    format!("\"{sum:x}\"")
}

fn answer(objects: &mut Objects, request: &Request, write: &mut dyn Write) {
    let Some(key) = request.path.strip_prefix("/models") else {
        return reply(
            write,
            "404 Not Found",
            "",
            b"<Error><Code>NoSuchBucket</Code></Error>",
        );
    };
    let key = key.trim_start_matches('/');
    if key.is_empty() {
        return list(objects, request, write);
    }
    match request.method.as_str() {
        "PUT" => {
            objects.retain(|(held, _)| held != key);
            objects.push((key.to_owned(), request.body.clone()));
            let tag = format!("etag: {}\r\n", tag(&request.body));
            return reply(write, "200 OK", &tag, b"");
        }
        "DELETE" => {
            objects.retain(|(held, _)| held != key);
            return reply(write, "204 No Content", "", b"");
        }
        _ => {}
    }
    let Some((_, bytes)) = objects.iter().find(|(held, _)| held == key) else {
        return reply(
            write,
            "404 Not Found",
            "",
            b"<Error><Code>NoSuchKey</Code></Error>",
        );
    };
    let tag = tag(bytes);
    if request
        .headers
        .get("if-match")
        .is_some_and(|wanted| *wanted != tag)
    {
        return reply(write, "412 Precondition Failed", "", b"");
    }
    let from = request
        .headers
        .get("range")
        .and_then(|r| r.strip_prefix("bytes="));
    let from = from.and_then(|range| range.split('-').next()?.parse::<usize>().ok());
    let headers = format!("etag: {tag}\r\nlast-modified: Wed, 25 Nov 2026 00:00:00 GMT\r\n");
    match (request.method.as_str(), from) {
        ("HEAD", _) => {
            let length = bytes.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
            );
            let _ = write.write_all(head.as_bytes());
        }
        (_, Some(from)) => {
            let range = format!(
                "content-range: bytes {from}-{}/{}\r\n",
                bytes.len() - 1,
                bytes.len()
            );
            reply(
                write,
                "206 Partial Content",
                &(headers + &range),
                &bytes[from..],
            );
        }
        _ => reply(write, "200 OK", &headers, bytes),
    }
}

/// How many objects are listed at once: few, so that there are many pages.
const PAGE: usize = 100;

fn list(objects: &Objects, request: &Request, write: &mut dyn Write) {
    let query = |name| {
        request
            .query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name))
    };
    let prefix = query("prefix=").unwrap_or_default().replace("%2F", "/");
    let from: usize = query("continuation-token=").map_or(0, |from| from.parse().expect("ours"));
    let found: Vec<_> = objects
        .iter()
        .filter(|(key, _)| key.starts_with(&prefix))
        .collect();
    let entries = found.iter().skip(from).take(PAGE).map(|(key, bytes)| {
        format!(
            "<Contents><Key>{key}</Key><Size>{}</Size><ETag>{}</ETag>\
             <LastModified>2026-11-25T00:00:00.000Z</LastModified></Contents>",
            bytes.len(),
            tag(bytes).replace('"', "&quot;")
        )
    });
    let mut listed: String = entries.collect();
    if found.len() > from + PAGE {
        let next = from + PAGE;
        listed += &format!("<NextContinuationToken>{next}</NextContinuationToken>");
    }
    let body = format!("<ListBucketResult>{listed}</ListBucketResult>");
    reply(
        write,
        "200 OK",
        "content-type: application/xml\r\n",
        body.as_bytes(),
    );
}
