//! The sentences about translations. In both languages.

use crate::translation::languages::TextLanguage;

/// A sentence about a translation.
#[derive(Clone, Debug, PartialEq)]
pub enum Translation<'a> {
    /// How far it has come.
    Progress {
        /// How many passages are done.
        done: usize,
        /// How many there are.
        all: usize,
    },
    /// No language was named, and none goes without saying.
    WhichLanguage,
    /// What stands where a language should is none.
    NoSuchLanguage {
        /// What stands there.
        name: &'a str,
    },
    /// The text is in the language to which it should be translated.
    Already {
        /// The language.
        to: TextLanguage,
    },
    /// From now on, each message of the room is translated.
    Continuous {
        /// To which language.
        to: TextLanguage,
    },
    /// From now on, nothing is translated unasked.
    ContinuousOff,
    /// In a direct conversation nothing is translated unasked.
    OnlyInRooms,
    /// There are no words in it.
    NoWords,
    /// It is too long.
    TooLong {
        /// The most passages.
        most: usize,
    },
    /// Put under a translation.
    Done {
        /// The language of the text, where it is known.
        from: Option<TextLanguage>,
        /// The language of the translation.
        to: TextLanguage,
        /// The passages of a file, and how many of them were known.
        passages: Option<(usize, usize)>,
    },
    /// What of the text is not in its translation.
    Missing {
        /// A line each.
        lines: &'a str,
        /// How many more there are.
        left: usize,
    },
    /// Terms of the glossary that the translation does not use.
    Unused {
        /// A line each.
        lines: &'a str,
        /// How many more there are.
        left: usize,
    },
    /// Passages that stand as they were.
    Failed {
        /// How many.
        count: usize,
    },
    /// Passages in which emphasis or links are elsewhere.
    Formatting {
        /// How many.
        count: usize,
    },
}

fn more_fr(left: usize) -> String {
    match left {
        0 => String::new(),
        1 => "\n- et un autre".to_owned(),
        left => format!("\n- et {left} autres"),
    }
}

fn more_en(left: usize) -> String {
    if left == 0 { String::new() } else { format!("\n- and {left} more") }
}

/// In French.
pub(super) fn fr(text: &Translation<'_>) -> String {
    match text {
        Translation::Progress { done, all } => {
            format!("Traduction en cours : {done} passages sur {all}. Écrivez `!stop` pour l’arrêter.")
        }
        Translation::WhichLanguage => "Vers quelle langue ? Écrivez par exemple `!traduire en anglais`.".to_owned(),
        Translation::NoSuchLanguage { name } => {
            format!("Je ne connais pas la langue « {name} ». Écrivez par exemple `!traduire en anglais`.")
        }
        Translation::Already { to } => format!(
            "Ce texte est déjà en {name}. Pour le traduire quand même, nommez sa langue : `!traduire de l’anglais en français`.",
            name = to.french_name()
        ),
        Translation::Continuous { to } => format!(
            "C’est noté : je traduirai vers {}, dans leur fil, les messages de ce salon qui sont dans une autre langue. Pour arrêter : `!traduire salon non`.",
            to.french_name_with_article()
        ),
        Translation::ContinuousOff => "C’est noté : je ne traduis plus de moi-même dans ce salon.".to_owned(),
        Translation::OnlyInRooms => "La traduction de tous les messages se règle dans un salon. Ici, écrivez `!traduire en anglais` et votre texte.".to_owned(),
        Translation::NoWords => "Il n’y a rien à traduire : ce texte n’a pas de mots.".to_owned(),
        Translation::TooLong { most } => format!("C’est trop long : je traduis au plus {most} passages à la fois. Coupez-le en plusieurs."),
        Translation::Done { from, to, passages } => {
            let to = to.french_name_with_article();
            let languages = match from {
                Some(from) => format!("{} vers {to}", from.from_in_french()),
                None => format!("vers {to}"),
            };
            match passages {
                None => format!("*Traduit {languages} par une IA : à relire.*"),
                Some((count, known)) => {
                    let plural = if *count > 1 { "s" } else { "" };
                    let known = match known {
                        0 => String::new(),
                        1 => ", dont 1 déjà traduit".to_owned(),
                        known => format!(", dont {known} déjà traduits"),
                    };
                    format!("Fichier traduit {languages} par une IA, à relire : {count} passage{plural}{known}.")
                }
            }
        }
        Translation::Missing { lines, left } => {
            format!("**À vérifier**, absent de la traduction ou écrit autrement :\n\n{lines}{}", more_fr(*left))
        }
        Translation::Unused { lines, left } => {
            format!("**Glossaire**, termes qui ne sont pas employés :\n\n{lines}{}", more_fr(*left))
        }
        Translation::Failed { count: 1 } => {
            "**Un passage n’a pas pu être traduit** : il est resté tel quel.".to_owned()
        }
        Translation::Failed { count } => {
            format!("**{count} passages n’ont pas pu être traduits** : ils sont restés tels quels.")
        }
        Translation::Formatting { count: 1 } => {
            "Dans un passage, la mise en forme (gras, liens) a changé de place.".to_owned()
        }
        Translation::Formatting { count } => {
            format!("Dans {count} passages, la mise en forme (gras, liens) a changé de place.")
        }
    }
}

/// In English.
pub(super) fn en(text: &Translation<'_>) -> String {
    match text {
        Translation::Progress { done, all } => {
            format!("Translating: {done} of {all} passages. Write `!stop` to stop.")
        }
        Translation::WhichLanguage => "To which language? Write for example `!translate to French`.".to_owned(),
        Translation::NoSuchLanguage { name } => {
            format!("I don’t know the language “{name}”. Write for example `!translate to French`.")
        }
        Translation::Already { to } => format!(
            "This text is in {name} already. To translate it all the same, name its language: `!translate from French to English`.",
            name = to.english_name()
        ),
        Translation::Continuous { to } => format!(
            "Noted: I will translate to {}, in their threads, the messages of this room that are in another language. To stop: `!translate room off`.",
            to.english_name()
        ),
        Translation::ContinuousOff => "Noted: I translate nothing unasked in this room any more.".to_owned(),
        Translation::OnlyInRooms => {
            "Translating all messages is set in a room. Here, write `!translate to French` and your text.".to_owned()
        }
        Translation::NoWords => "There is nothing to translate: this text has no words.".to_owned(),
        Translation::TooLong { most } => {
            format!("This is too long: I translate {most} passages at most. Cut it into several.")
        }
        Translation::Done { from, to, passages } => {
            let from = from.map(|from| format!("from {} ", from.english_name())).unwrap_or_default();
            let languages = format!("{from}to {}", to.english_name());
            match passages {
                None => format!("*Translated {languages} by an AI: please check it.*"),
                Some((count, known)) => {
                    let plural = if *count == 1 { "" } else { "s" };
                    let known =
                        if *known == 0 { String::new() } else { format!(", {known} of them translated before") };
                    format!("File translated {languages} by an AI, please check it: {count} passage{plural}{known}.")
                }
            }
        }
        Translation::Missing { lines, left } => {
            format!("**Please check**, missing from the translation or written otherwise:\n\n{lines}{}", more_en(*left))
        }
        Translation::Unused { lines, left } => {
            format!("**Glossary**, terms that are not used:\n\n{lines}{}", more_en(*left))
        }
        Translation::Failed { count: 1 } => "**One passage could not be translated**: it stands as it was.".to_owned(),
        Translation::Failed { count } => {
            format!("**{count} passages could not be translated**: they stand as they were.")
        }
        Translation::Formatting { count: 1 } => "In one passage, formatting (bold, links) has moved.".to_owned(),
        Translation::Formatting { count } => format!("In {count} passages, formatting (bold, links) has moved."),
    }
}

/// One of each, for `docs/phrases.md`.
#[cfg(test)]
pub(super) fn samples() -> Vec<Translation<'static>> {
    let (french, english) = (TextLanguage::french(), TextLanguage::english());
    let done = |from, passages| Translation::Done { from, to: english, passages };
    let mut all = vec![
        Translation::Progress { done: 120, all: 2_400 },
        Translation::WhichLanguage,
        Translation::NoSuchLanguage { name: "klingon" },
        Translation::Already { to: french },
        Translation::Continuous { to: english },
        Translation::ContinuousOff,
        Translation::OnlyInRooms,
        Translation::NoWords,
        Translation::TooLong { most: 20_000 },
        done(Some(french), None),
        done(None, None),
        done(Some(french), Some((1, 0))),
        done(Some(french), Some((124, 1))),
        done(Some(french), Some((124, 30))),
    ];
    for left in [0, 1, 3] {
        all.push(Translation::Missing { lines: "- « 12 mars 2026 » — *La réunion du…*", left });
    }
    all.push(Translation::Unused { lines: "- « mission diplomatique » → « diplomatic mission »", left: 0 });
    for count in [1, 3] {
        all.extend([Translation::Failed { count }, Translation::Formatting { count }]);
    }
    all
}
