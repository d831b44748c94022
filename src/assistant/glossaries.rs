//! What a room has chosen for its translations, and the terms that they keep to: a room's in the store, the ministry's and the compagnons' in files
//! of the configuration.

use std::{fs::File, io::Read as _, path::PathBuf};

use ruma::RoomId;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::config::Translation;
use crate::{
    job::{JobKind, JobScope, JobState},
    store::{Store, StoreError},
    translation::{
        glossary::{MOST_FILE_TERMS, Term, table},
        languages::TextLanguage,
    },
};

/// The most bytes of a file of terms. What stands behind is not read.
const LARGEST_TABLE: u64 = 8 << 20;

/// The terms of a room.
pub async fn of_room(store: &Store, room: &RoomId, now: u64) -> Result<Vec<Term>, StoreError> {
    let state = store.job_state(JobKind::Glossary, &JobScope::Room(room.to_owned()), now).await?;
    let terms = state.and_then(|mut state| state.content.get_mut("terms").map(Value::take));
    Ok(terms.and_then(|terms| serde_json::from_value(terms).ok()).unwrap_or_default())
}

/// The terms of a room, to be kept. They stand like a setting, until somebody changes them.
pub fn kept(room: &RoomId, terms: &[Term], now: u64) -> JobState {
    JobState {
        kind: JobKind::Glossary,
        scope: JobScope::Room(room.to_owned()),
        by: None,
        at: now,
        until: u64::MAX,
        content: json!({ "terms": terms }),
    }
}

/// To which language everything in a room is translated.
pub async fn continuous(store: &Store, room: &RoomId, now: u64) -> Result<Option<TextLanguage>, StoreError> {
    let state = store.job_state(JobKind::Continuous, &JobScope::Room(room.to_owned()), now).await?;
    Ok(state.and_then(|state| TextLanguage::named(state.content.get("to")?.as_str()?)))
}

/// That everything in a room is translated, to be kept. It stands like a setting.
pub fn translating(room: &RoomId, to: TextLanguage, now: u64) -> JobState {
    JobState {
        kind: JobKind::Continuous,
        scope: JobScope::Room(room.to_owned()),
        by: None,
        at: now,
        until: u64::MAX,
        content: json!({ "to": to.code() }),
    }
}

/// The terms of the files that are for a compagnon, those for it alone first. A file that cannot be read is left out, and that is logged.
pub async fn of_files(config: &Translation, compagnon: &str) -> Vec<Vec<Term>> {
    let concerns = |own: bool| {
        let files = config.glossaries.iter().filter(move |glossary| glossary.compagnons.is_empty() != own);
        files.filter(move |glossary| !own || glossary.compagnons.iter().any(|one| one == compagnon))
    };
    let files: Vec<PathBuf> = concerns(true).chain(concerns(false)).map(|glossary| glossary.file.clone()).collect();
    if files.is_empty() {
        return Vec::new();
    }
    spawn_blocking(move || files.iter().filter_map(read).collect()).await.unwrap_or_default()
}

fn read(path: &PathBuf) -> Option<Vec<Term>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST_TABLE).read_to_end(&mut bytes));
    if let Err(error) = read {
        tracing::error!(file = %path.display(), %error, "a glossary cannot be read: translations do without it");
        return None;
    }
    let text = String::from_utf8_lossy(&bytes);
    let (terms, refused) = table(&text, (TextLanguage::french(), TextLanguage::english()), MOST_FILE_TERMS);
    if refused > 0 {
        tracing::warn!(file = %path.display(), lines = refused, "lines of a glossary are no terms");
    }
    Some(terms)
}
