//! What Python answers, to the sixth digit: every model of `tests/fixtures`.
//!
//! `scripts/fixtures/trees.py` made them, by the libraries themselves. Each model is tested row by row
//! and as a batch, in every form that there is of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use seldon_trees::{Forest, Library, Result};

/// The greatest difference that is taken, of 1 or of the number itself where that is greater: another
/// machine's exponential function may differ in the last digit of an `f32`.
const TOLERANCE: f64 = 1e-6;

/// The same for sums of leaves, which are the same bits; it is the expected number that is read with
/// the last bit wrong.
const RAW_TOLERANCE: f64 = 1e-14;

type Rows = Vec<Vec<Option<f64>>>;

fn folders() -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut folders: Vec<PathBuf> = fs::read_dir(fixtures)
        .expect("they are shipped")
        .map(|entry| entry.expect("a folder").path())
        .collect();
    folders.sort();
    folders
}

/// The model at `path` below the fixtures.
fn model(path: &str) -> Forest {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    Forest::open(fixtures.join(path)).expect("it is a model")
}

/// The models of a folder with what is expected of them: every file of the one name.
fn cases(folder: &Path) -> Vec<(Vec<PathBuf>, BTreeMap<String, Rows>)> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        let text = path.to_str().expect("a name in ASCII");
        let Some(name) = text.strip_suffix(".expected.json") else {
            continue;
        };
        let expected = fs::read(&path).expect("read");
        let models = ["json", "ubj", "txt"].map(|suffix| PathBuf::from(format!("{name}.{suffix}")));
        let models: Vec<PathBuf> = models.into_iter().filter(|path| path.exists()).collect();
        assert!(!models.is_empty(), "{name} has no model");
        cases.push((models, serde_json::from_slice(&expected).expect("rows")));
    }
    cases
}

fn number(value: &Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}

fn compare(what: &str, answer: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(answer.len(), expected.len(), "{what}");
    for (index, (a, b)) in answer.iter().zip(expected).enumerate() {
        let difference = (a - b).abs() / b.abs().max(1.0);
        assert!(difference <= tolerance, "{what}, {index}: {a} is not {b}");
    }
}

#[test]
fn every_model_answers_as_python_does() {
    let mut count = 0;
    for folder in folders() {
        for (models, expected) in cases(&folder) {
            for path in models {
                let forest = Forest::open(&path).unwrap_or_else(|error| panic!("{error}"));
                check(&path.display().to_string(), &forest, &expected);
                count += 1;
            }
        }
    }
    assert!(count > 220, "there are {count} models");
}

fn check(name: &str, forest: &Forest, expected: &BTreeMap<String, Rows>) {
    let rows = &expected["rows"];
    let width = rows[0].len();
    assert_eq!(forest.features(), width, "{name}");
    let flat: Vec<f64> = rows.iter().flatten().map(number).collect();
    for (kind, answers) in expected.iter().filter(|(kind, _)| *kind != "rows") {
        let what = format!("{name}, {kind}");
        type One = fn(&Forest, &[f64]) -> Result<Vec<f64>>;
        let (forest, one, batch): (Forest, One, One) = match kind.as_str() {
            "raw" => (
                forest.clone(),
                |f, x| f.predict_raw(x),
                |f, x| f.predict_raw_batch(x),
            ),
            "predict" => (
                forest.clone(),
                |f, x| f.predict(x),
                |f, x| f.predict_batch(x),
            ),
            "probabilities" => (
                forest.clone(),
                |f, x| f.probabilities(x),
                |f, x| f.probabilities_batch(x),
            ),
            "all_rounds" => (
                forest.clone().with_rounds(usize::MAX),
                |f, x| f.predict(x),
                |f, x| f.predict_batch(x),
            ),
            unknown => panic!("{what}: {unknown}"),
        };
        // XGBoost 1.3 added up dart's leaves before what sums begin with: the last bit may differ.
        let exact = kind == "raw" && !name.contains("xgboost-1.3.3/dart");
        let tolerance = if exact { RAW_TOLERANCE } else { TOLERANCE };
        let flat_answers: Vec<f64> = answers.iter().flatten().map(number).collect();
        let all = batch(&forest, &flat).expect(&what);
        compare(&what, &all, &flat_answers, tolerance);
        for (row, answer) in flat.chunks_exact(width).zip(answers) {
            let answer: Vec<f64> = answer.iter().map(number).collect();
            compare(&what, &one(&forest, row).expect(&what), &answer, tolerance);
        }
    }
}

#[test]
fn a_model_is_described() {
    let forest = model("xgboost-3.2.0/squarederror.ubj");
    assert_eq!(forest.library(), Library::XGBoost);
    assert_eq!(forest.version(), "3.2.0");
    assert_eq!(forest.objective(), "reg:squarederror");
    let names = ["sepal length", "b", "c", "d", "e", "f"];
    assert_eq!(forest.feature_names(), names);
    assert_eq!((forest.trees(), forest.rounds()), (6, 6));
    assert_eq!((forest.classes(), forest.best_iteration()), (None, None));

    let forest = model("lightgbm-4.7.0/multiclass.txt");
    assert_eq!(forest.library(), Library::LightGBM);
    assert_eq!(forest.version(), "v4");
    assert_eq!(forest.objective(), "multiclass num_class:3");
    assert_eq!(forest.feature_names()[5], "Column_5");
    assert_eq!((forest.trees(), forest.rounds()), (18, 6));
    assert_eq!((forest.classes(), forest.outputs()), (Some(3), 3));
}

#[test]
fn the_names_of_categories_are_those_of_the_data_frame() {
    let xgboost =
        ["ubj", "json"].map(|suffix| model(&format!("xgboost-3.2.0/data_frame.{suffix}")));
    let lightgbm = model("lightgbm-4.7.0/data_frame.txt");
    for forest in xgboost.iter().chain([&lightgbm]) {
        let names = ["length", "width", "colour", "size", "shape"];
        assert_eq!(forest.feature_names(), names);
        assert_eq!(forest.category_names(3), ["0", "10", "20"]);
        assert_eq!(forest.category_names(4), ["flat", "round"]);
        assert!(forest.category_names(0).is_empty() && forest.category_names(9).is_empty());
    }
    assert_eq!(lightgbm.category_names(2), ["blau", "grün", "rot", "gelb"]);
    // XGBoost counts characters and not bytes, and so has lost them.
    assert!(xgboost[0].category_names(2).is_empty());
    let without = model("lightgbm-4.7.0/categorical.txt");
    assert!(without.category_names(4).is_empty());
}

#[test]
fn early_stopping_cuts_the_rounds_until_told_otherwise() {
    let forest = model("xgboost-3.2.0/early_softprob.json");
    let best = forest.best_iteration().expect("it stopped early");
    assert_eq!(forest.rounds(), best + 1);
    assert_eq!(
        forest.trees(),
        (best + 1 + 3) * 3,
        "the three worse ones are there"
    );
    assert_eq!(forest.with_rounds(usize::MAX).rounds(), best + 4);
}

#[test]
fn softmax_answers_the_class_and_knows_the_probabilities() {
    let [softmax, softprob] =
        ["softmax", "softprob"].map(|n| model(&format!("xgboost-3.2.0/{n}.ubj")));
    let row = [0.5_f32, f32::NAN, 1.0, 0.0, 3.0, 1.0];
    let probabilities = softmax.probabilities(&row).expect("it has classes");
    assert_eq!(probabilities, softprob.predict(&row).expect("a row"));
    let class = softmax.predict(&row).expect("a row");
    let greatest = probabilities.iter().copied().fold(0.0, f64::max);
    assert_eq!(class.len(), 1);
    assert_eq!(probabilities[class[0] as usize], greatest);
}

/// What a `Forest` promises of doubles can be lost: rounded to `f32`, some of these rows lie on the
/// other side of their threshold.
#[test]
fn doubles_at_a_threshold_go_where_lightgbm_sends_them() {
    let forest = model("lightgbm-4.7.0/decimals.txt");
    let rows: Vec<f64> = (-60..60)
        .flat_map(|n| {
            [
                f64::from(n) / 10.0,
                f64::from(-n) / 10.0,
                0.0,
                0.0,
                0.0,
                0.0,
            ]
        })
        .collect();
    let rounded: Vec<f32> = rows.iter().map(|x| *x as f32).collect();
    assert_ne!(
        forest.predict_batch(&rows).expect("rows"),
        forest.predict_batch(&rounded).expect("rows")
    );
}

#[test]
fn both_forms_of_an_xgboost_model_are_the_same_forest() {
    for folder in folders() {
        for (models, expected) in cases(&folder) {
            let [json, ubj] = &models[..] else { continue };
            let [json, ubj] = [json, ubj].map(|path| Forest::open(path).expect("a model"));
            let rows: Vec<f64> = expected["rows"].iter().flatten().map(number).collect();
            assert_eq!(json.predict_raw_batch(&rows), ubj.predict_raw_batch(&rows));
        }
    }
}
