//! Which partitions a question may search. Pure.

use ruma::UserId;

use crate::{document::Partition, message::ConversationId};

/// Where a question stands.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Its conversation.
    pub conversation: &'a ConversationId,
    /// Who asks.
    pub asker: &'a UserId,
    /// Whether the room is a conversation of two now.
    pub direct: bool,
    /// Whether each question of the room has a thread of its own.
    pub in_threads: bool,
    /// The partition of the compagnon that answers.
    pub compagnon: &'a Partition,
    /// The collections that this compagnon may use.
    pub collections: &'a [String],
}

/// The partitions that a question may search.
#[must_use]
pub fn searched(scope: &Scope<'_>) -> Vec<Partition> {
    let Scope { conversation, asker, direct, in_threads, compagnon, collections } = *scope;
    let mut partitions = vec![Partition::Conversation(conversation.clone())];
    // The main line, where files are dropped, goes on in the threads of a direct conversation, and where each question opens one.
    if (direct || in_threads) && conversation.thread.is_some() {
        let main = ConversationId { room_id: conversation.room_id.clone(), thread: None };
        partitions.push(Partition::Conversation(main));
    }
    partitions.push(Partition::Room(conversation.room_id.clone()));
    if direct {
        partitions.push(Partition::Person(asker.to_owned()));
    }
    partitions.push(compagnon.clone());
    partitions.push(Partition::Catalogue);
    partitions.extend(collections.iter().cloned().map(Partition::Collection));
    partitions
}

#[cfg(test)]
mod tests {
    use ruma::{owned_event_id, owned_room_id, owned_user_id};

    use super::{ConversationId, Partition, Scope, searched};

    #[test]
    fn a_question_searches_its_own_partitions_only() {
        let room_id = owned_room_id!("!a:h");
        let main = ConversationId { room_id: room_id.clone(), thread: None };
        let thread = ConversationId { thread: Some(owned_event_id!("$t:h")), ..main.clone() };
        let (awa, compagnon) = (owned_user_id!("@awa:h"), Partition::of_made(3));
        let collections = ["rh".to_owned()];
        let scope = |conversation, direct, in_threads| {
            let collections = &collections;
            searched(&Scope { conversation, asker: &awa, direct, in_threads, compagnon: &compagnon, collections })
        };
        let conversation = |conversation: &ConversationId| Partition::Conversation(conversation.clone());
        let everywhere = [compagnon.clone(), Partition::Catalogue, Partition::Collection("rh".to_owned())];
        let room = Partition::Room(room_id);
        let with = |first: Vec<Partition>| [first, everywhere.to_vec()].concat();
        assert_eq!(scope(&thread, false, false), with(vec![conversation(&thread), room.clone()]));
        assert_eq!(scope(&main, false, true), with(vec![conversation(&main), room.clone()]));
        let both = || vec![conversation(&thread), conversation(&main), room.clone()];
        assert_eq!(scope(&thread, false, true), with(both()), "what stands above the thread");
        let person = Partition::Person(awa.clone());
        assert_eq!(scope(&thread, true, false), with([both(), vec![person.clone()]].concat()));
        assert_eq!(scope(&main, true, false), with(vec![conversation(&main), room, person]));
    }
}
