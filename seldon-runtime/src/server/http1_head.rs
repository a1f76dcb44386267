//! Reads the head of a request as most are; whatever is unusual about one is hyper's to judge.

use std::mem::MaybeUninit;

use super::deadline::{GRPC_TIMEOUT, Patience, REQUEST_TIMEOUT, patience};
use super::head::is_host;
use super::request_id::REQUEST_ID;
use crate::access::Credentials;
use crate::grpc::is_grpc_type;
use crate::observe::{Kind, TraceParent};

/// The most headers of a usual request.
const HEADERS: usize = 64;

/// What the bytes that have come begin with.
#[derive(Debug, PartialEq)]
pub(super) enum Heading<'a> {
    /// Not yet all of a head.
    Part,
    /// Something else than what is read here, or nothing that may be read at all.
    Unusual,
    Usual(Usual<'a>),
}

/// A `GET` or `POST` over HTTP/1.1 with its body, if any, in one piece.
#[derive(Debug, PartialEq)]
pub(super) struct Usual<'a> {
    pub(super) kind: Kind,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    /// The bytes of the head, and of the body behind it.
    pub(super) head: usize,
    pub(super) body: usize,
    pub(super) id: Option<&'a [u8]>,
    pub(super) patience: Patience,
    pub(super) parent: Option<TraceParent>,
    pub(super) credentials: Credentials<'a>,
    /// It is the last of its connection.
    pub(super) closes: bool,
}

impl<'a> Heading<'a> {
    /// Reads the head that `bytes` begin with, if it has at most `most` bytes.
    pub(super) fn read(bytes: &'a [u8], most: usize) -> Self {
        let mut headers = [const { MaybeUninit::uninit() }; HEADERS];
        let mut request = httparse::Request::new(&mut []);
        match request.parse_with_uninit_headers(bytes, &mut headers) {
            Ok(httparse::Status::Complete(head)) if head <= most => {
                Usual::of(&request, head).map_or(Self::Unusual, Self::Usual)
            }
            Ok(httparse::Status::Partial) if bytes.len() <= most => Self::Part,
            _ => Self::Unusual,
        }
    }
}

impl<'a> Usual<'a> {
    /// One that asks for this, of whose headers nothing was seen yet.
    fn asking(kind: Kind, target: &'a str, head: usize) -> Option<Self> {
        if !is_plain(target.as_bytes()) {
            return None;
        }
        let at = memchr::memchr(b'?', target.as_bytes()).unwrap_or(target.len());
        let query = target.get(at + 1..).unwrap_or_default();
        Some(Self {
            kind,
            path: &target[..at],
            query,
            head,
            body: 0,
            id: None,
            patience: Patience::Unsaid,
            parent: None,
            credentials: Credentials::new(query),
            closes: false,
        })
    }

    fn of(request: &httparse::Request<'_, 'a>, head: usize) -> Option<Self> {
        let kind = match request.method? {
            "GET" => Kind::Get,
            "POST" => Kind::Post,
            _ => return None,
        };
        if request.version != Some(1) {
            return None;
        }
        let mut usual = Self::asking(kind, request.path?, head)?;
        let (mut host, mut length, mut trace) = (None, None, Single::None);
        let (mut grpc_timeout, mut milliseconds) = (None, None);
        for header in &*request.headers {
            let (name, value) = (header.name.as_bytes(), header.value);
            let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
            // By their lengths first: of most headers that is all that is compared.
            match name.len() {
                4 if is("host") && (host.replace(value).is_some() || !is_host(value)) => {
                    return None;
                }
                6 if is("expect") => return None,
                7 if is("upgrade") => return None,
                10 if is("connection") => {
                    let closes = value.eq_ignore_ascii_case(b"close");
                    if !closes && !value.eq_ignore_ascii_case(b"keep-alive") {
                        return None;
                    }
                    usual.closes |= closes;
                }
                11 if is(TraceParent::HEADER) => trace.see(value),
                12 if is(REQUEST_ID.as_str()) => {
                    usual.id.get_or_insert(value);
                }
                12 if is("content-type") && is_grpc_type(value) => return None,
                12 if is(GRPC_TIMEOUT) => {
                    grpc_timeout.get_or_insert(value);
                }
                14 if is("content-length") => {
                    if length.is_some() {
                        return None;
                    }
                    length = Some(number(value)?);
                }
                16 if is("content-encoding") => return None,
                17 if is("transfer-encoding") => return None,
                20 if is(REQUEST_TIMEOUT) => {
                    milliseconds.get_or_insert(value);
                }
                _ => usual.credentials.see(name, value),
            }
        }
        host?;
        usual.patience = patience(grpc_timeout, milliseconds);
        usual.parent = trace.once().and_then(TraceParent::parse);
        usual.with_body(length.unwrap_or(0))
    }

    /// The same with a body of so many bytes. That of a `GET` is not for the one who answers.
    fn with_body(self, body: usize) -> Option<Self> {
        (self.kind != Kind::Get || body == 0).then_some(Self { body, ..self })
    }
}

/// The headers that a connection's last usual request came with: those of the next one are mostly
/// the same, and are not read again then.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// To the end of the head; none where they say what is of their request alone.
    headers: Vec<u8>,
    body: usize,
    patience: Patience,
    closes: bool,
}

impl Before {
    /// The most bytes of headers that are kept.
    const KEPT: usize = 1 << 10;

    /// The same as [`Heading::read`].
    pub(super) fn read<'a>(&mut self, bytes: &'a [u8], most: usize) -> Heading<'a> {
        if let Some(usual) = self.again(bytes, most) {
            return Heading::Usual(usual);
        }
        let heading = Heading::read(bytes, most);
        if let Heading::Usual(usual) = &heading {
            self.note(usual, bytes);
        }
        heading
    }

    /// A request with the same headers.
    fn again<'a>(&self, bytes: &'a [u8], most: usize) -> Option<Usual<'a>> {
        let end = memchr::memchr(b'\n', bytes)? + 1;
        let head = end + self.headers.len();
        if self.headers.is_empty() || head > most || !bytes[end..].starts_with(&self.headers) {
            return None;
        }
        let line = bytes[..end].strip_suffix(b" HTTP/1.1\r\n")?;
        let (kind, target) = match line {
            [b'G', b'E', b'T', b' ', target @ ..] => (Kind::Get, target),
            [b'P', b'O', b'S', b'T', b' ', target @ ..] => (Kind::Post, target),
            _ => return None,
        };
        let target = std::str::from_utf8(target).ok()?;
        let target = Some(target).filter(|target| !target.is_empty())?;
        let usual = Usual {
            patience: self.patience,
            closes: self.closes,
            ..Usual::asking(kind, target, head)?
        };
        usual.with_body(self.body)
    }

    fn note(&mut self, usual: &Usual<'_>, bytes: &[u8]) {
        self.headers.clear();
        // An empty line may come before.
        let begins = matches!(bytes, [b'G' | b'P', ..]);
        let end = memchr::memchr(b'\n', bytes).filter(|_| begins);
        let headers = end.map_or(&[][..], |end| &bytes[end + 1..usual.head]);
        let lasting = usual.id.is_none()
            && usual.parent.is_none()
            && usual.credentials == Credentials::new(usual.query);
        if lasting && headers.len() <= Self::KEPT {
            self.headers.extend_from_slice(headers);
            (self.body, self.patience, self.closes) = (usual.body, usual.patience, usual.closes);
        }
    }
}

/// What comes once or does not count.
enum Single<'a> {
    None,
    One(&'a [u8]),
    Several,
}

impl<'a> Single<'a> {
    fn see(&mut self, value: &'a [u8]) {
        *self = match self {
            Self::None => Self::One(value),
            _ => Self::Several,
        };
    }

    fn once(self) -> Option<&'a [u8]> {
        match self {
            Self::One(value) => Some(value),
            _ => None,
        }
    }
}

/// Whether hyper takes all of `target` as it is: no fragment, nothing that it refuses, nothing that
/// it decodes. Without a way out in between this is a few instructions for many bytes.
fn is_plain(target: &[u8]) -> bool {
    let unusual = |b: u8| matches!(b, 0..=b' ' | b'"' | b'#' | b'<' | b'>' | 0x7f..);
    !target.iter().fold(false, |found, &b| found | unusual(b))
}

/// A length in digits and nothing else, of which there are few enough for it to fit.
fn number(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    digits.iter().try_fold(0, |number, digit| {
        let digit = digit.wrapping_sub(b'0');
        (digit < 10).then_some(10 * number + usize::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOST: usize = 64 << 10;

    fn read(text: &str) -> Heading<'_> {
        Heading::read(text.as_bytes(), MOST)
    }

    const WHOLE: &str = "POST /predict?client=a HTTP/1.1\r\nHost: test\r\nContent-Length: 12\r\nX-Request-Id: a\r\nx-request-timeout-ms: 5\r\nConnection: keep-alive\r\n\r\n";

    #[test]
    fn a_usual_head_is_read_once_it_is_whole() {
        for end in 0..WHOLE.len() {
            assert_eq!(read(&WHOLE[..end]), Heading::Part, "{end}");
        }
        let Heading::Usual(usual) = read(WHOLE) else {
            panic!("it is a usual one");
        };
        assert_eq!((usual.path, usual.query), ("/predict", "client=a"));
        assert_eq!((usual.head, usual.body), (WHOLE.len(), 12));
        assert_eq!(usual.id, Some(&b"a"[..]));
        let five = std::time::Duration::from_millis(5);
        assert_eq!(usual.patience, Patience::For(five));
    }

    #[test]
    fn a_connection_ends_if_any_of_its_headers_says_so() {
        let line = "Connection: keep-alive\r\n";
        for (lines, closes) in [
            ("", false),
            (line, false),
            ("Connection: close\r\n", true),
            ("connection: Close\r\nConnection: keep-alive\r\n", true),
        ] {
            let head = WHOLE.replace(line, lines);
            assert!(
                matches!(read(&head), Heading::Usual(usual) if usual.closes == closes),
                "{head}"
            );
        }
    }

    #[test]
    fn where_a_key_may_be_is_noted() {
        let lines = "X-API-Key: a\r\nx-api-key: b\r\nAuthorization: Bearer c\r\nOAUTH_TOKEN: d\r\n";
        let head = WHOLE.replace("Host", &format!("{lines}Host"));
        let Heading::Usual(usual) = read(&head) else {
            panic!("it is a usual one");
        };
        let mut expected = Credentials::new("client=a");
        expected.see(b"x-api-key", b"a");
        expected.see(b"authorization", b"Bearer c");
        expected.see(b"oauth_token", b"d");
        assert_eq!(usual.credentials, expected);
    }

    #[test]
    fn whatever_can_be_read_in_two_ways_is_unusual() {
        let line = "Content-Length: 12";
        for other in [
            "Content-Length: 12\r\ncontent-length: 12",
            "Content-Length: 12, 12",
            "Content-Length: +12",
            "Content-Length:",
            "Content-Length: 1234567890",
            "Transfer-Encoding: chunked",
            "Content-Length: 12\r\nTRANSFER-ENCODING: chunked",
            "Content-Length : 12",
            "Content-Length: 12\r\n folded",
            "Content-Length: 12\0",
            "Content-Length: 12\r\nexpect: 100-continue",
            "Content-Length: 12\r\nupgrade: h2c",
            "Content-Length: 12\r\nhost: test",
        ] {
            assert_eq!(
                read(&WHOLE.replace(line, other)),
                Heading::Unusual,
                "{other}"
            );
        }
        for (part, other) in [
            ("POST", "PUT"),
            ("POST", "GET"),
            ("HTTP/1.1", "HTTP/1.0"),
            ("/predict", "http://test/predict"),
            ("client=a", "client=<a"),
            ("client=a", "client=a#b"),
            ("client=a", "client=\u{e9}"),
            ("Host: test\r\n", ""),
            ("Host: test", "Host: a b"),
            ("Connection: keep-alive", "Connection: close, upgrade"),
        ] {
            let head = WHOLE.replace(part, other);
            // A path that is no path of ours is turned away one step further.
            let path = matches!(read(&head), Heading::Usual(usual) if !usual.path.starts_with('/'));
            assert!(path || read(&head) == Heading::Unusual, "{head}");
        }
        assert_eq!(
            Heading::read(WHOLE.as_bytes(), WHOLE.len() - 1),
            Heading::Unusual
        );
    }

    fn heads() -> impl Strategy<Value = String> {
        let first = prop::sample::select(vec![
            "GET /predict?a=b HTTP/1.1\r\n",
            "POST / HTTP/1.1\r\n",
            "POST /{|}\\^` HTTP/1.1\r\n",
            "POST /a?b=<c> HTTP/1.1\r\n",
            "GET  HTTP/1.1\r\n",
            "GET /a b HTTP/1.1\r\n",
            "GET /a HTTP/1.1\n",
            "GET /a HTTP/1.0\r\n",
            "\r\nGET / HTTP/1.1\r\n",
            "PUT /a HTTP/1.1\r\n",
            "GET /\u{e9} HTTP/1.1\r\n",
            "GET HTTP/1.1\r\n",
            "",
        ]);
        // Few, so that they come again.
        let headers = prop::sample::select(vec![
            "host: a\r\n\r\n",
            "host: a\r\ncontent-length: 3\r\n\r\n",
            "host: a\r\nconnection: close\r\nx-request-timeout-ms: 5\r\n\r\n",
            "host: a\r\ncontent-length: 0\r\ngrpc-timeout: x\r\n\r\n",
            "host: a\r\nx-request-id: a\r\n\r\n",
            "host: a\r\nx-api-key: a\r\n\r\n",
            "host: a\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n",
            "host: a\r\ntraceparent: x\r\n\n",
            "host: a\r\nexpect: x\r\n\r\n",
            "host: a\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
            "\r\n",
            "",
        ]);
        (first, headers).prop_map(|(first, headers)| format!("{first}{headers}a"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_came_before_changes_nothing(heads in prop::collection::vec(heads(), 1..12)) {
            let mut before = Before::default();
            for head in heads.iter().flat_map(|head| [head, head]) {
                for most in [MOST, 30] {
                    let read = before.read(head.as_bytes(), most);
                    prop_assert_eq!(read, Heading::read(head.as_bytes(), most), "{}", head);
                }
            }
        }
    }

    #[test]
    fn headers_that_were_read_are_not_read_again() {
        let mut before = Before::default();
        for (target, again) in [("/a?b", false), ("/", true), ("/predict", true)] {
            let head = format!("GET {target} HTTP/1.1\r\nhost: a\r\nuser-agent: b\r\n\r\n");
            assert_eq!(before.again(head.as_bytes(), MOST).is_some(), again);
            before.read(head.as_bytes(), MOST);
        }
        // A kilobyte of them is kept, and no more.
        for (length, again) in [(1000, true), (1024, false)] {
            let lines = format!("host: a\r\na: {}\r\n\r\n", "b".repeat(length));
            let head = format!("GET / HTTP/1.1\r\n{lines}");
            before.read(head.as_bytes(), MOST);
            assert_eq!(before.again(head.as_bytes(), MOST).is_some(), again);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Heading::read(&bytes, 200);
        }

        #[test]
        fn one_byte_changed_never_lengthens_what_is_read(at in 0..WHOLE.len(), to in any::<u8>()) {
            let mut bytes = WHOLE.as_bytes().to_vec();
            bytes[at] = to;
            if let Heading::Usual(usual) = Heading::read(&bytes, MOST) {
                prop_assert!(usual.head <= bytes.len());
                prop_assert!(usual.path.len() + usual.query.len() < bytes.len());
            }
        }
    }
}
