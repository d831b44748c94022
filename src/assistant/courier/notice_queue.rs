//! The notices that wait for the rate budget: how many there may be.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use ruma::{OwnedUserId, UserId};
use tokio::sync::{Semaphore, SemaphorePermit};

/// The most notices of one person that wait.
const MOST_OF_ONE: usize = 5;
/// The most that wait in all.
const MOST: usize = 100;

/// Whether a notice may be left out when too many wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticePriority {
    /// It answers a command, or refuses what came too fast: left out, nobody misses an answer.
    Spare,
    /// Nobody asked for it, and one is due in each of many rooms at a time: bounded in all, not by person.
    Unasked,
    /// It stands in the place of an answer: a question never gets no reply at all.
    Owed,
}

/// The notices that wait, by person.
pub struct NoticeQueue {
    waiting: Mutex<HashMap<OwnedUserId, usize>>,
    /// In order of arrival: one looks at the budget, the others wait behind it.
    turn: Semaphore,
}

impl Default for NoticeQueue {
    fn default() -> Self {
        Self { waiting: Mutex::default(), turn: Semaphore::new(1) }
    }
}

impl NoticeQueue {
    /// Takes a place among those that wait, until [`NoticeQueue::leave`]. Whether there was one.
    pub fn enter(&self, person: &UserId, priority: NoticePriority) -> bool {
        let mut waiting = self.lock();
        let all: usize = waiting.values().sum();
        let theirs = waiting.entry(person.to_owned()).or_default();
        let fits = match priority {
            NoticePriority::Owed => true,
            NoticePriority::Unasked => all < MOST,
            NoticePriority::Spare => all < MOST && *theirs < MOST_OF_ONE,
        };
        *theirs += usize::from(fits);
        if *theirs == 0 {
            waiting.remove(person);
        }
        fits
    }

    /// Gives a place back.
    pub fn leave(&self, person: &UserId) {
        let mut waiting = self.lock();
        if let Some(theirs) = waiting.get_mut(person) {
            *theirs -= 1;
            if *theirs == 0 {
                waiting.remove(person);
            }
        }
    }

    /// Waits for the turn to look at the budget.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // Never closed.
        self.turn.acquire().await.ok()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OwnedUserId, usize>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use ruma::user_id;

    use super::{MOST, MOST_OF_ONE, NoticePriority, NoticeQueue};

    #[test]
    fn what_waits_is_bounded_for_one_and_for_all_and_what_is_owed_is_never_left_out() {
        let (notices, awa) = (NoticeQueue::default(), user_id!("@awa:h"));
        let entered = (0..60).filter(|_| notices.enter(awa, NoticePriority::Spare)).count();
        assert_eq!(entered, MOST_OF_ONE);
        assert!(notices.enter(awa, NoticePriority::Owed));
        for _ in 0..=MOST_OF_ONE {
            notices.leave(awa);
        }
        assert!(notices.waiting.lock().expect("not poisoned").is_empty(), "nobody is remembered");
        let entered = (0..1_000).filter(|number| {
            let person = ruma::OwnedUserId::try_from(format!("@{number}:h")).expect("a user");
            notices.enter(&person, NoticePriority::Spare)
        });
        assert_eq!(entered.count(), MOST);
        assert_eq!(notices.waiting.lock().expect("not poisoned").len(), MOST);
    }

    #[test]
    fn what_nobody_asked_for_is_bounded_in_all_and_leaves_room_for_what_is_owed() {
        let (notices, bot) = (NoticeQueue::default(), user_id!("@bot:h"));
        let entered = (0..1_000).filter(|_| notices.enter(bot, NoticePriority::Unasked)).count();
        assert_eq!(entered, MOST, "one in each of many rooms");
        assert!(notices.enter(user_id!("@awa:h"), NoticePriority::Owed));
    }
}
