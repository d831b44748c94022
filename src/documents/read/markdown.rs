//! Markdown, by pulldown-cmark. Links lose their addresses: what is quoted is the text. A block of HTML is read as such, and tags in a line are
//! left out.

use pulldown_cmark::{Event, HeadingLevel, MetadataBlockKind, Options, Parser, Tag, TagEnd};

use super::{html, lists::Lists, table::Table};
use crate::documents::{ExtractError, flow::Flow};

pub(in crate::documents) fn read(text: &str, flow: &mut Flow) -> Result<(), ExtractError> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let (mut table, mut lists, mut line) = (Table::default(), Lists::default(), String::new());
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
                end(&mut line, None, mark.take().as_deref(), &lists, flow)?;
                heading = Some(level);
            }
            Event::Start(Tag::List(first)) => {
                end(&mut line, None, mark.take().as_deref(), &lists, flow)?;
                lists.begin(first);
            }
            Event::Start(Tag::Item) => mark = Some(lists.mark()),
            Event::End(TagEnd::List(_)) => {
                end(&mut line, None, mark.take().as_deref(), &lists, flow)?;
                lists.end();
            }
            Event::Start(Tag::HtmlBlock) => end(&mut line, None, mark.take().as_deref(), &lists, flow)?,
            Event::End(TagEnd::HtmlBlock) => html::read(&std::mem::take(&mut line), flow)?,
            Event::End(TagEnd::Heading(_) | TagEnd::Paragraph | TagEnd::Item | TagEnd::CodeBlock) => {
                end(&mut line, heading.take(), mark.take().as_deref(), &lists, flow)?;
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
            Event::Text(text) | Event::Code(text) | Event::Html(text) => line.push_str(&text),
            Event::InlineHtml(tag) if is_break(&tag) => line.push('\n'),
            Event::SoftBreak if !metadata => line.push(' '),
            Event::HardBreak | Event::SoftBreak => line.push('\n'),
            Event::TaskListMarker(done) => line.push_str(if done { "[x] " } else { "[ ] " }),
            _ => {}
        }
    }
    end(&mut line, None, mark.as_deref(), &lists, flow)
}

/// Whether a tag ends a line.
fn is_break(tag: &str) -> bool {
    tag.trim_start_matches('<').split([' ', '/', '>']).next().is_some_and(|name| name.eq_ignore_ascii_case("br"))
}

/// A block ends.
fn end(
    line: &mut String,
    heading: Option<HeadingLevel>,
    mark: Option<&str>,
    lists: &Lists,
    flow: &mut Flow,
) -> Result<(), ExtractError> {
    let text = std::mem::take(line);
    flow.block(heading.map(|level| level as u8), mark.map(|mark| (lists.depth(), mark)), &text)
}

/// The title in the front matter.
fn title(metadata: &str, flow: &mut Flow) {
    let value = metadata.lines().find_map(|line| line.strip_prefix("title:").or_else(|| line.strip_prefix("titre:")));
    if let Some(value) = value {
        flow.title(value.trim().trim_matches(['"', '\'']));
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::documents::{Config, flow::Flow, limits::Limits, passages::passages};

    fn text(markdown: &str) -> String {
        let mut flow = Flow::new(Limits::of(&Config::default()));
        read(markdown, &mut flow).unwrap();
        passages(&flow.blocks).into_iter().map(|passage| passage.text).collect::<Vec<_>>().join("\n\n")
    }

    #[test]
    fn blocks_of_html_are_read() {
        let page = "Avant.\n\n<table><tr><th>Grade</th><th>Jours</th></tr>\n<tr><td>Attaché</td><td>27</td></tr></table>\n\n<script>\ncode\n</script>\n\n\
                    <div>Dedans</div>\n\nUn <b>mot</b><br>et un autre <!-- rien -->.\n";
        let text = text(page);
        assert!(text.contains("| Grade | Jours |\n|---|---|\n| Attaché | 27 |"), "{text}");
        assert!(text.contains("Avant.") && text.contains("Dedans") && text.contains("Un mot\net un autre ."), "{text}");
        assert!(!text.contains("code") && !text.contains("rien"), "{text}");
    }

    #[test]
    fn lists_keep_their_marks() {
        let text = text("3. trois\n4. quatre\n   - dedans\n\n- [x] fait\n");
        assert_eq!(text, "3. trois\n4. quatre\n  - dedans\n- [x] fait");
    }
}
