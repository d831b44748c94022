//! What people send that is no text, and where its bytes are.

use serde::{Deserialize, Serialize};

/// What people send that is no text.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Unread {
    /// A file of any kind.
    File,
    /// An image.
    Image,
    /// A voice message, or another recording.
    Recording,
    /// A video.
    Video,
    /// A sticker.
    Sticker,
    /// A poll.
    Poll,
    /// A place on a map.
    Location,
}

/// Media that somebody has sent, not yet downloaded.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct MediaRef {
    /// The file's name, as its sender gave it.
    pub name: String,
    /// Its media type, as its sender gave it (`image/*` where only that was said). Never trusted further than for a first choice.
    pub media_type: Option<String>,
    /// Its size in bytes, as its sender gave it.
    pub size: Option<u64>,
    /// What is written with it; empty without a caption.
    pub caption: String,
    /// Where it is: the JSON of the event's `file` (encrypted: an address with its key) or `url`. For whoever downloads it.
    pub source: String,
}

impl MediaRef {
    /// What it is, by its media type.
    #[must_use]
    pub fn kind(&self) -> Unread {
        match self.media_type.as_deref().and_then(|media_type| media_type.split('/').next()) {
            Some("image") => Unread::Image,
            Some("audio") => Unread::Recording,
            Some("video") => Unread::Video,
            _ => Unread::File,
        }
    }
}
