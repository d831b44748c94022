//! Splits long answers into parts: between paragraphs if possible, else between lines, sentences or words. Pure.
//!
//! # The length of a part
//!
//! An event is at most 65,536 bytes, as the server sees it. Encrypted, the content is base64 (× 4/3) inside an envelope of less than
//! 4 KiB, so the content itself may have (65,536 − 4,096) × 3/4 = 46,080 bytes. An edit carries everything twice (once for old
//! clients), and each copy holds the plain text and its HTML, both as JSON strings; identifiers and keys take less than 1 KiB. So the
//! plain text and the HTML of a part, as JSON, must stay under 22,500 bytes together. Ordinary text of 8,000 bytes makes about
//! 18,000; text made of `&` and line ends makes far more, and is measured and cut again.

use std::borrow::Cow;

use super::{
    content::SOURCES_BYTES,
    html,
    markdown::{Document, Tables, longest_fence, open_fence, resumed},
};

/// The markdown of an ordinary part, in bytes.
const PART_BYTES: usize = 8_000;
/// The most bytes of the plain text and the HTML of a part together, as JSON.
const WEIGHT: usize = 22_500;
/// The least length limit of a part, so that a fence and a word fit.
const MIN_BYTES: usize = 128;

/// Splits an answer into parts that each fit into one event, including edits and encryption.
///
/// A growing answer is split at the same positions as before, except for its last part.
#[must_use]
pub fn parts(markdown: &str) -> Vec<String> {
    parts_of(markdown, WEIGHT)
}

/// The same with room in each event for the list of the sources that an answer cites.
#[must_use]
pub fn parts_with_sources(markdown: &str) -> Vec<String> {
    parts_of(markdown, WEIGHT - SOURCES_BYTES)
}

fn parts_of(markdown: &str, most: usize) -> Vec<String> {
    let mut whole = Vec::new();
    for part in split(markdown, PART_BYTES) {
        cut_heavy(part, PART_BYTES, most, &mut whole);
    }
    whole
}

/// The text with its last code block closed, so that text added below does not become code.
#[must_use]
pub fn closed(markdown: &str) -> Cow<'_, str> {
    match open_fence(markdown) {
        Some(fence) => format!("{}\n{}", markdown.trim_end(), fence.marker).into(),
        None => markdown.into(),
    }
}

fn cut_heavy(part: String, max_bytes: usize, most: usize, into: &mut Vec<String>) {
    if weight(&part) <= most || max_bytes <= MIN_BYTES {
        into.push(part);
        return;
    }
    for smaller in split(&part, max_bytes / 2) {
        cut_heavy(smaller, max_bytes / 2, most, into);
    }
}

fn weight(markdown: &str) -> usize {
    // As they are sent: what breaks a mention makes the text longer, and so may a link. Which links are written is decided later, and how
    // tables are.
    let document = Document::new(markdown);
    let html = |tables| json_bytes(&html::longest_html(&document, tables));
    json_bytes(&html::defuse(&document.plain())) + html(Tables::Text).max(html(Tables::Html))
}

/// The length of a text as a JSON string.
fn json_bytes(text: &str) -> usize {
    text.bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
            0..0x20 => 6,
            _ => 1,
        })
        .sum()
}

/// Cuts markdown into parts of at most `max_bytes` (128 at least). A code block that is cut is closed, and opened again in the next; a table
/// goes on under its titles, a list with its number.
#[must_use]
pub fn split(markdown: &str, max_bytes: usize) -> Vec<String> {
    let max_bytes = max_bytes.max(MIN_BYTES);
    let mut parts = Vec::new();
    let mut rest = markdown.trim_end().to_owned();
    while rest.len() > max_bytes {
        let reserve = longest_fence(&rest) + 1;
        let end = cut(&rest, max_bytes.saturating_sub(reserve).max(max_bytes / 2));
        let mut part = rest[..end].trim_end().to_owned();
        let next = resumed(&rest, end, max_bytes);
        if let Some(fence) = open_fence(&part) {
            part = format!("{part}\n{}", fence.marker);
        }
        if !part.trim().is_empty() {
            parts.push(part);
        }
        rest = next;
    }
    if !rest.trim().is_empty() || parts.is_empty() {
        parts.push(rest);
    }
    parts
}

/// Where to cut a text that is longer than `window`: never at 0, always between two characters.
fn cut(text: &str, window: usize) -> usize {
    let mut window = window;
    while !text.is_char_boundary(window) {
        window -= 1;
    }
    let head = &text[..window];
    // A boundary too near the beginning would make many small parts; the first line of a block may be a fence, kept with what follows.
    let minimum = window / 3;
    let last = |find: &dyn Fn(&str) -> Option<usize>| find(head).filter(|end| *end > minimum);
    last(&|head| head.rfind("\n\n").map(|at| at + 2).filter(|end| open_fence(&head[..*end]).is_none()))
        .or_else(|| last(&|head| head.rfind('\n').map(|at| at + 1)))
        .or_else(|| last(&sentence_end))
        .or_else(|| last(&|head| head.rfind(char::is_whitespace).map(|at| at + after(head, at))))
        .unwrap_or(window)
}

fn sentence_end(head: &str) -> Option<usize> {
    [". ", "! ", "? ", "… "].iter().filter_map(|end| head.rfind(end).map(|at| at + end.len())).max()
}

fn after(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MIN_BYTES, PART_BYTES, Tables, WEIGHT, closed, html, json_bytes, parts, split, weight};
    use crate::matrix::markdown::plain;

    #[test]
    fn short_answers_are_one_part() {
        assert_eq!(parts("Bonjour."), ["Bonjour."]);
        assert_eq!(parts(""), [""]);
    }

    #[test]
    fn the_cut_is_between_paragraphs_then_lines_then_sentences_then_words() {
        let paragraph = "mot ".repeat(20);
        let text = format!("{paragraph}\n\n{paragraph}\n\n{paragraph}");
        assert_eq!(split(&text, 200).len(), 2);
        assert!(split(&text, 200).iter().all(|part| part.ends_with("mot")));
        let lines = "une ligne de la liste\n".repeat(10);
        assert!(split(&lines, 128).iter().all(|part| part.lines().all(|line| line == "une ligne de la liste")));
        let sentences = "Voici une phrase entière. ".repeat(12);
        assert!(split(&sentences, 150).iter().all(|part| part.starts_with("Voici") && part.ends_with("entière.")));
        let words = "mot ".repeat(100);
        assert!(split(&words, 130).iter().all(|part| part.split(' ').all(|word| word == "mot")));
        assert_eq!(split(&"é".repeat(300), 128).concat(), "é".repeat(300));
    }

    #[test]
    fn a_code_block_is_closed_and_opened_again() {
        let text = format!("Voici :\n\n```python\n{}```\nfin", "print('bonjour')\n".repeat(40));
        let parts = split(&text, 200);
        assert!(parts.len() > 2);
        for part in &parts {
            assert!(part.len() <= 200 && part.matches("```").count() % 2 == 0, "{part}");
        }
        assert!(parts[1].starts_with("```python\n") && parts[0].ends_with("\n```"));
    }

    #[test]
    fn a_growing_answer_keeps_its_first_parts() {
        let sentences: Vec<String> = (0..1_500).map(|n| format!("Phrase numéro {n}.")).collect();
        let text = sentences.chunks(9).map(|chunk| chunk.join(" ")).collect::<Vec<_>>().join("\n\n");
        let whole = parts(&text);
        assert!(whole.len() > 3);
        for end in (0..text.len()).step_by(997).filter(|end| text.is_char_boundary(*end)) {
            let some = parts(&text[..end]);
            assert_eq!(some[..some.len() - 1], whole[..some.len() - 1]);
        }
    }

    #[test]
    fn a_long_table_is_cut_between_rows_and_each_part_has_its_titles() {
        let rows: Vec<String> = (0..900).map(|n| format!("| agent {n} | service {} |", n * 7)).collect();
        let text = format!("Voici la liste :\n\n| Nom | Service |\n|:----|----:|\n{}\n\nFin.", rows.join("\n"));
        let whole = parts(&text);
        assert!(whole.len() > 3);
        for part in &whole {
            assert_eq!(part.matches("| Nom | Service |\n|:----|----:|").count(), 1);
            assert!(html::to_html(part, &[], Tables::Html).starts_with(if part == &whole[0] {
                "<p>"
            } else {
                "<table>"
            }));
        }
        let found: Vec<&str> =
            whole.iter().flat_map(|part| part.lines()).filter(|line| line.contains("agent")).collect();
        assert_eq!(found, rows);
        for end in (0..text.len()).step_by(487) {
            let some = parts(&text[..end]);
            assert_eq!(some[..some.len() - 1], whole[..some.len() - 1], "up to {end}");
        }
    }

    #[test]
    fn a_long_list_goes_on_with_its_numbers() {
        // Models that number each point with 1 are shown from 1 on.
        let text = (0..700).fold(String::new(), |text, n| text + format!("1. Point {n} de la liste\n").as_str());
        let whole = parts(&text);
        assert!(whole.len() > 2);
        for part in &whole[1..] {
            let first = part.lines().next().expect("a line");
            let (number, point) = first.split_once(". Point ").expect("a point");
            let point: usize = point.split(' ').next().and_then(|point| point.parse().ok()).expect("a number");
            assert_eq!(number.parse(), Ok(point + 1));
        }
        for end in (0..text.len()).step_by(487) {
            let some = parts(&text[..end]);
            assert_eq!(some[..some.len() - 1], whole[..some.len() - 1], "up to {end}");
        }
    }

    #[test]
    fn tables_that_grow_when_they_are_shown_fit_all_the_same() {
        let repeated = format!("|{}\n|{}\n{}", "titre |".repeat(40), "-|".repeat(40), "|x".repeat(40) + "|\n");
        for text in [
            format!("{repeated}{}", format!("{}|\n", "|x".repeat(40)).repeat(90)),
            format!("|a|b|\n|-|-|\n{}", "x\n".repeat(4_000)),
            format!("|{}|\n|-|\n{}", "t".repeat(900), "|[x](https://a.fr/)|\n".repeat(300)),
            "$x_1$ * 5*4 <sup>2</sup> ".repeat(700),
        ] {
            assert!(parts(&text).iter().all(|part| weight(part) <= WEIGHT));
        }
    }

    #[test]
    fn heavy_text_is_cut_again() {
        for text in ["&".repeat(30_000), "\n&\u{1}".repeat(9_000), "\"<&>\"\n".repeat(4_000)] {
            let parts = parts(&text);
            assert!(parts.iter().all(|part| weight(part) <= WEIGHT));
        }
    }

    fn letters(text: &str) -> String {
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }

    #[test]
    fn what_breaks_mentions_weighs_as_well() {
        for part in parts(&"@room ".repeat(10_000)) {
            assert!(weight(&part) <= WEIGHT);
            let plain = plain(&part);
            let (body, html) = (html::defuse(&plain), html::to_html(&part, &[], Tables::Text));
            assert!(json_bytes(&body) + json_bytes(&html) <= WEIGHT, "{} bytes", body.len() + html.len());
        }
    }

    #[test]
    fn a_block_left_open_is_closed() {
        assert_eq!(closed("a\n~~~~rust\nb\n\n"), "a\n~~~~rust\nb\n~~~~");
        assert_eq!(closed("```\na\n```"), "```\na\n```");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "([a-zé.,!? ]{0,60}[ \n]{0,3}){0,60}", max in 0usize..600) {
            let parts = split(&text, max);
            prop_assert_eq!(letters(&parts.concat()), letters(&text));
            prop_assert!(parts.iter().all(|part| part.len() <= max.max(MIN_BYTES)));
        }

        #[test]
        fn any_text_ends_and_fits(text in "([`~]{0,5}[a-z ]{0,30}\n{0,2}){0,80}", max in 0usize..400) {
            let parts = split(&text, max);
            prop_assert!(parts.iter().all(|part| part.len() <= max.max(MIN_BYTES)));
            let code = |text: &str| letters(text).replace(['`', '~'], "");
            let (found, wanted) = (code(&parts.concat()), code(&text));
            // A block opened again repeats its language; nothing is missing.
            prop_assert!(found.len() >= wanted.len());
        }

        #[test]
        fn every_part_with_tables_is_light(
            rows in prop::collection::vec(r"[|a& *`\[\](){0,3}<sup2/>$-]{0,60}\|[a-z&*|]{0,40}", 0..60), times in 1_usize..12,
        ) {
            let text = format!("| a | b | c |\n|---|:-:|--:|\n{}", format!("{}\n", rows.join("\n")).repeat(times));
            for part in parts(&text) {
                prop_assert!(part.len() <= PART_BYTES && weight(&part) <= WEIGHT);
            }
        }

        #[test]
        fn every_part_is_light(text in "([a-z&<>\"\n *`]{0,400}){0,60}") {
            for part in parts(&text) {
                prop_assert!(part.len() <= PART_BYTES && weight(&part) <= WEIGHT);
            }
        }
    }
}
