//! Which names are the same person's.

use std::collections::HashMap;

use super::fold::fold;
use super::page::Gender;

/// The most persons of one name who are compared.
const COMPARED: usize = 16;
/// The fewest letters of a name that may be a slip of the pen.
const SLIP: usize = 5;

/// Somebody, by every word they were called by.
#[derive(Debug, Default)]
struct Person {
    words: Vec<String>,
    gender: Option<Gender>,
}

/// The persons of a conversation.
#[derive(Default)]
pub(super) struct People {
    persons: Vec<Person>,
    /// Who has a word in their names, the last ones.
    by_word: HashMap<String, Vec<u32>>,
}

/// What stands between the words of a name and tells nobody apart.
const SMALL: [&str; 12] = ["de", "du", "des", "d", "la", "le", "l", "van", "von", "der", "et", "y"];

/// The words of a name, folded.
pub(super) fn words(name: &str) -> Vec<String> {
    fold(name)
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty() && !SMALL.contains(word))
        .map(str::to_owned)
        .collect()
}

impl People {
    /// The number of the person who is called so, from 1 on: an earlier one, or a new one.
    pub(super) fn number(&mut self, name: &str, gender: Option<Gender>) -> u32 {
        let words = words(name);
        let number = self.same(&words, gender).unwrap_or(self.persons.len());
        if number == self.persons.len() {
            self.persons.push(Person::default());
        }
        self.note(number, words, gender);
        u32::try_from(number + 1).unwrap_or(u32::MAX)
    }

    /// Notes a name of a person whose place is known, as when a table is read.
    pub(super) fn restore(&mut self, index: usize, name: &str, gender: Option<Gender>) {
        while self.persons.len() <= index {
            self.persons.push(Person::default());
        }
        self.note(index, words(name), gender);
    }

    /// Adds what a name tells of a person.
    fn note(&mut self, index: usize, words: Vec<String>, gender: Option<Gender>) {
        let person = &mut self.persons[index];
        person.gender = person.gender.or(gender);
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        for key in words.iter().flat_map(|word| keys(word)) {
            let holders = self.by_word.entry(key).or_default();
            if !holders.contains(&number) {
                holders.push(number);
                if holders.len() > COMPARED {
                    holders.remove(0);
                }
            }
        }
        for word in words {
            if !person.words.contains(&word) && person.words.len() < COMPARED {
                person.words.push(word);
            }
        }
    }

    /// The earlier person whom a name fits, the one named last where several do.
    fn same(&self, words: &[String], gender: Option<Gender>) -> Option<usize> {
        let mut candidates: Vec<u32> = words
            .iter()
            .flat_map(|word| keys(word))
            .filter_map(|key| self.by_word.get(&key))
            .flatten()
            .copied()
            .collect();
        candidates.sort_unstable();
        candidates.dedup();
        let fits = |index: &usize| self.persons.get(*index).is_some_and(|person| fits(person, words, gender));
        candidates.iter().rev().take(COMPARED * 4).map(|index| *index as usize).find(fits)
    }
}

/// Under what a word is filed: itself, and its first letters, under which slips of the pen are found.
fn keys(word: &str) -> Vec<String> {
    let mut keys = vec![word.to_owned()];
    if word.len() >= SLIP {
        keys.push(format!("{}~", word.chars().take(2).collect::<String>()));
        keys.push(format!("~{}", word.chars().rev().take(3).collect::<String>()));
    }
    keys
}

/// Whether a name is one of a person's: all its words are, or all of theirs are its.
fn fits(person: &Person, words: &[String], gender: Option<Gender>) -> bool {
    if let (Some(one), Some(other)) = (person.gender, gender)
        && one != other
    {
        return false;
    }
    if words.is_empty() || person.words.is_empty() {
        return words.is_empty() && person.words.is_empty();
    }
    let full = |words: &[String]| words.iter().any(|word| word.chars().count() > 1);
    if !full(words) {
        return person.words == words;
    }
    let within = |one: &[String], other: &[String]| {
        let mut shared = false;
        one.iter().all(|word| {
            let found = other.iter().any(|theirs| alike(word, theirs));
            shared |= found
                && word.chars().count() > 1
                && other.iter().any(|theirs| theirs.chars().count() > 1 && alike(word, theirs));
            found
        }) && shared
    };
    let joined = |words: &[String]| words.concat();
    within(words, &person.words) || within(&person.words, words) || alike(&joined(words), &joined(&person.words))
}

/// Whether two words are one, but for a slip of the pen or an initial.
fn alike(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let (short, long) = if one.chars().count() <= other.chars().count() { (one, other) } else { (other, one) };
    if short.chars().count() == 1 {
        return long.starts_with(short);
    }
    // Longer words than these are no names, and comparing takes the square of their length.
    // Of words in two alphabets the one of fewer letters may have more bytes.
    let near = short.len() >= SLIP && long.len() <= 40 && long.len().abs_diff(short.len()) <= 1;
    near && ends_alike(short.as_bytes(), long.as_bytes()) && strsim::osa_distance(short, long) <= 1
}

/// Whether all but two letters are the same at the two ends, as they are wherever one slip makes the difference.
fn ends_alike(short: &[u8], long: &[u8]) -> bool {
    let same = |(one, other): &(&u8, &u8)| one == other;
    let start = short.iter().zip(long).take_while(same).count();
    let end = short.iter().rev().zip(long.iter().rev()).take_while(same).count();
    // Two letters, which are two bytes each in another alphabet.
    let two = if long.is_ascii() && short.is_ascii() { 2 } else { 8 };
    start + end + two >= long.len().max(short.len())
}

#[cfg(test)]
mod tests {
    use super::alike;

    #[test]
    fn words_of_two_alphabets_are_not_alike_whichever_has_more_bytes() {
        assert!(!alike("жуковск", "zukowska") && !alike("zukowska", "жуковск"));
        assert!(alike("zukowska", "zukowski") && !alike("zukowska", "kowalska"));
    }
}
