//! The sentences about pseudonymised texts. In both languages.

/// A sentence about a pseudonymised text.
#[derive(Clone, Debug, PartialEq)]
pub enum Pseudonyms<'a> {
    /// A text with placeholders, and what they stand for.
    Done {
        /// The text.
        text: &'a str,
        /// What each placeholder stands for, one a line.
        list: &'a str,
        /// How many are not listed.
        left: usize,
    },
    /// Nothing was found that identifies anybody.
    Nothing,
}

/// In French.
pub(super) fn fr(text: &Pseudonyms<'_>) -> String {
    match text {
        Pseudonyms::Done { text, list, left } => {
            let more = match left {
                0 => String::new(),
                1 => "\n- et un autre".to_owned(),
                left => format!("\n- et {left} autres"),
            };
            format!(
                "{text}\n\n**À vérifier avant d’utiliser ce texte :** je peux avoir oublié un nom ou en avoir remplacé un à \
                 tort, et ce qui est raconté peut suffire à reconnaître quelqu’un. J’ai remplacé :\n\n{list}{more}"
            )
        }
        Pseudonyms::Nothing => {
            "Je n’ai rien trouvé à remplacer dans ce texte. Relisez-le : je peux avoir manqué un nom.".to_owned()
        }
    }
}

/// In English.
pub(super) fn en(text: &Pseudonyms<'_>) -> String {
    match text {
        Pseudonyms::Done { text, list, left } => {
            let more = match left {
                0 => String::new(),
                left => format!("\n- and {left} more"),
            };
            format!(
                "{text}\n\n**Check this text before you use it:** I read French only, I may have missed a name or replaced \
                 one wrongly, and the story itself may be enough to recognise somebody. I replaced:\n\n{list}{more}"
            )
        }
        Pseudonyms::Nothing => {
            "I found nothing to replace in this text. I read French only: check it, I may have missed a name."
                .to_owned()
        }
    }
}

/// One of each, for `docs/phrases.md`.
#[cfg(test)]
pub(super) fn samples() -> Vec<Pseudonyms<'static>> {
    let list = "- \\[PERSONNE\\_1\\] : Mme Aïcha Benali\n- \\[TELEPHONE\\_1\\] : 06 12 34 56 78";
    let text = "```\n[PERSONNE_1] n’a pas reçu sa carte. Son numéro : [TELEPHONE_1].\n```";
    [0, 1, 3].into_iter().map(|left| Pseudonyms::Done { text, list, left }).chain([Pseudonyms::Nothing]).collect()
}
