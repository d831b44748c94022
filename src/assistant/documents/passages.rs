//! What a citation points at, as the store and the collections have it now.

use super::Documents;
use crate::{
    assistant::failure::Failure,
    document::{Citation, Document, Partition, Passage, Source},
};

impl Documents {
    /// The passage that an answer cites, in full. `None`: its document is no more.
    pub async fn cited(&self, citation: &Citation) -> Result<Option<Source>, Failure> {
        let Some((document, passages)) = self.document(citation).await? else { return Ok(None) };
        let first = citation.ordinal;
        let cited = passages
            .into_iter()
            .filter(|passage| passage.ordinal >= first && passage.ordinal - first < citation.passages.max(1));
        let joined = cited.reduce(|mut one: Passage, next| {
            one.text.push('\n');
            one.text.push_str(&next.text);
            one
        });
        Ok(joined.map(|passage| Source {
            mark: citation.mark,
            partition: citation.partition.clone(),
            document: citation.document,
            title: document.title,
            link: document.link,
            passage,
            passages: citation.passages,
        }))
    }

    async fn document(&self, citation: &Citation) -> Result<Option<(Document, Vec<Passage>)>, Failure> {
        if let Partition::Collection(name) = &citation.partition {
            return Ok(self.collections.passages(name, citation.document).await);
        }
        let documents = self.kept.documents(std::slice::from_ref(&citation.partition)).await?;
        let Some(document) = documents.into_iter().find(|document| document.number == citation.document) else {
            return Ok(None);
        };
        Ok(self.kept.passages(&document).await?.map(|passages| (document, passages)))
    }
}
