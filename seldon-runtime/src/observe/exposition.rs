//! The two text formats that scrapers read, chosen by what they accept.
//!
//! `prometheus-client` writes OpenMetrics. Prometheus asks for that; other scrapers, and people
//! with curl, ask for nothing and read the older text format, in which a counter's family has the
//! name of its samples and an info is a gauge: their parsers refuse a type that they do not know.

use http::{HeaderMap, header};

/// A text format of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// The Prometheus text format, 0.0.4.
    Classic,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The one that a scraper prefers; the classic one unless it asks for OpenMetrics.
    pub(crate) fn accepted_by(headers: &HeaderMap) -> Self {
        let ranges = (headers.get_all(header::ACCEPT).iter())
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        let (mut open, mut classic) = (0_f64, 0_f64);
        for range in ranges {
            let mut parts = range.split(';').map(str::trim);
            let best = match parts.next() {
                Some("application/openmetrics-text") => &mut open,
                Some("text/plain" | "text/*" | "*/*") => &mut classic,
                _ => continue,
            };
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            let weight = weight.map_or(1.0_f64, |q| q.parse().unwrap_or(0.0));
            *best = weight.max(*best);
        }
        match open > 0.0 && open >= classic {
            true => Self::OpenMetrics,
            false => Self::Classic,
        }
    }

    /// Its name in a Content-Type.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// `text`, which is OpenMetrics, in this format.
    pub(super) fn of(self, text: String) -> String {
        // The library ends with a full stop what is registered, and leaves what is collected.
        let text = text.replace(".\n# TYPE ", "\n# TYPE ");
        match self {
            Self::Classic => classic(&text),
            Self::OpenMetrics => text,
        }
    }
}

fn classic(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // HELP comes before TYPE, which says by which name the family goes.
    let mut help = None;
    for line in text.lines() {
        if let Some(said) = line.strip_prefix("# HELP ") {
            help = said.split_once(' ').map(|(_, help)| help);
        } else if let Some((name, kind)) =
            (line.strip_prefix("# TYPE ")).and_then(|said| said.split_once(' '))
        {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                kind => ("", kind),
            };
            if let Some(help) = help.take() {
                out.push_str(&format!("# HELP {name}{suffix} {help}\n"));
            }
            out.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
        } else if !line.starts_with('#') {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn accepted(accept: &'static str) -> Format {
        let accept = HeaderValue::from_static(accept);
        Format::accepted_by(&HeaderMap::from_iter([(header::ACCEPT, accept)]))
    }

    #[test]
    fn who_asks_for_nothing_reads_the_classic_format() {
        assert_eq!(Format::accepted_by(&HeaderMap::new()), Format::Classic);
        for accept in ["*/*", "text/plain", "text/html, */*;q=0.1", "nonsense"] {
            assert_eq!(accepted(accept), Format::Classic, "{accept}");
        }
    }

    #[test]
    fn prometheus_reads_open_metrics() {
        // What Prometheus 2 and 3 send, and what they send when told to take the older format.
        for (accept, format) in [
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                Format::OpenMetrics,
            ),
            ("text/plain;version=0.0.4;q=0.5,*/*;q=0.2", Format::Classic),
            ("application/openmetrics-text;q=0,*/*", Format::Classic),
        ] {
            assert_eq!(accepted(accept), format, "{accept}");
        }
    }

    #[test]
    fn a_counters_family_is_named_as_its_samples_are() {
        let open = "# HELP a_requests Some.\n# TYPE a_requests counter\na_requests_total{x=\"# y\"} 1\n\
                    # HELP a_time_seconds It.\n# TYPE a_time_seconds gauge\n# UNIT a_time_seconds seconds\na_time_seconds 0.5\n\
                    # HELP a_build What.\n# TYPE a_build info\na_build_info{v=\"1\"} 1\n# EOF\n";
        let classic = "# HELP a_requests_total Some\n# TYPE a_requests_total counter\na_requests_total{x=\"# y\"} 1\n\
                       # HELP a_time_seconds It\n# TYPE a_time_seconds gauge\na_time_seconds 0.5\n\
                       # HELP a_build_info What\n# TYPE a_build_info gauge\na_build_info{v=\"1\"} 1\n";
        assert_eq!(Format::Classic.of(open.to_owned()), classic);
    }
}
