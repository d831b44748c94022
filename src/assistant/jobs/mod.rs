//! Jobs: commands that have the model work, perhaps for minutes, and end with texts or files of their own rather than with an answer to a question.
//!
//! [`run`] is their frame: what may be done is checked, progress is shown, `!stop`, an edit and the end of the process are noticed, and what comes of it
//! is written down in one write. A file or folder per job.

mod cases;
mod files;
mod frame;
mod job;
mod note;
mod pseudonymise;
pub(super) mod reviews;
mod target;
mod texts;
mod translate;

pub use self::{
    frame::run,
    note::{Docs, corrected, opens_thread},
    translate::{Memory, Source, Translated, Translation, Translator},
};
