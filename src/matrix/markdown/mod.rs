//! Reads the Markdown that a model writes, as chat clients can show it: formulas, operators, tags and tables become what is legible also
//! where a client knows few elements of HTML, or shows the plain text only. Pure.
//!
//! The text is parsed once its operators and formulas are out of the way (`shield`); tags are resolved (`tags`), tables laid out (`table`).
//! From the events come the HTML (`matrix::html`) and, by the places that they name in the source, the plain text.

mod document;
mod draft;
mod enough;
mod fence;
mod latex;
mod leaves;
mod maths;
mod operators;
mod reading;
mod resume;
#[cfg(test)]
mod samples;
mod shield;
mod symbols;
mod table;
mod tags;
#[cfg(test)]
mod tests;

pub(super) use self::{
    document::{Document, plain},
    fence::{longest_fence, open_fence},
    resume::resumed,
};
pub use self::{draft::settled, enough::says_enough, table::Tables};
