//! Candidate lists: which there are, and how a writer puts one into memcached.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest, Md5};
use seldon::prelude::*;

use crate::data;

/// What memcached clients in Java mark a gzipped value with. The reader goes by the content.
const GZIPPED: u32 = 2;

/// How long the server may take for a step.
const PATIENCE: Duration = Duration::from_secs(5);

const USAGE: &str = "candidates key NAME | candidates list NAME | \
                     candidates put KEY FILE [--gzip] --memcached HOST:PORT";

pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["key", name] => {
            println!("{}", key(name));
            Ok(())
        }
        ["list", name] => match lists().get(&key(name)) {
            Some(ids) => {
                println!("{}", serde_json::to_string(ids)?);
                Ok(())
            }
            None => Err(Error::setup(format!("there is no list `{name}`"))),
        },
        ["put", key, file, "--gzip", "--memcached", server]
        | ["put", key, file, "--memcached", server, "--gzip"] => put(key, file, true, server),
        ["put", key, file, "--memcached", server] => put(key, file, false, server),
        _ => Err(Error::setup(format!("usage: {USAGE}"))),
    }
}

/// The key of the list `name`: MD5 in hex, since memcached takes no key with a space or over 250 bytes.
fn key(name: &str) -> String {
    let digest = Md5::digest(name);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The lists of this example, by key: `libraries`, `python` and `perl`.
pub(crate) fn lists() -> BTreeMap<String, Vec<i64>> {
    let names = data::names();
    let list = |name: &str, belongs: fn(&str) -> bool| {
        let ids = names.iter().filter(|(_, name)| belongs(name));
        (key(name), ids.map(|(&id, _)| id).collect())
    };
    BTreeMap::from([
        list("libraries", |name| {
            name.starts_with("lib") && !name.ends_with("-perl")
        }),
        list("python", |name| name.starts_with("python3")),
        list("perl", |name| name.ends_with("-perl")),
    ])
}

/// Stores what `file` holds under `key`, as a writer of candidate lists does.
fn put(key: &str, file: &str, gzip: bool, server: &str) -> Result<()> {
    if key.is_empty() || key.len() > 250 || key.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err(Error::setup(format!(
            "`{}` cannot be a key: it takes 1 to 250 visible ASCII characters",
            key.escape_debug()
        )));
    }
    let cannot = |what: String| move |cause: std::io::Error| Error::setup(what).with_cause(cause);
    let mut value = std::fs::read(file).map_err(cannot(format!("cannot read {file}")))?;
    // What is no list would be an error at each request that names it.
    let ids: Vec<i64> = serde_json::from_slice(&value).map_err(|cause| {
        Error::setup(format!("{file} is no JSON array of item ids")).with_cause(cause)
    })?;
    let mut flags = 0;
    if gzip {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&value)?;
        value = encoder.finish()?;
        flags = GZIPPED;
    }
    let answer =
        set(server, key, flags, &value).map_err(cannot(format!("cannot write to {server}")))?;
    if answer.trim_end() != "STORED" {
        let answer = answer.trim_end().escape_debug();
        return Err(Error::setup(format!("{server} answered `{answer}`")));
    }
    println!("{} ids in {} bytes under {key}", ids.len(), value.len());
    Ok(())
}

/// The command `set` of memcached's text protocol, and the line it answers.
fn set(server: &str, key: &str, flags: u32, value: &[u8]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // Without an end of life: 0 is never.
    let head = format!("set {key} {flags} 0 {}\r\n", value.len());
    stream.write_all(&[head.as_bytes(), value, b"\r\n"].concat())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;
    use std::thread;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn keys_are_md5() {
        // The digest that RFC 1321 gives.
        assert_eq!(key("abc"), "900150983cd24fb0d6963f7d28e17f72");
    }

    #[test]
    fn a_list_is_set_gzipped() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let server = listener.local_addr().expect("it is bound").to_string();
        let told = thread::spawn(move || {
            let (stream, _) = listener.accept().expect("somebody comes");
            let mut stream = BufReader::new(stream);
            let mut head = String::new();
            stream.read_line(&mut head).expect("a line comes");
            let length = head.trim_end().rsplit(' ').next().expect("it has words");
            let mut value = vec![0; length.parse().expect("the last is the length")];
            stream.read_exact(&mut value).expect("that much comes");
            stream
                .get_mut()
                .write_all(b"STORED\r\n")
                .expect("it is read");
            (head, value)
        });
        let file = std::env::temp_dir().join(format!("similar-items-{}", std::process::id()));
        std::fs::write(&file, "[1, 20, 300]").expect("there is room");
        let file = file.to_str().expect("the name is ours");
        run(&["put", "some-key", file, "--gzip", "--memcached", &server]).expect("it is stored");
        std::fs::remove_file(file).expect("it is there");

        let (head, value) = told.join().expect("the server is well");
        assert_eq!(head, format!("set some-key 2 0 {}\r\n", value.len()));
        let mut inflated = String::new();
        let read = GzDecoder::new(&*value).read_to_string(&mut inflated);
        assert_eq!(
            (read.expect("it is gzip"), &*inflated),
            (12, "[1, 20, 300]")
        );
    }

    #[test]
    fn a_key_that_would_be_a_command_is_refused() {
        let error = run(&[
            "put",
            "a\r\nflush_all",
            "x.json",
            "--memcached",
            "127.0.0.1:1",
        ]);
        let said = error.expect_err("must be refused").to_string();
        assert!(
            said.starts_with(r"`a\r\nflush_all` cannot be a key"),
            "{said}"
        );
    }
}
