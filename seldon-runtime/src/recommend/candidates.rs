//! The items that a recommender may choose from.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A decoded list of item ids: ascending, each once.
#[derive(Debug, Default)]
pub struct List {
    ids: Vec<i64>,
    /// The list as rows of those that asked last, the latest first: looking up 100,000 ids costs as
    /// much as scoring them, and the same list serves many requests. Two, because two recommenders
    /// may have one source; a new version of a model takes the place of what is not asked for.
    rows: Mutex<[Option<Rows>; 2]>,
}

#[derive(Debug)]
struct Rows {
    /// Of which [`ItemIndex`].
    index: u64,
    rows: Arc<[u32]>,
}

impl List {
    /// A list of `ids` in any order, repeated ones too.
    pub fn new(mut ids: Vec<i64>) -> Self {
        if !ids.is_sorted_by(|a, b| a < b) {
            ids.sort_unstable();
            ids.dedup();
        }
        Self {
            ids,
            rows: Mutex::default(),
        }
    }

    /// The ids, ascending, each once.
    pub fn ids(&self) -> &[i64] {
        &self.ids
    }

    fn rows(&self, index: &ItemIndex) -> Arc<[u32]> {
        let known = |rows: &[Option<Rows>; 2]| {
            let known = rows.iter().flatten().find(|rows| rows.index == index.id);
            known.map(|known| Arc::clone(&known.rows))
        };
        let remembered = || self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = known(&remembered()) {
            return rows;
        }
        // Others need not wait: at worst several look the same rows up at first.
        let rows: Arc<[u32]> = index.rows(&self.ids).into();
        let mut remembered = remembered();
        if known(&remembered).is_none() {
            let latest = Rows {
                index: index.id,
                rows: Arc::clone(&rows),
            };
            let [first, second] = &mut *remembered;
            *second = first.replace(latest);
        }
        rows
    }
}

/// The items that a recommender may choose from: all it knows, or a set.
#[derive(Debug, Clone)]
pub struct Candidates {
    /// `None` is all.
    list: Option<Arc<List>>,
}

impl Candidates {
    /// All that the recommender knows.
    pub fn all() -> Self {
        Self { list: None }
    }

    /// The union of `lists`.
    pub fn union(lists: &[Arc<List>]) -> Self {
        let list = match lists {
            [] => Arc::default(),
            [one] => Arc::clone(one),
            several => {
                let mut ids: Vec<i64> = several.iter().flat_map(|l| l.ids()).copied().collect();
                // Runs that are sorted already: the standard sort merges them.
                ids.sort();
                ids.dedup();
                Arc::new(List::new(ids))
            }
        };
        Self { list: Some(list) }
    }

    /// Whether the recommender is free to choose.
    pub fn is_all(&self) -> bool {
        self.list.is_none()
    }

    /// Whether `item` may be chosen.
    pub fn contains(&self, item: i64) -> bool {
        self.list
            .as_ref()
            .is_none_or(|list| list.ids.binary_search(&item).is_ok())
    }

    /// The set's ids, ascending, each once; `None` where the recommender is free to choose.
    pub fn ids(&self) -> Option<&[i64]> {
        self.list.as_deref().map(List::ids)
    }

    /// The set as rows of `index`, ascending by id, ids that it does not hold left out; `None`
    /// where the recommender is free to choose.
    pub fn rows(&self, index: &ItemIndex) -> Option<Arc<[u32]>> {
        Some(self.list.as_deref()?.rows(index))
    }
}

/// Item ids in ascending order; an item's place is its row in whatever a model keeps by item.
#[derive(Debug)]
pub struct ItemIndex {
    /// Tells apart the indices that lists remember rows of: unique in the process.
    id: u64,
    ids: Vec<i64>,
}

impl ItemIndex {
    /// An index of `ids`; `None` if they do not ascend.
    pub fn new(ids: Vec<i64>) -> Option<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        (ids.is_sorted_by(|a, b| a < b)).then(|| Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            ids,
        })
    }

    /// The ids, ascending: the one at place `n` is row `n`'s.
    pub fn ids(&self) -> &[i64] {
        &self.ids
    }

    /// The row of `item`.
    pub fn row(&self, item: i64) -> Option<u32> {
        self.ids.binary_search(&item).ok().map(|row| row as u32)
    }

    /// The rows of the ascending `items` that are known, by walking both in step.
    fn rows(&self, items: &[i64]) -> Vec<u32> {
        let mut rows = Vec::with_capacity(items.len().min(self.ids.len()));
        let mut from = 0;
        for &item in items {
            // A gallop, then a search in what it passed: near-linear where the sets are alike, a
            // search where one is much the smaller.
            let rest = &self.ids[from..];
            let mut step = 1;
            while step < rest.len() && rest[step] < item {
                step *= 2;
            }
            let (low, high) = (step / 2, (step + 1).min(rest.len()));
            match rest[low..high].binary_search(&item) {
                Ok(at) => {
                    rows.push((from + low + at) as u32);
                    from += low + at + 1;
                }
                Err(at) => from += low + at,
            }
            if from == self.ids.len() {
                break;
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Ids that collide often, with the extremes among them.
    fn ids() -> impl Strategy<Value = Vec<i64>> {
        let id = prop_oneof![8 => -40..40_i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX), 1 => any::<i64>()];
        prop::collection::vec(id, 0..60)
    }

    fn index(ids: &[i64]) -> ItemIndex {
        let ids: BTreeSet<i64> = ids.iter().copied().collect();
        ItemIndex::new(ids.into_iter().collect()).expect("they ascend")
    }

    fn naive_rows(items: &[i64], index: &ItemIndex) -> Vec<u32> {
        let place = |item| index.ids().iter().position(|id| id == item);
        items
            .iter()
            .filter_map(place)
            .map(|row| row as u32)
            .collect()
    }

    proptest! {
        #[test]
        fn a_union_holds_what_any_list_holds_once_and_ascending(lists in prop::collection::vec(ids(), 0..5), probe in -50..50_i64) {
            let naive: BTreeSet<i64> = lists.iter().flatten().copied().collect();
            let lists: Vec<_> = lists.into_iter().map(|ids| Arc::new(List::new(ids))).collect();
            let union = Candidates::union(&lists);
            prop_assert!(!union.is_all());
            prop_assert_eq!(union.contains(probe), naive.contains(&probe));
            prop_assert_eq!(union.ids().expect("a set"), naive.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn rows_are_the_places_of_the_ids_that_an_index_holds(items in ids(), known in ids(), others in ids()) {
            let (first, second, third) = (index(&known), index(&others), index(&[]));
            let candidates = Candidates::union(&[Arc::new(List::new(items))]);
            let ids = candidates.ids().expect("a set");
            // Remembered for two indices, and still right for another.
            for index in [&first, &second, &first, &third, &second, &first] {
                let rows = candidates.rows(index).expect("a set");
                prop_assert_eq!(&*rows, naive_rows(ids, index));
            }
        }

        #[test]
        fn a_row_is_where_its_id_is(known in ids(), item in -50..50_i64) {
            let index = index(&known);
            let row = index.row(item);
            prop_assert_eq!(row.is_some(), known.contains(&item));
            if let Some(row) = row {
                prop_assert_eq!(index.ids()[row as usize], item);
            }
        }
    }

    #[test]
    fn rows_are_remembered_for_the_two_that_asked_last() {
        let list = List::new(vec![1, 2]);
        let (a, b, c) = (index(&[1]), index(&[2]), index(&[1, 2]));
        let first = list.rows(&a);
        let second = list.rows(&b);
        assert!(Arc::ptr_eq(&first, &list.rows(&a)));
        assert!(Arc::ptr_eq(&second, &list.rows(&b)));
        // As a model's new version does.
        let third = list.rows(&c);
        assert!(Arc::ptr_eq(&third, &list.rows(&c)));
        assert!(Arc::ptr_eq(&second, &list.rows(&b)));
        assert!(!Arc::ptr_eq(&first, &list.rows(&a)));
    }

    #[test]
    fn rows_are_found_where_one_set_is_much_the_smaller() {
        let all = index(&(0..10_000).map(|n| n * 3).collect::<Vec<_>>());
        let few = Candidates::union(&[Arc::new(List::new(vec![29_997, 0, 1, 15_000, 40_000, -1]))]);
        assert_eq!(*few.rows(&all).expect("a set"), [0, 5_000, 9_999]);
        let many = Candidates::union(&[Arc::new(List::new((-5_000..5_000).collect()))]);
        assert_eq!(
            *many
                .rows(&index(&[-9_999, 0, 4_999, 5_000]))
                .expect("a set"),
            [1, 2]
        );
    }

    #[test]
    fn all_holds_everything_and_lists_nothing() {
        let all = Candidates::all();
        assert!(all.is_all() && all.contains(i64::MIN));
        assert!(all.ids().is_none() && all.rows(&index(&[1])).is_none());
    }

    #[test]
    fn no_list_is_an_empty_set() {
        let none = Candidates::union(&[]);
        assert!(!none.is_all() && !none.contains(0));
        assert_eq!(none.ids(), Some(&[][..]));
    }

    #[test]
    fn an_index_takes_ascending_ids_alone() {
        assert!(ItemIndex::new(vec![1, 2]).is_some());
        assert!(ItemIndex::new(vec![2, 1]).is_none());
        assert!(ItemIndex::new(vec![1, 1]).is_none());
    }
}
