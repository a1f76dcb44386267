//! What the compiler says of each mistake, and what must compile. See `ui/README.md`.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn compiler() {
    // One list, so that the two kinds share a build.
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*/*.rs");
}

#[test]
fn each_mistake_is_one_error() {
    for (file, text) in said() {
        let errors = (text.lines())
            .filter(|line| line.starts_with("error:") || line.starts_with("error["))
            .count();
        let several =
            (file.file_name()).is_some_and(|name| name.to_string_lossy().starts_with("several_"));
        assert!(
            if several { errors > 1 } else { errors == 1 },
            "{} has {errors} errors",
            file.display()
        );
    }
}

#[test]
fn no_path_of_a_machine_is_expected() {
    for (file, text) in said() {
        for path in [
            "/home/",
            "/root/",
            "/rustc/",
            "/tmp/",
            env!("CARGO_MANIFEST_DIR"),
        ] {
            assert!(!text.contains(path), "{} has {path}", file.display());
        }
    }
}

/// What is expected of the compiler, by file: each mistake has its expectation.
fn said() -> Vec<(PathBuf, String)> {
    let topics = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui/fail");
    let list = |folder: &Path| {
        fs::read_dir(folder)
            .expect("the folder can be listed")
            .map(|entry| entry.expect("the entry can be read").path())
            .collect::<Vec<_>>()
    };
    let mistakes: Vec<_> = (list(&topics).iter())
        .flat_map(|topic| list(topic))
        .filter(|file| file.extension().is_some_and(|e| e == "rs"))
        .map(|file| {
            let file = file.with_extension("stderr");
            let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file:?}: {e}"));
            (file, text)
        })
        .collect();
    assert!(!mistakes.is_empty(), "there are none");
    mistakes
}
