//! The bot against a real homeserver and real clients: one program, so that all scenarios share one Synapse.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod backup;
mod canaries;
mod care;
mod commands;
mod compagnons;
mod config;
mod contact;
mod context;
mod dm;
mod documents;
mod encoders;
mod encryption_faults;
mod foreign_answers;
mod gaps;
mod guide;
mod insecure;
mod invitations;
mod js_clients;
mod kills;
mod limits;
mod load;
mod long_conversations;
mod loops;
mod meaning;
mod memory;
mod newcomer;
mod operator;
mod outage;
mod privacy;
mod restart;
mod reviews;
mod room_faults;
mod rooms;
mod senders;
mod server_faults;
mod sources;
mod store_faults;
mod supervision;
mod support_works;
mod threads;
mod twins;
mod world;
