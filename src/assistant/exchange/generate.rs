//! Stage 4: the model answers, piece by piece, through the transforms to the screen.

use std::time::{Duration, Instant};

use tokio_util::sync::DropGuard;

use super::{
    parts::Parts,
    transforms::{self, Chain, Checking, LONGEST_DRAFT, Transform as _},
    value::Exchange,
};
use crate::{
    assistant::{
        clock::now,
        courier::{Screen, Stage},
        dispatch::{ActiveGeneration, Interruption},
        failure::Failure,
    },
    inference::{Generation, InferenceError, Piece, Request, Usage},
    matrix,
    message::Incoming,
};

/// An answer complete this soon after its first text is sent once, whole.
const GRACE: Duration = Duration::from_millis(30);

/// The first text, which phones notify about, waits so long for a sentence or two lines; "is typing" covers that.
const FIRST_AFTER: Duration = Duration::from_secs(2);

/// How often text that has arrived is looked at for showing.
const TICK: Duration = Duration::from_millis(10);

/// "Is typing" fades after four seconds; it is shown anew before.
const TYPING_AGAIN: Duration = Duration::from_secs(3);

/// What was written.
pub struct Written {
    /// The answer, through the transforms.
    pub text: String,
    /// How it ended.
    pub end: End,
    /// From the model's first text to the request that shows it.
    pub shown_after: Option<Duration>,
    /// When the model's first text came, in milliseconds since the epoch.
    pub first_text_at: Option<u64>,
}

impl Written {
    /// An answer that was stopped before its first word.
    pub fn stopped() -> Self {
        Self { text: String::new(), end: End::Stopped, shown_after: None, first_text_at: None }
    }
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with what it cost.
    Done(Usage),
    /// Somebody stopped it.
    Stopped,
}

/// The answer so far.
struct Answer {
    text: String,
    chain: Chain,
    /// Whether nothing is shown that cites nothing.
    cites: bool,
    first: Option<Instant>,
    first_at: Option<u64>,
    /// Whether there is enough for the first draft.
    begun: bool,
    shown_after: Option<Duration>,
}

/// Has the model answer. Nothing where the question is not waiting any more, or has another text now. The exchange's question then
/// names the draft that the answer replaces.
pub async fn generate(
    parts: &Parts,
    generation: &ActiveGeneration,
    exchange: &mut Exchange,
    request: Request,
    checking: Checking,
) -> Result<Option<Written>, Failure> {
    let Parts { store, .. } = parts;
    let question = &exchange.queued.question;
    // An edit or a redaction that came before the generation was active found nothing to interrupt.
    if !store.is_waiting(question).await? {
        return Ok(None);
    }
    let pieces = exchange.model(parts).generate(request)?;
    let _typing = show_typing(parts, question);
    let mut screen = Screen::open(&parts.courier, &exchange.queued, generation, Stage::Answer).await?;
    let mut answer = Answer::new(checking, exchange.needs_sources());
    let ended = read(parts, &mut screen, generation, &mut answer, pieces).await?;
    let draft = screen.close().await?;
    exchange.queued.draft = draft;
    let end = match ended {
        Ended::Done(usage) => End::Done(usage),
        Ended::Interrupted(Interruption::Stopped) => End::Stopped,
        Ended::Interrupted(Interruption::Changed) => return Ok(None),
        Ended::Failed(error) => return Err(error.into()),
    };
    Ok(Some(answer.ended(end)))
}

/// Reads the pieces to their end, and shows drafts on the way.
async fn read(
    parts: &Parts,
    screen: &mut Screen<'_>,
    generation: &ActiveGeneration,
    answer: &mut Answer,
    mut pieces: Generation,
) -> Result<Ended, Failure> {
    // One clock for the whole answer: a wait begun anew at each piece would never end while a fast model writes.
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            () = parts.lifecycle.abort.cancelled() => return Err(Failure::Stopped),
            why = generation.interrupted() => return Ok(Ended::Interrupted(why)),
            outcome = screen.sent() => screen.note(outcome).await?,
            _ = tick.tick(), if screen.wants(answer.shown_bytes()) => answer.show(screen),
            piece = pieces.next() => match piece {
                Some(Ok(Piece::Text(more))) => answer.push(&more),
                Some(Ok(Piece::Done(usage))) => return Ok(Ended::Done(usage)),
                Some(Err(error)) => return Ok(Ended::Failed(error)),
                None => {
                    let error = InferenceError::Engine("the engine went away".to_owned());
                    return Ok(Ended::Failed(error));
                }
            },
        }
    }
}

/// Shows "is typing" until the guard is dropped, and the question as read.
pub(super) fn show_typing(parts: &Parts, question: &Incoming) -> DropGuard {
    let Parts { homeserver, lifecycle, .. } = parts;
    let done = lifecycle.abort.child_token();
    let gateway = homeserver.gateway.clone();
    let (question, until) = (question.clone(), done.clone());
    let abort = lifecycle.abort.clone();
    let courtesies = async move {
        // The root of a thread stands in the main line.
        let read_in = question.written_in().thread;
        gateway.read(&question.room_id, read_in.as_deref(), &question.event_id).await;
        while !until.is_cancelled() {
            gateway.typing(&question.room_id, true).await;
            let _ = tokio::time::timeout(TYPING_AGAIN, until.cancelled()).await;
        }
        gateway.typing(&question.room_id, false).await;
    };
    // It fades by itself where there is no time left to say that it is over.
    lifecycle.spawn(async move {
        abort.run_until_cancelled(courtesies).await;
    });
    done.drop_guard()
}

/// How reading the pieces ended.
enum Ended {
    Done(Usage),
    Interrupted(Interruption),
    Failed(InferenceError),
}

impl Answer {
    fn new(checking: Checking, cites: bool) -> Self {
        Self {
            text: String::new(),
            chain: transforms::answer(checking),
            cites,
            first: None,
            first_at: None,
            begun: false,
            shown_after: None,
        }
    }

    fn push(&mut self, piece: &str) {
        self.chain.push(piece, &mut self.text);
        self.first.get_or_insert_with(Instant::now);
        self.first_at.get_or_insert_with(now);
    }

    /// How much of it a draft can show.
    fn shown_bytes(&self) -> usize {
        self.text.len().min(LONGEST_DRAFT)
    }

    /// Shows a draft, if the answer is not complete at once.
    fn show(&mut self, screen: &mut Screen<'_>) {
        let Some(first) = self.first else { return };
        let may_show = !self.cites || !transforms::marks(&self.text).is_empty();
        self.begun = self.begun || (may_show && may_begin(first.elapsed(), &self.text));
        if !self.begun {
            return;
        }
        if screen.show(self.shown_bytes(), || transforms::draft().apply(&self.text)) {
            self.shown_after.get_or_insert(first.elapsed());
        }
    }

    fn ended(mut self, end: End) -> Written {
        self.chain.finish(&mut self.text);
        Written { text: self.text, end, shown_after: self.shown_after, first_text_at: self.first_at }
    }
}

/// Whether an answer may be shown for the first time, so long after its first text came.
fn may_begin(waited: Duration, text: &str) -> bool {
    waited >= GRACE && (waited >= FIRST_AFTER || matrix::says_enough(text))
}

#[cfg(test)]
mod tests {
    use super::{Duration, FIRST_AFTER, GRACE, may_begin};

    #[test]
    fn the_first_draft_waits_for_a_sentence_and_not_for_ever() {
        let sentence = "La demande se fait en ligne. Il";
        let before = |limit: Duration| limit.saturating_sub(Duration::from_millis(1));
        assert!(!may_begin(before(GRACE), sentence) && may_begin(GRACE, sentence));
        assert!(!may_begin(before(FIRST_AFTER), "Bonjour") && may_begin(FIRST_AFTER, "Bonjour"));
    }
}
