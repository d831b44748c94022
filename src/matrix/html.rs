//! Renders the model's Markdown as safe HTML. Pure.
//!
//! The model's output may repeat text of an attacker from a document or a question, so it is not trusted: no raw HTML, no image (clients
//! would fetch it), no link except to the addresses that a stage of the program has allowed (the sources), no mention. The Markdown is
//! read (`markdown`), and only these elements are written: p, br, strong, em, u, del, sup, sub, code, pre, ul, ol, li, blockquote, h1–h6, hr,
//! table, and `a` with only `href`.

use std::borrow::Cow;

use pulldown_cmark::{CowStr, Event, LinkType, Tag, TagEnd, TextMergeStream};

use super::markdown::{Document, Tables};

/// The word joiner: invisible and without a line break, inserted into text that clients would turn into a mention.
const JOINER: char = '\u{2060}';

/// The deepest nesting of elements. Matrix lets clients drop elements deeper than 100 levels, and some stop earlier.
const MAX_DEPTH: usize = 40;

/// Texts that clients read as a mention, with the position at which the word joiner is inserted.
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

/// Which links are written.
#[derive(Clone, Copy)]
enum Links<'a> {
    /// Those to these addresses.
    To(&'a [String]),
    /// All of them, each followed by its address: no other choice makes a longer text.
    Longest,
}

/// Renders markdown as safe HTML. A link is written only if its address is one of `allowed`, is `https`, and its text does not name
/// another address; any other is shown as text, with its address.
#[must_use]
pub(super) fn to_html(markdown: &str, allowed: &[String], tables: Tables) -> String {
    render(&Document::new(markdown), Links::To(allowed), tables)
}

/// HTML that is at least as long as what [`to_html`] gives, whatever is allowed.
pub(super) fn longest_html(document: &Document, tables: Tables) -> String {
    render(document, Links::Longest, tables)
}

fn render(document: &Document, links: Links<'_>, tables: Tables) -> String {
    let mut filter = Filter { links, link: None, open: Vec::new(), after_heading: false };
    let events = TextMergeStream::new(document.events(tables).into_iter()).flat_map(|event| filter.pass(event));
    // Merged once more, because two texts around a removed element may form a mention together.
    let events = TextMergeStream::new(events).map(defused);
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, events);
    html.truncate(html.trim_end().len());
    html
}

/// The text with its mentions of the room or of persons broken up.
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

struct Filter<'a, 'e> {
    links: Links<'a>,
    link: Option<Link<'e>>,
    /// For each open element, whether it is written.
    open: Vec<bool>,
    /// Whether the last element was a title.
    after_heading: bool,
}

/// The link being read. Its content is held back until its whole text is known.
struct Link<'e> {
    address: CowStr<'e>,
    text: String,
    inside: Vec<Event<'e>>,
}

impl<'e> Filter<'_, 'e> {
    fn pass(&mut self, event: Event<'e>) -> Vec<Event<'e>> {
        let after_heading = std::mem::replace(&mut self.after_heading, matches!(event, Event::End(TagEnd::Heading(_))));
        let events = match event {
            Event::Text(text) => vec![Event::Text(self.text(text))],
            Event::Code(code) => vec![Event::Code(self.text(code))],
            // What is raw here was written by `markdown`.
            Event::InlineHtml(tag) => vec![Event::InlineHtml(tag)],
            // In a chat, a line break in the source is a line break.
            Event::SoftBreak | Event::HardBreak => vec![Event::HardBreak],
            Event::Rule => vec![Event::Rule],
            Event::Start(Tag::Link { dest_url, .. }) => {
                self.link = Some(Link { address: dest_url, text: String::new(), inside: Vec::new() });
                return Vec::new();
            }
            Event::End(TagEnd::Link) => return self.end_link(),
            Event::Start(tag) => {
                let parted = after_heading && matches!(tag, Tag::Heading { .. });
                // Clients that drop titles would put two of them on one line.
                parted.then_some(Event::HardBreak).into_iter().chain(self.open(tag)).collect()
            }
            Event::End(tag) => self.close(tag),
            _ => Vec::new(),
        };
        match &mut self.link {
            Some(link) => {
                link.inside.extend(events);
                Vec::new()
            }
            None => events,
        }
    }

    fn text(&mut self, text: CowStr<'e>) -> CowStr<'e> {
        if let Some(link) = &mut self.link {
            link.text.push_str(&text);
        }
        text
    }

    /// The link with its content, or its text and its address.
    fn end_link(&mut self) -> Vec<Event<'e>> {
        let Some(Link { address, text, mut inside }) = self.link.take() else { return Vec::new() };
        let (kept, shown) = match self.links {
            Links::To(allowed) => {
                let kept =
                    allowed.iter().any(|one| **one == *address) && is_harmless(&address) && !misleads(&text, &address);
                (kept, !kept && !address.is_empty() && text.trim() != &*address)
            }
            Links::Longest => (true, true),
        };
        let after = shown.then(|| Event::Text(format!(" ({address})").into()));
        if kept {
            let (link_type, title, id) = (LinkType::Inline, "".into(), "".into());
            inside.insert(0, Event::Start(Tag::Link { link_type, dest_url: address, title, id }));
            inside.push(Event::End(TagEnd::Link));
        }
        inside.extend(after);
        inside
    }

    /// Opens an element, unless it is nested too deeply.
    fn nest(&mut self, tag: Tag<'e>) -> Vec<Event<'e>> {
        let written = self.open.len() < MAX_DEPTH;
        self.open.push(written);
        if written { vec![Event::Start(tag)] } else { Vec::new() }
    }

    fn unnest(&mut self, tag: TagEnd) -> Vec<Event<'e>> {
        if self.open.pop() == Some(true) { vec![Event::End(tag)] } else { Vec::new() }
    }

    fn open(&mut self, tag: Tag<'e>) -> Vec<Event<'e>> {
        match tag {
            // Bold, for clients that drop titles.
            Tag::Heading { level, .. } => {
                let mut events = self.nest(Tag::Heading { level, id: None, classes: Vec::new(), attrs: Vec::new() });
                events.extend(self.nest(Tag::Strong));
                events
            }
            // An alignment would become a style attribute.
            Tag::Table(columns) => self.nest(Tag::Table(vec![pulldown_cmark::Alignment::None; columns.len()])),
            Tag::BlockQuote(_) => self.nest(Tag::BlockQuote(None)),
            tag if is_allowed(tag.to_end()) => self.nest(tag),
            _ => Vec::new(),
        }
    }

    fn close(&mut self, tag: TagEnd) -> Vec<Event<'e>> {
        match tag {
            TagEnd::BlockQuote(_) => self.unnest(TagEnd::BlockQuote(None)),
            TagEnd::Heading(level) => {
                let mut events = self.unnest(TagEnd::Strong);
                events.extend(self.unnest(TagEnd::Heading(level)));
                events
            }
            tag if is_allowed(tag) => self.unnest(tag),
            _ => Vec::new(),
        }
    }
}

/// Whether an address may be a link at all: a page of the web, which clients do not turn into a mention, or one message of a room.
fn is_harmless(address: &str) -> bool {
    let page = address.starts_with("https://") && matches!(defuse(address), Cow::Borrowed(_));
    page || is_permalink(address)
}

/// Whether an address leads to one message of a room and is nothing else: clients show it as such, and tell nobody.
pub(super) fn is_permalink(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("https://matrix.to/#/!") else { return false };
    let event = rest.split(['?', '&']).next().and_then(|path| path.split_once('/'));
    event.is_some_and(|(_, event)| event.starts_with('$')) && matches!(defuse(rest), Cow::Borrowed(_))
}

/// Whether the text of a link shows an address that is not the link's own: `[impots.gouv.fr](https://elsewhere)`.
fn misleads(text: &str, address: &str) -> bool {
    let own = address.strip_prefix("https://").unwrap_or(address).trim_end_matches('/');
    let host = own.split(['/', '?', '#']).next().unwrap_or(own);
    let words = text.split(|letter: char| letter.is_whitespace() || "()[]<>«»\"'“”,;".contains(letter));
    words.filter(|word| looks_like_address(word)).any(|word| {
        let word = word.trim_end_matches(['.', ':', '!', '?']);
        let word = word.strip_prefix("https://").unwrap_or(word).trim_end_matches('/');
        !word.eq_ignore_ascii_case(own) && !word.eq_ignore_ascii_case(host)
    })
}

/// Whether people take a word for an address: a scheme, or a name with a dot and letters after it. Dots of other scripts count, since
/// browsers and readers take them for dots.
fn looks_like_address(word: &str) -> bool {
    let dotted = |word: &str| {
        let mut labels = word.split(['.', '。', '．', '｡', '․']).peekable();
        let first = labels.next().is_some_and(|label| !label.is_empty());
        first && labels.any(|label| label.chars().take_while(|letter| letter.is_alphabetic()).count() >= 2)
    };
    word.contains("://") || word.contains('@') || dotted(word)
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

    use super::{Document, JOINER, Tables, defuse, longest_html};

    fn to_html(markdown: &str, allowed: &[String]) -> String {
        super::to_html(markdown, allowed, Tables::Html)
    }

    #[test]
    fn markdown_becomes_the_few_elements_allowed() {
        for (markdown, html) in [
            ("Bonjour **à** *tous*", "<p>Bonjour <strong>à</strong> <em>tous</em></p>"),
            ("un\ndeux", "<p>un<br />\ndeux</p>"),
            ("~~non~~ `a<b`", "<p><del>non</del> <code>a&lt;b</code></p>"),
            ("# Titre {#id}", "<h1><strong>Titre {#id}</strong></h1>"),
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

    const SOURCE: &str = "https://www.service-public.fr/x?a=1&b=2";

    #[test]
    fn links_to_the_sources_alone_are_links() {
        let link = |text: &str| format!("<p><a href=\"https://www.service-public.fr/x?a=1&amp;b=2\">{text}</a></p>");
        for (markdown, html) in [
            ("[fiche](https://www.service-public.fr/x?a=1&b=2)", link("fiche")),
            ("[fiche](https://www.service-public.fr/x?a=1&amp;b=2 \"titre\")", link("fiche")),
            ("[fiche][1]\n\n[1]: https://www.service-public.fr/x?a=1&b=2", link("fiche")),
            ("[1]\n\n[1]: <https://www.service-public.fr/x?a=1&b=2>", link("1")),
            ("<https://www.service-public.fr/x?a=1&b=2>", link("https://www.service-public.fr/x?a=1&amp;b=2")),
            (
                "[**la** `fiche`](https://www.service-public.fr/x?a=1&b=2)",
                link("<strong>la</strong> <code>fiche</code>"),
            ),
            ("[www.service-public.fr](https://www.service-public.fr/x?a=1&b=2)", link("www.service-public.fr")),
            ("[art. 12 du code, p. 3](https://www.service-public.fr/x?a=1&b=2)", link("art. 12 du code, p. 3")),
            ("[![vu](https://evil/a)](https://www.service-public.fr/x?a=1&b=2)", link("vu")),
            // A bare address is text: clients make of it what it says.
            (
                "https://www.service-public.fr/x?a=1&b=2",
                "<p>https://www.service-public.fr/x?a=1&amp;b=2</p>".to_owned(),
            ),
        ] {
            assert_eq!(to_html(markdown, &[SOURCE.to_owned()]), html, "{markdown}");
        }
    }

    #[test]
    fn what_is_not_exactly_a_source_or_seems_to_lead_elsewhere_is_no_link() {
        let allowed = [SOURCE, "javascript:y", "http://clair/", "https://matrix.to/#/@bob:hs", ""].map(str::to_owned);
        for markdown in [
            "[x](https://www.service-public.fr/x)",
            "[x](https://www.service-public.fr/x?a=1&b=2#y)",
            "[x](HTTPS://www.service-public.fr/x?a=1&b=2)",
            "[x](https://www.service-public.fr@evil/x?a=1&b=2)",
            "[x](https://www.service-public.fr.evil/x?a=1&b=2)",
            // Punycode, and letters that look alike.
            "[x](https://xn--www-service-public-fr/x?a=1&b=2)",
            "[x](https://www.sеrvice-public.fr/x?a=1&b=2)",
            "[x](javascript:y)",
            "[x](JavaScript:y)",
            "[x](data:text/html,y)",
            "[x](http://clair/)",
            "[x](//www.service-public.fr/x?a=1&b=2)",
            "[x](https://matrix.to/#/@bob:hs)",
            "[x]()",
            "<x@service-public.fr>",
            "![x](https://www.service-public.fr/x?a=1&b=2)",
            "<a href=\"https://www.service-public.fr/x?a=1&b=2\">x</a>",
            // The text is another address than where it leads.
            "[impots.gouv.fr](https://www.service-public.fr/x?a=1&b=2)",
            "[voir https://impots.gouv.fr/](https://www.service-public.fr/x?a=1&b=2)",
            "[impots.**gouv**.fr](https://www.service-public.fr/x?a=1&b=2)",
            "[impots。gouv.fr](https://www.service-public.fr/x?a=1&b=2)",
            "[service-public.fr/y](https://www.service-public.fr/x?a=1&b=2)",
            "[bob@service-public.fr](https://www.service-public.fr/x?a=1&b=2)",
        ] {
            let html = to_html(markdown, &allowed);
            assert!(!html.contains("<a "), "{markdown}: {html}");
        }
        let html = to_html("[impots.gouv.fr](https://www.service-public.fr/x?a=1&b=2)", &allowed);
        assert_eq!(html, "<p>impots.gouv.fr (https://www.service-public.fr/x?a=1&amp;b=2)</p>");
    }

    #[test]
    fn one_message_of_a_room_is_a_link_where_the_program_put_it() {
        let address = "https://matrix.to/#/!salon:hs/$message?via=hs&via=other.fr";
        let html = to_html(&format!("[message]({address})"), &[address.to_owned()]);
        assert_eq!(
            html,
            "<p><a href=\"https://matrix.to/#/!salon:hs/$message?via=hs&amp;via=other.fr\">message</a></p>"
        );
        for address in [
            "https://matrix.to/#/!salon:hs",
            "https://matrix.to/#/@bob:hs/$message",
            "https://matrix.to/#/#salon:hs/$message",
            "https://matrix.to/#/!salon:hs/$message?via=@room",
            "https://matrix.to/#/!salon:hs/$message/matrix.to/#/@bob:hs",
        ] {
            assert!(!to_html(&format!("[message]({address})"), &[address.to_owned()]).contains("<a "), "{address}");
        }
        assert!(!to_html(&format!("[message]({address})"), &[]).contains("<a "));
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
                    ["p", "br", "strong", "em", "u", "del", "sup", "sub", "code", "pre", "ul", "ol", "li", "blockquote", "hr", "table", "thead",
                     "tbody", "tr", "th", "td", "h1", "h2", "h3", "h4", "h5", "h6"].contains(&element),
                    "{} in {}", element, html
                );
            }
            prop_assert!(!html.to_lowercase().contains("@room"));
        }

        #[test]
        fn a_link_leads_to_a_source_and_its_length_is_foreseen(
            parts in prop::collection::vec(prop::sample::select(vec![
                "[", "]", "(", ")", "<", ">", "![", "](https://evil)", "](https://a.fr/x)", "](https://b.fr/)", "<https://a.fr/x>", "[1]",
                "\n\n[1]: https://a.fr/x\n\n", "\n\n[1]: https://evil\n\n", "a.fr", "evil", "*", "`", " ", "\n", "| a |", "&amp;",
            ]), 0..30),
            allowed in prop::collection::vec(prop::sample::select(vec!["https://a.fr/x", "https://b.fr/", "javascript:x"]), 0..3),
        ) {
            let (markdown, allowed) = (parts.concat(), allowed.into_iter().map(str::to_owned).collect::<Vec<_>>());
            let html = to_html(&markdown, &allowed);
            for link in html.split("<a ").skip(1) {
                let address = link.strip_prefix("href=\"").and_then(|rest| rest.split_once("\">")).map(|(address, _)| address);
                prop_assert!(address.is_some_and(|address| {
                    address.starts_with("https://") && allowed.iter().any(|allowed| allowed == address)
                }), "{}", html);
            }
            prop_assert_eq!(html.matches("<a ").count(), html.matches("</a>").count());
            let document = Document::new(&markdown);
            prop_assert!(html.len() <= longest_html(&document, Tables::Html).len());
            let text = super::to_html(&markdown, &allowed, Tables::Text);
            prop_assert!(text.len() <= longest_html(&document, Tables::Text).len());
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
