//! An example of what a schema describes, to begin with: plain values, each member there.

use serde_json::{Map, Value, json};

/// An example of `schema`, which refers to `schemas`.
pub(super) fn example(schema: &Value, schemas: &Map<String, Value>) -> Value {
    within(schema, schemas, &mut Vec::new())
}

/// `open` are the schemas that this is an example within: a message that holds itself ends there.
fn within<'a>(
    schema: &'a Value,
    schemas: &'a Map<String, Value>,
    open: &mut Vec<&'a str>,
) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        if open.contains(&name) {
            return Value::Null;
        }
        open.push(name);
        let value = within(schemas.get(name).unwrap_or(&Value::Null), schemas, open);
        open.pop();
        return value;
    }
    if let Some(first) = schema["examples"].get(0) {
        return first.clone();
    }
    for several in ["anyOf", "oneOf"] {
        if let Some(first) = schema[several].get(0) {
            return within(first, schemas, open);
        }
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match kind {
        Some("boolean") => json!(true),
        Some("integer") => json!(1),
        Some("number") => json!(1.0),
        Some("string") => json!("text"),
        Some("array") => {
            let element = within(&schema["items"], schemas, open);
            match element.is_null() {
                true => json!([]),
                false => json!([element]),
            }
        }
        Some("object") => {
            let required = |name: &str| {
                let names = schema["required"].as_array();
                names.is_some_and(|names| names.iter().any(|n| n == name))
            };
            let members = schema["properties"].as_object().into_iter().flatten();
            members
                .map(|(name, schema)| (name.clone(), within(schema, schemas, open)))
                .filter(|(name, value)| !value.is_null() || required(name))
                .collect::<Map<_, _>>()
                .into()
        }
        _ => Value::Null,
    }
}
