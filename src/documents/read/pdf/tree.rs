//! The tree of pages, looked at before `pdf_oxide` walks it: one that goes round in circles takes it for ever.

use std::collections::HashSet;

use pdf_oxide::{
    PdfDocument,
    object::{Object, ObjectRef},
};

use crate::documents::{ExtractError, Limit};

/// How many nodes of the tree there may be for each page.
const NODES_A_PAGE: usize = 2;

/// Refuses a tree that has a node twice, or more nodes than the pages that are read need. A page may be in it twice.
pub(super) fn check(document: &PdfDocument, most_pages: u32) -> Result<(), ExtractError> {
    // Without a catalogue, `pdf_oxide` looks for pages itself.
    let Ok(catalogue) = document.catalog() else { return Ok(()) };
    let root = catalogue.as_dict().and_then(|catalogue| catalogue.get("Pages")).and_then(Object::as_reference);
    let (mut waiting, mut seen) = (Vec::from_iter(root), HashSet::<ObjectRef>::new());
    let mut pages = 0;
    while let Some(node) = waiting.pop() {
        if !seen.insert(node) {
            return Err(ExtractError::Damaged);
        }
        if seen.len() > most_pages as usize * NODES_A_PAGE {
            return Err(ExtractError::TooLarge(Limit::Pages(most_pages)));
        }
        let Ok(object) = document.load_object(node) else { continue };
        let Some(kids) = object.as_dict().and_then(|node| node.get("Kids")) else { continue };
        let Ok(kids) = document.resolve_object(kids) else { continue };
        for kid in kids.as_array().into_iter().flatten().filter_map(Object::as_reference) {
            if is_node(document, kid) {
                waiting.push(kid);
            } else {
                pages += 1;
            }
            if pages > most_pages {
                return Err(ExtractError::TooLarge(Limit::Pages(most_pages)));
            }
        }
    }
    Ok(())
}

/// Whether it has pages below it.
fn is_node(document: &PdfDocument, reference: ObjectRef) -> bool {
    document.load_object(reference).is_ok_and(|object| object.as_dict().is_some_and(|node| node.contains_key("Kids")))
}
