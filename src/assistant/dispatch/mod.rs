//! Which work runs when: lanes by conversation, active generations and their cancellation, edits at rest, and retries.

mod active;
mod dispatcher;
mod edits;
mod in_progress;
mod lanes;
mod originals;
mod retry;

pub use self::{
    active::{ActiveGeneration, ActiveGenerations, Interruption},
    dispatcher::{Dispatcher, Parts},
    in_progress::InProgress,
    lanes::{Lanes, Work},
};
