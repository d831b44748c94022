//! Whether a file that comes without the command is a table of reviews. Pure.

use super::rows;
use crate::{documents::decoded, index::french::fold, message::MediaRef};

/// Words by which somebody asks for replies to a file.
const ASKING: [&str; 6] = ["avis", "repon", "repondre", "brouillon", "reply", "review"];

/// Whether a file is a table in text, by what its sender says of it.
#[must_use]
pub fn is_table(media: &MediaRef) -> bool {
    let ending = media.name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    let named = ending.is_some_and(|ending| ["csv", "tsv"].contains(&ending.as_str()));
    named || media.media_type.as_deref().is_some_and(|kind| kind.starts_with("text/csv"))
}

/// Whether words ask for replies to what is in a file.
#[must_use]
pub fn asks_for_replies(text: &str) -> bool {
    let text = fold(text);
    ASKING.iter().any(|word| text.contains(word))
}

/// How many reviews of a file wait for a reply; nothing where it holds none. One whose reviews are all answered is a collection of replies.
#[must_use]
pub fn waiting(bytes: &[u8]) -> Option<usize> {
    if bytes.len() > rows::MOST_BYTES {
        return None;
    }
    let rows = rows::read(&decoded(bytes)?).ok()?.rows;
    let waiting = rows.iter().filter(|row| !row.answered && !row.text.trim().is_empty()).count();
    (waiting > 0).then_some(waiting)
}

#[cfg(test)]
mod tests {
    use super::{asks_for_replies, is_table, waiting};
    use crate::message::MediaRef;

    #[test]
    fn a_table_of_reviews_that_wait_is_told_from_others() {
        for (file, count) in [
            ("Description;Note\nUne heure d’attente.;2\n;1\nRien ne va.;1\n", Some(2)),
            ("avis,réponse\nUne heure d’attente.,\"Bonjour, merci.\"\n", None),
            ("a;b\n1;2\n", None),
            ("", None),
            ("\u{0}\u{1}", None),
        ] {
            assert_eq!(waiting(file.as_bytes()), count, "{file}");
        }
        let media = |name: &str, kind: Option<&str>| MediaRef {
            name: name.to_owned(),
            media_type: kind.map(str::to_owned),
            size: None,
            caption: String::new(),
            source: String::new(),
        };
        assert!(is_table(&media("Avis.CSV", None)) && is_table(&media("export", Some("text/csv; charset=utf-8"))));
        assert!(!is_table(&media("avis.pdf", None)) && !is_table(&media("csv", None)));
        assert!(asks_for_replies("Réponds à ces avis") && asks_for_replies("Prépare les RÉPONSES"));
        assert!(!asks_for_replies("Combien de lignes ?"));
    }
}
