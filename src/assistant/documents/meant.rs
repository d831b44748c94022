//! Which documents a question is about as a whole. Pure.

use std::time::Duration;

use super::{asked::Search, query::words};
use crate::{document::Document, document::Partition, message::ConversationId};

/// Only the beginning of a question is looked at, in characters: what comes after may be a text that it brings.
const LOOKED_AT: usize = 400;

/// In a thread that has just begun, a document of the main line that came so lately is what is asked about.
const LATELY: Duration = Duration::from_hours(1);

/// Nouns that mean a document whatever stands before them, but for [`INDEFINITE`].
const DOCUMENTS: [&str; 8] =
    ["document", "documents", "fichier", "fichiers", "pdf", "pdfs", "attachment", "attachments"];

/// Nouns that mean a document after [`DEFINITE`] only.
const WRITINGS: [&str; 18] = [
    "rapport",
    "rapports",
    "note",
    "notes",
    "guide",
    "guides",
    "tableau",
    "tableaux",
    "piece",
    "pieces",
    "circulaire",
    "presentation",
    "courrier",
    "report",
    "reports",
    "file",
    "files",
    "memo",
];

const DEFINITE: [&str; 17] =
    ["ce", "cet", "cette", "ces", "le", "la", "les", "l", "du", "au", "mon", "ma", "mes", "the", "this", "these", "my"];

const INDEFINITE: [&str; 7] = ["un", "une", "a", "an", "de", "d", "of"];

/// Words that mean several.
const SEVERAL: [&str; 7] = ["ces", "les", "des", "mes", "these", "all", "tous"];

/// The documents that a question is about as a whole: its own; those that it names; those that came since the last answer; and where it says
/// "this document", the newest of the conversation. None where nothing says so: it is about something else, perhaps.
pub(super) fn meant<'a>(search: &Search<'a>) -> Vec<&'a Document> {
    if !search.about.is_empty() {
        return search.documents.iter().filter(|document| search.is_about(document)).collect();
    }
    let own: Vec<&Document> = search.documents.iter().filter(|document| is_own(document)).collect();
    let of = |is_meant: &dyn Fn(&Document) -> bool| -> Vec<&'a Document> {
        own.iter().copied().filter(|document| is_meant(document)).collect()
    };
    let end = search.question.char_indices().nth(LOOKED_AT).map_or(search.question.len(), |(end, _)| end);
    let asked = words(&search.question[..end]);
    let named = of(&|document| names(&asked, &document.title));
    if !named.is_empty() {
        return named;
    }
    let mentioned = mentioned(&asked);
    if mentioned == Some(Mentioned::All) {
        let dropped = of(&|document| matches!(document.partition, Partition::Conversation(_)));
        return if dropped.is_empty() { own } else { dropped };
    }
    let new = of(&|document| is_new(search, document));
    if !new.is_empty() || mentioned.is_none() {
        return new;
    }
    let newest = |document: &&&Document| {
        (matches!(document.partition, Partition::Conversation(_)), document.added_at, document.number)
    };
    own.iter().max_by_key(newest).copied().into_iter().collect()
}

/// Whether a document was put into the conversation, or is its author's own.
pub(super) fn is_own(document: &Document) -> bool {
    matches!(document.partition, Partition::Conversation(_) | Partition::Person(_))
}

/// Whether a document has come since the last answer of the conversation.
pub(super) fn is_new(search: &Search<'_>, document: &Document) -> bool {
    match (search.last_answer, &document.partition) {
        (Some(at), _) => document.added_at >= at,
        (None, Partition::Conversation(conversation)) if conversation == search.conversation => true,
        (None, Partition::Conversation(ConversationId { thread: None, .. })) => {
            search.now.saturating_sub(document.added_at) < LATELY.as_millis() as u64
        }
        (None, _) => false,
    }
}

/// How a question speaks of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mentioned {
    One,
    All,
}

fn mentioned(asked: &[String]) -> Option<Mentioned> {
    let mut found = None;
    for (at, word) in asked.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| asked.get(before)).map_or("", String::as_str);
        let is_meant = if DOCUMENTS.contains(&word.as_str()) {
            !INDEFINITE.contains(&before)
        } else {
            WRITINGS.contains(&word.as_str()) && DEFINITE.contains(&before)
        };
        if is_meant {
            let several = SEVERAL.contains(&before) && word.ends_with(['s', 'x']);
            found = if several { Some(Mentioned::All) } else { found.or(Some(Mentioned::One)) };
        }
    }
    found
}

/// Whether a document's name stands in a question: with its ending, or without it where it has several words.
fn names(asked: &[String], title: &str) -> bool {
    let stands = |name: &[String]| name.len() > 1 && asked.windows(name.len()).any(|some| some == name);
    let stem = title.rsplit_once('.').map_or(title, |(stem, _)| stem);
    stands(&words(title)) || stands(&words(stem))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ruma::{owned_room_id, owned_user_id};

    use super::{ConversationId, Document, LATELY, Partition, Search, meant};

    const NOW: u64 = 10_000_000;

    fn main_line() -> ConversationId {
        ConversationId { room_id: owned_room_id!("!a:h"), thread: None }
    }

    fn document(number: u64, partition: Partition, title: &str, added_at: u64) -> Document {
        Document {
            number,
            partition,
            title: title.to_owned(),
            format: "pdf".to_owned(),
            pages: None,
            passages: 1,
            characters: 10,
            origin: None,
            added_at,
            link: None,
        }
    }

    /// The numbers of the documents that a question is about.
    fn of(question: &str, last_answer: Option<u64>, conversation: &ConversationId) -> BTreeSet<u64> {
        let dropped = Partition::Conversation(main_line());
        let documents = [
            document(1, dropped.clone(), "Guide RH.pdf", 1_000),
            document(2, dropped, "Bilan.pdf", 2_000),
            document(3, Partition::Person(owned_user_id!("@awa:h")), "Mon carnet.odt", 3_000),
            document(4, Partition::Catalogue, "Loi.pdf", 4_000),
        ];
        let search = Search {
            conversation,
            partitions: &[],
            documents: &documents,
            question,
            before: None,
            about: &[],
            last_answer,
            now: NOW,
            characters: 0,
        };
        meant(&search).iter().map(|document| document.number).collect()
    }

    #[test]
    fn a_question_is_about_what_it_names_or_follows_and_about_nothing_else() {
        let main = main_line();
        for (question, last_answer, expected) in [
            ("Résume la loi de 1905", Some(5_000), vec![]),
            ("Rédige un document de synthèse sur le télétravail", Some(5_000), vec![]),
            ("Fais une note de synthèse", Some(5_000), vec![]),
            ("Résume le texte suivant : …", Some(5_000), vec![]),
            ("Fais une synthèse du Guide RH", Some(5_000), vec![1]),
            ("résume bilan.pdf", Some(5_000), vec![2]),
            ("Résume ce document", Some(5_000), vec![2]),
            ("Quels sont les points clés de la note ?", Some(5_000), vec![2]),
            ("Synthétise les documents", Some(5_000), vec![1, 2]),
            ("Résume", Some(1_500), vec![2, 3]),
            ("Résume ce document", Some(1_500), vec![2, 3]),
            ("Résume", None, vec![1, 2]),
        ] {
            assert_eq!(of(question, last_answer, &main), expected.into_iter().collect(), "{question}");
        }
        let long = format!("Résume : {} ce document", "mot ".repeat(200));
        assert_eq!(of(&long, Some(5_000), &main), BTreeSet::new(), "only its beginning is looked at");
    }

    #[test]
    fn what_came_lately_above_a_new_thread_is_what_it_is_about() {
        let thread = ConversationId { thread: "$t:h".try_into().ok(), ..main_line() };
        assert_eq!(of("Résume", None, &thread), BTreeSet::new(), "they are old: {LATELY:?}");
        let recent = document(7, Partition::Conversation(main_line()), "a.pdf", NOW - 1_000);
        let documents = [recent];
        let search = Search {
            conversation: &thread,
            partitions: &[],
            documents: &documents,
            question: "Résume",
            before: None,
            about: &[],
            last_answer: None,
            now: NOW,
            characters: 0,
        };
        assert_eq!(meant(&search).len(), 1);
    }
}
