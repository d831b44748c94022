//! Files of real producers with names in every part of them: gone with placeholders, and back.

use super::file::{hidden, restored};
use crate::{
    assistant::entities::Found,
    documents::fixtures::{changed, members, rewritten, segments},
    pseudonym::Table,
    segment::{Segment, plain},
};

/// What identifies somebody in these files, in lower case.
const CANARIES: [&str; 8] =
    ["kerbrat", "aïcha", "zorglub", "06 12 34 56 78", "usager@exemple.fr", "lemonnier", "fr76", "1 85 05"];

const PERSON: &str = "Mme Aïcha Kerbrat, 06 12 34 56 78, usager@exemple.fr";
const ACCOUNT: &str = "IBAN FR76 3000 6000 0112 3456 7890 189";

fn files() -> [(&'static str, Vec<u8>); 3] {
    let guide = changed(
        "libreoffice-guide.docx",
        &[
            ("word/document.xml", "Le report est automatique.", PERSON),
            ("word/document.xml", "Aucune demande n’est nécessaire.", "Kerbrat conteste."),
            ("word/document.xml", "Adjoint", "Zorglub Xyzy"),
            ("word/document.xml", "Attaché", "M. Zorglub"),
            ("word/header1.xml", "Direction des ressources humaines", "dossier de Mme Kerbrat"),
            ("word/footnotes.xml", "Décret de l’exemple, article 3.", ACCOUNT),
            ("docProps/core.xml", "<dc:creator></dc:creator>", "<dc:creator>Zoé Lemonnier</dc:creator>"),
            ("docProps/core.xml", "Guide des congés", "Dossier Kerbrat"),
        ],
    );
    let text = changed(
        "libreoffice-guide.odt",
        &[
            ("content.xml", "Le report est automatique.", PERSON),
            ("content.xml", "Aucune demande n’est nécessaire.", ACCOUNT),
        ],
    );
    let book = changed(
        "openpyxl-marches.xlsx",
        &[
            ("xl/worksheets/sheet1.xml", "Exemple SA", PERSON),
            ("xl/worksheets/sheet1.xml", "Lot<", "Kerbrat<"),
            ("docProps/core.xml", ">openpyxl<", ">Zoé Lemonnier<"),
        ],
    );
    [("dossier.docx", guide), ("dossier.odt", text), ("dossier.xlsx", book)]
}

/// All that stands in the parts of a package, without tags: what is cut by formatting is together.
fn all(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (_, member) in members(bytes) {
        let member = String::from_utf8_lossy(&member).into_owned();
        text.push_str(&member);
        let mut within = false;
        text.extend(member.chars().filter(|letter| {
            within = (within || *letter == '<') && *letter != '>';
            !within && *letter != '>'
        }));
    }
    text.to_lowercase()
}

#[test]
fn what_identifies_people_is_gone_from_every_part_and_comes_back() {
    for (name, before) in files() {
        let mut table = Table::new();
        let texts = segments(&before, name);
        let there = all(&before);
        assert!(CANARIES.iter().filter(|canary| there.contains(**canary)).count() >= 4, "{name}");
        let made = hidden(&mut table, &texts, &Found::default());
        let after = rewritten(&before, name, &made.texts);
        let left: Vec<&str> = CANARIES.into_iter().filter(|canary| all(&after).contains(canary)).collect();
        assert!(left.is_empty(), "{name}: {left:?}");
        // As a process would that has read the table from the store.
        let table: Table = serde_json::from_value(serde_json::to_value(&table).expect("JSON")).expect("a table");
        let back = restored(&table, &segments(&after, name)).expect("something to put back");
        let back = rewritten(&after, name, &back);
        let words = |segments: Vec<Segment>| segments.iter().map(plain).collect::<Vec<_>>();
        assert_eq!(words(segments(&back, name)), words(texts), "{name}");
    }
}
