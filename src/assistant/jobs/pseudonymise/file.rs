//! The texts of a file with placeholders, and back. Pure.

use std::ops::Range;

use crate::{
    assistant::entities::Found,
    pseudonym::{Finding, Kind, Table},
    segment::{Segment, plain, replaced},
};

/// How often the texts are gone through again because a name was found in one after others that have it, too.
const MOST_PASSES: usize = 3;

/// The longest text of a file's properties that is replaced as a whole, in characters, and the most words.
const LONGEST_NAME: usize = 60;
const MOST_WORDS: usize = 5;

/// The texts of a file with placeholders.
pub(super) struct Hidden {
    /// The runs of each segment.
    pub(super) texts: Vec<Vec<String>>,
    /// What was replaced, each placeholder once.
    pub(super) replaced: Vec<(String, String)>,
}

/// Replaces what identifies people in the texts of a file, all of them with one table. They are read as one text: what announces a name may stand in
/// the cell or the paragraph before it. `names` are those that a model has found in [`whole`].
pub(super) fn hidden(table: &mut Table, segments: &[Segment], names: &Found) -> Hidden {
    let plains: Vec<String> = segments.iter().map(plain).collect();
    let whole = plains.join("\n");
    let suggested = names.of(&whole);
    let mut found = Vec::new();
    for _ in 0..MOST_PASSES {
        let known = table.known();
        found = table.pseudonymise_with(&whole, &suggested).found;
        if table.known() == known {
            break;
        }
    }
    let mut list = Vec::new();
    let mut found = found.into_iter().peekable();
    let mut start = 0;
    let mut texts = Vec::with_capacity(segments.len());
    for (segment, text) in segments.iter().zip(&plains) {
        let end = start + text.len();
        let mut within = Vec::new();
        let mut is_cut = false;
        while let Some(finding) = found.peek().filter(|finding| finding.range.start < end) {
            let Finding { range, .. } = finding;
            is_cut |= range.start < start || range.end > end;
            if range.end > end {
                // The rest of it stands in the next text.
                break;
            }
            within.extend(found.next());
        }
        // What runs over the end of a text is looked for in each of them alone.
        let within = if is_cut { table.pseudonymise_with(text, &names.of(text)).found } else { moved(within, start) };
        let changes = if within.is_empty() && is_name_of_file(segment, text) {
            vec![(0..text.len(), table.literal(text))]
        } else {
            within.into_iter().map(|finding| change(&mut list, finding)).collect()
        };
        texts.push(replaced(segment, &changes));
        start = end + 1;
    }
    Hidden { texts, replaced: list }
}

/// The texts of a file as one.
pub(super) fn whole(segments: &[Segment]) -> String {
    segments.iter().map(plain).collect::<Vec<_>>().join("\n")
}

/// Puts back what stands in the texts of a file; `None` where there is nothing to put back.
pub(super) fn restored(table: &Table, segments: &[Segment]) -> Option<Vec<Vec<String>>> {
    let mut any = false;
    let texts = segments.iter().map(|segment| {
        let standing = table.standing(&plain(segment));
        any |= !standing.is_empty();
        replaced(segment, &standing)
    });
    let texts = texts.collect();
    any.then_some(texts)
}

/// What was found of a text, from where it begins on.
fn moved(found: Vec<Finding>, by: usize) -> Vec<Finding> {
    let shifted = |range: &Range<usize>| range.start.saturating_sub(by)..range.end.saturating_sub(by);
    found.into_iter().map(|finding| Finding { range: shifted(&finding.range), ..finding }).collect()
}

fn change(list: &mut Vec<(String, String)>, finding: Finding) -> (Range<usize>, String) {
    let Finding { kind, range, original, placeholder } = finding;
    if kind != Kind::Literal && !list.iter().any(|(known, _)| *known == placeholder) {
        list.push((placeholder.clone(), original));
    }
    (range, placeholder)
}

/// Whether a text that nobody reads in the file may be the name of its author, or of their office.
fn is_name_of_file(segment: &Segment, text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    segment.hidden
        && text.chars().count() <= LONGEST_NAME
        && (1..=MOST_WORDS).contains(&words.len())
        && words.iter().all(|word| word.starts_with(char::is_alphabetic))
        && words.iter().any(|word| word.starts_with(char::is_uppercase))
}

#[cfg(test)]
mod tests {
    use super::{Found, Segment, Table, hidden, plain, restored};

    fn segments() -> Vec<Segment> {
        let shown = |runs: &[&str]| Segment::new(runs.iter().map(ToString::to_string).collect());
        let property = |text: &str| Segment { hidden: true, ..shown(&[text]) };
        vec![
            shown(&["Kerbrat conteste la ", "décision."]),
            shown(&["Nom"]),
            shown(&["Mme Aïcha ", "Kerb", "rat, 06 12 34 56 78"]),
            shown(&["[PERSONNE_1] était écrit là."]),
            shown(&[""]),
            property("Zorglub Xyzy"),
            property("jamais"),
            shown(&["Rien ici : AÏCHA KERBRAT et aicha.kerbrat@exemple.fr"]),
        ]
    }

    #[test]
    fn a_name_that_one_text_says_is_replaced_in_all_and_comes_back() {
        let mut table = Table::new();
        let before = segments();
        let made = hidden(&mut table, &before, &Found::default());
        assert!(made.texts.iter().zip(&before).all(|(runs, segment)| runs.len() == segment.runs.len()));
        let after: Vec<Segment> = made.texts.into_iter().map(Segment::new).collect();
        let text = after.iter().map(plain).collect::<Vec<_>>().join("\n");
        for gone in ["kerbrat", "aïcha", "06 12", "zorglub", "@exemple"] {
            assert!(!text.to_lowercase().contains(gone), "{gone}: {text}");
        }
        assert!(text.contains("jamais") && text.contains("décision."), "{text}");
        assert!(made.replaced.iter().any(|(_, original)| original.contains("Kerbrat")));
        assert!(!made.replaced.iter().any(|(placeholder, _)| placeholder.starts_with("[TEXTE")), "not in the list");
        let kept: Table = serde_json::from_value(serde_json::to_value(&table).expect("JSON")).expect("a table");
        let back = restored(&kept, &after).expect("something");
        let back: Vec<String> = back.into_iter().map(|runs| runs.concat()).collect();
        assert_eq!(back, before.iter().map(plain).collect::<Vec<_>>());
        assert!(restored(&Table::new(), &after).is_none());
    }

    #[test]
    fn an_address_over_two_lines_is_replaced_in_each() {
        let lines = ["M. Paul Kerbrat", "12 rue des Lilas", "35000 Rennes", "Objet : demande"];
        let before: Vec<Segment> = lines.iter().map(|line| Segment::new(vec![(*line).to_owned()])).collect();
        let mut table = Table::new();
        let made = hidden(&mut table, &before, &Found::default());
        let after: Vec<Segment> = made.texts.into_iter().map(Segment::new).collect();
        let text = after.iter().map(plain).collect::<Vec<_>>().join("\n");
        assert!(!text.contains("Lilas") && !text.contains("Kerbrat") && !text.contains("Rennes"), "{text}");
        let back = restored(&table, &after).expect("something");
        assert_eq!(back.concat(), lines);
    }
}
