//! The tables that header fields are looked up in, RFC 7541 §2.3: the one that never changes, and
//! the one that the peer's header blocks fill.

use std::collections::VecDeque;
use std::sync::LazyLock;

use bytes::Bytes;

use super::field::{Field, Name};

/// Entries of appendix A. The first has the index 1.
#[rustfmt::skip]
pub(super) const STATIC: [(&str, &str); 61] = [
    (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"),
    (":path", "/index.html"), (":scheme", "http"), (":scheme", "https"), (":status", "200"),
    (":status", "204"), (":status", "206"), (":status", "304"), (":status", "400"),
    (":status", "404"), (":status", "500"), ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""),
    ("accept", ""), ("access-control-allow-origin", ""), ("age", ""), ("allow", ""),
    ("authorization", ""), ("cache-control", ""), ("content-disposition", ""),
    ("content-encoding", ""), ("content-language", ""), ("content-length", ""),
    ("content-location", ""), ("content-range", ""), ("content-type", ""), ("cookie", ""),
    ("date", ""), ("etag", ""), ("expect", ""), ("expires", ""), ("from", ""), ("host", ""),
    ("if-match", ""), ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""),
    ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""), ("location", ""),
    ("max-forwards", ""), ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""),
    ("referer", ""), ("refresh", ""), ("retry-after", ""), ("server", ""), ("set-cookie", ""),
    ("strict-transport-security", ""), ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""),
    ("via", ""), ("www-authenticate", ""),
];

/// The same, checked.
static FIELDS: LazyLock<Vec<(Field, usize)>> = LazyLock::new(|| {
    let field = |(name, value): &(&'static str, &'static str)| {
        // Most have no value: they stand for their names.
        let field = Field::new(static_name(name), Bytes::from_static(value.as_bytes()));
        (field, size(name.len(), value.len()))
    };
    STATIC.iter().map(field).collect()
});

/// What an entry costs beside its bytes, §4.1.
const OVERHEAD: usize = 32;

/// The size that a field counts for, in the table as in a header list.
pub(super) fn size(name: usize, value: usize) -> usize {
    name + value + OVERHEAD
}

/// The fields that the peer may refer to.
#[derive(Debug)]
pub(super) struct Table {
    /// The newest first.
    entries: VecDeque<(Field, usize)>,
    size: usize,
    most: usize,
    /// Another number with each change.
    version: u64,
}

impl Table {
    /// The size that holds unless another was agreed upon, which is not done here.
    pub(super) const SIZE: usize = 4096;

    pub(super) fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            size: 0,
            most: Self::SIZE,
            version: 0,
        }
    }

    /// Another number with each change.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// The field of that index and its size, if there is one.
    pub(super) fn get(&self, index: usize) -> Option<(Field, usize)> {
        match index.checked_sub(STATIC.len() + 1) {
            Some(at) => self.entries.get(at).cloned(),
            None => FIELDS.get(index.checked_sub(1)?).cloned(),
        }
    }

    /// The name of the field of that index, if there is one.
    pub(super) fn name(&self, index: usize) -> Option<Name> {
        match index.checked_sub(STATIC.len() + 1) {
            Some(at) => self.entries.get(at).map(|(field, _)| field.name()),
            None => Some(static_name(STATIC.get(index.checked_sub(1)?)?.0)),
        }
    }

    /// Adds a field, for which the oldest make room; one that is too large for the table empties it.
    pub(super) fn insert(&mut self, field: Field, size: usize) {
        self.version += 1;
        self.shrink(self.most.saturating_sub(size));
        if size <= self.most {
            self.entries.push_front((field, size));
            self.size += size;
        }
    }

    /// Sets the most that it holds, if that is within what was agreed upon.
    pub(super) fn resize(&mut self, most: usize) -> bool {
        if most > Self::SIZE {
            return false;
        }
        self.version += 1;
        self.most = most;
        self.shrink(most);
        true
    }

    fn shrink(&mut self, to: usize) {
        while self.size > to
            && let Some((_, size)) = self.entries.pop_back()
        {
            self.size -= size;
        }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize) {
        (self.entries.len(), self.size)
    }
}

/// One of appendix A, of which only a response may have `:status`.
fn static_name(name: &'static str) -> Name {
    match name {
        ":status" => Name::Malformed(name.len()),
        name => Name::read(name.as_bytes()),
    }
}
