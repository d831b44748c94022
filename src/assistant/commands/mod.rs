//! Commands: what people write to the bot rather than ask the model. One file each; help is made from their [`Spec`]s.
//!
//! A command is a new message that begins with `!`. Where the message is for the bot anyway, the `!` may be left out or be a `/`, if the
//! whole message is nothing but a command; a full stop and a polite word more or less make no difference. Nothing else is one: no edit, no quote, no notice, no text in the middle of a message. A command
//! that is not understood gets the nearest one named, and never falls through to the model.

mod answers;
mod authority;
mod compagnon;
mod confirm;
mod context;
mod export;
mod forget;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzz;
mod help;
mod journal;
mod outcome;
mod parts;
mod privacy;
mod redo;
mod retention;
mod status;
mod stop;
#[cfg(test)]
mod tests;
mod words;

use super::{
    clock::now,
    courier::{NoticePriority, notice},
    dispatch::Work,
    failure::Failure,
    texts::{Language, Text},
};
use crate::{
    command::{Call, Command},
    matrix,
    message::{FileRef, Incoming, Item},
    store::Queued,
};

pub(super) use confirm::Confirmations;
pub(super) use parts::{CHECKS, Parts};

use context::{Context, Known};
use outcome::{NewFile, Outcome, Reply};
pub(super) use stop::{is_stop, react, stop_quietly};
pub(super) use words::{decimal, inert, is_blank};
use words::{nearest, plain};

/// How often a command that changes something is decided on again because what it needed to know had changed meanwhile.
const DECISIONS: usize = 5;

/// A command bare of its `!` is no longer than this: longer messages are questions.
const LONGEST_BARE: usize = 60;

/// What may follow a command, and a word on it.
type Form = (&'static str, &'static str);

/// What the parser and the help know of a command.
pub(super) struct Spec {
    /// Its names, the French first, then the English, then others.
    names: &'static [&'static str],
    /// What may follow it, in French and in English: each form with what is to be known of it.
    forms: [&'static [Form]; 2],
    /// Whether it changes nothing, and so need not wait for the answers before it.
    urgent: bool,
    /// Whether only the administrators of the instance are shown it.
    instance: bool,
}

impl Command {
    /// All of them, in the order of the help.
    pub(super) const ALL: [Self; 11] = [
        Self::Help,
        Self::Compagnon,
        Self::Stop,
        Self::Redo,
        Self::Forget,
        Self::Answers,
        Self::Retention,
        Self::Privacy,
        Self::Export,
        Self::Status,
        Self::Journal,
    ];

    fn spec(self) -> &'static Spec {
        match self {
            Self::Help => &help::SPEC,
            Self::Compagnon => &compagnon::SPEC,
            Self::Answers => &answers::SPEC,
            Self::Retention => &retention::SPEC,
            Self::Forget => &forget::SPEC,
            Self::Export => &export::SPEC,
            Self::Privacy => &privacy::SPEC,
            Self::Status => &status::SPEC,
            Self::Redo => &redo::SPEC,
            Self::Stop => &stop::SPEC,
            Self::Journal => &journal::SPEC,
        }
    }

    /// The command of that name, and the name's place among its names.
    fn named(name: &str) -> Option<(Self, usize)> {
        let name = plain(name);
        Self::ALL.into_iter().find_map(|command| {
            let place = command.spec().names.iter().position(|known| plain(known) == name)?;
            Some((command, place))
        })
    }
}

impl Call {
    /// Reads a message as a command. One without [`Call::command`] is a command only if the message is for the bot anyway.
    pub(super) fn read(message: &Incoming) -> Option<Self> {
        let body = message.text().trim();
        match body.strip_prefix('!').or_else(|| body.strip_prefix('！')) {
            Some(rest) => Self::after_mark(rest),
            None if message.direct || message.mentions_me => Self::unmarked(body),
            None => None,
        }
    }

    /// Whether a text is a command wherever it is written: what an edit must not become.
    pub(super) fn is_command(text: &str) -> bool {
        let text = text.trim();
        text.starts_with(['!', '！']) || Self::unmarked(text).is_some()
    }

    /// A command where the bot is spoken to: bare, or with the mark of other programs.
    fn unmarked(body: &str) -> Option<Self> {
        match body.strip_prefix('/') {
            // A path, perhaps: only what is known is a command.
            Some(rest) => Self::after_mark(rest).filter(|call| call.command.is_some()),
            None => Self::bare(body),
        }
    }

    fn after_mark(rest: &str) -> Option<Self> {
        // French typography puts a space there, and phones do it by themselves.
        let rest = rest.trim_start();
        let call = Self::bare(rest).unwrap_or_else(|| Self::cut(rest));
        // `!!!` and `!= 3` are not commands.
        call.name.chars().next().is_some_and(char::is_alphabetic).then_some(call)
    }

    fn bare(body: &str) -> Option<Self> {
        if body.contains('\n') || body.chars().count() > LONGEST_BARE {
            return None;
        }
        let call = Self::cut(&words::core(body));
        // "Oublier moi ?" asks whether, or how; what only shows something is shown.
        if body.trim_end().ends_with(['?', '？']) && !call.is_urgent() {
            return None;
        }
        let fits = match call.command? {
            Command::Compagnon => compagnon::bare(&call.arguments),
            Command::Answers => answers::read(&call.arguments).is_some(),
            Command::Retention => retention::read(&call.arguments).is_some(),
            Command::Forget => forget::Scope::read(&call.arguments).is_some(),
            Command::Help => call.arguments.is_empty() || Command::named(&call.arguments).is_some(),
            _ => call.arguments.is_empty(),
        };
        fits.then_some(call)
    }

    fn cut(text: &str) -> Self {
        let (line, below) = text.split_once('\n').unwrap_or((text, ""));
        let line = line.trim();
        let (name, arguments) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        // `!stop!` and `!aide.` are meant as they sound.
        let named = Command::named(name).or_else(|| Command::named(words::without_stops(name)));
        let arguments = match named {
            // The plural asks for all of them.
            Some((Command::Compagnon, _)) if arguments.is_empty() && words::is(name, &["compagnons"]) => "liste",
            Some((Command::Help, _)) if words::is(arguments.trim(), &["moi", "me", "nous", "us"]) => "",
            _ => arguments,
        };
        Self {
            command: named.map(|(command, _)| command),
            name: name.to_owned(),
            english: named.is_some_and(|(command, place)| match command {
                Command::Compagnon => compagnon::is_english(arguments.trim()),
                _ => place == 1,
            }),
            arguments: arguments.trim().to_owned(),
            text: below.trim_matches('\n').to_owned(),
        }
    }

    /// Whether it need not wait for the answers before it.
    pub(super) fn is_urgent(&self) -> bool {
        match self.command {
            Some(Command::Compagnon) => compagnon::only_reads(&self.arguments),
            Some(command) => command.spec().urgent,
            None => true,
        }
    }

    /// Whether it may change what other commands read: settings and compagnons.
    fn decides(&self) -> bool {
        matches!(self.command, Some(Command::Compagnon | Command::Answers | Command::Retention)) && !self.is_urgent()
    }

    /// Whether it is never refused for the rate.
    pub(super) fn is_stop(&self) -> bool {
        self.command == Some(Command::Stop)
    }
}

/// Executes a command. Its answer is on its way, and in the store with what it changes, when this returns.
pub(super) async fn execute(parts: &Parts, queued: &Queued, call: &Call) -> Result<(), Failure> {
    let known = Known::default();
    // What a test of kills waits for.
    tracing::debug!(event_id = %queued.question.event_id, command = ?call.command, "executing");
    match settle(parts, queued, call, &known).await {
        // Not knowing is no refusal: the person is told that it was not checked.
        Err(Failure::Unchecked(reason)) => {
            tracing::warn!(reason, "what a person may do in a room could not be asked");
            let reply = Context::new(parts, queued, call, &known).await?.say(&Text::NotChecked)?;
            finish(parts, queued, reply.into()).await
        }
        other => other,
    }
}

async fn settle(parts: &Parts, queued: &Queued, call: &Call, known: &Known) -> Result<(), Failure> {
    if let Some(refusal) = authority::refusal(parts, &queued.question, call).await? {
        let reply = Context::new(parts, queued, call, known).await?.say(&refusal)?;
        return finish(parts, queued, reply.into()).await;
    }
    for _ in 0..DECISIONS {
        // What the homeserver is to be asked is asked here, however long it takes: nobody else waits.
        let outcome = run(&Context::new(parts, queued, call, known).await?, call).await?;
        if !call.decides() || outcome.reply().changes.is_empty() {
            return finish(parts, queued, outcome).await;
        }
        if let Some(done) = decide(parts, queued, call, known).await {
            return done;
        }
    }
    finish(parts, queued, Reply::text(Text::Busy.say(parts.config.language).into_owned()).into()).await
}

/// Decides once more on what is known by now, and writes it down before anybody else decides. `None` when more must be asked first.
async fn decide(parts: &Parts, queued: &Queued, call: &Call, known: &Known) -> Option<Result<(), Failure>> {
    let _turn = parts.deciding.lock().await;
    known.ask_nobody(true);
    let decided = async {
        let outcome = run(&Context::new(parts, queued, call, known).await?, call).await?;
        finish(parts, queued, outcome).await
    };
    let decided = decided.await;
    known.ask_nobody(false);
    if matches!(decided, Err(Failure::NotKnown)) { None } else { Some(decided) }
}

/// Writes down what a command comes to, and has it carried out.
async fn finish(parts: &Parts, queued: &Queued, outcome: Outcome) -> Result<(), Failure> {
    let room = &queued.question.room_id;
    let (mut items, reply) = match outcome {
        Outcome::Say(reply) => (Vec::new(), reply),
        Outcome::Generate { question, reply, otherwise } => {
            let waits = answer_again(parts, queued, &question).await?;
            (Vec::new(), if waits { reply } else { otherwise })
        }
        Outcome::File { file: NewFile { name, media_type, bytes, room_id }, reply } => {
            // Before the answer that names it: without that answer it is removed again.
            let file = parts.store.put_file(room, name, media_type, bytes, now()).await?;
            (vec![Item::File(FileRef { room_id: Some(room_id), ..file })], reply)
        }
        Outcome::Egress { egress, reply } => (vec![Item::Egress(egress)], reply),
    };
    parts.cache.apply(&reply.changes);
    items.extend(matrix::parts(&reply.text).into_iter().map(notice));
    parts.courier.notify(queued, items, reply.changes, NoticePriority::Spare).await?;
    if let Some(proposal) = reply.proposal {
        parts.administrators.proposed(&queued.question.event_id, &proposal.text());
    }
    Ok(())
}

/// Has an answered question wait again, because of a command. Whether it does.
async fn answer_again(parts: &Parts, queued: &Queued, question: &Incoming) -> Result<bool, Failure> {
    // Written down before the answer to the command, and taken up after it, since it waits in the same lane.
    match parts.store.reopen(question, &queued.question.event_id, now()).await? {
        Some(again) => parts.lanes.resume(Work::of(again)),
        // A restart came between: it waits already.
        None => return Ok(queued.attempts > 1),
    }
    Ok(true)
}

async fn run(context: &Context<'_>, call: &Call) -> Result<Outcome, Failure> {
    let Some(command) = call.command else {
        let names = Command::ALL.iter().flat_map(|command| command.spec().names.iter().copied());
        return context.say(&Text::UnknownCommand { nearest: nearest(&call.name, names) }).map(Outcome::Say);
    };
    match command {
        Command::Help => help::run(context, &call.arguments).map(Outcome::Say),
        Command::Compagnon => compagnon::run(context, &call.arguments, &call.text).await.map(Outcome::Say),
        Command::Answers => answers::run(context, &call.arguments).await.map(Outcome::Say),
        Command::Retention => retention::run(context, &call.arguments).await.map(Outcome::Say),
        Command::Forget => forget::run(context, &call.arguments).await.map(Outcome::Say),
        Command::Export => export::run(context).await,
        Command::Privacy => privacy::run(context).await.map(Outcome::Say),
        Command::Status => status::run(context).await.map(Outcome::Say),
        Command::Redo => redo::run(context).await,
        Command::Stop => stop::run(context).await.map(Outcome::Say),
        Command::Journal => journal::run(context, &call.arguments).await.map(Outcome::Say),
    }
}

impl Spec {
    /// The command with each of its forms, as code.
    fn usage(&self, language: Language) -> Vec<String> {
        let (name, forms) = match language {
            Language::Fr => (self.names.first(), self.forms[0]),
            Language::En => (self.names.get(1), self.forms[1]),
        };
        let name = name.copied().unwrap_or_default();
        if forms.is_empty() {
            return vec![format!("`!{name}`")];
        }
        let usage =
            |(form, note): &Form| format!("`!{}` {note}", format!("{name} {form}").trim_end()).trim_end().to_owned();
        forms.iter().map(usage).collect()
    }
}
