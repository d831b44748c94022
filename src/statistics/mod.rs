//! What is counted of the bot's work: how much is asked, answered, refused and rated, what it takes. Nothing here has content, and nothing names a person.
//!
//! The counters of a day are kept by compagnon, model and kind of work; people are only ever numbers, by week. `store` keeps them, the metrics,
//! the public page and the digests read them. What the public may see of them is `published`.

mod counted;
mod counters;
mod day;
mod emoji;
mod histogram;
pub mod published;
mod series;
mod table;

pub use self::{
    counted::{Counted, Outcome},
    counters::{Counters, MOST_REFUSALS, Rating, Reason, Refusal},
    day::{Day, Week},
    histogram::{BOUNDS, Histogram},
    series::{Activity, Compagnon, Series},
    table::{Crowd, Statistics},
};
