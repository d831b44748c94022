//! Stage 3, pure: what a model is given. The compagnon's system prompt with the room's addition, as much of the conversation as fits, and
//! the question. `chat` in the terminal and answers in rooms are composed by the same function, so that authors of prompts see what agents
//! get.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use ruma::UserId;

use crate::{
    assistant::config::Config,
    compagnon::{Compagnon, CompagnonError, Language, Settings, Variables},
    conversation::{Role, Turn, trimmed},
    inference::{CacheHint, ChatModel, Message, Request, Sampling},
};

/// Tokens kept free for what a template adds around the whole prompt.
const MARGIN: usize = 16;

/// The most characters of a room's name that a prompt shows: a name is a hint, not a place for instructions.
const LONGEST_ROOM: usize = 80;

/// About as many tokens as a question of a few lines.
const FEW_LINES: usize = 50;

/// Why no prompt was made.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The system prompt and the question alone fill the model's context.
    #[error("the compagnon's prompt and the question are too long for the model's context")]
    TooLong,
    /// The compagnon cannot be used.
    #[error(transparent)]
    Compagnon(#[from] CompagnonError),
}

/// A question in its place.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Who answers.
    pub compagnon: &'a Compagnon,
    /// What the room has set.
    pub settings: &'a Settings,
    /// The room's name; empty where it has none.
    pub room: &'a str,
    /// What was said before, oldest first.
    pub turns: &'a [Turn],
    /// The question's text.
    pub question: &'a str,
    /// Who asks, where that is known.
    pub asker: Option<&'a UserId>,
    /// How that person is called.
    pub name: Option<&'a str>,
    /// The conversation: see [`CacheHint::cache_key`].
    pub cache_key: u64,
}

/// The date in the configured time zone, as prompts give it.
#[must_use]
pub fn today(config: &Config) -> Date {
    let zone = TimeZone::get(&config.time_zone).unwrap_or(TimeZone::UTC);
    Timestamp::now().to_zoned(zone).date()
}

/// The request for a question asked on this day.
pub fn compose(
    model: &dyn ChatModel,
    sampling: &Sampling,
    config: &Config,
    ask: &Ask<'_>,
    today: Date,
) -> Result<Request, ComposeError> {
    let sampling = self::sampling(model, sampling, ask);
    let several = several(ask);
    let by = |name: Option<&str>, asker: Option<&UserId>| {
        name.or_else(|| asker.map(UserId::localpart)).filter(|_| several).map(str::to_owned)
    };
    let said = |turn: &Turn| {
        let name = by(turn.name.as_deref(), turn.asker.as_deref()).filter(|_| turn.role == Role::User);
        Message { name, ..Message::new(turn.role, turn.content.clone()) }
    };
    let (prompt, of_any_room) = system_prompt(config, ask, today)?;
    let system = Message::new(Role::System, prompt);
    let asked = Message { name: by(ask.name, ask.asker), ..Message::new(Role::User, ask.question) };
    let (counter, context) = (model.token_counter(), model.limits().context_length);
    let cost = |message: &Message| counter.count(message);
    let margin = MARGIN + counter.accuracy().margin(context);
    let taken = sampling.max_tokens + cost(&system) + cost(&asked) + margin;
    let budget = context.checked_sub(taken).ok_or(ComposeError::TooLong)?;
    let history = trimmed(ask.turns, budget, |turn| cost(&said(turn)));
    let messages = std::iter::once(system).chain(history.iter().map(said)).chain(std::iter::once(asked)).collect();
    let cache = CacheHint { cache_key: ask.cache_key, shared_prefix_len: usize::from(of_any_room) };
    Ok(Request { messages, sampling, cache })
}

/// Whether a compagnon's prompt leaves room for a question in the model's context.
pub fn fits(
    model: &dyn ChatModel,
    sampling: &Sampling,
    config: &Config,
    compagnon: &Compagnon,
) -> Result<(), ComposeError> {
    let settings = Settings::default();
    // Room for a question of a few lines.
    let question = "x ".repeat(FEW_LINES);
    let ask = Ask {
        compagnon,
        settings: &settings,
        room: "",
        turns: &[],
        question: &question,
        asker: None,
        name: None,
        cache_key: 0,
    };
    compose(model, sampling, config, &ask, today(config)).map(drop)
}

/// The room's settings over the compagnon's over the model's, within what ops allow.
fn sampling(model: &dyn ChatModel, usual: &Sampling, ask: &Ask<'_>) -> Sampling {
    let (settings, about) = (ask.settings, &ask.compagnon.about);
    let longest = settings.max_tokens.or(about.max_tokens).unwrap_or(usual.max_tokens).min(usual.max_tokens);
    Sampling {
        temperature: settings.temperature.or(about.temperature).unwrap_or(usual.temperature),
        // Half of the context at most, so that a small model keeps room for what it is asked.
        max_tokens: longest.min(model.limits().context_length / 2),
        ..usual.clone()
    }
}

/// Whether more than one person has spoken: only then must the model be told who speaks.
fn several(ask: &Ask<'_>) -> bool {
    let asked = ask.turns.iter().filter(|turn| turn.role == Role::User).filter_map(|turn| turn.asker.as_deref());
    let mut persons = asked.chain(ask.asker);
    persons.next().is_some_and(|first| persons.any(|person| person != first))
}

/// The system prompt, and whether it is the same in every room: then what a model has computed of it may serve them all.
fn system_prompt(config: &Config, ask: &Ask<'_>, today: Date) -> Result<(String, bool), CompagnonError> {
    let language = ask.compagnon.about.language;
    let date = language.date(today);
    let room: String = ask.room.chars().filter(|letter| !letter.is_control()).take(LONGEST_ROOM).collect();
    let variables = Variables { date: &date, organisation: &config.organisation, room: &room };
    let prompt = ask.compagnon.system_prompt(&variables)?;
    let of_any_room = ask.compagnon.system_prompt(&Variables { room: "", ..variables })? == prompt;
    let heading = match language {
        Language::Fr => "Consigne de ce salon :",
        Language::En => "Instruction of this room:",
    };
    Ok(match &ask.settings.addition {
        Some(addition) => (format!("{prompt}\n\n{heading}\n{addition}"), false),
        None => (prompt, of_any_room),
    })
}

#[cfg(test)]
mod tests {
    use ruma::{OwnedUserId, owned_event_id, owned_user_id};

    use super::{Ask, Config, compose, today};
    use crate::{
        assistant::fakes::FakeModel,
        compagnon::{About, Compagnon, Settings},
        conversation::{Role, Turn},
        inference::{CacheHint, CountAccuracy, Sampling},
    };

    fn turn(role: Role, content: &str, asker: OwnedUserId, name: Option<&str>) -> Turn {
        let (content, name) = (content.to_owned(), name.map(str::to_owned));
        Turn { role, content, event_id: owned_event_id!("$q:h"), at: 0, asker: Some(asker), name }
    }

    fn names(turns: &[Turn], asker: &OwnedUserId) -> Vec<Option<String>> {
        let compagnon = Compagnon::new("c", About::default(), "Vous êtes C.").expect("good");
        let settings = Settings { addition: Some("Soyez bref.".to_owned()), ..Settings::default() };
        let ask = Ask {
            compagnon: &compagnon,
            settings: &settings,
            room: "Bureau",
            turns,
            question: "Et moi ?",
            asker: Some(asker),
            name: Some("Ben"),
            cache_key: 7,
        };
        let sampling = Sampling { max_tokens: 10, ..Sampling::default() };
        let config = Config::default();
        let made = compose(&FakeModel::default(), &sampling, &config, &ask, today(&config)).expect("a request");
        let cache = CacheHint { cache_key: 7, shared_prefix_len: 0 };
        assert_eq!(made.cache, cache, "an instruction of one room is not shared");
        assert_eq!(made.messages[0].content, "Vous êtes C.\n\nConsigne de ce salon :\nSoyez bref.");
        made.messages.into_iter().map(|message| message.name).collect()
    }

    #[test]
    fn who_speaks_is_said_once_there_are_several() {
        let (awa, ben) = (owned_user_id!("@awa:h"), owned_user_id!("@ben:h"));
        let turns = [
            turn(Role::User, "Bonjour", awa.clone(), Some("Awa")),
            turn(Role::Assistant, "Bonjour.", awa.clone(), None),
            turn(Role::User, "Encore", awa.clone(), None),
            turn(Role::Assistant, "Bonjour.", awa.clone(), None),
        ];
        assert_eq!(names(&turns, &awa), [const { None }; 6]);
        let expected = [None, Some("Awa"), None, Some("awa"), None, Some("Ben")];
        assert_eq!(names(&turns, &ben), expected.map(|name| name.map(str::to_owned)));
    }

    #[test]
    fn less_history_is_taken_where_tokens_are_estimated() {
        let awa = owned_user_id!("@awa:h");
        let said = |role| turn(role, &"mot ".repeat(25), awa.clone(), None);
        let turns: Vec<Turn> = (0..20).flat_map(|_| [said(Role::User), said(Role::Assistant)]).collect();
        let compagnon = Compagnon::new("c", About::default(), "Vous êtes C.").expect("good");
        let settings = Settings::default();
        let ask = Ask {
            compagnon: &compagnon,
            settings: &settings,
            room: "",
            turns: &turns,
            question: "Et moi ?",
            asker: None,
            name: None,
            cache_key: 0,
        };
        let words = |accuracy| {
            let (model, sampling) = (FakeModel { accuracy, ..FakeModel::default() }, Sampling::default());
            let config = Config::default();
            let made = compose(&model, &sampling, &config, &ask, today(&config)).expect("a request");
            made.messages.iter().map(|message| message.content.split_whitespace().count()).sum::<usize>()
        };
        let [bound, estimate] = [CountAccuracy::UpperBound, CountAccuracy::Estimate].map(words);
        assert!(estimate < bound && bound - estimate >= 100, "{estimate} and {bound} of a context of 1000");
    }
}
