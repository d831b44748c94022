//! Language models: the traits that the rest of the program uses, and the engines behind them.
//!
//! [`ChatModel`] answers a [`Request`] with a stream of [`Piece`]s; which engine generates them is known here only.

mod chat;
pub mod config;
mod embedding;
mod entity;
mod generation;
pub mod hub;
pub mod local;
mod request;
mod reranker;
pub mod scripted;
mod sha256;
mod weight_map;

pub use self::{
    chat::{ChatModel, CountAccuracy, Health, ModelLimits, TokenCounter},
    config::Config,
    embedding::{EmbeddingError, EmbeddingLimits, EmbeddingModel, Prefixes, TextKind},
    entity::{EntityModel, Haste},
    generation::{Generation, InferenceError, Piece, TextFilter},
    request::{CacheHint, CacheScope, Message, OutputFormat, Request, Sampling},
    reranker::Reranker,
};
pub use crate::usage::{Finish, Usage};
