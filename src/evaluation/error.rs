//! Why a set of cases cannot be used.

/// Why a set of cases cannot be used. Each says where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaseError {
    /// The name ends in nothing that is known.
    #[error("a set of cases is a .yaml, .jsonl or .csv file")]
    Kind,
    /// The file is longer than a set may be.
    #[error("the set has more than {most} bytes: split it")]
    TooLarge {
        /// The most bytes.
        most: usize,
    },
    /// The file is not UTF-8.
    #[error("the set is not UTF-8 text: save it as UTF-8")]
    Encoding,
    /// The file is not of its form.
    #[error("{place}: {reason}")]
    Malformed {
        /// Where.
        place: String,
        /// Why.
        reason: String,
    },
    /// There is no case.
    #[error("the set has no case")]
    Empty,
    /// There are too many.
    #[error("the set has more than {most} cases: split it")]
    TooMany {
        /// The most cases.
        most: usize,
    },
    /// A case cannot be asked or judged.
    #[error("case {case}: {reason}")]
    Case {
        /// Its name, or its number.
        case: String,
        /// Why.
        reason: String,
    },
}
