//! A review as a model may read it: without what identifies anybody, and without the numbers, dates and amounts that a public reply never
//! repeats. Pure.
//!
//! Stricter than [`Table`] alone, because nothing is put back: a word replaced for nothing costs nothing, a name that is left costs a lot.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::{
    index::french::fold,
    pseudonym::{Kind, Table, may_name},
};

/// The fewest letters of a name of a column that is looked for in the text.
const LETTERS: usize = 3;

/// What people put where a name is asked for, and which names nobody.
const NOBODY: [&str; 18] = [
    "usager",
    "usagere",
    "usagers",
    "anonyme",
    "utilisateur",
    "utilisatrice",
    "citoyen",
    "citoyenne",
    "google",
    "client",
    "cliente",
    "user",
    "une",
    "des",
    "mme",
    "monsieur",
    "madame",
    "particulier",
];

/// What is replaced after names and identifiers, the first that fits: what is kept as it is, links, dates, hours, amounts, departments,
/// accounts, announced numbers, any other number of three digits or more.
static NUMBERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let months = "janv(?:ier|\\.)?|f[ée]v(?:rier|\\.)?|mars|avr(?:il|\\.)?|mai|juin|juil(?:let|\\.)?|ao[ûu]t|sept(?:embre|\\.)?|\
                  oct(?:obre|\\.)?|nov(?:embre|\\.)?|d[ée]c(?:embre|\\.)?";
    let parts = [
        "(?P<kept>\\[[A-Z]+(?:_\\d+)?(?:\\.\\d+)?\\])".to_owned(),
        "(?P<link>(?:https?://|www\\.)\\S+)".to_owned(),
        format!("(?P<date>\\b(?:\\d{{1,2}}|1er)\\s+(?:{months})\\b(?:\\s+\\d{{2,4}}\\b)?|\\b(?:{months})\\s+\\d{{4}}\\b|\\b\\d{{1,2}}[/.-]\\d{{1,2}}[/.-]\\d{{2,4}}\\b|\\b\\d{{4}}-\\d{{2}}-\\d{{2}}\\b|\\b[0-3]?\\d/[01]?\\d\\b)"),
        "(?P<hour>\\b\\d{1,2}\\s?(?:h|H|:)\\s?\\d{2}\\b)".to_owned(),
        "(?P<amount>\\b\\d[\\d \u{a0}\u{202f}.,]*\\s?(?:€|euros?\\b|eur\\b|EUR\\b))".to_owned(),
        "(?P<place>\\(\\d[\\dAB]\\d?\\)|\\b(?i:dans le|le d[ée]partement|du d[ée]partement)\\s+\\d[\\dAB]\\d?\\b)".to_owned(),
        "(?P<account>@[\\w.-]+)".to_owned(),
        "(?P<announced>(?i:\\b(?:n[°º]|num[ée]ros?|no\\.|dossiers?|r[ée]f(?:[ée]rences?|\\.)?|guichets?|bureaux?|matricules?|tickets?)\\s*(?:n[°º]\\s*)?:?\\s*)#?[\\w-]*\\d[\\w/.-]*)".to_owned(),
        "(?P<number>#?\\b[A-Za-z]{0,4}\\d(?:[ \u{a0}\u{202f}./_-]?[A-Za-z]{0,3}\\d){2,}[A-Za-z]{0,3}\\b)".to_owned(),
        "(?P<mixed>\\b(?:[A-Za-z]+\\d+[A-Za-z]*\\d|\\d+[A-Za-z]{2,}\\d+)\\w*)".to_owned(),
    ];
    Regex::new(&parts.join("|")).ok()
});

/// Words with their hyphens and apostrophes.
static WORDS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("\\[[A-Z]+(?:_\\d+)?(?:\\.\\d+)?\\]|\\p{L}[\\p{L}\\p{M}-]*").ok());

/// The masks of one review and of what goes with it: a person is the same placeholder in all of it.
#[derive(Default)]
pub struct Masks {
    table: Table,
    originals: Vec<String>,
}

impl Masks {
    /// A text without what identifies anybody. `names` are what its author is called elsewhere, in another column of its file.
    pub fn mask(&mut self, text: &str, names: &[String]) -> String {
        let pseudonymised = self.table.pseudonymise(text);
        self.originals.extend(pseudonymised.found.into_iter().map(|found| found.original));
        let nameless = without_names(&pseudonymised.text, names);
        self.without_doubts(&without_numbers(&nameless))
    }

    /// What an agent says, or a service has answered: without names and identifiers of persons. Dates, amounts, telephones and addresses stay: they
    /// are what a reply may give.
    pub fn said(&mut self, text: &str) -> String {
        let pseudonymised = self.table.pseudonymise(text);
        let mut said = pseudonymised.text;
        for found in pseudonymised.found {
            let given = matches!(
                found.kind,
                Kind::Phone
                    | Kind::Email
                    | Kind::Place
                    | Kind::Organisation
                    | Kind::Address
                    | Kind::Siren
                    | Kind::Siret
            );
            if given {
                said = said.replace(&found.placeholder, &found.original);
            } else {
                self.originals.push(found.original);
            }
        }
        said
    }

    /// What was replaced as somebody's: nothing of it may stand in a reply.
    pub fn originals(&self) -> &[String] {
        &self.originals
    }

    /// Replaces the words that may be names. A text in capitals says nothing by them.
    fn without_doubts(&mut self, text: &str) -> String {
        let shouted = is_shouted(text);
        let Some(words) = WORDS.as_ref() else { return String::new() };
        let mut end = 0;
        let mut masked = String::with_capacity(text.len());
        for found in words.find_iter(text) {
            let before = text.get(end..found.start()).unwrap_or_default();
            masked.push_str(before);
            end = found.end();
            let word = found.as_str();
            let opens = text.get(..found.start()).is_some_and(opens);
            let acronym = word.chars().count() <= 5 && word.chars().all(char::is_uppercase);
            let looked_at = if shouted { word.to_lowercase() } else { word.to_owned() };
            if word.starts_with('[') || (acronym && !shouted) || !may_name(&looked_at, opens) {
                masked.push_str(word);
            } else {
                self.originals.push(word.to_owned());
                masked.push_str("[NOM]");
            }
        }
        masked.push_str(text.get(end..).unwrap_or_default());
        masked
    }
}

/// Whether a text is written in capitals.
fn is_shouted(text: &str) -> bool {
    let (upper, letters) = text
        .chars()
        .filter(|letter| letter.is_alphabetic())
        .fold((0_usize, 0_usize), |(upper, all), letter| (upper + usize::from(letter.is_uppercase()), all + 1));
    upper * 2 > letters
}

/// Whether what comes after this begins a sentence.
fn opens(before: &str) -> bool {
    let before = before.trim_end_matches(|letter: char| letter.is_whitespace() || "«\"“‘('-–—*•".contains(letter));
    before.is_empty() || before.ends_with(['.', '!', '?', '…', ':', '\n'])
}

/// Replaces the words of names that are known of somewhere else.
fn without_names(text: &str, names: &[String]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for name in names {
        let words = name.split(|letter: char| !letter.is_alphanumeric());
        parts.extend(
            words
                .chain([name.trim()])
                .map(fold)
                .filter(|word| word.chars().count() >= LETTERS && !NOBODY.contains(&word.as_str())),
        );
    }
    if parts.is_empty() {
        return text.to_owned();
    }
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_alphanumeric() || letter == '[') {
        let (between, from) = rest.split_at(start);
        masked.push_str(between);
        let length = match from.strip_prefix('[').and_then(|inner| inner.find(']')) {
            // A placeholder.
            Some(inner) if inner < 30 => inner + 2,
            _ => from
                .char_indices()
                .skip(1)
                .find(|(_, letter)| !letter.is_alphanumeric() && *letter != '_')
                .map_or(from.len(), |(at, _)| at),
        };
        let (word, after) = from.split_at(length);
        masked.push_str(if parts.contains(&fold(word)) { "[NOM]" } else { word });
        rest = after;
    }
    masked.push_str(rest);
    masked
}

/// Replaces numbers, dates, hours, amounts, links.
fn without_numbers(text: &str) -> String {
    let Some(numbers) = NUMBERS.as_ref() else { return String::new() };
    let replace = |found: &Captures<'_>| {
        let whole = found.get(0).map_or("", |whole| whole.as_str());
        let name = ["kept", "link", "date", "hour", "amount", "place", "account", "announced", "number", "mixed"]
            .into_iter()
            .find(|name| found.name(name).is_some());
        match name {
            Some("kept") | None => whole.to_owned(),
            Some("link") => "[LIEN]".to_owned(),
            Some("date") => "[DATE]".to_owned(),
            Some("hour") => "[HEURE]".to_owned(),
            Some("amount") => "[MONTANT]".to_owned(),
            Some("place") if whole.starts_with('(') => "([LIEU])".to_owned(),
            Some("place") => {
                format!("{} [LIEU]", whole.rsplit_once(char::is_whitespace).map_or("", |(words, _)| words))
            }
            Some("account") => "[COMPTE]".to_owned(),
            Some("announced") => {
                let word: String =
                    whole.chars().take_while(|letter| letter.is_alphabetic() || "°º".contains(*letter)).collect();
                format!("{word} [NUMERO]")
            }
            Some(_) if is_year(whole) => "[ANNEE]".to_owned(),
            Some(_) => "[NUMERO]".to_owned(),
        }
    };
    numbers.replace_all(text, replace).into_owned()
}

fn is_year(text: &str) -> bool {
    text.len() == 4
        && (text.starts_with("19") || text.starts_with("20"))
        && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::Masks;

    fn masked(text: &str) -> String {
        Masks::default().mask(text, &[])
    }

    #[test]
    fn numbers_dates_and_amounts_are_replaced_and_small_counts_stay() {
        for (text, expected) in [
            ("J’attends depuis le 12 mars 2024, 3 semaines.", "J’attends depuis le [DATE], 3 semaines."),
            ("Reçu le 03/02/2024 à 14h30", "Reçu le [DATE] à [HEURE]"),
            ("On me réclame 1 250,50 € !", "On me réclame [MONTANT] !"),
            ("Voir https://exemple.fr/x?y=1 merci", "Voir [LIEN] merci"),
            ("en 2019 déjà", "en [ANNEE] déjà"),
            ("j’ai appelé 12 fois", "j’ai appelé 12 fois"),
            ("au guichet 4, on m’a dit non", "au guichet [NUMERO], on m’a dit non"),
            ("un colis F2024-00123 payé", "un colis [NUMERO_1] payé"),
            ("dans le 93.", "dans le [LIEU]."),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn names_are_replaced_wherever_they_come_from() {
        let text = "bonjour, mme zorkovitch ne répond pas. Zorkovitch encore ! Bob75 signé.";
        let masked = Masks::default().mask(text, &["Bob75".to_owned(), "Usager anonyme".to_owned()]);
        for name in ["orkovitch", "ob75"] {
            assert!(!masked.contains(name), "{masked}");
        }
        let masked = Masks::default().mask("Un usager anonyme.", &["Usager anonyme".to_owned()]);
        assert_eq!(masked, "Un usager anonyme.");
    }

    #[test]
    fn what_an_agent_says_keeps_what_a_reply_may_give() {
        let said = Masks::default().said("Dossier de M. Zorkovitch traité, réponse envoyée le 12 mars ; joindre le 01 23 45 67 89 ou sur exemple.gouv.fr.");
        assert!(
            !said.contains("Zorkovitch")
                && said.contains("le 12 mars")
                && said.contains("01 23 45 67 89 ou sur exemple.gouv.fr."),
            "{said}"
        );
    }

    #[test]
    fn what_it_is_about_stays() {
        for text in [
            "La CAF ne répond jamais, la Préfecture non plus.",
            "Bonjour, ma carte d’identité est prête ? Merci à France Services !",
            "JE SUIS TRES DECU DE VOTRE SERVICE",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn no_name_and_no_number_of_fifty_reviews_is_left() {
        let mut left = Vec::new();
        for (review, secrets) in super::super::fifty::fifty() {
            let masked = masked(review);
            left.extend(
                secrets
                    .iter()
                    .filter(|secret| masked.contains(**secret))
                    .map(|secret| format!("{secret} in: {masked}")),
            );
        }
        assert!(left.is_empty(), "{left:#?}");
    }
}
