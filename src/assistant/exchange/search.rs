//! Stage 4: the passages of documents that answer a question, perhaps.

use super::{parts::Parts, value::Exchange};
use crate::assistant::{
    documents::{Scope, compagnon_of, searched},
    failure::Failure,
};

/// Searches the documents that a question may see.
pub async fn search(parts: &Parts, exchange: &mut Exchange) -> Result<(), Failure> {
    let question = &exchange.queued.question;
    let effective = &exchange.compagnon;
    let compagnon = compagnon_of(&exchange.settings, &effective.compagnon.id, effective.gone);
    let scope = Scope {
        conversation: &question.conversation(),
        asker: &question.sender,
        direct: exchange.is_direct(),
        opened: exchange.history.opened,
        compagnon: &compagnon,
        collections: &[],
    };
    exchange.sources = parts.documents.search(&searched(&scope)).await;
    Ok(())
}
