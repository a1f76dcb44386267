//! Graphs that Python's converters wrote answer as onnxruntime does, and as the estimators did.

use std::fs;
use std::path::{Path, PathBuf};

use seldon_onnx::{Element, Inputs, Onnx, Tensor, Values};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// The fixtures' names, without those that are refused.
fn names() -> Vec<String> {
    let files = fs::read_dir(folder()).expect("fixtures");
    let mut names: Vec<String> = files
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

struct Case {
    onnx: Onnx,
    expected: Value,
    rows: usize,
}

impl Case {
    fn open(name: &str) -> Result<Self, String> {
        let text = fs::read_to_string(folder().join(format!("{name}.json"))).expect("answers");
        let expected: Value = serde_json::from_str(&text).expect("JSON");
        let onnx =
            Onnx::open(folder().join(format!("{name}.onnx"))).map_err(|error| error.to_string())?;
        let first = expected["inputs"]
            .as_object()
            .expect("inputs")
            .values()
            .next()
            .expect("one");
        let rows = first["shape"][0].as_u64().expect("rows") as usize;
        Ok(Self {
            onnx,
            expected,
            rows,
        })
    }

    /// Some of the fixture's rows, as its graph's inputs.
    fn inputs(&self, range: std::ops::Range<usize>) -> Inputs {
        let mut inputs = Inputs::rows(range.len());
        for (name, tensor) in self.expected["inputs"].as_object().expect("inputs") {
            let values = tensor["values"].as_array().expect("values");
            let width = values.len() / self.rows;
            let values = &values[range.start * width..range.end * width];
            let known = self.onnx.inputs().iter().find(|input| input.name() == name);
            let values: Values = match known.expect("an input").element() {
                Element::Text => values
                    .iter()
                    .map(|v| v.as_str().expect("a text").to_owned())
                    .collect::<Vec<_>>()
                    .into(),
                Element::I64 => values
                    .iter()
                    .map(|v| v.as_i64().expect("a number"))
                    .collect::<Vec<_>>()
                    .into(),
                _ => values
                    .iter()
                    .map(|v| v.as_f64().unwrap_or(f64::NAN) as f32)
                    .collect::<Vec<_>>()
                    .into(),
            };
            inputs = inputs.with(name, values);
        }
        inputs
    }

    fn tolerance(&self) -> f64 {
        self.expected["tolerance"].as_f64().unwrap_or(1e-5)
    }
}

/// The largest difference in relation to the size of the numbers, or in what they are no numbers.
fn differ(tensor: &Tensor, values: &[Value], tolerance: f64) -> Result<(), String> {
    let Some(numbers) = tensor.to_f64() else {
        let texts = tensor.to_texts();
        let expected: Vec<&str> = values.iter().map(|v| v.as_str().expect("a text")).collect();
        return if texts == expected {
            Ok(())
        } else {
            Err(format!("{texts:?}, not {expected:?}"))
        };
    };
    if numbers.len() != values.len() {
        return Err(format!(
            "{} numbers of shape {:?}, not {}",
            numbers.len(),
            tensor.shape(),
            values.len()
        ));
    }
    for (index, (number, value)) in numbers.iter().zip(values).enumerate() {
        let expected = value
            .as_f64()
            .or_else(|| value.as_bool().map(f64::from))
            .unwrap_or(f64::NAN);
        let same = number.is_nan() && expected.is_nan()
            || (number - expected).abs() <= tolerance * expected.abs().max(1.0);
        if !same {
            return Err(format!("number {index} is {number}, not {expected}"));
        }
    }
    Ok(())
}

fn check(name: &str) -> Result<(), String> {
    let case = Case::open(name)?;
    let run = |range| {
        case.onnx
            .run(&case.inputs(range))
            .map_err(|error| error.to_string())
    };
    let all = run(0..case.rows)?;
    for (output, expected) in case.expected["onnxruntime"].as_object().expect("outputs") {
        let tensor = all
            .get(output)
            .ok_or_else(|| format!("no output {output}"))?;
        let values = expected["values"].as_array().expect("values");
        differ(tensor, values, case.tolerance()).map_err(|error| format!("{output}: {error}"))?;
        let shape: Vec<usize> = expected["shape"]
            .as_array()
            .expect("a shape")
            .iter()
            .map(|n| n.as_u64().expect("n") as usize)
            .collect();
        if tensor.shape() != shape {
            return Err(format!(
                "{output}: the shape is {:?}, not {shape:?}",
                tensor.shape()
            ));
        }
        // A row alone answers as among others.
        let width = values.len() / case.rows;
        for row in [0, case.rows - 1] {
            let alone = run(row..row + 1)?;
            let values = &values[row * width..(row + 1) * width];
            let tensor = alone.get(output).expect("as before");
            differ(tensor, values, case.tolerance())
                .map_err(|error| format!("{output}, row {row} alone: {error}"))?;
        }
    }
    if let Some(labels) = case.expected["label"].as_array() {
        let label = all.label().ok_or("no label")?;
        let labels: Vec<&str> = labels
            .iter()
            .map(|label| label.as_str().expect("a text"))
            .collect();
        if label.to_texts() != labels {
            return Err(format!(
                "Python's labels are {labels:?}, not {:?}",
                label.to_texts()
            ));
        }
    }
    if let Some(scores) = case.expected["scores"]["values"].as_array() {
        let tensor = all.scores().ok_or("no scores")?;
        differ(tensor, scores, 1e-5).map_err(|error| format!("Python's scores: {error}"))?;
    }
    if let Some(classes) = case.expected["classes"].as_array() {
        let classes: Vec<&str> = classes
            .iter()
            .map(|class| class.as_str().expect("a text"))
            .collect();
        if case.onnx.classes() != classes {
            return Err(format!(
                "the classes are {classes:?}, not {:?}",
                case.onnx.classes()
            ));
        }
    }
    Ok(())
}

#[test]
fn graphs_answer_as_onnxruntime_and_python_do() {
    let names = names();
    assert!(names.len() > 100, "{}", names.len());
    let wrong: Vec<String> = names
        .iter()
        .filter_map(|name| check(name).err().map(|error| format!("{name}: {error}")))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        names.len(),
        wrong.join("\n")
    );
}
