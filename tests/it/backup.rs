//! Backup and restore, with a real bot in an encrypted conversation.

use std::{fs, path::Path, process::Output, time::Instant};

use crate::world::{World, assert_answered_once, id_of};

/// Makes an answer last long enough for a backup to be made meanwhile.
const SLOWLY: &str = "decode=sleep(60)";

#[tokio::test]
async fn a_backup_made_while_the_bot_answers_brings_everything_back() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let (id, awa) = (id_of(&setup), world.person("awa").await);
    let mut bot = world.start_with(&setup, SLOWLY);
    let (room, first) = awa.create_dm(&id, "Comment vous appelez-vous ?").await;
    awa.answer_to(&room, &first).await;
    let named = awa.send(&room, "Je m'appelle Awa.").await;
    awa.answer_to(&room, &named).await;
    // Of some 70 tokens: the witness recalls a name beyond it.
    let long = awa.send(&room, "Présentez le service en quelques phrases.").await;
    awa.first_text(&room, &long).await;

    let begun = Instant::now();
    let made = bot.command(&["backup", "tonight", "--key-file", "backup.key"]);
    println!("backup in {:?}: {}", begun.elapsed(), said(&made));
    assert!(made.status.success() && said(&made).contains("records"), "{}", said(&made));
    refused(&bot.command(&["backup", "tonight", "--key-file", "backup.key"]), "another name");
    // The bot that was backed up goes on, and finishes its answer.
    awa.answer_to(&room, &long).await;
    bot.kill();

    let restore = ["restore", "tonight", "--key-file", "backup.key"];
    refused(&bot.command(&restore), "not empty");
    empty(&bot.data());
    let folder = bot.data().parent().expect("a folder").to_owned();
    let whole = fs::read(folder.join("tonight")).expect("the backup");
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    for (name, bytes) in [("changed", &changed[..]), ("cut", &whole[..whole.len() - 1]), ("other", b"something else")] {
        fs::write(folder.join(name), bytes).expect("written");
        let sentence = if name == "other" { "not a backup" } else { "does not open" };
        refused(&bot.command(&["restore", name, "--key-file", "backup.key"]), sentence);
        assert!(!bot.data().join("store").exists(), "nothing was put in place");
    }
    fs::write(folder.join("wrong.key"), [7; 32]).expect("written");
    refused(&bot.command(&["restore", "tonight", "--key-file", "wrong.key"]), "wrong.key");

    let begun = Instant::now();
    let restored = bot.command(&restore);
    println!("restore in {:?}: {}", begun.elapsed(), said(&restored));
    assert!(restored.status.success(), "{}", said(&restored));
    let begun = Instant::now();
    bot.start_again();
    println!("ready in {:?}", begun.elapsed());

    let asked = awa.send(&room, "Comment je m'appelle ?").await;
    let recalled = awa.answer_to(&room, &asked).await;
    assert!(recalled.body.contains("Awa"), "{recalled:#?}\n{}", bot.log());
    assert_answered_once(&awa, &room, &id, &[first, named, long, asked]);
}

#[tokio::test]
async fn a_stopped_bot_is_backed_up_from_its_folder() {
    let world = World::shared().await;
    let (mut bot, _) = world.bot().await;
    assert!(bot.terminate().success());
    let made = bot.command(&["backup", "stopped", "--key-file", "backup.key"]);
    assert!(made.status.success(), "{}", said(&made));
    empty(&bot.data());
    let restored = bot.command(&["restore", "stopped", "--key-file", "backup.key"]);
    assert!(restored.status.success(), "{}", said(&restored));
    bot.start_again();
}

/// Removes what is in a folder.
pub fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("removed");
    }
}

/// What a command said, on both of its outputs.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// A command failed, with one sentence.
pub fn refused(output: &Output, word: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(word) && said.trim().lines().count() == 1, "{word}: {said}");
}
