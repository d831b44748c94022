//! What people find of answers: one rating of a person and an answer, whatever they do and whatever kills the process.

use std::collections::BTreeMap;

use ruma::OwnedUserId;

use super::usage::{answered, conclude, series};
use super::{accept, after_a_kill, answer, deliver, event, folder, leave, open, question, redact, room, turns};
use crate::message::{Content, Incoming, Reaction};
use crate::statistics::{Activity, Counters, Crowd, Day, Rating, Reason};
use crate::store::layout::{Key, Tree};
use crate::store::{Accept, Change, Conclusion, Database, GivenRating, QueuedKind, Reactions, Retention};

const DAY: Day = Day(20_420);
const AWA: &str = "@awa:tchap.test";
const BEN: &str = "@ben:tchap.test";

pub(super) fn reaction(person: &str, name: &str, target: &str, key: &str) -> Reaction {
    Reaction {
        room_id: room("a"),
        event_id: event(name),
        sender: person.try_into().unwrap(),
        target: event(target),
        key: key.to_owned(),
    }
}

pub(super) fn react_on(store: &Database, day: Day, given: Reaction, asks_why: bool) -> Vec<Incoming> {
    let reactions = Reactions { day, given: vec![given], asks_why };
    let batch = Accept { reactions: Some(&reactions), ..Accept::default() };
    let new = store.accept(&batch, 5_000).unwrap().new;
    assert!(new.iter().all(|queued| queued.kind == QueuedKind::AskWhy));
    new.into_iter().map(|queued| queued.question).collect()
}

fn react(store: &Database, person: &str, name: &str, target: &str, key: &str) {
    assert!(react_on(store, DAY, reaction(person, name, target, key), false).is_empty());
}

/// An answer of two messages, `shown0.1` and `shown1.1`, to the question `1`.
fn with_answer() -> (tempfile::TempDir, Database) {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1_000);
    assert!(conclude(&store, &asked, answered(DAY, "juriste"), 2_000));
    deliver(&store, &asked, 3_000);
    (folder, store)
}

const FIRST: &str = "shown0.1";
const SECOND: &str = "shown1.1";

fn counters(store: &Database, day: Day) -> Counters {
    store.statistics().unwrap().days.remove(&(day, series("juriste"))).unwrap_or_default()
}

fn found(store: &Database) -> (u64, u64) {
    let counters = counters(store, DAY);
    let of_room = store.room_statistics(&room("a")).unwrap();
    let of_room = of_room.get(&(DAY.week(), Activity::Answer)).cloned().unwrap_or_default();
    assert_eq!((of_room.useful, of_room.not_useful), (counters.useful, counters.not_useful), "in the room, too");
    (counters.useful, counters.not_useful)
}

type Does = fn(&Database);

#[test]
#[allow(clippy::too_many_lines)] // A table.
fn what_counts_of_what_people_do() {
    let table: [(&str, Does, (u64, u64)); 17] = [
        ("nobody", |_| {}, (0, 0)),
        ("one person", |store| react(store, AWA, "r1", FIRST, "👍🏽"), (1, 0)),
        (
            "two people",
            |store| {
                react(store, AWA, "r1", FIRST, "✅");
                react(store, BEN, "r2", FIRST, "👎\u{fe0f}");
            },
            (1, 1),
        ),
        (
            "one person twice",
            |store| {
                react(store, AWA, "r1", FIRST, "👍");
                react(store, AWA, "r2", FIRST, "✅");
            },
            (1, 0),
        ),
        (
            "changed by another",
            |store| {
                react(store, AWA, "r1", FIRST, "👍");
                react(store, AWA, "r2", FIRST, "❌");
            },
            (0, 1),
        ),
        (
            "withdrawn",
            |store| {
                react(store, AWA, "r1", FIRST, "👍");
                redact(store, "a", &["r1"], 6_000);
            },
            (0, 0),
        ),
        (
            "changed, and the change withdrawn",
            |store| {
                react(store, AWA, "r1", FIRST, "👍");
                react(store, AWA, "r2", FIRST, "👎");
                redact(store, "a", &["r2"], 6_000);
            },
            (1, 0),
        ),
        (
            "changed, and the first one withdrawn",
            |store| {
                react(store, AWA, "r1", FIRST, "👍");
                react(store, AWA, "r2", FIRST, "👎");
                redact(store, "a", &["r1"], 6_000);
            },
            (0, 1),
        ),
        (
            "withdrawn twice, and given again",
            |store| {
                react(store, AWA, "r1", FIRST, "👍");
                redact(store, "a", &["r1"], 6_000);
                redact(store, "a", &["r1"], 7_000);
                react(store, AWA, "r2", FIRST, "👍");
            },
            (1, 0),
        ),
        (
            "on another part",
            |store| {
                react(store, AWA, "r1", FIRST, "👍");
                react(store, AWA, "r2", SECOND, "👎");
                react(store, BEN, "r3", SECOND, "👍");
            },
            (1, 1),
        ),
        ("on another's message", |store| react(store, AWA, "r1", "elsewhere", "👍"), (0, 0)),
        ("on the question", |store| react(store, AWA, "r1", "1", "👍"), (0, 0)),
        ("another emoji", |store| react(store, AWA, "r1", FIRST, "🎉"), (0, 0)),
        (
            "a reason that nobody asked for",
            |store| {
                react(store, AWA, "r1", FIRST, "👎");
                react(store, AWA, "r2", FIRST, "1️⃣");
            },
            (0, 1),
        ),
        (
            "the same response twice",
            |store| {
                react(store, AWA, "r1", FIRST, "👎");
                react(store, AWA, "r1", FIRST, "👎");
            },
            (0, 1),
        ),
        (
            "from another room",
            |store| {
                let elsewhere = Reaction { room_id: room("b"), ..reaction(AWA, "r1", FIRST, "👍") };
                react_on(store, DAY, elsewhere, false);
            },
            (0, 0),
        ),
        (
            "on the latest answer, after an edit",
            |store| {
                react(store, AWA, "r1", FIRST, "👍");
                let asked = question("a", "1");
                super::edit(store, &asked, "e", "autrement", 6_000);
                let asked = store.begin(&asked).unwrap().unwrap().question;
                react(store, BEN, "r2", FIRST, "👍");
                assert!(conclude(store, &asked, answered(DAY, "juriste"), 7_000));
                deliver(store, &asked, 8_000);
                react(store, AWA, "r3", FIRST, "👎");
            },
            (1, 1),
        ),
    ];
    for (name, does, expected) in table {
        let (folder, store) = with_answer();
        does(&store);
        assert_eq!(found(&store), expected, "{name}");
        let reasons = counters(&store, DAY).reasons;
        assert!(reasons.is_empty(), "{name}");
        // Nothing of it is in memory alone.
        assert_eq!(found(&open(&after_a_kill(&folder))), expected, "{name}, after a kill");
    }
}

#[test]
fn a_kill_takes_the_rating_with_its_response_or_leaves_both() {
    let (folder, store) = with_answer();
    let before = open(&after_a_kill(&folder));
    for killed in [&store, &before] {
        react(killed, AWA, "r1", FIRST, "👍");
        assert_eq!(found(killed), (1, 0));
    }
    let after = open(&after_a_kill(&folder));
    // The homeserver gives the response again.
    react(&after, AWA, "r1", FIRST, "👍");
    assert_eq!(found(&after), (1, 0));
    redact(&after, "a", &["r1"], 6_000);
    redact(&after, "a", &["r1"], 6_000);
    assert_eq!(found(&after), (0, 0));
}

#[test]
fn notices_are_not_rated() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1_000);
    let notice = crate::message::Item::Notice { text: "Patience".to_owned() };
    let said = crate::store::Answer { items: vec![notice.clone(), notice], ..answer(&[]) };
    let counted = Some(answered(DAY, "juriste"));
    let conclusion = Conclusion {
        question: &asked,
        turns: turns(&asked, 2),
        answer: said,
        changes: Vec::new(),
        usage: None,
        counted,
    };
    store.conclude(conclusion, 2_000).unwrap().unwrap();
    deliver(&store, &asked, 3_000);
    react(&store, AWA, "r1", FIRST, "👍");
    assert_eq!(found(&store), (0, 0));
}

#[test]
fn a_rating_before_the_answers_end_counts_from_its_end_on() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1_000);
    store.draft(&asked, &event("draft"), 1_500).unwrap();
    react(&store, AWA, "r1", "draft", "👍");
    react(&store, BEN, "r2", "draft", "👎");
    redact(&store, "a", &["r2"], 1_600);
    assert_eq!(found(&store), (0, 0));
    assert!(conclude(&store, &asked, answered(DAY, "juriste"), 2_000));
    assert_eq!(found(&store), (1, 0));
    // On its way, and delivered.
    react(&store, BEN, "r3", "draft", "👎");
    deliver(&store, &asked, 3_000);
    assert_eq!(found(&store), (1, 1));
}

#[test]
fn a_rating_counts_on_the_day_on_which_it_was_first_given() {
    let (_folder, store) = with_answer();
    let later = Day(DAY.0 + 2);
    assert_eq!(later.week(), DAY.week());
    react(&store, AWA, "r1", FIRST, "👍");
    react_on(&store, later, reaction(AWA, "r2", FIRST, "👎"), false);
    react_on(&store, later, reaction(BEN, "r3", FIRST, "👍"), false);
    assert_eq!((counters(&store, DAY).not_useful, counters(&store, later).useful), (1, 1));
    redact(&store, "a", &["r1", "r2", "r3"], 6_000);
    assert_eq!((counters(&store, DAY).not_useful, counters(&store, later).useful), (0, 0));
}

/// What becomes of a rating in the week after it was given.
type Later = fn(&Database, Day);

#[test]
fn what_is_found_of_answers_in_a_week_stays_when_it_is_over() {
    let next = Day(DAY.0 + 7);
    let changes: [(&str, Later); 3] = [
        ("changed", |store, next| {
            react_on(store, next, reaction(AWA, "r2", FIRST, "👎"), false);
        }),
        ("withdrawn", |store, _| {
            redact(store, "a", &["r1"], 6_000);
        }),
        ("withdrawn and changed", |store, next| {
            redact(store, "a", &["r1"], 6_000);
            react_on(store, next, reaction(AWA, "r2", FIRST, "👎"), false);
        }),
    ];
    for (name, change) in changes {
        for by_question in [false, true] {
            let (_folder, store) = with_answer();
            react(&store, AWA, "r1", FIRST, "👍");
            let raters = |week| store.statistics().unwrap().raters.get(&(week, Crowd::All)).copied();
            assert_eq!(raters(DAY.week()), Some(1));
            if by_question {
                let asked = question("a", "2");
                accept(&store, std::slice::from_ref(&asked), 1_000);
                assert!(conclude(&store, &asked, answered(next, "juriste"), 2_000));
            } else {
                while store.age_statistics(next).unwrap() {}
            }
            change(&store, next);
            assert_eq!((found(&store), raters(DAY.week())), ((1, 0), Some(1)), "{name}");
            let anew = u64::from(name.contains("and"));
            assert_eq!(counters(&store, next).not_useful, anew, "{name}: taken back, it is a new one");
        }
    }
}

#[test]
fn a_person_counts_among_those_who_rated_for_as_long_as_a_rating_of_theirs_stands() {
    let (_folder, store) = with_answer();
    let asked = question("a", "2");
    accept(&store, std::slice::from_ref(&asked), 1_000);
    assert!(conclude(&store, &asked, answered(DAY, "rh"), 2_000));
    deliver(&store, &asked, 3_000);
    let raters = |crowd: Crowd| store.statistics().unwrap().raters[&(DAY.week(), crowd)];
    let of = |name: &str| Crowd::Compagnon(series(name).compagnon);
    react(&store, AWA, "r1", FIRST, "👍");
    react(&store, AWA, "r2", FIRST, "👎");
    react(&store, AWA, "r3", "shown0.2", "👍");
    react(&store, BEN, "r4", "shown0.2", "👍");
    let all =
        || (raters(Crowd::All), raters(of("juriste")), raters(of("rh")), raters(Crowd::Activity(Activity::Answer)));
    assert_eq!(all(), (2, 1, 2, 2));
    redact(&store, "a", &["r1"], 6_000);
    assert_eq!(all(), (2, 1, 2, 2), "another one stands");
    redact(&store, "a", &["r2"], 6_000);
    assert_eq!(all(), (2, 0, 2, 2));
    redact(&store, "a", &["r3", "r3"], 6_000);
    assert_eq!(all(), (1, 0, 1, 1));
}

#[test]
fn who_finds_an_answer_not_useful_is_asked_why_once_a_week() {
    let (folder, store) = with_answer();
    let asks = |store: &Database, day: Day, person: &str, name: &str, key: &str| {
        react_on(store, day, reaction(person, name, FIRST, key), true)
    };
    assert!(asks(&store, DAY, AWA, "r1", "👍").is_empty());
    let [ask] = asks(&store, DAY, AWA, "r2", "👎").try_into().unwrap();
    assert_eq!((&ask.content, ask.is_message(), ask.sender.as_str()), (&Content::Rated, false, AWA));
    assert_eq!((ask.replies_to.clone(), ask.thread.clone()), (Some(event(FIRST)), None));
    assert!(asks(&store, DAY, AWA, "r2", "👎").is_empty(), "the same response again");
    redact(&store, "a", &["r2"], 6_000);
    assert!(asks(&store, DAY, AWA, "r3", "👎").is_empty(), "once a week");
    assert_eq!(asks(&store, DAY, BEN, "r4", "👎").len(), 1, "another person");
    let before = after_a_kill(&folder);
    let killed = open(&before);
    assert_eq!(killed.queued().unwrap().len(), 1, "what is to be asked survives, unless it was taken back");
    assert!(asks(&killed, DAY, AWA, "r5", "👎").is_empty());
    redact(&killed, "a", &["r3", "r5"], 6_000);
    assert_eq!(asks(&killed, Day(DAY.0 + 7), AWA, "r6", "👎").len(), 1, "the next week");
}

#[test]
fn a_reason_is_that_of_who_was_asked() {
    let (_folder, store) = with_answer();
    let [ask] = react_on(&store, DAY, reaction(AWA, "r1", FIRST, "👎"), true).try_into().unwrap();
    let said = crate::store::Answer {
        items: vec![crate::message::Item::Notice { text: "Pourquoi ?".to_owned() }],
        ..answer(&[])
    };
    let conclusion =
        Conclusion { question: &ask, turns: Vec::new(), answer: said, changes: Vec::new(), usage: None, counted: None };
    store.conclude(conclusion, 6_000).unwrap().unwrap();
    store.part_sent(&ask, 0, &event("why"), 6_000).unwrap();
    store.delivered(&ask, 6_000).unwrap();
    let reasons = |store: &Database| counters(store, DAY).reasons;
    react(&store, BEN, "x1", "why", "2️⃣");
    react(&store, AWA, "x2", "why", "👍");
    assert_eq!((reasons(&store), found(&store)), (BTreeMap::new(), (0, 1)));
    react(&store, AWA, "x3", "why", "2️⃣");
    assert_eq!(reasons(&store), BTreeMap::from([(Reason::Incomplete, 1)]));
    react(&store, AWA, "x4", "why", "4️⃣");
    assert_eq!(reasons(&store), BTreeMap::from([(Reason::TooLong, 1)]));
    redact(&store, "a", &["x4"], 7_000);
    assert_eq!(reasons(&store), BTreeMap::from([(Reason::Incomplete, 1)]));
    // Whoever finds it useful after all has nothing to say against it.
    react(&store, AWA, "r2", SECOND, "👍");
    assert_eq!((reasons(&store), found(&store)), (BTreeMap::new(), (1, 0)));
    redact(&store, "a", &["r2"], 7_000);
    assert_eq!((reasons(&store), found(&store)), (BTreeMap::from([(Reason::Incomplete, 1)]), (0, 1)));
    redact(&store, "a", &["r1"], 7_000);
    assert_eq!((reasons(&store), found(&store)), (BTreeMap::new(), (0, 0)));
}

type Forgets<'a> = &'a dyn Fn(&Database);

#[test]
fn ratings_go_with_their_answer_their_room_and_their_person_and_stay_counted() {
    let long = u64::MAX;
    let keep = Retention {
        dedup: long,
        turns: 100,
        turns_at_most: long,
        audit: long,
        undecrypted: long,
        memory: long,
        withdrawable: long,
        compagnons: long,
    };
    let awa: OwnedUserId = AWA.try_into().unwrap();
    let left = |store: &Database| {
        let of = |tree| store.transaction().raw_keys(&Key::all(tree)).unwrap().len();
        (of(Tree::Ratings), of(Tree::Reactions))
    };
    let ways: [(&str, Forgets<'_>, (usize, usize)); 6] = [
        ("the question is taken back", &|store| drop(redact(store, "a", &["1"], 6_000)), (0, 0)),
        ("the room is left", &|store| leave(store, "a", 6_000), (0, 0)),
        ("the answer is too old", &|store| drop(store.purge(3_101, &keep).unwrap()), (0, 0)),
        ("the room forgets", &|store| store.apply(&[Change::ForgetTurns(room("a"))], 6_000).unwrap(), (0, 0)),
        (
            "the conversation is forgotten",
            &|store| {
                let conversation = question("a", "1").conversation();
                store.apply(&[Change::ForgetConversation(conversation)], 6_000).unwrap();
            },
            (0, 0),
        ),
        ("a person is forgotten", &|store| store.apply(&[Change::ForgetPerson(awa.clone())], 6_000).unwrap(), (1, 1)),
    ];
    for (name, forget, expected) in ways {
        let (_folder, store) = with_answer();
        react(&store, AWA, "r1", FIRST, "👍");
        react(&store, AWA, "r2", FIRST, "👎");
        react(&store, BEN, "r3", FIRST, "👍");
        assert_eq!(left(&store), (2, 3));
        let held = store.personal(&awa).unwrap().ratings;
        assert_eq!(held, [GivenRating { at: 5_000, rating: Rating::NotUseful, reason: None }]);
        forget(&store);
        assert_eq!(left(&store), expected, "{name}");
        let counters = counters(&store, DAY);
        assert_eq!((counters.useful, counters.not_useful), (1, 1), "{name}");
        // What is taken back later takes nothing more away.
        redact(&store, "a", &["r1", "r2"], 7_000);
        assert_eq!(self::counters(&store, DAY).not_useful, 1, "{name}");
    }
}
