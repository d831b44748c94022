//! What a text that is cut into messages goes on with, so that each message reads as the whole would: in the same block of code, under the
//! same titles of a table, with the right number of a list.

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::{fence::open_fence, reading::OPTIONS};

/// The rest of `text` after the cut at `end`, for parts of at most `limit` bytes. It is shorter than the text.
pub(in crate::matrix) fn resumed(text: &str, end: usize, limit: usize) -> String {
    let next = text[end..].trim_start_matches(['\n', '\r']);
    if let Some(fence) = open_fence(text[..end].trim_end()) {
        return format!("{}\n{next}", fence.opening);
    }
    let at = text.len() - next.len();
    // No further than the next part is sure to reach: a growing text is cut at the same places.
    let window = &text[..text.floor_char_boundary(at + limit / 2)];
    let blocks = Blocks::around(window, at);
    let mut next = next.to_owned();
    if let Some(list) = &blocks.list {
        next = list.resumed(text, at);
    }
    match blocks.table.and_then(|table| head(text, &table)) {
        // A cut leaves at least a sixth of the limit behind.
        Some(head) if head.len() < limit / 8 => format!("{head}\n{next}"),
        _ => next,
    }
}

/// The first two lines of a table: its titles and what is below them.
fn head(text: &str, table: &Range<usize>) -> Option<String> {
    let line = text[..table.start].rfind('\n').map_or(0, |at| at + 1);
    // In a quotation the lines begin with its mark; in a list the table goes on without.
    let prefix = &text[line..table.start];
    let start = if prefix.contains('>') { line } else { table.start };
    let mut lines = text[start..].lines();
    Some(format!("{}\n{}", lines.next()?.trim(), lines.next()?.trim()))
}

/// The blocks that a cut is in the middle of.
#[derive(Default)]
struct Blocks {
    table: Option<Range<usize>>,
    list: Option<List>,
}

/// A list of the outermost level.
struct List {
    first: Option<u64>,
    items: Vec<Range<usize>>,
}

impl Blocks {
    fn around(text: &str, at: usize) -> Self {
        let mut blocks = Self::default();
        let mut list: Option<List> = None;
        let mut depth = 0_usize;
        let spans = |range: &Range<usize>| range.start < at && at < range.end;
        for (event, range) in Parser::new_ext(text, OPTIONS).into_offset_iter() {
            match event {
                Event::Start(Tag::Table(_)) if spans(&range) => blocks.table = Some(range),
                Event::Start(Tag::List(first)) => {
                    if depth == 0 && spans(&range) {
                        list = Some(List { first, items: Vec::new() });
                    }
                    depth += 1;
                }
                Event::End(TagEnd::List(_)) => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        blocks.list = blocks.list.or(list.take());
                    }
                }
                Event::Start(Tag::Item) if depth == 1 => {
                    if let Some(list) = &mut list {
                        list.items.push(range);
                    }
                }
                _ => {}
            }
        }
        blocks
    }
}

impl List {
    /// The rest from `at`: the rest of a point without its indentation, which would make it code, and the next point with its number.
    fn resumed(&self, text: &str, at: usize) -> String {
        let begun = self.items.iter().filter(|item| item.start < at).count();
        let following = self.items.get(begun);
        let own_end =
            following.map_or_else(|| self.items.last().map_or(at, |item| item.end), |item| item.start).max(at);
        let mut next = dedented(&text[at..own_end]);
        let Some(item) = following else { return next + &text[own_end..] };
        let number = self.first.and_then(|first| first.checked_add(begun as u64));
        let source = &text[item.clone()];
        next.push_str(&number.and_then(|number| renumbered(source, number)).unwrap_or_else(|| source.to_owned()));
        next + &text[item.end..]
    }
}

/// Lines without the indentation of the first.
fn dedented(text: &str) -> String {
    let indent = text.len() - text.trim_start_matches(' ').len();
    let line = |line: &str| {
        let own = line.len() - line.trim_start_matches(' ').len();
        line[own.min(indent)..].to_owned()
    };
    text.split_inclusive('\n').map(line).collect()
}

/// A point of a list under another number; nothing where it has that number already.
fn renumbered(item: &str, number: u64) -> Option<String> {
    let digits = item.bytes().take_while(u8::is_ascii_digit).count();
    let (old, rest) = item.split_at(digits);
    let new = number.to_string();
    // Longer numbers are none in Markdown.
    if digits == 0 || new.len() > 9 || old.parse() == Ok(number) || !rest.starts_with(['.', ')']) {
        return None;
    }
    // What belongs to the point stands below its text, which has moved.
    let wider = " ".repeat(new.len().saturating_sub(digits));
    let mut lines = rest.split_inclusive('\n');
    let mut out = format!("{new}{}", lines.next().unwrap_or_default());
    for line in lines {
        if line.starts_with("  ") && !line.trim().is_empty() {
            out.push_str(&wider);
        }
        out.push_str(line);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::resumed;

    fn after(text: &str, cut: &str) -> String {
        let end = text.find(cut).expect("the place of the cut");
        resumed(text, end, 8_000)
    }

    #[test]
    fn a_table_goes_on_under_its_titles() {
        let table = "Voici :\n\n| a | b |\n|--|:-:|\n| 1 | 2 |\n| 3 | 4 |\n\nfin";
        assert_eq!(after(table, "| 3"), "| a | b |\n|--|:-:|\n| 3 | 4 |\n\nfin");
        assert_eq!(after(table, "fin"), "fin");
        assert_eq!(after(table, "| a"), &table["Voici :\n\n".len()..]);
        let quoted = "> | a |\n> |--|\n> | 1 |\n> | 2 |";
        assert_eq!(after(quoted, "> | 2"), "> | a |\n> |--|\n> | 2 |");
        let wide = format!("| {} |\n|--|\n| 1 |\n| 2 |", "a".repeat(1_000));
        assert_eq!(after(&wide, "| 2"), "| 2 |", "titles that leave no room are not repeated");
    }

    #[test]
    fn a_list_goes_on_with_its_number() {
        assert_eq!(after("1. a\n1. b\n1. c\n1. d", "1. c"), "3. c\n1. d");
        assert_eq!(after("8. a\n9. b\n10. c", "10."), "10. c");
        assert_eq!(after("1. a\n\n   suite\n\n1. b", "suite"), "suite\n\n2. b");
        assert_eq!(after("- a\n    - b\n    - c\n- d", "    - c"), "- c\n- d");
        let many = format!("{}1. dix\n   - sous", "1. x\n".repeat(9));
        assert_eq!(after(&many, "1. dix"), "10. dix\n    - sous");
        assert_eq!(after("un\n\ndeux", "deux"), "deux");
    }
}
