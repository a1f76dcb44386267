//! A request over 100,000 candidates of 64 dimensions, top 30, against the time that reading their
//! vectors from memory takes on the same core.
//!
//! The bound is what the machine reads of a much larger array, which no cache holds. The vectors,
//! 25.6 MB, may fit the last cache of a large machine, and then a request may beat the bound; so one
//! run reads the large array before each request, which leaves nothing of the vectors in any cache.
//!
//! `cargo bench -p seldon-recommenders`

use std::hint::black_box;
use std::time::{Duration, Instant};

use seldon_recommenders::{Factors, FactorsParameters, Interactions};
use seldon_runtime::{Candidates, InMemory, List, Matrix, Persist, Query, Recommend, Result};

const ITEMS: usize = 100_000;
const DIMENSIONS: usize = 64;
const VECTORS: usize = ITEMS * DIMENSIONS * size_of::<f32>();
const RUNS: usize = 200;

fn main() -> Result<()> {
    let far = vec![1.0f32; 512 << 18];
    let read = timed(9, || sum(&far));
    let bandwidth = (size_of_val(&*far)) as f64 / read.least.as_secs_f64();
    let bound = Duration::from_secs_f64(VECTORS as f64 / bandwidth);
    println!("read bandwidth            {:8.2} GB/s", bandwidth / 1e9);
    println!(
        "{:.1} MB of vectors at that {:8.3} ms",
        VECTORS as f64 / 1e6,
        ms(bound)
    );

    // Each user touches two items: all items are there, and the fit is quick.
    let pairs = (0..ITEMS as i64).flat_map(|n| [(n, n), (n, (n * 7919 + 1) % ITEMS as i64)]);
    let mut parameters = FactorsParameters::default();
    parameters.dimensions = DIMENSIONS;
    parameters.iterations = 1;
    let model = Factors::fit(&Interactions::of_pairs(pairs)?, &parameters)?;

    let ids: Vec<i64> = (0..ITEMS as i64).collect();
    let excluded: Vec<i64> = (0..100).map(|n| n * 31).collect();
    let recent: Vec<i64> = (0..10).map(|n| n * 7).collect();
    let query = Query::new(1, 30).recent(&recent).excluding(&excluded);
    let list = Candidates::union(&[List::new(ids.clone()).into()]);
    let ask = |candidates: &Candidates| {
        let found = model.recommend(&query, candidates);
        found.map_or(0, |found| found.len())
    };
    let against = |what: &str, timed: Timed| {
        println!(
            "{what} {:8.3} ms at best, {:.3} in the median: {:.2} and {:.2} of the bound",
            ms(timed.least),
            ms(timed.median),
            timed.least.as_secs_f64() / bound.as_secs_f64(),
            timed.median.as_secs_f64() / bound.as_secs_f64(),
        );
    };
    against("a list of all, remembered", timed(RUNS, || ask(&list)));
    let uncached = timed_after(|| sum(&far), 20, || ask(&list));
    against("the same, no cache warm  ", uncached);
    against(
        "free to choose           ",
        timed(RUNS, || ask(&Candidates::all())),
    );
    let cold = timed(20, || {
        ask(&Candidates::union(&[List::new(ids.clone()).into()]))
    });
    against("a list seen first        ", cold);
    let half: Vec<i64> = ids.iter().copied().filter(|id| id % 2 == 0).collect();
    let half = Candidates::union(&[List::new(half).into()]);
    against("a list of every other    ", timed(RUNS, || ask(&half)));

    let json = format!("{{\"all\":{ids:?}}}");
    let parse = timed(50, || serde_json::from_str::<InMemory>(&json).is_ok());
    println!(
        "parsing a list of {:.1} MB   {:8.3} ms at best, {:.3} in the median",
        json.len() as f64 / 1e6,
        ms(parse.least),
        ms(parse.median)
    );

    let bytes = model.to_bytes()?;
    let load = timed(9, || Factors::from_bytes(&bytes).is_ok());
    println!(
        "loading {:.1} MB of Factors  {:8.3} ms",
        bytes.len() as f64 / 1e6,
        ms(load.median)
    );
    let matrix = Matrix::new(ITEMS, DIMENSIONS, vec![0.5; ITEMS * DIMENSIONS])?.to_bytes()?;
    let load = timed(9, || Matrix::from_bytes(&matrix).is_ok());
    println!(
        "loading {:.1} MB of Matrix   {:8.3} ms",
        matrix.len() as f64 / 1e6,
        ms(load.median)
    );
    Ok(())
}

/// Adds up all values in 16 independent sums, as the scoring does.
fn sum(values: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    for values in values.as_chunks::<16>().0 {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value;
        }
    }
    sums.iter().sum()
}

struct Timed {
    least: Duration,
    median: Duration,
}

fn timed<T>(runs: usize, work: impl FnMut() -> T) -> Timed {
    timed_after(|| (), runs, work)
}

/// The time of `work`, without that of what is done `before` each run of it.
fn timed_after<B, T>(
    mut before: impl FnMut() -> B,
    runs: usize,
    mut work: impl FnMut() -> T,
) -> Timed {
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            black_box(before());
            let start = Instant::now();
            black_box(work());
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    Timed {
        least: times[0],
        median: times[runs / 2],
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
