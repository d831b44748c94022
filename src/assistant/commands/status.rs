//! `!état`: whether the bot is well, and what its answers here took.

use std::collections::BTreeMap;

use super::{Context, Reply, Spec, inert, statistics::of_week};
use crate::{
    assistant::{
        clock::now,
        counting,
        failure::Failure,
        texts::{Text, energy::Spent},
    },
    statistics::{Activity, Counters, Week},
};

pub(super) const SPEC: Spec = Spec { names: &["état", "status"], forms: [&[], &[]], urgent: true, instance: false };

pub(super) async fn run(context: &Context<'_>) -> Result<Reply, Failure> {
    let parts = context.parts;
    let effective = context.effective_compagnon().await?;
    context.say(&Text::Status {
        ready: parts.model.health().is_ok(),
        model: &inert(parts.model.name()),
        compagnon: &effective.title(),
        waiting: parts.lanes.waiting(),
        retention: context.retention(),
        spent: spent(context).await?,
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// What the answers of this room took this week: everybody who is there may see those answers.
async fn spent(context: &Context<'_>) -> Result<Spent, Failure> {
    let parts = context.parts;
    let counted = parts.store.room_statistics(&context.message.room_id).await?;
    let present = counting::day(&parts.config, now()).week();
    Ok(Spent { co2_grams_per_kwh: parts.co2_grams_per_kwh, ..sum(&counted, present) })
}

fn sum(counted: &BTreeMap<(Week, Activity), Counters>, present: Week) -> Spent {
    let mut spent = Spent::default();
    for (_, counters) in of_week(counted, present) {
        spent.energy = spent.energy.and(counters.energy);
        spent.answers = spent.answers.saturating_add(counters.answers);
    }
    spent
}

#[cfg(test)]
mod tests {
    use super::{Activity, Counters, sum};
    use crate::{energy::Energy, statistics::Day};

    #[test]
    fn what_answers_took_is_that_of_this_week_whatever_the_kind_of_work() {
        let present = Day(20_786).week();
        let took = |answers, estimated| {
            let energy = Energy { measured: 0, estimated };
            Counters { questions: answers + 1, answers, energy, ..Counters::default() }
        };
        let counted = [
            ((present, Activity::Answer), took(3, 5)),
            ((present, Activity::Note), took(1, 7)),
            ((present.before(), Activity::Answer), took(100, 1_000)),
        ];
        let spent = sum(&counted.into(), present);
        assert_eq!((spent.answers, spent.energy), (4, Energy { measured: 0, estimated: 12 }));
    }
}
