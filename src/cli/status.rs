//! The exit status of the program, beside 0 (done) and 2 (the command line is wrong, from clap).
//!
//! | status | meaning | what to do |
//! |---|---|---|
//! | 1 | anything not below | read the sentence |
//! | 3 | the configuration is refused | mend the key that is named |
//! | 4 | the homeserver refuses the account: wrong password, logged out, expired | give new credentials |
//! | 5 | the encryption keys of the session are lost, damaged, or of an earlier time | the sentence names the files |
//! | 6 | another process works on the same data folder, or for the same account | stop one of the two |
//! | 7 | `eval` was stopped by a signal | its reports hold what was answered until then |

use crate::{
    app::{InUse, Unfit},
    compagnon::FolderError,
    config::ConfigError,
    inference::local::OpenError,
    matrix::{SessionError, SyncError},
    store::StoreError,
};

/// The configuration is refused.
pub const CONFIGURATION: u8 = 3;
/// The homeserver refuses the account.
pub const ACCOUNT: u8 = 4;
/// The session's encryption keys are lost.
pub const KEYS: u8 = 5;
/// The data folder, or the account, is in use.
pub const IN_USE: u8 = 6;
/// `eval` was stopped by a signal.
pub const STOPPED: u8 = 7;

/// The exit status for an error.
pub(super) fn of(error: &anyhow::Error) -> u8 {
    if error.is::<ConfigError>() || error.is::<FolderError>() || error.is::<Unfit>() || refuses_model(error) {
        return CONFIGURATION;
    }
    if error.is::<InUse>() || matches!(error.downcast_ref(), Some(StoreError::InUse)) {
        return IN_USE;
    }
    if let Some(SyncError::Expired | SyncError::LoggedOut { soft: false }) =
        error.downcast_ref::<SyncError<StoreError>>()
    {
        return ACCOUNT;
    }
    match error.downcast_ref::<SessionError>() {
        Some(error) if error.is_account() => ACCOUNT,
        Some(
            SessionError::CryptoStoreLost
            | SessionError::CryptoStoreDamaged(_)
            | SessionError::SessionDamaged
            | SessionError::RolledBack { .. },
        ) => KEYS,
        Some(SessionError::AnotherBot { .. } | SessionError::TakenOver(_)) => IN_USE,
        Some(SessionError::Config(_)) => CONFIGURATION,
        _ => 1,
    }
}

/// Whether the model that the configuration names is what cannot be used.
fn refuses_model(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(OpenError::File { .. } | OpenError::NotPulled(_)))
}
