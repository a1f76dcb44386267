//! The parameters of a request, from its query string and its form.
//!
//! Stricter than the usual decoders, which take the last of two equal parameters and turn bytes
//! that are no UTF-8 into U+FFFD without a word: what is wrong is said, and all of it at once.

use std::borrow::Cow;
use std::str::FromStr;

use http::Uri;
use memchr::{memchr, memchr2};

use crate::error::{Code, Error, Result, Violation, echo};

/// The most entries that a list may have.
pub(crate) const MOST_ENTRIES: usize = 10_000;

/// Parameters, and what was found wrong with them so far.
pub(super) struct Parameters<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    wrong: Vec<Violation>,
}

impl<'a> Parameters<'a> {
    /// Splits and decodes a query string and a form, either of which may be empty.
    pub(super) fn parse(query: &'a str, form: &'a [u8]) -> Self {
        let mut parameters = Self {
            pairs: Vec::with_capacity(8),
            wrong: Vec::new(),
        };
        parameters.add_all(query);
        match std::str::from_utf8(form) {
            Ok(form) => parameters.add_all(form),
            // Whose fault that is shows when they are taken apart.
            Err(_) => form.split(|b| *b == b'&').for_each(|pair| {
                let at = memchr(b'=', pair).unwrap_or(pair.len());
                let value = pair.get(at + 1..).unwrap_or_default();
                if !pair.is_empty() {
                    parameters.add(&pair[..at], decode_bytes(&pair[..at]), decode_bytes(value));
                }
            }),
        }
        parameters
    }

    fn add_all(&mut self, text: &'a str) {
        let bytes = text.as_bytes();
        let mut begin = 0;
        while begin < bytes.len() {
            let name = Part::name(bytes, begin);
            let mut end = name.end;
            let mut value = Ok(Cow::Borrowed(""));
            if bytes.get(end) == Some(&b'=') {
                let part = Part::value(bytes, end + 1);
                value = part.decode(text);
                end = part.end;
            }
            if end > begin {
                self.add(&bytes[begin..name.end], name.decode(text), value);
            }
            begin = end + 1;
        }
    }

    #[inline]
    fn add(&mut self, raw: &[u8], name: Decoded<'a>, value: Decoded<'a>) {
        match (name, value) {
            (Ok(name), Ok(value)) => self.pairs.push((name, value)),
            (Ok(name), Err(why)) => self.wrong(echo(&name), why),
            (Err(why), _) => self.wrong(echo(&String::from_utf8_lossy(raw)), why),
        }
    }

    /// Notes something wrong with `parameter`.
    pub(super) fn wrong(
        &mut self,
        parameter: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) {
        self.wrong.push(Violation::new(parameter, detail));
    }

    /// The value of `name`, if it is given; given twice, that is noted.
    // Of a name that is known here a comparison is a move or two, and a call elsewhere.
    #[inline(always)]
    pub(super) fn text(&mut self, name: &'static str) -> Option<Cow<'a, str>> {
        let mut found = None;
        for (at, (key, _)) in self.pairs.iter().enumerate() {
            if key == name && found.replace(at).is_some() {
                self.wrong(name, "is given twice");
                break;
            }
        }
        found.map(|at| std::mem::take(&mut self.pairs[at].1))
    }

    /// The number `name`, if it is given and is one.
    pub(super) fn number<T: Integer>(&mut self, name: &'static str) -> Option<T> {
        let text = self.text(name)?;
        self.number_in(&text, name)
    }

    fn number_in<T: Integer>(&mut self, text: &str, name: &'static str) -> Option<T> {
        match integer(text) {
            Some(number) => Some(number),
            None => {
                self.wrong(
                    name,
                    format!("must be {}, got `{}`", T::MEANING, echo(text)),
                );
                None
            }
        }
    }

    /// The same, and its absence is noted.
    pub(super) fn required_number<T: Integer>(&mut self, name: &'static str) -> Option<T> {
        match self.text(name) {
            Some(text) => self.number_in(&text, name),
            None => {
                self.missing(name);
                None
            }
        }
    }

    /// Notes that `name` is missing, unless something is known to be wrong with its value.
    pub(super) fn missing(&mut self, name: &'static str) {
        if !self
            .wrong
            .iter()
            .any(|violation| violation.parameter == name)
        {
            self.wrong(name, "is missing");
        }
    }

    /// The comma list of numbers `name`: empty if absent, blank entries skipped.
    pub(super) fn list<T: Integer>(&mut self, name: &'static str) -> Vec<T> {
        let text = self.text(name).unwrap_or_default();
        if let Some(numbers) = plain_list(&text) {
            return numbers;
        }
        let mut numbers = Vec::new();
        for (at, entry) in text.split(',').enumerate() {
            let entry = entry.trim_matches(' ');
            if entry.is_empty() {
                continue;
            }
            if numbers.len() == MOST_ENTRIES {
                self.wrong(name, format!("has more than {MOST_ENTRIES} entries"));
                return Vec::new();
            }
            match integer(entry) {
                Some(number) => numbers.push(number),
                None => {
                    let position = at + 1;
                    let got = echo(entry);
                    self.wrong(
                        name,
                        format!("must be {} at position {position}, got `{got}`", T::MEANING),
                    );
                    return Vec::new();
                }
            }
        }
        numbers
    }

    /// All that was noted, as an error.
    pub(super) fn finish(self) -> Result<()> {
        Error::from_violations(Code::InvalidParameter, self.wrong).map_or(Ok(()), Err)
    }
}

/// The numbers of a list that has nothing but digits, signs and commas in it, and not too many of
/// any.
fn plain_list<T: Integer>(text: &str) -> Option<Vec<T>> {
    // Of so many no sum overflows.
    const DIGITS: usize = 18;
    let mut numbers = Vec::new();
    if text.is_empty() {
        return Some(numbers);
    }
    for entry in text.as_bytes().split(|b| *b == b',') {
        let (negative, digits) = match entry {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        if !(1..=DIGITS).contains(&digits.len()) || numbers.len() == MOST_ENTRIES {
            return None;
        }
        let mut number = 0;
        for digit in digits {
            let digit = digit.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            number = 10 * number + i64::from(digit);
        }
        numbers.push(T::try_from(if negative { -number } else { number }).ok()?);
    }
    Some(numbers)
}

/// The numbers that parameters are made of.
pub(super) trait Integer: FromStr + TryFrom<i64> {
    /// What the type takes, for a sentence.
    const MEANING: &'static str;
}

impl Integer for i64 {
    const MEANING: &'static str = "a whole number of 64 bits";
}

impl Integer for i32 {
    const MEANING: &'static str = "a whole number of 32 bits";
}

impl Integer for u32 {
    const MEANING: &'static str = "a whole number of at most 4294967295";
}

/// Digits with at most a minus before them; the standard parser takes a plus, too.
fn integer<T: FromStr>(text: &str) -> Option<T> {
    if text.starts_with('+') {
        None
    } else {
        text.parse().ok()
    }
}

/// The query string of `uri`.
pub(crate) fn query(uri: &Uri) -> &str {
    uri.query().unwrap_or_default()
}

/// What a name or a value says, or what is wrong with it.
type Decoded<'a> = Result<Cow<'a, str>, &'static str>;

/// Decodes one name or value of `application/x-www-form-urlencoded`.
pub(crate) fn decode(raw: &str) -> Decoded<'_> {
    match raw.bytes().position(is_encoded) {
        None => Ok(Cow::Borrowed(raw)),
        Some(plain) => decode_from(raw.as_bytes(), plain).map(Cow::Owned),
    }
}

/// The same of what may be no text.
fn decode_bytes(raw: &[u8]) -> Decoded<'_> {
    match std::str::from_utf8(raw) {
        Ok(raw) => decode(raw),
        Err(_) => decode_from(raw, 0).map(Cow::Owned),
    }
}

/// A name or a value within a longer text.
struct Part {
    begin: usize,
    /// Where the first byte stands that is to be decoded, or the end.
    plain: usize,
    end: usize,
}

impl Part {
    fn name(bytes: &[u8], begin: usize) -> Self {
        Self::of(bytes, begin, &NAME, |rest| memchr2(b'=', b'&', rest))
    }

    fn value(bytes: &[u8], begin: usize) -> Self {
        Self::of(bytes, begin, &VALUE, |rest| memchr(b'&', rest))
    }

    /// The one that begins at `begin`; what it ends with is for `find` to find behind what is to be
    /// decoded.
    #[inline(always)]
    fn of(
        bytes: &[u8],
        begin: usize,
        plain: &[bool; 256],
        find: impl FnOnce(&[u8]) -> Option<usize>,
    ) -> Self {
        let mut at = begin;
        while at < bytes.len() && plain[usize::from(bytes[at])] {
            at += 1;
        }
        let end = match bytes.get(at) {
            Some(&byte) if is_encoded(byte) => {
                find(&bytes[at..]).map_or(bytes.len(), |found| at + found)
            }
            _ => at,
        };
        Self {
            begin,
            plain: at,
            end,
        }
    }

    /// What it says in `text`.
    fn decode<'a>(&self, text: &'a str) -> Decoded<'a> {
        let raw = &text[self.begin..self.end];
        match self.plain == self.end {
            true => Ok(Cow::Borrowed(raw)),
            false => decode_from(raw.as_bytes(), self.plain - self.begin).map(Cow::Owned),
        }
    }
}

/// Whether a byte stands for something else, or must not be there.
const fn is_encoded(byte: u8) -> bool {
    matches!(byte, b'%' | b'+' | 0)
}

/// What stands for itself in a name.
const NAME: [bool; 256] = {
    let mut plain = VALUE;
    plain[b'=' as usize] = false;
    plain
};

/// What stands for itself in a value.
const VALUE: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 256 {
        plain[byte] = !is_encoded(byte as u8);
        byte += 1;
    }
    plain[b'&' as usize] = false;
    plain
};

/// Decodes `raw`, of which there is nothing to decode before `plain`.
fn decode_from(raw: &[u8], plain: usize) -> Result<String, &'static str> {
    const NOT_ENCODED: &str = "is badly percent-encoded: `%` stands before two hex digits";
    // What is decoded is never longer.
    let mut decoded = vec![0; raw.len()];
    decoded[..plain].copy_from_slice(&raw[..plain]);
    let (mut at, mut length) = (plain, plain);
    while at < raw.len() {
        let byte = raw[at];
        at += 1;
        decoded[length] = match byte {
            b'%' => {
                let Some(&[high, low]) = raw.get(at..at + 2) else {
                    return Err(NOT_ENCODED);
                };
                at += 2;
                // Above 15 is what is no digit.
                let (high, low) = (HEX[usize::from(high)], HEX[usize::from(low)]);
                if high | low > 15 {
                    return Err(NOT_ENCODED);
                }
                high << 4 | low
            }
            b'+' => b' ',
            byte => byte,
        };
        length += 1;
    }
    decoded.truncate(length);
    if memchr(0, &decoded).is_some() {
        return Err("holds a zero byte");
    }
    String::from_utf8(decoded).map_err(|_| "is not UTF-8")
}

/// The value of each hex digit, and 255 for what is none.
const HEX: [u8; 256] = {
    let mut values = [255; 256];
    let mut digit = 0;
    while digit < 16 {
        values[b"0123456789abcdef"[digit] as usize] = digit as u8;
        values[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Parameters, Violation, decode};

    fn parse(query: &str) -> Parameters<'_> {
        Parameters::parse(query, b"")
    }

    /// What is noted after reading the parameters as `/recommend` does.
    fn wrong(query: &str) -> Vec<String> {
        let mut parameters = parse(query);
        parameters.text("client");
        parameters.required_number::<i64>("user_id");
        parameters.list::<i64>("items");
        match parameters.finish() {
            Ok(()) => Vec::new(),
            Err(e) => e
                .violations()
                .iter()
                .map(|v| format!("{} {}", v.parameter, v.detail))
                .collect(),
        }
    }

    #[test]
    fn names_and_values_are_decoded() {
        let mut parameters = parse("a=1+2%2B&b=%C3%a9&c&&d=x=y");
        assert_eq!(parameters.text("a").as_deref(), Some("1 2+"));
        assert_eq!(parameters.text("b").as_deref(), Some("é"));
        assert_eq!(parameters.text("c").as_deref(), Some(""));
        assert_eq!(parameters.text("d").as_deref(), Some("x=y"));
        assert_eq!(parameters.text("e"), None);
        assert!(parameters.finish().is_ok());
    }

    #[test]
    fn badly_encoded_values_are_named() {
        let percent = "is badly percent-encoded: `%` stands before two hex digits";
        for bad in ["%", "%zz", "%4", "a%f"] {
            assert_eq!(
                wrong(&format!("user_id=1&client={bad}")),
                [format!("client {percent}")]
            );
        }
        assert_eq!(wrong("user_id=1&client=%ff%fe"), ["client is not UTF-8"]);
        assert_eq!(
            wrong("user_id=1&client=a%00b"),
            ["client holds a zero byte"]
        );
        // Complained of once, not as missing, too.
        assert_eq!(wrong("user_id=%zz"), [format!("user_id {percent}")]);
    }

    #[test]
    fn known_parameters_come_once_and_unknown_ones_are_ignored() {
        assert_eq!(wrong("user_id=1&user_id=1"), ["user_id is given twice"]);
        assert_eq!(
            wrong("client=a&client=b&user_id=1"),
            ["client is given twice"]
        );
        assert!(wrong("user_id=1&extra=1&extra=2").is_empty());
    }

    #[test]
    fn a_parameter_in_query_and_form_is_given_twice() {
        let mut parameters = Parameters::parse("user_id=1", b"user_id=1");
        parameters.required_number::<i64>("user_id");
        assert!(parameters.finish().is_err());
    }

    #[test]
    fn numbers_are_digits_with_at_most_a_minus() {
        for good in ["-7", "0", "9223372036854775807", "-9223372036854775808"] {
            assert!(wrong(&format!("user_id={good}")).is_empty(), "{good}");
        }
        for bad in [
            "",
            "abc",
            "1e3",
            "%2B5",
            "+5",
            " 5",
            "5 ",
            "9223372036854775808",
            "1.0",
            "٣",
        ] {
            let wrong = wrong(&format!("user_id={bad}"));
            assert_eq!(wrong.len(), 1, "{bad}");
            assert!(
                wrong[0].starts_with("user_id must be a whole number of 64 bits"),
                "{wrong:?}"
            );
        }
        assert_eq!(wrong(""), ["user_id is missing"]);
    }

    #[test]
    fn blank_entries_of_lists_are_skipped() {
        for (text, numbers) in [
            ("", vec![]),
            (",", vec![]),
            ("1,,2", vec![1, 2]),
            (" 1 , 2 ", vec![1, 2]),
        ] {
            let query = format!("items={}", text.replace(' ', "%20"));
            let mut parameters = parse(&query);
            assert_eq!(parameters.list::<i64>("items"), numbers);
            assert!(parameters.finish().is_ok());
        }
        assert_eq!(
            wrong("user_id=1&items=1,x"),
            ["items must be a whole number of 64 bits at position 2, got `x`"]
        );
    }

    #[test]
    fn lists_are_bounded() {
        let list = |entries: usize| format!("user_id=1&items={}", "1,".repeat(entries));
        assert!(wrong(&list(10_000)).is_empty());
        assert_eq!(wrong(&list(10_001)), ["items has more than 10000 entries"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed(query in prop::collection::vec(any::<u8>(), 0..200)) {
            let text = String::from_utf8_lossy(&query);
            let mut parameters = Parameters::parse(&text, &query);
            parameters.text("client");
            parameters.required_number::<i64>("user_id");
            parameters.list::<i64>("items");
            let _ = parameters.finish();
        }

        #[test]
        fn a_query_is_split_at_its_marks(query in "([a-c=&+\0é]|%[0-9a-g]{1,2}){0,30}") {
            let mut expected = Parameters::parse("", b"");
            for pair in query.split('&').filter(|pair| !pair.is_empty()) {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                expected.add(name.as_bytes(), decode(name), decode(value));
            }
            let found = parse(&query);
            prop_assert_eq!(found.pairs, expected.pairs);
            let told = |wrong: Vec<Violation>| format!("{wrong:?}");
            prop_assert_eq!(told(found.wrong), told(expected.wrong));
        }

        #[test]
        fn lists_are_read_alike_in_either_way(
            list in "(-?[0-9]{1,20}|-|x| |[0-9]+ )?(,(-?[0-9]{1,19}|))*",
        ) {
            // A blank before it sends it the long way.
            let mut plain = Parameters::parse("", b"");
            plain.pairs.push(("items".into(), list.clone().into()));
            let mut long = Parameters::parse("", b"");
            long.pairs.push(("items".into(), format!(" ,{list}").into()));
            prop_assert_eq!(plain.list::<i32>("items"), long.list::<i32>("items"));
            prop_assert_eq!(plain.wrong.len(), long.wrong.len());
        }

        #[test]
        fn encoded_text_comes_back(text in "[^\0]*") {
            let encoded: String = text.bytes().map(|b| format!("%{b:02X}")).collect();
            let query = format!("client={encoded}");
            let value = parse(&query).text("client").map(String::from);
            prop_assert_eq!(value.as_deref(), Some(&*text));
        }
    }
}
