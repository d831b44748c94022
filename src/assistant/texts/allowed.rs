//! The values that settings may have.

use crate::compagnon::{HOTTEST, Language};

/// Of answers: how varied they are.
pub fn temperature(language: Language) -> String {
    let most = language.decimal(HOTTEST);
    match language {
        Language::Fr => format!("de 0 (constant) à {most} (varié)"),
        Language::En => format!("from 0 (constant) to {most} (varied)"),
    }
}

/// Of answers: the most tokens. A French word takes about one and a third.
pub fn length(language: Language, least: usize, most: usize) -> String {
    let words = |tokens: usize| language.number(tokens.saturating_mul(3) / 40 * 10);
    let (from, to) = (words(least), words(most));
    let [least, most] = [least, most].map(|tokens| language.number(tokens));
    match language {
        Language::Fr => format!("de {least} à {most} jetons (environ {from} à {to} mots)"),
        Language::En => format!("from {least} to {most} tokens (about {from} to {to} words)"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Language, length, temperature};

    #[test]
    fn values_have_their_units() {
        assert_eq!(length(Language::Fr, 50, 1024), "de 50 à 1\u{202f}024 jetons (environ 30 à 760 mots)");
        assert_eq!(temperature(Language::Fr), "de 0 (constant) à 1,5 (varié)");
        assert_eq!(temperature(Language::En), "from 0 (constant) to 1.5 (varied)");
    }
}
