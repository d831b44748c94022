//! What was said in an encrypted room is nowhere in clear: not in the data folder, not in the log at any level.

use std::{fs, path::Path};

use crate::world::{World, assert_answered_once, id_of};

/// A word that nothing else contains.
const CANARY: &str = "Zorglubine";

#[tokio::test]
async fn neither_question_nor_answer_is_found_on_disk() {
    let world = World::shared().await;
    let mut setup = world.setup().await;
    setup.log_level = "trace";
    let mut bot = world.start(&setup);
    let (awa, id) = (world.person("awa").await, id_of(&setup));
    let (room, first) = awa.create_dm(&id, &format!("Je m'appelle {CANARY}.")).await;
    awa.answer_to(&room, &first).await;
    let answer = awa.ask(&room, "Présentez-vous longuement.").await;
    let said: String = answer.body.chars().take(24).collect();
    assert!(said.len() > 12, "too short to be looked for: {answer:#?}");
    assert!(holder(&bot.data(), "SQLite format 3").is_some(), "the search itself finds what is there");
    for moment in ["while it runs", "after its end"] {
        for secret in [CANARY, &said] {
            let log = bot.log();
            let line = log.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret:?} is in the log {moment}");
            assert_eq!(holder(&bot.data(), secret), None, "{secret:?} is on disk {moment}");
        }
        if moment == "while it runs" {
            assert!(bot.terminate().success());
        }
    }
}

#[tokio::test]
async fn what_stands_in_clear_in_an_encrypted_room_is_not_answered() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let (room, first) = awa.create_dm(&id, "Bonjour").await;
    awa.answer_to(&room, &first).await;
    awa.send_plain(&room, "Comment vous appelez-vous ?").await;
    // Its answer comes after the moment at which the other's would have come.
    let second = awa.send(&room, "Merci").await;
    awa.answer_to(&room, &second).await;
    assert_answered_once(&awa, &room, &id, &[first, second]);
}

/// The first file below `folder` that holds the bytes of `text`.
pub fn holder(folder: &Path, text: &str) -> Option<String> {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            if let Some(found) = holder(&path, text) {
                return Some(found);
            }
        } else if let Ok(bytes) = fs::read(&path) {
            // A file may go away while it is looked for; then it holds nothing.
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                return Some(path.display().to_string());
            }
        }
    }
    None
}
