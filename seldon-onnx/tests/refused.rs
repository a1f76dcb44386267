//! What is wrong is said in one sentence: with a file, with a graph, with what it is asked.

use std::fs;
use std::path::Path;

use prost::Message as _;
use seldon_onnx::{Inputs, Onnx};
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};

fn bytes(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::read(folder.join(format!("{name}.onnx"))).expect("a fixture")
}

fn onnx(name: &str) -> Onnx {
    Onnx::from_bytes(&bytes(name)).expect("a graph")
}

fn refused(bytes: &[u8]) -> String {
    match Onnx::from_bytes(bytes) {
        Ok(_) => panic!("it was taken"),
        Err(error) => {
            assert!(!error.is_input(), "{error}");
            error.to_string()
        }
    }
}

/// A graph whose file was changed.
fn changed(name: &str, change: impl FnOnce(&mut GraphProto)) -> Vec<u8> {
    let mut model = ModelProto::decode(&*bytes(name)).expect("a graph");
    change(model.graph.as_mut().expect("a graph"));
    model.encode_to_vec()
}

/// The error of a graph of which an attribute of whole numbers was changed.
fn with_ints(name: &str, attribute: &str, change: impl FnOnce(&mut Vec<i64>)) -> String {
    refused(&changed(name, |graph| {
        let node = graph
            .node
            .iter_mut()
            .find(|node| node.attribute.iter().any(|a| a.name == attribute));
        let attributes = &mut node.expect("a node").attribute;
        change(
            &mut attributes
                .iter_mut()
                .find(|a| a.name == attribute)
                .expect("it")
                .ints,
        );
    }))
}

#[test]
fn what_is_no_graph_is_refused() {
    assert!(refused(b"{\"learner\":{}}").starts_with("this is no ONNX file: "));
    assert!(refused(&[0xff; 64]).starts_with("this is no ONNX file: "));
    assert_eq!(
        refused(b""),
        "the file holds no graph: is it an ONNX model?"
    );
    let error = Onnx::open("/nowhere/model.onnx").expect_err("no file");
    assert!(
        error
            .to_string()
            .starts_with("/nowhere/model.onnx: No such file"),
        "{error}"
    );
}

#[test]
fn an_operator_that_is_not_known_is_named_with_its_node() {
    let error = refused(&bytes("refused_operator"));
    let start =
        "the graph has operators that are not known here: Frobnicate (node `odd`); the feature";
    assert!(error.starts_with(start), "{error}");
    for name in ["tfidf", "counts"] {
        let error = refused(&bytes(&format!("refused_{name}")));
        assert!(error.contains("onnx-runtime"), "{error}");
        assert!(error.contains("TfIdfVectorizer"), "{error}");
    }
}

#[test]
fn a_tree_that_is_none_is_refused() {
    let circle = with_ints("tree_binary", "nodes_truenodeids", |children| {
        children[1] = 0
    });
    assert!(circle.contains("TreeEnsembleClassifier"), "{circle}");
    assert!(circle.contains("its root leads to"), "{circle}");
    let all = with_ints("tree_binary", "nodes_truenodeids", |children| {
        children.fill(0)
    });
    assert!(all.contains("tree 0: "), "{all}");
    let far = with_ints("tree_binary", "nodes_truenodeids", |children| {
        children[0] = 1 << 40
    });
    assert!(far.contains("tree"), "{far}");
    let twice = with_ints("tree_binary", "nodes_nodeids", |ids| ids[2] = ids[1]);
    assert!(twice.contains("tree"), "{twice}");
    let feature = with_ints("tree_binary", "nodes_featureids", |features| {
        features[0] = -1
    });
    assert!(feature.contains("splits on feature"), "{feature}");
    let class = with_ints("tree_three", "class_ids", |classes| classes[0] = 3);
    assert!(
        class.contains("adds to score 3, and there are 3"),
        "{class}"
    );
    let short = with_ints("tree_binary", "nodes_falsenodeids", |children| {
        children.truncate(3)
    });
    assert!(
        short.contains("`nodes_falsenodeids` has 3 entries"),
        "{short}"
    );
}

#[test]
fn tensors_that_are_not_as_long_as_they_say_are_refused() {
    let weights = |change: fn(&mut TensorProto)| {
        refused(&changed("convolutional", |graph| {
            change(&mut graph.initializer[0])
        }))
    };
    assert_eq!(
        weights(|w| w.dims[0] = -4),
        "weights `w1`: its shape [-4, 1, 3, 3] is none, or too large"
    );
    assert!(weights(|w| w.dims[0] = 1 << 60).ends_with("is none, or too large"));
    assert_eq!(
        weights(|w| w.dims[0] = 5),
        "weights `w1`: it has 144 bytes for 45 elements"
    );
    assert!(weights(|w| w.data_location = Some(1)).contains("it is kept in another file"));
    assert!(weights(|w| w.data_type = 16).contains("Bfloat16"));
    assert!(weights(|w| w.data_type = 8).contains("144 bytes"));
}

#[test]
fn what_does_not_fit_together_is_refused_with_the_node() {
    let error = refused(&changed("convolutional", |graph| {
        graph.output[0].name = "other".into()
    }));
    assert_eq!(error, "no node makes the output `other`");
    let error = refused(&changed("convolutional", |graph| {
        graph.node[2].input[0] = "nothing".into();
    }));
    assert!(error.contains("no node makes nothing"), "{error}");
    let error = refused(&changed("convolutional", |graph| {
        let again = graph.node[2].clone();
        graph.node.push(again);
    }));
    assert!(error.ends_with("is made twice"), "{error}");
    // A node that is its own input.
    let error = refused(&changed("convolutional", |graph| {
        graph.node[0].input[0] = "c1".into();
    }));
    assert!(
        error.starts_with("the graph cannot be planned: "),
        "{error}"
    );
    let error = refused(&changed("convolutional", |graph| graph.input.clear()));
    assert_eq!(error, "the graph takes no input");
    let error = refused(&changed("logistic_named", |graph| {
        graph.input[0].r#type = None
    }));
    assert!(error.starts_with("input `X`: it is no tensor"), "{error}");
}

#[test]
fn graphs_within_graphs_have_a_limit() {
    let error = refused(&changed("logistic_named", |graph| {
        for _ in 0..20 {
            let inner = GraphProto {
                node: std::mem::take(&mut graph.node),
                ..GraphProto::default()
            };
            let mut node = NodeProto {
                op_type: "If".into(),
                output: graph
                    .output
                    .iter()
                    .map(|output| output.name.clone())
                    .collect(),
                ..NodeProto::default()
            };
            node.attribute.push(tract_onnx::pb::AttributeProto {
                name: "then_branch".into(),
                g: Some(inner),
                ..Default::default()
            });
            graph.node.push(node);
        }
    }));
    assert!(error.ends_with("more than 8 deep"), "{error}");
}

#[test]
fn what_is_asked_wrongly_is_said_with_what_would_be_right() {
    let graph = onnx("columns_one_hot_logistic");
    let ask = |inputs: Inputs| {
        let error = graph.run(&inputs).expect_err("it was taken");
        assert!(error.is_input(), "{error}");
        error.to_string()
    };
    let right = || {
        let inputs = Inputs::rows(1)
            .with("age", vec![0.5f32])
            .with("income", vec![f32::NAN]);
        inputs
            .with("visits", vec![3i64])
            .with("plan", vec!["free".to_owned()])
    };
    assert_eq!(ask(right()), "the input `city: text, 1 column` is missing");
    assert_eq!(
        ask(right().with("city", vec![1.0f32])),
        "the input `city: text, 1 column`: numbers are given"
    );
    assert_eq!(
        ask(right().with("city", ["Rom", "Bern"].as_slice())),
        "the input `city: text, 1 column`: 2 values are given, and 1 are needed"
    );
    assert_eq!(
        ask(right().with("town", vec![1.0f32])),
        "the graph has no input `town`; it takes `age: f32, 1 column`, `income: f32, 1 column`, \
         `city: text, 1 column`, `visits: i64, 1 column`, `plan: text, 1 column`"
    );
    assert_eq!(
        ask(right().with("age", vec![1.0f32])),
        "the input `age` is given twice"
    );
    assert_eq!(ask(Inputs::rows(0)), "there are no rows");
    let visits = |visits: f64| {
        let inputs = Inputs::rows(1)
            .with("age", vec![0.5f32])
            .with("income", vec![0.5f32]);
        inputs
            .with("city", ["Rom"].as_slice())
            .with("plan", ["free"].as_slice())
            .with("visits", vec![visits])
    };
    assert_eq!(
        ask(visits(2.5)),
        "the input `visits: i64, 1 column`: 2.5 is no i64"
    );
    assert_eq!(
        ask(visits(1e300)).split(':').next_back(),
        Some(&*format!(" {} is no i64", 1e300))
    );
    assert!(graph.run(&visits(2.0)).is_ok());
    let error = graph.predict_f32(&[0.0; 5], 1).expect_err("texts");
    assert_eq!(
        error.to_string(),
        "the input `city: text, 1 column` takes texts, and numbers are given"
    );
    assert!(error.is_input());
}

#[test]
fn rows_of_numbers_are_checked() {
    let graph = onnx("forest_named");
    assert_eq!(graph.width(), Some(4));
    let wrong = |values: &[f32], rows| {
        graph
            .predict_f32(values, rows)
            .expect_err("wrong")
            .to_string()
    };
    assert_eq!(
        wrong(&[0.0; 7], 2),
        "the input `X: f32, 4 columns`: 7 values are given, and 2 rows of 4 are needed"
    );
    assert_eq!(wrong(&[], 0), "there are no rows");
    assert_eq!(graph.predict_f32(&[0.5; 8], 2).expect("two rows").len(), 6);
}

#[test]
fn a_graph_of_one_row_takes_many_and_one_of_several_takes_as_many() {
    let one = onnx("convolutional_one");
    let image: Vec<f32> = (0..64u8).map(f32::from).collect();
    let other: Vec<f32> = image.iter().rev().copied().collect();
    let both = one
        .predict_f32(&[&*image, &*other].concat(), 2)
        .expect("two images");
    let each = [image, other].map(|image| one.predict_f32(&image, 1).expect("an image"));
    assert_eq!(both, each.concat());

    let four = changed("convolutional", |graph| {
        let kind = graph.input[0]
            .r#type
            .as_mut()
            .expect("a type")
            .value
            .as_mut();
        let tract_onnx::pb::type_proto::Value::TensorType(tensor) = kind.expect("a tensor");
        let dim = &mut tensor.shape.as_mut().expect("a shape").dim[0];
        dim.value = Some(tract_onnx::pb::tensor_shape_proto::dimension::Value::DimValue(4));
    });
    let four = Onnx::from_bytes(&four).expect("a graph");
    assert_eq!(four.predict_f32(&[0.5; 4 * 64], 4).expect("four").len(), 12);
    let error = four.predict_f32(&[0.5; 64], 1).expect_err("one");
    assert_eq!(
        error.to_string(),
        "the graph is for 4 rows at once, and 1 are given"
    );
}
