//! Texts as they are compared.

use crate::index::french::fold;

/// Small letters without accents, the words separated by one space.
pub fn plain(text: &str) -> String {
    let folded = fold(text);
    folded.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
