//! The sentences about glossaries. In both languages.

use crate::translation::languages::TextLanguage;

/// A sentence about the terms that translations keep to.
#[derive(Clone, Debug, PartialEq)]
pub enum Glossary<'a> {
    /// The terms of the room.
    List {
        /// A line each.
        lines: &'a str,
        /// How many are not shown.
        left: usize,
        /// How many the ministry and the compagnon have.
        others: usize,
    },
    /// The room has none.
    Nothing {
        /// How many the ministry and the compagnon have.
        others: usize,
    },
    /// A term is kept to from now on.
    Added {
        /// What stands in texts.
        source: &'a str,
        /// How it is translated.
        target: &'a str,
        /// To which language.
        to: TextLanguage,
    },
    /// Several are.
    AddedMany {
        /// How many.
        count: usize,
        /// How many lines were none.
        refused: usize,
    },
    /// Terms are kept to no more.
    Removed {
        /// How many.
        count: usize,
    },
    /// The room has no such term.
    NoSuch {
        /// What was to be removed.
        name: &'a str,
    },
    /// There are as many as there may be.
    Full {
        /// How many.
        limit: usize,
    },
    /// No table was given.
    NoFile,
    /// A table was given in which no term is found.
    NotRead,
}

fn others_fr(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => "\n\nS’y ajoute un terme du ministère ou du compagnon.".to_owned(),
        others => format!("\n\nS’y ajoutent {others} termes du ministère ou du compagnon."),
    }
}

fn others_en(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => "\n\nThere is one more term of the ministry or the compagnon.".to_owned(),
        others => format!("\n\nThere are {others} more terms of the ministry or the compagnon."),
    }
}

/// In French.
pub(super) fn fr(text: &Glossary<'_>) -> String {
    match text {
        Glossary::List { lines, left, others } => {
            let left = match left {
                0 => String::new(),
                1 => "\n- et un autre".to_owned(),
                left => format!("\n- et {left} autres"),
            };
            format!("Les traductions de ce salon emploient ces termes :\n\n{lines}{left}{}", others_fr(*others))
        }
        Glossary::Nothing { others } => format!(
            "Ce salon n’a pas de glossaire. Ajoutez un terme : `!glossaire ajouter \"mission diplomatique\" = \"diplomatic mission\"`.{}",
            others_fr(*others)
        ),
        Glossary::Added { source, target, to } => format!(
            "C’est noté : dans ce salon, « {source} » se traduit vers {} par « {target} », et inversement.",
            to.french_name_with_article()
        ),
        Glossary::AddedMany { count, refused } => {
            let terms = if *count == 1 { "1 terme est ajouté".to_owned() } else { format!("{count} termes sont ajoutés") };
            let refused = match refused {
                0 => String::new(),
                1 => " Une ligne n’a pas été comprise.".to_owned(),
                refused => format!(" {refused} lignes n’ont pas été comprises."),
            };
            format!("{terms} au glossaire de ce salon.{refused}")
        }
        Glossary::Removed { count: 1 } => "Le terme est retiré du glossaire de ce salon.".to_owned(),
        Glossary::Removed { count } => format!("{count} termes sont retirés du glossaire de ce salon."),
        Glossary::NoSuch { name } => format!("Le glossaire de ce salon n’a pas de terme « {name} »."),
        Glossary::Full { limit } => format!("Le glossaire d’un salon a au plus {limit} termes : retirez-en d’abord."),
        Glossary::NoFile => "Répondez à un tableau TSV (un terme par ligne, langues séparées par une tabulation), ou envoyez-le avec cette légende.".to_owned(),
        Glossary::NotRead => "Je ne trouve aucun terme dans ce tableau. Il faut un fichier TSV en UTF-8, d’au plus 1 Mo, un terme par ligne : le français, une tabulation, l’anglais. La première ligne peut nommer d’autres langues.".to_owned(),
    }
}

/// In English.
pub(super) fn en(text: &Glossary<'_>) -> String {
    match text {
        Glossary::List { lines, left, others } => {
            let left = if *left == 0 { String::new() } else { format!("\n- and {left} more") };
            format!("Translations in this room use these terms:\n\n{lines}{left}{}", others_en(*others))
        }
        Glossary::Nothing { others } => format!(
            "This room has no glossary. Add a term: `!glossary add \"mission diplomatique\" = \"diplomatic mission\"`.{}",
            others_en(*others)
        ),
        Glossary::Added { source, target, to } => format!(
            "Noted: in this room, “{source}” is translated to {} as “{target}”, and the other way round.",
            to.english_name()
        ),
        Glossary::AddedMany { count, refused } => {
            let terms = if *count == 1 { "1 term was added".to_owned() } else { format!("{count} terms were added") };
            let refused = match refused {
                0 => String::new(),
                1 => " One line was not understood.".to_owned(),
                refused => format!(" {refused} lines were not understood."),
            };
            format!("{terms} to this room’s glossary.{refused}")
        }
        Glossary::Removed { count: 1 } => "The term is removed from this room’s glossary.".to_owned(),
        Glossary::Removed { count } => format!("{count} terms are removed from this room’s glossary."),
        Glossary::NoSuch { name } => format!("This room’s glossary has no term “{name}”."),
        Glossary::Full { limit } => format!("A room’s glossary has {limit} terms at most: remove some first."),
        Glossary::NoFile => "Reply to a table in TSV (a term a line, languages separated by a tab), or send it with this caption.".to_owned(),
        Glossary::NotRead => "I find no term in this table. It must be a TSV file in UTF-8, of 1 MB at most, a term a line: the French, a tab, the English. The first line may name other languages.".to_owned(),
    }
}

/// One of each, for `docs/phrases.md`.
#[cfg(test)]
pub(super) fn samples() -> Vec<Glossary<'static>> {
    let lines = "- « mission diplomatique » (fr) = « diplomatic mission » (en)";
    vec![
        Glossary::List { lines, left: 0, others: 0 },
        Glossary::List { lines, left: 1, others: 1 },
        Glossary::List { lines, left: 12, others: 800 },
        Glossary::Nothing { others: 0 },
        Glossary::Nothing { others: 800 },
        Glossary::Added { source: "mission diplomatique", target: "diplomatic mission", to: TextLanguage::english() },
        Glossary::AddedMany { count: 1, refused: 0 },
        Glossary::AddedMany { count: 120, refused: 1 },
        Glossary::AddedMany { count: 120, refused: 3 },
        Glossary::Removed { count: 1 },
        Glossary::Removed { count: 2 },
        Glossary::NoSuch { name: "mission" },
        Glossary::Full { limit: 2_000 },
        Glossary::NoFile,
        Glossary::NotRead,
    ]
}
