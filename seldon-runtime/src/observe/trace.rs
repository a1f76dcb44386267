//! W3C Trace Context: the trace that a request continues, and its span.

use tracing::{Span, debug_span, field, info_span};

use super::requests::Kind;
use crate::error::Code;

/// Where a request's span is made.
#[cfg(feature = "otel")]
pub(super) const TARGET: &str = module_path!();

/// The span that a request's own is a child of: what the header `traceparent` says.
///
/// The ids are kept as they came, in lower case hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceParent {
    trace_id: [u8; 32],
    span_id: [u8; 16],
    sampled: bool,
}

impl TraceParent {
    /// The header's name.
    pub(crate) const HEADER: &str = "traceparent";

    /// Reads the header's value, where there is just one; `None` where it is malformed, which
    /// starts anew as the specification has it.
    ///
    /// `version "-" trace-id "-" parent-id "-" trace-flags`, for version 00 and not a byte more; of
    /// a later version what is known of it, if it goes on with a dash.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        const LENGTH: usize = 55;
        let (known, more) = text.split_at_checked(LENGTH)?;
        let [known @ .., f1, f2] = known else {
            return None;
        };
        let (version, known) = known.split_first_chunk::<2>()?;
        let known = known.strip_prefix(b"-")?;
        let (trace_id, known) = known.split_first_chunk::<32>()?;
        let known = known.strip_prefix(b"-")?;
        let (span_id, known) = known.split_first_chunk::<16>()?;
        let goes_on = match version {
            b"00" => more.is_empty(),
            b"ff" => false,
            _ => more.is_empty() || more.starts_with(b"-"),
        };
        let is_id = |id: &[u8]| is_hex(id) && id.iter().any(|digit| *digit != b'0');
        let flags = [*f1, *f2];
        let well_formed = known == b"-"
            && goes_on
            && is_hex(version)
            && is_id(trace_id)
            && is_id(span_id)
            && is_hex(&flags);
        well_formed.then(|| Self {
            trace_id: *trace_id,
            span_id: *span_id,
            sampled: digit(*f2) & 1 == 1,
        })
    }

    /// The trace's id.
    pub(crate) fn trace_id(&self) -> &str {
        text(&self.trace_id)
    }

    /// The id of the caller's span.
    pub(crate) fn span_id(&self) -> &str {
        text(&self.span_id)
    }

    /// Whether the caller records the trace.
    #[cfg(feature = "otel")]
    pub(crate) fn is_sampled(&self) -> bool {
        self.sampled
    }
}

/// The alphabet is lower case: in this header upper case is malformed.
fn is_hex(text: &[u8]) -> bool {
    text.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn digit(hex: u8) -> u8 {
    match hex {
        b'0'..=b'9' => hex - b'0',
        _ => hex - b'a' + 10,
    }
}

fn text(hex: &[u8]) -> &str {
    std::str::from_utf8(hex).expect("hexadecimal digits are text")
}

/// The span of one request, in which the user's code runs.
///
/// To make one costs more than to answer many a request: at the level `info` there is one for the
/// requests that continue a trace, at `debug` for all.
pub(crate) fn span(
    id: &dyn AsRef<str>,
    service: &str,
    kind: Kind,
    parent: Option<&TraceParent>,
) -> Span {
    macro_rules! request {
        ($span:ident) => {
            $span!(
                "request",
                request_id = id.as_ref(),
                service,
                transport = kind.transport().name(),
                method = kind.method(),
                trace_id = parent.map(TraceParent::trace_id),
                parent_id = parent.map(TraceParent::span_id),
                outcome = field::Empty,
                otel.name = field::Empty,
                otel.kind = field::Empty,
                otel.status_code = field::Empty,
            )
        };
    }
    let span = match parent {
        Some(_) => request!(info_span),
        None => request!(debug_span),
    };
    #[cfg(feature = "otel")]
    if !span.is_disabled() {
        if let Some(parent) = parent {
            super::otel::follow(&span, parent);
        }
        span.record("otel.name", format!("{} {service}", kind.method()));
        span.record("otel.kind", "server");
    }
    span
}

/// Says in its span how a request ended.
pub(crate) fn end(span: &Span, code: Option<Code>) {
    if !span.is_disabled() {
        span.record("outcome", code.map_or("ok", Code::as_str));
        #[cfg(feature = "otel")]
        if code.is_some_and(|code| code.status().is_server_error()) {
            span.record("otel.status_code", "ERROR");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn read(value: &str) -> Option<TraceParent> {
        TraceParent::parse(value.as_bytes())
    }

    #[test]
    fn the_ids_and_the_flag_are_read() {
        let parent = read(GOOD).expect("it is well-formed");
        assert_eq!(parent.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(parent.span_id(), "00f067aa0ba902b7");
        assert!(parent.sampled);
        for (flags, sampled) in [("00", false), ("03", true), ("fe", false), ("ff", true)] {
            let parent = read(&GOOD.replace("-01", &format!("-{flags}")));
            assert_eq!(parent.map(|p| p.sampled), Some(sampled), "{flags}");
        }
    }

    #[test]
    fn what_is_known_of_a_later_version_is_read() {
        for more in ["", "-", "-what-the-future-will-bring"] {
            let later = format!("cc{}{more}", &GOOD[2..]);
            assert_eq!(read(&later), read(GOOD), "{later}");
        }
    }

    #[test]
    fn what_is_malformed_is_ignored() {
        for wrong in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
            "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
            "00-4bf92f3577b34da6a3ce929d0e0e47360-0f067aa0ba902b7-01",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_parent_or_none(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Some(parent) = TraceParent::parse(&bytes) {
                prop_assert!(bytes.ends_with(parent.span_id().as_bytes()) || bytes.len() >= 55);
            }
        }

        #[test]
        fn one_byte_changed_is_read_alike_or_not_at_all(at in 0..55_usize, to in any::<u8>()) {
            let mut bytes = GOOD.as_bytes().to_vec();
            bytes[at] = to;
            if let Some(parent) = TraceParent::parse(&bytes) {
                prop_assert_eq!(parent.trace_id().as_bytes(), &bytes[3..35]);
                prop_assert_eq!(parent.span_id().as_bytes(), &bytes[36..52]);
            }
        }
    }
}
