//! Forgetting, growing old and taking back, and the death of the process: at each point of these writes it dies, the next one goes on, and the
//! room shows what it shows of a process that nothing happens to. The homeserver gives the next one its last response again.

use std::{path::Path, sync::Arc, time::Instant};

use super::{
    Config,
    care_tests::redaction,
    clock::now,
    config::{Rate, Streaming},
    fakes::{FakeGateway, FakeModel, incoming},
    kill_bench::{Ordered, Point, Process, kills},
    tests::{Bench, assistant},
};
use crate::{message::MessageKind, store::Retention};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A question is answered, in several messages that are edited while they are written.
    Ask,
    /// Its conversation is forgotten.
    Forget,
    /// Its author is forgotten.
    Person,
    /// It grows old.
    Purge,
    /// It is deleted.
    Delete,
}

const WAYS: [Step; 3] = [Step::Forget, Step::Person, Step::Purge];

impl Step {
    const ALL: [Self; 5] = [Self::Ask, Self::Forget, Self::Person, Self::Purge, Self::Delete];

    fn name(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Forget => "forget",
            Self::Person => "person",
            Self::Purge => "purge",
            Self::Delete => "delete",
        }
    }

    async fn done(self, bench: &Bench) {
        match self {
            Self::Ask => {
                bench.ask(vec![incoming("$1:h", "!a:h", &"SECRET&".repeat(1_200))]);
            }
            Self::Forget => bench.ask(vec![incoming("$2:h", "!a:h", "!oublier")]),
            Self::Person => bench.ask(vec![incoming("$2:h", "!a:h", "!oublier moi")]),
            Self::Purge => bench.assistant.purge(now() + 1_000, &ALL_THAT_IS_SAID).await.expect("purged"),
            Self::Delete => bench.accept(redaction("$1:h")),
        }
        bench.rest().await;
    }

    /// Where it may die: the point, and which of the times that it comes past there.
    fn points(self) -> Vec<Point> {
        let command = ["before-sync-saved", "sync-saved", "question-begun", "before-answer-stored", "answer-stored"];
        let rotation = ["before-rotation", "rotation-keys-saved", "rotated"];
        let sent = ["before-put", "after-put", "part-recorded", "before-done", "done"];
        let taken = ["before-redaction", "after-redaction"];
        let points: Vec<&'static str> = match self {
            Self::Ask => Vec::new(),
            Self::Forget | Self::Person => command.into_iter().chain(rotation).chain(sent).collect(),
            Self::Purge => ["before-purge", "purged"].into_iter().chain(rotation).collect(),
            Self::Delete => ["before-sync-saved", "sync-saved"].into_iter().chain(rotation).chain(taken).collect(),
        };
        let first = points.into_iter().map(|point| (point, 1));
        // Some of the events are taken back, and the others are not.
        let later = (self == Self::Delete).then_some([("before-redaction", 2), ("after-redaction", 2)]);
        first.chain(later.into_iter().flatten()).collect()
    }
}

/// What is said grows old at once, and nothing else.
const ALL_THAT_IS_SAID: Retention = Retention {
    dedup: u64::MAX,
    turns: 0,
    turns_at_most: 0,
    audit: u64::MAX,
    undecrypted: u64::MAX,
    memory: u64::MAX,
    withdrawable: u64::MAX,
    compagnons: u64::MAX,
};

/// The process that dies, or goes on: it takes up what is left, then does these steps.
#[tokio::test(flavor = "multi_thread")]
async fn forgets_and_dies() {
    let Some(ordered) = Ordered::read() else { return };
    let gateway = FakeGateway::kept_in(&ordered.folder);
    let streaming = Streaming { enabled: true, per_second: 1_000.0, burst: 1_000.0 };
    let mut config = Config { streaming, ..Config::default() };
    config.limits.loop_after = u32::MAX;
    (config.limits.person, config.limits.room) = (Rate::of(10_000, 1), Rate::of(10_000, 1));
    let bench = assistant(&ordered.folder, &gateway, FakeModel::default(), config);
    Ordered::arm();
    bench.assistant.resume().await.expect("resumed");
    bench.rest().await;
    for step in &ordered.steps {
        let step = Step::ALL.into_iter().find(|known| known.name() == step).expect("a step");
        bench.assistant.intake.lifecycle.tasks.reopen();
        step.done(&bench).await;
        if WAYS.contains(&step) {
            let asked = incoming("$1:h", "!a:h", "");
            assert!(bench.store().turns(&asked.conversation()).await.expect("readable").is_empty());
            assert_eq!(bench.store().exchange_of(&asked.room_id, &asked.event_id).await.expect("readable"), None);
        }
    }
    ordered.over(&bench).await;
}

/// Runs a process for these steps. Whether it died.
fn run(folder: &Path, steps: &[Step], point: Option<Point>) -> bool {
    let steps: Vec<&str> = steps.iter().map(|step| step.name()).collect();
    let test = "assistant::rights_kills_tests::forgets_and_dies";
    Process { test, folder, steps: steps.join(" "), point, flags: &[] }.dies()
}

/// How many messages and edits of the answer the homeserver keeps, and how many notices people see.
fn seen(folder: &Path) -> (usize, usize) {
    let gateway: Arc<FakeGateway> = FakeGateway::kept_in(folder);
    let kept = gateway.kept().iter().filter(|text| text.contains("SECRET")).count();
    (kept, gateway.shown().iter().filter(|shown| shown.kind == MessageKind::Notice).count())
}

/// So many kills at each point of a step: after `before`, and with `after` by the process that goes on.
fn table(before: &[Step], step: Step, after: &[Step]) {
    println!("\n| {before:?}, {step:?}: killed at | kills | gone as without | time |\n|---|---|---|---|");
    for point in step.points() {
        let begun = Instant::now();
        for _ in 0..kills() {
            let folder = tempfile::tempdir().expect("a folder");
            assert!(!run(folder.path(), before, None));
            assert!(seen(folder.path()).0 > 1, "the answer is shown");
            assert!(run(folder.path(), &[step], Some(point)), "{step:?} {point:?}: the point is not on the way");
            assert!(!run(folder.path(), &[&[step], after].concat(), None));
            let notices =
                [before, &[step]].concat().iter().filter(|step| matches!(step, Step::Forget | Step::Person)).count();
            assert_eq!(seen(folder.path()), (0, notices), "{step:?} {point:?}");
        }
        let (point, count) = point;
        println!("| {point} {count} | {0} | {0} | {1} s |", kills(), begun.elapsed().as_secs());
    }
}

#[test]
fn a_conversation_that_is_forgotten_by_a_process_that_dies_goes_with_its_question() {
    table(&[Step::Ask], Step::Forget, &[Step::Delete]);
}

#[test]
fn a_person_who_is_forgotten_by_a_process_that_dies_can_delete_their_question() {
    table(&[Step::Ask], Step::Person, &[Step::Delete]);
}

#[test]
fn an_exchange_that_grows_old_while_the_process_dies_goes_with_its_question() {
    table(&[Step::Ask], Step::Purge, &[Step::Delete]);
}

#[test]
fn a_forgotten_answer_is_taken_back_whatever_kills_the_process() {
    for way in WAYS {
        table(&[Step::Ask, way], Step::Delete, &[]);
    }
}
