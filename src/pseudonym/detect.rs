//! What is found in a text, in the order that decides where two readings overlap.

use std::collections::HashSet;

use super::kind::Kind;
use super::page::{Hit, Page};
use super::suggestion::Suggestion;
use super::{
    address, contact, dates, known, left, numbers, organisations, persons, placeholder, places, signatures, suggested,
    triggers,
};

/// Everything found, in order, apart from one another; `names` are those of earlier texts, `suggestions` what a model has found in this one.
pub(super) fn detect(text: &str, names: &HashSet<String>, suggestions: &[Suggestion]) -> Vec<Hit> {
    let mut page = Page::new(text);
    for (start, end, _) in placeholder::all(text) {
        page.claim(Kind::Literal, start..end);
    }
    contact::find(&mut page);
    left::leave(&mut page);
    dates::find(&mut page);
    numbers::find(&mut page);
    address::find(&mut page);
    organisations::find(&mut page);
    triggers::find(&mut page);
    signatures::find(&mut page);
    places::certain(&mut page);
    persons::find(&mut page);
    persons::listed(&mut page);
    dates::after_people(&mut page);
    places::rest(&mut page);
    suggested::find(&mut page, suggestions);
    known::find(&mut page, names);
    let mut hits = page.hits;
    hits.sort_unstable_by_key(|hit| hit.start);
    hits
}
