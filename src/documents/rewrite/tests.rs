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

#[test]
fn pages_keep_their_markup() {
    let page = "<!DOCTYPE html>\n<html lang=fr><head><title>Guide &amp; congés</title><style>p { color: red }</style>\n\
        <meta name=\"description\" content=\"le guide\"></head><body>\n<!-- rien -->\n<h1>Les <em>congés</em> annuels</h1>\n\
        <p>Un   mot<br>et&nbsp;un <a href=\"/a?b=c&d\" title='le lien'>lien</a>, <code>x &lt; y</code> : 3 < 4 &eacute;t&eacute;.\n\
        <ul><li>un<li>deux <b>gras</b><b> suite</b></ul>\n<img src=a.png alt=logo>\n<pre>texte  brut</pre>\n\
        <script>let a = '<p>non</p>';</script>\n<table><tr><td>cell<td>5</table>\n</body></html>\n";
    let expected = "<!DOCTYPE html>\n<html lang=fr><head><title>GUIDE &amp; CONGÉS</title><style>p { color: red }</style>\n\
        <meta name=\"description\" content=\"LE GUIDE\"></head><body>\n<!-- rien -->\n<h1>LES <em>CONGÉS</em> ANNUELS</h1>\n\
        <p>UN MOT<br>ET&nbsp;UN <a href=\"/a?b=c&d\" title='LE LIEN'>LIEN</a>, <code>x &lt; y</code> : 3 &lt; 4 ÉTÉ.\n\
        <ul><li>UN<li>DEUX <b>GRAS SUITE</b><b></b></ul>\n<img src=a.png alt=\"LOGO\">\n<pre>texte  brut</pre>\n\
        <script>let a = '<p>non</p>';</script>\n<table><tr><td>CELL<td>5</table>\n</body></html>\n";
    assert_eq!(upper("a.html", page), expected);
    let hidden: Vec<String> =
        read("a.html", page.as_bytes()).iter().filter(|one| one.hidden).map(crate::segment::plain).collect();
    assert_eq!(hidden, ["x < y", "texte  brut"], "code holds names too");
}

#[test]
fn a_page_of_a_real_producer_keeps_its_form() {
    let name = "libreoffice-guide.html";
    let bytes = fixture(name);
    assert!(changed(name, &bytes, str::to_owned) == bytes);
    let after = String::from_utf8(changed(name, &bytes, str::to_uppercase)).unwrap();
    let before = String::from_utf8(bytes).unwrap();
    // All but the letters of texts, and the white space in them.
    let tags = |page: &str| {
        let tags: Vec<String> =
            page.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag.to_owned()).collect();
        tags
    };
    let (old, new) = (tags(&before), tags(&after));
    assert_eq!(old.len(), new.len());
    for (old, new) in old.iter().zip(&new).filter(|(old, new)| old != new) {
        assert!(
            (old.starts_with("meta name=") || old.contains(" title=")) && old.to_uppercase() == new.to_uppercase(),
            "{old} {new}"
        );
    }
    assert!(after.contains("LES JOURS NON PRIS"));
}

#[test]
fn subtitles_keep_their_times() {
    let text = "1\r\n00:00:01,000 --> 00:00:03,500\r\n<i>Bonjour à tous</i>\r\net bienvenue.\r\n\r\n2\r\n00:00:04,000 --> 00:00:05,000\r\n- {\\an8}Qui parle ?\r\n- Moi.\r\n";
    assert_eq!(
        upper("a.srt", text),
        "1\r\n00:00:01,000 --> 00:00:03,500\r\n<i>BONJOUR À TOUS</i>\r\nET BIENVENUE.\r\n\r\n2\r\n00:00:04,000 --> 00:00:05,000\r\n- {\\an8}QUI PARLE ?\r\n- MOI.\r\n"
    );
    let web = "WEBVTT - titre\n\nNOTE un mot\n\nintro\n00:01.000 --> 00:02.000 align:start\n<v Anne>Toi &amp; moi\n";
    assert_eq!(upper("a.vtt", web), web.replace("Toi &amp; moi", "TOI &amp; MOI"));
    let texts = vec![vec!["a\n\nb".to_owned(), "c".to_owned()], vec!["- d\n".to_owned(), "e\nf".to_owned()]];
    let found = read("a.srt", text.as_bytes());
    assert_eq!(
        found.iter().map(|one| one.runs.len()).collect::<Vec<_>>(),
        [2, 2],
        "{:?}",
        found.iter().map(|one| &one.runs).collect::<Vec<_>>()
    );
    let after = rewritten(text.as_bytes(), "a.srt", None, &texts, &limits()).unwrap();
    assert!(String::from_utf8(after).unwrap().contains("<i>a  b</i>"), "no empty line in a cue");
}

#[test]
fn values_keep_their_quotes() {
    let text = "Nom;Note;\"Rue \"\"A\"\"\"\r\n\"Martin; Anne\";12,5;\r\n;x y;\"deux\nlignes\"";
    assert_eq!(upper("a.csv", text), text.to_uppercase());
    let runs: Vec<Vec<String>> = read("a.csv", text.as_bytes()).into_iter().map(|_| vec!["a;\"b".to_owned()]).collect();
    let after = rewritten(text.as_bytes(), "a.csv", None, &runs, &limits()).unwrap();
    assert_eq!(
        String::from_utf8(after).unwrap(),
        "\"a;\"\"b\";\"a;\"\"b\";\"a;\"\"b\"\r\n\"a;\"\"b\";\"a;\"\"b\";\r\n;\"a;\"\"b\";\"a;\"\"b\""
    );
    let windows = fixture("windows-1252.csv");
    assert_eq!(
        changed("a.csv", &windows, |text| text.replace("Lefèvre", "Œuf")),
        encoding_rs::WINDOWS_1252
            .encode(&encoding_rs::WINDOWS_1252.decode(&windows).0.replace("Lefèvre", "Œuf"))
            .0
            .into_owned()
    );
}
