//! The tree of a fiche, from JSON or XML.

use std::collections::BTreeMap;

use quick_xml::{Reader, events::Event};
use serde::Deserialize;

/// Elements inside one another; serde's JSON has the same bound.
const DEEPEST: usize = 128;

/// An element or a text.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Node {
    #[serde(default)]
    name: String,
    /// The text, where it is one.
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    children: Vec<Node>,
}

impl Node {
    /// The tree of these bytes; `None` when they are neither form.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?.trim_start_matches('\u{feff}').trim_start();
        if text.starts_with('<') { parse_xml(text) } else { serde_json::from_str(text).ok() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn children(&self) -> &[Node] {
        &self.children
    }

    /// The children of one of these names.
    pub(super) fn named<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(|child| names.contains(&child.name.as_str()))
    }

    /// Itself or a child, whichever has this name: JSON has a root around the publication, XML has not.
    pub(super) fn find(&self, name: &str) -> Option<&Node> {
        if self.name == name { Some(self) } else { self.children.iter().find(|child| child.name == name) }
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(serde_json::Value::as_str)
    }

    /// All its text, on one line.
    pub(super) fn text(&self) -> String {
        let mut raw = String::new();
        self.collect(&mut raw);
        clean(&raw)
    }

    fn collect(&self, raw: &mut String) {
        raw.push_str(self.text.as_deref().unwrap_or_default());
        self.children.iter().for_each(|child| child.collect(raw));
    }

    /// Its title, if it has one.
    pub(super) fn title(&self) -> String {
        self.named(&["Titre"]).next().map(Node::text).unwrap_or_default()
    }
}

/// One line, without soft hyphens, and without the spaces that markup leaves before and after signs.
fn clean(raw: &str) -> String {
    let words = raw.replace('\u{ad}', "").split_whitespace().collect::<Vec<_>>().join(" ");
    let mut line = String::with_capacity(words.len());
    for letter in words.chars() {
        let closes = matches!(letter, '.' | ',' | ')' | ']');
        if closes && line.ends_with(' ') || letter == ' ' && line.ends_with(['(', '[']) {
            if closes {
                line.pop();
                line.push(letter);
            }
            continue;
        }
        line.push(letter);
    }
    line
}

fn parse_xml(text: &str) -> Option<Node> {
    let mut reader = Reader::from_str(text);
    let mut open = vec![Node::default()];
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) if open.len() <= DEEPEST => open.push(element(&start)?),
            Event::Start(_) => return None,
            Event::Empty(start) => open.last_mut()?.children.push(element(&start)?),
            Event::End(_) => {
                let closed = open.pop()?;
                open.last_mut()?.children.push(closed);
            }
            Event::Text(text) => add_text(open.last_mut()?, &text.xml10_content()),
            Event::CData(text) => add_text(open.last_mut()?, &text),
            Event::GeneralRef(reference) => {
                let letter = match reference.resolve_char_ref().ok()? {
                    Some(letter) => letter.to_string(),
                    None => quick_xml::escape::resolve_predefined_entity(&reference)?.to_owned(),
                };
                add_text(open.last_mut()?, &letter);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    open.pop().filter(|_| open.is_empty())
}

fn element(start: &quick_xml::events::BytesStart<'_>) -> Option<Node> {
    let name = start.name().as_ref().to_owned();
    let mut attributes = BTreeMap::new();
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let key = attribute.key.as_ref().to_owned();
        attributes
            .insert(key, serde_json::Value::String(quick_xml::escape::unescape(&attribute.value).ok()?.into_owned()));
    }
    Some(Node { name, attributes, ..Node::default() })
}

fn add_text(node: &mut Node, text: &str) {
    match node.children.last_mut().filter(|last| last.name.is_empty() && last.text.is_some()) {
        Some(last) => last.text.get_or_insert_default().push_str(text),
        None => node.children.push(Node { text: Some(text.to_owned()), ..Node::default() }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, clean};

    #[test]
    fn spaces_that_markup_leaves_are_removed() {
        assert_eq!(clean("  l’ article\u{a0}3 ( loi ) ,\n puis  [ b ] .  "), "l’ article 3 (loi), puis [b].");
        assert_eq!(clean("sur\u{ad}face"), "surface");
    }

    #[test]
    fn both_forms_give_the_same_tree() {
        let json = r#"{"children": [{"type": "element", "name": "Publication", "attributes": {"ID": "F1"},
            "children": [{"type": "element", "name": "Titre", "children": [{"type": "text", "text": "Congés & repos"}]}]}]}"#;
        let xml = "\u{feff}<?xml version=\"1.0\"?><Publication ID=\"F1\"><Titre>Cong&#233;s &amp; repos</Titre></Publication>";
        for text in [json, xml] {
            let root = Node::parse(text.as_bytes()).unwrap();
            let publication = root.find("Publication").unwrap();
            assert_eq!((publication.title().as_str(), publication.attribute("ID")), ("Congés & repos", Some("F1")));
        }
    }

    #[test]
    fn what_is_too_deep_or_broken_is_refused() {
        for text in ["{", "[]x", "<a><b></a>", "<a>", "<a>&nowhere;</a>", "\u{feff}"] {
            assert!(Node::parse(text.as_bytes()).is_none(), "{text}");
        }
        assert!(Node::parse(&[0xff, b'{']).is_none());
        let deep = |open: &str, close: &str| open.repeat(100_000) + close.repeat(100_000).as_str();
        assert!(Node::parse(deep("<a>", "</a>").as_bytes()).is_none());
        assert!(Node::parse(deep("{\"children\":[", "]}").as_bytes()).is_none());
    }
}
