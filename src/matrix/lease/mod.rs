//! A lease on the account, so that only one bot answers for it. Two bots would answer each question twice, and two that run on copies of
//! one device's keys would break its encryption.
//!
//! The [`Lease`] is stored in the account data on the homeserver. It names the device, the *instance* (one data folder on one disk: a copy
//! of the folder is another instance) and the *run* (one process). Account data have no compare-and-set: the last write wins. A free lease
//! is therefore taken as in Fischer's mutual exclusion algorithm: write a claim, wait longer than another claim takes to arrive, read
//! again; the bot that reads its own claim holds the lease. A holder whose lease was overwritten by a claim writes it again within that
//! wait.
//!
//! | the lease is | what a starting bot does |
//! |---|---|
//! | held or ended by this instance | holds it at once: the lock of the data folder proves that the previous process has ended |
//! | absent, ended by another instance, or not renewed for [`record::TERM`] renewals | claims it |
//! | held or claimed by another instance | refuses to start |
//!
//! The lease counts how often each device has written it; the data folder keeps the same count and increments it first. A folder whose
//! count is behind was restored to an earlier state. It is refused, because its keys would encrypt new messages like old ones.

mod record;

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
use tokio::{
    sync::{Notify, SetOnce},
    time::{sleep, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, info, warn};

use self::record::{Availability, Lease, Observation, State, TYPE, availability, observe, of_event, read, renew, term};
use super::{
    clock::now,
    fault::Fault,
    session::SessionError,
    vault::{Instance, Vault},
};

/// The shortest and the longest wait before a claim is read again.
const CLAIM: Duration = Duration::from_secs(1);
const LONGEST_CLAIM: Duration = Duration::from_secs(10);
/// The period, and the number, of the reads by which a new holder looks for claims in its first seconds. Later the sync reports them.
const LOOK: Duration = Duration::from_millis(250);
const LOOKS: u32 = 16;
/// The wait after a failed renewal, and between two writes against claims.
const AGAIN: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(200);
/// The time limit of one request, with the SDK's retries.
const PATIENCE: Duration = Duration::from_secs(20);
/// The time limit of giving the lease back when the bot stops.
const LAST: Duration = Duration::from_millis(1500);
/// The most devices whose counts are kept.
const MOST_DEVICES: usize = 32;

/// The lease, held for this process until it is dropped or given back.
pub(super) struct HeldLease {
    shared: Arc<Shared>,
    /// Ends the renewals when this value is dropped.
    _keeping: DropGuard,
}

struct Shared {
    client: Client,
    vault: Vault,
    device_id: OwnedDeviceId,
    run: String,
    /// The previous run of this instance, whose last write may still be on its way.
    before: Mutex<Option<String>>,
    state: Mutex<Instance>,
    /// A lease written by another run, as the last sync showed it.
    seen: Mutex<Option<Lease>>,
    changed: Notify,
    lost: SetOnce<String>,
    stop: CancellationToken,
}

/// The lease, claimed and not yet held.
pub(super) struct Claim {
    shared: Arc<Shared>,
    /// Whether a claim had to be written; `None` where the homeserver stores no account data.
    claimed: Option<bool>,
}

/// Claims the lease, or fails with the device that holds it. To be called before anything is encrypted, decrypted or uploaded.
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
    /// Holds the lease from now on. To be called after the device's keys are checked, because this counts as a use of them.
    pub(super) async fn hold(self) -> Result<HeldLease, SessionError> {
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
        Ok(HeldLease { shared, _keeping: keeping })
    }
}

/// A homeserver without account data does not stop the bot. A second bot would then not be noticed, so that is logged.
fn optional<T>(outcome: Result<T, LeaseError>) -> Result<Option<T>, SessionError> {
    match outcome {
        Ok(done) => Ok(Some(done)),
        Err(LeaseError::Session(error)) => Err(error),
        Err(LeaseError::NotKept(why)) => {
            warn!(why, "the homeserver stores no account data: a second bot would not be noticed");
            Ok(None)
        }
    }
}

/// Why the lease was not taken.
enum LeaseError {
    Session(SessionError),
    /// The homeserver refuses account data altogether.
    NotKept(String),
}

impl From<Fault> for LeaseError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(why) | Fault::Missing(why) | Fault::Local(why) => Self::NotKept(why),
            other => Self::Session(other.into()),
        }
    }
}

impl From<SessionError> for LeaseError {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

/// The name of this process. All attempts share it, because the write of an abandoned attempt may still arrive.
fn run() -> &'static str {
    static RUN: OnceLock<String> = OnceLock::new();
    RUN.get_or_init(|| format!("{:032x}", rand::random::<u128>()))
}

impl Shared {
    /// Whether the previous process of this instance wrote this lease.
    fn is_before(&self, lease: &Lease) -> bool {
        self.before.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(&lease.run)
    }

    fn state(&self) -> MutexGuard<'_, Instance> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims the lease if necessary. Returns whether it was.
    async fn claim(&self) -> Result<bool, LeaseError> {
        let begun = Instant::now();
        let lease = self.fetch().await?;
        let instance = self.state().id.clone();
        let available = availability(lease.as_ref(), &instance, now());
        if let Some(ours) = lease.as_ref().filter(|lease| lease.instance == instance && lease.run != self.run) {
            *self.before.lock().unwrap_or_else(PoisonError::into_inner) = Some(ours.run.clone());
        }
        if let (Availability::Taken(left), Some(lease)) = (&available, &lease) {
            return Err(self.another(lease, *left).into());
        }
        self.ensure_not_rolled_back(lease.as_ref())?;
        if let Some(other) = lease.as_ref().filter(|lease| lease.instance != instance) {
            // It may have answered until a moment ago. Every later process of this folder must know that.
            info!(device_id = %other.device_id, "another bot had this account before");
            self.note(|state| state.another_until = Some(now()))?;
        }
        if available == Availability::Free {
            let mut devices = lease.map(|lease| lease.devices).unwrap_or_default();
            self.write(State::Claimed, &mut devices).await?;
            sleep((begun.elapsed() * 4).clamp(CLAIM, LONGEST_CLAIM)).await;
            match self.fetch().await? {
                Some(lease) if lease.run == self.run || self.is_before(&lease) => {}
                Some(lease) => return Err(self.another(&lease, term()).into()),
                None => return Err(SessionError::Unreachable("it has lost the account's data".to_owned()).into()),
            }
        }
        Ok(available == Availability::Free)
    }

    /// Holds the lease, unless another bot has claimed it since [`Self::claim`], which may be long ago.
    async fn hold(&self, claimed: bool) -> Result<(), LeaseError> {
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

    /// Changes the record in the data folder.
    fn note(&self, change: impl FnOnce(&mut Instance)) -> Result<(), SessionError> {
        let mut state = self.state();
        change(&mut state);
        Ok(self.vault.save_instance(&state)?)
    }

    /// Writes the lease; `devices` are the counts of the other devices. The count in the data folder is incremented first, so that it is
    /// never behind. A claim does not use the device's keys and is not counted.
    async fn write(&self, state: State, devices: &mut BTreeMap<OwnedDeviceId, u64>) -> Result<(), Fault> {
        if state != State::Claimed
            && let Err(error) = self.note(|state| state.count += 1)
        {
            warn!(%error, "the count of lease writes cannot be stored in the data folder");
            self.state().count -= 1;
        }
        let lease = {
            let own = self.state();
            devices.insert(self.device_id.clone(), own.count);
            while devices.len() > MOST_DEVICES {
                // Any of them: nobody restores a device that is so far back.
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

    /// Registers for the leases that other runs write, as the sync reports them.
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

    /// Renews the lease until it is lost or given back.
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
                Ok(Some(Observation::Lost)) => return,
                Ok(Some(_)) => {
                    (renewed, failing) = (Instant::now(), false);
                    sleep(PAUSE).await;
                }
                Err(fault) => {
                    // A failing homeserver does not stop the bot. The sync logs the failure too.
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

    /// Reads the lease and writes it again if necessary; returns what was read if it was written or lost. `told` is used when the lease
    /// cannot be fetched.
    async fn look(&self, told: Option<Lease>, due: bool) -> Result<Option<Observation>, Fault> {
        let lease = match self.fetch().await {
            Ok(lease) => lease,
            Err(fault) => Some(told.ok_or(fault)?),
        };
        let seen = lease
            .as_ref()
            .filter(|lease| !self.is_before(lease))
            .map_or(Observation::Challenged, |lease| observe(lease, &self.run));
        match (&seen, lease) {
            (Observation::Own, _) if !due => return Ok(None),
            (Observation::Lost, Some(lease)) => {
                let _ = self.lost.set(format!(
                    "another bot has taken this account over (device {}): this one stops, so that no question is answered twice",
                    lease.device_id
                ));
            }
            (_, lease) => self.write(State::Held, &mut lease.map(|lease| lease.devices).unwrap_or_default()).await?,
        }
        Ok(Some(seen))
    }
}

impl HeldLease {
    /// Waits until another bot has taken the account over. Returns the sentence for the operator.
    pub(super) async fn lost(&self) -> String {
        self.shared.lost.wait().await.clone()
    }

    /// Until when another bot may have answered for this account.
    pub(super) fn another_until(&self) -> Option<u64> {
        self.shared.state().another_until
    }

    /// Gives the lease back, so that another bot need not wait for its end. Limited to [`LAST`].
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
