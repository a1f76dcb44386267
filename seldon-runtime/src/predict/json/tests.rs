use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::{BySerde, Features, read_features, utf8};
use crate::error::{Code, Error, Result};
use crate::predict::{Check, Payload, check};
use crate::proto::DefaultCustomPredictRequest;

#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flower {
    #[prost(float, tag = "1")]
    f1: f32,
    #[prost(float, tag = "2")]
    f2: f32,
    #[prost(string, optional, tag = "3")]
    note: Option<String>,
}

impl Payload for Flower {
    const TYPE_NAME: &'static str = "test.Flower";
    const CHECKS: &'static [Check] = &[check::<f32>, check::<f32>, check::<Option<String>>];
}

/// A message with a feature of the wrapper's name.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Blob {
    #[prost(float, repeated, tag = "1")]
    data: Vec<f32>,
}

impl Payload for Blob {
    const TYPE_NAME: &'static str = "test.Blob";
    const CHECKS: &'static [Check] = &[check::<Vec<f32>>];
}

fn flower(f1: f32, f2: f32) -> Flower {
    Flower { f1, f2, note: None }
}

fn decode<D: Payload>(text: &[u8]) -> Result<Features<D>> {
    read_features(utf8(text)?, &BySerde)
}

fn taken(text: &str) -> Features<Flower> {
    decode(text.as_bytes()).expect("taken")
}

fn refused<D: Payload>(text: impl AsRef<[u8]>) -> Error {
    match decode::<D>(text.as_ref()) {
        Ok(_) => panic!("taken"),
        Err(error) => error,
    }
}

/// Parameter and detail of each violation.
fn violations<D: Payload>(text: &str) -> Vec<String> {
    let error = refused::<D>(text);
    assert_eq!(error.code(), Code::InvalidFeature, "{error}");
    error
        .violations()
        .iter()
        .map(|v| format!("{} {}", v.parameter, v.detail))
        .collect()
}

#[test]
fn features_come_bare_or_under_data() {
    let one = Features::One(flower(4.5, 3.0));
    assert_eq!(taken(r#"{"f1":4.5,"f2":3.0}"#), one);
    assert_eq!(taken(r#"{"f1":4.5,"f2":3}"#), one);
    assert_eq!(taken(r#" {"data":{"f1":4.5,"f2":3.0}} "#), one);
    assert_eq!(
        taken(r#"{"meta":{"puid":"x"},"data":{"f2":3.0,"f1":4.5}}"#),
        one
    );
    assert_eq!(taken(r#"{"f1":4.5,"f2":3.0,"note":null}"#), one);
}

#[test]
fn a_text_that_looks_like_the_wrapper_is_a_feature_still() {
    let note = Some("\"data\"".to_owned());
    let row = taken(r#"{"f1":1,"f2":2,"note":"\"data\""}"#);
    assert_eq!(
        row,
        Features::One(Flower {
            f1: 1.0,
            f2: 2.0,
            note
        })
    );
}

#[test]
fn an_array_of_rows_is_a_batch() {
    let batch = Features::Batch(vec![flower(1.0, 2.0), flower(3.0, 4.0)]);
    assert_eq!(
        taken(r#"{"data":[{"f1":1,"f2":2},{"f1":3,"f2":4}]}"#),
        batch
    );
    assert_eq!(taken(r#"[{"f1":1,"f2":2},{"f1":3,"f2":4}]"#), batch);
}

#[test]
fn the_default_message_takes_arrays_of_numbers() {
    let values = |values: &[f32]| DefaultCustomPredictRequest {
        values: values.to_vec(),
    };
    let one = Features::One(values(&[4.5, 3.0]));
    for text in [
        "[4.5,3.0]",
        r#"{"data":[4.5,3.0]}"#,
        r#"{"values":[4.5,3]}"#,
    ] {
        assert_eq!(decode(text.as_bytes()).expect("taken"), one, "{text}");
    }
    let batch = decode(br#"{"data":[[1],[2,3]]}"#).expect("taken");
    assert_eq!(
        batch,
        Features::Batch(vec![values(&[1.0]), values(&[2.0, 3.0])])
    );
    // A batch of one row, not the message's only field.
    let batch = decode(b"[[1,2]]").expect("taken");
    assert_eq!(batch, Features::Batch(vec![values(&[1.0, 2.0])]));
}

#[test]
fn another_message_takes_no_arrays_of_numbers() {
    // As many as it has fields, or not.
    for text in ["[1,2]", "[1,2,null]", " [1,2,\"note\"]"] {
        assert_eq!(
            violations::<Flower>(text),
            ["json must be an object of features (`f1`, `f2`, `note`)"]
        );
    }
}

#[test]
fn a_feature_may_have_the_name_of_the_wrapper() {
    let blob = decode::<Blob>(br#"{"data":[1,2]}"#).expect("taken");
    assert_eq!(
        blob,
        Features::One(Blob {
            data: vec![1.0, 2.0]
        })
    );
}

#[test]
fn all_that_is_wrong_is_named_at_once() {
    assert_eq!(
        violations::<Flower>(r#"{"f1":"4.5","f3":1,"f3":2,"note":7}"#),
        [
            "/f1 must be f32, got string \"4.5\"",
            "/f3 is not a feature (`f1`, `f2`, `note` are)",
            "/f3 is not a feature (`f1`, `f2`, `note` are)",
            "/note must be a string, got integer `7`",
            "/f2 is missing",
        ]
    );
    assert_eq!(
        violations::<Flower>(r#"{"data":{"f1":1,"f1":2,"f2":3}}"#),
        ["/data/f1 is given twice"]
    );
    assert_eq!(
        violations::<Flower>(r#"{"data":[{"f1":1,"f2":2},{"f1":null,"f2":true},3]}"#),
        [
            "/data/1/f1 must be f32, got null",
            "/data/1/f2 must be f32, got boolean `true`",
            "/data/2 must be an object of features (`f1`, `f2`, `note`), got a number",
        ]
    );
    assert_eq!(
        violations::<DefaultCustomPredictRequest>(r#"[1,"a",null]"#),
        [
            "/1 must be f32, got string \"a\"",
            "/2 must be f32, got null"
        ]
    );
}

#[test]
fn other_shapes_are_told_which_are_taken() {
    for text in [
        "1",
        "null",
        "\"f1\"",
        "[]",
        r#"{"data":null}"#,
        r#"{"data":[]}"#,
        r#"{"data":1}"#,
    ] {
        let wrong = violations::<Flower>(text);
        assert!(
            wrong[0].contains("must be an object of features (`f1`, `f2`, `note`)"),
            "{wrong:?}"
        );
    }
    assert_eq!(
        violations::<Flower>("{}"),
        ["/f1 is missing", "/f2 is missing"]
    );
    assert_eq!(
        violations::<Flower>(r#"{"data":{}}"#),
        ["/data/f1 is missing", "/data/f2 is missing"]
    );
    assert_eq!(
        violations::<Flower>(r#"{"data":{},"data":{}}"#),
        ["/data is given twice"]
    );
}

#[test]
fn numbers_that_a_float_cannot_hold_are_refused() {
    assert_eq!(
        violations::<Flower>(r#"{"f1":1e39,"f2":1}"#),
        ["/f1 is out of range for its type"]
    );
    assert_eq!(
        violations::<Flower>(r#"[{"f1":0,"f2":-1e39}]"#),
        ["/0/f2 is out of range for its type"]
    );
    assert_eq!(
        violations::<Flower>(r#"{"f1":1e999,"f2":1}"#),
        ["/f1 is out of range for its type"]
    );
    for text in [r#"{"f1":NaN,"f2":1}"#, r#"{"f1":Infinity,"f2":1}"#] {
        assert_eq!(
            refused::<Flower>(text).code(),
            Code::MalformedJson,
            "{text}"
        );
    }
}

#[test]
fn malformed_text_is_placed_by_line_and_column() {
    let detail = |text: &[u8]| {
        let error = refused::<Flower>(text);
        assert_eq!(error.code(), Code::MalformedJson);
        error.detail().to_owned()
    };
    assert_eq!(
        detail(b"{\"f1\":1,\n \"f2\":}"),
        "`json` is malformed: expected value at line 2 column 7"
    );
    // The type of `f1` is wrong, too: what is no JSON comes first.
    assert_eq!(
        detail(br#"{"f1":"a","f2":1"#),
        "`json` is malformed: EOF while parsing an object at line 1 column 16"
    );
    assert_eq!(
        detail(br#"{"data":{"f1":1,"f2":2}} x"#),
        "`json` is malformed: trailing characters at line 1 column 26"
    );
    assert_eq!(
        detail("\u{feff}{}".as_bytes()),
        "`json` is malformed: expected value at line 1 column 1"
    );
    assert_eq!(
        detail(b"{\n\"f1\":\"\xff\"}"),
        "`json` is not UTF-8 at line 2 column 7"
    );
    assert_eq!(
        detail(b""),
        "`json` is malformed: EOF while parsing a value at line 1 column 0"
    );
}

#[test]
fn echoed_input_is_cut_and_escaped() {
    let long = "x".repeat(10_000);
    for text in [
        format!("{{\"{long}\":1}}"),
        format!("{{\"f1\":\"{long}\",\"f2\":1}}"),
    ] {
        let error = refused::<Flower>(&text);
        assert!(
            error
                .violations()
                .iter()
                .all(|v| v.detail.len() < 200 && v.parameter.len() < 80)
        );
    }
    assert_eq!(
        violations::<Flower>("{\"f1\":1,\"f2\":2,\"a\\n/\":1}")[0]
            .split(' ')
            .next(),
        Some("/a\\n~1")
    );
}

#[test]
fn deep_nesting_is_refused() {
    for depth in [129, 100_000] {
        let deep = format!("{{\"f1\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
        refused::<Flower>(&deep);
        refused::<DefaultCustomPredictRequest>(deep.replace("f1", "values"));
    }
}

proptest! {
    /// Whatever comes is taken or is the caller's error: never a fault of ours.
    #[test]
    fn any_bytes_are_taken_or_the_callers_error(text in prop::collection::vec(any::<u8>(), 0..200)) {
        for error in [decode::<Flower>(&text).err(), decode::<DefaultCustomPredictRequest>(&text).err()].into_iter().flatten() {
            prop_assert_eq!(error.code().status().as_u16(), 400);
        }
    }

    /// The same for texts that are nearly right.
    #[test]
    fn nearly_right_texts_are_taken_or_the_callers_error(
        text in r#"[\[{]{0,3}("data"|"f1"|"f2"|"values"|[0-9]|null|[:,\[\]{} "]|-?[0-9]{1,3}(\.[0-9])?(e[0-9]{1,3})?){0,24}[\]}]{0,3}"#
    ) {
        for error in [decode::<Flower>(text.as_bytes()).err(), decode::<DefaultCustomPredictRequest>(text.as_bytes()).err(), decode::<Blob>(text.as_bytes()).err()].into_iter().flatten() {
            prop_assert_eq!(error.code().status().as_u16(), 400, "{} {}", text, error);
        }
    }

    /// Every finite row comes back as it was written, in each of its shapes.
    #[test]
    fn rows_survive_each_shape(f1 in -1e30f32..1e30, f2 in any::<i16>(), note in prop::option::of(".*")) {
        let row = Flower { f1, f2: f32::from(f2), note };
        let bare = serde_json::to_string(&row).expect("finite");
        let one = Features::One(row.clone());
        prop_assert_eq!(&taken(&bare), &one);
        prop_assert_eq!(&taken(&format!("{{\"data\":{bare}}}")), &one);
        prop_assert_eq!(taken(&format!("[{bare},{bare}]")), Features::Batch(vec![row.clone(), row]));
    }
}
