//! Persons who were told that a message of theirs cannot be read: once a day each, in whatever room, through restarts.

use ruma::UserId;

use super::database::Database;
use super::error::StoreError;
use super::handle::Store;
use super::purge::TOLD_FOR;
use super::transaction::Transaction;

impl Store {
    /// Notes that a person is told that a message cannot be read. Returns whether that is to be: not when they were told within a day.
    pub async fn tell_unread(&self, person: &UserId, now: u64) -> Result<bool, StoreError> {
        let person = person.to_owned();
        self.run(move |database| database.tell_unread(&person, now)).await
    }

    /// The person could not be told after all.
    pub async fn not_told_unread(&self, person: &UserId) -> Result<(), StoreError> {
        let person = person.to_owned();
        self.run(move |database| database.not_told_unread(&person)).await
    }
}

impl Database {
    /// Notes that a person is told that a message cannot be read. Returns whether that is to be: not when they were told within a day.
    pub fn tell_unread(&self, person: &UserId, now: u64) -> Result<bool, StoreError> {
        let mut transaction = self.transaction();
        let key = self.blinded_ids.told(person);
        // A clock that was put back counts as a new day: silence for as long as it was ahead would be worse than a second notice.
        let lately = |at: u64| now.checked_sub(at).is_some_and(|since| u128::from(since) < TOLD_FOR.as_millis());
        if transaction.find_value::<u64>(&key)?.is_some_and(lately) {
            return Ok(false);
        }
        transaction.put_value(&key, &now)?;
        transaction.commit()?;
        Ok(true)
    }

    /// The person could not be told after all.
    pub fn not_told_unread(&self, person: &UserId) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        transaction.forget_told(person);
        transaction.commit()
    }
}

impl Transaction<'_> {
    /// Forgets that a person was told.
    pub(super) fn forget_told(&mut self, person: &UserId) {
        self.remove(&self.blinded_ids().told(person));
    }
}

#[cfg(test)]
mod tests {
    use ruma::user_id;

    use crate::store::purge::TOLD_FOR;
    use crate::store::{Database, Retention};

    const DAY: u64 = TOLD_FOR.as_millis() as u64;

    #[test]
    fn a_person_is_told_once_a_day_through_restarts() {
        let folder = tempfile::tempdir().expect("a folder");
        let (awa, ben) = (user_id!("@awa:h"), user_id!("@ben:h"));
        let tells = |person, now| Database::open(folder.path()).expect("open").tell_unread(person, now).expect("told");
        let start = 10 * DAY;
        assert!(tells(awa, start) && tells(ben, start));
        assert!(!tells(awa, start + 1) && !tells(awa, start + DAY - 1));
        assert!(tells(awa, start + DAY), "the next day");
        assert!(tells(awa, start), "a clock that was put back");
        let database = Database::open(folder.path()).expect("open");
        database.not_told_unread(awa).expect("stored");
        assert!(
            database.tell_unread(awa, start + 1).expect("told"),
            "who could not be told is not left without a word"
        );
        let long = Retention {
            dedup: u64::MAX,
            turns: u64::MAX,
            turns_at_most: u64::MAX,
            audit: u64::MAX,
            undecrypted: u64::MAX,
            memory: u64::MAX,
            withdrawable: u64::MAX,
            compagnons: u64::MAX,
        };
        assert_eq!(database.purge(start + 1 + DAY, &long).expect("purged").records, 1, "that of the other person");
        assert_eq!(database.purge(start + 2 + DAY, &long).expect("purged").records, 1);
    }
}
