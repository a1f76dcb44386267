//! Says at the start what other machines can reach that is not guarded.

use std::net::SocketAddr;

use super::connection::Site;

/// Warns if what is served at `address` is open to other machines: without TLS and keys, or with
/// keys that can be read on their way. Where a mesh or a balancer does that, this is as it should
/// be; only the operator knows.
pub(super) fn warn(address: SocketAddr, site: &Site) {
    if address.ip().is_loopback() {
        return;
    }
    let encrypted = site.tls.is_some();
    match &site.keys {
        None if !encrypted => tracing::warn!(
            %address,
            "other machines are served without TLS and without API keys: whoever reaches this address may call and read along"
        ),
        Some(_) if !encrypted => tracing::warn!(
            %address,
            "API keys come in without TLS: whoever reads along on their way has them"
        ),
        _ => {}
    }
}
