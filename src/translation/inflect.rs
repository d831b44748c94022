//! Whether two words are forms of one: plurals, feminines. By endings alone, and generous: it is asked whether a term that was to be used was.

/// The fewest letters of what an ending leaves.
const SHORTEST_STEM: usize = 3;

/// The forms that a folded word may be a form of, itself included.
#[must_use]
pub fn bases(word: &str, language: &str) -> Vec<String> {
    let mut found = vec![word.to_owned()];
    if word.chars().count() <= SHORTEST_STEM || word.chars().any(|letter| letter.is_ascii_digit()) {
        return found;
    }
    match language {
        "fr" => {
            endings(&mut found, 0, &[("aux", "al"), ("aux", "ail"), ("x", ""), ("s", "")]);
            let plurals = found.len();
            for at in 0..plurals {
                endings(&mut found, at, &FEMININE);
            }
        }
        "en" => endings(&mut found, 0, &ENGLISH),
        "de" => endings(
            &mut found,
            0,
            &[
                ("innen", ""),
                ("nen", "n"),
                ("en", ""),
                ("er", ""),
                ("es", ""),
                ("em", ""),
                ("e", ""),
                ("n", ""),
                ("s", ""),
            ],
        ),
        _ => endings(
            &mut found,
            0,
            &[
                ("es", ""),
                ("os", ""),
                ("as", ""),
                ("en", ""),
                ("s", ""),
                ("a", ""),
                ("o", ""),
                ("i", ""),
                ("e", ""),
                ("n", ""),
            ],
        ),
    }
    found
}

const FEMININE: [(&str, &str); 13] = [
    ("elle", "el"),
    ("enne", "en"),
    ("onne", "on"),
    ("ette", "et"),
    ("ere", "er"),
    ("ive", "if"),
    ("euse", "eur"),
    ("euse", "eux"),
    ("trice", "teur"),
    ("que", "c"),
    ("che", "c"),
    ("gue", "g"),
    ("e", ""),
];

const ENGLISH: [(&str, &str); 9] = [
    ("ies", "y"),
    ("ves", "f"),
    ("ices", "ix"),
    ("ices", "ex"),
    ("ses", "sis"),
    ("people", "person"),
    ("men", "man"),
    ("es", ""),
    ("s", ""),
];

/// Adds what one of the words becomes without each ending that it has.
fn endings(found: &mut Vec<String>, at: usize, endings: &[(&str, &str)]) {
    let Some(word) = found.get(at).cloned() else { return };
    for (ending, instead) in endings {
        let Some(stem) = word.strip_suffix(ending) else { continue };
        // "ss" is no plural.
        let doubled = *ending == "s" && stem.ends_with('s');
        let base = format!("{stem}{instead}");
        if base.chars().count() >= SHORTEST_STEM && !doubled && !found.contains(&base) {
            found.push(base);
        }
    }
}

/// Whether two folded words are forms of one.
#[must_use]
pub fn alike(one: &str, other: &str, language: &str) -> bool {
    if one == other {
        return true;
    }
    if !one.is_ascii() || !other.is_ascii() {
        return same_stem(one, other);
    }
    let bases_of_one = bases(one, language);
    bases(other, language).iter().any(|base| bases_of_one.contains(base))
}

/// In scripts whose endings are not known here: whether words begin alike.
fn same_stem(one: &str, other: &str) -> bool {
    let common = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let longest = one.chars().count().max(other.chars().count());
    common >= SHORTEST_STEM && common + 3 >= longest
}

#[cfg(test)]
mod tests {
    use super::alike;

    #[test]
    fn forms_of_a_word_are_alike() {
        for (language, one, other) in [
            ("fr", "mission", "missions"),
            ("fr", "diplomatique", "diplomatiques"),
            ("fr", "national", "nationaux"),
            ("fr", "national", "nationales"),
            ("fr", "travail", "travaux"),
            ("fr", "bureau", "bureaux"),
            ("fr", "public", "publiques"),
            ("fr", "administratif", "administratives"),
            ("fr", "directeur", "directrices"),
            ("fr", "conseiller", "conseilleres"),
            ("fr", "ancien", "anciennes"),
            ("fr", "precieux", "precieuses"),
            ("en", "ministry", "ministries"),
            ("en", "embassy", "embassies"),
            ("en", "business", "businesses"),
            ("en", "person", "people"),
            ("en", "chairman", "chairmen"),
            ("en", "analysis", "analyses"),
            ("de", "behorde", "behorden"),
            ("es", "ministerio", "ministerios"),
            ("ru", "посольство", "посольства"),
        ] {
            assert!(alike(one, other, language) && alike(other, one, language), "{one} {other}");
        }
        for (language, one, other) in [
            ("fr", "mission", "commission"),
            ("fr", "bureau", "bureaucratie"),
            ("en", "mission", "missing"),
            ("en", "diplomatic", "diplomacy"),
            ("fr", "le", "les"),
        ] {
            assert!(!alike(one, other, language), "{one} {other}");
        }
    }
}
