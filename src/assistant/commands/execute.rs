//! From a command to what it comes to: decided on what the homeserver says, then written down, then carried out.

use super::{
    answers, authority, compagnon,
    context::{Context, Known},
    documents, export, forget, glossary, help, journal,
    outcome::{NewFile, Outcome, Proposal, Reply},
    parts::Parts,
    privacy, redo, remember, retention, sources, statistics, status, stop, translate,
    words::nearest,
};
use crate::{
    assistant::{
        clock::now,
        courier::{NoticePriority, notice},
        dispatch::{Interruption, Work},
        failure::Failure,
        texts::Text,
    },
    command::{Call, Command},
    matrix,
    message::{FileRef, Incoming, Item},
    store::{Change, Queued},
};

/// How often a command that changes something is decided on again because what it needed to know had changed meanwhile.
const DECISIONS: usize = 5;

/// Executes a command. Its answer is on its way, and in the store with what it changes, when this returns.
pub(in crate::assistant) async fn execute(parts: &Parts, queued: &Queued, call: &Call) -> Result<(), Failure> {
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
        Outcome::Files { files, room_id, reply } => {
            let mut items = Vec::new();
            for NewFile { name, media_type, bytes } in files {
                // Before the answer that names it: without that answer it is removed again.
                let file = parts.store.put_file(room, name, media_type, bytes, now()).await?;
                items.push(Item::File(FileRef { room_id: Some(room_id.clone()), ..file }));
            }
            (items, reply)
        }
        Outcome::Egress { egress, reply } => (vec![Item::Egress(egress)], reply),
    };
    parts.cache.apply(&reply.changes);
    items.extend(matrix::parts(&reply.text).into_iter().map(notice));
    let changes = reply.changes.clone();
    parts.courier.notify(queued, items, reply.changes, NoticePriority::Spare).await?;
    // An answer that began before they were made may have been computed from what they remove.
    parts.cache.apply(&changes);
    for change in &changes {
        // What is being written for them is given up: their question is no more.
        if let Change::ForgetPerson(person) = change {
            parts.active.of_person(person).iter().for_each(|run| run.interrupt(Interruption::Changed));
        }
    }
    if !changes.is_empty() {
        parts.documents.drop_gone().await?;
    }
    if let Some(proposal) = reply.proposal {
        let (cause, text) = (&queued.question.event_id, proposal.text());
        match &*proposal {
            Proposal::Decided { author, .. } => parts.administrators.decided(cause, author, &text),
            Proposal::Compagnon { .. } | Proposal::Answer { .. } => parts.administrators.proposed(cause, &text),
        }
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
        Command::Remember => remember::run(context, &call.arguments, &call.text).await.map(Outcome::Say),
        Command::Memory => remember::list(context).await.map(Outcome::Say),
        Command::Sources => sources::run(context).await.map(Outcome::Say),
        Command::Glossary => glossary::run(context, &call.arguments, &call.text).await.map(Outcome::Say),
        // They are carried out as jobs.
        Command::Translate => translate::run(context, &call.arguments).await.map(Outcome::Say),
        Command::Note | Command::CatchUp | Command::Reviews | Command::Pseudonymise => Err(Failure::NotKnown),
        Command::Documents => documents::run(context, &call.arguments).await.map(Outcome::Say),
        Command::Export => export::run(context).await,
        Command::Privacy => privacy::run(context, &call.arguments).await.map(Outcome::Say),
        Command::Status => status::run(context).await.map(Outcome::Say),
        Command::Redo => redo::run(context).await,
        Command::Stop => stop::run(context).await.map(Outcome::Say),
        Command::Statistics => statistics::run(context, &call.arguments).await.map(Outcome::Say),
        Command::Journal => journal::run(context, &call.arguments).await.map(Outcome::Say),
    }
}
