//! What becomes of blocks, by hand and at random.

use proptest::prelude::*;

use super::{MOST_WORDS, passages};
use crate::{
    document::{Passage, Place},
    documents::{
        flow::{Block, Content},
        sentences::words,
    },
};

fn heading(level: u8, text: &str) -> Content {
    Content::Heading(level, text.to_owned())
}

fn paragraph(count: usize, word: &str) -> Content {
    Content::Paragraph(vec![word; count].join(" ") + ".")
}

fn row(first: bool, cells: &[&str]) -> Content {
    Content::Row { first, cells: cells.iter().map(|cell| (*cell).to_owned()).collect() }
}

fn at(place: &Place, contents: Vec<Content>) -> Vec<Block> {
    contents.into_iter().map(|content| Block { place: place.clone(), content }).collect()
}

fn whole(contents: Vec<Content>) -> Vec<Passage> {
    passages(&at(&Place::Whole, contents))
}

#[test]
fn a_passage_has_the_headings_above_it() {
    let found = whole(vec![
        heading(1, "Congés"),
        paragraph(90, "a"),
        heading(2, "Report"),
        paragraph(100, "b"),
        heading(2, "Don"),
        paragraph(100, "c"),
        heading(1, "Paie"),
        paragraph(100, "d"),
    ]);
    let paths: Vec<String> = found.iter().map(|passage| passage.headings.join(" › ")).collect();
    assert_eq!(paths, ["Congés", "Congés › Report", "Congés › Don", "Paie"]);
    assert_eq!(found.iter().map(|passage| passage.ordinal).collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[test]
fn short_sections_stay_together_with_their_headings_in_the_text() {
    let found = whole(vec![
        heading(1, "Sigles"),
        heading(2, "RTT"),
        paragraph(10, "a"),
        heading(2, "CET"),
        paragraph(10, "b"),
        heading(1, "Autre"),
        paragraph(10, "c"),
    ]);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].headings, ["Sigles", "RTT"]);
    assert_eq!(found[0].text, format!("{}.\n\nCET\n\n{}.", ["a"; 10].join(" "), ["b"; 10].join(" ")));
    assert_eq!(found[1].headings, ["Autre"], "a part above is no neighbour");
}

#[test]
fn a_heading_with_nothing_below_it_is_text() {
    let found = whole(vec![heading(1, "Ordre du jour"), heading(1, "Divers")]);
    let texts: Vec<&str> = found.iter().map(|passage| passage.text.as_str()).collect();
    assert_eq!(texts, ["Ordre du jour\n\nDivers"]);
}

#[test]
fn a_page_is_cut_evenly_and_no_passage_goes_on_in_the_next() {
    let mut blocks =
        at(&Place::Page(1), vec![paragraph(90, "a"), paragraph(90, "b"), paragraph(90, "c"), paragraph(90, "d")]);
    blocks.extend(at(&Place::Page(2), vec![paragraph(5, "e")]));
    let found = passages(&blocks);
    let sizes: Vec<(Place, usize)> = found.iter().map(|one| (one.place.clone(), words(&one.text))).collect();
    assert_eq!(sizes, [(Place::Page(1), 180), (Place::Page(1), 180), (Place::Page(2), 5)]);
}

#[test]
fn a_table_repeats_its_header_where_it_is_cut() {
    let mut contents = vec![row(true, &["Grade", "Indice"])];
    contents.extend((0..400).map(|number| row(false, &["Attaché", &number.to_string()])));
    let found = whole(contents);
    assert!(found.len() > 4, "{}", found.len());
    for passage in &found {
        assert!(passage.text.starts_with("| Grade | Indice |\n|---|---|\n| Attaché |"), "{}", passage.text);
        assert!(words(&passage.text) <= MOST_WORDS);
    }
}

#[test]
fn a_first_row_that_is_too_long_is_cut_as_any_other() {
    let cells: Vec<String> = (0..600).map(|number| format!("Titre {number}")).collect();
    let long = Content::Row { first: true, cells };
    let found = whole(vec![long, row(false, &["Attaché", "1"])]);
    assert!(found.len() > 3, "{}", found.len());
    assert!(found.iter().all(|passage| words(&passage.text) <= MOST_WORDS));
    let all: String = found.iter().map(|passage| passage.text.as_str()).collect();
    assert!(all.contains("Titre 0") && all.contains("Titre 599") && all.contains("Attaché"));
}

#[test]
fn a_slide_has_no_heading_of_the_one_before() {
    let mut blocks = at(&Place::Slide(1), vec![heading(1, "Budget"), paragraph(5, "a")]);
    blocks.extend(at(&Place::Slide(2), vec![paragraph(5, "b")]));
    blocks.extend(at(&Place::Slide(3), vec![heading(1, "Merci")]));
    let found = passages(&blocks);
    assert_eq!(found.iter().map(|one| one.headings.len()).collect::<Vec<_>>(), [1, 0, 0]);
    assert_eq!((&found[2].place, found[2].text.as_str()), (&Place::Slide(3), "Merci"));
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        (1..5_u8, "[a-z]{1,8}").prop_map(|(level, text)| Content::Heading(level, text)),
        "([a-zé]{1,12}[ .]{1,2}){1,400}".prop_map(Content::Paragraph),
        "[a-zé]{1,9}( [a-z]{1,9}){0,30}".prop_map(Content::Item),
        (any::<bool>(), prop::collection::vec("[a-z|]{0,9}", 1..5))
            .prop_map(|(first, cells)| Content::Row { first, cells }),
        (any::<bool>(), prop::collection::vec("[a-z|]{0,9}( [a-z]{1,30}){0,9}", 1..100))
            .prop_map(|(first, cells)| Content::Row { first, cells }),
    ]
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![Just(Place::Whole), (1..4_u32).prop_map(Place::Page), (1..4_u32).prop_map(Place::Slide)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_word_is_lost_and_no_passage_is_too_long(blocks in prop::collection::vec(
        (place(), content()).prop_map(|(place, content)| Block { place, content }), 0..40))
    {
        let found = passages(&blocks);
        for passage in &found {
            prop_assert!(words(&passage.text) <= MOST_WORDS, "{}", words(&passage.text));
            prop_assert!(!passage.text.trim().is_empty());
        }
        let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
        let all: Vec<String> = found.iter().map(|one| one.headings.concat() + one.text.as_str()).collect();
        for block in &blocks {
            let (Content::Heading(_, text) | Content::Item(text)) = &block.content else { continue };
            for word in text.split_whitespace() {
                prop_assert!(all.iter().any(|one| one.contains(word)), "{word} is lost");
            }
        }
        let paragraphs: String = blocks.iter().filter_map(|block| match &block.content {
            Content::Paragraph(text) => Some(letters(text)),
            _ => None,
        }).collect();
        prop_assert!(letters(&found.iter().map(|one| one.text.as_str()).collect::<String>()).len() >= paragraphs.len());
    }
}
