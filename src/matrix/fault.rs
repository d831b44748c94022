//! What an SDK error means to this program. The SDK nests them four deep; here they become the few cases a caller branches on.

use std::time::{Duration, SystemTime};

use matrix_sdk::{
    Error, HttpError, RefreshTokenError,
    encryption::{MegolmError, OlmError},
    ruma::api::error::{ErrorKind, RetryAfter},
};

/// The wait when the homeserver asks for one without saying how long.
const DEFAULT_WAIT: Duration = Duration::from_secs(5);

/// A failure, sorted by what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Wait this long, then try again.
    Limited(Duration),
    /// The network or the server failed; try again later.
    Unreachable(String),
    /// The access token is not valid any more.
    LoggedOut {
        /// Whether the same device may log in again.
        soft: bool,
    },
    /// The account has expired (Tchap's `ORG_MATRIX_EXPIRED_ACCOUNT`).
    Expired,
    /// The server answered, and said no: trying again changes nothing.
    Refused(String),
    /// Something on this side: a key, the state of a room.
    Local(String),
    /// This device's own stores cannot be read or written, for instance because the disk is full. What the SDK holds in memory may be ahead
    /// of them: only a new start, from what was written, goes on rightly.
    Storage(String),
}

impl Fault {
    /// Whether the same request may succeed later.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Limited(_) | Self::Unreachable(_))
    }
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        match error {
            Error::Http(error) => Self::from(&**error),
            // Another task asked the same at the same time and failed: its error was the server's.
            Error::ConcurrentRequestFailed | Error::Timeout => Self::Unreachable(error.to_string()),
            other if is_storage(other) => Self::Storage(chain(other)),
            other => Self::Local(other.to_string()),
        }
    }
}

/// Whether it is a store, or what keeps one, that failed.
fn is_storage(error: &Error) -> bool {
    match error {
        Error::Io(_)
        | Error::BadCryptoStoreState
        | Error::CryptoStoreError(_)
        | Error::StateStore(_)
        | Error::EventCacheStore(_)
        | Error::MediaStore(_) => true,
        Error::OlmError(error) => matches!(**error, OlmError::Store(_)),
        Error::MegolmError(error) => matches!(**error, MegolmError::Store(_)),
        _ => false,
    }
}

impl From<&HttpError> for Fault {
    fn from(error: &HttpError) -> Self {
        match error {
            HttpError::Reqwest(error) => Self::Unreachable(chain(error)),
            HttpError::Cached(error) | HttpError::RefreshToken(RefreshTokenError::MatrixAuth(error)) => {
                Self::from(&**error)
            }
            HttpError::RefreshToken(_) => Self::LoggedOut { soft: false },
            HttpError::Api(_) => from_answer(error),
            HttpError::IntoHttp(error) => Self::Local(error.to_string()),
        }
    }
}

fn from_answer(error: &HttpError) -> Fault {
    if error.as_uiaa_response().is_some() {
        return Fault::Refused("the homeserver asks for the password again".to_owned());
    }
    let Some(answer) = error.as_client_api_error() else {
        // Not an answer of a homeserver: a proxy's page, a truncated body.
        return Fault::Unreachable(error.to_string());
    };
    match answer.error_kind() {
        Some(ErrorKind::UnknownToken(data)) => return Fault::LoggedOut { soft: data.soft_logout },
        Some(ErrorKind::LimitExceeded(data)) => return Fault::Limited(wait(data.retry_after)),
        Some(kind) if kind.errcode().as_str() == "ORG_MATRIX_EXPIRED_ACCOUNT" => return Fault::Expired,
        _ => {}
    }
    match answer.status_code.as_u16() {
        429 => Fault::Limited(DEFAULT_WAIT),
        500.. => Fault::Unreachable(answer.to_string()),
        _ => Fault::Refused(answer.to_string()),
    }
}

fn wait(retry_after: Option<RetryAfter>) -> Duration {
    match retry_after {
        Some(RetryAfter::Delay(delay)) => delay,
        Some(RetryAfter::DateTime(time)) => time.duration_since(SystemTime::now()).unwrap_or_default(),
        None => DEFAULT_WAIT,
    }
}

/// The message with its causes: reqwest's own says little more than "error sending request".
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Growing waits between attempts: 1, 2, 4… up to 60 seconds.
#[derive(Debug, Default)]
pub(super) struct Backoff(u32);

impl Backoff {
    /// The next wait: what the server asks for, or the next step.
    pub(super) fn next(&mut self, fault: &Fault) -> Duration {
        let step = Duration::from_secs(1 << self.0.min(6)).min(Duration::from_mins(1));
        self.0 = self.0.saturating_add(1);
        match fault {
            Fault::Limited(wait) => (*wait).max(Duration::from_millis(100)),
            _ => step,
        }
    }

    /// Starts again from the shortest wait.
    pub(super) fn reset(&mut self) {
        self.0 = 0;
    }
}

#[cfg(test)]
mod tests {
    use matrix_sdk::encryption::CryptoStoreError;

    use super::{Backoff, Duration, Error, Fault, MegolmError, OlmError};

    #[test]
    fn a_store_that_fails_is_no_refusal() {
        let full = || std::io::Error::from_raw_os_error(28);
        for error in [
            Error::Io(full()),
            Error::CryptoStoreError(Box::new(CryptoStoreError::backend(full()))),
            OlmError::Store(CryptoStoreError::backend(full())).into(),
            MegolmError::Store(CryptoStoreError::backend(full())).into(),
        ] {
            let fault = Fault::from(&error);
            assert!(matches!(&fault, Fault::Storage(why) if why.contains("No space")), "{fault:?}");
        }
        assert!(matches!(Fault::from(&Error::BackupNotEnabled), Fault::Local(_)));
    }

    #[test]
    fn waits_grow_and_the_servers_word_comes_first() {
        let mut backoff = Backoff::default();
        let down = Fault::Unreachable(String::new());
        let waits: Vec<u64> = (0..8).map(|_| backoff.next(&down).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.next(&Fault::Limited(Duration::from_secs(90))).as_secs(), 90);
        backoff.reset();
        assert_eq!(backoff.next(&down).as_secs(), 1);
    }
}
