//! The model that is shipped, and how it is made.

use std::path::Path;

use iris::{Iris, IrisPredictRequest, train};
use seldon::prelude::*;

fn shipped() -> Iris {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("model");
    Iris::load(&Folder::open(folder).expect("the folder is shipped")).expect("it loads")
}

#[test]
fn the_data_are_150_flowers_50_of_each_class() {
    let flowers = train::flowers().expect("the data are shipped");
    let counts = [0, 1, 2].map(|class| flowers.iter().filter(|f| f.1 == class).count());
    assert_eq!(counts, [50; 3]);
    // The two in which the repository's file is wrong; see data/README.md.
    let flower = |f1, f2, f3, f4| IrisPredictRequest { f1, f2, f3, f4 };
    assert_eq!(flowers[34].0, flower(4.9, 3.1, 1.5, 0.2));
    assert_eq!(flowers[37].0, flower(4.9, 3.6, 1.4, 0.1));
}

#[test]
fn ten_of_each_class_are_held_out() {
    let (samples, held_out) = train::split(train::flowers().expect("data"));
    assert_eq!(samples.len(), 120);
    let counts = [0, 1, 2].map(|class| held_out.iter().filter(|f| f.1 == class).count());
    assert_eq!(counts, [10; 3]);
}

#[test]
fn the_shipped_model_tells_flowers_apart_that_it_was_not_trained_on() {
    let (_, held_out) = train::split(train::flowers().expect("data"));
    assert!(train::accuracy(&shipped(), &held_out) >= 0.93);
}

#[test]
fn the_shipped_model_is_what_training_gives() {
    let (samples, held_out) = train::split(train::flowers().expect("data"));
    let (trained, shipped) = (train::fit(&samples), shipped());
    for (flower, _) in &held_out {
        let (a, b) = (trained.probabilities(flower), shipped.probabilities(flower));
        // The exponential of another machine's C library may differ in the last digit.
        assert!(
            a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9),
            "{a:?} {b:?}"
        );
    }
}

#[test]
fn scores_are_probabilities_however_odd_the_flower() {
    for length in [0.0, -1e30, f32::MAX, f32::MIN_POSITIVE] {
        let flower = IrisPredictRequest {
            f1: length,
            f2: -length,
            f3: length,
            f4: 0.0,
        };
        let sum: f64 = shipped().probabilities(&flower).iter().sum();
        assert!((sum - 1.0).abs() < 1e-12, "{length}: {sum}");
    }
}

#[test]
fn what_is_trained_is_saved_and_loaded() {
    let root = tempfile::tempdir().expect("a folder");
    let model = root.path().join("model");
    let iris = train::fit(&train::flowers().expect("data"));
    let flower = IrisPredictRequest {
        f1: 4.8,
        f2: 3.0,
        f3: 1.4,
        f4: 0.1,
    };
    iris.predict(&flower).expect("scored");
    assert_eq!(iris.hits(), 1);
    iris.save(&model).expect("saved");
    let loaded = Iris::load(&Folder::open(model).expect("opened")).expect("loaded");
    assert_eq!(loaded.probabilities(&flower), iris.probabilities(&flower));
    assert_eq!(loaded.hits(), 0, "a skipped field is not stored");
}
