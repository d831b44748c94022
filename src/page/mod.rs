//! The public page: what is published of the statistics (`statistics::published`), as pages, CSV and JSON, on a listener of its own.
//!
//! It knows neither the store nor the model: a [`Source`] gives it a [`Snapshot`]. What it shows changes once a week. It says its own
//! sentences (`texts`), because it is read by people who do not talk with the bot.
//!
//! A snapshot becomes a [`Site`] (`site`: every document, drawn once), which `server` gives out: `view` says what stands where, `curve` and
//! `numbers` how, the templates write the HTML.

mod cache;
mod config;
mod curve;
mod export;
mod guide;
mod listener;
mod numbers;
mod prose;
mod server;
mod site;
mod source;
mod tables;
mod templates;
mod texts;
mod view;

pub use self::{
    config::Config,
    guide::{MARKDOWN as GUIDE, html as guide},
    server::serve,
    site::{Document, Notice, Site},
    source::{Snapshot, Source, Unavailable},
    templates::Draw,
};
