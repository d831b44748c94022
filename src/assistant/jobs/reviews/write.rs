//! One draft: what the model is given for it, what it writes, and what is found in that.

use std::sync::Arc;

use super::{
    asked::Wish,
    checks::{Check, checks},
    draft::cleaned,
    masked::Masks,
    pairs::{Pair, nearest},
    plain::COMPAGNON,
    prompt::{Ask, Limits, TEMPERATURE, request},
    state::Current,
};
use crate::{
    assistant::{
        documents::{Found, Search},
        exchange::{
            View,
            compose::{base, today},
            patiently, readable,
        },
        failure::Failure,
        jobs::job::Job,
        texts::{Text, reviews::Reviews},
    },
    compagnon::{Compagnon, Variables},
    document::Partition,
    inference::{InferenceError, Sampling},
    usage::Usage,
};

/// About how many characters of passages are looked through for earlier replies.
const CHARACTERS: usize = 24_000;

/// A draft, and what is to be looked at in it.
pub struct Written {
    /// The text.
    pub text: String,
    /// What is to be looked at.
    pub checks: Vec<Check>,
    /// How many earlier replies the model was given.
    pub pairs: usize,
    /// What it cost.
    pub usage: Usage,
}

/// Has the model write a draft for a review, or rewrite the last one. What cannot be done is said.
pub async fn write(
    job: &Job<'_>,
    current: &Current,
    masks: &mut Masks,
    wish: Option<&Wish>,
) -> Result<Result<Written, Text<'static>>, Failure> {
    let pairs = earlier(job, current, masks).await?;
    let compagnon = rules(job);
    let addition = masks.said(job.settings.addition.as_deref().unwrap_or_default());
    let system = system(job, &compagnon, &addition)?;
    let sampling =
        Sampling { temperature: compagnon.about.temperature.unwrap_or(TEMPERATURE), ..(*job.parts.sampling).clone() };
    let model = &job.parts.model;
    let counter = model.token_counter();
    let context = model.limits().context_length;
    let limits = Limits { context: context - counter.accuracy().margin(context), counter: &*counter };
    let bases = job.parts.library.library();
    let base = base(&**model, &job.parts.config, bases.bases(), job.settings, today(&job.parts.config));
    let ask = Ask { base: base.as_ref(), system: &system, current, pairs: &pairs, wish, sampling: &sampling };
    let Some((request, given)) = request(&ask, &limits) else { return Ok(Err(Text::Reviews(Reviews::TooLong))) };
    // Not through the conversation's own table of pseudonyms: nothing of the prompt names anybody by now, and what is masked is not put back.
    let (written, usage) = match patiently(&**model, &request).await {
        Ok(written) => written,
        Err(InferenceError::PromptTooLong { .. }) => return Ok(Err(Text::Reviews(Reviews::TooLong))),
        Err(error) => return Err(error.into()),
    };
    let draft = cleaned(&written, masks.originals());
    if draft.text.is_empty() {
        return Ok(Err(Text::Reviews(Reviews::NothingWritten)));
    }
    let answers = pairs.iter().take(given).map(|pair| pair.answer.as_str());
    let said: Vec<&str> = current.facts.iter().map(String::as_str).chain([addition.as_str()]).chain(answers).collect();
    let checks = checks(&draft, &said, !current.review.distress.is_empty());
    Ok(Ok(Written { text: draft.text, checks, pairs: given, usage }))
}

/// Whose rules are followed: the room's compagnon where it is that for reviews, otherwise the library's.
fn rules(job: &Job<'_>) -> Arc<Compagnon> {
    let own = &job.compagnon.compagnon;
    if own.id == COMPAGNON {
        return Arc::clone(own);
    }
    let library = job.parts.library.library();
    library.get(COMPAGNON).map_or_else(|_| Arc::clone(own), Arc::clone)
}

/// The rules, with what the room adds.
fn system(job: &Job<'_>, compagnon: &Compagnon, addition: &str) -> Result<String, Failure> {
    let config = &job.parts.config;
    let date = compagnon.about.language.date(today(config));
    // The room's name is no matter of a public reply.
    let variables = Variables { date: &date, organisation: &config.organisation, room: "" };
    let rules = compagnon.system_prompt(&variables).map_err(|error| Failure::Compagnon(error.to_string()))?;
    Ok(if addition.is_empty() { rules } else { format!("{rules}\n\nConsigne de ce salon :\n{addition}") })
}

/// The nearest earlier reviews with their replies, of the documents of the compagnon, of its collections and of the room. Without names.
async fn earlier(job: &Job<'_>, current: &Current, masks: &mut Masks) -> Result<Vec<Pair>, Failure> {
    let (parts, message) = (job.parts, job.message);
    let view = View { settings: job.settings, compagnon: job.compagnon, room: job.room };
    let mut there = readable(&parts.store, &parts.documents, &parts.homeserver, message, &view).await?;
    // What stands in the conversation is what is to be answered.
    let rests = |partition: &Partition| {
        matches!(partition, Partition::Compagnon(_) | Partition::Room(_) | Partition::Collection(_))
    };
    there.partitions.retain(rests);
    there.documents.retain(|document| rests(&document.partition));
    let review = &current.review;
    let question = format!("{} {}", review.title, review.text);
    let conversation = message.conversation();
    let search = Search {
        conversation: &conversation,
        partitions: &there.partitions,
        documents: &there.documents,
        question: question.trim(),
        before: None,
        about: &[],
        last_answer: None,
        now: crate::assistant::clock::now(),
        characters: CHARACTERS,
    };
    let Found::Sources(sources) = parts.documents.search(&search).await? else { return Ok(Vec::new()) };
    let found = nearest(&question, sources.iter().map(|source| source.passage.text.as_str()));
    let without_names = |pair: Pair| Pair { review: masks.mask(&pair.review, &[]), answer: masks.said(&pair.answer) };
    Ok(found.into_iter().map(without_names).collect())
}
