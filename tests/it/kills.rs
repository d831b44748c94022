//! Kills, at each named point and at random: every question gets one answer, every command for a file one file, and the store opens every
//! time.
//!
//! `cargo test` holds a short run. The long one:
//!
//! ```text
//! COMPAGNON_KILLS=20 COMPAGNON_RANDOM_KILLS=300 cargo test --test it -- kills --nocapture
//! ```
//!
//! Calls to other services and texts for other places have theirs in the library: `COMPAGNON_KILLS=20 cargo test --lib items_tests -- --nocapture`.
//! So have jobs, at more points than here: `COMPAGNON_KILLS=20 cargo test --lib job_kills -- --nocapture`.
//! Kills in a migration of the store have theirs beside it: `COMPAGNON_KILLS=20 cargo test --lib migration -- --nocapture`.
//!
//! What counts is what people see: the rooms are read with their own clients, and only then the store.

mod scene;

use std::time::{Duration, Instant};

use tokio::time::sleep;

use self::scene::{Dice, Office, Scene, Tally, report};
use crate::{
    sources::UNKNOWN,
    support::{
        bot::{Bot, Setup},
        engine::Engine,
        room::Message,
    },
    world::{World, assert_each_once, id_of, joined_dm, number, said_to, until_nothing_is_kept},
};

/// Everything between a message and the end of its answer.
const POINTS: [&str; 12] = [
    "before-sync-saved",
    "sync-saved",
    "question-begun",
    "prefill",
    "decode",
    "before-answer-stored",
    "answer-stored",
    "before-put",
    "after-put",
    "part-recorded",
    "before-done",
    "done",
];
/// A purge, and the replacing of a room's key that makes it real.
const PURGE_POINTS: [&str; 5] = ["before-purge", "purged", "before-rotation", "rotation-keys-saved", "rotated"];
/// Taking an answer back, because its question was.
const REDACTION_POINTS: [&str; 2] = ["before-redaction", "after-redaction"];

/// Between a command for a file and the end of its delivery: in the store, at the media repository, in the room.
const FILE_POINTS: [&str; 12] = [
    "chunks-stored",
    "file-stored",
    "before-answer-stored",
    "answer-stored",
    "before-upload",
    "after-upload",
    "upload-recorded",
    "before-put",
    "after-put",
    "part-recorded",
    "before-done",
    "done",
];

/// Between a file's message and the end of the answer that cites it.
const DOCUMENT_POINTS: [&str; 14] = [
    "before-download",
    "after-download",
    "after-extract",
    "after-embed",
    "document-chunks-stored",
    "document-stored",
    "question-begun",
    "before-answer-stored",
    "answer-stored",
    "before-put",
    "after-put",
    "part-recorded",
    "before-done",
    "done",
];

/// Between a command for a file's translation and the end of its delivery, while the room sees how far it is.
const TRANSLATION_POINTS: [&str; 11] = [
    "question-begun",
    "file-stored",
    "before-answer-stored",
    "answer-stored",
    "after-upload",
    "upload-recorded",
    "before-put",
    "after-put",
    "part-recorded",
    "before-done",
    "done",
];

/// How long a translation of one passage takes: the room sees how far the work is.
const SLOWLY: Duration = Duration::from_millis(250);

/// An encoder with random weights: its vectors are stored as others are.
const EMBEDDING: &str =
    concat!("{ embedding: { folder: \"", env!("CARGO_MANIFEST_DIR"), "/tests/reference/encoders/bert\" } }");

/// How often a run at random changes rooms, so that its histories stay short.
const KILLS_PER_SCENE: u64 = 25;
/// The most questions that wait while the bot is killed at random: it must get to an answer now and then.
const MOST_OPEN: usize = 8;

/// Starts it again; it becomes ready.
fn revive(bot: &mut Bot, tally: &mut Tally) {
    bot.kill();
    bot.live_on();
    tally.starts += 1;
    bot.start_again();
    tally.opened += 1;
}

/// Waits until the bot has died, or has come past the point too seldom for that: gives whether it died.
async fn dies(bot: &mut Bot, scene: &Scene) -> bool {
    let mut idle = 0;
    while bot.ended().is_none() {
        sleep(Duration::from_millis(20)).await;
        // Some points come after the people have their answer.
        idle = if scene.open() == 0 { idle + 1 } else { 0 };
        if idle > 50 {
            return false;
        }
    }
    assert_died(bot);
    true
}

/// It died by the signal, and not by a mistake of its own.
fn assert_died(bot: &mut Bot) {
    use std::os::unix::process::ExitStatusExt as _;
    let status = bot.ended().expect("it has ended");
    assert!(status.signal().is_some(), "the bot ended by itself, {status}: {}", bot.log());
}

/// In a short run all points share one row, and with it the rooms and the last look: what takes the time is everything around the kills.
fn together(points: &'static [&'static str], kills: u64) -> std::slice::Chunks<'static, &'static str> {
    points.chunks(if kills > 2 { 1 } else { points.len() })
}

/// What people ask for.
#[derive(Clone, Copy)]
enum Asked {
    /// Answers of the model.
    Answers,
    /// Files, by command.
    Files,
    /// Files to read, and answers from them.
    Documents,
    /// Files to be translated.
    Translations,
}

async fn ask(scene: &mut Scene, asked: Asked) {
    match asked {
        Asked::Answers => scene.ask_all().await,
        Asked::Files => scene.export().await,
        Asked::Documents => scene.drop_files().await,
        Asked::Translations => scene.translate().await,
    }
}

/// Kills at one point until there were `kills` more, while what people have asked for is on its way.
async fn kill_at(
    bot: &mut Bot,
    scene: &mut Scene,
    tally: &mut Tally,
    (point, asked): (&str, Asked),
    kills: u64,
    dice: &mut Dice,
) {
    // The engine comes past its points often, the others once or a few times per question.
    let most = match asked {
        Asked::Answers if point == "decode" => 60,
        Asked::Answers => 4,
        Asked::Files | Asked::Documents | Asked::Translations => 2,
    };
    let mut count = 1 + dice.below(most);
    let wanted = tally.kills + kills;
    while tally.kills < wanted {
        bot.die_at(point, count);
        ask(scene, asked).await;
        if !dies(bot, scene).await {
            count = 1;
            continue;
        }
        tally.kills += 1;
        // Every other time it dies once more, where what was left is taken up.
        if tally.kills < wanted && dice.below(2) == 0 {
            bot.kill();
            bot.die_at(point, 1);
            tally.starts += 1;
            bot.spawn("");
            if dies(bot, scene).await {
                tally.kills += 1;
            }
            tally.opened += 1;
        }
        revive(bot, tally);
        assert!(scene.all_answered().await, "not answered after {point}: {}", bot.log());
        count = 1 + dice.below(most);
    }
}

/// Kills the bot at each of these points while files are on their way, and looks at what came.
async fn kill_amid_files(world: &World, setup: &Setup, title: &str, points: &'static [&'static str], asked: Asked) {
    let (began, kills, mut dice) = (Instant::now(), number("COMPAGNON_KILLS", 1), Dice::new());
    let (mut bot, id) = (world.start(setup), id_of(setup));
    let mut rows = Vec::new();
    for points in together(points, kills) {
        let (mut scene, mut tally) = (Scene::new(world, &id).await, Tally::default());
        for point in points {
            kill_at(&mut bot, &mut scene, &mut tally, (point, asked), kills, &mut dice).await;
        }
        // Once more, so that a second file of what came before would be seen.
        ask(&mut scene, asked).await;
        assert!(scene.all_answered().await, "no file: {}", bot.log());
        let status = bot.terminate();
        assert!(status.success(), "{status}: {}", bot.log());
        scene.check(&bot, &mut tally, true);
        match asked {
            Asked::Translations => scene.check_translations(&mut tally).await,
            _ => scene.check_exports(&mut tally).await,
        }
        bot.start_again();
        rows.push((points.join(", "), tally));
    }
    report(title, began, &rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_is_lost_or_doubled() {
    let world = World::shared().await;
    let setup = Setup { mortal: true, ..world.setup().await };
    kill_amid_files(world, &setup, "Kills while a file is on its way", &FILE_POINTS, Asked::Files).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_translation_is_lost_or_doubled_and_no_progress_is_left() {
    let world = World::shared().await;
    let engine = Engine::start(|prompt| {
        std::thread::sleep(SLOWLY);
        let mut asked = prompt.messages.iter().filter_map(|said| said.content.split_once("Texte à traduire :\n"));
        asked.next_back().map_or_else(String::new, |(_, text)| text.to_uppercase())
    });
    let setup = Setup { mortal: true, failpoints: engine.failpoint(), ..world.setup().await };
    kill_amid_files(world, &setup, "Kills while a file is translated", &TRANSLATION_POINTS, Asked::Translations).await;
}

/// A model that answers from the passage that it is given, and from nothing else.
fn reader() -> Engine {
    Engine::start(|prompt| {
        let office = Office::asked(prompt.question());
        let found = office.and_then(|office| Some((office, prompt.mark_of(&office.text())?)));
        found.map_or_else(|| UNKNOWN.to_owned(), |(office, mark)| format!("{}{mark}].", office.says()))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_document_and_no_answer_from_one_is_lost_or_doubled() {
    let world = World::shared().await;
    let (began, kills, mut dice) = (Instant::now(), number("COMPAGNON_KILLS", 1), Dice::new());
    let engine = reader();
    let setup = Setup { mortal: true, model: EMBEDDING, failpoints: engine.failpoint(), ..world.setup().await };
    let (mut bot, id) = (world.start(&setup), id_of(&setup));
    let mut rows = Vec::new();
    for points in together(&DOCUMENT_POINTS, kills) {
        let (mut scene, mut tally) = (Scene::new(world, &id).await, Tally::default());
        for point in points {
            kill_at(&mut bot, &mut scene, &mut tally, (point, Asked::Documents), kills, &mut dice).await;
        }
        rows.push((points.join(", "), finish_documents(&mut bot, &mut scene, tally).await));
    }
    let (mut scene, mut tally) = (Scene::new(world, &id).await, Tally::default());
    for _ in 0..kills {
        // A document from before there was an encoder: its vectors are stored when it is searched.
        assert!(bot.terminate().success(), "{}", bot.log());
        bot.configure(&Setup { model: "{}", ..setup.clone() });
        bot.start_again();
        scene.drop_files().await;
        assert!(scene.all_answered().await, "not answered: {}", bot.log());
        assert!(bot.terminate().success(), "{}", bot.log());
        bot.configure(&setup);
        bot.die_at("vectors-stored", 1);
        bot.spawn("");
        scene.ask_about_first().await;
        assert!(dies(&mut bot, &scene).await, "no vectors were stored: {}", bot.log());
        tally.kills += 1;
        revive(&mut bot, &mut tally);
        assert!(scene.all_answered().await, "not answered after vectors-stored: {}", bot.log());
    }
    rows.push(("vectors-stored".to_owned(), finish_documents(&mut bot, &mut scene, tally).await));
    report("Kills while files are read, and answers from them written", began, &rows);
}

/// As [`finish`], with what became of the files.
async fn finish_documents(bot: &mut Bot, scene: &mut Scene, mut tally: Tally) -> Tally {
    scene.drop_files().await;
    assert!(scene.all_answered().await, "not answered: {}", bot.log());
    let status = bot.terminate();
    assert!(status.success(), "{status}: {}", bot.log());
    scene.check(bot, &mut tally, false);
    scene.check_documents(bot, &mut tally);
    bot.start_again();
    tally
}

/// Asks once more, so that a second answer to what came before would be seen; then looks at everything.
async fn finish(bot: &mut Bot, scene: &mut Scene, tally: &mut Tally, purged: bool) {
    scene.ask_all().await;
    scene.all_answered().await;
    let status = bot.terminate();
    assert!(status.success(), "{status}: {}", bot.log());
    scene.check(bot, tally, purged);
    bot.start_again();
}

#[tokio::test(flavor = "multi_thread")]
async fn at_each_point_nothing_is_lost_or_doubled() {
    let world = World::shared().await;
    let (began, kills, mut dice) = (Instant::now(), number("COMPAGNON_KILLS", 1), Dice::new());
    let setup = Setup { mortal: true, ..world.setup().await };
    let (mut bot, id) = (world.start(&setup), id_of(&setup));
    let mut rows = Vec::new();
    for points in together(&POINTS, kills) {
        let (mut scene, mut tally) = (Scene::new(world, &id).await, Tally::default());
        for point in points {
            kill_at(&mut bot, &mut scene, &mut tally, (point, Asked::Answers), kills, &mut dice).await;
        }
        finish(&mut bot, &mut scene, &mut tally, false).await;
        rows.push((points.join(", "), tally));
    }
    report("Kills at each point", began, &rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_purge_nothing_is_lost_or_doubled() {
    let world = World::shared().await;
    let (began, kills, mut dice) = (Instant::now(), number("COMPAGNON_KILLS", 1), Dice::new());
    // Each start finds something to purge: what was said before it.
    let assistant = ", retention: \"1s\"".to_owned();
    let setup = Setup { mortal: true, assistant, ..world.setup().await };
    let (mut bot, id) = (world.start(&setup), id_of(&setup));
    let mut rows = Vec::new();
    for points in together(&PURGE_POINTS, kills) {
        let (mut scene, mut tally) = (Scene::new(world, &id).await, Tally::default());
        for point in points {
            purge_at(&mut bot, &mut scene, &mut tally, point, kills, &mut dice).await;
        }
        finish(&mut bot, &mut scene, &mut tally, true).await;
        rows.push((points.join(", "), tally));
    }
    for points in together(&REDACTION_POINTS, kills) {
        let (mut scene, mut tally) = (Scene::new(world, &id).await, Tally::default());
        for point in points {
            take_back_at(&mut bot, &mut scene, &mut tally, point, kills, &mut dice).await;
        }
        finish(&mut bot, &mut scene, &mut tally, true).await;
        rows.push((points.join(", "), tally));
    }
    report("Kills in a purge, and while an answer is taken back", began, &rows);
}

/// Kills in the purge of a start, while questions wait.
async fn purge_at(bot: &mut Bot, scene: &mut Scene, tally: &mut Tally, point: &str, kills: u64, dice: &mut Dice) {
    let wanted = tally.kills + kills;
    while tally.kills < wanted {
        scene.ask_all().await;
        assert!(scene.all_answered().await, "not answered at {point}: {}", bot.log());
        // What is to be purged must have grown old.
        sleep(Duration::from_millis(1100)).await;
        bot.kill();
        scene.ask_all().await;
        // Again and again at the same place, from what the last kill has left.
        for _ in 0..(1 + dice.below(3)).min(wanted - tally.kills) {
            bot.die_at(point, 1);
            tally.starts += 1;
            bot.spawn("");
            if dies(bot, scene).await {
                tally.kills += 1;
            }
            tally.opened += 1;
            bot.kill();
        }
        revive(bot, tally);
    }
    assert!(scene.all_answered().await, "not answered at {point}: {}", bot.log());
}

/// Kills while an answer is being taken back: it goes, and the others stay.
async fn take_back_at(bot: &mut Bot, scene: &mut Scene, tally: &mut Tally, point: &str, kills: u64, dice: &mut Dice) {
    let wanted = tally.kills + kills;
    while tally.kills < wanted {
        scene.ask_all().await;
        assert!(scene.all_answered().await, "not answered at {point}: {}", bot.log());
        let taken = scene.questions.remove(scene.questions.len() - [3, 4][dice.below(2) as usize]);
        let said = said_to(&taken.by, &taken.room, &scene.id, &taken.event);
        // The message, or one of its edits.
        bot.die_at(point, 1 + dice.below(said.len() as u64));
        taken.by.redact(&taken.room, &taken.event).await;
        while bot.ended().is_none() {
            sleep(Duration::from_millis(20)).await;
        }
        assert_died(bot);
        tally.kills += 1;
        revive(bot, tally);
        let gone = |messages: &[Message]| (!messages.iter().any(|one| one.answers(&taken.event))).then_some(());
        taken.by.until(&taken.room, "the answer to go", gone).await;
        until_nothing_is_kept(&taken.by, &taken.room, &said).await;
    }
}

/// A question that kills the process each time it is tried: the bot gives it up, says so, and answers the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_kills_the_process_is_given_up_after_four_times() {
    let world = World::shared().await;
    let setup = Setup { mortal: true, ..world.setup().await };
    let (mut bot, id) = (world.start(&setup), id_of(&setup));
    let awa = world.person("awa").await;
    let room = joined_dm(&awa, &id).await;
    bot.die_at("decode", 1);
    let question = awa.send(&room, "Présentez-vous longuement.").await;
    for death in 1..=4 {
        while bot.ended().is_none() {
            sleep(Duration::from_millis(20)).await;
        }
        assert_died(&mut bot);
        println!("| death {death} |");
        bot.kill();
        bot.spawn("");
    }
    // The fifth time the same would happen; and it is not tried.
    let answer = awa.answer_to(&room, &question).await;
    assert!(answer.msgtype == "m.notice" && answer.body.contains("renoncer à cette question"), "{answer:#?}");
    assert_eq!(bot.ended(), None, "{}", bot.log());
    bot.live_on();
    let other = awa.send(&room, "Comment vous appelez-vous ?").await;
    assert!(awa.answer_to(&room, &other).await.body.contains("Témoin"));
    assert_each_once(&awa, &room, &id, &[other], &[question]);
}

/// How many starts have opened the store, as the log says.
fn opened(bot: &Bot) -> u64 {
    bot.log().matches("the model is ready").count() as u64
}

#[tokio::test(flavor = "multi_thread")]
async fn at_random_nothing_is_lost_or_doubled() {
    let world = World::shared().await;
    let (began, kills, mut dice) = (Instant::now(), number("COMPAGNON_RANDOM_KILLS", 5), Dice::new());
    let setup = world.setup().await;
    let (mut bot, id) = (world.start(&setup), id_of(&setup));
    let mut rows = Vec::new();
    while rows.iter().map(|(_, tally): &(String, Tally)| tally.kills).sum::<u64>() < kills {
        let done: u64 = rows.iter().map(|(_, tally)| tally.kills).sum();
        let (mut scene, mut tally, before) = (Scene::new(world, &id).await, Tally::default(), opened(&bot));
        while tally.kills < KILLS_PER_SCENE.min(kills - done) {
            if scene.open() < MOST_OPEN {
                let what = dice.below(4);
                scene.ask(what).await;
            }
            // From the middle of a start to the middle of an answer.
            sleep(Duration::from_millis(dice.below(3000))).await;
            assert_eq!(bot.ended(), None, "the bot ended by itself: {}", bot.log());
            bot.kill();
            tally.kills += 1;
            bot.spawn("");
            // Every other start is let come to its end.
            if dice.below(2) == 0 {
                assert!(bot.until_ready(), "the bot ended by itself: {}", bot.log());
            }
            assert!(scene.survive().await, "not answered: {}", bot.log());
        }
        assert!(bot.until_ready(), "the bot ended by itself: {}", bot.log());
        assert!(scene.all_answered().await, "not answered: {}", bot.log());
        finish(&mut bot, &mut scene, &mut tally, false).await;
        // Those killed before they came to the store say nothing of it; none ended by itself, which is what is asserted above.
        tally.starts = opened(&bot) - before;
        tally.opened = tally.starts;
        rows.push((format!("at random, {}–{}", done + 1, done + tally.kills), tally));
    }
    report("Kills at random", began, &rows);
}
