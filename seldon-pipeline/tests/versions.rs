//! New versions of a pipeline: what they may change while it is served, and what they may not.

use std::net::SocketAddr;
use std::path::Path;

use seldon_pipeline::Pipeline;
use seldon_runtime::{Artifact, Folder, Server, Service};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const MODEL: &[u8] = include_bytes!("../../seldon-trees/tests/fixtures/xgboost-3.2.0/binary.ubj");

fn save(folder: &Path, features: &str, classes: &str) {
    let toml = format!("features = [{features}]\nclasses = [{classes}]\n");
    std::fs::write(folder.join("pipeline.toml"), toml).expect("written");
}

async fn ask(address: SocketAddr, request: &str) -> String {
    let request = format!(
        "{request} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test]
async fn the_classes_may_change_and_the_features_may_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    std::fs::write(folder.join("model.ubj"), MODEL).expect("written");
    let names = r#""a", "b", "c", "d", "e", "f""#;
    save(folder, names, r#""no", "yes""#);
    let opened = Folder::open_loose(folder).expect("it is there");
    let pipeline = Pipeline::load(&opened).expect("it loads");
    let service = Service::predictor(pipeline).expect("it warms up");
    let server = Server::new().mount_service(service.loaded_from(&opened));
    let bound = server.bind("127.0.0.1:0").await.expect("bound");
    let bound = bound.administered("127.0.0.1:0").await.expect("bound");
    let (address, admin) = (
        bound.local_addr(),
        bound.admin_addr().expect("there is one"),
    );
    tokio::spawn(bound.serve_until(std::future::pending()));
    let predict = "GET /predict?json=[1,1,1,1,1,1]";
    assert!(ask(address, predict).await.contains("\"yes\""));

    save(folder, names, r#""bad", "good""#);
    let told = ask(admin, "POST /reload").await;
    assert!(told.contains("\"loaded\""), "{told}");
    let answer = ask(address, predict).await;
    assert!(
        answer.contains("\"good\"") && !answer.contains("\"yes\""),
        "{answer}"
    );

    for other in [
        r#""a", "b", "c", "d", "e", "g""#,
        r#""a", "b", "c", "d", "e", {name = "f", missing = true}"#,
    ] {
        save(folder, other, r#""bad", "good""#);
        let told = ask(admin, "POST /reload").await;
        let said = "its features are not those of the version before";
        assert!(
            told.starts_with("HTTP/1.1 409") && told.contains(said),
            "{told}"
        );
    }
    assert!(ask(address, predict).await.contains("\"good\""));
}
