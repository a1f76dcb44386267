//! A forest as a file of a model folder.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use seldon_trees::Forest;

fn fixture(path: &str) -> Forest {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    Forest::open(fixtures.join(path)).expect("it is a model")
}

const MODELS: [&str; 6] = [
    "xgboost-3.2.0/classifier_three.ubj",
    "xgboost-3.2.0/early.ubj",
    "xgboost-3.2.0/categorical.ubj",
    "lightgbm-4.7.0/categorical.txt",
    "lightgbm-4.7.0/rf_multiclass.txt",
    "lightgbm-4.7.0/zero_as_missing.txt",
];

/// Rows of what is common and what is not.
fn rows() -> Vec<f32> {
    let values = [0.0, 1.0, -0.5, 2.5, 7.0, -1e30, 1e-36, f32::NAN];
    (0..6 * 97)
        .map(|n| values[n * 31 % 97 % values.len()])
        .collect()
}

#[test]
fn what_is_saved_answers_the_same() {
    for path in MODELS {
        let forest = fixture(path);
        let answers = forest.predict_batch(&rows()).expect("rows");
        let bytes = rmp_serde::to_vec_named(&forest).expect("saved");
        let loaded: Forest = rmp_serde::from_slice(&bytes).expect("loaded");
        assert_eq!(
            loaded.predict_batch(&rows()).expect("rows"),
            answers,
            "{path}"
        );
        assert_eq!(format!("{loaded:?}"), format!("{forest:?}"));

        let json = serde_json::to_string(&forest).expect("saved");
        let loaded: Forest = serde_json::from_str(&json).expect("loaded");
        for (a, b) in loaded
            .predict_batch(&rows())
            .expect("rows")
            .iter()
            .zip(&answers)
        {
            assert!((a - b).abs() < 1e-12, "{path}");
        }
    }
}

#[test]
fn the_rounds_that_were_chosen_are_saved() {
    let forest = fixture("xgboost-3.2.0/early.ubj");
    for rounds in [1, usize::MAX] {
        let forest = forest.clone().with_rounds(rounds);
        let bytes = rmp_serde::to_vec_named(&forest).expect("saved");
        let loaded: Forest = rmp_serde::from_slice(&bytes).expect("loaded");
        assert_eq!(loaded.rounds(), forest.rounds());
    }
}

#[test]
fn a_small_file_stays_small() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = path.join("tests/fixtures/lightgbm-4.7.0/unbalanced.txt");
    let text = fs::metadata(&path).expect("it is shipped").len();
    let forest = Forest::open(path).expect("a model");
    let bytes = rmp_serde::to_vec_named(&forest).expect("saved");
    assert!(bytes.len() as u64 * 2 < text, "{} of {text}", bytes.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Whoever changes a saved forest gets an error, or a forest whose walks end.
    #[test]
    fn what_was_changed_is_refused_or_answers(
        model in 0..MODELS.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let forest = fixture(MODELS[model]);
        let mut bytes = rmp_serde::to_vec_named(&forest).expect("saved");
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(forest) = rmp_serde::from_slice::<Forest>(&bytes)
            && forest.features() == 6
        {
            let answers = forest.predict_batch(&rows()).expect("rows");
            prop_assert_eq!(answers.len(), 97 * forest.outputs());
        }
    }
}
