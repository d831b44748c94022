//! Which of two languages a text is in, by the little words that each cannot do without.

use super::Tongue;

const FRENCH: [&str; 44] = [
    "le", "la", "les", "un", "une", "des", "du", "de", "et", "est", "vous", "nous", "je", "il", "elle", "que", "qui",
    "dans", "pour", "pas", "sur", "avec", "ce", "cette", "ces", "au", "aux", "votre", "vos", "sont", "ne", "ou", "par",
    "plus", "peut", "mais", "si", "etre", "en", "son", "sa", "ses", "leur", "bonjour",
];

const ENGLISH: [&str; 44] = [
    "the", "a", "an", "of", "and", "is", "are", "you", "your", "we", "i", "it", "that", "which", "in", "for", "not",
    "on", "with", "this", "these", "to", "be", "by", "or", "can", "but", "if", "as", "at", "from", "have", "has",
    "will", "was", "do", "does", "please", "they", "their", "my", "would", "should", "hello",
];

/// The language of a text; nothing where it has too few words that tell.
pub(super) fn of(plain: &str) -> Option<Tongue> {
    let (mut french, mut english) = (0_usize, 0_usize);
    for word in plain.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        french += usize::from(FRENCH.contains(&word));
        english += usize::from(ENGLISH.contains(&word));
    }
    match french.cmp(&english) {
        std::cmp::Ordering::Greater => Some(Tongue::Fr),
        std::cmp::Ordering::Less => Some(Tongue::En),
        std::cmp::Ordering::Equal => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::words::plain, Tongue, of};

    #[test]
    fn french_and_english_are_told_apart() {
        for (text, language) in [
            ("Vous posez vos congés dans l’outil, avec l’accord de votre chef.", Some(Tongue::Fr)),
            ("Your leave is requested in the tool, with your manager's agreement.", Some(Tongue::En)),
            ("Oui.", None),
            ("Le mot anglais « feedback » se traduit par « retour ».", Some(Tongue::Fr)),
        ] {
            assert_eq!(of(&plain(text)), language, "{text}");
        }
    }
}
