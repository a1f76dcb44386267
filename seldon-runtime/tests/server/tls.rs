//! TLS on both transports: certificates, clients', those that change, and handshakes that stall.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use seldon_runtime::{Limits, Server, Tls};

use crate::certificates::{Authority, Certified, H2, HTTP1};
use crate::common::*;
use crate::metrics::{figure, reloaded};

/// A folder of the files of a server's TLS.
struct Folder(tempfile::TempDir);

impl Folder {
    fn of(certified: &Certified) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        folder.replace(certified);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    fn replace(&self, certified: &Certified) {
        self.write("cert.pem", &certified.certificate);
        self.write("key.pem", &certified.key);
    }

    fn tls(&self) -> seldon_runtime::Result<Tls> {
        Tls::from_files(self.path("cert.pem"), self.path("key.pem"))
    }
}

/// A server within TLS, its files, the authority of its certificate, and its figures.
struct Secure {
    server: Running,
    folder: Folder,
    authority: Authority,
    admin: SocketAddr,
}

impl Secure {
    async fn start(limits: Limits) -> Self {
        Self::start_with(limits, |_, tls| tls).await
    }

    async fn start_with(limits: Limits, with: impl FnOnce(&Folder, Tls) -> Tls) -> Self {
        let authority = Authority::new();
        let folder = Folder::of(&authority.certify());
        let tls = with(&folder, folder.tls().expect("it is good"));
        let server = Server::new().limits(limits).tls(tls).mount(Quick {});
        let bound = server.bind("127.0.0.1:0").await.expect("it can be bound");
        let bound = bound.administered("127.0.0.1:0").await;
        let bound = bound.expect("it can be bound");
        Self {
            admin: bound.admin_addr().expect("there is one"),
            server: Running::of(bound),
            folder,
            authority,
        }
    }

    fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Waits until so many handshakes are counted as failed.
    async fn failed(&self, count: f64) {
        let series = "seldon_tls_handshake_failures_total";
        patient(async {
            while figure(self.admin, series).await != Some(count) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Waits until the certificate was read anew for the first time, for better or worse.
    async fn reloaded(&self, outcome: &str) {
        reloaded(self.admin, "tls", outcome).await;
    }
}

#[tokio::test]
async fn rest_is_served_within_tls() {
    let secure = Secure::start(long()).await;
    let mut peer = secure.authority.client(HTTP1).peer(secure.address()).await;
    let agreed = peer.stream.get_ref().1.alpn_protocol();
    assert_eq!(agreed, Some(&b"http/1.1"[..]));
    for _ in 0..2 {
        assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
    }
    assert_eq!(peer.ask(post(&[ANSWER])).await.status, 200);
}

#[tokio::test]
async fn grpc_is_served_within_tls() {
    let secure = Secure::start(long()).await;
    let stream = (secure.authority.client(H2))
        .connect(secure.address())
        .await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let channel = Channel::over(stream).await;
    let called = channel
        .classify(&[], &[ANSWER, 0.5])
        .await
        .expect("a reply");
    assert_eq!(called.status(), 0);
    assert_eq!(reply(&called).predictions[1].prediction, 0.5);
}

#[tokio::test]
async fn a_client_that_agrees_on_nothing_is_understood() {
    let secure = Secure::start(long()).await;
    let client = secure.authority.client(&[]);
    let mut peer = client.peer(secure.address()).await;
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
    let channel = Channel::over(client.connect(secure.address()).await).await;
    let called = channel.classify(&[], &[ANSWER]).await.expect("a reply");
    assert_eq!(called.status(), 0);
}

#[tokio::test]
async fn an_answer_to_too_much_is_read_within_tls() {
    let secure = Secure::start(long()).await;
    let mut peer = secure.authority.client(HTTP1).peer(secure.address()).await;
    let body = "1".repeat(2 << 20);
    let length = body.len();
    let request =
        format!("POST /predict HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n\r\n");
    peer.send(request).await;
    peer.send(&body[..100 << 10]).await;
    assert_eq!(peer.answer().await.status, 413);
}

#[tokio::test]
async fn plain_text_is_told_of_tls() {
    let secure = Secure::start(long()).await;
    let mut peer = secure.server.connect().await;
    let answer = peer.ask(get(&[ANSWER])).await;
    assert_eq!(answer.status, 400);
    let problem = answer.problem();
    let detail = problem["detail"].as_str().expect("a sentence");
    assert!(detail.contains("https://"), "{detail}");
    assert!(peer.closed().await.is_empty());
    secure.failed(1.0).await;
}

#[tokio::test]
async fn what_is_neither_tls_nor_http_is_closed() {
    let secure = Secure::start(long()).await;
    let mut peer = secure.server.connect().await;
    peer.send([0; 100]).await;
    assert!(!peer.closed().await.starts_with(b"HTTP"));
}

#[tokio::test]
async fn a_flood_within_tls_is_cut_off_with_a_goaway() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let secure = Secure::start(long()).await;
    let client = secure.authority.client(H2);
    let (mut read, mut write) = tokio::io::split(client.connect(secure.address()).await);
    let received = tokio::spawn(async move {
        let mut received = Vec::new();
        let _ = read.read_to_end(&mut received).await;
        received
    });
    let flood = async {
        let _ = write.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        // An empty SETTINGS frame, and then no end of them.
        while write.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    patient(flood).await;
    let received = patient(received).await.expect("no panic");
    // The last frame: GOAWAY, with ENHANCE_YOUR_CALM.
    assert!(received.ends_with(&[0, 0, 0, 11]), "{received:?}");
}

#[tokio::test]
async fn administration_is_plain() {
    let secure = Secure::start(long()).await;
    assert!(figure(secure.admin, "seldon_ready").await.is_some());
}

#[tokio::test]
async fn a_client_with_a_certificate_is_served_where_one_is_asked_for() {
    let clients = Authority::new();
    let secure = Secure::start_with(long(), |folder, tls| {
        folder.write("clients.pem", &clients.pem);
        tls.with_client_ca(folder.path("clients.pem"))
            .expect("it is good")
    })
    .await;
    let shown = clients.certify();
    let client = secure.authority.client_showing(Some(&shown), H2);
    let channel = Channel::over(client.connect(secure.address()).await).await;
    let called = channel.classify(&[], &[ANSWER]).await.expect("a reply");
    assert_eq!(called.status(), 0);
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused_where_one_is_asked_for() {
    let clients = Authority::new();
    let secure = Secure::start_with(long(), |folder, tls| {
        folder.write("clients.pem", &clients.pem);
        tls.with_client_ca(folder.path("clients.pem"))
            .expect("it is good")
    })
    .await;
    let strangers = Authority::new().certify();
    for shown in [None, Some(&strangers)] {
        let client = secure.authority.client_showing(shown, HTTP1);
        // In TLS 1.3 the client believes in the handshake before the server has judged it.
        if let Ok(stream) = client.try_connect(secure.address()).await {
            let mut peer = Peer::over(stream);
            use tokio::io::AsyncWriteExt;
            let _ = peer.stream.write_all(get(&[ANSWER]).as_bytes()).await;
            assert!(peer.closed().await.is_empty());
        }
    }
    secure.failed(2.0).await;
    // Nor has a probe one, and it asks where administration is.
    let mut probe = Peer::to(secure.admin).await;
    let ready = "GET /health/ready HTTP/1.1\r\nhost: test\r\n\r\n";
    assert_eq!(probe.ask(ready).await.status, 200);
    // Which is no way around the certificates.
    for path in ["/predict", "/docs/try/predict"] {
        let request = get(&[ANSWER]).replace("/predict", path);
        assert_eq!(probe.ask(request).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_new_certificate_is_shown_and_open_connections_go_on() {
    let secure = Secure::start(long()).await;
    let client = secure.authority.client(HTTP1);
    let mut before = client.peer(secure.address()).await;
    assert_eq!(before.ask(get(&[ANSWER])).await.status, 200);
    let channel = Channel::over(
        (secure.authority.client(H2))
            .connect(secure.address())
            .await,
    )
    .await;

    let next = Authority::new();
    secure.folder.replace(&next.certify());
    secure.reloaded("ok").await;

    let mut after = next.client(HTTP1).peer(secure.address()).await;
    assert_eq!(after.ask(get(&[ANSWER])).await.status, 200);
    let old = client.try_connect(secure.address()).await;
    old.expect_err("the old certificate is no longer shown");
    assert_eq!(before.ask(get(&[ANSWER])).await.status, 200);
    let called = channel.classify(&[], &[ANSWER]).await.expect("a reply");
    assert_eq!(called.status(), 0);
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_refused_and_the_old_one_goes_on() {
    let secure = Secure::start(long()).await;
    // A certificate without its key.
    let other = secure.authority.certify();
    secure.folder.write("cert.pem", &other.certificate);
    secure.reloaded("failed").await;
    let client = secure.authority.client(HTTP1);
    let mut peer = client.peer(secure.address()).await;
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
    // The key comes late, and then it is good.
    secure.folder.write("key.pem", &other.key);
    secure.reloaded("ok").await;
    let mut peer = client.peer(secure.address()).await;
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
}

/// As Kubernetes replaces a mounted secret: the files stay, and a link on their way is turned.
#[cfg(unix)]
#[tokio::test]
async fn a_certificate_behind_a_link_that_is_turned_is_shown() {
    use std::os::unix::fs::symlink;
    let (first, next) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    for (name, authority) in [("1", &first), ("2", &next)] {
        let certified = authority.certify();
        fs::create_dir(path(name)).expect("a folder");
        fs::write(path(name).join("tls.crt"), certified.certificate).expect("written");
        fs::write(path(name).join("tls.key"), certified.key).expect("written");
    }
    symlink("1", path("data")).expect("a link");
    let tls = Tls::from_files(path("data/tls.crt"), path("data/tls.key"));
    let server = Server::new().limits(long()).tls(tls.expect("it is good"));
    let server = Running::start(server.mount(Quick {})).await;
    first.client(HTTP1).connect(server.address).await;

    symlink("2", path("new")).expect("a link");
    fs::rename(path("new"), path("data")).expect("it is turned");
    patient(async {
        while (next.client(HTTP1).try_connect(server.address).await).is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_certificate_that_is_gone_goes_on() {
    let secure = Secure::start(long()).await;
    fs::remove_file(secure.folder.path("cert.pem")).expect("it was there");
    secure.reloaded("failed").await;
    let mut peer = secure.authority.client(HTTP1).peer(secure.address()).await;
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
}

#[tokio::test]
async fn a_stalled_handshake_is_closed() {
    let mut limits = long();
    limits.handshake_time = Duration::from_millis(100);
    let secure = Secure::start(limits).await;
    // A silent peer, and one that has begun: a record of 512 bytes is to come.
    for begun in [&[][..], &[22, 3, 1, 2, 0, 1]] {
        let mut peer = secure.server.connect().await;
        peer.send(begun).await;
        assert!(peer.closed().await.is_empty());
    }
    secure.failed(2.0).await;
}

#[tokio::test]
async fn a_peer_that_is_silent_after_its_handshake_is_closed() {
    let mut limits = long();
    limits.head_time = Duration::from_millis(100);
    let secure = Secure::start(limits).await;
    let mut peer = secure.authority.client(HTTP1).peer(secure.address()).await;
    assert!(peer.closed().await.is_empty());
}

#[tokio::test]
async fn stalled_handshakes_hold_up_nobody() {
    let secure = Secure::start(long()).await;
    let mut stalled = Vec::new();
    for _ in 0..50 {
        let mut peer = secure.server.connect().await;
        peer.send([22, 3, 1, 2, 0, 1]).await;
        stalled.push(peer);
    }
    let mut peer = secure.authority.client(HTTP1).peer(secure.address()).await;
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
}

#[tokio::test]
async fn a_stalled_handshake_does_not_hold_up_the_end() {
    let secure = Secure::start(long()).await;
    let mut stalled = secure.server.connect().await;
    stalled.send([22, 3, 1, 2, 0, 1]).await;
    let mut peer = secure.authority.client(HTTP1).peer(secure.address()).await;
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
    secure.server.end().await;
    assert!(peer.closed().await.is_empty());
}

#[tokio::test]
async fn both_addresses_are_within_tls() {
    let authority = Authority::new();
    let folder = Folder::of(&authority.certify());
    let server = Server::new()
        .limits(long())
        .tls(folder.tls().expect("it is good"))
        .mount(Quick {});
    let bound = server.bind_apart("127.0.0.1:0", "127.0.0.1:0").await;
    let server = Running::of(bound.expect("they can be bound"));
    let mut peer = authority.client(HTTP1).peer(server.address).await;
    assert_eq!(peer.ask(get(&[ANSWER])).await.status, 200);
    let channel = Channel::over(authority.client(H2).connect(server.grpc).await).await;
    let called = channel.classify(&[], &[ANSWER]).await.expect("a reply");
    assert_eq!(called.status(), 0);
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let authority = Authority::new();
    let folder = Folder::of(&authority.certify());
    let wrong = |folder: &Folder| folder.tls().expect_err("it is wrong").to_string();

    folder.write("key.pem", &authority.certify().key);
    assert!(wrong(&folder).contains("cert.pem: cannot be used with the key of "));
    folder.write("key.pem", "-----BEGIN PRIVATE KEY-----\nsecret\n");
    let error = wrong(&folder);
    assert!(
        error.ends_with("key.pem: holds no private key in PEM"),
        "{error}"
    );
    folder.write("cert.pem", "");
    fs::remove_file(folder.path("key.pem")).expect("it was there");
    assert!(wrong(&folder).contains("key.pem: cannot be read: "));
    folder.replace(&authority.certify());
    folder.write("cert.pem", "no certificate");
    assert!(wrong(&folder).ends_with("cert.pem: holds no certificate in PEM"));

    folder.replace(&authority.certify());
    let tls = || folder.tls().expect("it is good");
    let none = folder.path("none.pem");
    let error = tls().with_client_ca(&none).expect_err("there is none");
    assert!(error.to_string().contains("none.pem: cannot be read: "));
    let error = tls().with_client_ca(folder.0.path()).expect_err("a folder");
    assert!(error.to_string().ends_with(": is no file"));
    let key = folder.path("key.pem");
    let error = tls().with_client_ca(&key).expect_err("a key");
    assert!(error.to_string().contains("holds no certificate in PEM"));
}
