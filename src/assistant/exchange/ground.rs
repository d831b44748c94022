//! Stage 3: what a question points at, asked of the homeserver: the message that it replies to, and what stands before it in a thread that people
//! began. A model reads it once, with the question; nothing keeps it.
//!
//! Only what the asker can read in the room is given: the bot sees more of a room's past than a newcomer.

use std::time::Duration;

use super::{
    parts::Parts,
    pointed::{own_words, reads},
    read::{Attached, attach},
    transforms::without_marks,
    value::Exchange,
};
use crate::{
    assistant::{
        commands::{asks_to_forget, is_blank},
        courier::unless_refused,
        documents::{promises, readable},
        failure::Failure,
        texts::{Language, Text},
    },
    command::Call,
    conversation::Turn,
    document::Origin,
    material::{Author, Material, MaterialKind, Unreadable},
    matrix::{RoomMessage, SendError},
    message::{Content, Incoming, Unread},
};

/// How long one request for messages is repeated. A question is not lost by what it points at: after that it is answered without.
const REPEATED: Duration = Duration::from_mins(2);

/// Who wrote a message of which nothing is known, in French and in English.
pub const SOMEBODY: [&str; 2] = ["Quelqu’un", "Somebody"];

/// What became of a question whose surroundings were read.
pub enum Grounded {
    /// It can be answered.
    Ready,
    /// This is said instead of an answer: it asks nothing without what it points at, or a file that it is about cannot be read.
    Declined(Text<'static>),
    /// It is over, or has another text.
    Over,
}

/// Gathers what a question points at, and reads the files that it is about.
pub async fn ground(parts: &Parts, exchange: &mut Exchange) -> Result<Grounded, Failure> {
    let question = &exchange.queued.question;
    let blank = is_blank(question.text());
    let reading = Reading { parts, exchange, question };
    let replied = reading.replied_to(blank).await?;
    let mut documents = Vec::new();
    for attached in reading.files(replied.as_ref()).await? {
        match attached {
            Attached::Document(document) => documents.push(*document),
            Attached::NotRead(text) => return Ok(Grounded::Declined(text)),
            Attached::Over => return Ok(Grounded::Over),
        }
    }
    let mut material = reading.thread(replied.as_ref()).await?;
    let language = exchange.compagnon.compagnon.about.language;
    if blank {
        match instruction(replied.as_ref(), &material, !documents.is_empty(), language) {
            Ok(instruction) => exchange.instruction = Some(instruction),
            Err(refusal) => return Ok(Grounded::Declined(refusal)),
        }
    }
    let read = replied.as_ref().is_some_and(Pointed::is_readable);
    material.extend(replied.map(|replied| replied.material(MaterialKind::RepliedTo, read, language)));
    exchange.material = material;
    exchange.documents = documents;
    Ok(Grounded::Ready)
}

/// What the model is asked where the question is a mention and nothing else; the sentence to be said where that asks nothing.
fn instruction(
    replied: Option<&Pointed>,
    thread: &[Material],
    read: bool,
    language: Language,
) -> Result<&'static str, Text<'static>> {
    match replied {
        Some(Pointed(Ok(message))) if read && message.text.as_ref().is_ok_and(|text| is_blank(text)) => {
            Ok(match language {
                Language::Fr => "Résumez ce document.",
                Language::En => "Summarise this document.",
            })
        }
        Some(Pointed(Err(why))) => Err(Text::CannotAnswerTo(*why)),
        Some(Pointed(Ok(message))) if message.own => Err(Text::NoQuestion),
        Some(Pointed(Ok(message))) => match &message.text {
            Err(why) => Err(Text::CannotAnswerTo(*why)),
            Ok(text) if is_blank(text) && message.file.is_some() => Err(Text::CannotRead(Unread::File)),
            Ok(text) if is_blank(text) => Err(Text::NoQuestion),
            Ok(_) => Ok(match language {
                Language::Fr => "Répondez à ce message.",
                Language::En => "Answer this message.",
            }),
        },
        None if thread.iter().any(|material| material.content.is_ok()) => Ok(match language {
            Language::Fr => "Répondez au dernier message de ce fil.",
            Language::En => "Answer the last message of this thread.",
        }),
        None if thread.is_empty() => Err(Text::NoQuestion),
        None => Err(Text::CannotReadThread),
    }
}

/// The message that a question replies to, or why nothing is known of it.
struct Pointed(Result<RoomMessage, Unreadable>);

impl Pointed {
    /// Whether it is a file of somebody that can be read, perhaps.
    fn is_readable(&self) -> bool {
        self.0.as_ref().is_ok_and(|message| !message.own && message.media.as_ref().is_some_and(promises))
    }

    fn material(self, kind: MaterialKind, read: bool, language: Language) -> Material {
        match self.0 {
            Ok(message) => material(message, kind, read, language),
            Err(why) => unknown(why, kind, language),
        }
    }
}

/// A message of which nothing is known.
fn unknown(why: Unreadable, kind: MaterialKind, language: Language) -> Material {
    let [french, english] = SOMEBODY;
    let somebody = match language {
        Language::Fr => french,
        Language::En => english,
    };
    Material { kind, author: Author::Person(somebody.to_owned()), content: Err(why) }
}

/// A message as the model is given it. `read` says that its file was.
fn material(message: RoomMessage, kind: MaterialKind, read: bool, language: Language) -> Material {
    let author = if message.own {
        Author::Bot
    } else {
        Author::Person(message.name.unwrap_or_else(|| message.sender.localpart().to_owned()))
    };
    let content = message.text.map(|text| {
        let text = if message.own { without_marks(own_words(&text)) } else { text };
        match message.file {
            Some(name) => format!("{}\n{text}", file(&name, read, language)).trim_end().to_owned(),
            None => text,
        }
    });
    Material { kind, author, content }
}

/// A file. Of one that was not read only the name is known: a model must not think that it knows more.
fn file(name: &str, read: bool, language: Language) -> String {
    let name: String = name
        .chars()
        .filter(|&letter| !letter.is_control() && !matches!(letter, '\u{2028}' | '\u{2029}'))
        .take(100)
        .collect();
    match language {
        Language::Fr if read => format!("(fichier « {name} »)"),
        Language::En if read => format!("(file \u{201c}{name}\u{201d})"),
        Language::Fr => format!("(fichier « {name} », dont le contenu n’est pas lisible)"),
        Language::En => format!("(file \u{201c}{name}\u{201d}, whose content cannot be read)"),
    }
}

/// Whether a message gives a model anything to read, if only that it cannot be read.
fn says_something(message: &RoomMessage) -> bool {
    message.file.is_some() || message.text.as_ref().map_or(true, |text| !is_blank(text))
}

/// What a person can read of some messages.
struct Readable {
    messages: Vec<RoomMessage>,
    /// Whether that is known; otherwise they are those that the person wrote.
    known: bool,
}

/// The reading of what one question points at.
struct Reading<'a> {
    parts: &'a Parts,
    exchange: &'a Exchange,
    question: &'a Incoming,
}

impl Reading<'_> {
    /// The message that the question replies to. Nothing where the history ends with it.
    async fn replied_to(&self, blank: bool) -> Result<Option<Pointed>, Failure> {
        let question = self.question;
        let Some(target) = &question.replies_to else { return Ok(None) };
        let exchange = self.parts.store.exchange_of(&question.room_id, target).await?;
        // Of a person's question a mention alone wants another answer.
        let said = exchange.filter(|asked| !blank || asked.event_id != *target);
        let last = self.exchange.history.before(question).turns.last();
        if said.zip(last).is_some_and(|(asked, last)| asked.event_id == last.event_id) {
            return Ok(None);
        }
        let gateway = &self.parts.homeserver.gateway;
        let found = self.ask(|| gateway.message(&question.room_id, target)).await?.flatten();
        let readable = match found {
            Some(message) => self.readable(vec![message]).await?.messages.pop(),
            None => None,
        };
        Ok(Some(Pointed(readable.map(|message| self.cut(message)).ok_or(Unreadable::Unavailable))))
    }

    /// Reads the files that the question is about: its own, and the one that it replies to.
    async fn files(&self, replied: Option<&Pointed>) -> Result<Vec<Attached>, Failure> {
        let (parts, question) = (self.parts, self.question);
        let mut files = Vec::new();
        if let Some(media) = readable(question) {
            files.push(attach(parts, &self.exchange.queued, &question.origin(), media).await?);
        }
        if let Some(Pointed(Ok(message))) = replied.filter(|replied| replied.is_readable())
            && let Some(media) = &message.media
        {
            let origin = Origin {
                room_id: question.room_id.clone(),
                event_id: message.event_id.clone(),
                sender: message.sender.clone(),
                sent_at: message.sent_at,
            };
            files.push(attach(parts, &self.exchange.queued, &origin, media).await?);
        }
        Ok(files)
    }

    /// What stands before the question in its thread, where people began the thread, and which is neither in the history nor what the question
    /// replies to.
    async fn thread(&self, replied: Option<&Pointed>) -> Result<Vec<Material>, Failure> {
        let question = self.question;
        let root = question.thread.as_ref().filter(|root| **root != question.event_id && !self.exchange.history.rooted);
        let Some(root) = root else { return Ok(Vec::new()) };
        let gateway = &self.parts.homeserver.gateway;
        let ask = || gateway.thread(&question.room_id, root, &question.event_id);
        let language = self.exchange.compagnon.compagnon.about.language;
        // What is missing is said, as with a message that a question replies to.
        let missing = || unknown(Unreadable::Unavailable, MaterialKind::Thread, language);
        let Some(found) = self.ask(ask).await? else { return Ok(vec![missing()]) };
        let Readable { messages: mut earlier, known } = self.readable(found).await?;
        // What stands before the wish to forget it stays forgotten.
        let forgets = |message: &RoomMessage| self.as_question(message).is_some_and(|asked| asks_to_forget(&asked));
        if let Some(forgotten) = earlier.iter().rposition(forgets) {
            earlier.drain(..=forgotten);
        }
        let replied = replied.and_then(|pointed| Some(&pointed.0.as_ref().ok()?.event_id));
        let told = |turn: &Turn, message: &RoomMessage| turn.event_id == message.event_id;
        earlier.retain(|message| {
            Some(&message.event_id) != replied
                && !self.exchange.history.turns.iter().any(|turn| told(turn, message))
                && !self.is_command(message)
                && says_something(message)
        });
        let shown = |message| material(self.cut(message), MaterialKind::Thread, false, language);
        let material = earlier.into_iter().map(shown);
        Ok((!known).then(missing).into_iter().chain(material).collect())
    }

    /// Asks the homeserver, for a while; nothing where it refuses or does not answer.
    async fn ask<T, F: Future<Output = Result<T, SendError>>>(
        &self,
        request: impl FnMut() -> F,
    ) -> Result<Option<T>, Failure> {
        match unless_refused(self.parts.homeserver.retry_for(REPEATED, request).await) {
            Err(Failure::Unanswered(reason)) => {
                let event_id = &self.question.event_id;
                tracing::warn!(reason, %event_id, "what a question points at could not be read; it is answered without");
                Ok(None)
            }
            answer => answer,
        }
    }

    /// Those of the messages that the asker can read in the room.
    async fn readable(&self, mut messages: Vec<RoomMessage>) -> Result<Readable, Failure> {
        let question = self.question;
        let theirs = |message: &RoomMessage| message.sender == question.sender;
        if messages.iter().all(theirs) {
            return Ok(Readable { messages, known: true });
        }
        let gateway = &self.parts.homeserver.gateway;
        let answer = self.ask(|| gateway.reads_since(&question.room_id, &question.sender)).await?;
        // Where the homeserver does not say it, they read what they wrote.
        let since = answer.unwrap_or(Some(u64::MAX));
        messages.retain(|message| reads(message, &question.sender, since));
        Ok(Readable { messages, known: answer.is_some() })
    }

    /// The message with as much of its text as a question may have.
    fn cut(&self, message: RoomMessage) -> RoomMessage {
        let longest = self.parts.config.limits.question;
        let text = message.text.map(|text| match text.char_indices().nth(longest) {
            Some((end, _)) => format!("{} […]", &text[..end]),
            None => text,
        });
        RoomMessage { text, ..message }
    }

    /// A message as if it were asked of the bot.
    fn as_question(&self, message: &RoomMessage) -> Option<Incoming> {
        let (content, mentions_me) = (Content::Text(message.text.as_ref().ok()?.clone()), message.mentions_me);
        Some(Incoming { content, mentions_me, without_call: None, ..self.question.clone() })
    }

    fn is_command(&self, message: &RoomMessage) -> bool {
        let call = self.as_question(message).and_then(|asked| Call::read(&asked));
        call.is_some_and(|call| call.command.is_some())
    }
}
