//! Reading what people type: with or without accents and capitals, with a slip of a letter. Pure.

use std::time::Duration;

use crate::{compagnon::is_invisible, index::french::fold};

/// What people put before or after a command out of politeness, as [`plain`] gives it.
const POLITE: [&[&str]; 9] = [
    &["s'il", "vous", "plait"],
    &["s'il", "te", "plait"],
    &["svp"],
    &["stp"],
    &["merci"],
    &["please"],
    &["pls"],
    &["thanks"],
    &["thank", "you"],
];

/// What ends a sentence.
const STOPS: [char; 7] = ['.', '!', '?', '…', ',', ';', ':'];

/// A text without accents and capitals, for comparing.
pub(super) fn plain(text: &str) -> String {
    fold(text)
}

/// A word without what ends a sentence.
pub(super) fn without_stops(word: &str) -> &str {
    word.trim_end_matches(STOPS)
}

/// What a short message says: without its full stop, without polite words at either end, and once where it is one word said again.
pub(super) fn core(text: &str) -> String {
    let same = |word: &str, polite: &str| plain(without_stops(word)).replace('’', "'") == polite;
    let mut words: Vec<&str> = text.split_whitespace().collect();
    loop {
        let before = words.len();
        while let Some(last) = words.last_mut() {
            *last = without_stops(last);
            if !last.is_empty() {
                break;
            }
            words.pop();
        }
        for polite in POLITE {
            let is = |said: &[&str]| said.iter().zip(polite).all(|(word, polite)| same(word, polite));
            if words.len() > polite.len() && is(&words[words.len() - polite.len()..]) {
                words.truncate(words.len() - polite.len());
            }
            if words.len() > polite.len() && is(&words[..polite.len()]) {
                words.drain(..polite.len());
            }
        }
        if words.len() == before {
            break;
        }
    }
    if words.iter().all(|word| plain(without_stops(word)) == plain(words[0])) {
        words.truncate(1);
    }
    words.join(" ")
}

/// Whether a text shows nothing: invisible letters say nothing to a model either.
pub(in crate::assistant) fn is_blank(text: &str) -> bool {
    text.chars().all(|letter| letter.is_whitespace() || letter.is_control() || is_invisible(letter))
}

/// Whether a word is one of these, accents and capitals aside.
pub(super) fn is(word: &str, names: &[&str]) -> bool {
    let word = plain(word);
    names.iter().any(|name| plain(name) == word)
}

/// The identifier made from a name: `Budget de l'été` is `budget-de-l-ete`.
pub(super) fn slug(name: &str) -> String {
    const LONGEST: usize = 40;
    let plain = plain(name);
    let words = plain.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut slug = String::new();
    for word in words {
        if slug.is_empty() {
            // A single word may be longer than an identifier is.
            slug.push_str(&word[..word.len().min(LONGEST)]);
            continue;
        }
        if slug.len() + word.len() >= LONGEST {
            break;
        }
        slug.push('-');
        slug.push_str(word);
    }
    slug
}

/// The one of `names` that was probably meant: a slip or two away.
pub(super) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    let distance = |name: &str| strsim::damerau_levenshtein(&word, &plain(name));
    names
        .map(|name| (distance(name), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A time such as `7j`, `12 h`, `2 semaines`, `3d`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let text = plain(text);
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let hours = match unit.trim() {
        "h" | "heure" | "heures" | "hour" | "hours" => 1,
        "j" | "jour" | "jours" | "d" | "day" | "days" => 24,
        "s" | "sem" | "semaine" | "semaines" | "w" | "week" | "weeks" => 7 * 24,
        _ => return None,
    };
    let hours = count.parse::<u32>().ok()?.checked_mul(hours)?;
    (hours > 0).then(|| Duration::from_hours(hours.into()))
}

/// A text on one line, without what is not seen.
pub(super) fn one_line(text: &str) -> String {
    let seen: String = text
        .chars()
        .map(|letter| if letter.is_whitespace() { ' ' } else { letter })
        .filter(|letter| !letter.is_control() && !is_invisible(*letter))
        .collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A number as people write it, with a point or a comma.
pub(super) fn number(text: &str) -> Option<f32> {
    text.replace(',', ".").parse().ok().filter(|number: &f32| number.is_finite())
}

/// A block that shows a text as it is, whatever stands in it.
pub(in crate::assistant) fn block(language: &str, text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}")
}

/// Text that markdown leaves alone, on one line and in one direction: for names that people have chosen.
pub(in crate::assistant) fn inert(text: &str) -> String {
    let mut inert = String::with_capacity(text.len());
    for letter in text.trim().chars() {
        match letter {
            letter if letter.is_whitespace() => inert.push(' '),
            // What turns the writing around would turn around what stands beside it; what is not seen tells names apart that look alike.
            letter if letter.is_control() || is_invisible(letter) => {}
            letter if letter.is_ascii_punctuation() && !"'-.,;:!?()/".contains(letter) => inert.extend(['\\', letter]),
            letter => inert.push(letter),
        }
    }
    inert
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{block, core, duration, inert, is, is_blank, nearest, number, plain, slug};
    use crate::assistant::texts::Language;

    #[test]
    fn accents_and_capitals_do_not_matter() {
        assert_eq!(plain("Réponses"), "reponses");
        assert_eq!(plain("re\u{301}ponses"), "reponses");
        assert!(is("CREER", &["créer"]) && !is("cree", &["créer"]));
    }

    #[test]
    fn a_name_makes_an_identifier() {
        assert_eq!(slug("Budget de l’été 2027 !"), "budget-de-l-ete-2027");
        assert_eq!(slug("🙂"), "");
        assert_eq!(slug(&"a".repeat(40)), "a".repeat(40));
        assert_eq!(slug(&"b".repeat(60)).len(), 40);
        assert!(slug(&"mot ".repeat(50)).len() <= 40);
    }

    #[test]
    fn full_stops_and_polite_words_are_no_part_of_what_is_said() {
        for text in
            ["Stop !", "stop.", "stop svp", "Stop, s’il vous plaît.", "SVP stop", "stop stop STOP!!", "stop merci !"]
        {
            assert_eq!(plain(&core(text)), "stop", "{text}");
        }
        assert_eq!(core("oublier  moi, please."), "oublier moi");
        assert_eq!([core("!!!"), core(""), core("merci"), core("merci !")], ["", "", "merci", "merci"]);
    }

    #[test]
    fn what_shows_nothing_is_blank() {
        assert!(["", " \n", "\u{200b}", "\u{feff}\u{202e}", "\u{2060} \u{ad}"].into_iter().all(is_blank));
        assert!(!is_blank("\u{200b}a") && !is_blank("🙂") && !is_blank("?"));
    }

    #[test]
    fn a_slip_is_understood_and_another_word_is_not() {
        let names = ["aide", "compagnon", "oublier"];
        for (word, expected) in
            [("aid", Some("aide")), ("compangon", Some("compagnon")), ("oubliez", Some("oublier")), ("météo", None)]
        {
            assert_eq!(nearest(word, names.into_iter()), expected, "{word}");
        }
    }

    #[test]
    fn times_and_numbers() {
        let hours = |text| duration(text).map(|time| time.as_secs() / 3600);
        assert_eq!(["7j", "12 h", "2 semaines", "1 Jour", "3d"].map(hours), [168, 12, 336, 24, 72].map(Some));
        assert_eq!(["", "j", "0j", "7", "7 ans", "-2j", "99999999999j", "4294967295j"].map(hours), [None; 8]);
        assert_eq!(duration("1h"), Some(Duration::from_hours(1)));
        assert_eq!(
            [Language::Fr.decimal(0.3), Language::En.decimal(1.5), Language::Fr.decimal(1.0)],
            ["0,3", "1.5", "1"]
        );
        assert_eq!([number("0,2"), number("1.5"), number("x"), number("inf")], [Some(0.2), Some(1.5), None, None]);
    }

    #[test]
    fn a_block_is_longer_than_the_fences_in_it() {
        assert_eq!(block("", "a\n```\nb"), "````\na\n```\nb\n````");
        assert_eq!(block("diff", "a"), "```diff\na\n```");
    }

    #[test]
    fn a_name_is_no_markup() {
        assert_eq!(inert("**[x](y)** `z`\n# l'été"), r"\*\*\[x\](y)\*\* \`z\` \# l'été");
        assert_eq!(inert(" a\u{202E}b\u{0}\tc "), "ab c");
    }
}
