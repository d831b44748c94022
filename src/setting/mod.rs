//! The building blocks of configuration sections: errors that name their key, bounds for numbers, durations in a readable form, texts in two
//! languages, and files that are read with a size limit.

pub mod duration;
pub mod file;
pub mod spoken;

use std::{fmt::Display, ops::RangeInclusive};

use jiff::SignedDuration;

/// A refused value with its key. The sentence never contains a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct Refused {
    /// The key, with its sections: `model.context`.
    pub key: String,
    /// What is wrong, and what to write instead.
    pub reason: String,
}

impl Refused {
    /// A refusal of `key`.
    pub fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { key: key.into(), reason: reason.into() }
    }
}

/// Passes when `holds`; `reason` says what to write instead.
pub fn require(holds: bool, key: &str, reason: &str) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(Refused::new(key, reason)) }
}

/// A number between two bounds, both included.
#[allow(clippy::needless_pass_by_value)] // A range written in place is the readable form.
pub fn within<T: PartialOrd + Display>(key: &str, value: T, bounds: RangeInclusive<T>) -> Result<(), Refused> {
    if bounds.contains(&value) {
        return Ok(());
    }
    Err(Refused::new(key, format!("{value} is not between {} and {}", bounds.start(), bounds.end())))
}

/// A duration between two bounds, both included.
pub fn lasts(key: &str, value: SignedDuration, bounds: RangeInclusive<SignedDuration>) -> Result<(), Refused> {
    if bounds.contains(&value) {
        return Ok(());
    }
    let [value, least, most] = [value, *bounds.start(), *bounds.end()].map(duration::show);
    Err(Refused::new(key, format!("{value} is not between {least} and {most}")))
}

/// The longest name of a thing that the configuration names.
const LONGEST_NAME: usize = 40;

/// Whether ops may call a thing so: a–z, 0–9, `_` and `-`, 40 at most. It is fit for a key, a file's name and a log.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte));
    letters && (1..=LONGEST_NAME).contains(&name.len())
}

/// Whether `text` is the address of a page or server: `http` or `https`, with a host.
#[must_use]
pub fn is_web(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Whether the address `text` is of this machine, or of a network without domain names: what is sent there in clear passes nobody else.
#[must_use]
pub fn is_local(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || !name.contains('.'),
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::{is_name, lasts, within};

    #[test]
    fn names_are_plain() {
        assert!(["a", "service-public", "rh_2", &"a".repeat(40)].into_iter().all(is_name));
        assert!(!["", "RH", "a b", "..", "é", "a/b", &"a".repeat(41)].into_iter().any(is_name));
    }

    #[test]
    fn bounds_are_included_and_named() {
        assert_eq!(within("a.b", 1, 1..=3), Ok(()));
        assert_eq!(within("a.b", 3, 1..=3), Ok(()));
        assert_eq!(within("a.b", 4, 1..=3).unwrap_err().to_string(), "a.b: 4 is not between 1 and 3");
        assert!(within("a.b", f64::NAN, 0.0..=1.0).is_err());
        let bounds = SignedDuration::from_secs(1)..=SignedDuration::from_hours(48);
        assert_eq!(lasts("t", SignedDuration::ZERO, bounds).unwrap_err().to_string(), "t: 0s is not between 1s and 2d");
    }
}
