//! A note of a conversation, as values. Pure.

use std::fmt;

use ruma::OwnedEventId;
use serde::{Deserialize, Serialize};

/// The most entries of one section: a note that is longer is read by nobody.
pub const MOST_ENTRIES: usize = 60;
/// The most characters of an entry.
pub const LONGEST_ENTRY: usize = 300;
/// The most characters of who does something, and of when.
pub const LONGEST_NAME: usize = 80;
/// The most characters of the object.
pub const LONGEST_OBJECT: usize = 160;
/// The most characters of the context.
pub const LONGEST_CONTEXT: usize = 900;
/// The most messages that one entry is linked to.
pub const MOST_MESSAGES: usize = 3;

/// A part of a note that lists something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What was talked about.
    Points,
    /// What was decided.
    Decisions,
    /// Who does what, and when.
    Actions,
    /// What is left open.
    Questions,
}

impl Section {
    /// All of them, in the order of the note.
    pub const ALL: [Self; 4] = [Self::Points, Self::Decisions, Self::Actions, Self::Questions];

    /// Its name in what a model reads and writes.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::Decisions => "decisions",
            Self::Actions => "actions",
            Self::Questions => "questions",
        }
    }
}

/// One line of a section.
#[derive(Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Entry {
    /// What it says.
    pub text: String,
    /// Who does it, for an action.
    #[serde(default)]
    pub who: Option<String>,
    /// When, for an action.
    #[serde(default)]
    pub when: Option<String>,
    /// The messages that it comes from.
    #[serde(default)]
    pub messages: Vec<OwnedEventId>,
}

impl fmt::Debug for Entry {
    /// Leaves the texts out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Entry").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

/// A note.
#[derive(Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Note {
    /// What the conversation is about.
    pub object: String,
    /// What one must know to read the rest.
    pub context: String,
    /// Who wrote, as they are called in the room.
    pub participants: Vec<String>,
    /// What was talked about.
    pub points: Vec<Entry>,
    /// What was decided.
    pub decisions: Vec<Entry>,
    /// What is to be done.
    pub actions: Vec<Entry>,
    /// What is left open.
    pub questions: Vec<Entry>,
}

impl fmt::Debug for Note {
    /// Leaves the texts out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Note")
            .field("decisions", &self.decisions.len())
            .field("actions", &self.actions.len())
            .finish_non_exhaustive()
    }
}

impl Note {
    /// The lines of a section.
    #[must_use]
    pub fn section(&self, section: Section) -> &[Entry] {
        match section {
            Section::Points => &self.points,
            Section::Decisions => &self.decisions,
            Section::Actions => &self.actions,
            Section::Questions => &self.questions,
        }
    }

    /// The lines of a section, to be changed.
    pub fn section_mut(&mut self, section: Section) -> &mut Vec<Entry> {
        match section {
            Section::Points => &mut self.points,
            Section::Decisions => &mut self.decisions,
            Section::Actions => &mut self.actions,
            Section::Questions => &mut self.questions,
        }
    }
}

/// A text on one line, without white space around it, and not longer than so many characters.
#[must_use]
pub fn short(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|letter| !letter.is_control()).collect();
    match line.char_indices().nth(most) {
        None => line,
        Some((end, _)) => {
            let kept = &line[..end];
            format!("{}…", kept.rsplit_once(' ').map_or(kept, |(whole, _)| whole))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn texts_are_one_line_of_bounded_length() {
        assert_eq!(short("  un\n deux\u{7}\t trois ", 40), "un deux trois");
        assert_eq!(short("un deux trois", 9), "un deux…");
        assert_eq!(short("éééééé", 3), "ééé…");
    }
}
