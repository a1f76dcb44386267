//! Who may come in: TLS below the requests, API keys above them, and the files that say so.

mod credential;
mod keys;
mod live;
mod new_key;
#[cfg(not(feature = "tls"))]
mod no_tls;
#[cfg(feature = "tls")]
mod tls;

#[cfg(not(feature = "tls"))]
pub(crate) use no_tls::{Encrypted, Tls};
#[cfg(feature = "tls")]
pub(crate) use tls::Encrypted;
#[cfg(feature = "tls")]
pub use tls::Tls;

pub(crate) use credential::Credentials;
pub use keys::ApiKeys;
pub(crate) use keys::{CHALLENGE, Caller};
pub(crate) use new_key::new_key;
