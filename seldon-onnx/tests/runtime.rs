//! By onnxruntime's library, where the environment names it: the same answers, and what is not known in
//! Rust. `scripts/test` sets the variable; without it the tests say what a user would read.
#![cfg(feature = "onnx-runtime")]

use std::fs;
use std::path::Path;

use seldon_onnx::{Inputs, Onnx};

fn bytes(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::read(folder.join(format!("{name}.onnx"))).expect("a fixture")
}

/// Whether there is a library; if not, that this is said.
fn library() -> bool {
    if std::env::var_os("ORT_DYLIB_PATH").is_some_and(|path| !path.is_empty()) {
        return true;
    }
    let error = Onnx::by_onnxruntime(&bytes("logistic_named")).expect_err("no library");
    let start = "onnxruntime's shared library is not named: set ORT_DYLIB_PATH";
    assert!(error.to_string().starts_with(start), "{error}");
    // What Rust knows needs none.
    assert_eq!(
        Onnx::from_bytes(&bytes("logistic_named"))
            .expect("a graph")
            .engine(),
        "tract"
    );
    false
}

#[test]
fn both_engines_answer_alike() {
    if !library() {
        return;
    }
    let row = [0.3f32, -1.2, 0.5, 1.0, 0.7, -0.1, 2.0, 0.0];
    for name in [
        "logistic_named",
        "logistic_plain",
        "forest_binary",
        "forest_regressor",
        "svc_named",
        "mlp_named",
        "knn_named",
        "linear_two_targets",
        "pipeline_scaled",
        "xgboost_three",
        "lightgbm_binary",
    ] {
        let bytes = bytes(name);
        let [here, there] = [Onnx::from_bytes(&bytes), Onnx::by_onnxruntime(&bytes)]
            .map(|graph| graph.expect(name));
        assert_eq!((here.engine(), there.engine()), ("tract", "onnxruntime"));
        assert_eq!(here.classes(), there.classes());
        assert_eq!(here.inputs(), there.inputs());
        let [a, b] = [&here, &there].map(|graph| graph.predict_f32(&row, 2).expect(name));
        assert_eq!(a.len(), b.len(), "{name}");
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() < 1e-5, "{name}: {a} {b}");
        }
        let [a, b] = [&here, &there].map(|graph| {
            let outputs = graph
                .run(&Inputs::rows(2).with(graph.inputs()[0].name(), &row[..]))
                .expect(name);
            outputs.label().map(|label| label.to_texts())
        });
        assert_eq!(a, b, "{name}");
    }
}

#[test]
fn texts_go_in_and_out() {
    if !library() {
        return;
    }
    let graph = Onnx::by_onnxruntime(&bytes("columns_one_hot_logistic")).expect("a graph");
    let inputs = Inputs::rows(1)
        .with("age", vec![0.5f32])
        .with("income", vec![f32::NAN]);
    let inputs = inputs
        .with("visits", vec![3i64])
        .with("plan", ["free"].as_slice())
        .with("city", ["Rom"].as_slice());
    let [a, b] = [
        graph,
        Onnx::from_bytes(&bytes("columns_one_hot_logistic")).expect("a graph"),
    ]
    .map(|graph| graph.run(&inputs).expect("a row"));
    assert_eq!(a.label(), b.label());
    assert_eq!(
        a.scores().map(|scores| scores.shape().to_vec()),
        Some(vec![1, 3])
    );
}

#[test]
fn what_is_not_known_in_rust_is_computed_there() {
    let loaded = Onnx::from_bytes(&bytes("refused_determinant"));
    if !library() {
        let error = loaded.expect_err("there is no library").to_string();
        let said = "; and by onnxruntime: onnxruntime's shared library is not named";
        assert!(error.contains(said), "{error}");
        return;
    }
    let graph = loaded.expect("a graph");
    assert_eq!(graph.engine(), "onnxruntime");
    let matrices = [1.0, 2.0, 3.0, 4.0, 0.5, 0.0, 0.0, 0.5];
    let determinants = graph.predict_f32(&matrices, 2).expect("two matrices");
    let close = |(a, b): (&f32, f32)| (a - b).abs() < 1e-5;
    assert!(
        determinants.iter().zip([-2.0, 0.25]).all(close),
        "{determinants:?}"
    );
    assert_eq!(determinants.len(), 2);
    // What is asked wrongly is found here, before.
    let error = graph.predict_f32(&matrices[1..], 2).expect_err("too few");
    assert!(error.is_input(), "{error}");
    let error = Onnx::from_bytes(&bytes("refused_operator")).expect_err("nobody knows it");
    let error = error.to_string();
    let both = ["Frobnicate (node `odd`)", "onnxruntime refuses the graph"];
    assert!(both.iter().all(|said| error.contains(said)), "{error}");
}
