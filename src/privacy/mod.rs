//! What people are told of their data: what ops say of their service, and what the program does as it is configured. Values; the sentences are in
//! `assistant::texts::privacy`.

mod config;
mod facts;

pub use self::{
    config::Config,
    facts::{Facts, Here, Keeps, Models, Sends, Whom},
};
