//! Files of every format through one change of all their letters.

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
