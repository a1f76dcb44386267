//! What a TOML file says.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::Config;
use crate::error::{Error, Result};

/// What `file` says; what it leaves out is as the defaults are.
///
/// # Errors
///
/// That the file is not there, is no TOML, or which setting is none or cannot be what it is, and in
/// which line.
pub(super) fn read(file: &Path) -> Result<Config> {
    let name = file.display();
    if !file.is_file() {
        return Err(Error::setup(format!(
            "there is no configuration file {name}"
        )));
    }
    let text = fs::read_to_string(file)
        .map_err(|e| Error::setup(format!("cannot read {name}")).with_cause(e))?;
    parse(&text).map_err(|wrong| {
        // Not a slice of the text: the place may be within a character.
        let before = text.bytes().take(wrong.at);
        let line = 1 + before.filter(|byte| *byte == b'\n').count();
        let setting = (wrong.setting)
            .map(|setting| format!("`{setting}`: "))
            .unwrap_or_default();
        let lines = wrong.what.lines().map(str::trim);
        let what: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        let what = what.join("; ");
        Error::setup(format!("{name}, line {line}: {setting}{what}"))
    })
}

/// What is wrong with a text.
#[derive(Debug)]
struct Wrong {
    /// The byte where it is.
    at: usize,
    setting: Option<String>,
    what: String,
}

/// The settings that `text` gives. They are read out of JSON: what reads them out of TOML is three
/// deserializers, for each of which all of it would be compiled again.
fn parse(text: &str) -> Result<Config, Wrong> {
    let file = DeTable::parse(text).map_err(|error| Wrong {
        at: error.span().map_or(0, |span| span.start),
        setting: None,
        what: error.message().to_owned(),
    })?;
    let file = file.get_ref();
    Config::deserialize(of_table(file)).map_err(|error| {
        first_wrong(file, &[]).unwrap_or_else(|| Wrong {
            at: 0,
            setting: None,
            what: error.to_string(),
        })
    })
}

/// The first of the settings of `table` that is wrong, in the order of the text. Each is tried by
/// itself: none needs another to be read.
fn first_wrong(table: &DeTable<'_>, within: &[&str]) -> Option<Wrong> {
    let wrong = table.iter().filter_map(|(key, value)| {
        let path = [within, &[key.get_ref()]].concat();
        let error = alone(&path, of(value.get_ref())).err()?;
        match value.get_ref() {
            // It may be a table, and something in it is wrong.
            DeValue::Table(inner) if alone(&path, Map::new().into()).is_ok() => {
                first_wrong(inner, &path)
            }
            _ => Some(Wrong {
                at: key.span().start,
                setting: Some(path.join(".")),
                what: error.to_string(),
            }),
        }
    });
    wrong.min_by_key(|wrong| wrong.at)
}

/// The configuration where only the setting `path` is given.
fn alone(path: &[&str], value: Value) -> Result<Config, serde_json::Error> {
    let nested = |value, name: &&str| Map::from_iter([((*name).to_owned(), value)]).into();
    Config::deserialize(path.iter().rev().fold(value, nested))
}

fn of_table(table: &DeTable<'_>) -> Value {
    let of_entry = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
        (key.get_ref().to_string(), of(value.get_ref()))
    };
    table.iter().map(of_entry).collect()
}

/// A value in JSON. What JSON has not is a string there, which no number is read from.
fn of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_or_else(|_| integer.to_string().into(), Value::from),
        DeValue::Float(float) => (float.as_str().parse::<f64>().ok())
            .and_then(Number::from_f64)
            .map_or_else(|| float.to_string().into(), Value::Number),
        DeValue::String(text) => (&**text).into(),
        DeValue::Boolean(is) => (*is).into(),
        DeValue::Datetime(time) => time.to_string().into(),
        DeValue::Array(values) => values.iter().map(|value| of(value.get_ref())).collect(),
        DeValue::Table(table) => of_table(table),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(
            text in "(port|host|limits|\\[|\\]|=|\"|'|\n|é|\\PC){0,12}",
        ) {
            let file = tempfile::NamedTempFile::new().expect("a temporary file");
            fs::write(&file, text).expect("written");
            if let Err(error) = read(file.path()) {
                prop_assert!(error.detail().contains(", line "), "{error}");
            }
        }
    }

    /// What is wrong with a text: the setting, the rest of the text from there, and what is said.
    fn wrong(text: &str) -> (Option<String>, &str, String) {
        let wrong = parse(text).expect_err(text);
        (wrong.setting, &text[wrong.at..], wrong.what)
    }

    #[test]
    fn the_first_setting_that_is_wrong_is_named_with_its_tables() {
        let text = "host = '::1'\nport = -1\n[limits]\nidle = '1s'\nbody = 'x'\n";
        let (setting, rest, what) = wrong(text);
        assert_eq!(setting.as_deref(), Some("port"));
        assert!(rest.starts_with("port = -1"), "{rest}");
        assert_eq!(what, "invalid value: integer `-1`, expected u16");
        let text = text.replace("-1", "1_0");
        let (setting, rest, what) = wrong(&text);
        assert_eq!(setting.as_deref(), Some("limits.body"));
        assert!(rest.starts_with("body = "), "{rest}");
        assert_eq!(what, "invalid type: string \"x\", expected usize");
    }

    #[test]
    fn a_setting_is_named_however_its_table_is_written() {
        for (text, named) in [
            ("limits = 1", "limits"),
            ("limits = {}\nlimit = {}", "limit"),
            ("limits.idle = 1", "limits.idle"),
            ("limits = { idle = {} }", "limits.idle"),
            ("[limits]\n'x.y' = { a = 1 }", "limits.x.y"),
            ("[storage.retry]\nmost = 1", "storage.retry"),
        ] {
            assert_eq!(wrong(text).0.as_deref(), Some(named), "{text}");
        }
    }

    #[test]
    fn what_is_no_toml_has_a_place_and_no_setting() {
        let (setting, rest, what) = wrong("port = 1\nhost = here");
        assert_eq!((setting, rest), (None, "here"));
        assert_eq!(
            what,
            "string values must be quoted, expected literal string"
        );
    }

    #[test]
    fn numbers_are_read_as_toml_writes_them() {
        let port = |number| parse(&format!("port = {number}"));
        for number in ["0x1388", "0b1001110001000", "5_000", "+5000", "0o11610"] {
            assert_eq!(port(number).expect(number).port, 5000);
        }
        for number in [
            "nan",
            "-inf",
            "5000.0",
            "99999999999999999999",
            "2026-11-25",
        ] {
            let wrong = port(number).expect_err(number);
            assert_eq!(wrong.setting.as_deref(), Some("port"), "{}", wrong.what);
        }
    }
}
