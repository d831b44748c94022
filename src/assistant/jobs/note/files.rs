//! A note as files: Markdown, and an ODT document. Pure.

use std::{
    fmt::Write as _,
    io::{Cursor, Write as _},
};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{
    show::Place,
    value::{Entry, Note, Section},
};
use crate::{assistant::texts::Headings, compagnon::Language, html};

/// The media type of a document in ODT.
pub const ODT: &str = "application/vnd.oasis.opendocument.text";

const NAMESPACES: &str = r#"xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0" xmlns:xlink="http://www.w3.org/1999/xlink" office:version="1.3""#;

const MANIFEST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3"><manifest:file-entry manifest:full-path="/" manifest:version="1.3" manifest:media-type="application/vnd.oasis.opendocument.text"/><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/><manifest:file-entry manifest:full-path="styles.xml" manifest:media-type="text/xml"/></manifest:manifest>"#;

/// The styles that office programs know by these names, so that a note takes on the form of the document that it is pasted into.
const STYLES: &str = r##"<office:styles><style:style style:name="Standard" style:family="paragraph"><style:paragraph-properties fo:margin-bottom="0.2cm"/></style:style><style:style style:name="Title" style:family="paragraph" style:parent-style-name="Standard"><style:text-properties fo:font-size="18pt" fo:font-weight="bold"/></style:style><style:style style:name="Heading_20_2" style:display-name="Heading 2" style:family="paragraph" style:parent-style-name="Standard" style:default-outline-level="2"><style:paragraph-properties fo:margin-top="0.4cm"/><style:text-properties fo:font-size="13pt" fo:font-weight="bold"/></style:style><style:style style:name="Internet_20_link" style:display-name="Internet link" style:family="text"><style:text-properties fo:color="#000080" style:text-underline-style="solid"/></style:style></office:styles>"##;

/// What stands around a note in a file.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Of what it was made, and what it does not hold: plain sentences.
    pub about: &'a [String],
    /// Where its messages are.
    pub place: Place<'a>,
    /// The language of its headings.
    pub language: Language,
}

/// A line of a note without marks, with the links to its messages.
fn line(entry: &Entry, section: Section, around: Around<'_>) -> (String, Vec<(String, String)>) {
    let headings = Headings::of(around.language);
    let mut text = entry.text.clone();
    if section == Section::Actions {
        let _ = write!(text, " — {}", entry.who.as_deref().unwrap_or(headings.nobody));
        if let Some(when) = &entry.when {
            let _ = write!(text, " — {when}");
        }
    }
    let named = |index: usize| if index == 0 { headings.message.to_owned() } else { (index + 1).to_string() };
    let links = entry.messages.iter().enumerate().map(|(index, id)| (named(index), around.place.link(id)));
    (text, links.collect())
}

/// The object, or what a note without one is called.
pub fn title(note: &Note, language: Language) -> &str {
    if note.object.is_empty() { Headings::of(language).untitled } else { &note.object }
}

/// As Markdown, with titles: what Docs and editors read.
pub fn markdown(note: &Note, around: Around<'_>) -> String {
    let headings = Headings::of(around.language);
    let mut text = format!("# {}\n", escaped(title(note, around.language)));
    for about in around.about.iter().filter(|about| !about.is_empty()) {
        let _ = write!(text, "\n{}\n", escaped(about));
    }
    if !note.participants.is_empty() {
        let _ = write!(text, "\n## {}\n\n{}\n", headings.participants, escaped(&note.participants.join(", ")));
    }
    if !note.context.is_empty() {
        let _ = write!(text, "\n## {}\n\n{}\n", headings.context, escaped(&note.context));
    }
    for (section, heading) in Section::ALL.into_iter().zip(headings.sections) {
        let entries = note.section(section);
        if entries.is_empty() {
            continue;
        }
        let _ = write!(text, "\n## {heading}\n\n");
        for (index, entry) in entries.iter().enumerate() {
            let (said, links) = line(entry, section, around);
            let links = links.iter().fold(String::new(), |mut text, (name, link)| {
                let _ = write!(text, " [{name}]({link})");
                text
            });
            // What is to be done can be ticked off.
            let mark = if section == Section::Actions { "- [ ]".to_owned() } else { format!("{}.", index + 1) };
            let _ = writeln!(text, "{mark} {}{links}", escaped(&said));
        }
    }
    text
}

/// A text of people in Markdown: none of its signs means anything.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter }) {
        if "\\`*_{}[]<>#|~$&".contains(letter) {
            escaped.push('\\');
        }
        if !letter.is_control() {
            escaped.push(letter);
        }
    }
    escaped
}

/// As a document in ODT; `None` where it cannot be written.
pub fn odt(note: &Note, around: Around<'_>) -> Option<Vec<u8>> {
    let head = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
    let content = format!(
        "{head}\n<office:document-content {NAMESPACES}><office:body><office:text>{}</office:text></office:body></office:document-content>",
        body(note, around)
    );
    let styles = format!("{head}\n<office:document-styles {NAMESPACES}>{STYLES}</office:document-styles>");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    // First and as it is: by this the format is known.
    for (name, bytes, options) in [
        ("mimetype", ODT, stored),
        ("META-INF/manifest.xml", MANIFEST, deflated),
        ("content.xml", content.as_str(), deflated),
        ("styles.xml", styles.as_str(), deflated),
    ] {
        zip.start_file(name, options).ok()?;
        zip.write_all(bytes.as_bytes()).ok()?;
    }
    Some(zip.finish().ok()?.into_inner())
}

fn body(note: &Note, around: Around<'_>) -> String {
    let headings = Headings::of(around.language);
    let paragraph = |style: &str, inside: &str| format!(r#"<text:p text:style-name="{style}">{inside}</text:p>"#);
    let heading =
        |text: &str| format!(r#"<text:h text:style-name="Heading_20_2" text:outline-level="2">{}</text:h>"#, xml(text));
    let mut body = paragraph("Title", &xml(title(note, around.language)));
    for about in around.about.iter().filter(|about| !about.is_empty()) {
        body.push_str(&paragraph("Standard", &xml(about)));
    }
    for (name, text) in
        [(headings.participants, note.participants.join(", ")), (headings.context, note.context.clone())]
    {
        if !text.is_empty() {
            body.push_str(&heading(name));
            body.push_str(&paragraph("Standard", &xml(&text)));
        }
    }
    for (section, name) in Section::ALL.into_iter().zip(headings.sections) {
        let entries = note.section(section);
        if entries.is_empty() {
            continue;
        }
        body.push_str(&heading(name));
        for (index, entry) in entries.iter().enumerate() {
            let (said, links) = line(entry, section, around);
            let mut inside = xml(&format!("{}. {said}", index + 1));
            for (name, link) in links {
                let _ = write!(
                    inside,
                    r#" <text:a xlink:type="simple" xlink:href="{}" text:style-name="Internet_20_link">{}</text:a>"#,
                    xml(&link),
                    xml(&name)
                );
            }
            body.push_str(&paragraph("Standard", &inside));
        }
    }
    body
}

/// A text in XML: characters that XML does not know are left out.
fn xml(text: &str) -> String {
    let known =
        |letter: &char| letter.is_whitespace() || !(letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}'));
    let spaced = |letter: char| if letter.is_whitespace() { ' ' } else { letter };
    html::escaped(&text.chars().filter(known).map(spaced).collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use ruma::{event_id, room_id};

    use super::{Around, Entry, Language, Note, ODT, Place, markdown, odt};

    fn note() -> Note {
        let entry = |text: &str, who: Option<&str>| Entry {
            text: text.to_owned(),
            who: who.map(str::to_owned),
            when: None,
            messages: vec![event_id!("$m1").to_owned()],
        };
        Note {
            object: "Budget <2027> & suite".to_owned(),
            context: "# pas un titre\u{b}".to_owned(),
            participants: vec!["Awa".to_owned()],
            decisions: vec![entry("On *signe* [ici](https://evil)", None)],
            actions: vec![entry("Écrire", Some("Ben")), entry("Relire", None)],
            ..Note::default()
        }
    }

    fn around<'a>(about: &'a [String], via: &'a [String]) -> Around<'a> {
        Around { about, place: Place { room_id: room_id!("!r:h"), via }, language: Language::Fr }
    }

    #[test]
    fn markdown_has_titles_links_and_boxes_and_nothing_of_what_people_wrote_is_a_sign() {
        let (about, via) = (["2 messages.".to_owned()], ["h".to_owned()]);
        let text = markdown(&note(), around(&about, &via));
        assert!(text.starts_with("# Budget \\<2027\\> \\& suite\n\n2 messages.\n"), "{text}");
        assert!(text.contains("\n## Décisions\n\n1. On \\*signe\\* \\[ici\\](https://evil) [message](https://matrix.to/#/!r:h/$m1?via=h)\n"), "{text}");
        assert!(text.contains("- [ ] Écrire — Ben [message]("), "{text}");
        assert!(text.contains("- [ ] Relire — à attribuer [message]("), "{text}");
        assert!(text.contains("\\# pas un titre"), "{text}");
    }

    #[test]
    fn a_text_document_opens_with_its_type_first_and_is_well_formed() {
        let (about, via) = (["2 messages.".to_owned()], ["h".to_owned()]);
        let bytes = odt(&note(), around(&about, &via)).expect("a file");
        assert_eq!(&bytes[30..38], b"mimetype");
        assert_eq!(&bytes[38..38 + ODT.len()], ODT.as_bytes());
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).expect("an archive");
        let mut content = String::new();
        zip.by_name("content.xml").expect("there").read_to_string(&mut content).expect("text");
        assert!(
            content.contains("Budget &lt;2027&gt; &amp; suite") && content.contains("xlink:href=\"https://matrix.to/")
        );
    }
}
