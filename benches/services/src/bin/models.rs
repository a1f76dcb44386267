//! Models that show what batching and `run = blocking` are worth: `scripts/bench-models` asks them.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use iris::Iris;
use seldon::prelude::*;
use seldon::{DefaultCustomPredictRequest, Limits};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What computes one call after the other, each in the same time, whatever its rows: as an
/// accelerator does that is far from full.
#[derive(Debug, Default)]
struct Device(Mutex<()>);

impl Device {
    fn compute(&self, rows: &[DefaultCustomPredictRequest]) -> Vec<Result<Prediction>> {
        let busy = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        thread::sleep(Duration::from_millis(2));
        drop(busy);
        let sum = |row: &DefaultCustomPredictRequest| f64::from(row.values.iter().sum::<f32>());
        let answers = rows.iter().map(|row| Ok(Prediction::scores([sum(row)])));
        answers.collect()
    }
}

macro_rules! device {
    ($name:ident, $($arguments:tt)*) => {
        #[seldon::predictor($($arguments)*)]
        #[derive(Default)]
        struct $name {
            #[seldon(skip)]
            device: Device,
        }

        impl Predict for $name {
            fn predict(&self, row: &DefaultCustomPredictRequest) -> Result<Prediction> {
                self.device.compute(std::slice::from_ref(row)).remove(0)
            }

            fn predict_batch(
                &self,
                rows: &[DefaultCustomPredictRequest],
            ) -> Vec<Result<Prediction>> {
                self.device.compute(rows)
            }
        }
    };
}

device!(Single, path = "/device", run = blocking);
device!(
    Batched,
    path = "/device",
    run = blocking,
    batch(max_rows = 64, max_wait = "2ms")
);

/// Takes 20 ms of a core that it has for itself, in which it leaves the core to others or does not.
#[seldon::predictor(path = "/slow", run = blocking)]
struct Slow {
    #[seldon(skip)]
    work: Work,
}

#[derive(Debug, Default)]
enum Work {
    #[default]
    Waits,
    /// So many rounds of `compute`, however long others have the core.
    Computes(u64),
}

impl Work {
    const TIME: Duration = Duration::from_millis(20);

    /// As much as this core does now in the time.
    fn computing() -> Self {
        let begun = Instant::now();
        let mut rounds = 0;
        while begun.elapsed() < Self::TIME {
            compute(1000);
            rounds += 1000;
        }
        Self::Computes(rounds)
    }
}

fn compute(rounds: u64) {
    let mut value = 1_u64;
    for n in 0..rounds {
        value = std::hint::black_box(value.wrapping_mul(n | 1));
    }
}

impl Predict for Slow {
    fn predict(&self, _: &DefaultCustomPredictRequest) -> Result<Prediction> {
        match self.work {
            Work::Waits => thread::sleep(Work::TIME),
            Work::Computes(rounds) => compute(rounds),
        }
        Ok(Prediction::scores([1.0]))
    }
}

fn main() -> seldon::ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(kind), Some(address)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: models single|batched|waiting|computing ADDRESS");
        return seldon::ExitCode::FAILURE;
    };
    seldon::block_on(async move {
        let mut limits = Limits::default();
        limits.lame_duck = Duration::ZERO;
        // All 64 connections may wait for their turn.
        limits.queue_per_place = 64;
        limits.queue_time = Duration::from_secs(5);
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/iris/model");
        let iris = Iris::load(&Folder::open(folder)?)?;
        let server = Server::new().limits(limits).mount(iris);
        let server = match kind.as_str() {
            "single" => server.mount(Single::default()),
            "batched" => server.mount(Batched::default()),
            "waiting" => server.mount(Slow { work: Work::Waits }),
            "computing" => server.mount(Slow {
                work: Work::computing(),
            }),
            other => return Err(Error::setup(format!("`{other}` is no kind of model"))),
        };
        server.serve(address).await
    })
}
