use std::collections::HashMap;

use prost::Oneof;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use super::Message;
use crate::openapi::example::example;
use crate::predict::{Check, Payload};

/// A message of every shape, as `seldon_build` makes them.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Order {
    #[prost(double, tag = "1")]
    total_price: f64,
    #[prost(message, repeated, tag = "2")]
    lines: Vec<Line>,
    #[prost(map = "string, double", tag = "3")]
    rates: HashMap<String, f64>,
    #[prost(map = "uint32, message", tag = "4")]
    by_id: HashMap<u32, Line>,
    #[prost(float, optional, tag = "5")]
    discount: Option<f32>,
    #[prost(oneof = "Payment", tags = "6, 7")]
    payment: Option<Payment>,
    #[prost(message, optional, boxed, tag = "8")]
    replaces: Option<Box<Order>>,
    #[prost(int64, tag = "9")]
    #[serde(deserialize_with = "number_or_text")]
    id: i64,
}

#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
struct Line {
    #[prost(string, tag = "1")]
    product: String,
    #[prost(uint32, tag = "2")]
    #[serde(default)]
    quantity: u32,
}

#[derive(Clone, PartialEq, Oneof, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Payment {
    #[prost(string, tag = "6")]
    Card(String),
    #[prost(message, tag = "7")]
    Voucher(Line),
}

impl Payload for Order {
    const TYPE_NAME: &'static str = "test.Order";
    const CHECKS: &'static [Check] = &[];
}

/// Takes `7` and `"7"`, as protobuf's JSON mapping has it.
fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
    }
    match Either::deserialize(deserializer)? {
        Either::Number(number) => Ok(number),
        Either::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

/// The schemas of `D`, and the root's.
fn schemas<D: Payload>() -> (Map<String, Value>, Value) {
    let mut schemas = Map::new();
    let root = Message::of::<D>().schema(&mut schemas);
    (schemas, root)
}

fn order(field: &str) -> Value {
    schemas::<Order>().0["test.Order"]["properties"][field].clone()
}

#[test]
fn numbers_have_the_bounds_of_their_types() {
    assert_eq!(
        order("totalPrice"),
        json!({"type": "number", "format": "double"})
    );
    let discount = order("discount");
    assert_eq!(discount["type"], json!(["number", "null"]));
    assert_eq!(discount["maximum"], json!(f64::from(f32::MAX)));
    let (schemas, _) = schemas::<Order>();
    let quantity = &schemas["test.Order.Line"]["properties"]["quantity"];
    assert_eq!(
        (&quantity["minimum"], &quantity["maximum"]),
        (&json!(0), &json!(u32::MAX))
    );
}

#[test]
fn messages_within_are_schemas_of_their_own() {
    let line = json!({"$ref": "#/components/schemas/test.Order.Line"});
    assert_eq!(order("lines"), json!({"type": "array", "items": line}));
    let by_id = order("byId");
    assert_eq!(by_id["additionalProperties"], line);
    assert_eq!(by_id["propertyNames"]["pattern"], "^(0|[1-9][0-9]{0,8})$");
}

#[test]
fn a_message_may_hold_itself() {
    let (schemas, root) = schemas::<Order>();
    assert_eq!(
        order("replaces"),
        json!({"anyOf": [root, {"type": "null"}]})
    );
    assert_eq!(schemas.len(), 2);
}

#[test]
fn a_choice_names_its_variants() {
    let choice = &order("payment")["anyOf"][0]["oneOf"];
    assert_eq!(choice[0]["properties"]["card"], json!({"type": "string"}));
    assert_eq!(choice[0]["required"], json!(["card"]));
    assert_eq!(
        choice[1]["properties"]["voucher"]["$ref"],
        "#/components/schemas/test.Order.Line"
    );
}

#[test]
fn what_may_be_left_out_is_what_serde_reads_without() {
    let (schemas, _) = schemas::<Order>();
    let required = &schemas["test.Order"]["required"];
    assert_eq!(
        *required,
        json!(["totalPrice", "lines", "rates", "byId", "id"])
    );
    let line = &schemas["test.Order.Line"];
    assert_eq!(line["required"], json!(["product"]));
}

#[test]
fn what_is_unknown_is_refused_where_serde_refuses_it() {
    let (schemas, _) = schemas::<Order>();
    assert_eq!(schemas["test.Order"]["additionalProperties"], false);
    assert_eq!(schemas["test.Order.Line"].get("additionalProperties"), None);
}

#[test]
fn a_field_that_takes_whatever_comes_is_tried() {
    assert_eq!(order("id"), json!({"type": ["integer", "string"]}));
}

#[test]
fn the_example_is_read() {
    let (schemas, root) = schemas::<Order>();
    let example = example(&root, &schemas);
    let read: Order = serde_json::from_value(example.clone()).expect("it is as the schema says");
    assert_eq!(read.lines.len(), 1, "{example}");
    assert_eq!(read.replaces, None);
}

#[test]
fn a_message_that_reads_itself_is_described_by_what_it_asks_for() {
    /// Two numbers in an array.
    #[derive(Clone, PartialEq, prost::Message, Serialize)]
    struct Pair {
        #[prost(float, tag = "1")]
        a: f32,
        #[prost(float, tag = "2")]
        b: f32,
    }

    impl<'de> Deserialize<'de> for Pair {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let (a, b) = Deserialize::deserialize(deserializer)?;
            Ok(Self { a, b })
        }
    }

    impl Payload for Pair {
        const TYPE_NAME: &'static str = "test.Pair";
        const CHECKS: &'static [Check] = &[];
    }

    let (schemas, root) = schemas::<Pair>();
    assert!(schemas.is_empty());
    assert_eq!(root, json!({"type": "array", "minItems": 2, "maxItems": 2}));
}
