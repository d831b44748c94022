//! What a document is called: the name of its file, as far as it can be shown and given to a model. Pure.

use crate::compagnon::is_invisible;

/// The longest title, in characters.
const LONGEST: usize = 100;

/// In the place of a name that shows nothing.
const NAMELESS: &str = "fichier";

/// The title of a file of this name: without the folders that it stood in, on one line, and without what is not seen or turns the writing
/// around. A long one keeps its beginning and its ending.
#[must_use]
pub fn title(name: &str) -> String {
    let last = name.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default();
    let seen: String = last
        .chars()
        .map(|letter| if letter.is_whitespace() { ' ' } else { letter })
        .filter(|letter| !letter.is_control() && !is_invisible(*letter))
        .collect();
    let seen = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    if seen.is_empty() {
        return NAMELESS.to_owned();
    }
    let count = seen.chars().count();
    if count <= LONGEST {
        return seen;
    }
    let ending = seen.rsplit_once('.').map(|(_, ending)| ending).filter(|ending| ending.chars().count() <= 8);
    let ending = ending.map(|ending| format!(".{ending}")).unwrap_or_default();
    let kept = LONGEST - 1 - ending.chars().count();
    format!("{}…{ending}", seen.chars().take(kept).collect::<String>().trim_end())
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, title};

    #[test]
    fn a_name_is_shown_on_one_line_without_tricks() {
        for (name, shown) in [
            ("Guide RH.pdf", "Guide RH.pdf"),
            ("../../etc/passwd.txt", "passwd.txt"),
            ("C:\\Users\\awa\\Note de service.docx", "Note de service.docx"),
            ("dossier/", "dossier"),
            ("facture\u{202e}fdp.exe", "facturefdp.exe"),
            (" a\nb\t\u{0}c\u{200b}.txt ", "a b c.txt"),
            ("", "fichier"),
            ("\u{200b}/", "fichier"),
            ("/", "fichier"),
        ] {
            assert_eq!(title(name), shown, "{name:?}");
        }
        let long = title(&format!("{}.pdf", "é".repeat(300)));
        assert!(long.ends_with("….pdf") && long.chars().count() == LONGEST);
        assert_eq!(title(&"x".repeat(300)).chars().count(), LONGEST);
        assert_eq!(title(&format!("a.{}", "x".repeat(300))).chars().count(), LONGEST);
    }
}
