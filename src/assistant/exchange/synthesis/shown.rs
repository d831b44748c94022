//! A reading of documents that the room sees: how far it has come, until it is over or somebody ends it.

use tokio::sync::watch;

use super::reader::{Notes, Progress, Reader, Whole};
use crate::assistant::{
    courier::Stage,
    dispatch::{ActiveGeneration, Interruption},
    exchange::{
        parts::Parts,
        value::{Exchange, Noted},
        watched::watched,
    },
    failure::Failure,
    texts::{Synthesis, Text},
};

/// Reads documents for the exchange's question: the notes on them are its sources then, and it names the draft that the answer replaces. Gives
/// why it was not read to the end.
pub async fn read_documents(
    parts: &Parts,
    generation: &ActiveGeneration,
    exchange: &mut Exchange,
    documents: &[Whole],
    budget: usize,
) -> Result<Option<Interruption>, Failure> {
    // An edit or a redaction that came before the generation was active found nothing to interrupt.
    if !parts.store.is_waiting(&exchange.queued.question).await? {
        return Ok(Some(Interruption::Changed));
    }
    let (progress, seen) = watch::channel(Progress::default());
    let reader = Reader {
        model: exchange.model(parts),
        sampling: &parts.sampling,
        language: exchange.compagnon.compagnon.about.language,
        question: exchange.asked(),
        progress: &progress,
    };
    let language = parts.config.language_in(&exchange.settings);
    let told = || {
        let Progress { read, parts } = *seen.borrow();
        Text::Synthesis(Synthesis::Reading { read, parts }).say(language).into_owned()
    };
    let progress = (|| seen.borrow().read, told);
    let reading = reader.read(documents, budget);
    let ended = watched(parts, &exchange.queued, generation, Stage::Reading, progress, reading).await?;
    exchange.queued.draft = ended.draft;
    match ended.outcome {
        Ok(notes) => {
            let Notes { sources, words, left_out } = notes?;
            exchange.sources = sources;
            exchange.notes = Some(Noted { words, left_out });
            Ok(None)
        }
        Err(why) => Ok(Some(why)),
    }
}
