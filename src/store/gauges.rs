//! What waits and how large the store is, for Prometheus. Records are counted by their keys: nothing that people wrote is opened for it.

use super::database::Database;
use super::error::StoreError;
use super::handle::Store;
use super::layout::{Key, Tree, WEEK};
use crate::statistics::published::THRESHOLD;
use crate::statistics::{Crowd, Week};

/// How the store is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Messages that wait for an answer, or have one being written.
    pub questions: u64,
    /// Answers that are not wholly sent.
    pub answers: u64,
    /// Messages whose key has not come.
    pub undecrypted: u64,
    /// Records that did not open and were set aside.
    pub damaged: u64,
    /// What the store takes on its disk, in bytes.
    pub bytes: u64,
    /// How many different people have asked something this week; 0 below [`THRESHOLD`].
    pub people: u64,
}

impl Database {
    /// How the store is now.
    pub fn gauges(&self) -> Result<Gauges, StoreError> {
        let transaction = self.transaction();
        let week = transaction.find_value::<Week>(&Key::meta(WEEK))?;
        let people = week.map_or(Ok(0), |week| transaction.people(week, Crowd::All))?;
        drop(transaction);
        Ok(Gauges {
            questions: self.count(Tree::Inbox)?,
            answers: self.count(Tree::Outbox)?,
            undecrypted: self.count(Tree::Undecrypted)?,
            damaged: self.damaged()? as u64,
            bytes: self.db.size_on_disk()?,
            people: if people < THRESHOLD { 0 } else { people },
        })
    }

    fn count(&self, tree: Tree) -> Result<u64, StoreError> {
        let mut count = 0;
        for key in self.db.scan_prefix(Key::all(tree).bytes).keys() {
            key?;
            count += 1;
        }
        Ok(count)
    }
}

impl Store {
    /// How the store is now.
    pub async fn gauges(&self) -> Result<Gauges, StoreError> {
        self.run(Database::gauges).await
    }
}
