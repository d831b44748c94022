//! Drafts of public replies to users' reviews: `!avis`.
//!
//! A review is read by rules alone before a model sees it: what lets one fear for somebody is said first (`distress`), and what identifies
//! anybody is masked (`masked`). The model is given the masked review, what the agent said and the nearest earlier replies (`pairs`, `prompt`);
//! what it writes is cleaned (`draft`) and held against the rules of public replies (`checks`, `facts`). A file of reviews (`rows`, `columns`) is
//! walked through; what is kept for that is `state`. Nothing is sent anywhere but into the conversation.

mod asked;
mod checks;
mod columns;
mod distress;
mod draft;
mod export;
mod facts;
#[cfg(test)]
mod fifty;
mod kept;
mod masked;
mod pairs;
mod plain;
mod prompt;
#[cfg(test)]
mod properties;
mod rows;
mod run;
mod state;
mod table;
mod words;
mod write;

pub use self::{
    checks::Check,
    distress::Distress,
    facts::FactKind,
    plain::{meant, offered},
    rows::BadFile,
};
#[cfg(test)]
pub(in crate::assistant) use fifty::fifty;
pub(super) use run::run;
