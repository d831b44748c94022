//! Proof of who wrote a command: an authority is proven by a device that its owner has signed. What is proven enough is in `access`.

use super::parts::Parts;
use crate::{
    assistant::{
        access::{Act, Authority, Denied},
        courier::unless_refused,
        failure::Failure,
        texts::Text,
    },
    message::Incoming,
};

/// Why this authority is not taken for proven by the device that a message came from.
pub(super) async fn unproven(
    parts: &Parts,
    message: &Incoming,
    authority: Authority,
) -> Result<Option<Text<'static>>, Failure> {
    if !parts.access.needs_proof(authority) {
        return Ok(None);
    }
    let ask = || parts.homeserver.gateway.authorship(message);
    let authorship = unless_refused(parts.homeserver.retry(ask).await)?;
    let act = Act { command: Some((authority, authorship)), ..Act::of(message) };
    Ok(match parts.access.check(&act) {
        Ok(()) => None,
        Err(Denied::InClear) => Some(Text::NeedsEncryption),
        Err(_) => Some(Text::UnverifiedDevice),
    })
}
