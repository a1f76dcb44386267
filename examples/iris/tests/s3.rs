//! The program, with its model in a bucket of a real server of S3.

#[path = "../../../seldon-runtime/tests/remote/python.rs"]
mod python;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use iris::Iris;
use python::{Moto, program};
use seldon::prelude::*;
use seldon::{Location, Storage};

const KEY: &str = "the-key";
const SECRET: &str = "HUSH-the-secret";
const FLOWER: &str = "/predict?json=%7B%22data%22%3A%7B%22f1%22%3A5.1%2C%22f2%22%3A3.5%2C%22f3%22%3A1.4%2C%22f4%22%3A0.2%7D%7D";

/// A server with the shipped model in a bucket.
fn bucket() -> Moto {
    let moto = Moto::start();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("model");
    in_python(
        &moto,
        &shipped,
        "import os; s3.create_bucket(Bucket='models')\n\
         for name in os.listdir('.'): s3.upload_file(name, 'models', 'iris/' + name)",
    );
    moto
}

/// Does something by the client that Python's users have.
fn in_python(moto: &Moto, folder: &Path, what: &str) {
    let url = &moto.url;
    let text = format!(
        "import boto3\n\
         s3 = boto3.client('s3', endpoint_url='{url}', region_name='us-east-1',\n\
         \x20   aws_access_key_id='any', aws_secret_access_key='any')\n\
         {what}\n"
    );
    let ran = Command::new(program("python"))
        .args(["-c", &text])
        .current_dir(folder)
        .status();
    assert!(ran.expect("it runs").success());
}

/// The program, until it is told to end.
struct Running {
    child: Child,
    log: JoinHandle<std::io::Result<String>>,
    service: String,
    admin: String,
    folder: tempfile::TempDir,
}

impl Running {
    fn start(url: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(
            folder.path().join("seldon.toml"),
            "[storage]\nretry = \"1s\"",
        )
        .expect("written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_iris"))
            .args(["--port", "0", "--admin-port", "0", "--log", "trace"])
            .args(["--model", "s3n://models/iris", "--aws-key", KEY])
            .args(["--s3-endpoint", url, "--s3-path-style"])
            .env_clear()
            .env("SELDON_AWS_SECRET", SECRET)
            .env("SELDON_STAGING", folder.path())
            .current_dir(&folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stderr = child.stderr.take().expect("a pipe");
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).map(|_| log)
        });
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut addresses = lines.filter_map(|line| {
            let line = line.ok()?;
            let (_, rest) = line.split_once("http://")?;
            Some(rest.split([' ', '/']).next()?.to_owned())
        });
        let mut address = || addresses.next().expect("it listens");
        let (service, admin) = (address(), address());
        Self {
            child,
            log,
            service,
            admin,
            folder,
        }
    }

    /// What `request` is answered, head and all.
    fn ask(address: &str, request: &str) -> String {
        let mut stream = TcpStream::connect(address).expect("connected");
        let request = format!("{request} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).expect("answered");
        reply
    }

    /// The version that says what a flower is.
    fn version(&self, species: &str) -> String {
        let reply = Self::ask(&self.service, &format!("GET {FLOWER}"));
        assert!(
            reply.starts_with("HTTP/1.1 200") && reply.contains(species),
            "{reply}"
        );
        let version = reply.lines().find_map(|l| l.strip_prefix("modelversion: "));
        version.expect("a version").to_owned()
    }

    fn reload(&self) -> String {
        Self::ask(&self.admin, "POST /reload")
    }

    /// All that it has logged.
    fn end(mut self) -> String {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .expect("ended");
        self.log.join().expect("no panic").expect("text")
    }
}

#[test]
fn it_serves_a_model_from_a_bucket_and_tells_no_secret() {
    let moto = bucket();
    let running = Running::start(&moto.url);
    running.version("setosa");
    let log = running.end();
    assert_eq!(log.matches("the model was fetched").count(), 1, "{log}");
    assert!(log.contains("s3://models/iris"), "{log}");
    assert!(!log.contains("HUSH"), "a secret is in the log");
}

#[test]
fn a_new_version_in_the_bucket_is_taken_in_and_none_that_cannot_be_fetched() {
    let moto = bucket();
    let running = Running::start(&moto.url);
    let first = running.version("setosa");
    assert!(running.reload().contains("unchanged"));

    let mut storage = Storage::default();
    storage.aws_key = Some(KEY.into());
    storage.aws_secret = Some(SECRET.into());
    storage.s3_endpoint = Some(moto.url.clone());
    // All flowers are of the last species.
    let next = Iris::new([[0.0; 4]; 3], [0.0, 0.0, 1.0]);
    let location: Location = "s3://models/iris".parse().expect("a location");
    next.save_with(&location, &storage).expect("saved");
    let reply = running.reload();
    let second = running.version("\"classId\":\"virginica\",\"confidence\":0.57");
    assert_ne!(first, second);
    assert!(
        reply.contains("\"loaded\"") && reply.contains(&second),
        "{reply}"
    );

    in_python(
        &moto,
        running.folder.path(),
        "s3.delete_object(Bucket='models', Key='iris/manifest.json')",
    );
    let reply = running.reload();
    assert!(
        reply.starts_with("HTTP/1.1 409") && reply.contains("manifest.json"),
        "{reply}"
    );
    drop(moto);
    let reply = running.reload();
    assert!(
        reply.starts_with("HTTP/1.1 409") && reply.contains("cannot be reached"),
        "{reply}"
    );
    assert_eq!(running.version("virginica"), second);
    assert!(Running::ask(&running.service, "GET /health/ready").starts_with("HTTP/1.1 200"));
    let log = running.end();
    assert!(!log.contains("HUSH"), "a secret is in the log");
}
