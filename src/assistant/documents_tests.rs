//! Files in conversations and `!documents`, against the fakes: what is read, what is said of it, who may see it, and what remains of it when
//! things go wrong.

use std::sync::Arc;

use ruma::{OwnedRoomId, OwnedUserId, owned_user_id};

use super::{
    Config,
    clock::now,
    config::Rate,
    fakes::{FakeGateway, Method, Parrot, incoming, room_message},
    tests::{Bench, admitted, assistant, assistant_for, until},
    texts::{
        Language, Text,
        documents::{Documents, NotRead, ReadFile, Shelf, Unit},
    },
};
use crate::{
    compagnon::{Answers, SettingsPatch},
    document::{Document, Origin, Partition, Passage, Place},
    matrix::{Batch, DownloadError, RoomMessage, SendError, config::AccessConfig},
    message::{Content, ConversationId, Edit, Incoming, MediaRef, MessageKind, Redaction},
    store::{Accept, Change, NewDocument},
};

const ROOM: &str = "!a:h";

fn room(room: &str) -> OwnedRoomId {
    room.try_into().expect("a room id")
}

fn awa() -> OwnedUserId {
    owned_user_id!("@awa:h")
}

fn ben() -> OwnedUserId {
    owned_user_id!("@ben:h")
}

fn main_line(name: &str) -> Partition {
    Partition::Conversation(ConversationId { room_id: room(name), thread: None })
}

fn media(name: &str, caption: &str) -> MediaRef {
    MediaRef {
        name: name.to_owned(),
        media_type: Some("application/pdf".to_owned()),
        size: Some(3),
        caption: caption.to_owned(),
        source: format!("\"mxc://h/{name}\""),
    }
}

/// A file in a direct conversation.
fn file(event: &str, room: &str, name: &str, caption: &str) -> Incoming {
    Incoming { content: Content::Attachment(Box::new(media(name, caption))), ..incoming(event, room, "") }
}

/// A room, its homeserver and a model that says one thing.
struct Desk {
    bench: Bench,
    parrot: Parrot,
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        Self::serving(config, &AccessConfig::default())
    }

    fn serving(mut config: Config, access: &AccessConfig) -> Self {
        config.limits.loop_after = u32::MAX;
        (config.limits.person, config.limits.room) = (Rate::of(100_000, 1), Rate::of(100_000, 1));
        (config.waiting, config.waiting_per_conversation) = (10_000, 1_000);
        let (folder, gateway) = (tempfile::tempdir().expect("a folder"), Arc::<FakeGateway>::default());
        let parrot = Parrot { says: Some("Oui."), ..Parrot::default() };
        let bench = assistant_for(folder.path(), &gateway, parrot.clone(), config, access);
        Self { bench, parrot, folder }
    }

    /// Has the homeserver give a text for a file of this name.
    fn give(&self, name: &str, text: &str) {
        self.bench.gateway.give(&media(name, "").source, text.as_bytes());
    }

    async fn ask(&self, message: Incoming) {
        self.bench.ask(vec![message]);
        self.bench.rest().await;
    }

    fn said(&self, question: &str) -> Option<(MessageKind, String)> {
        let shown = self.bench.gateway.shown().into_iter().find(|shown| shown.question == question)?;
        Some((shown.kind, shown.text))
    }

    fn notice(&self, question: &str) -> String {
        let (kind, text) = self.said(question).expect("something is said");
        assert_eq!(kind, MessageKind::Notice, "{text}");
        text
    }

    async fn documents(&self, partition: &Partition) -> Vec<Document> {
        self.bench.store().documents(std::slice::from_ref(partition)).await.expect("readable")
    }

    /// What the model was last asked, with what it was given.
    fn last_given(&self) -> String {
        let requests = self.parrot.requests.lock().expect("not poisoned");
        requests.last().expect("a request").messages.last().expect("a question").content.clone()
    }

    fn asked(&self) -> usize {
        self.parrot.requests.lock().expect("not poisoned").len()
    }
}

fn say(text: Documents<'_>) -> String {
    Text::Documents(text).say(Language::Fr).into_owned()
}

fn refusal(name: &str, why: NotRead) -> String {
    say(Documents::NotRead { name: name.to_owned(), why, read: Vec::new() })
}

fn read(name: &str, pages: u32) -> ReadFile {
    ReadFile { name: name.to_owned(), extent: Some((pages, Unit::Page)) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_a_word_is_read_and_said_to_be() {
    let desk = Desk::new();
    desk.give("Guide RH.pdf", "Congés\n\nReport\u{c}Télétravail");
    desk.ask(file("$1:h", ROOM, "Guide RH.pdf", "")).await;
    assert_eq!(desk.notice("$1:h"), "Guide RH.pdf, 2 pages\u{a0}: posez votre question.");
    let documents = desk.documents(&main_line(ROOM)).await;
    let [document] = documents.as_slice() else { panic!("{documents:?}") };
    assert_eq!((document.title.as_str(), document.format.as_str(), document.passages), ("Guide RH.pdf", "pdf", 3));
    let origin = document.origin.as_ref().expect("an origin");
    assert_eq!((origin.event_id.as_str(), &origin.sender), ("$1:h", &awa()));
    assert!(desk.bench.store().queued().await.expect("readable").is_empty());
    assert_eq!(desk.asked(), 0, "the model has no part in it");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_file_is_not_read_is_one_sentence_and_nothing_is_kept() {
    let desk = Desk::new();
    let mut number = 0;
    for (text, why) in [
        ("!password", NotRead::Encrypted),
        ("!pages", NotRead::TooManyPages(2_000)),
        ("!bomb", NotRead::TooMuch),
        ("!unknown", NotRead::UnknownType),
        ("!slow", NotRead::TooSlow),
        ("!crash", NotRead::Failed),
        (" \n", NotRead::NoText),
        ("", NotRead::Empty),
    ] {
        number += 1;
        let (event, name) = (format!("$t{number}:h"), format!("f{number}.pdf"));
        desk.give(&name, text);
        desk.ask(file(&event, ROOM, &name, "")).await;
        assert_eq!(desk.notice(&event), refusal(&name, why), "{text}");
    }
    for (errors, why) in [
        (vec![DownloadError::Infected], NotRead::Infected),
        (vec![DownloadError::Forbidden], NotRead::Forbidden),
        (vec![DownloadError::Gone], NotRead::Gone),
        (vec![DownloadError::TooLarge { most: 10_000_000 }], NotRead::TooLarge(10)),
        (vec![DownloadError::Damaged, DownloadError::Damaged], NotRead::Damaged),
        (vec![DownloadError::Failed(SendError::Refused("no".to_owned()))], NotRead::Unavailable),
    ] {
        number += 1;
        let (event, name) = (format!("$t{number}:h"), format!("f{number}.pdf"));
        desk.give(&name, "texte");
        desk.bench.gateway.fail_downloads(errors);
        desk.ask(file(&event, ROOM, &name, "")).await;
        assert_eq!(desk.notice(&event), refusal(&name, why));
    }
    assert_eq!(desk.documents(&main_line(ROOM)).await, []);
    // A transfer that broke off, and a homeserver that was away for a moment.
    desk.give("a.pdf", "texte");
    let away = DownloadError::Failed(SendError::Unreachable("away".to_owned()));
    desk.bench.gateway.fail_downloads([DownloadError::Damaged, away]);
    desk.ask(file("$ok:h", ROOM, "a.pdf", "")).await;
    assert!(desk.notice("$ok:h").contains("posez votre question"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_says_it_is_too_large_is_not_downloaded_and_one_that_lies_is_not_held() {
    let desk = Desk::new();
    let sized = |event: &str, name: &str, size| {
        let content = Content::Attachment(Box::new(MediaRef { size, ..media(name, "") }));
        Incoming { content, ..incoming(event, ROOM, "") }
    };
    desk.give("honest.pdf", "texte");
    desk.ask(sized("$1:h", "honest.pdf", Some(10_000_001))).await;
    assert_eq!(desk.notice("$1:h"), refusal("honest.pdf", NotRead::TooLarge(10)));
    assert_eq!(desk.bench.gateway.calls(Method::Download), 0);
    desk.give("liar.pdf", &"x".repeat(10_000_001));
    for (event, size) in [("$2:h", Some(3)), ("$3:h", None), ("$4:h", Some(0))] {
        desk.ask(sized(event, "liar.pdf", size)).await;
        assert_eq!(desk.notice(event), refusal("liar.pdf", NotRead::TooLarge(10)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_files_in_a_row_are_read_each_and_said_once() {
    let desk = Desk::new();
    for (name, text) in [("a.pdf", "un"), ("b.pdf", "deux\u{c}trois"), ("c.pdf", "!password"), ("d.pdf", "quatre")] {
        desk.give(name, text);
    }
    let names = ["a.pdf", "b.pdf", "c.pdf", "d.pdf"];
    // All come before the first one is read.
    let held = desk.bench.gateway.hold_downloads();
    desk.bench.ask(names.iter().enumerate().map(|(n, name)| file(&format!("${n}:h"), ROOM, name, "")).collect());
    drop(held);
    desk.bench.rest().await;
    assert_eq!(desk.documents(&main_line(ROOM)).await.len(), 3);
    assert_eq!((desk.said("$0:h"), desk.said("$1:h")), (None, None));
    let before = vec![read("a.pdf", 1), read("b.pdf", 2)];
    let refused = Documents::NotRead { name: "c.pdf".to_owned(), why: NotRead::Encrypted, read: before };
    assert_eq!(desk.notice("$2:h"), say(refused));
    assert_eq!(desk.notice("$3:h"), say(Documents::Read(vec![read("d.pdf", 1)])));
    assert!(desk.bench.store().queued().await.expect("readable").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caption_is_answered_with_the_file_and_not_without_it() {
    let desk = Desk::new();
    desk.give("a.pdf", "Les jours non pris sont reportés.");
    desk.ask(file("$1:h", ROOM, "a.pdf", "Que dit-il ?")).await;
    let (kind, answer) = desk.said("$1:h").expect("an answer");
    assert_eq!(kind, MessageKind::Text);
    assert!(answer.starts_with("Oui.") && !answer.contains("pas pu lire"), "{answer}");
    assert_eq!(desk.documents(&main_line(ROOM)).await.len(), 1);
    let given =
        desk.parrot.requests.lock().expect("not poisoned")[0].messages.last().expect("a question").content.clone();
    assert!(!given.contains("Vous ne pouvez pas le lire"), "{given}");
    // A file that cannot be read is what the caption is about.
    desk.give("b.pdf", "!password");
    desk.ask(file("$2:h", ROOM, "b.pdf", "Et lui ?")).await;
    assert_eq!(desk.notice("$2:h"), refusal("b.pdf", NotRead::Encrypted));
    assert_eq!(desk.asked(), 1);
    // Another caption for the same file: it is read once.
    let edit = Edit {
        room_id: room(ROOM),
        event_id: "$e:h".try_into().expect("an id"),
        replaces: "$1:h".try_into().expect("an id"),
        sender: awa(),
        sent_at: now(),
        body: "Résumez-le.".to_owned(),
        mentions_me: None,
        direct: true,
        without_call: None,
    };
    desk.bench.accept(Batch { edits: vec![edit], ..Batch::default() });
    desk.bench.rest().await;
    assert_eq!((desk.asked(), desk.documents(&main_line(ROOM)).await.len()), (2, 1));
    assert_eq!(desk.bench.gateway.calls(Method::Download), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_to_a_file_reads_it_for_who_may_read_it() {
    let desk = Desk::new();
    desk.bench.gateway.let_others_in();
    desk.bench.store().apply(&[Change::Informed(ben())], 0).await.expect("stored");
    desk.give("plan.pdf", "Le plan.");
    let sent = RoomMessage {
        file: Some("plan.pdf".to_owned()),
        media: Some(media("plan.pdf", "")),
        sent_at: 1_000,
        ..room_message("$f:h", &ben(), "")
    };
    desk.bench.gateway.write(&room(ROOM), None, sent);
    let reply = |event: &str, body: &str| Incoming {
        replies_to: "$f:h".try_into().ok(),
        direct: false,
        mentions_me: true,
        ..incoming(event, ROOM, body)
    };
    // A newcomer does not read what was sent before.
    desk.bench.gateway.joined(&awa(), 2_000);
    desk.ask(reply("$1:h", "Que dit-il ?")).await;
    assert_eq!(desk.documents(&main_line(ROOM)).await, []);
    let theirs = Incoming { sender: ben(), ..reply("$2:h", "") };
    desk.ask(theirs).await;
    let documents = desk.documents(&main_line(ROOM)).await;
    assert_eq!(documents[0].origin.as_ref().map(|origin| origin.event_id.as_str()), Some("$f:h"));
    let given = desk
        .parrot
        .requests
        .lock()
        .expect("not poisoned")
        .last()
        .expect("one")
        .messages
        .last()
        .expect("one")
        .content
        .clone();
    assert!(given.contains("plan.pdf") && !given.contains("pas lisible"), "{given}");
    assert!(given.ends_with("Résumez ce document."), "{given}");
    desk.ask(Incoming { sender: ben(), ..reply("$3:h", "Et encore ?") }).await;
    assert_eq!(desk.documents(&main_line(ROOM)).await.len(), 1, "one file, one document");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_taken_back_or_stopped_while_it_is_read_leaves_nothing() {
    let desk = Desk::new();
    desk.give("a.pdf", "texte");
    for stop in [false, true] {
        let event = format!("$f{stop}:h");
        let calls = desk.bench.gateway.calls(Method::Download);
        desk.bench.gateway.stick(Method::Download, true);
        desk.bench.ask(vec![file(&event, ROOM, "a.pdf", "")]);
        until(|| desk.bench.gateway.calls(Method::Download) > calls).await;
        if stop {
            desk.bench.ask(vec![incoming("$stop:h", ROOM, "!stop")]);
        } else {
            let redaction = Redaction { room_id: room(ROOM), redacts: event.as_str().try_into().expect("an id") };
            desk.bench.accept(Batch { redactions: vec![redaction], ..Batch::default() });
        }
        desk.bench.rest().await;
        desk.bench.gateway.stick(Method::Download, false);
        assert_eq!((desk.documents(&main_line(ROOM)).await, desk.said(&event)), (Vec::new(), None));
        assert!(desk.bench.store().queued().await.expect("readable").is_empty());
    }
    // And afterwards: the document goes with its message.
    desk.ask(file("$last:h", ROOM, "a.pdf", "")).await;
    assert_eq!(desk.documents(&main_line(ROOM)).await.len(), 1);
    let redaction = Redaction { room_id: room(ROOM), redacts: "$last:h".try_into().expect("an id") };
    desk.bench.accept(Batch { redactions: vec![redaction], ..Batch::default() });
    desk.bench.rest().await;
    assert_eq!(desk.documents(&main_line(ROOM)).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_restart_finds_is_read_once() {
    let desk = Desk::new();
    desk.give("a.pdf", "texte");
    let question = file("$1:h", ROOM, "a.pdf", "");
    let accept = Accept { questions: &[admitted(&question)], ..Accept::default() };
    desk.bench.store().accept(&accept, now()).await.expect("stored");
    desk.bench.assistant.resume().await.expect("resumed");
    desk.bench.rest().await;
    assert_eq!((desk.documents(&main_line(ROOM)).await.len(), desk.bench.gateway.calls(Method::Download)), (1, 1));
    // The same message once more, as after a kill between the document and the notice.
    let again = file("$2:h", ROOM, "a.pdf", "");
    desk.ask(again.clone()).await;
    let Desk { bench, folder, .. } = desk;
    let gateway = Arc::clone(&bench.gateway);
    drop(bench);
    let second = assistant(folder.path(), &gateway, Parrot::default(), Config::default());
    second.ask(vec![again]);
    second.rest().await;
    let documents = second.store().documents(&[main_line(ROOM)]).await.expect("readable");
    assert_eq!((documents.len(), gateway.calls(Method::Download)), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_held_to_the_rules_of_questions() {
    let desk = Desk::new();
    desk.bench.gateway.open_rooms();
    desk.give("a.pdf", "texte");
    desk.ask(file("$1:h", ROOM, "a.pdf", "")).await;
    assert_eq!(desk.notice("$1:h"), Text::RefusedOpenRoom.say(Language::Fr));
    assert_eq!(desk.bench.gateway.calls(Method::Download), 0);
    let desk = Desk::new();
    desk.bench.gateway.let_others_in();
    desk.give("a.pdf", "texte");
    let among = |event: &str, room: &str, mentions_me| Incoming {
        direct: false,
        mentions_me,
        ..file(event, room, "a.pdf", "")
    };
    desk.ask(among("$1:h", "!b:h", false)).await;
    assert_eq!(desk.said("$1:h"), None, "among colleagues");
    desk.ask(among("$2:h", "!b:h", true)).await;
    assert!(desk.notice("$2:h").contains("posez votre question"));
    let all = Change::Settings(room("!all:h"), vec![SettingsPatch::Answers(Answers::All)]);
    desk.bench.store().apply(&[all], 0).await.expect("stored");
    desk.ask(among("$3:h", "!all:h", false)).await;
    assert!(desk.notice("$3:h").contains("posez votre question"));
    // In a room that is not encrypted: where such rooms are served.
    for (unencrypted, read) in [(false, 0), (true, 1)] {
        let desk = Desk::serving(Config::default(), &AccessConfig { unencrypted, ..AccessConfig::default() });
        desk.bench.gateway.let_others_in();
        desk.bench.gateway.without_encryption();
        desk.give("a.pdf", "texte");
        desk.ask(among("$4:h", "!clair:h", true)).await;
        assert_eq!(desk.documents(&main_line("!clair:h")).await.len(), read, "{unencrypted}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_each_question_has_its_thread_a_file_waits_for_them_in_the_main_line() {
    let desk = Desk::new();
    desk.bench.gateway.let_others_in();
    let fil = Change::Settings(room(ROOM), vec![SettingsPatch::Answers(Answers::Thread)]);
    desk.bench.store().apply(&[fil], 0).await.expect("stored");
    desk.give("a.pdf", "Le budget est voté en décembre.");
    let among = |message: Incoming| Incoming { direct: false, mentions_me: true, ..message };
    desk.ask(among(file("$1:h", ROOM, "a.pdf", ""))).await;
    assert_eq!(desk.documents(&main_line(ROOM)).await.len(), 1);
    assert_eq!(desk.bench.gateway.thread_of("$1:h"), None);
    desk.ask(among(incoming("$2:h", ROOM, "Quand le budget est-il voté ?"))).await;
    let thread = desk.bench.gateway.thread_of("$2:h");
    assert_eq!(thread.as_ref().map(|root| root.as_str()), Some("$2:h"));
    assert!(desk.last_given().contains("voté en décembre"), "{}", desk.last_given());
    // And in the thread, where it is gone on from.
    desk.ask(among(Incoming { thread, ..incoming("$3:h", ROOM, "Le budget est-il voté ?") })).await;
    assert!(desk.last_given().contains("voté en décembre"), "{}", desk.last_given());
    // What comes with a question is its thread's.
    desk.ask(among(file("$4:h", ROOM, "a.pdf", "Que dit-il ?"))).await;
    let thread = ConversationId { room_id: room(ROOM), thread: "$4:h".try_into().ok() };
    assert_eq!(desk.documents(&Partition::Conversation(thread)).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_have_put_into_their_conversation_is_not_for_those_who_come_in_and_what_comes_then_is() {
    for asked in [false, true] {
        let desk = Desk::new();
        desk.bench.store().apply(&[Change::Informed(ben())], 0).await.expect("stored");
        for (name, text) in [
            ("secret.pdf", "Le budget est secret."),
            ("ouvert.pdf", "Le budget est ouvert."),
            ("autre.pdf", "Autre budget."),
        ] {
            desk.give(name, text);
        }
        let before = |message: Incoming| Incoming { sent_at: now() - 60_000, ..message };
        desk.ask(before(file("$1:h", ROOM, "secret.pdf", if asked { "Que dit-il ?" } else { "" }))).await;
        desk.bench.gateway.let_others_in();
        let by_ben = |message: Incoming| Incoming { sender: ben(), direct: false, mentions_me: true, ..message };
        desk.ask(by_ben(file("$2:h", ROOM, "ouvert.pdf", ""))).await;
        desk.ask(by_ben(file("$3:h", ROOM, "autre.pdf", "Comment est le budget ?"))).await;
        let given = desk.last_given();
        assert!(!given.contains("secret") && given.contains("Autre budget"), "asked {asked}: {given}");
        desk.ask(by_ben(incoming("$4:h", ROOM, "Comment est donc le budget ?"))).await;
        let given = desk.last_given();
        assert!(!given.contains("secret") && given.contains("est ouvert"), "asked {asked}: {given}");
        desk.ask(Incoming { direct: false, ..incoming("$5:h", ROOM, "!documents") }).await;
        let list = desk.notice("$5:h");
        assert!(
            !list.contains("secret") && list.contains("ouvert.pdf") && list.contains("autre.pdf"),
            "{asked}: {list}"
        );
        let kept = desk.documents(&main_line(ROOM)).await;
        let names: Vec<&str> = kept.iter().map(|document| document.title.as_str()).collect();
        assert_eq!(names, ["ouvert.pdf", "autre.pdf"], "{asked}");
        let opened = Text::Opened.say(Language::Fr);
        let said = ["$3:h", "$4:h"].map(|event| desk.said(event).expect("an answer").1.contains(&*opened));
        assert_eq!(said, [true, false], "said once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_is_said_even_where_the_next_file_does_not_say_it() {
    let desk = Desk::new();
    desk.give("a.pdf", "un");
    desk.give("b.pdf", "deux");
    // The second one is refused at its turn: it is too old.
    let late = Incoming { sent_at: 1, ..file("$2:h", ROOM, "b.pdf", "") };
    let held = desk.bench.gateway.hold_downloads();
    desk.bench.ask(vec![file("$1:h", ROOM, "a.pdf", ""), late]);
    drop(held);
    desk.bench.rest().await;
    assert!(!desk.notice("$2:h").contains("a.pdf"), "{}", desk.notice("$2:h"));
    assert_eq!(desk.notice("$1:h"), say(Documents::Read(vec![read("a.pdf", 1)])));
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_listed_added_moved_and_removed_by_who_may() {
    let desk = Desk::new();
    let gateway = &desk.bench.gateway;
    gateway.let_others_in();
    gateway.set_level(&ben(), 0);
    desk.bench.store().apply(&[Change::Informed(ben())], 0).await.expect("stored");
    let of = |sender: OwnedUserId, event: &str, body: &str| Incoming {
        direct: false,
        mentions_me: true,
        sender,
        ..incoming(event, ROOM, body)
    };
    desk.ask(of(awa(), "$0:h", "!documents")).await;
    assert_eq!(desk.notice("$0:h"), say(Documents::Nothing));
    // As a reply to a colleague's file, for the room.
    desk.give("plan.pdf", "Le plan.");
    let sent = RoomMessage {
        file: Some("plan.pdf".to_owned()),
        media: Some(media("plan.pdf", "")),
        ..room_message("$f:h", &ben(), "")
    };
    gateway.write(&room(ROOM), None, sent);
    let reply = |message: Incoming| Incoming { replies_to: "$f:h".try_into().ok(), ..message };
    desk.ask(reply(of(ben(), "$1:h", "!documents ajouter salon"))).await;
    assert_eq!(desk.notice("$1:h"), Text::NeedsAdministrator.say(Language::Fr));
    desk.ask(of(awa(), "$2:h", "!documents ajouter salon")).await;
    assert_eq!(desk.notice("$2:h"), say(Documents::NoFile));
    desk.ask(reply(of(awa(), "$3:h", "!documents ajouter salon"))).await;
    assert_eq!(desk.notice("$3:h"), say(Documents::Added { name: "plan.pdf".to_owned(), shelf: Shelf::Room }));
    assert_eq!(desk.documents(&Partition::Room(room(ROOM))).await.len(), 1);
    desk.ask(reply(of(awa(), "$4:h", "!documents ajouter catalogue"))).await;
    assert_eq!(desk.notice("$4:h"), Text::NeedsInstanceAdministrator.say(Language::Fr));
    desk.ask(reply(of(awa(), "$5:h", "!documents ajouter moi"))).await;
    assert_eq!(desk.notice("$5:h"), Text::OnlyInPrivate.say(Language::Fr));
    // Ben's own file in the conversation.
    desk.give("note.pdf", "La note.");
    let own = Incoming { direct: false, mentions_me: true, sender: ben(), ..file("$6:h", ROOM, "note.pdf", "") };
    desk.ask(own).await;
    desk.ask(of(ben(), "$7:h", "!documents")).await;
    let list = desk.notice("$7:h");
    let number = |name: &str| {
        let line = list.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{list}"));
        line.split('`').nth(1).expect("a number").to_owned()
    };
    let (plan, note) = (number(" plan.pdf, 1 page *(ben, "), number(" note.pdf, 1 page *(ben, "));
    let ask = async |sender: OwnedUserId, event: &str, command: String| {
        desk.ask(of(sender, event, &command)).await;
        desk.notice(event)
    };
    let refused = Text::NeedsAdministrator.say(Language::Fr);
    assert_eq!(ask(ben(), "$8:h", format!("!documents retirer {plan}")).await, refused);
    assert_eq!(ask(ben(), "$9:h", format!("!documents portée {note} salon")).await, refused);
    ask(awa(), "$10:h", format!("!documents portée {note} salon")).await;
    assert_eq!(desk.documents(&Partition::Room(room(ROOM))).await.len(), 2);
    ask(awa(), "$11:h", format!("!documents portée {note} conversation")).await;
    // The numbers stay those of the list, whatever has gone since.
    assert_eq!(
        ask(awa(), "$12:h", format!("!documents retirer {plan}")).await,
        say(Documents::Removed { name: "plan.pdf".to_owned() })
    );
    assert_eq!(desk.documents(&Partition::Room(room(ROOM))).await, []);
    let gone = plan.parse().expect("a number");
    assert_eq!(
        ask(awa(), "$13:h", format!("!documents retirer {plan}")).await,
        say(Documents::NoSuch { number: gone })
    );
    // From a device that nobody vouches for, nothing that is the room's or somebody else's.
    gateway.sign_devices(false);
    desk.ask(reply(of(awa(), "$14:h", "!documents ajouter salon"))).await;
    let unverified = Text::UnverifiedDevice.say(Language::Fr);
    assert_eq!(desk.notice("$14:h"), unverified);
    assert_eq!(ask(awa(), "$15:h", format!("!documents retirer {note}")).await, unverified);
    assert_eq!(
        ask(ben(), "$16:h", format!("!documents retirer {note}")).await,
        say(Documents::Removed { name: "note.pdf".to_owned() })
    );
    let audit = desk.bench.store().audit(20).await.expect("readable");
    let actions: Vec<_> = audit.iter().map(|entry| entry.action.as_str()).collect();
    for action in ["document.add.room", "document.scope.room", "document.remove.room"] {
        assert!(actions.contains(&action), "{actions:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compagnon_and_the_catalogue_are_kept_by_the_administrators_of_the_instance() {
    let config = Config { administrators: vec![awa()].into_iter().collect(), ..Config::default() };
    let desk = Desk::with(config);
    for (number, to) in ["compagnon", "catalogue", "moi"].into_iter().enumerate() {
        let name = format!("{to}.pdf");
        desk.give(&name, "texte");
        let caption = format!("!documents ajouter {to}");
        desk.ask(file(&format!("${number}:h"), ROOM, &name, &caption)).await;
        assert!(desk.notice(&format!("${number}:h")).starts_with(&name), "{}", desk.notice(&format!("${number}:h")));
    }
    assert_eq!(desk.documents(&Partition::Compagnon("temoin".to_owned())).await.len(), 1);
    assert_eq!(desk.documents(&Partition::Catalogue).await.len(), 1);
    assert_eq!(desk.documents(&Partition::Person(awa())).await.len(), 1);
    assert_eq!(desk.documents(&main_line(ROOM)).await, []);
    // In clear the name on a message is the homeserver's word.
    let clear = file("$8:h", ROOM, "catalogue.pdf", "!documents ajouter compagnon");
    desk.ask(Incoming { megolm_session: None, ..clear }).await;
    assert_eq!(desk.notice("$8:h"), Text::NeedsEncryption.say(Language::Fr));
    desk.ask(Incoming { sender: ben(), ..file("$9:h", "!b:h", "catalogue.pdf", "!documents ajouter compagnon") }).await;
    assert_eq!(desk.notice("$9:h"), Text::NeedsInstanceAdministrator.say(Language::Fr));
}

/// Documents of each kind in fifty rooms with three people each: everybody is listed what they may use, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_crosses_in_fifty_rooms() {
    const ROOMS: usize = 50;
    let desk = Desk::new();
    desk.bench.gateway.let_others_in();
    let person = |number: usize| OwnedUserId::try_from(format!("@p{number}:h")).expect("a user");
    let place = |number: usize| room(&format!("!r{number}:h"));
    let private = |number: usize| room(&format!("!private{number}:h"));
    let mut informed = Vec::new();
    for number in 0..ROOMS {
        desk.bench.gateway.keep_private(&private(number));
        informed.push(Change::Informed(person(number)));
    }
    desk.bench.store().apply(&informed, 0).await.expect("stored");
    let put = |partition: Partition, room_id: OwnedRoomId, number: usize, canary: String| {
        let origin = Origin {
            room_id,
            event_id: format!("$origin-{canary}:h").try_into().expect("an id"),
            sender: person(number),
            sent_at: 1_000,
        };
        NewDocument {
            partition,
            title: canary,
            format: "pdf".to_owned(),
            pages: Some(1),
            origin: Some(origin),
            link: None,
            passages: vec![Passage {
                ordinal: 0,
                place: Place::Page(1),
                headings: Vec::new(),
                text: "texte".to_owned(),
            }],
            vectors: None,
        }
    };
    let thread =
        |number: usize| ConversationId { room_id: place(number), thread: format!("$t{number}:h").try_into().ok() };
    for number in 0..ROOMS {
        for document in [
            put(main_line(place(number).as_str()), place(number), number, format!("conversation-{number}.pdf")),
            put(Partition::Conversation(thread(number)), place(number), number, format!("fil-{number}.pdf")),
            put(Partition::Room(place(number)), place(number), number, format!("salon-{number}.pdf")),
            put(Partition::Person(person(number)), private(number), number, format!("moi-{number}.pdf")),
        ] {
            desk.bench.store().put_document(document, now()).await.expect("stored");
        }
    }
    let for_all = put(Partition::Catalogue, place(0), 0, "tous.pdf".to_owned());
    desk.bench.store().put_document(for_all, now()).await.expect("stored");
    let mut expected = Vec::new();
    let mut questions = Vec::new();
    for number in 0..ROOMS {
        for who in 0..3 {
            let sender = person((number + who * 7) % ROOMS);
            let event = format!("$q{number}-{who}:h");
            let asked = Incoming {
                direct: false,
                mentions_me: true,
                sender: sender.clone(),
                ..incoming(&event, place(number).as_str(), "!documents")
            };
            expected.push((event, vec![format!("conversation-{number}"), format!("salon-{number}")]));
            let event = format!("$f{number}-{who}:h");
            let in_thread = Incoming {
                thread: thread(number).thread,
                event_id: event.as_str().try_into().expect("an id"),
                ..asked.clone()
            };
            expected.push((event, vec![format!("fil-{number}"), format!("salon-{number}")]));
            questions.extend([asked, in_thread]);
        }
        let event = format!("$m{number}:h");
        let alone = Incoming { sender: person(number), ..incoming(&event, private(number).as_str(), "!documents") };
        expected.push((event, vec![format!("moi-{number}")]));
        questions.push(alone);
    }
    // A few at a time: of one person no more notices wait than a handful.
    for questions in questions.chunks(40) {
        desk.bench.ask(questions.to_vec());
        desk.bench.rest().await;
    }
    let shown = desk.bench.gateway.shown();
    for (event, mine) in expected {
        let said =
            shown.iter().find(|shown| shown.question == event).map(|shown| shown.text.clone()).unwrap_or_default();
        let mut listed: Vec<String> =
            said.split_whitespace().filter_map(|word| word.strip_suffix(".pdf,")).map(str::to_owned).collect();
        listed.sort_unstable();
        let mut mine = [mine, vec!["tous".to_owned()]].concat();
        mine.sort_unstable();
        assert_eq!(listed, mine, "{event}: {said}");
    }
}
