//! First contact: what a room is told when the bot comes in, and a person who writes for the first time.

use std::time::{Duration, Instant};

use super::{
    Assistant, Failure,
    answer::notice,
    commands, delivery,
    notices::Worth,
    now,
    texts::{Text, Welcome},
    voice,
};
use crate::{
    compagnon::{Settings, SettingsPatch},
    matrix::{self, RoomFacts},
    message::{CONTACT_PART, Incoming, MessageKind, Outgoing},
    store::{Change, Queued},
};

/// For this long after its welcome, what a room was told still stands in sight of who writes there.
const IN_SIGHT: Duration = Duration::from_hours(24);

/// Tells a room what the bot is, once.
pub(super) async fn welcome(assistant: &Assistant, queued: &Queued) -> Result<(), Failure> {
    let question = &queued.question;
    let settings = assistant.store.room_settings(&question.room_id).await?;
    if settings.welcomed_at.is_some()
        || (queued.attempts <= 1 && !assistant.limits.may_welcome(&question.room_id, Instant::now()))
    {
        assistant.store.close_question(&question.room_id, &question.event_id, now()).await?;
        return Ok(());
    }
    let open = facts(assistant, question).await?.is_some_and(|facts| facts.open);
    let language = voice::language(&assistant.config, &settings);
    let voice = voice::of_room(assistant, &question.room_id, &settings).await?;
    let welcome = Welcome {
        organisation: &assistant.config.organisation,
        title: &voice.title(),
        description: &commands::inert(&voice.compagnon.about.description),
        retention: voice::retention(&assistant.config, &settings),
        direct: question.direct,
        open,
    };
    let text = if open && !assistant.externals { Text::RefusedOpenRoom } else { Text::Welcome(welcome) };
    let items = matrix::parts(&text.say(language)).into_iter().map(notice).collect();
    let patches = vec![SettingsPatch::WelcomedAt(Some(now()))];
    let changes = vec![Change::Settings(question.room_id.clone(), patches)];
    assistant.notify(queued, items, changes, Worth::Owed).await
}

/// Tells a person what the bot is, once, unless the room was told within sight.
pub(super) async fn inform(assistant: &Assistant, queued: &Queued, settings: &Settings) -> Result<(), Failure> {
    let question = &queued.question;
    if assistant.store.is_informed(&question.sender).await? {
        return Ok(());
    }
    let in_sight = |at: u64| question.direct || now().saturating_sub(at) < IN_SIGHT.as_millis() as u64;
    if !settings.welcomed_at.is_some_and(in_sight) {
        let contact = Text::Contact { retention: voice::retention(&assistant.config, settings) };
        let text = contact.say(voice::language(&assistant.config, settings));
        let transaction = delivery::transaction(&question.event_id, CONTACT_PART, "");
        let outgoing = Outgoing {
            kind: MessageKind::Notice,
            complete: true,
            markdown: &text,
            ..assistant.outgoing(question, CONTACT_PART, &transaction)
        };
        // The transaction id keeps it single if the process ends before the next line.
        if delivery::unless_refused(delivery::send(assistant, &outgoing).await)?.is_none() {
            return Ok(());
        }
    }
    assistant.store.apply(&[Change::Informed(question.sender.clone())], now()).await?;
    Ok(())
}

/// What the room is; nothing when the bot is not in it any more.
pub(super) async fn facts(assistant: &Assistant, question: &Incoming) -> Result<Option<RoomFacts>, Failure> {
    delivery::unless_refused(delivery::persist(assistant, || assistant.gateway.room(&question.room_id)).await)
}
