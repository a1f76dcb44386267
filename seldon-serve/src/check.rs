//! A pipeline's answers beside saved ones.

use std::path::Path;

use csv::StringRecord;
use seldon::pipeline::{Pipeline, Row};
use seldon::prelude::*;
use serde::Serialize;

/// Rows that are scored at once.
const BLOCK: usize = 1024;

/// What was found.
#[derive(Serialize)]
pub(crate) struct Found {
    rows: u64,
    tolerance: f64,
    /// Scores that were compared.
    scores: u64,
    /// Those that differ by more than the tolerance.
    above: u64,
    /// The largest difference.
    largest: Option<Difference>,
    /// Columns that are neither features nor classes.
    ignored: Vec<String>,
}

#[derive(Serialize)]
struct Difference {
    difference: f64,
    /// The line of the file, the header being line 1.
    line: u64,
    column: String,
    expected: f64,
    got: f64,
}

/// Which columns of a file are what.
struct Columns {
    /// Of each feature, where it is.
    features: Vec<Option<usize>>,
    /// Where an expected score is, its name, and which score it is of.
    expected: Vec<(usize, String, usize)>,
    ignored: Vec<String>,
}

/// Scores the rows of `file` and compares.
///
/// # Errors
///
/// If the file cannot be read or has no such columns; if a row cannot be scored, with its line.
pub(crate) fn compare(pipeline: &Pipeline, file: &Path, tolerance: f64) -> Result<Found> {
    let place = file.display();
    if tolerance.is_nan() || tolerance < 0.0 {
        return Err(Error::setup("--tolerance must be a number, 0 or greater"));
    }
    let unreadable = |e: csv::Error| Error::setup(format!("cannot read {place}")).with_cause(e);
    let mut reader = csv::Reader::from_path(file).map_err(unreadable)?;
    let header = reader.headers().map_err(unreadable)?.clone();
    let columns = Columns::of(pipeline, &header)
        .map_err(|e| Error::setup(format!("{place}, line 1: {e}")))?;
    let mut found = Found {
        rows: 0,
        tolerance,
        scores: 0,
        above: 0,
        largest: None,
        ignored: columns.ignored.clone(),
    };
    let mut block = Block::default();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, csv::Position::line);
        let at = |e: Error| Error::setup(format!("{place}, line {line}: {}", e.detail()));
        block.rows.push(columns.row(pipeline, &record).map_err(at)?);
        block.expected.push(columns.scores(&record).map_err(at)?);
        block.lines.push(line);
        if block.rows.len() == BLOCK {
            found.add(pipeline, &columns, &mut block, file)?;
        }
    }
    found.add(pipeline, &columns, &mut block, file)?;
    if found.rows == 0 {
        return Err(Error::setup(format!("{place} has no rows")));
    }
    Ok(found)
}

/// Rows that wait to be scored together.
#[derive(Default)]
struct Block {
    rows: Vec<Row>,
    expected: Vec<Vec<f64>>,
    lines: Vec<u64>,
}

impl Columns {
    fn of(pipeline: &Pipeline, header: &StringRecord) -> Result<Self> {
        let place = |name: &str| header.iter().position(|column| column == name);
        if let Some(twice) = (1..header.len()).find(|n| place(&header[*n]) != Some(*n)) {
            return Err(Error::setup(format!(
                "two columns are called `{}`",
                &header[twice]
            )));
        }
        let mut features = Vec::new();
        for feature in pipeline.features() {
            let at = place(feature.name());
            if at.is_none() && !feature.may_be_missing() {
                return Err(Error::setup(format!(
                    "there is no column of the feature `{}`",
                    feature.name()
                )));
            }
            features.push(at);
        }
        let outputs = pipeline.outputs();
        let names: Vec<String> = match pipeline.classes() {
            [] => (0..outputs).map(|n| n.to_string()).collect(),
            classes => classes.to_vec(),
        };
        let mut expected = Vec::new();
        let mut ignored = Vec::new();
        for (at, column) in header.iter().enumerate() {
            if features.contains(&Some(at)) {
                continue;
            }
            let score = match names.iter().position(|name| name == column) {
                // Python's `predict` of two classes is the chance of the second.
                None if column == "expected" && outputs <= 2 => Some(outputs - 1),
                score => score,
            };
            match score {
                Some(score) => expected.push((at, column.to_owned(), score)),
                None => ignored.push(column.to_owned()),
            }
        }
        if expected.is_empty() {
            let or = if outputs <= 2 { ", or `expected`" } else { "" };
            return Err(Error::setup(format!(
                "there is no column of expected scores: they are called as the classes are ({}){or}",
                names
                    .iter()
                    .take(20)
                    .map(|n| format!("`{n}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            )));
        }
        Ok(Self {
            features,
            expected,
            ignored,
        })
    }

    fn row(&self, pipeline: &Pipeline, record: &StringRecord) -> Result<Row> {
        let text = |at: &Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default();
        pipeline.row_of_text(self.features.iter().map(text))
    }

    fn scores(&self, record: &StringRecord) -> Result<Vec<f64>> {
        let score = |(at, name, _): &(usize, String, usize)| {
            let text = record.get(*at).unwrap_or_default();
            let number = text.trim().parse::<f64>().ok();
            number.filter(|number| number.is_finite()).ok_or_else(|| {
                let text: String = text.chars().take(40).collect();
                Error::setup(format!(
                    "`{name}` must be a number, got `{}`",
                    text.escape_debug()
                ))
            })
        };
        self.expected.iter().map(score).collect()
    }
}

impl Found {
    /// Scores a block and empties it.
    fn add(
        &mut self,
        pipeline: &Pipeline,
        columns: &Columns,
        block: &mut Block,
        file: &Path,
    ) -> Result<()> {
        let block = std::mem::take(block);
        // One by one where a row is refused, so that its error has its line and not its place here.
        let answers = pipeline.predict_batch(&block.rows);
        for (n, answer) in answers.into_iter().enumerate() {
            let line = block.lines[n];
            let answer = answer.map_err(|_| {
                let said = match pipeline.predict(&block.rows[n]) {
                    Err(error) => error.detail().to_owned(),
                    Ok(_) => "cannot be scored".to_owned(),
                };
                Error::setup(format!("{}, line {line}: {said}", file.display()))
            })?;
            self.rows += 1;
            for ((_, column, score), expected) in columns.expected.iter().zip(&block.expected[n]) {
                let got = answer
                    .classes()
                    .get(*score)
                    .map_or(f64::NAN, |class| class.score);
                self.note(line, column, *expected, got);
            }
        }
        Ok(())
    }

    fn note(&mut self, line: u64, column: &str, expected: f64, got: f64) {
        // What is no number differs from any.
        let difference = match (got - expected).abs() {
            difference if difference.is_nan() => f64::MAX,
            difference => difference,
        };
        self.scores += 1;
        self.above += u64::from(difference > self.tolerance);
        if self
            .largest
            .as_ref()
            .is_none_or(|largest| difference > largest.difference)
        {
            self.largest = Some(Difference {
                difference,
                line,
                column: column.to_owned(),
                expected,
                got,
            });
        }
    }

    /// Whether nothing differs by more than the tolerance.
    pub(crate) fn is_within(&self) -> bool {
        self.above == 0
    }

    pub(crate) fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    pub(crate) fn to_text(&self) -> String {
        let mut lines = Vec::new();
        if !self.ignored.is_empty() {
            let ignored = self.ignored.join(", ");
            lines.push(format!(
                "ignored, being neither features nor classes: {ignored}"
            ));
        }
        lines.push(format!("rows: {}, scores: {}", self.rows, self.scores));
        if let Some(largest) = &self.largest {
            lines.push(format!(
                "largest difference: {:e}, at line {}, `{}`: expected {}, got {}",
                largest.difference, largest.line, largest.column, largest.expected, largest.got
            ));
        }
        lines.push(match self.above {
            0 => format!("all are within {:e}", self.tolerance),
            above => format!("{above} differ by more than {:e}", self.tolerance),
        });
        lines.join("\n")
    }
}
