//! What a forest that was read owes.

use seldon_trees::{Forest, Result};

/// Asks a forest for answers to some rows: it gives as many numbers as it says, and no panic.
pub fn check(forest: Result<Forest>) {
    let Ok(forest) = forest else { return };
    let features = forest.features();
    // A row of 64 MiB is right, and slow.
    if features > 4096 {
        return;
    }
    let mut rows = vec![0.5f32; features * 3];
    rows[..features].fill(f32::NAN);
    rows[features..2 * features].fill(-7.25);
    let answers = forest.predict_batch(&rows).expect("three rows");
    assert_eq!(answers.len(), 3 * forest.outputs());
    for (row, answer) in rows.chunks_exact(features).zip(answers.chunks_exact(forest.outputs())) {
        let alone = forest.predict(row).expect("a row");
        let same = alone.iter().zip(answer).all(|(a, b)| a == b || a.is_nan() && b.is_nan());
        assert!(same, "{alone:?} {answer:?}");
    }
}
