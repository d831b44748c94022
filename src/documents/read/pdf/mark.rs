//! The marks of list items, as layouts draw them.

/// The mark with which an item of a list begins, and what follows.
pub(super) fn mark(text: &str) -> Option<(String, &str)> {
    let (first, rest) = text.split_once(char::is_whitespace)?;
    let bullet = matches!(first, "•" | "-" | "–" | "—" | "▪" | "◦" | "‣" | "●" | "○" | "■" | "*" | "→" | "➢" | "✓")
        || first.chars().all(|c| ('\u{e000}'..='\u{f8ff}').contains(&c));
    let numbered = first.len() <= 4 && first.ends_with([')', '.']) && {
        let bare = first.trim_end_matches([')', '.']);
        !bare.is_empty()
            && (bare.bytes().all(|byte| byte.is_ascii_digit())
                || (bare.len() == 1 && bare.bytes().all(|byte| byte.is_ascii_lowercase())))
    };
    (bullet || numbered).then(|| (if bullet { "-".to_owned() } else { first.to_owned() }, rest.trim_start()))
}
