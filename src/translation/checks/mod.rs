//! What of a text has to be found in its translation: numbers, amounts, dates, times, names, addresses, references. What is missing there is a
//! difference, for a person to look at: it may be right all the same.

mod amounts;
mod compare;
mod dates;
mod difference;
mod fact;
mod facts;
mod months;
mod names;
mod places;
mod reading;
mod tokens;

#[cfg(test)]
mod tests;

pub use self::{
    compare::differences,
    difference::{Difference, Kind, Known, Languages},
};
