//! What a prompt is composed of.

use ruma::UserId;

use crate::{
    compagnon::{Bases, Compagnon, Settings},
    conversation::Turn,
    document::Source,
    material::Material,
    memory::RememberedFacts,
};

/// A question in its place.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The rules that stand before what any compagnon says.
    pub bases: &'a Bases,
    /// Who answers.
    pub compagnon: &'a Compagnon,
    /// What the room has set.
    pub settings: &'a Settings,
    /// The room's name; empty where it has none.
    pub room: &'a str,
    /// What is remembered for this room and this person.
    pub facts: &'a RememberedFacts,
    /// A summary of what was said before `turns`.
    pub summary: Option<&'a str>,
    /// What was said before, oldest first.
    pub turns: &'a [Turn],
    /// What the question points at, oldest first.
    pub material: &'a [Material],
    /// The passages that answer it, perhaps, in the order of their marks.
    pub sources: &'a [Source],
    /// The question's text.
    pub question: &'a str,
    /// Who asks, where that is known.
    pub asker: Option<&'a UserId>,
    /// How that person is called.
    pub name: Option<&'a str>,
    /// The conversation: see [`CacheHint::cache_key`](crate::inference::CacheHint::cache_key).
    pub cache_key: u64,
}
