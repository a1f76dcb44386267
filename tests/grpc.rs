//! `Classify` over real sockets, with tonic's client.

mod support;

use bytes::Bytes;
use iris::{Iris, IrisPredictRequest};
use prost::Message;
use seldon::prelude::*;
use seldon::proto::{ClassificationReply, ClassificationRequest, ClassificationRequestMeta};
use seldon::{Any, DefaultCustomPredictRequest, Payload};
use support::Running;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt;

fn iris() -> Iris {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/iris/model");
    Iris::load(&Folder::open(folder).expect("a model folder")).expect("loads")
}

#[seldon::predictor]
struct Probe {}

impl Predict for Probe {
    fn predict(&self, data: &DefaultCustomPredictRequest) -> Result<Prediction> {
        match data.values.first() {
            Some(1.0) => Ok(Prediction::scores([f64::NAN])),
            Some(2.0) => panic!("secret"),
            Some(3.0) => Err(Error::failed("secret")),
            Some(4.0) => Err(Error::invalid_input("four is right out")),
            _ => Ok(Prediction::scores([0.5]).custom(data)),
        }
    }
}

struct Client {
    runtime: tokio::runtime::Runtime,
    channel: Channel,
}

impl Client {
    fn connect(server: &Running) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let endpoint = Channel::from_shared(format!("http://{}", server.address)).expect("a URI");
        let channel = runtime.block_on(endpoint.connect()).expect("connects");
        Self { runtime, channel }
    }

    fn call<Q: Message + 'static>(
        &self,
        path: &'static str,
        request: tonic::Request<Q>,
    ) -> Result<ClassificationReply, Status> {
        self.runtime.block_on(async {
            let mut grpc = tonic::client::Grpc::new(self.channel.clone());
            grpc.ready().await.expect("a connection");
            let codec = ProstCodec::<Q, ClassificationReply>::default();
            let reply = grpc
                .unary(request, PathAndQuery::from_static(path), codec)
                .await?;
            Ok(reply.into_inner())
        })
    }

    fn classify(&self, data: Option<Any>) -> Result<ClassificationReply, Status> {
        let meta = Some(ClassificationRequestMeta {
            puid: "p-1".to_owned(),
        });
        self.call(
            CLASSIFY,
            tonic::Request::new(ClassificationRequest { meta, data }),
        )
    }
}

const CLASSIFY: &str = "/io.seldon.api.rpc.Seldon/Classify";

fn flower() -> IrisPredictRequest {
    IrisPredictRequest {
        f1: 4.8,
        f2: 3.0,
        f3: 1.4,
        f4: 0.1,
    }
}

fn values(values: &[f32]) -> Option<Any> {
    let message = DefaultCustomPredictRequest {
        values: values.to_vec(),
    };
    Some(Any::pack(DefaultCustomPredictRequest::TYPE_NAME, &message))
}

/// Code and sentence, after checking that the details name the error.
#[track_caller]
fn refused(reply: Result<ClassificationReply, Status>) -> (Code, String, String) {
    let status = reply.expect_err("refused");
    let info = status.get_details_error_info().expect("ErrorInfo");
    assert_eq!(info.domain, "seldon.io");
    (status.code(), info.reason, status.message().to_owned())
}

#[test]
fn features_in_an_any_are_classified() {
    let server = Running::start(Server::new().mount(iris()));
    let client = Client::connect(&server);
    let rest = server
        .get(
            "/predict?json=%7B%22f1%22%3A4.8%2C%22f2%22%3A3.0%2C%22f3%22%3A1.4%2C%22f4%22%3A0.1%7D",
        )
        .json();
    for prefix in ["type.googleapis.com/", "", "/", "example.com/a/b/"] {
        let any = Any {
            type_url: format!("{prefix}io.seldon.microservice.iris.IrisPredictRequest").into(),
            value: flower().encode_to_vec().into(),
        };
        let reply = client.classify(Some(any)).expect("classified");
        let meta = reply.meta.expect("meta");
        assert_eq!(
            (&*meta.puid, &*meta.model_name, &*meta.variation),
            ("p-1", "iris", "default")
        );
        assert_eq!(reply.custom, None);
        for (n, result) in reply.predictions.iter().enumerate() {
            let same = &rest["predictions"][n];
            // The test's own parser of JSON rounds to a double's last place, not exactly.
            let close = |json: &serde_json::Value, got: f64| {
                (json.as_f64().expect("a number") - got).abs() < 1e-15
            };
            assert!(
                close(&same["score"], result.prediction),
                "{same} {result:?}"
            );
            assert!(
                close(&same["confidence"], result.confidence),
                "{same} {result:?}"
            );
            assert_eq!(same["classId"].as_str(), Some(&*result.predicted_class));
        }
        assert_eq!(reply.predictions.len(), 3);
    }
}

#[test]
fn the_default_message_custom_data_and_made_up_ids() {
    let server = Running::start(Server::new().mount(Probe {}));
    let client = Client::connect(&server);
    let reply = client.classify(values(&[7.0])).expect("classified");
    assert_eq!(reply.predictions[0].predicted_class, "0");
    let custom = reply.custom.expect("what the predictor adds");
    assert_eq!(
        DefaultCustomPredictRequest::decode(custom.value)
            .expect("decodes")
            .values,
        [7.0]
    );
    assert_eq!(
        custom.type_url,
        "type.googleapis.com/io.seldon.api.rpc.DefaultCustomPredictRequest"
    );

    let anonymous = ClassificationRequest {
        meta: None,
        data: values(&[7.0]),
    };
    let reply = client
        .call(CLASSIFY, tonic::Request::new(anonymous))
        .expect("classified");
    assert_eq!(reply.meta.expect("meta").puid.len(), 36);
}

#[test]
fn wrong_messages_are_refused_in_distinct_words() {
    let server = Running::start(Server::new().mount(iris()));
    let client = Client::connect(&server);
    let expected = "io.seldon.microservice.iris.IrisPredictRequest";
    let any = |type_url: &[u8], value: &[u8]| {
        Some(Any {
            type_url: Bytes::copy_from_slice(type_url),
            value: Bytes::copy_from_slice(value),
        })
    };
    let url = format!("type.googleapis.com/{expected}");
    let good = flower().encode_to_vec();

    let cases = [
        (
            None,
            format!("`data` is missing: it must hold a `{expected}`"),
        ),
        (any(b"", b""), "`data.type_url` names no message".to_owned()),
        (
            any(b"\xff/x", b""),
            "`data.type_url` is not UTF-8".to_owned(),
        ),
        (
            values(&[1.0]),
            format!(
                "`data` must hold a `{expected}`, got a `io.seldon.api.rpc.DefaultCustomPredictRequest`"
            ),
        ),
    ];
    for (data, sentence) in cases {
        assert_eq!(
            refused(client.classify(data)),
            (
                Code::InvalidArgument,
                "INVALID_MESSAGE".to_owned(),
                sentence
            )
        );
    }
    for bytes in [&good[..good.len() - 1], b"\xff\xff\xff", b"\x0d\x00"] {
        let (code, reason, sentence) = refused(client.classify(any(url.as_bytes(), bytes)));
        assert_eq!((code, &*reason), (Code::InvalidArgument, "INVALID_MESSAGE"));
        assert!(
            sentence.starts_with(&format!("`data` is no valid `{expected}`: ")),
            "{sentence}"
        );
    }
    let nan = IrisPredictRequest {
        f3: f32::NAN,
        ..flower()
    };
    let status = client
        .classify(Some(Any::pack(expected, &nan)))
        .expect_err("refused");
    assert_eq!(status.code(), Code::InvalidArgument);
    let violations = status
        .get_details_bad_request()
        .expect("BadRequest")
        .field_violations;
    assert_eq!(
        (&*violations[0].field, &*violations[0].description),
        ("/f3", "must be a finite number")
    );
}

#[test]
fn the_models_faults_are_its_own() {
    let server = Running::start(Server::new().mount(Probe {}));
    let client = Client::connect(&server);
    for (value, reason) in [
        (1.0, "INVALID_ANSWER"),
        (2.0, "MODEL_PANICKED"),
        (3.0, "MODEL_FAILED"),
    ] {
        let (code, got, sentence) = refused(client.classify(values(&[value])));
        assert_eq!((code, &*got), (Code::Internal, reason));
        assert!(!sentence.contains("secret"), "{sentence}");
    }
    let four = refused(client.classify(values(&[4.0])));
    assert_eq!(
        four,
        (
            Code::InvalidArgument,
            "INVALID_INPUT".to_owned(),
            "four is right out".to_owned()
        )
    );
    assert!(client.classify(values(&[0.0])).is_ok());
}

#[test]
fn unknown_methods_are_unimplemented() {
    let server = Running::start(Server::new().mount(iris()));
    let client = Client::connect(&server);
    for path in ["/io.seldon.api.rpc.Seldon/Other", "/other.Service/Method"] {
        let request = tonic::Request::new(ClassificationRequest::default());
        assert_eq!(refused(client.call(path, request)).0, Code::Unimplemented);
    }
}

#[test]
fn messages_that_are_none_or_too_large_are_refused() {
    let server = Running::start(Server::new().mount(iris()));
    let client = Client::connect(&server);
    // The `meta` of the request is no message.
    let garbage = Any {
        type_url: Bytes::from_static(b"\xff\xff\xff"),
        value: Bytes::new(),
    };
    let (code, reason, sentence) = refused(client.call(CLASSIFY, tonic::Request::new(garbage)));
    assert_eq!((code, &*reason), (Code::InvalidArgument, "INVALID_MESSAGE"));
    assert_eq!(sentence, "`meta` does not decode: invalid varint");
    let large = Any::pack(
        IrisPredictRequest::TYPE_NAME,
        &DefaultCustomPredictRequest {
            values: vec![0.0; 5 << 20],
        },
    );
    let (code, reason, _) = refused(client.classify(Some(large)));
    assert_eq!((code, &*reason), (Code::ResourceExhausted, "TOO_LARGE"));
}

#[test]
fn predictors_share_the_method_by_type_and_by_name() {
    let server = Running::start(Server::new().mount(iris()).mount_at("/probe", Probe {}));
    let client = Client::connect(&server);
    let name = |reply: ClassificationReply| reply.meta.expect("meta").model_name;
    let iris = Any::pack(IrisPredictRequest::TYPE_NAME, &flower());
    assert_eq!(
        name(client.classify(Some(iris.clone())).expect("classified")),
        "iris"
    );
    assert_eq!(
        name(client.classify(values(&[0.0])).expect("classified")),
        "probe"
    );

    let to = |model: &str, data: Option<Any>| {
        let mut request = tonic::Request::new(ClassificationRequest { meta: None, data });
        request
            .metadata_mut()
            .insert("seldon-model", model.parse().expect("metadata"));
        client.call(CLASSIFY, request)
    };
    assert_eq!(
        name(to("probe", values(&[0.0])).expect("classified")),
        "probe"
    );
    assert_eq!(
        refused(to("probe", Some(iris.clone()))).0,
        Code::InvalidArgument
    );
    assert_eq!(
        refused(to("other", Some(iris))),
        (
            Code::NotFound,
            "MODEL_NOT_FOUND".to_owned(),
            "no model `other` is served here, only `iris`, `probe`".to_owned()
        )
    );
    let unknown = Any {
        type_url: Bytes::from_static(b"x/a.B"),
        value: Bytes::new(),
    };
    assert_eq!(refused(client.classify(Some(unknown))).0, Code::NotFound);
    assert_eq!(refused(client.classify(None)).0, Code::InvalidArgument);
}
