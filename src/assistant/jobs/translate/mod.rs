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
mod work;

#[cfg(test)]
mod tests;

use self::work::say;
pub use self::{
    memory::Memory,
    translator::{Source, Translated, Translation, Translator},
};
use super::{job::Job, target::Target};
use crate::{
    assistant::{
        clock::now,
        commands,
        courier::Ending,
        failure::Failure,
        glossaries,
        texts::{self, Text},
    },
    command::Command,
    message::Content,
    translation::{asked::asked, languages::TextLanguage},
};

/// Translates what the command is about.
pub(super) async fn run(job: &Job<'_>) -> Result<Ending, Failure> {
    if job.call.unasked {
        return unasked(job).await;
    }
    let asked = asked(&job.call.arguments);
    if let Some(name) = asked.unknown {
        let name = commands::inert(name);
        return say(job, &texts::Translation::NoSuchLanguage { name: &name });
    }
    let own = [asked.rest, job.call.text.as_str()].into_iter().filter(|text| !text.is_empty());
    let own = own.collect::<Vec<_>>().join("\n");
    // "!traduire klingon", of something else.
    let points = job.message.replies_to.is_some() || matches!(job.message.content, Content::Attachment(_));
    if points && asked.to.is_none() && job.call.text.is_empty() && asked.rest.split_whitespace().count() == 1 {
        return say(job, &texts::Translation::NoSuchLanguage { name: &commands::inert(asked.rest) });
    }
    match Target::of(job, &own).await? {
        Target::Text(text) => message::translate(job, &text, asked.from, asked.to).await,
        Target::File(file) => file::translate(job, &file, asked.from, asked.to).await,
        Target::NotRead(text) => Ok(job.ends(&text)),
        Target::Nothing => {
            let usage = Command::Translate.usage(job.language);
            Ok(job.ends(&Text::Usage { usage: &usage }))
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
