//! `google.protobuf.Any` whose payload is a slice of the request's own buffer.

use bytes::Bytes;

/// A message of any type, named by a URL: the same bytes on the wire as prost's and Google's own.
///
/// Both fields are [`Bytes`], so that decoding a request copies neither. `type_url` is a string in
/// the protocol; bytes that are no UTF-8 in it are answered as an invalid message.
// `Eq` and `Hash`, because prost derives them on messages without floats that hold this one.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Any {
    /// The type: its full name is what follows the last `/`.
    #[prost(bytes = "bytes", tag = "1")]
    pub type_url: Bytes,
    /// The message, encoded.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
}

impl Any {
    /// Packs `message` under `type.googleapis.com/TYPE_NAME`, as most clients do.
    pub fn pack(type_name: &str, message: &impl prost::Message) -> Self {
        Self {
            type_url: format!("type.googleapis.com/{type_name}").into(),
            value: message.encode_to_vec().into(),
        }
    }

    /// Whether it is said to hold a message of that full name. A URL that is no ASCII is to be looked
    /// at more closely.
    pub(crate) fn is_plainly(&self, type_name: &str) -> bool {
        let before = self.type_url.strip_suffix(type_name.as_bytes());
        before.is_some_and(|before| matches!(before, [] | [.., b'/'])) && self.type_url.is_ascii()
    }

    /// The full name of the type: what follows the last `/` of the URL, or all of it.
    ///
    /// # Errors
    ///
    /// If the URL is no UTF-8.
    pub fn type_name(&self) -> Result<&str, std::str::Utf8Error> {
        let url = std::str::from_utf8(&self.type_url)?;
        Ok(url.rsplit_once('/').map_or(url, |(_, name)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_plainly_is_it_is() {
        for (url, is) in [
            ("type.googleapis.com/a.B", true),
            ("a.B", true),
            ("/a.B", true),
            ("x.a.B", false),
            ("type.googleapis.com/a.Bb", false),
            ("", false),
            ("ä/a.B", false),
        ] {
            let any = Any {
                type_url: Bytes::copy_from_slice(url.as_bytes()),
                value: Bytes::new(),
            };
            assert_eq!(any.is_plainly("a.B"), is, "{url}");
            assert!(!is || any.type_name() == Ok("a.B"), "{url}");
        }
    }
}
