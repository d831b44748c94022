//! From hits to what a model is given: neighbours joined, several documents balanced, within a budget. Pure.

use super::Hit;

/// Hits that stand beside one another in their document, joined into one where the text is continuous; at the place of the best of them.
#[must_use]
pub fn joined(hits: Vec<Hit>) -> Vec<Hit> {
    let mut joined: Vec<(Hit, u32)> = Vec::new();
    for hit in hits {
        let ordinal = hit.passage.ordinal;
        let beside = joined.iter_mut().find(|(other, last)| {
            other.document == hit.document
                && other.partition == hit.partition
                && (*last + 1 == ordinal || ordinal + 1 == other.passage.ordinal)
        });
        match beside {
            Some((other, last)) if *last + 1 == ordinal => {
                other.passage.text.push('\n');
                other.passage.text.push_str(&hit.passage.text);
                *last = ordinal;
            }
            Some((other, _)) => {
                let text = format!("{}\n{}", hit.passage.text, other.passage.text);
                other.passage = hit.passage;
                other.passage.text = text;
            }
            None => joined.push((hit, ordinal)),
        }
    }
    joined.into_iter().map(|(hit, _)| hit).collect()
}

/// The best hits within a budget of characters, of which no document has more than its share while another has something left.
#[must_use]
pub fn balanced(hits: Vec<Hit>, characters: usize) -> Vec<Hit> {
    let mut left = characters;
    hits.into_iter()
        .filter(|hit| {
            let length = hit.passage.text.chars().count();
            let fits = length <= left;
            left -= if fits { length } else { 0 };
            fits
        })
        .collect()
}
