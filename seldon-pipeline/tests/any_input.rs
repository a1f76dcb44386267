//! Whatever a file or a row is, it is taken or refused, and nothing panics.

use proptest::prelude::*;
use seldon_pipeline::steps::{Date, FeatureId, OneHot, StandardScaling, Tfidf};
use seldon_pipeline::{Column, Pipeline, Row, Step, Steps, Value};
use seldon_runtime::Predict;
use seldon_runtime::predict::{Features, Predictor};

const MODEL: &[u8] = include_bytes!("../../seldon-trees/tests/fixtures/xgboost-3.2.0/binary.ubj");

fn load(toml: &str) -> seldon_runtime::Result<Pipeline> {
    Pipeline::from_toml(toml, MODEL)
}

fn pipeline() -> Pipeline {
    load("features = [\"a\", \"b\", {name = \"c\", missing = true}, \"d\", \"e\", \"f\"]")
        .expect("it loads")
}

/// Lines that a pipeline.toml may have, and some that it may not.
fn line() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "name",
        "features",
        "missing",
        "classes",
        "model",
        "kind",
        "mean",
        "scale",
        "vocabulary",
        "categories",
        "feature",
        "file",
        "select",
        "idf",
        "parts",
        "format",
        "ngram_range",
        "token_pattern",
        "threshold",
        "clip",
    ]);
    let value = prop_oneof![
        Just("\"a\"".to_owned()),
        Just("[\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]".to_owned()),
        Just("[[\"a\"], [1, 2]]".to_owned()),
        Just("[{name = \"a\", type = \"text\"}, \"b\", \"c\", \"d\", \"e\", \"f\"]".to_owned()),
        Just("true".to_owned()),
        Just("nan".to_owned()),
        Just("{a = 0, b = 1}".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| format!("[{n:?}]")),
        "[ -~]{0,8}",
    ];
    prop_oneof![
        1 => Just("[[step]]".to_owned()),
        1 => prop::sample::select(vec!["include", "exclude", "binary", "impute", "standard_scaling", "min_max_scaling", "one_hot", "feature_id", "date", "tfidf"])
            .prop_map(|kind| format!("[[step]]\nkind = \"{kind}\"\nfeatures = [\"a\"]")),
        1 => Just("[message]".to_owned()),
        4 => (key, value).prop_map(|(key, value)| format!("{key} = {value}")),
        1 => "[ -~]{0,20}",
    ]
}

fn json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<f32>().prop_map(|n| n.to_string()),
        Just("1e999".to_owned()),
        "\"[a-f\\\\ ]{0,4}\"",
    ];
    let key = prop::sample::select(vec!["a", "b", "c", "d", "e", "f", "data", "values", "x"]);
    scalar.prop_recursive(3, 32, 7, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..7)
                .prop_map(|all| format!("[{}]", all.join(","))),
            prop::collection::vec((key.clone(), inner), 0..8).prop_map(|all| {
                let members: Vec<String> =
                    all.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn value() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        any::<f64>().prop_map(|n| Some(n.into())),
        prop::sample::select(vec![
            f64::NAN,
            f64::INFINITY,
            -0.0,
            1e300,
            f64::MIN_POSITIVE
        ])
        .prop_map(|n| Some(n.into())),
        any::<bool>().prop_map(|b| Some(b.into())),
        any::<String>().prop_map(|text| Some(Value::Text(text))),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T?[0-9:.]{0,9}[Z+-]{0,1}[0-9:]{0,5}"
            .prop_map(|text| Some(Value::Text(text))),
    ]
}

/// One of each kind that takes a row apart.
fn steps() -> Steps {
    Steps::new(
        [
            Column::number("n"),
            Column::text("t"),
            Column::text("d"),
            Column::number("s"),
            Column::text("w"),
        ],
        [
            Step::StandardScaling(StandardScaling::new(["n"], [1.0], [2.0])),
            Step::OneHot(OneHot::new(["t"], [["a", "b"]]).ignoring_unknown()),
            Step::Date(Date::new(["d", "s"])),
            Step::Tfidf(Tfidf::new("w", ["a", "bb"], [1.0, 2.0])),
            Step::FeatureId(FeatureId::new(["n"], [[0.0, 1.0]]).unknown(-1.0)),
        ],
    )
    .expect("they fit")
}

proptest! {
    #[test]
    fn any_file_is_read_or_refused_in_one_line(lines in prop::collection::vec(line(), 0..12)) {
        if let Err(error) = load(&lines.join("\n")) {
            let said = error.to_string();
            prop_assert!(!said.contains('\n') && said.len() < 4000, "{said}");
        }
    }

    #[test]
    fn any_text_is_rows_or_an_error(text in prop_oneof![json(), "[ -~]{0,40}"]) {
        let pipeline = pipeline();
        match pipeline.read_features(&text) {
            Ok(Features::One(row)) => { pipeline.predict(&row).expect("what is taken is scored"); }
            Ok(Features::Batch(rows)) => for answer in pipeline.predict_batch(&rows) {
                answer.expect("what is taken is scored");
            },
            Err(error) => prop_assert!(error.code().as_str().starts_with("INVALID") || error.code().as_str().starts_with("MALFORMED"), "{error}"),
        }
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let any = seldon_runtime::Any { type_url: "io.seldon.pipeline.Pipeline".into(), value: bytes.into() };
        let _ = pipeline().unpack_features(any);
    }

    #[test]
    fn any_row_goes_through_every_step_or_is_the_callers(values in prop::collection::vec(value(), 5)) {
        let steps = steps();
        let row: Row = values.into_iter().collect();
        match steps.apply(row) {
            Ok(row) => prop_assert_eq!(row.len(), steps.columns().len()),
            Err(error) => prop_assert_eq!(error.code().as_str(), "INVALID_INPUT"),
        }
    }
}
