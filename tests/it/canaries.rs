//! What a model is given: a document with a word of its own in each place where documents can be, and each question, as the model receives it,
//! holds the words that its asker may see and no other. Five rooms of three people here; fifty in the library (`canary_tests`).

use std::collections::BTreeSet;

use crate::{
    privacy::holder,
    sources::{answer, bot_of},
    support::{
        bot::Setup,
        engine::{Engine, Given},
        people::Person,
        room::{Message, Text},
    },
    world::{World, joined_dm},
};

const ROOMS: usize = 5;
/// What every canary begins with.
const CANARY: &str = "Zanzibul";
const QUESTION: &str = "Quel est le mot de passe de l’armoire ?";

fn canary(place: &str, number: usize) -> String {
    format!("{CANARY}-{place}-{number}.")
}

/// The canaries in a text.
fn canaries(text: &str) -> BTreeSet<String> {
    let found = text.split(CANARY).skip(1);
    found.filter_map(|rest| rest.split_once('.').map(|(word, _)| format!("{CANARY}{word}."))).collect()
}

/// Drops a file that holds a canary, with words beside it, and waits until it is read.
async fn give(person: &Person, room: &str, words: &Text, canary: &str) -> Message {
    let name = format!("Note {}.txt", canary.trim_start_matches(CANARY).trim_matches(['-', '.']));
    let text = format!("Le mot de passe de l’armoire est {canary}\n");
    let mut message = person.file(&name, "text/plain", text.as_bytes(), "", true).await;
    let words = words.content();
    message["m.mentions"] = words["m.mentions"].clone();
    if words["body"] != "" {
        message["body"] = words["body"].clone();
    }
    let sent = person.send_raw(room, message).await;
    let said = answer(person, room, &sent).await;
    assert!(said.msgtype == "m.notice" && said.body.contains(&name), "{said:#?}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_given_what_its_asker_may_see_and_nothing_else() {
    let world = World::shared().await;
    let engine = Engine::start(|prompt| {
        let cited = |given: &Given| format!("{} [{}].", given.text.trim(), given.mark);
        let answer = prompt.passages().iter().map(cited).collect::<Vec<_>>().join(" ");
        if answer.is_empty() { "Je ne sais pas.".to_owned() } else { answer }
    });
    let chief = world.person("chef").await;
    let setup = Setup {
        assistant: format!(", administrators: [\"{}\"]", chief.user_id),
        log_level: "trace",
        ..world.setup().await
    };
    let (mut bot, id) = bot_of(world, &engine, setup);
    let mut people = Vec::new();
    for number in 0..ROOMS {
        people.push(world.person(&format!("agent{number}")).await);
    }
    let office = joined_dm(&chief, &id).await;
    give(&chief, &office, &Text::new("!documents ajouter catalogue"), &canary("catalogue", 0)).await;
    give(&chief, &office, &Text::new("!documents ajouter compagnon"), &canary("temoin", 0)).await;

    let mut expected: Vec<(&Person, String, Text, BTreeSet<String>)> = Vec::new();
    let tagged = |question: &mut usize| {
        *question += 1;
        format!("{QUESTION} (n°{})", *question - 1)
    };
    let mut number_of = 0;
    for number in 0..ROOMS {
        let members = [0, 1, 2].map(|offset| &people[(number + offset) % ROOMS]);
        let [owner, second, third] = members;
        let room = owner.create_room(&format!("Bureau {number}"), true, &[&id, &second.user_id, &third.user_id]).await;
        for person in [second, third] {
            person.join(&room).await;
        }
        for person in members {
            person.until_member(&room, &id, "join").await;
        }
        for person in [second, third] {
            owner.until_member(&room, &person.user_id, "join").await;
        }
        let made = format!("!compagnon créer Marius{number} : répond ici\nVous êtes {{{{ name }}}}.");
        let command = owner.send(&room, made.as_str()).await;
        assert!(answer(owner, &room, &command).await.body.contains("est créé"));
        give(owner, &room, &Text::new("!documents ajouter compagnon"), &canary("compagnon", number)).await;
        give(owner, &room, &Text::new("!documents ajouter salon"), &canary("salon", number)).await;
        give(owner, &room, &Text::to(&id, ""), &canary("conversation", number)).await;
        let private = joined_dm(owner, &id).await;
        give(owner, &private, &Text::new("!documents ajouter moi"), &canary("moi", number)).await;
        give(owner, &private, &Text::default(), &canary("prive", number)).await;
        let all = |places: &[&str]| -> BTreeSet<String> {
            places.iter().map(|place| canary(place, number)).chain([canary("catalogue", 0)]).collect()
        };
        for person in members {
            let question = Text::to(&id, &tagged(&mut number_of));
            expected.push((person, room.clone(), question, all(&["compagnon", "salon", "conversation"])));
        }
        let mut alone = all(&["moi", "prive"]);
        alone.insert(canary("temoin", 0));
        expected.push((owner, private, Text::new(tagged(&mut number_of)), alone));
    }
    println!("| question of | in | canaries in its prompt |\n|---|---|---|");
    for (number, (person, room, question, may_see)) in expected.iter().enumerate() {
        let sent = person.send(room, question.clone()).await;
        let shown = answer(person, room, &sent).await;
        assert!(canaries(&shown.body).is_subset(may_see), "{} in {room}: {shown:#?}", person.name);
        let prompts = engine.prompts();
        let tag = format!("(n°{number})");
        let own: Vec<_> = prompts.iter().filter(|prompt| prompt.question().contains(&tag)).collect();
        let [prompt] = own.as_slice() else { panic!("{} prompts of question {number}", own.len()) };
        assert_eq!(canaries(&prompt.text()), *may_see, "{} in {room}", person.name);
        let words = may_see.iter().map(|word| word.trim_start_matches(CANARY).trim_matches(['-', '.']));
        println!(
            "| {} | {} | {} |",
            person.name,
            if number % 4 == 3 { "private" } else { "room" },
            words.collect::<Vec<_>>().join(", ")
        );
    }
    for moment in ["while it runs", "after its end"] {
        let log = bot.log();
        let line = log.lines().find(|line| line.contains(CANARY) || line.contains("armoire"));
        assert_eq!(line, None, "in the log {moment}");
        assert_eq!(holder(&bot.data(), CANARY), None, "on disk {moment}");
        if moment == "while it runs" {
            assert!(bot.terminate().success(), "{}", bot.log());
        }
    }
    assert!(bot.log().contains("searched"), "the log says what is done");
}
