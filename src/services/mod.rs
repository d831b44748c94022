//! Calls to other systems, by the names that the configuration gives them: La Suite Docs, Albert, an antivirus scanner.

mod client;
pub mod config;
#[cfg(test)]
pub(crate) mod fake;

pub use client::{CallError, OnceError, Services};
pub use config::Config;
