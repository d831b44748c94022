//! What ops see of a bot that is set up as it should be.

use crate::world::{World, id_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_is_quiet_and_check_finds_all_well() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let (bot, id) = (world.start(&setup), id_of(&setup));
    let awa = world.person("awa").await;
    let (room, question) = awa.create_dm(&id, "Comment vous appelez-vous ?").await;
    awa.answer_to(&room, &question).await;
    let log = bot.log();
    // What the bot itself has to say of this setup is meant: prompts too long for the witness, a password in an open file.
    let loud = |line: &&str| ["WARN ", "ERROR "].iter().any(|level| line.contains(level));
    let noise: Vec<&str> = log.lines().filter(loud).filter(|line| !line.contains(" compagnon::")).collect();
    assert!(noise.is_empty(), "{noise:#?}");

    let check = tokio::task::block_in_place(|| bot.command(&["check"]));
    let said = String::from_utf8_lossy(&check.stdout).into_owned();
    println!("{said}");
    assert_eq!(check.status.code(), Some(0), "{said}");
    for line in [
        &format!("ok    session: {id}, device "),
        "ok    homeserver: ",
        "ok    clock: ",
        "ok    login: with a password",
        &format!("ok    account: {id}, device "),
        "ok    device: ",
        "ok    cross-signing: the account has signed this device",
        "ok    files: up to 50 MiB",
    ] {
        assert!(said.lines().any(|found| found.starts_with(line)), "{line}: {said}");
    }
}
