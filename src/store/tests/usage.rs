//! What is counted: once, on its day, and of people nothing but their number.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use ruma::OwnedUserId;
use tempfile::TempDir;

use super::backup::through_a_backup;
use super::ratings::{react_on, reaction};
use super::{accept, after_a_kill, answer, deliver, event, folder, leave, open, question, room, turns};
use crate::message::Incoming;
use crate::statistics::{
    Activity, Compagnon, Counted, Counters, Crowd, Day, Outcome, Refusal, Series, Statistics, Week,
};
use crate::store::layout::{Key, Tree};
use crate::store::people::WeekKey;
use crate::store::{Change, Conclusion, Database, MOST_CROWDS, MOST_SERIES, Retention, STATISTICS_MONTHS};
use crate::usage::{AnswerUsage, Usage};

/// A Wednesday.
const TODAY: Day = Day(20_420);

pub(super) fn series(compagnon: &str) -> Series {
    let compagnon = Compagnon::Library(compagnon.to_owned());
    Series { compagnon, model: "tout-petit".to_owned(), activity: Activity::Answer }
}

pub(super) fn answered(day: Day, compagnon: &str) -> Counted {
    Counted { day, series: series(compagnon), outcome: Outcome::Answered, first_text_at: Some(1_400), asked: true }
}

fn refused(day: Day, refusal: Refusal) -> Counted {
    Counted { outcome: Outcome::Refused(refusal), first_text_at: None, ..answered(day, "juriste") }
}

pub(super) fn conclude(store: &Database, question: &Incoming, counted: Counted, now: u64) -> bool {
    let usage = AnswerUsage {
        model: "tout-petit".to_owned(),
        compagnon: "juriste".to_owned(),
        compagnon_version: None,
        usage: Usage { prompt_tokens: 100, cached_tokens: 60, completion_tokens: 10, ..Usage::NOTHING },
    };
    let usage = Some(usage).filter(|_| counted.outcome == Outcome::Answered);
    let (turns, answer) = (turns(question, now), answer(&["a", "b"]));
    let counted = Some(counted);
    store.conclude(Conclusion { question, turns, answer, changes: Vec::new(), usage, counted }, now).unwrap().is_some()
}

fn by(person: &str, name: &str) -> Incoming {
    Incoming { sender: person.try_into().unwrap(), ..question("a", name) }
}

fn ask(store: &Database, person: &str, name: &str, counted: Counted) {
    let asked = by(person, name);
    accept(store, std::slice::from_ref(&asked), 1_000);
    assert!(conclude(store, &asked, counted, 4_000));
}

fn only(store: &Database) -> Counters {
    let statistics = store.statistics().unwrap();
    statistics.days.values().fold(Counters::default(), |mut sum, counters| {
        sum.add(counters);
        sum
    })
}

fn week_of(day: Day) -> Week {
    day.week()
}

#[test]
fn an_answer_is_counted_once_whatever_kills_it() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1_000);
    let before = after_a_kill(&folder);
    assert!(conclude(&store, &asked, answered(TODAY, "juriste"), 4_000));
    let after = after_a_kill(&folder);
    assert!(!conclude(&store, &asked, answered(TODAY, "juriste"), 5_000), "it is answered");

    let killed_before = open(&before);
    assert_eq!(killed_before.statistics().unwrap(), Statistics::default());
    assert!(conclude(&killed_before, &asked, answered(TODAY, "juriste"), 4_000));
    let killed_after = open(&after);
    assert!(!conclude(&killed_after, &asked, answered(TODAY, "juriste"), 5_000));
    for store in [&store, &killed_before, &killed_after] {
        let statistics = store.statistics().unwrap();
        assert_eq!(statistics.since, Some(TODAY));
        let [(key, counters)] = statistics.days.into_iter().collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(key, (TODAY, series("juriste")));
        assert_eq!((counters.questions, counters.answers, counters.refusals.len()), (1, 1, 0));
        let tokens = (counters.prompt_tokens, counters.cached_tokens, counters.completion_tokens);
        assert_eq!(tokens, (100, 60, 10));
        let times = (counters.first_text.sum(), counters.whole.sum(), counters.whole.count());
        assert_eq!(times, (Duration::from_millis(400), Duration::from_secs(3), 1));
        assert_eq!(statistics.people.len(), 3);
        assert!(statistics.people.values().all(|count| *count == 1));
    }
}

#[test]
fn what_is_not_answered_counts_for_its_reason_and_once() {
    let folder = folder();
    let store = open(&folder);
    let names = ["1", "2", "3", "4"];
    accept(&store, &names.map(|name| question("a", name)), 1_000);
    conclude(&store, &question("a", "1"), refused(TODAY, Refusal::TooLong), 2_000);
    for _ in 0..2 {
        store.refuse_question(&room("a"), &event("2"), &refused(TODAY, Refusal::Stopped), 2_000).unwrap();
        store.close_counted(&room("a"), &event("3"), &refused(TODAY, Refusal::Stopped), 2_000).unwrap();
    }
    store.drop_question(&room("a"), &event("4"), 2_000).unwrap();
    let counters = only(&store);
    assert_eq!((counters.questions, counters.answers, counters.whole.count()), (3, 0, 0));
    assert_eq!(counters.refusals, BTreeMap::from([(Refusal::TooLong, 1), (Refusal::Stopped, 2)]));
}

#[test]
fn a_question_that_is_answered_again_counts_again_and_its_person_once() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1_000);
    conclude(&store, &asked, answered(TODAY, "juriste"), 2_000);
    super::deliver(&store, &asked, 3_000);
    store.reopen(&asked, &event("again"), 4_000).unwrap().unwrap();
    let asked = store.begin(&Incoming { content: asked.content.reworded(""), ..asked }).unwrap();
    let asked = asked.unwrap().question;
    assert!(conclude(&store, &asked, answered(TODAY, "juriste"), 5_000));
    assert_eq!((only(&store).answers, only(&store).whole.sum()), (2, Duration::from_secs(2)));
    assert_eq!(store.statistics().unwrap().people(week_of(TODAY), &Crowd::All), 1);
}

#[test]
fn people_are_counted_once_a_week_in_each_crowd() {
    let folder = folder();
    let store = open(&folder);
    let (awa, ben) = ("@awa:tchap.test", "@ben:tchap.test");
    let unasked = Counted { asked: false, ..answered(TODAY, "juriste") };
    ask(&store, awa, "1", answered(TODAY, "juriste"));
    ask(&store, awa, "2", answered(TODAY, "juriste"));
    ask(&store, awa, "3", answered(TODAY, "rh"));
    ask(&store, ben, "4", refused(TODAY, Refusal::Rate));
    ask(&store, "@mallory:tchap.test", "5", refused(TODAY, Refusal::Access));
    ask(&store, "@chloe:tchap.test", "6", unasked);
    let next = Day(TODAY.0 + 7);
    ask(&store, awa, "7", answered(next, "juriste"));
    // A clock that was put back a little.
    ask(&store, awa, "8", answered(Day(next.week().monday().0 - 1), "juriste"));
    let statistics = store.statistics().unwrap();
    let people = |day: Day, crowd: &Crowd| statistics.people(day.week(), crowd);
    let compagnon = |id: &str| Crowd::Compagnon(Compagnon::Library(id.to_owned()));
    assert_eq!(people(TODAY, &Crowd::All), 2);
    assert_eq!((people(TODAY, &compagnon("juriste")), people(TODAY, &compagnon("rh"))), (2, 1));
    assert_eq!(people(TODAY, &Crowd::Activity(Activity::Answer)), 2);
    assert_eq!((people(next, &Crowd::All), people(next, &compagnon("rh"))), (1, 0));
}

/// All bytes of all files of a folder.
fn bytes(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        all.extend(if path.is_dir() { bytes(&path) } else { fs::read(path).unwrap() });
    }
    all
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn prometheus_is_told_of_ten_people_and_not_of_nine() {
    let folder = folder();
    let store = open(&folder);
    assert_eq!(store.gauges().unwrap().people, 0);
    for person in 0..9 {
        ask(&store, &format!("@p{person}:tchap.test"), &person.to_string(), answered(TODAY, "juriste"));
    }
    let gauges = store.gauges().unwrap();
    assert_eq!((gauges.people, gauges.questions, gauges.answers, gauges.undecrypted, gauges.damaged), (0, 0, 9, 0, 0));
    ask(&store, "@p9:tchap.test", "9", answered(TODAY, "juriste"));
    accept(&store, &[question("a", "w")], 1_000);
    let gauges = store.gauges().unwrap();
    assert_eq!((gauges.people, gauges.questions, gauges.answers), (10, 1, 10));
    while store.age_statistics(Day(TODAY.0 + 7)).unwrap() {}
    assert_eq!(store.gauges().unwrap().people, 0, "of a week that is over nobody asked this week");
}

/// The hashes of people and their key, as whoever has all keys of the store reads them; none where the week's key is gone.
fn marks(store: &Database) -> (Vec<Vec<u8>>, Option<[u8; 32]>) {
    let transaction = store.transaction();
    let keys = transaction.raw_keys(&Key::all(Tree::Marks)).unwrap();
    let keys = keys.into_iter().map(|key| Key { tree: Tree::Marks, bytes: key.to_vec() });
    let (of_people, keys): (Vec<Key>, Vec<Key>) = keys.partition(|key| key.bytes.get(17) == Some(&b'm'));
    let key = keys.first().and_then(|key| transaction.get::<WeekKey>(key).unwrap());
    (of_people.into_iter().map(|key| key.bytes[18..].to_vec()).collect(), key.map(|key| *key.0.bytes()))
}

/// Whether somebody who has all keys of the store can tell that a person asked or rated something.
fn tells(store: &Database, person: &str) -> bool {
    let (hashes, Some(key)) = marks(store) else { return false };
    let mut keyed = blake3::Hasher::new_keyed(&key);
    let people = store.transaction().raw_keys(&Key::all(Tree::People)).unwrap();
    people.iter().any(|crowd| {
        let blinded = store.blinded_ids.person(&OwnedUserId::try_from(person).unwrap());
        [(&b"crowd"[..], person.as_bytes()), (&b"raters"[..], &blinded[..])].into_iter().any(|(of, person)| {
            let purpose = [of, crowd.as_ref()].concat();
            keyed.reset();
            for part in [purpose.as_slice(), person] {
                keyed.update(&(part.len() as u64).to_be_bytes()).update(part);
            }
            let mut hash = [0; 16];
            keyed.finalize_xof().fill(&mut hash);
            hashes.iter().any(|known| known == &hash)
        })
    })
}

type Ends = fn(&TempDir, Database) -> Database;

#[test]
fn when_a_week_is_over_nobody_can_tell_who_asked_in_it() {
    let awa = "@awa:tchap.test";
    let ways: [(&str, Ends); 3] = [
        ("by the first question after it", |_, store| {
            ask(&store, "@ben:tchap.test", "9", answered(Day(TODAY.0 + 7), "juriste"));
            store
        }),
        ("by a purge", |_, store| {
            while store.age_statistics(Day(TODAY.0 + 7)).unwrap() {}
            store
        }),
        ("by a purge that was killed before its key was destroyed", |folder, store| {
            let kept = fs::read(folder.path().join("rooms.keys")).unwrap();
            store.age_statistics(Day(TODAY.0 + 7)).unwrap();
            drop(store);
            fs::write(folder.path().join("rooms.keys"), kept).unwrap();
            open(folder)
        }),
    ];
    for (name, end) in ways {
        let folder = folder();
        let store = open(&folder);
        ask(&store, awa, "1", answered(TODAY, "juriste"));
        assert!(tells(&store, awa) && !tells(&store, "@ben:tchap.test"), "the test can tell: {name}");
        while store.age_statistics(Day(TODAY.week().sunday().0)).unwrap() {}
        assert!(tells(&store, awa), "the week is not over: {name}");
        let (hashes, key) = marks(&store);
        let key = key.unwrap();
        let group = store.transaction().raw_keys(&Key::all(Tree::Marks)).unwrap()[0][1..17].try_into().unwrap();
        assert!(store.transaction().rooms().cipher(&group).is_some());
        let sealed = store.db.get([&b"M"[..], &group, b"k"].concat()).unwrap().unwrap();

        let store = end(&folder, store);
        assert!(!tells(&store, awa), "{name}");
        // What sled still holds of the hashes is worth nothing without their key, and that is sealed under a key that is no more.
        assert!(store.transaction().rooms().cipher(&group).is_none(), "{name}");
        let place = Key { tree: Tree::Marks, bytes: [&b"M"[..], &group, b"k"].concat() };
        assert!(store.transaction().unseal(&place, &sealed).unwrap().is_none(), "{name}");
        drop(store);
        let everything = bytes(folder.path());
        assert!(!holds(&everything, &key) && !holds(&everything, awa.as_bytes()), "{name}");
        let digits = key.iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"));
        assert!(!holds(&everything, digits.as_bytes()), "{name}");
        let store = open(&folder);
        assert!(hashes.iter().all(|hash| !marks(&store).0.contains(hash)), "{name}");
        assert_eq!(store.statistics().unwrap().people(TODAY.week(), &Crowd::All), 1, "the number stays: {name}");
    }
}

#[test]
fn a_person_who_asks_and_is_forgotten_again_and_again_is_never_ten() {
    let folder = folder();
    let store = open(&folder);
    let (awa, ben) = ("@awa:tchap.test", "@ben:tchap.test");
    ask(&store, ben, "9", answered(TODAY, "juriste"));
    let crowds = [Crowd::All, Crowd::Compagnon(series("juriste").compagnon), Crowd::Activity(Activity::Answer)];
    for round in 0..3 {
        let name = round.to_string();
        ask(&store, awa, &name, answered(TODAY, "juriste"));
        deliver(&store, &by(awa, &name), 5_000);
        let rating = reaction(awa, &format!("r{round}"), &format!("shown0.{name}"), "👍");
        react_on(&store, TODAY, rating, false);
        assert!(tells(&store, awa), "round {round}");
        let statistics = store.statistics().unwrap();
        for crowd in &crowds {
            assert_eq!(statistics.people(TODAY.week(), crowd), 2, "round {round}");
            assert_eq!(statistics.raters[&(TODAY.week(), crowd.clone())], 1, "round {round}");
        }
        let awa_id: OwnedUserId = awa.try_into().unwrap();
        store.apply(&[Change::ForgetPerson(awa_id)], 9_000).unwrap();
        assert!(!tells(&store, awa) && tells(&store, ben));
        let statistics = store.statistics().unwrap();
        for crowd in &crowds {
            assert_eq!(statistics.people(TODAY.week(), crowd), 1, "round {round}");
            assert_eq!(statistics.raters[&(TODAY.week(), crowd.clone())], 0, "round {round}");
        }
    }
    let counters = &store.statistics().unwrap().days[&(TODAY, series("juriste"))];
    assert_eq!((counters.questions, counters.useful), (4, 3), "what was asked and found stays counted");
}

#[test]
fn what_is_beyond_the_most_series_is_counted_together() {
    let folder = folder();
    let store = open(&folder);
    let most = MOST_SERIES.max(MOST_CROWDS);
    for number in 0..most + 20 {
        ask(&store, "@awa:tchap.test", &format!("q{number}"), answered(TODAY, &format!("c{number}")));
    }
    ask(&store, "@awa:tchap.test", "again", answered(TODAY, "c3"));
    let statistics = store.statistics().unwrap();
    assert_eq!(statistics.days.len(), MOST_SERIES + 1);
    assert_eq!(statistics.days[&(TODAY, series("c3").others())].answers as usize, most + 20 - MOST_SERIES);
    assert_eq!(statistics.days[&(TODAY, series("c3"))].answers, 2, "what is kept apart stays so");
    assert!(statistics.people.len() <= MOST_CROWDS + 1);
    assert_eq!(statistics.people(TODAY.week(), &Crowd::Compagnon(Compagnon::Others)), 1);
}

#[test]
fn what_is_counted_is_kept_for_25_months_and_is_in_the_backup() {
    let folder = folder();
    let store = open(&folder);
    let today = Day(TODAY.0 + 1_000);
    let oldest = today.months_before(STATISTICS_MONTHS);
    for (number, day) in [Day(oldest.0 - 1), oldest, today].into_iter().enumerate() {
        ask(&store, "@awa:tchap.test", &number.to_string(), answered(day, "juriste"));
    }
    while store.age_statistics(today).unwrap() {}
    let statistics = store.statistics().unwrap();
    let days: Vec<Day> = statistics.days.keys().map(|(day, _)| *day).collect();
    assert_eq!(days, [oldest, today]);
    assert_eq!(statistics.since, Some(Day(oldest.0 - 1)), "since when is never forgotten");
    let (there, _) = through_a_backup(&store).unwrap();
    assert_eq!(open(&there).statistics().unwrap(), statistics);
}

#[test]
fn a_rooms_own_counters_go_with_it_and_with_time() {
    const DAY: u64 = 86_400_000;
    let folder = folder();
    let store = open(&folder);
    ask(&store, "@awa:tchap.test", "1", answered(TODAY, "juriste"));
    let elsewhere = question("b", "2");
    accept(&store, std::slice::from_ref(&elsewhere), 1_000);
    conclude(&store, &elsewhere, refused(TODAY, Refusal::Rate), 2_000);
    let of = |store: &Database, name: &str| {
        let counted = store.room_statistics(&room(name)).unwrap().into_iter();
        counted.map(|(place, counters)| (place, counters.questions, counters.answers)).collect::<Vec<_>>()
    };
    let place = (TODAY.week(), Activity::Answer);
    assert_eq!(of(&store, "a"), [(place, 1, 1)]);
    assert_eq!(of(&store, "b"), [(place, 1, 0)]);
    leave(&store, "a", 9_000);
    assert_eq!((of(&store, "a"), of(&store, "b")), (vec![], vec![(place, 1, 0)]));
    let long = u64::MAX;
    let keep = Retention {
        dedup: long,
        turns: long,
        turns_at_most: long,
        audit: long,
        undecrypted: long,
        memory: long,
        withdrawable: long,
        compagnons: long,
    };
    let monday = u64::from(TODAY.week().monday().0);
    store.purge((monday + 766) * DAY, &keep).unwrap();
    assert_eq!(of(&store, "b").len(), 1);
    store.purge((monday + 767) * DAY, &keep).unwrap();
    assert_eq!(of(&store, "b").len(), 0);
    assert_eq!(only(&store).questions, 2, "the service's own figures stay");
}
