//! The public page over HTTP, as anybody reads it: its headers, its languages, hostile requests, and what axe-core finds in it.

#[path = "../support/mod.rs"]
mod support;

mod accessible;
mod contrast;
mod figures;
mod http;
mod private;
