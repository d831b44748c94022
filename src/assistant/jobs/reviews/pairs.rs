//! Earlier reviews with what was answered, read out of the passages that a search found, and the nearest of them. Pure.
//!
//! A table of pairs (a CSV, a spreadsheet) comes as Markdown, a wide one as lines of names and values; a text may have `Avis :` and `Réponse :`.

use super::columns::{Column, of_heading};
use crate::index::french::{fold, terms};

/// The most pairs that are given.
pub const MOST_PAIRS: usize = 4;

/// The most characters of each side of a pair.
const MOST_CHARACTERS: usize = 900;

/// A review and what was answered.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Pair {
    /// What the user wrote.
    pub review: String,
    /// What was answered.
    pub answer: String,
}

/// The pairs nearest to a review among those that these passages hold, the nearest first.
#[must_use]
pub fn nearest<'a>(review: &str, passages: impl IntoIterator<Item = &'a str>) -> Vec<Pair> {
    let wanted: std::collections::HashSet<String> = terms(review).into_iter().collect();
    let mut scored: Vec<(usize, Pair)> = Vec::new();
    for pair in passages.into_iter().flat_map(pairs) {
        let mut own = terms(&pair.review);
        own.sort_unstable();
        own.dedup();
        let common = own.iter().filter(|term| wanted.contains(*term)).count();
        // In thousandths: long reviews share words with any other.
        let score = common * common * 1_000 / (own.len() * wanted.len()).max(1);
        if score > 0 && !scored.iter().any(|(_, known)| known.review == pair.review) {
            scored.push((score, pair));
        }
    }
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().take(MOST_PAIRS).map(|(_, pair)| pair).collect()
}

/// The pairs of one passage.
fn pairs(passage: &str) -> Vec<Pair> {
    let mut found = of_table(passage);
    found.extend(passage.lines().filter_map(of_line));
    if found.is_empty() {
        found.extend(of_text(passage));
    }
    found
}

/// The rows of a table whose headings name both sides.
fn of_table(passage: &str) -> Vec<Pair> {
    let mut rows = passage.lines().map(str::trim).filter(|line| line.starts_with('|')).map(cells);
    let Some(headings) = rows.next() else { return Vec::new() };
    let Some(columns) = super::columns::Columns::of_headings(headings.iter().map(String::as_str)) else {
        return Vec::new();
    };
    let cell = |row: &[String], at: usize| row.get(at).map_or(String::new(), |cell| cell.trim().to_owned());
    rows.filter(|row| !row.iter().all(|cell| cell.chars().all(|letter| "-: ".contains(letter))))
        .filter_map(|row| {
            let answers = columns.answers.iter().map(|at| cell(&row, *at));
            let answer = answers.into_iter().find(|answer| !answer.is_empty())?;
            let title = columns.title.map_or(String::new(), |at| cell(&row, at));
            pair(&format!("{title} {}", cell(&row, columns.text)), &answer)
        })
        .collect()
}

/// The cells of a row of a table, as Markdown has it.
fn cells(line: &str) -> Vec<String> {
    let line = line.strip_prefix('|').unwrap_or(line);
    let mut cells = vec![String::new()];
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.peek() == Some(&'|') => {
                letters.next();
                push(&mut cells, '|');
            }
            '|' => cells.push(String::new()),
            letter => push(&mut cells, letter),
        }
    }
    if cells.last().is_some_and(|last| last.trim().is_empty()) {
        cells.pop();
    }
    cells
}

fn push(cells: &mut [String], letter: char) {
    if let Some(last) = cells.last_mut() {
        last.push(letter);
    }
}

/// A row that is a line of names and values: `- Description : … ; Réponse structure 1 : …`.
fn of_line(line: &str) -> Option<Pair> {
    let line = line.trim().strip_prefix("- ")?;
    let (mut review, mut title, mut answer) = (String::new(), String::new(), String::new());
    let mut last: Option<Column> = None;
    for part in line.split(" ; ") {
        let named = part.split_once(" : ").filter(|(name, _)| name.chars().count() <= 60);
        let (column, value) = match named.and_then(|(name, value)| Some((of_heading(name)?.0, value))) {
            Some((column, value)) => (Some(column), value),
            // A value that has a semicolon goes on; a name that is not known is none of ours.
            None if named.is_some() => (None, ""),
            None => (last, part),
        };
        let into = match column {
            Some(Column::Text) => &mut review,
            Some(Column::Title) => &mut title,
            Some(Column::Answer) => &mut answer,
            _ => {
                last = None;
                continue;
            }
        };
        if !into.is_empty() {
            into.push_str(" ; ");
        }
        into.push_str(value);
        last = column;
    }
    pair(&format!("{title} {review}"), &answer)
}

/// A text with `Avis :` and `Réponse :`.
fn of_text(passage: &str) -> Vec<Pair> {
    let mut found = Vec::new();
    let (mut review, mut answer, mut answering) = (String::new(), String::new(), None);
    for line in passage.lines() {
        let bare = line.trim().trim_start_matches(['#', '*', '-', ' ']);
        let (name, value) = bare.split_once(':').map_or(("", bare), |(name, value)| (name, value));
        let name = fold(name.trim_matches(['*', ' ', '\u{a0}', '\u{202f}']));
        let is = |names: &[&str]| names.iter().any(|one| name == *one || name.starts_with(&format!("{one} ")));
        if is(&["avis", "question", "usager", "verbatim"]) {
            found.extend(pair(&review, &answer));
            (review, answer, answering) = (value.trim_start_matches('*').trim().to_owned(), String::new(), Some(false));
        } else if is(&["reponse", "reponse du service"]) {
            value.trim_start_matches('*').trim().clone_into(&mut answer);
            answering = Some(true);
        } else if let Some(answering) = answering {
            let into = if answering { &mut answer } else { &mut review };
            into.push('\n');
            into.push_str(line.trim());
        }
    }
    found.extend(pair(&review, &answer));
    found
}

fn pair(review: &str, answer: &str) -> Option<Pair> {
    let cut = |text: &str| match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{} […]", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    };
    let (review, answer) = (review.trim(), answer.trim());
    (!review.is_empty() && !answer.is_empty()).then(|| Pair { review: cut(review), answer: cut(answer) })
}

#[cfg(test)]
mod tests {
    use super::{MOST_PAIRS, nearest};

    #[test]
    fn pairs_are_read_in_each_form() {
        let table = "| Titre | Avis | Réponse |\n|---|---|---|\n| Attente | Une heure d’attente au guichet | Bonjour, merci de \\| votre avis. |\n\
                     | Carte | Ma carte grise n’arrive pas | |\n";
        let wide = "- ID expérience : 3 ; Titre : Guichet ; Description : Trop d’attente ; vraiment trop ; Ressenti usager : Négatif ; \
                    Réponse structure 1 : Bonjour, nous regrettons cette attente.";
        let text = "**Avis :** L’attente au guichet est longue.\nVraiment.\n\n**Réponse :** Bonjour,\nMerci.";
        let found = nearest("Attente trop longue au guichet", [table, wide, text]);
        let answers: Vec<&str> = found.iter().map(|pair| pair.answer.as_str()).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        for answer in ["Bonjour, merci de | votre avis.", "Bonjour, nous regrettons cette attente.", "Bonjour,\nMerci."]
        {
            assert!(answers.contains(&answer), "{answers:?}");
        }
        assert!(found.iter().any(|pair| pair.review.contains("Trop d’attente ; vraiment trop")), "{found:?}");
    }

    #[test]
    fn the_nearest_come_first_and_few() {
        let mut table = String::from(
            "| Avis | Réponse |\n|---|---|\n| Impossible de joindre la préfecture par téléphone | Bonjour, standard. |\n",
        );
        for index in 0..20 {
            let number = index.to_string();
            table.extend(["| Un téléphone qui sonne ", &number, " et la carte grise | Bonjour ", &number, ". |\n"]);
        }
        let found =
            nearest("Personne ne répond au téléphone de la préfecture, impossible de la joindre", [table.as_str()]);
        assert_eq!((found.len(), found[0].answer.as_str()), (MOST_PAIRS, "Bonjour, standard."));
        assert_eq!(nearest("Rien de commun ici", [table.as_str()]), []);
        assert_eq!(nearest("téléphone", ["", "| Avis |", "- ", "une phrase", "|||\n|-|"]), []);
    }
}
