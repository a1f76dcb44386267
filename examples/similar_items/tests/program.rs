//! The program as the README shows it: with the lists of the model folder, and with those that it
//! has put into a memcached.

#[path = "../../../seldon-runtime/tests/support/memcached.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod memcached;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use memcached::Memcached;

/// The program with `arguments`, away from the environment's settings.
fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_similar_items"));
    command
        .args(arguments)
        .env_clear()
        // As under `cargo run`: the model is beside the manifest.
        .env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> String {
    let output = program(arguments).output().expect("it runs");
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).expect("text")
}

struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(flags: &[&str]) -> Self {
        let mut child = program(&["--port", "0", "--no-admin"])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let first = lines.next().expect("a line").expect("text");
        let address = first
            .strip_prefix("listening on http://")
            .and_then(|rest| rest.split_whitespace().next())
            .expect("it says where it listens")
            .to_owned();
        Self { child, address }
    }

    fn get(&self, target: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let request = format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        body.to_owned()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The request of the README, and the answer that it shows.
fn documented() -> (&'static str, &'static str) {
    const README: &str = include_str!("../../../README.md");
    let (_, rest) = README
        .split_once("curl 'http://127.0.0.1:5000/recommend")
        .expect("a request");
    let (query, rest) = rest.split_once('\'').expect("its end");
    let (_, rest) = rest.split_once("```json\n").expect("an answer");
    (query, rest.split_once('\n').expect("a line").0)
}

#[test]
fn the_lists_of_the_folder_and_those_in_memcached_give_the_documented_answer() {
    let (query, answer) = documented();
    let target = format!("/recommend{query}");
    assert_eq!(Serving::start(&[]).get(&target), answer);

    let cache = Memcached::start();
    let key = output(&["candidates", "key", "python"]);
    let key = key.trim();
    assert!(query.contains(key), "{key}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("python.json");
    std::fs::write(&file, output(&["candidates", "list", "python"])).expect("written");
    let file = file.to_str().expect("text");
    let server = cache.address();
    output(&[
        "candidates",
        "put",
        key,
        file,
        "--gzip",
        "--memcached",
        &server,
    ]);
    let serving = Serving::start(&["--memcached", &server]);
    assert_eq!(serving.get(&target), answer);
    assert!(cache.stat("get_hits") > 0, "the list was read there");
}
