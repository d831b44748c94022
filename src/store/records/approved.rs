//! Mastered answers.

use ruma::OwnedUserId;
use serde::{Deserialize, Serialize};

use super::document::PartitionRecord;
use super::stored::Stored;
use crate::approved::{AnswerState, MasteredAnswer};

/// A [`MasteredAnswer`].
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct AnswerRecord {
    number: u64,
    partition: PartitionRecord,
    question: String,
    variants: Vec<String>,
    text: String,
    author: Option<OwnedUserId>,
    proposed_at: u64,
    replaces: Option<u64>,
    /// When it was approved, and by whom.
    approved: Option<(u64, Option<OwnedUserId>)>,
}

impl Stored for MasteredAnswer {
    type Record = AnswerRecord;
}

impl From<&MasteredAnswer> for AnswerRecord {
    fn from(answer: &MasteredAnswer) -> Self {
        Self {
            number: answer.number,
            partition: PartitionRecord::from(&answer.partition),
            question: answer.question.clone(),
            variants: answer.variants.clone(),
            text: answer.text.clone(),
            author: answer.author.clone(),
            proposed_at: answer.proposed_at,
            replaces: answer.replaces,
            approved: match &answer.state {
                AnswerState::Proposed => None,
                AnswerState::Approved { by, at } => Some((*at, by.clone())),
            },
        }
    }
}

impl From<AnswerRecord> for MasteredAnswer {
    fn from(record: AnswerRecord) -> Self {
        Self {
            number: record.number,
            partition: record.partition.into(),
            question: record.question,
            variants: record.variants,
            text: record.text,
            author: record.author,
            proposed_at: record.proposed_at,
            replaces: record.replaces,
            state: match record.approved {
                None => AnswerState::Proposed,
                Some((at, by)) => AnswerState::Approved { by, at },
            },
        }
    }
}
