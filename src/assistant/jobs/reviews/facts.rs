//! What a text says that could be wrong: dates, amounts, numbers, telephones, addresses, references of law. Of two texts, what the one says and the
//! other does not. Pure.

use std::{collections::HashSet, sync::LazyLock};

use regex::Regex;

use super::words::plain;
use crate::index::french::fold;

/// What a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FactKind {
    /// A day, a month with its year, a day of the week.
    Date,
    /// A sum of money.
    Amount,
    /// A telephone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A place on the web.
    Url,
    /// A law, a decree, a code, an article.
    Law,
    /// Any other number.
    Number,
}

/// A fact of a text.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Fact {
    /// What it is about.
    pub kind: FactKind,
    /// As it is written.
    pub written: String,
    /// What is the same in every way of writing it.
    same: String,
}

/// The names of the groups of [`FACTS`], in the order in which they are looked for.
const GROUPS: [(&str, FactKind); 8] = [
    ("email", FactKind::Email),
    ("url", FactKind::Url),
    ("law", FactKind::Law),
    ("phone", FactKind::Phone),
    ("date", FactKind::Date),
    ("amount", FactKind::Amount),
    ("short", FactKind::Phone),
    ("number", FactKind::Number),
];

/// On a text in small letters without accents.
static FACTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let months = "janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre";
    let days = "lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche";
    let parts = [
        "(?P<email>[\\w.+-]+@[\\w-]+(?:\\.[\\w-]+)+)".to_owned(),
        "(?P<url>(?:https?://|www\\.)[^\\s)>,;]+|\\b[a-z0-9-]+(?:\\.[a-z0-9-]+)*\\.(?:gouv\\.fr|fr|com|org|net|eu)\\b(?:/[^\\s)>,;]*)?)".to_owned(),
        "(?P<law>\\bart(?:icle|\\.)s?\\s+(?:[lrd]\\.?\\s*)?\\*?\\d[\\d.-]*(?:\\s+et\\s+\\d[\\d.-]*)?|\\b[lrd]\\.?\\s?\\d{2,4}-\\d+(?:-\\d+)?|\\b(?:loi|decret|ordonnance|circulaire|arrete|directive)\\s+(?:n[°o]\\s*|du\\s+\\d|\\d)[\\w/.-]*|\\bcode\\s+(?:de|du|des|general)\\s+(?:la |l'|les )?[a-z]+|\\brgpd\\b)".to_owned(),
        "(?P<phone>(?:\\+33|0033|\\b0)[ \u{a0}.-]?(?:\\(0\\))?[1-9](?:[ \u{a0}.-]?\\d{2}){4}\\b)".to_owned(),
        format!("(?P<date>\\b(?:\\d{{1,2}}|1er)\\s+(?:{months})(?:\\s+\\d{{4}})?\\b|\\b(?:{months})\\s+\\d{{4}}\\b|\\b\\d{{1,2}}[/.-]\\d{{1,2}}[/.-]\\d{{2,4}}\\b|\\b\\d{{4}}-\\d{{2}}-\\d{{2}}\\b|\\b[0-3]?\\d/[01]?\\d\\b|\\b(?:{days})\\b)"),
        "(?P<amount>\\b\\d[\\d \u{a0}\u{202f}.,]*\\s?(?:€|euros?\\b|eur\\b))".to_owned(),
        "(?P<short>\\b[13]\\d{1,3}\\b(?:\\s?\\d{2}\\s?\\d{2})?)".to_owned(),
        "(?P<number>\\b\\d+(?:[ \u{a0}\u{202f}.,/-]\\d+)*(?:\\s?%)?)".to_owned(),
    ];
    Regex::new(&parts.join("|")).ok()
});

/// The facts of a text, in order.
#[must_use]
pub fn facts(text: &str) -> Vec<Fact> {
    let folded = fold(text);
    let Some(facts) = FACTS.as_ref() else { return Vec::new() };
    let found = facts.captures_iter(&folded).filter_map(|found| {
        let (name, kind) = GROUPS.into_iter().find(|(name, _)| found.name(name).is_some())?;
        let written = found.name(name)?.as_str().trim_end_matches(['.', ',', ' ', '\u{a0}', '\u{202f}']);
        // "1", "15": short numbers that only look like those that are called.
        let short = written.bytes().filter(u8::is_ascii_digit).count() < 2;
        let kind = if kind == FactKind::Phone && short { FactKind::Number } else { kind };
        Some(Fact { kind, same: same(kind, written), written: written.to_owned() })
    });
    found.collect()
}

/// What a text says and none of these others does.
#[must_use]
pub fn not_given<'a>(text: &str, given: impl IntoIterator<Item = &'a str>) -> Vec<Fact> {
    let mut known: HashSet<String> = HashSet::new();
    let mut words = String::from(" ");
    for one in given {
        known.extend(facts(one).into_iter().map(|fact| fact.same));
        words.push_str(&plain(one));
        words.push(' ');
    }
    let mut missing: Vec<Fact> = Vec::new();
    for fact in facts(text) {
        let said = known.contains(&fact.same) || words.contains(&format!(" {} ", plain(&fact.written)));
        if !said && !missing.contains(&fact) {
            missing.push(fact);
        }
    }
    missing
}

/// What is the same in every way of writing a fact.
fn same(kind: FactKind, written: &str) -> String {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    match kind {
        FactKind::Phone => {
            let digits = digits(written);
            let digits = digits.strip_prefix("0033").or_else(|| digits.strip_prefix("33")).unwrap_or(&digits);
            digits.trim_start_matches('0').to_owned()
        }
        FactKind::Date => date(written),
        FactKind::Amount | FactKind::Number => {
            let plain: String = written.chars().filter(|letter| letter.is_ascii_digit() || *letter == ',').collect();
            let plain = plain.trim_end_matches(',');
            plain.strip_suffix(",00").unwrap_or(plain).to_owned()
        }
        FactKind::Email => written.to_owned(),
        FactKind::Url => {
            let bare = written.trim_start_matches("https://").trim_start_matches("http://").trim_start_matches("www.");
            bare.trim_end_matches(['/', '.']).to_owned()
        }
        FactKind::Law => written.chars().filter(|letter| letter.is_alphanumeric()).collect(),
    }
}

/// A date as its numbers: `12 mars` and `12/03` are the same, a year more makes another.
fn date(written: &str) -> String {
    const MONTHS: [&str; 12] = [
        "janvier",
        "fevrier",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "aout",
        "septembre",
        "octobre",
        "novembre",
        "decembre",
    ];
    let parts: Vec<String> = written
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|part| !part.is_empty())
        .map(|part| {
            let month = MONTHS.iter().position(|month| *month == part).map(|at| (at + 1).to_string());
            month.unwrap_or_else(|| part.trim_end_matches("er").trim_start_matches('0').to_owned())
        })
        .collect();
    match parts.as_slice() {
        [year, month, day] if year.len() == 4 => format!("{day}/{month}/{year}"),
        parts => parts.join("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::{FactKind, not_given};

    fn missing(text: &str, given: &[&str]) -> Vec<(FactKind, String)> {
        not_given(text, given.iter().copied()).into_iter().map(|fact| (fact.kind, fact.written)).collect()
    }

    #[test]
    fn what_nobody_gave_is_found() {
        for (text, kind, written) in [
            ("Nous l’avons reçu le 12 mars 2024.", FactKind::Date, "12 mars 2024"),
            ("Revenez lundi.", FactKind::Date, "lundi"),
            ("La somme de 1 250,50 € est due.", FactKind::Amount, "1 250,50 €"),
            ("Appelez le 01 23 45 67 89.", FactKind::Phone, "01 23 45 67 89"),
            ("Appelez le 3646.", FactKind::Phone, "3646"),
            ("Écrivez à service@exemple.gouv.fr.", FactKind::Email, "service@exemple.gouv.fr"),
            ("Voyez https://www.exemple.fr/aide.", FactKind::Url, "https://www.exemple.fr/aide"),
            ("Voyez ameli.fr.", FactKind::Url, "ameli.fr"),
            ("Selon l’article L. 114-5 du texte.", FactKind::Law, "article l. 114-5"),
            ("La loi n° 78-17 le dit.", FactKind::Law, "loi n° 78-17"),
            ("Le code de la sécurité sociale le prévoit.", FactKind::Law, "code de la securite"),
            ("Nous avons reçu 42 demandes.", FactKind::Number, "42"),
        ] {
            assert_eq!(missing(text, &[]), [(kind, written.to_owned())], "{text}");
        }
    }

    #[test]
    fn what_was_given_in_another_form_is_known() {
        for (text, given) in [
            ("La réponse est partie le 12 mars.", "réponse envoyée le 12/03"),
            ("Le 12 mars 2024", "12/03/2024"),
            ("Le 1er avril 2024", "2024-04-01"),
            ("Une somme de 1 250 €", "1250,00 euros"),
            ("au 01 23 45 67 89", "tel 0123456789"),
            ("au +33 1 23 45 67 89", "01.23.45.67.89"),
            ("sur www.ameli.fr/aide", "https://ameli.fr/aide/"),
            ("l’article L. 114-5", "article L114-5"),
            ("Bonjour, merci de votre message.", ""),
        ] {
            assert_eq!(missing(text, &[given]), [], "{text}");
        }
        assert_eq!(missing("Le 13 mars 2024", &["12/03/2024"]).len(), 1);
        assert_eq!(missing("Une somme de 125 €", &["1250 €"]).len(), 1);
    }
}
