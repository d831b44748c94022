//! Mastered answers by command: proposed for the compagnon of a room, read, and accepted by whoever decides on that compagnon.
//!
//! On one made by command, those decide who may change it; on one of the library, and on the catalogue, the administrators of the instance.

use super::{
    super::{
        Context, Reply,
        outcome::Proposal,
        words::{inert, is},
    },
    Action,
    action::{LIST_ANSWERS, SHOW_ANSWER},
    find::{self, Found},
    make::own,
    title, usage,
};
use crate::{
    approved::{AnswerState, LONGEST_ANSWER, LONGEST_QUESTION, MOST_ANSWERS, MOST_WORDINGS, MasteredAnswer},
    assistant::{
        clock::now,
        exchange::compose,
        failure::Failure,
        texts::{Mastered, Text},
    },
    compagnon::Choice,
    document::Partition,
    store::Change,
};

/// What else follows `!compagnon réponse`, the French name first.
const PROPOSE: [&str; 2] = ["proposer", "propose"];
const ACCEPT: [&str; 2] = ["accepter", "accept"];
const DECLINE: [&str; 2] = ["refuser", "decline"];
const REMOVE: [&str; 2] = ["retirer", "remove"];
/// Before a question whose answer is to be every compagnon's.
const CATALOGUE: [&str; 2] = ["catalogue", "catalog"];

pub(super) async fn run(context: &Context<'_>, rest: &str, text: &str) -> Result<Reply, Failure> {
    let (word, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let number = || rest.trim().trim_start_matches('#').parse::<u64>().ok();
    if word.is_empty() || is(word, &LIST_ANSWERS) {
        return list(context).await;
    }
    if is(word, &PROPOSE) {
        return propose(context, rest.trim(), text).await;
    }
    let Some(number) = number() else { return usage(context, &[Action::Mastered]) };
    if is(word, &SHOW_ANSWER) {
        show(context, number).await
    } else if is(word, &ACCEPT) {
        accept(context, number).await
    } else if is(word, &DECLINE) || is(word, &REMOVE) {
        remove(context, number).await
    } else {
        usage(context, &[Action::Mastered])
    }
}

/// What answers here: the partition of the room's compagnon, and what it is called.
async fn here(context: &Context<'_>) -> Result<(Partition, String), Failure> {
    let effective = context.effective_compagnon().await?;
    Ok((effective.partition(&context.settings), title(&effective.compagnon)))
}

/// Why the author of the message may not decide on the answers of a partition; nothing where they may.
async fn refused(context: &Context<'_>, partition: &Partition) -> Result<Option<Reply>, Failure> {
    match made_here(context, partition).await? {
        Some(id) => Ok(own(context, &id).await?.err()),
        None => context.instance_refusal().map(|refusal| context.say(&refusal)).transpose(),
    }
}

/// The identifier of the compagnon whose partition this is, where it is the room's, made by command and not in the catalogue: on any other
/// the administrators of the instance decide.
async fn made_here(context: &Context<'_>, partition: &Partition) -> Result<Option<String>, Failure> {
    let Some(number) = partition.made() else { return Ok(None) };
    if !matches!(context.settings.compagnon, Some(Choice::Made(chosen) | Choice::Own(chosen)) if chosen == number) {
        return Ok(None);
    }
    let visible = find::reachable(context).await?;
    Ok(visible.into_iter().find_map(|found| match found {
        Found::Made(made, _) if made.number == number && made.published.is_none() => Some(made.id),
        _ => None,
    }))
}

async fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let (partition, title) = here(context).await?;
    let decides = refused(context, &partition).await?.is_none();
    let answers = context.parts.store.mastered(&[partition, Partition::Catalogue]).await?;
    let line = |answer: &MasteredAnswer| {
        let (number, question) = (answer.number, &inert(&answer.question));
        match &answer.state {
            AnswerState::Approved { at, .. } => {
                let date = &context.language.date(compose::day(&context.parts.config, *at));
                Some(context.text(&Text::Mastered(Mastered::Approved { number, question, date })))
            }
            AnswerState::Proposed if decides => {
                Some(context.text(&Text::Mastered(Mastered::Waiting { number, question })))
            }
            AnswerState::Proposed => None,
        }
    };
    let lines: Vec<String> = answers.iter().filter_map(line).collect();
    if lines.is_empty() {
        return context.say(&Text::Mastered(Mastered::None { title: &title }));
    }
    context.say(&Text::Mastered(Mastered::List { title: &title, lines: &lines.join("\n") }))
}

async fn propose(context: &Context<'_>, line: &str, text: &str) -> Result<Reply, Failure> {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let for_all = is(word.trim_end_matches(':'), &CATALOGUE);
    let line = if for_all { rest.trim_start_matches([':', ' ']) } else { line };
    let mut wordings = line.split('|').map(str::trim).filter(|wording| !wording.is_empty()).map(str::to_owned);
    let Some(question) = wordings.next() else { return usage(context, &[Action::Mastered]) };
    let variants: Vec<String> = wordings.collect();
    let too_long = |text: &String| text.chars().count() > LONGEST_QUESTION;
    if variants.len() >= MOST_WORDINGS || too_long(&question) || variants.iter().any(too_long) {
        let text = Mastered::BadQuestion { limit: LONGEST_QUESTION, wordings: MOST_WORDINGS };
        return context.say(&Text::Mastered(text));
    }
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_ANSWER {
        return context.say(&Text::Mastered(Mastered::BadAnswer { limit: LONGEST_ANSWER }));
    }
    if let Some(refusal) = may_not_propose(context).await? {
        return context.say(&refusal);
    }
    let (of_compagnon, title) = here(context).await?;
    let partition = if for_all { Partition::Catalogue } else { of_compagnon };
    let there = context.parts.store.mastered(std::slice::from_ref(&partition)).await?;
    if there.len() >= MOST_ANSWERS {
        return context.say(&Text::Mastered(Mastered::Full { limit: MOST_ANSWERS }));
    }
    let by_instance = made_here(context, &partition).await?.is_none();
    let replaces = there.iter().find(|answer| answer.is_approved() && answer.question == question);
    let number = context.new_answer_number().await?;
    let answer = MasteredAnswer {
        number,
        partition,
        question,
        variants,
        text: text.to_owned(),
        author: Some(context.message.sender.clone()),
        proposed_at: now(),
        replaces: replaces.map(|answer| answer.number),
        state: AnswerState::Proposed,
    };
    let changes = vec![Change::ProposeAnswer(answer), context.audit("answer.propose", None)];
    let text = context.text(&Text::Mastered(Mastered::Proposed { number, by_instance }));
    let news = Proposal::Answer { title, author: context.author(), number };
    Ok(Reply { text, changes, proposal: by_instance.then(|| Box::new(news)) })
}

/// Why the author may not propose an answer. Who administers a room may, there; who administers the instance, anywhere.
async fn may_not_propose(context: &Context<'_>) -> Result<Option<Text<'static>>, Failure> {
    let Some(refusal) = context.instance_refusal() else { return Ok(None) };
    if context.message.direct {
        // Nobody proposes for others from a conversation of two.
        return Ok(Some(if context.administers_instance() { refusal } else { Text::Mastered(Mastered::OnlyInRoom) }));
    }
    Ok((!context.administers().await?).then(|| context.not_administrator()))
}

/// The answer of that number among those of the compagnon here and of the catalogue. Who administers the instance finds those of any
/// compagnon, to decide on them where they were told of them.
async fn find(context: &Context<'_>, number: u64) -> Result<Option<MasteredAnswer>, Failure> {
    let (partition, _) = here(context).await?;
    let mut partitions = vec![partition, Partition::Catalogue];
    if context.administers_instance() && context.message.direct {
        let library = context.parts.library.library();
        partitions.extend(library.iter().map(|compagnon| Partition::Compagnon(compagnon.id.clone())));
        let made = context.parts.store.all_made().await?.into_iter().filter(|made| made.published.is_some());
        partitions.extend(made.map(|made| Partition::of_made(made.number)));
    }
    let answers = context.parts.store.mastered(&partitions).await?;
    Ok(answers.into_iter().find(|answer| answer.number == number))
}

async fn show(context: &Context<'_>, number: u64) -> Result<Reply, Failure> {
    let missing = Text::Mastered(Mastered::NoSuch { number });
    let Some(answer) = find(context, number).await? else { return context.say(&missing) };
    let waiting = !answer.is_approved();
    if waiting && refused(context, &answer.partition).await?.is_some() {
        return context.say(&missing);
    }
    let questions: Vec<String> = answer.wordings().map(|wording| format!("- {}", inert(wording))).collect();
    let (questions, text) = (&questions.join("\n"), &answer.text);
    context.say(&Text::Mastered(Mastered::Shown { number, questions, text, waiting }))
}

async fn accept(context: &Context<'_>, number: u64) -> Result<Reply, Failure> {
    let waiting = find(context, number).await?.filter(|answer| !answer.is_approved());
    let Some(answer) = waiting else { return context.say(&Text::Mastered(Mastered::NoSuch { number })) };
    if let Some(refused) = refused(context, &answer.partition).await? {
        return Ok(refused);
    }
    let by = context.message.sender.clone();
    let accept = Change::AcceptAnswer { partition: answer.partition, number, by };
    let changes = vec![accept, context.audit("answer.accept", None)];
    context.change(&Text::Mastered(Mastered::Accepted { number }), changes)
}

async fn remove(context: &Context<'_>, number: u64) -> Result<Reply, Failure> {
    let Some(answer) = find(context, number).await? else {
        return context.say(&Text::Mastered(Mastered::NoSuch { number }));
    };
    if let Some(refused) = refused(context, &answer.partition).await? {
        return Ok(refused);
    }
    let text = if answer.is_approved() { Mastered::Removed { number } } else { Mastered::Declined { number } };
    let changes = vec![Change::RemoveAnswer(answer.partition, number), context.audit("answer.remove", None)];
    context.change(&Text::Mastered(text), changes)
}
