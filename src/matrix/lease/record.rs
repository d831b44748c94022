//! The lease as it is stored in the account data, and what it means to a bot that starts and to a bot that holds it. Pure, except for
//! the fail point that shortens its periods in tests.

use std::{collections::BTreeMap, time::Duration};

use matrix_sdk::ruma::OwnedDeviceId;
use serde::{Deserialize, Serialize};
use tracing::warn;

/// The type of the account data event.
pub(super) const TYPE: &str = "org.compagnon.lease";

/// How often the lease is renewed.
pub(super) const RENEW: Duration = Duration::from_mins(1);
/// After this many periods without a renewal the lease is free. Two renewals may fail.
pub(super) const TERM: u32 = 3;

/// The content of the account data event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lease {
    pub(super) state: State,
    pub(super) device_id: OwnedDeviceId,
    pub(super) instance: String,
    pub(super) run: String,
    /// When it was written, in milliseconds since the epoch, by the writer's clock.
    pub(super) at: u64,
    /// How often each device has written the lease.
    #[serde(default)]
    pub(super) devices: BTreeMap<OwnedDeviceId, u64>,
}

/// What the writer of a lease does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// It wants to hold the lease, and will read it again.
    Claimed,
    /// It answers for the account.
    Held,
    /// It has shut down in order.
    Ended,
}

/// What a lease means to a bot that starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Availability {
    /// A previous process of this instance held it.
    Ours,
    /// Nobody holds it.
    Free,
    /// Another instance holds it, for at most this long unless it renews it.
    Taken(Duration),
}

/// What a lease means to the bot that holds it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Observation {
    /// It wrote it itself.
    Own,
    /// Another bot has claimed or ended it: the holder writes its own again.
    Challenged,
    /// Another bot holds it: this one must stop.
    Lost,
}

/// What `lease` means to an instance that starts at `now`, in milliseconds since the epoch.
pub(super) fn availability(lease: Option<&Lease>, instance: &str, now: u64) -> Availability {
    let Some(lease) = lease else { return Availability::Free };
    if lease.instance == instance {
        // The process ended before it read its claim again, so the claim gives no right.
        return if lease.state == State::Claimed { Availability::Free } else { Availability::Ours };
    }
    let term = term().as_millis() as u64;
    // A time that is further ahead than a term comes from a wrong clock, and must not lock the account for years.
    let ends = lease.at.checked_add(term).filter(|_| lease.at <= now.saturating_add(term));
    match ends.and_then(|ends| ends.checked_sub(now)) {
        Some(left) if left > 0 && lease.state != State::Ended => Availability::Taken(Duration::from_millis(left)),
        _ => Availability::Free,
    }
}

/// What `lease` means to the holder's `run`.
pub(super) fn observe(lease: &Lease, run: &str) -> Observation {
    match lease.state {
        _ if lease.run == run => Observation::Own,
        State::Held => Observation::Lost,
        State::Claimed | State::Ended => Observation::Challenged,
    }
}

/// The period of renewal.
pub(super) fn renew() -> Duration {
    // Minutes are too long for a test.
    fail::fail_point!("lease-often", |_| Duration::from_millis(500));
    RENEW
}

/// How long a lease lasts without renewal.
pub(super) fn term() -> Duration {
    renew() * TERM
}

/// Parses the content of the account data event. `None` where another program wrote something else.
pub(super) fn read(json: &str) -> Option<Lease> {
    serde_json::from_str(json).inspect_err(|error| warn!(%error, "the account's lease cannot be read")).ok()
}

/// Parses the account data event of a sync, if it is a lease.
pub(super) fn of_event(json: &str) -> Option<Lease> {
    #[derive(Deserialize)]
    struct Event {
        r#type: String,
        content: serde_json::Value,
    }
    let event: Event = serde_json::from_str(json).ok()?;
    (event.r#type == TYPE).then(|| serde_json::from_value(event.content).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{Availability, Lease, Observation, State, TYPE, availability, observe, of_event, read, term};

    const NOW: u64 = 1_800_000_000_000;

    fn lease(state: State, instance: &str, at: u64) -> Lease {
        let (device_id, devices) = ("DEVICE".into(), [("DEVICE".into(), 7)].into());
        Lease { state, device_id, instance: instance.to_owned(), run: "run".to_owned(), at, devices }
    }

    #[test]
    fn what_a_starting_bot_finds() {
        let term_ms = term().as_millis() as u64;
        let of = |state, instance, at| availability(Some(&lease(state, instance, at)), "mine", NOW);
        assert_eq!(availability(None, "mine", NOW), Availability::Free);
        // After a kill the same folder's next process does not wait.
        assert_eq!(of(State::Held, "mine", NOW - 1), Availability::Ours);
        assert_eq!(of(State::Held, "mine", 0), Availability::Ours);
        assert_eq!(of(State::Ended, "mine", NOW), Availability::Ours);
        assert_eq!(of(State::Claimed, "mine", NOW), Availability::Free);
        assert_eq!(of(State::Held, "other", NOW), Availability::Taken(term()));
        assert_eq!(of(State::Claimed, "other", NOW - term_ms + 1), Availability::Taken(Duration::from_millis(1)));
        assert_eq!(of(State::Held, "other", NOW - term_ms), Availability::Free);
        assert_eq!(of(State::Ended, "other", NOW), Availability::Free);
        // Another machine's clock may be ahead a little; years ahead it is wrong.
        assert!(matches!(of(State::Held, "other", NOW + 30_000), Availability::Taken(_)));
        assert_eq!(of(State::Held, "other", NOW + term_ms + 1), Availability::Free);
        assert_eq!(of(State::Held, "other", u64::MAX), Availability::Free);
    }

    #[test]
    fn what_a_holder_finds() {
        for state in [State::Claimed, State::Held, State::Ended] {
            assert_eq!(observe(&lease(state, "mine", NOW), "run"), Observation::Own);
        }
        assert_eq!(observe(&lease(State::Claimed, "other", NOW), "mine"), Observation::Challenged);
        assert_eq!(observe(&lease(State::Ended, "other", NOW), "mine"), Observation::Challenged);
        assert_eq!(observe(&lease(State::Held, "other", NOW), "mine"), Observation::Lost);
        // A clone of a disk is the same instance, and yet another process.
        assert_eq!(observe(&lease(State::Held, "mine", NOW), "another run"), Observation::Lost);
    }

    #[test]
    fn what_is_written_is_read_and_anything_else_is_nothing() {
        let written = lease(State::Held, "mine", NOW);
        let content = serde_json::to_value(&written).unwrap();
        assert_eq!(read(&content.to_string()), Some(written.clone()));
        assert_eq!(of_event(&json!({"type": TYPE, "content": content}).to_string()), Some(written));
        for junk in ["", "{}", "[]", "7", r#"{"state": "held", "device_id": 7}"#, r#"{"state": "new"}"#] {
            assert_eq!(read(junk), None, "{junk}");
            let event = format!(r#"{{"type": "{TYPE}", "content": {}}}"#, if junk.is_empty() { "{}" } else { junk });
            assert_eq!(of_event(&event), None, "{junk}");
        }
        assert_eq!(of_event(r#"{"type": "m.direct", "content": {}}"#), None);
    }
}
