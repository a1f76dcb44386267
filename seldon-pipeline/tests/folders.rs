//! What a folder may hold, and what is said of one that holds something else.

use std::path::Path;

use seldon_pipeline::{Pipeline, Row};
use seldon_runtime::{Artifact, Folder, Predict};

/// Six features without names, two classes.
const BINARY: &[u8] = include_bytes!("../../seldon-trees/tests/fixtures/xgboost-3.2.0/binary.ubj");

/// A folder of these files.
fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).expect("written");
    }
    folder
}

fn load(path: &Path) -> seldon_runtime::Result<Pipeline> {
    Pipeline::load(&Folder::open_loose(path)?)
}

/// Loads the binary model with this `pipeline.toml`.
fn with(toml: &str) -> seldon_runtime::Result<Pipeline> {
    let folder = folder(&[("model.ubj", BINARY), ("pipeline.toml", toml.as_bytes())]);
    load(folder.path())
}

/// What is said of that file, without the folder's place.
fn refusal(toml: &str) -> String {
    let folder = folder(&[("model.ubj", BINARY), ("pipeline.toml", toml.as_bytes())]);
    let said = load(folder.path()).expect_err("refused").to_string();
    let place = folder.path().display().to_string();
    assert!(said.starts_with(&place), "{said}");
    assert!(!said.contains('\n'), "{said}");
    said[place.len()..].to_owned()
}

const SIX: &str = "features = [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]\n";

fn row() -> Row {
    [0.3, -1.2, 0.5, 0.1, 4.0, 1.0].into_iter().collect()
}

fn scores(pipeline: &Pipeline, row: &Row) -> Vec<f64> {
    let prediction = pipeline.predict(row).expect("scored");
    prediction
        .classes()
        .iter()
        .map(|class| class.score)
        .collect()
}

#[test]
fn a_model_file_alone_says_it_all() {
    let alone = folder(&[("model.ubj", BINARY)]);
    let pipeline = load(alone.path()).expect("it loads");
    assert_eq!(
        pipeline
            .features()
            .map(|feature| feature.name())
            .collect::<Vec<_>>(),
        ["f0", "f1", "f2", "f3", "f4", "f5"]
    );
    assert_eq!(pipeline.outputs(), 2);
    let file = load(&alone.path().join("model.ubj")).expect("the file is a folder of one");
    assert_eq!(scores(&pipeline, &row()), scores(&file, &row()));
}

#[test]
fn a_saved_pipeline_is_the_same_again() {
    let toml = format!(
        "{SIX}name = \"b\"\nclasses = [\"no\", \"yes\"]\nmissing = true\n\
         [message]\nname = \"x.Y\"\nnumbers = \"float\"\n\
         [[step]]\nkind = \"standard_scaling\"\nfeatures = [\"a\"]\nmean = [0.1]\nscale = [3]\n"
    );
    let pipeline = with(&toml).expect("it loads");
    let saved = tempfile::tempdir().expect("a folder");
    let path = saved.path().join("model");
    pipeline.save(&path).expect("saved");
    let again = Pipeline::load(&Folder::open(&path).expect("it has a manifest")).expect("loads");
    assert_eq!(again.name(), "b");
    assert_eq!(again.classes(), ["no", "yes"]);
    assert_eq!(again.proto(), pipeline.proto());
    assert_eq!(scores(&again, &row()), scores(&pipeline, &row()));
}

#[test]
fn parameters_may_be_in_a_file_beside() {
    let toml = format!("{SIX}[[step]]\nkind = \"impute\"\nfile = \"step.json\"\n");
    let files = |step: &'static [u8]| {
        let files = [
            ("model.ubj", BINARY),
            ("pipeline.toml", toml.as_bytes()),
            ("step.json", step),
        ];
        let folder = folder(&files);
        load(folder.path()).map_err(|e| e.to_string())
    };
    files(br#"{"features": ["a", "b"], "values": [1, 2]}"#).expect("it loads");
    let said = files(br#"{"features": ["a"], "value": [1]}"#).expect_err("refused");
    assert!(said.contains("pipeline.toml, line 2: step 1: "), "{said}");
    assert!(said.contains("unknown field `value`"), "{said}");
    assert!(said.ends_with("(with `step.json`)"), "{said}");
    let said = files(b"[1]").expect_err("refused");
    assert!(
        said.contains("line 4: step 1: `step.json` is no JSON object"),
        "{said}"
    );
    let said = files(br#"{"kind": "impute"}"#).expect_err("refused");
    assert!(
        said.contains("`kind` is given here and in `step.json`"),
        "{said}"
    );
}

#[test]
fn mistakes_are_said_with_file_line_and_key() {
    let cases = [
        (
            "nam = \"x\"\n",
            "/pipeline.toml, line 1: `nam`: unknown field `nam`",
        ),
        (
            "\n\nfeatures = [1]\n",
            "/pipeline.toml, line 3: `features[0]`: invalid type: integer `1`, expected a feature's name, or a table",
        ),
        (
            "features = [{name = \"a\", typ = \"text\"}]\n",
            "/pipeline.toml, line 1: `features[0].typ`: unknown field `typ`",
        ),
        ("features = [\"a\"", "/pipeline.toml, line 1: "),
        (
            "[[step]]\nkind = \"impte\"\n",
            "/pipeline.toml, line 2: step 1: `kind`: unknown variant `impte`, expected one of `include`",
        ),
        (
            "missing = true\n\n[[step]]\nkind = \"exclude\"\nfeatures = [\"a\"]\nmeans = 1\n",
            "/pipeline.toml, line 6: step 1: unknown field `means`",
        ),
        (
            "[[step]]\nkind = \"exclude\"\n",
            "/pipeline.toml, line 1: step 1: missing field `features`",
        ),
        (
            "[[step]]\nkind = \"exclude\"\nfile = \"x.json\"\n",
            "/pipeline.toml, line 3: step 1: `file`: there is no file `x.json` (only `model.ubj`, `pipeline.toml`)",
        ),
        (
            "model = \"m.txt\"\n",
            ": there is no file `m.txt` (only `model.ubj`, `pipeline.toml`)",
        ),
        (
            "run = \"fast\"\n",
            "/pipeline.toml, line 1: `run`: unknown variant `fast`, expected `inline` or `blocking`",
        ),
        (
            "kind = \"forest\"\n",
            ": `kind` must be one of `trees`, `onnx`, got `forest`",
        ),
        (
            "classes = [\"a\"]\n",
            ": `classes` has 1 names (`a`), and the model answers with 2 numbers",
        ),
        (
            "features = [\"a\"]\n",
            ": the model takes 6 values, and features and steps make 1 (`a`)",
        ),
        ("features = [\"a\", \"a\"]\n", ": `features` has `a` twice"),
        (
            "features = []\n",
            ": `features` has 0, and 1 to 10000 are taken",
        ),
        (
            "[message]\nname = \"x y\"\n",
            ": `message.name` must be the full name of a message, such as `shop.Customer`, got `x y`",
        ),
    ];
    for (toml, expected) in cases {
        let said = refusal(toml);
        assert!(said.starts_with(expected), "{toml:?}: {said}");
    }
}

#[test]
fn a_step_that_does_not_fit_is_said_by_its_number() {
    let step = |step: &str| refusal(&format!("{SIX}{step}"));
    let cases = [
        (
            "[[step]]\nkind = \"exclude\"\nfeatures = [\"x\"]\n",
            "step 1 (`exclude`): there is no column `x` (`a`, `b`, `c`, `d`, `e`, `f`)",
        ),
        (
            "[[step]]\nkind = \"standard_scaling\"\nfeatures = [\"a\"]\nmean = [1, 2]\n",
            "step 1 (`standard_scaling`): `mean` has 2 numbers for 1 features",
        ),
        (
            "[[step]]\nkind = \"standard_scaling\"\nfeatures = [\"a\"]\nscale = [0]\n",
            "`scale` holds a zero",
        ),
        (
            "[[step]]\nkind = \"tfidf\"\nfeature = \"a\"\nvocabulary = [\"x\"]\n",
            "`a` has numbers, and texts are wanted",
        ),
        (
            "[[step]]\nkind = \"one_hot\"\nfeatures = [\"a\"]\ncategories = [[\"x\"]]\n",
            "`a` has numbers, and its category 0 is none of these",
        ),
        (
            "[[step]]\nkind = \"include\"\nfeatures = [\"a\", \"a\"]\n",
            "`features` names `a` twice",
        ),
    ];
    for (toml, expected) in cases {
        let said = step(toml);
        assert!(said.contains(expected), "{toml:?}: {said}");
    }
    let text =
        "features = [{ name = \"a\", type = \"text\" }, \"b\", \"c\", \"d\", \"e\", \"f\"]\n";
    let said = refusal(text);
    assert_eq!(
        said,
        ": `a` has texts, and the model takes numbers: a step must make some of them"
    );
    let wide = "features = [{ name = \"a\", type = \"text\" }]\n\
                [[step]]\nkind = \"tfidf\"\nfeature = \"a\"\nvocabulary = [\"x\", \"y\"]\n\
                token_pattern = \"(a)(b)\"\n";
    assert!(refusal(wide).contains("it has 2 groups, and one is taken at most"));
}

#[test]
fn several_files_that_may_be_the_model_are_told_apart_by_name() {
    let files = [("a.ubj", BINARY), ("b.ubj", BINARY)];
    let folder = folder(&files);
    let said = load(folder.path()).expect_err("refused").to_string();
    assert!(
        said.ends_with("several files that may be the model (`a.ubj`, `b.ubj`): name it by `model` in pipeline.toml"),
        "{said}"
    );
    std::fs::write(folder.path().join("pipeline.toml"), "model = \"b.ubj\"\n").expect("written");
    load(folder.path()).expect("it loads");
}

#[test]
fn what_else_is_in_the_folder_does_no_harm() {
    let folder = folder(&[
        ("model.ubj", BINARY),
        ("README.md", b"#"),
        ("train.py", b""),
    ]);
    load(folder.path()).expect("it loads");
}

#[test]
#[cfg(not(feature = "onnx"))]
fn a_kind_that_is_not_built_in_is_refused_by_its_feature() {
    let folder = folder(&[("model.onnx", b"\x08\x07")]);
    let said = load(folder.path()).expect_err("refused").to_string();
    assert!(said.contains("it takes the feature `onnx`"), "{said}");
}

#[test]
fn another_services_model_is_no_pipeline() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/iris/model");
    let said = load(&path).expect_err("refused").to_string();
    assert!(
        said.ends_with("holds a model of the service `iris`, not a pipeline"),
        "{said}"
    );
}
