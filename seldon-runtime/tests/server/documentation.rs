//! The documentation on the listener for administration: what it says, and that it is so.

use std::net::SocketAddr;

use seldon_macros::Payload;
use seldon_runtime::__private::axum::{Router, routing};
use seldon_runtime::{
    AllItems, Candidates, Predict, Prediction, Query, Recommend, Recommendation, Reply, Result,
    Server, Service,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::common::*;

/// Written by hand: there is no `.proto`.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize, Payload)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[seldon(type_name = "shop.Order", crate = ::seldon_runtime)]
struct Order {
    #[prost(double, tag = "1")]
    total_price: f64,
    #[prost(string, optional, tag = "2")]
    voucher: Option<String>,
}

/// Whether an order comes back.
///
/// By its price.
#[seldon_macros::predictor(data = Order, classes = ["returned", "kept"], crate = ::seldon_runtime)]
struct Returns {}

impl Predict<Order> for Returns {
    fn predict(&self, order: &Order) -> Result<Prediction> {
        Ok(Prediction::scores([order.total_price, 1.0]))
    }
}

#[seldon_macros::recommender(crate = ::seldon_runtime)]
struct Popular {}

impl Recommend for Popular {
    fn recommend(&self, _: &Query<'_>, _: &Candidates) -> Result<Vec<Recommendation>> {
        Ok(vec![Recommendation {
            item: 1,
            score: 0.5,
        }])
    }
}

async fn documented() -> (Running, SocketAddr) {
    let mut limits = long();
    limits.body = 2000;
    let returns = Service::predictor(Returns {}).expect("it warms up");
    let popular = Service::recommender(Popular {}, AllItems).expect("it warms up");
    let server = Server::new()
        .limits(limits)
        .mount_service(returns.at("/returns").replying(Reply::Classic))
        .mount(Quick {})
        .recommender_service(popular.max_limit(7))
        .routes(Router::new().route("/hello", routing::get(|| async { "hello" })));
    let bound = server.bind("127.0.0.1:0").await.expect("it can be bound");
    let bound = bound.administered("127.0.0.1:0").await;
    let bound = bound.expect("it can be bound");
    let admin = bound.admin_addr().expect("there is one");
    (Running::of(bound), admin)
}

async fn at(address: SocketAddr, target: &str) -> Answer {
    let request = format!("GET {target} HTTP/1.1\r\nhost: test\r\n\r\n");
    Peer::to(address).await.ask(request).await
}

async fn document(admin: SocketAddr) -> Value {
    let answer = at(admin, "/openapi.json").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    serde_json::from_str(&answer.body).expect("it is JSON")
}

#[tokio::test]
async fn what_is_mounted_is_listed_with_its_paths() {
    let (server, admin) = documented().await;
    let document = document(admin).await;
    assert_eq!(document["openapi"], "3.1.0");
    let paths: Vec<&String> = (document["paths"].as_object().expect("an object"))
        .keys()
        .collect();
    assert_eq!(
        paths,
        [
            "/returns",
            "/predict",
            "/recommend",
            "/health/live",
            "/health/ready",
            "/health/ready/{name}",
            "/"
        ]
    );
    for path in ["/returns", "/predict", "/recommend"] {
        assert!(document["paths"][path]["get"].is_object());
        assert!(document["paths"][path]["post"].is_object());
    }
    let url = format!("http://{}", server.address);
    assert_eq!(document["servers"], json!([{"url": url}]));
    assert_eq!(
        document["tags"][0]["description"],
        "Whether an order comes back. Over gRPC it takes a `shop.Order`."
    );
}

#[tokio::test]
async fn features_are_those_of_the_users_message() {
    let (_server, admin) = documented().await;
    let schemas = &document(admin).await["components"]["schemas"];
    assert_eq!(
        schemas["shop.Order"],
        json!({
            "type": "object",
            "properties": {
                "totalPrice": {"type": "number", "format": "double"},
                "voucher": {"type": ["string", "null"]},
            },
            "required": ["totalPrice"],
            "additionalProperties": false,
        })
    );
    let order = json!({"$ref": "#/components/schemas/shop.Order"});
    let shapes = &schemas["returns.Features"]["anyOf"];
    assert_eq!(shapes[0], order);
    assert_eq!(shapes[1]["items"], order);
    assert_eq!(shapes[2]["properties"]["data"]["anyOf"][0], order);
    // Numbers alone are for the default message.
    assert_eq!(shapes.as_array().map(Vec::len), Some(3));
    assert_eq!(schemas["quick.Features"]["anyOf"][2]["title"], "numbers");
}

#[tokio::test]
async fn replies_are_in_the_style_that_is_configured() {
    let (_server, admin) = documented().await;
    let schemas = &document(admin).await["components"]["schemas"];
    let classic = &schemas["returns.Reply"];
    assert_eq!(
        classic["required"],
        json!(["meta", "predictions", "custom"])
    );
    let class = &classic["properties"]["predictions"]["anyOf"][0]["items"];
    assert_eq!(
        class["properties"]["predictedClass"]["examples"],
        json!(["returned", "kept"])
    );
    assert_eq!(schemas["quick.Reply"]["required"], json!(["predictions"]));
}

#[tokio::test]
async fn limits_are_the_servers_and_the_services() {
    let (_server, admin) = documented().await;
    let document = document(admin).await;
    assert_eq!(
        document["components"]["responses"]["TooLarge"]["description"],
        "The body is over 2000 bytes."
    );
    let most = &document["components"]["schemas"]["popular.Reply"]["properties"]["recommended"];
    assert_eq!(most["maxItems"], 7);
    let parameters = &document["paths"]["/recommend"]["get"]["parameters"];
    let parameters = parameters.as_array().expect("a list");
    let limit = parameters.iter().find(|p| p["name"] == "limit");
    let limit = limit.expect("there is one");
    assert_eq!(limit["schema"]["minimum"], 1);
    assert_eq!(limit["required"], true);
}

#[tokio::test]
async fn whatever_goes_wrong_is_documented_with_its_code() {
    let (server, admin) = documented().await;
    let document = document(admin).await;
    let responses = &document["paths"]["/predict"]["post"]["responses"];
    let body = "x".repeat(3000);
    let requests = [
        "POST /predict HTTP/1.1\r\nhost: test\r\ncontent-length: 0\r\n\r\n".to_owned(),
        format!("POST /predict HTTP/1.1\r\nhost: test\r\ncontent-length: 3000\r\n\r\n{body}"),
        format!(
            "POST /predict?{} HTTP/1.1\r\nhost: test\r\n\r\n",
            "x".repeat(65_535)
        ),
        "POST /predict HTTP/1.1\r\nhost: test\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}"
            .to_owned(),
        "PUT /predict HTTP/1.1\r\nhost: test\r\n\r\n".to_owned(),
        "GET /predict HTTP/1.1\r\nhost: test\r\nx-request-timeout-ms: 0\r\n\r\n".to_owned(),
        post(&[PANIC]),
        post(&[NAN]),
        post(&[FAIL]),
    ];
    let mut statuses = Vec::new();
    for request in requests {
        let answer = server.connect().await.ask(request).await;
        let problem = answer.problem();
        let response = &responses[answer.status.to_string()]["$ref"];
        let response = response.as_str().expect("it is documented");
        let name = response.rsplit('/').next().expect("it has a name");
        let documented = &document["components"]["responses"][name];
        let schema = &documented["content"]["application/problem+json"]["schema"];
        let codes = schema["properties"]["code"]["enum"].as_array();
        assert!(
            codes.is_some_and(|codes| codes.contains(&problem["code"])),
            "{problem}"
        );
        for (header, of) in documented["headers"].as_object().expect("an object") {
            let of = match of["$ref"].as_str() {
                Some(name) => document.pointer(&name[1..]).expect("it leads somewhere"),
                None => of,
            };
            let is_optional = of["required"] != true;
            assert!(is_optional || answer.header(header).is_some(), "{header}");
        }
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [400, 413, 414, 415, 405, 504, 500, 500, 500]);
}

#[tokio::test]
async fn documentation_is_on_the_listener_for_administration_alone() {
    let (server, admin) = documented().await;
    for target in [
        "/openapi.json",
        "/docs",
        "/docs/page.js",
        "/docs/try/predict",
    ] {
        assert_eq!(at(server.address, target).await.status, 404, "{target}");
        assert_ne!(at(admin, target).await.status, 404, "{target}");
    }
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let (_server, admin) = documented().await;
    let page = at(admin, "/docs").await;
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'self';"), "{policy}");
    // What the policy forbids.
    for inline in ["<style", "style=", "onclick=", "://", "javascript:"] {
        assert!(!page.body.contains(inline), "{inline}");
    }
    let named = page.body.split("\"docs/").skip(1);
    let files: Vec<&str> = named.filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(files, ["icon.svg", "page.css", "page.js"]);
    for file in files {
        let answer = at(admin, &format!("/docs/{file}")).await;
        assert_eq!(
            (answer.status, answer.header("x-content-type-options")),
            (200, Some("nosniff"))
        );
    }
}

#[tokio::test]
async fn operations_are_tried_on_the_pages_own_origin() {
    let (server, admin) = documented().await;
    let target = "/predict?json=[0.5,0.25]";
    let tried = at(admin, &format!("/docs/try{target}")).await;
    assert_eq!(
        (tried.status, &tried.body),
        (200, &at(server.address, target).await.body)
    );
    assert!(tried.header("content-security-policy").is_some());
    assert_eq!(at(admin, "/docs/try/health/ready/quick").await.status, 200);
    let index = at(admin, "/docs/try/").await;
    assert!(index.body.contains("\"services\""), "{}", index.body);

    let refused = at(admin, "/docs/try/predict").await;
    assert_eq!(
        (refused.status, &*refused.code()),
        (400, "INVALID_PARAMETER")
    );
    assert_eq!(
        refused.problem()["request_id"],
        refused.header("x-request-id").unwrap_or_default()
    );
}

#[tokio::test]
async fn what_is_not_documented_cannot_be_tried() {
    let (server, admin) = documented().await;
    assert_eq!(at(server.address, "/hello").await.status, 200);
    for target in [
        "/hello",
        "/metrics",
        "/docs",
        "/../metrics",
        "/%2e%2e/metrics",
    ] {
        let tried = at(admin, &format!("/docs/try{target}")).await;
        assert_eq!(
            (tried.status, &*tried.code()),
            (404, "NOT_FOUND"),
            "{target}"
        );
    }
}
