//! From a room into the ministry's catalogue: proposed by the room's administrators, decided on by those of the instance.

use super::{
    super::{Context, Reply, words},
    Action,
    find::{self, Found},
    make::own,
    not_found, title, usage,
};
use crate::{
    assistant::{Failure, texts::Text},
    compagnon::{Choice, Made},
    store::Change,
};

/// Proposes the newest version.
pub(super) async fn propose(context: &Context<'_>, asked: &str) -> Result<Reply, Failure> {
    if asked.is_empty() {
        return usage(context, &[Action::Publish]);
    }
    let mut made = match own(context, asked).await? {
        Ok(made) => made,
        Err(refused) => return Ok(refused),
    };
    let newest = made.latest().map(|version| version.number);
    if made.published == newest {
        return context.say(&Text::AlreadyPublished);
    }
    made.proposed = newest;
    let name = name(&made);
    context.assistant.tell_administrators(&context.message.event_id, &name, &made.id, &context.author());
    let (id, audit) = (made.id.clone(), context.audit("compagnon.propose", Some(made.number)));
    context.change(&Text::Proposed { title: &name, id: &id }, vec![Change::Made(made), audit])
}

/// Takes a compagnon, or its proposal, back: by the administrators of its room or of the instance.
pub(super) async fn withdraw(context: &Context<'_>, asked: &str) -> Result<Reply, Failure> {
    if asked.is_empty() {
        return usage(context, &[Action::Withdraw]);
    }
    let made = match find::find(context, asked)? {
        Ok(Found::Made(made, _)) if context.administers_instance() => Ok(*made),
        _ => own(context, asked).await?,
    };
    let mut made = match made {
        Ok(made) => made,
        Err(refused) => return Ok(refused),
    };
    if made.published.is_none() && made.proposed.is_none() {
        return context.say(&Text::NotPublished);
    }
    (made.published, made.proposed) = (None, None);
    let name = name(&made);
    let mut changes = vec![context.audit("compagnon.withdraw", Some(made.number))];
    // Withdrawn from where it is not at home, it is not to be had there any more; other rooms find out as they speak.
    if context.settings.compagnon == Some(Choice::Made(made.number)) && made.room_id != context.message.room_id {
        changes.push(context.set(|settings| settings.compagnon = None));
    }
    changes.push(Change::Made(made));
    context.change(&Text::Withdrawn { title: &name }, changes)
}

/// What waits for a decision.
pub(super) fn proposals(context: &Context<'_>) -> Result<Reply, Failure> {
    if !context.administers_instance() {
        return context.say(&Text::NeedsInstanceAdministrator);
    }
    let made = context.assistant.store.all_made()?;
    let lines: Vec<String> = made
        .iter()
        .filter(|made| made.proposed.is_some())
        .map(|made| format!("- **{}** `{}` — `{}`", name(made), made.id, made.author))
        .collect();
    if lines.is_empty() {
        return context.say(&Text::NoProposals);
    }
    let text = format!("{}\n\n{}", context.text(&Text::Proposals), lines.join("\n"));
    Ok(Reply { text, changes: Vec::new() })
}

/// Takes a proposal into the catalogue.
pub(super) fn accept(context: &Context<'_>, asked: &str) -> Result<Reply, Failure> {
    let mut made = match proposed(context, asked)? {
        Ok(made) => made,
        Err(refused) => return Ok(refused),
    };
    let in_library = context.assistant.shelf.library().get(&made.id).is_ok();
    let others = context.assistant.store.all_made()?;
    let in_catalogue =
        others.iter().any(|other| other.published.is_some() && other.id == made.id && other.number != made.number);
    if in_library || in_catalogue {
        return context.say(&Text::NameTaken { id: &made.id });
    }
    made.published = made.proposed.take();
    let text = Text::Accepted { title: &name(&made), version: made.published.unwrap_or(1) };
    let text = context.text(&text);
    let audit = context.audit("compagnon.accept", Some(made.number));
    Ok(Reply { text, changes: vec![Change::Made(made), audit] })
}

/// Turns a proposal down.
pub(super) fn decline(context: &Context<'_>, asked: &str) -> Result<Reply, Failure> {
    let mut made = match proposed(context, asked)? {
        Ok(made) => made,
        Err(refused) => return Ok(refused),
    };
    made.proposed = None;
    let text = context.text(&Text::Declined { title: &name(&made) });
    let audit = context.audit("compagnon.decline", Some(made.number));
    Ok(Reply { text, changes: vec![Change::Made(made), audit] })
}

/// The proposal of that name, for an administrator of the instance; else what is answered.
fn proposed(context: &Context<'_>, asked: &str) -> Result<Result<Made, Reply>, Failure> {
    if !context.administers_instance() {
        return context.say(&Text::NeedsInstanceAdministrator).map(Err);
    }
    if asked.is_empty() {
        return proposals(context).map(Err);
    }
    match find::find(context, asked)? {
        Ok(Found::Made(made, _)) if made.proposed.is_some() => Ok(Ok(*made)),
        Ok(_) => context.say(&Text::NoProposals).map(Err),
        Err(missing) => not_found(context, &missing).map(Err),
    }
}

/// The title of its newest version.
fn name(made: &Made) -> String {
    let latest = made.latest().and_then(|version| made.read(version).ok());
    latest.map_or_else(|| words::inert(&made.id), |compagnon| title(&compagnon))
}
