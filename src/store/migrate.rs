//! The way of a store from one version to the next.
//!
//! A step goes over the records in slices, each one batch with the place to go on from, so that memory does not grow with the store and a
//! kill costs one slice. The version is raised before the first slice, with that place: an older program refuses the store from then on, and
//! the next start of this one goes on. What does not open is set aside, as everywhere.

use sled::IVec;

use super::database::Database;
use super::error::StoreError;
use super::layout::{Key, Tree};
use super::records::version1::{AnsweredV1, DeliveryV1, QueuedV1};
use super::records::{AnsweredRecord, DeliveryRecord, OwnRecord, QueuedRecord, SentRecord};
use super::schema::{self, CURRENT, VERSION_KEY};
use super::transaction::Transaction;

/// Where a step that is under way goes on: the key of the next record. In plain, as the version is. Not there when none is.
pub(super) const PROGRESS_KEY: &[u8] = b"mmigration";

/// How many records are converted in one batch.
const SLICE: usize = if cfg!(test) { 40 } else { 1000 };

/// Converts a record: adds what becomes of it to the transaction. An error of [`StoreError::Damaged`] says that it cannot be read.
type Convert = fn(&mut Transaction<'_>, &Key, &[u8]) -> Result<(), StoreError>;

/// The steps, the first one from version 1 to version 2: the trees that it goes over, in the order of their letters, and what it does. One
/// without trees converts nothing: it only keeps older programs away.
const STEPS: [(&[Tree], Convert); CURRENT as usize - 1] =
    [(&[Tree::Answered, Tree::Inbox, Tree::Outbox, Tree::Own], to_version_2), (&[], |_, _, _| Ok(()))];

impl Database {
    /// Brings the store to the current version.
    pub(super) fn migrate(&self) -> Result<(), StoreError> {
        loop {
            let version = schema::version(&self.db)?.unwrap_or(CURRENT);
            let under_way = self.db.get(PROGRESS_KEY)?;
            let step = match under_way {
                // The version was raised when the step began.
                Some(_) => version.saturating_sub(2),
                None if version < CURRENT => version - 1,
                None => return Ok(()),
            };
            let Some((trees, convert)) = STEPS.get(step as usize) else { return Ok(()) };
            let mut from = under_way;
            if from.is_none() {
                let start = trees.first().map(|tree| IVec::from(&[tree.letter()]));
                let mut transaction = self.transaction();
                transaction.put_raw(VERSION_KEY, (step + 2).to_be_bytes().to_vec());
                if let Some(start) = &start {
                    transaction.put_raw(PROGRESS_KEY, start.to_vec());
                }
                transaction.write()?;
                transaction.sync()?;
                fail::fail_point!("migration-begun");
                from = start;
            }
            let mut records = 0;
            while let Some(start) = from.take() {
                let mut transaction = self.transaction();
                let (converted, next) = transaction.convert_slice(trees, *convert, &start)?;
                match &next {
                    Some(next) => transaction.put_raw(PROGRESS_KEY, next.to_vec()),
                    None => transaction.remove_raw(PROGRESS_KEY),
                }
                transaction.save_keys()?;
                transaction.write()?;
                fail::fail_point!("migration-slice-written");
                transaction.sync()?;
                fail::fail_point!("migration-slice");
                records += converted;
                from = next;
            }
            tracing::info!(to = step + 2, records, "the store was migrated");
        }
    }
}

impl Transaction<'_> {
    /// Converts the next records of these trees from a key on. Returns how many they were, and where to go on: `None` at the end.
    fn convert_slice(
        &mut self,
        trees: &[Tree],
        convert: Convert,
        from: &[u8],
    ) -> Result<(usize, Option<IVec>), StoreError> {
        let mut converted = 0;
        let mut from = from.to_vec();
        let Some(first) = from.first().copied() else { return Err(StoreError::Damaged { tree: "schema" }) };
        for tree in trees.iter().filter(|tree| tree.letter() >= first).copied().collect::<Vec<_>>() {
            if from.first().is_some_and(|letter| *letter < tree.letter()) {
                from = vec![tree.letter()];
            }
            for record in self.database.db.range(from.clone()..) {
                let (bytes, sealed) = record?;
                if bytes.first() != Some(&tree.letter()) {
                    break;
                }
                if converted == SLICE {
                    return Ok((converted, Some(bytes)));
                }
                converted += 1;
                self.database.touch(1);
                let key = Key { tree, bytes: bytes.to_vec() };
                let done = match self.unseal(&key, &sealed) {
                    // Without the key of its room nobody reads it: the sweep removes it.
                    Ok(None) => Ok(()),
                    Ok(Some(plain)) => convert(self, &key, &plain),
                    Err(error) => Err(error),
                };
                match done {
                    Err(StoreError::Damaged { .. }) => self.set_record_aside(&key, &sealed)?,
                    other => other?,
                }
            }
        }
        Ok((converted, None))
    }

    /// Notes in the bot's own messages which question they answer.
    fn index<'e>(
        &mut self,
        question: &Key,
        messages: impl Iterator<Item = &'e ruma::OwnedEventId>,
    ) -> Result<(), StoreError> {
        let place = question.event_place().ok_or(StoreError::Damaged { tree: question.tree.name() })?;
        for message in messages {
            let key = self.blinded_ids().dedup_key(Tree::Own, message);
            // One that grew too old is not remembered anew.
            if let Some(at) = self.find_value::<OwnV1>(&key)? {
                self.put_value(&key, &OwnRecord::new(at.at(), Some(place)))?;
            }
        }
        Ok(())
    }
}

/// What stands for a message of the bot's own: in version 1 its time alone. Version 2 may have come to it already.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum OwnV1 {
    At(u64),
    Indexed(OwnRecord),
}

impl OwnV1 {
    fn at(&self) -> u64 {
        match self {
            Self::At(at) => *at,
            Self::Indexed(own) => own.at,
        }
    }
}

fn to_version_2(transaction: &mut Transaction<'_>, key: &Key, plain: &[u8]) -> Result<(), StoreError> {
    match key.tree {
        Tree::Answered => {
            let answered = AnsweredRecord::from(read::<AnsweredV1>(key, plain)?);
            transaction.index(key, answered.parts.iter())?;
            transaction.put_value(key, &answered)
        }
        Tree::Inbox => {
            let queued = QueuedRecord::from(read::<QueuedV1>(key, plain)?);
            transaction.index(key, queued.draft.iter().chain(&queued.lost).chain(&queued.shown))?;
            transaction.put_value(key, &queued)
        }
        Tree::Outbox => {
            let delivery = DeliveryRecord::from(read::<DeliveryV1>(key, plain)?);
            let sent = delivery.sent.iter().filter_map(|sent| match sent {
                SentRecord::Message(event) => Some(event),
                SentRecord::Elsewhere(..) | SentRecord::Service(_) => None,
            });
            transaction.index(key, sent.chain(&delivery.draft).chain(&delivery.lost).chain(&delivery.shown))?;
            transaction.put_value(key, &delivery)
        }
        // Its index was written in this same slice: what is read here is from before.
        Tree::Own if transaction.writes().contains_key(key.bytes.as_slice()) => Ok(()),
        Tree::Own => match read(key, plain)? {
            OwnV1::At(at) => transaction.put_value(key, &OwnRecord::new(at, None)),
            OwnV1::Indexed(_) => Ok(()),
        },
        _ => Ok(()),
    }
}

fn read<T: serde::de::DeserializeOwned>(key: &Key, plain: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(plain).map_err(|_| StoreError::Damaged { tree: key.tree.name() })
}
