//! Each step makes of a row what scikit-learn (and pandas, of dates) made of it:
//! `scripts/fixtures/pipeline.py` says what that is.

use std::path::Path;

use seldon_pipeline::{Column, Kind, Row, Step, Steps, Value};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    columns: Vec<(String, Kind)>,
    step: Step,
    rows: Vec<Vec<Option<Value>>>,
    expected: Vec<Vec<Option<f64>>>,
}

fn fixtures() -> Vec<(String, Case)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let files = std::fs::read_dir(folder).expect("they are there");
    let paths = files.map(|file| file.expect("a file").path());
    let read = |path: std::path::PathBuf| {
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read(&path).expect("it is read");
        let case = serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        (name, case)
    };
    paths.map(read).collect()
}

fn equal(got: Option<f64>, expected: Option<f64>) -> bool {
    match (got, expected) {
        (Some(got), Some(expected)) => (got - expected).abs() <= 1e-12 * expected.abs().max(1.0),
        (None, None) => true,
        _ => false,
    }
}

#[test]
fn steps_make_what_python_made() {
    let cases = fixtures();
    assert_eq!(cases.len(), 28);
    for (name, case) in cases {
        let columns = case
            .columns
            .iter()
            .map(|(name, kind)| Column::of(name, *kind));
        let steps = Steps::new(columns, [case.step]).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(case.rows.len(), case.expected.len(), "{name}");
        for (row, expected) in case.rows.into_iter().zip(case.expected) {
            let asked: Row = row.into_iter().collect();
            let got = steps
                .apply(asked.clone())
                .unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(got.len(), expected.len(), "{name}: {asked:?}");
            assert_eq!(got.len(), steps.columns().len(), "{name}");
            for (at, expected) in expected.into_iter().enumerate() {
                let got = got.number(at);
                let column = steps.columns().iter().nth(at);
                assert!(
                    equal(got, expected),
                    "{name}: {column:?} of {asked:?} is {got:?}, and {expected:?} to Python"
                );
            }
        }
    }
}
