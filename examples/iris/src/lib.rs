//! The iris service: which of three species a flower is, by the lengths of its petals and sepals.
//!
//! [`Iris`] is the whole service; [`train`] makes the model that it serves.

mod model;
pub mod train;

pub use model::Iris;

seldon::include_proto!("io.seldon.microservice.iris");
