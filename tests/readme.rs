//! What the README says is what there is: its sources, and the answers that it shows.

mod support;

use std::fs;
use std::path::Path;

use iris::{Iris, train};
use seldon::prelude::*;
use serde_json::Value;
use support::Running;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The text of the README's first code block after `mark`.
fn block_after<'a>(readme: &'a str, mark: &str) -> &'a str {
    let (_, rest) = readme
        .split_once(mark)
        .unwrap_or_else(|| panic!("the README has no `{mark}`"));
    let (_, block) = rest.split_once("\n```").expect("a block");
    let (_, block) = block.split_once('\n').expect("its first line");
    block.split_once("```").expect("its end").0
}

#[test]
fn the_sources_are_those_of_the_example() {
    let readme = read("README.md");
    for (mark, file) in [
        ("`proto/iris.proto`:", "proto/iris.proto"),
        ("`src/model.rs`:", "examples/iris/src/model.rs"),
        ("its own):", "examples/iris/src/lib.rs"),
        ("`src/main.rs`:", "examples/iris/src/main.rs"),
        ("no protoc is needed:", "examples/iris/build.rs"),
        ("length and SHA-256:", "examples/iris/model/manifest.json"),
    ] {
        assert_eq!(block_after(&readme, mark), read(file), "{file}");
    }
    let expansion = read("seldon-macros/src/snapshots/predictor_iris.rs");
    let written = &expansion[expansion.find("const _").expect("a block")..];
    assert_eq!(block_after(&readme, "a debugger steps into"), written);
    let (samples, held_out) = train::split(train::flowers().expect("the data set"));
    let trained = format!(
        "trained on {} flowers, accuracy on {} others: {:.3}\n",
        samples.len(),
        held_out.len(),
        train::accuracy(&train::fit(&samples), &held_out)
    );
    assert_eq!(block_after(&readme, "-- train\n"), trained);
    let recommender = block_after(&readme, "## Recommenders");
    let source = read("examples/similar_items/src/main.rs");
    assert!(source.contains(recommender), "similar_items differs");
}

#[test]
fn the_answers_are_those_of_the_service() {
    let readme = read("README.md");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/iris/model");
    let iris = Iris::load(&Folder::open(folder).expect("a model folder")).expect("loads");
    let server = Running::start(Server::new().mount(iris));

    let curl = "    curl 'http://127.0.0.1:5000";
    let (_, rest) = readme.split_once(curl).expect("a request");
    let (target, _) = rest.split_once('\'').expect("its end");
    let answer = server.get(target);
    let shown: Value = serde_json::from_str(block_after(&readme, curl)).expect("JSON");
    let got = answer.json();
    assert!(alike(&shown, &got), "{shown}\n{got}");

    let curl = "    curl http://127.0.0.1:5000/predict --json '";
    let (_, rest) = readme.split_once(curl).expect("a request");
    let (body, _) = rest.split_once('\'').expect("its end");
    let answer = server.post("/predict", Some("application/json"), body);
    let id = answer.header("x-request-id").expect("an id");
    let said = answer.body.replace(id, "…");
    assert_eq!(block_after(&readme, curl), format!("{said}\n"));
}

#[cfg(feature = "pipeline")]
#[test]
fn the_answer_of_the_model_from_python_is_that_of_the_service() {
    use seldon::pipeline::Pipeline;

    let readme = read("README.md");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/iris_pipeline/iris");
    let folder = Folder::open_loose(folder).expect("a model folder");
    let server = Running::start(Server::new().mount(Pipeline::load(&folder).expect("loads")));

    let curl = "    curl http://127.0.0.1:5001/predict --json '";
    let (_, rest) = readme.split_once(curl).expect("a request");
    let (body, _) = rest.split_once('\'').expect("its end");
    let got = server
        .post("/predict", Some("application/json"), body)
        .json();
    let shown: Value = serde_json::from_str(block_after(&readme, curl)).expect("JSON");
    assert!(alike(&shown, &got), "{shown}\n{got}");
}

/// Whether two documents are equal but for the last digits of their numbers, in which the
/// exponential functions of two machines may differ.
fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (
                a.as_f64().unwrap_or_default(),
                b.as_f64().unwrap_or_default(),
            );
            (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|((k, a), (l, b))| k == l && alike(a, b))
        }
        (a, b) => a == b,
    }
}
