//! Pseudonymisation: what identifies a person in a French text is replaced by placeholders as `[PERSONNE_1]`, and put back.
//!
//! A [`Table`] belongs to one conversation: the same person, number or address is the same placeholder wherever it stands, and
//! [`Table::restore`] gives back the text byte for byte. What is found is decided by rules: identifiers by their keys, people, places
//! and organisations by the words around them and by lists (`data/`, whose sources are named in its `README.md`). What a model has found in the same
//! text is given as data ([`Suggestion`]), and adds to them.
//!
//! Pure: no I/O, and time in proportion to the text, whatever it holds.

mod address;
mod claims;
mod contact;
mod dates;
mod detect;
mod doubt;
mod finding;
mod flags;
mod fold;
mod gazetteer;
pub mod keys;
mod kind;
mod known;
mod left;
mod names;
mod numbers;
mod organisations;
mod page;
mod papers;
mod people;
mod persons;
mod placeholder;
mod places;
mod restorer;
mod run;
mod said;
mod signatures;
mod suggested;
mod suggestion;
mod table;
mod tokens;
mod triggers;
mod vocabulary;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod suggested_tests;
#[cfg(test)]
mod tests;

pub use doubt::may_name;
pub use finding::{Finding, Pseudonymised};
pub use gazetteer::{is_name, is_ordinary};
pub use kind::Kind;
pub use placeholder::LONGEST as LONGEST_PLACEHOLDER;
pub use restorer::{Restorer, Restoring};
pub use suggestion::Suggestion;
pub use table::Table;
