//! The `matrix` section of the configuration.

use serde::Deserialize;

/// The account and the homeserver.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The homeserver's base URL, or the server name to discover it from.
    pub homeserver: String,
}
