//! What is compared: a thing that a text says, with what it may mean.

use super::{difference::Kind, tokens::plain};

/// Something that has to be in a translation.
#[derive(Debug)]
pub struct Fact<'a> {
    pub kind: Kind,
    /// As it is written.
    pub shown: &'a str,
    pub start: usize,
    /// What it may mean. One of them is enough.
    pub values: Vec<Value>,
}

/// What something means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number, perhaps of a currency or of a hundred: digits, and a point before those of its fraction.
    Amount { number: String, unit: Option<&'static str> },
    /// A day, or a month.
    Date { year: Option<u32>, month: u32, day: Option<u32> },
    /// Minutes since midnight.
    Time(u32),
    /// A reference or an address, as it is compared.
    Exact(String),
}

impl Value {
    /// Whether a translation that has the other one has this.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            // A month alone is in any date of that month.
            (Self::Date { year: None, month, day: None }, Self::Date { month: there, .. }) => month == there,
            (Self::Amount { number, unit: None }, Self::Amount { number: there, .. }) => number == there,
            _ => self == other,
        }
    }

    /// As [`Value::is`], in a language whose words for units are not known here.
    pub fn is_but_for_unit(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Amount { number, .. }, Self::Amount { number: there, .. }) if number == there)
    }

    /// The numbers that it is made of, which may stand apart in a translation. `months` says whether the names of months are known there.
    pub fn parts(&self, months: bool) -> Option<Vec<String>> {
        match self {
            Self::Amount { number, unit: None } => Some(vec![number.clone()]),
            Self::Amount { .. } | Self::Time(_) => None,
            Self::Date { year, month, day } => {
                let month = months.then(|| format!("month {month}"));
                Some(year.iter().chain(day).map(u32::to_string).chain(month).collect())
            }
            Self::Exact(text) => {
                let digits_only = text.chars().all(|letter| letter.is_ascii_digit() || !letter.is_alphanumeric());
                digits_only.then(|| numbers_in(text))
            }
        }
    }
}

impl Fact<'_> {
    /// The numbers that it is made of.
    pub fn parts(&self) -> Vec<String> {
        let of = |value: &Value| match value {
            Value::Exact(text) => numbers_in(text),
            Value::Amount { number, .. } => vec![number.clone()],
            other => other.parts(true).unwrap_or_default(),
        };
        self.values.first().map(of).unwrap_or_default()
    }
}

fn numbers_in(text: &str) -> Vec<String> {
    let runs = text.split(|letter: char| !letter.is_ascii_digit()).filter(|run| !run.is_empty());
    runs.map(plain).collect()
}
