//! The parts of a date.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;
use seldon_runtime::{Error, Result};
use serde::{Deserialize, Serialize};

use super::names;
use crate::columns::{Column, Columns, Kind, quoted};
use crate::transform::Transform;
use crate::value::{Row, Value};

/// In the place of a date, its parts as numbers, each in a column of its own. A date is a text, as
/// RFC 3339 has it or as `format` says, or a number of seconds since 1970. One with an offset is
/// brought to UTC; one without is taken as it is. Of a missing date all parts are missing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Date {
    features: Vec<String>,
    #[serde(default = "year_month_day")]
    parts: Vec<Part>,
    /// The directives of C's `strptime`: `%d.%m.%Y`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    /// For each column that comes, whether it is a date.
    #[serde(skip)]
    dates: Vec<bool>,
}

/// A part of a date, with the numbers that pandas' accessor `dt` has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// 2024, for example.
    Year,
    /// 1 to 4.
    Quarter,
    /// 1 to 12.
    Month,
    /// The week of ISO 8601, 1 to 53.
    Week,
    /// 1 to 31.
    Day,
    /// 1 to 366.
    DayOfYear,
    /// 0, for Monday, to 6.
    Weekday,
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// 0 to 59.
    Second,
    /// Seconds since 1970, with their fraction.
    Timestamp,
}

fn year_month_day() -> Vec<Part> {
    vec![Part::Year, Part::Month, Part::Day]
}

impl Date {
    /// Takes the dates in `features` apart into year, month and day.
    pub fn new(features: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            features: names(features),
            parts: year_month_day(),
            format: None,
            dates: Vec::new(),
        }
    }

    /// Into these parts.
    #[must_use]
    pub fn parts(mut self, parts: impl IntoIterator<Item = Part>) -> Self {
        self.parts = parts.into_iter().collect();
        self
    }

    /// Of dates in this format.
    #[must_use]
    pub fn format(mut self, format: impl Into<String>) -> Self {
        self.format = Some(format.into());
        self
    }

    fn parse(&self, value: &Value) -> Option<DateTime> {
        match value {
            Value::Number(seconds) => {
                let whole = seconds.floor();
                // Far beyond any year that there is.
                if whole.abs() > 1e15 {
                    return None;
                }
                let nanoseconds = ((seconds - whole) * 1e9) as i32;
                let moment = Timestamp::new(whole as i64, nanoseconds).ok()?;
                Some(moment.to_zoned(TimeZone::UTC).datetime())
            }
            Value::Text(text) => match &self.format {
                Some(format) => {
                    let parsed = strtime::parse(format, text).ok()?;
                    match parsed.to_timestamp() {
                        Ok(moment) => Some(moment.to_zoned(TimeZone::UTC).datetime()),
                        Err(_) => (parsed.to_datetime().ok())
                            .or_else(|| Some(parsed.to_date().ok()?.at(0, 0, 0, 0))),
                    }
                }
                None => {
                    let pieces = Pieces::parse(text.trim()).ok()?;
                    let local = pieces.date().to_datetime(pieces.time().unwrap_or_default());
                    match pieces.to_numeric_offset() {
                        Some(offset) => {
                            let moment = offset.to_timestamp(local).ok()?;
                            Some(moment.to_zoned(TimeZone::UTC).datetime())
                        }
                        None => Some(local),
                    }
                }
            },
            Value::Flag(_) => None,
        }
    }
}

impl Part {
    fn of(self, date: DateTime) -> f64 {
        match self {
            Self::Year => date.year().into(),
            Self::Quarter => f64::from((date.month() - 1) / 3 + 1),
            Self::Month => date.month().into(),
            Self::Week => date.date().iso_week_date().week().into(),
            Self::Day => date.day().into(),
            Self::DayOfYear => date.day_of_year().into(),
            Self::Weekday => date.weekday().to_monday_zero_offset().into(),
            Self::Hour => date.hour().into(),
            Self::Minute => date.minute().into(),
            Self::Second => date.second().into(),
            Self::Timestamp => match date.to_zoned(TimeZone::UTC) {
                Ok(zoned) => {
                    let moment = zoned.timestamp();
                    moment.as_second() as f64 + f64::from(moment.subsec_nanosecond()) / 1e9
                }
                Err(_) => f64::NAN,
            },
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Quarter => "quarter",
            Self::Month => "month",
            Self::Week => "week",
            Self::Day => "day",
            Self::DayOfYear => "day_of_year",
            Self::Weekday => "weekday",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
            Self::Timestamp => "timestamp",
        }
    }
}

impl Transform for Date {
    fn prepare(&mut self, columns: &mut Columns) -> Result<()> {
        if self.parts.is_empty() {
            return Err(Error::setup("`parts` names no part of a date"));
        }
        if self
            .format
            .as_ref()
            .is_some_and(|format| format.len() > 256)
        {
            return Err(Error::setup("`format` is longer than 256 bytes"));
        }
        let mut dates = vec![false; columns.len()];
        for at in columns.find_all(&self.features, &[Kind::Text, Kind::Number])? {
            dates[at] = true;
        }
        let mut to = Vec::new();
        for (column, is_date) in columns.iter().zip(&dates) {
            if *is_date {
                let parts = self.parts.iter().map(|part| part.name());
                to.extend(parts.map(|part| Column::number(format!("{}_{part}", column.name))));
            } else {
                to.push(column.clone());
            }
        }
        self.dates = dates;
        columns.replace(to)
    }

    fn apply(&self, row: &mut Row) -> Result<()> {
        let mut out = Row::with_room(row.len() + self.parts.len());
        // In the order of the columns, which may be another than that of `features`.
        for (at, is_date) in self.dates.iter().enumerate() {
            let value = row.take(at);
            if !is_date {
                out.push(value);
                continue;
            }
            let date = match &value {
                None => None,
                Some(Value::Number(number)) if number.is_nan() => None,
                Some(value) => Some(self.parse(value).ok_or_else(|| self.refused(value))?),
            };
            for part in &self.parts {
                out.push(date.map(|date| Value::Number(part.of(date))));
            }
        }
        *row = out;
        Ok(())
    }
}

impl Date {
    fn refused(&self, value: &Value) -> Error {
        let got = match value {
            Value::Text(text) => quoted(text),
            Value::Number(number) => number.to_string(),
            Value::Flag(flag) => flag.to_string(),
        };
        let wanted = match &self.format {
            Some(format) => format!("of the form {}", quoted(format)),
            None => "such as `2024-05-31` or `2024-05-31T12:30:00Z`".to_owned(),
        };
        let names = crate::columns::list(self.features.iter().map(String::as_str));
        Error::invalid_input(format!("{names} must be a date {wanted}, got {got}"))
    }
}
