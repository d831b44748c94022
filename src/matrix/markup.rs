//! Reads the HTML that people's clients write: the links to the bot by which they mention it, and the text. Pure.
//!
//! A reader of tags and not a parser: nothing is nested or repaired, so that it takes time in proportion to the length, and no depth. What
//! HTML says of attributes, quotes, comments and entities holds.

use std::borrow::Cow;

use ruma::UserId;

/// The web clients whose links are mentions, with all their subdomains.
const HOSTS: [&str; 2] = ["matrix.to", "tchap.gouv.fr"];

/// Elements whose text is another message's.
const QUOTES: [&str; 2] = ["mx-reply", "blockquote"];

/// Elements that begin or end a line.
const LINES: [&str; 15] =
    ["br", "p", "div", "li", "ul", "ol", "tr", "table", "pre", "h1", "h2", "h3", "h4", "blockquote", "hr"];

/// A piece of HTML.
#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Text(&'a str),
    Open(Tag<'a>),
    Close(String),
}

/// An opening tag: its name in small letters, and the address that it links to.
#[derive(Debug, PartialEq)]
struct Tag<'a> {
    name: String,
    href: Option<&'a str>,
}

/// The pieces of a text, in order.
struct Pieces<'a>(&'a str);

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            let html = self.0;
            if html.is_empty() {
                return None;
            }
            let Some(inside) = html.strip_prefix('<') else {
                return Some(self.text(html.find('<').unwrap_or(html.len())));
            };
            if let Some(comment) = inside.strip_prefix("!--") {
                self.0 = comment.split_once("-->").map_or("", |(_, rest)| rest);
            } else if inside.starts_with(['!', '?']) {
                self.0 = inside.split_once('>').map_or("", |(_, rest)| rest);
            } else if inside.trim_start_matches('/').starts_with(|first: char| first.is_ascii_alphabetic()) {
                let (piece, rest) = tag(inside)?;
                self.0 = rest;
                return Some(piece);
            } else {
                // A sign, as in "a < b".
                return Some(self.text(1 + inside.find('<').unwrap_or(inside.len())));
            }
        }
    }
}

impl<'a> Pieces<'a> {
    fn text(&mut self, end: usize) -> Piece<'a> {
        let (text, rest) = self.0.split_at(end);
        self.0 = rest;
        Piece::Text(text)
    }
}

/// The tag at the beginning, after its `<`. `None`: it has no end, and browsers drop it.
fn tag(text: &str) -> Option<(Piece<'_>, &str)> {
    let inside = text.trim_start_matches('/');
    let closes = inside.len() < text.len();
    let end = inside.find(|letter: char| letter.is_ascii_whitespace() || matches!(letter, '/' | '>'))?;
    let (name, mut rest) = inside.split_at(end);
    let name = name.to_ascii_lowercase();
    let mut href = None;
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_ascii_whitespace() || letter == '/');
        if let Some(after) = rest.strip_prefix('>') {
            let piece = if closes { Piece::Close(name) } else { Piece::Open(Tag { name, href }) };
            return Some((piece, after));
        }
        let (key, value, after) = attribute(rest)?;
        // The first one counts.
        href = href.or_else(|| value.filter(|_| key.eq_ignore_ascii_case("href")));
        rest = after;
    }
}

/// The attribute at the beginning: its name, its value, and what follows.
fn attribute(text: &str) -> Option<(&str, Option<&str>, &str)> {
    // A leading `=` belongs to the name, so that each call takes something away.
    let first = text.chars().next()?.len_utf8();
    let ends = |letter: char| letter.is_ascii_whitespace() || matches!(letter, '/' | '>' | '=');
    let end = first + text[first..].find(ends)?;
    let (key, rest) = text.split_at(end);
    let Some(value) = rest.trim_ascii_start().strip_prefix('=') else { return Some((key, None, rest)) };
    let value = value.trim_ascii_start();
    for quote in ['"', '\''] {
        if let Some(quoted) = value.strip_prefix(quote) {
            let (value, rest) = quoted.split_once(quote)?;
            return Some((key, Some(value), rest));
        }
    }
    let end = value.find(|letter: char| letter.is_ascii_whitespace() || letter == '>')?;
    let (value, rest) = value.split_at(end);
    Some((key, Some(value), rest))
}

/// Whether a message's HTML mentions the user: by a link to them, outside of what it quotes.
pub(super) fn mentions(html: &str, user: &UserId) -> bool {
    links(html, |href| is_mention(href, user)).any(|link| !link.quoted)
}

/// The text of the first link to the user, outside of what the message quotes: the name that this client shows for them.
pub(super) fn label(html: &str, user: &UserId) -> Option<String> {
    links(html, |href| links_to(href, user))
        .filter(|link| !link.quoted)
        .map(|link| link.label)
        .find(|label| !label.is_empty())
}

/// A link of a message.
struct Link {
    label: String,
    quoted: bool,
}

fn links(html: &str, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = Link> {
    let mut pieces = Pieces(html);
    let mut depth = 0_usize;
    std::iter::from_fn(move || {
        loop {
            match pieces.next()? {
                Piece::Open(tag) if QUOTES.contains(&&*tag.name) => depth += 1,
                Piece::Close(name) if QUOTES.contains(&&*name) => depth = depth.saturating_sub(1),
                Piece::Open(Tag { name, href: Some(href) }) if name == "a" && wanted(&unescape(href)) => {
                    let inside = pieces.by_ref().take_while(|piece| *piece != Piece::Close("a".to_owned()));
                    let words =
                        inside.filter_map(|piece| if let Piece::Text(text) = piece { Some(text) } else { None });
                    let label = unescape(&words.collect::<String>()).trim().to_owned();
                    return Some(Link { label, quoted: depth > 0 });
                }
                Piece::Open(_) | Piece::Close(_) | Piece::Text(_) => {}
            }
        }
    })
}

/// The text of a message's HTML, without the reply fallback.
pub(super) fn text(html: &str) -> String {
    let (mut text, mut fallback) = (String::new(), false);
    for piece in Pieces(html) {
        match piece {
            Piece::Open(Tag { name, .. }) if name == "mx-reply" => fallback = true,
            Piece::Close(name) if name == "mx-reply" => fallback = false,
            Piece::Text(more) if !fallback => text.push_str(&unescape(more)),
            Piece::Open(Tag { name, .. }) | Piece::Close(name)
                if LINES.contains(&&*name) && !text.is_empty() && !text.ends_with('\n') =>
            {
                text.push('\n');
            }
            Piece::Open(_) | Piece::Close(_) | Piece::Text(_) => {}
        }
    }
    text.trim().to_owned()
}

/// Whether an address leads to the user, in whatever web client.
pub(super) fn links_to(href: &str, user: &UserId) -> bool {
    target(href).is_some_and(|(_, id)| id == user.as_str())
}

/// Whether a link with this address is a mention of the user.
fn is_mention(href: &str, user: &UserId) -> bool {
    let known = |host: &str| {
        let host = host.to_ascii_lowercase();
        HOSTS.iter().any(|known| host.strip_suffix(known).is_some_and(|left| left.is_empty() || left.ends_with('.')))
    };
    target(href).is_some_and(|(host, id)| id == user.as_str() && host.is_none_or(known))
}

/// The host of an address and the user that it leads to. A `matrix:` address has no host.
fn target(href: &str) -> Option<(Option<&str>, String)> {
    let href = href.trim();
    let (scheme, rest) = href.split_once(':')?;
    if scheme.eq_ignore_ascii_case("matrix") {
        let id = rest.strip_prefix("u/").or_else(|| rest.strip_prefix("user/"))?;
        let id = id.split(['?', '#']).next().unwrap_or(id);
        return Some((None, format!("@{}", percent_decoded(id)?)));
    }
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let rest = rest.strip_prefix("//")?;
    let host = rest.split(['/', '#', '?', ':']).next()?;
    let (_, fragment) = rest.split_once("#/")?;
    let id = fragment.strip_prefix("user/").unwrap_or(fragment);
    let id = id.split('?').next().unwrap_or(id).trim_end_matches('/');
    Some((Some(host), percent_decoded(id)?))
}

/// `%40` is `@`. `None` where that is no text.
fn percent_decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        if let Some(byte) = byte.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            bytes.extend_from_slice(&part.as_bytes()[2..]);
        } else {
            bytes.push(b'%');
            bytes.extend_from_slice(part.as_bytes());
        }
    }
    String::from_utf8(bytes).ok()
}

/// The longest name of an entity that is understood.
const LONGEST_ENTITY: usize = 10;

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let named = part.split_once(';').filter(|(name, _)| name.len() <= LONGEST_ENTITY);
        if let Some((letter, rest)) = named.and_then(|(name, rest)| Some((entity(name)?, rest))) {
            plain.push(letter);
            plain.push_str(rest);
        } else {
            plain.push('&');
            plain.push_str(part);
        }
    }
    Cow::Owned(plain)
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let digits = number.strip_prefix(['x', 'X']);
        let code = digits.map_or_else(|| number.parse().ok(), |digits| u32::from_str_radix(digits, 16).ok())?;
        return char::from_u32(code);
    }
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{A0}'),
        "commat" => Some('@'),
        "colon" => Some(':'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ruma::user_id;

    use super::{Pieces, label, links_to, mentions, text};

    fn is_mention(html: &str) -> bool {
        mentions(html, user_id!("@bot:hs.fr"))
    }

    #[test]
    fn a_link_to_the_bot_is_a_mention() {
        for html in [
            r#"<a href="https://matrix.to/#/@bot:hs.fr">Le Bot</a> : bonjour"#,
            r"<a href='https://matrix.to/#/@bot:hs.fr'>Le Bot</a>",
            r"<a href=https://matrix.to/#/@bot:hs.fr>Le Bot</a>",
            r#"<A HREF = "https://matrix.to/#/@bot:hs.fr" >Le Bot</A>"#,
            r#"<a class="mx_Pill" data-mention-type='user' href="https://matrix.to/#/@bot:hs.fr" rel="x">Le Bot</a>"#,
            r#"<a title="a > b" href="https://matrix.to/#/@bot:hs.fr">Le Bot</a>"#,
            "<a\nhref=\"https://matrix.to/#/@bot:hs.fr\"\n>Le Bot</a>",
            r#"<a href="https://matrix.to/#/%40bot%3Ahs.fr">Le Bot</a>"#,
            r#"<a href="https://matrix.to/#/%40bot%3ahs.fr?via=hs.fr&amp;via=b">Le Bot</a>"#,
            r#"<a href="https://matrix.to/#/&#64;bot&#x3a;hs.fr">Le Bot</a>"#,
            r#"<a href="https://tchap.gouv.fr/#/@bot:hs.fr">Le Bot</a>"#,
            r#"<a href="https://www.tchap.gouv.fr/#/user/@bot:hs.fr">Le Bot</a>"#,
            r#"<a href="https://www.TCHAP.gouv.fr/#/user/%40bot%3Ahs.fr">Le Bot</a>"#,
            r#"<a href="https://www.agent.dinum.tchap.gouv.fr/#/user/@bot:hs.fr">Le Bot</a>"#,
            r#"<a href="matrix:u/bot:hs.fr?action=chat">Le Bot</a>"#,
            r#"<a href="matrix:user/bot%3Ahs.fr">Le Bot</a>"#,
            r#"<p>Bonjour <strong><a href="https://matrix.to/#/@bot:hs.fr"><span>Le Bot</span></a></strong></p>"#,
            // Text before it that is no markup, and a quote that is over.
            r#"2 < 3 & 4 <a href="https://matrix.to/#/@bot:hs.fr">Le Bot</a>"#,
            r#"<blockquote>avant</blockquote><a href="https://matrix.to/#/@bot:hs.fr">Le Bot</a>"#,
            r#"</blockquote></mx-reply><a href="https://matrix.to/#/@bot:hs.fr">Le Bot</a>"#,
            r#"<mx-reply><blockquote><a href="https://matrix.to/#/@bot:hs.fr">x</a></blockquote></mx-reply><a href="https://matrix.to/#/@bot:hs.fr">Le Bot</a>"#,
        ] {
            assert!(is_mention(html), "{html}");
        }
    }

    #[test]
    fn what_is_quoted_or_leads_elsewhere_is_no_mention() {
        for html in [
            "",
            "Le Bot : bonjour",
            "@bot:hs.fr https://matrix.to/#/@bot:hs.fr",
            r#"<a href="https://matrix.to/#/@bob:hs.fr">Le Bot</a>"#,
            r#"<a href="https://matrix.to/#/@bot:hs.fr.evil.example">Le Bot</a>"#,
            r#"<a href="https://evil.example/#/@bot:hs.fr">Le Bot</a>"#,
            r#"<a href="https://matrix.to@evil.example/#/@bot:hs.fr">Le Bot</a>"#,
            r#"<a href="https://notmatrix.to/#/@bot:hs.fr">Le Bot</a>"#,
            r#"<a href="https://evil.example/?https://matrix.to/#/@bot:hs.fr">Le Bot</a>"#,
            r#"<a href="https://matrix.to/#/!room:hs.fr/$event">Le Bot</a>"#,
            r#"<a href="javascript://matrix.to/#/@bot:hs.fr">Le Bot</a>"#,
            r#"<a title="href='https://matrix.to/#/@bot:hs.fr'">Le Bot</a>"#,
            r#"<a data-href="https://matrix.to/#/@bot:hs.fr">Le Bot</a>"#,
            r#"<a href="https://b.example" href="https://matrix.to/#/@bot:hs.fr">Le Bot</a>"#,
            r#"<img href="https://matrix.to/#/@bot:hs.fr">"#,
            r#"<!-- <a href="https://matrix.to/#/@bot:hs.fr">Le Bot</a> --> bonjour"#,
            r#"&lt;a href="https://matrix.to/#/@bot:hs.fr">Le Bot&lt;/a>"#,
            r#"<mx-reply><blockquote><a href="https://matrix.to/#/@bot:hs.fr">Le Bot</a> avant</blockquote></mx-reply> d'accord"#,
            r#"<blockquote><p><a href="https://matrix.to/#/@bot:hs.fr">Le Bot</a></p></blockquote> d'accord"#,
            r#"<blockquote><blockquote>a</blockquote><a href="https://matrix.to/#/@bot:hs.fr">Le Bot</a></blockquote>"#,
            r#"<a href="https://matrix.to/#/@bot:hs.fr"#,
            r#"<a href="https://matrix.to/#/%ff%40bot:hs.fr">Le Bot</a>"#,
        ] {
            assert!(!is_mention(html), "{html}");
        }
    }

    #[test]
    fn the_label_is_what_people_see() {
        let label = |html: &str| label(html, user_id!("@bot:hs.fr"));
        let link = r#"<a href="https://element.example/#/user/@bot:hs.fr">Mon <b>&amp;</b> robot </a>: quelle heure ?"#;
        assert_eq!(label(link).as_deref(), Some("Mon & robot"));
        assert_eq!(label(r#"<a href="https://matrix.to/#/@bob:hs.fr">Bob</a>"#), None);
        assert_eq!(label(r#"<a href="https://matrix.to/#/@bot:hs.fr"></a>"#), None);
        let quoting = format!("<mx-reply><blockquote>{}</blockquote></mx-reply>{link}", link.replace("Mon", "Un"));
        assert_eq!(label(&quoting).as_deref(), Some("Mon & robot"), "what is quoted names nobody");
        assert_eq!(label(&format!("<blockquote>{link}</blockquote>")), None);
        assert!(links_to("https://x.example/#/@bot:hs.fr", user_id!("@bot:hs.fr")));
    }

    #[test]
    fn the_text_is_in_lines_and_without_the_fallback() {
        let html = "<mx-reply><blockquote>avant</blockquote></mx-reply><p>Un &lt; deux</p><ul><li>a</li><li>b</li></ul>c<br/>d";
        assert_eq!(text(html), "Un < deux\na\nb\nc\nd");
        assert_eq!(text("<b></b> &nbsp;&bogus; &#xffffffff;"), "&bogus; &#xffffffff;");
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(html in r#"([<>/="' !a-]|href|blockquote|mx-reply|https://matrix.to/#/@bot:hs.fr|&amp;|é){0,60}"#) {
            let read: usize = Pieces(&html).count();
            prop_assert!(read <= html.len());
            let _ = (is_mention(&html), label(&html, user_id!("@bot:hs.fr")), text(&html));
        }

        #[test]
        fn what_stands_around_a_mention_does_not_hide_it(
            before in r"[^<]{0,20}",
            class in r#"[^"]{0,20}"#,
            after in r"[^<]{0,20}",
        ) {
            let html = format!(r#"{before}<a class="{class}" href="https://matrix.to/#/@bot:hs.fr">B</a>{after}"#);
            prop_assert!(is_mention(&html));
        }
    }
}
