//! What differs, and what is known of the texts that are compared.

use crate::translation::languages::TextLanguage;

/// What kind of thing differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// An amount of money, a percentage.
    Amount,
    /// A date.
    Date,
    /// A time of day.
    Time,
    /// A name or an acronym.
    Name,
    /// An address of mail or of the Web.
    Address,
    /// The number of a text, of a file, of an article.
    Reference,
}

/// Something of a text that is not in its translation.
#[derive(Clone, PartialEq, Eq)]
pub struct Difference {
    /// What it is.
    pub kind: Kind,
    /// As the text has it.
    pub shown: String,
}

impl std::fmt::Debug for Difference {
    /// Leaves the words out.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Difference").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What is known of a text and its translation.
#[derive(Clone, Copy)]
pub struct Languages<'a> {
    /// The language of the text, where it is known.
    pub from: Option<TextLanguage>,
    /// That of the translation.
    pub to: TextLanguage,
    /// What a folded word is in French.
    pub lexicon: &'a dyn Fn(&str) -> Known,
}

/// What a word is known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// An ordinary word: a capital does not make a name of it.
    Ordinary,
    /// A name and no ordinary word.
    Name,
    /// Nothing is known of it.
    Nothing,
}
