//! What a finding is.

use serde::{Deserialize, Serialize};

/// What was found, and how its placeholders are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person's name.
    Person,
    /// A commune, a department or a region. Countries are left.
    Place,
    /// A company, an association, a school. The State's own services are left.
    Organisation,
    /// A postal address.
    Address,
    /// An e-mail address.
    Email,
    /// A name on a network, as a Matrix identifier.
    Account,
    /// A telephone number.
    Phone,
    /// A number of the social security, with its key or announced by the text.
    Nir,
    /// A company's number.
    Siren,
    /// An establishment's number.
    Siret,
    /// A bank account: IBAN, or RIB.
    BankAccount,
    /// A payment card.
    Card,
    /// A vehicle's registration.
    Plate,
    /// A passport.
    Passport,
    /// An identity card.
    IdentityCard,
    /// A taxpayer's number.
    TaxNumber,
    /// A number at the family allowances.
    Caf,
    /// A date of birth.
    BirthDate,
    /// Any other number by which somebody is known: of a file, of a contract, or an identifier whose key is wrong.
    Number,
    /// What looked like a placeholder before anything was replaced.
    Literal,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 20] = [
        Self::Person,
        Self::Place,
        Self::Organisation,
        Self::Address,
        Self::Email,
        Self::Account,
        Self::Phone,
        Self::Nir,
        Self::Siren,
        Self::Siret,
        Self::BankAccount,
        Self::Card,
        Self::Plate,
        Self::Passport,
        Self::IdentityCard,
        Self::TaxNumber,
        Self::Caf,
        Self::BirthDate,
        Self::Number,
        Self::Literal,
    ];

    /// The word in its placeholders.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Person => "PERSONNE",
            Self::Place => "LIEU",
            Self::Organisation => "ORGANISATION",
            Self::Address => "ADRESSE",
            Self::Email => "COURRIEL",
            Self::Account => "COMPTE",
            Self::Phone => "TELEPHONE",
            Self::Nir => "NIR",
            Self::Siren => "SIREN",
            Self::Siret => "SIRET",
            Self::BankAccount => "IBAN",
            Self::Card => "CARTE",
            Self::Plate => "PLAQUE",
            Self::Passport => "PASSEPORT",
            Self::IdentityCard => "IDENTITE",
            Self::TaxNumber => "FISCAL",
            Self::Caf => "CAF",
            Self::BirthDate => "NAISSANCE",
            Self::Number => "NUMERO",
            Self::Literal => "TEXTE",
        }
    }

    /// The kind with this word, in any case.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.label().eq_ignore_ascii_case(label))
    }
}
