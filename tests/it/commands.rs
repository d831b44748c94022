//! Commands are new messages by people who may give them: everything that only looks like one changes nothing.

use crate::{
    support::{bot::Bot, room::Text},
    world::{TWO, World, from, id_of, play},
};

const COMMAND: &str = "!compagnon colette";

#[tokio::test]
async fn what_only_looks_like_a_command_changes_nothing() {
    let world = World::shared().await;
    let mut setup = world.setup().await;
    setup.prompts = TWO.to_vec();
    let mut bot = world.start(&setup);
    spoof(world, &mut bot, &id_of(&setup)).await;
}

/// Tries all that only looks like a command, with a bot of [`TWO`].
pub async fn spoof(world: &World, bot: &mut Bot, id: &str) {
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let room = awa.create_room("Bureau", true, &[id, &ben.user_id]).await;
    ben.join(&room).await;
    for person in [&awa, &ben] {
        person.until_member(&room, id, "join").await;
        person.until_member(&room, &ben.user_id, "join").await;
    }
    let talk = awa.send(&room, "Entre nous.").await;
    let addressed = awa.send(&room, Text::to(id, "Bonjour")).await;
    let answer = awa.answer_to(&room, &addressed).await;
    for (name, text) in [
        ("an edit of talk", Text::new(COMMAND).editing(&talk)),
        ("an edit of a question", Text::new(COMMAND).editing(&addressed)),
        ("a quote", Text::new(format!("> {COMMAND}"))),
        ("a quote, to the bot", Text::to(id, &format!("> {COMMAND}"))),
        (
            "a reply's fallback",
            Text::new(format!("> <{}> {COMMAND}\n\nmerci", ben.user_id)).replying_to(&answer.event_id),
        ),
        ("a code block", Text::to(id, &format!("```\n{COMMAND}\n```"))),
        ("code", Text::to(id, &format!("`{COMMAND}`"))),
        ("the middle of a text", Text::to(id, &format!("S'il vous plaît, {COMMAND}"))),
        ("a notice", Text::new(COMMAND).of_type("m.notice")),
        ("HTML only", Text::new("Bonjour").with_html(COMMAND)),
    ] {
        awa.send(&room, text).await;
        assert_unchanged(&awa, &room, name).await;
    }
    awa.send_plain(&room, COMMAND).await;
    assert_unchanged(&awa, &room, "plain text in an encrypted room").await;

    ben.set_display_name(&awa.name).await;
    let refused = play(&ben, &room, COMMAND).await;
    assert!(refused.body.contains("administrent ou modèrent"), "{refused:#?}");
    assert_unchanged(&awa, &room, "a look-alike display name").await;

    awa.set_power(&room, &ben.user_id, 50).await;
    assert!(play(&ben, &room, "!compagnon temoin").await.body.contains("Témoin"), "he may now");
    awa.set_power(&room, &ben.user_id, 0).await;
    assert!(play(&ben, &room, COMMAND).await.body.contains("administrent ou modèrent"), "and now no more");
    assert_unchanged(&awa, &room, "a power level that was just lost").await;

    assert!(bot.terminate().success());
    let command = awa.send(&room, COMMAND).await;
    awa.redact(&room, &command).await;
    bot.start_again();
    assert_unchanged(&awa, &room, "a command taken back").await;

    // And the command itself does what all these did not.
    assert!(play(&awa, &room, COMMAND).await.body.contains("Colette"));
}

/// What comes after is answered after: had the variant been executed, it would show.
async fn assert_unchanged(person: &crate::support::people::Person, room: &str, name: &str) {
    let answer = person.ask(room, "!compagnon").await;
    assert!(answer.body.starts_with("Compagnon choisi ici : **Témoin**"), "{name} was executed: {}", answer.body);
    println!("not executed: {name}");
}

#[tokio::test]
async fn help_and_mistakes_and_the_other_messages_of_the_bot() {
    let world = World::shared().await;
    let mut setup = world.setup().await;
    setup.assistant = ", guide: \"https://exemple.gouv.fr/guide\"".to_owned();
    let _bot = world.start(&setup);
    let (awa, id) = (world.person("awa").await, id_of(&setup));
    let (room, first) = awa.create_dm(&id, "aide").await;
    let help = awa.answer_to(&room, &first).await;
    println!("\nawa → aide\nbot → {}", help.body);
    assert!(help.msgtype == "m.notice" && help.body.contains("`!oublier`"), "{help:#?}");
    assert!(help.body.contains("https://exemple.gouv.fr/guide"), "{help:#?}");
    let unknown = play(&awa, &room, "!conpagnon").await;
    assert!(unknown.body.contains("`!compagnon`"), "{unknown:#?}");
    for (said, expected) in [
        ("!aide compagnon", "`!compagnon créer <nom>`"),
        ("confidentialité", "`!exporter`"),
        ("état", "Tout va bien"),
        ("conservation 2j", "2 jours"),
        ("!conservation 90j", "trop long"),
        ("!réponses tout", "tous vos messages"),
        ("stop", "Je n’écris rien"),
        ("refaire", "aucune réponse"),
        ("!compagnon réglage langue en", "Saved"),
        ("help", "What you can ask me to do"),
        ("!compagnon list", "To switch"),
    ] {
        let answer = play(&awa, &room, said).await;
        assert!(answer.body.contains(expected) && answer.msgtype == "m.notice", "{answer:#?}");
    }
    // Nothing of all this went to the model: all the bot ever said here is notices.
    let said = from(&awa.messages(&room), &id);
    assert!(said.len() > 12 && said.iter().all(|message| message.msgtype == "m.notice"), "{said:#?}");
}
