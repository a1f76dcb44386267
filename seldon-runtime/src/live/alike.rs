//! Whether a version is asked as the one before it.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::predict::Predictor;

/// Whether `one` is asked as `other` is: what is told of a service once, its message and its
/// features, must hold for all versions. The attribute's predictors always are.
///
/// # Errors
///
/// What differs.
pub(crate) fn asked_alike<P: Predictor>(one: &P, other: &P) -> Result<()> {
    if one.message() != other.message() {
        return Err(Error::setup(format!(
            "it takes a `{}`, and the version before takes a `{}`: restart the service for that",
            one.message(),
            other.message()
        )));
    }
    let (one, other) = (one.facts(), other.facts());
    let schemas = [one.schema, other.schema].map(|schema| schema.map(bare));
    match one.descriptors == other.descriptors && schemas[0] == schemas[1] {
        true => Ok(()),
        false => Err(Error::setup(
            "its features are not those of the version before: restart the service for that",
        )),
    }
}

/// A schema without what it says to people, which training may change.
fn bare(mut schema: Value) -> Value {
    if let Some(members) = schema.as_object_mut() {
        members.remove("description");
        members.remove("examples");
        let features = members.get_mut("properties").and_then(Value::as_object_mut);
        for (_, feature) in features.into_iter().flatten() {
            *feature = bare(feature.take());
        }
    }
    schema
}
