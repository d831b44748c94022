//! `!oublier`: a conversation, a person, or a whole room. What is forgotten cannot be read again, even by who holds the disk.

use std::time::Duration;

use super::{Context, Reply, Spec, proof::unproven, remember, words::is};
use crate::{
    assistant::{
        access::Authority,
        failure::Failure,
        texts::{Destroys, Rights, Text},
    },
    command::{Call, Command},
    compagnon::Answers,
    conversation::Role,
    message::Incoming,
    store::{Change, MOST_TURNS},
};

pub(super) const SPEC: Spec = Spec {
    names: &["oublier", "forget", "oublie"],
    forms: [
        &[
            ("", ""),
            ("mémoire <numéro>", "un fait retenu pour vous"),
            ("mémoire", "tout ce qui est retenu pour vous ici"),
            ("mémoire salon <numéro>", "un fait retenu pour tout le salon"),
            ("mémoire salon", ""),
            ("moi", ""),
            ("tout", ""),
        ],
        &[
            ("", ""),
            ("memory <number>", "a fact remembered for you"),
            ("memory", "all that is remembered for you here"),
            ("memory room <number>", "a fact remembered for the whole room"),
            ("memory room", ""),
            ("me", ""),
            ("all", ""),
        ],
    ],
    urgent: false,
    instance: false,
};

/// What is to be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Conversation,
    Person,
    Room,
    /// What people have asked to be remembered: of the room or of who asks, one of that number or all.
    Memory {
        of_room: bool,
        number: Option<u32>,
    },
}

impl Scope {
    /// Whether it is everybody's in the room.
    pub(super) fn is_of_all(self) -> bool {
        matches!(self, Self::Room | Self::Memory { of_room: true, .. })
    }

    pub(super) fn read(word: &str) -> Option<Self> {
        if let Some((first, rest)) = word.split_once(char::is_whitespace).or(Some((word, "")))
            && is(first, &["mémoire", "memory"])
        {
            return Self::of_memory(rest.trim());
        }
        if word.is_empty() {
            return Some(Self::Conversation);
        }
        if is(word, &["moi", "me"]) {
            return Some(Self::Person);
        }
        is(word, &["tout", "all"]).then_some(Self::Room)
    }

    fn of_memory(words: &str) -> Option<Self> {
        let (of_room, rest) = remember::about_room(words);
        let number = rest.trim_start_matches(['#', 'n', 'N', '°', 'º', ' ']);
        if rest.is_empty() {
            return Some(Self::Memory { of_room, number: None });
        }
        number.parse().ok().map(|number| Self::Memory { of_room, number: Some(number) })
    }
}

/// Whether a message asks to forget the conversation that it stands in, or more.
pub(in crate::assistant) fn asks_to_forget(message: &Incoming) -> bool {
    let call = Call::read(message).filter(|call| call.command == Some(Command::Forget));
    let scope = call.and_then(|call| Scope::read(&call.arguments));
    scope.is_some_and(|scope| !matches!(scope, Scope::Memory { .. }))
}

pub(super) async fn run(context: &Context<'_>, arguments: &str) -> Result<Reply, Failure> {
    let message = context.message;
    match Scope::read(arguments) {
        None => context.usage(&SPEC.usage(context.language)),
        Some(Scope::Person) => {
            let changes = vec![Change::ForgetPerson(message.sender.clone()), context.audit("forget.person", None)];
            let (withdrawable, audit) = (withdrawable(context), context.parts.config.audit.unsigned_abs());
            context.change(&Text::Rights(Rights::ForgottenPerson { withdrawable, audit }), changes)
        }
        Some(Scope::Memory { of_room, number }) => remember::forget(context, of_room, number).await,
        Some(Scope::Conversation) => {
            let store = &context.parts.store;
            let in_threads = context.settings.answers == Answers::Thread && message.thread.is_none();
            if in_threads && store.turns(&message.conversation()).await?.is_empty() {
                return context.say(&Text::ForgetInThread);
            }
            if !is_only_theirs(context).await? {
                // It destroys what others have said, as forgetting the room does.
                let authority = Authority::here(true, message.direct);
                if let Some(refusal) = unproven(context.parts, message, authority).await? {
                    return context.say(&refusal);
                }
                if !context.administers().await? {
                    return context.say(&Text::Rights(Rights::ForgetOthers));
                }
                if !context.confirms("forget conversation") {
                    return context.say(&Text::Confirm(Destroys::Conversation));
                }
            }
            let forget = Change::ForgetConversation(message.conversation());
            let text = Text::Rights(Rights::ForgottenConversation { withdrawable: withdrawable(context) });
            context.change(&text, vec![forget, context.audit("forget.conversation", None)])
        }
        Some(Scope::Room) => {
            if !context.administers().await? {
                return context.say(&context.not_administrator());
            }
            if !context.confirms("forget room") {
                return context.say(&Text::Confirm(Destroys::Room { direct: message.direct }));
            }
            let forget = Change::ForgetTurns(message.room_id.clone());
            let text = Text::Rights(Rights::ForgottenRoom { withdrawable: withdrawable(context) });
            context.change(&text, vec![forget, context.audit("forget.room", None)])
        }
    }
}

/// For how long an answer is still taken back with its question, once it is forgotten.
fn withdrawable(context: &Context<'_>) -> Duration {
    context.parts.config.withdrawable.unsigned_abs()
}

/// Whether nobody else has spoken in the conversation.
async fn is_only_theirs(context: &Context<'_>) -> Result<bool, Failure> {
    let turns = context.parts.store.turns(&context.message.conversation()).await?;
    let mut asked = turns.iter().filter(|turn| turn.role == Role::User);
    // Of a longer conversation the beginning is not read.
    Ok(turns.len() < MOST_TURNS && asked.all(|turn| turn.asker.as_ref() == Some(&context.message.sender)))
}
