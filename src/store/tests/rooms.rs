//! What rooms choose, the compagnons made in them, and what is remembered of persons.

use std::time::Duration;

use ruma::{OwnedRoomId, OwnedUserId, user_id};

use super::{KEEP, accept, after_a_kill, answer, exchange, folder, in_thread, leave, open, question, room, turns};
use crate::compagnon::{Language, Made, Settings, SettingsPatch, Version};
use crate::message::{Content, Gap, Incoming};
use crate::store::answer::Answered;
use crate::store::layout::Tree;
use crate::store::{Accept, Change, Conclusion, Database, Entry};
use crate::usage::{AnswerUsage, Finish, Usage};

fn agent() -> OwnedUserId {
    user_id!("@agent:tchap.test").to_owned()
}

pub(super) fn made(number: u64, in_room: &str, text: &str) -> Made {
    let version = Version { number: 1, at: 1, by: Some(agent()), text: text.to_owned() };
    let id = format!("compagnon-{number}");
    let (author, room_id, versions) = (agent(), room(in_room), vec![version]);
    Made { number, id, author, room_id, published: None, proposed: None, versions }
}

pub(super) fn entry(at: u64, action: &str) -> Entry {
    Entry { at, by: agent(), room_id: room("a"), action: action.to_owned(), made: Some(1) }
}

fn kept_for(retention: u64) -> Settings {
    Settings { retention: Some(retention), ..Settings::default() }
}

/// The change by which a room keeps what is said for so long.
fn keep_for(in_room: &str, retention: u64) -> Change {
    Change::Settings(room(in_room), vec![SettingsPatch::Retention(Some(retention))])
}

fn by_another(question: Incoming) -> Incoming {
    Incoming { sender: user_id!("@autre:tchap.test").to_owned(), ..question }
}

#[test]
fn what_was_changed_is_there_after_a_kill() {
    let folder = folder();
    let store = open(&folder);
    assert_eq!(store.room_settings(&room("a")).unwrap(), Settings::default());
    assert_eq!((store.new_number().unwrap(), store.new_number().unwrap()), (1, 2));
    let changes = [
        keep_for("a", 7),
        Change::Made(made(2, "a", "deux")),
        Change::Made(made(1, "a", "un")),
        Change::Informed(agent()),
        Change::Audit(entry(1, "first")),
        Change::Audit(entry(1, "second")),
    ];
    store.apply(&changes, 5).unwrap();
    let killed = after_a_kill(&folder);
    let store = open(&killed);
    assert_eq!(store.room_settings(&room("a")).unwrap(), kept_for(7));
    assert_eq!(store.room_settings(&room("b")).unwrap(), Settings::default());
    assert_eq!(store.made(1).unwrap(), Some(made(1, "a", "un")));
    assert_eq!(store.made(3).unwrap(), None);
    assert_eq!(store.all_made().unwrap(), [made(1, "a", "un"), made(2, "a", "deux")]);
    assert!(store.is_informed(&agent()).unwrap());
    assert!(!store.is_informed(user_id!("@autre:tchap.test")).unwrap());
    assert_eq!(store.audit(9).unwrap(), [entry(1, "second"), entry(1, "first")]);
    assert_eq!(store.audit(1).unwrap(), [entry(1, "second")]);
    assert_eq!(store.new_number().unwrap(), 3);
}

#[test]
fn a_command_takes_effect_with_its_answer() {
    let folder = folder();
    let store = open(&folder);
    let (said, command) = (question("a", "1"), question("a", "2"));
    exchange(&store, &said, 1);
    accept(&store, std::slice::from_ref(&command), 2);
    let changes = || vec![Change::ForgetConversation(said.conversation()), Change::Audit(entry(2, "forget"))];
    let conclusion = |question, changes| Conclusion {
        question,
        turns: turns(&command, 3),
        answer: answer(&["fait"]),
        changes,
        usage: None,
        counted: None,
    };
    let edited = Incoming { content: Content::Text("autre".to_owned()), ..command.clone() };
    assert_eq!(store.conclude(conclusion(&edited, changes()), 3).unwrap(), None);
    assert_eq!(store.turns(&said.conversation()).unwrap(), turns(&said, 1), "nothing happened");
    assert!(store.audit(1).unwrap().is_empty());
    store.conclude(conclusion(&command, changes()), 3).unwrap().unwrap();
    assert_eq!(store.turns(&said.conversation()).unwrap(), turns(&command, 3), "what was said before is forgotten");
    assert_eq!(store.audit(1).unwrap(), [entry(2, "forget")]);
}

#[test]
fn deleting_a_compagnon_destroys_its_key() {
    let folder = folder();
    let store = open(&folder);
    store.apply(&[Change::Made(made(1, "a", "un")), Change::Made(made(2, "a", "deux"))], 1).unwrap();
    let name = store.blinded_ids.made(1);
    assert!(store.transaction().rooms().cipher(&name).is_some());
    store.apply(&[Change::Unmade(1), Change::Unmade(9)], 2).unwrap();
    assert!(store.transaction().rooms().cipher(&name).is_none());
    let killed = after_a_kill(&folder);
    let store = open(&killed);
    assert_eq!(store.made(1).unwrap(), None);
    assert_eq!(store.all_made().unwrap(), [made(2, "a", "deux")], "the sweep leaves it its key");
}

#[test]
fn an_upgraded_room_hands_over_its_settings_and_compagnons() {
    let folder = folder();
    let store = open(&folder);
    let changes = [
        keep_for("old", 1),
        keep_for("other", 2),
        keep_for("chosen", 3),
        Change::Made(made(1, "old", "un")),
        Change::Made(made(2, "elsewhere", "deux")),
    ];
    store.apply(&changes, 1).unwrap();
    let upgraded = [(room("old"), room("new")), (room("other"), room("chosen"))];
    let batch = Accept { upgraded: &upgraded, left: &[room("old"), room("other")], ..Accept::default() };
    store.accept(&batch, 2).unwrap();
    store.accept(&batch, 3).unwrap();
    assert_eq!(store.room_settings(&room("new")).unwrap(), kept_for(1));
    assert_eq!(store.room_settings(&room("old")).unwrap(), Settings::default());
    assert_eq!(store.room_settings(&room("chosen")).unwrap(), kept_for(3), "it had its own");
    assert_eq!(store.all_made().unwrap(), [made(1, "new", "un"), made(2, "elsewhere", "deux")]);
}

#[test]
fn settings_go_with_their_room_and_with_nothing_else() {
    let folder = folder();
    let store = open(&folder);
    store.apply(&[keep_for("a", 1)], 1).unwrap();
    exchange(&store, &question("a", "1"), 2);
    store.apply(&[Change::ForgetTurns(room("a")), Change::ForgetPerson(agent())], 3).unwrap();
    store.purge(1_000_000, &KEEP).unwrap();
    assert_eq!(store.room_settings(&room("a")).unwrap(), kept_for(1));
    leave(&store, "a", 4);
    assert_eq!(store.room_settings(&room("a")).unwrap(), Settings::default());
}

#[test]
fn each_room_keeps_what_it_chose_to_and_no_longer_than_allowed() {
    let folder = folder();
    let store = open(&folder);
    let changes = [keep_for("short", 10), keep_for("long", 500), keep_for("ever", u64::MAX)];
    store.apply(&changes, 0).unwrap();
    let rooms = ["short", "plain", "long", "ever"];
    for (index, name) in rooms.into_iter().enumerate() {
        exchange(&store, &question(name, &index.to_string()), 0);
    }
    let left = || {
        let holds = |name: &&str| !store.turns(&question(name, "0").conversation()).unwrap().is_empty();
        rooms.into_iter().filter(holds).collect::<Vec<_>>()
    };
    for (now, expected) in [(10, &rooms[..]), (11, &rooms[1..]), (101, &rooms[2..]), (501, &rooms[3..]), (1_001, &[])] {
        store.purge(now, &KEEP).unwrap();
        assert_eq!(left(), expected, "at {now}");
    }
}

#[test]
fn audit_and_information_grow_old() {
    let folder = folder();
    let store = open(&folder);
    store.apply(&[Change::Audit(entry(100, "old")), Change::Informed(agent())], 100).unwrap();
    store.apply(&[Change::Audit(entry(150, "new"))], 150).unwrap();
    assert_eq!(store.purge(200, &KEEP).unwrap().records, 0);
    assert_eq!(store.purge(201, &KEEP).unwrap().records, 2);
    assert_eq!(store.audit(9).unwrap(), [entry(150, "new")]);
    assert!(!store.is_informed(&agent()).unwrap());
}

#[test]
fn what_is_held_on_a_person_is_given_and_forgotten() {
    let folder = folder();
    let store = open(&folder);
    let mine = [question("a", "1"), in_thread(question("a", "2"), "root"), question("b", "3")];
    let other = by_another(question("a", "4"));
    for asked in mine.iter().chain([&other]) {
        exchange(&store, asked, 1);
    }
    let waiting = question("a", "5");
    accept(&store, std::slice::from_ref(&waiting), 2);
    let audit = Entry { by: other.sender.clone(), ..entry(3, "other") };
    let changes = [
        Change::Informed(agent()),
        Change::Made(made(1, "a", "un")),
        Change::Audit(entry(2, "mine")),
        Change::Audit(audit),
    ];
    store.apply(&changes, 3).unwrap();

    let personal = store.personal(&agent()).unwrap();
    let mut found = personal.exchanges.clone();
    found.sort_by_key(|(_, said)| said[0].event_id.clone());
    assert_eq!(found, mine.clone().map(|asked| (Some(asked.conversation()), turns(&asked, 1))));
    assert_eq!((personal.made, personal.audit), (vec![made(1, "a", "un")], vec![entry(2, "mine")]));
    assert_eq!(personal.informed_at, Some(3));

    store.apply(&[Change::ForgetPerson(agent())], 4).unwrap();
    let personal = store.personal(&agent()).unwrap();
    assert!(personal.exchanges.is_empty());
    assert_eq!(personal.informed_at, None);
    assert_eq!(personal.audit, [entry(2, "mine")], "it stays until it is old");
    assert_eq!(store.turns(&other.conversation()).unwrap(), turns(&other, 1));
    assert!(store.queued().unwrap().is_empty(), "what waits goes, too");
    assert!(super::edit(&store, &mine[0], "e1", "autre", 5).edited.is_empty());
    assert_eq!(super::edit(&store, &other, "e2", "autre", 5).edited.len(), 1);
}

#[test]
fn a_room_has_one_gap_which_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Database::open(folder.path()).unwrap();
    let gap = |name: &str, from: &str| Gap {
        room_id: room(name),
        from: from.to_owned(),
        to: "s0".to_owned(),
        since: 1,
        pages: 2,
    };
    let accept = |gaps: &[Gap], closed: &[OwnedRoomId], left: &[OwnedRoomId]| {
        store.accept(&Accept { left, gaps, closed, ..Accept::default() }, 1).unwrap();
    };
    let kept = |store: &Database| {
        let mut from: Vec<String> = store.gaps().unwrap().into_iter().map(|gap| gap.from).collect();
        from.sort();
        from
    };
    accept(&[gap("a", "t1"), gap("b", "t2"), gap("c", "t3")], &[], &[]);
    accept(&[gap("a", "t4")], &[], &[]);
    assert_eq!(kept(&store), ["t2", "t3", "t4"], "the newer one takes the place of the room's earlier one");
    accept(&[], &[room("b")], &[]);
    accept(&[gap("c", "t5")], &[], &[room("c")]);
    assert_eq!(kept(&store), ["t4"], "closed, or left");
    drop(store);
    assert_eq!(kept(&Database::open(folder.path()).unwrap()), ["t4"]);
}

#[test]
fn two_commands_at_once_do_not_undo_one_another() {
    let folder = folder();
    let store = open(&folder);
    let patch = |patch| store.apply(&[Change::Settings(room("a"), vec![patch])], 1).unwrap();
    patch(SettingsPatch::MaxTokens(Some(100)));
    // Both were written with these settings in sight.
    patch(SettingsPatch::Language(Some(Language::En)));
    patch(SettingsPatch::Retention(Some(9)));
    let settings = Settings { language: Some(Language::En), max_tokens: Some(100), ..kept_for(9) };
    assert_eq!(store.room_settings(&room("a")).unwrap(), settings);
    patch(SettingsPatch::MaxTokens(None));
    assert_eq!(store.room_settings(&room("a")).unwrap(), Settings { max_tokens: None, ..settings });
}

#[test]
fn what_an_answer_cost_is_stored_with_it() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1);
    let usage = AnswerUsage {
        model: "tout-petit".to_owned(),
        compagnon: "juriste".to_owned(),
        compagnon_version: Some(3),
        usage: Usage {
            prompt_tokens: 120,
            cached_tokens: 80,
            completion_tokens: 12,
            prefill: Duration::from_millis(30),
            decode: Duration::from_millis(400),
            energy: crate::energy::Energy { measured: 7, estimated: 11 },
            finish: Finish::Length,
        },
    };
    let turns = turns(&asked, 2);
    let conclusion = Conclusion {
        question: &asked,
        turns,
        answer: answer(&["a", "b"]),
        changes: Vec::new(),
        usage: Some(usage.clone()),
        counted: None,
    };
    assert_eq!(store.conclude(conclusion, 2).unwrap().unwrap().usage, Some(usage.clone()));
    super::deliver(&store, &asked, 3);
    let killed = after_a_kill(&folder);
    let store = open(&killed);
    let place = store.place(&asked.room_id, &asked.event_id);
    let answered = store.transaction().get::<Answered>(&place.of(Tree::Answered)).unwrap().unwrap();
    assert_eq!(answered.usage, Some(usage));
}
