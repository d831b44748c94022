//! One case: asked as a room would ask it, and judged.

use std::sync::Arc;

use super::super::job::Job;
use crate::{
    assistant::{
        clock::now,
        commands::ToRun,
        documents::{Found, Search, characters_for},
        exchange::{as_shown, compose, patiently},
        failure::Failure,
        texts::{Language, Text, sources::Sources},
        veil::Veiled,
    },
    compagnon::{Bases, Compagnon, Pseudonyms, Settings, Sourcing},
    document::{Document, Partition, Source},
    evaluation::{Failed, KeptCase, Reply, check, expectations},
    inference::{ChatModel, InferenceError},
    memory::RememberedFacts,
    pseudonym::Table,
    usage::Usage,
};

/// What every case is sampled with: two versions are compared by the same dice.
const SEED: u64 = 1;

/// What puts cases to a compagnon.
pub(super) struct Asker<'a> {
    job: &'a Job<'a>,
    /// What stands before the text of every compagnon.
    bases: Arc<Bases>,
    compagnon: Arc<Compagnon>,
    /// What the room has not set.
    settings: Settings,
    pseudonyms: Pseudonyms,
    /// What everybody searches who chooses it.
    partitions: Vec<Partition>,
    documents: Vec<Document>,
}

/// An answer, judged.
pub(super) struct Answered {
    /// What a room would show.
    pub text: String,
    /// What is wrong with it.
    pub failed: Vec<Failed>,
    /// What it cost; nothing where the model was not asked.
    pub usage: Option<Usage>,
}

impl<'a> Asker<'a> {
    pub(super) async fn new(job: &'a Job<'a>, asked: &ToRun) -> Result<Self, Failure> {
        let (parts, compagnon) = (job.parts, Arc::clone(&asked.compagnon));
        let mut partitions = vec![Partition::of_made(asked.number), Partition::Catalogue];
        let collections = parts.documents.collections().of(&compagnon, false);
        partitions.extend(collections.into_iter().map(Partition::Collection));
        let documents = parts.documents.of(&partitions).await?;
        let remote = parts.model.is_remote();
        let pseudonyms = Pseudonyms::of(compagnon.about.pseudonyms, job.settings.pseudonyms, remote);
        let bases = Arc::clone(parts.library.library().bases());
        Ok(Self { job, bases, compagnon, settings: Settings::default(), pseudonyms, partitions, documents })
    }

    /// Asks once. What is wrong with a case is its failure; what is wrong with the engine is the run's.
    pub(super) async fn ask(&self, case: &KeptCase) -> Result<Answered, Failure> {
        let mut sources = self.sources(&case.query).await?;
        let needs_sources = self.compagnon.about.sources == Some(Sourcing::Required);
        let unsourced = || judged(case, Text::Sources(Sources::Required).say(self.language()).into_owned(), None);
        if needs_sources && sources.is_empty() {
            return Ok(unsourced());
        }
        let mut veiled = self.veiled();
        if let Some(veiled) = &veiled {
            let texts = sources.iter().flat_map(texts).chain([case.query.as_str()]).collect::<Vec<_>>();
            veiled.read(texts.iter().copied()).await?;
            veiled.learn(texts);
        }
        let parts = self.job.parts;
        let model = veiled.as_ref().map_or(&*parts.model, |veiled| veiled as &dyn ChatModel);
        let ask = compose::Ask {
            bases: &self.bases,
            compagnon: &self.compagnon,
            settings: &self.settings,
            room: "",
            facts: &RememberedFacts::default(),
            summary: None,
            turns: &[],
            material: &[],
            sources: &sources,
            question: &case.query,
            asker: None,
            name: None,
            // Cases have nothing in common but their system prompt.
            cache_key: 0,
        };
        let today = compose::today(&parts.config);
        let Ok(composed) = compose::compose(model, &parts.sampling, &parts.config, &ask, today) else {
            return Ok(unanswered());
        };
        let mut request = composed.request;
        request.sampling.seed = Some(SEED);
        sources.truncate(composed.sources);
        if self.pseudonyms == Pseudonyms::OneWay
            && let Some(veiled) = &mut veiled
        {
            veiled.keep_placeholders();
            for source in &mut sources {
                source.title = veiled.hidden(&source.title);
                source.passage.text = veiled.hidden(&source.passage.text);
            }
        }
        let model = veiled.as_ref().map_or(&*parts.model, |veiled| veiled as &dyn ChatModel);
        let (written, usage) = match patiently(model, &request).await {
            Ok(written) => written,
            Err(InferenceError::PromptTooLong { .. }) => return Ok(unanswered()),
            Err(error) => return Err(error.into()),
        };
        let (text, cited) = as_shown(&written, &request, &sources, self.language());
        if needs_sources && cited.is_empty() {
            return Ok(Answered { usage: Some(usage), ..unsourced() });
        }
        let text = text.trim().to_owned();
        if text.is_empty() {
            return Ok(Answered { usage: Some(usage), ..unanswered() });
        }
        Ok(judged(case, text, Some(usage)))
    }

    fn language(&self) -> Language {
        self.compagnon.about.language
    }

    /// What is given in the place of the model, where it reads placeholders.
    fn veiled(&self) -> Option<Veiled> {
        let parts = self.job.parts;
        let veiled = || Veiled::new(Arc::clone(&parts.model), Table::new(), self.language());
        (self.pseudonyms != Pseudonyms::No).then(|| veiled().reading(parts.entities.clone()))
    }

    /// The passages that answer a question, perhaps.
    async fn sources(&self, question: &str) -> Result<Vec<Source>, Failure> {
        let parts = self.job.parts;
        let search = Search {
            conversation: &self.job.message.conversation(),
            partitions: &self.partitions,
            documents: &self.documents,
            question,
            before: None,
            about: &[],
            last_answer: None,
            now: now(),
            characters: characters_for(parts.model.limits().context_length),
        };
        Ok(match parts.documents.search(&search).await? {
            Found::Sources(sources) => sources,
            Found::NotSearched | Found::Nothing | Found::Failed => Vec::new(),
        })
    }
}

/// An answer, judged by what its case expects.
fn judged(case: &KeptCase, text: String, usage: Option<Usage>) -> Answered {
    let failed = match expectations(&case.expected) {
        Ok(expected) => {
            let reply = Reply { text: &text, ..Reply::default() };
            expected.iter().flat_map(|expected| check(expected, &reply)).collect()
        }
        // Another release could read it.
        Err(_) => vec![Failed::NotComputed(String::new())],
    };
    Answered { text, failed, usage }
}

/// A case to which there is no answer.
fn unanswered() -> Answered {
    Answered { text: String::new(), failed: vec![Failed::NoAnswer(String::new())], usage: None }
}

/// All that stands in a source.
fn texts(source: &Source) -> impl Iterator<Item = &str> {
    let headings = source.passage.headings.iter().map(String::as_str);
    [source.title.as_str(), source.passage.text.as_str()].into_iter().chain(headings)
}
