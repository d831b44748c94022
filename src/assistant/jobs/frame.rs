//! The frame of a job, the same for all.

use tokio::sync::watch;

use super::{
    cases,
    job::{Job, Progress, Turn},
    note, pseudonymise,
};
use crate::{
    assistant::{
        commands, counting,
        courier::{Concluded, Ending, Stage},
        dispatch::Interruption,
        exchange::{EffectiveCompagnon, Parts, watched},
        failure::Failure,
        texts::{Language, Text},
        veil::{Place, Veil},
    },
    command::{Call, Command},
    matrix::RoomFacts,
    message::Item,
    statistics::Outcome,
    store::Queued,
};

/// Carries out the job that a message asks for. Nothing where the message is not waiting any more, or has another text now.
pub async fn run(
    parts: &Parts,
    mut queued: Queued,
    call: &Call,
    room: Option<&RoomFacts>,
) -> Result<Option<Concluded>, Failure> {
    let Parts { store, library, config, courier, model, entities, .. } = parts;
    let question = queued.question.clone();
    if let Some(refusal) = commands::refusal(&parts.commands, &question, call).await? {
        return courier.decline(&queued, &refusal).await.map(|()| None);
    }
    let settings = store.room_settings(&question.room_id).await?;
    let compagnon = EffectiveCompagnon::of_room(store, library, config, &question.room_id, &settings).await?;
    let conversation = question.conversation();
    let place = Place { conversation: &conversation, compagnon: &compagnon.compagnon, settings: &settings };
    let veil = Veil::of(store, config, model, entities.as_ref(), place, question.edited_at > 0).await?;
    // Who calls a command by its English name reads English, unless the room says otherwise.
    let language = settings.language.unwrap_or(if call.english { Language::En } else { config.language });
    // Until what comes of it is stored: a second stop would otherwise take the message for one that still waits, and drop it.
    let active = parts.active.enter(&question);
    // An edit or a redaction that came before this found nothing to interrupt.
    if !store.is_waiting(&question).await? {
        return Ok(None);
    }
    let (progress, seen) = watch::channel(Progress::default());
    // Held until what comes of the job is stored.
    let turn = Turn::new();
    let done = {
        let job = Job {
            parts,
            queued: &queued,
            message: &question,
            call,
            settings: &settings,
            compagnon: &compagnon,
            veil: veil.as_ref(),
            room,
            language,
            progress: &progress,
            turn: &turn,
        };
        let progress = (|| seen.borrow().done, || seen.borrow().text.clone());
        watched(parts, &queued, &active.generation, Stage::Job, progress, work(&job)).await?
    };
    queued.draft = done.draft;
    let ending = match done.outcome {
        Ok(ending) => {
            let mut ending = ending?;
            ending.changes.extend(veil.as_ref().and_then(Veil::kept));
            // A sentence alone that tells of no answer and of no refusal says how the job is asked for.
            let done = ending.usage.is_some() || !ending.items.iter().all(Item::is_notice);
            ending.outcome = ending.outcome.or(done.then_some(Outcome::Answered));
            ending
        }
        Err(Interruption::Changed) => return Ok(None),
        Err(Interruption::Stopped) => {
            let items = super::texts::notices(&Text::JobStopped.say(language));
            Ending { items, outcome: counting::outcome(&Text::JobStopped), ..Ending::default() }
        }
    };
    parts.cache.apply(&ending.changes);
    courier.conclude(&queued, ending).await.map(Some)
}

/// Each job's own work. Dropping it ends what it has asked of the model.
async fn work(job: &Job<'_>) -> Result<Ending, Failure> {
    match job.call.command {
        Some(Command::Pseudonymise) => pseudonymise::run(job).await,
        Some(Command::Reviews) => super::reviews::run(job).await,
        Some(Command::Translate) => super::translate::run(job).await,
        Some(Command::Note) => note::note(job).await,
        Some(Command::CatchUp) => note::catch_up(job).await,
        Some(Command::Compagnon) => cases::run(job).await,
        _ => Err(Failure::NotKnown),
    }
}
