//! What is done with what people write: edits and redactions are followed, forgetting forgets, an export holds what is theirs.

use std::fs;

use serde_json::Value;

use crate::{
    support::{people::Person, room::Text},
    world::{World, from, id_of, joined_dm, play, said_to, until_nothing_is_kept},
};

const NAME: &str = "Comment je m'appelle ?";
/// Makes an answer last several seconds on any machine.
const SLOWLY: &str = "decode=sleep(30)";

#[tokio::test]
async fn an_edited_question_is_answered_again_in_its_answers_place() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let mut bot = world.start(&setup);
    let (awa, id) = (world.person("awa").await, id_of(&setup));
    let (room, told) = awa.create_dm(&id, "Je m'appelle Awa.").await;
    let first = awa.answer_to(&room, &told).await;
    assert!(awa.ask(&room, NAME).await.body.contains("Awa"));

    // After the answer.
    awa.send(&room, Text::new("Répétez le mot lune").editing(&told)).await;
    let again = awa
        .until(&room, "another answer in the same message", |messages| {
            messages
                .iter()
                .find(|one| one.event_id == first.event_id && one.complete() && one.body != first.body)
                .cloned()
        })
        .await;
    assert!(again.answers(&told) && again.edits > first.edits, "{again:#?}");
    assert!(!awa.ask(&room, NAME).await.body.contains("Awa"), "the old text is still known");

    // During the answer.
    bot.kill();
    bot.start_again_with(SLOWLY);
    let long = awa.send(&room, "Présentez-vous longuement.").await;
    let draft = awa.first_text(&room, &long).await;
    awa.send(&room, Text::new("Comment vous appelez-vous ?").editing(&long)).await;
    let answer = awa.answer_to(&room, &long).await;
    assert!(answer.event_id == draft.event_id && answer.body.contains("Témoin"), "{answer:#?}");
    let answers = from(&awa.messages(&room), &id).into_iter().filter(|message| message.answers(&long)).count();
    assert_eq!(answers, 1);
}

#[tokio::test]
async fn a_question_taken_back_takes_its_answer_along() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let _bot = world.start_with(&setup, SLOWLY);
    let (awa, id) = (world.person("awa").await, id_of(&setup));
    let (room, told) = awa.create_dm(&id, "Je m'appelle Awa.").await;
    awa.answer_to(&room, &told).await;
    let said = said_to(&awa, &room, &id, &told);
    awa.redact(&room, &told).await;
    gone(&awa, &room, &told).await;
    until_nothing_is_kept(&awa, &room, &said).await;
    assert!(!awa.ask(&room, NAME).await.body.contains("Awa"), "what was taken back is still known");

    let long = awa.send(&room, "Présentez-vous longuement.").await;
    awa.first_text(&room, &long).await;
    awa.redact(&room, &long).await;
    gone(&awa, &room, &long).await;
    let after = awa.ask(&room, "Comment vous appelez-vous ?").await;
    assert!(after.body.contains("Témoin"), "{after:#?}");
    assert!(from(&awa.messages(&room), &id).iter().all(|message| !message.answers(&long)));
}

/// Each edit of an answer holds the text it had: all of them go, whenever the question is taken back, in clear and in encrypted rooms.
#[tokio::test(flavor = "multi_thread")]
async fn of_an_answer_taken_back_the_homeserver_keeps_nothing() {
    let world = World::shared().await;
    let mut setup = world.setup().await;
    setup.access = r#"{ servers: ["localhost"], unencrypted: true }"#.to_owned();
    let mut bot = world.start_with(&setup, SLOWLY);
    let (awa, id) = (world.person("awa").await, id_of(&setup));
    for encrypted in [true, false] {
        let room = awa.create_room("Bureau", encrypted, &[&id]).await;
        awa.until_member(&room, &id, "join").await;
        let ask = async |text: &str| awa.send(&room, Text::to(&id, text)).await;
        for moment in ["after", "edited", "during", "while down", "by a moderator"] {
            let question = ask("Présentez-vous longuement.").await;
            let draft = awa.first_text(&room, &question).await;
            if moment != "during" {
                awa.answer_to(&room, &question).await;
            }
            if moment == "edited" {
                let edit = Text::to(&id, "Présentez-vous longuement, s'il vous plaît.").editing(&question);
                let edits = said_to(&awa, &room, &id, &question).len();
                awa.send(&room, edit).await;
                let again = |messages: &[crate::support::room::Message]| {
                    let whole = messages.iter().any(|one| one.answers(&question) && one.complete());
                    (whole && said_to(&awa, &room, &id, &question).len() > edits).then_some(())
                };
                awa.until(&room, "the answer to the new text", again).await;
            }
            if moment == "while down" {
                bot.kill();
            }
            if moment == "by a moderator" {
                awa.redact(&room, &draft.event_id).await;
            } else {
                awa.redact(&room, &question).await;
            }
            if moment == "while down" {
                bot.start_again_with(SLOWLY);
            }
            gone(&awa, &room, &question).await;
            // What was on its way at that moment is read after what shows that it was.
            let other = ask("Comment vous appelez-vous ?").await;
            awa.answer_to(&room, &other).await;
            let said = said_to(&awa, &room, &id, &question);
            until_nothing_is_kept(&awa, &room, &said).await;
            println!("| taken back {moment} | encrypted: {encrypted} | {} events of the answer, 0 kept |", said.len());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_a_moderator_removes_is_followed_by_the_answer() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let _bot = world.start_with(&setup, SLOWLY);
    let (awa, id) = (world.person("awa").await, id_of(&setup));
    let room = awa.create_room("Bureau", true, &[&id]).await;
    awa.until_member(&room, &id, "join").await;
    let question = awa.send(&room, Text::to(&id, "Présentez-vous longuement.")).await;
    let draft = awa.first_text(&room, &question).await;
    awa.redact(&room, &draft.event_id).await;
    let answer = awa.answer_to(&room, &question).await;
    assert!(answer.event_id != draft.event_id && answer.msgtype == "m.text", "{answer:#?}");
    let shown = from(&awa.messages(&room), &id).into_iter().filter(|message| message.answers(&question)).count();
    assert_eq!(shown, 1);
}

/// Waits until no answer to `question` is shown any more.
async fn gone(person: &Person, room: &str, question: &str) {
    let none =
        |messages: &[crate::support::room::Message]| (!messages.iter().any(|one| one.answers(question))).then_some(());
    person.until(room, "the answer to go", none).await;
}

#[tokio::test]
async fn a_stop_sign_and_a_stop_end_an_answer_where_it_is() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let _bot = world.start_with(&setup, SLOWLY);
    let id = id_of(&setup);
    for way in ["a reaction", "a command"] {
        // Each in a conversation of its own: the test model answers otherwise after an answer that was stopped.
        let awa = world.person("awa").await;
        let room = joined_dm(&awa, &id).await;
        let question = awa.send(&room, "Présentez-vous longuement.").await;
        let draft = awa.first_text(&room, &question).await;
        if way == "a reaction" {
            awa.react(&room, &draft.event_id, "🛑").await;
        } else {
            play(&awa, &room, "stop").await;
        }
        let answer = awa.answer_to(&room, &question).await;
        assert!(answer.body.contains("arrêtée sur demande"), "{way}: {answer:#?}");
        assert!(!answer.body.contains("à vous la parole"), "{way}: it was written to its end");
    }
}

#[tokio::test]
async fn what_is_forgotten_is_known_no_more_nor_on_disk() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let mut bot = world.start(&setup);
    let (awa, id) = (world.person("awa").await, id_of(&setup));
    let (room, told) = awa.create_dm(&id, "Je m'appelle Awa.").await;
    awa.answer_to(&room, &told).await;
    let keys = fs::read(bot.data().join("rooms.keys")).expect("the rooms' keys");
    assert!(play(&awa, &room, NAME).await.body.contains("Awa"));
    play(&awa, &room, "oublier").await;
    assert!(!play(&awa, &room, NAME).await.body.contains("Awa"));
    // The bytes that sled may still hold are sealed under a key that is there no more.
    assert!(bot.terminate().success());
    let left = fs::read(bot.data().join("rooms.keys")).expect("the rooms' keys");
    assert!(left != keys, "the key was not replaced");
    assert_eq!(crate::privacy::holder(&bot.data(), "m'appelle Awa"), None);
}

#[tokio::test]
async fn an_export_reaches_the_person_alone() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let _bot = world.start(&setup);
    let (awa, ben, id) = (world.person("awa").await, world.person("ben").await, id_of(&setup));
    let room = awa.create_room("Bureau", true, &[&id, &ben.user_id]).await;
    ben.join(&room).await;
    for person in [&awa, &ben] {
        person.until_member(&room, &id, "join").await;
    }
    awa.ask(&room, Text::to(&id, "Je m'appelle Awa.")).await;
    ben.ask(&room, Text::to(&id, "Je m'appelle Ben.")).await;
    let reply = play(&awa, &room, "!exporter").await;
    assert!(reply.body.contains("conversation privée"), "{reply:#?}");
    let private = awa.invitation().await;
    awa.join(&private).await;
    let file =
        awa.until(&private, "the file", |messages| messages.iter().find(|one| one.msgtype == "m.file").cloned()).await;
    assert!(file.encrypted && file.sender == id, "{file:#?}");
    let bytes = awa.download(&file).await;
    println!("{}", String::from_utf8_lossy(&bytes));
    let export: Value = serde_json::from_slice(&bytes).expect("JSON");
    let text = export.to_string();
    assert!(text.contains("Je m'appelle Awa.") && !text.contains("Ben"), "{text}");
    assert_eq!(export["conversations"][0]["room_name"], "Bureau");
    assert!(from(&ben.messages(&room), &id).iter().all(|message| message.msgtype != "m.file"));
}
