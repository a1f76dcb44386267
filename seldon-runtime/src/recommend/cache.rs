//! Lists that were read lately, and those that are being read.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Shared, WeakShared, join_all};

use super::List;

/// What came of reading one key: its list, or that it is not held.
pub(super) type Outcome<E> = Result<Option<Arc<List>>, Arc<E>>;

/// What came of reading several keys at once.
type Outcomes<E> = Arc<HashMap<Box<str>, Outcome<E>>>;

/// The reading of several keys, which whoever waits for one of them drives: so it goes on when the
/// request that began it is gone, and ends when nobody waits any more.
type Flight<E> = Pin<Box<dyn Future<Output = Outcomes<E>> + Send>>;

/// Lists by key, each kept for a short time, and read once for all who wait for it.
///
/// The same few lists serve every request. What is not held is not remembered: a list that was just
/// written is seen at once. Nor are errors.
pub(super) struct Lists<E> {
    /// `None` where nothing is kept.
    kept: Option<moka::sync::Cache<Box<str>, Arc<List>>>,
    flights: Mutex<Flights<E>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

struct Flights<E> {
    /// Numbers flights, so that one that ends takes none but its own keys out.
    next: u64,
    by_key: HashMap<Box<str>, (u64, WeakShared<Flight<E>>)>,
}

/// The most ids that are kept: 64 MiB of them, and half as much again for the rows of a model.
const MOST_IDS: u64 = 8 << 20;

impl<E: Send + Sync + 'static> Lists<E> {
    /// Lists that are kept for `time`; zero is not at all.
    pub(super) fn new(time: Duration) -> Self {
        let kept = (!time.is_zero()).then(|| {
            moka::sync::Cache::<Box<str>, Arc<List>>::builder()
                .weigher(|key, list| {
                    // A short list costs something, too: its key and its place here.
                    let overhead = 16 + key.len() / 8;
                    (list.ids().len() + overhead).try_into().unwrap_or(u32::MAX)
                })
                .max_capacity(MOST_IDS)
                .time_to_live(time)
                .build()
        });
        let flights = Flights {
            next: 0,
            by_key: HashMap::new(),
        };
        Self {
            kept,
            flights: Mutex::new(flights),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// The outcomes for `keys`, in their order. Those that are neither kept nor being read are read by
    /// one call of `read`.
    pub(super) async fn get<F>(
        self: &Arc<Self>,
        keys: &[&str],
        read: impl FnOnce(Vec<Box<str>>) -> F,
    ) -> Vec<Outcome<E>>
    where
        F: Future<Output = HashMap<Box<str>, Outcome<E>>> + Send + 'static,
    {
        let kept: Vec<_> = keys.iter().map(|key| self.kept(key)).collect();
        let hits = kept.iter().flatten().count();
        self.hits.fetch_add(hits as u64, Ordering::Relaxed);
        let misses = kept.len() - hits;
        if misses == 0 {
            return kept.into_iter().map(Ok).collect();
        }
        self.misses.fetch_add(misses as u64, Ordering::Relaxed);
        let places = self.board(keys, kept, read);
        let waiting = (keys.iter().zip(places)).map(|(key, place)| async move {
            match place {
                Place::Kept(list) => Ok(Some(list)),
                Place::Aboard(flight) => match flight.await.get(*key) {
                    Some(outcome) => outcome.clone(),
                    None => Ok(None),
                },
            }
        });
        join_all(waiting).await
    }

    /// How many lists were kept when they were asked for, and how many were not.
    pub(super) fn counts(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.hits), read(&self.misses))
    }

    fn kept(&self, key: &str) -> Option<Arc<List>> {
        self.kept.as_ref()?.get(key)
    }

    /// A place for each key: on a flight of others, or on one of its own.
    fn board<F>(
        self: &Arc<Self>,
        keys: &[&str],
        kept: Vec<Option<Arc<List>>>,
        read: impl FnOnce(Vec<Box<str>>) -> F,
    ) -> Vec<Place<E>>
    where
        F: Future<Output = HashMap<Box<str>, Outcome<E>>> + Send + 'static,
    {
        let mut places = Vec::with_capacity(keys.len());
        let mut wanted: Vec<Box<str>> = Vec::new();
        let mut flights = self.flights();
        for (key, kept) in keys.iter().zip(kept) {
            let aboard = || (flights.by_key.get(*key)).and_then(|(_, flight)| flight.upgrade());
            // Looked for once more: a flight that landed meanwhile has put its lists there before it
            // took its keys away.
            places.push(match kept.or_else(|| self.kept(key)) {
                Some(list) => Some(Place::Kept(list)),
                None => aboard().map(Place::Aboard),
            });
            if places.last().is_some_and(Option::is_none) && !wanted.iter().any(|w| **w == **key) {
                wanted.push(Box::from(*key));
            }
        }
        if !wanted.is_empty() {
            let number = flights.next;
            flights.next += 1;
            let landing = Landing {
                lists: Arc::clone(self),
                number,
                keys: wanted.clone(),
            };
            let reading = read(wanted.clone());
            let flight: Flight<E> = Box::pin(async move {
                let outcomes = reading.await;
                landing.keep(&outcomes);
                Arc::new(outcomes)
            });
            let flight = flight.shared();
            let weak = flight.downgrade().expect("it has not been polled");
            for key in wanted {
                flights.by_key.insert(key, (number, weak.clone()));
            }
            for place in &mut places {
                place.get_or_insert_with(|| Place::Aboard(flight.clone()));
            }
        }
        drop(flights);
        places.into_iter().flatten().collect()
    }

    fn flights(&self) -> MutexGuard<'_, Flights<E>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a key's list comes from.
enum Place<E> {
    Kept(Arc<List>),
    Aboard(Shared<Flight<E>>),
}

/// Takes a flight's keys out when it has ended, or when the last who waited for it has gone.
struct Landing<E> {
    lists: Arc<Lists<E>>,
    number: u64,
    keys: Vec<Box<str>>,
}

impl<E> Landing<E> {
    fn keep(&self, outcomes: &HashMap<Box<str>, Outcome<E>>) {
        let Some(kept) = &self.lists.kept else {
            return;
        };
        for (key, outcome) in outcomes {
            if let Ok(Some(list)) = outcome {
                kept.insert(key.clone(), Arc::clone(list));
            }
        }
    }
}

impl<E> Drop for Landing<E> {
    fn drop(&mut self) {
        let mut flights = (self.lists.flights.lock()).unwrap_or_else(PoisonError::into_inner);
        for key in &self.keys {
            if (flights.by_key.get(key)).is_some_and(|(number, _)| *number == self.number) {
                flights.by_key.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    type Read = HashMap<Box<str>, Outcome<String>>;

    fn all(keys: Vec<Box<str>>) -> Read {
        (keys.into_iter())
            .map(|key| {
                let ids = vec![key.len() as i64];
                (key, Ok(Some(Arc::new(List::new(ids)))))
            })
            .collect()
    }

    fn ids(outcome: &Outcome<String>) -> Vec<i64> {
        match outcome {
            Ok(Some(list)) => list.ids().to_vec(),
            other => panic!("no list: {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_kept_list_is_not_read_again() {
        let lists = Arc::new(Lists::new(LONG));
        let first = lists.get(&["a", "bb", "a"], async |keys| all(keys)).await;
        assert_eq!(first.iter().map(ids).collect::<Vec<_>>(), [[1], [2], [1]]);
        let second = lists
            .get(&["bb", "ccc"], async |keys| {
                assert_eq!(keys, [Box::from("ccc")]);
                all(keys)
            })
            .await;
        assert_eq!(second.iter().map(ids).collect::<Vec<_>>(), [[2], [3]]);
        assert!(lists.flights().by_key.is_empty());
    }

    #[tokio::test]
    async fn nothing_is_kept_for_no_time() {
        let lists = Arc::new(Lists::new(Duration::ZERO));
        let reads = Arc::new(AtomicUsize::new(0));
        for _ in 0..2 {
            let reads = Arc::clone(&reads);
            let read = async move |keys| {
                reads.fetch_add(1, Ordering::Relaxed);
                all(keys)
            };
            assert_eq!(ids(&lists.get(&["a"], read).await[0]), [1]);
        }
        assert_eq!(reads.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn what_is_not_held_and_what_failed_is_read_again() {
        let lists = Arc::new(Lists::new(LONG));
        let bad = |keys: Vec<Box<str>>| -> Read {
            let outcome = |key: &str| match key {
                "none" => Ok(None),
                _ => Err(Arc::new("no".to_owned())),
            };
            keys.into_iter()
                .map(|key| (key.clone(), outcome(&key)))
                .collect()
        };
        let outcomes = lists
            .get(&["none", "wrong"], async move |keys| bad(keys))
            .await;
        assert!(matches!(&outcomes[..], [Ok(None), Err(_)]));
        let outcomes = lists.get(&["none", "wrong"], async |keys| all(keys)).await;
        assert_eq!(outcomes.iter().map(ids).collect::<Vec<_>>(), [[4], [5]]);
    }

    #[tokio::test]
    async fn all_who_wait_for_a_key_share_one_read() {
        let (lists, gate) = (Arc::new(Lists::new(LONG)), Arc::new(Notify::new()));
        let reads = Arc::new(AtomicUsize::new(0));
        let waiting: Vec<_> = (0..100)
            .map(|_| {
                let (lists, gate, reads) =
                    (Arc::clone(&lists), Arc::clone(&gate), Arc::clone(&reads));
                tokio::spawn(async move {
                    let read = move |keys| async move {
                        reads.fetch_add(1, Ordering::Relaxed);
                        gate.notified().await;
                        all(keys)
                    };
                    lists.get(&["a"], read).await.len()
                })
            })
            .collect();
        tokio::task::yield_now().await;
        gate.notify_one();
        for task in waiting {
            assert_eq!(task.await.expect("no panic"), 1);
        }
        assert_eq!(reads.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_read_goes_on_when_the_one_who_began_it_is_gone() {
        let (lists, gate) = (
            Arc::new(Lists::<String>::new(LONG)),
            Arc::new(Notify::new()),
        );
        let opened = Arc::clone(&gate);
        let mut first = Box::pin(lists.get(&["a", "bb"], move |keys| async move {
            opened.notified().await;
            all(keys)
        }));
        assert!((&mut first).now_or_never().is_none());
        let mut second = Box::pin(lists.get(&["bb", "ccc"], async |keys| {
            assert_eq!(keys, [Box::from("ccc")]);
            all(keys)
        }));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        gate.notify_one();
        assert_eq!(second.await.iter().map(ids).collect::<Vec<_>>(), [[2], [3]]);
        assert!(lists.flights().by_key.is_empty());
    }

    #[tokio::test]
    async fn a_read_that_nobody_waits_for_ends() {
        let lists = Arc::new(Lists::<String>::new(LONG));
        let mut first = Box::pin(lists.get(&["a"], |_| std::future::pending::<Read>()));
        assert!((&mut first).now_or_never().is_none());
        drop(first);
        assert!(lists.flights().by_key.is_empty());
        let again = lists.get(&["a"], async |keys| all(keys)).await;
        assert_eq!(ids(&again[0]), [1]);
    }
}
