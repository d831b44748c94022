//! Files of every format through one change of all their letters.

use std::io::{Cursor, Read as _};

use quick_xml::{Reader, events::Event};
use zip::ZipArchive;

use super::{rewritten, segments};
use crate::{
    documents::{Config, limits::Limits},
    segment::Segment,
};

fn limits() -> Limits {
    Limits::of(&Config::default())
}

fn read(name: &str, bytes: &[u8]) -> Vec<Segment> {
    segments(bytes, name, None, &limits()).unwrap_or_else(|error| panic!("{name}: {error}")).segments
}

/// The file with every text that is shown changed.
fn changed(name: &str, bytes: &[u8], change: impl Fn(&str) -> String) -> Vec<u8> {
    let texts: Vec<Vec<String>> = read(name, bytes)
        .into_iter()
        .map(|one| if one.hidden { one.runs } else { one.runs.iter().map(|run| change(run)).collect() })
        .collect();
    rewritten(bytes, name, None, &texts, &limits()).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

fn upper(name: &str, text: &str) -> String {
    String::from_utf8(changed(name, text.as_bytes(), str::to_uppercase)).expect("UTF-8")
}

#[test]
fn lines_of_text_keep_their_places() {
    let text = "Objet : congés\r\n\r\n  - premier point\r\n  - second point\r\n\r\nLes jours qui n’ont pas été pris avant la fin de l’année\r\nsont reportés jusqu’au 31 mars de l’année suivante, sans qu’il\r\nsoit besoin de le demander.\r\n\u{c}\r\nMme Martin\r\n12 rue des Lilas\r\n";
    let segments = read("a.txt", text.as_bytes());
    let joined = "Les jours qui n’ont pas été pris avant la fin de l’année sont reportés jusqu’au 31 mars de l’année suivante, sans qu’il soit besoin de le demander.";
    let texts: Vec<String> = segments.iter().map(crate::segment::plain).collect();
    assert_eq!(
        texts,
        ["Objet : congés", "- premier point", "- second point", joined, "Mme Martin", "12 rue des Lilas"]
    );
    assert_eq!(upper("a.txt", text), text.to_uppercase());
    // A shorter text still has its lines, where there are spaces enough.
    let short = changed("a.txt", text.as_bytes(), |text| {
        if text == joined { "ein kurzer Satz hier".to_owned() } else { text.to_owned() }
    });
    assert_eq!(
        String::from_utf8(short).unwrap(),
        text.replace(&text[text.find("Les").unwrap()..text.find("\r\n\u{c}").unwrap()], "ein kurzer\r\nSatz\r\nhier")
    );
}

#[test]
fn blocks_of_markdown_keep_their_markup() {
    let text = "---\ntitle: Guide\n---\n\n# Les *congés* annuels\n\nVoir [le guide](https://a.fr/b \"t\") et `code` : **gras**\n> cité\n\n- un \\* point\n  suite\n- deux\n\n| Nom | Jour |\n|---|---|\n| a \\| b | 3 |\n\n```\ncode\n```\n\n<div>html</div>\n\nfin &amp; suite[^1]\n\n[^1]: note\n";
    let expected = "---\ntitle: Guide\n---\n\n# LES *CONGÉS* ANNUELS\n\nVOIR [LE GUIDE](https://a.fr/b \"t\") ET `code` : **GRAS**\n> CITÉ\n\n- UN \\* POINT\n  SUITE\n- DEUX\n\n| NOM | JOUR |\n|---|---|\n| A \\| B | 3 |\n\n```\ncode\n```\n\n<div>html</div>\n\nFIN & SUITE[^1]\n\n[^1]: NOTE\n";
    assert_eq!(upper("a.md", text), expected);
}

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/documents/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The members of a package: how each is packed, and what it is.
fn members(bytes: &[u8]) -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    let read = (0..archive.len()).map(|index| {
        let (mut packed, mut content) = (Vec::new(), Vec::new());
        archive.by_index_raw(index).expect("a member").read_to_end(&mut packed).expect("read");
        let mut member = archive.by_index(index).expect("a member");
        member.read_to_end(&mut content).expect("read");
        (member.name().expect("a name").into_owned(), packed, content)
    });
    read.collect()
}

/// Everything of an XML but its texts, and its texts: who else would write it differs only there.
fn form(xml: &[u8]) -> (Vec<String>, String) {
    let text = std::str::from_utf8(xml).expect("UTF-8");
    let (mut reader, mut form, mut texts) = (Reader::from_str(text), Vec::new(), String::new());
    loop {
        match reader.read_event().expect("XML") {
            Event::Text(text) => texts.push_str(&text),
            Event::CData(text) => texts.push_str(&text),
            Event::GeneralRef(name) => {
                texts.push_str(&super::markup::unescaped(&format!("&{};", &*name)).expect("known"))
            }
            Event::Eof => return (form, texts),
            // That white space counts is said where it does.
            event => form.push(format!("{event:?}").replace(" xml:space=\"preserve\"", "")),
        }
    }
}

/// Checks that a package differs from another only in the texts of its parts, and in these as said.
fn only_texts_differ(name: &str, before: &[u8], after: &[u8], change: impl Fn(&str) -> String) -> usize {
    let (before, after) = (members(before), members(after));
    assert_eq!(before.len(), after.len(), "{name}");
    let mut changed = 0;
    for ((member, packed, old), (same, repacked, new)) in before.iter().zip(&after) {
        assert_eq!(member, same, "{name}: the order of the members");
        if old == new {
            assert_eq!(packed, repacked, "{name}: {member} is packed anew");
            continue;
        }
        changed += 1;
        let ((form_before, texts), (form_after, changed)) = (form(old), form(new));
        assert_eq!(form_before, form_after, "{name}: {member}");
        assert_eq!(change(&texts), change(&changed), "{name}: {member}");
    }
    changed
}

/// The packages of real producers.
const PACKAGES: [&str; 9] = [
    "libreoffice-guide.docx",
    "libreoffice-guide.odt",
    "python-docx-astreinte.docx",
    "python-pptx-securite.pptx",
    "libreoffice-securite.odp",
    "libreoffice-effectifs.xlsx",
    "libreoffice-effectifs.ods",
    "openpyxl-marches.xlsx",
    "libreoffice-guide.docx",
];

#[test]
fn packages_of_real_producers_keep_their_form() {
    for name in PACKAGES {
        let bytes = fixture(name);
        assert!(changed(name, &bytes, str::to_owned) == bytes, "{name}: nothing is changed");
        let after = changed(name, &bytes, str::to_uppercase);
        assert!(only_texts_differ(name, &bytes, &after, str::to_uppercase) > 0, "{name}");
        let expected: Vec<Segment> =
            read(name, &bytes)
                .into_iter()
                .map(|one| {
                    if one.hidden { one } else { Segment::new(one.runs.iter().map(|run| run.to_uppercase()).collect()) }
                })
                .collect();
        assert!(read(name, &after) == expected, "{name}: {:?}\n{:?}", read(name, &after), expected);
    }
}
