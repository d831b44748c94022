//! Many rooms, many people, and one who asks too much: what one says stays where it was said, nobody waits for another's flood. What the
//! bot holds meanwhile is printed.
//!
//! `cargo test` holds short runs. The long ones, whose figures are printed and not judged:
//!
//! ```text
//! COMPAGNON_ROOMS=200 COMPAGNON_ROUNDS=25 COMPAGNON_OTHERS=8 COMPAGNON_KNOWN_ROOMS=1000 \
//!     cargo test --release --test it -- load --nocapture --test-threads 1
//! ```

mod crowd;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use compagnon::store::Database;
use futures_util::future::{join, join_all};
use tokio::{
    task::JoinSet,
    time::{interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use self::crowd::Crowd;
use crate::{
    commands::spoof,
    support::{
        bot::{Bot, Setup},
        people::{PATIENCE, Person},
    },
    world::{TWO, World, assert_answered_once, from, id_of, joined_dm, number},
};

/// What a machine that does something else at the same time may add to a wait.
const MACHINE: Duration = Duration::from_secs(5);

/// The most that a known room may cost.
const ROOM_KIB: f64 = 1024.0;

/// Each time so many answers were given, what the bot holds is looked at.
const LOOK_EVERY: usize = 500;

/// What a bot holds.
#[derive(Clone, Copy)]
struct Holdings {
    memory_kib: u64,
    descriptors: usize,
    threads: u64,
}

impl Holdings {
    /// Looks, and prints it.
    fn of(bot: &Bot, when: &str) -> Self {
        let (memory_kib, descriptors, threads) = (bot.rss_kib(), bot.descriptors(), bot.threads());
        println!("| {when} | {} MiB | {descriptors} | {threads} |", memory_kib / 1024);
        Self { memory_kib, descriptors, threads }
    }

    /// Nothing grows with the answers given: what comes at first (the model's pool of a fixed size, connections, the runtime's threads)
    /// is a matter of the machine, not of how much was asked.
    fn assert_grown_little(self, before: Self) {
        assert!(
            self.memory_kib <= before.memory_kib + 256 * 1024,
            "{} KiB from {}",
            self.memory_kib,
            before.memory_kib
        );
        assert!(self.descriptors <= before.descriptors + 64, "{} from {}", self.descriptors, before.descriptors);
        assert!(self.threads <= before.threads + 64, "{} from {}", self.threads, before.threads);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn canaries_are_seen_in_their_own_room_only() {
    let world = World::shared().await;
    // What the model keeps of conversations is a pool that fills up once; a small one, so that all else is seen.
    let setup = Setup { model: "{ kv_memory: 32 }", ..world.setup().await };
    let (mut bot, id) = (world.start(&setup), id_of(&setup));
    let (rooms, rounds) = (number("COMPAGNON_ROOMS", 8), number("COMPAGNON_ROUNDS", 4));
    let mut crowd = Crowd::new(world, &id, rooms as usize).await;
    println!("| answers | memory | descriptors | threads |\n|---|---|---|---|");
    let before = Holdings::of(&bot, "none");
    let (answers, began) = (AtomicUsize::new(0), Instant::now());
    let answered = || {
        let count = answers.fetch_add(1, Ordering::Relaxed) + 1;
        if count.is_multiple_of(LOOK_EVERY) {
            Holdings::of(&bot, &count.to_string()).assert_grown_little(before);
        }
    };
    crowd.talk(|round| round < rounds, &answered).await;
    let took = began.elapsed().as_secs_f64();
    let answers = answers.into_inner();
    println!("{rooms} rooms, {answers} questions and answers in {took:.0} s: {:.1} a second", answers as f64 / took);
    assert_eq!(answers as u64, rooms * rounds, "each question got its answer");
    crowd.check(&id);
    Holdings::of(&bot, "all").assert_grown_little(before);
    assert!(bot.terminate().success());
    assert!(Database::open(&bot.data()).expect("the store opens").queued().expect("read").is_empty());
    bot.start_again();
    Holdings::of(&bot, "started again").assert_grown_little(before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_looks_like_a_command_changes_nothing_under_load_either() {
    let world = World::shared().await;
    let mut setup = world.setup().await;
    setup.prompts = TWO.to_vec();
    let (mut bot, id) = (world.start(&setup), id_of(&setup));
    let mut crowd = Crowd::new(world, &id, number("COMPAGNON_ROOMS", 8).min(50) as usize).await;
    let (over, answers) = (CancellationToken::new(), AtomicUsize::new(0));
    let answered = || {
        answers.fetch_add(1, Ordering::Relaxed);
    };
    let table = async {
        spoof(world, &mut bot, &id).await;
        over.cancel();
    };
    join(table, crowd.talk(|_| !over.is_cancelled(), &answered)).await;
    let answers = answers.into_inner();
    println!("{answers} questions were answered meanwhile");
    assert!(answers > 0, "nobody talked meanwhile");
    crowd.check(&id);
}

/// Each person asks `count` questions, one after the other, all at the same time; how long they waited, in order.
async fn waits(world: &World, bot: &str, people: u64, count: u64) -> Vec<Duration> {
    let waited = Mutex::new(Vec::new());
    join_all((0..people).map(async |_| {
        let person = world.person("awa").await;
        let room = person.open_dm(bot).await;
        person.until_member(&room, bot, "join").await;
        let mut questions = Vec::new();
        for _ in 0..count {
            let asked = Instant::now();
            let question = person.send(&room, "Comment vous appelez-vous ?").await;
            person.answer_to(&room, &question).await;
            waited.lock().expect("not poisoned").push(asked.elapsed());
            questions.push(question);
        }
        assert_answered_once(&person, &room, bot, &questions);
    }))
    .await;
    let mut waited = waited.into_inner().expect("not poisoned");
    waited.sort_unstable();
    waited
}

fn print(name: &str, waited: &[Duration]) {
    let at = |part: usize| waited[(waited.len() - 1) * part / 100].as_secs_f64();
    println!("| {name} | {} | {:.2} s | {:.2} s | {:.2} s |", waited.len(), at(50), at(95), at(100));
}

/// Ten messages a second, whatever is answered, until it is over; gives their number.
async fn flood(person: &Person, room: &str, over: &CancellationToken) -> usize {
    let (mut ticks, mut sends) = (interval(Duration::from_millis(100)), JoinSet::new());
    while over.run_until_cancelled(ticks.tick()).await.is_some() {
        let (person, room) = (person.clone(), room.to_owned());
        sends.spawn(async move { person.send(&room, "Comment vous appelez-vous ?").await });
    }
    sends.join_all().await.len()
}

/// The others' waiting time without and with one who writes ten messages a second.
async fn beside_a_flood(world: &World, name: &str, setup: &Setup, judged: bool) -> (usize, usize) {
    let _bot = world.start(setup);
    let id = id_of(setup);
    let (people, count) = (number("COMPAGNON_OTHERS", 2), number("COMPAGNON_QUESTIONS", 4));
    let alone = waits(world, &id, people, count).await;
    print(&format!("{name}: nobody floods"), &alone);
    let flooder = world.person("bavard").await;
    let room = joined_dm(&flooder, &id).await;
    let over = CancellationToken::new();
    let others = async {
        // All that the flooder may say in a row is said before the others are looked at: what follows is the long run.
        flooder.until(&room, "the flood", |seen| (from(seen, &flooder.user_id).len() > 40).then_some(())).await;
        let waited = waits(world, &id, people, count).await;
        over.cancel();
        waited
    };
    let (sent, waited) = join(flood(&flooder, &room, &over), others).await;
    print(&format!("{name}: one floods"), &waited);
    print(&format!("{name}: nobody floods any more"), &waits(world, &id, people, count).await);
    // Twice as long, and what a busy machine adds. Everybody was answered, as `waits` has seen.
    let (median, beside) = (alone[alone.len() / 2], waited[waited.len() / 2]);
    if judged {
        assert!(beside <= 2 * median + MACHINE, "{beside:?} beside a flood, {median:?} without");
    }
    (sent, from(&flooder.messages(&room), &id).len())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_another_ones_flood() {
    let world = World::shared().await;
    println!("| | questions | half of them waited less than | 95 % | all |\n|---|---|---|---|---|");
    let mut setup = world.setup().await;
    // People here answer faster than people do; all else is as it comes.
    setup.limits = "{ loop_after: 99999 }";
    let (sent, said) = beside_a_flood(world, "stock limits", &setup, true).await;
    println!("{sent} messages of the flooder, to which the bot said {said} things");
    // 20 in a row, one in 30 seconds after that, and a word that it is too much.
    assert!(sent > 40 && (20..40).contains(&said), "{said} for {sent}");
    if number("COMPAGNON_OTHERS", 0) > 0 {
        let (sent, said) = beside_a_flood(world, "no limits", &world.setup().await, false).await;
        println!("{sent} messages of the flooder, to which the bot said {said} things");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_many_known_rooms_is_a_start() {
    let world = World::shared().await;
    let (mut bot, id) = world.bot().await;
    let (awa, rooms) = (world.person("awa").await, number("COMPAGNON_KNOWN_ROOMS", 12) as usize);
    let (room, first) = awa.create_dm(&id, "Comment vous appelez-vous ?").await;
    awa.answer_to(&room, &first).await;
    let again = async |bot: &mut Bot| {
        assert!(bot.terminate().success());
        let began = Instant::now();
        bot.start_again();
        let took = began.elapsed();
        assert!(awa.ask(&room, "Comment vous appelez-vous ?").await.body.contains("Témoin"));
        (took, bot.rss_kib())
    };
    let (before, few) = again(&mut bot).await;
    let began = Instant::now();
    world.people.fill(&format!("plein-{id}").replace(['@', ':'], ""), rooms, &id).await;
    let joined = timeout(PATIENCE + Duration::from_secs(rooms as u64), async {
        while world.people.rooms_of(&id).await <= rooms {
            sleep(Duration::from_millis(200)).await;
        }
    });
    joined.await.expect("the bot does not come into all rooms");
    let filled = began.elapsed();
    let (after, many) = again(&mut bot).await;
    println!("{rooms} rooms made, joined and told who comes in {:.0} s", filled.as_secs_f64());
    println!("| rooms known | start to ready | memory |\n|---|---|---|");
    println!("| 1 | {:.1} s | {} MiB |", before.as_secs_f64(), few / 1024);
    println!("| {} | {:.1} s | {} MiB |", rooms + 1, after.as_secs_f64(), many / 1024);
    let each = (many as f64 - few as f64) / rooms as f64;
    println!("{each:.0} KiB a room");
    // Of a few rooms the noise is greater than they are.
    assert!(each < ROOM_KIB || rooms < 100, "{each:.0} KiB a room");
    assert!(after <= 2 * before + MACHINE + Duration::from_millis(20) * rooms as u32, "{after:?} after {before:?}");
}
