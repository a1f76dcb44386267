//! A server of the model that misbehaves on demand, and clients that can do anything.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use seldon_runtime::proto::{ClassificationReply, ClassificationRequest};
use seldon_runtime::{Any, Bound, DefaultCustomPredictRequest, Limits, Result, Server};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

#[path = "model.rs"]
mod model;

pub(crate) use model::*;

/// Longer than anything takes here: a test that waits so long has found a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A server that runs until it is told to end.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) grpc: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    pub(crate) ended: JoinHandle<Result<()>>,
}

/// Limits that no test meets by accident.
pub(crate) fn long() -> Limits {
    let mut limits = Limits::default();
    limits.lame_duck = Duration::ZERO;
    limits
}

impl Running {
    pub(crate) async fn start(server: Server) -> Self {
        Self::of(server.bind("127.0.0.1:0").await.expect("it can be bound"))
    }

    pub(crate) fn of(bound: Bound) -> Self {
        let (address, grpc) = (bound.local_addr(), bound.grpc_addr());
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(bound.serve_until(async {
            let _ = stopped.await;
        }));
        Self {
            address,
            grpc,
            stop: Some(stop),
            ended,
        }
    }

    pub(crate) async fn quick(limits: Limits) -> Self {
        Self::start(Server::new().limits(limits).mount(Quick {})).await
    }

    pub(crate) async fn slow(limits: Limits) -> Self {
        Self::start(Server::new().limits(limits).mount(Slow {})).await
    }

    /// Tells the server to end.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits for its end.
    pub(crate) async fn end(mut self) {
        self.stop();
        patient(self.ended)
            .await
            .expect("the server does not panic")
            .expect("the server ends well");
    }

    pub(crate) async fn connect(&self) -> Peer {
        Peer::to(self.address).await
    }

    /// Returns once every worker has answered something: what any of them was told before, the
    /// end of a connection for example, it has acted upon by then.
    pub(crate) async fn served_by_all(&self) {
        let workers = std::thread::available_parallelism().map_or(1, |n| n.get());
        let mut peers = Vec::new();
        // Each goes to the worker with the fewest, and all are kept.
        for _ in 0..8 * workers {
            let mut peer = self.connect().await;
            self.served(&mut peer).await;
            peers.push(peer);
        }
    }

    /// Returns once `peer` was answered something: what was sent before on the same machine has
    /// reached the server by then.
    pub(crate) async fn served(&self, peer: &mut Peer) {
        peer.ask("GET /nowhere HTTP/1.1\r\nhost: test\r\n\r\n")
            .await;
    }
}

/// Waits for what is to happen in any case.
pub(crate) async fn patient<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("something hangs")
}

/// A client that speaks in bytes.
pub(crate) struct Peer<S = TcpStream> {
    pub(crate) stream: S,
    unread: Vec<u8>,
}

/// An answer over HTTP/1.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn problem(&self) -> serde_json::Value {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        serde_json::from_str(&self.body).expect("a problem is JSON")
    }

    pub(crate) fn code(&self) -> String {
        self.problem()["code"]
            .as_str()
            .expect("a problem has a code")
            .to_owned()
    }
}

impl Peer {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("it listens");
        Self::of(stream)
    }

    pub(crate) fn of(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("it can be set");
        Self::over(stream)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// Reads exactly this.
    pub(crate) async fn expect(&mut self, text: &str) {
        while self.unread.len() < text.len() {
            let read = patient(self.stream.read_buf(&mut self.unread)).await;
            assert_ne!(read.expect("it can be read"), 0, "closed before {text:?}");
        }
        let rest = self.unread.split_off(text.len());
        assert_eq!(self.unread, text.as_bytes());
        self.unread = rest;
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        patient(self.stream.write_all(bytes.as_ref()))
            .await
            .expect("it can be sent");
    }

    /// One answer, by its content length.
    pub(crate) async fn answer(&mut self) -> Answer {
        patient(async {
            let head = loop {
                if let Some(at) = find(&self.unread, b"\r\n\r\n") {
                    let rest = self.unread.split_off(at + 4);
                    let head = std::mem::replace(&mut self.unread, rest);
                    break String::from_utf8(head).expect("a head is text");
                }
                let read = self.stream.read_buf(&mut self.unread).await;
                assert_ne!(read.expect("it can be read"), 0, "closed before an answer");
            };
            let mut answer = Answer {
                status: head[9..12].parse().expect("a status is a number"),
                head,
                body: String::new(),
            };
            let length: usize = (answer.header("content-length"))
                .expect("answers here have a length")
                .parse()
                .expect("a length is a number");
            while self.unread.len() < length {
                let read = self.stream.read_buf(&mut self.unread).await;
                assert_ne!(read.expect("it can be read"), 0, "closed inside an answer");
            }
            let rest = self.unread.split_off(length);
            let body = std::mem::replace(&mut self.unread, rest);
            answer.body = String::from_utf8(body).expect("bodies here are text");
            answer
        })
        .await
    }

    pub(crate) async fn ask(&mut self, request: impl AsRef<[u8]>) -> Answer {
        self.send(request).await;
        self.answer().await
    }

    /// Waits until the server has closed, and returns what it sent before.
    pub(crate) async fn closed(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.unread);
        // A reset closes as well.
        let _ = patient(self.stream.read_to_end(&mut rest)).await;
        rest
    }
}

/// A hundred peers that say nothing more: nothing at all, some of an HTTP/2 preface or of a head,
/// or nothing after an answer.
pub(crate) async fn silent_peers(address: SocketAddr) -> Vec<Peer> {
    let mut silent = Vec::new();
    for n in 0..100 {
        let mut peer = Peer::to(address).await;
        match n % 5 {
            0 => {}
            1 => peer.send("PRI * HTTP/2.0\r\n").await,
            2 => peer.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await,
            3 => peer.send("GET / HT").await,
            _ => {
                peer.ask(get(&[ANSWER])).await;
            }
        }
        silent.push(peer);
    }
    silent
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// A request whose body never comes, and what it is answered when it is in flight.
pub(crate) const STALLED: &str =
    "POST /predict HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n";
pub(crate) const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

/// A request as the documentation has it, for these numbers.
pub(crate) fn get(values: &[f32]) -> String {
    format!("GET /predict?json={values:?} HTTP/1.1\r\nhost: test\r\n\r\n").replace(", ", ",")
}

/// The same as a body.
pub(crate) fn post(values: &[f32]) -> String {
    let body = format!("{values:?}");
    let length = body.len();
    format!("POST /predict HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// A gRPC client, on one connection.
pub(crate) struct Channel {
    send: h2::client::SendRequest<Bytes>,
    pub(crate) connection: JoinHandle<Result<(), h2::Error>>,
}

/// What a call gave.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) http: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<http::HeaderMap>,
}

impl Called {
    /// The status, wherever it came.
    pub(crate) fn status(&self) -> i32 {
        let of = |headers: &http::HeaderMap| {
            let status = headers.get("grpc-status")?.to_str().ok()?;
            status.parse().ok()
        };
        of(&self.headers)
            .or_else(|| self.trailers.as_ref().and_then(of))
            .expect("a call has a status")
    }

    /// The reason of an error's ErrorInfo, which comes in the headers: errors have no body.
    pub(crate) fn reason(&self) -> String {
        use tonic_types::StatusExt;
        assert!(self.body.is_empty(), "an error came with a body");
        let status = tonic::Status::from_header_map(&self.headers).expect("errors are in the head");
        let info = status.get_details_error_info();
        info.expect("an error has an ErrorInfo").reason
    }
}

impl Channel {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.expect("it listens")).await
    }

    pub(crate) async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (send, connection) = h2::client::handshake(stream)
            .await
            .expect("it speaks HTTP/2");
        Self {
            send,
            connection: tokio::spawn(connection),
        }
    }

    /// Calls `path` with `headers` and `body`.
    pub(crate) async fn call(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Called, h2::Error> {
        patient(async {
            let mut send = self.send.clone().ready().await?;
            let mut request = http::Request::post(format!("http://test{path}"))
                .header("content-type", "application/grpc")
                .header("te", "trailers");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let request = request.body(()).expect("a request");
            let (response, mut stream) = send.send_request(request, false)?;
            // The server may have answered before it read all.
            let _ = stream.send_data(body, true);
            let (head, mut body) = response.await?.into_parts();
            let mut bytes = Vec::new();
            while let Some(data) = body.data().await {
                let data = data?;
                let _ = body.flow_control().release_capacity(data.len());
                bytes.extend_from_slice(&data);
            }
            Ok(Called {
                http: head.status.as_u16(),
                headers: head.headers,
                body: bytes.into(),
                trailers: body.trailers().await?,
            })
        })
        .await
    }

    /// Begins a call to `Classify`, and never sends more of it than `begun`.
    pub(crate) async fn stall(&self, begun: &[u8]) -> Result<Called, h2::Error> {
        let mut send = self.send.clone().ready().await?;
        let request = http::Request::post(format!("http://test{CLASSIFY}"))
            .header("content-type", "application/grpc")
            .body(())
            .expect("a request");
        let (response, mut stream) = send.send_request(request, false)?;
        stream.send_data(Bytes::copy_from_slice(begun), false)?;
        let head = patient(response).await?.into_parts().0;
        Ok(Called {
            http: head.status.as_u16(),
            headers: head.headers,
            body: Bytes::new(),
            trailers: None,
        })
    }

    pub(crate) async fn classify(
        &self,
        headers: &[(&str, &str)],
        values: &[f32],
    ) -> Result<Called, h2::Error> {
        self.call(CLASSIFY, headers, packed(values)).await
    }
}

pub(crate) const CLASSIFY: &str = "/io.seldon.api.rpc.Seldon/Classify";

/// A call's message, framed.
pub(crate) fn packed(values: &[f32]) -> Bytes {
    let data = DefaultCustomPredictRequest {
        values: values.to_vec(),
    };
    let request = ClassificationRequest {
        meta: None,
        data: Some(Any::pack(
            "io.seldon.api.rpc.DefaultCustomPredictRequest",
            &data,
        )),
    };
    framed(0, &request.encode_to_vec())
}

/// A message as gRPC frames it.
pub(crate) fn framed(compressed: u8, message: &[u8]) -> Bytes {
    let mut frame = vec![compressed];
    frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
    frame.extend_from_slice(message);
    frame.into()
}

/// The reply that a call gave.
pub(crate) fn reply(called: &Called) -> ClassificationReply {
    ClassificationReply::decode(&called.body[5..]).expect("a reply")
}
