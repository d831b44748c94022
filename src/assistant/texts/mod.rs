//! Every sentence the bot says by itself, in one place: [`Text`] names them, `fr` and `en` say them. French comes first.
//!
//! Both say all of them, because a `match` must; and none is there for nothing, because the compiler names a variant that nobody uses.
//! `docs/phrases.md` shows them all for proofreading.

pub(super) mod allowed;
pub(super) mod cases;
mod documented;
pub(super) mod documents;
mod en;
pub(super) mod energy;
mod exported;
mod fr;
pub(super) mod glossary;
pub(super) mod journal;
mod mastered;
mod memory;
mod notes;
pub mod privacy;
pub(super) mod pseudonyms;
mod refused;
mod review_files;
pub(super) mod reviews;
mod rights;
#[cfg(test)]
mod samples;
mod say;
mod shown;
pub(super) mod sources;
mod standing;
pub(super) mod statistics;
mod synthesis;
mod text;
#[cfg(test)]
mod told;
pub(super) mod translation;
mod unread;
mod unreadable;
mod welcome;
mod whom;

pub(super) use self::cases::Cases;
pub(super) use self::documented::Documented;
pub(super) use self::exported::Exported;
pub(super) use self::glossary::Glossary;
pub(super) use self::mastered::Mastered;
pub(super) use self::memory::{FactPlace, Memory};
pub(super) use self::notes::{Headings, Notes, Reach};
pub(super) use self::rights::Rights;
pub(super) use self::say::typeset;
pub(super) use self::shown::{AboutPrivacy, Contact, Destroys, Welcome};
pub(super) use self::synthesis::Synthesis;
pub(super) use self::text::Text;
pub(super) use self::translation::Translation;
pub use self::{say::refusal, unread::note};
pub use crate::compagnon::Language;
