//! What is true of the room in which somebody writes, for what they are told of their data.

use super::{clock::now, config::Config, courier::Homeserver, failure::Failure, glossaries::continuous};
use crate::{compagnon::Settings, message::Incoming, privacy::Here, store::Store};

/// What is true of a message's room now. Of one that the bot is not in any more, what the message itself tells.
pub async fn here(
    store: &Store,
    homeserver: &Homeserver,
    config: &Config,
    settings: &Settings,
    message: &Incoming,
) -> Result<Here, Failure> {
    let room = homeserver.room(&message.room_id).await?;
    Ok(Here {
        direct: message.direct,
        encrypted: room.as_ref().map_or(message.megolm_session.is_some(), |room| room.encrypted),
        open: room.is_some_and(|room| room.open),
        retention: config.retention_in(settings),
        answers: settings.answers,
        translated: continuous(store, &message.room_id, now()).await?.is_some(),
    })
}
