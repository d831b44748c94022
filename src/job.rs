//! What a job keeps between two messages: the draft of a note, the place in a list of reviews, a table of pseudonyms.

use std::fmt;

use ruma::{OwnedRoomId, OwnedUserId};

use crate::conversation::ConversationId;

/// The most bytes of what is kept of one job, as JSON.
pub const LARGEST_STATE: usize = 1 << 20;
/// The most states of one kind under one key: of a room with its conversations, of a person, of a compagnon.
pub const MOST_STATES: usize = 64;

/// What kind of job it is. Of each kind there is one state in a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobKind {
    /// The note of a conversation: its draft, and how far the last one went.
    Note,
    /// The reviews that are walked through.
    Reviews,
    /// What placeholders stand for.
    Pseudonyms,
    /// What was translated before.
    TranslationMemory,
    /// How terms are to be translated.
    Glossary,
    /// That everything in a room is translated.
    Continuous,
    /// The e-mail address under which a person has documents in Docs.
    DocsAddress,
    /// The cases by which a compagnon is judged.
    Cases,
    /// What came of them, by version.
    CaseResults,
    /// A run of them that is under way.
    CaseRun,
}

impl JobKind {
    /// Whether it is a choice that stands like a setting: it outlives what is said, and whoever made it may be forgotten without it.
    #[must_use]
    pub fn is_chosen(self) -> bool {
        matches!(self, Self::Glossary | Self::Continuous | Self::DocsAddress | Self::Cases)
    }

    /// Whether it is made from what many have said, and can be made again: it goes with any part of that.
    #[must_use]
    pub fn is_derived(self) -> bool {
        matches!(self, Self::Pseudonyms | Self::TranslationMemory)
    }
}

/// Whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JobScope {
    /// A conversation's.
    Conversation(ConversationId),
    /// A room's, in all of its conversations.
    Room(OwnedRoomId),
    /// A person's own, within a conversation: it goes with either.
    Member(ConversationId, OwnedUserId),
    /// A person's, in all rooms.
    Person(OwnedUserId),
    /// A compagnon's, wherever it answers: its identifier, or `made/<number>` for one made by command.
    Compagnon(String),
}

impl JobScope {
    /// Whether it is a room's, one of its conversations', or a person's within one.
    #[must_use]
    pub fn is_of_room(&self) -> bool {
        matches!(self, Self::Conversation(_) | Self::Room(_) | Self::Member(..))
    }
}

/// What is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct JobState {
    /// The kind of job.
    pub kind: JobKind,
    /// Whose it is.
    pub scope: JobScope,
    /// The person whose own it is, within the scope: it goes with them, and is exported to them. `None`: of everybody there.
    pub by: Option<OwnedUserId>,
    /// When it was written, in milliseconds since the epoch, by our clock.
    pub at: u64,
    /// Until when it is kept.
    pub until: u64,
    /// What the job keeps, in its own form.
    pub content: serde_json::Value,
}

impl JobState {
    /// Whether it is small enough to be kept. The store refuses what is not.
    #[must_use]
    pub fn fits(&self) -> bool {
        serde_json::to_vec(&self.content).is_ok_and(|bytes| bytes.len() <= LARGEST_STATE)
    }
}

impl fmt::Debug for JobState {
    /// Leaves the content out: what people write never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("JobState");
        debug.field("kind", &self.kind).field("at", &self.at).field("until", &self.until).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use ruma::owned_user_id;
    use serde_json::json;

    use super::{JobKind, JobScope, JobState, LARGEST_STATE};

    #[test]
    fn what_is_kept_is_bounded_and_never_shown() {
        let state = |text: String| JobState {
            kind: JobKind::Note,
            scope: JobScope::Person(owned_user_id!("@awa:h")),
            by: None,
            at: 1,
            until: 2,
            content: json!(text),
        };
        // A text has two quotation marks around it.
        assert!(state("a".repeat(LARGEST_STATE - 2)).fits());
        assert!(!state("a".repeat(LARGEST_STATE - 1)).fits());
        assert!(!format!("{:?}", state("CANARI".to_owned())).contains("CANARI"));
    }
}
