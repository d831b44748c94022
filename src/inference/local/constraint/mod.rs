//! The form of an answer, as a mask on the logits of its row: a token that no text of the form continues with is excluded.
//!
//! | file | task |
//! |---|---|
//! | `grammar` | a JSON schema or a pattern to what `llguidance` follows byte by byte, within limits |
//! | `pattern` | patterns that are none, or explode, are refused |
//! | `schema` | schemas that are too large are refused, and what they leave open is made narrower |
//! | `masks` | the trie of a vocabulary, compiled forms, and the threads that compute masks while the model computes |
//! | `closing` | the shortest way to the end, for an answer whose tokens run out |
//! | `row` | the state of one answer: its reasoning is free, then the mask applies |

mod closing;
mod grammar;
mod masks;
mod pattern;
mod row;
mod schema;
#[cfg(test)]
mod tests;

pub(super) use self::masks::Masks;
pub(super) use self::row::Constraint;
