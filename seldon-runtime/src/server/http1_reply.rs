//! Writes replies over HTTP/1.

use http::{Response, StatusCode};

use super::date::write_date;
use super::guard::Answered;
use crate::known::DEGRADED;
use crate::live::MODEL_VERSION;

/// Replies that are to be sent, and room for the document of the next one.
#[derive(Default)]
pub(super) struct Output {
    pub(super) replies: Vec<u8>,
    document: Vec<u8>,
}

impl Output {
    /// The most room that is kept for what comes next, in bytes.
    pub(super) const KEPT: usize = 256 << 10;

    /// Room for a document, which [`write`](Self::write) takes back.
    pub(super) fn room(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.document)
    }

    /// Adds what a request is `answered` with; `last` is said of what a connection ends with.
    pub(super) fn write(&mut self, answered: Answered, last: bool) {
        write(&mut self.replies, &answered, last);
        if let Ok(said) = answered.result {
            self.document = said.json;
            self.document.clear();
            self.document.shrink_to(Self::KEPT);
        }
    }

    /// Forgets what was sent.
    pub(super) fn clear(&mut self) {
        self.replies.clear();
        self.replies.shrink_to(Self::KEPT);
    }
}

fn write(out: &mut Vec<u8>, answered: &Answered, last: bool) {
    let document = match &answered.result {
        Ok(said) => {
            out.extend_from_slice(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n");
            if let Some(version) = &said.version {
                line(out, MODEL_VERSION.as_str(), version.as_bytes());
            }
            if said.degraded {
                let (name, value) = DEGRADED;
                line(out, name, value.as_bytes());
            }
            &*said.json
        }
        Err(error) => {
            let response = error.to_reply(answered.id.as_str());
            head(out, &response);
            &*response.into_body()
        }
    };
    if last {
        out.extend_from_slice(b"connection: close\r\n");
    }
    out.extend_from_slice(b"x-request-id: ");
    out.extend_from_slice(answered.id.as_bytes());
    out.extend_from_slice(b"\r\ndate: ");
    write_date(answered.at.into_std(), out);
    out.extend_from_slice(b"\r\ncontent-length: ");
    out.extend_from_slice(itoa::Buffer::new().format(document.len()).as_bytes());
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(document);
}

/// The status of `response`, and its headers.
fn head<B>(out: &mut Vec<u8>, response: &Response<B>) {
    let status = response.status();
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason(status).as_bytes());
    out.extend_from_slice(b"\r\n");
    for (name, value) in response.headers() {
        line(out, name.as_str(), value.as_bytes());
    }
}

fn reason(status: StatusCode) -> &'static str {
    // What hyper says of one that has none.
    status.canonical_reason().unwrap_or("<none>")
}

fn line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}
