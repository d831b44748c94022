//! Which partitions a question may search. Pure.

use ruma::UserId;

use crate::{
    compagnon::{Choice, Settings},
    document::Partition,
    message::ConversationId,
};

/// Where a question stands.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Its conversation.
    pub conversation: &'a ConversationId,
    /// Who asks.
    pub asker: &'a UserId,
    /// Whether the room is a conversation of two now.
    pub direct: bool,
    /// Whether it was one, and others have come in since: what was dropped into the conversation is not theirs to hear.
    pub opened: bool,
    /// The compagnon that answers, as [`compagnon_of`] names it.
    pub compagnon: &'a str,
    /// The collections that this compagnon may use.
    pub collections: &'a [String],
}

/// The partitions that a question may search.
#[must_use]
pub fn searched(scope: &Scope<'_>) -> Vec<Partition> {
    let Scope { conversation, asker, direct, opened, compagnon, collections } = *scope;
    let mut partitions = Vec::new();
    if !opened {
        partitions.push(Partition::Conversation(conversation.clone()));
        // A thread of a direct conversation goes on from its main line, where files are dropped.
        if direct && conversation.thread.is_some() {
            let main = ConversationId { room_id: conversation.room_id.clone(), thread: None };
            partitions.push(Partition::Conversation(main));
        }
    }
    partitions.push(Partition::Room(conversation.room_id.clone()));
    if direct {
        partitions.push(Partition::Person(asker.to_owned()));
    }
    partitions.push(Partition::Compagnon(compagnon.to_owned()));
    partitions.push(Partition::Catalogue);
    partitions.extend(collections.iter().cloned().map(Partition::Collection));
    partitions
}

/// The name of a room's compagnon among the partitions: its identifier in the library, or its number where it was made by command. `effective`
/// is the identifier of the one that answers; `gone` says that it stands in for the one that was chosen.
#[must_use]
pub fn compagnon_of(settings: &Settings, effective: &str, gone: bool) -> String {
    match &settings.compagnon {
        Some(Choice::Made(number) | Choice::Own(number)) if !gone => format!("made/{number}"),
        _ => effective.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use ruma::{owned_event_id, owned_room_id, owned_user_id};

    use super::{Choice, ConversationId, Partition, Scope, Settings, compagnon_of, searched};

    #[test]
    fn a_question_searches_its_own_partitions_only() {
        let room_id = owned_room_id!("!a:h");
        let main = ConversationId { room_id: room_id.clone(), thread: None };
        let thread = ConversationId { thread: Some(owned_event_id!("$t:h")), ..main.clone() };
        let awa = owned_user_id!("@awa:h");
        let collections = ["rh".to_owned()];
        let scope = |conversation, direct, opened| {
            let scope =
                Scope { conversation, asker: &awa, direct, opened, compagnon: "made/3", collections: &collections };
            searched(&scope)
        };
        let conversation = |conversation: &ConversationId| Partition::Conversation(conversation.clone());
        let everywhere =
            [Partition::Compagnon("made/3".to_owned()), Partition::Catalogue, Partition::Collection("rh".to_owned())];
        let room = Partition::Room(room_id);
        let with = |first: Vec<Partition>| [first, everywhere.to_vec()].concat();
        assert_eq!(scope(&thread, false, false), with(vec![conversation(&thread), room.clone()]));
        assert_eq!(scope(&main, false, true), with(vec![room.clone()]), "what two have dropped stays theirs");
        let person = Partition::Person(awa.clone());
        assert_eq!(
            scope(&thread, true, false),
            with(vec![conversation(&thread), conversation(&main), room.clone(), person.clone()])
        );
        assert_eq!(scope(&main, true, false), with(vec![conversation(&main), room, person]));
    }

    #[test]
    fn a_compagnon_made_by_command_is_known_by_its_number_while_it_answers() {
        let of = |choice, gone| compagnon_of(&Settings { compagnon: choice, ..Settings::default() }, "rh", gone);
        assert_eq!(of(None, false), "rh");
        assert_eq!(of(Some(Choice::Library("rh".to_owned())), false), "rh");
        assert_eq!(of(Some(Choice::Made(3)), false), "made/3");
        assert_eq!(of(Some(Choice::Own(3)), false), "made/3");
        assert_eq!(of(Some(Choice::Made(3)), true), "rh");
    }
}
