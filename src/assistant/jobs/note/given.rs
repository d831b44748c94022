//! A draft as files in its thread.

use super::{
    draft::Draft,
    files::{self, Around},
    show::Place,
};
use crate::{
    assistant::{clock::now, courier::Ending, failure::Failure, jobs::job::Job, texts::Text},
    message::Item,
};

/// Where the messages of a draft are.
pub fn place<'a>(job: &'a Job<'_>, draft: &'a Draft) -> Place<'a> {
    Place { room_id: &job.message.room_id, via: &draft.via }
}

/// What stands above a note in a file.
pub fn about(draft: &Draft) -> Vec<String> {
    vec![draft.made.trim_matches('_').to_owned(), draft.left_out.clone()]
}

/// A draft as files in its thread.
pub async fn as_files(job: &Job<'_>, draft: &Draft, text: &Text<'_>) -> Result<Ending, Failure> {
    let about = about(draft);
    let around = Around { about: &about, place: place(job, draft), language: draft.language() };
    let mut items = job.say(text);
    let markdown = files::markdown(&draft.note, around).into_bytes();
    for (name, media_type, bytes) in
        [("note.md", "text/markdown", Some(markdown)), ("note.odt", files::ODT, files::odt(&draft.note, around))]
    {
        let Some(bytes) = bytes else { continue };
        // Before the answer that names it: without that answer it is removed again.
        let file = job.parts.store.put_file(&job.message.room_id, name, media_type, bytes, now()).await?;
        items.push(Item::File(file));
    }
    Ok(Ending { items, ..Ending::default() })
}
