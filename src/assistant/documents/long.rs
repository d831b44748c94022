//! The documents that a question is about as a whole, where they are longer than what a model is given of them.

use super::{Documents, Search};
use crate::{
    assistant::failure::Failure,
    document::{Document, Partition, Passage},
};

impl Documents {
    /// The documents that a question names, or else those of its conversation, with all of their passages. Nothing where a model can be given
    /// all of them.
    pub async fn long(&self, search: &Search<'_>) -> Result<Vec<(Document, Vec<Passage>)>, Failure> {
        let mut documents = if search.about.is_empty() {
            let own = |one: &&Partition| matches!(one, Partition::Conversation(_) | Partition::Person(_));
            self.of(&search.partitions.iter().filter(own).cloned().collect::<Vec<_>>()).await?
        } else {
            search.about.to_vec()
        };
        documents.retain(|document| !search.hidden.contains(&(document.partition.clone(), document.number)));
        let characters: u64 = documents.iter().map(|document| document.characters).sum();
        if characters <= search.characters as u64 {
            return Ok(Vec::new());
        }
        let mut whole = Vec::new();
        for document in documents {
            let passages = self.store.passages(&document).await?.unwrap_or_default();
            whole.push((document, passages));
        }
        Ok(whole)
    }
}
