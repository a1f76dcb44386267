//! Batching over real sockets: `batch(max_rows = …, max_wait = …)`.
//!
//! Who waits for whom is decided by requests whose head has come and whose body has not: see
//! [`Held`].

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use proptest::prelude::{ProptestConfig, any, prop, prop_assert, prop_oneof, proptest};
use proptest::strategy::{Just, Strategy};
use seldon::prelude::*;
use seldon::proto::{ClassificationReply, ClassificationRequest};
use seldon::{Any, DefaultCustomPredictRequest, Payload, Service};
use support::{Answer, Running, encode, limits};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic_prost::ProstCodec;

/// The rows of each call of `predict_batch`.
#[derive(Debug, Clone, Default)]
struct Calls(Arc<Mutex<Vec<Vec<f32>>>>, Arc<Gate>);

/// Before which the call of a row waits that is `GATE`.
#[derive(Debug, Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Calls {
    fn all(&self) -> Vec<Vec<f32>> {
        self.0.lock().expect("no panic while it is held").clone()
    }

    fn wait(&self) {
        let open = self.1.open.lock().expect("no panic while it is held");
        let wait = self.1.opened.wait_while(open, |open| !*open);
        drop(wait.expect("no panic while it is held"));
    }

    fn open(&self) {
        *self.1.open.lock().expect("no panic while it is held") = true;
        self.1.opened.notify_all();
    }
}

/// Rows that do something else than to come back.
const ERROR: f32 = -1.0;
const PANIC: f32 = -2.0;
/// Makes its batch's answers one too few.
const SHORT: f32 = -3.0;
/// Waits until the test opens the gate.
const GATE: f32 = -4.0;

fn answer(calls: &Calls, rows: &[DefaultCustomPredictRequest]) -> Vec<Result<Prediction>> {
    let rows: Vec<f32> = rows.iter().map(|row| row.values[0]).collect();
    let mut all = calls.0.lock().expect("no panic while it is held");
    all.push(rows.clone());
    drop(all);
    if rows.contains(&GATE) {
        calls.wait();
    }
    assert!(!rows.contains(&PANIC), "a model's panic");
    let answers = rows.iter().map(|row| match *row {
        ERROR => Err(Error::invalid_input("minus one is right out")),
        row => Ok(Prediction::scores([f64::from(row)])),
    });
    answers.skip(usize::from(rows.contains(&SHORT))).collect()
}

/// A predictor that notes its calls and gives each row back.
macro_rules! predictor {
    ($name:ident, $($arguments:tt)*) => {
        #[seldon::predictor($($arguments)*)]
        #[derive(Default)]
        struct $name {
            #[seldon(skip)]
            calls: Calls,
        }

        impl Predict for $name {
            fn predict(&self, _: &DefaultCustomPredictRequest) -> Result<Prediction> {
                unreachable!("a predictor that batches is asked for batches")
            }

            fn predict_batch(
                &self,
                rows: &[DefaultCustomPredictRequest],
            ) -> Vec<Result<Prediction>> {
                answer(&self.calls, rows)
            }
        }
    };
}

// A minute is longer than any request is answered in: who waits that long fails.
predictor!(Inline, batch(max_rows = 4, max_wait = "60s"));
predictor!(
    Pooled,
    batch(max_rows = 4, max_wait = "60s"),
    run = blocking
);
predictor!(Brief, batch(max_rows = 4, max_wait = "20ms"));

/// Runs `test` with a server of each kind of predictor.
fn each_kind(test: impl Fn(&Running, &Calls)) {
    let (inline, pooled) = (Inline::default(), Pooled::default());
    let calls = inline.calls.clone();
    test(&Running::start(Server::new().mount(inline)), &calls);
    let calls = pooled.calls.clone();
    test(&Running::start(Server::new().mount(pooled)), &calls);
}

/// A request that the server has begun to answer and that lacks its body: its rows are on the way.
struct Held {
    stream: TcpStream,
    body: String,
}

impl Held {
    fn begin(server: &Running, features: &str) -> Self {
        let mut stream = TcpStream::connect(server.address).expect("connects");
        let time = Some(Duration::from_secs(20));
        stream.set_read_timeout(time).expect("a time limit");
        let head = format!(
            "POST /predict HTTP/1.1\r\nhost: test\r\nconnection: close\r\nexpect: 100-continue\r\n\
             content-length: {}\r\n\r\n",
            features.len()
        );
        stream.write_all(head.as_bytes()).expect("sends");
        // The server asks for the body: it is reading it.
        let mut asked = [0; 25];
        stream.read_exact(&mut asked).expect("is asked");
        assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
        let body = features.to_owned();
        Self { stream, body }
    }

    /// Sends the body.
    fn complete(mut self) -> Completed {
        self.stream.write_all(self.body.as_bytes()).expect("sends");
        Completed(self.stream)
    }
}

struct Completed(TcpStream);

impl Completed {
    fn answer(mut self) -> Answer {
        let mut raw = Vec::new();
        self.0.read_to_end(&mut raw).expect("answers and closes");
        Answer::parse(&raw)
    }
}

/// Sends all of `held` on their way together; the answers in order.
fn together<const N: usize>(server: &Running, rows: [&str; N]) -> [Answer; N] {
    let held = rows.map(|row| Held::begin(server, row));
    held.map(Held::complete).map(Completed::answer)
}

fn get(row: f32) -> String {
    format!("/predict?json={}", encode(&format!("[{row:?}]")))
}

/// The scores of a reply to one row.
#[track_caller]
fn score(answer: &Answer) -> f64 {
    assert_eq!(answer.status, 200, "{answer:?}");
    let score = &answer.json()["predictions"][0]["score"];
    score.as_f64().expect("a number")
}

async fn classify(server: &Running, row: f32) -> f64 {
    let endpoint = Endpoint::from_shared(format!("http://{}", server.address)).expect("a URI");
    let channel = endpoint.connect().await.expect("connects");
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.expect("a connection");
    let data = DefaultCustomPredictRequest { values: vec![row] };
    let request = ClassificationRequest {
        meta: None,
        data: Some(Any::pack(DefaultCustomPredictRequest::TYPE_NAME, &data)),
    };
    let path = PathAndQuery::from_static("/io.seldon.api.rpc.Seldon/Classify");
    let codec = ProstCodec::<ClassificationRequest, ClassificationReply>::default();
    let reply = grpc.unary(tonic::Request::new(request), path, codec).await;
    reply.expect("answers").into_inner().predictions[0].prediction
}

fn classify_now(server: &Running, row: f32) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(classify(server, row))
}

#[test]
fn requests_that_come_together_are_scored_in_one_call() {
    each_kind(|server, calls| {
        let answers = together(server, ["[1.0]", "[2.0]", "[3.0]"]);
        assert_eq!(answers.each_ref().map(score), [1.0, 2.0, 3.0]);
        let mut calls = calls.all();
        calls
            .iter_mut()
            .for_each(|rows| rows.sort_by(f32::total_cmp));
        assert_eq!(calls, [[1.0, 2.0, 3.0]]);
    });
}

#[test]
fn rows_of_rest_and_grpc_are_counted_together() {
    each_kind(|server, calls| {
        // While this is on the way nobody is answered but by a full batch.
        let held = Held::begin(server, "[9.0]");
        thread::scope(|scope| {
            let rest = scope.spawn(|| server.post("/predict", None, r#"{"data":[[1.0],[2.0]]}"#));
            let get = scope.spawn(|| server.get(&get(3.0)));
            let grpc = scope.spawn(|| classify_now(server, 4.0));
            let rest = rest.join().expect("no panic");
            let scores = [0, 1].map(|row| rest.json()["predictions"][row][0]["score"].as_f64());
            assert_eq!(scores, [Some(1.0), Some(2.0)]);
            assert_eq!(score(&get.join().expect("no panic")), 3.0);
            assert_eq!(grpc.join().expect("no panic"), 4.0);
        });
        let mut calls = calls.all();
        calls
            .iter_mut()
            .for_each(|rows| rows.sort_by(f32::total_cmp));
        assert_eq!(calls, [[1.0, 2.0, 3.0, 4.0]]);
        assert_eq!(score(&held.complete().answer()), 9.0);
    });
}

#[test]
fn a_row_alone_does_not_wait() {
    each_kind(|server, calls| {
        assert_eq!(score(&server.get(&get(1.0))), 1.0);
        assert_eq!(classify_now(server, 2.0), 2.0);
        assert_eq!(calls.all(), [[1.0], [2.0]]);
    });
}

#[test]
fn the_wait_ends_when_those_on_the_way_bring_nothing() {
    each_kind(|server, calls| {
        let wrong = Held::begin(server, "[1.0");
        let right = Held::begin(server, "[2.0]").complete();
        wrong.complete().answer().problem(400, "MALFORMED_JSON");
        assert_eq!(score(&right.answer()), 2.0);
        assert_eq!(calls.all(), [[2.0]]);
    });
}

#[test]
fn the_wait_ends_in_time_though_others_are_on_the_way() {
    let server = Running::start(Server::new().mount(Brief::default()));
    let held = Held::begin(&server, "[1.0]");
    assert_eq!(score(&server.get(&get(2.0))), 2.0);
    assert_eq!(score(&held.complete().answer()), 1.0);
}

#[test]
fn an_error_is_its_row_s_alone() {
    each_kind(|server, calls| {
        let [good, bad, both] = together(server, ["[1.0]", "[-1.0]", r#"{"data":[[2.0],[-1.0]]}"#]);
        assert_eq!(score(&good), 1.0);
        let sentence = bad.problem(400, "INVALID_INPUT");
        assert_eq!(sentence, "minus one is right out");
        both.problem(400, "INVALID_INPUT");
        assert_eq!(calls.all().len(), 1);
    });
}

#[test]
fn a_panic_is_its_batch_s_alone() {
    each_kind(|server, _| {
        for answer in together(server, ["[1.0]", "[-2.0]"]) {
            answer.problem(500, "MODEL_PANICKED");
        }
        assert_eq!(score(&server.get(&get(1.0))), 1.0);
    });
}

#[test]
fn answers_that_are_too_few_are_nobody_s() {
    each_kind(|server, _| {
        for answer in together(server, ["[1.0]", "[-3.0]", "[2.0]"]) {
            answer.problem(500, "MODEL_FAILED");
        }
        assert_eq!(score(&server.get(&get(1.0))), 1.0);
    });
}

#[test]
fn a_caller_that_has_left_is_not_computed() {
    each_kind(|server, calls| {
        let held = Held::begin(server, "[1.0]");
        let target = get(2.0);
        // What ends here is the caller's own patience: its row waits for `held`.
        let left = server.send(format!(
            "GET {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\nx-request-timeout-ms: 50\r\n\r\n"
        ));
        left.problem(504, "DEADLINE_EXCEEDED");
        assert_eq!(score(&held.complete().answer()), 1.0);
        assert_eq!(calls.all(), [[1.0]]);
    });
}

#[test]
fn more_rows_than_a_batch_holds_are_scored_in_several() {
    each_kind(|server, calls| {
        let rows: Vec<[f32; 1]> = (0..10u8).map(|n| [f32::from(n)]).collect();
        let answer = server.post("/predict", None, &format!(r#"{{"data":{rows:?}}}"#));
        assert_eq!(answer.status, 200, "{answer:?}");
        let reply = answer.json();
        let scores: Vec<_> = (reply["predictions"].as_array().expect("rows").iter())
            .map(|row| row[0]["score"].as_f64().expect("a number") as f32)
            .collect();
        assert_eq!(scores, rows.concat());
        let mut calls = calls.all();
        calls.sort_by(|a, b| f32::total_cmp(&a[0], &b[0]));
        let lengths: Vec<_> = calls.iter().map(Vec::len).collect();
        assert_eq!(lengths, [4, 4, 2]);
        assert_eq!(calls.concat(), rows.concat());
    });
}

#[test]
fn too_many_rows_that_wait_are_turned_away() {
    let pooled = Pooled::default();
    let calls = pooled.calls.clone();
    let mut limits = limits();
    limits.blocking_in_flight = 1;
    limits.queue_per_place = 0;
    let server = Running::limited(limits, async { Server::new().mount(pooled) });
    thread::scope(|scope| {
        let busy = scope.spawn(|| server.get(&get(GATE)));
        while calls.all().is_empty() {
            thread::yield_now();
        }
        let waiting =
            Held::begin(&server, r#"{"data":[[1.0],[2.0],[3.0],[4.0],[5.0]]}"#).complete();
        let target = get(6.0);
        let turned_away = loop {
            let answer = server.send(format!(
                "GET {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\nx-request-timeout-ms: 100\r\n\r\n"
            ));
            // The rows may not have come yet; whose patience ends does not count as waiting.
            if answer.status != 504 {
                break answer;
            }
        };
        // Opened first: whatever fails below, nobody waits for ever.
        calls.open();
        turned_away.problem(503, "OVERLOADED");
        assert_eq!(turned_away.header("retry-after"), Some("1"));
        assert_eq!(waiting.answer().status, 200);
        assert_eq!(busy.join().expect("no panic").status, 200);
    });
}

#[test]
fn one_service_in_two_servers_batches_over_both_and_outlives_one() {
    let model = Inline::default();
    let calls = model.calls.clone();
    let service = Service::predictor(model).expect("it has nothing to warm up");
    let start = || Running::start(Server::new().mount_service(service.clone()));
    let (one, other) = (start(), start());
    let held = [Held::begin(&one, "[1.0]"), Held::begin(&other, "[2.0]")];
    let answers = held.map(Held::complete).map(Completed::answer);
    assert_eq!(answers.each_ref().map(score), [1.0, 2.0]);
    assert_eq!(calls.all().len(), 1);
    drop(one);
    assert_eq!(score(&other.get(&get(3.0))), 3.0);
}

fn row() -> impl Strategy<Value = f32> {
    prop_oneof![
        20 => any::<u16>().prop_map(f32::from),
        2 => Just(ERROR),
        1 => Just(PANIC),
        1 => Just(SHORT),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whoever_comes_together_gets_the_own_rows(
        requests in prop::collection::vec(prop::collection::vec(row(), 1..6), 1..24),
        blocking in any::<bool>(),
    ) {
        let (inline, pooled) = (Inline::default(), Pooled::default());
        let calls = if blocking { pooled.calls.clone() } else { inline.calls.clone() };
        let server = Server::new();
        let server = if blocking { server.mount(pooled) } else { server.mount(inline) };
        let mut limits = limits();
        // All may wait.
        limits.queue_per_place = 100;
        let server = Running::limited(limits, async { server });
        let answers: Vec<Answer> = thread::scope(|scope| {
            let send = |rows: &Vec<f32>| {
                let rows: Vec<[f32; 1]> = rows.iter().map(|row| [*row]).collect();
                let body = format!(r#"{{"data":{rows:?}}}"#);
                server.post("/predict", None, &body)
            };
            let sent: Vec<_> = (requests.iter())
                .map(|rows| scope.spawn(move || send(rows)))
                .collect();
            sent.into_iter().map(|sent| sent.join().expect("no panic")).collect()
        });
        let poisoned = |rows: &[f32]| rows.contains(&PANIC) || rows.contains(&SHORT);
        let bad_batches = calls.all().into_iter().filter(|rows| poisoned(rows)).flatten();
        let bad_batches: Vec<f32> = bad_batches.collect();
        for (rows, answer) in requests.iter().zip(&answers) {
            match answer.status {
                200 => {
                    let scores: Vec<_> = (answer.json()["predictions"].as_array().expect("rows").iter())
                        .map(|row| row[0]["score"].as_f64().expect("a number") as f32)
                        .collect();
                    prop_assert!(&scores == rows, "{rows:?} got {scores:?}");
                }
                400 => prop_assert!(rows.contains(&ERROR), "{rows:?} got {answer:?}"),
                500 => prop_assert!(
                    rows.iter().any(|row| bad_batches.contains(row)),
                    "{rows:?} got {answer:?}"
                ),
                _ => prop_assert!(false, "{rows:?} got {answer:?}"),
            }
        }
        prop_assert!(calls.all().iter().all(|rows| (1..=4).contains(&rows.len())));
        let mut computed = calls.all().concat();
        computed.sort_by(f32::total_cmp);
        let mut sent = requests.concat();
        sent.sort_by(f32::total_cmp);
        // A request whose first row failed leaves, and takes those out that are still waiting.
        let failed = answers.iter().any(|answer| answer.status != 200);
        prop_assert!(failed || computed == sent);
        prop_assert!(computed.len() <= sent.len());
    }
}
