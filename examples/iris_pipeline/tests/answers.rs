//! The pipelines answer what Python answered: `python/*.csv` says what that is.

use seldon::pipeline::Pipeline;
use seldon::prelude::*;

fn load(name: &str) -> Pipeline {
    let folder = format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
    Pipeline::load(&Folder::open_loose(folder).expect("it is shipped")).expect("it loads")
}

/// Each row of the file, and the scores that come after its features.
fn rows(name: &str, features: usize) -> Vec<(Vec<String>, Vec<f64>)> {
    let file = format!("{}/python/{name}.csv", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(file).expect("it is shipped");
    let row = |line: &str| {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        let scores = cells.split_off(features);
        let scores = scores.iter().map(|score| score.parse().expect("a number"));
        (cells, scores.collect())
    };
    text.lines().skip(1).map(row).collect()
}

#[test]
fn both_answer_as_python_did() {
    for (name, count) in [("iris", 50), ("customers", 60)] {
        let pipeline = load(name);
        let rows = rows(name, pipeline.features().len());
        assert_eq!(rows.len(), count);
        for (cells, expected) in rows {
            let row = pipeline
                .row_of_text(cells.iter().map(String::as_str))
                .expect("a row");
            let answer = pipeline.predict(&row).expect("it is scored");
            assert_eq!(answer.classes().len(), expected.len());
            for (class, expected) in answer.classes().iter().zip(expected) {
                assert!(
                    (class.score - expected).abs() < 1e-6,
                    "{name}: {cells:?}: {answer:?}"
                );
            }
        }
    }
}
