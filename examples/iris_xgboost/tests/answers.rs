//! The service answers what Python answered: `python/answers.csv` says what that is.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::mpsc;

use iris_xgboost::{IrisPredictRequest, IrisXgboost};
use seldon::prelude::*;

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn shipped() -> IrisXgboost {
    let model = Folder::open(folder().join("model")).expect("it is shipped");
    IrisXgboost::load(&model).expect("it loads")
}

/// Each flower, and the probabilities of its species.
fn answers() -> Vec<(IrisPredictRequest, [f64; 3])> {
    let text = std::fs::read_to_string(folder().join("python/answers.csv")).expect("it is shipped");
    let row = |line: &str| {
        let numbers: Vec<f64> = line
            .split(',')
            .map(|n| n.parse().expect("a number"))
            .collect();
        let [f1, f2, f3, f4] = [0, 1, 2, 3].map(|index| numbers[index] as f32);
        (
            IrisPredictRequest { f1, f2, f3, f4 },
            [numbers[4], numbers[5], numbers[6]],
        )
    };
    text.lines().skip(1).map(row).collect()
}

fn check(service: &IrisXgboost) {
    let answers = answers();
    assert_eq!(
        answers.len(),
        165,
        "150 flowers, and 15 of which a length is missing"
    );
    for (flower, expected) in answers {
        let prediction = service.predict(&flower).expect("it is scored");
        for (class, expected) in prediction.classes().iter().zip(expected) {
            assert!(
                (class.score - expected).abs() < 1e-6,
                "{flower:?}: {prediction:?}"
            );
        }
    }
}

#[test]
fn the_shipped_model_answers_as_python_did() {
    check(&shipped());
}

#[test]
fn the_file_of_python_answers_the_same() {
    let file = folder().join("python/model.ubj");
    check(&IrisXgboost::import(file.to_str().expect("text")).expect("a model"));
}

#[test]
fn a_file_that_is_no_model_of_irises_is_refused() {
    let import = |file: &str| {
        let path = folder().join(file);
        let error = IrisXgboost::import(path.to_str().expect("text")).expect_err("refused");
        error.to_string()
    };
    import("python/answers.csv");
    let other = import("../../seldon-trees/tests/fixtures/xgboost-3.2.0/binary.ubj");
    assert!(
        other.contains("does not tell three irises apart by four lengths"),
        "{other}"
    );
}

#[test]
fn what_is_served_is_what_python_answered() {
    let (tell, address) = mpsc::channel();
    std::thread::spawn(move || {
        seldon::block_on(async move {
            let bound = Server::new().mount(shipped()).bind("127.0.0.1:0").await?;
            tell.send(bound.local_addr()).expect("the test waits");
            bound.serve().await
        })
    });
    let address: SocketAddr = address.recv().expect("the server starts");
    for (flower, expected) in answers().into_iter().take(150).step_by(15) {
        let IrisPredictRequest { f1, f2, f3, f4 } = flower;
        let body = format!(r#"{{"data":{{"f1":{f1},"f2":{f2},"f3":{f3},"f4":{f4}}}}}"#);
        let answer = post(address, "/predict", &body);
        let scores: Vec<f64> = answer
            .split("\"score\":")
            .skip(1)
            .map(|rest| {
                rest.split(',')
                    .next()
                    .expect("a number")
                    .parse()
                    .expect("a number")
            })
            .collect();
        assert_eq!(scores.len(), 3, "{answer}");
        for (score, expected) in scores.iter().zip(expected) {
            assert!((score - expected).abs() < 1e-6, "{answer}");
        }
    }
}

fn post(address: SocketAddr, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}
