//! Sanitises the display names of people and rooms for the bot's sentences and for prompts. Pure.

/// The longest name that is kept, in characters.
const MAX_CHARS: usize = 64;

/// A person's name, without the organisation that Tchap puts after it: `Jeanne Martin [DINUM]`. `None` when nothing is left.
pub(super) fn person(raw: &str) -> Option<String> {
    let name = tidy(raw);
    let bare = name.strip_suffix(']').and_then(|rest| rest.rsplit_once(" [")).map_or(name.as_str(), |(bare, _)| bare);
    short(bare)
}

/// A room's name. `None` when nothing is left.
pub(super) fn room(raw: &str) -> Option<String> {
    short(&tidy(raw))
}

fn short(name: &str) -> Option<String> {
    let name: String = name.trim().chars().take(MAX_CHARS).collect();
    let name = name.trim_end();
    (!name.is_empty()).then(|| name.to_owned())
}

/// One line without invisible characters and without changes of the writing direction.
fn tidy(raw: &str) -> String {
    let visible = raw.chars().filter(|&c| c.is_whitespace() || !is_unseen(c));
    let line: String = visible.map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    line.trim().to_owned()
}

/// Control characters, those that change the direction of writing, and those without width.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::{person, room};

    #[test]
    fn a_person_is_named_without_their_organisation() {
        for (raw, expected) in [
            ("Jeanne Martin [DINUM]", Some("Jeanne Martin")),
            ("  Jeanne Martin  ", Some("Jeanne Martin")),
            ("Jeanne [dite J] Martin [Intérieur]", Some("Jeanne [dite J] Martin")),
            ("Jeanne Martin[DINUM]", Some("Jeanne Martin[DINUM]")),
            ("[DINUM]", Some("[DINUM]")),
            (" [DINUM]", Some("[DINUM]")),
            ("Jeanne [DINUM] Martin", Some("Jeanne [DINUM] Martin")),
            ("Je\u{202E}anne\u{200B}\u{0007} Martin\u{FEFF} [DINUM]\u{2069}", Some("Jeanne Martin")),
            ("Jeanne\nMartin", Some("Jeanne Martin")),
            ("\u{200B}\u{3164}", None),
            ("   ", None),
            ("", None),
        ] {
            assert_eq!(person(raw).as_deref(), expected, "{raw:?}");
        }
    }

    #[test]
    fn a_name_has_an_end() {
        assert_eq!(person(&"é".repeat(100)), Some("é".repeat(64)));
        let spaced = format!("{} b", "a".repeat(63));
        assert_eq!(person(&spaced), Some("a".repeat(63)));
        assert_eq!(person(&format!("{} [DINUM]", "a".repeat(64))), Some("a".repeat(64)));
    }

    #[test]
    fn a_room_keeps_its_brackets() {
        assert_eq!(room("Projet [2026]\u{202E}").as_deref(), Some("Projet [2026]"));
        assert_eq!(room(" \u{200B} "), None);
    }
}
