//! The beginning of a text that is being written, so that what is open at its end does not show as markup.

use std::borrow::Cow;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::{
    fence::open_fence,
    leaves::leaves,
    maths,
    reading::{OPTIONS, Ranged},
    shield::Shielded,
    tags,
};

/// What may be open: code, strong, emphasised, struck out.
const CLOSERS: [&str; 5] = ["`", "**", "*", "~~", "***"];

/// The most elements that are closed.
const MOST_CLOSED: usize = 3;

/// The text without a formula, a tag or the head of a table that has only begun, without tags that nothing closes yet, and with its emphasis
/// closed. Empty where nothing else has begun.
#[must_use]
pub fn settled(markdown: &str) -> String {
    if open_fence(markdown).is_some() {
        return markdown.to_owned();
    }
    let block = markdown.rfind("\n\n").map_or(0, |at| at + 2);
    let kept = before_formula(markdown, block);
    let kept = before_table(kept, block.min(kept.len()));
    let kept = without_dangling(kept).trim_end();
    closed(without_open_tags(kept).trim_end())
}

/// Without tags that nothing closes yet: what closes them most often comes. Up to one that raises or lowers: 10⁶ is not 106 meanwhile.
fn without_open_tags(text: &str) -> Cow<'_, str> {
    if !text.contains('<') {
        return text.into();
    }
    let shielded = Shielded::new(text);
    let events: Vec<Ranged<'_>> = Parser::new_ext(&shielded.text, OPTIONS).into_offset_iter().collect();
    let unclosed = tags::unclosed(&events);
    if unclosed.is_empty() {
        return text.into();
    }
    let (mut kept, mut at) = (String::with_capacity(text.len()), 0);
    for range in unclosed {
        kept.push_str(&shielded.text[at..range.start]);
        at = range.end;
        if is_script(&shielded.text[range]) && !shielded.text[at..].contains('\n') {
            at = shielded.text.len();
            break;
        }
    }
    kept.push_str(&shielded.text[at..]);
    shielded.source(&kept).into()
}

/// Up to a formula in the last paragraph that nothing closes.
fn before_formula(text: &str, block: usize) -> &str {
    let shielded = Shielded::new(&text[block..]);
    let (shown, all) = (&shielded.text, leaves(&shielded.text));
    let mut from = 0;
    while let Some(found) = maths::unclosed(&shown[from..]) {
        let at = from + found;
        let in_text = all.iter().any(|leaf| leaf.range.contains(&at) && leaf.hole_at(at).is_none());
        // Behind a letter it is a path rather than a formula.
        if in_text && !shown[..at].ends_with(char::is_alphanumeric) && is_open(&shown[at..]) {
            let length = shielded.source(&shown[..at]).len();
            // Letters of the private-use plane in the source would make the lengths differ.
            return text.get(..block + length).unwrap_or(text);
        }
        from = at + 1;
        while !shown.is_char_boundary(from) {
            from += 1;
        }
    }
    text
}

/// Whether what opens a formula is not closed: `\[note\]` is no formula.
fn is_open(text: &str) -> bool {
    match text.as_bytes() {
        [b'\\', b'(', ..] => !text.contains("\\)"),
        [b'\\', b'[', ..] => !text.contains("\\]"),
        [b'$', b'$', rest @ ..] => !rest.windows(2).any(|two| two == b"$$"),
        _ => true,
    }
}

/// Up to the first lines of a table whose second line is not there yet.
fn before_table(text: &str, block: usize) -> &str {
    let lines: Vec<&str> = text[block..].split_inclusive('\n').collect();
    let rows = lines.iter().rev().take_while(|line| line.trim_start().starts_with('|')).count();
    let in_table = Parser::new_ext(&text[block..], OPTIONS).any(|event| matches!(event, Event::Start(Tag::Table(_))));
    if in_table || !(1..=2).contains(&rows) {
        return text;
    }
    let cut: usize = lines.iter().rev().take(rows).map(|line| line.len()).sum();
    &text[..text.len() - cut]
}

/// Without the beginning of a tag, a backslash, or marks that only open something.
fn without_dangling(text: &str) -> &str {
    let text = text.strip_suffix('\\').unwrap_or(text);
    let text = match text.rfind('<') {
        Some(at) if is_tag_begun(&text[at + 1..]) => &text[..at],
        _ => text,
    };
    let last_line = text.rsplit('\n').next().unwrap_or(text);
    let marks = last_line.len() - last_line.trim_end_matches(['*', '`', '~']).len();
    // Three may be a fence, and a line of them a rule.
    if (1..=2).contains(&marks) { &text[..text.len() - marks] } else { text }
}

fn is_tag_begun(rest: &str) -> bool {
    rest.len() <= 8 && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'/')
}

fn is_script(tag: &str) -> bool {
    ["<sup", "<sub"].iter().any(|name| tag.get(..name.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(name)))
}

/// With what is open at the end closed: whatever leaves the fewest marks visible.
fn closed(text: &str) -> String {
    let mut closed = text.to_owned();
    for _ in 0..MOST_CLOSED {
        let now = visible_marks(&closed);
        if now == 0 {
            break;
        }
        let best = CLOSERS.iter().map(|closer| format!("{closed}{closer}")).min_by_key(|tried| visible_marks(tried));
        match best.filter(|best| visible_marks(best) < now) {
            Some(best) => closed = best,
            None => break,
        }
    }
    closed
}

/// How many marks are text in the last paragraph.
fn visible_marks(text: &str) -> usize {
    let block = text.rfind("\n\n").map_or(0, |at| at + 2);
    let shielded = Shielded::new(&text[block..]);
    let mut in_code = false;
    let events = Parser::new_ext(&shielded.text, OPTIONS);
    let count = |text: &str| text.bytes().filter(|byte| matches!(byte, b'*' | b'`' | b'~')).count();
    events
        .map(|event| match event {
            Event::Start(Tag::CodeBlock(_)) => {
                in_code = true;
                0
            }
            Event::End(TagEnd::CodeBlock) => {
                in_code = false;
                0
            }
            Event::Text(text) if !in_code => count(&text),
            _ => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::settled;

    #[test]
    fn what_has_only_begun_is_kept_back_or_closed() {
        for (text, shown) in [
            ("Voici **le poi", "Voici **le poi**"),
            ("Voici **", "Voici"),
            ("Voici **le point**", "Voici **le point**"),
            ("Voici *le `co", "Voici *le `co`*"),
            ("~~non", "~~non~~"),
            ("5 * 3 et **x", "5 * 3 et **x**"),
            ("5*4*3", "5*4*3"),
            (r"On a \( x^2 + ", "On a"),
            (r"On a \(x^2\) et \[ y", r"On a \(x^2\) et"),
            ("On a\n\n$$\nx = 1", "On a"),
            ("Une note \\[1\\] et", "Une note \\[1\\] et"),
            ("x<su", "x"),
            ("a < b", "a < b"),
            ("10<sup>6", "10"),
            ("10<sup>6</sup> m", "10<sup>6</sup> m"),
            ("<details>\n\nVoici <b>le *poi", "\n\nVoici le *poi*"),
            ("<b>un</b> `<b>` et <b>le", "<b>un</b> `<b>` et le"),
            ("Voici :\n\n| a | b |", "Voici :"),
            ("Voici :\n\n| a | b |\n|--", "Voici :"),
            ("| a | b |\n|---|---|\n| 1 | **de", "| a | b |\n|---|---|\n| 1 | **de**"),
            ("```\n**a", "```\n**a"),
            ("`\\(`", "`\\(`"),
            ("**", ""),
            ("| a | b |\n|--", ""),
            ("", ""),
        ] {
            assert_eq!(settled(text), shown, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_stays_what_it_is_up_to_its_end(text in r"[a-z0-9 \n*`~$\\()\[\]<>|/-]{0,120}") {
            let shown = settled(&text);
            // A tag that nothing closes is taken out.
            let has_tag = text.contains('<') && text.contains('>');
            let common = shown.bytes().zip(text.bytes()).take_while(|(one, other)| one == other).count();
            prop_assert!(has_tag || shown.len() - common <= 9, "{:?}", shown);
        }
    }
}
