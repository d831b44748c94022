//! What the bot says without a question: what a room is told when the bot joins it, and a person who writes for the first time; and the question why
//! an answer is not useful.

use std::time::{Duration, Instant};

use super::{effective::EffectiveCompagnon, parts::Parts};
use crate::{
    assistant::{
        access::Denied,
        clock::now,
        commands::inert,
        courier::{NoticePriority, notice, notice_about, transaction, unless_refused},
        failure::Failure,
        here::here,
        texts::{Contact, Text, Welcome},
    },
    compagnon::{Settings, SettingsPatch},
    matrix,
    message::CONTACT_PART,
    store::{Change, Queued},
};

/// For this long after its welcome, what a room was told still stands in sight of who writes there.
const IN_SIGHT: Duration = Duration::from_hours(24);

/// Tells a room what the bot is, once.
pub async fn welcome(parts: &Parts, queued: &Queued) -> Result<(), Failure> {
    let question = &queued.question;
    let Parts { store, library, config, access, homeserver, courier, limits, .. } = parts;
    let settings = store.room_settings(&question.room_id).await?;
    if settings.welcomed_at.is_some()
        || (queued.attempts <= 1 && !limits.may_welcome(&question.room_id, Instant::now()))
    {
        store.close_question(&question.room_id, &question.event_id, now()).await?;
        return Ok(());
    }
    let here = here(store, homeserver, config, &settings, question).await?;
    let language = config.language_in(&settings);
    let compagnon = EffectiveCompagnon::of_room(store, library, config, &question.room_id, &settings).await?;
    let welcome = Welcome {
        organisation: &config.organisation,
        title: &compagnon.title(),
        description: &inert(&compagnon.compagnon.about.description),
        facts: &parts.privacy,
        here: &here,
    };
    let text = match access.serves_room(here.open, here.encrypted) {
        Err(Denied::OpenRoom) => Text::RefusedOpenRoom,
        Err(Denied::Unencrypted) => Text::RefusedUnencrypted,
        _ => Text::Welcome(welcome),
    };
    let items = matrix::parts(&text.say(language)).into_iter().map(notice).collect();
    let patches = vec![SettingsPatch::WelcomedAt(Some(now()))];
    let changes = vec![Change::Settings(question.room_id.clone(), patches)];
    courier.notify(queued, items, changes, NoticePriority::Owed).await
}

/// Asks a person why an answer is not useful, where it is still there.
pub async fn ask_why(parts: &Parts, queued: &Queued) -> Result<(), Failure> {
    let Parts { store, config, courier, .. } = parts;
    let question = &queued.question;
    let answer = match &question.replies_to {
        Some(answer) => store.exchange_of(&question.room_id, answer).await?,
        None => None,
    };
    if answer.is_none() {
        store.drop_question(&question.room_id, &question.event_id, now()).await?;
        return Ok(());
    }
    let settings = store.room_settings(&question.room_id).await?;
    let text = Text::AskWhy.say(config.language_in(&settings)).into_owned();
    courier.notify(queued, vec![notice(text)], Vec::new(), NoticePriority::Spare).await
}

/// Tells a person what the bot is, once, unless the room was told within sight.
pub async fn inform(parts: &Parts, queued: &Queued, settings: &Settings) -> Result<(), Failure> {
    let Parts { store, config, homeserver, .. } = parts;
    let question = &queued.question;
    if store.is_informed(&question.sender).await? {
        return Ok(());
    }
    let in_sight = |at: u64| question.direct || now().saturating_sub(at) < IN_SIGHT.as_millis() as u64;
    if !settings.welcomed_at.is_some_and(in_sight) {
        let here = here(store, homeserver, config, settings, question).await?;
        let contact = Text::Contact(Contact { facts: &parts.privacy, here: &here });
        let text = contact.say(config.language_in(settings));
        let transaction = transaction(&question.event_id, CONTACT_PART, "");
        let outgoing = notice_about(question, CONTACT_PART, &transaction, &text);
        // The transaction id keeps it single if the process ends before the next line.
        if unless_refused(homeserver.send(&outgoing).await)?.is_none() {
            return Ok(());
        }
    }
    store.apply(&[Change::Informed(question.sender.clone())], now()).await?;
    Ok(())
}
