//! The argument `batch(max_rows = 32, max_wait = "2ms")`.

use proc_macro2::{Ident, TokenStream};
use syn::parse::ParseStream;
use syn::{Error, LitInt, Result};

use crate::args::{Slot, Takes, arguments, string};
use crate::errors::Errors;

/// When a batch is complete.
pub(crate) struct Batch {
    pub(crate) max_rows: usize,
    pub(crate) max_wait_micros: u64,
}

impl Batch {
    pub(crate) const USUAL: &str = "batch(max_rows = 32, max_wait = \"2ms\")";

    const TAKES: Takes = Takes {
        attribute: "batch",
        keys: &["max_rows", "max_wait"],
    };

    /// Reads what is between the parentheses after `key`.
    pub(crate) fn parse(key: &Ident, list: TokenStream) -> Result<Self> {
        let (mut rows, mut wait) = (Slot::Absent, Slot::Absent);
        let mut errors = Errors::new();
        let mut unknown = false;
        arguments(list, &mut errors, |key, input| {
            match key.to_string().as_str() {
                "max_rows" => rows.read(key, input, max_rows),
                "max_wait" => wait.read(key, input, max_wait),
                _ => {
                    unknown = true;
                    Err(Self::TAKES.unknown(key))
                }
            }
        });
        // Whichever is missing may be the one that is misspelt.
        if !unknown {
            let missing = match (&rows, &wait) {
                (Slot::Absent, Slot::Absent) => Some("`max_rows` and `max_wait`"),
                (Slot::Absent, _) => Some("`max_rows`"),
                (_, Slot::Absent) => Some("`max_wait`"),
                _ => None,
            };
            if let Some(missing) = missing {
                let what = format!("argument `{key}` needs {missing}: `{}`", Self::USUAL);
                errors.at(key.span(), what);
            }
        }
        errors.into_result()?;
        match (rows, wait) {
            (Slot::Given(max_rows), Slot::Given(max_wait_micros)) => Ok(Self {
                max_rows,
                max_wait_micros,
            }),
            _ => unreachable!("what is not given is an error"),
        }
    }
}

/// Any machine counts to that, whatever it compiles for.
const MOST_ROWS: u32 = 1 << 24;

fn max_rows(input: ParseStream<'_>) -> Result<usize> {
    let what = format!("`max_rows` is a number from 1 to {MOST_ROWS}: `max_rows = 32`");
    let rows: LitInt = (input.parse()).map_err(|error: Error| Error::new(error.span(), &what))?;
    match rows.base10_parse::<u32>() {
        Ok(n @ 1..=MOST_ROWS) => Ok(n as usize),
        _ => Err(Error::new(rows.span(), what)),
    }
}

/// A minute, in microseconds: no caller waits as long as that.
const LONGEST_WAIT: u64 = 60_000_000;

fn max_wait(input: ParseStream<'_>) -> Result<u64> {
    const WHAT: &str = "`max_wait` is a whole number of `us`, `ms` or `s` in quotes, a minute at \
                        the most: `max_wait = \"2ms\"`";
    let wait = string(input, WHAT)?;
    micros(&wait.value())
        .filter(|micros| *micros <= LONGEST_WAIT)
        .ok_or_else(|| Error::new(wait.span(), WHAT))
}

/// `2ms` as 2000.
fn micros(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let micros = match unit.trim_start() {
        "us" | "µs" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(micros)
}

#[cfg(test)]
mod tests {
    use super::micros;

    #[test]
    fn a_wait_is_a_number_and_a_unit() {
        for (text, expected) in [
            ("2ms", Some(2_000)),
            ("250us", Some(250)),
            ("250 µs", Some(250)),
            ("1s", Some(1_000_000)),
            ("0ms", Some(0)),
            ("", None),
            ("2", None),
            ("ms", None),
            ("-2ms", None),
            ("2.5ms", None),
            ("2 minutes", None),
            ("18446744073709551615s", None),
        ] {
            assert_eq!(micros(text), expected, "{text}");
        }
    }
}
