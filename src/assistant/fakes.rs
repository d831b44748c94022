//! Stand-ins behind the two seams: a homeserver that remembers what it was sent, and a model that says what it is told.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use ruma::{EventId, OwnedEventId, RoomId, owned_user_id};
use tokio::sync::{Semaphore, mpsc};

use crate::{
    inference::{ChatModel, Finish, Generation, InferenceError, Message, Piece, Request, Usage},
    matrix::{Gateway, SendError},
    message::{Incoming, Kind, Outgoing},
    store::Queued,
};

/// A question waiting to be answered.
pub(super) fn queued(event: &str, room: &str) -> Queued {
    let question = incoming(event, room, "Bonjour");
    Queued { sequence: 0, received_at: super::now(), question, attempts: 0, draft: None }
}

/// A message in a direct conversation.
pub(super) fn incoming(event: &str, room: &str, body: &str) -> Incoming {
    Incoming {
        event_id: event.try_into().expect("an event id"),
        room_id: room.try_into().expect("a room id"),
        sender: owned_user_id!("@awa:h"),
        thread: None,
        replies_to: None,
        mentions_me: false,
        direct: true,
        sent_at: super::now(),
        body: body.to_owned(),
    }
}

/// A message as people see it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    pub(super) question: OwnedEventId,
    pub(super) part: usize,
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) complete: bool,
}

/// A homeserver: transaction ids are remembered, edits replace, and the next refusals can be ordered.
#[derive(Default)]
pub(super) struct FakeGateway {
    rooms: Mutex<Rooms>,
    pub(super) refusals: Mutex<Vec<SendError>>,
}

#[derive(Default)]
struct Rooms {
    transactions: HashMap<String, OwnedEventId>,
    shown: Vec<(OwnedEventId, Shown)>,
    requests: usize,
}

impl FakeGateway {
    /// The messages in the order in which they were first sent.
    pub(super) fn shown(&self) -> Vec<Shown> {
        self.rooms().shown.iter().map(|(_, shown)| shown.clone()).collect()
    }

    /// How many requests were accepted, repeated ones included.
    pub(super) fn requests(&self) -> usize {
        self.rooms().requests
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().expect("not poisoned")
    }
}

#[async_trait]
impl Gateway for FakeGateway {
    async fn send(&self, message: &Outgoing<'_>) -> Result<OwnedEventId, SendError> {
        if let Some(refusal) = self.refusals.lock().expect("not poisoned").pop() {
            return Err(refusal);
        }
        let mut rooms = self.rooms();
        rooms.requests += 1;
        if let Some(event_id) = rooms.transactions.get(message.transaction) {
            return Ok(event_id.clone());
        }
        let event_id: OwnedEventId = format!("$sent{}:h", rooms.transactions.len()).try_into().expect("an event id");
        rooms.transactions.insert(message.transaction.to_owned(), event_id.clone());
        let shown = Shown {
            question: message.question.to_owned(),
            part: message.part,
            kind: message.kind,
            text: message.markdown.to_owned(),
            complete: message.complete,
        };
        match message.replaces {
            Some(replaced) => {
                let (_, old) =
                    rooms.shown.iter_mut().find(|(id, _)| id == replaced).expect("an edit of a message there is");
                *old = shown;
            }
            None => rooms.shown.push((event_id.clone(), shown)),
        }
        Ok(event_id)
    }

    async fn find_sent(&self, _: &RoomId, question: &EventId, part: usize) -> Result<Option<OwnedEventId>, SendError> {
        let rooms = self.rooms();
        Ok(rooms
            .shown
            .iter()
            .find(|(_, shown)| shown.question == question && shown.part == part)
            .map(|(id, _)| id.clone()))
    }

    async fn typing(&self, _: &RoomId, _: bool) {}

    async fn read(&self, _: &RoomId, _: Option<&EventId>, _: &EventId) {}
}

/// A model that repeats the question, after its own count of the messages it was given: `3: Bonjour`. One token is one word.
/// Each answer waits for a permit when there is a `gate`.
#[derive(Clone, Default)]
pub(super) struct FakeModel {
    pub(super) gate: Option<Arc<Semaphore>>,
    pub(super) fails: bool,
}

#[async_trait]
impl ChatModel for FakeModel {
    fn generate(&self, request: Request) -> Result<Generation, InferenceError> {
        let (pieces, reader) = mpsc::channel(1024);
        let this = self.clone();
        tokio::spawn(async move {
            let question = request.messages.last().expect("a question").content.clone();
            let _ = pieces.send(Ok(Piece::Text(format!("{}: ", request.messages.len())))).await;
            if let Some(gate) = &this.gate {
                gate.acquire().await.expect("open").forget();
            }
            let _ = pieces.send(Ok(Piece::Text(question))).await;
            let end =
                if this.fails { Err(InferenceError::Engine("broken".to_owned())) } else { Ok(Piece::Done(usage())) };
            let _ = pieces.send(end).await;
        });
        Ok(Generation::new(reader))
    }

    fn count_tokens(&self, message: &Message) -> usize {
        message.content.split_whitespace().count()
    }

    fn context_length(&self) -> usize {
        1000
    }

    fn name(&self) -> &'static str {
        "fake"
    }

    async fn health(&self) -> Result<(), InferenceError> {
        Ok(())
    }
}

fn usage() -> Usage {
    Usage {
        prompt_tokens: 1,
        completion_tokens: 1,
        prefill: Duration::ZERO,
        decode: Duration::ZERO,
        finish: Finish::Stop,
    }
}
