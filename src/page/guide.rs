//! The guide for agents as one page that can be put anywhere: nothing is loaded, nothing is run. Its words are `docs/guide.md`, and those of
//! `docs/conseils.md` after it.

use minijinja::{Environment, UndefinedBehavior, context, syntax::SyntaxConfig};
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html::push_html};

use super::templates::{Draw, GUIDE, STYLE};
use crate::typography;

/// The guide, as agents may read it too.
pub const MARKDOWN: &str = include_str!("../../docs/guide.md");
const ADVICE: &str = include_str!("../../docs/conseils.md");
/// What the guide calls the second text, and where that begins on the page.
const ADVICE_FILE: &str = "conseils.md";
const ADVICE_PLACE: &str = "#conseils";

/// What is listed at the top of the page.
struct Heading {
    id: String,
    title: String,
    /// Whether it is below the one before.
    below: bool,
}

/// The page.
pub fn html() -> Result<String, Draw> {
    let mut headings = Vec::new();
    let (title, guide) = chapter(MARKDOWN, false, &mut headings);
    let (_, advice) = chapter(ADVICE, true, &mut headings);
    let contents: Vec<_> = headings
        .into_iter()
        .map(|Heading { id, title, below }| context! { id => id, title => title, below => below })
        .collect();
    let text = [guide, advice].concat();
    let draw = || {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.add_template("guide.html", GUIDE)?;
        let values = context! { title => title, contents => contents, text => text, style => STYLE };
        environment.get_template("guide.html")?.render(values)
    };
    draw().map_err(Draw::from)
}

/// A text as HTML, and its title. The headings of one that stands below another are a level lower.
fn chapter(markdown: &str, below: bool, headings: &mut Vec<Heading>) -> (String, String) {
    let set = typography::french(markdown);
    let mut title = String::new();
    let mut words: Option<String> = None;
    let mut events = Vec::new();
    let mut begun = 0;
    for event in Parser::new_ext(&set, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                begun = events.len();
                words = Some(String::new());
            }
            Event::End(TagEnd::Heading(level)) => {
                let words = words.take().unwrap_or_default();
                if level == HeadingLevel::H1 && !below {
                    title = words;
                    // The template has it.
                    events.truncate(begun);
                    continue;
                }
                let (level, id) = match level {
                    HeadingLevel::H1 => (HeadingLevel::H2, ADVICE_PLACE.trim_start_matches('#').to_owned()),
                    HeadingLevel::H2 if !below => (HeadingLevel::H2, id(&words)),
                    _ => (HeadingLevel::H3, id(&words)),
                };
                let tag = Tag::Heading { level, id: Some(id.clone().into()), classes: Vec::new(), attrs: Vec::new() };
                events.insert(begun, Event::Start(tag));
                events.push(Event::End(TagEnd::Heading(level)));
                headings.push(Heading { id, title: words, below: level == HeadingLevel::H3 });
            }
            Event::Text(ref text) | Event::Code(ref text) => {
                if let Some(words) = &mut words {
                    words.push_str(text);
                }
                events.push(event);
            }
            // A wide table scrolls by itself, also from the keyboard; its cells hold sentences.
            Event::Start(Tag::Table(columns)) => {
                events.push(raw("<div class=\"scroll words\" role=\"group\" aria-label=\"Tableau\" tabindex=\"0\">\n"));
                events.push(Event::Start(Tag::Table(vec![pulldown_cmark::Alignment::None; columns.len()])));
            }
            Event::End(TagEnd::Table) => {
                events.push(event);
                events.push(raw("</div>\n"));
            }
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let dest_url = if &*dest_url == ADVICE_FILE { ADVICE_PLACE.into() } else { dest_url };
                events.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
            }
            // There is none in these texts; what would be one is shown.
            Event::Html(text) | Event::InlineHtml(text) => events.push(Event::Text(text)),
            event => events.push(event),
        }
    }
    let mut html = String::new();
    push_html(&mut html, events.into_iter());
    (title, html.replace("<th>", "<th scope=\"col\">"))
}

fn raw(html: &'static str) -> Event<'static> {
    Event::Html(CowStr::Borrowed(html))
}

/// What an address names a heading by: its words in small letters, with hyphens.
fn id(words: &str) -> String {
    let mut id = String::new();
    for letter in words.to_lowercase().chars() {
        if letter.is_alphanumeric() {
            id.push(letter);
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
    }
    id.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{chapter, html};

    #[test]
    fn every_place_that_is_linked_to_is_there_once() {
        let page = html().expect("a page");
        let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let distinct: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), distinct.len(), "{ids:?}");
        let links: Vec<&str> = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        for link in links.iter().filter(|link| !link.starts_with("data:")) {
            let place = link.strip_prefix('#').unwrap_or_else(|| panic!("{link} leads off the page"));
            assert!(distinct.contains(place), "{link}");
        }
        assert!(links.len() > 4 && !page.contains("<script") && !page.contains("src="));
    }

    #[test]
    fn headings_are_lowered_and_tables_can_be_scrolled() {
        let mut headings = Vec::new();
        let (title, text) =
            chapter("# T\n\n## L'un `x` ?\n\n| a | b |\n|--:|---|\n| 1 | 2 |\n\n<b>", false, &mut headings);
        assert_eq!(title, "T");
        assert!(text.contains("<h2 id=\"l-un-x\">L’un <code>x</code>\u{202f}?</h2>"), "{text}");
        assert!(
            text.contains("tabindex=\"0\"") && text.contains("<th scope=\"col\">a</th>") && text.contains("&lt;b&gt;")
        );
        let (_, text) = chapter("# Conseils\n\n## Un\n", true, &mut headings);
        assert!(text.contains("<h2 id=\"conseils\">") && text.contains("<h3 id=\"un\">"), "{text}");
        assert_eq!(headings.iter().map(|heading| heading.below).collect::<Vec<_>>(), [false, false, true]);
    }
}
