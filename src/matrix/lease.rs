//! One bot for one account: two of them would answer each question twice, and two on copies of one device's keys would break its
//! encryption.
//!
//! The account's data on the homeserver hold a lease ([`Lease`]). It names the device, the *instance* (one data folder on one disk: a
//! copy of the folder is another instance) and the *run* (one process). The homeserver keeps the last value written and knows no
//! compare-and-set, so a free lease is taken as in Fischer's algorithm: claim, wait longer than another's claim takes to arrive, look
//! again; who finds its own claim holds. A holder that is overwritten by a claim writes itself again, within that wait.
//!
//! | what is found | what a starting bot does |
//! |---|---|
//! | held or ended by this instance | holds at once: the folder's lock says that the process before is gone |
//! | nothing; ended by another; not renewed for [`TERM`] | claims |
//! | held or claimed by another | refuses to start |
//!
//! The lease also counts, for each device, how often it was written; so does the data folder, which is always ahead. A folder that is
//! behind was put back to an earlier state: its keys would seal new messages as old ones were, and it is refused.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use matrix_sdk::{
    Client,
    event_handler::RawEvent,
    ruma::{
        OwnedDeviceId,
        events::{AnyGlobalAccountDataEvent, GlobalAccountDataEventType},
        serde::Raw,
    },
};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Notify, SetOnce},
    time::{sleep, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, info, warn};

use super::{
    clock::now,
    fault::Fault,
    session::SessionError,
    vault::{Instance, Vault},
};

/// The type of the account's data.
const TYPE: &str = "org.compagnon.lease";

/// How often the lease is renewed.
const RENEW: Duration = Duration::from_mins(1);
/// After this long without a renewal the lease is anybody's. In renewals, so that two may fail.
const TERM: u32 = 3;
/// How long a claim waits at least before it is looked at again, and at most.
const CLAIM: Duration = Duration::from_secs(1);
const LONGEST_CLAIM: Duration = Duration::from_secs(10);
/// How often, in its first seconds, a holder looks whether another has claimed meanwhile. Later the sync tells.
const LOOK: Duration = Duration::from_millis(250);
const LOOKS: u32 = 16;
/// The wait after a renewal that failed, and between two writings against claims.
const AGAIN: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(200);
/// How long one request may take: the SDK's own retries are for what people wait for.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the bot's end waits for the lease to be given back.
const LAST: Duration = Duration::from_millis(1500);
/// The devices whose counts are kept.
const MOST_DEVICES: usize = 32;

/// What the account's data say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    state: State,
    device_id: OwnedDeviceId,
    instance: String,
    run: String,
    /// When it was written, in milliseconds since the epoch, by the writer's clock.
    at: u64,
    /// How often each device has written.
    #[serde(default)]
    devices: BTreeMap<OwnedDeviceId, u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// Its writer wants it, and will look again.
    Claimed,
    /// Its writer answers.
    Held,
    /// Its writer has stopped in order.
    Ended,
}

/// What a starting bot finds.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// This instance's, from a process that is gone.
    Ours,
    /// Anybody's.
    Free,
    /// Another's, for this much longer.
    Taken(Duration),
}

/// What a holder finds.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// Its own writing.
    Own,
    /// Another's claim, or another's end: it is overwritten.
    Challenged,
    /// Another holds it: this one has to stop.
    Lost,
}

fn found(lease: Option<&Lease>, instance: &str, now: u64) -> Found {
    let Some(lease) = lease else { return Found::Free };
    if lease.instance == instance {
        // A claim that its process did not live to look at again gives nothing.
        return if lease.state == State::Claimed { Found::Free } else { Found::Ours };
    }
    let term = term().as_millis() as u64;
    // A time further ahead than a term comes from a clock that is wrong: it must not lock the account for years.
    let ends = lease.at.checked_add(term).filter(|_| lease.at <= now.saturating_add(term));
    match ends.and_then(|ends| ends.checked_sub(now)) {
        Some(left) if left > 0 && lease.state != State::Ended => Found::Taken(Duration::from_millis(left)),
        _ => Found::Free,
    }
}

fn seen(lease: &Lease, run: &str) -> Seen {
    match lease.state {
        _ if lease.run == run => Seen::Own,
        State::Held => Seen::Lost,
        State::Claimed | State::Ended => Seen::Challenged,
    }
}

fn renew() -> Duration {
    // For the tests: minutes are too long to wait.
    fail::fail_point!("lease-often", |_| Duration::from_millis(500));
    RENEW
}

fn term() -> Duration {
    renew() * TERM
}

/// The account, held for this process until it is dropped or given back.
pub(super) struct Holder {
    shared: Arc<Shared>,
    /// Ends the renewals with this value.
    _keeping: DropGuard,
}

struct Shared {
    client: Client,
    vault: Vault,
    device_id: OwnedDeviceId,
    run: String,
    /// The run of this instance before this one, whose last writing may still be on its way.
    before: Mutex<Option<String>>,
    state: Mutex<Instance>,
    /// Something else than its own writing was seen in a sync.
    seen: Mutex<Option<Lease>>,
    changed: Notify,
    lost: SetOnce<String>,
    stop: CancellationToken,
}

/// The account, claimed and not yet held.
pub(super) struct Claim {
    shared: Arc<Shared>,
    /// Whether that took a claim; `None` where the homeserver keeps no such data.
    claimed: Option<bool>,
}

/// Claims the account for this process, or says who has it. To be done before anything is encrypted, decrypted or uploaded.
pub(super) async fn claim(client: &Client, vault: &Vault) -> Result<Claim, SessionError> {
    let meta = client.session_meta().ok_or(SessionError::LoggedOut)?;
    let shared = Arc::new(Shared {
        client: client.clone(),
        vault: vault.clone(),
        device_id: meta.device_id.clone(),
        run: run().to_owned(),
        before: Mutex::default(),
        state: Mutex::new(vault.instance()?),
        seen: Mutex::default(),
        changed: Notify::new(),
        lost: SetOnce::new(),
        stop: CancellationToken::new(),
    });
    let claimed = optional(shared.claim().await)?;
    Ok(Claim { shared, claimed })
}

impl Claim {
    /// Holds the account from now on. To be called once the device's keys are known to be its own: this counts as a use of them.
    pub(super) async fn hold(self) -> Result<Holder, SessionError> {
        let Self { shared, claimed } = self;
        let held = match claimed {
            Some(claimed) => optional(shared.hold(claimed).await)?,
            None => None,
        };
        if held.is_some() {
            shared.listen();
            tokio::spawn(Arc::clone(&shared).keep());
        }
        let keeping = shared.stop.clone().drop_guard();
        Ok(Holder { shared, _keeping: keeping })
    }
}

/// A homeserver that keeps no data for the account must not stop the bot: two bots on it cannot be told apart, which is said.
fn optional<T>(outcome: Result<T, Refusal>) -> Result<Option<T>, SessionError> {
    match outcome {
        Ok(done) => Ok(Some(done)),
        Err(Refusal::Session(error)) => Err(error),
        Err(Refusal::NotKept(why)) => {
            warn!(why, "the homeserver keeps no data for the account: a second bot would not be noticed");
            Ok(None)
        }
    }
}

/// Why the lease was not taken.
enum Refusal {
    Session(SessionError),
    /// The homeserver refuses the account's data themselves.
    NotKept(String),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(why) | Fault::Missing(why) | Fault::Local(why) => Self::NotKept(why),
            other => Self::Session(other.into()),
        }
    }
}

impl From<SessionError> for Refusal {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

/// The name of this process: one for all its tries, since the writing of one that was given up may still arrive.
fn run() -> &'static str {
    static RUN: OnceLock<String> = OnceLock::new();
    RUN.get_or_init(|| format!("{:032x}", rand::random::<u128>()))
}

impl Shared {
    /// Whether a process that is gone has written this.
    fn is_before(&self, lease: &Lease) -> bool {
        self.before.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(&lease.run)
    }

    fn state(&self) -> MutexGuard<'_, Instance> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims the account where that is needed; gives whether it was.
    async fn claim(&self) -> Result<bool, Refusal> {
        let begun = Instant::now();
        let lease = self.fetch().await?;
        let instance = self.state().id.clone();
        let found = found(lease.as_ref(), &instance, now());
        if let Some(ours) = lease.as_ref().filter(|lease| lease.instance == instance && lease.run != self.run) {
            *self.before.lock().unwrap_or_else(PoisonError::into_inner) = Some(ours.run.clone());
        }
        if let (Found::Taken(left), Some(lease)) = (&found, &lease) {
            return Err(self.another(lease, *left).into());
        }
        self.ensure_not_rolled_back(lease.as_ref())?;
        if let Some(other) = lease.as_ref().filter(|lease| lease.instance != instance) {
            // It may have answered until a moment ago; and this has to be known to every later process of this folder.
            info!(device_id = %other.device_id, "another bot had this account before");
            self.note(|state| state.another_until = Some(now()))?;
        }
        if found == Found::Free {
            let mut devices = lease.map(|lease| lease.devices).unwrap_or_default();
            self.write(State::Claimed, &mut devices).await?;
            sleep((begun.elapsed() * 4).clamp(CLAIM, LONGEST_CLAIM)).await;
            match self.fetch().await? {
                Some(lease) if lease.run == self.run || self.is_before(&lease) => {}
                Some(lease) => return Err(self.another(&lease, term()).into()),
                None => return Err(SessionError::Unreachable("it has lost the account's data".to_owned()).into()),
            }
        }
        Ok(found == Found::Free)
    }

    /// Holds the account, unless another has come in since: what lies between may have taken long.
    async fn hold(&self, claimed: bool) -> Result<(), Refusal> {
        let lease = self.fetch().await?;
        let ours = self.state().id.clone();
        let another = |lease: &&Lease| {
            lease.run != self.run
                && !self.is_before(lease)
                && (claimed || (lease.state == State::Held && lease.instance != ours))
        };
        if let Some(lease) = lease.as_ref().filter(another) {
            return Err(self.another(lease, term()).into());
        }
        self.write(State::Held, &mut lease.map(|lease| lease.devices).unwrap_or_default()).await?;
        Ok(())
    }

    fn another(&self, lease: &Lease, left: Duration) -> SessionError {
        SessionError::AnotherBot {
            device_id: lease.device_id.clone(),
            of_copy: if lease.device_id == self.device_id {
                " (the device of this data folder, which is a copy)"
            } else {
                ""
            },
            left: left.as_secs().max(1),
        }
    }

    fn ensure_not_rolled_back(&self, lease: Option<&Lease>) -> Result<(), SessionError> {
        let written = lease.and_then(|lease| lease.devices.get(&self.device_id)).copied().unwrap_or_default();
        let known = self.state().count;
        if written > known {
            return Err(SessionError::RolledBack { device_id: self.device_id.clone(), known, written });
        }
        Ok(())
    }

    /// Changes what the data folder remembers, and writes it down.
    fn note(&self, change: impl FnOnce(&mut Instance)) -> Result<(), SessionError> {
        let mut state = self.state();
        change(&mut state);
        Ok(self.vault.save_instance(&state)?)
    }

    /// Writes the lease; `devices` is what others have counted. The folder's own count is written first, so that it is never behind. A
    /// claim is no use of the device's keys, and does not count.
    async fn write(&self, state: State, devices: &mut BTreeMap<OwnedDeviceId, u64>) -> Result<(), Fault> {
        if state != State::Claimed
            && let Err(error) = self.note(|state| state.count += 1)
        {
            warn!(%error, "how often the lease was written cannot be noted in the data folder");
            self.state().count -= 1;
        }
        let lease = {
            let own = self.state();
            devices.insert(self.device_id.clone(), own.count);
            while devices.len() > MOST_DEVICES {
                // Whichever: a device beyond so many is none that anybody would put back.
                let other = devices.keys().find(|device| **device != self.device_id).cloned();
                other.and_then(|device| devices.remove(&device));
            }
            Lease {
                state,
                device_id: self.device_id.clone(),
                instance: own.id.clone(),
                run: self.run.clone(),
                at: now(),
                devices: devices.clone(),
            }
        };
        let content = Raw::new(&lease).map_err(|error| Fault::Local(error.to_string()))?.cast_unchecked();
        let account = self.client.account();
        let put = account.set_account_data_raw(GlobalAccountDataEventType::from(TYPE), content);
        within(put).await.map(drop)
    }

    async fn fetch(&self) -> Result<Option<Lease>, Fault> {
        let account = self.client.account();
        let raw = within(account.fetch_account_data(GlobalAccountDataEventType::from(TYPE))).await?;
        Ok(raw.and_then(|raw| read(raw.json().get())))
    }

    /// Has the sync tell when another writes.
    fn listen(self: &Arc<Self>) {
        let shared = Arc::downgrade(self);
        self.client.add_event_handler(move |_: AnyGlobalAccountDataEvent, raw: RawEvent| {
            let shared = shared.upgrade();
            async move {
                if let (Some(shared), Some(lease)) = (shared, of_event(raw.get()))
                    && lease.run != shared.run
                {
                    *shared.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(lease);
                    shared.changed.notify_one();
                }
            }
        });
    }

    /// Holds the lease until it is lost or given back.
    async fn keep(self: Arc<Self>) {
        let (mut looks, mut renewed, mut failing) = (LOOKS, Instant::now(), false);
        while !self.stop.is_cancelled() {
            let wait = if looks > 0 { LOOK } else { renew().saturating_sub(renewed.elapsed()) };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.changed.notified() => {}
                () = sleep(if failing { wait.max(AGAIN.min(renew())) } else { wait }) => {}
            }
            looks = looks.saturating_sub(1);
            let told = self.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
            match self.look(told, renewed.elapsed() >= renew()).await {
                Ok(None) => failing = false,
                Ok(Some(Seen::Lost)) => return,
                Ok(Some(_)) => {
                    (renewed, failing) = (Instant::now(), false);
                    sleep(PAUSE).await;
                }
                Err(fault) => {
                    // A homeserver that fails must not stop the bot; the sync says so too.
                    if failing {
                        debug!(?fault, "the account's lease cannot be renewed");
                    } else {
                        warn!(?fault, "the account's lease cannot be renewed for the moment");
                    }
                    failing = true;
                }
            }
        }
    }

    /// Looks at the lease and writes it where need be; gives what it saw if it did. What a sync told counts where it cannot be fetched.
    async fn look(&self, told: Option<Lease>, due: bool) -> Result<Option<Seen>, Fault> {
        let lease = match self.fetch().await {
            Ok(lease) => lease,
            Err(fault) => Some(told.ok_or(fault)?),
        };
        let seen = lease
            .as_ref()
            .filter(|lease| !self.is_before(lease))
            .map_or(Seen::Challenged, |lease| seen(lease, &self.run));
        match (&seen, lease) {
            (Seen::Own, _) if !due => return Ok(None),
            (Seen::Lost, Some(lease)) => {
                let _ = self.lost.set(format!(
                    "another bot has taken this account over (device {}): this one stops, so that nobody is answered twice",
                    lease.device_id
                ));
            }
            (_, lease) => self.write(State::Held, &mut lease.map(|lease| lease.devices).unwrap_or_default()).await?,
        }
        Ok(Some(seen))
    }
}

impl Holder {
    /// Waits until another bot has the account, and says so.
    pub(super) async fn lost(&self) -> String {
        self.shared.lost.wait().await.clone()
    }

    /// Until when another bot may have answered for this account.
    pub(super) fn another_until(&self) -> Option<u64> {
        self.shared.state().another_until
    }

    /// Gives the account back, so that another bot need not wait. A homeserver that does not answer is not waited for.
    pub(super) async fn give_back(&self) {
        self.shared.stop.cancel();
        if self.shared.lost.get().is_some() {
            return;
        }
        let given = timeout(LAST, async {
            let lease = self.shared.fetch().await?;
            match lease {
                Some(lease) if lease.run != self.shared.run => Ok(()),
                lease => {
                    let mut devices = lease.map(|lease| lease.devices).unwrap_or_default();
                    self.shared.write(State::Ended, &mut devices).await
                }
            }
        });
        match given.await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => info!(?fault, "the account's lease was not given back: it ends by itself"),
            Err(_) => info!("the account's lease was not given back in time: it ends by itself"),
        }
    }
}

async fn within<T>(request: impl Future<Output = Result<T, matrix_sdk::Error>>) -> Result<T, Fault> {
    match timeout(PATIENCE, request).await {
        Ok(answer) => answer.map_err(|error| Fault::from(&error)),
        Err(_) => Err(Fault::Unreachable("it did not answer in time".to_owned())),
    }
}

/// A lease as it was written; nothing where somebody else has written something else.
fn read(json: &str) -> Option<Lease> {
    serde_json::from_str(json).inspect_err(|error| warn!(%error, "the account's lease cannot be read")).ok()
}

fn of_event(json: &str) -> Option<Lease> {
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

    use super::{Found, Lease, Seen, State, TYPE, found, of_event, read, seen, term};

    const NOW: u64 = 1_800_000_000_000;

    fn lease(state: State, instance: &str, at: u64) -> Lease {
        let (device_id, devices) = ("DEVICE".into(), [("DEVICE".into(), 7)].into());
        Lease { state, device_id, instance: instance.to_owned(), run: "run".to_owned(), at, devices }
    }

    #[test]
    fn what_a_starting_bot_finds() {
        let term_ms = term().as_millis() as u64;
        let of = |state, instance, at| found(Some(&lease(state, instance, at)), "mine", NOW);
        assert_eq!(found(None, "mine", NOW), Found::Free);
        // After a kill the same folder's next process does not wait.
        assert_eq!(of(State::Held, "mine", NOW - 1), Found::Ours);
        assert_eq!(of(State::Held, "mine", 0), Found::Ours);
        assert_eq!(of(State::Ended, "mine", NOW), Found::Ours);
        assert_eq!(of(State::Claimed, "mine", NOW), Found::Free);
        assert_eq!(of(State::Held, "other", NOW), Found::Taken(term()));
        assert_eq!(of(State::Claimed, "other", NOW - term_ms + 1), Found::Taken(Duration::from_millis(1)));
        assert_eq!(of(State::Held, "other", NOW - term_ms), Found::Free);
        assert_eq!(of(State::Ended, "other", NOW), Found::Free);
        // Another machine's clock may be ahead a little; years ahead it is wrong.
        assert!(matches!(of(State::Held, "other", NOW + 30_000), Found::Taken(_)));
        assert_eq!(of(State::Held, "other", NOW + term_ms + 1), Found::Free);
        assert_eq!(of(State::Held, "other", u64::MAX), Found::Free);
    }

    #[test]
    fn what_a_holder_finds() {
        for state in [State::Claimed, State::Held, State::Ended] {
            assert_eq!(seen(&lease(state, "mine", NOW), "run"), Seen::Own);
        }
        assert_eq!(seen(&lease(State::Claimed, "other", NOW), "mine"), Seen::Challenged);
        assert_eq!(seen(&lease(State::Ended, "other", NOW), "mine"), Seen::Challenged);
        assert_eq!(seen(&lease(State::Held, "other", NOW), "mine"), Seen::Lost);
        // A clone of a disk is the same instance, and yet another process.
        assert_eq!(seen(&lease(State::Held, "mine", NOW), "another run"), Seen::Lost);
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
