//! The author of an encrypted message. The sender field is only the homeserver's claim; the Megolm session belongs to a device, and the
//! device to a person.

use std::time::Duration;

use matrix_sdk::{
    Client, Room,
    deserialized_responses::{VerificationLevel, VerificationState},
    ruma::UserId,
};
use tokio::time::timeout;
use tracing::debug;

use crate::message::Authorship;

/// A hanging homeserver must not block a command for ever.
const QUERY_LIMIT: Duration = Duration::from_secs(30);

/// Whether an event was encrypted by somebody else than the homeserver claims. The SDK itself refuses that only when it is configured to
/// require signed devices.
pub(super) fn is_relabelled(state: &VerificationState) -> bool {
    matches!(state, VerificationState::Unverified(VerificationLevel::MismatchedSender))
}

/// Whether the device's owner has signed it. Verification of the owner by the bot is not required, because nobody does it.
fn is_signed(state: &VerificationState) -> bool {
    matches!(state, VerificationState::Verified | VerificationState::Unverified(VerificationLevel::UnverifiedIdentity))
}

/// How far it is proven that this person wrote the messages of this Megolm session.
pub(super) async fn authorship(room: &Room, user: &UserId, megolm_session: &str) -> Authorship {
    let signed = async || {
        let info = room.get_encryption_info(megolm_session, user).await;
        info.is_some_and(|info| is_signed(&info.verification_state))
    };
    if signed().await {
        return Authorship::Signed;
    }
    // The device may be new, or signed since its first message.
    look_up(&room.client(), user).await;
    if signed().await { Authorship::Signed } else { Authorship::Unsigned }
}

async fn look_up(client: &Client, user: &UserId) {
    match timeout(QUERY_LIMIT, client.encryption().request_user_identity(user)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => debug!(%error, "a person's devices could not be looked up"),
        Err(_) => debug!("a person's devices could not be looked up in time"),
    }
}

#[cfg(test)]
mod tests {
    use matrix_sdk::deserialized_responses::{DeviceLinkProblem, VerificationLevel, VerificationState};

    use super::{is_relabelled, is_signed};

    #[test]
    fn only_an_event_of_another_person_is_refused_and_only_a_signed_device_proves_its_owner() {
        let unverified = VerificationState::Unverified;
        for (state, relabelled, signed) in [
            (VerificationState::Verified, false, true),
            (unverified(VerificationLevel::UnverifiedIdentity), false, true),
            (unverified(VerificationLevel::VerificationViolation), false, false),
            (unverified(VerificationLevel::UnsignedDevice), false, false),
            (unverified(VerificationLevel::None(DeviceLinkProblem::MissingDevice)), false, false),
            (unverified(VerificationLevel::None(DeviceLinkProblem::InsecureSource)), false, false),
            (unverified(VerificationLevel::MismatchedSender), true, false),
        ] {
            assert_eq!((is_relabelled(&state), is_signed(&state)), (relabelled, signed), "{state:?}");
        }
    }
}
