//! What Prometheus is told of what is counted: once the write that counts it is on disk, so that its counters follow the store's.

use std::collections::BTreeMap;

use metrics::{Label, counter, histogram};

use crate::energy::Energy;
use crate::metric::{ANSWER_ENERGY, ANSWER_SECONDS, ANSWER_TOKENS, FIRST_TEXT_SECONDS, QUESTIONS, RATINGS, REASONS};
use crate::statistics::{Compagnon, Counters, Histogram, Outcome, Rating, Reason, Series};

/// The most series that Prometheus is told of apart; what is beyond them is told together, by kind of work.
const MOST: usize = 200;

/// How a question ends that is answered.
const ANSWERED: &str = "answered";

/// What becomes of a rating: what was found before, what is found now.
const CHANGES: [&str; 2] = ["withdrawn", "given"];

/// Something that was counted.
pub(super) enum CountedEvent {
    /// A question ended: under which series, how, and what it adds.
    Ended(Series, Outcome, Box<Counters>),
    /// What a person finds of an answer has changed: before, after.
    Rated { series: Series, rating: (Option<Rating>, Option<Rating>), reason: (Option<Reason>, Option<Reason>) },
}

/// What has been told.
#[derive(Default)]
pub(super) struct Recorder {
    /// By series, the energy that is no whole joule yet.
    rests: BTreeMap<Labels, Energy>,
}

/// A series as Prometheus knows it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Labels {
    /// The identifier of a compagnon of the library, or `made`, or `others`: what people have made has a name of theirs, or of few.
    compagnon: String,
    model: String,
    activity: &'static str,
}

impl Labels {
    fn of(series: &Series) -> Self {
        let compagnon = match &series.compagnon {
            Compagnon::Library(id) if !id.is_empty() => id.as_str(),
            Compagnon::Made(_) => "made",
            Compagnon::Library(_) | Compagnon::Others => "others",
        };
        Self { compagnon: compagnon.to_owned(), model: series.model.clone(), activity: series.activity.name() }
    }

    /// With labels of one metric.
    fn with<const N: usize>(&self, more: [(&'static str, &'static str); N]) -> Vec<Label> {
        let own = [("compagnon", self.compagnon.clone()), ("model", self.model.clone())];
        let own = own.into_iter().map(|(name, value)| Label::new(name, value));
        let activity = [Label::from_static_parts("activity", self.activity)];
        own.chain(activity).chain(more.map(|(name, value)| Label::from_static_parts(name, value))).collect()
    }
}

impl Recorder {
    /// Tells of something that was counted and is on disk.
    pub(super) fn record(&mut self, event: &CountedEvent) {
        match event {
            CountedEvent::Ended(series, outcome, counters) => self.ended(series, *outcome, counters),
            CountedEvent::Rated { series, rating, reason } => {
                let labels = self.labels(series);
                let name = |rating: Option<Rating>| rating.map(Rating::name);
                changed(RATINGS, "rating", &labels, name(rating.0), name(rating.1));
                let name = |reason: Option<Reason>| reason.map(Reason::name);
                changed(REASONS, "reason", &labels, name(reason.0), name(reason.1));
            }
        }
    }

    fn ended(&mut self, series: &Series, outcome: Outcome, counters: &Counters) {
        let labels = self.labels(series);
        let outcome = match outcome {
            Outcome::Answered => ANSWERED,
            Outcome::Refused(refusal) => refusal.name(),
        };
        counter!(QUESTIONS, labels.with([("outcome", outcome)])).increment(1);
        for (name, times) in [(FIRST_TEXT_SECONDS, &counters.first_text), (ANSWER_SECONDS, &counters.whole)] {
            record(name, labels.activity, times);
        }
        let computed = counters.prompt_tokens.saturating_sub(counters.cached_tokens);
        for (kind, tokens) in
            [("prompt", computed), ("cached", counters.cached_tokens), ("written", counters.completion_tokens)]
        {
            if tokens > 0 {
                counter!(ANSWER_TOKENS, labels.with([("kind", kind)])).increment(tokens);
            }
        }
        self.spend(labels, counters.energy);
    }

    /// Tells of whole joules, which is what a counter counts; the rest waits for the next answer.
    fn spend(&mut self, labels: Labels, energy: Energy) {
        let mut all = self.rests.get(&labels).copied().unwrap_or_default().and(energy);
        for (known, joules) in ["measured", "estimated"].into_iter().zip(all.take_joules()) {
            if joules > 0 {
                counter!(ANSWER_ENERGY, labels.with([("known", known)])).increment(joules);
            }
        }
        self.rests.insert(labels, all);
    }

    /// The labels of a series; those of the others, where there are too many.
    fn labels(&mut self, series: &Series) -> Labels {
        let mut labels = Labels::of(series);
        if self.rests.len() >= MOST && !self.rests.contains_key(&labels) {
            labels = Labels::of(&series.others());
        }
        if !self.rests.contains_key(&labels) {
            begin(&labels);
            self.rests.insert(labels.clone(), Energy::NONE);
        }
        labels
    }
}

/// Begins the counters that matter when they first count: `rate` sees no growth to the first value of a series.
fn begin(labels: &Labels) {
    for rating in [Rating::Useful, Rating::NotUseful] {
        for change in CHANGES {
            counter!(RATINGS, labels.with([("rating", rating.name()), ("change", change)])).increment(0);
        }
    }
    counter!(QUESTIONS, labels.with([("outcome", ANSWERED)])).increment(0);
}

/// A counter only grows: what is taken back is counted as well.
fn changed(
    name: &'static str,
    label: &'static str,
    labels: &Labels,
    before: Option<&'static str>,
    after: Option<&'static str>,
) {
    if before == after {
        return;
    }
    for (value, change) in [before, after].into_iter().zip(CHANGES) {
        if let Some(value) = value {
            counter!(name, labels.with([(label, value), ("change", change)])).increment(1);
        }
    }
}

/// Records the time of one question, where it has one.
fn record(name: &'static str, activity: &'static str, times: &Histogram) {
    if times.count() == 1 {
        histogram!(name, "activity" => activity).record(times.sum().as_secs_f64());
    }
}
