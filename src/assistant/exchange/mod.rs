//! One question, one answer: a stage per file, over one value ([`Exchange`]). [`Exchanges::answer`] is their order.
//!
//! | stage | | file |
//! |---|---|---|
//! | admit | restored, stale, refused, command: pure | `admit` |
//! | read | a file without a word: read, and told of | `read` |
//! | resolve | settings, effective compagnon, history | `resolve` |
//! | mastered | a question with an approved answer is given that | `mastered` |
//! | ground | the message replied to, the earlier messages of the thread | `ground` |
//! | search | the passages of documents that answer it, perhaps | `search` |
//! | learn | where the model is given placeholders: what is to be replaced | `pseudonyms` |
//! | compose | budgets, one request to the model: pure | `compose` |
//! | generate | a stream of pieces, through the transforms, to the screen | `generate` |
//! | conclude | items, turns, changes: pure; then one write | `conclude` |
//!
//! `summary` condenses what no longer fits, off this way; `synthesis` reads documents that are longer than the context, before `compose`.

mod admit;
mod checking;
mod cited;
pub mod compose;
mod conclude;
mod contact;
mod effective;
mod generate;
mod ground;
mod history;
mod mastered;
mod parts;
mod pipeline;
mod pointed;
mod pseudonyms;
mod read;
mod remembered;
mod resolve;
mod search;
mod summary;
mod synthesis;
mod transforms;
mod value;
mod watched;
mod whole;

pub use self::{
    checking::{as_shown, unsourced},
    effective::{EffectiveCompagnon, version_in},
    history::History,
    parts::Parts,
    pipeline::Exchanges,
    pointed::{message_for, own_words, reads},
    read::read_file,
    remembered::{fitting, remembered},
    search::{View, readable},
    summary::{Parts as SummaryParts, Summaries},
    value::Exchange,
    watched::watched,
    whole::patiently,
};
