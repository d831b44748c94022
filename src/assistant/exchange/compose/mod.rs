//! Stage 3, pure: what a model is given. The common base, the compagnon's system prompt with the room's addition, as much of the conversation as fits, and
//! the question with what it points at. `chat` in the terminal and answers in rooms are composed by the same function, so that authors of
//! prompts see what agents get.

mod ask;
mod budget;
mod quotation;
mod shorten;
mod sources;
mod system;

use jiff::civil::Date;
use ruma::UserId;

pub use self::{
    ask::Ask,
    budget::LeftOut,
    shorten::shortened,
    sources::{described, place_of},
    system::{base, system_prompt},
};
use self::{
    budget::{Budget, fitted, kept},
    quotation::quotation,
    sources::extracts,
};
use crate::{
    assistant::{
        clock::{date_in, now},
        config::Config,
    },
    compagnon::{Bases, Compagnon, CompagnonError, Settings},
    conversation::{Role, Turn},
    document::Source,
    inference::{CacheHint, ChatModel, Message, Request, Sampling},
    material::Material,
    memory::RememberedFacts,
};

/// Tokens kept free for what a template adds around the whole prompt.
const MARGIN: usize = 16;

/// About as many tokens as a question of a few lines.
const FEW_LINES: usize = 50;

/// Why no prompt was made.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The system prompt and the question alone fill the model's context.
    #[error(
        "the compagnon's prompt and the question are too long for the model's context: about {most} characters fit"
    )]
    TooLong {
        /// About how many characters a question may have.
        most: usize,
    },
    /// The compagnon cannot be used.
    #[error(transparent)]
    Compagnon(#[from] CompagnonError),
}

/// A request, and what of the conversation it does not hold.
#[derive(Clone, Debug)]
pub struct Composed {
    /// What the model is given.
    pub request: Request,
    /// What had no room in it.
    pub left_out: LeftOut,
    /// How many of the sources it holds, from the first on.
    pub sources: usize,
    /// How many tokens the turns of this conversation may have beside a question of a few lines and an answer of the usual length.
    pub room: usize,
    /// How many tokens of it the question and the turns in the request have.
    pub taken: usize,
}

impl Composed {
    /// Whether an answer of so many tokens makes the conversation so long that the next question may leave turns out.
    #[must_use]
    pub fn fills_up(&self, answer: usize) -> bool {
        self.left_out.turns > 0 || self.left_out.last_exchange || (self.taken + answer) * 4 > self.room * 3
    }
}

/// The date in the configured time zone, as prompts give it.
#[must_use]
pub fn today(config: &Config) -> Date {
    day(config, now())
}

/// The date of a time in milliseconds since the epoch, in the configured time zone.
#[must_use]
pub fn day(config: &Config, at: u64) -> Date {
    date_in(&config.time_zone, at)
}

/// The request for a question asked on this day.
///
/// The context is shared in this order: the common base, the system prompt and the question; the least length of an answer; what the question points at; the
/// passages that answer it; the last exchange, its question shortened to head and tail where it must; the usual length of an answer; older turns, newest first.
pub fn compose(
    model: &dyn ChatModel,
    sampling: &Sampling,
    config: &Config,
    ask: &Ask<'_>,
    today: Date,
) -> Result<Composed, ComposeError> {
    let sampling = self::sampling(model, sampling, ask);
    let several = several(ask);
    let by = |name: Option<&str>, asker: Option<&UserId>| {
        name.or_else(|| asker.map(UserId::localpart)).filter(|_| several).map(str::to_owned)
    };
    let said = |turn: &Turn| {
        let name = by(turn.name.as_deref(), turn.asker.as_deref()).filter(|_| turn.role == Role::User);
        Message { name, ..Message::new(turn.role, turn.content.clone()) }
    };
    let prompt = system_prompt(model, config, ask, today)?;
    let of_any_room = prompt.of_any_room;
    let base = prompt.base;
    let system = Message::new(Role::System, prompt.text);
    let asked = |material: &[Material], sources: &[Source]| {
        let language = ask.compagnon.about.language;
        let before = [quotation(material, language), extracts(sources, language)].concat();
        Message { name: by(ask.name, ask.asker), ..Message::new(Role::User, before + ask.question) }
    };
    let (counter, context) = (model.token_counter(), model.limits().context_length);
    let cost = |message: &Message| counter.count(message);
    let margin = MARGIN + counter.accuracy().margin(context);
    let question = cost(&asked(&[], &[]));
    let free = context.saturating_sub(margin + cost(&Request::system(base.as_deref(), &system.content)));
    let mut budget = Budget::new(free, question, sampling.max_tokens)
        .ok_or_else(|| ComposeError::TooLong { most: most(ask.question, question, free, sampling.max_tokens) })?;

    let material = fitted(ask.material, budget.for_material(), |material| cost(&asked(material, &[])) - question);
    let pointed_at = cost(&asked(&material, &[]));
    budget.take(pointed_at.saturating_sub(question));
    let beside = |sources: &[Source]| cost(&asked(&material, sources)).saturating_sub(pointed_at);
    let sources = sources::fitted(ask.sources, budget.for_sources(), beside);
    budget.take(beside(sources));
    let asked_last = asked(&material, sources);
    let (history, mut left_out) = kept(ask.turns, &mut budget, |turn| cost(&said(turn)));
    left_out.material = material != ask.material;
    let room = free.saturating_sub(sampling.max_tokens + FEW_LINES);
    let taken = question + history.iter().map(|turn| cost(&said(turn))).sum::<usize>();

    let messages = std::iter::once(system).chain(history.iter().map(said)).chain(std::iter::once(asked_last)).collect();
    let sampling = Sampling { max_tokens: budget.answer(), ..sampling };
    let cache = CacheHint { cache_key: ask.cache_key, shared_prefix_len: usize::from(of_any_room) };
    Ok(Composed {
        request: Request { base, messages, sampling, cache, format: None },
        left_out,
        sources: sources.len(),
        room,
        taken,
    })
}

/// About how many characters a question may have, rounded down: as many for a token as this question has.
fn most(question: &str, cost: usize, free: usize, answer: usize) -> usize {
    let tokens = free.saturating_sub(budget::least_answer(answer));
    let characters = question.chars().count() * tokens / cost.max(1);
    characters - characters % 100
}

/// Whether a compagnon's prompt leaves room for a question in the model's context.
pub fn fits(
    model: &dyn ChatModel,
    sampling: &Sampling,
    config: &Config,
    bases: &Bases,
    compagnon: &Compagnon,
) -> Result<(), ComposeError> {
    let (settings, facts) = (Settings::default(), RememberedFacts::default());
    // Room for a question of a few lines.
    let question = "x ".repeat(FEW_LINES);
    let ask = Ask {
        bases,
        compagnon,
        settings: &settings,
        room: "",
        facts: &facts,
        summary: None,
        turns: &[],
        material: &[],
        sources: &[],
        question: &question,
        asker: None,
        name: None,
        cache_key: 0,
    };
    compose(model, sampling, config, &ask, today(config)).map(drop)
}

/// The room's settings over the compagnon's over the model's, within what ops allow.
pub fn sampling(model: &dyn ChatModel, usual: &Sampling, ask: &Ask<'_>) -> Sampling {
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

#[cfg(test)]
mod lengths;
#[cfg(test)]
mod witness;

#[cfg(test)]
mod tests {
    use ruma::{OwnedUserId, owned_event_id, owned_user_id};

    use super::{Ask, Config, compose, today};
    use crate::{
        assistant::fakes::FakeModel,
        compagnon::{About, Bases, Compagnon, Settings},
        conversation::{Role, Turn},
        inference::{CacheHint, CountAccuracy, Sampling},
        memory::RememberedFacts,
    };

    fn turn(role: Role, content: &str, asker: OwnedUserId, name: Option<&str>) -> Turn {
        let (content, name) = (content.to_owned(), name.map(str::to_owned));
        Turn { role, content, event_id: owned_event_id!("$q:h"), at: 0, asker: Some(asker), name }
    }

    fn names(turns: &[Turn], asker: &OwnedUserId) -> Vec<Option<String>> {
        let compagnon = Compagnon::new("c", About::default(), "Vous êtes C.").expect("good");
        let settings = Settings { addition: Some("Soyez bref.".to_owned()), ..Settings::default() };
        let ask = Ask {
            bases: &Bases::default(),
            compagnon: &compagnon,
            settings: &settings,
            room: "Bureau",
            facts: &RememberedFacts::default(),
            summary: None,
            turns,
            material: &[],
            sources: &[],
            question: "Et moi ?",
            asker: Some(asker),
            name: Some("Ben"),
            cache_key: 7,
        };
        let sampling = Sampling { max_tokens: 10, ..Sampling::default() };
        let config = Config::default();
        let made = compose(&FakeModel::default(), &sampling, &config, &ask, today(&config)).expect("a request").request;
        let base = made.base.as_deref().expect("the base");
        assert!(base.starts_with("Règles communes") && !base.contains("Bureau"));
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
            bases: &Bases::default(),
            compagnon: &compagnon,
            settings: &settings,
            room: "",
            facts: &RememberedFacts::default(),
            summary: None,
            turns: &turns,
            material: &[],
            sources: &[],
            question: "Et moi ?",
            asker: None,
            name: None,
            cache_key: 0,
        };
        let words = |accuracy| {
            let (model, sampling) = (FakeModel { accuracy, ..FakeModel::default() }, Sampling::default());
            let config = Config::default();
            let made = compose(&model, &sampling, &config, &ask, today(&config)).expect("a request").request;
            made.messages.iter().map(|message| message.content.split_whitespace().count()).sum::<usize>()
        };
        let [bound, estimate] = [CountAccuracy::UpperBound, CountAccuracy::Estimate].map(words);
        assert!(estimate < bound && bound - estimate >= 100, "{estimate} and {bound} of a context of 1000");
    }
}
