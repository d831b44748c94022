//! The bot's words as they come, on a terminal.

use std::{
    collections::HashMap,
    io::{self, Write as _},
};

use tokio::time::{Duration, sleep};

use crate::support::{people::Person, room::Message};

/// Prints what the bot writes in a room, edit by edit, for as long as it is polled.
pub async fn follow(person: &Person, room: &str, name: &str, bot: &str) {
    let mut printed: HashMap<String, Message> = HashMap::new();
    loop {
        let news = |messages: &[Message]| {
            let changed = |message: &&Message| {
                message.sender == bot
                    && printed
                        .get(&message.event_id)
                        .is_none_or(|old| (old.edits, old.undecryptable) != (message.edits, message.undecryptable))
            };
            messages.iter().find(changed).cloned()
        };
        let Some(message) = person.next(room, news).await else { return };
        print(printed.get(&message.event_id), &message, name);
        printed.insert(message.event_id.clone(), message);
    }
}

/// The complete answer, once [`follow`] had the time to print it.
pub async fn shown(person: &Person, room: &str, question: &str) -> Message {
    let answer = person.answer_to(room, question).await;
    // Both are woken by the same event.
    sleep(Duration::from_millis(50)).await;
    answer
}

/// Prints what `new` has more than `old`.
fn print(old: Option<&Message>, new: &Message, name: &str) {
    let mut out = io::stdout().lock();
    let before = old.map_or("", |message| message.body.as_str());
    let _ = match (old, new.body.strip_prefix(before)) {
        (Some(_), Some(more)) => write!(out, "{more}"),
        // The text was rewritten, such as a mark of "more to come" taken off the end.
        (Some(_), None) => write!(out, "\n{}", new.body),
        (None, _) => write!(out, "[{name}] {}", new.body),
    };
    if new.undecryptable {
        let _ = write!(out, "[message illisible : la clé manque]");
    }
    if new.complete() {
        let lock = if new.encrypted { "chiffré" } else { "EN CLAIR" };
        let device = new.device.as_deref().unwrap_or("inconnu");
        let _ = write!(out, "\n    ({lock}, appareil {device}, {} modifications)\n", new.edits);
    }
    let _ = out.flush();
}
