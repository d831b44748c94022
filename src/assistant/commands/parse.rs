//! Reading what people type as a command, once, when its message is accepted.

use super::{
    answers, catch_up, compagnon, documents, export, forget, glossary, help, journal, note, privacy, pseudonymise,
    redo, remember, retention, reviews, sources,
    spec::Spec,
    statistics, status, stop, translate,
    words::{self, plain},
};
use crate::{
    assistant::texts::Language,
    command::{Call, Command},
    compagnon::is_invisible,
    message::{Edit, Incoming},
};

/// A command bare of its `!` is no longer than this: longer messages are questions.
const LONGEST_BARE: usize = 60;

impl Command {
    /// All of them, in the order of the help.
    pub(in crate::assistant) const ALL: [Self; 22] = [
        Self::Help,
        Self::Compagnon,
        Self::Stop,
        Self::Redo,
        Self::Forget,
        Self::Remember,
        Self::Memory,
        Self::Documents,
        Self::Sources,
        Self::Translate,
        Self::Glossary,
        Self::Note,
        Self::CatchUp,
        Self::Reviews,
        Self::Pseudonymise,
        Self::Answers,
        Self::Retention,
        Self::Privacy,
        Self::Export,
        Self::Statistics,
        Self::Status,
        Self::Journal,
    ];

    pub(super) fn spec(self) -> &'static Spec {
        match self {
            Self::Help => &help::SPEC,
            Self::Compagnon => &compagnon::SPEC,
            Self::Answers => &answers::SPEC,
            Self::Retention => &retention::SPEC,
            Self::Forget => &forget::SPEC,
            Self::Remember => &remember::SPEC,
            Self::Memory => &remember::LIST,
            Self::Documents => &documents::SPEC,
            Self::Sources => &sources::SPEC,
            Self::Translate => &translate::SPEC,
            Self::Glossary => &glossary::SPEC,
            Self::Note => &note::SPEC,
            Self::CatchUp => &catch_up::SPEC,
            Self::Reviews => &reviews::SPEC,
            Self::Pseudonymise => &pseudonymise::SPEC,
            Self::Export => &export::SPEC,
            Self::Privacy => &privacy::SPEC,
            Self::Statistics => &statistics::SPEC,
            Self::Status => &status::SPEC,
            Self::Redo => &redo::SPEC,
            Self::Stop => &stop::SPEC,
            Self::Journal => &journal::SPEC,
        }
    }

    /// How it is written, a line each form.
    pub(in crate::assistant) fn usage(self, language: Language) -> String {
        let forms = self.spec().usage(language).into_iter().map(|form| format!("- {form}"));
        forms.collect::<Vec<_>>().join("\n")
    }

    /// The command of that name, and the name's place among its names.
    pub(super) fn named(name: &str) -> Option<(Self, usize)> {
        let name = plain(name);
        Self::ALL.into_iter().find_map(|command| {
            let place = command.spec().names.iter().position(|known| plain(known) == name)?;
            Some((command, place))
        })
    }
}

impl Call {
    /// Reads a message as a command. One without [`Call::command`] is a command only if the message is for the bot anyway.
    pub(in crate::assistant) fn read(message: &Incoming) -> Option<Self> {
        let called = message.direct || message.mentions_me;
        let body = if called { shown(message.text()) } else { message.text().trim() };
        // "stop @Compagnon".
        let shorter = message.without_call.as_deref().map(shown);
        match marked(body) {
            Some(rest) => match shorter.and_then(marked).and_then(Self::bare) {
                Some(call) if Self::bare(rest.trim_start()).is_none() => Some(call),
                _ => Self::after_mark(rest),
            },
            None if called => Self::unmarked(body).or_else(|| shorter.and_then(Self::unmarked)),
            None => None,
        }
    }

    /// A message that is nothing but "stop", where it is for the bot without naming it, as in a thread with its answers.
    pub(in crate::assistant) fn stop_alone(message: &Incoming) -> Option<Self> {
        Self::bare(shown(message.text())).filter(Self::is_stop)
    }

    /// Whether an edit makes a command of its message, wherever that stands: no edit may.
    pub(in crate::assistant) fn is_made_by(edit: &Edit) -> bool {
        let text = shown(&edit.body);
        let shorter = edit.without_call.as_deref().map(shown);
        marked(text).is_some() || Self::unmarked(text).or_else(|| shorter.and_then(Self::unmarked)).is_some()
    }

    /// A command where the bot is spoken to: bare, or with the mark of other programs.
    fn unmarked(body: &str) -> Option<Self> {
        if let Some(english) = catch_up::is_asked(body) {
            let name = catch_up::SPEC.names.first().copied().unwrap_or_default().to_owned();
            let (arguments, text) = (String::new(), String::new());
            return Some(Self { command: Some(Command::CatchUp), name, english, arguments, text, unasked: false });
        }
        match body.strip_prefix('/') {
            // A path, perhaps: only what is known is a command.
            Some(rest) => Self::after_mark(rest).filter(|call| call.command.is_some()),
            None => Self::bare(body),
        }
    }

    fn after_mark(rest: &str) -> Option<Self> {
        // French typography puts a space there, and phones do it by themselves.
        let spaced = rest.starts_with(char::is_whitespace);
        let rest = rest.trim_start();
        let call = Self::bare(rest).unwrap_or_else(|| Self::cut(rest));
        // `!!!` and `!= 3` are not commands, nor is "Compagnon ! Bonjour" after its name.
        let is_call = call.name.starts_with(char::is_alphabetic) && (!spaced || call.command.is_some());
        is_call.then_some(call)
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
            // Without a value, what is set is shown.
            Command::Answers => call.arguments.is_empty() || answers::read(&call.arguments).is_some(),
            Command::Retention => call.arguments.is_empty() || retention::read(&call.arguments).is_some(),
            Command::Forget => forget::Scope::read(&call.arguments).is_some(),
            // "Retiens que je suis au SG" is said to the model.
            Command::Remember => false,
            Command::Privacy => privacy::is_asked(&call.arguments),
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
                Command::Documents => documents::is_english(arguments.trim()),
                Command::Note => note::is_english(arguments),
                _ => place == 1,
            }),
            arguments: arguments.trim().to_owned(),
            text: below.trim_matches('\n').to_owned(),
            unasked: false,
        }
    }

    /// Whether it need not wait for the answers before it.
    pub(in crate::assistant) fn is_urgent(&self) -> bool {
        match self.command {
            Some(Command::Compagnon) => compagnon::only_reads(&self.arguments),
            Some(command) => command.spec().urgent,
            None => true,
        }
    }

    /// Whether it may change what other commands read: settings, compagnons, the numbers of facts.
    pub(super) fn decides(&self) -> bool {
        match self.command {
            Some(Command::Compagnon | Command::Answers | Command::Retention | Command::Remember) => !self.is_urgent(),
            Some(Command::Glossary) => glossary::decides(&self.arguments),
            _ => false,
        }
    }

    /// Whether the model works on it, perhaps for minutes: `assistant::jobs` carries it out.
    pub(in crate::assistant) fn is_job(&self) -> bool {
        match self.command {
            Some(Command::Translate) => !translate::is_setting(&self.arguments),
            Some(Command::Compagnon) => compagnon::runs_cases(&self.arguments),
            Some(Command::Note | Command::CatchUp | Command::Reviews | Command::Pseudonymise) => true,
            _ => false,
        }
    }

    /// Whether it is never refused for the rate.
    pub(in crate::assistant) fn is_stop(&self) -> bool {
        self.command == Some(Command::Stop)
    }
}

/// A message's text from its first letter that is seen.
fn shown(text: &str) -> &str {
    text.trim_start_matches(|letter: char| letter.is_whitespace() || is_invisible(letter)).trim_end()
}

/// What follows the mark of a command.
fn marked(text: &str) -> Option<&str> {
    text.strip_prefix(['!', '！'])
}
