//! What a model adds to the rules, by example and for every text.

use proptest::prelude::*;

use super::{Kind, Suggestion, Table};

/// The suggestions of these words of a text, each where it first stands.
fn suggested(text: &str, words: &[(Kind, &str)]) -> Vec<Suggestion> {
    let range = |word: &str| text.find(word).map(|start| start..start + word.len()).expect("a word of the text");
    words.iter().map(|(kind, word)| Suggestion { kind: *kind, range: range(word) }).collect()
}

/// A text with what these suggestions add.
fn shown(text: &str, words: &[(Kind, &str)]) -> String {
    let mut table = Table::new();
    let shown = table.pseudonymise_with(text, &suggested(text, words));
    assert_eq!(table.restore(&shown.text), text);
    shown.text
}

use Kind::{Organisation, Person, Place};

#[test]
fn what_the_rules_miss_is_found_wherever_it_stands() {
    let text = "sur zbrwkov rien à dire ; le groupe xylonix de vrtnik relance : que répondre ?";
    assert_eq!(Table::new().pseudonymise(text).text, text, "no rule finds any of them");
    assert_eq!(
        shown(text, &[(Person, "zbrwkov"), (Organisation, "xylonix"), (Place, "vrtnik")]),
        "sur [PERSONNE_1] rien à dire ; le groupe [ORGANISATION_1] de [LIEU_1] relance : que répondre ?"
    );
    // Words of every day, with the capitals of a name: in one place the model has known it.
    let text = "elle vit au Pré Fleuri depuis mars. On ne la voit plus au Pré Fleuri, ni sur un pré fleuri.";
    assert_eq!(Table::new().pseudonymise(text).text, text, "no rule finds it");
    assert_eq!(
        shown(text, &[(Place, "Pré Fleuri")]),
        "elle vit au [LIEU_1] depuis mars. On ne la voit plus au [LIEU_1], ni sur un pré fleuri."
    );
}

#[test]
fn an_identifier_is_never_cut_and_a_rule_comes_first() {
    let text = "M. Kerbrat, jean.kerbrat@exemple.fr, 06 12 34 56 78, FR76 3000 6000 0112 3456 7890 189";
    let alone = Table::new().pseudonymise(text).text;
    for words in [
        vec![(Person, "jean.kerbrat")],
        vec![(Place, "Kerbrat")],
        vec![(Organisation, "12 34"), (Person, "FR76 3000")],
        vec![(Person, text)],
        vec![(Kind::Email, "M.")],
    ] {
        assert_eq!(shown(text, &words), alone, "{words:?}");
    }
}

#[test]
fn the_rest_of_a_name_joins_what_a_rule_has_found_of_it() {
    let text = "Vu Zbrw M. Kerbrat hier.";
    assert_eq!(shown(text, &[(Person, "Zbrw M. Kerbrat")]), "Vu [PERSONNE_1] M. [PERSONNE_2] hier.");
    let text = "Appelez Jean zbrwkov demain.";
    assert_eq!(Table::new().pseudonymise(text).text, "Appelez [PERSONNE_1] zbrwkov demain.");
    assert_eq!(shown(text, &[(Person, "Jean zbrwkov")]), "Appelez [PERSONNE_1] demain.");
    let text = "Le rapport de zbrwk Kerbrat.";
    assert_eq!(Table::new().pseudonymise(text).text, "Le rapport de zbrwk [PERSONNE_1].");
    assert_eq!(shown(text, &[(Person, "zbrwk Kerbrat")]), "Le rapport de [PERSONNE_1].");
    let text = "Dossier de Mme Kerbrat ouvert.";
    assert_eq!(shown(text, &[(Person, "Mme Kerbrat")]), "Dossier de Mme [PERSONNE_1] ouvert.");
}

#[test]
fn services_countries_and_words_of_every_day_are_left() {
    for (text, word) in [
        ("La CAF ne répond pas.", (Organisation, "CAF")),
        ("Les caisses d’allocations familiales répondent.", (Organisation, "caisses d’allocations familiales")),
        ("Elle vient de France.", (Place, "France")),
        ("Madame, bonjour.", (Person, "Madame")),
        ("Le dossier est complet.", (Person, "dossier")),
        ("Rien, vraiment.", (Person, ",")),
    ] {
        assert_eq!(shown(text, &[word]), text);
    }
}

#[test]
fn a_suggestion_that_is_none_of_the_text_does_nothing() {
    let text = "Éloïse vient.";
    for range in [0..0, 1..2, 50..60, 5..500] {
        let mut table = Table::new();
        let shown = table.pseudonymise_with(text, &[Suggestion { kind: Place, range }]);
        assert_eq!(table.restore(&shown.text), text);
    }
}

fn suggestions() -> impl Strategy<Value = Vec<(Kind, usize, usize)>> {
    let kind = prop::sample::select(vec![Person, Place, Organisation, Kind::Email]);
    prop::collection::vec((kind, 0_usize..250, 0_usize..40), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_round_trip_is_exact_and_what_the_rules_found_stays(text in super::properties::texts(), suggested in suggestions()) {
        let all: Vec<Suggestion> =
            suggested.into_iter().map(|(kind, start, length)| Suggestion { kind, range: start..start + length }).collect();
        let alone = Table::new().pseudonymise(&text).found;
        let mut table = Table::new();
        let shown = table.pseudonymise_with(&text, &all);
        prop_assert_eq!(&table.restore(&shown.text), &text);
        for finding in alone {
            let covered = shown.found.iter().any(|other| {
                let whole = other.range.start <= finding.range.start && other.range.end >= finding.range.end;
                let names = matches!(finding.kind, Person | Place | Organisation);
                // A name may have grown. What is known of names may divide them otherwise; it never divides an identifier.
                if names { other.range.start < finding.range.end && other.range.end > finding.range.start } else { whole && other.kind == finding.kind && other.range == finding.range }
            });
            prop_assert!(covered, "{:?}", finding);
        }
    }
}
