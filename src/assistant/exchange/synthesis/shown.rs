//! A reading of documents that the room sees: how far it has come, until it is over or somebody ends it.

use std::time::Duration;

use tokio::sync::watch;

use super::reader::{Notes, Progress, Reader, Whole};
use crate::{
    assistant::{
        courier::{Screen, Stage},
        dispatch::{ActiveGeneration, Interruption},
        exchange::{
            generate::show_typing,
            parts::Parts,
            value::{Exchange, Noted},
        },
        failure::Failure,
        texts::{Synthesis, Text},
    },
    inference::InferenceError,
};

/// How often the progress is looked at. The homeserver's rate limit makes what is shown rarer.
const TICK: Duration = Duration::from_millis(500);

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
    let _typing = show_typing(parts, &exchange.queued.question);
    let mut screen = Screen::open(&parts.courier, &exchange.queued, generation, Stage::Reading).await?;
    let language = parts.config.language_in(&exchange.settings);
    let reading = async {
        let reading = reader.read(documents, budget);
        tokio::pin!(reading);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            let so_far = *seen.borrow();
            tokio::select! {
                biased;
                () = parts.lifecycle.abort.cancelled() => return Err(Failure::Stopped),
                why = generation.interrupted() => return Ok(Err(why)),
                outcome = screen.sent() => screen.note(outcome).await?,
                _ = tick.tick(), if screen.wants(so_far.read) => {
                    let Progress { read, parts } = so_far;
                    let text = Text::Synthesis(Synthesis::Reading { read, parts });
                    screen.show(read, || text.say(language).into_owned());
                }
                notes = &mut reading => return Ok(Ok(notes)),
            }
        }
    };
    let ended: Result<Result<Result<Notes, InferenceError>, Interruption>, Failure> = reading.await;
    let draft = screen.close().await?;
    let ended = ended?;
    exchange.queued.draft = draft;
    match ended {
        Ok(notes) => {
            let Notes { sources, words, left_out } = notes?;
            exchange.sources = sources;
            exchange.notes = Some(Noted { words, left_out });
            Ok(None)
        }
        Err(why) => Ok(Some(why)),
    }
}
