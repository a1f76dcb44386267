//! Credentials and servers by the providers' own environment variables.

use std::net::TcpListener;
use std::process::Command;

use seldon_runtime::__private::{Artifact, Folder};
use seldon_runtime::Storage;

use super::bucket::{Bucket, no_fault};
use super::model::{Small, location, small};
use super::python::{Moto, program};

/// Not a test: a program that saves a model at `$LOCATION`, if it is told to, and fetches it.
#[test]
#[ignore = "the program of the tests below"]
fn a_program() {
    let at = location(&std::env::var("LOCATION").expect("it is set"));
    let mut storage = Storage::default();
    storage.retry = std::time::Duration::from_secs(5);
    let done = || {
        if std::env::var_os("SAVE").is_some() {
            small().save_with(&at, &storage)?;
            let next = Small {
                name: "next".to_owned(),
                ..small()
            };
            next.save_with(&at, &storage)?;
            small().save_with(&at, &storage)?;
        }
        Small::load(&Folder::open_for::<Small>(&at, &storage)?)
    };
    match done() {
        Ok(model) => println!("\nhas {}", model == small()),
        Err(error) => println!("\nsays {error}"),
    }
}

/// What the program prints with these variables, and none of this process's.
fn run(at: &str, variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().expect("it runs"))
        .args([
            "environment::a_program",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env_clear()
        .env("LOCATION", at)
        .envs(variables.iter().copied())
        .output()
        .expect("it runs");
    let said = String::from_utf8(output.stdout).expect("a text");
    let mut lines = said.lines();
    let found = lines.find(|line| line.starts_with("has ") || line.starts_with("says "));
    found.unwrap_or_else(|| panic!("{said}")).to_owned()
}

#[test]
fn s3_is_reached_by_amazons_variables() {
    let moto = Moto::start();
    let url = format!("{}/moto-api/reset", moto.url);
    let made = Command::new(program("python"))
        .args(["-c", &format!(
            "import boto3, urllib.request\n\
             urllib.request.urlopen(urllib.request.Request('{url}', method='POST'))\n\
             boto3.client('s3', endpoint_url='{}', region_name='us-east-1', aws_access_key_id='a',\n\
             \x20   aws_secret_access_key='a').create_bucket(Bucket='models')\n",
            moto.url
        )])
        .status();
    assert!(made.expect("it runs").success());
    let variables = [
        ("SAVE", "1"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", &moto.url),
    ];
    assert_eq!(run("s3://models/a/small", &variables), "has true");
}

#[test]
fn credentials_that_are_nowhere_are_said_at_once() {
    let bucket = Bucket::of_small(no_fault);
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let nobody = format!("http://{}", nobody.expect("a port"));
    for instance in [nobody, bucket.server.url()] {
        let variables = [
            ("AWS_ENDPOINT_URL", &*bucket.server.url()),
            ("AWS_METADATA_ENDPOINT", &instance),
        ];
        assert_eq!(
            run("s3://models/small", &variables),
            "says cannot fetch s3://models/small/manifest.json: there are no credentials: give them \
             by flags or by the provider's environment variables"
        );
    }
    // A public bucket wants none.
    let variables = [
        ("AWS_ENDPOINT_URL", &*bucket.server.url()),
        ("AWS_SKIP_SIGNATURE", "true"),
    ];
    assert_eq!(run("s3://models/small", &variables), "has true");
}

#[test]
fn googles_storage_is_reached_by_googles_variables() {
    // It speaks the same XML as S3.
    let bucket = Bucket::of_small(no_fault);
    let account =
        r#"{"disable_oauth":true,"client_email":"","private_key":"","private_key_id":""}"#;
    let variables = [
        ("SAVE", "1"),
        ("GOOGLE_BASE_URL", &*bucket.server.url()),
        ("GOOGLE_SERVICE_ACCOUNT_KEY", account),
    ];
    assert_eq!(run("gs://models/small", &variables), "has true");
    assert_eq!(run("gs://models/another", &variables), "has true");
}

#[test]
fn azures_storage_is_reached_by_azures_variables() {
    let bucket = Bucket::of_small(no_fault);
    let variables = [
        ("AZURE_STORAGE_ENDPOINT", &*bucket.server.url()),
        ("AZURE_STORAGE_ACCOUNT_NAME", "account"),
        ("AZURE_STORAGE_ACCOUNT_KEY", "a2V5"),
    ];
    assert_eq!(run("az://models/small", &variables), "has true");
    assert!(run("az://models/another", &variables).ends_with("it has no manifest.json"));
}
