//! What the parts give, brought together by the program: one after the other, and what says the same once. Pure.

use super::{
    evidence::meaning,
    value::{Entry, MOST_ENTRIES, MOST_MESSAGES},
};

/// The share of words that two entries have in common to be the same one, in percent.
const SHARE: usize = 75;

/// Adds entries to those that there are already. Returns whether all of them had a place.
pub fn add(entries: &mut Vec<Entry>, more: Vec<Entry>) -> bool {
    let mut whole = true;
    for entry in more {
        if let Some(same) = entries.iter_mut().find(|before| is_same(before, &entry)) {
            join(same, entry);
        } else if entries.len() < MOST_ENTRIES {
            entries.push(entry);
        } else {
            whole = false;
        }
    }
    whole
}

/// Whether two entries say the same: of the same person, at the same time, where both say so.
fn is_same(one: &Entry, other: &Entry) -> bool {
    let differ = |one: &Option<String>, other: &Option<String>| one.is_some() && other.is_some() && one != other;
    if differ(&one.who, &other.who) || differ(&one.when, &other.when) {
        return false;
    }
    let (words, others) = (meaning(&one.text), meaning(&other.text));
    let (shared, all) = (words.intersection(&others).count(), words.union(&others).count());
    if all == 0 { one.text == other.text } else { shared * 100 >= all * SHARE }
}

fn join(entry: &mut Entry, other: Entry) {
    entry.who = entry.who.take().or(other.who);
    entry.when = entry.when.take().or(other.when);
    for message in other.messages {
        if entry.messages.len() < MOST_MESSAGES && !entry.messages.contains(&message) {
            entry.messages.push(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, MOST_ENTRIES, add};

    fn entry(text: &str, who: Option<&str>, message: &str) -> Entry {
        let messages = vec![message.try_into().expect("an id")];
        Entry { text: text.to_owned(), who: who.map(str::to_owned), when: None, messages }
    }

    #[test]
    fn what_says_the_same_stands_once_with_all_its_messages() {
        let mut entries = Vec::new();
        assert!(add(&mut entries, vec![entry("Envoyer le projet de budget", Some("Awa"), "$a")]));
        assert!(add(&mut entries, vec![entry("Envoyer le projet de budget.", None, "$b")]));
        assert!(add(&mut entries, vec![entry("Envoyer le projet de budget", Some("Ben"), "$c")]));
        assert!(add(&mut entries, vec![entry("Envoyer le projet de loi", None, "$d")]));
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[0].messages.len(), 2);
        let many = (0..2 * MOST_ENTRIES).map(|number| entry(&format!("Numéro {number}000"), None, "$e"));
        assert!(!add(&mut entries, many.collect()));
        assert_eq!(entries.len(), MOST_ENTRIES);
    }
}
