//! A server in the test's own process, on a port that the system chose, and a client that sends
//! bytes as they are written.
#![allow(dead_code, reason = "each test file uses its part")]

use std::future::Future;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use seldon::{Limits, Server};
use tokio::sync::oneshot;

/// A running server; it is told to end, and waited for, when this is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Running {
    /// Serves `server` until this is dropped.
    pub(crate) fn start(server: Server) -> Self {
        Self::composed(async { server })
    }

    /// Serves what is composed within the server's runtime, until this is dropped.
    pub(crate) fn composed(server: impl Future<Output = Server> + Send + 'static) -> Self {
        Self::limited(limits(), server)
    }

    /// Serves what is composed within the server's runtime, under limits of the test's own.
    pub(crate) fn limited(
        limits: Limits,
        server: impl Future<Output = Server> + Send + 'static,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (bound, address) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let server = server.await.limits(limits);
                let server = server.bind("127.0.0.1:0").await.expect("binds");
                bound
                    .send(server.local_addr())
                    .expect("the test waits for it");
                let stopped = async {
                    let _ = stopped.await;
                };
                server.serve_until(stopped).await.expect("serves");
            });
        });
        let address = address.recv().expect("the server starts");
        Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Sends `GET target`.
    pub(crate) fn get(&self, target: &str) -> Answer {
        self.send(format!(
            "GET {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"
        ))
    }

    /// Sends `POST target` with a body of a type, or of none.
    pub(crate) fn post(&self, target: &str, kind: Option<&str>, body: &str) -> Answer {
        let kind = kind
            .map(|kind| format!("content-type: {kind}\r\n"))
            .unwrap_or_default();
        let length = body.len();
        self.send(format!(
            "POST {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{kind}content-length: {length}\r\n\r\n{body}"
        ))
    }

    /// Sends `bytes` on a new connection and reads until the server closes it.
    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let mut stream = TcpStream::connect(self.address).expect("connects");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a time limit");
        stream.write_all(bytes.as_ref()).expect("sends");
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).expect("answers and closes");
        Answer::parse(&raw)
    }
}

/// The usual limits, for a server whose readiness nobody watches: it need not say so before it ends.
pub(crate) fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.lame_duck = Duration::ZERO;
    limits
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(thread::panicking() || ended.is_ok(), "the server panicked");
        }
    }
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn parse(raw: &[u8]) -> Self {
        let text = std::str::from_utf8(raw).expect("answers are UTF-8");
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no head in {text:?}"));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .expect("a status");
        Self {
            status,
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    /// The value of a header, its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        (self.head.lines().skip(1))
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.trim())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e} in {self:?}"))
    }

    /// The sentence of a problem document, after checking the document.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let document = self.json();
        assert_eq!(document["type"], "about:blank");
        assert_eq!(document["status"], status);
        assert_eq!(document["code"], code, "{document}");
        assert_eq!(document["error"], document["detail"]);
        assert!(
            document["title"]
                .as_str()
                .is_some_and(|title| !title.is_empty())
        );
        let id = document["request_id"].as_str().unwrap_or_default();
        assert_eq!(self.header("x-request-id"), Some(id), "{self:?}");
        document["detail"].as_str().expect("a sentence").to_owned()
    }

    /// `parameter detail` of each violation of a problem document.
    pub(crate) fn violations(&self) -> Vec<String> {
        let errors = self.json()["errors"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let text = |v: &serde_json::Value| v.as_str().expect("text").to_owned();
        errors
            .iter()
            .map(|v| format!("{} {}", text(&v["parameter"]), text(&v["detail"])))
            .collect()
    }
}

/// `text` percent-encoded.
pub(crate) fn encode(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect()
}
