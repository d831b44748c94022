//! The bot against a real homeserver and real clients: one program, so that all scenarios share one Synapse.

#[path = "../support/mod.rs"]
mod support;

mod support_works;
mod world;
