use std::path::Path;

use super::{cut::words, is_fiche, link, read};

/// A fiche as the package has them, made up.
fn made(body: &str) -> String {
    format!(
        r#"{{"type": "root", "children": [{{"type": "element", "name": "Publication", "children": [
            {{"name": "dc:title", "children": [{{"type": "text", "text": "Congé de formation"}}]}},
            {{"name": "dc:description", "children": [{{"type": "text", "text": "Le congé permet de se former."}}]}}{body}]}}]}}"#
    )
}

fn element(name: &str, children: &str) -> String {
    format!(r#"{{"type": "element", "name": "{name}", "attributes": {{}}, "children": [{children}]}}"#)
}

fn text(text: &str) -> String {
    format!(r#"{{"type": "text", "text": "{text}"}}"#)
}

fn paragraph(words: &str) -> String {
    element("Paragraphe", &text(words))
}

fn chapter(title: &str, content: &str) -> String {
    element("Chapitre", &format!("{},{content}", element("Titre", &text(title))))
}

#[test]
fn a_fiche_is_cut_along_its_chapters() {
    let long = vec!["Une phrase de six mots seulement."; 25].join(" ");
    let body = format!(
        ",{},{}",
        element("Introduction", &element("Texte", &paragraph("Introduction courte."))),
        element("Texte", &[chapter("Durée", &paragraph(&long)), chapter("Demande", &paragraph(&long))].join(",")),
    );
    let fiche = read(made(&body).as_bytes()).unwrap();
    assert_eq!(fiche.title.as_deref(), Some("Congé de formation"));
    let headings: Vec<_> = fiche.passages.iter().map(|passage| passage.headings.join("/")).collect();
    assert_eq!(headings, ["", "Demande"]);
    assert!(fiche.passages[0].text.starts_with("Introduction courte.\nDurée :\nUne phrase"));
    assert!(fiche.passages.iter().zip(0..).all(|(passage, at)| passage.ordinal == at && words(&passage.text) <= 330));
}

#[test]
fn lists_tables_and_remarks_stay_readable() {
    let cells = |cells: [&str; 3]| cells.map(|cell| element("Cellule", &paragraph(cell))).join(",");
    let head = element("Rangée", &cells(["Grade", "Jours", "Délai"])).replace("{}", r#"{"type": "header"}"#);
    let table = element("Tableau", &[head, element("Rangée", &cells(["A", "25", "2 mois"]))].join(","));
    let list = element("Liste", &element("Item", &paragraph("un point ( entre parenthèses ) .")));
    let remark = element("ANoter", &paragraph("sous réserve."));
    let service = element("ServiceEnLigne", &element("Titre", &text("Demande de congé")))
        .replace("{}", r#"{"type": "Formulaire", "numerocerfa": "12345*01"}"#);
    let body = format!(",{},{service}", element("Texte", &[list, table, remark].join(",")));
    let fiche = read(made(&body).as_bytes()).unwrap();
    let expected = "- un point (entre parenthèses).\nGrade | Jours | Délai\nA : Jours : 25 ; Délai : 2 mois\nÀ noter : sous réserve.\n\
                    Formulaire : Demande de congé (cerfa n°12345*01)";
    assert_eq!(fiche.passages[0].text, expected);
}

#[test]
fn a_fiche_without_text_has_its_description_and_no_passage_twice() {
    let fiche = read(made("").as_bytes()).unwrap();
    assert_eq!(fiche.passages.len(), 1);
    assert_eq!(fiche.passages[0].text, "Le congé permet de se former.");
}

#[test]
fn other_files_are_no_fiches() {
    for other in ["", "{}", "[]", "null", "<a/>", r#"{"children": [{"name": "Autre"}]}"#, "\u{0}"] {
        assert!(read(other.as_bytes()).is_none(), "{other}");
    }
    for (path, is) in [
        ("particuliers/F1.json", true),
        ("F12.xml", true),
        ("N12.json", false),
        ("index.json", false),
        ("F1.txt", false),
        ("F.json", false),
        ("Fx1.json", false),
    ] {
        assert_eq!(is_fiche(Path::new(path)), is, "{path}");
    }
}

#[test]
fn each_fiche_is_read_where_its_audience_reads_it() {
    let link = |path: &str| link(Path::new(path));
    assert_eq!(link("particuliers/F1.json").unwrap(), "https://www.service-public.gouv.fr/particuliers/vosdroits/F1");
    assert_eq!(link("F1.xml").unwrap(), "https://www.service-public.gouv.fr/particuliers/vosdroits/F1");
    assert_eq!(
        link("data/associations/F2.json").unwrap(),
        "https://www.service-public.gouv.fr/associations/vosdroits/F2"
    );
    assert_eq!(link("professionnels/F3.json").unwrap(), "https://entreprendre.service-public.gouv.fr/vosdroits/F3");
    assert_eq!(link("note.json"), None);
}
