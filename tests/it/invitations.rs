//! Hundreds of invitations at once, with few files to open: `COMPAGNON_INVITATIONS` and `COMPAGNON_FILES` say how many; `cargo test` takes
//! few of both.

use std::{ffi::OsString, time::Instant};

use futures_util::{StreamExt as _, stream};

use crate::{
    support::{bot::Bot, room::Text},
    world::{World, assert_answered_once, id_of, number},
};

#[tokio::test(flavor = "multi_thread")]
async fn many_invitations_need_few_files() {
    let world = World::shared().await;
    let (invitations, files) = (number("COMPAGNON_INVITATIONS", 60) as usize, number("COMPAGNON_FILES", 96));
    let setup = world.setup().await;
    let id = id_of(&setup);
    let program: OsString =
        std::env::var_os("CARGO_BIN_EXE_compagnon").unwrap_or_else(|| env!("CARGO_BIN_EXE_compagnon").into());
    let limited = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
    let mut bot = Bot::start(&world.venv, vec!["/bin/sh".into(), "-c".into(), limited.into(), program], &setup);
    assert!(bot.terminate().success());
    let awa = world.person("awa").await;
    // As many while it is away as while it runs.
    let invite = |number: usize| {
        let (awa, id) = (awa.clone(), id.clone());
        async move { awa.create_room(&format!("Bureau {number}"), true, &[&id]).await }
    };
    let mut rooms: Vec<String> = stream::iter(0..invitations / 2).map(invite).buffer_unordered(8).collect().await;
    let since = Instant::now();
    bot.start_again();
    let more: Vec<String> = stream::iter(rooms.len()..invitations).map(invite).buffer_unordered(8).collect().await;
    rooms.extend(more);
    for room in &rooms {
        awa.until_member(room, &id, "join").await;
    }
    println!(
        "| {} invitations, at most {files} open files | all joined, {} open now | {:.1} s |",
        rooms.len(),
        bot.descriptors(),
        since.elapsed().as_secs_f64()
    );
    let last = rooms.last().expect("a room");
    let question = awa.send(last, Text::to(&id, "Comment vous appelez-vous ?")).await;
    awa.answer_to(last, &question).await;
    assert_answered_once(&awa, last, &id, &[question]);
    assert_eq!(bot.ended(), None);
    assert!(bot.log().contains("few files may be open"), "the operator is told");
}
