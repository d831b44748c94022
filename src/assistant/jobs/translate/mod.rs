//! Translation: what is asked, what it is about, and what is said of it.

mod clean;
mod file;
mod masks;
mod memory;
mod message;
mod prompt;
mod report;
mod translator;
mod units;

#[cfg(test)]
mod tests;

pub use self::{
    memory::Memory,
    translator::{Source, Translated, Translation, Translator},
};
use super::{job::Job, target::Target};
use crate::{
    assistant::{
        clock::now,
        courier::Ending,
        failure::Failure,
        glossaries,
        texts::{self, Language, Text},
    },
    command::Command,
    job::{JobKind, JobScope, JobState},
    store::Change,
    translation::{asked::asked, glossary::Terms, languages::TextLanguage},
};

/// The most passages of one translation.
const MOST_PASSAGES: usize = 20_000;

/// From which language to which.
#[derive(Clone, Copy)]
struct Pair {
    from: Option<TextLanguage>,
    to: TextLanguage,
}

/// Translates what the command is about.
pub(super) async fn run(job: &Job<'_>) -> Result<Ending, Failure> {
    if job.call.unasked {
        return unasked(job).await;
    }
    let asked = asked(&job.call.arguments);
    if let Some(name) = asked.unknown {
        let name = crate::assistant::commands::inert(name);
        return say(job, &texts::Translation::NoSuchLanguage { name: &name });
    }
    let own = [asked.rest, job.call.text.as_str()].into_iter().filter(|text| !text.is_empty());
    let own = own.collect::<Vec<_>>().join("\n");
    match Target::of(job, &own).await? {
        Target::Text { text, .. } => message::translate(job, &text, asked.from, asked.to).await,
        Target::File(file) => file::translate(job, &file, asked.from, asked.to).await,
        Target::NotRead(text) => Ok(Ending { items: job.say(&text), ..Ending::default() }),
        Target::Nothing => {
            let usage = Command::Translate.usage(job.language);
            Ok(Ending { items: job.say(&Text::Usage { usage: &usage }), ..Ending::default() })
        }
    }
}

/// Translates a message that nobody asked the translation of. Where the room wants that no more, nothing is said.
async fn unasked(job: &Job<'_>) -> Result<Ending, Failure> {
    let message = job.message;
    let nothing = Ending { unasked: true, ..Ending::default() };
    let Some(to) = glossaries::continuous(&job.parts.store, &message.room_id, now()).await? else { return Ok(nothing) };
    let text = message.text();
    match TextLanguage::of(text).filter(|from| *from != to) {
        Some(from) => {
            let ending = message::translate(job, text, Some(from), Some(to)).await?;
            Ok(Ending { unasked: true, ..ending })
        }
        None => Ok(nothing),
    }
}

/// Says a sentence and nothing else.
fn say(job: &Job<'_>, text: &texts::Translation<'_>) -> Result<Ending, Failure> {
    Ok(Ending { items: job.say(&Text::Translation(text.clone())), ..Ending::default() })
}

/// From which language to which a text is translated; or what is said instead.
fn pair(
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
async fn terms(job: &Job<'_>, pair: Pair) -> Result<Terms, Failure> {
    let parts = job.parts;
    let room = glossaries::of_room(&parts.store, &job.message.room_id, now()).await?;
    let files = glossaries::of_files(&parts.config.translation, &job.compagnon.compagnon.id).await;
    let all = std::iter::once(room.as_slice()).chain(files.iter().map(Vec::as_slice));
    Ok(Terms::new(all, pair.from, pair.to))
}

/// What was translated here before.
async fn recalled(job: &Job<'_>) -> Result<Memory, Failure> {
    let scope = JobScope::Room(job.message.room_id.clone());
    let state = job.parts.store.job_state(JobKind::TranslationMemory, &scope, now()).await?;
    Ok(state.map(|state| Memory::read(&state.content)).unwrap_or_default())
}

/// The change that keeps it, where there is something new.
fn remembered(job: &Job<'_>, memory: &Memory) -> Option<Change> {
    let at = now();
    let kept = u64::try_from(job.parts.config.retention_in(job.settings).as_millis()).unwrap_or(u64::MAX);
    let state = || JobState {
        kind: JobKind::TranslationMemory,
        scope: JobScope::Room(job.message.room_id.clone()),
        by: None,
        at,
        until: at.saturating_add(kept),
        content: memory.written(),
    };
    memory.changed.then(|| Change::KeepJob(Box::new(state())))
}

/// What translates for a job.
fn translator<'a>(
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
        at_once: translator::AT_ONCE,
        progress,
    }
}
