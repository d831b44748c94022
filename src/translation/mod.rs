//! Translation, as far as it is pure: languages, terms, and what of a text has to be found in its translation.

pub mod asked;
pub mod checks;
pub mod glossary;
mod inflect;
pub mod languages;
mod words;
