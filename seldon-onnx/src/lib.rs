//! ONNX graphs, run in pure Rust: tract computes them, with operators of this crate for those of
//! ai.onnx.ml, in which scikit-learn's estimators, XGBoost and LightGBM are written.
//!
//! An [`Onnx`] is what `skl2onnx`, `onnxmltools` or `torch.onnx.export` wrote, and answers as
//! onnxruntime does:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
//! use seldon_onnx::{Inputs, Onnx};
//!
//! let onnx = Onnx::open(format!("{folder}/logistic_named.onnx"))?;
//! assert_eq!(onnx.classes(), ["high", "low", "middle"]);
//! assert_eq!(onnx.inputs()[0].to_string(), "X: f32, 4 columns");
//!
//! // One matrix in, the probabilities of each row out.
//! let row = [0.3, -1.2, 0.5, 1.0];
//! let probabilities = onnx.predict_f32(&row, 1)?;
//! assert_eq!(probabilities.len(), 3);
//!
//! // Inputs and outputs by name.
//! let outputs = onnx.run(&Inputs::rows(1).with("X", &row[..]))?;
//! assert_eq!(outputs.label().map(|label| label.to_texts()), Some(vec!["middle".to_owned()]));
//!
//! // A mistake is said in words.
//! let error = onnx.run(&Inputs::rows(1).with("X", &row[..3])).unwrap_err();
//! assert_eq!(error.to_string(), "the input `X: f32, 4 columns`: 3 values are given, and 4 are needed");
//! # Ok(())
//! # }
//! ```
//!
//! In a service it is a field like any other, saved in the model folder:
//!
//! ```ignore
//! #[seldon::predictor(classes = ["high", "low", "middle"])]
//! pub struct Demand {
//!     onnx: seldon::onnx::Onnx,
//! }
//!
//! impl Predict for Demand {
//!     fn predict(&self, row: &DefaultCustomPredictRequest) -> Result<Prediction> {
//!         let scores = self.onnx.predict_f32(&row.values, 1);
//!         let scores = scores.map_err(|error| Error::invalid_input(error.to_string()))?;
//!         Ok(Prediction::scores(scores.into_iter().map(f64::from)))
//!     }
//! }
//! ```
//!
//! A graph is input: what its bytes are, loading it gives a plan or an error that names the node. tract
//! is checked around rather than trusted: tensors that are not as long as they say, operators that are
//! not known, shapes beyond bounds are refused before it sees them, and what panics in it all the
//! same is caught and is an error.

mod convert;
mod engine;
mod error;
mod facts;
mod graph;
mod onnx;
mod ops;
mod plan;
#[cfg(feature = "onnx-runtime")]
mod runtime;
mod stored;
mod values;

pub use error::{Error, Result};
pub use facts::{Input, Output};
pub use onnx::Onnx;
pub use values::{Element, Inputs, Outputs, Tensor, Values};
