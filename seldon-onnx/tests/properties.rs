//! A graph is input: whatever its bytes are, loading it gives a graph that answers, or an error.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use seldon_onnx::{Element, Inputs, Onnx, Values};

/// Small graphs of many kinds.
const SEEDS: &[&str] = &[
    "tree_three",
    "forest_named",
    "logistic_named",
    "svc_named",
    "knn_binary",
    "op_labels_strings_int64s",
    "op_one_hot_texts",
    "op_trees_sum_3",
    "gaussian_nb_named",
    "convolutional_view",
    "lstm",
    "imputer",
    "columns_one_hot_logistic",
    "op_vectorizer",
    "mlp_named",
    "linear_two_targets",
];

fn seed(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::read(folder.join(format!("{name}.onnx"))).expect("a fixture")
}

/// Asks a graph for a row and for two: it answers, or says why not.
fn ask(graph: &Onnx) {
    for rows in [1, 2] {
        let mut inputs = Inputs::rows(rows);
        for input in graph.inputs() {
            let width = input.row().map(|dim| dim.unwrap_or(1)).product::<usize>();
            if width > 4096 {
                return;
            }
            let values = match input.element() {
                Element::Text => Values::Text(vec!["a".to_owned(); width * rows]),
                _ => Values::I64(vec![1; width * rows]),
            };
            let row: Vec<usize> = input.row().map(|dim| dim.unwrap_or(1)).collect();
            inputs = inputs.with_shape(input.name(), &row, values);
        }
        match graph.run(&inputs) {
            Ok(outputs) => assert_eq!(outputs.iter().count(), graph.outputs().len()),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_damaged_graph_is_an_error_or_answers(
        index in 0..SEEDS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = seed(SEEDS[index]);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(graph) = Onnx::from_bytes(&bytes) {
            ask(&graph);
        }
    }

    #[test]
    fn a_truncated_graph_is_an_error_or_answers(index in 0..SEEDS.len(), at in any::<prop::sample::Index>()) {
        let bytes = seed(SEEDS[index]);
        if let Ok(graph) = Onnx::from_bytes(&bytes[..at.index(bytes.len())]) {
            ask(&graph);
        }
    }

    #[test]
    fn random_bytes_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(graph) = Onnx::from_bytes(&bytes) {
            ask(&graph);
        }
    }
}
