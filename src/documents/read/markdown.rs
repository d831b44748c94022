//! Markdown, by pulldown-cmark. Links lose their addresses: what is quoted is the text.

use pulldown_cmark::{Event, HeadingLevel, MetadataBlockKind, Options, Parser, Tag, TagEnd};

use super::table::Table;
use crate::documents::{ExtractError, flow::Flow};

/// The lists that are open, with the number of their next item.
type Lists = Vec<Option<u64>>;

pub(in crate::documents) fn read(text: &str, flow: &mut Flow) -> Result<(), ExtractError> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let (mut table, mut lists, mut line) = (Table::default(), Lists::new(), String::new());
    let (mut heading, mut mark, mut metadata) = (None, None, false);
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Start(Tag::MetadataBlock(MetadataBlockKind::YamlStyle | MetadataBlockKind::PlusesStyle)) => {
                metadata = true;
            }
            Event::End(TagEnd::MetadataBlock(_)) => {
                metadata = false;
                title(&line, flow);
                line.clear();
            }
            Event::Start(Tag::Heading { level, .. }) => {
                end(&mut line, None, mark.take(), &lists, flow)?;
                heading = Some(level);
            }
            Event::Start(Tag::List(first)) => {
                end(&mut line, None, mark.take(), &lists, flow)?;
                lists.push(first);
            }
            Event::Start(Tag::Item) => mark = Some(next_mark(&mut lists)),
            Event::End(TagEnd::List(_)) => {
                end(&mut line, None, mark.take(), &lists, flow)?;
                lists.pop();
            }
            Event::End(
                TagEnd::Heading(_) | TagEnd::Paragraph | TagEnd::Item | TagEnd::CodeBlock | TagEnd::HtmlBlock,
            ) => {
                end(&mut line, heading.take(), mark.take(), &lists, flow)?;
            }
            Event::Start(Tag::Table(_)) => table.begin(flow),
            Event::Start(Tag::TableHead | Tag::TableRow) => table.begin_row(),
            Event::Start(Tag::TableCell) => table.begin_cell(),
            Event::End(TagEnd::TableCell) => {
                table.add(&std::mem::take(&mut line));
                table.end_cell(1)?;
            }
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => table.end_row(flow)?,
            Event::End(TagEnd::Table) => table.end(flow),
            Event::Text(text) | Event::Code(text) => line.push_str(&text),
            Event::SoftBreak if !metadata => line.push(' '),
            Event::HardBreak | Event::SoftBreak => line.push('\n'),
            Event::TaskListMarker(done) => line.push_str(if done { "[x] " } else { "[ ] " }),
            _ => {}
        }
    }
    end(&mut line, None, mark, &lists, flow)
}

fn next_mark(lists: &mut Lists) -> String {
    match lists.last_mut() {
        Some(Some(number)) => {
            *number = number.saturating_add(1);
            format!("{}.", number.saturating_sub(1))
        }
        _ => "-".to_owned(),
    }
}

/// A block ends.
fn end(
    line: &mut String,
    heading: Option<HeadingLevel>,
    mark: Option<String>,
    lists: &Lists,
    flow: &mut Flow,
) -> Result<(), ExtractError> {
    let text = std::mem::take(line);
    match (heading, mark) {
        (Some(level), _) => flow.heading(level as u8, &text),
        (None, Some(mark)) => flow.item(lists.len().saturating_sub(1), &mark, &text),
        (None, None) => flow.paragraph(&text),
    }
}

/// The title in the front matter.
fn title(metadata: &str, flow: &mut Flow) {
    let value = metadata.lines().find_map(|line| line.strip_prefix("title:").or_else(|| line.strip_prefix("titre:")));
    if let Some(value) = value {
        flow.title(value.trim().trim_matches(['"', '\'']));
    }
}
