//! The Python of the tests: servers of storage, from PyPI.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The program `name` of `target/python`.
pub(crate) fn program(name: &str) -> PathBuf {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut programs = above.map(|folder| folder.join("target/python/bin").join(name));
    let found = programs.find(|program| program.exists());
    found.unwrap_or_else(|| {
        panic!("target/python/bin/{name} is missing: run ./scripts/python, which makes it")
    })
}

/// moto, a server of S3, that ends with the test.
pub(crate) struct Moto {
    child: Child,
    pub(crate) url: String,
}

impl Moto {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(program("moto_server"))
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let url = lines.find_map(|line| {
            let line = line.ok()?;
            Some(line.split_once("Running on ")?.1.trim().to_owned())
        });
        // It says of each request that it was made, and must not be kept from it.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            url: url.expect("it says where it listens"),
        }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
