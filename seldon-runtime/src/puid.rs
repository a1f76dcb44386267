//! Ids of predictions, made up where the caller sends none.

/// A new id: a random UUID.
pub(crate) fn new() -> String {
    uuid::Uuid::new_v4().to_string()
}
