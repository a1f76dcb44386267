//! What a message must be to carry features.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::proto::DefaultCustomPredictRequest;

/// A protobuf message that can be the `data` of a predictor: it also has a JSON form.
///
/// `seldon_build::compile` implements it for the messages of a `.proto` file; for a message
/// written by hand, `#[derive(seldon::Payload)]` does, beside the derives of prost and serde.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the `data` of a predictor",
    label = "not a message that carries features",
    note = "compile its `.proto` with `seldon_build::compile` in `build.rs` and `seldon::include_proto!` it, or derive `seldon::Payload` beside `prost::Message`, `serde::Serialize` and `serde::Deserialize`"
)]
pub trait Payload:
    prost::Message + Default + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The message's full name in protobuf, `io.seldon.microservice.iris.IrisPredictRequest`.
    const TYPE_NAME: &'static str;

    /// For each field that serde reads, in the order of declaration, whether a text is a value of
    /// the field's type. Asked only after a row was refused, to name all that is wrong with it.
    const CHECKS: &'static [Check];

    /// The `.proto` file that declares the message, with all that it imports, as an encoded
    /// `google.protobuf.FileDescriptorSet`: what gRPC reflection shows of it. Empty where there
    /// is none to show.
    const DESCRIPTORS: &'static [u8] = &[];

    /// How a plain array of numbers becomes this message; `None` where it does not.
    const FROM_VALUES: Option<fn(Vec<f32>) -> Self> = None;
}

/// Whether a JSON text is a value of one field's type.
pub type Check = fn(&str) -> Result<(), serde_json::Error>;

/// The [`Check`] for fields of type `T`.
///
/// # Errors
///
/// What serde says is wrong with `text`.
pub fn check<T: DeserializeOwned>(text: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<T>(text).map(drop)
}

impl Payload for DefaultCustomPredictRequest {
    const TYPE_NAME: &'static str = "io.seldon.api.rpc.DefaultCustomPredictRequest";
    const CHECKS: &'static [Check] = &[check::<Vec<f32>>];
    const FROM_VALUES: Option<fn(Vec<f32>) -> Self> = Some(|values| Self { values });
}

/// Stands in for the message of a predictor whose arguments are wrong, so that the compiler says
/// what is wrong with them and nothing else.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
pub struct Undecided {}

#[diagnostic::do_not_recommend]
impl Payload for Undecided {
    const TYPE_NAME: &'static str = "";
    const CHECKS: &'static [Check] = &[];
}
