//! What a homeserver that answers wrongly, late or not at all may cost: a wait, never an answer.

use std::{sync::Arc, time::Duration};

use super::{
    Config,
    clock::now,
    fakes::{FakeGateway, FakeModel, incoming},
    tests::{admitted, assistant, texts},
    texts::{Language, Text},
};
use crate::{
    compagnon::{Answers, SettingsPatch},
    matrix::{Batch, SendError},
    message::{Content, Gap, Incoming, Item, MediaRef, Unread},
    store::{Accept, Answer, Change, Conclusion, Store},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_suspended_for_a_while_loses_no_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway: Arc<FakeGateway> = Arc::default();
    *gateway.refusals.lock().expect("not poisoned") = vec![SendError::Account("M_USER_SUSPENDED".to_owned())];
    let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
    bench.ask(vec![incoming("$1:h", "!a:h", "un")]);
    assert_eq!(texts(&bench.settle().await), ["2: un"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_that_they_are_no_administrator_by_a_server_that_does_not_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway: Arc<FakeGateway> = Arc::default();
    let bench = assistant(folder.path(), &gateway, FakeModel::default(), Config::default());
    let command = |event: &str| Incoming { direct: false, ..incoming(event, "!a:h", "!conservation 20 jours") };
    // Longer than a person waits for the answer to a command.
    *gateway.level_faults.lock().expect("not poisoned") = vec![SendError::Limited(Duration::from_mins(5))];
    bench.ask(vec![command("$1:h")]);
    bench.rest().await;
    assert_eq!(texts(&bench.gateway.shown()), [&*Text::NotChecked.say(Language::Fr)]);
    let room = "!a:h".try_into().expect("a room id");
    assert_eq!(bench.store().room_settings(room).await.expect("read").retention, None);
    // A single failure is not even noticed.
    *gateway.level_faults.lock().expect("not poisoned") = vec![SendError::Unreachable("a proxy's 404".to_owned())];
    bench.ask(vec![command("$2:h")]);
    bench.rest().await;
    assert!(bench.store().room_settings(room).await.expect("read").retention.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_a_week_old_is_not_sent_any_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("a store");
    let week = 7 * 24 * 3_600_000;
    let now = now();
    for (event, stored_at) in [("$1:h", now - week - 60_000), ("$2:h", now - week + 60_000)] {
        let question = incoming(event, "!a:h", "un");
        let batch = crate::store::Accept { questions: &[admitted(&question)], ..Default::default() };
        store.accept(&batch, stored_at).await.expect("accepted");
        let items = vec![Item::Markdown { text: format!("answer to {event}"), links: Vec::new(), sources: Vec::new() }];
        let answer = Answer { items, draft: None, again: None, shown: Vec::new(), lost: Vec::new(), unasked: false };
        let conclusion = Conclusion {
            question: &question,
            turns: Vec::new(),
            answer,
            changes: Vec::new(),
            usage: None,
            counted: None,
        };
        store.conclude(conclusion, stored_at).await.expect("stored").expect("a delivery");
    }
    drop(store);
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    bench.assistant.resume().await.expect("resumed");
    bench.rest().await;
    assert!(bench.store().undelivered().await.expect("read").is_empty());
    assert_eq!(texts(&bench.settle().await), ["answer to $2:h"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_may_wait_for_an_answer_are_told_once_that_messages_were_missed() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    let room = |event: &str, room: &str| Incoming { direct: false, mentions_me: true, ..incoming(event, room, "un") };
    bench.ask(vec![room("$1:h", "!talks:h")]);
    bench.rest().await;
    let missed = |event: &str, room: &str, direct: bool| Incoming {
        content: Content::Missed,
        direct,
        ..incoming(event, room, "")
    };
    for _ in 0..2 {
        bench.ask(vec![
            missed("$m1:h", "!talks:h", false),
            missed("$m2:h", "!silent:h", false),
            missed("$m3:h", "!direct:h", true),
        ]);
        bench.rest().await;
    }
    let told = Text::Missed.say(Language::Fr);
    let shown = bench.settle().await;
    let questions: Vec<&str> =
        shown.iter().filter(|shown| shown.text == told).map(|shown| shown.question.as_str()).collect();
    assert_eq!(shown.len(), 3, "{shown:?}");
    assert_eq!(questions.len(), 2);
    assert!(!questions.contains(&"$m2:h"), "nobody in that room has ever talked with the bot");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_kept_with_the_sync_that_left_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let gap = |from: &str| Gap {
        room_id: "!a:h".try_into().expect("a room id"),
        from: from.to_owned(),
        to: "s0".to_owned(),
        since: 1,
        pages: 0,
    };
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    bench.accept(Batch { gaps: vec![gap("t1")], ..Batch::default() });
    assert_eq!(bench.store().gaps().await.expect("read"), [gap("t1")]);
    bench.accept(Batch { closed: vec![gap("t1").room_id], ..Batch::default() });
    assert!(bench.store().gaps().await.expect("read").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_for_the_bot_is_answered_with_a_sentence_and_one_among_colleagues_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    let media = MediaRef {
        name: "note.zip".to_owned(),
        media_type: None,
        size: None,
        caption: String::new(),
        source: "\"mxc://h/x\"".to_owned(),
    };
    let attached = |event: &str, room: &str, direct: bool, mentions_me: bool| Incoming {
        content: Content::Attachment(Box::new(media.clone())),
        direct,
        mentions_me,
        ..incoming(event, room, "")
    };
    // In a room where all messages are answered, too.
    let patches = vec![SettingsPatch::Answers(Answers::All)];
    let all = Change::Settings("!all:h".try_into().expect("a room id"), patches);
    bench.store().apply(&[all], 0).await.expect("stored");
    bench.ask(vec![
        attached("$1:h", "!a:h", true, false),
        // The rest of a burst: said once.
        attached("$1b:h", "!a:h", true, false),
        Incoming { content: Content::Unreadable(Unread::Sticker), ..attached("$1c:h", "!a:h", true, false) },
        attached("$2:h", "!b:h", false, true),
        attached("$3:h", "!b:h", false, false),
        attached("$4:h", "!all:h", false, false),
    ]);
    let shown = bench.settle().await;
    let mut answered: Vec<_> = shown.iter().map(|shown| (shown.question.as_str(), shown.text.as_str())).collect();
    answered.sort_unstable();
    let sentence = Text::CannotRead(Unread::File).say(Language::Fr);
    assert_eq!(answered, [("$1:h", &*sentence), ("$2:h", &*sentence)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caption_is_answered_with_a_line_on_what_was_not_read_and_a_command_in_one_is_obeyed() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    let captioned = |event: &str, room: &str, media_type: &str, caption: &str| Incoming {
        content: Content::Attachment(Box::new(MediaRef {
            name: "a".to_owned(),
            media_type: Some(media_type.to_owned()),
            size: None,
            caption: caption.to_owned(),
            source: "\"mxc://h/x\"".to_owned(),
        })),
        ..incoming(event, room, "")
    };
    bench.ask(vec![
        captioned("$1:h", "!a:h", "image/png", "Que dit-elle ?"),
        // The line under that answer has said it.
        captioned("$2:h", "!a:h", "image/png", ""),
        captioned("$3:h", "!b:h", "audio/ogg", "!aide"),
    ]);
    bench.rest().await;
    let turns = bench.store().turns(&incoming("$1:h", "!a:h", "").conversation()).await.expect("readable");
    assert_eq!(turns[0].content, "Que dit-elle ?", "the note for the model is not kept");
    let shown = bench.settle().await;
    let said = |question: &str| shown.iter().find(|shown| shown.question == question).map(|shown| shown.text.clone());
    let answer = said("$1:h").expect("an answer");
    assert!(answer.contains("Vous ne pouvez pas la voir."), "the model is told: {answer}");
    assert!(answer.contains(&*Text::NotRead(Unread::Image).say(Language::Fr)), "{answer}");
    assert_eq!(said("$2:h"), None);
    assert!(said("$3:h").expect("a notice").contains("!oublier"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_restart_finds_of_a_burst_is_answered_with_one_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    let photo = |number: usize| {
        admitted(&Incoming {
            content: Content::Unreadable(Unread::Image),
            ..incoming(&format!("${number}:h"), "!a:h", "")
        })
    };
    // It was killed after it had written them down.
    let questions: Vec<_> = (0..5).map(photo).collect();
    let accept = Accept { questions: &questions, ..Accept::default() };
    bench.store().accept(&accept, now()).await.expect("stored");
    bench.assistant.resume().await.expect("resumed");
    bench.rest().await;
    assert!(bench.store().queued().await.expect("readable").is_empty());
    let shown = bench.settle().await;
    assert_eq!(shown.len(), 1, "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_that_cannot_be_read_has_its_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), Config::default());
    let kinds = [Unread::Sticker, Unread::Poll, Unread::Location, Unread::Recording];
    let questions = kinds.iter().enumerate().map(|(number, kind)| Incoming {
        content: Content::Unreadable(*kind),
        ..incoming(&format!("${number}:h"), &format!("!{number}:h"), "")
    });
    bench.ask(questions.collect());
    let shown = bench.settle().await;
    for (number, kind) in kinds.into_iter().enumerate() {
        let said = shown.iter().find(|shown| shown.question == format!("${number}:h")).expect("a sentence");
        assert_eq!(said.text, Text::CannotRead(kind).say(Language::Fr));
    }
}
