//! From what a model wrote to the draft of a public reply: plain text, without a word around it, and without placeholders or names. Pure.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::{
    conversation::plain_lines,
    index::french::fold,
    pseudonym::{Kind, Table, may_name},
};

/// The most characters of a draft: a model that does not end is cut.
const MOST_CHARACTERS: usize = 4_000;

/// The most characters of a line that only introduces the draft, or greets.
const SHORT_LINE: usize = 90;

/// What stands where a name was: the agent sees it, and so would a reader.
const REMOVED: &str = "[nom retiré]";

/// A placeholder as models write it, with the civility or the sign of a number before it.
static PLACEHOLDERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let labels = Kind::ALL.map(Kind::label).join("|");
    let pattern = format!(
        "(?i)(?P<civility>\\b(?:Madame|Mme\\.?|Monsieur|M\\.|Mr\\.?|Mlle)\\s+)?(?P<sign>(?:\\b(?:num[ée]ro|r[ée]f[ée]rence)|n[°º])\\s*:?\\s*)?\
         \\\\?\\[\\s*(?P<label>{labels}|NOM|DATE|HEURE|MONTANT|ANNEE|LIEN)(?:(?:\\\\?_|\\s|-)*\\d+(?:\\.\\d+)?)?\\s*\\\\?\\]"
    );
    Regex::new(&pattern).ok()
});

/// A draft, and what was taken out of it.
#[derive(Clone, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Draft {
    /// The text: plain, in paragraphs.
    pub text: String,
    /// How many placeholders stood in it, which neutral words stand for now.
    pub placeholders: usize,
    /// How many names and identifiers were removed.
    pub names: usize,
}

/// The draft in what a model wrote. Nothing of `originals`, what was replaced in the review, may stand in it.
#[must_use]
pub fn cleaned(written: &str, originals: &[String]) -> Draft {
    let written: String = written.chars().take(MOST_CHARACTERS).collect();
    let text = without_frame(&plain_lines(&written));
    let (text, placeholders) = without_placeholders(&text);
    let (text, repeated) = without_originals(&text, originals);
    let (text, found) = without_names(&text);
    Draft { text: spaced(&text), placeholders, names: repeated + found }
}

/// Takes away what a model puts around a draft: an announcement, fences, quotes, a list of what is to be checked; and Markdown, which a form on
/// the web would show.
fn without_frame(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        let bare = line.strip_prefix('>').unwrap_or(line).trim();
        if bare.starts_with("```") || bare == "---" || bare == "***" {
            continue;
        }
        let folded = fold(bare.trim_start_matches(['#', '*', ' ', '-', '_']));
        let announces = bare.ends_with([':', '*'])
            && bare.chars().count() <= SHORT_LINE
            && ["brouillon", "reponse", "voici", "proposition", "draft", "here is"]
                .iter()
                .any(|word| folded.contains(word));
        let is_first = lines.iter().all(std::string::String::is_empty);
        if is_first && announces {
            continue;
        }
        let notes = [
            "a verifier",
            "note :",
            "notes :",
            "remarque",
            "nb :",
            "n.b.",
            "points a verifier",
            "commentaire :",
            "to check",
        ];
        if !is_first && notes.iter().any(|note| folded.starts_with(note)) {
            break;
        }
        lines.push(bare.trim_start_matches(['#', ' ']).replace("**", "").replace("__", ""));
    }
    let text = lines.join("\n");
    let text = text.trim();
    let quoted = [('«', '»'), ('"', '"'), ('“', '”')].into_iter().find_map(|(open, close)| {
        let inner = text.strip_prefix(open)?.strip_suffix(close)?;
        (!inner.contains([open, close])).then_some(inner)
    });
    quoted.unwrap_or(text).trim().to_owned()
}

/// Neutral words for placeholders; a greeting that names somebody greets nobody in particular.
fn without_placeholders(text: &str) -> (String, usize) {
    let Some(placeholders) = PLACEHOLDERS.as_ref() else { return (String::new(), 0) };
    let mut count = 0;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let here = placeholders.find_iter(line).count();
        count += here;
        if here > 0 && index == 0 && line.chars().count() <= SHORT_LINE && greets(line) {
            lines.push("Bonjour,".to_owned());
        } else {
            lines.push(placeholders.replace_all(line, neutral).into_owned());
        }
    }
    (lines.join("\n"), count)
}

/// The words for one placeholder.
fn neutral(found: &Captures<'_>) -> &'static str {
    let label = found.name("label").map_or(String::new(), |label| label.as_str().to_uppercase());
    match label.as_str() {
        "PERSONNE" | "NOM" | "COMPTE" => "cette personne",
        "LIEU" => "votre commune",
        "ORGANISATION" => "cet organisme",
        "ADRESSE" => "votre adresse",
        "COURRIEL" => "votre adresse électronique",
        "TELEPHONE" => "votre numéro de téléphone",
        "DATE" | "NAISSANCE" | "ANNEE" => "la date indiquée",
        "HEURE" => "l’heure indiquée",
        "MONTANT" => "le montant indiqué",
        "LIEN" => "le lien indiqué",
        // "votre dossier n° [NUMERO_1]".
        _ => "",
    }
}

fn greets(line: &str) -> bool {
    let folded = fold(line);
    ["bonjour", "bonsoir", "madame", "monsieur", "mme", "m.", "cher", "hello", "dear"]
        .iter()
        .any(|word| folded.trim().starts_with(word))
}

/// Removes what was replaced in the review and stands in the draft all the same.
fn without_originals(text: &str, originals: &[String]) -> (String, usize) {
    let mut text = text.to_owned();
    let mut count = 0;
    for original in originals {
        let telling = original.split_whitespace().any(|word| may_name(word, false))
            || original.chars().filter(char::is_ascii_digit).count() >= 4
            || original.contains('@');
        if !telling || original.chars().count() < 3 {
            continue;
        }
        let pattern = format!("(?i)(?:\\b|^){}(?:\\b|$)", regex::escape(original.trim()));
        let Ok(pattern) = Regex::new(&pattern) else { continue };
        let here = pattern.find_iter(&text).count();
        if here > 0 {
            count += here;
            text = pattern.replace_all(&text, REMOVED).into_owned();
        }
    }
    (text, count)
}

/// Removes what still reads like somebody's name or identifier.
fn without_names(text: &str) -> (String, usize) {
    let found = Table::new().pseudonymise(text).found;
    let mut clean = String::with_capacity(text.len());
    let (mut end, mut count) = (0, 0);
    for one in found {
        let names = matches!(
            one.kind,
            Kind::Person
                | Kind::Nir
                | Kind::BankAccount
                | Kind::Card
                | Kind::Plate
                | Kind::Passport
                | Kind::IdentityCard
                | Kind::TaxNumber
                | Kind::Caf
                | Kind::BirthDate
        );
        if !names {
            continue;
        }
        clean.push_str(text.get(end..one.range.start).unwrap_or_default());
        clean.push_str(REMOVED);
        end = one.range.end;
        count += 1;
    }
    clean.push_str(text.get(end..).unwrap_or_default());
    (clean, count)
}

/// The text with one empty line between paragraphs, and one space where something was taken out.
fn spaced(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut line = line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        for (wide, narrow) in [
            (" ,", ","),
            (" .", "."),
            ("d’cette", "de cette"),
            ("d’votre", "de votre"),
            ("à le montant", "au montant"),
            ("de le montant", "du montant"),
        ] {
            line = line.replace(wide, narrow);
        }
        if !(line.is_empty() && lines.last().is_none_or(String::is_empty)) {
            lines.push(line);
        }
    }
    lines.join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::cleaned;

    #[test]
    fn only_the_reply_is_left() {
        let reply = "Bonjour,\n\nNous vous remercions de votre message.\n\nCordialement,\nL’équipe";
        for written in [
            reply.to_owned(),
            format!("Voici un brouillon de réponse :\n\n{reply}"),
            format!("**Brouillon :**\n```\n{reply}\n```"),
            format!("« {reply} »"),
            format!("{reply}\n\nÀ vérifier avant envoi : la date.\n- le nom"),
            format!("{}\n", reply.replace("Nous vous remercions", "**Nous vous remercions**")),
            reply.lines().flat_map(|line| ["> ", line, "\n"]).collect(),
        ] {
            assert_eq!(cleaned(&written, &[]).text, reply, "{written}");
        }
    }

    #[test]
    fn no_placeholder_is_left_however_it_is_written() {
        let draft = cleaned(
            "Bonjour Madame [PERSONNE_1],\n\nVotre dossier n° [NUMERO_2] suivi par M. [PERSONNE_1.2] à [LIEU_1], le [DATE].",
            &[],
        );
        assert_eq!(
            draft.text,
            "Bonjour,\n\nVotre dossier suivi par cette personne à votre commune, le la date indiquée."
        );
        assert_eq!(draft.placeholders, 5);
        for loose in [
            "[personne_1]",
            "\\[PERSONNE\\_1\\]",
            "[PERSONNE 1]",
            "[Personne-3]",
            "[NOM]",
            "[TELEPHONE_1]",
            "[ PERSONNE_12 ]",
        ] {
            let text = cleaned(&format!("Nous avons bien noté {loose} ici."), &[]).text;
            assert!(!text.contains(['[', ']', '_']), "{loose}: {text}");
        }
        // What is for the agent to fill in stays.
        assert_eq!(cleaned("Joignez-nous au [à compléter].", &[]).text, "Joignez-nous au [à compléter].");
    }

    #[test]
    fn what_was_replaced_in_the_review_is_not_in_the_draft() {
        let originals = ["Zorkovitch".to_owned(), "0612345678".to_owned(), "dossier".to_owned()];
        let draft = cleaned("Bonjour,\n\nVotre dossier, zorkovitch, au 0612345678.", &originals);
        assert!(
            !draft.text.to_lowercase().contains("zorkovitch") && !draft.text.contains("0612345678"),
            "{}",
            draft.text
        );
        assert!(draft.text.contains("dossier") && draft.names >= 2, "{draft:?}");
        let draft = cleaned("Bonjour Madame Fatima Benali,\n\nMerci.", &[]);
        assert!(!draft.text.contains("Benali") && draft.names == 1, "{draft:?}");
    }

    #[test]
    fn nothing_and_too_much_are_drafts_too() {
        assert_eq!(cleaned("", &[]).text, "");
        assert_eq!(cleaned("Voici la réponse :", &[]).text, "");
        assert!(cleaned(&"mot ".repeat(10_000), &[]).text.chars().count() <= 4_000);
    }
}
