//! What people change their minds about: edits, redactions, stops; and how they are received: first contact, limits, open rooms.

use std::{sync::Arc, time::Instant};

use ruma::{OwnedEventId, owned_user_id};
use tokio::sync::Semaphore;

use super::{
    Config,
    clock::now,
    config::{Limits, Rate},
    courier::{RateBudget, STOCK_BURST, STOCK_PER_SECOND},
    fakes::{FakeGateway, FakeModel, incoming},
    tests::{Bench, assistant, block, texts, until},
    texts::{Language, Text},
};
use crate::{
    matrix::Batch,
    message::{Content, Edit, Incoming, MessageKind, Reaction, Redaction},
    store::Change,
};

/// A bench whose answers wait for permits.
pub(super) fn gated(folder: &std::path::Path) -> (Bench, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let model = FakeModel { gate: Some(Arc::clone(&gate)), ..FakeModel::default() };
    (assistant(folder, &Arc::<FakeGateway>::default(), model, Config::default()), gate)
}

pub(super) fn id(event: &str) -> OwnedEventId {
    event.try_into().expect("an event id")
}

pub(super) fn edit(event: &str, replaces: &str, body: &str) -> Batch {
    let edit = Edit {
        room_id: "!a:h".try_into().expect("a room id"),
        event_id: id(event),
        replaces: id(replaces),
        sender: owned_user_id!("@awa:h"),
        sent_at: 0,
        body: body.to_owned(),
        mentions_me: None,
        direct: false,
        without_call: None,
    };
    Batch { edits: vec![edit], ..Batch::default() }
}

pub(super) fn redaction(event: &str) -> Batch {
    let redaction = Redaction { room_id: "!a:h".try_into().expect("a room id"), redacts: id(event) };
    Batch { redactions: vec![redaction], ..Batch::default() }
}

/// Waits until the room shows something for a question.
pub(super) async fn shown(bench: &Bench, question: &str) -> OwnedEventId {
    until(|| bench.gateway.message_of(question).is_some()).await;
    bench.gateway.message_of(question).expect("it was there a moment ago")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_question_is_answered_again_in_the_same_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    bench.ask(vec![incoming("$1:h", "!a:h", "un"), incoming("$2:h", "!a:h", "deux")]);
    bench.rest().await;
    let first = bench.gateway.message_of("$1:h");
    for _ in 0..2 {
        bench.accept(edit("$e:h", "$1:h", "uno"));
        bench.rest().await;
    }
    assert_eq!(bench.gateway.message_of("$1:h"), first);
    let answers = bench.gateway.shown();
    assert_eq!(texts(&answers), ["2: uno", "4: deux"]);
    // Its place in the conversation is the old one, and the old text is gone.
    let turns = bench.store().turns(&incoming("$1:h", "!a:h", "").conversation()).await.expect("readable");
    let said: Vec<&str> = turns.iter().map(|turn| turn.content.as_str()).collect();
    assert_eq!(said, ["uno", "2: uno", "deux", "4: deux"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_edited_while_it_is_answered_is_answered_from_its_new_text_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, gate) = gated(folder.path());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    let draft = shown(&bench, "$1:h").await;
    bench.accept(edit("$e:h", "$1:h", "uno"));
    gate.add_permits(2);
    bench.rest().await;
    assert_eq!(bench.gateway.message_of("$1:h"), Some(draft));
    assert_eq!(texts(&bench.settle().await), ["2: uno"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_edit_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    bench.rest().await;
    let mut batch = edit("$e:h", "$1:h", "uno");
    batch.edits[0].sender = owned_user_id!("@ben:h");
    bench.accept(batch);
    assert_eq!(texts(&bench.settle().await), ["2: un"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_taken_back_leaves_neither_answer_nor_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, gate) = gated(folder.path());
    let conversation = incoming("$1:h", "!a:h", "").conversation();
    // While it is answered, with a draft in the room.
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    shown(&bench, "$1:h").await;
    bench.accept(redaction("$1:h"));
    gate.add_permits(10);
    bench.rest().await;
    assert_eq!(bench.gateway.shown(), []);
    // After the answer.
    bench.ask(vec![incoming("$2:h", "!a:h", "deux"), incoming("$3:h", "!a:h", "trois")]);
    bench.rest().await;
    bench.accept(redaction("$2:h"));
    bench.rest().await;
    assert_eq!(texts(&bench.gateway.shown()), ["4: trois"]);
    let turns = bench.store().turns(&conversation).await.expect("readable");
    assert!(turns.iter().all(|turn| turn.event_id == id("$3:h")), "{turns:?}");
    assert!(bench.store().withdrawals().await.expect("readable").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_nobody_knows_to_be_there_goes_with_its_question() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, gate) = gated(folder.path());
    *bench.gateway.losses.lock().expect("not poisoned") = 1;
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    shown(&bench, "$1:h").await;
    until(|| *bench.gateway.losses.lock().expect("not poisoned") == 0).await;
    bench.accept(redaction("$1:h"));
    gate.add_permits(10);
    bench.rest().await;
    assert_eq!(bench.gateway.shown(), []);
    assert!(bench.assistant.intake.courier.unconfirmed.take(&id("$1:h")).is_empty(), "it is kept for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_the_answer_where_it_is_and_drops_what_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, _gate) = gated(folder.path());
    bench.ask(vec![incoming("$1:h", "!a:h", "un"), incoming("$2:h", "!a:h", "deux")]);
    shown(&bench, "$1:h").await;
    bench.ask(vec![incoming("$3:h", "!a:h", "stop")]);
    let answers = bench.settle().await;
    assert!(answers.iter().all(|shown| shown.question != id("$2:h")), "{answers:?}");
    let stopped = answers.iter().find(|shown| shown.question == id("$1:h")).expect("what was written");
    assert!(
        stopped.complete && stopped.text.starts_with("2:") && stopped.text.contains(&*Text::Stopped.say(Language::Fr))
    );
    let notice = answers.iter().find(|shown| shown.question == id("$3:h")).expect("an answer");
    assert_eq!(notice.text, Text::Stopping { dropped: 1 }.say(Language::Fr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_sign_stops_for_the_asker_and_for_administrators_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, gate) = gated(folder.path());
    bench.gateway.set_level(&owned_user_id!("@ben:h"), 0);
    let react = |person: &str, target: &OwnedEventId, key: &str| Batch {
        reactions: vec![Reaction {
            room_id: "!a:h".try_into().expect("a room id"),
            event_id: "$r:h".try_into().expect("an id"),
            sender: person.try_into().expect("a user id"),
            target: target.clone(),
            key: key.to_owned(),
        }],
        ..Batch::default()
    };
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    let draft = shown(&bench, "$1:h").await;
    bench.accept(react("@ben:h", &draft, "🛑"));
    bench.accept(react("@awa:h", &draft, "👍"));
    gate.add_permits(1);
    bench.rest().await;
    assert_eq!(texts(&bench.gateway.shown()), ["2: un"]);
    for (question, person) in [("$2:h", "@awa:h"), ("$3:h", "@chief:h")] {
        bench.ask(vec![incoming(question, "!a:h", "deux")]);
        let draft = shown(&bench, question).await;
        bench.accept(react(person, &draft, "🛑\u{fe0f}"));
        bench.rest().await;
        let stopped = bench.gateway.shown().pop().expect("an answer");
        assert!(stopped.text.contains(&*Text::Stopped.say(Language::Fr)), "{stopped:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_sign_put_on_while_the_bot_was_down_is_obeyed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, _gate) = gated(folder.path());
    bench.ask(vec![
        incoming("$1:h", "!a:h", "un"),
        incoming("$2:h", "!a:h", "deux"),
        incoming("$3:h", "!a:h", "trois"),
    ]);
    let draft = shown(&bench, "$1:h").await;
    bench.assistant.shut_down(std::time::Duration::ZERO).await;
    let gateway = Arc::clone(&bench.gateway);
    drop(bench);
    let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
    let react = |person: &str, target: &OwnedEventId| Batch {
        reactions: vec![Reaction {
            room_id: "!a:h".try_into().expect("a room id"),
            event_id: "$r:h".try_into().expect("an id"),
            sender: person.try_into().expect("a user id"),
            target: target.clone(),
            key: "🛑".to_owned(),
        }],
        ..Batch::default()
    };
    bench.gateway.set_level(&owned_user_id!("@ben:h"), 0);
    // On the draft, on a question that waits, and by somebody who may not.
    for reaction in [react("@awa:h", &draft), react("@awa:h", &id("$2:h")), react("@ben:h", &id("$3:h"))] {
        bench.accept(reaction);
        bench.rest().await;
    }
    bench.assistant.resume().await.expect("resumed");
    let answers = bench.settle().await;
    let text = Text::Stopped.say(Language::Fr);
    assert_eq!(answers.len(), 2, "{answers:?}");
    assert!(answers[0].text == text && answers[0].complete, "{answers:?}");
    assert!(answers[1].question == id("$3:h") && answers[1].complete, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_answer_is_written_again_in_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    bench.rest().await;
    let (first, requests) = (bench.gateway.message_of("$1:h"), bench.gateway.requests());
    bench.ask(vec![incoming("$2:h", "!a:h", "refaire")]);
    bench.rest().await;
    assert_eq!(bench.gateway.message_of("$1:h"), first);
    assert_eq!(texts(&bench.gateway.shown()), ["2: un", &Text::Redoing.say(Language::Fr)]);
    assert!(bench.gateway.requests() >= requests + 2, "the notice, and the answer anew");
    bench.ask(vec![Incoming { sender: owned_user_id!("@ben:h"), ..incoming("$3:h", "!a:h", "refaire") }]);
    let shown = bench.settle().await;
    assert_eq!(shown.last().expect("a notice").text, Text::NothingToRedo.say(Language::Fr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_and_a_newcomer_are_told_once_what_the_bot_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    let joined = |event: &str| Incoming { content: Content::Joined, direct: false, ..incoming(event, "!a:h", "") };
    bench.ask(vec![joined("$j:h")]);
    bench.ask(vec![joined("$k:h")]);
    bench.rest().await;
    let welcome = bench.gateway.shown();
    assert_eq!(welcome.len(), 1, "{welcome:?}");
    assert!(welcome[0].kind == MessageKind::Notice && welcome[0].text.contains("une intelligence artificielle"));

    // Within sight of it, a newcomer is told nothing more; where there was none, the notice comes before the answer, once.
    let newcomer = |event: &str, room: &str, person: &str| Incoming {
        sender: person.try_into().expect("a user id"),
        direct: false,
        mentions_me: true,
        ..incoming(event, room, "Question")
    };
    for (event, room) in [("$1:h", "!a:h"), ("$2:h", "!b:h")] {
        bench.ask(vec![newcomer(event, room, "@ben:h")]);
        bench.rest().await;
    }
    assert_eq!(bench.gateway.shown().iter().filter(|shown| shown.kind == MessageKind::Notice).count(), 1);
    bench.ask(vec![newcomer("$3:h", "!b:h", "@cid:h"), newcomer("$4:h", "!b:h", "@cid:h")]);
    let shown = bench.settle().await;
    let notices: Vec<_> = shown.iter().filter(|shown| shown.kind == MessageKind::Notice).collect();
    assert_eq!(notices.len(), 2, "{shown:?}");
    assert!(notices[1].text.starts_with("Bonjour. Je suis") && notices[1].question == id("$3:h"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flooder_is_refused_once_aloud_and_a_known_bot_not_heard() {
    let folder = tempfile::tempdir().expect("a folder");
    let bot = owned_user_id!("@autre-bot:h");
    let limits = Limits { person: Rate::of(2, 60), bots: vec![bot.clone()], ..Limits::default() };
    let config = Config { limits, ..Config::default() };
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), config);
    bench.ask((0..6).map(|n| incoming(&format!("${n}:h"), "!a:h", "un")).collect());
    bench.ask(vec![Incoming { sender: bot, ..incoming("$b:h", "!a:h", "un") }]);
    let shown = bench.settle().await;
    let refused: Vec<_> = shown.iter().filter(|shown| shown.kind == MessageKind::Notice).collect();
    assert_eq!((shown.len(), refused.len()), (3, 1), "{shown:?}");
    assert!(
        refused[0].text.contains("question dans une minute") || refused[0].text.contains("secondes"),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_stops_are_obeyed_and_hold_up_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, gate) = gated(folder.path());
    *bench.assistant.intake.commands.homeserver.budget() =
        RateBudget::new(STOCK_PER_SECOND, STOCK_BURST, Instant::now());
    bench.store().apply(&[Change::Informed(owned_user_id!("@ben:h"))], 0).await.expect("stored");
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    shown(&bench, "$1:h").await;
    bench.ask((0..60).map(|n| incoming(&format!("$s{n}:h"), "!a:h", "!stop")).collect());
    // With stock limits for the bot's messages; it is the first that stops.
    let stopped = || bench.gateway.shown().iter().any(|shown| shown.question == id("$1:h") && shown.complete);
    while !stopped() {
        tokio::task::yield_now().await;
    }
    // One that comes when all limits are used up is obeyed as well.
    bench.ask(vec![Incoming { sender: owned_user_id!("@awa:h"), ..incoming("$2:h", "!a:h", "deux") }]);
    bench.ask(vec![Incoming { sender: owned_user_id!("@ben:h"), ..incoming("$3:h", "!b:h", "trois") }]);
    gate.add_permits(10);
    let answered = || bench.gateway.shown().iter().any(|shown| shown.question == id("$3:h") && shown.complete);
    while !answered() {
        tokio::task::yield_now().await;
    }
    let notices = bench.gateway.shown().iter().filter(|shown| shown.kind == MessageKind::Notice).count();
    assert!((1..=6).contains(&notices), "{notices} notices before the other's answer");
    let waits = |queued: &crate::store::Queued| queued.question.text().contains("stop");
    while bench.store().queued().await.expect("readable").iter().any(waits) {
        tokio::task::yield_now().await;
    }
    bench.assistant.shut_down(std::time::Duration::ZERO).await;
    let waiting = bench.store().undelivered().await.expect("readable").len();
    assert!(waiting <= 6, "{waiting} wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_shows_nothing_does_not_reach_the_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = FakeModel::default();
    let asked = Arc::clone(&model.systems);
    let bench = assistant(folder.path(), &Arc::default(), model, Config::default());
    bench.ask(
        ["\u{200b}", "\u{feff}", "\u{202e}", "\u{200b} \u{feff}"]
            .iter()
            .enumerate()
            .map(|(n, body)| incoming(&format!("${n}:h"), "!a:h", body))
            .collect(),
    );
    let shown = bench.settle().await;
    assert_eq!(texts(&shown), [(); 4].map(|()| Text::NoQuestion.say(Language::Fr)));
    assert!(asked.lock().expect("not poisoned").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_is_thrown_out_and_invited_again_and_again_introduces_itself_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    for number in 0..10 {
        let joined = incoming(&format!("$j{number}:h"), "!a:h", "");
        let room = joined.room_id.clone();
        bench.ask(vec![Incoming { content: Content::Joined, direct: false, ..joined }]);
        bench.rest().await;
        bench.accept(Batch { left: vec![room], ..Batch::default() });
        bench.rest().await;
    }
    assert_eq!(bench.gateway.shown().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_room_open_to_outsiders_nothing_is_answered_but_that() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    bench.gateway.open_rooms();
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    assert_eq!(texts(&bench.settle().await), [Text::RefusedOpenRoom.say(Language::Fr)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_long_is_told_the_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { question: 10, ..Limits::default() };
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config { limits, ..Config::default() });
    bench.ask(vec![incoming("$1:h", "!a:h", "un message trop long")]);
    assert_eq!(texts(&bench.settle().await), [Text::QuestionTooLong { limit: 10 }.say(Language::Fr)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_room_has_its_own_retention_within_the_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    bench.ask(vec![
        incoming("$1:h", "!a:h", "conservation 1h"),
        incoming("$2:h", "!a:h", "un"),
        incoming("$3:h", "!b:h", "deux"),
    ]);
    bench.rest().await;
    let store = &bench.store();
    let keep = crate::store::Retention {
        dedup: u64::MAX,
        turns: 7 * 24 * 3_600_000,
        turns_at_most: u64::MAX,
        undecrypted: u64::MAX,
        audit: u64::MAX,
        memory: u64::MAX,
        withdrawable: u64::MAX,
        compagnons: u64::MAX,
    };
    store.purge(now() + 2 * 3_600_000, &keep).await.expect("purged");
    let left = |room: &str| block(store.turns(&incoming("$x:h", room, "").conversation())).expect("readable").len();
    assert_eq!((left("!a:h"), left("!b:h")), (0, 2));
    store.apply(&[Change::ForgetTurns("!b:h".try_into().expect("a room id"))], now()).await.expect("stored");
    assert_eq!(left("!b:h"), 0);
}
