//! Stage 2: what an answer depends on, read from the store and asked of the homeserver.

use std::sync::Arc;

use super::{
    admit::Facts,
    contact,
    effective::EffectiveCompagnon,
    history::History,
    parts::Parts,
    remembered::remembered,
    value::{Exchange, Searched, is_direct},
};
use crate::{
    assistant::{
        failure::Failure,
        veil::{Place, Veil},
    },
    store::Queued,
};

/// Gathers what an answer depends on. Who asks for the first time is told what the bot is, before they are answered.
pub async fn resolve(parts: &Parts, queued: Queued, facts: Facts) -> Result<Exchange, Failure> {
    let Parts { store, library, homeserver, config, model, entities, .. } = parts;
    let question = &queued.question;
    let settings = store.room_settings(&question.room_id).await?;
    contact::inform(parts, &queued, &settings).await?;
    let history = History::of(store, homeserver, question, facts.room.as_ref()).await?;
    let compagnon = EffectiveCompagnon::of_room(store, library, config, &question.room_id, &settings).await?;
    let direct = is_direct(facts.room.as_ref());
    let conversation = question.conversation();
    let place = Place { conversation: &conversation, compagnon: &compagnon.compagnon, settings: &settings };
    // An edited question took something back.
    let anew = history.opened || question.edited_at > 0;
    let veil = Veil::of(store, config, model, entities.as_ref(), place, anew).await?;
    let reader = veil.as_ref().map_or(&**model, |veil| &veil.model);
    let remembered = remembered(store, reader, &question.room_id, &question.sender, direct).await?;
    Ok(Exchange {
        veil,
        settings,
        bases: Arc::clone(library.library().bases()),
        compagnon,
        room: facts.room,
        history,
        facts: remembered,
        material: Vec::new(),
        documents: Vec::new(),
        sources: Vec::new(),
        notes: None,
        searched: Searched::default(),
        instruction: None,
        queued,
    })
}

/// Reads again what may have been forgotten since: nothing of it reaches the model, or the model's cache, which was cleared of it already.
pub async fn refresh(parts: &Parts, exchange: &mut Exchange) -> Result<(), Failure> {
    let Parts { store, .. } = parts;
    let question = &exchange.queued.question;
    exchange.history.refresh(store, question).await?;
    let direct = exchange.is_direct();
    exchange.facts = remembered(store, exchange.model(parts), &question.room_id, &question.sender, direct).await?;
    Ok(())
}
