//! `!note`: the note of a conversation; `!manqué`: the same for one person. The model finds what was said; the program checks that it stands in the
//! messages, brings it together and gives it its form.
//!
//! | file | |
//! |---|---|
//! | `span`, `dates` | how far back is read, dates as people write them: pure |
//! | `reading`, `material` | the messages that the asker could read, numbered, in parts |
//! | `prompt`, `found`, `write` | what the model is asked, what it answers, the parts together |
//! | `evidence`, `merge` | what of it stands in the messages; what says the same once: pure |
//! | `value`, `show`, `files` | the note, as the room sees it and as files: pure |
//! | `given` | a draft's files, in its thread |
//! | `draft`, `edit` | what is kept of it, and its corrections |
//! | `docs`, `settings` | a document of La Suite Docs |

mod dates;
mod docs;
mod draft;
mod edit;
mod evidence;
mod files;
mod found;
mod given;
mod material;
mod merge;
mod prompt;
mod reading;
mod settings;
mod show;
mod span;
#[cfg(test)]
mod tests;
mod value;
mod write;

use tokio::sync::watch;

pub use self::settings::Docs;
use self::{
    dates::{in_words, words},
    draft::{DRAFT_FOR, Draft, Kept},
    edit::{Applied, Corrected, Edit},
    given::{as_files, place},
    prompt::Prompts,
    reading::{Read, Want},
    show::Place,
    span::Span,
};
use super::job::{Job, Progress, Turn};
use crate::{
    assistant::{
        clock::{later, now},
        commands::inert,
        courier::Ending,
        exchange::{Exchange, Parts},
        failure::Failure,
        texts::{Language, Notes, Text},
        veil::Veil,
    },
    command::{Call, Command},
    conversation::ConversationId,
    matrix::{self, RoomKind},
    message::{Item, Post},
    usage::Usage,
};

/// What follows `!note`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ask {
    /// A note of so much.
    Make(Span),
    /// The draft is final.
    Publish {
        /// Whether in its own thread rather than in the main line.
        here: bool,
    },
    /// The draft is erased.
    Drop,
    /// The draft as files.
    File,
    /// The draft as a document of Docs.
    Docs(docs::Ask),
}

impl Ask {
    /// What is asked of a draft; `None` for a new note.
    fn of_draft(arguments: &str) -> Option<Self> {
        let words = words(arguments);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Some(match words[..] {
            ["valider" | "valide" | "publier" | "publie" | "validate" | "publish", ..] => {
                Self::Publish { here: matches!(words.last(), Some(&"ici" | &"here")) }
            }
            ["abandonner" | "abandon" | "annuler" | "effacer" | "supprimer" | "drop" | "cancel" | "discard"] => {
                Self::Drop
            }
            ["fichier" | "fichiers" | "file" | "files" | "odt" | "md"] => Self::File,
            ["docs" | "doc"] => Self::Docs(docs::Ask::Send),
            ["docs" | "doc", "oui" | "yes" | "confirmer" | "confirm"] => Self::Docs(docs::Ask::Confirmed),
            ["docs" | "doc", "oublier" | "oublie" | "forget"] => Self::Docs(docs::Ask::Forget),
            ["docs" | "doc", "adresse" | "address", ..] => {
                Self::Docs(docs::Ask::Address(arguments.split_whitespace().last().unwrap_or_default().to_owned()))
            }
            _ => return None,
        })
    }
}

/// Whether a command asks for a note, which has a thread of its own.
pub fn opens_thread(call: &Call) -> bool {
    call.command == Some(Command::Note) && Ask::of_draft(&call.arguments).is_none()
}

/// Carries out `!note`.
pub async fn note(job: &Job<'_>) -> Result<Ending, Failure> {
    let conversation = job.message.conversation();
    let ask = match Ask::of_draft(&job.call.arguments) {
        Some(ask) => ask,
        None => match Span::read(&job.call.arguments, &reading::now(&job.parts.config)) {
            Some(span) => Ask::Make(span),
            None => return Ok(said(job, Notes::NotUnderstood)),
        },
    };
    let kept = Kept::load(&job.parts.store, &conversation, now()).await?;
    match (ask, kept.draft.clone()) {
        (Ask::Make(span), _) => make(job, span, kept).await,
        (Ask::Docs(ask), _) => docs::docs(job, ask, Some(kept)).await,
        (_, None) => Ok(said(job, Notes::NoDraft)),
        (Ask::File, Some(draft)) => as_files(job, &draft, &Text::Notes(Notes::File)).await,
        (Ask::Drop, Some(_)) => {
            let changes = vec![Kept { draft: None, ..kept }.change(&conversation, now())];
            Ok(Ending { changes, ..said(job, Notes::Dropped) })
        }
        (Ask::Publish { here }, Some(draft)) => publish(job, kept, &draft, here).await,
    }
}

fn said(job: &Job<'_>, text: Notes<'_>) -> Ending {
    job.ends(&Text::Notes(text))
}

fn is_direct(job: &Job<'_>) -> bool {
    job.message.direct || job.room.is_some_and(|room| room.kind == RoomKind::Direct)
}

/// A text of the model's, in parts that each fit into an event.
fn parts_of(text: &str, links: &[String]) -> Vec<Item> {
    let item = |text| Item::Markdown { text, links: links.to_vec(), sources: Vec::new() };
    matrix::parts(text).into_iter().map(item).collect()
}

/// The same, in another place.
fn posts(text: &str, links: &[String], room_id: Option<&ruma::RoomId>) -> Vec<Item> {
    let post = |text| Post { room_id: room_id.map(ToOwned::to_owned), text, links: links.to_vec() };
    matrix::parts(text).into_iter().map(|text| Item::Post(post(text))).collect()
}

/// Makes a note, or makes the draft of this thread anew.
async fn make(job: &Job<'_>, span: Span, kept: Kept) -> Result<Ending, Failure> {
    if is_direct(job) {
        return Ok(said(job, Notes::Direct));
    }
    let (store, conversation) = (&job.parts.store, job.message.conversation());
    let source = match &kept.draft {
        Some(draft) => ConversationId { thread: draft.source.clone(), ..conversation.clone() },
        None => job.message.written_in(),
    };
    if span == Span::Thread && source.thread.is_none() {
        return Ok(said(job, Notes::NoThread));
    }
    let last = Kept::load(store, &source, now()).await?.upto;
    let read = match reading::read(job, &source, Want::Note(span, last)).await? {
        Ok(read) => read,
        Err(text) => return Ok(said(job, text)),
    };
    let Some(written) = write::write(job, &read.conversation).await? else {
        return Ok(said(job, Notes::NotWritten));
    };
    let draft = Draft {
        made: made(job, &read),
        left_out: left_out(job, &read, written.left_out),
        note: written.note,
        via: read.conversation.servers,
        source: source.thread,
        upto: read.upto,
        until: later(now(), DRAFT_FOR),
        english: job.language == Language::En,
        document: None,
    };
    let items = shown(job, &draft);
    let by = Some(job.message.sender.clone());
    let changes = vec![Kept { draft: Some(draft), by, ..kept }.change(&conversation, now())];
    Ok(Ending { items, changes, usage: Some(job.usage(written.usage)), ..Ending::default() })
}

/// Of what a note was made, in words.
fn made(job: &Job<'_>, read: &Read) -> String {
    let time = |at: jiff::civil::DateTime| match job.language {
        Language::Fr => format!("{} à {} h {:02}", in_words(at.date(), job.language), at.hour(), at.minute()),
        Language::En => format!("{} at {}:{:02}", in_words(at.date(), job.language), at.hour(), at.minute()),
    };
    let (from, to) = (time(read.times.0), time(read.times.1));
    let (messages, people) = (read.conversation.said.len(), read.conversation.participants.len());
    job.text(&Text::Notes(Notes::Made { messages, people, from: &from, to: &to, reach: read.reach }))
}

fn left_out(job: &Job<'_>, read: &Read, full: bool) -> String {
    job.text(&Text::Notes(Notes::LeftOut { cut: read.cut, unread: read.unread, full }))
}

/// A draft as its thread sees it.
fn shown(job: &Job<'_>, draft: &Draft) -> Vec<Item> {
    let until = i64::try_from(draft.until).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    let until = until.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_zoned(reading::zone(&job.parts.config));
    let until = in_words(until.date(), draft.language());
    let below = Text::Notes(Notes::Below { until: &until }).say(draft.language()).into_owned();
    let below = [draft.left_out.clone(), below];
    let (text, links) = show::markdown(&draft.note, place(job, draft), &draft.made, &below, draft.language());
    parts_of(&text, &links)
}

/// The final note, in the main line or where it was asked for; its draft is kept no more.
async fn publish(job: &Job<'_>, kept: Kept, draft: &Draft, here: bool) -> Result<Ending, Failure> {
    let (store, conversation) = (&job.parts.store, job.message.conversation());
    let name = job.message.name.as_deref().unwrap_or_else(|| job.message.sender.localpart());
    let by = Text::Notes(Notes::PublishedBy { name: &inert(name) }).say(draft.language()).into_owned();
    let below = [draft.left_out.clone(), by];
    let (text, links) = show::markdown(&draft.note, place(job, draft), &draft.made, &below, draft.language());
    let mut items = if here { parts_of(&text, &links) } else { posts(&text, &links, None) };
    items.extend(job.say(&Text::Notes(Notes::Published)));
    let source = ConversationId { thread: draft.source.clone(), ..conversation.clone() };
    let upto = Some(draft.upto);
    let changes = if source == conversation {
        vec![Kept { draft: None, upto, by: None }.change(&conversation, now())]
    } else {
        let of_source = Kept::load(store, &source, now()).await?;
        vec![
            Kept { draft: None, ..kept }.change(&conversation, now()),
            Kept { upto: upto.max(of_source.upto), ..of_source }.change(&source, now()),
        ]
    };
    Ok(Ending { items, changes, ..Ending::default() })
}

/// Carries out `!manqué`.
pub async fn catch_up(job: &Job<'_>) -> Result<Ending, Failure> {
    if is_direct(job) {
        return Ok(said(job, Notes::MissedDirect));
    }
    let Some(span) = Span::read(&job.call.arguments, &reading::now(&job.parts.config)) else {
        return Ok(said(job, Notes::NotUnderstood));
    };
    let source = job.message.written_in();
    if span == Span::Thread && source.thread.is_none() {
        return Ok(said(job, Notes::NoThread));
    }
    // Asked before anything is read: where it may go decides whether there is anything.
    let Some(direct) = job.parts.homeserver.private_room(&job.message.sender).await? else {
        return Ok(said(job, Notes::MissedNowhere));
    };
    let read = match reading::read(job, &source, Want::Missed(span)).await? {
        Ok(read) => read,
        Err(text) => return Ok(said(job, text)),
    };
    let Some(written) = write::write(job, &read.conversation).await? else {
        return Ok(said(job, Notes::NotWritten));
    };
    let room = job.room.and_then(|room| room.name.as_deref()).map(inert).unwrap_or_default();
    let head = job.text(&Text::Notes(Notes::MissedOf { room: &room }));
    let place = Place { room_id: &job.message.room_id, via: &read.conversation.servers };
    let below = [left_out(job, &read, written.left_out), job.text(&Text::Notes(Notes::BelowMissed))];
    let (text, links) = show::markdown(&written.note, place, &made(job, &read), &below, job.language);
    let mut items = job.say(&Text::Notes(Notes::MissedSent));
    items.extend(posts(&format!("{head}\n\n{text}"), &links, Some(&direct)));
    Ok(Ending { items, usage: Some(job.usage(written.usage)), ..Ending::default() })
}

/// The end of a question that corrects the draft of its thread; nothing for one that does not, or stands elsewhere.
pub async fn corrected(parts: &Parts, exchange: &Exchange) -> Result<Option<Ending>, Failure> {
    let question = &exchange.queued.question;
    if question.thread.is_none() || !matches!(question.content, crate::message::Content::Text(_)) {
        return Ok(None);
    }
    let kept = Kept::load(&parts.store, &question.conversation(), now()).await?;
    let Some(draft) = kept.draft.clone() else { return Ok(None) };
    let (progress, _) = watch::channel(Progress::default());
    let call = Call {
        command: Some(Command::Note),
        name: String::new(),
        english: draft.english,
        arguments: String::new(),
        text: String::new(),
        unasked: false,
    };
    let turn = Turn::new();
    let job = Job {
        parts,
        queued: &exchange.queued,
        message: question,
        call: &call,
        settings: &exchange.settings,
        compagnon: &exchange.compagnon,
        veil: exchange.veil.as_ref(),
        room: exchange.room.as_ref(),
        language: draft.language(),
        progress: &progress,
        turn: &turn,
    };
    let day = reading::now(&parts.config).date();
    let (edit, usage) = match Edit::read(question.text(), day) {
        Some(edit) => (Some(edit), None),
        None => understood(&job, &draft).await?,
    };
    let Some(edit) = edit else { return Ok(None) };
    let mut draft = draft;
    let corrected = Corrected { message: &question.event_id, day, language: draft.language() };
    let ending = match edit.apply(&mut draft.note, corrected) {
        Applied::Nothing => return Ok(None),
        Applied::NoSuch(index) => said(&job, Notes::NoSuch { index }),
        Applied::Changed => {
            let items = shown(&job, &draft);
            let changes = vec![Kept { draft: Some(draft), ..kept }.change(&question.conversation(), now())];
            Ending { items, changes, ..Ending::default() }
        }
    };
    let mut ending = Ending { usage: usage.map(|usage| job.usage(usage)), ..ending };
    ending.changes.extend(exchange.veil.as_ref().and_then(Veil::kept));
    Ok(Some(ending))
}

/// The correction that a model reads in a message.
async fn understood(job: &Job<'_>, draft: &Draft) -> Result<(Option<Edit>, Option<Usage>), Failure> {
    let prompts = Prompts::new(job.model(), &job.parts.sampling, job.language);
    let request = prompts.of_edit(&draft.note, job.message.text())?;
    let (edit, usage) =
        write::formed(job, request, |answer| found::object(answer).map(|_| Edit::of_answer(answer))).await?;
    let edit = edit.flatten().filter(|edit| edit.is_of(job.message.text(), &draft.note.participants));
    Ok((edit, Some(usage)))
}
