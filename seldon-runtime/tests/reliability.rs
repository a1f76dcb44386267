//! What the page on reliability says is so: its tests are there, its limits are all of them, and the
//! manifests fit the server.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use seldon_runtime::Limits;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = top().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn each_test_that_the_page_names_is_there() {
    let page = read("docs/RELIABILITY.md");
    let mut named = 0;
    for (file, test) in page.split('`').filter_map(|text| text.split_once(".rs::")) {
        let file = format!("{file}.rs");
        let folders = ["", "seldon-runtime", "seldon-runtime/tests"];
        let mut files = folders.iter().map(|folder| top().join(folder).join(&file));
        let text = (files.find(|path| path.is_file())).map(read);
        let text = text.unwrap_or_else(|| panic!("{file} is not there"));
        assert!(
            text.contains(&format!("fn {test}(")),
            "{file} has no {test}"
        );
        named += 1;
    }
    assert!(named > 50, "{named} are named");
}

#[test]
fn each_limit_is_on_the_page() {
    let page = read("docs/RELIABILITY.md");
    let limits = serde_json::to_value(Limits::default()).expect("limits are text");
    for limit in limits.as_object().expect("a table").keys() {
        assert!(
            page.contains(&format!("`{limit}`")),
            "{limit} is not told of"
        );
    }
}

#[test]
fn a_pod_has_the_time_that_its_end_takes() {
    let manifest = read("deploy/kubernetes/deployment.yaml");
    let grace = manifest.split("terminationGracePeriodSeconds: ").nth(1);
    let grace = grace.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    let grace = Duration::from_secs(grace.expect("it has a time"));
    let limits = Limits::default();
    assert!(grace > limits.lame_duck + limits.drain);
}
