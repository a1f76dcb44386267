//! How long a row takes: alone, and in batches.
//!
//!     python3 seldon-trees/benches/scoring.py     # trains models in target/trees, times Python's own answers
//!     cargo bench -p seldon-trees                 # times these
//!
//! or `cargo bench -p seldon-trees -- model.ubj` for a model of one's own.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use seldon_trees::{Forest, Result};

/// As many rows as the processor does not remember the way of.
const ROWS: usize = 4096;

/// As many as are timed together: a time that others leave us on a machine in use.
const TOGETHER: usize = 64;

fn main() -> Result<()> {
    let mut paths: Vec<PathBuf> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .map(PathBuf::from)
        .collect();
    if paths.is_empty() {
        paths = trained();
    }
    if paths.is_empty() {
        println!("no models: make some by `python3 seldon-trees/benches/scoring.py`");
    }
    for path in paths {
        let start = Instant::now();
        let forest = Forest::open(&path)?;
        let load = start.elapsed();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        println!(
            "{name}: {} trees, {} nodes, {} features; read in {:.1} ms",
            forest.trees(),
            forest.nodes(),
            forest.features(),
            load.as_secs_f64() * 1e3
        );
        let features = forest.features();
        let rows = rows(features);
        let mut out = vec![0.0; forest.outputs()];
        let one = timed(&rows, features * TOGETHER, |rows| {
            for row in rows.chunks_exact(features) {
                forest.predict_into(row, &mut out).expect("a row");
                black_box(&out);
            }
        });
        println!(
            "  one row          {:9.3} µs",
            micros(one) / TOGETHER as f64
        );
        for count in [8, 64, ROWS] {
            let batch = timed(&rows, features * count, |rows| {
                black_box(forest.predict_batch(rows).expect("rows"));
            });
            println!(
                "  a row of {count:4}    {:9.3} µs",
                micros(batch) / count as f64
            );
        }
    }
    Ok(())
}

/// The models that the script has made.
fn trained() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/trees");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    paths
}

/// Rows as the script's: each number the sum of twelve even ones, which is nearly normal.
fn rows(features: usize) -> Vec<f32> {
    let mut state = 7u64;
    let mut even = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    let mut normal = || (0..12).map(|_| even()).sum::<f32>() - 6.0;
    (0..ROWS * features).map(|_| normal()).collect()
}

/// The best of the times that `work` takes for some of `rows`, over and over for a second.
fn timed(rows: &[f32], some: usize, mut work: impl FnMut(&[f32])) -> Duration {
    let began = Instant::now();
    let mut best = Duration::MAX;
    while began.elapsed() < Duration::from_secs(1) {
        for rows in rows.chunks_exact(some) {
            let start = Instant::now();
            work(black_box(rows));
            best = best.min(start.elapsed());
        }
    }
    best
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
