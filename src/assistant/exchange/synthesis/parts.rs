//! Which passages are read together, and which notes are kept. Pure; sizes are tokens.

use crate::{assistant::exchange::compose::shortened, document::Passage};

/// Neighbouring passages of one document that are read together: the place and the headings are those of the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The index of the document.
    pub document: usize,
    /// The text.
    pub passage: Passage,
}

/// What of the notes an answer is given.
pub struct Fitted {
    /// The notes, each with the index of its document.
    pub passages: Vec<(usize, Passage)>,
    /// Whether some are left out.
    pub left_out: bool,
}

/// The passages of each document in parts that cost at most `room`. A passage that costs more alone keeps its head and tail.
pub fn parts(documents: &[&[Passage]], room: usize, cost: impl Fn(&str) -> usize) -> Vec<Part> {
    let mut parts = Vec::new();
    for (document, passages) in documents.iter().enumerate() {
        let mut open: Option<(Part, usize)> = None;
        for passage in *passages {
            let text = with_heading(passage, open.as_ref().map(|(part, _)| &part.passage));
            let alone = cost(&text);
            match &mut open {
                Some((part, spent)) if *spent + alone <= room => {
                    part.passage.text.push_str("\n\n");
                    part.passage.text.push_str(&text);
                    *spent += alone;
                }
                _ => {
                    parts.extend(open.take().map(|(part, _)| part));
                    let text = if alone > room { shortened(&text, room, &cost).unwrap_or_default() } else { text };
                    let passage = Passage { text, ..passage.clone() };
                    open = Some((Part { document, passage }, alone));
                }
            }
        }
        parts.extend(open.map(|(part, _)| part));
    }
    parts
}

/// The words of neighbouring passages, with their headings.
pub fn words_of<'a>(passages: impl Iterator<Item = &'a Passage>) -> String {
    let (mut words, mut before) = (String::new(), None);
    for passage in passages {
        if before.is_some() {
            words.push_str("\n\n");
        }
        words.push_str(&with_heading(passage, before));
        before = Some(passage);
    }
    words
}

/// The text of a passage, below its last heading where that is not the one before it.
fn with_heading(passage: &Passage, before: Option<&Passage>) -> String {
    match passage.headings.last() {
        Some(heading) if before.is_none_or(|before| before.headings != passage.headings) => {
            format!("{heading}\n{}", passage.text)
        }
        _ => passage.text.clone(),
    }
}

/// As many notes as fit, evenly over the documents: each document has the same share, and what one does not need is the others'.
pub fn fitted(documents: Vec<Vec<Passage>>, budget: usize, cost: impl Fn(&str) -> usize) -> Fitted {
    let totals: Vec<usize> = documents.iter().map(|notes| notes.iter().map(|note| cost(&note.text)).sum()).collect();
    let mut shares = vec![0; documents.len()];
    let (mut left, mut open): (usize, Vec<usize>) = (budget, (0..documents.len()).collect());
    // The smallest first: what it leaves goes to the larger ones.
    open.sort_by_key(|index| totals[*index]);
    for (place, index) in open.iter().enumerate() {
        shares[*index] = totals[*index].min(left / (open.len() - place));
        left -= shares[*index];
    }
    let mut fitted = Fitted { passages: Vec::new(), left_out: false };
    for (index, notes) in documents.into_iter().enumerate() {
        let mut share = shares[index];
        for note in notes {
            let alone = cost(&note.text);
            if alone <= share {
                share -= alone;
                fitted.passages.push((index, note));
            } else {
                fitted.left_out = true;
            }
        }
    }
    fitted
}
