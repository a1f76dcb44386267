//! `/predict` over real sockets, as the wire contract has it.

mod support;

use iris::Iris;
use seldon::prelude::*;
use seldon::{DefaultCustomPredictRequest, Reply, Service};
use serde_json::json;
use support::{Running, encode};

/// The committed model.
fn iris() -> Iris {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/iris/model");
    Iris::load(&Folder::open(folder).expect("a model folder")).expect("loads")
}

/// Does with its first feature what a test asks for.
#[seldon::predictor(classes = ["low", "high"])]
struct Probe {}

impl Predict for Probe {
    fn predict(&self, data: &DefaultCustomPredictRequest) -> Result<Prediction> {
        match data.values.first() {
            Some(1.0) => Ok(Prediction::scores([f64::NAN, 0.5])),
            Some(2.0) => Ok(Prediction::new().class("a", f64::INFINITY)),
            Some(3.0) => panic!("secret {:?}", data.values),
            Some(4.0) => Err(Error::failed("secret cause")),
            Some(5.0) => Err(Error::invalid_input("five is right out")),
            Some(6.0) => Ok(Prediction::scores([0.1, 0.2, 0.7])),
            Some(7.0) => Ok(Prediction::scores([0.25, 0.75]).custom(data)),
            Some(8.0) => Err(std::io::Error::other("secret disk").into()),
            _ => Ok(Prediction::scores([0.25, 0.75]).confidence(0.5)),
        }
    }

    fn predict_batch(&self, rows: &[DefaultCustomPredictRequest]) -> Vec<Result<Prediction>> {
        let short = rows.iter().any(|row| row.values == [9.0]);
        rows.iter()
            .skip(usize::from(short))
            .map(|row| self.predict(row))
            .collect()
    }
}

const DOCUMENTED: &str = "/predict?client=test1&json=%7B%22f1%22%3A4.8%2C%22f2%22%3A3.0%2C%22f3%22%3A1.4%2C%22f4%22%3A0.1%7D";
const FEATURES: &str = r#"{"f1":4.8,"f2":3.0,"f3":1.4,"f4":0.1}"#;

fn predict(features: &str) -> String {
    format!("/predict?client=test1&json={}", encode(features))
}

#[test]
fn the_documented_request_gets_the_documented_reply() {
    let server = Running::start(Server::new().mount(iris()));
    let answer = server.get(DOCUMENTED);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let reply = answer.json();
    assert_eq!(reply.as_object().map(|o| o.len()), Some(1));
    let predictions = reply["predictions"].as_array().expect("an array");
    let classes: Vec<_> = predictions
        .iter()
        .map(|p| p["classId"].as_str().expect("text"))
        .collect();
    assert_eq!(classes, ["setosa", "versicolor", "virginica"]);
    assert!(predictions[0]["score"].as_f64() > Some(0.9), "{reply}");
    let sum: f64 = predictions.iter().filter_map(|p| p["score"].as_f64()).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{reply}");
    assert!(
        predictions
            .iter()
            .all(|p| p["confidence"].is_f64() && p.as_object().map(|o| o.len()) == Some(3))
    );
}

#[test]
fn every_way_to_send_the_same_row_gets_the_same_reply() {
    let server = Running::start(Server::new().mount(iris()));
    let expected = server.get(DOCUMENTED).body;
    let wrapped = format!(r#"{{"data":{FEATURES}}}"#);
    let form = format!("client=test1&json={}", encode(FEATURES));
    let answers = [
        server.get(&predict(&wrapped)),
        server.post("/predict", Some("application/x-www-form-urlencoded"), &form),
        server.post("/predict", None, &form),
        server.post("/predict?client=test1", Some("application/json"), FEATURES),
        server.post("/predict?client=test1", None, FEATURES),
        server.post("/predict?client=test1", Some("text/plain"), &wrapped),
        server.post(DOCUMENTED, None, ""),
        server.get(&format!("{DOCUMENTED}&unknown=1&unknown=2")),
    ];
    for answer in answers {
        assert_eq!(
            (answer.status, &answer.body),
            (200, &expected),
            "{answer:?}"
        );
    }
}

#[test]
fn the_default_data_type_takes_arrays_of_numbers() {
    let server = Running::start(Server::new().mount(Probe {}));
    let expected = json!({"predictions": [
        {"score": 0.25, "classId": "low", "confidence": 0.5},
        {"score": 0.75, "classId": "high", "confidence": 0.5},
    ]});
    for features in [
        "[4.8,3.0]",
        r#"{"data":[4.8,3.0]}"#,
        r#"{"values":[4.8,3.0]}"#,
    ] {
        assert_eq!(
            server.get(&predict(features)).json(),
            expected,
            "{features}"
        );
    }
}

#[test]
fn a_batch_gets_one_answer_per_row_in_order() {
    let server = Running::start(Server::new().mount(iris()));
    let rows = [FEATURES, r#"{"f1":6.3,"f2":3.3,"f3":6.0,"f4":2.5}"#];
    let alone: Vec<_> = rows
        .iter()
        .map(|row| server.get(&predict(row)).json()["predictions"].clone())
        .collect();
    let batch = format!(r#"{{"data":[{},{}]}}"#, rows[0], rows[1]);
    for answer in [
        server.get(&predict(&batch)),
        server.post("/predict", Some("application/json"), &batch),
    ] {
        assert_eq!(answer.json(), json!({"predictions": alone}), "{answer:?}");
    }

    let bad = format!(r#"{{"data":[{FEATURES},{{"f1":1,"f2":"x","f3":1}}]}}"#);
    let answer = server.get(&predict(&bad));
    answer.problem(400, "INVALID_FEATURE");
    assert_eq!(
        answer.violations(),
        [
            "/data/1/f2 must be f32, got string \"x\"",
            "/data/1/f4 is missing"
        ]
    );
}

#[test]
fn the_classic_reply_has_the_keys_that_the_original_server_reads() {
    let service = Service::predictor(Probe {})
        .expect("warms up")
        .replying(Reply::Classic);
    let service = service.named("model_xgb").variation("b");
    let server = Running::start(Server::new().mount_service(service));
    assert_eq!(
        server.get("/predict?client=c&puid=p-1&json=%5B0%5D").json(),
        json!({
            "meta": {"puid": "p-1", "modelName": "model_xgb", "variation": "b"},
            "predictions": [
                {"prediction": 0.25, "predictedClass": "low", "confidence": 0.5},
                {"prediction": 0.75, "predictedClass": "high", "confidence": 0.5},
            ],
            "custom": null,
        })
    );
    // Without an id, one is made up, another each time.
    let puid = || {
        server.get("/predict?json=%5B0%5D").json()["meta"]["puid"]
            .as_str()
            .expect("text")
            .to_owned()
    };
    let (one, other) = (puid(), puid());
    assert_eq!(one.len(), 36);
    assert_ne!(one, other);
    // What the predictor adds is in protobuf's JSON form.
    assert_eq!(
        server.get("/predict?json=%5B7%5D").json()["custom"],
        json!({"@type": "type.googleapis.com/io.seldon.api.rpc.DefaultCustomPredictRequest", "values": [7.0]})
    );
}

#[test]
fn what_is_wrong_with_a_request_is_said_at_once() {
    let server = Running::start(Server::new().mount(iris()));
    let answer = server.get("/predict?client=a&client=b&puid=%zz");
    assert_eq!(
        answer.problem(400, "INVALID_PARAMETER"),
        "`puid` is badly percent-encoded: `%` stands before two hex digits (and 2 more)"
    );
    assert_eq!(
        answer.violations(),
        [
            "puid is badly percent-encoded: `%` stands before two hex digits",
            "client is given twice",
            "json is missing",
        ]
    );
    let answer = server.post("/predict?json=1", Some("application/json"), FEATURES);
    answer.problem(400, "INVALID_PARAMETER");
    assert_eq!(
        answer.violations(),
        ["json is given twice: as a parameter and as the body"]
    );

    let answer = server.get(&predict(r#"{"f1":"a","f2":null,"f5":1}"#));
    answer.problem(400, "INVALID_FEATURE");
    assert_eq!(answer.violations().len(), 5, "{answer:?}");

    let answer = server.get(&predict("{\"f1\":1,\n}"));
    assert_eq!(
        answer.problem(400, "MALFORMED_JSON"),
        "`json` is malformed: trailing comma at line 2 column 1"
    );
    // No form, and so it is meant to be JSON.
    let answer = server.post("/predict", Some("application/json"), "hello");
    assert_eq!(
        answer.problem(400, "MALFORMED_JSON"),
        "`json` is malformed: expected value at line 1 column 1"
    );
    for body in ["null", "5", "\"x\""] {
        let answer = server.post("/predict", None, body);
        answer.problem(400, "INVALID_FEATURE");
    }
    let answer = server.get("/predict?json=%7B%00%7D");
    answer.problem(400, "INVALID_PARAMETER");
}

#[test]
fn unknown_paths_and_wrong_methods_are_problems_too() {
    let server = Running::start(Server::new().mount(iris()));
    let answer = server.get("/predictt?x=1");
    assert_eq!(
        answer.problem(404, "NOT_FOUND"),
        "nothing is served at `/predictt`"
    );
    let answer = server.send("DELETE /predict HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n");
    answer.problem(405, "METHOD_NOT_ALLOWED");
    let mut allow: Vec<&str> = answer
        .header("allow")
        .expect("Allow")
        .split(',')
        .map(str::trim)
        .collect();
    allow.sort_unstable();
    assert_eq!(allow, ["get", "head", "post"]);
    let answer = server.get("/io.seldon.api.rpc.Seldon/Classify");
    answer.problem(405, "METHOD_NOT_ALLOWED");
}

#[test]
fn a_body_over_the_limit_is_refused_and_the_answer_is_read() {
    let server = Running::start(Server::new().mount(iris()));
    let answer = server.post(
        "/predict",
        Some("application/json"),
        &" ".repeat((1 << 20) + 1),
    );
    answer.problem(413, "TOO_LARGE");
    let fits = format!("{FEATURES}{}", " ".repeat((1 << 20) - FEATURES.len()));
    assert_eq!(
        server
            .post("/predict", Some("application/json"), &fits)
            .status,
        200
    );
}

#[test]
fn the_models_faults_are_its_own() {
    let server = Running::start(Server::new().mount(Probe {}));
    let answers = [
        ("1", "INVALID_ANSWER"),
        ("2", "INVALID_ANSWER"),
        ("3", "MODEL_PANICKED"),
        ("4", "MODEL_FAILED"),
        ("6", "INVALID_ANSWER"),
        ("8", "MODEL_FAILED"),
    ];
    for (value, code) in answers {
        for features in [format!("[{value}]"), format!("[[0],[{value}]]")] {
            let answer = server.get(&predict(&features));
            let sentence = answer.problem(500, code);
            assert!(!answer.body.contains("secret"), "{sentence}");
        }
    }
    let answer = server.get(&predict("[5]"));
    assert_eq!(answer.problem(400, "INVALID_INPUT"), "five is right out");
    // As many answers as it should not.
    server
        .get(&predict("[[0],[9]]"))
        .problem(500, "MODEL_FAILED");
    // And it goes on.
    assert_eq!(server.get(&predict("[0]")).status, 200);
}

#[test]
fn several_services_share_a_server() {
    let routes =
        seldon::axum::Router::new().route("/mine", seldon::axum::routing::get(async || "mine"));
    let server = Running::start(
        Server::new()
            .mount(iris())
            .mount_at("/probe", Probe {})
            .routes(routes),
    );
    assert_eq!(server.get(DOCUMENTED).status, 200);
    assert_eq!(server.get("/probe?json=%5B0%5D").status, 200);
    assert_eq!(server.get("/mine").body, "mine");
    server.get("/nowhere").problem(404, "NOT_FOUND");
}

#[test]
fn services_that_clash_are_refused_at_the_start() {
    let wrong = |server: Server| server.router().map(drop).expect_err("refused").to_string();
    assert_eq!(
        wrong(Server::new().mount(iris()).mount(Probe {})),
        "`probe` and `iris` cannot be served together: both are at /predict"
    );
    assert_eq!(
        wrong(Server::new().mount(Probe {}).mount_at("/b", Probe {})),
        "`probe` and `probe` cannot be served together: both have that name"
    );
    let other = Service::predictor(Probe {})
        .expect("warms up")
        .named("b")
        .at("/b");
    assert_eq!(
        wrong(Server::new().mount(Probe {}).mount_service(other)),
        "`b` and `probe` cannot be served together: both take a `io.seldon.api.rpc.DefaultCustomPredictRequest`"
    );
    assert!(wrong(Server::new().mount_at("nopath", Probe {})).contains("a path begins with `/`"));
}
