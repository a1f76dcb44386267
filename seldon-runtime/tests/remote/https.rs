//! Models from a web server.

use std::io::{BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use seldon_runtime::__private::{Artifact, Folder};
use seldon_runtime::{Result, Storage};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::model::{Small, Whatever, files_of, location, small};
use super::server::{Request, answer_one, reply};

/// A web server with a certificate of its own.
struct Web {
    port: u16,
    root: tempfile::TempDir,
}

impl Web {
    fn start<F>(answer: F) -> Self
    where
        F: Fn(&Request, &mut dyn Write, &mut dyn Read) + Send + Sync + 'static,
    {
        super::logs::keep();
        let root = tempfile::tempdir().expect("a folder");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
        std::fs::write(root.path().join("ca.pem"), made.cert.pem()).expect("written");
        let ring = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let key = made.signing_key.serialize_der().try_into().expect("a key");
        let config = ServerConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .expect("they are ring's")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("they belong together");
        let listener = TcpListener::bind("localhost:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (config, answer) = (Arc::new(config), Arc::new(answer));
        let seen = Arc::new(Mutex::new(Vec::new()));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection = ServerConnection::new(Arc::clone(&config)).expect("made");
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
                    let mut reply = Vec::new();
                    answer_one(&mut stream, &mut reply, &seen, &*answer);
                    let stream = stream.get_mut();
                    let _ = stream.write_all(&reply);
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                });
            }
        });
        Self { port, root }
    }

    /// One that has the files of a model in the folder `my models`.
    fn of_small() -> Self {
        let files = files_of(&small());
        Self::start(move |request, write, _| {
            let name = request
                .path
                .strip_prefix("/my%20models/")
                .unwrap_or_default();
            match files.iter().find(|(held, _)| held == name) {
                Some((_, bytes)) if request.method == "HEAD" => {
                    let length = bytes.len();
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
                    let _ = write.write_all(head.as_bytes());
                }
                Some((_, bytes)) => reply(write, "200 OK", "", bytes),
                None => reply(write, "404 Not Found", "", b"<html>HUSH</html>"),
            }
        })
    }

    fn url(&self, path: &str) -> seldon_runtime::Location {
        location(&format!("https://localhost:{}{path}", self.port))
    }

    fn storage(&self) -> Storage {
        let mut storage = Storage::default();
        storage.ca = Some(self.root.path().join("ca.pem"));
        storage.staging = Some(self.root.path().join("staging"));
        storage.retry = std::time::Duration::from_millis(200);
        storage
    }

    fn load(&self, path: &str) -> Result<Small> {
        Small::load(&Folder::open_for::<Small>(
            &self.url(path),
            &self.storage(),
        )?)
    }

    fn refusal(&self, path: &str) -> String {
        let sentence = self.load(path).expect_err("refused").to_string();
        assert!(!sentence.contains("HUSH"), "{sentence}");
        sentence.replace(&self.port.to_string(), "PORT")
    }
}

#[test]
fn a_folder_with_a_manifest_is_fetched() {
    let web = Web::of_small();
    assert_eq!(web.load("/my%20models/").expect("loaded"), small());
    assert_eq!(web.load("/my%20models").expect("loaded"), small());
    assert_eq!(
        web.refusal("/other/"),
        "there is no model folder https://localhost:PORT/other: it has no manifest.json"
    );
}

#[test]
fn a_single_file_is_fetched() {
    let web = Web::of_small();
    let at = web.url("/my%20models/name.msgpack");
    let folder = Folder::open_for::<Whatever>(&at, &web.storage()).expect("opened");
    assert_eq!(folder.files().collect::<Vec<_>>(), [("name.msgpack", 6)]);
    assert_eq!(folder.bytes("name.msgpack").expect("read"), b"\xa5small");
    let at = web.url("/my%20models/none.ubj");
    let error = Folder::open_for::<Whatever>(&at, &web.storage()).expect_err("refused");
    let error = error.to_string();
    assert!(error.contains("none.ubj"), "{error}");
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused_at_once() {
    let web = Web::of_small();
    let mut storage = web.storage();
    (storage.ca, storage.retry) = (None, std::time::Duration::from_secs(60));
    let refused = Folder::open_for::<Small>(&web.url("/my%20models/"), &storage);
    let sentence = refused.expect_err("it is not trusted").to_string();
    assert!(
        sentence.contains("is not trusted: invalid peer certificate"),
        "{sentence}"
    );
}

#[test]
fn a_file_without_certificates_is_refused() {
    let web = Web::of_small();
    let mut storage = web.storage();
    storage.ca = Some(web.root.path().to_owned());
    let refused = Folder::open_for::<Small>(&web.url("/my%20models/"), &storage);
    let sentence = refused.expect_err("it is no file").to_string();
    assert!(
        sentence.contains("holds no certificates in PEM"),
        "{sentence}"
    );
}

#[test]
fn it_is_not_led_to_plain_text_nor_in_circles() {
    let web = Web::start(|_, write, _| {
        reply(
            write,
            "302 Found",
            "location: http://localhost/model/\r\n",
            b"",
        );
    });
    let sentence = web.refusal("/model/");
    assert!(
        sentence.starts_with("cannot fetch https://localhost:PORT/model/manifest.json: "),
        "{sentence}"
    );
    let web = Web::start(|request, write, _| {
        reply(
            write,
            "307 Temporary Redirect",
            &format!("location: {}\r\n", request.path),
            b"",
        );
    });
    let sentence = web.refusal("/model/");
    assert!(
        sentence.contains("sends elsewhere without end"),
        "{sentence}"
    );
}
