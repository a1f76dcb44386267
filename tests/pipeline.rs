//! Pipelines over real sockets: REST by name and by order, gRPC by either message, reflection and
//! the document.

mod support;

use iris::IrisPredictRequest;
use prost::Message;
use seldon::pipeline::{Pipeline, Pooled};
use seldon::prelude::*;
use seldon::proto::{ClassificationReply, ClassificationRequest};
use seldon::{Any, DefaultCustomPredictRequest, Payload, Reply, Service};
use serde_json::{Value, json};
use support::Running;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/iris_pipeline");

fn pipeline(name: &str) -> Pipeline {
    let folder = Folder::open_loose(format!("{EXAMPLE}/{name}")).expect("a folder");
    Pipeline::load(&folder).expect("it loads")
}

/// The iris model with another `pipeline.toml`.
fn iris_with(toml: &str) -> Pipeline {
    let folder = tempfile::tempdir().expect("a folder");
    let model = format!("{EXAMPLE}/iris/model.ubj");
    std::fs::copy(model, folder.path().join("model.ubj")).expect("copied");
    std::fs::write(folder.path().join("pipeline.toml"), toml).expect("written");
    Pipeline::load(&Folder::open_loose(folder.path()).expect("a folder")).expect("it loads")
}

fn serve(name: &str) -> Running {
    Running::start(Server::new().mount(pipeline(name)))
}

#[track_caller]
fn answered(server: &Running, body: &str) -> Value {
    let answer = server.post("/predict", Some("application/json"), body);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// What is wrong with a request, each with its place.
#[track_caller]
fn refused(server: &Running, body: &str) -> Vec<(String, String)> {
    let answer = server.post("/predict", Some("application/json"), body);
    assert_eq!(answer.status, 400, "{}", answer.body);
    let errors = answer.json()["errors"].clone();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let errors = errors.as_array().cloned().unwrap_or_default();
    errors
        .iter()
        .map(|e| (text(&e["parameter"]), text(&e["detail"])))
        .collect()
}

fn classify(
    server: &Running,
    type_name: &str,
    message: &[u8],
) -> Result<ClassificationReply, Status> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let any = Any {
        type_url: format!("type.googleapis.com/{type_name}").into(),
        value: message.to_vec().into(),
    };
    let request = ClassificationRequest {
        meta: None,
        data: Some(any),
    };
    runtime.block_on(async {
        let endpoint = Channel::from_shared(format!("http://{}", server.address)).expect("a URI");
        let mut grpc = tonic::client::Grpc::new(endpoint.connect().await.expect("connects"));
        grpc.ready().await.expect("a connection");
        let path = PathAndQuery::from_static("/io.seldon.api.rpc.Seldon/Classify");
        let codec = ProstCodec::<ClassificationRequest, ClassificationReply>::default();
        let reply = grpc
            .unary(tonic::Request::new(request), path, codec)
            .await?;
        Ok(reply.into_inner())
    })
}

/// The document of a server of `pipeline`, from its listener for administration.
fn openapi(pipeline: Pipeline) -> Value {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let text = runtime.block_on(async {
        let server = Server::new().limits(support::limits()).mount(pipeline);
        let bound = server.bind("127.0.0.1:0").await.expect("binds");
        let bound = bound.administered("127.0.0.1:0").await.expect("binds");
        let admin = bound.admin_addr().expect("it is there");
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let ask = async {
            let mut stream = tokio::net::TcpStream::connect(admin)
                .await
                .expect("connects");
            let request = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
            stream.write_all(request).await.expect("sent");
            let mut text = String::new();
            stream.read_to_string(&mut text).await.expect("an answer");
            drop(stop);
            text
        };
        let until = async {
            let _: Result<(), _> = stopped.await;
        };
        let (served, text) = tokio::join!(bound.serve_until(until), ask);
        served.expect("it ends");
        text
    });
    let (_, body) = text.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect("JSON")
}

#[test]
fn a_row_may_come_in_every_shape_of_the_contract() {
    let server = serve("iris");
    let by_name = r#"{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}"#;
    let other_order =
        r#"{"petal_width":0.2,"petal_length":1.4,"sepal_width":3.5,"sepal_length":5.1}"#;
    let expected = answered(&server, by_name);
    assert_eq!(expected["predictions"][0]["classId"], "setosa");
    for body in [
        other_order,
        &format!(r#"{{"data":{by_name}}}"#),
        "[5.1,3.5,1.4,0.2]",
        r#"{"data":[5.1,3.5,1.4,0.2]}"#,
        r#"{"data":{"values":[5.1,3.5,1.4,0.2]}}"#,
    ] {
        assert_eq!(answered(&server, body), expected, "{body}");
    }
    let batch = answered(
        &server,
        &format!(r#"{{"data":[{by_name},[5.1,3.5,1.4,0.2]]}}"#),
    );
    let rows = json!([expected["predictions"], expected["predictions"]]);
    assert_eq!(batch["predictions"], rows);
    let get =
        server.get("/predict?client=test1&json=%7B%22data%22%3A%5B5.1%2C3.5%2C1.4%2C0.2%5D%7D");
    assert_eq!(get.json(), expected);
}

#[test]
fn all_that_is_wrong_with_a_row_is_named_at_once() {
    let server = serve("customers");
    let wrong = refused(
        &server,
        r#"{"data":[{"age":1,"income":2,"city":"Ulm","plan":"plus"},{"age":"x","agee":1,"city":3,"city":4,"plan":null}]}"#,
    );
    let wrong: Vec<String> = wrong
        .into_iter()
        .map(|(at, what)| format!("{at} {what}"))
        .collect();
    assert_eq!(
        wrong,
        [
            "/data/1/age must be a number, got the text `x`",
            "/data/1/agee is not a feature (`age`, `income`, `city`, `plan` are)",
            "/data/1/city must be a text, got `3`",
            "/data/1/city is given twice",
            "/data/1/plan must be a text, got null",
            "/data/1/income is missing",
        ]
    );
    let said = |body| refused(&server, body).remove(0).1;
    assert!(said("[1,2,3,4]").starts_with("must be an object of features (`age`"));
    assert!(said(r#"{"age":1e999,"income":1,"city":"a","plan":"b"}"#).contains("out of range"));
    let long = "x".repeat(300_000);
    let body = format!(r#"{{"age":1,"income":2,"city":"{long}","plan":"plus"}}"#);
    assert_eq!(said(&body), "is longer than 262144 bytes");
    let iris = serve("iris");
    let few = refused(&iris, "[1,2,3]").remove(0);
    assert_eq!(few.0, "json");
    assert!(
        few.1
            .ends_with("(`sepal_length`, `sepal_width`, `petal_length`, `petal_width`), got 3")
    );
}

#[test]
fn what_may_be_missing_is_left_out_or_null() {
    let server = Running::start(Server::new().mount(iris_with(
        "features = [\"a\", \"b\", { name = \"c\", missing = true }, \"d\"]\n",
    )));
    let left_out = answered(&server, r#"{"a":5.1,"b":3.5,"d":0.2}"#);
    assert_eq!(
        answered(&server, r#"{"a":5.1,"b":3.5,"c":null,"d":0.2}"#),
        left_out
    );
    let message = DefaultCustomPredictRequest {
        values: vec![5.1, 3.5, f32::NAN, 0.2],
    };
    let reply = classify(
        &server,
        DefaultCustomPredictRequest::TYPE_NAME,
        &message.encode_to_vec(),
    );
    let expected = left_out["predictions"][0]["score"]
        .as_f64()
        .expect("a number");
    let got = reply.expect("classified").predictions[0].prediction;
    assert!((got - expected).abs() < 1e-6, "{got} {expected}");
    let message = DefaultCustomPredictRequest {
        values: vec![f32::NAN, 3.5, f32::INFINITY, 0.2],
    };
    let status = classify(
        &server,
        DefaultCustomPredictRequest::TYPE_NAME,
        &message.encode_to_vec(),
    )
    .expect_err("refused");
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(
        status.message().contains("must be a finite number"),
        "{}",
        status.message()
    );
}

#[test]
fn a_message_of_a_clients_own_proto_is_read() {
    let server = Running::start(Server::new().mount(iris_with(
        "name = \"iris\"\nfeatures = [\"f1\", \"f2\", \"f3\", \"f4\"]\n\
         [message]\nname = \"io.seldon.microservice.iris.IrisPredictRequest\"\n\
         numbers = \"float\"\noptional = false\n",
    )));
    let flower = IrisPredictRequest {
        f1: 5.1,
        f2: 3.5,
        f3: 1.4,
        f4: 0.0,
    };
    let reply = classify(
        &server,
        IrisPredictRequest::TYPE_NAME,
        &flower.encode_to_vec(),
    )
    .expect("classified");
    let rest = answered(&server, r#"{"f1":5.1,"f2":3.5,"f3":1.4,"f4":0}"#);
    // The test's own parser of JSON rounds to a double's last place, not exactly.
    let expected = rest["predictions"][0]["score"].as_f64().expect("a number");
    assert!((reply.predictions[0].prediction - expected).abs() < 1e-15);
    assert_eq!(reply.meta.expect("meta").model_name, "iris");
}

#[test]
fn the_generated_message_has_a_field_for_each_feature() {
    let customers = pipeline("customers");
    assert_eq!(
        customers.proto(),
        "syntax = \"proto3\";\n\n\
         package io.seldon.pipeline;\n\n\
         // Whether a customer is about to leave.\n\
         message Customers {\n  \
           optional double age = 1;\n  \
           // Euros a month.\n  \
           optional double income = 2;\n  \
           optional string city = 3;\n  \
           optional string plan = 4;\n\
         }\n"
    );
    /// As protoc makes it of that.
    #[derive(Clone, PartialEq, prost::Message)]
    struct Customers {
        #[prost(double, optional, tag = "1")]
        age: Option<f64>,
        #[prost(double, optional, tag = "2")]
        income: Option<f64>,
        #[prost(string, optional, tag = "3")]
        city: Option<String>,
        #[prost(string, optional, tag = "4")]
        plan: Option<String>,
    }
    let server = Running::start(Server::new().mount(customers));
    let mut customer = Customers {
        age: Some(66.0),
        income: Some(2617.81),
        city: Some("Rom".to_owned()),
        plan: Some("basic".to_owned()),
    };
    let name = "io.seldon.pipeline.Customers";
    let reply = classify(&server, name, &customer.encode_to_vec()).expect("classified");
    assert!((reply.predictions[0].prediction - 0.829_356_271_271_872_3).abs() < 1e-12);
    assert_eq!(reply.predictions[1].predicted_class, "leaves");
    customer.income = None;
    customer.age = Some(f64::NAN);
    let status = classify(&server, name, &customer.encode_to_vec()).expect_err("refused");
    assert_eq!(
        status.message(),
        "`/age` must be a finite number (and 1 more)"
    );
    let status = classify(&server, name, &[9, 1]).expect_err("refused");
    assert!(
        status
            .message()
            .starts_with("`data` is no valid `io.seldon.pipeline.Customers`")
    );
    let status = classify(&server, "x.Y", &[]).expect_err("refused");
    assert_eq!(
        status.message(),
        "`data` must hold a `io.seldon.pipeline.Customers`, got a `x.Y`"
    );
}

#[test]
fn the_classic_reply_names_the_pipeline() {
    let service = Service::predictor(pipeline("iris")).expect("it warms up");
    let service = service.named("test_model").replying(Reply::Classic);
    let server = Running::start(Server::new().mount_service(service));
    let reply = answered(&server, r#"{"data":[5.1,3.5,1.4,0.2]}"#);
    assert_eq!(reply["meta"]["modelName"], "test_model");
    assert_eq!(reply["predictions"][0]["predictedClass"], "setosa");
    assert_eq!(reply["custom"], Value::Null);
}

#[test]
fn a_pooled_pipeline_answers_the_same() {
    let server = Running::start(Server::new().mount(Pooled::new(pipeline("iris"))));
    let row = "[5.1,3.5,1.4,0.2]";
    assert_eq!(answered(&server, row), answered(&serve("iris"), row));
    let message = DefaultCustomPredictRequest {
        values: vec![5.1, 3.5, 1.4, 0.2],
    };
    let name = DefaultCustomPredictRequest::TYPE_NAME;
    let reply = classify(&server, name, &message.encode_to_vec()).expect("classified");
    assert_eq!(reply.predictions[0].predicted_class, "setosa");
    assert_eq!(refused(&server, "[1]").len(), 1);
}

#[test]
fn the_document_and_the_index_describe_the_pipelines_own_features() {
    let document = openapi(pipeline("customers"));
    let row = &document["components"]["schemas"]["io.seldon.pipeline.Customers"];
    assert_eq!(row["required"], json!(["age", "income", "city", "plan"]));
    assert_eq!(row["additionalProperties"], false);
    assert_eq!(row["properties"]["city"]["type"], "string");
    assert_eq!(row["properties"]["income"]["description"], "Euros a month.");
    let body = &document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"];
    let example = json!({"age": 42.0, "income": 1800.5, "city": "Ulm", "plan": "plus"});
    assert_eq!(body["example"], example);
    // What it shows is taken.
    let server = serve("customers");
    answered(&server, &body["example"].to_string());
    let index = server.get("/").json();
    assert_eq!(index["services"][0]["name"], "customers");
    assert_eq!(
        index["services"][0]["grpc"]["message"],
        "io.seldon.pipeline.Customers"
    );
}

#[test]
fn an_unknown_category_is_the_callers_mistake_with_its_row() {
    let toml = std::fs::read_to_string(format!("{EXAMPLE}/customers/pipeline.toml")).expect("read");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::copy(
        format!("{EXAMPLE}/customers/model.txt"),
        folder.path().join("model.txt"),
    )
    .expect("copied");
    let strict = toml.replace("unknown = \"ignore\"\n", "");
    std::fs::write(folder.path().join("pipeline.toml"), strict).expect("written");
    let strict = Folder::open_loose(folder.path()).expect("a folder");
    let server = Running::start(Server::new().mount(Pipeline::load(&strict).expect("loads")));
    let row = |city| format!(r#"{{"age":1,"income":2,"city":"{city}","plan":"plus"}}"#);
    let body = format!("[{},{}]", row("Ulm"), row("Rom"));
    let answer = server.post("/predict", None, &body);
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json()["detail"],
        "row 1: `city` must be one of the categories that the model was trained with, got `Rom`"
    );
}
