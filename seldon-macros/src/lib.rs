//! The attributes of seldon. Use them through the crate `seldon`.

mod args;
mod artifact;
mod batch;
mod errors;
mod model;
mod payload;
mod predictor;
mod recommender;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Makes a predictor of a struct: REST, gRPC, loading and saving.
///
/// The struct's author implements `Predict` for it; the attribute writes the rest.
///
/// # Arguments
///
/// All may be left out.
///
/// * `data = IrisPredictRequest`: the message that carries the features, compiled by
///   `seldon_build::compile` or with `#[derive(seldon::Payload)]`. Without it, a list of numbers:
///   `DefaultCustomPredictRequest`.
/// * `classes = ["setosa", "versicolor", "virginica"]`: the names of the classes, by index, each
///   once. Without it, the name of a class is its index as text.
/// * `reply = documented` or `reply = classic`: how REST replies are written. `documented`, the
///   default, is the style of the documentation: `score`, `classId`, `confidence`. `classic` is
///   what the original server has read since its 1.4: `meta`, `predictions`, `custom`. It may be
///   configured otherwise at start-up.
/// * `batch(max_rows = 32, max_wait = "2ms")`: rows of concurrent requests, over REST as over gRPC,
///   are scored together by `predict_batch`: at most `max_rows` in a call, and a row waits for
///   others no longer than `max_wait` (a whole number of `us`, `ms` or `s`), and not at all where no
///   others are coming. For models that are quicker on many rows than on each. Without it, each
///   request is scored alone, and batching costs nothing.
/// * `name = "iris"`: the service's name, in replies, in the model folder's manifest and in the
///   program's help: ASCII letters, digits, `-`, `_` and `.`. Without it, the struct's name in
///   kebab case: `http-model` for `HTTPModel`.
/// * `path = "/predict"`: the path that REST answers at; this one without it. It begins with `/`
///   and holds letters, digits, `/`, `-`, `_`, `.` and `~`.
/// * `run = inline` or `run = blocking`: where the model's code runs. `inline`, the default, is on
///   the task that read the request, for models under about 100 µs. `blocking` is on a pool of
///   threads as wide as the machine.
/// * `crate = ::seldon`: the absolute path of seldon, where it goes by another name.
///
/// # Fields
///
/// Each field is a file of the model folder, named as the field is (`0`, `1`, … in a tuple
/// struct), in MessagePack or as the type's `Persist` says.
///
/// * `#[seldon(json)]` keeps a field as JSON, for people to read.
/// * `#[seldon(skip)]` keeps it out of the folder; it is filled from `Default`.
#[proc_macro_attribute]
pub fn predictor(args: TokenStream, item: TokenStream) -> TokenStream {
    predictor::expand(args.into(), item.into()).into()
}

/// Makes a recommender of a struct: REST, loading and saving.
///
/// The struct's author implements `Recommend` for it; the attribute writes the rest.
///
/// # Arguments
///
/// All may be left out.
///
/// * `candidates = seldon::Memcached`: where the items to score come from, a type that implements
///   `CandidateSource`. Without it, the recommender chooses from all it knows.
/// * `scores = unit`, `best`, `min_max` or `logistic`: how raw scores are brought to 0..1. `unit`,
///   the default: they are there already, which is checked. `best`: divided by the best of the
///   reply. `min_max`: from 0 for the worst of the reply to 1 for the best. `logistic`:
///   `1 / (1 + e^-score)`.
/// * `name = "similar"`: the service's name, in the model folder's manifest and in the program's
///   help: ASCII letters, digits, `-`, `_` and `.`. Without it, the struct's name in kebab case:
///   `similar-items` for `SimilarItems`.
/// * `path = "/recommend"`: the path that REST answers at; this one without it. It begins with `/`
///   and holds letters, digits, `/`, `-`, `_`, `.` and `~`.
/// * `run = inline` or `run = blocking`: where the model's code runs. `inline`, the default, is on
///   the task that read the request, for models under about 100 µs. `blocking` is on a pool of
///   threads as wide as the machine.
/// * `crate = ::seldon`: the absolute path of seldon, where it goes by another name.
///
/// # Fields
///
/// Each field is a file of the model folder, named as the field is (`0`, `1`, … in a tuple
/// struct), in MessagePack or as the type's `Persist` says.
///
/// * `#[seldon(json)]` keeps a field as JSON, for people to read.
/// * `#[seldon(skip)]` keeps it out of the folder; it is filled from `Default`.
#[proc_macro_attribute]
pub fn recommender(args: TokenStream, item: TokenStream) -> TokenStream {
    recommender::expand(args.into(), item.into()).into()
}

/// Makes a message that was written by hand fit to be the `data` of a predictor.
///
/// The struct has named fields, and derives `prost::Message`, `serde::Serialize` and
/// `serde::Deserialize` too; `#[serde(deny_unknown_fields)]` makes a misspelt feature an error.
/// Messages of a `.proto` file are compiled by `seldon_build::compile`, which writes this derive.
///
/// # Arguments
///
/// In `#[seldon(…)]` on the struct; all may be left out.
///
/// * `type_name = "io.seldon.microservice.iris.IrisPredictRequest"`: the message's full name in
///   protobuf, which gRPC clients send. Without it, the struct's name, in no package.
/// * `descriptors = include_bytes!("iris.fds")`: the encoded `FileDescriptorSet` of the `.proto` file
///   that declares the message, and of its imports, which gRPC reflection shows.
/// * `crate = "::seldon"`: the absolute path of seldon, where it goes by another name.
#[proc_macro_derive(Payload, attributes(seldon))]
pub fn payload(input: TokenStream) -> TokenStream {
    payload::expand(input.into()).into()
}
