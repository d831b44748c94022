//! The seam between what the program works with and what is written.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value that is written as a record of its own type, so that a change of the value is not a change of what is on disk.
pub(in crate::store) trait Stored: Sized {
    /// What is written.
    type Record: for<'a> From<&'a Self> + Into<Self> + Serialize + DeserializeOwned;
}
