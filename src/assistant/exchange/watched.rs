//! Work that the room sees: how far it has come, until it is over or somebody ends it.

use std::time::Duration;

use ruma::OwnedEventId;

use super::{generate::show_typing, parts::Parts};
use crate::{
    assistant::{
        courier::{Screen, Stage},
        dispatch::{ActiveGeneration, Interruption},
        failure::Failure,
    },
    store::Queued,
};

/// How often the progress is looked at. The homeserver's rate limit makes what is shown rarer.
const TICK: Duration = Duration::from_millis(500);

/// What became of work that the room sees.
pub struct Watched<T> {
    /// What came of it, or why it ended early.
    pub outcome: Result<T, Interruption>,
    /// The message that showed the progress, which what comes of the work replaces.
    pub draft: Option<OwnedEventId>,
}

/// Shows how far work has come: `done` is how much of it is, and `told` the sentence that says so, which is shown anew when more is done.
pub async fn watched<T>(
    parts: &Parts,
    queued: &Queued,
    generation: &ActiveGeneration,
    stage: Stage,
    (done, told): (impl Fn() -> usize, impl Fn() -> String),
    work: impl Future<Output = T>,
) -> Result<Watched<T>, Failure> {
    let _typing = show_typing(parts, &queued.question);
    let mut screen = Screen::open(&parts.courier, queued, generation, stage).await?;
    let working = async {
        tokio::pin!(work);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                biased;
                () = parts.lifecycle.abort.cancelled() => return Err(Failure::Stopped),
                why = generation.interrupted() => return Ok(Err(why)),
                outcome = screen.sent() => screen.note(outcome).await?,
                // Whether there is more to show is only known then.
                _ = tick.tick() => {
                    let so_far = done();
                    if screen.wants(so_far) {
                        screen.show(so_far, &told);
                    }
                }
                made = &mut work => return Ok(Ok(made)),
            }
        }
    };
    let outcome: Result<Result<T, Interruption>, Failure> = working.await;
    let draft = screen.close().await?;
    Ok(Watched { outcome: outcome?, draft })
}
