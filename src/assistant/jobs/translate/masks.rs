//! What of a text no model need write again: addresses, code, line breaks. A short mark stands for each, and is replaced again. Pure.

/// The most marks of a text. What stands behind is left to the model.
const MOST: usize = 40;

/// A text with marks in the place of what stays as it is.
#[derive(PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Masked {
    /// The text.
    pub text: String,
    /// What the marks stand for.
    kept: Vec<String>,
}

impl Masked {
    /// Puts marks in the place of what stays. A text that has such marks already is left alone.
    pub fn new(text: &str) -> Self {
        let mut masked = Self { text: String::with_capacity(text.len()), kept: Vec::new() };
        if text.contains("[#") {
            text.clone_into(&mut masked.text);
            return masked;
        }
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let begins = masked.text.chars().next_back().is_none_or(|before| !before.is_alphanumeric());
            let may = masked.kept.len() < MOST && (begins || letter == '`' || letter.is_control());
            if let Some(long) = may.then(|| kept(rest)).flatten() {
                let (head, tail) = rest.split_at(long);
                masked.kept.push(head.to_owned());
                masked.text.extend(["[#", &masked.kept.len().to_string(), "]"]);
                rest = tail;
            } else {
                masked.text.push(letter);
                rest = rest.get(letter.len_utf8()..).unwrap_or_default();
            }
        }
        masked
    }

    /// Whether words are left to be translated.
    pub fn has_words(&self) -> bool {
        let mut inside = false;
        self.text.chars().any(|letter| {
            inside = (inside || letter == '<') && letter != '>';
            letter.is_alphabetic() && !inside
        })
    }

    /// A translation with what the marks stand for. Nothing where a mark is lost or doubled.
    pub fn restored(&self, translation: &str) -> Option<String> {
        let mut whole = String::with_capacity(translation.len());
        let mut seen = vec![false; self.kept.len()];
        let mut rest = translation;
        while let Some((before, after)) = (!self.kept.is_empty()).then(|| rest.split_once('[')).flatten() {
            whole.push_str(before);
            let inside = after.split_once(']').and_then(|(inside, behind)| {
                let number = inside.trim().strip_prefix('#')?.trim().parse::<usize>().ok()?;
                Some((number, behind))
            });
            let Some((number, behind)) = inside else {
                whole.push('[');
                rest = after;
                continue;
            };
            let at = number.checked_sub(1)?;
            whole.push_str(self.kept.get(at)?);
            if std::mem::replace(seen.get_mut(at)?, true) {
                return None;
            }
            rest = behind;
        }
        whole.push_str(rest);
        seen.iter().all(|seen| *seen).then_some(whole)
    }
}

/// How many bytes at the beginning of a text stay as they are.
fn kept(text: &str) -> Option<usize> {
    if text.starts_with(['\n', '\t', '\u{b}', '\r']) {
        return Some(1);
    }
    if let Some(inside) = text.strip_prefix('`') {
        return inside.find('`').filter(|end| *end > 0).map(|end| end + 2);
    }
    let end = text.find(|letter: char| letter.is_whitespace() || "<>\"«»“”|`".contains(letter)).unwrap_or(text.len());
    let word = text.get(..end)?;
    let word = word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '*', '_', '’', '\'']);
    let web = ["https://", "http://", "www.", "mailto:"]
        .iter()
        .any(|begin| word.starts_with(begin) && word.len() > begin.len());
    let mail = word.split_once('@').is_some_and(|(who, place)| {
        let plain = |text: &str| {
            !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || ".-_+:".contains(letter))
        };
        place.contains('.') && plain(place) && (plain(who) || who.is_empty())
    });
    (web || mail).then_some(word.len())
}

#[cfg(test)]
mod tests {
    use super::Masked;

    #[test]
    fn what_stays_is_marked_and_comes_back() {
        for (text, shown) in [
            ("Voir https://a.fr/b?c=d, puis `ls -l`.", "Voir [#1], puis [#2]."),
            ("Écrire à a.b@c.fr !", "Écrire à [#1] !"),
            ("Le [guide](https://a.fr) est là.", "Le [guide]([#1]) est là."),
            ("un\nretour\tet", "un[#1]retour[#2]et"),
            ("<1>Voir</1> <2>https://a.fr</2>", "<1>Voir</1> <2>[#1]</2>"),
            ("rien", "rien"),
            ("un ` seul", "un ` seul"),
        ] {
            let masked = Masked::new(text);
            assert_eq!(masked.text, shown, "{text}");
            assert_eq!(masked.restored(&masked.text).as_deref(), Some(text));
        }
    }

    #[test]
    fn lost_or_doubled_marks_are_noticed() {
        let masked = Masked::new("Voir https://a.fr et https://b.fr");
        assert_eq!(
            masked.restored("SEE [ #2 ] AND [#1] [x]").as_deref(),
            Some("SEE https://b.fr AND https://a.fr [x]")
        );
        for lost in ["see [#1]", "see [#1] [#1] [#2]", "see [#1] [#2] [#3]", "see", "see [#0] [#1] [#2]"] {
            assert_eq!(masked.restored(lost), None, "{lost}");
        }
        assert_eq!(Masked::new("a [#1] https://a.fr").text, "a [#1] https://a.fr");
        assert!(!Masked::new("<1>https://a.fr</1> 12").has_words() && Masked::new("<1>le</1>").has_words());
        let many = "a@b.fr ".repeat(100);
        assert_eq!(Masked::new(&many).restored(&Masked::new(&many).text), Some(many));
    }
}
