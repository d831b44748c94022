//! What is known of a word.

use std::ops::{BitOr, BitOrAssign};

/// A set of what a word may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Flags(u32);

impl Flags {
    /// A common French word.
    pub(super) const WORD: Self = Self(1);
    /// A first name.
    pub(super) const FIRST: Self = Self(1 << 1);
    /// A surname.
    pub(super) const SURNAME: Self = Self(1 << 2);
    /// One of the most frequent surnames.
    pub(super) const COMMON: Self = Self(1 << 3);
    /// An article, a pronoun, an auxiliary: never a name.
    pub(super) const FUNCTION: Self = Self(1 << 4);
    /// A proper noun that names nobody: a service of the State, a brand, a country, a month.
    pub(super) const KNOWN: Self = Self(1 << 5);
    /// "Madame", "M.": a name follows.
    pub(super) const TITLE: Self = Self(1 << 6);
    /// "conseillère", "mari": a name may follow.
    pub(super) const ROLE: Self = Self(1 << 7);
    /// What stands inside a name: "de", "ben", "van".
    pub(super) const PARTICLE: Self = Self(1 << 8);
    /// The first word of a place's name.
    pub(super) const PLACE: Self = Self(1 << 9);
    /// "association", "lycée": a name may follow.
    pub(super) const BODY: Self = Self(1 << 10);
    /// "rue", "avenue".
    pub(super) const STREET: Self = Self(1 << 11);
    /// A verb in the third person, or what stands before one: the subject came before.
    pub(super) const VERB: Self = Self(1 << 12);
    /// "Bonjour", "cher".
    pub(super) const GREETING: Self = Self(1 << 13);
    /// A legal form.
    pub(super) const LEGAL: Self = Self(1 << 14);
    /// "habite", "agence": a place may follow "à" or "de".
    pub(super) const AT: Self = Self(1 << 15);
    /// "mairie": nothing but a place follows.
    pub(super) const SURELY: Self = Self(1 << 16);
    /// "écrire": a person follows "à".
    pub(super) const SPOKEN: Self = Self(1 << 17);
    /// "Cordialement".
    pub(super) const CLOSING: Self = Self(1 << 18);
    /// "nommé".
    pub(super) const CALLED: Self = Self(1 << 19);
    /// A small word of another language.
    pub(super) const FOREIGN: Self = Self(1 << 20);
    /// "dossier", "fils": of somebody.
    pub(super) const OWNED: Self = Self(1 << 21);
    /// "menuiserie": begins a company's name.
    pub(super) const TRADE: Self = Self(1 << 22);
    /// Any of a person's names.
    pub(super) const NAME: Self = Self(Self::FIRST.0 | Self::SURNAME.0 | Self::COMMON.0);

    /// What is no name, though it is written as one.
    pub(super) const NO_NAME: Self = Self(
        Self::FUNCTION.0
            | Self::TITLE.0
            | Self::ROLE.0
            | Self::BODY.0
            | Self::KNOWN.0
            | Self::VERB.0
            | Self::GREETING.0
            | Self::STREET.0,
    );

    /// Whether it is one of these.
    pub(super) fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
