//! What a query says of its user, as rows of a model.

use seldon_runtime::{ItemIndex, Query};

/// The most of a user's latest items that count; older ones only do not come back.
///
/// Each costs a model about as much as any other, and the taste of today is not that of long ago:
/// a bound keeps a request with thousands of them as quick as one with many.
pub const MOST_RECENT: usize = 256;

/// The items that speak for the user, and those that must not come back.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The item being looked at, and the recent ones, newest first: those known, each once.
    recent: Vec<u32>,
    /// Ascending.
    left_out: Vec<u32>,
}

impl Seen {
    pub(crate) fn new(query: &Query<'_>, index: &ItemIndex) -> Self {
        let touched = query.item_id.iter().chain(query.recent_interactions);
        let mut recent: Vec<u32> = touched.filter_map(|&item| index.row(item)).collect();
        let excluded = query.exclusion_items.iter();
        let mut left_out: Vec<u32> = excluded.filter_map(|&item| index.row(item)).collect();
        left_out.extend(&recent);
        left_out.sort_unstable();
        left_out.dedup();
        // Cut first: finding repetitions among so few is cheap without a set.
        recent.truncate(MOST_RECENT);
        let mut distinct = Vec::with_capacity(recent.len());
        for row in recent {
            if !distinct.contains(&row) {
                distinct.push(row);
            }
        }
        Self {
            recent: distinct,
            left_out,
        }
    }

    pub(crate) fn recent(&self) -> &[u32] {
        &self.recent
    }

    /// Whether `row` may come back.
    pub(crate) fn admits(&self, row: u32) -> bool {
        self.left_out.binary_search(&row).is_err()
    }
}
