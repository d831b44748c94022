//! What rooms choose, the compagnons made in them, and the audit trail.

use ruma::{OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

use super::stored::Stored;
use crate::compagnon::{Answers, Choice, Language, Made, Pseudonyms, Settings, Sourcing, Version};
use crate::store::audit::Entry;

/// A room's [`Settings`].
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::store) struct SettingsRecord {
    compagnon: Option<ChoiceRecord>,
    addition: Option<String>,
    addition_by: Option<OwnedUserId>,
    temperature: Option<f32>,
    max_tokens: Option<usize>,
    language: Option<LanguageRecord>,
    answers: AnswersRecord,
    /// Whether questions are answered in threads of their own. Apart from `answers`, which an older release reads.
    in_thread: bool,
    retention: Option<u64>,
    sources: Option<Sourcing>,
    pseudonyms: Option<Pseudonyms>,
    welcomed_at: Option<u64>,
}

/// A [`Choice`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChoiceRecord {
    Library(String),
    Made(u64),
    Own(u64),
}

/// A [`Language`].
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LanguageRecord {
    Fr,
    En,
}

/// An [`Answers`].
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AnswersRecord {
    #[default]
    Mention,
    All,
}

impl Stored for Settings {
    type Record = SettingsRecord;
}

impl From<&Settings> for SettingsRecord {
    fn from(settings: &Settings) -> Self {
        Self {
            compagnon: settings.compagnon.as_ref().map(|choice| match choice {
                Choice::Library(id) => ChoiceRecord::Library(id.clone()),
                Choice::Made(number) => ChoiceRecord::Made(*number),
                Choice::Own(number) => ChoiceRecord::Own(*number),
            }),
            addition: settings.addition.clone(),
            addition_by: settings.addition_by.clone(),
            temperature: settings.temperature,
            max_tokens: settings.max_tokens,
            language: settings.language.map(|language| match language {
                Language::Fr => LanguageRecord::Fr,
                Language::En => LanguageRecord::En,
            }),
            answers: match settings.answers {
                Answers::Mention | Answers::Thread => AnswersRecord::Mention,
                Answers::All => AnswersRecord::All,
            },
            in_thread: settings.answers == Answers::Thread,
            retention: settings.retention,
            sources: settings.sources,
            pseudonyms: settings.pseudonyms,
            welcomed_at: settings.welcomed_at,
        }
    }
}

impl From<SettingsRecord> for Settings {
    fn from(record: SettingsRecord) -> Self {
        Self {
            compagnon: record.compagnon.map(|choice| match choice {
                ChoiceRecord::Library(id) => Choice::Library(id),
                ChoiceRecord::Made(number) => Choice::Made(number),
                ChoiceRecord::Own(number) => Choice::Own(number),
            }),
            addition: record.addition,
            addition_by: record.addition_by,
            temperature: record.temperature,
            max_tokens: record.max_tokens,
            language: record.language.map(|language| match language {
                LanguageRecord::Fr => Language::Fr,
                LanguageRecord::En => Language::En,
            }),
            answers: match record.answers {
                AnswersRecord::Mention if record.in_thread => Answers::Thread,
                AnswersRecord::Mention => Answers::Mention,
                AnswersRecord::All => Answers::All,
            },
            retention: record.retention,
            sources: record.sources,
            pseudonyms: record.pseudonyms,
            welcomed_at: record.welcomed_at,
        }
    }
}

/// A compagnon made by command: a [`Made`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct MadeRecord {
    number: u64,
    id: String,
    author: OwnedUserId,
    room_id: OwnedRoomId,
    published: Option<u32>,
    proposed: Option<u32>,
    versions: Vec<VersionRecord>,
}

/// A [`Version`].
#[derive(Serialize, Deserialize)]
struct VersionRecord {
    number: u32,
    at: u64,
    #[serde(default)]
    by: Option<OwnedUserId>,
    text: String,
}

impl Stored for Made {
    type Record = MadeRecord;
}

impl From<&Made> for MadeRecord {
    fn from(made: &Made) -> Self {
        Self {
            number: made.number,
            id: made.id.clone(),
            author: made.author.clone(),
            room_id: made.room_id.clone(),
            published: made.published,
            proposed: made.proposed,
            versions: made.versions.iter().map(VersionRecord::from).collect(),
        }
    }
}

impl From<MadeRecord> for Made {
    fn from(record: MadeRecord) -> Self {
        Self {
            number: record.number,
            id: record.id,
            author: record.author,
            room_id: record.room_id,
            published: record.published,
            proposed: record.proposed,
            versions: record.versions.into_iter().map(Version::from).collect(),
        }
    }
}

impl From<&Version> for VersionRecord {
    fn from(version: &Version) -> Self {
        Self { number: version.number, at: version.at, by: version.by.clone(), text: version.text.clone() }
    }
}

impl From<VersionRecord> for Version {
    fn from(record: VersionRecord) -> Self {
        Self { number: record.number, at: record.at, by: record.by, text: record.text }
    }
}

/// A line of the audit trail: an [`Entry`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct EntryRecord {
    at: u64,
    by: OwnedUserId,
    room_id: OwnedRoomId,
    action: String,
    made: Option<u64>,
}

impl Stored for Entry {
    type Record = EntryRecord;
}

impl From<&Entry> for EntryRecord {
    fn from(entry: &Entry) -> Self {
        Self {
            at: entry.at,
            by: entry.by.clone(),
            room_id: entry.room_id.clone(),
            action: entry.action.clone(),
            made: entry.made,
        }
    }
}

impl From<EntryRecord> for Entry {
    fn from(record: EntryRecord) -> Self {
        Self { at: record.at, by: record.by, room_id: record.room_id, action: record.action, made: record.made }
    }
}
