//! The sentences about documents that are read part by part, in both languages.

/// A sentence about such a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synthesis {
    /// How far it has come.
    Reading {
        /// How many parts are read.
        read: usize,
        /// How many there are.
        parts: usize,
    },
    /// The answer rests on notes that do not hold the whole of the documents.
    NotWhole,
}

/// In French.
pub(super) fn fr(synthesis: Synthesis) -> String {
    match synthesis {
        Synthesis::Reading { read, parts } => {
            let part = (read + 1).min(parts);
            format!("Lecture en cours : partie {part} sur {parts}. Écrivez `!stop` pour l’arrêter.")
        }
        Synthesis::NotWhole => {
            "_Les documents sont très longs : une partie n’a pas pu être prise en compte._".to_owned()
        }
    }
}

/// In English.
pub(super) fn en(synthesis: Synthesis) -> String {
    match synthesis {
        Synthesis::Reading { read, parts } => {
            let part = (read + 1).min(parts);
            format!("Reading part {part} of {parts}. Write `!stop` to stop.")
        }
        Synthesis::NotWhole => {
            "_The documents are very long: part of them could not be taken into account._".to_owned()
        }
    }
}
