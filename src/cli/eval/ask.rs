//! One repeat of a case: asked as a room would ask it, and judged.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use ruma::owned_event_id;

use super::{super::chat::veil, documents::CaseDocuments, judge::Judge};
use crate::{
    assistant::{Entities, as_shown, compose, patiently, unsourced},
    compagnon::{Bases, Compagnon, Settings, Sourcing},
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
    /// Which repeat of it, from 0 on.
    pub(super) repeat: u32,
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
    /// The files that cases answer from; nothing where none does.
    pub(super) documents: Option<&'a CaseDocuments<'a>>,
}

/// What came of a repeat.
pub(super) struct Asked {
    pub(super) attempt: Attempt,
    /// The passages that the model was given, in the order of their marks.
    pub(super) passages: Vec<String>,
}

impl Asker<'_> {
    /// Asks once, and judges the answer. What goes wrong is the answer's failure, not the run's.
    pub(super) async fn ask(&self, plan: &Plan<'_>) -> Asked {
        let mut sources = given(plan.case);
        let answered = match self.find(plan.case, &mut sources).await {
            Ok(()) => self.answer(plan, &mut sources).await,
            Err(reason) => Err(reason),
        };
        let attempt = answered.unwrap_or_else(|reason| Attempt {
            seed: plan.seed,
            failed: vec![Failed::NoAnswer(reason)],
            ..Attempt::default()
        });
        Asked { attempt, passages: sources.into_iter().map(|source| source.passage.text).collect() }
    }

    /// Adds what answers a case, perhaps, in the files that it names.
    async fn find(&self, case: &Case, sources: &mut Vec<Source>) -> Result<(), String> {
        let Some(documents) = self.documents else { return Ok(()) };
        sources.extend(documents.sources(case, self.model.limits().context_length).await?);
        for (index, source) in sources.iter_mut().enumerate() {
            source.mark = index + 1;
        }
        Ok(())
    }

    /// Asks with these sources, of which those stay that the model was given.
    async fn answer(&self, plan: &Plan<'_>, sources: &mut Vec<Source>) -> Result<Attempt, String> {
        let begun = Instant::now();
        let case = plan.case;
        let compagnon = self.compagnon(case)?;
        let attempt = Attempt { seed: plan.seed, ..Attempt::default() };
        // Without documents nothing says whether there would be some: the compagnon is asked all the same.
        let needs_sources = !case.documents.is_empty() && compagnon.about.sources == Some(Sourcing::Required);
        let refusal = || unsourced(compagnon.about.language);
        if needs_sources && sources.is_empty() {
            let attempt = Attempt { answer: refusal(), ..attempt };
            return Ok(self.judged(case, attempt, &[]).await);
        }
        // With placeholders where the compagnon has them, as in a room.
        let veiled = veil(self.model, compagnon, self.entities);
        let model = veiled.as_ref().map_or(&**self.model, |veiled| veiled as &dyn ChatModel);
        let (request, held) = self.request(plan, compagnon, sources, model)?;
        sources.truncate(held);
        let (written, usage) = patiently(model, &request).await.map_err(|error| error.to_string())?;
        let seconds = begun.elapsed().as_secs_f64();
        let (mut answer, titles) = as_shown(&written, &request, sources, compagnon.about.language);
        if needs_sources && titles.is_empty() {
            answer = refusal();
        }
        let answer = answer.trim().to_owned();
        if answer.is_empty() {
            return Err("the model wrote nothing".to_owned());
        }
        let attempt = Attempt {
            answer,
            seconds,
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            energy: usage.energy,
            finish: usage.finish,
            ..attempt
        };
        Ok(self.judged(case, attempt, &titles).await)
    }

    /// An attempt with what is wrong with its answer, which cites documents of these titles.
    async fn judged(&self, case: &Case, attempt: Attempt, cited: &[String]) -> Attempt {
        let reply = Reply {
            text: &attempt.answer,
            cited,
            cosine: self.cosine(case, &attempt.answer).await,
            judged: match (self.judge, &case.rubric) {
                (Some(judge), Some(rubric)) => judge.meets(case, rubric, &attempt.answer).await,
                _ => None,
            },
        };
        Attempt { failed: check(case, &reply), ..attempt }
    }

    /// What the model is asked, and how many of the sources are in it.
    fn request(
        &self,
        plan: &Plan<'_>,
        compagnon: &Compagnon,
        sources: &[Source],
        model: &dyn ChatModel,
    ) -> Result<(Request, usize), String> {
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
        Ok((request, composed.sources))
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

/// What stands in the report of a case before its answers, which rest on these passages.
pub(super) fn unanswered(plan: &Plan<'_>, passages: Vec<String>) -> CaseResult {
    let Case { name, kind, compagnon, query, turns, output_true, .. } = plan.case.clone();
    CaseResult {
        set: plan.set.to_owned(),
        name,
        kind,
        compagnon: compagnon.unwrap_or_default(),
        query,
        turns,
        output_true,
        passages,
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

/// The passages that a case gives itself.
fn given(case: &Case) -> Vec<Source> {
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
