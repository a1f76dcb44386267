//! An HTTP server that does what a test tells it to, and mostly what no server should.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request, as far as the tests look at it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    pub(crate) query: String,
    /// By their names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// How often this method and path were asked for before.
    pub(crate) before: usize,
}

/// A server that ends with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Serves each request, one on a connection, by `answer`.
    pub(crate) fn start<F>(answer: F) -> Self
    where
        F: Fn(&Request, &mut dyn Write, &mut dyn Read) + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let server = Self {
            address,
            seen: Arc::clone(&seen),
        };
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &seen, &*answer));
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked for, in that order: `GET /bucket/model/manifest.json`.
    pub(crate) fn asked(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("no test panics with it");
        seen.iter()
            .map(|r| format!("{} {}", r.method, r.path))
            .collect()
    }
}

fn serve(
    stream: TcpStream,
    seen: &Mutex<Vec<Request>>,
    answer: &(impl Fn(&Request, &mut dyn Write, &mut dyn Read) + ?Sized),
) {
    let mut write = stream.try_clone().expect("a socket");
    let mut read = BufReader::new(stream);
    answer_one(&mut read, &mut write, seen, answer);
}

/// Reads a request and answers it, on whatever it came by.
pub(crate) fn answer_one(
    read: &mut dyn BufRead,
    write: &mut dyn Write,
    seen: &Mutex<Vec<Request>>,
    answer: &(impl Fn(&Request, &mut dyn Write, &mut dyn Read) + ?Sized),
) {
    let mut line = String::new();
    if read.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), query.to_owned()),
        None => (target, String::new()),
    };
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if read.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
    }
    let length = headers
        .get("content-length")
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    if read.read_exact(&mut body).is_err() {
        return;
    }
    let request = {
        let mut seen = seen.lock().expect("no test panics with it");
        let before = seen
            .iter()
            .filter(|r: &&Request| r.method == method && r.path == path);
        let before = before.count();
        let request = Request {
            method,
            path,
            query,
            headers,
            body,
            before,
        };
        seen.push(request.clone());
        request
    };
    // Who has gone away is no error here.
    answer(&request, write, read);
}

/// Writes a whole answer, and nothing after it.
pub(crate) fn reply(write: &mut dyn Write, status: &str, headers: &str, body: &[u8]) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    let _ = write
        .write_all(head.as_bytes())
        .and_then(|()| write.write_all(body));
}

/// Waits until the other side has closed the connection.
pub(crate) fn wait_for_the_end(read: &mut dyn Read) {
    let _ = read.read_to_end(&mut Vec::new());
}
