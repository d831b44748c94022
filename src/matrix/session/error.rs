//! Why there is no session: each error tells the operator what to do.

use std::io;

use matrix_sdk::ruma::OwnedDeviceId;

use crate::{
    matrix::{config::Config, fault::Fault},
    setting::Refused,
};

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The homeserver could not be reached, or asks to wait: try again later.
    #[error("the homeserver did not answer: {0}")]
    Unreachable(String),
    /// The homeserver takes nothing from the account for now: suspended, locked, over one of its limits. Try again later.
    #[error("the homeserver refuses the account for now: {0}")]
    Suspended(String),
    /// The homeserver refuses the account: wrong password, deactivated, wrong token.
    #[error("the homeserver refuses the login: {0}")]
    Refused(String),
    /// The device was logged out on the server. The operator must decide, because its keys are useless now.
    #[error(
        "this device was logged out by the homeserver: move matrix/, matrix.key and session.json away to start as a new device"
    )]
    LoggedOut,
    /// The token has expired and the device still exists. Without a password the bot cannot log in again by itself.
    #[error("the access token has expired: give a new one for the same device")]
    SoftLogout,
    /// The account has expired (Tchap asks its owner to renew it by e-mail).
    #[error("the account has expired: renew it from its mailbox")]
    Expired,
    /// There is a session, but the encryption store or its key is gone: this device must not be used again.
    #[error(
        "the encryption store of this device is lost (matrix/ or matrix.key): put both back as they were when it ended, or move matrix/, \
         matrix.key and session.json away to start as a new device"
    )]
    CryptoStoreLost,
    /// `session.json` is there and cannot be read: which device this is, is not known.
    #[error(
        "session.json is damaged: put it back as it was, or move matrix/, matrix.key and session.json away to start as a new device"
    )]
    SessionDamaged,
    /// The encryption store is there and does not open: its files are damaged, or `matrix.key` is not theirs.
    #[error(
        "the encryption store of this device does not open ({0}): put matrix/ and matrix.key back as they were when it ended, or move \
         matrix/, matrix.key and session.json away to start as a new device"
    )]
    CryptoStoreDamaged(String),
    /// Another bot has the account.
    #[error(
        "another bot answers for this account, on the device {device_id}{of_copy}: stop it first; if it is gone already, its lease on \
         the account ends within {left} s"
    )]
    AnotherBot {
        /// Its device.
        device_id: OwnedDeviceId,
        /// Said after it, when it is a copy of this folder.
        of_copy: &'static str,
        /// Its lease, in seconds, unless it is renewed.
        left: u64,
    },
    /// Another bot has taken the account over while this one ran.
    #[error("{0}")]
    TakenOver(String),
    /// The keys in the data folder are older than the last messages of their device.
    #[error(
        "the keys of this device ({device_id}) are older than its last messages ({known} of {written}): a copy or an old backup of the \
         data folder was put back, and with it new messages would be encrypted as old ones were; put the newest one back, or move \
         matrix/, matrix.key and session.json away to start as a new device"
    )]
    RolledBack {
        /// The device.
        device_id: OwnedDeviceId,
        /// How often this folder has written the lease.
        known: u64,
        /// How often the device has.
        written: u64,
    },
    /// The configuration cannot be used.
    #[error("{0}")]
    Config(String),
    /// The data folder or the SDK's stores cannot be read or written.
    #[error("the session's files: {0}")]
    Storage(String),
}

impl SessionError {
    /// Whether the same attempt may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Suspended(_))
    }

    /// Whether only new credentials help.
    #[must_use]
    pub fn is_account(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::LoggedOut | Self::SoftLogout | Self::Expired)
    }

    /// The homeserver does not know the token of the configuration.
    pub(in crate::matrix) fn unknown_token(config: &Config) -> Self {
        let device = config.device_id.as_deref().unwrap_or_default();
        Self::Refused(format!(
            "it does not know the token in {}: give the one that was issued for the device {device}; where that device was removed, \
             move matrix/, matrix.key and session.json away and give the token of a new one with its matrix.device_id",
            config.secret_key()
        ))
    }

    /// The token is valid for another account or device.
    pub(in crate::matrix) fn foreign_token(config: &Config, user_id: &str, device_id: Option<&str>) -> Self {
        let of = device_id.map(|device_id| format!(", device {device_id}")).unwrap_or_default();
        let wanted = config.device_id.as_deref().map(|device_id| format!(", device {device_id}")).unwrap_or_default();
        Self::Config(format!(
            "{}: the token belongs to {user_id}{of}, and not to matrix.user {}{wanted}",
            config.secret_key(),
            config.user
        ))
    }
}

impl From<Refused> for SessionError {
    fn from(refused: Refused) -> Self {
        Self::Config(refused.to_string())
    }
}

impl From<io::Error> for SessionError {
    fn from(error: io::Error) -> Self {
        Self::Storage(error.to_string())
    }
}

impl From<Fault> for SessionError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Limited(wait) => Self::Unreachable(format!("it asks to wait {wait:?}")),
            Fault::Unreachable(why) => Self::Unreachable(why),
            Fault::Account(why) => Self::Suspended(why),
            Fault::LoggedOut { soft: true } => Self::SoftLogout,
            Fault::LoggedOut { soft: false } => Self::LoggedOut,
            Fault::Expired => Self::Expired,
            Fault::Refused(why) | Fault::Missing(why) | Fault::Deactivated(why) => Self::Refused(why),
            Fault::Local(why) | Fault::Storage(why) => Self::Storage(why),
        }
    }
}

impl From<matrix_sdk::Error> for SessionError {
    fn from(error: matrix_sdk::Error) -> Self {
        Fault::from(&error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, SessionError};

    #[test]
    fn a_suspended_account_is_not_taken_for_an_unreachable_homeserver() {
        let suspended = SessionError::from(Fault::Account("M_USER_SUSPENDED".to_owned()));
        assert!(matches!(suspended, SessionError::Suspended(_)) && suspended.is_transient() && !suspended.is_account());
        assert_eq!(suspended.to_string(), "the homeserver refuses the account for now: M_USER_SUSPENDED");
    }
}
