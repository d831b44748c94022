//! A command as somebody wrote it: parsed once, when its message is accepted, and kept with it.
//!
//! What commands do is `assistant::commands`; the store only keeps this.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A command.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// `!aide`
    Help,
    /// `!compagnon`
    Compagnon,
    /// `!réponses`
    Answers,
    /// `!conservation`
    Retention,
    /// `!oublier`
    Forget,
    /// `!retenir`
    Remember,
    /// `!mémoire`
    Memory,
    /// `!documents`
    Documents,
    /// `!sources`
    Sources,
    /// `!traduire`
    Translate,
    /// `!glossaire`
    Glossary,
    /// `!note`
    Note,
    /// `!manqué`
    CatchUp,
    /// `!avis`
    Reviews,
    /// `!pseudonymiser`
    Pseudonymise,
    /// `!exporter`
    Export,
    /// `!confidentialité`
    Privacy,
    /// `!statistiques`
    Statistics,
    /// `!état`
    Status,
    /// `!refaire`
    Redo,
    /// `!stop`
    Stop,
    /// `!journal`
    Journal,
}

/// A command with what follows it.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Call {
    /// The command; `None` when there is none of that name.
    pub command: Option<Command>,
    /// The name it was called by.
    pub name: String,
    /// Whether by an English name.
    pub english: bool,
    /// The rest of its line.
    pub arguments: String,
    /// The lines below.
    pub text: String,
    /// Nobody has written it: a room has asked once for it to be done to each message.
    #[serde(default)]
    pub unasked: bool,
}

impl Call {
    /// The translation of a message that nobody has asked for.
    #[must_use]
    pub fn unasked_translation() -> Self {
        Self {
            command: Some(Command::Translate),
            name: String::new(),
            english: false,
            arguments: String::new(),
            text: String::new(),
            unasked: true,
        }
    }
}

impl fmt::Debug for Call {
    /// Leaves the texts out: what people write never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Call").field("command", &self.command).finish_non_exhaustive()
    }
}
