//! Membership tasks beside the sync loop: answer invitations, follow room upgrades, leave empty rooms, forget rooms that the bot has left.
//! The tasks end with the loop. After a restart they are derived again from the SDK's state, so none of them is stored.
//!
//! Each room has a lane of tasks: one runs at a time, and others wait. A task that fails is retried for [`TRY_FOR`] with growing waits; it
//! holds one of the [`MOVES`] permits only while it makes requests.

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
    backoff::{Backoff, catch_panic},
    fault::Fault,
    membership,
    session::Session,
    trust,
};

/// How many tasks make requests at a time, because each of them opens connections and files.
const MOVES: usize = 8;
/// How long a task is retried. A restart begins again.
const TRY_FOR: Duration = Duration::from_hours(24);
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The membership tasks of a session. They end when this value is dropped.
pub(super) struct RoomTasks {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    /// The signing of the bot's own device, started after the first sync.
    signing: Option<JoinSet<()>>,
    tombstoned: HashSet<OwnedRoomId>,
    moved: mpsc::UnboundedReceiver<Move>,
}

/// What the tasks have in common.
struct Shared {
    session: Session,
    access: Access,
    lanes: Lanes<OwnedRoomId>,
    permits: Semaphore,
    moved: mpsc::UnboundedSender<Move>,
}

/// An upgraded room: the old one, the new one.
type Move = (OwnedRoomId, OwnedRoomId);

/// A change of the bot's membership, safe to repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RoomTask {
    /// Accept or decline the invitation.
    Answer,
    /// Follow the tombstone.
    Upgrade,
    /// Leave it if nobody else is there.
    LeaveIfAlone,
    /// Forget it, because the bot has left.
    Forget,
}

impl RoomTasks {
    pub(super) fn new(session: Session, access: Access) -> Self {
        let (sender, moved) = mpsc::unbounded_channel();
        let permits = Semaphore::new(MOVES);
        let shared = Arc::new(Shared { session, access, lanes: Lanes::default(), permits, moved: sender });
        Self { shared, tasks: JoinSet::new(), signing: None, tombstoned: HashSet::new(), moved }
    }

    /// Starts the tasks that a stop has interrupted: invitations, and upgrades that were not followed or not reported yet.
    pub(super) fn resume(&mut self) {
        let client = self.shared.session.client().clone();
        for room in client.invited_rooms() {
            self.run(room, RoomTask::Answer);
        }
        for room in client.joined_rooms().into_iter().filter(|room| room.is_tombstoned()) {
            self.run(room, RoomTask::Upgrade);
        }
        for room in client.joined_rooms().into_iter().filter(is_alone) {
            self.run(room, RoomTask::LeaveIfAlone);
        }
    }

    /// The upgrades that were verified since the last call.
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

    /// Starts the tasks of a sync whose batch was accepted.
    pub(super) fn follow(&mut self, response: &SyncResponse) {
        while self.tasks.try_join_next().is_some() {}
        let client = self.shared.session.client().clone();
        if self.signing.is_none() {
            self.signing.get_or_insert_default().spawn(trust::after_first_sync(client.clone()));
        }
        for room in response.rooms.invited.keys().filter_map(|id| client.get_room(id)) {
            self.run(room, RoomTask::Answer);
        }
        for room in response.rooms.left.keys().filter_map(|id| client.get_room(id)) {
            self.run(room, RoomTask::Forget);
        }
        for room_id in std::mem::take(&mut self.tombstoned) {
            if let Some(room) = client.get_room(&room_id) {
                self.run(room, RoomTask::Upgrade);
            }
        }
        for room in response.rooms.joined.keys().filter_map(|id| client.get_room(id)) {
            if is_alone(&room) {
                self.run(room, RoomTask::LeaveIfAlone);
            }
        }
    }

    fn run(&mut self, room: Room, task: RoomTask) {
        if self.shared.lanes.add(room.room_id().to_owned(), task) {
            self.tasks.spawn(Arc::clone(&self.shared).lane(room));
        }
    }
}

impl Shared {
    /// Runs the tasks of one room until none is left.
    async fn lane(self: Arc<Self>, room: Room) {
        while let Some((task, woken)) = self.lanes.next(&room.room_id().to_owned()) {
            let begun = Instant::now();
            let mut backoff = Backoff::up_to(LONGEST_WAIT);
            while let Err(fault) = catch_panic(self.attempt(&room, task)).await {
                let room_id = room.room_id();
                if !fault.is_transient() || begun.elapsed() > TRY_FOR {
                    warn!(?task, ?fault, %room_id, "a membership task is given up");
                    break;
                }
                let wait = backoff.next(&fault);
                warn!(?task, ?fault, ?wait, %room_id, "a membership task failed; trying again");
                tokio::select! {
                    () = sleep(wait) => {}
                    // Another task of the room has come: this one may succeed now, or be obsolete.
                    () = woken.notified() => {}
                }
            }
        }
    }

    async fn attempt(&self, room: &Room, task: RoomTask) -> Result<(), Fault> {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        fail::fail_point!("membership-task");
        match task {
            RoomTask::Answer => {
                if let Some(old) = membership::answer(&self.session, &self.access, room).await? {
                    // The receiver is dropped only with the loop itself.
                    let _ = self.moved.send((old, room.room_id().to_owned()));
                }
                Ok(())
            }
            RoomTask::Upgrade => {
                if let Some(new) = membership::upgrade(&self.access, room).await? {
                    let _ = self.moved.send((room.room_id().to_owned(), new));
                }
                Ok(())
            }
            RoomTask::LeaveIfAlone => membership::leave_if_alone(&self.session, room).await,
            RoomTask::Forget => {
                if room.state() == RoomState::Left {
                    membership::forget(room).await
                } else {
                    Ok(())
                }
            }
        }
    }
}

/// The waiting tasks by room. A room with an entry has a running task. Each task waits at most once.
#[derive(Debug)]
struct Lanes<K>(Mutex<HashMap<K, Lane>>);

#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<RoomTask>,
    woken: Arc<Notify>,
}

impl<K> Default for Lanes<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: std::hash::Hash + Eq> Lanes<K> {
    /// Adds a task. Returns whether its lane must be started.
    fn add(&self, key: K, task: RoomTask) -> bool {
        match self.lock().entry(key) {
            Entry::Occupied(mut lane) => {
                let lane = lane.get_mut();
                if !lane.waiting.contains(&task) {
                    lane.waiting.push_back(task);
                }
                lane.woken.notify_one();
                false
            }
            Entry::Vacant(place) => {
                place.insert(Lane::default()).waiting.push_back(task);
                true
            }
        }
    }

    /// The next task of a room, and the notification that another one was added; `None` ends its lane.
    fn next(&self, key: &K) -> Option<(RoomTask, Arc<Notify>)> {
        let mut lanes = self.lock();
        let lane = lanes.get_mut(key)?;
        if let Some(task) = lane.waiting.pop_front() {
            return Some((task, Arc::clone(&lane.woken)));
        }
        lanes.remove(key);
        None
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Lane>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the bot seems to be alone in a room. Both counts come from the server's summary; both are 0 until it has sent one.
fn is_alone(room: &Room) -> bool {
    room.joined_members_count() == 1 && room.invited_members_count() == 0
}

#[cfg(test)]
mod tests {
    use super::{Lanes, RoomTask};

    #[test]
    fn what_comes_while_a_room_is_busy_is_done_afterwards() {
        let lanes = Lanes::default();
        let next = |room: &'static str| lanes.next(&room).map(|(task, _)| task);
        assert!(lanes.add("a", RoomTask::LeaveIfAlone));
        assert_eq!(next("a"), Some(RoomTask::LeaveIfAlone));
        // While that runs: an invitation, three times, and another room.
        for _ in 0..3 {
            assert!(!lanes.add("a", RoomTask::Answer), "one lane per room");
        }
        assert!(lanes.add("b", RoomTask::Upgrade));
        assert_eq!(next("a"), Some(RoomTask::Answer));
        // The same one again, while it runs: it may have been refused the first time.
        assert!(!lanes.add("a", RoomTask::Answer));
        assert_eq!(next("a"), Some(RoomTask::Answer));
        assert_eq!(next("a"), None);
        assert!(lanes.add("a", RoomTask::Answer), "a lane that has ended is started again");
        assert_eq!(next("b"), Some(RoomTask::Upgrade));
    }

    #[tokio::test]
    async fn something_new_about_a_room_ends_its_wait() {
        let lanes = Lanes::default();
        lanes.add("a", RoomTask::Answer);
        let (_, woken) = lanes.next(&"a").unwrap();
        lanes.add("a", RoomTask::Forget);
        woken.notified().await;
    }
}
