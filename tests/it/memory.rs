//! What people ask to be remembered: through restarts, in its room only, until it is taken back.

use crate::{
    support::room::Text,
    world::{World, id_of, play},
};

const FACT: &str = "Je travaille au Zorgluborium.";
const WORD: &str = "Zorgluborium";

#[tokio::test]
async fn a_fact_is_kept_in_its_room_through_a_restart_and_goes_with_its_message() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let mut bot = world.start(&setup);
    let (awa, ben, id) = (world.person("awa").await, world.person("ben").await, id_of(&setup));
    let room = awa.create_room("Bureau", true, &[&id, &ben.user_id]).await;
    ben.join(&room).await;
    awa.until_member(&room, &id, "join").await;
    ben.until_member(&room, &id, "join").await;
    awa.set_power(&room, &ben.user_id, 50).await;
    let other = awa.create_room("Atelier", true, &[&id]).await;
    awa.until_member(&other, &id, "join").await;

    let told = awa.send(&room, format!("!retenir {FACT}")).await;
    assert!(awa.answer_to(&room, &told).await.body.contains("C’est noté"));
    assert!(play(&awa, &room, "!retenir salon : Le COPIL est le mardi.").await.body.contains("pour ce salon"));
    // What the model is told is shown to who administers the room: each sees their own facts and the room's.
    let prompt = play(&awa, &room, "!compagnon voir").await;
    assert!(prompt.body.contains(WORD) && prompt.body.contains("COPIL"), "{prompt:#?}");
    let prompt = play(&ben, &room, "!compagnon voir").await;
    assert!(!prompt.body.contains(WORD) && prompt.body.contains("COPIL"), "{prompt:#?}");
    let prompt = play(&awa, &other, "!compagnon voir").await;
    assert!(!prompt.body.contains(WORD) && !prompt.body.contains("COPIL"), "{prompt:#?}");
    assert!(play(&ben, &room, "!retiens salon : Rien.").await.body.contains("pour ce salon"));
    assert!(play(&ben, &room, "!oublier mémoire salon 2").await.body.contains("oublié"));
    assert_eq!(crate::privacy::holder(&bot.data(), WORD), None, "the data folder holds it in clear");

    assert!(bot.terminate().success());
    bot.start_again();
    let list = play(&awa, &room, "!mémoire").await;
    assert!(list.body.contains(FACT) && list.body.contains("salon 1"), "{list:#?}");
    let question = awa.send(&room, Text::to(&id, "Bonjour")).await;
    assert!(!awa.answer_to(&room, &question).await.undecryptable);

    // The file of what is kept on her.
    let private = awa.open_dm(&id).await;
    awa.until_member(&private, &id, "join").await;
    let export = awa.send(&private, "!exporter").await;
    let file = awa
        .until(&private, "the file", |messages| {
            messages.iter().find(|one| one.answers(&export) && one.file.is_some()).cloned()
        })
        .await;
    let bytes = awa.download(&file).await;
    assert!(String::from_utf8_lossy(&bytes).contains(FACT));

    // Deleting the message is forgetting the fact.
    awa.redact(&room, &told).await;
    awa.until(&room, "the end of what was said of it", |messages| {
        (!messages.iter().any(|message| message.answers(&told))).then_some(())
    })
    .await;
    let prompt = play(&awa, &room, "!compagnon voir").await;
    assert!(!prompt.body.contains(WORD) && prompt.body.contains("COPIL"), "{prompt:#?}");
    assert!(!bot.log().contains(WORD), "nothing of it is in the log");
}

#[tokio::test]
async fn what_is_told_between_two_stays_between_two() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let (room, first) = awa.create_dm(&id, &format!("!retenir {FACT}")).await;
    assert!(awa.answer_to(&room, &first).await.body.contains("C’est noté"));
    // Without the command it is a question, and nothing is remembered.
    let plain = awa.send(&room, "Retiens que je suis à Metz.").await;
    assert_ne!(awa.answer_to(&room, &plain).await.msgtype, "m.notice");
    let list = play(&awa, &room, "mémoire").await;
    assert!(list.body.contains(WORD) && !list.body.contains("Metz"), "{list:#?}");

    awa.invite(&room, &ben.user_id).await;
    ben.join(&room).await;
    ben.until_member(&room, &id, "join").await;
    for body in ["!mémoire", "!compagnon voir"] {
        let shown = play(&awa, &room, body).await;
        assert!(!shown.body.contains(WORD), "{body}, with others there: {shown:#?}");
    }
}
