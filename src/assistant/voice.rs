//! Who speaks in a room, and by which rules: the room's own choices over the configuration's.

use std::{sync::Arc, time::Duration};

use ruma::RoomId;

use super::{Assistant, Config, Failure, commands::inert};
use crate::compagnon::{Choice, Compagnon, Language, Made, Settings, Version};

/// The compagnon of a room.
pub(super) struct Voice {
    pub(super) compagnon: Arc<Compagnon>,
    /// Whether the one that was chosen is there no more, and the usual one speaks in its place.
    pub(super) gone: bool,
    /// Whether it speaks to several for the first time in what was a conversation of two.
    pub(super) opened: bool,
}

impl Voice {
    /// The compagnon's title, as text that markdown leaves alone.
    pub(super) fn title(&self) -> String {
        inert(self.compagnon.title())
    }
}

/// The compagnon that speaks in a room at the moment.
pub(super) async fn of_room(assistant: &Assistant, room: &RoomId, settings: &Settings) -> Result<Voice, Failure> {
    let library = assistant.shelf.library();
    let chosen = match &settings.compagnon {
        None => return Ok(Voice { compagnon: usual(assistant)?, gone: false, opened: false }),
        Some(Choice::Library(id)) => library.get(id).ok().cloned(),
        Some(Choice::Made(number)) => {
            let made = assistant.store.made(*number).await?;
            made.and_then(|made| read(&made, version_in(&made, room)?))
        }
        Some(Choice::Own(number)) => {
            let made = assistant.store.made(*number).await?;
            made.and_then(|made| read(&made, version_in(&made, room).or_else(|| made.latest())?))
        }
    };
    Ok(match chosen {
        Some(compagnon) => Voice { compagnon, gone: false, opened: false },
        None => Voice { compagnon: usual(assistant)?, gone: true, opened: false },
    })
}

/// The version of a compagnon made by command that a room is given: the newest in its own, the published one elsewhere.
pub(super) fn version_in<'a>(made: &'a Made, room: &RoomId) -> Option<&'a Version> {
    if made.room_id == room { made.latest() } else { made.version(made.published?) }
}

fn read(made: &Made, version: &Version) -> Option<Arc<Compagnon>> {
    made.read(version).map(Arc::new).ok()
}

/// The configured compagnon, which the program has made sure of at start.
fn usual(assistant: &Assistant) -> Result<Arc<Compagnon>, Failure> {
    let library = assistant.shelf.library();
    library.get(&assistant.config.compagnon).cloned().map_err(|error| Failure::Compagnon(error.to_string()))
}

/// How long what is said in a room is kept.
pub(super) fn retention(config: &Config, settings: &Settings) -> Duration {
    let usual = config.retention.unsigned_abs();
    settings.retention.map_or(usual, Duration::from_millis).min(config.retention_limit.unsigned_abs())
}

/// The language of the bot's own sentences in a room.
pub(super) fn language(config: &Config, settings: &Settings) -> Language {
    settings.language.unwrap_or(config.language)
}
