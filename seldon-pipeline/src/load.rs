//! A pipeline's folder: as Python left it, or as a pipeline was saved.

use seldon_runtime::artifact::{Draft, Field, stored, stored_as_json};
use seldon_runtime::{Artifact, Error, Folder, Result};

use crate::columns::{list, quoted};
use crate::model::Model;
use crate::pipeline::Pipeline;
use crate::spec::{self, Spec};

const SPEC: Field<Spec> = stored_as_json("pipeline");
const MODEL: Field<Model> = stored("model");

impl Artifact for Pipeline {
    const NAME: &'static str = "pipeline";
    const LOOSE: bool = true;

    fn read(folder: &Folder) -> Result<Self> {
        let place = folder.location();
        let of = |error: Error| Error::setup(format!("{place}: {error}"));
        match folder.service() {
            Some(<Self as Artifact>::NAME) => {
                Self::new(SPEC.load(folder)?, MODEL.load(folder)?).map_err(of)
            }
            Some(service) => Err(Error::setup(format!(
                "{place} holds a model of the service {}, not a pipeline",
                quoted(service)
            ))),
            None => from_files(folder),
        }
    }

    fn write(&self, draft: &mut Draft) -> Result<()> {
        SPEC.save(&self.spec, draft)?;
        MODEL.save(&self.model, draft)
    }
}

/// The pipeline of a folder without a manifest.
fn from_files(folder: &Folder) -> Result<Pipeline> {
    let place = folder.location();
    let has = |name: &str| folder.files().any(|(file, _)| file == name);
    let read = match has(spec::FILE) {
        false => spec::Read::default(),
        true => {
            let text = String::from_utf8(folder.bytes(spec::FILE)?)
                .map_err(|_| Error::setup(format!("{} of {place} is not UTF-8", spec::FILE)))?;
            let at = format!("{place}/{}", spec::FILE);
            spec::read(&text, &at, &mut |name| match has(name) {
                true => folder.bytes(name),
                false => Err(no_such_file(folder, name)),
            })?
        }
    };
    let of = |error: Error| Error::setup(format!("{place}: {error}"));
    let name = match &read.model {
        Some(name) if has(name) => name.as_str(),
        Some(name) => return Err(of(no_such_file(folder, name))),
        None => model_file(folder, &read.files).map_err(of)?,
    };
    let model = Model::from_bytes(name, &folder.bytes(name)?, read.kind.as_deref()).map_err(of)?;
    Pipeline::new(read.spec, model).map_err(of)
}

fn no_such_file(folder: &Folder, name: &str) -> Error {
    let files = list(folder.files().map(|(file, _)| file));
    Error::setup(format!("there is no file {} (only {files})", quoted(name)))
}

/// What model files are commonly called.
const SUFFIXES: [&str; 9] = [
    "ubj", "json", "txt", "onnx", "model", "bst", "xgb", "lgb", "bin",
];

/// The file that holds the model, where none is named: the only one, or the only one of such a name.
fn model_file<'a>(folder: &'a Folder, taken: &[String]) -> Result<&'a str> {
    let others: Vec<&str> = (folder.files())
        .map(|(name, _)| name)
        .filter(|name| *name != spec::FILE && !taken.iter().any(|t| t == name))
        .collect();
    if let [only] = others[..] {
        return Ok(only);
    }
    let is_model = |name: &&&str| {
        let suffix = name
            .rsplit_once('.')
            .map(|(_, suffix)| suffix.to_ascii_lowercase());
        suffix.is_some_and(|suffix| SUFFIXES.contains(&suffix.as_str()))
    };
    let models: Vec<&str> = others.iter().filter(is_model).copied().collect();
    match models[..] {
        [only] => Ok(only),
        [] => Err(Error::setup("there is no model file")),
        _ => Err(Error::setup(format!(
            "there are several files that may be the model ({}): name it by `model` in {}",
            list(models),
            spec::FILE
        ))),
    }
}
