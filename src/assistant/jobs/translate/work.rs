//! What translations of messages and of files have in common: their languages, their terms, their memory.

use super::{
    super::job::Job,
    memory::Memory,
    translator::{AT_ONCE, Translator},
};
use crate::{
    assistant::{
        clock::{later, now},
        courier::Ending,
        failure::Failure,
        glossaries,
        texts::{self, Language, Text},
    },
    job::{JobKind, JobScope, JobState},
    store::Change,
    translation::{glossary::Terms, languages::TextLanguage},
};

/// The most passages of one translation.
pub(super) const MOST_PASSAGES: usize = 20_000;

/// From which language to which.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub from: Option<TextLanguage>,
    pub to: TextLanguage,
}

/// Says a sentence and nothing else.
#[allow(clippy::unnecessary_wraps)] // The last word of functions that may fail.
pub(super) fn say(job: &Job<'_>, text: &texts::Translation<'_>) -> Result<Ending, Failure> {
    Ok(job.ends(&Text::Translation(text.clone())))
}

/// From which language to which a text is translated; or what is said instead.
pub(super) fn pair(
    job: &Job<'_>,
    text: &str,
    from: Option<TextLanguage>,
    to: Option<TextLanguage>,
) -> Result<Pair, texts::Translation<'static>> {
    let told = TextLanguage::of(text);
    let language = from.or(told);
    let room = match job.parts.config.language_in(job.settings) {
        Language::Fr => TextLanguage::french(),
        Language::En => TextLanguage::english(),
    };
    // What is foreign here is translated to the language of the room.
    let to = to.or_else(|| language.filter(|language| *language != room).map(|_| room));
    let Some(to) = to else { return Err(texts::Translation::WhichLanguage) };
    match language {
        Some(language) if language == to && from.is_some() => Err(texts::Translation::WhichLanguage),
        Some(language) if language == to => Err(texts::Translation::Already { to }),
        language => Ok(Pair { from: language, to }),
    }
}

/// The terms that hold here for a pair of languages: the room's, then the compagnon's, then the ministry's.
pub(super) async fn terms(job: &Job<'_>, pair: Pair) -> Result<Terms, Failure> {
    let parts = job.parts;
    let room = glossaries::of_room(&parts.store, &job.message.room_id, now()).await?;
    let files = glossaries::of_files(&parts.config.translation, &job.compagnon.compagnon.id).await;
    let all = std::iter::once(room.as_slice()).chain(files.iter().map(Vec::as_slice));
    Ok(Terms::new(all, pair.from, pair.to))
}

/// What was translated here before.
pub(super) async fn recalled(job: &Job<'_>) -> Result<Memory, Failure> {
    let scope = JobScope::Room(job.message.room_id.clone());
    let state = job.parts.store.job_state(JobKind::TranslationMemory, &scope, now()).await?;
    Ok(state.map(|state| Memory::read(&state.content)).unwrap_or_default())
}

/// The change that keeps it, where there is something new.
pub(super) fn remembered(job: &Job<'_>, memory: &Memory) -> Option<Change> {
    let at = now();
    let state = || JobState {
        kind: JobKind::TranslationMemory,
        scope: JobScope::Room(job.message.room_id.clone()),
        by: None,
        at,
        until: later(at, job.parts.config.retention_in(job.settings)),
        content: memory.written(),
    };
    memory.changed.then(|| Change::KeepJob(Box::new(state())))
}

/// What translates for a job.
pub(super) fn translator<'a>(
    job: &'a Job<'_>,
    pair: Pair,
    terms: &'a Terms,
    progress: &'a (dyn Fn(usize) + Sync),
) -> Translator<'a> {
    Translator {
        model: job.model(),
        sampling: &job.parts.sampling,
        from: pair.from,
        to: pair.to,
        terms,
        at_once: AT_ONCE,
        progress,
    }
}
