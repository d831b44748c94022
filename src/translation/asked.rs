//! What is asked of a translation: the words that follow the command.

use super::{languages::TextLanguage, words::fold};

/// What the words after the command say.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The language to translate to, where one is named.
    pub to: Option<TextLanguage>,
    /// The language to translate from, where one is named.
    pub from: Option<TextLanguage>,
    /// What stands where a language should, and is none.
    pub unknown: Option<&'a str>,
    /// What follows: a text, perhaps.
    pub rest: &'a str,
}

const TO: [&str; 5] = ["vers", "en", "to", "into", "in"];
const FROM: [&str; 4] = ["de", "du", "from", "depuis"];
const ARTICLES: [&str; 3] = ["le", "la", "the"];

/// Codes that a text on the same line may follow although no word stands before them.
const BARE_CODES: [&str; 2] = ["en", "fr"];

/// Reads what follows the command: "vers l’anglais", "en anglais : Bonjour", "from French to English", "de".
#[must_use]
pub fn asked(arguments: &str) -> Asked<'_> {
    let mut reading = Reading { rest: arguments.trim_start(), to: None, from: None };
    let unknown = reading.read();
    let rest = reading.rest.trim_start_matches([':', ' ', '\u{a0}', '\u{202f}', '\t']);
    Asked { to: reading.to, from: reading.from, unknown, rest }
}

/// A word, with what follows it.
struct Next<'a> {
    /// As it is compared.
    word: String,
    /// As it is written.
    written: &'a str,
    /// Whether a colon closes it.
    closed: bool,
    after: &'a str,
}

/// The next word of a text.
fn next(text: &str) -> Option<Next<'_>> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (written, after) = (text.get(..end)?, text.get(end..)?);
    let bare = written.trim_end_matches([':', ',', '.', '?']);
    let colon_follows = after.trim_start().starts_with(':');
    let folded = fold(bare);
    let word = folded.strip_prefix("l'").or_else(|| folded.strip_prefix("d'")).unwrap_or(&folded).to_owned();
    (!written.is_empty()).then_some(Next {
        word,
        written: bare,
        closed: written.ends_with(':') || colon_follows,
        after,
    })
}

struct Reading<'a> {
    rest: &'a str,
    to: Option<TextLanguage>,
    from: Option<TextLanguage>,
}

impl<'a> Reading<'a> {
    /// Reads languages until the one to translate to. Gives what stands in the place of one and is none.
    fn read(&mut self) -> Option<&'a str> {
        // "from … to …" is as long as it gets.
        for _ in 0..2 {
            let first = next(self.rest)?;
            let to = TO.contains(&first.word.as_str());
            let from = FROM.contains(&first.word.as_str()) || fold(first.written).starts_with("d'");
            let elided = fold(first.written).starts_with("d'");
            let Some((second, language)) = (if elided { None } else { after_preposition(&first, to || from) }) else {
                return self.read_alone(&first, to, elided);
            };
            match language {
                Some(language) if from => self.from = Some(language),
                Some(language) => self.to = Some(language),
                // "de" and "en" are codes, too, and "de" begins texts.
                None if from => return self.read_alone(&first, false, false),
                None => return self.not_a_language(&first, &second),
            }
            self.rest = second.after;
            if to {
                return None;
            }
        }
        None
    }

    /// A language without a word before it: its name, or a code with nothing behind it.
    fn read_alone(&mut self, first: &Next<'a>, to: bool, elided: bool) -> Option<&'a str> {
        let language = TextLanguage::named(&first.word)?;
        if elided {
            (self.from, self.rest) = (Some(language), first.after);
            return self.read();
        }
        let is_code = first.word.chars().count() <= 3;
        let ends = first.closed || first.after.trim().is_empty();
        if !is_code || ends || BARE_CODES.contains(&first.word.as_str()) || to {
            (self.to, self.rest) = (Some(language), first.after);
        }
        None
    }

    /// "en klingon" names no language; "en Bonjour à tous" is a text for English.
    fn not_a_language(&mut self, first: &Next<'a>, second: &Next<'a>) -> Option<&'a str> {
        let more = !second.after.trim().is_empty();
        if let Some(language) = TextLanguage::named(&first.word).filter(|_| more && !second.closed) {
            (self.to, self.rest) = (Some(language), first.after);
            return None;
        }
        self.rest = second.after;
        Some(second.written)
    }
}

/// The word after a preposition and its article, and the language that it names.
fn after_preposition<'a>(first: &Next<'a>, is_preposition: bool) -> Option<(Next<'a>, Option<TextLanguage>)> {
    if !is_preposition || first.closed {
        return None;
    }
    let mut second = next(first.after)?;
    if ARTICLES.contains(&second.word.as_str()) {
        second = next(second.after)?;
    }
    let language = TextLanguage::named(&second.word);
    Some((second, language))
}

#[cfg(test)]
mod tests {
    use super::{TextLanguage, asked};

    #[test]
    fn languages_are_read_however_they_are_asked_for() {
        for (arguments, from, to, unknown, rest) in [
            ("", None, None, None, ""),
            ("en", None, Some("en"), None, ""),
            ("EN", None, Some("en"), None, ""),
            ("en anglais", None, Some("en"), None, ""),
            ("vers l’anglais", None, Some("en"), None, ""),
            ("vers le français", None, Some("fr"), None, ""),
            ("anglais", None, Some("en"), None, ""),
            ("to French", None, Some("fr"), None, ""),
            ("into the german", None, Some("de"), None, ""),
            ("de", None, Some("de"), None, ""),
            ("en de", None, Some("de"), None, ""),
            ("en en", None, Some("en"), None, ""),
            ("du français vers l'anglais", Some("fr"), Some("en"), None, ""),
            ("de l’anglais en espagnol", Some("en"), Some("es"), None, ""),
            ("from French to English", Some("fr"), Some("en"), None, ""),
            ("d’anglais en français", Some("en"), Some("fr"), None, ""),
            ("de l'anglais", Some("en"), None, None, ""),
            ("en anglais : Bonjour", None, Some("en"), None, "Bonjour"),
            ("en anglais: Bonjour à tous", None, Some("en"), None, "Bonjour à tous"),
            ("anglais Bonjour", None, Some("en"), None, "Bonjour"),
            ("en Bonjour à tous", None, Some("en"), None, "Bonjour à tous"),
            ("fr Good morning", None, Some("fr"), None, "Good morning"),
            ("es tu là ?", None, None, None, "es tu là ?"),
            ("de quoi parle-t-il ?", None, None, None, "de quoi parle-t-il ?"),
            ("en klingon", None, None, Some("klingon"), ""),
            ("vers klingon", None, None, Some("klingon"), ""),
            ("Bonjour à tous", None, None, None, "Bonjour à tous"),
        ] {
            let found = asked(arguments);
            let code = |language: Option<TextLanguage>| language.map(TextLanguage::code);
            assert_eq!(
                (code(found.from), code(found.to), found.unknown, found.rest),
                (from, to, unknown, rest),
                "{arguments}"
            );
        }
    }
}
