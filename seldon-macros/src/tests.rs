//! What the attributes write, printed and compared with `snapshots/`, which are read like code.
//!
//! `SELDON_BLESS=1 cargo test -p seldon-macros` writes them anew.

use std::path::Path;
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::quote;

use crate::{payload, predictor, recommender};

/// Prints `expansion`, and compares it with the snapshot `name`.
fn assert_snapshot(name: &str, expansion: TokenStream) -> String {
    let file = syn::parse2(expansion).expect("the expansion is a file of items");
    let printed = prettyplease::unparse(&file);
    let snapshot = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/snapshots")
        .join(name)
        .with_extension("rs");
    if env::var_os("SELDON_BLESS").is_some() {
        fs::write(&snapshot, &printed).expect("the snapshot can be written");
    }
    let expected = fs::read_to_string(&snapshot).unwrap_or_default();
    assert!(
        printed == expected,
        "the expansion differs from {}; if it should, run this with SELDON_BLESS=1\n\n{printed}",
        snapshot.display()
    );
    printed
}

fn iris() -> TokenStream {
    quote! {
        /// Tells three irises apart.
        pub struct Iris {
            weights: [[f64; 4]; 3],
            bias: [f64; 3],
            #[seldon(skip)]
            hits: AtomicU64,
        }
    }
}

#[test]
fn predictor_of_the_iris_example() {
    let args = quote! {
        data = IrisPredictRequest,
        classes = ["setosa", "versicolor", "virginica"]
    };
    let printed = assert_snapshot("predictor_iris", predictor::expand(args, iris()));
    let lines = printed
        .lines()
        .skip_while(|line| !line.starts_with("const _"));
    let generated = lines.count();
    assert!(generated < 60, "{generated} lines");
}

#[test]
fn predictor_without_arguments() {
    let item = quote!(
        struct Mean {}
    );
    assert_snapshot("predictor_minimal", predictor::expand(quote!(), item));
}

#[test]
fn predictor_with_all_arguments() {
    let args = quote! {
        data = crate::proto::Features,
        classes = ["spam", "ham"],
        reply = classic,
        batch(max_rows = 32, max_wait = "2ms"),
        name = "spam-filter",
        path = "/v2/spam",
        run = blocking,
        crate = ::renamed,
    };
    let item = quote! {
        #[derive(Debug)]
        pub(crate) struct Filter {
            #[seldon(json)]
            pub words: BTreeMap<String, f64>,
            #[cfg(feature = "trees")]
            trees: Vec<Tree>,
            r#type: Kind,
            #[seldon(skip)]
            parent: Option<Box<Self>>,
        }
    };
    assert_snapshot("predictor_all", predictor::expand(args, item));
}

#[test]
fn predictor_of_a_tuple_struct() {
    let item = quote!(
        pub struct HTTPModel(pub Vec<f32>, #[seldon(skip)] Cache, #[seldon(json)] Config);
    );
    assert_snapshot("predictor_tuple", predictor::expand(quote!(), item));
}

#[test]
fn predictor_with_wrong_arguments() {
    // Not known: which message `Predict` is implemented for.
    let args = quote!(dat = IrisPredictRequest);
    assert_snapshot("predictor_wrong", predictor::expand(args, iris()));
}

#[test]
fn recommender_without_arguments() {
    let item = quote! {
        pub struct MostPopular {
            counts: Vec<(i64, u64)>,
        }
    };
    assert_snapshot("recommender_minimal", recommender::expand(quote!(), item));
}

#[test]
fn recommender_with_all_arguments() {
    let args = quote! {
        candidates = seldon::Memcached,
        scores = min_max,
        name = "similar_items.v2",
        path = "/similar",
        run = blocking,
        crate = ::renamed
    };
    let item = quote! {
        struct Similar {
            vectors: ItemVectors,
            #[seldon(json)]
            settings: Settings,
            #[seldon(skip)]
            hits: AtomicU64,
        }
    };
    assert_snapshot("recommender_all", recommender::expand(args, item));
}

#[test]
fn recommender_of_a_tuple_struct() {
    let item = quote!(
        struct Nearest(Vec<f32>);
    );
    assert_snapshot("recommender_tuple", recommender::expand(quote!(), item));
}

#[test]
fn payload_of_a_message() {
    let message = quote! {
        #[seldon(type_name = "iris.v1.Flower", descriptors = DESCRIPTORS)]
        pub struct Flower {
            f1: f32,
            #[serde(skip)]
            seen: bool,
            #[serde(default)]
            names: Vec<String>,
        }
    };
    assert_snapshot("payload", payload::expand(message));
}

#[test]
fn payload_whose_values_serde_reads_in_its_own_way_has_no_checks() {
    for attribute in [
        quote!(flatten),
        quote!(with = "module"),
        quote!(deserialize_with = "function"),
        quote!(rename = "f", alias = "g"),
    ] {
        let message = quote! {
            pub struct Flower { f1: f32, #[serde(#attribute)] f2: f32 }
        };
        let printed = payload::expand(message).to_string();
        assert!(printed.contains("& [] ;"), "{printed}");
    }
}
