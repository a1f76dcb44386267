//! A model that misbehaves on demand, and a latch by which a test keeps it at work.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Condvar, Mutex, Once};
use std::time::{Duration, Instant};

use seldon_runtime::{
    Candidates, DefaultCustomPredictRequest, Error, Predict, Prediction, Query, Recommend,
    Recommendation, Result,
};
use tokio::sync::Semaphore;

use super::patient;

/// What the first number asks for; the answer is the numbers.
pub(crate) const ANSWER: f32 = 0.0;
/// For so many milliseconds.
pub(crate) const SLEEP: f32 = 1.0;
pub(crate) const PANIC: f32 = 2.0;
pub(crate) const NAN: f32 = 3.0;
pub(crate) const FAIL: f32 = 4.0;
/// Until its test lets go: see [`Hold`].
const HOLD: f32 = 5.0;
/// Keeps a core busy for so many milliseconds.
pub(crate) const SPIN: f32 = 6.0;
/// Answers with so many classes.
pub(crate) const HUGE: f32 = 7.0;

pub(crate) fn act(values: &[f32]) -> Result<Prediction> {
    match values {
        [SLEEP, time, ..] => std::thread::sleep(milliseconds(*time)),
        [PANIC, ..] => panic!("{SECRET}"),
        [NAN, ..] => return Ok(Prediction::scores([f64::NAN])),
        [FAIL, ..] => return Err(Error::failed(SECRET)),
        [HOLD, id, ..] => Latch::of(*id as u16).wait(),
        [SPIN, time, ..] => {
            let begun = Instant::now();
            while begun.elapsed() < milliseconds(*time) {
                std::hint::spin_loop();
            }
        }
        [HUGE, classes, ..] => {
            return Ok(Prediction::scores(vec![0.123_456_789; *classes as usize]));
        }
        _ => {}
    }
    Ok(Prediction::scores(values.iter().map(|v| f64::from(*v))))
}

/// What must never be seen outside.
const SECRET: &str = "a secret of the model";

fn milliseconds(count: f32) -> Duration {
    Duration::from_millis(count as u64)
}

/// Answers where the request is read.
#[seldon_macros::predictor(crate = ::seldon_runtime)]
#[derive(Default)]
pub(crate) struct Quick {}

/// Answers on the pool of threads.
#[seldon_macros::predictor(crate = ::seldon_runtime, run = blocking)]
#[derive(Default)]
pub(crate) struct Slow {}

/// Does on its pool of threads what its user's recent interactions say.
#[seldon_macros::recommender(crate = ::seldon_runtime, run = blocking)]
#[derive(Default)]
pub(crate) struct Picks {}

impl Predict for Quick {
    fn predict(&self, data: &DefaultCustomPredictRequest) -> Result<Prediction> {
        act(&data.values)
    }
}

impl Predict for Slow {
    fn predict(&self, data: &DefaultCustomPredictRequest) -> Result<Prediction> {
        act(&data.values)
    }
}

impl Recommend for Picks {
    fn recommend(&self, query: &Query<'_>, _: &Candidates) -> Result<Vec<Recommendation>> {
        let values: Vec<f32> = query
            .recent_interactions
            .iter()
            .map(|i| *i as f32)
            .collect();
        act(&values)?;
        let item = query.user_id;
        Ok(vec![Recommendation { item, score: 1.0 }])
    }
}

/// Keeps calls in the model until it is dropped.
pub(crate) struct Hold {
    id: u16,
    latch: Arc<Latch>,
}

impl Hold {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            id,
            latch: Latch::of(id),
        }
    }

    /// The numbers that ask for it.
    pub(crate) fn values(&self) -> [f32; 2] {
        Self::values_of(self.id)
    }

    /// The same, where all that is had of it is its number.
    pub(crate) fn values_of(id: u16) -> [f32; 2] {
        [HOLD, f32::from(id)]
    }

    pub(crate) fn id(&self) -> u16 {
        self.id
    }

    /// Waits until one more call is in the model.
    pub(crate) async fn begun(&self) {
        let begun = patient(self.latch.begun.acquire()).await;
        begun.expect("it is never closed").forget();
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        *self.latch.open.lock().expect("nobody panics with it") = true;
        self.latch.opened.notify_all();
    }
}

/// Shared by a test and the threads of the model.
struct Latch {
    begun: Semaphore,
    open: Mutex<bool>,
    opened: Condvar,
}

impl Latch {
    fn of(id: u16) -> Arc<Self> {
        static ALL: Mutex<BTreeMap<u16, Arc<Latch>>> = Mutex::new(BTreeMap::new());
        let new = || {
            Arc::new(Self {
                begun: Semaphore::new(0),
                open: Mutex::new(false),
                opened: Condvar::new(),
            })
        };
        let mut all = ALL.lock().expect("nobody panics with it");
        Arc::clone(all.entry(id).or_insert_with(new))
    }

    fn wait(&self) {
        self.begun.add_permits(1);
        let open = self.open.lock().expect("nobody panics with it");
        drop(self.opened.wait_while(open, |open| !*open));
    }
}

/// Lets the model's panics pass in silence, and no others.
pub(crate) fn expect_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic.payload_as_str() != Some(SECRET) {
                others(panic);
            }
        }));
    });
}
