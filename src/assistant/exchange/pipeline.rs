//! The stages in their order.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use super::{
    admit::{Admission, Facts, Rules, admit, is_stale},
    checking::checking,
    compose::{Ask, ComposeError, Composed, LeftOut, compose, today},
    conclude::conclude,
    contact,
    generate::{End, Written, generate},
    ground::{Grounded, ground},
    history::Before,
    mastered::mastered,
    parts::Parts,
    pseudonyms::{learn, learn_documents, show_placeholders},
    read::{read, say_what_was_read},
    resolve::{refresh, resolve},
    search::search,
    synthesis::{Whole, read_documents},
    transforms::{Checking, marks},
    value::Exchange,
};
use crate::{
    assistant::{
        clock::now,
        commands,
        courier::Concluded,
        dispatch::{ActiveGeneration, Interruption},
        documents::Long,
        failure::Failure,
        jobs,
        texts::{Language, Text, note, sources::Sources},
    },
    inference::Request,
    matrix::Sought,
    statistics::{Outcome, Refusal},
    store::Queued,
    usage::AnswerUsage,
};

/// The share of the context that the notes on long documents may take.
const SHARE_OF_NOTES: usize = 3;

/// Answers questions.
pub struct Exchanges(Parts);

impl Exchanges {
    /// Exchanges made with these.
    pub fn new(parts: Parts) -> Self {
        Self(parts)
    }

    /// One attempt at a question whose turn has come. Gives the answer that is stored and to be delivered; nothing where the question is
    /// over, or its reply is a notice that is on its way already.
    pub async fn answer(&self, mut queued: Queued) -> Result<Option<Concluded>, Failure> {
        let arrived = Instant::now();
        let mut facts = self.facts(&mut queued).await?;
        if matches!(admit(&queued, &facts, &self.rules()), Admission::Answer | Admission::Read | Admission::Job(_)) {
            // The homeserver is not asked about the room of a question that is refused without that.
            facts.room = self.0.homeserver.room(&queued.question.room_id).await?;
        }
        let admission = admit(&queued, &facts, &self.rules());
        if let Admission::Job(call) = admission {
            let call = call.clone();
            // On the heap: it holds the states of all jobs.
            return Box::pin(jobs::run(&self.0, queued, &call, facts.room.as_ref())).await;
        }
        if admission != Admission::Answer {
            return self.settle(&queued, admission).await.map(|()| None);
        }
        let mut exchange = resolve(&self.0, queued, facts).await?;
        if let Some(ending) = mastered(&self.0, &exchange, now()).await? {
            return self.0.courier.conclude(&exchange.queued, ending).await.map(Some);
        }
        // On the heap: it holds what a job does.
        if let Some(ending) = Box::pin(jobs::corrected(&self.0, &exchange)).await? {
            return self.0.courier.conclude(&exchange.queued, ending).await.map(Some);
        }
        if let Some(call) =
            jobs::reviews::meant(&self.0, &exchange.queued.question, &exchange.compagnon.compagnon.id).await?
        {
            return Box::pin(jobs::run(&self.0, exchange.queued, &call, exchange.room.as_ref())).await;
        }
        match ground(&self.0, &mut exchange).await? {
            Grounded::Ready => {}
            Grounded::Declined(refusal) => return self.decline(&exchange.queued, &refusal).await,
            Grounded::Over => return Ok(None),
        }
        let long = search(&self.0, &mut exchange).await?;
        refresh(&self.0, &mut exchange).await?;
        // Until the answer is stored: a second stop would otherwise take the question for one that still waits, and drop it.
        let active = self.0.active.enter(&exchange.queued.question);
        match self.read_long(&active.generation, &mut exchange, long).await? {
            None => {}
            Some(Interruption::Changed) => return Ok(None),
            Some(Interruption::Stopped) => return self.stopped(&exchange).await,
        }
        if let Some(refusal) = exchange.unsourced() {
            return self.decline(&exchange.queued, &refusal).await;
        }
        learn(&exchange).await?;
        let mut composed = match self.compose(&exchange) {
            Ok(composed) => composed,
            Err(error) => return self.decline(&exchange.queued, &excuse(&error)).await,
        };
        exchange.cite(composed.sources);
        if let Some(refusal) = exchange.unsourced() {
            return self.decline(&exchange.queued, &refusal).await;
        }
        let request = std::mem::take(&mut composed.request);
        show_placeholders(&mut exchange);
        let checks = checks(&exchange, &request, self.0.config.language_in(&exchange.settings));
        let prepared = arrived.elapsed();
        let Some(mut written) = generate(&self.0, &active.generation, &mut exchange, request, checks).await? else {
            return Ok(None);
        };
        if exchange.needs_sources() && cites_nothing(&written) {
            if written.end != End::Stopped {
                return self.decline(&exchange.queued, &Text::Sources(Sources::Required)).await;
            }
            // What cites nothing is not shown, however it ended.
            written = Written::stopped();
        }
        let left_out = composed.left_out;
        let Some(ending) = conclude(&exchange, left_out, &written, self.0.model.name(), &self.0.config, now()) else {
            return self.decline(&exchange.queued, &Text::Empty).await;
        };
        let answer = ending.usage.as_ref().map_or(0, |answered| answered.usage.completion_tokens);
        if let Some(usage) = &ending.usage {
            log(&exchange.queued, prepared, written.shown_after, usage);
        }
        self.0.cache.apply(&ending.changes);
        let queued = &exchange.queued;
        let concluded = self.0.courier.conclude(queued, ending).await?;
        if composed.fills_up(answer) {
            self.0.summaries.note(queued.question.conversation(), composed.room);
        }
        Ok(Some(concluded))
    }

    /// Says what was read of files before this message, where it should have said so itself and did not: it was taken back, stopped, refused, or
    /// has become a question.
    pub async fn say_what_was_read(&self, queued: &Queued) -> Result<(), Failure> {
        say_what_was_read(&self.0, queued).await
    }

    /// Reads the documents that are longer than the context, and takes the notes on them for sources. Gives why that ended early.
    async fn read_long(
        &self,
        generation: &ActiveGeneration,
        exchange: &mut Exchange,
        long: Long,
    ) -> Result<Option<Interruption>, Failure> {
        let Long { documents, left_out } = long;
        if documents.is_empty() {
            return Ok(None);
        }
        let documents: Vec<Whole> =
            documents.into_iter().map(|(document, passages)| Whole { document, passages }).collect();
        learn(exchange).await?;
        let documents = learn_documents(exchange, documents).await?;
        let budget = self.0.model.limits().context_length / SHARE_OF_NOTES;
        let why = Box::pin(read_documents(&self.0, generation, exchange, &documents, budget)).await?;
        if let Some(notes) = &mut exchange.notes {
            notes.left_out |= left_out;
        }
        Ok(why)
    }

    /// The end of a question whose reading was stopped before the answer began.
    async fn stopped(&self, exchange: &Exchange) -> Result<Option<Concluded>, Failure> {
        let written = Written::stopped();
        let ending = conclude(exchange, LeftOut::default(), &written, self.0.model.name(), &self.0.config, now());
        let Some(ending) = ending else { return Ok(None) };
        self.0.cache.apply(&ending.changes);
        self.0.courier.conclude(&exchange.queued, ending).await.map(Some)
    }

    fn rules(&self) -> Rules<'_> {
        let Parts { access, config, .. } = &self.0;
        Rules { access, max_age: config.max_age, longest: config.limits.question }
    }

    /// What is known when a question's turn has come. A question from before a restored backup counts as attempted before.
    async fn facts(&self, queued: &mut Queued) -> Result<Facts, Failure> {
        let Parts { store, courier, config, lifecycle, .. } = &self.0;
        let started = lifecycle.started;
        let mut facts = Facts { now: now(), started, answered_elsewhere: false, room: None };
        let question = &queued.question;
        if store.restored_at().await?.is_some_and(|restored| question.sent_at <= restored) {
            // The bot that was backed up went on until it ended: this may be answered already.
            queued.attempts = queued.attempts.max(2);
            facts.answered_elsewhere = is_stale(queued, &facts, config.max_age)
                && courier.find_sent(question, 0, Sought::Any).await?.is_some();
        }
        Ok(facts)
    }

    /// Ends a question that the model does not answer.
    async fn settle(&self, queued: &Queued, admission: Admission<'_>) -> Result<(), Failure> {
        let Parts { store, courier, commands, .. } = &self.0;
        let question = &queued.question;
        match admission {
            // They end in an answer.
            Admission::Answer | Admission::Job(_) => Ok(()),
            // On the heap: it holds the states of a whole transfer.
            Admission::Read => Box::pin(read(&self.0, queued)).await,
            Admission::Command(call) => commands::execute(commands, queued, call).await,
            Admission::Welcome => contact::welcome(&self.0, queued).await,
            Admission::AskWhy => contact::ask_why(&self.0, queued).await,
            Admission::Decline(text) => courier.decline(queued, &text).await,
            Admission::GiveUp => {
                tracing::error!(event_id = %question.event_id, "the process died of a question again and again: it is given up");
                courier.give_up(queued, &Text::GivenUp, Refusal::Failure).await
            }
            Admission::Close => {
                tracing::info!(event_id = %question.event_id, "a question is closed: the room shows an answer, and asking again is too long ago");
                // What another bot has answered is not counted here.
                match queued.again {
                    Some(_) => courier.close(queued, Outcome::Refused(Refusal::Stale)).await?,
                    None => store.close_question(&question.room_id, &question.event_id, now()).await?,
                };
                Ok(())
            }
            Admission::Drop => {
                tracing::info!(event_id = %question.event_id, "a question is dropped: its author has no access any more");
                courier.refuse(queued, Refusal::Access).await?;
                Ok(())
            }
        }
    }

    fn compose(&self, exchange: &Exchange) -> Result<Composed, ComposeError> {
        let Parts { sampling, config, cache, .. } = &self.0;
        let model = exchange.model(&self.0);
        let question = &exchange.queued.question;
        let room = exchange.room.as_ref().and_then(|room| room.name.as_deref());
        let before = exchange.history.before(question);
        let ask = Ask {
            bases: &exchange.bases,
            compagnon: &exchange.compagnon.compagnon,
            settings: &exchange.settings,
            room: room.unwrap_or_default(),
            facts: &exchange.facts,
            summary: None,
            turns: before.turns,
            material: &exchange.material,
            sources: &exchange.sources,
            question: &asked(exchange, config.language_in(&exchange.settings)),
            asker: Some(&question.sender),
            name: question.name.as_deref(),
            // What others wrote, and the question only points at, is not kept beyond its answer, and the model's cache would keep it until
            // something else takes its place. The conversation's earlier entry stays, for the next question.
            cache_key: if exchange.holds_others_words() { 0 } else { cache.key(&question.conversation()) },
        };
        let today = today(config);
        let composed =
            with_or_without_summary(before, |summary| compose(model, sampling, config, &Ask { summary, ..ask }, today));
        if let Ok(Composed { left_out, .. }) = &composed {
            tracing::debug!(summarised = before.summary.is_some(), ?left_out, "composed");
        }
        composed
    }

    async fn decline(&self, queued: &Queued, text: &Text<'_>) -> Result<Option<Concluded>, Failure> {
        self.0.courier.decline(queued, text).await.map(|()| None)
    }
}

/// Composes with the summary, and without it where the question is too long beside it: a question is not refused for what was said long
/// before it. The turns that the summary stands for are left out then.
fn with_or_without_summary(
    before: Before<'_>,
    compose: impl Fn(Option<&str>) -> Result<Composed, ComposeError>,
) -> Result<Composed, ComposeError> {
    let Some(summary) = before.summary else { return compose(None) };
    match compose(Some(&summary.text)) {
        Err(ComposeError::TooLong { .. }) => {
            let mut composed = compose(None)?;
            composed.left_out.turns += before.covered;
            Ok(composed)
        }
        composed => composed,
    }
}

/// What the model is asked. It is told of what it cannot see, so that it does not make that up.
fn asked(exchange: &Exchange, language: Language) -> Cow<'_, str> {
    match exchange.unread() {
        Some(unread) => format!("{}\n\n{}", exchange.asked(), note(unread, language)).into(),
        None => exchange.asked().into(),
    }
}

/// What an answer is checked against.
fn checks(exchange: &Exchange, request: &Request, language: Language) -> Checking {
    let pointed_at = exchange.material.iter().filter_map(|material| material.content.as_deref().ok());
    let asked = std::iter::once(exchange.asked()).chain(pointed_at);
    // Where it is given notes, in the last message, these are the model's own words, too.
    checking(&exchange.sources, request, usize::from(exchange.notes.is_some()), asked, language)
}

/// Whether an answer that is complete cites no passage.
fn cites_nothing(written: &Written) -> bool {
    !written.text.is_empty() && marks(&written.text).is_empty()
}

/// The sentence for a question of which no request can be made.
fn excuse(error: &ComposeError) -> Text<'static> {
    match error {
        ComposeError::TooLong { most } => Text::TooLong { most: Some(*most) },
        ComposeError::Compagnon(error) => {
            tracing::error!(%error, "the compagnon cannot be used");
            Text::Failed
        }
    }
}

fn log(queued: &Queued, prepared: Duration, shown_after: Option<Duration>, answered: &AnswerUsage) {
    let AnswerUsage { usage, model, compagnon, compagnon_version: version } = answered;
    // The name of one that was made by command is somebody's own words.
    let compagnon = if version.is_some() { "made" } else { compagnon.as_str() };
    tracing::info!(
        event_id = %queued.question.event_id,
        attempt = queued.attempts,
        model,
        compagnon,
        version,
        prepare_us = prepared.as_micros(),
        prompt_tokens = usage.prompt_tokens,
        prefill_ms = usage.prefill.as_millis(),
        completion_tokens = usage.completion_tokens,
        decode_ms = usage.decode.as_millis(),
        show_us = shown_after.map(|delay| delay.as_micros()),
        "answered"
    );
}

#[cfg(test)]
mod tests {
    use super::{Before, ComposeError, Composed, with_or_without_summary};
    use crate::{
        assistant::exchange::compose::LeftOut,
        inference::{Request, Sampling},
        store::Summary,
    };

    #[test]
    fn turns_whose_summary_has_no_place_count_as_left_out() {
        let summary = Summary::sample("résumé");
        let before = Before { summary: Some(&summary), covered: 4, turns: &[] };
        let composed = || {
            let request = Request::new(Vec::new(), Sampling::default());
            Composed { request, left_out: LeftOut { turns: 1, ..LeftOut::default() }, sources: 0, room: 0, taken: 0 }
        };
        let left_out = |before, most: usize| {
            with_or_without_summary(before, |summary| {
                let too_long = summary.map_or(0, str::len) > most;
                if too_long { Err(ComposeError::TooLong { most }) } else { Ok(composed()) }
            })
            .map(|composed| composed.left_out.turns)
            .ok()
        };
        assert_eq!(left_out(before, 100), Some(1));
        assert_eq!(left_out(before, 0), Some(5));
        assert_eq!(left_out(Before { summary: None, covered: 0, turns: &[] }, 0), Some(1));
        let refused = with_or_without_summary(before, |_| Err(ComposeError::TooLong { most: 7 }));
        assert!(matches!(refused, Err(ComposeError::TooLong { most: 7 })));
    }
}
