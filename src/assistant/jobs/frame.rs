//! The frame of a job, the same for all.

use std::time::Duration;

use tokio::sync::watch;

use super::{
    job::{Job, Progress},
    note, pseudonymise,
};
use crate::{
    assistant::{
        commands,
        courier::{Concluded, Ending, Screen, Stage},
        dispatch::{ActiveGeneration, Interruption},
        exchange::{EffectiveCompagnon, Parts, show_typing},
        failure::Failure,
        texts::{Language, Text},
        veil::{Place, Veil},
    },
    command::{Call, Command},
    matrix::RoomFacts,
    store::Queued,
};

/// How often the progress is looked at. The homeserver's rate limit makes what is shown rarer.
const TICK: Duration = Duration::from_millis(500);

/// Carries out the job that a message asks for. Nothing where the message is not waiting any more, or has another text now.
pub async fn run(
    parts: &Parts,
    mut queued: Queued,
    call: &Call,
    room: Option<&RoomFacts>,
) -> Result<Option<Concluded>, Failure> {
    let Parts { store, library, config, courier, model, .. } = parts;
    let question = queued.question.clone();
    if let Some(refusal) = commands::refusal(&parts.commands, &question, call).await? {
        return courier.decline(&queued, &refusal).await.map(|()| None);
    }
    let settings = store.room_settings(&question.room_id).await?;
    let compagnon = EffectiveCompagnon::of_room(store, library, config, &question.room_id, &settings).await?;
    let conversation = question.conversation();
    let place = Place { conversation: &conversation, compagnon: &compagnon.compagnon, settings: &settings };
    let veil = Veil::of(store, config, model, place, question.edited_at > 0).await?;
    // Who calls a command by its English name reads English, unless the room says otherwise.
    let language = settings.language.unwrap_or(if call.english { Language::En } else { config.language });
    // Until what comes of it is stored: a second stop would otherwise take the message for one that still waits, and drop it.
    let active = parts.active.enter(&question);
    // An edit or a redaction that came before this found nothing to interrupt.
    if !store.is_waiting(&question).await? {
        return Ok(None);
    }
    let (progress, seen) = watch::channel(Progress::default());
    let done = {
        let job = Job {
            parts,
            message: &question,
            call,
            settings: &settings,
            compagnon: &compagnon,
            veil: veil.as_ref(),
            room,
            language,
            progress: &progress,
        };
        shown(parts, &queued, &active.generation, &seen, work(&job)).await?
    };
    queued.draft = done.draft;
    let ending = match done.outcome {
        Ok(ending) => {
            let mut ending = ending?;
            ending.changes.extend(veil.as_ref().and_then(Veil::kept));
            ending
        }
        Err(Interruption::Changed) => return Ok(None),
        Err(Interruption::Stopped) => {
            let items = super::texts::notices(&Text::JobStopped.say(language));
            Ending { items, ..Ending::default() }
        }
    };
    parts.cache.apply(&ending.changes);
    courier.conclude(&queued, ending).await.map(Some)
}

/// What became of work that the room sees.
struct Done {
    outcome: Result<Result<Ending, Failure>, Interruption>,
    /// The message that showed the progress, which what comes of the work replaces.
    draft: Option<ruma::OwnedEventId>,
}

/// Shows how far work has come, until it is over or somebody ends it.
async fn shown(
    parts: &Parts,
    queued: &Queued,
    generation: &ActiveGeneration,
    seen: &watch::Receiver<Progress>,
    work: impl Future<Output = Result<Ending, Failure>>,
) -> Result<Done, Failure> {
    let _typing = show_typing(parts, &queued.question);
    let mut screen = Screen::open(&parts.courier, queued, generation, Stage::Job).await?;
    let working = async {
        tokio::pin!(work);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            let so_far = seen.borrow().clone();
            tokio::select! {
                biased;
                () = parts.lifecycle.abort.cancelled() => return Err(Failure::Stopped),
                why = generation.interrupted() => return Ok(Err(why)),
                outcome = screen.sent() => screen.note(outcome).await?,
                _ = tick.tick(), if screen.wants(so_far.done) => {
                    screen.show(so_far.done, || so_far.text);
                }
                ending = &mut work => return Ok(Ok(ending)),
            }
        }
    };
    let outcome = working.await;
    let draft = screen.close().await?;
    Ok(Done { outcome: outcome?, draft })
}

/// Each job's own work. Dropping it ends what it has asked of the model.
async fn work(job: &Job<'_>) -> Result<Ending, Failure> {
    match job.call.command {
        Some(Command::Pseudonymise) => pseudonymise::run(job).await,
        Some(Command::Reviews) => super::reviews::run(job).await,
        Some(Command::Translate) => super::translate::run(job).await,
        Some(Command::Note) => note::note(job).await,
        Some(Command::CatchUp) => note::catch_up(job).await,
        _ => Err(Failure::NotKnown),
    }
}
