//! Where people talk with a bot that is killed, what they ask there, and what they must see in the end.

use std::{collections::BTreeMap, time::Instant};

use compagnon::{document::Partition, message::ConversationId, store::Database};
use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    support::{
        bot::Bot,
        people::{PATIENCE, Person},
        room::{Message, Text},
    },
    world::{World, number},
};

const NAME: &str = "Comment vous appelez-vous ?";
const LONG: &str = "Présentez-vous longuement.";

/// How many passages a file has that is translated.
const PASSAGES: u64 = 24;

/// Numbers that look random, from a seed that is printed: `splitmix64`.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new() -> Self {
        let seed = number("COMPAGNON_SEED", u64::from(std::process::id()));
        println!("COMPAGNON_SEED={seed}");
        Self(seed)
    }

    /// From 0 to `below`, which is left out.
    pub(super) fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }
}

/// What was seen at one point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) kills: u64,
    /// Starts after a kill, and those of them after which the bot was ready, or died where it was told to.
    pub(super) starts: u64,
    pub(super) opened: u64,
    pub(super) asked: usize,
    pub(super) answered: usize,
    pub(super) lost: usize,
    pub(super) doubled: usize,
    /// Answered with something else than the answer.
    pub(super) wrong: usize,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.kills += other.kills;
        self.starts += other.starts;
        self.opened += other.opened;
        self.asked += other.asked;
        self.answered += other.answered;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.wrong += other.wrong;
    }

    pub(super) fn is_good(&self) -> bool {
        self.lost + self.doubled + self.wrong == 0 && self.answered == self.asked && self.opened == self.starts
    }
}

/// Prints what was seen, then holds it against what must be.
pub(super) fn report(title: &str, began: Instant, rows: &[(String, Tally)]) {
    println!("\n{title} ({} s)", began.elapsed().as_secs());
    println!("| point | kills | asked | answered | lost | doubled | wrong | starts | store opened |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut all = Tally::default();
    let row = |name: &str, tally: &Tally| {
        let Tally { kills, starts, opened, asked, answered, lost, doubled, wrong } = tally;
        println!("| {name} | {kills} | {asked} | {answered} | {lost} | {doubled} | {wrong} | {starts} | {opened} |");
    };
    for (name, tally) in rows {
        row(name, tally);
        all.add(tally);
    }
    row("all", &all);
    assert!(rows.iter().all(|(_, tally)| tally.is_good() && tally.kills > 0), "{rows:#?}");
}

/// One question, and how its answer is known.
pub(super) struct Question {
    pub(super) by: Person,
    pub(super) room: String,
    pub(super) thread: Option<String>,
    pub(super) event: String,
    pub(super) says: String,
    /// The document that it is answered from.
    pub(super) source: Option<String>,
    /// How often the bot was killed since it was asked.
    pub(super) kills: u32,
}

impl Question {
    /// Waits until it is answered; gives false when it is not within [`PATIENCE`].
    pub(super) async fn answered(&self) -> bool {
        let complete = self.by.next(&self.room, |messages| {
            messages.iter().any(|one| one.answers(&self.event) && one.complete()).then_some(())
        });
        timeout(PATIENCE, complete).await.ok().flatten().is_some()
    }

    pub(super) fn is_answered(&self) -> bool {
        self.by.messages(&self.room).iter().any(|one| one.answers(&self.event) && one.complete())
    }

    /// Whether it leaves turns in its conversation: a command does not.
    pub(super) fn is_talk(&self) -> bool {
        !self.says.contains("est créé")
    }
}

/// One file without a word, and what it is called.
pub(super) struct Dropped {
    by: Person,
    room: String,
    event: String,
    name: String,
}

impl Dropped {
    /// Waits until the bot says that it has read the file; gives false when it does not within [`PATIENCE`].
    async fn read(&self) -> bool {
        let said = self.by.next(&self.room, |messages| self.notices(messages).next().map(drop));
        timeout(PATIENCE, said).await.ok().flatten().is_some()
    }

    fn is_read(&self) -> bool {
        self.notices(&self.by.messages(&self.room)).next().is_some()
    }

    fn notices<'a>(&self, messages: &'a [Message]) -> impl Iterator<Item = &'a Message> {
        let event = self.event.clone();
        messages.iter().filter(move |one| one.answers(&event) && one.complete() && one.answer["part"] != 999)
    }

    fn check(&self, tally: &mut Tally) {
        tally.asked += 1;
        let messages = self.by.messages(&self.room);
        let notices: Vec<&Message> = self.notices(&messages).collect();
        match notices.as_slice() {
            [] => tally.lost += 1,
            [one] if one.msgtype == "m.notice" && one.body == format!("{} : posez votre question.", self.name) => {
                tally.answered += 1;
            }
            [one] => {
                println!("wrong: {one:#?}");
                tally.wrong += 1;
            }
            several => {
                println!("doubled: {several:#?}");
                tally.doubled += 1;
            }
        }
    }
}

/// One command for a file, and where the file is to come.
pub(super) struct Export {
    by: Person,
    /// Where it was written.
    room: String,
    /// The direct conversation of its author.
    private: String,
    event: String,
}

impl Export {
    /// Waits for the file and for the sentence about it; gives false when they do not come within [`PATIENCE`].
    async fn done(&self) -> bool {
        let file = self.by.next(&self.private, |messages| self.files(messages).nth(1).map(drop));
        let notice = self.by.next(&self.room, |messages| self.notices(messages).next().map(drop));
        let both = async { file.await.is_some() && notice.await.is_some() };
        timeout(PATIENCE, both).await.unwrap_or(false)
    }

    fn is_done(&self) -> bool {
        let (private, room) = (self.by.messages(&self.private), self.by.messages(&self.room));
        self.files(&private).nth(1).is_some() && self.notices(&room).next().is_some()
    }

    fn files<'a>(&self, messages: &'a [Message]) -> impl Iterator<Item = &'a Message> {
        let event = self.event.clone();
        messages.iter().filter(move |one| one.answers(&event) && one.msgtype == "m.file")
    }

    fn notices<'a>(&self, messages: &'a [Message]) -> impl Iterator<Item = &'a Message> {
        let event = self.event.clone();
        messages.iter().filter(move |one| one.answers(&event) && one.msgtype != "m.file" && one.answer["part"] != 999)
    }

    /// Counts what its author sees of it. The file must open.
    async fn check(&self, tally: &mut Tally) {
        tally.asked += 1;
        let (private, room) = (self.by.messages(&self.private), self.by.messages(&self.room));
        let files: Vec<&Message> = self.files(&private).collect();
        let notices: Vec<&Message> = self.notices(&room).collect();
        let says = if self.room == self.private { "ce que je garde de vous" } else { "conversation privée" };
        match (files.as_slice(), notices.as_slice()) {
            ([] | [_], _) | (_, []) => tally.lost += 1,
            ([file, page], [notice]) => {
                let opens = serde_json::from_slice::<Value>(&self.by.download(file).await).is_ok()
                    && self.by.download(page).await.starts_with(b"<!doctype html>");
                if opens && file.encrypted && page.encrypted && notice.body.contains(says) && notice.complete() {
                    tally.answered += 1;
                } else {
                    println!("wrong: {file:#?} {page:#?} {notice:#?}");
                    tally.wrong += 1;
                }
            }
            several => {
                println!("doubled: {several:#?}");
                tally.doubled += 1;
            }
        }
    }
}

/// A file to be translated.
pub(super) struct Translated {
    by: Person,
    room: String,
    event: String,
    text: String,
}

impl Translated {
    /// Waits for the file and for the sentence about it; gives false when they do not come within [`PATIENCE`].
    async fn done(&self) -> bool {
        let both = self.by.next(&self.room, |messages| self.is_done_in(messages).then_some(()));
        timeout(PATIENCE, both).await.ok().flatten().is_some()
    }

    fn is_done(&self) -> bool {
        self.is_done_in(&self.by.messages(&self.room))
    }

    fn is_done_in(&self, messages: &[Message]) -> bool {
        let (files, texts) = self.answers(messages);
        !files.is_empty() && texts.iter().any(|text| text.complete())
    }

    /// The files and the texts that answer it: a draft that still stands is one of them.
    fn answers<'a>(&self, messages: &'a [Message]) -> (Vec<&'a Message>, Vec<&'a Message>) {
        let own = messages.iter().filter(|one| one.answers(&self.event) && one.answer["part"] != 999);
        own.partition(|one| one.msgtype == "m.file")
    }

    /// Counts what its author sees of it: the whole file in capitals, and the sentence that says so in the place of the progress.
    async fn check(&self, tally: &mut Tally) {
        tally.asked += 1;
        let messages = self.by.messages(&self.room);
        match self.answers(&messages) {
            (files, texts) if files.is_empty() || texts.is_empty() => tally.lost += 1,
            (files, texts) if files.len() > 1 || texts.len() > 1 => {
                println!("doubled: {files:#?} {texts:#?}");
                tally.doubled += 1;
            }
            (files, texts) => {
                let (file, said) = (files[0], texts[0]);
                let is_whole = self.by.download(file).await == self.text.to_uppercase().into_bytes();
                if is_whole && file.encrypted && said.body.starts_with("Fichier traduit") && said.complete() {
                    tally.answered += 1;
                } else {
                    println!("wrong: {file:#?} {said:#?}");
                    tally.wrong += 1;
                }
            }
        }
    }
}

/// What a file is about: an office and its code.
#[derive(Clone, Copy)]
pub(super) struct Office(u64);

impl Office {
    fn new(number: u64) -> Self {
        Self(1000 + number)
    }

    /// The one that a question is about.
    pub(super) fn asked(question: &str) -> Option<Self> {
        let (_, number) = question.split_once("du bureau ")?;
        number.split(' ').next()?.parse().ok().map(Self)
    }

    fn name(self) -> String {
        format!("Bureau {}.txt", self.0)
    }

    pub(super) fn text(self) -> String {
        format!("Le bureau {} a le code {}.", self.0, self.code())
    }

    fn question(self) -> String {
        format!("Quel est le code du bureau {} ?", self.0)
    }

    pub(super) fn code(self) -> u64 {
        self.0 * 7 % 9973
    }

    /// The beginning of its answer, before the number of the mark.
    pub(super) fn says(self) -> String {
        format!("Le code est {} [", self.code())
    }
}

/// Where people talk with the bot: two direct conversations, a room, a thread in it.
pub(super) struct Scene {
    pub(super) id: String,
    pub(super) awa: Person,
    pub(super) ben: Person,
    pub(super) awas: String,
    pub(super) bens: String,
    pub(super) room: String,
    pub(super) thread: String,
    pub(super) questions: Vec<Question>,
    pub(super) exports: Vec<Export>,
    pub(super) dropped: Vec<Dropped>,
    pub(super) translated: Vec<Translated>,
    pub(super) made: u64,
}

impl Scene {
    pub(super) async fn new(world: &World, id: &str) -> Self {
        let (awa, ben) = (world.person("awa").await, world.person("ben").await);
        let room = awa.create_room("Bureau", true, &[id, &ben.user_id]).await;
        let (awas, bens) = (awa.open_dm(id).await, ben.open_dm(id).await);
        ben.join(&room).await;
        for (person, room) in [(&awa, &room), (&ben, &room), (&awa, &awas), (&ben, &bens)] {
            person.until_member(room, id, "join").await;
        }
        awa.until_member(&room, &ben.user_id, "join").await;
        let thread = awa.send(&room, "Parlons du compagnon.").await;
        Self {
            id: id.to_owned(),
            awa,
            ben,
            awas,
            bens,
            room,
            thread,
            questions: Vec::new(),
            exports: Vec::new(),
            dropped: Vec::new(),
            translated: Vec::new(),
            made: 0,
        }
    }

    /// Asks one of four things.
    pub(super) async fn ask(&mut self, what: u64) {
        let (by, room, says) = match what % 4 {
            0 => (&self.awa, &self.awas, "à vous la parole".to_owned()),
            1 => (&self.ben, &self.room, "Témoin".to_owned()),
            2 => (&self.awa, &self.room, "Témoin".to_owned()),
            _ => (&self.ben, &self.bens, format!("**Essai{}** est créé", self.made + 1)),
        };
        let thread = (what % 4 == 2).then(|| self.thread.clone());
        let text = match what % 4 {
            0 => Text::new(LONG),
            1 => Text::to(&self.id, NAME),
            2 => Text::to(&self.id, NAME).in_thread(&self.thread),
            _ => {
                self.made += 1;
                Text::new(format!("!compagnon créer Essai{}\nTu es {{{{ name }}}}, un essai.", self.made))
            }
        };
        let event = by.send(room, text).await;
        self.questions.push(Question {
            by: by.clone(),
            room: room.clone(),
            thread,
            event,
            says,
            source: None,
            kills: 0,
        });
    }

    /// Asks all four.
    pub(super) async fn ask_all(&mut self) {
        for what in 0..4 {
            self.ask(what).await;
        }
    }

    /// Asks for two files: in the direct conversation that it comes to, and in a room.
    pub(super) async fn export(&mut self) {
        for (by, room, private) in [(&self.awa, &self.awas, &self.awas), (&self.ben, &self.room, &self.bens)] {
            let event = by.send(room, "!exporter").await;
            self.exports.push(Export { by: by.clone(), room: room.clone(), private: private.clone(), event });
        }
    }

    /// Asks for the translation of two files: in a direct conversation, and in a room.
    pub(super) async fn translate(&mut self) {
        for (by, room) in [(&self.awa, &self.awas), (&self.ben, &self.room)] {
            self.made += 1;
            let word = |number: u64| -> String {
                number.to_string().bytes().map(|digit| char::from(b"bcdfglmnpr"[usize::from(digit - b'0')])).collect()
            };
            let line = |at: u64| format!("Le bureau transmet le dossier {} au service.\n", word(self.made * 100 + at));
            let text: String = (0..PASSAGES).map(line).collect();
            let caption = "!traduire du français en anglais";
            let event = by.send_file(room, "note.txt", "text/plain", text.as_bytes(), caption).await;
            self.translated.push(Translated { by: by.clone(), room: room.clone(), event, text });
        }
    }

    /// Drops two files and asks about each: one comes without a word, and is asked about behind that; the other one comes with the question.
    pub(super) async fn drop_files(&mut self) {
        self.made += 1;
        let (alone, with) = (Office::new(2 * self.made), Office::new(2 * self.made + 1));
        let (by, room) = (self.awa.clone(), self.awas.clone());
        let event = by.send_file(&room, &alone.name(), "text/plain", alone.text().as_bytes(), "").await;
        self.dropped.push(Dropped { by: by.clone(), room: room.clone(), event, name: alone.name() });
        let event = by.send(&room, alone.question().as_str()).await;
        self.ask_of(&by, &room, event, alone);
        let (by, room) = (self.ben.clone(), self.bens.clone());
        let (name, text, question) = (with.name(), with.text(), with.question());
        let event = by.send_file(&room, &name, "text/plain", text.as_bytes(), &question).await;
        self.ask_of(&by, &room, event, with);
    }

    fn ask_of(&mut self, by: &Person, room: &str, event: String, office: Office) {
        let (by, room) = (by.clone(), room.to_owned());
        let (says, source) = (office.says(), Some(office.name()));
        self.questions.push(Question { by, room, thread: None, event, says, source, kills: 0 });
    }

    /// Asks about the first file once more.
    pub(super) async fn ask_about_first(&mut self) {
        let office = Office::new(2);
        let (by, room) = (self.awa.clone(), self.awas.clone());
        let event = by.send(&room, office.question().as_str()).await;
        self.ask_of(&by, &room, event, office);
    }

    /// Counts what people see of the files that they dropped, and what the store of a bot that has ended has of them.
    pub(super) fn check_documents(&self, bot: &Bot, tally: &mut Tally) {
        self.dropped.iter().for_each(|dropped| dropped.check(tally));
        let store = Database::open(&bot.data()).expect("the store opens");
        let with_question = self.questions.iter().filter(|question| question.room == self.bens).count();
        for (room, wanted) in [(&self.awas, self.dropped.len()), (&self.bens, with_question)] {
            let room_id = room.as_str().try_into().expect("a room's id");
            let partition = Partition::Conversation(ConversationId { room_id, thread: None });
            let documents = store.documents(&[partition]).expect("read");
            for document in &documents {
                let passages = store.passages(document).expect("read").map_or(0, |passages| passages.len());
                assert_eq!(passages, document.passages as usize, "{}", document.title);
            }
            tally.lost += wanted.saturating_sub(documents.len());
            tally.doubled += documents.len().saturating_sub(wanted);
        }
    }

    pub(super) async fn all_answered(&self) -> bool {
        let answered = join_all(self.questions.iter().map(Question::answered)).await;
        let exported = join_all(self.exports.iter().map(Export::done)).await;
        let read = join_all(self.dropped.iter().map(Dropped::read)).await;
        let translated = join_all(self.translated.iter().map(Translated::done)).await;
        answered.into_iter().chain(exported).chain(read).chain(translated).all(|done| done)
    }

    /// Counts what people see of the files that they asked for.
    pub(super) async fn check_exports(&self, tally: &mut Tally) {
        for export in &self.exports {
            export.check(tally).await;
        }
    }

    /// Counts what people see of the files that they had translated.
    pub(super) async fn check_translations(&self, tally: &mut Tally) {
        for translated in &self.translated {
            translated.check(tally).await;
        }
    }

    /// The bot was killed. What it died of four times it gives up, and rightly; so nothing here is open through more kills than three.
    pub(super) async fn survive(&mut self) -> bool {
        let mut answered = true;
        for question in self.questions.iter_mut().filter(|question| !question.is_answered()) {
            question.kills += 1;
            if question.kills >= 3 {
                answered &= question.answered().await;
            }
        }
        answered
    }

    pub(super) fn open(&self) -> usize {
        let exports = self.exports.iter().filter(|export| !export.is_done()).count();
        let dropped = self.dropped.iter().filter(|dropped| !dropped.is_read()).count();
        let translated = self.translated.iter().filter(|translated| !translated.is_done()).count();
        self.questions.iter().filter(|question| !question.is_answered()).count() + exports + dropped + translated
    }

    /// Reads the rooms as their people see them, then the store of a bot that has ended.
    pub(super) fn check(&self, bot: &Bot, tally: &mut Tally, purged: bool) {
        for question in &self.questions {
            tally.asked += 1;
            // The notice of a first contact has a number of its own, far from the parts of answers.
            let answers: Vec<_> = (question.by.messages(&question.room).into_iter())
                .filter(|one| one.answers(&question.event) && one.answer["part"] != 999)
                .collect();
            // A notice is no answer; and what a command is answered with is one.
            let msgtype = if question.is_talk() { "m.text" } else { "m.notice" };
            let good = |one: &Message| {
                one.msgtype == msgtype
                    && one.complete()
                    && one.encrypted
                    && !one.undecryptable
                    && one.body.contains(&question.says)
                    && question
                        .source
                        .as_ref()
                        .is_none_or(|source| one.answer["sources"][0]["title"] == source.as_str())
            };
            match answers.as_slice() {
                [] => tally.lost += 1,
                [one] if good(one) => tally.answered += 1,
                [one] => {
                    println!("wrong: {one:#?}");
                    tally.wrong += 1;
                }
                several => {
                    println!("doubled: {several:#?}");
                    tally.doubled += 1;
                }
            }
        }
        let store = Database::open(&bot.data()).expect("the store opens");
        assert!(store.queued().expect("read").is_empty() && store.undelivered().expect("read").is_empty());
        assert!(store.withdrawals().expect("read").is_empty());
        assert_eq!(store.damaged().expect("read"), 0, "records were set aside");
        let mut turns: BTreeMap<&str, usize> = BTreeMap::new();
        for question in self.questions.iter().filter(|question| question.is_talk()) {
            let conversation = ConversationId {
                room_id: question.room.as_str().try_into().expect("a room's id"),
                thread: question.thread.as_deref().map(|thread| thread.try_into().expect("an event's id")),
            };
            let said = store.turns(&conversation).expect("read");
            let of_question = said.iter().filter(|turn| turn.event_id == question.event.as_str()).count();
            turns.insert(&question.event, of_question);
        }
        // What was said is forgotten soon where a purge is what is tried.
        assert!(turns.values().all(|count| *count == 2 || (purged && *count == 0)), "{turns:?}");
    }
}
