//! What a folder holds.

use seldon::pipeline::{Kind, Pipeline};
use seldon::prelude::*;
use serde::Serialize;

/// What a folder holds.
#[derive(Serialize)]
pub(crate) struct Found {
    location: String,
    /// `pipeline`, or `service` for the model of a program.
    kind: &'static str,
    name: String,
    digest: String,
    files: Vec<File>,
    #[serde(flatten)]
    pipeline: Option<Held>,
}

#[derive(Serialize)]
struct File {
    name: String,
    bytes: u64,
}

/// What a pipeline is.
#[derive(Serialize)]
struct Held {
    model: serde_json::Map<String, serde_json::Value>,
    features: Vec<Feature>,
    steps: Vec<&'static str>,
    /// How many numbers the model is given.
    columns: usize,
    outputs: usize,
    classes: Vec<String>,
    message: String,
}

#[derive(Serialize)]
struct Feature {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    missing: bool,
}

/// Reads all of `folder`, so that what is damaged is found.
///
/// # Errors
///
/// If a file cannot be read or is damaged, or the folder is to be a pipeline and is none.
pub(crate) fn folder(folder: &Folder) -> Result<Found> {
    let file = |(name, bytes): (&str, u64)| File {
        name: name.to_owned(),
        bytes,
    };
    let files: Vec<File> = folder.files().map(file).collect();
    for file in &files {
        folder.bytes(&file.name)?;
    }
    let of_service = folder
        .service()
        .filter(|service| *service != <Pipeline as Artifact>::NAME);
    let (name, pipeline) = match of_service {
        Some(service) => (service.to_owned(), None),
        None => {
            let pipeline = Pipeline::load(folder)?;
            pipeline.warm_up()?;
            (pipeline.name().to_owned(), Some(held(&pipeline)))
        }
    };
    Ok(Found {
        location: folder.location().to_string(),
        kind: match pipeline {
            Some(_) => "pipeline",
            None => "service",
        },
        name,
        digest: folder.digest().to_owned(),
        files,
        pipeline,
    })
}

fn held(pipeline: &Pipeline) -> Held {
    let feature = |feature: &seldon::pipeline::Feature| Feature {
        name: feature.name().to_owned(),
        kind: match feature.kind() {
            Kind::Number => "number",
            Kind::Text => "text",
            Kind::Flag => "flag",
        },
        missing: feature.may_be_missing(),
    };
    let model = pipeline.about_model();
    Held {
        model: (model.into_iter())
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect(),
        features: pipeline.features().map(feature).collect(),
        steps: pipeline
            .steps()
            .steps()
            .iter()
            .map(|step| step.kind())
            .collect(),
        columns: pipeline.steps().columns().len(),
        outputs: pipeline.outputs(),
        classes: pipeline.classes().to_vec(),
        message: pipeline.message_name().to_owned(),
    }
}

/// As many features, classes and files as a person is shown.
const SHOWN: usize = 100;

impl Found {
    pub(crate) fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    pub(crate) fn to_text(&self) -> String {
        let mut lines = vec![self.location.clone()];
        let mut say = |name: &str, value: String| lines.push(format!("  {name:<10} {value}"));
        say("kind", self.kind.to_owned());
        say("name", self.name.clone());
        say("digest", self.digest.clone());
        let files = self
            .files
            .iter()
            .map(|f| format!("{}, {} bytes", f.name, f.bytes));
        many(&mut say, "files", files);
        let Some(held) = &self.pipeline else {
            return lines.join("\n");
        };
        for (name, value) in &held.model {
            say(name, value.as_str().unwrap_or_default().to_owned());
        }
        let features = held.features.iter().map(|f| {
            let missing = if f.missing { ", may be missing" } else { "" };
            format!("{}: {}{missing}", f.name, f.kind)
        });
        many(&mut say, "features", features);
        if !held.steps.is_empty() {
            say("steps", held.steps.join(", "));
            say("columns", held.columns.to_string());
        }
        match held.classes.is_empty() {
            true => say("scores", held.outputs.to_string()),
            false => many(&mut say, "classes", held.classes.iter().cloned()),
        }
        say("message", held.message.clone());
        lines.join("\n")
    }
}

/// Says each of `values` on a line of its own.
fn many(
    say: &mut impl FnMut(&str, String),
    name: &str,
    values: impl ExactSizeIterator<Item = String>,
) {
    let more = values.len().saturating_sub(SHOWN);
    for (n, value) in values.take(SHOWN).enumerate() {
        say(if n == 0 { name } else { "" }, value);
    }
    if more > 0 {
        say("", format!("… and {more} more"));
    }
}
