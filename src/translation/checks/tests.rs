use super::{Difference, Kind, Known, Languages, differences};
use crate::translation::languages::TextLanguage;

fn found(from: &str, to: &str, source: &str, translation: &str) -> Vec<(Kind, String)> {
    let language = |code| TextLanguage::named(code).expect("known");
    let is_ordinary = |word: &str| ORDINARY.split_whitespace().any(|one| one == word);
    let lexicon = |word: &str| if is_ordinary(word) { Known::Ordinary } else { Known::Nothing };
    let languages = Languages { from: Some(language(from)), to: language(to), lexicon: &lexicon };
    let found = differences(source, translation, &languages);
    found.into_iter().map(|Difference { kind, shown }| (kind, shown)).collect()
}

const ORDINARY: &str = "le la les l un une des du de en ce cette il elle nous vous pour par selon dans sur apres avant article note depuis tous toutes chaque \
    circulaire cette ces son sa contactez voir ecrivez reunion rendez delai taux dossier lettre montant total nombre";

/// Pairs that say the same.
const FAITHFUL: [(&str, &str, &str, &str); 52] = [
    ("fr", "en", "Le budget est de 1 234,5 euros.", "The budget is 1,234.5 euros."),
    ("fr", "en", "Le budget est de 1 234,50 €.", "The budget is €1,234.50."),
    ("fr", "en", "Il manque 12 millions d’euros.", "€12 million is missing."),
    ("fr", "en", "Un crédit de 3,5 Md€ est ouvert.", "A credit of €3.5 billion is opened."),
    ("fr", "en", "La hausse atteint 12 %.", "The increase reaches 12%."),
    ("fr", "en", "La hausse atteint 12,5 pour cent.", "The increase reaches 12.5 percent."),
    (
        "fr",
        "en",
        "La réunion a lieu le 12 mars 2026 à 14 h 30.",
        "The meeting takes place on March 12, 2026 at 2:30 p.m.",
    ),
    ("fr", "en", "La réunion a lieu le 12/03/2026 à 14h30.", "The meeting takes place on 12 March 2026 at 14:30."),
    ("fr", "en", "À rendre avant le 1er avril.", "To be returned before April 1st."),
    ("fr", "en", "Le 1er juillet, à midi", "On 1 July, at noon"),
    ("fr", "en", "du 12 au 14 mars 2026", "from 12 to 14 March 2026"),
    ("fr", "en", "du 12 au 14 mars 2026", "March 12–14, 2026"),
    ("fr", "en", "Voir l’article L. 123-4 et le décret n° 2026-123.", "See Article L. 123-4 and Decree No. 2026-123."),
    ("fr", "en", "Règlement (UE) 2016/679 du 27 avril 2016", "Regulation (EU) 2016/679 of 27 April 2016"),
    ("fr", "en", "Écrivez à accueil@interieur.gouv.fr.", "Write to accueil@interieur.gouv.fr."),
    ("fr", "en", "Voir https://www.service-public.fr/aide.", "See https://www.service-public.fr/aide."),
    ("fr", "en", "Mme Awa Ndiaye rencontre M. Dupont à Londres.", "Ms Awa Ndiaye meets Mr Dupont in London."),
    ("fr", "en", "L’ONU et l’OTAN se réunissent à Genève.", "The UN and NATO meet in Geneva."),
    ("fr", "en", "La TVA est de 20 %.", "VAT is 20%."),
    ("fr", "en", "Le Conseil d’État a rendu son avis.", "The Council of State gave its opinion."),
    ("fr", "en", "Les 3 agents sont partis.", "The three agents have left."),
    ("fr", "en", "Les trois agents sont partis.", "The 3 agents have left."),
    ("fr", "en", "Au XXIe siècle", "In the 21st century"),
    ("fr", "en", "Il fait -5 degrés.", "It is -5 degrees."),
    ("fr", "en", "Appelez le 01 23 45 67 89.", "Call 01 23 45 67 89."),
    ("fr", "en", "Le service compte 12 000 agents.", "The service has 12,000 staff."),
    ("fr", "en", "Version 2.10.3 du logiciel", "Version 2.10.3 of the software"),
    ("fr", "en", "La période 2020-2025", "The period 2020–2025"),
    ("fr", "en", "La période 2020-2025", "The period from 2020 to 2025"),
    ("fr", "en", "Ouvert 24 heures sur 24", "Open 24 hours a day, 24/7"),
    ("fr", "en", "Rendez-vous à 9 h.", "Appointment at 9 am."),
    ("fr", "en", "Le vote a lieu en septembre.", "The vote takes place in September."),
    ("fr", "en", "Le 2e alinéa de l’article 3", "The second paragraph of Article 3"),
    ("fr", "de", "Die Anzahl: 1 234,5", "Die Anzahl: 1.234,5"),
    ("fr", "de", "La réunion a lieu le 12 mars 2026.", "Die Sitzung findet am 12. März 2026 statt."),
    (
        "fr",
        "es",
        "La réunion a lieu le 12 mars 2026 à 14 h.",
        "La reunión tendrá lugar el 12 de marzo de 2026 a las 14:00.",
    ),
    ("fr", "it", "Le 1er mars 2026, 12 %", "Il 1º marzo 2026, 12%"),
    ("fr", "pt", "Le 12 mars 2026, 5 euros", "12 de março de 2026, 5 euros"),
    ("fr", "ar", "La réunion du 12 mars 2026 coûte 50 €.", "اجتماع ١٢ مارس ٢٠٢٦ يكلف ٥٠ يورو."),
    ("fr", "zh", "La réunion du 12 mars 2026", "2026年3月12日的会议"),
    ("fr", "uk", "M. Dupont arrive le 12 mars 2026.", "Пан Дюпон прибуває 12 березня 2026 року."),
    ("en", "fr", "The meeting is on March 12, 2026 at 2:30 p.m.", "La réunion a lieu le 12 mars 2026 à 14 h 30."),
    ("en", "fr", "You may march in May.", "Vous pouvez défiler en mai."),
    (
        "en",
        "fr",
        "The Ministry of the Interior wrote to John Smith.",
        "Le ministère de l’Intérieur a écrit à John Smith.",
    ),
    ("en", "fr", "The cost is $1.2 million.", "Le coût est de 1,2 million de dollars."),
    ("en", "fr", "A 20-year-old student", "Un étudiant de 20 ans"),
    ("en", "fr", "The United Kingdom and Germany agree.", "Le Royaume-Uni et l’Allemagne sont d’accord."),
    ("en", "fr", "SMEs pay less.", "Les PME paient moins."),
    ("en", "fr", "Open from 9 a.m. to 5 p.m.", "Ouvert de 9 h à 17 h."),
    ("de", "fr", "Die Sitzung findet am 12. März 2026 um 14 Uhr statt.", "La réunion a lieu le 12 mars 2026 à 14 h."),
    ("es", "fr", "El 12 de marzo de 2026, el 5,5 %", "Le 12 mars 2026, 5,5 %"),
    ("fr", "en", "", ""),
];

#[test]
fn what_says_the_same_differs_in_nothing() {
    for (from, to, source, translation) in FAITHFUL {
        assert_eq!(found(from, to, source, translation), [], "{source} | {translation}");
    }
}

#[test]
fn what_was_changed_is_named() {
    use Kind::{Address, Amount, Date, Name, Number, Reference, Time};
    for (source, translation, kind, shown) in [
        ("Il y a 12 agents.", "There are 13 agents.", Number, "12"),
        ("Il y a 1 234 agents.", "There are 1.243 agents.", Number, "1 234"),
        ("Le coût est de 12,5 €.", "The cost is €125.", Amount, "12,5 €"),
        ("La hausse est de 12 %.", "The rise is 12 euros.", Amount, "12 %"),
        ("Il manque 12 millions d’euros.", "€12 billion is missing.", Amount, "12 millions d’euros"),
        ("Le 12 mars 2026", "On 12 May 2026", Date, "12 mars 2026"),
        ("Le 12/03/2026", "On 12 March 2027", Date, "12/03/2026"),
        ("En septembre, rien.", "In October, nothing.", Date, "septembre"),
        ("À 14 h 30", "At 2:30 a.m.", Time, "14 h 30"),
        ("Mme Awa Ndiaye", "Ms Awa Ndaye", Name, "Ndiaye"),
        ("M. Boulanger est là.", "Mr Baker is here.", Name, "Boulanger"),
        ("Il vit à Rouen.", "He lives in Rennes.", Name, "Rouen"),
        ("Il vit à Londres.", "He lives in Paris.", Name, "Londres"),
        ("L’OTAN agit.", "The UN acts.", Name, "OTAN"),
        ("La DGAFP répond.", "The DGFIP answers.", Name, "DGAFP"),
        ("Écrivez à a.b@c.fr.", "Write to a.d@c.fr.", Address, "a.b@c.fr"),
        ("Voir https://a.fr/b.", "See https://a.fr/c.", Address, "https://a.fr/b"),
        ("Décret n° 2026-123", "Decree No. 2026-132", Reference, "2026-123"),
        ("Article L. 123-4", "Article L. 123-5", Reference, "123-4"),
        ("Il fait -5 degrés.", "It is 5 degrees.", Number, "5"),
    ] {
        assert_eq!(found("fr", "en", source, translation), [(kind, shown.to_owned())], "{source} | {translation}");
    }
}

#[test]
fn no_text_is_too_much() {
    let long = "12 mars 2026 à 14h30 M. Dupont 1.234,5 € 2026-123 a@b.fr ".repeat(2_000);
    assert_eq!(found("fr", "en", &long, "").len(), super::MOST);
    for text in [
        "1.", ".1", "-", "12.", "1''2", "€", "XXI", "@", "a@", "https://", "١٢", "12h", "1/2/3/4", "L.", "1er.", "É",
        "12 de", "March", "IIIIIIII",
    ] {
        let _ = found("fr", "en", text, text);
        let _ = found("en", "fr", text, "");
        assert_eq!(found("fr", "en", text, text), [], "{text}");
    }
}
