//! The attributes of seldon. Use them through the crate `seldon`.

use proc_macro::TokenStream;

/// Stub.
#[proc_macro_attribute]
pub fn predictor(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Stub.
#[proc_macro_attribute]
pub fn recommender(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Stub.
#[proc_macro_derive(Payload, attributes(seldon))]
pub fn payload(_: TokenStream) -> TokenStream {
    TokenStream::new()
}
