//! One repeat of a case: asked as a room would ask it, and judged.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use ruma::owned_event_id;

use super::{super::chat::veil, judge::Judge};
use crate::{
    assistant::{Entities, as_shown, compose, patiently},
    compagnon::{Bases, Compagnon, Settings},
    config::Config,
    conversation::{Role, Turn},
    document::{Partition, Passage, Place, Source},
    evaluation::{Attempt, Case, CaseResult, Failed, Reply, check},
    inference::{ChatModel, EmbeddingModel, Request, TextKind},
    memory::RememberedFacts,
};

/// One repeat.
#[derive(Clone, Copy)]
pub(super) struct Plan<'a> {
    /// Which case it is.
    pub(super) index: usize,
    /// What its set is called.
    pub(super) set: &'a str,
    /// The case.
    pub(super) case: &'a Case,
    /// What it is sampled with.
    pub(super) seed: u64,
}

/// What asks.
pub(super) struct Asker<'a> {
    pub(super) config: &'a Config,
    pub(super) model: &'a Arc<dyn ChatModel>,
    /// What finds names beside the rules.
    pub(super) entities: Option<&'a Arc<Entities>>,
    pub(super) embedding: Option<&'a dyn EmbeddingModel>,
    pub(super) judge: Option<&'a Judge>,
    /// The rules that stand before what any compagnon says.
    pub(super) bases: &'a Bases,
    pub(super) compagnons: &'a BTreeMap<String, Arc<Compagnon>>,
}

impl Asker<'_> {
    /// Asks once, and judges the answer. What goes wrong is the answer's failure, not the run's.
    pub(super) async fn ask(&self, plan: &Plan<'_>) -> Attempt {
        let begun = Instant::now();
        let attempt = Attempt { seed: plan.seed, ..Attempt::default() };
        let none = |reason: String| Attempt { failed: vec![Failed::NoAnswer(reason)], ..attempt.clone() };
        let sources = sources(plan.case);
        let compagnon = match self.compagnon(plan.case) {
            Ok(compagnon) => compagnon,
            Err(reason) => return none(reason),
        };
        // With placeholders where the compagnon has them, as in a room.
        let veiled = veil(self.model, compagnon, self.entities);
        let model = veiled.as_ref().map_or(&**self.model, |veiled| veiled as &dyn ChatModel);
        let request = match self.request(plan, compagnon, &sources, model) {
            Ok(request) => request,
            Err(reason) => return none(reason),
        };
        let (answer, usage) = match patiently(model, &request).await {
            Ok(written) => written,
            Err(error) => return none(error.to_string()),
        };
        let seconds = begun.elapsed().as_secs_f64();
        let (answer, titles) = as_shown(&answer, &request, &sources, compagnon.about.language);
        let answer = answer.trim().to_owned();
        if answer.is_empty() {
            return none("the model wrote nothing".to_owned());
        }
        let reply = Reply {
            text: &answer,
            cited: &titles,
            cosine: self.cosine(plan.case, &answer).await,
            judged: match (self.judge, &plan.case.rubric) {
                (Some(judge), Some(rubric)) => judge.meets(plan.case, rubric, &answer).await,
                _ => None,
            },
        };
        let failed = check(plan.case, &reply);
        Attempt {
            failed,
            seconds,
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            energy: usage.energy,
            answer,
            ..attempt
        }
    }

    fn request(
        &self,
        plan: &Plan<'_>,
        compagnon: &Compagnon,
        sources: &[Source],
        model: &dyn ChatModel,
    ) -> Result<Request, String> {
        let case = plan.case;
        let turns = turns(case);
        let config = self.config;
        let ask = compose::Ask {
            bases: self.bases,
            compagnon,
            settings: &Settings::default(),
            room: "",
            facts: &RememberedFacts::default(),
            summary: None,
            turns: &turns,
            material: &[],
            sources,
            question: &case.query,
            asker: None,
            name: None,
            // Cases have nothing in common but their system prompts.
            cache_key: 0,
        };
        let today = compose::today(&config.assistant);
        let composed = compose::compose(model, &config.model.sampling, &config.assistant, &ask, today)
            .map_err(|error| error.to_string())?;
        let mut request = composed.request;
        request.sampling.seed = Some(plan.seed);
        Ok(request)
    }

    fn compagnon(&self, case: &Case) -> Result<&Compagnon, String> {
        let id = case.compagnon.as_deref().unwrap_or_default();
        self.compagnons.get(id).map(|compagnon| &**compagnon).ok_or_else(|| format!("there is no compagnon `{id}`"))
    }

    /// How near the answer's meaning is to the right one's.
    async fn cosine(&self, case: &Case, answer: &str) -> Option<f32> {
        let (Some(_), Some(right), Some(embedding)) = (case.similar, &case.output_true, self.embedding) else {
            return None;
        };
        // Both are passages: neither asks for the other.
        let texts = [answer.to_owned(), right.clone()];
        let vectors = embedding.embed(TextKind::Passage, &texts).await.ok()?;
        let [one, other] = vectors.as_slice() else { return None };
        Some(one.iter().zip(other).map(|(a, b)| a * b).sum())
    }
}

/// What stands in the report of a case before its answers.
pub(super) fn unanswered(plan: &Plan<'_>) -> CaseResult {
    let Case { name, kind, compagnon, query, output_true, passages, .. } = plan.case.clone();
    CaseResult {
        set: plan.set.to_owned(),
        name,
        kind,
        compagnon: compagnon.unwrap_or_default(),
        query,
        output_true,
        passages: passages.into_iter().map(|passage| passage.text).collect(),
        attempts: Vec::new(),
    }
}

/// What was said before the question.
fn turns(case: &Case) -> Vec<Turn> {
    let turn = |role, content: &str| Turn {
        role,
        content: content.to_owned(),
        event_id: owned_event_id!("$case:localhost"),
        at: 0,
        asker: None,
        name: None,
    };
    case.turns.iter().flat_map(|said| [turn(Role::User, &said.user), turn(Role::Assistant, &said.assistant)]).collect()
}

/// The passages that the answer may rest on.
fn sources(case: &Case) -> Vec<Source> {
    let source = |(index, passage): (usize, &crate::evaluation::Passage)| Source {
        mark: index + 1,
        partition: Partition::Catalogue,
        document: index as u64 + 1,
        title: passage.title.clone(),
        link: None,
        passage: Passage { ordinal: 0, place: Place::Whole, headings: Vec::new(), text: passage.text.clone() },
        passages: 1,
    };
    case.passages.iter().enumerate().map(source).collect()
}
