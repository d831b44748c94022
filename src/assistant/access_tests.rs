//! Who is served, on each of the paths that lead to an answer; and what an administrator's device must prove.

use std::sync::Arc;

use ruma::{OwnedUserId, owned_user_id};

use super::{
    Config,
    clock::now,
    config::Limits,
    fakes::{FakeGateway, FakeModel, incoming},
    tests::{Bench, admitted, assistant, assistant_for, texts},
    texts::{Language, Text},
};
use crate::{
    matrix::{Batch, config::AccessConfig},
    message::{Edit, Incoming, Reaction, Undecrypted},
    store::{Admitted, Change, QueuedKind},
};

fn awa() -> OwnedUserId {
    owned_user_id!("@awa:h")
}

fn stranger() -> OwnedUserId {
    owned_user_id!("@x:elsewhere")
}

/// Served: these people, and nobody else.
fn bench(folder: &tempfile::TempDir, gateway: &Arc<FakeGateway>, people: &[&str]) -> Bench {
    let users = people.iter().map(|user| (*user).to_owned()).collect();
    let access = AccessConfig { servers: vec!["nobody".to_owned()], users, ..AccessConfig::default() };
    assistant_for(folder.path(), gateway, FakeModel::default(), Config::default(), &access)
}

fn by(sender: OwnedUserId, message: Incoming) -> Incoming {
    Incoming { sender, ..message }
}

fn edit(event: &str, of: &Incoming, sender: OwnedUserId) -> Edit {
    Edit {
        room_id: of.room_id.clone(),
        event_id: event.try_into().expect("an event id"),
        replaces: of.event_id.clone(),
        sender,
        sent_at: 1,
        body: "autre".to_owned(),
        mentions_me: None,
        direct: false,
        without_call: None,
    }
}

fn undecrypted(event: &str, sender: OwnedUserId) -> Undecrypted {
    Undecrypted {
        room_id: "!a:h".try_into().expect("a room id"),
        event_id: event.try_into().expect("an event id"),
        sender: Some(sender),
        session_id: Some("megolm".to_owned()),
        sent_at: now(),
        raw: String::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_access_is_told_so_once_whatever_they_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = bench(&folder, &Arc::default(), &["@awa:h"]);
    let question = incoming("$1:h", "!a:h", "Bonjour");
    bench.ask(vec![question.clone(), by(stranger(), incoming("$2:h", "!a:h", "Zorglubine"))]);
    bench.rest().await;
    let shown = bench.gateway.shown();
    let mut said = texts(&shown);
    said.sort_unstable();
    assert_eq!(said, ["2: Bonjour", &*Text::NotServed.say(Language::Fr)]);
    // What they wrote is nowhere: the exchange that the store remembers for a redaction holds none of it.
    let kept = bench.store().personal(&stranger()).await.expect("readable");
    assert!(!format!("{kept:?}").contains("Zorglubine"));

    // In a thread of the bot's, by a late key, in a direct conversation, as a command.
    let thread = Some(question.event_id.clone());
    let threaded = Incoming { thread, direct: false, mentions_me: true, ..incoming("$3:h", "!a:h", "fil") };
    bench.ask(vec![by(stranger(), threaded), by(stranger(), incoming("$4:h", "!a:h", "!aide"))]);
    let late = by(stranger(), incoming("$5:h", "!dm:h", "tard"));
    let old = by(stranger(), question.clone());
    bench
        .assistant
        .accept_late(vec![late.clone()], vec![edit("$e1:h", &old, stranger())], Vec::new())
        .await
        .expect("accepted");
    bench.accept(Batch { edits: vec![edit("$e2:h", &old, stranger())], ..Batch::default() });
    let stop = Reaction {
        room_id: question.room_id.clone(),
        event_id: "$r:h".try_into().expect("an id"),
        sender: stranger(),
        target: question.event_id.clone(),
        key: "🛑".to_owned(),
    };
    bench.accept(Batch { reactions: vec![stop], ..Batch::default() });
    bench.accept(Batch {
        undecrypted: vec![undecrypted("$u1:h", stranger()), undecrypted("$u2:h", awa())],
        ..Batch::default()
    });
    bench.rest().await;
    assert_eq!(bench.gateway.shown(), shown);
    let waiting = bench.store().undecrypted().await.expect("readable");
    assert_eq!(
        waiting,
        [undecrypted("$u2:h", awa())].map(|event| Undecrypted { sent_at: waiting[0].sent_at, ..event })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_access_is_told_in_each_room_through_restarts_and_programs_never_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Arc::<FakeGateway>::default();
    let robot = owned_user_id!("@bot:elsewhere");
    let open = || {
        let limits = Limits { bots: vec![robot.clone()], ..Limits::default() };
        let access = AccessConfig { servers: vec!["nobody".to_owned()], ..AccessConfig::default() };
        let config = Config { limits, ..Config::default() };
        assistant_for(folder.path(), &gateway, FakeModel::default(), config, &access)
    };
    let salon =
        |event: &str, room: &str| Incoming { direct: false, ..by(stranger(), incoming(event, room, "Bonjour")) };
    {
        let before = open();
        // Among colleagues; then mentioned, in two rooms; then by a program.
        before.ask(vec![salon("$1:h", "!a:h")]);
        before.rest().await;
        assert!(gateway.shown().is_empty(), "{:?}", gateway.shown());
        before.ask(vec![
            Incoming { mentions_me: true, ..salon("$2:h", "!a:h") },
            Incoming { mentions_me: true, ..salon("$3:h", "!a:h") },
            Incoming { mentions_me: true, ..salon("$4:h", "!b:h") },
            Incoming { mentions_me: true, sender: robot.clone(), ..salon("$5:h", "!a:h") },
        ]);
        before.rest().await;
    }
    let after = open();
    after.assistant.resume().await.expect("readable");
    let said = gateway.shown();
    let own = gateway.message_of("$2:h").expect("a sentence");
    after.ask(vec![Incoming { replies_to: Some(own), ..salon("$6:h", "!a:h") }]);
    after.rest().await;
    let refused = Text::NotServed.say(Language::Fr);
    let mut answered: Vec<String> = said.iter().map(|shown| shown.question.to_string()).collect();
    answered.sort_unstable();
    assert_eq!(answered, ["$2:h", "$4:h"]);
    assert!(said.iter().all(|shown| shown.text == refused), "{said:?}");
    assert_eq!(gateway.shown(), said, "a reply to the sentence is no new reason");
    assert!(after.store().queued().await.expect("readable").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_to_be_told_over_a_kill_is_told_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Arc::<FakeGateway>::default();
    let question = by(stranger(), incoming("$1:h", "!a:h", "Bonjour"));
    let admitted = Admitted { message: question.clone(), kind: QueuedKind::NotServed };
    {
        let before = bench(&folder, &gateway, &["@awa:h"]);
        let accept = crate::store::Accept { questions: std::slice::from_ref(&admitted), ..Default::default() };
        before.store().accept(&accept, now()).await.expect("stored");
    }
    let after = bench(&folder, &gateway, &["@awa:h"]);
    after.assistant.resume().await.expect("readable");
    // The homeserver repeats the response that the kill has cut short.
    after.ask(vec![question]);
    after.rest().await;
    assert_eq!(texts(&gateway.shown()), [Text::NotServed.say(Language::Fr)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_taken_off_the_list_edits_an_old_question_and_is_not_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Arc::<FakeGateway>::default();
    let question = incoming("$1:h", "!a:h", "Bonjour");
    {
        let before = bench(&folder, &gateway, &["@awa:h"]);
        before.ask(vec![question.clone()]);
        before.rest().await;
    }
    let after = bench(&folder, &gateway, &["@ben:h"]);
    let shown = gateway.shown();
    assert_eq!(texts(&shown), ["2: Bonjour"]);
    after.accept(Batch { edits: vec![edit("$e1:h", &question, awa())], ..Batch::default() });
    after.assistant.accept_late(Vec::new(), vec![edit("$e2:h", &question, awa())], Vec::new()).await.expect("accepted");
    after.rest().await;
    assert_eq!(gateway.shown(), shown);
    assert!(after.store().queued().await.expect("readable").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_waited_over_a_restart_is_held_to_the_rules_of_its_turn() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Arc::<FakeGateway>::default();
    let question = incoming("$1:h", "!a:h", "Bonjour");
    {
        let before = bench(&folder, &gateway, &["@awa:h"]);
        let accept = crate::store::Accept { questions: &[admitted(&question)], ..Default::default() };
        before.store().accept(&accept, now()).await.expect("stored");
    }
    let after = bench(&folder, &gateway, &["@ben:h"]);
    after.assistant.resume().await.expect("readable");
    after.rest().await;
    assert!(gateway.shown().is_empty(), "{:?}", gateway.shown());
    assert!(after.store().queued().await.expect("readable").is_empty(), "it is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn administration_wants_a_device_that_its_owner_has_signed() {
    let folder = tempfile::tempdir().expect("a folder");
    // Nobody types here.
    let limits = Limits { loop_after: u32::MAX, ..Limits::default() };
    let config = Config { administrators: vec![awa()], limits, ..Config::default() };
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), config);
    let mut asked = 0;
    let mut say = async |body: &str, direct: bool, clear: bool| {
        asked += 1;
        let message = incoming(&format!("$q{asked}:h"), if direct { "!dm:h" } else { "!a:h" }, body);
        let megolm_session = message.megolm_session.clone().filter(|_| !clear);
        let question = message.event_id.clone();
        bench.ask(vec![Incoming { direct, mentions_me: true, megolm_session, ..message }]);
        bench.rest().await;
        bench.gateway.shown().into_iter().find(|shown| shown.question == question).expect("an answer").text
    };
    let fr = |text: Text<'static>| text.say(Language::Fr).into_owned();
    let (unverified, in_clear) = (fr(Text::UnverifiedDevice), fr(Text::NeedsEncryption));
    bench.gateway.sign_devices(false);
    for command in ["!réponses tout", "!compagnon temoin", "!oublier tout", "!journal"] {
        assert_eq!(say(command, false, false).await, unverified, "{command}");
    }
    assert_eq!(say("!journal", true, false).await, unverified);
    // What rests on nobody's power is done, and so is what concerns a conversation of two.
    for (command, direct) in [("!aide", false), ("!réponses", false), ("!compagnon temoin", true)] {
        assert_ne!(say(command, direct, false).await, unverified, "{command}");
    }
    // Without encryption the room's levels are the homeserver's word as well; the service is more than the room.
    assert_ne!(say("!réponses tout", false, true).await, unverified);
    assert_eq!(say("!journal", true, true).await, in_clear);
    // Nor does it count for what was made elsewhere.
    bench.gateway.sign_devices(true);
    say("!compagnon créer Marius\nTu es Marius.", true, false).await;
    assert_eq!(say("!compagnon supprimer marius", false, true).await, in_clear);
    assert_ne!(say("!compagnon supprimer marius", true, false).await, in_clear);
    // Verified meanwhile: the same command, sent again.
    for command in ["!réponses mention", "!compagnon temoin", "!oublier tout"] {
        assert_ne!(say(command, false, false).await, unverified, "{command}");
    }
    assert_ne!(say("!journal", true, false).await, unverified);
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_without_encryption_are_refused_where_the_configuration_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let access = AccessConfig { unencrypted: false, ..AccessConfig::default() };
    let bench = assistant_for(folder.path(), &Arc::default(), FakeModel::default(), Config::default(), &access);
    bench.ask(vec![incoming("$1:h", "!a:h", "Bonjour")]);
    bench.rest().await;
    bench.gateway.without_encryption();
    bench.store().apply(&[Change::Informed(awa())], now()).await.expect("stored");
    bench.ask(vec![incoming("$2:h", "!a:h", "Bonjour")]);
    bench.rest().await;
    let refused = Text::RefusedUnencrypted.say(Language::Fr);
    assert_eq!(texts(&bench.gateway.shown()), ["2: Bonjour", &*refused]);
}
