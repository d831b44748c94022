//! What is counted of ratings and of refused questions, and the death of the process: at each point on their way it dies, the next one goes on,
//! the homeserver gives it its last response again, and what is counted is what is counted of a process that nothing happens to.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Instant,
};

use ruma::{OwnedEventId, OwnedUserId, owned_room_id};
use tokio::sync::Semaphore;

use super::{
    Config,
    care_tests::{id, redaction},
    clock::now,
    config::Rate,
    fakes::{FakeGateway, FakeModel, incoming},
    kill_bench::{Ordered, Point, Process, assert_nothing_is_left, kills},
    ratings_tests::reaction,
    tests::{Bench, assistant, block, until},
};
use crate::{
    matrix::Gateway as _,
    message::{Incoming, MessageKind},
    statistics::{Counters, Crowd, Rating, Reason, Refusal, Week},
};

const HOUR: u64 = 3_600_000;

/// What is done.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Somebody asks something, and it is answered or refused.
    Ask(&'static str, &'static str, &'static str),
    /// Awa has asked this long ago.
    Late(&'static str),
    /// Awa asks, and sees the beginning of an answer.
    Hold(&'static str),
    /// Awa asks what waits behind that.
    Wait(&'static str),
    /// The model goes on.
    Open,
    /// Awa wants to read no more.
    Stop(&'static str),
    /// Somebody reacts.
    React(&'static str, &'static str, On, &'static str),
    /// An event is redacted.
    TakeBack(&'static str),
    /// A week later.
    WeekEnds,
}

/// What somebody reacts to.
#[derive(Clone, Copy, Debug)]
enum On {
    /// The first message that answers this.
    Answer(&'static str),
    /// The last one.
    LastPart(&'static str),
    /// Its last edit.
    Edit(&'static str),
    /// An event of somebody else.
    Event(&'static str),
}

/// What the next process makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// The same.
    Same,
    /// As much. What is stopped while an answer to it is written keeps its beginning in the room; what waits, as after a start, does not.
    AsMuch,
    /// It decides anew, since what is asked too often is known only as long as a process lives: each question counts once, one way or the other.
    Anew,
}

/// A situation.
struct Row {
    name: &'static str,
    configure: fn(&mut Config),
    steps: &'static [Step],
    /// In which step it dies, and where.
    kills: &'static [(usize, &'static [Point], Then)],
}

use On::{Answer, Edit, Event, LastPart};
use Step::{Ask, Hold, Late, Open, React, Stop, TakeBack, Wait, WeekEnds};
use Then::{Anew, AsMuch, Same};

const AWA: &str = "@awa:h";
const BEN: &str = "@ben:h";
const MALLORY: &str = "@mallory:elsewhere";

const ASKED: Step = Ask(AWA, "$1:h", "Bonjour");
const LONG: &str =
    "&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&";

const SYNC: &[Point] = &[("before-sync-saved", 1), ("sync-saved", 1)];
/// From a reaction to the end of the notice that it leads to, and from a question to the end of its refusal.
const SAID: &[Point] = &[
    ("before-sync-saved", 1),
    ("sync-saved", 1),
    ("question-begun", 1),
    ("before-answer-stored", 1),
    ("answer-stored", 1),
    ("before-put", 1),
    ("after-put", 1),
    ("part-recorded", 1),
    ("before-done", 1),
    ("done", 1),
];
/// Up to the write in which a question is refused, and from there on.
const BEFORE: &[Point] = &[("before-sync-saved", 1), ("sync-saved", 1), ("before-answer-stored", 1)];
const AFTER: &[Point] =
    &[("answer-stored", 1), ("before-put", 1), ("after-put", 1), ("part-recorded", 1), ("before-done", 1), ("done", 1)];
const ENDED: &[Point] = &[("before-answer-stored", 1), ("answer-stored", 1), ("after-put", 1), ("done", 1)];

fn usual(_: &mut Config) {}

fn asks_nothing(config: &mut Config) {
    config.ratings.ask_why = false;
}

const RATINGS: &[Row] = &[
    Row {
        name: "one person rates",
        configure: usual,
        steps: &[ASKED, React(AWA, "$r1:h", Answer("$1:h"), "👍")],
        kills: &[(1, SYNC, Same)],
    },
    Row {
        name: "two people rate",
        configure: asks_nothing,
        steps: &[ASKED, React(AWA, "$r1:h", Answer("$1:h"), "👍"), React(BEN, "$r2:h", Answer("$1:h"), "👎")],
        kills: &[(2, SYNC, Same)],
    },
    Row {
        name: "changed to 👎, which is taken back",
        configure: asks_nothing,
        steps: &[
            ASKED,
            React(AWA, "$r1:h", Answer("$1:h"), "👍"),
            React(AWA, "$r2:h", Answer("$1:h"), "👎"),
            TakeBack("$r2:h"),
        ],
        kills: &[(2, SYNC, Same), (3, SYNC, Same)],
    },
    Row {
        name: "taken back",
        configure: usual,
        steps: &[ASKED, React(AWA, "$r1:h", Answer("$1:h"), "👍"), TakeBack("$r1:h")],
        kills: &[(2, SYNC, Same)],
    },
    Row {
        name: "the answer is taken back",
        configure: usual,
        steps: &[
            ASKED,
            React(AWA, "$r1:h", Answer("$1:h"), "👍"),
            TakeBack("$1:h"),
            React(BEN, "$r2:h", Event("$sent0:h"), "👍"),
        ],
        kills: &[
            (2, SYNC, Same),
            (2, &[("before-rotation", 1), ("rotated", 1), ("before-redaction", 1), ("after-redaction", 1)], Same),
            (3, SYNC, Same),
        ],
    },
    Row {
        name: "on an edit of the answer",
        configure: usual,
        steps: &[Hold("$1:h"), Open, React(AWA, "$r1:h", Edit("$1:h"), "👍")],
        kills: &[(2, SYNC, Same)],
    },
    Row {
        name: "on two parts of a long answer",
        configure: asks_nothing,
        steps: &[
            Ask(AWA, "$1:h", "long"),
            React(AWA, "$r1:h", LastPart("$1:h"), "👍"),
            React(AWA, "$r2:h", Answer("$1:h"), "👎"),
        ],
        kills: &[(1, SYNC, Same), (2, SYNC, Same)],
    },
    Row {
        name: "on what is no answer: a notice, a question, a message",
        configure: usual,
        steps: &[
            Ask(AWA, "$1:h", "!aide"),
            React(AWA, "$r1:h", Answer("$1:h"), "👎"),
            React(AWA, "$r2:h", Event("$1:h"), "👎"),
            React(BEN, "$r3:h", Event("$elsewhere:h"), "👍"),
        ],
        kills: &[(1, SYNC, Same), (3, SYNC, Same)],
    },
    Row {
        name: "by somebody without access",
        configure: usual,
        steps: &[ASKED, React(MALLORY, "$r1:h", Answer("$1:h"), "👎")],
        kills: &[(1, SYNC, Same)],
    },
    Row {
        name: "before the answer's end",
        configure: usual,
        steps: &[Hold("$1:h"), React(AWA, "$r1:h", Answer("$1:h"), "👎"), Open],
        kills: &[(1, SYNC, Same), (2, ENDED, Same)],
    },
    Row {
        name: "before the answer's end, and taken back",
        configure: usual,
        steps: &[Hold("$1:h"), React(AWA, "$r1:h", Answer("$1:h"), "👎"), TakeBack("$r1:h"), Open],
        kills: &[(2, SYNC, Same), (3, &[("before-answer-stored", 1), ("answer-stored", 1)], Same)],
    },
    Row {
        name: "the reason why",
        configure: usual,
        steps: &[
            ASKED,
            React(BEN, "$r1:h", Answer("$1:h"), "👎"),
            React(BEN, "$r2:h", Answer("$r1:h"), "2️⃣"),
            React(BEN, "$r3:h", Answer("$r1:h"), "5️⃣"),
            TakeBack("$r3:h"),
        ],
        kills: &[(1, SAID, Same), (2, SYNC, Same), (3, SYNC, Same), (4, SYNC, Same)],
    },
    Row {
        name: "the rating with its reason is taken back",
        configure: usual,
        steps: &[
            ASKED,
            React(AWA, "$r1:h", Answer("$1:h"), "❌"),
            React(AWA, "$r2:h", Answer("$r1:h"), "1️⃣"),
            TakeBack("$r1:h"),
        ],
        kills: &[(3, SYNC, Same)],
    },
    Row {
        name: "why is asked once a week",
        configure: usual,
        steps: &[
            ASKED,
            React(AWA, "$r1:h", Answer("$1:h"), "👎"),
            Ask(AWA, "$2:h", "Encore"),
            React(AWA, "$r2:h", Answer("$2:h"), "👎"),
        ],
        kills: &[(1, &[("sync-saved", 1), ("done", 1)], Same), (3, SYNC, Same)],
    },
    Row {
        name: "the week ends",
        configure: usual,
        steps: &[
            ASKED,
            React(BEN, "$r1:h", Answer("$1:h"), "👎"),
            WeekEnds,
            React(BEN, "$r2:h", Answer("$1:h"), "👍"),
            Ask(BEN, "$2:h", "Bonsoir"),
        ],
        kills: &[
            (2, &[("before-statistics-aged", 1), ("statistics-aged", 1)], Same),
            (4, &[("before-answer-stored", 1), ("answer-stored", 1)], Same),
        ],
    },
];

const REFUSALS: &[Row] = &[
    Row {
        name: "too often, and told so",
        configure: |config| config.limits.person = Rate::of(1, 1),
        steps: &[ASKED, Ask(AWA, "$2:h", "Encore")],
        kills: &[(1, BEFORE, Anew), (1, AFTER, Same)],
    },
    Row {
        name: "too often, and told before",
        configure: |config| config.limits.person = Rate::of(1, 1),
        steps: &[ASKED, Ask(AWA, "$2:h", "Encore"), Ask(AWA, "$3:h", "Encore")],
        kills: &[(2, SYNC, Anew), (2, &[("before-question-ended", 1)], Anew), (2, &[("question-ended", 1)], Same)],
    },
    Row {
        name: "busy",
        configure: |config| config.waiting_per_conversation = 1,
        steps: &[Hold("$1:h"), Wait("$2:h"), Ask(AWA, "$3:h", "trois"), Open],
        kills: &[(2, BEFORE, Anew), (2, AFTER, Same)],
    },
    Row { name: "stale", configure: usual, steps: &[Late("$1:h")], kills: &[(0, SAID, Same)] },
    Row {
        name: "too long",
        configure: |config| config.limits.question = 10,
        steps: &[Ask(AWA, "$1:h", "une question trop longue")],
        kills: &[(0, SAID, Same)],
    },
    Row { name: OPEN_ROOM, configure: usual, steps: &[ASKED], kills: &[(0, SAID, Same)] },
    Row {
        name: "without access",
        configure: usual,
        steps: &[Ask(MALLORY, "$1:h", "Bonjour"), ASKED],
        kills: &[(0, SYNC, Same)],
    },
    Row {
        name: "stopped, one under way and one that waits",
        configure: usual,
        steps: &[Hold("$1:h"), Wait("$2:h"), Stop("$3:h")],
        kills: &[
            (2, SYNC, AsMuch),
            (2, &[("question-begun", 1), ("before-question-ended", 1), ("question-ended", 1)], AsMuch),
            (2, &[("before-answer-stored", 1), ("answer-stored", 2)], AsMuch),
            // The stop may be over before the answer that it stops: that one is then written to its end.
            (2, &[("answer-stored", 1), ("before-answer-stored", 2), ("after-put", 1), ("done", 1)], Anew),
        ],
    },
];

/// The room is open to people outside of the State.
const OPEN_ROOM: &str = "access to the room";

/// A process that does the steps of a situation.
struct Run {
    bench: Bench,
    /// What the model waits for.
    gate: Arc<Semaphore>,
    /// What it has been asked.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Run {
    fn of(row: &Row, folder: &Path) -> Self {
        let gateway = FakeGateway::kept_in(folder);
        if row.name == OPEN_ROOM {
            gateway.open_rooms();
        }
        let mut config = Config::default();
        config.limits.loop_after = u32::MAX;
        (row.configure)(&mut config);
        let gate = Arc::new(Semaphore::new(0));
        let model = FakeModel { gate: Some(Arc::clone(&gate)), ..FakeModel::default() };
        let asked = Arc::clone(&model.systems);
        let run = Self { bench: assistant(folder, &gateway, model, config), gate, asked };
        if !row.steps.iter().any(|step| matches!(step, Hold(_))) {
            run.open();
        }
        run
    }

    fn open(&self) {
        self.gate.add_permits(1_000);
    }

    /// Whether the model holds its answers back.
    fn holds(&self) -> bool {
        self.gate.available_permits() == 0
    }

    fn ask(&self, person: &str, event: &str, text: &str) {
        let text = if text == "long" { LONG.repeat(80) } else { text.to_owned() };
        let sender = person.try_into().expect("a user id");
        self.bench.ask(vec![Incoming { sender, ..incoming(event, "!a:h", &text) }]);
    }

    /// Waits until nothing is left to do of a message; where the model holds nothing back, until nothing is left to do at all.
    async fn settle(&self, event: &str) {
        if !self.holds() {
            self.bench.rest().await;
        }
        let store = self.bench.store();
        let waits = || block(store.queued()).expect("readable").iter().any(|queued| queued.question.event_id == event);
        let sends = || {
            let undelivered = block(store.undelivered()).expect("readable");
            undelivered.iter().any(|delivery| delivery.question.event_id == event)
        };
        until(|| !waits() && !sends()).await;
    }

    /// Waits until the answer that was held back is asked for again, unless it has ended, or its end is already ordered.
    async fn take_up(&self, stopping: &str) {
        let queued = self.bench.store().queued().await.expect("readable");
        let ordered = queued.iter().any(|queued| queued.question.event_id == stopping);
        if !ordered && queued.iter().any(|queued| queued.draft.is_some()) {
            until(|| !self.asked.lock().expect("not poisoned").is_empty()).await;
        }
    }

    async fn target(&self, on: On) -> OwnedEventId {
        let gateway = &self.bench.gateway;
        let of = |question: &str| gateway.messages_of(question);
        match on {
            Answer(question) => of(question).first().expect("an answer").clone(),
            LastPart(question) => {
                assert!(of(question).len() > 1, "it is long");
                of(question).last().expect("an answer").clone()
            }
            Edit(question) => {
                let edits = gateway.edits(&owned_room_id!("!a:h"), &of(question)[0]).await;
                edits.expect("answered").last().expect("an edit").clone()
            }
            Event(event) => id(event),
        }
    }

    async fn does(&self, step: Step) {
        match step {
            Ask(person, event, text) => {
                self.ask(person, event, text);
                self.settle(event).await;
            }
            Late(event) => {
                let asked = incoming(event, "!a:h", "Bonjour");
                self.bench.ask(vec![Incoming { sent_at: now() - 13 * HOUR, ..asked }]);
                self.settle(event).await;
            }
            Hold(event) => {
                self.ask(AWA, event, "Bonjour");
                let store = self.bench.store();
                let shown = |queued: &crate::store::Queued| queued.draft.is_some();
                until(|| block(store.queued()).expect("readable").iter().any(shown)).await;
            }
            Wait(event) => self.ask(AWA, event, "Encore"),
            Open => {
                self.open();
                self.bench.rest().await;
            }
            Stop(event) => {
                self.ask(AWA, event, "!stop");
                self.settle(event).await;
                self.open();
                self.bench.rest().await;
            }
            React(person, event, on, key) => {
                self.bench.accept(reaction(person, event, &self.target(on).await, key));
                self.settle(event).await;
            }
            TakeBack(event) => {
                self.bench.accept(redaction(event));
                self.settle(event).await;
            }
            WeekEnds => {
                let later = now() + 8 * 24 * HOUR;
                self.bench.assistant.intake.age_statistics(later).await.expect("aged");
            }
        }
    }
}

/// What a person is told of their ratings, and whether the week remembers them.
type Told = (Vec<(Rating, Option<Reason>)>, bool);

/// What is counted, and what is told of it.
#[derive(Debug, Default, PartialEq)]
struct Counts {
    questions: u64,
    answers: u64,
    refusals: BTreeMap<Refusal, u64>,
    useful: u64,
    not_useful: u64,
    reasons: BTreeMap<Reason, u64>,
    /// Answers whose times and tokens are counted.
    measured: [u64; 3],
    people: Vec<(Crowd, u64)>,
    /// Those of them who have rated answers.
    raters: Vec<(Crowd, u64)>,
    /// Awa and Ben.
    told: Vec<Told>,
    /// How many messages people see.
    shown: usize,
    notices: usize,
}

fn of_crowds(counts: BTreeMap<(Week, Crowd), u64>) -> Vec<(Crowd, u64)> {
    counts.into_iter().map(|((_, crowd), count)| (crowd, count)).collect()
}

async fn counts(bench: &Bench) -> Counts {
    let store = bench.store();
    let statistics = store.statistics().await.expect("readable");
    let sum = |counters: &mut dyn Iterator<Item = Counters>| {
        counters.fold(Counters::default(), |mut sum, more| {
            sum.add(&more);
            sum
        })
    };
    let days = sum(&mut statistics.days.into_values());
    let room = store.room_statistics(&owned_room_id!("!a:h")).await.expect("readable");
    assert_eq!(sum(&mut room.into_values()), days, "of its one room as much is counted as of all days");
    let mut told = Vec::new();
    for person in [AWA, BEN] {
        let person: OwnedUserId = person.try_into().expect("a user id");
        let personal = store.personal(&person).await.expect("readable");
        let ratings = personal.ratings.into_iter().map(|given| (given.rating, given.reason));
        told.push((ratings.collect(), personal.counted_this_week));
    }
    let shown = bench.gateway.shown();
    let Counters { questions, answers, refusals, useful, not_useful, reasons, .. } = days;
    Counts {
        questions,
        answers,
        refusals,
        useful,
        not_useful,
        reasons,
        measured: [days.first_text.count(), days.whole.count(), days.completion_tokens],
        people: of_crowds(statistics.people),
        raters: of_crowds(statistics.raters),
        told,
        shown: shown.len(),
        notices: shown.iter().filter(|shown| shown.kind == MessageKind::Notice).count(),
    }
}

impl Counts {
    /// Whether each question ends once here as there.
    fn ends_as_many(&self, other: &Self) -> bool {
        let ends = |counts: &Self| counts.answers + counts.refusals.values().sum::<u64>();
        self.questions == other.questions && ends(self) == ends(other) && ends(self) == self.questions
    }

    fn summary(&self) -> String {
        let refusals: Vec<String> =
            self.refusals.iter().map(|(refusal, count)| format!("{} {count}", refusal.name())).collect();
        let reasons: Vec<String> =
            self.reasons.iter().map(|(reason, count)| format!("{} {count}", reason.name())).collect();
        let all = |crowds: &[(Crowd, u64)]| {
            crowds.iter().find(|(crowd, _)| *crowd == Crowd::All).map_or(0, |(_, count)| *count)
        };
        let (people, raters) = (all(&self.people), all(&self.raters));
        format!(
            "{} questions, {} answers, {people} people, {raters} raters, 👍 {} 👎 {} {}{}",
            self.questions,
            self.answers,
            self.useful,
            self.not_useful,
            reasons.join(" "),
            refusals.join(" ")
        )
    }
}

/// What is counted after each step where nothing happens.
async fn undisturbed(row: &Row) -> Vec<Counts> {
    let folder = tempfile::tempdir().expect("a folder");
    let run = Run::of(row, folder.path());
    let mut after = Vec::new();
    for step in row.steps {
        run.does(*step).await;
        after.push(counts(&run.bench).await);
    }
    assert_nothing_is_left(&run.bench).await;
    after
}

/// Goes on after a death in a step: takes up what is left, and is given the last response again.
async fn go_on(row: &Row, folder: &Path, (died, point, then): (usize, Point, Then), expected: &[Counts]) {
    let name = format!("{}: step {died}, {} {}", row.name, point.0, point.1);
    let run = Run::of(row, folder);
    let opened = row.steps[..died].iter().any(|step| matches!(step, Open));
    if opened || (then == Anew && matches!(row.steps[died], Stop(_))) {
        run.open();
    }
    run.bench.assistant.resume().await.expect("resumed");
    if let Some(Stop(event)) = row.steps.get(died).filter(|_| run.holds()) {
        run.take_up(event).await;
    }
    if !run.holds() {
        run.bench.rest().await;
        let is_done = point.0 != "before-sync-saved" && !point.0.starts_with("before-statistics");
        if is_done && then == Same {
            assert_eq!(counts(&run.bench).await, expected[died], "{name}: before the response is given again");
        }
    }
    for (step, expected) in row.steps.iter().zip(expected).skip(died) {
        match step {
            // What was refused before waits behind what is held back.
            Ask(person, event, text) if then == Anew && run.holds() => run.ask(person, event, text),
            step => run.does(*step).await,
        }
        if then != Anew {
            let counted = counts(&run.bench).await;
            let shown = if then == AsMuch { expected.shown } else { counted.shown };
            assert_eq!(Counts { shown, ..counted }, *expected, "{name}: after {step:?}");
        }
    }
    let (counted, expected) = (counts(&run.bench).await, expected.last().expect("steps"));
    assert!(counted.ends_as_many(expected), "{name}: {counted:?} and not {expected:?}");
    assert_nothing_is_left(&run.bench).await;
}

/// The process that dies in a step of a situation.
#[tokio::test(flavor = "multi_thread")]
async fn rates_and_dies() {
    let Some(ordered) = Ordered::read() else { return };
    let [name, step] = ordered.steps.as_slice() else { panic!("a situation and a step") };
    let number: usize = name.parse().expect("a number");
    let row = RATINGS.iter().chain(REFUSALS).nth(number).expect("a situation");
    let (run, step) = (Run::of(row, &ordered.folder), step.parse::<usize>().expect("a number"));
    for before in &row.steps[..step] {
        run.does(*before).await;
    }
    Ordered::arm();
    run.does(row.steps[step]).await;
    ordered.over(&run.bench).await;
}

/// All kills of a situation: a line of the table.
async fn kill_all(row: &'static Row, number: usize) -> String {
    let begun = Instant::now();
    let expected = undisturbed(row).await;
    let mut killed = 0;
    for (step, points, then) in row.kills {
        for point in points.iter().flat_map(|point| std::iter::repeat_n(*point, kills())) {
            let folder = tempfile::tempdir().expect("a folder");
            let (test, steps) = ("assistant::ratings_kills_tests::rates_and_dies", format!("{number} {step}"));
            let process = Process { test, folder: folder.path(), steps, point: Some(point), flags: &[] };
            let died = tokio::task::block_in_place(|| process.dies());
            assert!(died, "{}: step {step}, {point:?}: the point is not on the way", row.name);
            go_on(row, folder.path(), (*step, point, *then), &expected).await;
            killed += 1;
        }
    }
    let (counted, took) = (expected.last().expect("steps").summary(), begun.elapsed().as_secs());
    format!("| {} | {killed} | {counted} | {took} s |", row.name)
}

/// The situations beside one another: most of the time passes with waiting for the beginning of an answer.
async fn table(rows: &'static [Row], first: usize) {
    let rows = (first..).zip(rows).map(|(number, row)| tokio::spawn(kill_all(row, number)));
    let lines = futures_util::future::try_join_all(rows.collect::<Vec<_>>()).await.expect("no row fails");
    println!("\n| situation | kills | counted, as without | time |\n|---|---|---|---|\n{}", lines.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn ratings_given_while_the_process_dies_count_as_without() {
    table(RATINGS, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_while_the_process_dies_count_as_without() {
    table(REFUSALS, RATINGS.len()).await;
}
