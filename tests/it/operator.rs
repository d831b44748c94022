//! What an operator does: signals, another account's folder, odd files, half-open connections, backups, and being told.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::{
        fs::{MetadataExt as _, chown},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    sys::{signal::Signal, stat::Mode},
    unistd::{Uid, mkfifo},
};
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    backup::{refused, said},
    support::{
        bot::{Bot, Setup},
        people::PATIENCE,
    },
    world::{TWO, World, assert_answered_once, id_of, logged},
};

const NAME: &str = "Comment vous appelez-vous ?";
/// Within this time of SIGTERM the process has ended, whatever blocks: the program's own 20 s, and a busy machine.
const STOPPED_WITHIN: Duration = Duration::from_secs(25);

/// The folder with its configuration.
fn home(bot: &Bot) -> PathBuf {
    bot.data().parent().expect("a folder").to_owned()
}

#[tokio::test]
async fn signals_reload_report_or_mean_nothing_and_never_end_the_bot() {
    let world = World::shared().await;
    let setup = Setup { prompts: TWO.to_vec(), ..world.setup().await };
    let (mut bot, id) = (world.start(&setup), id_of(&setup));
    let awa = world.person("awa").await;
    let (room, first) = awa.create_dm(&id, NAME).await;
    awa.answer_to(&room, &first).await;

    bot.signal(Signal::SIGUSR1);
    logged(&bot, "SIGUSR1: the state of the bot").await;
    let state = bot.log().lines().find(|line| line.contains("SIGUSR1")).map(str::to_owned).expect("a line");
    for part in ["health=\"ok\"", "ready=\"ok\"", "questions_waiting=0", "compagnons=2", &id] {
        assert!(state.contains(part), "{part}: {state}");
    }
    println!("{state}");
    bot.signal(Signal::SIGUSR2);
    logged(&bot, "SIGUSR2 has no meaning").await;

    let file = home(&bot).join("config.yaml");
    let text = fs::read_to_string(&file).expect("the configuration");
    fs::write(&file, text.replace("level: info", "level: debug").replace("model: {}", "model: { context: 2048 }"))
        .expect("written");
    bot.write_prompt("broken.md", "nothing");
    bot.signal(Signal::SIGHUP);
    logged(&bot, "these sections have changed").await;
    let log = bot.log();
    let reloaded = log.lines().find(|line| line.contains("SIGHUP")).expect("a line");
    assert!(reloaded.contains("level=Debug") && reloaded.contains("restart_for=\"model\""), "{reloaded}");
    assert!(log.contains("broken.md"), "{log}");
    println!("{reloaded}");
    fs::write(&file, "modle: {}\n").expect("written");
    bot.signal(Signal::SIGHUP);
    logged(&bot, "SIGHUP: the configuration is refused, and nothing was changed").await;

    let second = awa.send(&room, NAME).await;
    awa.answer_to(&room, &second).await;
    assert_answered_once(&awa, &room, &id, &[first, second]);
    assert!(bot.terminate().success());
}

#[tokio::test]
async fn half_open_connections_do_not_hold_the_end() {
    let world = World::shared().await;
    let (mut bot, _) = world.bot().await;
    let socket = UnixStream::connect(bot.data().join("control.sock")).expect("the control socket");
    let mut http = TcpStream::connect(("127.0.0.1", bot.port())).expect("the endpoint");
    http.write_all(b"GET /health HTTP/1.1\r\n").expect("half a request");
    let begun = Instant::now();
    let status = bot.terminate();
    println!("| SIGTERM with two half-open connections | {status} | {:.1} s |", begun.elapsed().as_secs_f64());
    assert!(status.success() && begun.elapsed() < STOPPED_WITHIN, "{}", bot.log());
    drop((socket, http));
}

#[tokio::test]
async fn nothing_that_hangs_keeps_the_process() {
    let world = World::shared().await;
    let setup = Setup { prompts: TWO.to_vec(), ..world.setup().await };
    // A task beside the answers; then the one that reads and stops.
    for (hangs, status) in [("prompts-hang=return", 0), ("report-hangs=return", 1)] {
        let mut bot = world.start_with(&setup, hangs);
        bot.signal(Signal::SIGUSR1);
        logged(&bot, "hanging, because a test asked for it").await;
        let begun = Instant::now();
        let ended = bot.terminate();
        println!("| {hangs} | {ended} | {:.1} s |", begun.elapsed().as_secs_f64());
        assert!(begun.elapsed() < STOPPED_WITHIN, "{}", bot.log());
        assert_eq!(ended.code(), Some(status), "{}", bot.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_pipe_among_the_prompts_blocks_nothing() {
    let world = World::shared().await;
    let setup = Setup { prompts: TWO.to_vec(), ..world.setup().await };
    let mut bot = world.start(&setup);
    mkfifo(&home(&bot).join("prompts/pipe.md"), Mode::S_IRWXU).expect("a named pipe");
    logged(&bot, "pipe.md: it is a named pipe, not a file").await;
    // What comes after is still followed.
    bot.write_prompt("broken.md", "nothing");
    logged(&bot, "broken.md").await;
    assert!(bot.terminate().success(), "{}", bot.log());
    bot.start_again();
    let checked = timeout(PATIENCE, async { tokio::task::block_in_place(|| bot.command(&["check"])) });
    let checked = said(&checked.await.expect("it ends"));
    assert!(checked.contains("prompt: pipe.md: it is a named pipe, not a file"), "{checked}");
}

/// Every file of a folder: owner, length, times.
fn look(folder: &Path) -> Vec<(PathBuf, u32, u64, i64, i64)> {
    let mut seen = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let metadata = entry.metadata().expect("a file");
        if metadata.is_dir() {
            seen.extend(look(&entry.path()));
        }
        seen.push((entry.path(), metadata.uid(), metadata.len(), metadata.mtime(), metadata.mtime_nsec()));
    }
    seen.sort();
    seen
}

fn give(folder: &Path, uid: u32) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() {
            give(&entry.path(), uid);
        } else {
            chown(entry.path(), Some(uid), None).expect("given");
        }
    }
    chown(folder, Some(uid), None).expect("given");
}

/// Needs root, as CI has it: nobody else can give a folder to another account. Elsewhere it fails, and says so.
#[tokio::test]
async fn root_backs_another_accounts_folder_up_and_changes_nothing_in_it() {
    const NOBODY: u32 = 65534;
    assert!(Uid::effective().is_root(), "this scenario gives a folder to another account: run it as root");
    let world = World::shared().await;
    let (mut bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let (room, first) = awa.create_dm(&id, NAME).await;
    awa.answer_to(&room, &first).await;
    assert!(bot.terminate().success());
    give(&bot.data(), NOBODY);
    let before = look(&bot.data());

    let made = bot.command(&["backup", "by-root", "--key-file", "backup.key"]);
    assert!(made.status.success(), "{}", said(&made));
    println!("{}", said(&made));
    assert_eq!(look(&bot.data()), before, "a backup changed the folder");
    for arguments in [&["run"][..], &["restore", "by-root", "--key-file", "backup.key"]] {
        let refused = bot.command(arguments);
        println!("{}", said(&refused));
        assert!(!refused.status.success());
        assert_eq!(look(&bot.data()), before, "{arguments:?} changed the folder");
    }
    let refused = bot.command(&["run"]);
    let sentence = said(&refused);
    assert_eq!(refused.status.code(), Some(3), "{sentence}");
    assert!(sentence.contains("uid 65534") && sentence.contains("root (uid 0)"), "{sentence}");
    assert!(sentence.contains("chown -R root"), "{sentence}");

    // One file is enough to shut the owner out later.
    give(&bot.data(), 0);
    chown(bot.data().join("store/db"), Some(NOBODY), None).expect("given");
    let sentence = said(&bot.command(&["run"]));
    assert!(sentence.contains("store/db in the data folder"), "{sentence}");
    give(&bot.data(), 0);
    bot.start_again();
    let second = awa.send(&room, NAME).await;
    awa.answer_to(&room, &second).await;
    assert_answered_once(&awa, &room, &id, &[first, second]);
}

#[tokio::test]
async fn a_backup_is_of_something_outside_of_it_and_may_be_a_stream() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let mut bot = world.prepare(&setup);
    let folder = home(&bot);
    refused(&bot.command(&["backup", "b", "--key-file", "backup.key"]), "nothing to back up");
    assert!(!folder.join("backup.key").exists() && !folder.join("b").exists(), "a key was made for nothing");

    bot.start_again();
    let command = |arguments: &[&str]| bot.command(arguments);
    refused(&command(&["backup", "data/b", "--key-file", "backup.key"]), "in the data folder");
    refused(&command(&["backup", "b", "--key-file", "data/backup.key"]), "in the data folder");
    refused(&command(&["backup", "nowhere/b", "--key-file", "backup.key"]), "nowhere");
    assert!(!folder.join("data/backup.key").exists() && !folder.join("data/b").exists());

    let streamed = command(&["backup", "-", "--key-file", "backup.key"]);
    assert!(streamed.status.success() && !folder.join("-").exists(), "{}", String::from_utf8_lossy(&streamed.stderr));
    assert!(String::from_utf8_lossy(&streamed.stderr).contains("records"));
    fs::write(folder.join("streamed"), &streamed.stdout).expect("written");
    for name in ["b.1", "b.2"] {
        let made = command(&["backup", name, "--key-file", "backup.key"]);
        assert!(made.status.success() && said(&made).contains("verified"), "{}", said(&made));
    }
    assert!(bot.terminate().success());
    for name in ["streamed", "b.1", "b.2"] {
        crate::backup::empty(&bot.data());
        let restored = bot.command(&["restore", name, "--key-file", "backup.key"]);
        assert!(restored.status.success(), "{name}: {}", said(&restored));
    }
}

/// Whether the homeserver takes a token.
fn is_valid(url: &str, token: &str) -> bool {
    let port = url.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).expect("a port");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the homeserver");
    write!(
        stream,
        "GET /_matrix/client/v3/account/whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    )
    .expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.starts_with("HTTP/1.1 200")
}

#[tokio::test]
async fn the_bot_that_was_restored_logs_its_old_device_out() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let mut bot = world.start(&setup);
    let session: Value =
        serde_json::from_slice(&fs::read(bot.data().join("session.json")).expect("the session")).expect("JSON");
    let token = session["tokens"]["access_token"].as_str().expect("a token").to_owned();
    let made = bot.command(&["backup", "b", "--key-file", "backup.key"]);
    assert!(made.status.success(), "{}", said(&made));
    bot.kill();
    crate::backup::empty(&bot.data());
    let restored = bot.command(&["restore", "b", "--key-file", "backup.key"]);
    assert!(restored.status.success() && said(&restored).contains("logs the old device out"), "{}", said(&restored));
    assert!(is_valid(&setup.url, &token));
    bot.start_again();
    assert!(bot.log().contains("the devices of the bot that was backed up are logged out"), "{}", bot.log());
    assert!(!is_valid(&setup.url, &token));
}

#[tokio::test]
async fn a_disk_that_is_almost_full_is_told_to_the_administrators_once() {
    let world = World::shared().await;
    let chief = world.person("chief").await;
    let setup = world.setup().await;
    let setup = Setup { assistant: format!(", administrators: [\"{}\"]", chief.user_id), ..setup };
    // Once for the start, which waits until the bot is ready; then for each question.
    let bot = world.start_with(&setup, "disk-low=1*off->3*return->off");
    let (id, awa) = (id_of(&setup), world.person("awa").await);
    let (room, first) = awa.create_dm(&id, NAME).await;
    let mut questions = vec![first];
    for _ in 0..3 {
        let refusal = awa.answer_to(&room, &questions[questions.len() - 1]).await;
        assert!(refusal.body.contains("administrateurs de l’assistant sont prévenus"), "{refusal:#?}");
        questions.push(awa.send(&room, NAME).await);
    }
    assert!(awa.answer_to(&room, &questions[3]).await.body.contains("Témoin"));
    let told = chief.invitation().await;
    chief.join(&told).await;
    let about = |text: &str| text.contains("disque");
    chief.until(&told, "the alarm", |messages| messages.iter().any(|one| about(&one.body)).then_some(())).await;
    let count = chief.messages(&told).iter().filter(|one| about(&one.body)).count();
    assert_eq!(count, 1, "{:#?}\n{}", chief.messages(&told), bot.log());
    let alarm = chief.messages(&told).into_iter().find(|one| about(&one.body)).expect("the alarm");
    println!("{}", alarm.body);
    assert!(alarm.msgtype == "m.notice" && alarm.encrypted, "{alarm:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_whose_process_is_halted_is_said_not_to_answer() {
    let world = World::shared().await;
    let (mut bot, _) = world.bot().await;
    assert!(bot.command(&["health"]).status.success());
    bot.signal(Signal::SIGSTOP);
    refused(&bot.command(&["health"]), "did not answer within 5 s");
    bot.signal(Signal::SIGCONT);
    assert!(bot.terminate().success());
    refused(&bot.command(&["health"]), "not running");
}
