//! The rules for every message that is sent, whatever the question and the model's output contain. They are checked on the content as a
//! client reads it, by tests and fuzz targets.

use ruma::UserId;
use serde_json::{Value, json};

use super::{content::content, markdown::Tables};
use crate::message::Outgoing;

/// The most bytes of the content, so that an encrypted event has at most 65,536 (see `split`).
const MAX_CONTENT: usize = (65_536 - 4_096) / 4 * 3;
/// The nesting depth at which Matrix advises clients to stop.
const MAX_DEPTH: usize = 100;
/// The elements that may be written.
const ELEMENTS: [&str; 28] = [
    "a",
    "p",
    "br",
    "strong",
    "em",
    "u",
    "del",
    "sup",
    "sub",
    "code",
    "pre",
    "ul",
    "ol",
    "li",
    "blockquote",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
];
/// Texts that a client turns into a mention or notifies people about.
const CALLS: [&str; 8] = [
    "@room",
    "matrix.to/#/",
    "tchap.gouv.fr/#/",
    "matrix:u/",
    "matrix:user/",
    "matrix:r/",
    "matrix:room/",
    "matrix:roomid/",
];

/// The rule that is broken.
type Verdict = Result<(), String>;

fn must(holds: bool, rule: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(rule()) }
}

/// Checks what a message is sent as, in a direct conversation and in a room, as it is and as an edit.
///
/// # Panics
///
/// When a rule is broken.
pub(crate) fn check(message: &Outgoing<'_>) {
    for direct in [true, false] {
        let told = message.asker.filter(|_| !direct && message.opens);
        for (replaces, tables) in [
            (message.replaces, Tables::Text),
            (message.replaces, Tables::Html),
            (Some(message.question), Tables::Text),
            (Some(message.question), Tables::Html),
        ] {
            let content = content(&Outgoing { replaces, ..message.clone() }, direct, tables);
            let verdict = check_content(&content, told, message.links);
            assert_eq!(verdict, Ok(()), "{content}");
        }
    }
}

/// `asker` is the only person that a content may tell, `links` are the only addresses that it may link to.
fn check_content(content: &Value, asker: Option<&UserId>, links: &[String]) -> Verdict {
    let size = content.to_string().len();
    must(size <= MAX_CONTENT, || format!("{size} bytes are too many"))?;
    check_text(content, asker, links)?;
    match content.get("m.new_content") {
        None => Ok(()),
        Some(new) => {
            must(content["m.mentions"] == json!({}), || "an edit tells nobody again".to_owned())?;
            check_text(new, asker, links)
        }
    }
}

fn check_text(content: &Value, asker: Option<&UserId>, links: &[String]) -> Verdict {
    let text = |key: &str| content[key].as_str().ok_or_else(|| format!("{key} is a text"));
    must(["m.text", "m.notice"].contains(&text("msgtype")?), || "it is a text or a notice".to_owned())?;
    must(["url", "file", "info"].iter().all(|key| content.get(key).is_none()), || "a text is no file".to_owned())?;
    must(text("format")? == "org.matrix.custom.html", || "its format is HTML".to_owned())?;
    calls_nobody(text("body")?)?;
    check_html(text("formatted_body")?, links)?;
    let told = asker.map(|asker| json!({"user_ids": [asker]}));
    let mentions = &content["m.mentions"];
    must(*mentions == json!({}) || told.as_ref() == Some(mentions), || "nobody but the asker is mentioned".to_owned())
}

fn calls_nobody(text: &str) -> Verdict {
    let text = text.to_ascii_lowercase();
    CALLS.iter().try_for_each(|call| must(!text.contains(call), || format!("{call} stands in a text")))
}

/// Reads HTML strictly: known elements, closed in their order, almost without attributes, and entities that end.
fn check_html(html: &str, links: &[String]) -> Verdict {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some((text, tagged)) = rest.split_once('<') {
        calls_nobody(&unescaped(text)?)?;
        let (tag, after) = tagged.split_once('>').ok_or("a tag ends")?;
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            must(open.pop() == Some(name), || format!("</{name}> closes what is open"))?;
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        must(ELEMENTS.contains(&name) && is_harmless(name, attributes, links)?, || format!("<{tag}> is not written"))?;
        must(name != "a" || !open.contains(&"a"), || "no link stands in a link".to_owned())?;
        if !["br", "hr"].contains(&name) {
            open.push(name);
            must(open.len() <= MAX_DEPTH, || "elements do not stand too deep".to_owned())?;
        }
    }
    calls_nobody(&unescaped(rest)?)?;
    must(open.is_empty(), || format!("{open:?} are closed"))
}

fn is_harmless(name: &str, attributes: &str, links: &[String]) -> Result<bool, String> {
    let value = |start: &str| attributes.strip_prefix(start).and_then(|rest| rest.strip_suffix('"'));
    Ok(match name {
        "a" => {
            let Some(address) = value("href=\"") else { return Ok(false) };
            must(!address.contains('"'), || "an attribute ends".to_owned())?;
            let address = unescaped(address)?;
            // One message of a room calls nobody; what follows its address neither.
            let message = "https://matrix.to/#/!";
            let named = address.strip_prefix(message).filter(|rest| rest.contains("/$"));
            calls_nobody(named.unwrap_or(&address))?;
            address.starts_with("https://") && links.iter().any(|link| same_address(link, &address))
        }
        "br" | "hr" => attributes == "/",
        "ol" if !attributes.is_empty() => {
            value("start=\"").is_some_and(|start| start.bytes().all(|b| b.is_ascii_digit()))
        }
        "code" if !attributes.is_empty() => value("class=\"language-").is_some_and(|class| !class.contains('"')),
        _ => attributes.is_empty(),
    })
}

/// Whether an address stands for a link that is allowed: in HTML some characters are written in percents.
fn same_address(link: &str, address: &str) -> bool {
    let bytes = |text: &str| {
        let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
        while let Some((first, after)) = rest.split_first() {
            let code = after.first_chunk::<2>().filter(|_| *first == b'%');
            let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
            bytes.push(code.unwrap_or(*first));
            rest = if code.is_some() { &after[2..] } else { after };
        }
        bytes
    };
    bytes(link) == bytes(address)
}

/// Text as it is shown. Only these entities are ever written.
fn unescaped(text: &str) -> Result<String, String> {
    must(!text.contains('>'), || "no > stands alone".to_owned())?;
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, entity)) = rest.split_once('&') {
        let (name, after) = entity.split_once(';').ok_or("an entity ends")?;
        shown.push_str(before);
        shown.push(match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "#39" => '\'',
            other => return Err(format!("&{other}; is not written")),
        });
        rest = after;
    }
    Ok(shown + rest)
}

#[cfg(test)]
mod tests;
