//! Compagnons made by command: private to their room and author, until an administrator of the instance accepts them into the catalogue.

use std::fmt;

use ruma::{OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

use super::definition::{Compagnon, CompagnonError};

/// A compagnon made by command, with all its versions.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Made {
    /// Its number, unique and never used again.
    pub number: u64,
    /// The identifier people type.
    pub id: String,
    /// Who made it.
    pub author: OwnedUserId,
    /// Where it was made: the administrators of this room may change it.
    pub room_id: OwnedRoomId,
    /// The version the catalogue shows to everybody, if it was accepted.
    pub published: Option<u32>,
    /// The version proposed to the catalogue and not yet decided on.
    pub proposed: Option<u32>,
    /// Its versions, oldest first. Never empty.
    pub versions: Vec<Version>,
}

/// One version of a compagnon.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Version {
    /// Its number, from 1.
    pub number: u32,
    /// When it was written, in milliseconds since the epoch.
    pub at: u64,
    /// Who wrote it, unless they are forgotten.
    #[serde(default)]
    pub by: Option<OwnedUserId>,
    /// The text, in the form of a compagnon's file.
    pub text: String,
}

impl Made {
    /// The newest version: what its own room and author use.
    #[must_use]
    pub fn latest(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// The version of that number.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&Version> {
        self.versions.iter().find(|version| version.number == number)
    }

    /// The compagnon of one of its versions.
    pub fn read(&self, version: &Version) -> Result<Compagnon, CompagnonError> {
        Compagnon::parse(&self.id, &version.text)
    }
}

impl fmt::Debug for Made {
    /// Leaves the texts out: logs contain nothing that people write.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Made").field("number", &self.number).finish_non_exhaustive()
    }
}

impl fmt::Debug for Version {
    /// Leaves the text out: logs contain nothing that people write.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Version")
            .field("number", &self.number)
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}
