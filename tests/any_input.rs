//! No input gives a fault of ours or a panic: random requests, and requests that are nearly right.

use axum::body::Body;
use bytes::{BufMut, Bytes, BytesMut};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use iris::Iris;
use proptest::prelude::*;
use prost::Message;
use seldon::prelude::*;
use seldon::proto::ClassificationRequest;
use seldon::{Any, DefaultCustomPredictRequest, axum};
use tower::ServiceExt;

/// Takes any numbers.
#[seldon::predictor]
struct Sum {}

impl Predict for Sum {
    fn predict(&self, data: &DefaultCustomPredictRequest) -> Result<Prediction> {
        Ok(Prediction::scores([data
            .values
            .iter()
            .map(|&v| f64::from(v))
            .sum()]))
    }
}

/// Recommends what it is asked about.
#[seldon::recommender(scores = logistic)]
struct Echo {}

impl Recommend for Echo {
    fn recommend(&self, query: &Query<'_>, _: &Candidates) -> Result<Vec<Recommendation>> {
        let items = query
            .recent_interactions
            .iter()
            .chain(query.exclusion_items);
        Ok(items
            .map(|&item| Recommendation {
                item,
                score: item as f64,
            })
            .collect())
    }
}

/// Answers `request` as a server would, without the sockets.
fn answer(request: Request<Body>) -> (StatusCode, Option<String>, Bytes) {
    thread_local! {
        static SERVER: (tokio::runtime::Runtime, axum::Router) = {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/iris/model");
            let iris = Iris::load(&Folder::open(folder).expect("a model folder")).expect("loads");
            let server = Server::new().mount(iris).mount_at("/sum", Sum {});
            let server = server.recommender(Echo {}, seldon::AllItems);
            (runtime.expect("a runtime"), server.router().expect("composes"))
        };
    }
    SERVER.with(|(runtime, router)| {
        runtime.block_on(async {
            let response = router.clone().oneshot(request).await.expect("infallible");
            let (parts, body) = response.into_parts();
            let body = body.collect().await.expect("a whole body");
            let trailers = body.trailers().and_then(|t| t.get("grpc-status")).cloned();
            let status = parts.headers.get("grpc-status").cloned().or(trailers);
            let status = status.map(|s| s.to_str().expect("a number").to_owned());
            (parts.status, status, body.to_bytes())
        })
    })
}

fn rest(path: &str, query: &str, body: Option<Vec<u8>>) -> Option<(StatusCode, Bytes)> {
    // Bytes that cannot stand in a request line never reach a handler.
    let uri = format!("{path}?{query}").parse::<http::Uri>().ok()?;
    let builder = Request::builder().uri(uri);
    let request = match body {
        Some(body) => builder.method("POST").body(Body::from(body)),
        None => builder.body(Body::empty()),
    };
    let (status, _, body) = answer(request.expect("a request"));
    Some((status, body))
}

fn classify(message: &[u8]) -> Option<String> {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(message.len() as u32);
    frame.extend_from_slice(message);
    let request = Request::builder()
        .method("POST")
        .uri("/io.seldon.api.rpc.Seldon/Classify")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::from(frame.freeze()));
    answer(request.expect("a request")).1
}

/// A query with the contract's names and values that are nearly right.
fn query() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "client",
        "json",
        "puid",
        "user_id",
        "limit",
        "recent_interactions",
        "exclusion_items",
        "data_key",
        "item_id",
        "dimensions",
        "other",
    ]);
    let value = prop_oneof![
        "[0-9,+-]{0,12}",
        "[a-z%0-9,]{0,12}",
        r#"(%7[BbDd]|%22|f[1-4]|:|,|[0-9.e-]|%5[BbDd]|data){0,20}"#,
        Just("%7B%22f1%22%3A4.8%2C%22f2%22%3A3.0%2C%22f3%22%3A1.4%2C%22f4%22%3A0.1%7D".to_owned()),
    ];
    prop::collection::vec((name, value), 0..6).prop_map(|pairs| {
        pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("&")
    })
}

fn path() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["/predict", "/sum", "/recommend"])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn rest_answers_any_query(path in path(), query in prop_oneof![query(), "[!-~]{0,60}"]) {
        if let Some((status, body)) = rest(path, &query, None) {
            prop_assert!(!status.is_server_error(), "{} {} {:?}", path, query, body);
        }
    }

    #[test]
    fn rest_answers_any_body(
        path in path(),
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..100),
            query().prop_map(String::into_bytes),
            r#"[\[{]{1,2}("(f[1-4]|data|values)":|[0-9]{1,2}|[,\[\]{}]|1e39|null|"a"){0,20}[\]}]{0,2}"#.prop_map(String::into_bytes),
        ],
    ) {
        if let Some((status, body)) = rest(path, "", Some(body)) {
            prop_assert!(!status.is_server_error(), "{:?}", body);
        }
    }

    #[test]
    fn grpc_answers_any_payload(
        type_url in prop_oneof![
            Just(&b"type.googleapis.com/io.seldon.microservice.iris.IrisPredictRequest"[..]),
            Just(&b"type.googleapis.com/io.seldon.api.rpc.DefaultCustomPredictRequest"[..]),
            Just(&b"\xff/"[..]),
        ],
        value in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let data = Some(Any { type_url: Bytes::from_static(type_url), value: value.into() });
        let message = ClassificationRequest { meta: None, data }.encode_to_vec();
        let status = classify(&message);
        // OK or INVALID_ARGUMENT: sums of finite floats stay finite as doubles.
        prop_assert!(matches!(status.as_deref(), Some("0" | "3")), "{:?}", status);
    }

    #[test]
    fn grpc_answers_any_message(message in prop::collection::vec(any::<u8>(), 0..60)) {
        // INTERNAL is what the protocol has for a message that is none.
        prop_assert!(matches!(classify(&message).as_deref(), Some("0" | "3" | "5" | "13")));
    }
}
