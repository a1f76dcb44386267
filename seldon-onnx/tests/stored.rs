//! A graph is a value of serde's, shared by threads.

use std::path::Path;
use std::thread;

use seldon_onnx::{Element, Onnx};
use serde::{Deserialize, Serialize};

fn onnx(name: &str) -> Onnx {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    Onnx::open(folder.join(format!("{name}.onnx"))).expect("a graph")
}

#[derive(Serialize, Deserialize)]
struct Model {
    onnx: Onnx,
    threshold: f32,
}

#[test]
fn a_graph_that_was_saved_answers_the_same() {
    let model = Model {
        onnx: onnx("forest_named"),
        threshold: 0.5,
    };
    let row = [0.3, -1.2, 0.5, 1.0];
    let expected = model.onnx.predict_f32(&row, 1).expect("a row");
    let packed = rmp_serde::to_vec_named(&model).expect("it is written");
    let text = serde_json::to_string(&model).expect("it is written");
    let models: [Model; 2] = [
        rmp_serde::from_slice(&packed).expect("it is read"),
        serde_json::from_str(&text).expect("it is read"),
    ];
    for model in models {
        assert_eq!(model.onnx.predict_f32(&row, 1), Ok(expected.clone()));
        assert_eq!(model.threshold, 0.5);
    }
    let middle = packed.len() / 2;
    let error = rmp_serde::from_slice::<Model>(&packed[..middle]);
    assert!(error.is_err());
}

#[test]
fn what_is_known_of_a_graph_is_said() {
    let forest = onnx("forest_named");
    assert_eq!(forest.classes(), ["high", "low", "middle"]);
    assert!(
        forest.producer().starts_with("skl2onnx "),
        "{}",
        forest.producer()
    );
    assert_eq!(forest.engine(), "tract");
    assert!(forest.nodes() >= 2);
    let [input] = forest.inputs() else {
        panic!("{forest:?}")
    };
    assert_eq!(
        (input.name(), input.element(), input.width()),
        ("X", Element::F32, Some(4))
    );
    let outputs: Vec<_> = forest
        .outputs()
        .iter()
        .map(|o| (o.name(), o.element(), o.columns()))
        .collect();
    assert_eq!(
        outputs,
        [
            ("output_label", Element::Text, Some(1)),
            ("output_probability", Element::F32, Some(3))
        ]
    );
    assert_eq!(onnx("linear").classes(), [""; 0]);
    let columns = onnx("columns_one_hot_logistic");
    assert_eq!(columns.width(), None);
    let said: Vec<String> = columns.inputs().iter().map(ToString::to_string).collect();
    assert_eq!(said[2], "city: text, 1 column");
    assert_eq!(
        onnx("convolutional").inputs()[0].to_string(),
        "image: f32, rows of 1×8×8"
    );
}

#[test]
fn threads_share_a_graph() {
    for name in ["forest_named", "lstm", "knn_named"] {
        let graph = onnx(name);
        let width = graph.width().expect("numbers");
        let rows: Vec<Vec<f32>> = (0..8u8)
            .map(|row| {
                (0..width)
                    .map(|n| f32::from(row) - n as f32 / 3.0)
                    .collect()
            })
            .collect();
        let expected: Vec<_> = rows
            .iter()
            .map(|row| graph.predict_f32(row, 1).expect("a row"))
            .collect();
        thread::scope(|scope| {
            for _ in 0..4 {
                let graph = graph.clone();
                let (rows, expected) = (&rows, &expected);
                scope.spawn(move || {
                    for _ in 0..20 {
                        for (row, expected) in rows.iter().zip(expected) {
                            assert_eq!(graph.predict_f32(row, 1).as_ref(), Ok(expected), "{name}");
                        }
                    }
                });
            }
        });
    }
}
