//! How long a row takes: alone, and in batches.
//!
//!     target/fixtures/onnx/bin/python seldon-onnx/benches/scoring.py    # trains, and times onnxruntime
//!     cargo bench -p seldon-onnx                                        # times these
//!
//! or `cargo bench -p seldon-onnx -- model.onnx` for a graph of one's own.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use seldon_onnx::{Onnx, Result};

fn main() -> Result<()> {
    let mut paths: Vec<PathBuf> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .map(PathBuf::from)
        .collect();
    if paths.is_empty() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/onnx");
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        paths = files.map(|file| file.path()).collect();
    }
    if paths.is_empty() {
        println!("no graphs: make some by `seldon-onnx/benches/scoring.py`");
    }
    for path in paths {
        let start = Instant::now();
        let onnx = Onnx::open(&path)?;
        let load = start.elapsed().as_secs_f64() * 1e3;
        println!("{}: loaded in {load:.1} ms", path.display());
        let Some(width) = onnx.width() else { continue };
        for rows in [1, 64, 4096] {
            let numbers: Vec<f32> = numbers().take(width * rows).collect();
            let time = best(|| {
                black_box(onnx.predict_f32(black_box(&numbers), rows).expect("rows"));
            });
            println!(
                "  a row of {rows:4}    {:9.3} µs",
                time.as_secs_f64() * 1e6 / rows as f64
            );
        }
    }
    Ok(())
}

/// Numbers between -2 and 2.
fn numbers() -> impl Iterator<Item = f32> {
    let mut state = 1u64;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 22) as f32 - 2.0
    })
}

/// The best of many runs: others use the machine, too.
fn best(mut work: impl FnMut()) -> Duration {
    let start = Instant::now();
    let mut best = Duration::MAX;
    while start.elapsed() < Duration::from_secs(3) {
        let before = Instant::now();
        work();
        best = best.min(before.elapsed());
    }
    best
}
