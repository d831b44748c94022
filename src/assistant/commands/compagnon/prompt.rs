//! What the model is told in this room before a question, as it is told: for those who administer the room.

use super::super::{Context, words};
use crate::{
    assistant::{
        exchange::{History, compose, remembered},
        failure::Failure,
        texts::Text,
    },
    inference::Request,
    matrix::RoomKind,
};

/// The effective prompt with the effective settings, as text. Of persons it holds what is remembered for who asks to see it, and a summary only
/// of what they alone have asked, or in a conversation of two; of what was told between two, nothing where others read along.
pub(super) async fn effective(context: &Context<'_>) -> Result<String, Failure> {
    let (parts, message) = (context.parts, context.message);
    let compagnon = context.effective_compagnon().await?.compagnon;
    let room = parts.homeserver.room(&message.room_id).await?;
    let direct = room.as_ref().is_some_and(|room| room.kind == RoomKind::Direct) && message.direct;
    let facts = remembered(&parts.store, &*parts.model, &message.room_id, &message.sender, direct).await?;
    let history = History::of(&parts.store, &parts.homeserver, message, room.as_ref()).await?;
    let hidden = context.text(&Text::SummaryNotShown);
    let summary = history.before(message).summary.map(|summary| {
        let own = direct || summary.asker.as_ref() == Some(&message.sender);
        if own { summary.text.as_str() } else { hidden.as_str() }
    });
    let library = parts.library.library();
    let ask = compose::Ask {
        bases: library.bases(),
        compagnon: &compagnon,
        settings: &context.settings,
        room: room.as_ref().and_then(|room| room.name.as_deref()).unwrap_or_default(),
        facts: &facts,
        summary,
        turns: &[],
        material: &[],
        sources: &[],
        question: "",
        asker: Some(&message.sender),
        name: message.name.as_deref(),
        cache_key: 0,
    };
    let prompt = compose::system_prompt(&*parts.model, &parts.config, &ask, compose::today(&parts.config));
    let prompt = prompt.map_err(|error| Failure::Compagnon(error.to_string()))?;
    let sampling = compose::sampling(&*parts.model, &parts.sampling, &ask);
    Ok(context.text(&Text::Effective {
        prompt: &words::block("", &Request::system(prompt.base.as_deref(), &prompt.text).content),
        temperature: sampling.temperature,
        longest: sampling.max_tokens,
        answers: &context.text(&super::super::answers::shown(context.settings.answers, message.direct)),
    }))
}
