//! ONNX graphs as pipelines: what they take, and that they answer as onnxruntime does.
#![cfg(feature = "onnx")]

use std::path::Path;

use seldon_pipeline::{Kind, Pipeline, Row, Value};
use seldon_runtime::predict::{Features, Predictor};
use seldon_runtime::{Artifact, Folder, Predict};

fn fixtures() -> &'static Path {
    Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../seldon-onnx/tests/fixtures"
    ))
}

fn load(name: &str) -> Pipeline {
    let file = fixtures().join(format!("{name}.onnx"));
    Pipeline::load(&Folder::open_loose(file).expect("a file")).expect("it loads")
}

/// What the graph was asked, by the names of its inputs, and what it answered.
fn case(name: &str) -> (serde_json::Value, Vec<f64>) {
    let file = fixtures().join(format!("{name}.json"));
    let text = std::fs::read_to_string(file).expect("it is shipped");
    let case: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let scores = case["scores"]["values"].as_array().expect("numbers").iter();
    let scores = scores
        .map(|score| score.as_f64().expect("a number"))
        .collect();
    (case["inputs"].clone(), scores)
}

fn check(pipeline: &Pipeline, rows: &[Row], expected: &[f64]) {
    assert_eq!(rows.len() * pipeline.outputs(), expected.len());
    let answers = pipeline.predict_batch(rows);
    for (answer, expected) in answers
        .iter()
        .zip(expected.chunks_exact(pipeline.outputs()))
    {
        let answer = answer.as_ref().expect("it is scored");
        for (class, expected) in answer.classes().iter().zip(expected) {
            assert!(
                (class.score - expected).abs() < 1e-5,
                "{answer:?}: {expected}"
            );
        }
    }
}

#[test]
fn a_matrix_is_numbers_in_order() {
    let pipeline = load("forest_named");
    assert_eq!(pipeline.classes(), ["high", "low", "middle"]);
    let names: Vec<&str> = pipeline.features().map(|feature| feature.name()).collect();
    assert_eq!(names, ["f0", "f1", "f2", "f3"]);
    let (inputs, expected) = case("forest_named");
    let values = inputs["X"]["values"].as_array().expect("numbers");
    let values: Vec<f64> = values
        .iter()
        .filter_map(serde_json::Value::as_f64)
        .collect();
    let rows: Vec<Row> = values
        .chunks_exact(4)
        .map(|row| row.iter().copied().collect())
        .collect();
    check(&pipeline, &rows, &expected);
    let Ok(Features::One(row)) = pipeline.read_features("[0.03,1.36,1.2,-0.5]") else {
        panic!("it is a row")
    };
    pipeline.predict(&row).expect("it is scored");
}

#[test]
fn an_input_for_each_column_is_a_feature_which_may_be_a_text() {
    let name = "columns_one_hot_logistic";
    let pipeline = load(name);
    let features: Vec<(&str, Kind)> = pipeline
        .features()
        .map(|feature| (feature.name(), feature.kind()))
        .collect();
    assert_eq!(
        features,
        [
            ("age", Kind::Number),
            ("income", Kind::Number),
            ("city", Kind::Text),
            ("visits", Kind::Number),
            ("plan", Kind::Text),
        ]
    );
    let (inputs, expected) = case(name);
    let rows: Vec<Row> = (0..12)
        .map(|n| {
            let value = |(name, _): &(&str, Kind)| match &inputs[*name]["values"][n] {
                serde_json::Value::String(text) => Some(Value::from(&**text)),
                number => number.as_f64().map(Value::Number),
            };
            features.iter().map(value).collect()
        })
        .collect();
    check(&pipeline, &rows, &expected);
}

#[test]
fn a_saved_graph_answers_the_same() {
    let pipeline = load("forest_named");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model");
    pipeline.save(&path).expect("saved");
    let again = Pipeline::load(&Folder::open(&path).expect("a model folder")).expect("it loads");
    let row: Row = [0.1, 0.2, 0.3, 0.4].into_iter().collect();
    let scores = |pipeline: &Pipeline| format!("{:?}", pipeline.predict(&row).expect("scored"));
    assert_eq!(scores(&pipeline), scores(&again));
}
