//! Collects all that is wrong with an annotated item, so that it is reported at once.

use std::fmt::Display;
use std::thread;

use proc_macro2::{Span, TokenStream};
use syn::Error;

/// What is wrong so far. It panics when it is dropped unreported, so that no mistake gets lost.
#[derive(Debug)]
pub(crate) struct Errors {
    /// `None` once reported.
    found: Option<Vec<Error>>,
}

impl Errors {
    pub(crate) fn new() -> Self {
        Self {
            found: Some(Vec::new()),
        }
    }

    pub(crate) fn push(&mut self, error: Error) {
        if let Some(found) = &mut self.found {
            found.push(error);
        }
    }

    /// Adds what is wrong at `span`.
    pub(crate) fn at(&mut self, span: Span, what: impl Display) {
        self.push(Error::new(span, what));
    }

    /// The value, or its error added.
    pub(crate) fn ok<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// All that was found, as one error.
    pub(crate) fn into_result(mut self) -> syn::Result<()> {
        let found = self.found.take().unwrap_or_default().into_iter();
        let combined = found.reduce(|mut first, other| {
            first.combine(other);
            first
        });
        combined.map_or(Ok(()), Err)
    }

    /// All that was found, as the `compile_error!`s that say it.
    pub(crate) fn report(mut self) -> TokenStream {
        let found = self.found.take().unwrap_or_default();
        found.iter().map(Error::to_compile_error).collect()
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        if self.found.is_some() && !thread::panicking() {
            panic!("the errors of an item were not reported");
        }
    }
}
