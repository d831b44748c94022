//! Whether answers are useful, from a reaction in a room to what is counted; and what is counted of a question's end.

use std::{collections::BTreeMap, sync::Arc};

use jiff::tz::TimeZone;
use ruma::{OwnedEventId, owned_user_id};

use super::{
    Config,
    care_tests::{gated, id, redaction, shown},
    clock::now,
    config::{Limits, Rate, Ratings},
    counting::day,
    fakes::{FakeModel, incoming},
    tests::{Bench, assistant},
    texts::{Language, Text},
};
use crate::{
    matrix::Batch,
    message::{Incoming, MessageKind, Reaction},
    statistics::{Activity, Counters, Crowd, Reason, Refusal},
    store::Retention,
};

pub(super) fn reaction(person: &str, name: &str, target: &OwnedEventId, key: &str) -> Batch {
    let reaction = Reaction {
        room_id: "!a:h".try_into().expect("a room id"),
        event_id: id(name),
        sender: person.try_into().expect("a user id"),
        target: target.clone(),
        key: key.to_owned(),
    };
    Batch { reactions: vec![reaction], ..Batch::default() }
}

async fn counters(bench: &Bench) -> Counters {
    let statistics = bench.store().statistics().await.expect("readable");
    statistics.days.values().fold(Counters::default(), |mut sum, counters| {
        sum.add(counters);
        sum
    })
}

fn config(ratings: Ratings) -> Config {
    Config { ratings, ..Config::default() }
}

/// A bench with an answer to the question `$1:h`.
async fn answered(folder: &std::path::Path, ratings: Ratings) -> (Bench, OwnedEventId) {
    let bench = assistant(folder, &Arc::default(), FakeModel::default(), config(ratings));
    bench.ask(vec![incoming("$1:h", "!a:h", "Bonjour")]);
    bench.rest().await;
    let answer = shown(&bench, "$1:h").await;
    (bench, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_of_people_with_access_rate_an_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, answer) = answered(folder.path(), Ratings { ask_why: false, offer: false }).await;
    bench.accept(reaction("@awa:h", "$r1:h", &answer, "👍🏾"));
    bench.accept(reaction("@ben:h", "$r2:h", &answer, "👎"));
    bench.accept(reaction("@mallory:elsewhere", "$r3:h", &answer, "👍"));
    bench.rest().await;
    let counted = counters(&bench).await;
    assert_eq!((counted.answers, counted.useful, counted.not_useful), (1, 1, 1));
    bench.accept(redaction("$r2:h"));
    bench.rest().await;
    assert_eq!(counters(&bench).await.not_useful, 0);
    assert_eq!(bench.gateway.shown().len(), 1, "nobody is asked why");
    assert!(bench.gateway.reactions.lock().expect("not poisoned").is_empty(), "and nothing is offered");
}

/// What other clients, bridges and programs send.
#[tokio::test(flavor = "multi_thread")]
async fn however_a_reaction_comes_a_person_has_one_voice() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { bots: vec![owned_user_id!("@robot:h")], ..Limits::default() };
    let config = Config { limits, ..config(Ratings { ask_why: false, offer: false }) };
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), config);
    let root = Some(id("$root:h"));
    bench.ask(vec![incoming("$1:h", "!a:h", "Bonjour"), Incoming { thread: root, ..incoming("$2:h", "!a:h", "Fil") }]);
    bench.rest().await;
    let (answer, threaded) = (shown(&bench, "$1:h").await, shown(&bench, "$2:h").await);
    let rated = async || {
        let counted = counters(&bench).await;
        (counted.useful, counted.not_useful)
    };
    // From two devices, in two forms, one of them encrypted: its key comes late.
    bench.accept(reaction("@awa:h", "$r1:h", &answer, "👍"));
    let late = reaction("@awa:h", "$r2:h", &answer, "👍\u{fe0f}").reactions;
    for _ in 0..2 {
        bench.assistant.accept_late(Vec::new(), Vec::new(), late.clone()).await.expect("accepted");
    }
    assert_eq!(rated().await, (1, 0));
    bench.accept(redaction("$r1:h"));
    assert_eq!(rated().await, (1, 0), "the other one stands");
    // Of somebody without access, late too; of a program; a picture, a name, too long a text; on an answer in a thread.
    let stranger = reaction("@mallory:elsewhere", "$r3:h", &answer, "👍").reactions;
    bench.assistant.accept_late(Vec::new(), Vec::new(), stranger).await.expect("accepted");
    bench.accept(reaction("@robot:h", "$r4:h", &answer, "👎"));
    for (number, key) in ["mxc://h/thumb", ":thumbsdown:", &"👎".repeat(16_000)].into_iter().enumerate() {
        bench.accept(reaction("@ben:h", &format!("$r5{number}:h"), &answer, key));
    }
    assert_eq!(rated().await, (1, 0));
    bench.accept(reaction("@ben:h", "$r6:h", &threaded, " 👎🏿 "));
    assert_eq!(rated().await, (1, 1));
    // Taken back before it came: the homeserver gives it empty then, which is no reaction; the redaction alone changes nothing.
    bench.accept(redaction("$r7:h"));
    // Another room's reaction to this room's answer.
    let mut elsewhere = reaction("@chloe:h", "$r8:h", &answer, "👎");
    elsewhere.reactions[0].room_id = "!b:h".try_into().expect("a room id");
    bench.accept(elsewhere);
    assert_eq!(rated().await, (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_an_answer_not_useful_is_asked_why_once_and_answers_by_a_reaction() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, answer) = answered(folder.path(), Ratings::default()).await;
    bench.accept(reaction("@awa:h", "$r1:h", &answer, "👎"));
    bench.accept(reaction("@awa:h", "$r1:h", &answer, "👎"));
    bench.rest().await;
    let said = bench.gateway.shown();
    assert_eq!(said.len(), 2);
    assert_eq!((said[1].kind, said[1].text.as_str()), (MessageKind::Notice, &*Text::AskWhy.say(Language::Fr)));
    let why = bench.gateway.message_of("$r1:h").expect("the notice");
    bench.accept(reaction("@ben:h", "$r2:h", &why, "1️⃣"));
    bench.accept(reaction("@awa:h", "$r3:h", &why, "2️⃣"));
    let counted = counters(&bench).await;
    assert_eq!((counted.questions, counted.not_useful), (1, 1), "the notice is no question");
    assert_eq!(counted.reasons, BTreeMap::from([(Reason::Incomplete, 1)]));
    // A second answer in the same week.
    bench.ask(vec![incoming("$2:h", "!a:h", "Encore")]);
    bench.rest().await;
    let second = shown(&bench, "$2:h").await;
    bench.accept(reaction("@awa:h", "$r4:h", &second, "👎"));
    bench.rest().await;
    assert_eq!(bench.gateway.shown().len(), 3);
    assert_eq!(counters(&bench).await.not_useful, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_gone_is_not_asked_about() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, answer) = answered(folder.path(), Ratings::default()).await;
    let both = Batch { redactions: redaction("$1:h").redactions, ..reaction("@awa:h", "$r1:h", &answer, "👎") };
    bench.accept(both);
    bench.rest().await;
    assert!(bench.gateway.message_of("$r1:h").is_none());
    assert!(bench.store().queued().await.expect("readable").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_offers_both_emojis_where_it_is_told_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, answer) = answered(folder.path(), Ratings { offer: true, ..Ratings::default() }).await;
    bench.ask(vec![incoming("$2:h", "!a:h", "!aide")]);
    bench.rest().await;
    let expected = ["👍", "👎"].map(|key| (answer.clone(), key.to_owned()));
    assert_eq!(*bench.gateway.reactions.lock().expect("not poisoned"), expected);
    assert_eq!(counters(&bench).await.useful, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_end_of_a_question_is_counted_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let burst = |count| Rate { burst: count, per_hour: count };
    let one = std::num::NonZeroU32::new(3).expect("not zero");
    let limits = Limits { question: 20, person: burst(one), ..Limits::default() };
    let config = Config { limits, ..Config::default() };
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), config);
    let by = |person: &str, message: Incoming| Incoming { sender: person.try_into().expect("a user id"), ..message };
    bench.ask(vec![
        incoming("$1:h", "!a:h", "Bonjour"),
        incoming("$2:h", "!a:h", "Une question beaucoup trop longue"),
        incoming("$3:h", "!a:h", "!aide"),
        incoming("$4:h", "!a:h", "une de trop"),
        by("@ben:h", incoming("$5:h", "!a:h", "Salut")),
        by("@mallory:elsewhere", incoming("$6:h", "!a:h", "Salut")),
    ]);
    bench.rest().await;
    let counted = counters(&bench).await;
    assert_eq!((counted.questions, counted.answers), (4, 2));
    assert_eq!(counted.refusals, BTreeMap::from([(Refusal::TooLong, 1), (Refusal::Rate, 1)]));
    assert_eq!((counted.first_text.count(), counted.whole.count()), (2, 2));
    assert!(counted.prompt_tokens > 0 && counted.completion_tokens > 0);
    let statistics = bench.store().statistics().await.expect("readable");
    let week = statistics.since.expect("counted").week();
    assert_eq!(statistics.people(week, &Crowd::All), 2);
    assert_eq!(statistics.people(week, &Crowd::Activity(Activity::Answer)), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stopped_is_no_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, _gate) = gated(folder.path());
    bench.ask(vec![incoming("$1:h", "!a:h", "un"), incoming("$2:h", "!a:h", "deux")]);
    shown(&bench, "$1:h").await;
    bench.ask(vec![incoming("$3:h", "!a:h", "!stop")]);
    bench.rest().await;
    let counted = counters(&bench).await;
    assert_eq!((counted.questions, counted.answers), (2, 0));
    assert_eq!(counted.refusals, BTreeMap::from([(Refusal::Stopped, 2)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_are_told_of_a_week_once_and_on_monday_morning() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config { administrators: vec![owned_user_id!("@chef:h")], weekly_digest: true, ..Config::default() };
    let bench = assistant(folder.path(), &Arc::default(), FakeModel::default(), config);
    let told = |bench: &Bench| {
        let shown = bench.gateway.shown();
        shown.into_iter().filter(|shown| shown.question.as_str().ends_with(":digest")).collect::<Vec<_>>()
    };
    let keep = Retention {
        dedup: u64::MAX,
        turns: u64::MAX,
        turns_at_most: u64::MAX,
        undecrypted: u64::MAX,
        audit: u64::MAX,
        memory: u64::MAX,
        withdrawable: u64::MAX,
        compagnons: u64::MAX,
    };
    bench.assistant.purge(now(), &keep).await.expect("purged");
    assert!(told(&bench).is_empty(), "nothing was asked");
    bench.ask(vec![incoming("$1:h", "!a:h", "Bonjour")]);
    bench.rest().await;
    let monday = day(&Config::default(), now()).week().after().monday().date();
    let zone = TimeZone::get(&Config::default().time_zone).expect("a time zone");
    let at = |hour: i8| {
        let time = monday.at(hour, 0, 0, 0).to_zoned(zone.clone()).expect("a time");
        u64::try_from(time.timestamp().as_millisecond()).expect("after 1970")
    };
    bench.assistant.purge(at(7), &keep).await.expect("purged");
    assert!(told(&bench).is_empty(), "too early");
    for hour in [8, 9] {
        bench.assistant.purge(at(hour), &keep).await.expect("purged");
        let told = told(&bench);
        let [digest] = told.as_slice() else { panic!("once: {told:?}") };
        assert!(digest.text.contains("Tous les salons") && digest.kind == MessageKind::Notice, "{digest:?}");
    }
}
