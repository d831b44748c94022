//! `!documents`: the documents that answers here rest on. They are listed, added from files of the room, removed, and given to others to use.

use super::{
    Context, Parts, Reply, Spec,
    proof::unproven,
    words::{inert, is},
};
use crate::{
    assistant::{
        access::Authority,
        documents::{Ingested, SentFile, promises, readable as readable_file, title},
        exchange::{View, compose::day, message_for, read_file, readable},
        failure::Failure,
        texts::{
            Text,
            documents::{Documents, NotRead, Shelf, heading},
        },
    },
    document::{Document, Origin, Partition},
    message::{ConversationId, MediaRef},
    store::Change,
};

pub(super) const SPEC: Spec = Spec {
    names: &["documents", "documents", "docs", "document"],
    forms: [
        &[
            ("", ""),
            ("ajouter", "en réponse à un fichier, pour cette conversation"),
            ("ajouter salon", "pour tout le salon"),
            ("ajouter moi", "pour vous, en message privé"),
            ("ajouter compagnon", "pour le compagnon d’ici, partout où il répond"),
            ("ajouter catalogue", "pour tous les compagnons"),
            ("retirer <numéro>", ""),
            ("portée <numéro> salon", "ou conversation, moi, compagnon, catalogue"),
        ],
        &[
            ("list", ""),
            ("add", "in reply to a file, for this conversation"),
            ("add room", "for the whole room"),
            ("add me", "for you, in private messages"),
            ("add compagnon", "for the compagnon here, wherever it answers"),
            ("add catalogue", "for all compagnons"),
            ("remove <number>", ""),
            ("scope <number> room", "or conversation, me, compagnon, catalogue"),
        ],
    ],
    urgent: false,
    instance: false,
};

/// What follows `!documents`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    List,
    Add(Shelf),
    Remove(u64),
    Move(u64, Shelf),
}

const LIST: [&str; 2] = ["liste", "list"];
const ADD: [&str; 2] = ["ajouter", "add"];
const REMOVE: [&str; 3] = ["retirer", "remove", "supprimer"];
const MOVE: [&str; 2] = ["portée", "scope"];

const SHELVES: [(Shelf, &[&str]); 5] = [
    (Shelf::Conversation, &["conversation", "fil", "thread"]),
    (Shelf::Room, &["salon", "room"]),
    (Shelf::Person, &["moi", "me"]),
    (Shelf::Compagnon, &["compagnon"]),
    (Shelf::Catalogue, &["catalogue", "catalog"]),
];

fn shelf(word: &str) -> Option<Shelf> {
    SHELVES.iter().find(|(_, names)| is(word, names)).map(|(shelf, _)| *shelf)
}

/// What the arguments ask for. `None`: nothing that is known.
fn action(arguments: &str) -> Option<Action> {
    let words: Vec<&str> = arguments.split_whitespace().collect();
    let number = |word: &str| word.parse().ok().filter(|number: &u64| *number > 0);
    match words.as_slice() {
        [] => Some(Action::List),
        [word] if is(word, &LIST) => Some(Action::List),
        [word] if is(word, &ADD) => Some(Action::Add(Shelf::Conversation)),
        [word, to] if is(word, &ADD) => shelf(to).map(Action::Add),
        [word, which] if is(word, &REMOVE) => number(which).map(Action::Remove),
        [word, which, to] if is(word, &MOVE) => Some(Action::Move(number(which)?, shelf(to)?)),
        _ => None,
    }
}

/// Whether the first word is an English one.
pub(super) fn is_english(arguments: &str) -> bool {
    let word = arguments.split_whitespace().next().unwrap_or_default();
    [&LIST[1..], &ADD[1..], &REMOVE[1..2], &MOVE[1..]].into_iter().any(|names| is(word, names))
}

/// What the command rests on, as far as its words say it. What is removed or moved is only known when it is executed: see [`proven`].
pub(super) fn authority(arguments: &str, direct: bool) -> Authority {
    match action(arguments) {
        Some(Action::Add(to) | Action::Move(_, to)) => rests_on(to, direct),
        _ => Authority::Nobody,
    }
}

fn rests_on(shelf: Shelf, direct: bool) -> Authority {
    match shelf {
        Shelf::Conversation | Shelf::Person => Authority::Nobody,
        Shelf::Room => Authority::here(true, direct),
        // It reaches into other rooms.
        Shelf::Compagnon => Authority::Room,
        Shelf::Catalogue => Authority::Instance,
    }
}

pub(super) async fn run(context: &Context<'_>, arguments: &str) -> Result<Reply, Failure> {
    match action(arguments) {
        None => context.usage(&SPEC.usage(context.language)),
        Some(Action::List) => list(context).await,
        Some(Action::Add(to)) => add(context, to).await,
        Some(Action::Remove(number)) => remove(context, number).await,
        Some(Action::Move(number, to)) => change_scope(context, number, to).await,
    }
}

fn say(context: &Context<'_>, text: Documents<'_>) -> Result<Reply, Failure> {
    context.say(&Text::Documents(text))
}

/// The documents that this person may use here, in the order of their numbers.
async fn visible(context: &Context<'_>) -> Result<Vec<Document>, Failure> {
    let Parts { store, documents, homeserver, .. } = context.parts;
    let (room, compagnon) = (homeserver.room(&context.message.room_id).await?, context.effective_compagnon().await?);
    let view = View { settings: &context.settings, compagnon: &compagnon, room: room.as_ref() };
    Ok(readable(store, documents, homeserver, context.message, &view).await?.documents)
}

async fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let documents = visible(context).await?;
    if documents.is_empty() {
        return say(context, Documents::Nothing);
    }
    let language = context.language;
    let line = |document: &Document| {
        let date = language.date(day(&context.parts.config, document.added_at));
        let by = document.origin.as_ref().map(|origin| format!("{}, ", inert(origin.sender.localpart())));
        let file = read_file(document).written(language);
        format!("- `{}` {file} *({}{date})*", document.number, by.unwrap_or_default())
    };
    let lists = SHELVES.iter().filter_map(|(shelf, _)| {
        let on_it = documents.iter().filter(|document| shelf_of(&document.partition) == *shelf);
        let lines: Vec<String> = on_it.map(line).collect();
        (!lines.is_empty()).then(|| format!("{}\n\n{}", heading(*shelf, language), lines.join("\n")))
    });
    let lists = lists.collect::<Vec<_>>().join("\n\n");
    say(context, Documents::List { lists: &lists })
}

fn shelf_of(partition: &Partition) -> Shelf {
    match partition {
        Partition::Conversation(_) => Shelf::Conversation,
        Partition::Room(_) => Shelf::Room,
        Partition::Person(_) => Shelf::Person,
        Partition::Compagnon(_) => Shelf::Compagnon,
        Partition::Catalogue | Partition::Collection(_) => Shelf::Catalogue,
    }
}

/// The file that the command means: its own, or that of the message that it replies to, as far as its author reads that.
async fn file(context: &Context<'_>) -> Result<Option<(Origin, MediaRef)>, Failure> {
    let (homeserver, message) = (&context.parts.homeserver, context.message);
    if let Some(media) = readable_file(message) {
        return Ok(Some((message.origin(), media.clone())));
    }
    let Some(target) = &message.replies_to else { return Ok(None) };
    let found = message_for(homeserver, message, target).await?.filter(|found| !found.own);
    let Some(found) = found else { return Ok(None) };
    let origin = Origin {
        room_id: message.room_id.clone(),
        event_id: found.event_id,
        sender: found.sender,
        sent_at: found.sent_at,
    };
    Ok(found.media.map(|media| (origin, media)))
}

async fn add(context: &Context<'_>, to: Shelf) -> Result<Reply, Failure> {
    let message = context.message;
    let partition = partition(context, to).await?;
    if let Some(refused) = may_not_add(context, &partition).await? {
        return context.say(&refused);
    }
    let Some((origin, media)) = file(context).await? else { return say(context, Documents::NoFile) };
    let name = inert(&title(&media.name));
    let audit = || (to != Shelf::Conversation).then(|| context.audit(action_name("add", to), None));
    // What was only this conversation's goes on being one document.
    let here = Partition::Conversation(message.conversation());
    let known = context.parts.documents.came_with(&here, &origin).await?;
    if let Some(known) = known.filter(|_| partition != here) {
        if !context.parts.store.has_place_for(&known, &partition).await? {
            return say(context, Documents::NoPlace { name });
        }
        let change = Change::MoveDocument { from: here, number: known.number, to: partition };
        let changes = std::iter::once(change).chain(audit()).collect();
        return context.change(&Text::Documents(Documents::Added { name, shelf: to }), changes);
    }
    if !promises(&media) {
        return say(context, Documents::NotRead { name, why: NotRead::UnknownType, read: Vec::new() });
    }
    let file = SentFile { partition: &partition, origin: &origin, media: &media };
    match context.parts.ingestion.ingest(message, &file).await? {
        Ingested::Document(document) => {
            let name = inert(&document.title);
            let changes = audit().into_iter().collect();
            context.change(&Text::Documents(Documents::Added { name, shelf: to }), changes)
        }
        Ingested::NotRead(why) => say(context, Documents::NotRead { name, why, read: Vec::new() }),
        Ingested::Stopped => context.say(&Text::Stopped),
        Ingested::Changed => say(context, Documents::NoFile),
    }
}

async fn remove(context: &Context<'_>, number: u64) -> Result<Reply, Failure> {
    let Some(document) = numbered(context, number).await? else { return say(context, Documents::NoSuch { number }) };
    if let Some(refused) = may_not_remove(context, &document).await? {
        return context.say(&refused);
    }
    let shelf = shelf_of(&document.partition);
    let change = Change::RemoveDocument(document.partition, document.number);
    let audit = (shelf != Shelf::Conversation).then(|| context.audit(action_name("remove", shelf), None));
    let changes = std::iter::once(change).chain(audit).collect();
    context.change(&Text::Documents(Documents::Removed { name: inert(&document.title) }), changes)
}

async fn change_scope(context: &Context<'_>, number: u64, to: Shelf) -> Result<Reply, Failure> {
    let Some(document) = numbered(context, number).await? else { return say(context, Documents::NoSuch { number }) };
    let partition = partition(context, to).await?;
    let refused = match may_not_remove(context, &document).await? {
        None => may_not_add(context, &partition).await?,
        refused => refused,
    };
    if let Some(refused) = refused {
        return context.say(&refused);
    }
    let text = Text::Documents(Documents::Added { name: inert(&document.title), shelf: to });
    if document.partition == partition {
        return context.say(&text);
    }
    if !context.parts.store.has_place_for(&document, &partition).await? {
        return say(context, Documents::NoPlace { name: inert(&document.title) });
    }
    let change = Change::MoveDocument { from: document.partition, number: document.number, to: partition };
    context.change(&text, vec![change, context.audit(action_name("scope", to), None)])
}

async fn numbered(context: &Context<'_>, number: u64) -> Result<Option<Document>, Failure> {
    Ok(visible(context).await?.into_iter().find(|document| document.number == number))
}

/// The name of an action in the audit trail.
fn action_name(action: &str, shelf: Shelf) -> &'static str {
    match (action, shelf) {
        ("add", Shelf::Room) => "document.add.room",
        ("add", Shelf::Compagnon) => "document.add.compagnon",
        ("add", Shelf::Catalogue) => "document.add.catalogue",
        ("add", _) => "document.add",
        ("remove", Shelf::Room) => "document.remove.room",
        ("remove", Shelf::Compagnon) => "document.remove.compagnon",
        ("remove", Shelf::Catalogue) => "document.remove.catalogue",
        ("remove", _) => "document.remove",
        (_, Shelf::Room) => "document.scope.room",
        (_, Shelf::Compagnon) => "document.scope.compagnon",
        (_, Shelf::Catalogue) => "document.scope.catalogue",
        (_, _) => "document.scope",
    }
}

/// The partition that a word means here.
async fn partition(context: &Context<'_>, shelf: Shelf) -> Result<Partition, Failure> {
    let message = context.message;
    Ok(match shelf {
        Shelf::Conversation => Partition::Conversation(message.conversation()),
        Shelf::Room => Partition::Room(message.room_id.clone()),
        Shelf::Person => Partition::Person(message.sender.clone()),
        Shelf::Compagnon => context.effective_compagnon().await?.partition(&context.settings),
        Shelf::Catalogue => Partition::Catalogue,
    })
}

/// Why the author may not add a document to a partition.
async fn may_not_add(context: &Context<'_>, partition: &Partition) -> Result<Option<Text<'static>>, Failure> {
    match partition {
        Partition::Person(_) if !context.is_private().await? => Ok(Some(Text::OnlyInPrivate)),
        Partition::Conversation(_) | Partition::Person(_) => Ok(None),
        _ => may_not_keep(context, partition).await,
    }
}

/// Why the author may not remove a document: who added it may, and who keeps the partition.
async fn may_not_remove(context: &Context<'_>, document: &Document) -> Result<Option<Text<'static>>, Failure> {
    let message = context.message;
    let theirs = document.origin.as_ref().is_some_and(|origin| origin.sender == message.sender);
    match &document.partition {
        Partition::Conversation(ConversationId { room_id, .. }) if *room_id == message.room_id && theirs => Ok(None),
        Partition::Conversation(_) => {
            let authority = Authority::here(true, message.direct);
            if let Some(unproven) = unproven(context.parts, message, authority).await? {
                return Ok(Some(unproven));
            }
            Ok((!context.administers().await?).then_some(Text::Documents(Documents::NotYours)))
        }
        Partition::Person(person) if *person == message.sender => Ok(None),
        partition => may_not_keep(context, partition).await,
    }
}

/// Why the author may not change what is a room's, a compagnon's or everybody's.
async fn may_not_keep(context: &Context<'_>, partition: &Partition) -> Result<Option<Text<'static>>, Failure> {
    let message = context.message;
    if let Some(unproven) = unproven(context.parts, message, rests_on(shelf_of(partition), message.direct)).await? {
        return Ok(Some(unproven));
    }
    if matches!(partition, Partition::Room(_)) {
        return Ok((!context.administers().await?).then(|| context.not_administrator()));
    }
    let made = match partition.made() {
        Some(number) => context.parts.store.made(number).await?,
        // Of the library, or everybody's.
        None => None,
    };
    let Some(made) = made else { return Ok(context.instance_refusal()) };
    // Made in another room, or taken into the catalogue: it answers elsewhere too.
    if made.room_id != message.room_id || made.published.is_some() {
        return Ok(context.instance_refusal());
    }
    Ok((!context.administers().await?).then(|| context.not_administrator()))
}

#[cfg(test)]
mod tests {
    use super::{Action, Shelf, action, is_english};

    #[test]
    fn what_follows_is_read_in_both_languages() {
        for (arguments, expected) in [
            ("", Some(Action::List)),
            ("Liste", Some(Action::List)),
            ("ajouter", Some(Action::Add(Shelf::Conversation))),
            ("AJOUTER  Salon", Some(Action::Add(Shelf::Room))),
            ("add me", Some(Action::Add(Shelf::Person))),
            ("ajouter compagnon", Some(Action::Add(Shelf::Compagnon))),
            ("ajouter catalogue", Some(Action::Add(Shelf::Catalogue))),
            ("retirer 2", Some(Action::Remove(2))),
            ("remove 12", Some(Action::Remove(12))),
            ("portee 3 salon", Some(Action::Move(3, Shelf::Room))),
            ("scope 3 room", Some(Action::Move(3, Shelf::Room))),
            ("retirer", None),
            ("retirer 0", None),
            ("retirer -1", None),
            ("retirer 99999999999999999999999", None),
            ("portée 3", None),
            ("portée salon", None),
            ("ajouter bureau", None),
            ("vider", None),
        ] {
            assert_eq!(action(arguments), expected, "{arguments}");
        }
        assert!(is_english("add room") && is_english("remove 2") && !is_english("ajouter salon") && !is_english(""));
    }
}
