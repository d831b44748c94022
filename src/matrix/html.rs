//! The model's markdown as HTML that can do no harm. Pure.
//!
//! What the model writes may repeat what an attacker put into a document or a question, so nothing in it is trusted: no raw HTML,
//! no image (it would be fetched), no link under another text than its own address, no mention. The markdown is parsed, and only
//! these elements are written: p, br, strong, em, del, code, pre, ul, ol, li, blockquote, h1–h6, hr, table.

use std::borrow::Cow;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, TextMergeStream};

/// Invisible, and not a place to break a line: put inside what a client would turn into a mention.
const JOINER: char = '\u{2060}';

/// Elements stand no deeper within one another than this: Matrix lets clients drop what is deeper than 100, and some stop sooner.
const MAX_DEPTH: usize = 40;

/// What clients read as a call of somebody, with the place where it is broken.
const CALLS: [(&str, usize); 8] = [
    ("@room", 1),
    ("matrix.to/#/", 10),
    ("tchap.gouv.fr/#/", 14),
    ("matrix:u/", 7),
    ("matrix:user/", 7),
    ("matrix:r/", 7),
    ("matrix:room/", 7),
    ("matrix:roomid/", 7),
];

/// Renders markdown as safe HTML. Links are kept only to the addresses in `allowed` (those of the sources); any other is shown as
/// text, with its address.
#[must_use]
pub fn to_html(markdown: &str, allowed: &[&str]) -> String {
    let parser = Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
    let mut filter = Filter { allowed, link: None, open: Vec::new() };
    let events = TextMergeStream::new(parser).flat_map(|event| filter.pass(event));
    // Merged once more: without what was left out, two texts that called nobody may have become one that does.
    let events = TextMergeStream::new(events).map(defused);
    let mut html = String::with_capacity(markdown.len() * 3 / 2);
    pulldown_cmark::html::push_html(&mut html, events);
    html.truncate(html.trim_end().len());
    html
}

/// The same text, where nothing is read as a mention of the whole room or of a person any more.
///
/// Clients turn a bare `https://matrix.to/#/@user:server` into a pill, and old ones ring everybody on `@room`.
#[must_use]
pub fn defuse(text: &str) -> Cow<'_, str> {
    let mut safe = Cow::Borrowed(text);
    for (needle, at) in CALLS {
        while let Some(found) = find(&safe, needle) {
            safe.to_mut().insert(found + at, JOINER);
        }
    }
    safe
}

/// Finds an ASCII needle, whatever the case.
fn find(text: &str, needle: &str) -> Option<usize> {
    text.as_bytes().windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}

fn defused(event: Event<'_>) -> Event<'_> {
    let safe = |text: &str| match defuse(text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(safe) => Some(CowStr::from(safe)),
    };
    match event {
        Event::Text(text) => Event::Text(safe(&text).unwrap_or(text)),
        Event::Code(code) => Event::Code(safe(&code).unwrap_or(code)),
        other => other,
    }
}

struct Filter<'a> {
    allowed: &'a [&'a str],
    link: Option<Link>,
    /// For each element that is open, whether it is written.
    open: Vec<bool>,
}

/// The link being read: where it goes, the text seen so far, and whether it is kept.
struct Link {
    address: String,
    text: String,
    kept: bool,
}

impl Filter<'_> {
    fn pass<'e>(&mut self, event: Event<'e>) -> Vec<Event<'e>> {
        match event {
            Event::Text(text) => vec![Event::Text(self.text(text))],
            Event::Code(code) => vec![Event::Code(self.text(code))],
            // Raw HTML is what somebody wanted to show: its source.
            Event::Html(source) | Event::InlineHtml(source) => vec![Event::Text(self.text(source))],
            // In a chat, the end of a line is one.
            Event::SoftBreak | Event::HardBreak => vec![Event::HardBreak],
            Event::Rule => vec![Event::Rule],
            Event::Start(tag) => self.open(tag),
            Event::End(tag) => self.close(tag),
            _ => Vec::new(),
        }
    }

    fn text<'e>(&mut self, text: CowStr<'e>) -> CowStr<'e> {
        if let Some(link) = &mut self.link {
            link.text.push_str(&text);
        }
        text
    }

    /// What begins an element, unless it stands too deep.
    fn nest<'e>(&mut self, tag: Tag<'e>) -> Vec<Event<'e>> {
        let written = self.open.len() < MAX_DEPTH;
        self.open.push(written);
        if written { vec![Event::Start(tag)] } else { Vec::new() }
    }

    fn unnest<'e>(&mut self, tag: TagEnd) -> Vec<Event<'e>> {
        if self.open.pop() == Some(true) { vec![Event::End(tag)] } else { Vec::new() }
    }

    fn open<'e>(&mut self, tag: Tag<'e>) -> Vec<Event<'e>> {
        match tag {
            Tag::Link { link_type, dest_url, id, .. } => {
                let kept = dest_url.starts_with("https://") && self.allowed.contains(&&*dest_url);
                self.link = Some(Link { address: dest_url.to_string(), text: String::new(), kept });
                if kept {
                    vec![Event::Start(Tag::Link { link_type, dest_url, title: "".into(), id })]
                } else {
                    Vec::new()
                }
            }
            Tag::Heading { level, .. } => {
                self.nest(Tag::Heading { level, id: None, classes: Vec::new(), attrs: Vec::new() })
            }
            // An alignment would become a style attribute.
            Tag::Table(columns) => self.nest(Tag::Table(vec![pulldown_cmark::Alignment::None; columns.len()])),
            Tag::BlockQuote(_) => self.nest(Tag::BlockQuote(None)),
            tag if is_allowed(tag.to_end()) => self.nest(tag),
            _ => Vec::new(),
        }
    }

    fn close<'e>(&mut self, tag: TagEnd) -> Vec<Event<'e>> {
        match tag {
            TagEnd::Link => match self.link.take() {
                Some(link) if link.kept => vec![Event::End(TagEnd::Link)],
                Some(link) if !link.address.is_empty() && link.text.trim() != link.address => {
                    vec![Event::Text(format!(" ({})", link.address).into())]
                }
                _ => Vec::new(),
            },
            TagEnd::BlockQuote(_) => self.unnest(TagEnd::BlockQuote(None)),
            tag if is_allowed(tag) => self.unnest(tag),
            _ => Vec::new(),
        }
    }
}

fn is_allowed(tag: TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::Paragraph
            | TagEnd::Heading(_)
            | TagEnd::BlockQuote(_)
            | TagEnd::CodeBlock
            | TagEnd::List(_)
            | TagEnd::Item
            | TagEnd::Table
            | TagEnd::TableHead
            | TagEnd::TableRow
            | TagEnd::TableCell
            | TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{JOINER, defuse, to_html};

    #[test]
    fn markdown_becomes_the_few_elements_allowed() {
        for (markdown, html) in [
            ("Bonjour **à** *tous*", "<p>Bonjour <strong>à</strong> <em>tous</em></p>"),
            ("un\ndeux", "<p>un<br />\ndeux</p>"),
            ("~~non~~ `a<b`", "<p><del>non</del> <code>a&lt;b</code></p>"),
            ("# Titre {#id}", "<h1>Titre {#id}</h1>"),
            ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
            ("3. a", "<ol start=\"3\">\n<li>a</li>\n</ol>"),
            ("> cité", "<blockquote>\n<p>cité</p>\n</blockquote>"),
            ("```rust\nfn f() {}\n```", "<pre><code class=\"language-rust\">fn f() {}\n</code></pre>"),
            (
                "|a|\n|:-|\n|b|",
                "<table><thead><tr><th>a</th></tr></thead><tbody>\n<tr><td>b</td></tr>\n</tbody></table>",
            ),
        ] {
            assert_eq!(to_html(markdown, &[]), html, "{markdown}");
        }
    }

    #[test]
    fn hostile_markdown_is_shown_and_does_nothing() {
        for (markdown, html) in [
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("a <img src=x onerror=y> b", "<p>a &lt;img src=x onerror=y&gt; b</p>"),
            ("![vu](https://evil/x.png)", "<p>vu</p>"),
            ("[ici](javascript:alert(1))", "<p>ici (javascript:alert(1))</p>"),
            ("[impots.gouv.fr](https://evil/)", "<p>impots.gouv.fr (https://evil/)</p>"),
            ("<https://evil/>", "<p>https://evil/</p>"),
            ("[![x](https://evil/a)](https://evil/b)", "<p>x (https://evil/b)</p>"),
            ("```\"><img src=x>\ncode\n```", "<pre><code class=\"language-&quot;&gt;&lt;img\">code\n</code></pre>"),
        ] {
            assert_eq!(to_html(markdown, &[]), html, "{markdown}");
        }
    }

    #[test]
    fn links_to_the_sources_alone_are_links() {
        let allowed = ["https://www.service-public.fr/x"];
        let html = to_html(
            "[fiche](https://www.service-public.fr/x \"t\") [autre](https://www.service-public.fr/y)",
            &allowed,
        );
        assert_eq!(
            html,
            "<p><a href=\"https://www.service-public.fr/x\">fiche</a> autre (https://www.service-public.fr/y)</p>"
        );
        assert!(!to_html("[x](javascript:y)", &["javascript:y"]).contains("<a "));
    }

    #[test]
    fn nothing_is_a_mention() {
        for text in [
            "@room",
            "salut @Room !",
            "https://matrix.to/#/@bob:hs",
            "https://MATRIX.to/#/!r:hs",
            "https://www.tchap.gouv.fr/#/user/@bob:hs",
            "matrix:u/bob:hs",
            "matrix\\.to/#/@bob:hs",
            "matrix&#46;to/#/@bob:hs",
            "[Bob](https://matrix.to/#/@bob:hs)",
        ] {
            let html = to_html(text, &[]);
            assert!(html.contains(JOINER) && !html.contains("<a "), "{html}");
        }
        assert_eq!(defuse("agents@room.fr"), format!("agents@{JOINER}room.fr"));
        assert_eq!(defuse("rien à faire"), "rien à faire");
    }

    #[test]
    fn texts_that_come_together_are_no_mention() {
        for text in ["@ro![om](x)", "[@ro]()om", "[matrix]().to/#/@bob:hs", "matrix:![roomid/r:hs](x)", "![@]()room"] {
            let html = to_html(text, &[]);
            assert!(html.contains(JOINER), "{html}");
        }
    }

    #[test]
    fn nesting_has_an_end() {
        let html = to_html(&format!("{}x", "> ".repeat(2000)), &[]);
        assert_eq!((html.matches("<blockquote>").count(), html.matches("</blockquote>").count()), (40, 40));
        assert!(html.contains('x'));
        let table = format!("{}|a|\n{}|-|\n{}|b|", "> ".repeat(45), "> ".repeat(45), "> ".repeat(45));
        assert!(!to_html(&table, &[]).contains("<t"));
    }

    /// The element names of some HTML.
    fn elements(html: &str) -> Vec<&str> {
        html.split('<')
            .skip(1)
            .map(|rest| rest.trim_start_matches('/').split([' ', '>', '/']).next().unwrap_or(""))
            .collect()
    }

    proptest! {
        #[test]
        fn any_markdown_is_harmless(markdown in "[\\[\\]()!<>@/#:*`~|\\-\\\\ \n&;a-z\"'=.]{0,200}") {
            let html = to_html(&markdown, &[]);
            for element in elements(&html) {
                prop_assert!(
                    ["p", "br", "strong", "em", "del", "code", "pre", "ul", "ol", "li", "blockquote", "hr", "table", "thead",
                     "tbody", "tr", "th", "td", "h1", "h2", "h3", "h4", "h5", "h6"].contains(&element),
                    "{} in {}", element, html
                );
            }
            prop_assert!(!html.to_lowercase().contains("@room"));
        }

        #[test]
        fn known_attacks_in_any_surroundings(
            before in "[ \n*_>`\\-\\[(!a-z]{0,20}",
            attack in prop::sample::select(vec![
                "<script>x</script>", "<img src=x>", "<a href=\"https://evil\">x</a>", "![x](https://evil)", "[x](https://evil)",
                "<https://evil>", "<svg/onload=x>", "<!-- -->", "<?php ?>", "<![CDATA[<img>]]>", "[x]: https://evil\n[x]",
            ]),
            after in "[ \n*_>`\\-\\])a-z]{0,20}",
        ) {
            let html = to_html(&format!("{before}{attack}{after}"), &[]);
            for bad in ["<img", "<a ", "<script", "<svg", "<!", "<?"] {
                prop_assert!(!html.contains(bad), "{} in {}", bad, html);
            }
        }
    }
}
