//! `!état`: whether the bot is well, and what its answers here took.

use super::{Context, Reply, Spec, inert};
use crate::{
    assistant::{
        clock::now,
        counting,
        failure::Failure,
        texts::{Text, energy::Spent},
    },
    energy::Energy,
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
    let week = counting::day(&parts.config, now()).week();
    let mut spent = Spent { energy: Energy::NONE, answers: 0, co2_grams_per_kwh: parts.co2_grams_per_kwh };
    for ((counted, _), counters) in parts.store.room_statistics(&context.message.room_id).await? {
        if counted == week {
            spent.energy = spent.energy.and(counters.energy);
            spent.answers = spent.answers.saturating_add(counters.answers);
        }
    }
    Ok(spent)
}
