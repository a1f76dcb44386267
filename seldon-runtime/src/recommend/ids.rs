//! Reads the JSON array that is a candidate list.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};

/// The ids in a JSON array of ids, `[16,260,31742]`, or of objects with an `item`,
/// `[{"item":16,"score":0.5}]`, in the array's order.
///
/// # Errors
///
/// If `json` is anything else, or an id is no whole number of 64 bits.
pub(super) fn parse(json: &[u8]) -> serde_json::Result<Vec<i64>> {
    match scan(json) {
        Some(ids) => Ok(ids),
        None => {
            let ids: Vec<Id> = serde_json::from_slice(json)?;
            Ok(ids.into_iter().map(|Id(id)| id).collect())
        }
    }
}

/// Reads an array of plain ids, some four times faster than serde_json does: on a cold list it is most
/// of what a request waits for. `None` is anything out of the ordinary, faults too: for serde_json to
/// read, or to say what is wrong with it.
fn scan(json: &[u8]) -> Option<Vec<i64>> {
    let mut rest = skip(json).strip_prefix(b"[")?;
    // Ids of real catalogues have five digits and more, and a comma.
    let mut ids = Vec::with_capacity(rest.len() / 6);
    loop {
        let (id, after) = number(skip(rest))?;
        ids.push(id);
        match skip(after) {
            [b',', after @ ..] => rest = after,
            [b']', after @ ..] => return skip(after).is_empty().then_some(ids),
            _ => return None,
        }
    }
}

fn skip(mut json: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = json {
        json = rest;
    }
    json
}

fn number(json: &[u8]) -> Option<(i64, &[u8])> {
    let (negative, digits) = match json {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let mut magnitude: i64 = 0;
    let mut length = 0;
    while let Some(digit @ b'0'..=b'9') = digits.get(length) {
        magnitude = magnitude
            .wrapping_mul(10)
            .wrapping_add(i64::from(digit - b'0'));
        length += 1;
    }
    // 18 digits fit in any case. JSON has no leading zero, and its -0 is no whole number to serde_json.
    let plain = matches!(length, 1..=18) && (digits[0] != b'0' || (length == 1 && !negative));
    let id = if negative { -magnitude } else { magnitude };
    plain.then_some((id, &digits[length..]))
}

/// An id, or an object that has one under `item`.
struct Id(i64);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

struct IdVisitor;

impl<'de> Visitor<'de> for IdVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item id of 64 bits, or an object with one under `item`")
    }

    fn visit_i64<E: de::Error>(self, id: i64) -> Result<Id, E> {
        Ok(Id(id))
    }

    fn visit_u64<E: de::Error>(self, id: u64) -> Result<Id, E> {
        let large = |_| E::invalid_value(de::Unexpected::Unsigned(id), &self);
        id.try_into().map(Id).map_err(large)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Id, A::Error> {
        let mut item = None;
        while let Some(key) = map.next_key()? {
            match key {
                Key::Item if item.is_some() => return Err(de::Error::duplicate_field("item")),
                Key::Item => item = Some(map.next_value()?),
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        item.map(Id).ok_or_else(|| de::Error::missing_field("item"))
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Item,
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(json: &str) -> Vec<i64> {
        parse(json.as_bytes()).expect(json)
    }

    #[test]
    fn a_list_is_an_array_of_ids() {
        assert_eq!(ids("[16,260,31742]"), [16, 260, 31742]);
        assert_eq!(ids("[]"), [] as [i64; 0]);
        assert_eq!(ids(" \n[ 1 ,\t-2\r\n, 0 ] \n"), [1, -2, 0]);
        assert_eq!(
            ids("[9223372036854775807,-9223372036854775808]"),
            [i64::MAX, i64::MIN]
        );
    }

    #[test]
    fn of_objects_the_ids_count() {
        let popular = r#"[{"item":16,"score":0.5},{"score":1e3,"why":{"item":[1]},"item":-2}, 7]"#;
        assert_eq!(ids(popular), [16, -2, 7]);
    }

    #[test]
    fn what_is_no_list_of_ids_is_refused() {
        for wrong in [
            "",
            "[",
            "[1",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1],",
            "[1]]",
            "1",
            "null",
            "{}",
            "\"[1]\"",
            "[1.0]",
            "[1e3]",
            "[01]",
            "[-]",
            "[--1]",
            "[+1]",
            "[null]",
            "[true]",
            "[\"1\"]",
            "[[1]]",
            "[{}]",
            "[{\"id\":1}]",
            "[{\"item\":1.5}]",
            "[{\"item\":1,\"item\":2}]",
            "[{\"item\":{\"item\":1}}]",
            "[9223372036854775808]",
            "[-9223372036854775809]",
            "[99999999999999999999]",
            "\u{feff}[1]",
        ] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_writes(ids in prop::collection::vec(any::<i64>(), 0..50)) {
            let json = serde_json::to_vec(&ids).expect("numbers are JSON");
            prop_assert_eq!(parse(&json).expect("an array of ids"), ids);
        }

        #[test]
        fn agrees_with_serde_json(json in r"[ \n]?\[([ \t]?-?(0|[0-9]{1,20})(\.0|e1)?[ \r]?,?){0,4}\][ \]]?") {
            let naive = serde_json::from_str::<Vec<i64>>(&json).ok();
            prop_assert_eq!(parse(json.as_bytes()).ok(), naive);
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
    }
}
