//! Trees that are planted lead each row where a plain walk does.

use proptest::prelude::*;
use seldon_trees::{Comparison, Planted, PlantedNode, Planter};

const COMPARISONS: [Comparison; 6] = [
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::GreaterOrEqual,
    Comparison::Equal,
    Comparison::NotEqual,
];

const FEATURES: usize = 3;

/// Numbers that meet each other often, and those at the ends.
fn number() -> impl Strategy<Value = f32> {
    prop_oneof![
        prop::sample::select(vec![0.0, -0.0, 1.0, 1.5, -2.0, f32::NAN, f32::MIN_POSITIVE]),
        prop::sample::select(vec![f32::INFINITY, f32::NEG_INFINITY, f32::MAX]),
        (-3i8..3).prop_map(f32::from),
    ]
}

/// A full tree of seven splits and eight leaves.
fn tree() -> impl Strategy<Value = Vec<PlantedNode>> {
    let split = (
        0..FEATURES,
        0..COMPARISONS.len() + 1,
        number(),
        any::<bool>(),
        prop::collection::vec(number(), 0..3),
    );
    prop::collection::vec(split, 7).prop_map(|splits| {
        let split = |(index, (feature, kind, threshold, missing_holds, numbers))| {
            let children = [2 * index + 1, 2 * index + 2];
            match COMPARISONS.get(kind) {
                Some(comparison) => PlantedNode::Split {
                    feature,
                    comparison: *comparison,
                    threshold,
                    missing_holds,
                    children,
                },
                None => PlantedNode::Among {
                    feature,
                    numbers,
                    missing_holds,
                    children,
                },
            }
        };
        let splits = splits.into_iter().enumerate().map(split);
        splits.chain((0..8).map(PlantedNode::Leaf)).collect()
    })
}

fn holds(node: &PlantedNode, row: &[f32]) -> Option<(bool, [usize; 2])> {
    match node {
        PlantedNode::Leaf(_) => None,
        PlantedNode::Split {
            feature,
            comparison,
            threshold,
            missing_holds,
            children,
        } => {
            let (x, t) = (row[*feature], *threshold);
            let holds = match comparison {
                Comparison::Less => x < t,
                Comparison::LessOrEqual => x <= t,
                Comparison::Greater => x > t,
                Comparison::GreaterOrEqual => x >= t,
                Comparison::Equal => x == t,
                Comparison::NotEqual => x != t,
            };
            Some((holds || x.is_nan() && *missing_holds, *children))
        }
        PlantedNode::Among {
            feature,
            numbers,
            missing_holds,
            children,
        } => {
            let x = row[*feature];
            let holds = numbers.contains(&x) || x.is_nan() && *missing_holds;
            Some((holds, *children))
        }
    }
}

fn walk(tree: &[PlantedNode], row: &[f32]) -> u32 {
    let mut at = 0;
    while let Some((holds, [yes, no])) = holds(&tree[at], row) {
        at = if holds { yes } else { no };
    }
    match tree[at] {
        PlantedNode::Leaf(leaf) => leaf,
        _ => unreachable!("a walk ends at a leaf"),
    }
}

fn planted(trees: &[Vec<PlantedNode>]) -> Planted {
    let mut planter = Planter::new(FEATURES).expect("features");
    for tree in trees {
        planter
            .plant(tree.len(), |index| Ok(tree[index].clone()))
            .expect("a tree");
    }
    planter.done().expect("trees")
}

proptest! {
    #[test]
    fn every_row_arrives_where_a_plain_walk_does(
        trees in prop::collection::vec(tree(), 1..12),
        rows in prop::collection::vec(prop::collection::vec(number(), FEATURES + 1), 1..80),
    ) {
        let planted = planted(&trees);
        prop_assert_eq!(planted.trees(), trees.len());
        let mut arrived = vec![u32::MAX; rows.len() * trees.len()];
        let flat = rows.concat();
        planted
            .arrive(&flat, FEATURES + 1, |row, tree, leaf| arrived[row * trees.len() + tree] = leaf)
            .expect("rows");
        for (row, arrived) in rows.iter().zip(arrived.chunks(trees.len())) {
            let expected: Vec<u32> = trees.iter().map(|tree| walk(tree, row)).collect();
            prop_assert_eq!(arrived, &*expected);
            let mut alone = vec![];
            planted.arrive(row, FEATURES + 1, |_, _, leaf| alone.push(leaf)).expect("a row");
            prop_assert_eq!(alone, expected);
        }
    }
}

#[test]
fn what_is_no_tree_is_refused() {
    let split = |children| PlantedNode::Split {
        feature: 0,
        comparison: Comparison::Less,
        threshold: 0.5,
        missing_holds: false,
        children,
    };
    let plant = |nodes: &[PlantedNode]| {
        let mut planter = Planter::new(1).expect("a feature");
        let planted = planter.plant(nodes.len(), |index| Ok(nodes[index].clone()));
        planted.expect_err("it is planted").to_string()
    };
    let circle = plant(&[split([0, 1]), PlantedNode::Leaf(0)]);
    assert_eq!(
        circle,
        "tree 0: node 0: its child 0 is reached a second time: that is no tree"
    );
    let far = plant(&[split([1, usize::MAX]), PlantedNode::Leaf(0)]);
    assert!(far.contains("the tree has 2 nodes"), "{far}");
    assert_eq!(plant(&[]), "tree 0: it has no nodes");
    assert!(Planter::new(0).is_err());
    assert!(Planter::new(1).expect("a feature").done().is_err());

    let trees = planted(&[vec![PlantedNode::Leaf(7)]]);
    let short = trees.arrive(&[0.0; 4], 2, |_, _, _| ());
    assert!(short.is_err(), "rows shorter than the features");
}
