//! Code blocks between fences, line by line.

/// A code block that is still open at the end of a text.
pub(in crate::matrix) struct Fence {
    /// What closes it.
    pub marker: String,
    /// What opens it again: the marker and the language.
    pub opening: String,
}

impl Fence {
    /// The block that is open after a line, of the one that was open before it.
    pub fn after(open: Option<Self>, line: &str) -> Option<Self> {
        let Some((marker, info)) = fence_line(line) else { return open };
        match open {
            None => {
                let language: String = info.chars().take_while(char::is_ascii_alphanumeric).take(16).collect();
                Some(Self { opening: format!("{marker}{language}"), marker: marker.to_owned() })
            }
            Some(fence) if marker.starts_with(&fence.marker) && info.trim().is_empty() => None,
            open => open,
        }
    }
}

/// The block that is open at the end of a text.
pub(in crate::matrix) fn open_fence(text: &str) -> Option<Fence> {
    text.lines().fold(None, Fence::after)
}

/// The marker of a fence (three backticks or tildes, or more) and what follows it on the line.
fn fence_line(line: &str) -> Option<(&str, &str)> {
    let text = line.trim_start_matches(' ');
    let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let info = text.trim_start_matches(mark);
    let marker = &text[..text.len() - info.len()];
    // A marker longer than any part is no fence worth keeping; one line of code between backticks is none at all.
    let fence =
        (3..=16).contains(&marker.len()) && line.len() - text.len() <= 3 && !(mark == '`' && info.contains('`'));
    fence.then_some((marker, info))
}

/// The length of the longest marker.
pub(in crate::matrix) fn longest_fence(text: &str) -> usize {
    text.lines().filter_map(fence_line).map(|(marker, _)| marker.len()).max().unwrap_or(0)
}
