//! Each transform alone and the chains: what comes out, and that it does not depend on where the pieces end.

use std::sync::Arc;

use proptest::prelude::*;

use super::{
    Chain, Checking, Checks, CloseBlocks, Cut, Ellipsis, Extract, LONGEST_DRAFT, Placeholders, Settle, Transform, Trim,
    answer, complete, draft,
};
use crate::matrix;

/// What comes out of a text that arrives in these pieces.
fn in_pieces(mut chain: impl Transform, pieces: &[&str]) -> String {
    let mut out = String::new();
    for piece in pieces {
        chain.push(piece, &mut out);
    }
    chain.finish(&mut out);
    out
}

/// The text cut at these places, each moved to the next character.
fn cut<'a>(text: &'a str, places: &[prop::sample::Index]) -> Vec<&'a str> {
    let boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut places: Vec<usize> = places.iter().map(|place| *place.get(&boundaries)).collect();
    places.extend([0, text.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

fn one(step: impl Transform + 'static) -> Chain {
    Chain::new(vec![Box::new(step)])
}

#[test]
fn white_space_around_an_answer_is_dropped_and_within_it_kept() {
    let trim = |pieces: &[&str]| in_pieces(Trim::default(), pieces);
    assert_eq!(trim(&["\n", " \n", "a", " ", "\n", "b ", " "]), "a \nb");
    assert_eq!(trim(&[" ", "\n"]), "");
}

#[test]
fn an_answer_so_far_never_ends_with_white_space() {
    let (mut chain, mut out) = (answer(Checking::Nothing), String::new());
    for piece in ["Voici", " :", "\n\n", "- a"] {
        chain.push(piece, &mut out);
        assert_eq!(out, out.trim(), "after {piece:?}");
    }
    assert_eq!(out, "Voici :\n\n- a");
}

#[test]
fn a_text_is_cut_between_characters() {
    assert_eq!(in_pieces(Cut::at(4), &["éé", "é"]), "éé");
    assert_eq!(in_pieces(Cut::at(3), &["é", "éa"]), "é");
    assert_eq!(in_pieces(Cut::at(3), &["é", "éa", "b"]), "é", "nothing after the cut");
}

#[test]
fn an_open_code_block_is_closed() {
    let close = |text: &str| one(CloseBlocks::default()).apply(text);
    assert_eq!(close("a\n```rust\nlet x"), "a\n```rust\nlet x\n```");
    assert_eq!(close("a\n```\nb\n"), "a\n```\nb\n```");
    assert_eq!(close("~~~~\na"), "~~~~\na\n~~~~");
    assert_eq!(close("a\n```\nb\n```"), "a\n```\nb\n```");
}

#[test]
fn a_draft_shows_that_more_is_to_come_outside_of_its_code() {
    assert_eq!(draft().apply("Voici"), "Voici …");
    assert_eq!(draft().apply("```\nlet x"), "```\nlet x\n```\n\n…");
    assert_eq!(one(Ellipsis::default()).apply("a `b`"), "a `b` …");
    assert_eq!(draft().apply("| a |\n|---|\n| b |"), "| a |\n|---|\n| b |\n\n…");
    assert_eq!(draft().apply("Voici **le poi"), "Voici **le poi** …");
    let long = draft().apply(&"mot ".repeat(LONGEST_DRAFT));
    assert!(long.len() <= LONGEST_DRAFT + " …".len() && long.ends_with(" …"), "{}", long.len());
}

/// What an answer from two passages is checked against.
fn checks() -> Arc<Checks> {
    let extract = |text| Extract { text, names: &["Guide.pdf"] };
    let passages = [extract("Les jours sont reportés. Tél. 01 23 45 67 89."), extract("Écrire à rh@exemple.org.")];
    let placeholders = Placeholders { address: "(adresse)", phone: "(numéro)" };
    Arc::new(Checks::new(&passages, ["question"].into_iter(), placeholders))
}

/// What an answer from documents is checked for.
fn sources() -> impl Strategy<Value = String> {
    let pieces = [
        "[1]",
        "[9]",
        " [1, 7]",
        "【2】",
        "[^1]",
        "[1](x)",
        "« ",
        " »",
        "« Les jours sont reportés »",
        "“les jours sont perdus”",
        "\"",
        "http://a.fr/",
        "rh@exemple.org",
        "x@y.fr",
        "www.",
        "01 23 45 67 89",
        "+33 6 00 00 00 00",
        "\n> les jours sont perdus\n",
        "\n\n",
        "\u{200b}",
        "`",
        " et ",
        "(",
        ")",
        "é",
        "0",
        "appelez ",
        "3939",
    ];
    prop::sample::select(pieces.to_vec()).prop_map(str::to_owned)
}

/// Text with what the transforms look at.
fn markdown() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof!["[ -~éç…]{0,6}", "[ \n\t]{0,3}", Just("```".to_owned()), Just("\n~~~ ".to_owned()), sources()],
        0..24,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_comes_out_does_not_depend_on_where_the_pieces_end(
        text in markdown(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        limit in 0_usize..40,
    ) {
        let pieces = cut(&text, &places);
        prop_assert_eq!(pieces.concat(), text.clone());
        let chains: [&dyn Fn() -> Chain; 11] = [
            &|| one(Trim::default()),
            &|| one(Cut::at(limit)),
            &|| one(CloseBlocks::default()),
            &|| one(Ellipsis::default()),
            &|| one(Settle::default()),
            &|| answer(Checking::Nothing),
            &|| answer(Checking::Unsourced),
            &|| answer(Checking::Against(checks())),
            &draft,
            &complete,
            &|| Chain::new(vec![Box::new(answer(Checking::Nothing)), Box::new(Cut::at(limit)), Box::new(complete())]),
        ];
        for (number, chain) in chains.iter().enumerate() {
            prop_assert_eq!(in_pieces(chain(), &pieces), chain().apply(&text), "chain {}", number);
        }
    }

    #[test]
    fn the_transforms_do_what_they_say(text in markdown(), limit in 0_usize..40) {
        prop_assert_eq!(answer(Checking::Nothing).apply(&text), text.trim());
        let short = one(Cut::at(limit)).apply(&text);
        prop_assert!(text.starts_with(&short) && short.len() <= limit);
        prop_assert!(short.len() == text.len() || short.len() + 4 > limit);
        let closed = complete().apply(&text);
        prop_assert!(closed.starts_with(&text));
        // Nothing is open any more.
        prop_assert_eq!(matrix::closed(&closed), closed.as_str());
        // What is below a draft's block is no code.
        let drafted = draft().apply(&text);
        prop_assert!(drafted.ends_with('…'));
        prop_assert_eq!(matrix::closed(&drafted), drafted.as_str());
    }
}
