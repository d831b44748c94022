//! The bot against a real homeserver and real clients: one program, so that all scenarios share one Synapse.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod backup;
mod care;
mod commands;
mod compagnons;
mod contact;
mod dm;
mod insecure;
mod limits;
mod meaning;
mod outage;
mod privacy;
mod restart;
mod rooms;
mod store_faults;
mod supervision;
mod support_works;
mod threads;
mod world;
