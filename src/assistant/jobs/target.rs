//! What a job is about: a text written with the command, a file, or the message replied to.

use super::job::Job;
use crate::{
    assistant::{
        commands::{inert, is_blank},
        documents::title,
        exchange::{message_for, own_words},
        failure::Failure,
        texts::{
            Text,
            documents::{Documents, NotRead},
        },
    },
    material::Unreadable,
    message::{Content, MediaRef, Unread},
};

/// A file that somebody has sent.
pub(super) struct SentFile {
    /// Its name, as its sender gave it.
    pub name: String,
    /// Its media type, as its sender gave it.
    pub media_type: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What a job is about. Nothing of it is stored.
pub(super) enum Target {
    /// A text.
    Text(String),
    /// A file, downloaded.
    File(SentFile),
    /// Nothing is pointed at.
    Nothing,
    /// It cannot be read: this is said.
    NotRead(Text<'static>),
}

impl Target {
    /// What the command is about. `own` is the text that was written with it, as far as that is no argument of it: it counts before a file, and
    /// a file of the message itself before the message that it replies to.
    pub(super) async fn of(job: &Job<'_>, own: &str) -> Result<Self, Failure> {
        let (parts, message) = (job.parts, job.message);
        if !is_blank(own) {
            return Ok(Self::Text(own.to_owned()));
        }
        if let Content::Attachment(media) = &message.content {
            return download(job, media).await;
        }
        let Some(target) = &message.replies_to else { return Ok(Self::Nothing) };
        let Some(found) = message_for(&parts.homeserver, message, target).await? else {
            return Ok(Self::NotRead(Text::CannotAnswerTo(Unreadable::Unavailable)));
        };
        if let Some(media) = &found.media {
            return download(job, media).await;
        }
        Ok(match found.text {
            Err(why) => Self::NotRead(Text::CannotAnswerTo(why)),
            Ok(text) => {
                let text = if found.own { own_words(&text).to_owned() } else { text };
                if is_blank(&text) { Self::Nothing } else { Self::Text(text) }
            }
        })
    }
}

/// The bytes of a file. Whether it can be put back is known by who reads it: subtitles are no document, and are translated.
async fn download(job: &Job<'_>, media: &MediaRef) -> Result<Target, Failure> {
    let not_read = |why| {
        Target::NotRead(Text::Documents(Documents::NotRead { name: inert(&title(&media.name)), why, read: Vec::new() }))
    };
    if media.kind() != Unread::File {
        return Ok(not_read(NotRead::UnknownType));
    }
    Ok(match job.parts.ingestion.fetch(media).await? {
        Ok(bytes) => Target::File(SentFile { name: media.name.clone(), media_type: media.media_type.clone(), bytes }),
        Err(why) => not_read(why),
    })
}
