//! The synthesis of documents that are longer than the model's context. The model reads them part by part and notes of each what matters to the
//! question (map); notes that are still too long together are read the same way (reduce); the question is then answered from the notes as
//! from any sources, and cites the pages that they begin on.
//!
//! The parts are requests beside one another, so that the engine computes them as one batch, but only a few at a time: rooms go on.

mod parts;
mod prompt;
mod reader;
mod shown;
#[cfg(test)]
mod tests;

pub use self::{prompt::asks_for_synthesis, reader::Whole, shown::read_documents};
