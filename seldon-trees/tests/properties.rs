//! Random forests against a walk that is plain to see, and readers against random files.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use seldon_trees::Forest;

const FEATURES: usize = 4;

/// A tree of XGBoost's: what its file says.
#[derive(Debug, Clone)]
enum Node {
    Leaf(f32),
    Split {
        feature: usize,
        at: f32,
        default_left: bool,
        left: Box<Node>,
        right: Box<Node>,
    },
}

impl Node {
    /// The leaf's value, as one would explain it.
    fn value(&self, row: &[f32]) -> f32 {
        match self {
            Self::Leaf(value) => *value,
            Self::Split {
                feature,
                at,
                default_left,
                left,
                right,
            } => {
                let x = row[*feature];
                let go_left = if x.is_nan() { *default_left } else { x < *at };
                if go_left {
                    left.value(row)
                } else {
                    right.value(row)
                }
            }
        }
    }

    /// The same of LightGBM: what is at the threshold goes left, and it compares doubles.
    fn value_to_lightgbm(&self, row: &[f32]) -> f64 {
        match self {
            Self::Leaf(value) => f64::from(*value),
            Self::Split {
                feature,
                at,
                default_left,
                left,
                right,
            } => {
                let x = row[*feature];
                let go_left = if x.is_nan() { *default_left } else { x <= *at };
                let child = if go_left { left } else { right };
                child.value_to_lightgbm(row)
            }
        }
    }

    fn children(&self) -> Option<[&Self; 2]> {
        match self {
            Self::Leaf(_) => None,
            Self::Split { left, right, .. } => Some([left, right]),
        }
    }
}

/// Few values, so that rows lie on thresholds.
fn value() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => (-4i8..4).prop_map(|n| f32::from(n) / 2.0),
        1 => prop_oneof![Just(0.1f32), Just(f32::MAX), Just(f32::MIN), Just(f32::MIN_POSITIVE), Just(-0.0)],
    ]
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = (-1000i16..1000).prop_map(|n| Node::Leaf(f32::from(n) / 64.0));
    leaf.prop_recursive(6, 60, 2, |node| {
        let split = (0..FEATURES, value(), any::<bool>(), node.clone(), node);
        split.prop_map(|(feature, at, default_left, left, right)| Node::Split {
            feature,
            at,
            default_left,
            left: Box::new(left),
            right: Box::new(right),
        })
    })
}

fn row() -> impl Strategy<Value = Vec<f32>> {
    let value = prop_oneof![6 => value(), 1 => Just(f32::NAN), 1 => Just(f32::INFINITY), 1 => Just(f32::NEG_INFINITY)];
    vec(value, FEATURES)
}

/// The nodes of a tree, a parent before its children, which need not be neighbours.
fn listed(root: &Node) -> Vec<(&Node, usize, usize)> {
    fn list<'a>(node: &'a Node, nodes: &mut Vec<(&'a Node, usize, usize)>) -> usize {
        let place = nodes.len();
        nodes.push((node, 0, 0));
        if let Some([left, right]) = node.children() {
            let left = list(left, nodes);
            let right = list(right, nodes);
            (nodes[place].1, nodes[place].2) = (left, right);
        }
        place
    }
    let mut nodes = Vec::new();
    list(root, &mut nodes);
    nodes
}

fn xgboost_json(trees: &[Node]) -> serde_json::Value {
    let json = |(index, tree): (usize, &Node)| {
        let nodes = listed(tree);
        let of = |part: &dyn Fn(&(&Node, usize, usize)) -> serde_json::Value| {
            nodes.iter().map(part).collect::<Vec<_>>()
        };
        let child = |node: &Node, child: usize| match node {
            Node::Leaf(_) => (-1).into(),
            Node::Split { .. } => child.into(),
        };
        serde_json::json!({
            "id": index,
            "left_children": of(&|(node, left, _)| child(node, *left)),
            "right_children": of(&|(node, _, right)| child(node, *right)),
            "split_conditions": of(&|(node, ..)| match node {
                Node::Leaf(value) => (*value).into(),
                Node::Split { at, .. } => (*at).into(),
            }),
            "split_indices": of(&|(node, ..)| match node {
                Node::Leaf(_) => 0.into(),
                Node::Split { feature, .. } => (*feature).into(),
            }),
            "default_left": of(&|(node, ..)| match node {
                Node::Leaf(_) => 0.into(),
                Node::Split { default_left, .. } => u8::from(*default_left).into(),
            }),
            "tree_param": {"size_leaf_vector": "1"},
        })
    };
    let info = vec![0; trees.len()];
    let trees: Vec<_> = trees.iter().enumerate().map(json).collect();
    serde_json::json!({"learner": {
        "learner_model_param": {"base_score": "[5E-1]", "num_class": "0", "num_feature": FEATURES.to_string()},
        "objective": {"name": "reg:squarederror"},
        "gradient_booster": {"name": "gbtree", "model": {"trees": trees, "tree_info": info}},
    }})
}

/// The same as UBJSON, with its untyped containers.
fn ubj(value: &serde_json::Value, out: &mut Vec<u8>) {
    fn text(text: &str, out: &mut Vec<u8>) {
        out.push(b'L');
        out.extend((text.len() as i64).to_be_bytes());
        out.extend(text.as_bytes());
    }
    match value {
        serde_json::Value::Object(map) => {
            out.push(b'{');
            for (key, value) in map {
                text(key, out);
                ubj(value, out);
            }
            out.push(b'}');
        }
        serde_json::Value::Array(items) => {
            out.push(b'[');
            items.iter().for_each(|item| ubj(item, out));
            out.push(b']');
        }
        serde_json::Value::String(string) => {
            out.push(b'S');
            text(string, out);
        }
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(integer) => {
                out.push(b'L');
                out.extend(integer.to_be_bytes());
            }
            None => {
                out.push(b'D');
                out.extend(number.as_f64().expect("a number").to_be_bytes());
            }
        },
        other => panic!("{other} is not in a model"),
    }
}

fn lightgbm_text(trees: &[Node]) -> String {
    let mut text = format!(
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx={}\nobjective=regression\n\n",
        FEATURES - 1
    );
    for (index, tree) in trees.iter().enumerate() {
        let nodes = listed(tree);
        // Splits and leaves are numbered apart.
        let mut number = vec![0i64; nodes.len()];
        let (mut splits, mut leaves) = (0, 0);
        for (place, (node, ..)) in nodes.iter().enumerate() {
            let next = if node.children().is_some() {
                &mut splits
            } else {
                &mut leaves
            };
            number[place] = if node.children().is_some() {
                *next
            } else {
                !*next
            };
            *next += 1;
        }
        let mut lines = [const { Vec::new() }; 6];
        for (node, left, right) in &nodes {
            match node {
                Node::Leaf(value) => lines[5].push(value.to_string()),
                Node::Split {
                    feature,
                    at,
                    default_left,
                    ..
                } => {
                    let decision = 8 + 2 * u8::from(*default_left);
                    lines[0].push(feature.to_string());
                    lines[1].push(f64::from(*at).to_string());
                    lines[2].push(decision.to_string());
                    lines[3].push(number[*left].to_string());
                    lines[4].push(number[*right].to_string());
                }
            }
        }
        text += &format!("Tree={index}\nnum_leaves={leaves}\nnum_cat=0\n");
        let names = [
            "split_feature",
            "threshold",
            "decision_type",
            "left_child",
            "right_child",
            "leaf_value",
        ];
        for (name, numbers) in names.iter().zip(&lines) {
            text += &format!("{name}={}\n", numbers.join(" "));
        }
        text += "\n";
    }
    text + "end of trees\n"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_forest_answers_as_its_trees_are_read(
        trees in vec(node(), 1..20),
        rows in vec(row(), 1..140),
    ) {
        let json = xgboost_json(&trees);
        let mut bytes = Vec::new();
        ubj(&json, &mut bytes);
        let forests = [
            Forest::from_bytes(json.to_string().as_bytes()).expect("a model"),
            Forest::from_bytes(&bytes).expect("a model"),
        ];
        let light = Forest::from_bytes(lightgbm_text(&trees).as_bytes()).expect("a model");
        let single: Vec<f64> = rows.iter()
            .map(|row| trees.iter().fold(0.5, |sum, tree| sum + tree.value(row)).into())
            .collect();
        let double: Vec<f64> = rows.iter()
            .map(|row| trees.iter().map(|tree| tree.value_to_lightgbm(row)).sum())
            .collect();
        let flat = rows.concat();
        for (forest, expected) in [(&forests[0], &single), (&forests[1], &single), (&light, &double)] {
            prop_assert_eq!(&forest.predict_batch(&flat).expect("rows"), expected);
            for (row, expected) in rows.iter().zip(expected) {
                prop_assert_eq!(forest.predict(row).expect("a row"), [*expected]);
                let wide: Vec<f64> = row.iter().map(|x| f64::from(*x)).collect();
                prop_assert_eq!(forest.predict(&wide).expect("a row"), [*expected]);
            }
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in vec(any::<u8>(), 0..300)) {
        let _ = Forest::from_bytes(&bytes);
        let _ = Forest::from_xgboost_json(&bytes);
        let _ = Forest::from_xgboost_ubj(&bytes);
        let _ = Forest::from_lightgbm(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Bytes replaced, cut out and repeated: an error, or a forest that answers.
    #[test]
    fn no_changed_model_makes_a_reader_or_a_forest_panic(
        model in 0..MODELS.len(),
        changes in vec((any::<Index>(), any::<u8>(), 0..4u8), 1..6),
    ) {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let mut bytes = fs::read(fixtures.join(MODELS[model])).expect("it is shipped");
        for (place, byte, kind) in changes {
            let place = place.index(bytes.len());
            match kind {
                0 => bytes[place] = byte,
                1 => bytes[place] = b"0123456789-.eE, \n="[usize::from(byte) % 18],
                2 => drop(bytes.drain(place..(place + usize::from(byte)).min(bytes.len()))),
                _ => {
                    let part = bytes[place..(place + usize::from(byte)).min(bytes.len())].to_vec();
                    bytes.splice(place..place, part);
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        if let Ok(forest) = Forest::from_bytes(&bytes)
            && forest.features() < 1000
        {
            let row = vec![0.5f32; forest.features()];
            prop_assert_eq!(forest.predict(&row).expect("a row").len(), forest.outputs());
        }
    }
}

const MODELS: [&str; 7] = [
    "xgboost-3.2.0/categorical.ubj",
    "xgboost-3.2.0/constant.json",
    "xgboost-3.2.0/dart_softprob.ubj",
    "xgboost-1.7.6/categorical.json",
    "xgboost-2.1.4/softmax.ubj",
    "lightgbm-4.7.0/categorical.txt",
    "lightgbm-3.3.5/multiclass.txt",
];
