//! The program, with its model in a bucket of a real server of S3.

#[path = "../../../seldon-runtime/tests/remote/python.rs"]
mod python;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use python::{Moto, program};

const KEY: &str = "the-key";
const SECRET: &str = "HUSH-the-secret";

#[test]
fn it_serves_a_model_from_a_bucket_and_tells_no_secret() {
    let moto = Moto::start();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("model");
    let url = &moto.url;
    let upload = format!(
        "import boto3, os\n\
         s3 = boto3.client('s3', endpoint_url='{url}', region_name='us-east-1',\n\
         \x20   aws_access_key_id='any', aws_secret_access_key='any')\n\
         s3.create_bucket(Bucket='models')\n\
         for name in os.listdir('.'): s3.upload_file(name, 'models', 'iris/' + name)\n"
    );
    let uploaded = Command::new(program("python"))
        .args(["-c", &upload])
        .current_dir(&shipped)
        .status();
    assert!(uploaded.expect("it runs").success());

    let folder = tempfile::tempdir().expect("a folder");
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
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let first = lines.next().expect("a line").expect("text");
    let address = first.strip_prefix("listening on http://");
    let address = address.and_then(|rest| rest.split_whitespace().next());
    let mut stream = TcpStream::connect(address.expect("it listens")).expect("connected");
    let flower = "%7B%22data%22%3A%7B%22f1%22%3A5.1%2C%22f2%22%3A3.5%2C%22f3%22%3A1.4%2C%22f4%22%3A0.2%7D%7D";
    let request =
        format!("GET /predict?json={flower} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("answered");
    assert!(
        reply.starts_with("HTTP/1.1 200") && reply.contains("setosa"),
        "{reply}"
    );

    child.kill().and_then(|()| child.wait()).expect("ended");
    let log = log.join().expect("no panic").expect("text");
    assert_eq!(log.matches("the model was fetched").count(), 1, "{log}");
    assert!(log.contains("s3://models/iris"), "{log}");
    assert!(!log.contains("HUSH"), "a secret is in the log");
}
