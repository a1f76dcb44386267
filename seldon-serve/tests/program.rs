//! The program as it is run: what it prints, and how it exits.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

fn example(path: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/iris_pipeline");
    folder.join(path)
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_seldon-serve"))
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a text")
}

#[test]
fn answers_that_are_pythons_pass() {
    for name in ["iris", "customers"] {
        let rows = example(&format!("python/{name}.csv"));
        let done = run(&["check", path(&example(name)), "--with", path(&rows)]);
        assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
        let said = text(&done.stdout);
        assert!(said.contains("all are within 1e-6"), "{said}");
        assert!(said.contains(", scores: "), "{said}");
    }
}

/// The rows of the iris example, changed.
fn rows(change: impl Fn(String) -> String) -> tempfile::NamedTempFile {
    let text = std::fs::read_to_string(example("python/iris.csv")).expect("it is shipped");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), change(text)).expect("written");
    file
}

fn check(rows: &tempfile::NamedTempFile, more: &[&str]) -> (Option<i32>, String) {
    let model = example("iris");
    let mut arguments = vec!["check", path(&model), "--with", path(rows.path())];
    arguments.extend(more);
    let done = run(&arguments);
    (done.status.code(), text(&done.stdout) + &text(&done.stderr))
}

#[test]
fn a_difference_above_the_tolerance_fails_and_is_shown() {
    // The second flower's first score.
    let other = rows(|text| text.replacen("0.9925628304481506", "0.9925", 1));
    let (code, said) = check(&other, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("at line 3, `setosa`: expected 0.9925, got 0.99256"),
        "{said}"
    );
    assert!(said.contains("1 differ by more than 1e-6"), "{said}");
    let (code, said) = check(&other, &["--tolerance", "0.001"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = check(&other, &["--json"]);
    assert_eq!(code, Some(1));
    let found: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&found["rows"], &found["above"]), (&50.into(), &1.into()));
    assert_eq!(found["largest"]["line"], 3);
}

#[test]
fn rows_that_cannot_be_checked_are_said_with_their_line() {
    let cases: [(&dyn Fn(String) -> String, &str); 5] = [
        (
            &|text| text.replacen("4.6,", "x,", 1),
            "line 3: `sepal_length` must be a number, got `x`",
        ),
        (
            &|text| text.replacen("4.6,", ",", 1),
            "line 3: `sepal_length` is missing",
        ),
        (
            &|text| text.replacen("petal_width", "petal", 1),
            "line 1: there is no column of the feature `petal_width`",
        ),
        (&|text| text.lines().take(1).collect(), "has no rows"),
        (
            &|text| text.replacen("setosa,versicolor,virginica", "a,b,expected", 1),
            "there is no column of expected scores: they are called as the classes are (`setosa`, `versicolor`, `virginica`)",
        ),
    ];
    for (change, expected) in cases {
        let (code, said) = check(&rows(change), &[]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let with_id = rows(|text| {
        let lines = text.lines().map(|line| format!("id,{line}\n"));
        lines.collect()
    });
    let (code, said) = check(&with_id, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("neither features nor classes: id"), "{said}");
}

#[test]
fn a_folder_is_inspected() {
    let done = run(&["inspect", path(&example("customers"))]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let said = text(&done.stdout);
    for expected in [
        "kind       pipeline",
        "name       customers",
        "files      model.txt, ",
        "library    LightGBM v4",
        "features   age: number",
        "           city: text",
        "steps      standard_scaling, one_hot",
        "columns    7",
        "classes    stays",
        "message    io.seldon.pipeline.Customers",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let done = run(&["inspect", path(&example("iris/model.ubj")), "--json"]);
    let found: serde_json::Value = serde_json::from_slice(&done.stdout).expect("JSON");
    assert_eq!(found["kind"], "pipeline");
    assert_eq!(found["features"][0]["name"], "f0");
    assert_eq!(found["outputs"], 3);
    assert_eq!(found["digest"].as_str().map(str::len), Some(64));
}

#[test]
fn the_model_of_a_program_is_inspected_too() {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/iris/model");
    let done = run(&["inspect", path(&model)]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let said = text(&done.stdout);
    assert!(
        said.contains("kind       service") && said.contains("name       iris"),
        "{said}"
    );
}

#[test]
fn a_damaged_file_is_found() {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/iris/model");
    let folder = tempfile::tempdir().expect("a folder");
    for file in std::fs::read_dir(from).expect("it is shipped") {
        let file = file.expect("a file").path();
        let mut bytes = std::fs::read(&file).expect("read");
        let name = file.file_name().expect("a name");
        if name != "manifest.json" {
            *bytes.last_mut().expect("it holds something") ^= 1;
        }
        std::fs::write(folder.path().join(name), bytes).expect("written");
    }
    let done = run(&["inspect", path(folder.path())]);
    assert_eq!(done.status.code(), Some(1));
    let said = text(&done.stderr);
    assert!(said.contains("was altered or damaged"), "{said}");
}

#[test]
fn the_proto_is_printed() {
    let done = run(&["proto", path(&example("customers"))]);
    let said = text(&done.stdout);
    assert!(said.contains("message Customers {"), "{said}");
    assert!(said.contains("  optional string city = 3;"), "{said}");
}

#[test]
fn what_is_wrong_with_the_arguments_exits_with_2_and_with_the_model_with_1() {
    assert_eq!(run(&["check", "x"]).status.code(), Some(2));
    assert_eq!(run(&["inspect", "x", "--nonsense"]).status.code(), Some(2));
    assert_eq!(run(&["--nonsense"]).status.code(), Some(2));
    let done = run(&["inspect", "/there/is/none"]);
    assert_eq!(done.status.code(), Some(1));
    assert!(
        text(&done.stderr).starts_with("error: "),
        "{}",
        text(&done.stderr)
    );
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let said = text(&help.stdout);
    assert!(
        said.contains("check LOCATION") && said.contains("--model-name"),
        "{said}"
    );
}

/// A running server, which ends with the test.
struct Serving(Child, String);

impl Serving {
    fn start(arguments: &[&str]) -> Self {
        let mut child = program()
            .args(arguments)
            .args(["--port", "0", "--no-admin"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("it is piped");
        BufReader::new(out)
            .read_line(&mut line)
            .expect("it says where");
        let address = line
            .split("http://")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        Self(child, address.expect("an address").to_owned())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// As a client of the original sends it.
#[test]
fn the_originals_request_is_answered_in_its_reply() {
    let model = example("iris");
    let arguments = [
        "--pipeline",
        path(&model),
        "--model-name",
        "test_model",
        "--reply",
        "classic",
    ];
    let server = Serving::start(&arguments);
    let json = "%7B%22data%22%3A%7B%22sepal_length%22%3A5.1%2C%22sepal_width%22%3A3.5%2C%22petal_length%22%3A1.4%2C%22petal_width%22%3A0.2%7D%7D";
    let mut stream = TcpStream::connect(&server.1).expect("it listens");
    let request = format!(
        "GET /predict?client=test1&json={json} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let reply: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(reply["meta"]["modelName"], "test_model");
    assert_eq!(reply["predictions"][0]["predictedClass"], "setosa");
    let keys: Vec<&String> = reply.as_object().expect("an object").keys().collect();
    assert_eq!(keys.len(), 3, "{keys:?}");
}

/// The version that answers, by the reply's header.
fn version(server: &Serving) -> String {
    let mut stream = TcpStream::connect(&server.1).expect("it listens");
    let body = "[5.1,3.5,1.4,0.2]";
    let length = body.len();
    let request = format!(
        "POST /predict HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let header = answer
        .lines()
        .find_map(|line| line.strip_prefix("modelversion: "));
    header.expect("a reply says which").to_owned()
}

#[test]
fn a_new_version_is_taken_in_where_the_folder_is_watched() {
    let folder = tempfile::tempdir().expect("a folder");
    let toml = std::fs::read_to_string(example("iris/pipeline.toml")).expect("it is shipped");
    std::fs::copy(example("iris/model.ubj"), folder.path().join("model.ubj")).expect("copied");
    std::fs::write(folder.path().join("pipeline.toml"), &toml).expect("written");
    let server = Serving::start(&["--model", path(folder.path()), "--watch=100ms"]);
    let first = version(&server);
    // Put in place at once.
    let aside = folder.path().join(".new");
    std::fs::write(&aside, toml.replace("versicolor", "harlequin")).expect("written");
    std::fs::rename(&aside, folder.path().join("pipeline.toml")).expect("renamed");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while version(&server) == first {
        assert!(
            std::time::Instant::now() < until,
            "it goes on with the first"
        );
    }
}
