//! What a question is given of documents: fifty rooms with three people each, a document with a word of its own in each place where documents
//! can be, and every question finds all that its asker may see and nothing else. With a model that answers with everything it was given, so
//! that what one question was given wrongly would be in the answers too, and in what later questions go on from.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::Arc,
    time::Duration,
};

use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};

use super::{
    Config,
    clock::now,
    config::Rate,
    documents::{DocumentParts, fakes::FakeIndex},
    fakes::{FakeGateway, Parrot, incoming},
    tests::{Bench, assistant_searching},
};
use crate::{
    assistant::collections::Searchable,
    compagnon::{Choice, SettingsPatch},
    document::{Origin, Partition, Passage, Place},
    index::{Index, embedded::EmbeddedIndex},
    message::{ConversationId, Incoming},
    store::{Change, NewDocument},
};

const ROOMS: usize = 50;
/// What every canary begins with; then come the place that it belongs to and its number.
const CANARY: &str = "kanari";
/// The compagnons of the rooms, in turn.
const COMPAGNONS: [&str; 3] = ["generaliste", "synthese", "redaction-administrative"];
const QUESTION: &str = "Quel est le mot de passe de l’armoire du bureau ?";

fn canary(place: &str, number: usize) -> String {
    format!("{CANARY}.{place}.{number}.")
}

/// The canaries in a text.
fn canaries(text: &str) -> BTreeSet<String> {
    let found = text.split(CANARY).skip(1).filter_map(|rest| {
        let mut parts = rest.strip_prefix('.')?.split('.');
        Some(canary(parts.next()?, parts.next()?.parse().ok()?))
    });
    found.collect()
}

fn id<T: TryFrom<String>>(text: String) -> T {
    T::try_from(text).unwrap_or_else(|_| panic!("an identifier"))
}

fn room(number: usize) -> OwnedRoomId {
    id(format!("!r{number}:h"))
}

fn private(number: usize) -> OwnedRoomId {
    id(format!("!private{number}:h"))
}

fn person(number: usize) -> OwnedUserId {
    id(format!("@p{}:h", number % ROOMS))
}

/// Who came into a room after the file was dropped there.
fn latecomer(number: usize) -> OwnedUserId {
    id(format!("@late{number}:h"))
}

fn conversation(room_id: OwnedRoomId, thread: Option<OwnedEventId>) -> Partition {
    Partition::Conversation(ConversationId { room_id, thread })
}

fn thread(number: usize) -> OwnedEventId {
    id(format!("$t{number}:h"))
}

struct Asked {
    message: Incoming,
    may_see: BTreeSet<String>,
}

struct Building {
    bench: Bench,
    parrot: Parrot,
    folder: tempfile::TempDir,
    asked: HashMap<usize, Asked>,
}

impl Building {
    fn new() -> Self {
        let mut config = Config::default();
        // Nobody types here.
        config.limits.loop_after = u32::MAX;
        (config.limits.person, config.limits.room) = (Rate::of(100_000, 1), Rate::of(100_000, 1));
        (config.waiting, config.waiting_per_conversation) = (10_000, 1_000);
        let (folder, gateway) = (tempfile::tempdir().expect("a folder"), Arc::<FakeGateway>::default());
        gateway.let_others_in();
        let parrot = Parrot::default();
        let index: Arc<dyn Index> = Arc::new(EmbeddedIndex::new(1 << 26));
        let collections = Arc::new(Searchable::none(Arc::clone(&index)));
        let documents = DocumentParts { index, collections, ..FakeIndex::parts() };
        let bench = assistant_searching(folder.path(), &gateway, parrot.clone(), config, documents);
        Self { bench, parrot, folder, asked: HashMap::new() }
    }

    /// A document whose text is the same as that of all others, but for the canary.
    async fn put(&self, partition: Partition, room_id: OwnedRoomId, canary: &str, sent_at: u64) {
        let origin =
            Origin { room_id, event_id: id(format!("$origin-{canary}:h")), sender: id("@owner:h".to_owned()), sent_at };
        let passage = Passage {
            ordinal: 0,
            place: Place::Page(1),
            headings: Vec::new(),
            text: format!("Le mot de passe de l’armoire du bureau est {canary}"),
        };
        let document = NewDocument {
            partition,
            title: "Note.pdf".to_owned(),
            format: "pdf".to_owned(),
            pages: Some(1),
            origin: Some(origin),
            link: None,
            passages: vec![passage],
            vectors: None,
        };
        self.bench.store().put_document(document, now()).await.expect("stored");
    }

    fn ask(&mut self, message: Incoming, may_see: &[String]) {
        let number = self.asked.len();
        let body = format!("{QUESTION} (n°{number}.)");
        let message = Incoming { content: crate::message::Content::Text(body), ..message };
        let message = Incoming { event_id: id(format!("$q{number}:h")), ..message };
        self.asked.insert(number, Asked { message, may_see: may_see.iter().cloned().collect() });
    }

    /// Has some questions answered, a few at a time.
    async fn answer(&self, from: usize) {
        let questions: Vec<Incoming> =
            (from..self.asked.len()).map(|number| self.asked[&number].message.clone()).collect();
        for some in questions.chunks(40) {
            self.bench.ask(some.to_vec());
            self.bench.rest().await;
        }
    }
}

fn in_room(number: usize, sender: OwnedUserId) -> Incoming {
    Incoming { direct: false, mentions_me: true, sender, ..incoming("$x:h", room(number).as_str(), "") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_given_what_its_asker_may_see_in_fifty_rooms_and_nothing_else() {
    let mut building = Building::new();
    let (long_ago, lately) = (now() - Duration::from_hours(2).as_millis() as u64, now() - 60_000);
    let mut changes = Vec::new();
    for number in 0..ROOMS {
        let gateway = &building.bench.gateway;
        gateway.keep_private(&private(number));
        gateway.joined(&latecomer(number), now() - Duration::from_hours(1).as_millis() as u64);
        let choice = Choice::Library(COMPAGNONS[number % COMPAGNONS.len()].to_owned());
        changes.push(Change::Settings(room(number), vec![SettingsPatch::Compagnon(Some(choice))]));
        changes.extend([Change::Informed(person(number)), Change::Informed(latecomer(number))]);
    }
    for changes in changes.chunks(50) {
        building.bench.store().apply(changes, 0).await.expect("stored");
    }
    for number in 0..ROOMS {
        for (partition, place, name, at) in [
            (conversation(room(number), None), room(number), "ancien", long_ago),
            (conversation(room(number), None), room(number), "nouveau", lately),
            (conversation(room(number), Some(thread(number))), room(number), "fil", long_ago),
            (Partition::Room(room(number)), room(number), "salon", long_ago),
            (Partition::Person(person(number)), private(number), "moi", long_ago),
            (conversation(private(number), None), private(number), "prive", long_ago),
        ] {
            building.put(partition, place, &canary(name, number), at).await;
        }
    }
    for (number, name) in COMPAGNONS.iter().chain(&["temoin"]).enumerate() {
        building.put(Partition::Compagnon((*name).to_owned()), room(0), &canary("compagnon", number), long_ago).await;
    }
    building.put(Partition::Catalogue, room(0), &canary("catalogue", 0), long_ago).await;

    let everywhere = |compagnon: usize| vec![canary("compagnon", compagnon), canary("catalogue", 0)];
    let of = |names: &[&str], number: usize, compagnon: usize| {
        names.iter().map(|name| canary(name, number)).chain(everywhere(compagnon)).collect::<Vec<_>>()
    };
    // The newcomers ask before the others: what is said while they are there, they may hear.
    for number in 0..ROOMS {
        let compagnon = number % COMPAGNONS.len();
        building.ask(in_room(number, latecomer(number)), &of(&["nouveau", "salon"], number, compagnon));
    }
    building.answer(0).await;
    let from = building.asked.len();
    for number in 0..ROOMS {
        let compagnon = number % COMPAGNONS.len();
        for sender in [person(number), person(number + 7)] {
            building.ask(in_room(number, sender.clone()), &of(&["ancien", "nouveau", "salon"], number, compagnon));
            let in_thread = Incoming { thread: Some(thread(number)), ..in_room(number, sender) };
            building.ask(in_thread, &of(&["fil", "salon"], number, compagnon));
        }
        let alone = Incoming { sender: person(number), ..incoming("$x:h", private(number).as_str(), "") };
        building.ask(alone, &of(&["moi", "prive"], number, COMPAGNONS.len()));
    }
    building.answer(from).await;

    let requests = building.parrot.requests.lock().expect("not poisoned").clone();
    let mut answered = BTreeSet::new();
    for request in &requests {
        let asked = &request.messages.last().expect("a question").content;
        // Summaries of what was said are not questions.
        let Some((_, number)) = asked.rsplit_once("(n°") else { continue };
        let number: usize = number.split('.').next().and_then(|number| number.parse().ok()).expect("a number");
        let Asked { message, may_see } = &building.asked[&number];
        let all: String = request.messages.iter().map(|one| one.content.as_str()).collect::<Vec<_>>().join("\n");
        assert_eq!(canaries(&all), *may_see, "{} in {}", message.sender, message.room_id);
        answered.insert(number);
    }
    assert_eq!(answered.len(), ROOMS * 6, "the model was asked each question");
    // What people see is no more than that.
    for shown in building.bench.gateway.shown() {
        let number: usize =
            shown.question.as_str()[2..].split(':').next().and_then(|one| one.parse().ok()).expect("a number");
        let strays: Vec<String> = canaries(&shown.text).difference(&building.asked[&number].may_see).cloned().collect();
        assert!(strays.is_empty(), "question {number}: {strays:?}");
    }
    let Building { bench, folder, .. } = building;
    drop(bench);
    assert_eq!(holder(folder.path()), None, "a canary is on disk");
}

/// A file below a folder in which canaries can be read.
fn holder(folder: &Path) -> Option<std::path::PathBuf> {
    let needle = format!("{CANARY}.");
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let found = if path.is_dir() {
            holder(&path)
        } else {
            let bytes = std::fs::read(&path).unwrap_or_default();
            bytes.windows(needle.len()).any(|window| window == needle.as_bytes()).then_some(path)
        };
        if found.is_some() {
            return found;
        }
    }
    None
}
