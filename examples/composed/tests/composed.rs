//! Two models and a route, on one port.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::mpsc;

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn all_that_is_mounted_answers() {
    let (tell, address) = mpsc::channel();
    std::thread::spawn(move || {
        seldon::block_on(async move {
            let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
            let bound = composed::server(&examples)?.bind("127.0.0.1:0").await?;
            tell.send(bound.local_addr()).expect("the test waits");
            bound.serve().await
        })
    });
    let address = address.recv().expect("the server starts");
    let iris = get(
        address,
        "/predict?json=%7B%22data%22%3A%7B%22f1%22%3A4.8%2C%22f2%22%3A3%2C%22f3%22%3A1.4%2C%22f4%22%3A0.1%7D%7D",
    );
    assert!(iris.contains("\"classId\":\"setosa\""), "{iris}");
    let mean = get(address, "/mean?json=%7B%22data%22%3A%5B1%2C2%2C6%5D%7D");
    assert!(
        mean.ends_with(r#"{"predictions":[{"score":3.0,"classId":"mean","confidence":1.0}]}"#),
        "{mean}"
    );
    let hello = get(address, "/hello");
    assert!(hello.ends_with("\r\n\r\nhello\n"), "{hello}");
}
