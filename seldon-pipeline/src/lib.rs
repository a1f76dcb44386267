//! Model files served without code, and the steps that features go through first.
//!
//! A [`Pipeline`] is a predictor that the attribute did not write. It is read from a folder that
//! Python left: a model file, and where that does not say all, a `pipeline.toml` beside it.
//!
//! ```toml
//! name = "customers"
//! features = ["age", { name = "city", type = "text", example = "Ulm" }]
//! classes = ["stays", "leaves"]
//!
//! [[step]]
//! kind = "standard_scaling"
//! features = ["age"]
//! mean = [52.38]
//! scale = [20.62]
//!
//! [[step]]
//! kind = "one_hot"
//! features = ["city"]
//! categories = [["Berlin", "Köln", "Ulm"]]
//! ```
//!
//! `seldon::run_pipeline()` is the program that serves it, and `seldon-serve` is that program, ready
//! built. `docs/PIPELINES.md` of the repository has all keys of the file.
//!
//! The [`Steps`] also work in a predictor of your own, and [`Transform`] is how you write another.
//!
//! # Limits
//!
//! | what | most |
//! |---|---|
//! | features of a request | [`MOST_FEATURES`], 10,000 |
//! | bytes of a text | [`MOST_TEXT`], 256 KiB |
//! | columns between steps, and before the model | [`Columns::MOST`], 65,536 |
//! | steps | [`Steps::MOST`], 256 |
//! | terms of a vocabulary | [`Tfidf::MOST_TERMS`](steps::Tfidf::MOST_TERMS), 1,000,000, of which `select` keeps as many as there may be columns |
//! | bytes of `pipeline.toml` | 4 MiB; what is large belongs in a file of a step's `file` |

mod columns;
mod inputs;
mod load;
mod message;
mod model;
mod order;
mod pipeline;
mod pooled;
mod spec;
pub mod steps;
mod transform;
mod value;

pub use columns::{Column, Columns, Kind};
pub use inputs::{Feature, MOST_FEATURES, MOST_TEXT};
pub use pipeline::Pipeline;
pub use pooled::Pooled;
pub use transform::{Step, Steps, Transform};
pub use value::{Row, Value};
