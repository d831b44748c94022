//! What never shows itself: passwords, tokens and recovery keys pass through the program in [`Secret`], keys in [`SealingKey`], so that no
//! `Debug`, log line or error can print one by accident.

use std::fmt;

use serde::Deserialize;
use zeroize::Zeroizing;

/// A secret read from the configuration, a file or the environment. Wiped from memory when dropped.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The secret itself. Call it only where it leaves the program for the place it is meant for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(Zeroizing::new(value))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(***)")
    }
}

/// A key of 32 bytes that one part of the program makes and another seals with. Wiped from memory when dropped.
#[derive(Clone)]
pub struct SealingKey(Box<Zeroizing<[u8; 32]>>);

impl SealingKey {
    /// The key of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(Box::new(Zeroizing::new(*bytes)))
    }

    /// The bytes, for a cipher.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SealingKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::{SealingKey, Secret};

    #[test]
    fn debug_never_shows_the_secret() {
        let secret = Secret::from("hunter2".to_owned());
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(format!("{:?}", SealingKey::new(&[7; 32])), "SealingKey(***)");
    }
}
