//! `compagnon`: a Matrix bot for Tchap that answers agents with a language model loaded locally.
//!
//! The modules form layers; a module uses only the layers below its own, and no two files import each other in a circle.
//! `tests/architecture.rs` checks both:
//!
//! | layer | modules |
//! |---|---|
//! | 5 | `main`, [`cli`] |
//! | 4 | [`app`], [`config`], [`telemetry`], [`http`], [`page`] |
//! | 3 | [`assistant`] |
//! | 2 | [`matrix`], [`store`], [`inference`], [`services`], [`documents`], [`index`], [`collections`] |
//! | 1 | [`approved`], [`command`], [`conversation`], [`compagnon`], [`document`], [`energy`], [`evaluation`], [`html`], [`job`], [`material`], [`memory`], [`message`], [`metric`], [`privacy`], [`pseudonym`], [`secret`], [`segment`], [`setting`], [`spreadsheet`], [`statistics`], [`translation`], [`typography`], [`usage`] |

pub mod app;
pub mod approved;
pub mod assistant;
pub mod cli;
pub mod collections;
pub mod command;
pub mod compagnon;
pub mod config;
pub mod conversation;
pub mod document;
pub mod documents;
pub mod energy;
pub mod evaluation;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
pub mod html;
pub mod http;
pub mod index;
pub mod inference;
pub mod job;
pub mod material;
pub mod matrix;
pub mod memory;
pub mod message;
pub mod metric;
pub mod page;
pub mod privacy;
pub mod pseudonym;
pub mod secret;
pub mod segment;
pub mod services;
pub mod setting;
pub mod spreadsheet;
pub mod statistics;
pub mod store;
pub mod telemetry;
pub mod translation;
pub mod typography;
pub mod usage;
