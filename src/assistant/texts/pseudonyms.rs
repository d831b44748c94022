//! The sentences about pseudonymised texts and files. In both languages.

/// A sentence about a pseudonymised text or file.
#[derive(Clone, Debug, PartialEq)]
pub enum Pseudonyms<'a> {
    /// How it is asked for.
    Usage,
    /// A text with placeholders, and what they stand for.
    Done {
        /// The text.
        text: &'a str,
        /// What was replaced.
        listed: Listed<'a>,
    },
    /// Nothing was found that identifies anybody.
    Nothing,
    /// A file with placeholders stands above, and what they stand for.
    File {
        /// What was replaced.
        listed: Listed<'a>,
    },
    /// A file with placeholders stands above; what they stand for was sent to the person who asked.
    FileWithList {
        /// How many different things were replaced.
        count: usize,
        /// Whether the names can be put back.
        kept: bool,
    },
    /// A file with placeholders stands above; what they stand for could be sent to nobody.
    FileWithoutList {
        /// How many different things were replaced.
        count: usize,
        /// Whether the names can be put back.
        kept: bool,
    },
    /// Nothing was found in a file that identifies anybody.
    NothingInFile,
    /// A file with the names stands above.
    FileRestored,
    /// No table is kept for who asks.
    NothingKept,
    /// A text or file has no placeholder that stands for something.
    NothingToRestore,
}

/// What was replaced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Listed<'a> {
    /// What each placeholder stands for, one a line.
    pub list: &'a str,
    /// How many are not listed.
    pub left: usize,
    /// Whether the names can be put back.
    pub kept: bool,
}

/// What stands before the list, in French and in English.
const CHECK: [&str; 2] = ["À vérifier avant d’utiliser ce texte", "Check this text before you use it"];

/// A message of the bot's without its list: the text that it is about.
pub fn without_list(text: &str) -> &str {
    let begun = CHECK.iter().filter_map(|check| text.find(check)).min();
    begun.map_or(text, |at| text[..at].trim_end_matches(['*', '\n', ' ']))
}

/// In French.
pub(super) fn fr(text: &Pseudonyms<'_>) -> String {
    match text {
        Pseudonyms::Usage => {
            "Donnez-moi un texte à la suite de `!pseudonymiser`, ou répondez `!pseudonymiser` à un message \
             ou à un fichier. `!pseudonymiser annuler`, de la même façon, remet les noms."
                .to_owned()
        }
        Pseudonyms::Done { text, listed } => format!(
            "{text}\n\n**{} :** je peux avoir oublié un nom ou en avoir remplacé un à tort, et ce qui est raconté peut \
             suffire à reconnaître quelqu’un. J’ai remplacé :\n\n{}",
            CHECK[0],
            list_fr(listed)
        ),
        Pseudonyms::Nothing => {
            "Je n’ai rien trouvé à remplacer dans ce texte. Relisez-le : je peux avoir manqué un nom.".to_owned()
        }
        Pseudonyms::File { listed } => {
            format!("Voici le fichier avec des repères. {CAUTION_FR} J’ai remplacé :\n\n{}", list_fr(listed))
        }
        Pseudonyms::FileWithList { count, kept } => format!(
            "Voici le fichier avec des repères : {}. {CAUTION_FR} La liste est dans notre conversation privée.{}",
            replaced_fr(*count),
            kept_fr(*kept)
        ),
        Pseudonyms::FileWithoutList { count, kept } => format!(
            "Voici le fichier avec des repères : {}. {CAUTION_FR} Je n’ai pas pu vous envoyer la liste en privé : \
             écrivez-moi une première fois, puis recommencez.{}",
            replaced_fr(*count),
            kept_fr(*kept)
        ),
        Pseudonyms::NothingInFile => {
            "Je n’ai rien trouvé à remplacer dans ce fichier. Relisez-le : je peux avoir manqué un nom.".to_owned()
        }
        Pseudonyms::FileRestored => "Voici le fichier avec les noms.".to_owned(),
        Pseudonyms::NothingKept => {
            "Je n’ai pas de quoi remettre des noms : seule la personne qui a demandé les repères le peut, dans le même \
             salon, tant que je garde ce qui s’y dit."
                .to_owned()
        }
        Pseudonyms::NothingToRestore => {
            "Je n’y trouve aucun repère dont je connaisse le nom, comme `[PERSONNE_1]`.".to_owned()
        }
    }
}

const CAUTION_FR: &str = "Vérifiez-le avant de l’utiliser : je peux avoir oublié un nom ou en avoir remplacé un à tort, \
     je ne lis pas les images, et ce qui est raconté peut suffire à reconnaître quelqu’un.";

fn replaced_fr(count: usize) -> String {
    match count {
        0 | 1 => format!("{count} élément remplacé"),
        count => format!("{count} éléments remplacés"),
    }
}

fn list_fr(Listed { list, left, kept }: &Listed<'_>) -> String {
    let more = match left {
        0 => String::new(),
        1 => "\n- et un autre".to_owned(),
        left => format!("\n- et {left} autres"),
    };
    let kept = kept_fr(*kept);
    let gap = if kept.is_empty() { "" } else { "\n\n" };
    format!("{list}{more}{gap}{}", kept.trim_start())
}

fn kept_fr(kept: bool) -> &'static str {
    if kept { "" } else { " Il y en a trop pour que je les garde : je ne pourrai pas remettre les noms." }
}

/// In English.
pub(super) fn en(text: &Pseudonyms<'_>) -> String {
    match text {
        Pseudonyms::Usage => "Give me a text after `!pseudonymise`, or reply `!pseudonymise` to a message or to a file. \
             `!pseudonymise undo`, in the same way, puts the names back."
            .to_owned(),
        Pseudonyms::Done { text, listed } => format!(
            "{text}\n\n**{}:** I read French only, I may have missed a name or replaced one wrongly, and the story itself \
             may be enough to recognise somebody. I replaced:\n\n{}",
            CHECK[1],
            list_en(listed)
        ),
        Pseudonyms::Nothing => {
            "I found nothing to replace in this text. I read French only: check it, I may have missed a name."
                .to_owned()
        }
        Pseudonyms::File { listed } => {
            format!("Here is the file with placeholders. {CAUTION_EN} I replaced:\n\n{}", list_en(listed))
        }
        Pseudonyms::FileWithList { count, kept } => format!(
            "Here is the file with placeholders: {count} replaced. {CAUTION_EN} The list is in our direct \
             conversation.{}",
            kept_en(*kept)
        ),
        Pseudonyms::FileWithoutList { count, kept } => format!(
            "Here is the file with placeholders: {count} replaced. {CAUTION_EN} I could not send you the list in a direct message: \
             write to me once, then try again.{}",
            kept_en(*kept)
        ),
        Pseudonyms::NothingInFile => {
            "I found nothing to replace in this file. I read French only: check it, I may have missed a name."
                .to_owned()
        }
        Pseudonyms::FileRestored => "Here is the file with the names.".to_owned(),
        Pseudonyms::NothingKept => "I have nothing to put names back with: only the person who asked for the placeholders can, in the same room, \
             for as long as I keep what is said there."
            .to_owned(),
        Pseudonyms::NothingToRestore => {
            "I find no placeholder in it whose name I know, such as `[PERSONNE_1]`.".to_owned()
        }
    }
}

const CAUTION_EN: &str = "Check it before you use it: I read French only and no images, I may have missed a name or \
     replaced one wrongly, and the story itself may be enough to recognise somebody.";

fn list_en(Listed { list, left, kept }: &Listed<'_>) -> String {
    let more = match left {
        0 => String::new(),
        left => format!("\n- and {left} more"),
    };
    let kept = kept_en(*kept);
    let gap = if kept.is_empty() { "" } else { "\n\n" };
    format!("{list}{more}{gap}{}", kept.trim_start())
}

fn kept_en(kept: bool) -> &'static str {
    if kept { "" } else { " There are too many for me to keep: I cannot put the names back." }
}

/// One of each, for `docs/phrases.md`.
#[cfg(test)]
pub(super) fn samples() -> Vec<Pseudonyms<'static>> {
    let list = "- \\[PERSONNE\\_1\\] : Mme Aïcha Benali\n- \\[TELEPHONE\\_1\\] : 06 12 34 56 78";
    let text = "```\n[PERSONNE_1] n’a pas reçu sa carte. Son numéro : [TELEPHONE_1].\n```";
    let listed = [(0, true), (1, true), (3, false)].map(|(left, kept)| Listed { list, left, kept });
    let done = listed.map(|listed| Pseudonyms::Done { text, listed });
    let others = [
        Pseudonyms::Usage,
        Pseudonyms::Nothing,
        Pseudonyms::File { listed: listed[0] },
        Pseudonyms::FileWithList { count: 12, kept: true },
        Pseudonyms::FileWithList { count: 1, kept: false },
        Pseudonyms::FileWithoutList { count: 12, kept: true },
        Pseudonyms::NothingInFile,
        Pseudonyms::FileRestored,
        Pseudonyms::NothingKept,
        Pseudonyms::NothingToRestore,
    ];
    done.into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::{Pseudonyms, en, fr, samples, without_list};

    #[test]
    fn the_text_of_a_message_is_what_stands_before_the_list() {
        for sample in samples() {
            let Pseudonyms::Done { text, .. } = sample else { continue };
            assert_eq!(without_list(&fr(&sample)), text);
            assert_eq!(without_list(&en(&sample)), text);
        }
        assert_eq!(without_list("autre chose"), "autre chose");
    }
}
