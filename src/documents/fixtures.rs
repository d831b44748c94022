//! The documents of real producers (`tests/fixtures/documents`): what each gives, with places and headings. And a message of Outlook, which
//! is made here.

use std::io::{Cursor, Read as _, Write as _};

use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::{Config, ExtractError, Extracted, Format, limits::Limits, parse::parse, rewrite};
use crate::{
    document::{Passage, Place},
    segment::Segment,
};

fn read(name: &str) -> Result<Extracted, ExtractError> {
    let path = format!("{}/tests/fixtures/documents/{name}", env!("CARGO_MANIFEST_DIR"));
    parse(&std::fs::read(path).expect("the fixture"), name, None, &Limits::of(&Config::default()))
}

/// A document of a producer with other words in some of its members.
pub(crate) fn changed(name: &str, changes: &[(&str, &str, &str)]) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/documents/{name}", env!("CARGO_MANIFEST_DIR"));
    let members = members(&std::fs::read(path).expect("the fixture"));
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (member, bytes) in members {
        writer.start_file(member.as_str(), SimpleFileOptions::default()).expect("begun");
        let mut bytes = bytes;
        for (_, from, to) in changes.iter().filter(|(of, ..)| *of == member) {
            let text = String::from_utf8(bytes).expect("text");
            assert!(text.contains(from), "{from} in {member}");
            bytes = text.replace(from, to).into_bytes();
        }
        writer.write_all(&bytes).expect("written");
    }
    writer.finish().expect("ended").into_inner()
}

/// The members of a package.
pub(crate) fn members(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).expect("a package");
    let read = (0..archive.len()).map(|index| {
        let mut file = archive.by_index(index).expect("a member");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("readable");
        let name = file.name().expect("a name").into_owned();
        (name, bytes)
    });
    read.collect()
}

/// The texts of a file, as the child takes them out.
pub(crate) fn segments(bytes: &[u8], name: &str) -> Vec<Segment> {
    rewrite::segments(bytes, name, None, &Limits::of(&Config::default())).expect("texts").segments
}

/// The file with other texts, as the child writes it.
pub(crate) fn rewritten(bytes: &[u8], name: &str, texts: &[Vec<String>]) -> Vec<u8> {
    rewrite::rewritten(bytes, name, None, texts, &Limits::of(&Config::default())).expect("a file")
}

fn good(name: &str) -> Extracted {
    read(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The passage that has these words.
fn with<'a>(extracted: &'a Extracted, words: &str) -> &'a Passage {
    let found = extracted.passages.iter().find(|passage| passage.text.contains(words));
    found.unwrap_or_else(|| {
        let texts: Vec<&str> = extracted.passages.iter().map(|passage| passage.text.as_str()).collect();
        panic!("{words} is in no passage of {texts:#?}")
    })
}

fn stands(extracted: &Extracted, words: &str, place: &Place, headings: &[&str]) {
    let passage = with(extracted, words);
    assert_eq!(
        (&passage.place, passage.headings.iter().map(String::as_str).collect::<Vec<_>>().as_slice()),
        (place, headings),
        "{words}"
    );
}

const REPORT: &str = "Les jours non pris sont reportés jusqu’au 31 mars de l’année suivante.";
const GRADES: &str = "| Grade | Jours | Bonification |\n|---|---|---|\n| Adjoint | 25 | 2 |\n| Attaché | 27 | 1 |";

#[test]
fn texts_of_libreoffice_keep_headings_lists_and_tables() {
    for (name, format) in [("libreoffice-guide.odt", Format::Odt), ("libreoffice-guide.docx", Format::Docx)] {
        let guide = good(name);
        assert_eq!(
            (guide.format, guide.title.as_deref(), guide.pages),
            (format, Some("Guide des congés"), None),
            "{name}"
        );
        stands(&guide, REPORT, &Place::Whole, &["Congés annuels", "Report"]);
        stands(
            &guide,
            "- Le report est automatique.\n- Aucune demande n’est nécessaire.\n  - Sauf",
            &Place::Whole,
            &["Congés annuels", "Report"],
        );
        stands(&guide, GRADES, &Place::Whole, &["Congés annuels", "Jours par grade"]);
        stands(&guide, "son plafond est fixé à soixante jours", &Place::Whole, &["Compte épargne-temps"]);
        with(&guide, "Décret de l’exemple, article 3.");
        assert!(
            !guide.passages.iter().any(|passage| passage.text.contains("Direction des ressources")),
            "{name}: a header is no text"
        );
    }
}

#[test]
fn pages_of_libreoffice_keep_numbers_headings_and_tables() {
    let guide = good("libreoffice-guide.pdf");
    assert_eq!((guide.format, guide.title.as_deref(), guide.pages), (Format::Pdf, Some("Guide des congés"), Some(3)));
    stands(&guide, REPORT, &Place::Page(1), &["Congés annuels", "Report"]);
    stands(&guide, "| Attaché | 27 | 1 |", &Place::Page(1), &["Congés annuels", "Jours par grade"]);
    stands(&guide, "son plafond est fixé à soixante jours", &Place::Page(2), &["Compte épargne-temps"]);
    stands(&guide, "médecin du travail", &Place::Page(3), &["Contacts"]);
    assert!(
        !guide.passages.iter().any(|one| one.text.contains("Direction des ressources") || one.text.contains("Page 2"))
    );
}

#[test]
fn pages_of_weasyprint_join_what_line_ends_break() {
    let note = good("weasyprint-note.pdf");
    assert_eq!((note.title.as_deref(), note.pages), (Some("Note de service"), Some(3)));
    stands(
        &note,
        "L’autorisation est accordée par le responsable hiérarchique pour une durée d’un an renouvelable",
        &Place::Page(1),
        &["Télétravail"],
    );
    stands(&note, "dans la limite de 253,44 euros par an", &Place::Page(2), &["Télétravail", "Indemnité"]);
    stands(&note, "délai de prévenance de deux mois", &Place::Page(3), &["Télétravail", "Fin"]);
    assert!(!note.passages.iter().any(|passage| passage.text.contains("n° 12")));
}

#[test]
fn columns_are_read_one_after_the_other() {
    let letter = good("reportlab-colonnes.pdf");
    let text = &with(&letter, "La colonne de gauche").text;
    assert!(text.contains("de haut en bas, jusqu'à sa dernière ligne."), "{text}");
    assert!(text.contains("et seulement une fois la gauche finie."), "{text}");
}

#[test]
fn what_cannot_be_read_is_told_apart() {
    assert_eq!(read("reportlab-scan.pdf"), Err(ExtractError::NoText));
    assert_eq!(read("reportlab-chiffre.pdf"), Err(ExtractError::Encrypted));
}

#[test]
fn documents_of_python_docx_keep_numbered_lists() {
    let found = good("python-docx-astreinte.docx");
    assert_eq!(found.title.as_deref(), Some("Procédure d’astreinte"));
    stands(&found, "1. Noter l’heure de l’appel.\n2. Prévenir", &Place::Whole, &["Procédure d’astreinte", "Appel"]);
    with(&found, "| Niveau | Délai |\n|---|---|\n| Urgent | 30 min |");
}

#[test]
fn slides_keep_titles_tables_and_notes() {
    for (name, format) in [("python-pptx-securite.pptx", Format::Pptx), ("libreoffice-securite.odp", Format::Odp)] {
        let deck = good(name);
        assert_eq!((deck.format, deck.title.as_deref(), deck.pages), (format, Some("Sécurité"), Some(2)), "{name}");
        stands(&deck, "Douze caractères au moins.", &Place::Slide(1), &["Mots de passe"]);
        stands(&deck, "Notes\n\nMontrer le coffre-fort.", &Place::Slide(1), &["Mots de passe"]);
        stands(&deck, "| Mois | Nombre |\n|---|---|\n| Mai | 3 |", &Place::Slide(2), &["Incidents"]);
    }
}

#[test]
fn sheets_keep_their_names_and_headers() {
    for name in ["libreoffice-effectifs.ods", "libreoffice-effectifs.xlsx", "libreoffice-effectifs.xls"] {
        let book = good(name);
        assert_eq!(book.pages, Some(2), "{name}");
        let services = Place::Sheet("Services".to_owned());
        stands(
            &book,
            "Effectifs par service au 1er janvier\n\n| Service | Agents | Taux |\n|---|---|---|\n| Achats | 42 |",
            &services,
            &[],
        );
        stands(&book, "| Nord | Lille |", &Place::Sheet("Sites".to_owned()), &[]);
    }
    let dates = good("openpyxl-marches.xlsx");
    stands(
        &dates,
        "| 1 | Exemple SA | 1200.5 | 2026-03-14 |\n| 2 | Modèle SARL | 0.3 |",
        &Place::Sheet("Marchés".to_owned()),
        &[],
    );
}

#[test]
fn separated_values_are_tables() {
    with(&good("windows-1252.csv"), "| Lefèvre | 7,00 | Œuvre à vérifier |");
    with(&good("libreoffice-effectifs.csv"), "| Service | Agents | Taux |\n|---|---|---|\n| Achats | 42 |");
}

#[test]
fn pages_of_the_web_keep_headings() {
    let page = good("libreoffice-guide.html");
    assert_eq!((page.format, page.title.as_deref()), (Format::Html, Some("Guide des congés")));
    stands(&page, REPORT, &Place::Whole, &["Congés annuels", "Report"]);
}

#[test]
fn mail_keeps_who_wrote_what_and_names_attachments() {
    let mail = good("python-email.eml");
    assert_eq!((mail.format, mail.title.as_deref()), (Format::Eml, Some("Horaires d’été")));
    let text = &mail.passages[0].text;
    for line in [
        "From: Anne Exemple <anne@exemple.gouv.fr>",
        "To: Bureau des temps <temps@exemple.gouv.fr>",
        "Date: 2026-03-03",
        "Les horaires d’été commencent le 1er juillet.",
        "Attachment: planning.bin",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains("contenu") && !text.contains("<p>"));
}

/// A message as Outlook keeps it: properties are streams, those of fixed size are entries of one.
fn outlook() -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).expect("a compound file");
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let mut properties = vec![0; 32];
    let sent = 116_444_736_000_000_000_u64 + 1_772_526_600 * 10_000_000;
    properties.extend([0x0039_0040_u32.to_le_bytes(), 6_u32.to_le_bytes()].concat());
    properties.extend(sent.to_le_bytes());
    file.create_storage("/__attach_version1.0_#00000000").expect("a storage");
    for (path, bytes) in [
        ("/__properties_version1.0", properties),
        ("/__substg1.0_0037001F", utf16("Badges")),
        ("/__substg1.0_0C1A001F", utf16("Anne Exemple")),
        ("/__substg1.0_5D01001F", utf16("anne@exemple.gouv.fr")),
        ("/__substg1.0_0E04001F", utf16("Accueil")),
        ("/__substg1.0_1000001F", utf16("Les badges sont remis à l’accueil dès 8 h.\r\n\r\nAnne")),
        ("/__attach_version1.0_#00000000/__substg1.0_3707001F", utf16("plan.pdf")),
    ] {
        file.create_stream(path).expect("a stream").write_all(&bytes).expect("written");
    }
    file.flush().expect("written");
    file.into_inner().into_inner()
}

#[test]
fn messages_of_outlook_are_read_like_mail() {
    let mail = parse(&outlook(), "a.msg", None, &Limits::of(&Config::default())).expect("read");
    assert_eq!((mail.format, mail.title.as_deref()), (Format::Msg, Some("Badges")));
    let text = &mail.passages[0].text;
    for line in [
        "From: Anne Exemple <anne@exemple.gouv.fr>",
        "To: Accueil",
        "Date: 2026-03-03T08:30:00Z",
        "Les badges sont remis à l’accueil dès 8 h.",
        "Attachment: plan.pdf",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}
