//! The moves between rooms, beside the sync loop: invitations answered, upgrades followed, empty rooms left, rooms that are over
//! forgotten. Its tasks end with the loop. All of it is found again in the SDK's state after a restart, so nothing of it is written down.
//!
//! Each room has a lane of errands: one runs at a time, and what comes meanwhile is remembered. An errand that fails for a while is tried
//! again for [`TRY_FOR`], with growing waits; only while it asks the server does it hold one of the [`MOVES`] permits.

use std::{
    collections::{HashMap, HashSet, VecDeque, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use matrix_sdk::{
    Room, RoomState,
    ruma::OwnedRoomId,
    sync::{State, SyncResponse, Timeline},
};
use tokio::{
    sync::{Notify, Semaphore, mpsc},
    task::JoinSet,
    time::sleep,
};
use tracing::warn;

use super::{
    access::Access,
    fault::{Backoff, Fault},
    moves,
    session::Session,
    trust,
};

/// So many rooms move at a time: each opens connections and files.
const MOVES: usize = 8;
/// How long an errand is tried. A restart tries what is still to be done again.
const TRY_FOR: Duration = Duration::from_hours(24);
/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Runs the moves between rooms; dropped with the loop.
pub(super) struct Keeper {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    /// Empty until the first sync, and the signing of the bot's own device from then on.
    signing: Option<JoinSet<()>>,
    tombstoned: HashSet<OwnedRoomId>,
    moved: mpsc::UnboundedReceiver<Move>,
}

/// What the errands share.
struct Shared {
    session: Session,
    access: Access,
    lanes: Lanes<OwnedRoomId>,
    permits: Semaphore,
    moved: mpsc::UnboundedSender<Move>,
}

/// An upgraded room: the old one, the new one.
type Move = (OwnedRoomId, OwnedRoomId);

/// Something to do about a room, safe to repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Errand {
    /// Accept or decline the invitation.
    Answer,
    /// Follow the tombstone.
    Upgrade,
    /// Leave it if nobody else is there.
    LeaveIfAlone,
    /// Forget it, the bot is out.
    Forget,
}

impl Keeper {
    pub(super) fn new(session: Session, access: Access) -> Self {
        let (sender, moved) = mpsc::unbounded_channel();
        let permits = Semaphore::new(MOVES);
        let shared = Arc::new(Shared { session, access, lanes: Lanes::default(), permits, moved: sender });
        Self { shared, tasks: JoinSet::new(), signing: None, tombstoned: HashSet::new(), moved }
    }

    /// Takes up what a stop has cut off: invitations not answered, upgrades not followed or not yet told.
    pub(super) fn resume(&mut self) {
        let client = self.shared.session.client().clone();
        for room in client.invited_rooms() {
            self.run(room, Errand::Answer);
        }
        for room in client.joined_rooms().into_iter().filter(|room| room.is_tombstoned()) {
            self.run(room, Errand::Upgrade);
        }
        for room in client.joined_rooms().into_iter().filter(is_alone) {
            self.run(room, Errand::LeaveIfAlone);
        }
    }

    /// The upgrades found true since the last call.
    pub(super) fn upgraded(&mut self) -> Vec<Move> {
        std::iter::from_fn(|| self.moved.try_recv().ok()).collect()
    }

    /// Notes a tombstone among a room's new events.
    pub(super) fn notice(&mut self, room: &Room, timeline: &Timeline, state: &State) {
        let (State::Before(state) | State::After(state)) = state;
        let timeline = timeline.events.iter().map(|event| event.raw().json().get());
        let mut events = state.iter().map(|event| event.json().get()).chain(timeline);
        if events.any(|json| json.contains("m.room.tombstone")) && room.is_tombstoned() {
            self.tombstoned.insert(room.room_id().to_owned());
        }
    }

    /// Acts on a sync whose batch was accepted.
    pub(super) fn follow(&mut self, response: &SyncResponse) {
        while self.tasks.try_join_next().is_some() {}
        let client = self.shared.session.client().clone();
        if self.signing.is_none() {
            self.signing.get_or_insert_default().spawn(trust::after_first_sync(client.clone()));
        }
        for room in response.rooms.invited.keys().filter_map(|id| client.get_room(id)) {
            self.run(room, Errand::Answer);
        }
        for room in response.rooms.left.keys().filter_map(|id| client.get_room(id)) {
            self.run(room, Errand::Forget);
        }
        for room_id in std::mem::take(&mut self.tombstoned) {
            if let Some(room) = client.get_room(&room_id) {
                self.run(room, Errand::Upgrade);
            }
        }
        for room in response.rooms.joined.keys().filter_map(|id| client.get_room(id)) {
            if is_alone(&room) {
                self.run(room, Errand::LeaveIfAlone);
            }
        }
    }

    fn run(&mut self, room: Room, errand: Errand) {
        if self.shared.lanes.add(room.room_id().to_owned(), errand) {
            self.tasks.spawn(Arc::clone(&self.shared).lane(room));
        }
    }
}

impl Shared {
    /// Does the errands of one room until there is none.
    async fn lane(self: Arc<Self>, room: Room) {
        while let Some((errand, woken)) = self.lanes.next(&room.room_id().to_owned()) {
            let begun = Instant::now();
            let mut backoff = Backoff::up_to(LONGEST_WAIT);
            while let Err(fault) = self.attempt(&room, errand).await {
                let room_id = room.room_id();
                if !fault.is_transient() || begun.elapsed() > TRY_FOR {
                    warn!(?errand, ?fault, %room_id, "a move between rooms is given up");
                    break;
                }
                let wait = backoff.next(&fault);
                warn!(?errand, ?fault, ?wait, %room_id, "a move between rooms failed; trying again");
                tokio::select! {
                    () = sleep(wait) => {}
                    // Something new about the room: this may be possible now, or not needed any more.
                    () = woken.notified() => {}
                }
            }
        }
    }

    async fn attempt(&self, room: &Room, errand: Errand) -> Result<(), Fault> {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        match errand {
            Errand::Answer => {
                if let Some(old) = moves::answer(&self.session, &self.access, room).await? {
                    // The receiver is gone only with the loop itself.
                    let _ = self.moved.send((old, room.room_id().to_owned()));
                }
                Ok(())
            }
            Errand::Upgrade => {
                if let Some(new) = moves::upgrade(&self.access, room).await? {
                    let _ = self.moved.send((room.room_id().to_owned(), new));
                }
                Ok(())
            }
            Errand::LeaveIfAlone => moves::leave_if_alone(&self.session, room).await,
            Errand::Forget => {
                if room.state() == RoomState::Left {
                    moves::forget(room).await
                } else {
                    Ok(())
                }
            }
        }
    }
}

/// The errands that wait, by room; a room that is there is being worked on. Each errand waits once.
#[derive(Debug)]
struct Lanes<K>(Mutex<HashMap<K, Lane>>);

#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Errand>,
    woken: Arc<Notify>,
}

impl<K> Default for Lanes<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: std::hash::Hash + Eq> Lanes<K> {
    /// Remembers an errand. Whether its lane is to be started.
    fn add(&self, key: K, errand: Errand) -> bool {
        match self.lock().entry(key) {
            Entry::Occupied(mut lane) => {
                let lane = lane.get_mut();
                if !lane.waiting.contains(&errand) {
                    lane.waiting.push_back(errand);
                }
                lane.woken.notify_one();
                false
            }
            Entry::Vacant(place) => {
                place.insert(Lane::default()).waiting.push_back(errand);
                true
            }
        }
    }

    /// The next errand of a room, and what wakes it up; `None` ends its lane.
    fn next(&self, key: &K) -> Option<(Errand, Arc<Notify>)> {
        let mut lanes = self.lock();
        let lane = lanes.get_mut(key)?;
        if let Some(errand) = lane.waiting.pop_front() {
            return Some((errand, Arc::clone(&lane.woken)));
        }
        lanes.remove(key);
        None
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Lane>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the bot seems to be alone in a room. Both counts come from the server's summary; none at all means that it has not sent one yet.
fn is_alone(room: &Room) -> bool {
    room.joined_members_count() == 1 && room.invited_members_count() == 0
}

#[cfg(test)]
mod tests {
    use super::{Errand, Lanes};

    #[test]
    fn what_comes_while_a_room_is_busy_is_done_afterwards() {
        let lanes = Lanes::default();
        let next = |room: &'static str| lanes.next(&room).map(|(errand, _)| errand);
        assert!(lanes.add("a", Errand::LeaveIfAlone));
        assert_eq!(next("a"), Some(Errand::LeaveIfAlone));
        // While that runs: an invitation, three times, and another room.
        for _ in 0..3 {
            assert!(!lanes.add("a", Errand::Answer), "one lane per room");
        }
        assert!(lanes.add("b", Errand::Upgrade));
        assert_eq!(next("a"), Some(Errand::Answer));
        // The same one again, while it runs: it may have been refused the first time.
        assert!(!lanes.add("a", Errand::Answer));
        assert_eq!(next("a"), Some(Errand::Answer));
        assert_eq!(next("a"), None);
        assert!(lanes.add("a", Errand::Answer), "a lane that has ended is started again");
        assert_eq!(next("b"), Some(Errand::Upgrade));
    }

    #[tokio::test]
    async fn something_new_about_a_room_ends_its_wait() {
        let lanes = Lanes::default();
        lanes.add("a", Errand::Answer);
        let (_, woken) = lanes.next(&"a").unwrap();
        lanes.add("a", Errand::Forget);
        woken.notified().await;
    }
}
