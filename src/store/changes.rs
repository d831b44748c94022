//! What a command changes: values that take effect together, in one write with the command's own answer or by themselves.

use ruma::{OwnedRoomId, OwnedUserId};

use super::audit::Entry;
use super::database::Database;
use super::error::StoreError;
use super::layout::{Key, Tree};
use super::transaction::Transaction;
use crate::approved::MasteredAnswer;
use crate::compagnon::{Choice, Made, Settings, SettingsPatch};
use crate::document::Partition;
use crate::job::{JobKind, JobScope, JobState};
use crate::memory::Fact;
use crate::message::ConversationId;

/// One change.
#[derive(Clone, Debug)]
pub enum Change {
    /// Some of a room's settings change.
    Settings(OwnedRoomId, Vec<SettingsPatch>),
    /// A compagnon made by command becomes this.
    Made(Made),
    /// A compagnon made by command is no more: its key is destroyed with it.
    Unmade(u64),
    /// A person was told what the bot is.
    Informed(OwnedUserId),
    /// A line of the audit trail.
    Audit(Entry),
    /// A fact is remembered.
    Remember(Fact),
    /// Facts are forgotten.
    ForgetFacts(Vec<Fact>),
    /// People are told that the beginning of a conversation is left out.
    ToldCut(ConversationId),
    /// A document of a partition is removed.
    RemoveDocument(Partition, u64),
    /// A document goes to another partition, under the same number. One that is not there stays away, and one for which there is no place stays
    /// where it is: see `Store::has_place_for`.
    MoveDocument {
        /// Where it is.
        from: Partition,
        /// Its number.
        number: u64,
        /// Where it goes.
        to: Partition,
    },
    /// A mastered answer is proposed.
    ProposeAnswer(MasteredAnswer),
    /// A proposed answer is approved, in place of the one that it replaces.
    AcceptAnswer {
        /// Whose it is.
        partition: Partition,
        /// Its number.
        number: u64,
        /// Who approves it.
        by: OwnedUserId,
    },
    /// A mastered answer is refused, or taken away.
    RemoveAnswer(Partition, u64),
    /// A job keeps this until its next message. What is larger than `JobState::fits` allows is refused, with the rest of the write.
    KeepJob(Box<JobState>),
    /// What a job kept is removed.
    DropJob(JobKind, JobScope),
    /// What was said in one conversation is forgotten, with the documents that were put into it.
    ForgetConversation(ConversationId),
    /// Others have come into a conversation of two: what was said in it is forgotten, with the documents that were put into it while it was one
    /// of two. Those that came since stay.
    BeginAnew(ConversationId),
    /// What was said in a room, threads included, what is remembered in it and its documents are forgotten; its settings stay.
    ForgetTurns(OwnedRoomId),
    /// All of a person in any room is forgotten: what they have said with the answers to it, what waits for an answer, what is remembered for them,
    /// their documents, the instructions that they gave. Their compagnons and the audit trail stay.
    ForgetPerson(OwnedUserId),
}

impl Database {
    /// Makes changes outside of an answer, all or none.
    pub fn apply(&self, changes: &[Change], now: u64) -> Result<(), StoreError> {
        let mut transaction = self.transaction();
        for change in changes {
            transaction.change(change, now)?;
        }
        transaction.commit()
    }
}

impl Transaction<'_> {
    /// Makes a change, in this transaction's write.
    pub(super) fn change(&mut self, change: &Change, now: u64) -> Result<(), StoreError> {
        match change {
            Change::Settings(room, patches) => {
                let key = self.blinded_ids().settings(room);
                let mut settings = self.get::<Settings>(&key)?.unwrap_or_default();
                for patch in patches {
                    settings.apply(patch);
                    if let SettingsPatch::Compagnon(Some(Choice::Made(number) | Choice::Own(number))) = patch {
                        self.note_used(*number, now)?;
                    }
                }
                self.put(&key, &settings)
            }
            Change::Made(made) => self.put(&self.blinded_ids().compagnon(made.number), made),
            Change::Unmade(number) => self.unmake(*number),
            Change::Informed(user) => self.put_value(&self.blinded_ids().informed(user), &now),
            Change::Audit(entry) => {
                let number = self.next()?.to_be_bytes();
                self.put(&Key::new(Tree::Audit, &[&number]), entry)
            }
            Change::Remember(fact) => self.remember(fact),
            Change::ForgetFacts(facts) => self.forget_facts(facts),
            Change::ToldCut(conversation) => self.tell_cut(conversation, now),
            Change::RemoveDocument(partition, number) => self.remove_document(partition, *number),
            Change::MoveDocument { from, number, to } => self.move_document(from, *number, to),
            Change::ProposeAnswer(answer) => self.propose_answer(answer),
            Change::AcceptAnswer { partition, number, by } => self.accept_answer(partition, *number, by, now),
            Change::RemoveAnswer(partition, number) => self.remove_answer(partition, *number),
            Change::KeepJob(state) => self.keep_job(state),
            Change::DropJob(kind, scope) => self.drop_job(*kind, scope),
            Change::ForgetConversation(conversation) => self.forget_conversation(conversation, now),
            Change::BeginAnew(conversation) => self.begin_anew(conversation, now),
            Change::ForgetTurns(room) => self.forget_turns(room, now),
            Change::ForgetPerson(user) => self.forget_person(user, now),
        }
    }
}
