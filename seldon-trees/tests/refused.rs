//! Files that are no model, are damaged, or hold what is not read; and rows that do not fit.

use std::fs;
use std::path::Path;

use seldon_trees::Forest;

fn fixture(path: &str) -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::read(fixtures.join(path)).expect("it is shipped")
}

fn text(path: &str) -> String {
    String::from_utf8(fixture(path)).expect("text")
}

/// The sentence that refuses `bytes`.
fn sentence(bytes: impl AsRef<[u8]>) -> String {
    let error = Forest::from_bytes(bytes.as_ref()).expect_err("it is refused");
    let sentence = error.to_string();
    assert!(
        !sentence.contains('\n') && sentence.len() < 300,
        "{sentence}"
    );
    sentence
}

/// Asserts that `bytes` are refused by a sentence that holds `says`.
fn refused(bytes: impl AsRef<[u8]>, says: &str) {
    assert!(
        Forest::from_bytes(bytes.as_ref()).is_err(),
        "expected: {says}"
    );
    let sentence = sentence(bytes);
    assert!(sentence.contains(says), "{sentence}");
}

/// A small XGBoost model with `from` replaced by `to`, which must be there.
fn xgboost(from: &str, to: &str) -> String {
    changed(&text("xgboost-3.2.0/constant.json"), from, to)
}

/// One with real trees: `tree` of the result has `from` replaced by `to`.
fn lightgbm(from: &str, to: &str) -> String {
    changed(&text("lightgbm-4.7.0/categorical.txt"), from, to)
}

fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

/// A node as XGBoost writes it: left, right, feature, threshold.
type Node = (i32, i32, u32, &'static str);

/// A model of one tree.
fn tree(nodes: &[Node]) -> String {
    let list = |of: fn(&Node) -> String| nodes.iter().map(of).collect::<Vec<_>>().join(",");
    format!(
        r#"{{"learner":{{"gradient_booster":{{"name":"gbtree","model":{{
        "gbtree_model_param":{{"num_trees":"1","num_parallel_tree":"1"}},"tree_info":[0],"trees":[{{
        "default_left":[{}],"left_children":[{}],"right_children":[{}],"split_indices":[{}],
        "split_conditions":[{}],"tree_param":{{"size_leaf_vector":"1"}}}}]}}}},
        "learner_model_param":{{"base_score":"0","num_class":"0","num_feature":"2"}},
        "objective":{{"name":"reg:squarederror"}}}}}}"#,
        list(|_| "0".into()),
        list(|node| node.0.to_string()),
        list(|node| node.1.to_string()),
        list(|node| node.2.to_string()),
        list(|node| node.3.to_owned()),
    )
}

const LEAF: Node = (-1, -1, 0, "0.5");

#[test]
fn a_tree_by_hand_is_taken() {
    let forest = Forest::from_bytes(tree(&[(1, 2, 1, "3"), LEAF, (-1, -1, 0, "7")]).as_bytes());
    let forest = forest.expect("it is a model");
    let predict = |x: f32| forest.predict(&[0.0, x]).expect("a row");
    assert_eq!(
        [predict(2.9), predict(3.0), predict(f32::NAN)],
        [[0.5], [7.0], [7.0]]
    );
}

#[test]
fn what_is_no_tree_is_refused_with_the_node() {
    for (nodes, says) in [
        (
            &[(0, 1, 0, "1"), LEAF][..],
            "tree 0: node 0: its child 0 is reached a second time",
        ),
        (
            &[(1, 1, 0, "1"), LEAF],
            "tree 0: node 0: its child 1 is reached a second time",
        ),
        (
            &[(1, 2, 0, "1"), (0, 2, 0, "1"), LEAF],
            "tree 0: node 1: its child 0 is reached",
        ),
        (
            &[(1, 3, 0, "1"), LEAF, LEAF],
            "tree 0: node 0: its children are [1, 3], and the tree has 3",
        ),
        (
            &[(1, -7, 0, "1"), LEAF],
            "tree 0: node 0: its children are [1, -7]",
        ),
        (
            &[(1, 2, 2, "1"), LEAF, LEAF],
            "tree 0: node 0: it splits on feature 2, and there are 2",
        ),
        (
            &[(1, 2, 0, "NaN"), LEAF, LEAF],
            "tree 0: node 0: its threshold is inf, a finite number",
        ),
        (
            &[(1, 2, 0, "1e60"), LEAF, LEAF],
            "tree 0: node 0: its threshold is inf",
        ),
        (
            &[(1, 2, 0, "1"), LEAF, (-1, -1, 0, "-Infinity")],
            "tree 0: node 2: its value is -inf",
        ),
        (&[], "tree 0: it has no nodes"),
    ] {
        refused(tree(nodes), says);
    }
}

#[test]
fn a_tree_too_deep_is_refused() {
    let chain = |depth: i32| {
        let mut nodes: Vec<_> = (0..depth).map(|n| (2 * n + 1, 2 * n + 2, 0, "1")).collect();
        // Each split's children are a leaf and the next split.
        for n in 0..depth {
            nodes[n as usize] = (depth + 1 + n, n + 1, 0, "1");
        }
        nodes.extend((0..=depth).map(|_| LEAF));
        tree(&nodes)
    };
    assert!(Forest::from_bytes(chain(4096).as_bytes()).is_ok());
    let sentence = sentence(chain(4097));
    assert_eq!(sentence, "tree 0: it is more than 4096 deep");
}

#[test]
fn models_of_other_kinds_are_refused_by_name() {
    for (path, says) in [
        (
            "xgboost-3.2.0/refused_gblinear.json",
            "(`gblinear`): it has no trees",
        ),
        (
            "xgboost-3.2.0/refused_gblinear.ubj",
            "(`gblinear`): it has no trees",
        ),
        (
            "xgboost-3.2.0/refused_vector_leaf.json",
            "tree 0: its leaves are vectors",
        ),
        (
            "xgboost-3.2.0/refused_vector_leaf.ubj",
            "(`multi_strategy=multi_output_tree`)",
        ),
        (
            "lightgbm-4.7.0/refused_linear_tree.txt",
            "tree 0: its leaves are linear models (`linear_tree`)",
        ),
    ] {
        refused(fixture(path), says);
    }
}

#[test]
fn what_is_no_model_file_is_named() {
    for (bytes, says) in [
        (&b""[..], "the model is empty"),
        (b"  \n", "the model is empty"),
        (
            b"binf\0\0",
            "this is XGBoost's old binary format, write it anew",
        ),
        (
            b"\x80\x04\x95",
            "this is a Python pickle, write the model with `save_model`",
        ),
        (
            b"\x1f\x8b\x08",
            "this is compressed by gzip, unpack it first",
        ),
        (b"PK\x03\x04", "this is a zip archive, unpack it first"),
        (
            b"a,b\n1,2\n",
            "this is no model that is known; XGBoost's JSON and UBJSON and LightGBM's",
        ),
        (
            b"{",
            "no XGBoost model in JSON: EOF while parsing an object at line 1 column 1",
        ),
        (b"{}", "no XGBoost model in JSON: missing field `learner`"),
        (
            b"{\"learner\":3}",
            "invalid type: integer `3`, expected struct Learner",
        ),
        (
            b"tree\n",
            "the model's format is ``, and v2, v3, v4 are known",
        ),
        (
            b"tree\nversion=v5\n",
            "the model's format is `v5`, and v2, v3, v4 are known",
        ),
        (b"{L", "no XGBoost model in UBJSON: the file is cut off"),
    ] {
        refused(bytes, says);
    }
}

#[test]
fn what_does_not_fit_in_an_xgboost_model_is_said() {
    let base = r#""base_score":"[2.3136932E-1]""#;
    for (bytes, says) in [
        (
            xgboost("reg:squarederror", "reg:mine"),
            "the objective `reg:mine` is not known",
        ),
        (
            xgboost("\"gbtree\"", "\"gbforest\""),
            "the booster is `gbforest`, only gbtree and dart are",
        ),
        (
            xgboost(base, r#""base_score":"[1,2]""#),
            "`base_score` is 2 numbers, and the model has 1 outputs",
        ),
        (xgboost(base, r#""base_score":"x""#), "`x` are no numbers"),
        (
            xgboost(base, r#""base_score":"nan""#),
            "`base_score` is NaN, out of its range",
        ),
        (
            xgboost(base, r#""base_score":[]"#),
            "invalid length 0, expected a number",
        ),
        (
            xgboost(r#""num_class":"0""#, r#""num_class":"99""#),
            "the model has 99 outputs, and 2 trees",
        ),
        (
            xgboost(r#""num_class":"0""#, r#""num_class":"-1""#),
            "`-1` is no such number",
        ),
        (
            xgboost(
                r#""num_class":"0","num_feature":"6""#,
                r#""num_class":"0","num_feature":"0""#,
            ),
            "the model takes no features",
        ),
        (
            xgboost(
                r#""num_class":"0","num_feature":"6""#,
                r#""num_class":"0","num_feature":"99999999""#,
            ),
            "99999999 features, at most 16777216",
        ),
        (
            xgboost(r#""feature_names":[]"#, r#""feature_names":["a"]"#),
            "6 features, and has names for 1",
        ),
        (
            xgboost(r#""tree_info":[0,0]"#, r#""tree_info":[0]"#),
            "2 trees, and `tree_info` is for 1",
        ),
        (
            xgboost(r#""tree_info":[0,0]"#, r#""tree_info":[0,-4]"#),
            "tree 1: it adds to output",
        ),
        (
            xgboost("[0,1,2]", "[0,2,1]"),
            "`iteration_indptr` does not lead up to the 2 trees",
        ),
        (
            xgboost("[0,1,2]", "[1,2]"),
            "`iteration_indptr` does not begin with 0",
        ),
        (
            xgboost(r#""default_left":[0]"#, r#""default_left":[]"#),
            "tree 0: it has 1 nodes, and `default_left` is for 0",
        ),
        (
            xgboost(r#""split_type":[0]"#, r#""split_type":[0,0]"#),
            "and `split_type` is for 2",
        ),
        (
            xgboost(
                r#""attributes":{}"#,
                r#""attributes":{"best_iteration":"x"}"#,
            ),
            "`x` is no such number",
        ),
    ] {
        refused(bytes, says);
    }
    let logistic =
        xgboost("reg:squarederror", "binary:logistic").replace(base, r#""base_score":"1""#);
    assert_eq!(sentence(logistic), "`base_score` is 1, out of its range");
}

#[test]
fn categories_that_do_not_fit_are_said() {
    let model = text("xgboost-3.2.0/categorical.json");
    for (from, to, says) in [
        (
            r#""categories_nodes":[3,"#,
            r#""categories_nodes":[0,"#,
            "tree 0: node 3: it splits on categories, and has none",
        ),
        (
            r#""categories":[0,"#,
            r#""categories":[-1,"#,
            "-1 is no category, they are from 0 to 16777215",
        ),
        (
            r#""categories":[0,"#,
            r#""categories":[16777216,"#,
            "16777216 is no category",
        ),
        (
            r#""categories_sizes":[4,"#,
            r#""categories_sizes":[99,"#,
            "`categories_sizes` are more than its 17",
        ),
        (
            r#""categories_segments":[0,"#,
            r#""categories_segments":[99,"#,
            "its categories are 4 from 99, and the tree has 17",
        ),
        (
            r#""categories_nodes":[3,"#,
            r#""categories_nodes":["#,
            "3 of its nodes split on categories, and",
        ),
        (
            r#""split_type":[0,"#,
            r#""split_type":[2,"#,
            "tree 0: node 0: 2 is no kind of split",
        ),
    ] {
        refused(changed(&model, from, to), says);
    }
}

#[test]
fn names_of_categories_that_do_not_fit_are_said() {
    let model = text("xgboost-3.2.0/data_frame.json");
    let shape = r#"{"offsets":[0,4,9],"values":[102,"#;
    for (from, to, says) in [
        (
            shape,
            r#"{"offsets":[0,4,99],"values":[102,"#,
            "the categories of feature 4: they lie outside",
        ),
        (
            shape,
            r#"{"offsets":[4,0,9],"values":[102,"#,
            "the categories of feature 4: their offsets go back",
        ),
        (
            "[0,10,20]",
            "[0,1e17]",
            "the categories of feature 3: one is too great",
        ),
        (
            r#""enc":[{"offsets":[],"values":[]},"#,
            r#""enc":["#,
            "5 features, and has categories for 4",
        ),
    ] {
        refused(changed(&model, from, to), says);
    }
}

#[test]
fn what_does_not_fit_in_a_lightgbm_model_is_said() {
    for (bytes, says) in [
        (
            lightgbm("objective=regression", "objective=mine"),
            "the objective `mine` is not known",
        ),
        (
            lightgbm("objective=regression", "objective=binary sigmoid:-1"),
            "`sigmoid` is -1, it must be above 0",
        ),
        (
            lightgbm("max_feature_idx=5", "max_feature_idx=x"),
            "`max_feature_idx` holds `x`, no such number",
        ),
        (
            lightgbm("max_feature_idx=5\n", ""),
            "`max_feature_idx` is missing",
        ),
        (
            lightgbm("max_feature_idx=5", "max_feature_idx=18446744073709551615"),
            "at most 16777216 are read",
        ),
        (
            lightgbm("num_tree_per_iteration=1", "num_tree_per_iteration=0"),
            "`num_tree_per_iteration` is 0",
        ),
        (
            lightgbm("num_tree_per_iteration=1", "num_tree_per_iteration=999"),
            "is 999, and there are 8 trees",
        ),
        (
            lightgbm("num_tree_per_iteration=1", "num_tree_per_iteration=3"),
            "8 trees, which is not what its head",
        ),
        (
            lightgbm("tree_sizes=", "tree_sizes=1 "),
            "8 trees, which is not what its head",
        ),
        (
            lightgbm("feature_names=Column_0 ", "feature_names="),
            "6 features, and has names for 5",
        ),
        (lightgbm("Tree=3", "Tree=5"), "tree 3: it is called `5`"),
        (
            lightgbm("num_leaves=7", "num_leaves=0"),
            "tree 0: `num_leaves` is 0",
        ),
        (
            lightgbm("num_leaves=7", "num_leaves=9000000000000000000"),
            "numbers, 8999999999999999999 are needed",
        ),
        (
            lightgbm("leaf_value=-0.75", "leaf_value=nan -0.75"),
            "`leaf_value` is 8 numbers, 7 are needed",
        ),
        (
            lightgbm("leaf_value=", "leaf_value=nan"),
            "`leaf_value` holds `nan-",
        ),
        (
            lightgbm("split_feature=0", "split_feature=77"),
            "tree 0: node 0: it splits on feature 77, and there are 6",
        ),
        (
            lightgbm("left_child=1 -1", "left_child=1 0"),
            "tree 0: node 1: its child 0 is reached a second time",
        ),
        (
            lightgbm("left_child=1 -1", "left_child=1 -9223372036854775808"),
            "tree 0: node 1: its children are",
        ),
        (
            lightgbm("left_child=1 -1", "left_child=1 6"),
            "tree 0: node 1: its children are",
        ),
        (
            lightgbm("threshold=0.39", "threshold=inf0.39"),
            "`threshold` holds `inf0.39",
        ),
        (
            lightgbm("decision_type=10", "decision_type=14"),
            "tree 0: node 0: 3 is no kind of missing value",
        ),
        (
            lightgbm("decision_type=10 8", "decision_type=10 9"),
            "tree 0: node 1: -0.60381",
        ),
        (
            lightgbm("cat_boundaries=0 1 2 3", "cat_boundaries=0 2 1 3"),
            "tree 0: `cat_boundaries` go back",
        ),
        (
            lightgbm("cat_boundaries=0 1 2 3", "cat_boundaries=0 1 2 99"),
            "`cat_threshold` is 3 numbers, 99 are",
        ),
        (
            lightgbm("num_cat=3", "num_cat=99"),
            "`cat_boundaries` is 4 numbers, 100 are needed",
        ),
        (
            lightgbm("num_cat=3", "num_cat=0"),
            "set 0 of categories, and the tree has 0",
        ),
        (
            lightgbm("end of trees", "end of all"),
            "tree 7: the file is cut off in it",
        ),
    ] {
        refused(bytes, says);
    }
}

/// Lengths that no file could hold, at every place where UBJSON has one.
#[test]
fn a_length_is_not_believed() {
    let long = 1i64 << 60;
    for head in [
        &b"{L"[..],
        b"{i\x07learner{i\x0dfeature_names[$d#L",
        b"{i\x01a[#L",
        b"{i\x01aSL",
        b"{#L",
    ] {
        let bytes = [head, &long.to_be_bytes()].concat();
        let sentence = sentence(bytes);
        assert!(
            sentence.contains("a length is 1152921504606846976, and the file has 0 more bytes"),
            "{sentence}"
        );
    }
    // A value that is all type takes no byte, so that a length of it can be anything.
    let bytes = [&b"{i\x01a[$Z#L"[..], &long.to_be_bytes(), b"}"].concat();
    assert!(sentence(bytes).contains("values of type `Z` cannot be in one container at byte 6"));
}

#[test]
fn what_nests_too_deep_is_refused() {
    let ubj = [&b"{i\x01a"[..], &b"[".repeat(100_000)].concat();
    assert!(sentence(ubj).contains("it nests more than 128 deep at byte"));
    let json = format!("{{\"a\":{}", "[".repeat(100_000));
    // What is passed over takes a byte a level, and no stack.
    assert!(sentence(json).contains("EOF while parsing a list"));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for path in [
        "xgboost-3.2.0/constant.json",
        "xgboost-3.2.0/constant.ubj",
        "xgboost-3.2.0/categorical.ubj",
    ] {
        let bytes = fixture(path);
        for end in 0..bytes.len() - 1 {
            assert!(
                Forest::from_bytes(&bytes[..end]).is_err(),
                "{path} at {end}"
            );
        }
    }
    let bytes = fixture("lightgbm-4.7.0/categorical.txt");
    let trees = text("lightgbm-4.7.0/categorical.txt")
        .find("end of trees")
        .expect("its end");
    for end in 0..trees + "end of tree".len() {
        assert!(Forest::from_bytes(&bytes[..end]).is_err(), "at {end}");
    }
}

#[test]
fn what_follows_a_model_is_refused() {
    let mut ubj = fixture("xgboost-3.2.0/constant.ubj");
    let end = ubj.len();
    ubj.push(b'}');
    assert!(sentence(ubj).ends_with(&format!("something follows the model at byte {end}")));
    let json = text("xgboost-3.2.0/constant.json") + "x";
    assert!(sentence(json).contains("trailing characters"));
}

#[test]
fn a_file_is_named_in_its_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.json");
    let error = Forest::open(&path).expect_err("it is missing").to_string();
    assert!(error.contains("model.json: "), "{error}");
    fs::write(&path, "{}").expect("written");
    let error = Forest::open(&path).expect_err("it is none").to_string();
    assert!(
        error.contains("model.json: this is no XGBoost model in JSON"),
        "{error}"
    );
}

#[test]
fn a_row_of_another_length_is_refused() {
    let forest = Forest::from_bytes(&fixture("xgboost-3.2.0/binary.ubj")).expect("a model");
    let says = |result: seldon_trees::Result<Vec<f64>>| result.expect_err("refused").to_string();
    let row = "the row has 5 features, and the model takes 6";
    assert_eq!(says(forest.predict(&[0.0; 5])), row);
    assert_eq!(says(forest.predict_raw(&[0.0_f32; 5])), row);
    assert_eq!(says(forest.probabilities(&[0.0; 5])), row);
    let batch = says(forest.predict_batch(&[0.0; 17]));
    assert_eq!(batch, "the last row has 5 features, and the model takes 6");
    assert!(
        forest
            .predict_batch::<f32>(&[])
            .expect("no rows")
            .is_empty()
    );
    let none = forest
        .predict_into(&[0.0; 6], &mut [])
        .expect_err("no room")
        .to_string();
    assert_eq!(none, "the answer is 1 numbers, and there is room for 0");
}

#[test]
fn a_regression_has_no_probabilities() {
    let forest = Forest::from_bytes(&fixture("xgboost-3.2.0/poisson.ubj")).expect("a model");
    let error = forest
        .probabilities(&[0.0; 6])
        .expect_err("none")
        .to_string();
    assert!(
        error.starts_with("the objective `count:poisson` has no classes"),
        "{error}"
    );
}
