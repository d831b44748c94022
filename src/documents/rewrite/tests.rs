//! Files of every format through one change of all their letters.

use std::io::{Cursor, Read as _, Write as _};

use proptest::prelude::*;
use quick_xml::{Reader, events::Event};
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::{NotWritten, rewritten, segments};
use crate::{
    documents::{Config, ExtractError, limits::Limits},
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
                texts.push_str(&super::markup::unescaped(&format!("&{};", &*name)).expect("known"));
            }
            Event::Eof => {
                let words: Vec<&str> = texts.split_whitespace().collect();
                return (form, words.join(" ").replace('\u{ad}', ""));
            }
            event => {
                // That white space counts is said where it does; what is said of a picture is a text.
                let event = format!("{event:?}").replace('\\', "").replace(" xml:space=\"preserve\"", "");
                let pictured = event.contains(":docPr ") || event.contains(":cNvPr ");
                // A soft hyphen is none of another word.
                if !event.contains("softHyphen") {
                    form.push(if pictured { event.to_uppercase() } else { event });
                }
            }
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
        for (before, after) in form_before.iter().zip(&form_after) {
            assert_eq!(before, after, "{name}: {member}");
        }
        assert_eq!(form_before.len(), form_after.len(), "{name}: {member}");
        assert_eq!(change(&texts), change(&changed), "{name}: {member}");
    }
    changed
}

/// The packages of real producers.
const PACKAGES: [&str; 13] = [
    "libreoffice-guide.docx",
    "libreoffice-guide.odt",
    "python-docx-astreinte.docx",
    "python-pptx-securite.pptx",
    "libreoffice-securite.odp",
    "libreoffice-effectifs.xlsx",
    "libreoffice-effectifs.ods",
    "openpyxl-marches.xlsx",
    "libreoffice-missions.docx",
    "libreoffice-missions.odt",
    "python-docx-note.docx",
    "python-pptx-missions.pptx",
    "openpyxl-missions.xlsx",
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
    // A cell that another text would make a formula; one that was one is its author's.
    let formulas = vec![vec!["=1".to_owned()]; 4];
    let after = rewritten("a;\"b\"\n=A1;-2 °C\n".as_bytes(), "a.csv", None, &formulas, &limits()).unwrap();
    assert_eq!(String::from_utf8(after).unwrap(), "'=1;\"'=1\"\n=1;=1\n");
    let windows = fixture("windows-1252.csv");
    assert_eq!(
        changed("a.csv", &windows, |text| text.replace("Lefèvre", "Œuf")),
        encoding_rs::WINDOWS_1252
            .encode(&encoding_rs::WINDOWS_1252.decode(&windows).0.replace("Lefèvre", "Œuf"))
            .0
            .into_owned()
    );
}

fn tagged(name: &str) -> Vec<String> {
    let shown = |one: &Segment| format!("{}{}", if one.hidden { "hidden: " } else { "" }, crate::segment::tagged(one));
    read(name, &fixture(name)).iter().map(shown).collect()
}

#[test]
fn what_word_cuts_is_one_text() {
    assert_eq!(
        tagged("python-docx-note.docx"),
        [
            "Note de service",
            "<1>Le décret s’applique </1><2>sans délai</2><3>.</3>",
            "<1>Le rapport de Saint\u{2011}Denis : report</1><2> fait</2>",
            "<1>Nom :\tAnne Exemple\nBureau <RH> & co</1><2>suite</2>",
            "<1>Anne Exemple</1><2> le </2><3>3 mars</3>",
            "hidden: Paul Modèle",
            "<1>ajouté</1><2> puis rien</2>",
            "hidden: Paul Modèle",
            "hidden: retiré",
            "<1>contrôle</1><2> نص عربي</2><3> à Paris, vu.</3>",
            "hidden: tou",
            "Tokyo",
            "<1>Soit </1><2> alors.</2>",
            "Pays",
            "12",
            "En-tête\tà droite",
            "Pied de page",
            "hidden: Paul Modèle",
            "hidden: PM",
            "À revoir",
            "Note",
            "hidden: Anne Exemple",
            "hidden: generated by python-docx",
            "hidden: Title",
        ]
    );
}

#[test]
fn everything_that_is_read_of_a_text_is_a_segment() {
    let shared = [
        "<1>La mission </1><2>diplomatique</2><3> est </3><4>permanente</4><5>, voir le </5><6>guide des missions</6><7>.</7><8> Elle dure   trois ans\nau plus.</8>",
        "<1>Une </1><2>nouvelle</2><3> règle : report, Saint\u{2011}Denis, 12\u{a0}000\u{a0}€, </3><4>Tokyo</4><5>.</5>",
        "1. Les missions\t1",
        "Décret n° 2026-12 du 3 mars.",
        "Note de fin.",
        "hidden: ancienne",
        "hidden: Paul Modèle",
        "À vérifier avec le bureau.",
        "Signé :\tAnne Exemple\tle 3 mars",
        "<1>Avant </1><2> après le cadre.</2>",
        "Texte dans un cadre",
        "titre du cadre",
        "description du cadre",
        "Ministère de l’Exemple\tDiffusion restreinte",
        "Chili",
        "Note sur les missions",
        "hidden: Anne Exemple",
    ];
    for name in ["libreoffice-missions.odt", "libreoffice-missions.docx"] {
        let found = tagged(name);
        for text in shared {
            assert!(found.iter().any(|one| one == text), "{name}: {text} is not in {found:#?}");
        }
    }
    let deck = tagged("python-pptx-missions.pptx");
    for text in [
        "<1>Une mission </1><2>permanente</2><3> dure trois ans\nau plus, voir le </3><4>guide</4>",
        "Second point\tet sa suite",
        "Parler lentement.",
        "Agents par site",
        "une zone",
        "Dans un groupe",
    ] {
        assert!(deck.iter().any(|one| one == text), "{text} is not in {deck:#?}");
    }
    let book = tagged("openpyxl-missions.xlsx");
    let expected = [
        "Suivi des missions",
        "<1>Une mission </1><2>permanente</2><3> en cours</3>",
        " espaces autour ",
        "deux\nlignes",
        "Chili",
        "Japon",
    ];
    assert_eq!(book[..6], expected, "the names of columns are those of formulas");
}

/// A package whose main part is this, under a name that programs do not expect.
fn word(body: &str) -> Vec<u8> {
    let relations = r#"<Relationships><Relationship Id="r1" Type="http://x/officeDocument" Target="word/document2.xml"/></Relationships>"#;
    let document = format!("<w:document><w:body>{body}</w:body></w:document>");
    archive(&[("_rels/.rels", relations.as_bytes()), ("word/document2.xml", document.as_bytes())])
}

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, SimpleFileOptions::default()).expect("a member");
        writer.write_all(content).expect("written");
    }
    writer.finish().expect("an archive").into_inner()
}

/// The body of a document with other texts.
fn rewords(body: &str, texts: &[&[&str]]) -> String {
    let texts: Vec<Vec<String>> = texts.iter().map(|runs| runs.iter().map(ToString::to_string).collect()).collect();
    let after = rewritten(&word(body), "a.docx", None, &texts, &limits()).unwrap_or_else(|error| panic!("{error:?}"));
    let (_, _, document) = members(&after).pop().expect("the document");
    let document = String::from_utf8(document).expect("UTF-8");
    document.replace("<w:document><w:body>", "").replace("</w:body></w:document>", "")
}

#[test]
fn a_text_is_written_over_the_one_before() {
    let p = |inner: &str| format!("<w:p><w:r>{inner}</w:r></w:p>");
    // White space that counts, and what XML needs.
    assert_eq!(
        rewords(&p("<w:t>a</w:t>"), &[&[" b & <1> "]]),
        p("<w:t xml:space=\"preserve\"> b &amp; &lt;1&gt; </w:t>")
    );
    assert_eq!(rewords(&p("<w:t><![CDATA[a<b]]></w:t>"), &[&["c"]]), p("<w:t>c</w:t>"));
    assert_eq!(rewords(&p("<w:t>a\u{e9}&#233;</w:t>"), &[&["aéé"]]), p("<w:t>a\u{e9}&#233;</w:t>"), "as it was");
    // Tabs and breaks stay, whether the text has them or not.
    let tab = "<w:t>Nom</w:t><w:tab/><w:t>Anne</w:t>";
    assert_eq!(rewords(&p(tab), &[&["Name\tAnn"]]), p("<w:t>Name</w:t><w:tab/><w:t>Ann</w:t>"));
    assert_eq!(rewords(&p(tab), &[&["Name Ann"]]), p("<w:t>Name Ann</w:t><w:tab/><w:t></w:t>"));
    assert_eq!(rewords(&p(tab), &[&["N\ta\tme"]]), p("<w:t>N</w:t><w:tab/><w:t>a me</w:t>"));
    let both = "<w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t>";
    assert_eq!(rewords(&p(both), &[&["x\ny"]]), p("<w:t>x</w:t><w:tab/><w:t></w:t><w:br/><w:t>y</w:t>"));
    // A tab without a text after it has none.
    let tabs = "<w:t>a</w:t><w:tab/><w:tab/><w:t>b</w:t>";
    assert_eq!(rewords(&p(tabs), &[&["a\tx\tb"]]), p("<w:t>ax</w:t><w:tab/><w:tab/><w:t>b</w:t>"));
    // Hyphens that are elements go with what they are in.
    let hyphens = "<w:t>Saint</w:t><w:noBreakHyphen/><w:t>Denis</w:t><w:softHyphen/><w:t>ville</w:t>";
    assert_eq!(rewords(&p(hyphens), &[&["London"]]), p("<w:t>London</w:t><w:t></w:t><w:t></w:t>"));
    // What a change leaves stays in its run.
    let cut = "<w:p><w:r><w:t xml:space=\"preserve\">Le rapport de </w:t></w:r><w:bookmarkStart w:id=\"1\"/><w:r><w:t>Jean</w:t></w:r><w:r><w:t xml:space=\"preserve\"> Dupont est arrivé hier.</w:t></w:r></w:p>";
    assert_eq!(
        rewords(cut, &[&["Le rapport de [PERSONNE_1] est arrivé hier."]]),
        cut.replace("Jean", "[PERSONNE_1]").replace(" Dupont est", " est")
    );
    // Control characters are none of XML.
    assert_eq!(rewords(&p("<w:t>a</w:t>"), &[&["b\0\u{1b}\u{ffff}c"]]), p("<w:t>bc</w:t>"));
}

#[test]
fn what_breaks_in_other_programs_is_kept() {
    // Formulas are no text, nor are codes of fields; the text that a field gave is.
    let field = "<w:p><w:r><w:t>a</w:t></w:r><w:r><w:instrText>PAGEREF x</w:instrText></w:r><m:oMath><m:r><m:t>x</m:t></m:r></m:oMath><w:r><w:t>b</w:t></w:r></w:p>";
    assert_eq!(rewords(field, &[&["c", "d"]]), field.replace(">a<", ">c<").replace(">b<", ">d<"));
    // Both branches, comments, processing instructions and unknown elements.
    let both = "<?x y?><w:p><mc:AlternateContent><mc:Choice Requires=\"z\"><z:b><w:p><w:r><w:t>a</w:t></w:r></w:p></z:b></mc:Choice><mc:Fallback><w:p><w:r><w:t>a</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent><!-- <w:t>c</w:t> --></w:p>";
    assert_eq!(rewords(both, &[&["d"], &["d"]]), both.replace(">a<", ">d<"));
    // Elements inside one another, in HTML, and white space around them.
    let page = "<p>\n <a href=\"#\">\n  <em>\n   <span style=\"color: red\">\n   la liste\n   </span>\n  </em>\n  <em>complète</em>\n </a>, <b>ici</b> .</p><!-- wp:paragraph {\"a\":1} -->";
    let expected = page.replace("la liste", "LA LISTE").replace("complète", "COMPLÈTE").replace(">ici<", ">ICI<");
    assert_eq!(upper("a.html", page), expected);
    // A page in ASCII that says nothing of its encoding.
    assert_eq!(changed("a.html", b"<p>ete", |_| "été".to_owned()), b"<p>&#233;t&#233;");
    // Windows line ends and no end of the last line.
    assert_eq!(upper("a.txt", "un\r\n\r\ndeux"), "UN\r\n\r\nDEUX");
}

#[test]
fn columns_are_named_as_their_cells() {
    let relations = |targets: &[(&str, &str)]| {
        let one =
            |(kind, target): &(&str, &str)| format!(r#"<Relationship Id="{kind}" Type="x/{kind}" Target="{target}"/>"#);
        format!("<Relationships>{}</Relationships>", targets.iter().map(one).collect::<Vec<_>>().concat())
    };
    let table = r#"<table ref="A1:B3"><tableColumns><tableColumn id="1" name="Nom_x000a_usuel"/><tableColumn id="2" name="Ville"/></tableColumns></table>"#;
    let strings = r#"<sst><si><t xml:space="preserve">Nom
usuel</t></si><si><t>Ville</t></si><si><t>Lyon</t></si></sst>"#;
    let book = |sheet: &str| {
        archive(&[
            ("_rels/.rels", relations(&[("officeDocument", "xl/workbook.xml")]).as_bytes()),
            ("xl/workbook.xml", b"<workbook/>"),
            (
                "xl/_rels/workbook.xml.rels",
                relations(&[("worksheet", "worksheets/s.xml"), ("sharedStrings", "s.xml")]).as_bytes(),
            ),
            ("xl/worksheets/s.xml", sheet.as_bytes()),
            ("xl/worksheets/_rels/s.xml.rels", relations(&[("table", "../t.xml")]).as_bytes()),
            ("xl/t.xml", table.as_bytes()),
            ("xl/s.xml", strings.as_bytes()),
        ])
    };
    let free = book("<worksheet/>");
    let put = |texts: [&str; 3]| {
        let texts: Vec<Vec<String>> = texts.iter().map(|text| vec![(*text).to_owned()]).collect();
        let after = members(&rewritten(&free, "a.xlsx", None, &texts, &limits()).expect("written"));
        let part = |name: &str| {
            String::from_utf8(after.iter().find(|(member, ..)| member == name).unwrap().2.clone()).unwrap()
        };
        (part("xl/t.xml"), part("xl/s.xml"))
    };
    let (renamed, changed) = put(["Usual\nname", "City", "Lyons"]);
    assert_eq!(renamed, table.replace("Nom_x000a_usuel", "Usual_x000a_name").replace("Ville", "City"));
    assert_eq!(changed, strings.replace("Nom\nusuel", "Usual\nname").replace("Ville", "City").replace("Lyon", "Lyons"));
    // Names that no table takes: the cells keep theirs.
    for names in [["A", "a"], ["", "b"], ["Ville", "Ville"]] {
        let (renamed, changed) = put([names[0], names[1], "Lyons"]);
        assert_eq!((renamed.as_str(), changed), (table, strings.replace("Lyon", "Lyons")), "{names:?}");
    }
    // Formulas that name them.
    let named = book("<worksheet><sheetData><row><c><f>SUM(T[Ville])</f></c></row></sheetData></worksheet>");
    assert_eq!(read("a.xlsx", &named).iter().map(crate::segment::plain).collect::<Vec<_>>(), ["Lyon"]);
}

#[test]
fn what_names_somebody_beside_the_text_is_hidden() {
    let hidden = |name: &str, bytes: &[u8]| -> Vec<String> {
        read(name, bytes).iter().filter(|one| one.hidden).map(crate::segment::plain).collect()
    };
    let page = "<p>a <a href=\"mailto:anne@exemple.fr?subject=b\">Anne</a></p>";
    assert_eq!(hidden("a.html", page.as_bytes()), ["anne@exemple.fr"]);
    let replace = |name: &str, bytes: &[u8], with: &str| {
        let of = |one: Segment| if one.hidden { one.runs.iter().map(|_| with.to_owned()).collect() } else { one.runs };
        let texts: Vec<Vec<String>> = read(name, bytes).into_iter().map(of).collect();
        rewritten(bytes, name, None, &texts, &limits()).expect("written")
    };
    let after = replace("a.html", page.as_bytes(), "[COURRIEL_1] é");
    assert_eq!(String::from_utf8(after.clone()).unwrap(), page.replace("anne@exemple.fr", "%5BCOURRIEL_1%5D%20%C3%A9"));
    assert_eq!(hidden("a.html", &after), ["[COURRIEL_1] é"]);
    let code = "Voir `anne.martin` :\n\n```\nlet a = \"Anne\";\n  b\n```\n";
    assert_eq!(hidden("a.md", code.as_bytes()), ["anne.martin", "let a = \"Anne\";  b"]);
    assert_eq!(String::from_utf8(replace("a.md", code.as_bytes(), "X")).unwrap(), "Voir `X` :\n\n```\nX\nX\n```\n");
    // Long numbers of a sheet, and what a formula gave.
    let sheet = r#"<worksheet><sheetData><row r="1"><c r="A1" s="2"><v>1850578006084</v></c><c r="B1"><v>12</v></c><c r="C1" t="str"><f>A1&amp;"x"</f><v>Anne</v></c><c r="D1"><f>A1</f><v>1850578006084</v></c><c r="E1" t="s"><v>123456789</v></c></row></sheetData></worksheet>"#;
    let links = r#"<Relationships><Relationship Id="r1" Type="x/hyperlink" Target="mailto:anne@exemple.fr" TargetMode="External"/></Relationships>"#;
    let book = archive(&[
        ("_rels/.rels", br#"<Relationships><Relationship Id="r1" Type="x/officeDocument" Target="xl/workbook.xml"/></Relationships>"#),
        ("xl/workbook.xml", b"<workbook/>"),
        ("xl/_rels/workbook.xml.rels", br#"<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ("xl/worksheets/_rels/sheet1.xml.rels", links.as_bytes()),
    ]);
    assert_eq!(hidden("a.xlsx", &book), ["1850578006084", "Anne", "anne@exemple.fr"]);
    let after = members(&replace("a.xlsx", &book, "X"));
    let part =
        |name: &str| String::from_utf8(after.iter().find(|(member, ..)| member == name).unwrap().2.clone()).unwrap();
    assert_eq!(
        part("xl/worksheets/sheet1.xml"),
        sheet
            .replace(
                "<c r=\"A1\" s=\"2\"><v>1850578006084</v>",
                "<c t=\"inlineStr\" r=\"A1\" s=\"2\"><is><t>X</t></is>"
            )
            .replace("Anne", "X")
    );
    assert_eq!(part("xl/worksheets/_rels/sheet1.xml.rels"), links.replace("anne@exemple.fr", "X"));
}

#[test]
fn markup_in_a_new_text_is_text() {
    let put = |text: &str, new: &str| {
        let after = rewritten(text.as_bytes(), "a.md", None, &[vec![new.to_owned()]], &limits()).expect("written");
        let read = read("a.md", &after);
        assert_eq!(
            read.iter().map(crate::segment::plain).collect::<Vec<_>>(),
            [new],
            "{}",
            String::from_utf8(after).unwrap()
        );
    };
    for new in [
        "# titre",
        "- point",
        "1. un",
        "2) deux",
        "a *b* _c_ `d` ~~e~~",
        "[a](b)",
        "[a]: b",
        "<b>a</b>",
        "&amp; &lt;",
        "a \\* b",
        "+ a",
        "> a",
        "--- a",
        "snake_case_name",
        "[PERSONNE_1] et [LIEU_2]",
        "https://a.fr/b_c_d",
        "![a](b)",
        "a\\",
        "=== a",
        "| a | b |",
        "12 % * 3 = 36 *",
    ] {
        put("texte", new);
        put("avant\n\n| a |\n|---|\n| 5 |\n".split_at(7).0, new);
    }
}

#[test]
fn wrong_texts_are_refused() {
    let bytes = fixture("python-docx-note.docx");
    let texts: Vec<Vec<String>> = read("a.docx", &bytes).into_iter().map(|one| one.runs).collect();
    let try_with = |texts: &[Vec<String>]| rewritten(&bytes, "a.docx", None, texts, &limits());
    assert!(try_with(&texts).is_ok());
    assert_eq!(try_with(&texts[1..]), Err(NotWritten::Misfit));
    assert_eq!(try_with(&[texts.as_slice(), &[vec![String::new()]]].concat()), Err(NotWritten::Misfit));
    let mut more = texts.clone();
    more[0].push(String::new());
    assert_eq!(try_with(&more), Err(NotWritten::Misfit));
    let pdf = fixture("libreoffice-guide.pdf");
    assert_eq!(segments(&pdf, "a.pdf", None, &limits()), Err(ExtractError::FixedForm));
    let old = fixture("libreoffice-effectifs.xls");
    assert_eq!(segments(&old, "a.xls", None, &limits()), Err(ExtractError::FixedForm));
}

proptest! {
    /// Whatever is written over whatever: no letter is lost or changes its place, and what stays in the text is all there.
    #[test]
    fn letters_are_kept_and_marks_stay(
        pieces in prop::collection::vec(prop_oneof![3 => "[a-c ]{1,4}", 1 => Just("\t".to_owned()), 1 => Just("\n".to_owned()), 1 => Just("\u{2011}".to_owned()), 1 => Just(String::new())], 1..8),
        new in "[a-cé<& \t\n\u{2011}]{0,12}",
    ) {
        let element = |piece: &String| match piece.as_str() {
            "\t" => "<w:tab/>".to_owned(),
            "\n" => "<w:br/>".to_owned(),
            "\u{2011}" => "<w:noBreakHyphen/>".to_owned(),
            "" => "<w:softHyphen/>".to_owned(),
            text => format!("<w:t xml:space=\"preserve\">{text}</w:t>"),
        };
        let bytes = word(&format!("<w:p><w:r>{}</w:r></w:p>", pieces.iter().map(element).collect::<Vec<_>>().concat()));
        let Ok(found) = segments(&bytes, "a.docx", None, &limits()) else { return Ok(()) };
        prop_assert_eq!((found.segments.len(), found.segments[0].runs.len()), (1, 1));
        let after = rewritten(&bytes, "a.docx", None, &[vec![new.clone()]], &limits()).expect("written");
        let document = |bytes: &[u8]| String::from_utf8(members(bytes).pop().expect("the document").2).expect("UTF-8");
        let (before, after) = (document(&bytes), document(&after));
        for kept in ["<w:tab/>", "<w:br/>"] {
            prop_assert_eq!(before.matches(kept).count(), after.matches(kept).count());
        }
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace() && *c != '\u{2011}').collect::<String>();
        // Marks around the text are none of it, nor is what is in them lost.
        prop_assert_eq!(letters(&form(after.as_bytes()).1), letters(&new));
    }
}
