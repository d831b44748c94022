//! Classifies the answers of a homeserver, or of a proxy in front of it, by what the program does about them.
//!
//! | answer | meaning | what is done |
//! |---|---|---|
//! | none, a broken connection, any 5xx | [`Fault::Unreachable`] | retried with growing waits |
//! | an answer without a known `errcode`: a proxy's page, a captive portal, `M_UNKNOWN`, `M_UNRECOGNIZED`… | [`Fault::Unreachable`] | retried |
//! | 429, `M_LIMIT_EXCEEDED` | [`Fault::Limited`] | retried after the requested wait, at most [`MOST_WAIT`] |
//! | suspended, locked, consent or resource limits | [`Fault::Account`] | retried; `/ready` and the log give the reason |
//! | `M_FORBIDDEN`, `M_TOO_LARGE`, `M_BAD_JSON`… ([`is_refusal`]) | [`Fault::Refused`] | this message, or this room, is given up |
//! | `M_NOT_FOUND` | [`Fault::Missing`] | as refused; where state is asked for, an answer in itself |
//! | `ORG_MATRIX_EXPIRED_ACCOUNT` | [`Fault::Expired`] | the program stops |
//! | `M_USER_DEACTIVATED`, `M_UNKNOWN_TOKEN` | [`Fault::Deactivated`], [`Fault::LoggedOut`] | the program stops |
//!
//! An unknown answer is retried: a message that is given up by mistake is lost, and one that is retried too often is not. Each caller
//! bounds its retries. `tests/support/answers.yaml` holds recorded answers and their expected classification.

use std::time::{Duration, SystemTime};

use matrix_sdk::{
    Error, HttpError, RefreshTokenError,
    encryption::{MegolmError, OlmError},
    media::MediaError,
    ruma::api::error::{Error as Answer, ErrorKind, FromHttpResponseError, RetryAfter},
};

/// The wait when the homeserver asks for one without saying how long.
const DEFAULT_WAIT: Duration = Duration::from_secs(5);
/// The longest requested wait that is respected. Retrying too early costs one request; an absurd wait would silence the bot.
const MOST_WAIT: Duration = Duration::from_mins(15);

/// A failure, by what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Wait this long, then try again.
    Limited(Duration),
    /// The network or the server failed, or something else answered in its place; try again later.
    Unreachable(String),
    /// The homeserver refuses everything from this account for now. Retry later, and inform the operator.
    Account(String),
    /// The access token is not valid any more.
    LoggedOut {
        /// Whether the same device may log in again.
        soft: bool,
    },
    /// The account has expired (Tchap's `ORG_MATRIX_EXPIRED_ACCOUNT`).
    Expired,
    /// The account is closed for good.
    Deactivated(String),
    /// The homeserver refuses this message, or this room: trying again changes nothing.
    Refused(String),
    /// The homeserver knows no such event, room or state.
    Missing(String),
    /// A local condition: a missing key, the state of a room. The server may change it, so it is retried.
    Local(String),
    /// The stores of this device cannot be read or written, for instance because the disk is full. The SDK's memory may be ahead of them, so
    /// only a restart recovers.
    Storage(String),
}

impl Fault {
    /// Whether the same request may succeed later.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Limited(_) | Self::Unreachable(_) | Self::Account(_) | Self::Local(_))
    }

    /// Whether the session, and with it the program, must end.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::LoggedOut { .. } | Self::Expired | Self::Deactivated(_) | Self::Storage(_))
    }
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        match error {
            Error::Http(error) => Self::from(&**error),
            // Another task sent the same request at the same time, and it failed.
            Error::ConcurrentRequestFailed | Error::Timeout => Self::Unreachable(error.to_string()),
            // A file is larger than the server accepts, or the bot is not in the room any more.
            Error::Media(MediaError::MediaTooLargeToUpload { .. }) | Error::WrongRoomState(_) => {
                Self::Refused(error.to_string())
            }
            // Devices that a strict configuration does not encrypt to.
            Error::OlmError(inner) if matches!(**inner, OlmError::SessionRecipientCollectionError(_)) => {
                Self::Refused(error.to_string())
            }
            other if is_storage(other) => Self::Storage(named(chain(other))),
            other => Self::Local(other.to_string()),
        }
    }
}

/// Adds the remedy where the limit of open files is the cause.
fn named(reason: String) -> String {
    if reason.contains("Too many open files") || reason.contains("unable to open database file") {
        return format!("{reason}: raise the limit of open files (LimitNOFILE of systemd, ulimit -n) to 1024 or more");
    }
    reason
}

/// Whether a success did not come from a homeserver, but for instance from a captive portal. The SDK accepts such an answer where no content
/// is expected, as for room keys that it sends.
pub(super) fn is_foreign_success(error: &Error) -> bool {
    let Error::Http(error) = error else { return false };
    matches!(&**error, HttpError::Api(error) if matches!(**error, FromHttpResponseError::Deserialization(_)))
}

/// Whether one of the SDK's stores failed.
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
    match error.as_client_api_error() {
        Some(answer) => meaning(answer),
        // Not an answer of a homeserver: a portal's page with status 200, a truncated body.
        None => Fault::Unreachable(format!("not an answer of a homeserver: {error}")),
    }
}

/// What an answer without success means.
pub(super) fn meaning(answer: &Answer) -> Fault {
    let (status, text) = (answer.status_code.as_u16(), answer.to_string());
    // The error code of a failing server does not count.
    if status >= 500 {
        return Fault::Unreachable(text);
    }
    match answer.error_kind() {
        Some(ErrorKind::UnknownToken(data)) => Fault::LoggedOut { soft: data.soft_logout },
        Some(ErrorKind::LimitExceeded(data)) => Fault::Limited(wait(data.retry_after)),
        Some(ErrorKind::UserDeactivated) => Fault::Deactivated(text),
        Some(ErrorKind::NotFound) => Fault::Missing(text),
        Some(kind) if is_refusal(kind) => Fault::Refused(text),
        Some(kind) if is_about_the_account(kind) => Fault::Account(text),
        Some(kind) if kind.errcode().as_str() == "ORG_MATRIX_EXPIRED_ACCOUNT" => Fault::Expired,
        _ if status == 429 => Fault::Limited(DEFAULT_WAIT),
        _ => Fault::Unreachable(text),
    }
}

/// The refusals of a message or of a room in the specification. All others are retried.
fn is_refusal(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Forbidden
            | ErrorKind::TooLarge
            | ErrorKind::BadJson
            | ErrorKind::InvalidParam
            | ErrorKind::MissingParam
            | ErrorKind::BadState
            | ErrorKind::InvalidRoomState
            | ErrorKind::UnsupportedRoomVersion
            | ErrorKind::IncompatibleRoomVersion(_)
            | ErrorKind::InviteBlocked
            | ErrorKind::UnableToAuthorizeJoin
            | ErrorKind::UnableToGrantJoin
            | ErrorKind::CannotLeaveServerNoticeRoom
            | ErrorKind::DuplicateAnnotation
            | ErrorKind::WrongRoomKeysVersion(_)
    )
}

/// The temporary restrictions of an account by the homeserver's administrator or limits.
fn is_about_the_account(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UserSuspended
            | ErrorKind::UserLocked
            | ErrorKind::ResourceLimitExceeded(_)
            | ErrorKind::UserLimitExceeded(_)
            | ErrorKind::GuestAccessForbidden
    ) || ["M_CONSENT_NOT_GIVEN", "ORG.MATRIX.MSC3823.USER_ACCOUNT_SUSPENDED"].contains(&kind.errcode().as_str())
}

fn wait(retry_after: Option<RetryAfter>) -> Duration {
    let wait = match retry_after {
        Some(RetryAfter::Delay(delay)) => delay,
        Some(RetryAfter::DateTime(time)) => time.duration_since(SystemTime::now()).unwrap_or_default(),
        None => DEFAULT_WAIT,
    };
    wait.min(MOST_WAIT)
}

/// The message with its causes: reqwest's own says little more than "error sending request".
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
