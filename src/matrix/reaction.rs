//! The emojis that the bot puts on messages.

use matrix_sdk::ruma::{
    EventId, OwnedTransactionId, RoomId,
    api::client::message::send_message_event::v3::Request,
    events::{reaction::ReactionEventContent, relation::Annotation},
};

use super::gateway::SendError;

/// The request that puts an emoji on a message: in clear, as clients do, since homeservers count reactions in encrypted rooms too.
pub(super) fn request(room: &RoomId, event: &EventId, key: &str, transaction: &str) -> Result<Request, SendError> {
    let content = ReactionEventContent::new(Annotation::new(event.to_owned(), key.to_owned()));
    let request = Request::new(room.to_owned(), OwnedTransactionId::from(transaction), &content);
    request.map_err(|error| SendError::Refused(error.to_string()))
}
