//! The embedded test model, called the witness.

/// A tiny model with a few sentences, for tests and for a first try without a download.
pub(super) static WITNESS: &[u8] = include_bytes!("../../../tests/witness/witness.gguf");
