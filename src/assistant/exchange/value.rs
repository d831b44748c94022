//! The value that goes from stage to stage.

use super::{effective::EffectiveCompagnon, history::History};
use crate::{compagnon::Settings, material::Material, matrix::RoomFacts, memory::RememberedFacts, store::Queued};

/// One question on its way to an answer.
pub struct Exchange {
    /// The question, as it waits in the store.
    pub queued: Queued,
    /// The settings of its room.
    pub settings: Settings,
    /// Who answers.
    pub compagnon: EffectiveCompagnon,
    /// What the room is; nothing when the bot is not in it any more.
    pub room: Option<RoomFacts>,
    /// What was said before.
    pub history: History,
    /// What is remembered for this room and this person.
    pub facts: RememberedFacts,
    /// What the question points at.
    pub material: Vec<Material>,
}
