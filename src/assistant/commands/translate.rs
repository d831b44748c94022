//! `!traduire`: a message, a text or a file in another language. A job: `assistant::jobs` carries it out. That everything in a room is translated
//! is a setting of the room.

use super::{Context, Reply, Spec, words::is};
use crate::{
    assistant::{
        clock::now,
        failure::Failure,
        glossaries,
        texts::{Text, Translation},
    },
    job::{JobKind, JobScope},
    store::Change,
    translation::asked::asked,
};

pub(super) const SPEC: Spec = Spec {
    names: &["traduire", "translate", "traduis", "traduction"],
    forms: [
        &[
            ("en <langue>", "en réponse à un message ou à un fichier, ou comme légende d’un fichier"),
            ("en <langue> : <texte>", "ou le texte à la ligne"),
            ("", "vers la langue du salon"),
            ("salon en <langue>", "chaque message du salon, dans son fil"),
            ("salon non", "plus rien de lui-même"),
        ],
        &[
            ("to <language>", "in reply to a message or a file, or as the caption of a file"),
            ("to <language>: <text>", "or the text on the lines below"),
            ("", "to the language of the room"),
            ("room to <language>", "each message of the room, in its thread"),
            ("room off", "nothing unasked any more"),
        ],
    ],
    urgent: false,
    instance: false,
};

const ROOM: [&str; 2] = ["salon", "room"];
const OFF: [&str; 6] = ["non", "off", "no", "stop", "arrêter", "rien"];

/// What follows "salon", if that comes first and nothing but a language or a refusal follows.
fn of_room(arguments: &str) -> Option<&str> {
    let (word, rest) = arguments.trim().split_once(char::is_whitespace)?;
    let read = asked(rest);
    let setting = is(rest.trim(), &OFF) || (read.to.is_some() && read.rest.is_empty());
    (is(word, &ROOM) && setting).then_some(rest.trim())
}

/// Whether it changes how the room is translated, and translates nothing itself.
pub(super) fn is_setting(arguments: &str) -> bool {
    of_room(arguments).is_some()
}

/// Changes whether everything in the room is translated.
pub(super) async fn run(context: &Context<'_>, arguments: &str) -> Result<Reply, Failure> {
    let Some(rest) = of_room(arguments) else { return context.usage(&SPEC.usage(context.language)) };
    if context.message.direct {
        return context.say(&Text::Translation(Translation::OnlyInRooms));
    }
    if !context.administers().await? {
        return context.say(&context.not_administrator());
    }
    let room = &context.message.room_id;
    let audit = context.audit("translation.room", None);
    if let Some(to) = asked(rest).to.filter(|_| !is(rest, &OFF)) {
        let state = glossaries::translating(room, to, now());
        let changes = vec![Change::KeepJob(Box::new(state)), audit];
        context.change(&Text::Translation(Translation::Continuous { to }), changes)
    } else {
        let changes = vec![Change::DropJob(JobKind::Continuous, JobScope::Room(room.clone())), audit];
        context.change(&Text::Translation(Translation::ContinuousOff), changes)
    }
}

#[cfg(test)]
mod tests {
    use super::is_setting;

    #[test]
    fn a_room_is_translated_by_these_words_only() {
        for arguments in
            ["salon en", "salon en anglais", "room to French", "salon vers l’anglais", "salon non", "room off"]
        {
            assert!(is_setting(arguments), "{arguments}");
        }
        for arguments in ["", "salon", "en anglais", "salon de thé", "salon en anglais : Bonjour", "en anglais salon"]
        {
            assert!(!is_setting(arguments), "{arguments}");
        }
    }
}
