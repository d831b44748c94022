//! The cases by which a compagnon is judged: added, removed and listed here; `jobs::cases` runs them.
//!
//! They are for those who may change the compagnon and for the administrators of the instance, who decide on what is proposed: a question with its
//! right answer is as good as a part of the prompt. They are shown where the compagnon was made, and else in direct conversations alone.

use std::sync::Arc;

use super::{
    super::{Context, Parts, Reply, context::Known, words::is_blank},
    action::{ADD_CASE, Action, LIST_CASES, REMOVE_CASE, RUN_CASES, action},
    find::{self, Found, Shown},
    make::may_change,
    not_found, title, usage,
};
use crate::{
    assistant::{
        cases,
        commands::words::{inert, is},
        failure::Failure,
        texts::{Cases, Text},
    },
    command::Call,
    compagnon::{Compagnon, Made},
    evaluation::{Added, KeptCase, MOST_CASES, Unwritten, expectations, sides},
    store::{Change, Queued},
};

/// How much of a text a list shows, in characters.
const SHOWN: usize = 160;

/// What is to be run.
pub struct ToRun {
    /// The number of the compagnon.
    pub number: u64,
    /// Its version.
    pub version: u32,
    /// What it is in that version.
    pub compagnon: Arc<Compagnon>,
}

/// The compagnon whose cases a command has run, where its author may do that; else what is answered.
pub async fn to_run(parts: &Parts, queued: &Queued, call: &Call) -> Result<Result<ToRun, String>, Failure> {
    let known = Known::default();
    let context = Context::new(parts, queued, call, &known).await?;
    let rest = action(&call.arguments).map_or("", |(_, rest)| rest);
    let (word, behind) = split(rest);
    let name = if is(word, &RUN_CASES) { behind } else { rest };
    Ok(match seen(&context, name).await? {
        Ok((made, shown)) => {
            let (number, version) = (made.number, shown.number);
            Ok(ToRun { number, version, compagnon: Arc::clone(Found::Made(made, shown).compagnon()) })
        }
        Err(refused) => Err(refused.text),
    })
}

pub(super) async fn run(context: &Context<'_>, rest: &str, text: &str) -> Result<Reply, Failure> {
    let (word, behind) = split(rest);
    if is(word, &ADD_CASE) {
        return add(context, &format!("{behind}\n{text}")).await;
    }
    if is(word, &REMOVE_CASE) {
        return remove(context, behind).await;
    }
    if is(word, &LIST_CASES) {
        return list(context, behind).await;
    }
    usage(context, &[Action::Cases])
}

async fn add(context: &Context<'_>, written: &str) -> Result<Reply, Failure> {
    let (query, expected) = match read(written) {
        Ok(case) => case,
        Err(why) => return say(context, Cases::Unwritten(why)),
    };
    let made = match own(context).await? {
        Ok(made) => made,
        Err(refused) => return Ok(refused),
    };
    let mut cases = cases::of(&context.parts.store, made.number).await?;
    let number = match cases.add(query, expected) {
        Added::Now(number) => number,
        Added::Already(number) => return say(context, Cases::Already { number }),
        Added::Full => return say(context, Cases::Full { limit: MOST_CASES }),
    };
    let text = Cases::Added { title: &name(&made), number, count: cases.cases.len() };
    change(context, &made, text, vec![cases::keep(made.number, &cases)])
}

async fn remove(context: &Context<'_>, number: &str) -> Result<Reply, Failure> {
    let Ok(number) = number.trim_start_matches(['#', '°']).parse() else { return usage(context, &[Action::Cases]) };
    let made = match own(context).await? {
        Ok(made) => made,
        Err(refused) => return Ok(refused),
    };
    let mut cases = cases::of(&context.parts.store, made.number).await?;
    if !cases.remove(number) {
        return say(context, Cases::NoSuch);
    }
    change(context, &made, Cases::Removed { number }, cases::keep_fewer(made.number, &cases))
}

async fn list(context: &Context<'_>, asked: &str) -> Result<Reply, Failure> {
    let made = match seen(context, asked).await? {
        Ok((made, _)) => made,
        Err(refused) => return Ok(refused),
    };
    let cases = cases::of(&context.parts.store, made.number).await?.cases;
    let title = name(&made);
    if cases.is_empty() {
        return say(context, Cases::None { title: &title });
    }
    let line = |case: &KeptCase| {
        let [query, expected] = [&case.query, &case.expected].map(|text| inert(&shortened(text)));
        format!("- **{}** : {query} =\\> {expected}", case.number)
    };
    let lines = cases.iter().map(line).collect::<Vec<_>>().join("\n");
    say(context, Cases::List { title: &title, lines: &lines })
}

/// The question and what is expected, where they can be asked and judged.
fn read(written: &str) -> Result<(&str, &str), Unwritten> {
    let (query, expected) = sides(written)?;
    if is_blank(query) {
        return Err(Unwritten::NoQuestion);
    }
    if is_blank(expected) {
        return Err(Unwritten::NoExpectation);
    }
    expectations(expected).map(|_| (query, expected))
}

/// The compagnon of this room, where the author may change it; else what is answered.
async fn own(context: &Context<'_>) -> Result<Result<Box<Made>, Reply>, Failure> {
    let (made, _) = match here(context, "").await? {
        Ok(found) => found,
        Err(refused) => return Ok(Err(refused)),
    };
    allowed(context, &made).await.map(|refused| refused.map_or(Ok(made), Err))
}

/// A compagnon whose cases the author may see, by its name, else that of this room; else what is answered.
async fn seen(context: &Context<'_>, asked: &str) -> Result<Result<(Box<Made>, Shown), Reply>, Failure> {
    let (made, shown) = match here(context, asked).await? {
        Ok(found) => found,
        Err(refused) => return Ok(Err(refused)),
    };
    if decides(context, &made) {
        return Ok(Ok((made, shown)));
    }
    allowed(context, &made).await.map(|refused| refused.map_or(Ok((made, shown)), Err))
}

/// The compagnon that is meant, where it was made by command and its cases may be spoken of here.
async fn here(context: &Context<'_>, asked: &str) -> Result<Result<(Box<Made>, Shown), Reply>, Failure> {
    let found =
        if asked.is_empty() { find::here(context).await? } else { find::find_referenced(context, asked).await? };
    let (made, shown) = match found {
        Ok(Found::Made(made, shown)) => (made, shown),
        Ok(Found::Library(compagnon)) => {
            return say(context, Cases::NotMade { title: &title(&compagnon) }).map(Err);
        }
        Err(missing) => return not_found(context, &missing).map(Err),
    };
    // Those of one that others use, too: they are its makers' alone.
    if made.room_id != context.message.room_id && !context.message.direct {
        return context.say(&Text::OnlyInPrivate).map(Err);
    }
    Ok(Ok((made, shown)))
}

/// Whether the author decides, for the instance, on what is proposed and published.
fn decides(context: &Context<'_>, made: &Made) -> bool {
    let to_decide = made.proposed.is_some() || made.published.is_some();
    to_decide && context.message.direct && context.administers_instance()
}

/// What is answered to who may not change a compagnon.
async fn allowed(context: &Context<'_>, made: &Made) -> Result<Option<Reply>, Failure> {
    let here = made.room_id == context.message.room_id;
    if !here && !context.reaches_other_rooms() {
        return context.say(&Text::NeedsEncryption).map(Some);
    }
    if may_change(context, made).await? {
        return Ok(None);
    }
    context.say(&if here { context.not_administrator() } else { Text::NotYours }).map(Some)
}

/// How a version stands by its cases, where the author may see them here.
pub(super) async fn standing(context: &Context<'_>, made: &Made, version: u32) -> Result<Option<String>, Failure> {
    let here = made.room_id == context.message.room_id;
    if !here && !context.message.direct {
        return Ok(None);
    }
    if !decides(context, made) && !may_change(context, made).await? {
        return Ok(None);
    }
    let standing = cases::standing_of(&context.parts.store, made, version).await?;
    Ok(Some(context.text(&Text::Cases(Cases::Standing(&standing)))))
}

/// Answers, once the cases are changed so.
fn change(context: &Context<'_>, made: &Made, text: Cases<'_>, mut changes: Vec<Change>) -> Result<Reply, Failure> {
    changes.push(context.audit("compagnon.case", Some(made.number)));
    context.change(&Text::Cases(text), changes)
}

fn say(context: &Context<'_>, text: Cases<'_>) -> Result<Reply, Failure> {
    context.say(&Text::Cases(text))
}

/// The title of its newest version.
fn name(made: &Made) -> String {
    let latest = made.latest().and_then(|version| made.read(version).ok());
    latest.map_or_else(|| inert(&made.id), |compagnon| title(&compagnon))
}

fn split(rest: &str) -> (&str, &str) {
    let (word, behind) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    (word, behind.trim())
}

/// The beginning of a text.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}
