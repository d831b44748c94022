//! From a room into the ministry's catalogue: proposed by the room's administrators, decided on by those of the instance.

use super::{
    super::{Context, Reply, outcome::Proposal, words},
    Action,
    find::{self, Found},
    make::own,
    not_found, title, usage,
};
use crate::{
    assistant::{
        cases::standing_of,
        failure::Failure,
        texts::{Cases, Text},
    },
    compagnon::{Choice, Made},
    store::Change,
};

/// What tells one text from all that were ever written: the compagnon's number, never given out again, and the version's.
fn reference(made: &Made, version: u32) -> String {
    format!("{}.{version}", made.number)
}

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
    let (title, id) = (name(&made), made.id.clone());
    let reference = reference(&made, newest.unwrap_or(1));
    let cases = standing_of(&context.parts.store, &made, newest.unwrap_or(1)).await?;
    let text = context.text(&Text::Proposed { title: &title, id: &id });
    let text = format!("{text}\n\n{}", context.text(&Text::Cases(Cases::Proposed(&cases))));
    let proposal = Proposal::Compagnon { title, id, author: context.author(), reference, cases: Box::new(cases) };
    let audit = context.audit("compagnon.propose", Some(made.number));
    Ok(Reply { text, changes: vec![Change::Made(made), audit], proposal: Some(Box::new(proposal)) })
}

/// Takes a compagnon, or its proposal, back: by the administrators of its room or of the instance.
pub(super) async fn withdraw(context: &Context<'_>, asked: &str) -> Result<Reply, Failure> {
    if asked.is_empty() {
        return usage(context, &[Action::Withdraw]);
    }
    let made = match find::find(context, asked).await? {
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
pub(super) async fn proposals(context: &Context<'_>) -> Result<Reply, Failure> {
    if let Some(refused) = refused(context) {
        return context.say(&refused);
    }
    let made = context.parts.store.all_made().await?;
    let mut lines = Vec::new();
    for made in &made {
        let Some(version) = made.proposed else { continue };
        let cases = standing_of(&context.parts.store, made, version).await?;
        let cases = context.text(&Text::Cases(Cases::Standing(&cases)));
        let reference = reference(made, version);
        lines.push(format!("- **{}** `{} {reference}` — `{}`. {cases}", name(made), made.id, made.author));
    }
    if lines.is_empty() {
        return context.say(&Text::NoProposals);
    }
    let text = format!("{}\n\n{}", context.text(&Text::Proposals), lines.join("\n"));
    Ok(Reply::text(text))
}

/// Takes a proposal into the catalogue: the very text that was read, which the command names.
pub(super) async fn accept(context: &Context<'_>, asked: &str) -> Result<Reply, Failure> {
    let (_, read) = find::split_reference(asked);
    let mut made = match proposed(context, asked).await? {
        Ok(made) => made,
        Err(refused) => return Ok(refused),
    };
    let reference = reference(&made, made.proposed.unwrap_or_default());
    if read != Some(reference.as_str()) {
        return context.say(&Text::ReadFirst { id: &made.id, reference: &reference });
    }
    let in_library = context.parts.library.library().get(&made.id).is_ok();
    let others = context.parts.store.all_made().await?;
    let in_catalogue =
        others.iter().any(|other| other.published.is_some() && other.id == made.id && other.number != made.number);
    if in_library || in_catalogue {
        return context.say(&Text::NameTaken { id: &made.id });
    }
    made.published = made.proposed.take();
    let text = Text::Accepted { title: &name(&made), version: made.published.unwrap_or(1) };
    let text = context.text(&text);
    let audit = context.audit("compagnon.accept", Some(made.number));
    let proposal = decided(context, &made, true);
    Ok(Reply { text, changes: vec![Change::Made(made), audit], proposal })
}

/// Turns a proposal down.
pub(super) async fn decline(context: &Context<'_>, asked: &str) -> Result<Reply, Failure> {
    let mut made = match proposed(context, asked).await? {
        Ok(made) => made,
        Err(refused) => return Ok(refused),
    };
    made.proposed = None;
    let text = context.text(&Text::Declined { title: &name(&made) });
    let audit = context.audit("compagnon.decline", Some(made.number));
    let proposal = decided(context, &made, false);
    Ok(Reply { text, changes: vec![Change::Made(made), audit], proposal })
}

/// What the author is told, unless they have decided it themselves.
fn decided(context: &Context<'_>, made: &Made, accepted: bool) -> Option<Box<Proposal>> {
    let author = made.author.clone();
    (author != context.message.sender).then(|| Box::new(Proposal::Decided { author, title: name(made), accepted }))
}

/// The proposal of that name, for an administrator of the instance; else what is answered.
async fn proposed(context: &Context<'_>, asked: &str) -> Result<Result<Made, Reply>, Failure> {
    if let Some(refused) = refused(context) {
        return context.say(&refused).map(Err);
    }
    if asked.is_empty() {
        return proposals(context).await.map(Err);
    }
    let made = match find::find_referenced(context, asked).await? {
        Ok(Found::Made(made, _)) if made.proposed.is_some() => *made,
        Ok(_) => return context.say(&Text::NoProposals).map(Err),
        Err(missing) => return not_found(context, &missing).map(Err),
    };
    let all = context.parts.store.all_made().await?;
    let of_that_name = all.iter().filter(|other| other.id == made.id && other.proposed.is_some()).count();
    if of_that_name > 1 && find::split_reference(asked).1.is_none() {
        // Two rooms have proposed one of that name: the list tells their references.
        return proposals(context).await.map(Err);
    }
    Ok(Ok(made))
}

/// Why proposals are not talked about here: they are read by the administrators of the instance only.
fn refused(context: &Context<'_>) -> Option<Text<'static>> {
    if !context.administers_instance() {
        return Some(Text::NeedsInstanceAdministrator);
    }
    (!context.message.direct).then_some(Text::OnlyInPrivate)
}

/// The title of its newest version.
fn name(made: &Made) -> String {
    let latest = made.latest().and_then(|version| made.read(version).ok());
    latest.map_or_else(|| words::inert(&made.id), |compagnon| title(&compagnon))
}
