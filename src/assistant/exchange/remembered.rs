//! What is remembered for a question: the facts of its room and of who asks, as many of the newest as a share of the model's context takes.

use ruma::{RoomId, UserId};

use crate::{
    conversation::Role,
    inference::{ChatModel, Message},
    memory::{Fact, RememberedFacts},
    store::{Store, StoreError},
};

/// The facts of a room, and those of a person, may each fill this part of the context.
const SHARE: usize = 8;

/// What is remembered in a room for who asks. `direct` says whether it is a conversation of two now.
pub async fn remembered(
    store: &Store,
    model: &dyn ChatModel,
    room: &RoomId,
    person: &UserId,
    direct: bool,
) -> Result<RememberedFacts, StoreError> {
    let mut facts = store.facts(room, person).await?;
    facts.retain(|fact| fact.is_for(direct));
    let (room, person): (Vec<Fact>, Vec<Fact>) = facts.into_iter().partition(|fact| fact.of_room);
    let texts = |facts: &[Fact]| fitting(model, facts).into_iter().map(|fact| fact.text.clone()).collect();
    Ok(RememberedFacts { room: texts(&room), person: texts(&person) })
}

/// The facts that the model is given, in the order in which they come: of too many, the newest.
pub fn fitting<'a>(model: &dyn ChatModel, facts: &'a [Fact]) -> Vec<&'a Fact> {
    let share = model.limits().context_length / SHARE;
    let counter = model.token_counter();
    let mut newest: Vec<&Fact> = facts.iter().collect();
    newest.sort_by_key(|fact| std::cmp::Reverse(fact.at));
    let mut text = String::new();
    let mut fitting = 0;
    for fact in &newest {
        text.extend(["- ", fact.text.as_str(), "\n"]);
        if counter.count(&Message::new(Role::System, text.clone())) > share {
            break;
        }
        fitting += 1;
    }
    newest.truncate(fitting);
    facts.iter().filter(|fact| newest.iter().any(|kept| kept.event_id == fact.event_id)).collect()
}

#[cfg(test)]
mod tests {
    use super::fitting;
    use crate::{assistant::fakes::FakeModel, memory::Fact};

    fn fact(number: u32, at: u64, words: usize) -> Fact {
        Fact {
            room_id: "!a:h".try_into().expect("a room id"),
            of_room: false,
            number,
            text: "mot ".repeat(words),
            by: Some("@awa:h".try_into().expect("a user id")),
            name: None,
            event_id: format!("${number}:h").try_into().expect("an event id"),
            told_in: None,
            at,
            direct: false,
        }
    }

    #[test]
    fn of_too_many_facts_the_newest_are_given_in_their_order() {
        let given = |facts: &[Fact]| {
            fitting(&FakeModel::default(), facts).into_iter().map(|fact| fact.number).collect::<Vec<_>>()
        };
        assert_eq!(given(&[]), Vec::<u32>::new());
        assert_eq!(given(&[fact(1, 3, 10), fact(2, 1, 10), fact(3, 2, 10)]), [1, 2, 3]);
        assert_eq!(given(&[fact(1, 3, 50), fact(2, 1, 50), fact(3, 2, 50)]), [1, 3], "of a context of 1000");
        assert_eq!(given(&[fact(1, 1, 500)]), Vec::<u32>::new());
    }
}
