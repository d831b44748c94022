//! Placeholders between people and the model: with `pseudonyms`, nothing that identifies anybody reaches it.
//!
//! [`Veiled`] stands in the place of the model, for whoever asks it anything: answers, summaries, notes on documents, jobs. What it counts and what it
//! sends on are the texts with placeholders; what it gives back has the names again. What a placeholder stands for is kept, sealed, per conversation.
//!
//! Where the configuration has a model that finds names, it reads every request before that is sent: what could not be read is not sent.

mod conversation;
mod form;
mod veiled;

pub use self::{
    conversation::{Place, Veil},
    veiled::Veiled,
};
