//! `compagnon`: a Matrix bot for Tchap that answers agents with a language model loaded locally.
//!
//! The modules stand on floors; each uses only the floors below it (`tests/architecture.rs` holds them to it):
//!
//! | floor | modules |
//! |---|---|
//! | 5 | `main`, [`cli`] |
//! | 4 | [`app`], [`config`], [`telemetry`], [`http`] |
//! | 3 | [`assistant`] |
//! | 2 | [`matrix`], [`store`], [`inference`] |
//! | 1 | [`conversation`], [`compagnon`], [`message`], [`secret`], [`setting`] |

pub mod app;
pub mod assistant;
pub mod cli;
pub mod compagnon;
pub mod config;
pub mod conversation;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
pub mod http;
pub mod inference;
pub mod matrix;
pub mod message;
pub mod secret;
pub mod setting;
pub mod store;
pub mod telemetry;
