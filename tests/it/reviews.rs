//! `!avis` through a homeserver, in an encrypted conversation: what reaches the model, what reaches people, and a whole exchange, which
//! `--nocapture` prints. The model says what the scenario has written for it, from the prompt that it is sent.

use crate::{
    support::{
        bot::Setup,
        engine::Engine,
        people::Person,
        room::{Message, Text},
    },
    world::{World, id_of, joined_dm},
};

/// What it says for a review of an ordinary wait.
const REPLY: &str = "Voici le brouillon :\n\nBonjour [PERSONNE_1],\n\nNous vous remercions d’avoir pris le temps de nous écrire. Nous \
                     comprenons que cette attente au guichet, malgré un rendez-vous, a été pénible. Votre remarque a été transmise au \
                     responsable de l’accueil. Un agent va vous rappeler sous 48 h.\n\nPour votre dossier, vous pouvez joindre le service \
                     par [à compléter].\n\nCordialement,\nLe service de l’accueil";

/// What it says once the agent has spoken.
const REWRITTEN: &str = "Bonjour,\n\nNous vous remercions de votre message. Nous comprenons que cette attente, malgré un rendez-vous, a été \
                         pénible. Votre dossier est traité : la réponse vous a été envoyée le 12 mars.\n\nCordialement,\nLe service de \
                         l’accueil";

/// All that the bot says to a message, in order, once it has said all.
async fn said(person: &Person, room: &str, question: &str) -> Vec<Message> {
    let last = |seen: &[Message]| {
        let own: Vec<Message> = seen.iter().filter(|one| one.answers(question)).cloned().collect();
        let over = |one: &Message| {
            ["Rien n’est envoyé", "reste masqué", "dernier avis", "oubliés"]
                .iter()
                .any(|words| one.body.contains(words))
        };
        own.iter().any(|one| one.complete() && over(one)).then_some(own)
    };
    let mut own = person.until(room, "all of the answer", last).await;
    own.sort_by_key(|one| one.answer["part"].as_u64());
    own
}

fn texts(said: &[Message]) -> String {
    said.iter().map(|one| one.body.as_str()).collect::<Vec<_>>().join("\n\n")
}

fn print(who: &str, what: &str) {
    println!("\n{who} → {}", what.replace('\n', "\n    "));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_and_no_number_of_fifty_reviews_reaches_the_model_or_a_draft() {
    let world = World::shared().await;
    // It says all that it was given.
    let engine = Engine::start(super::support::engine::Prompt::text);
    let setup = Setup { failpoints: engine.failpoint(), ..world.setup().await };
    let (mut bot, id) = (world.start(&setup), id_of(&setup));
    let awa = world.person("awa").await;
    let room = joined_dm(&awa, &id).await;
    let fifty: Vec<Vec<&str>> =
        include_str!("../fixtures/reviews.tsv").lines().map(|line| line.split('\t').collect()).collect();
    let rows: String = fifty
        .iter()
        .flat_map(|cells| ["\"".to_owned(), cells[0].replace('"', "\"\""), "\";3\r\n".to_owned()])
        .collect();
    let csv = format!("\u{feff}Description;Note\r\n{rows}");
    let sent = awa.send_file(&room, "avis.csv", "text/csv", csv.as_bytes(), "!avis").await;
    let mut shown = vec![said(&awa, &room, &sent).await];
    for _ in 1..fifty.len() {
        let next = awa.send(&room, "!avis suivant").await;
        shown.push(said(&awa, &room, &next).await);
    }
    assert_eq!((engine.asked(), shown.len()), (50, 50));
    for ((cells, prompt), said) in fifty.iter().zip(engine.prompts()).zip(&shown) {
        for secret in &cells[1..] {
            assert!(!prompt.text().contains(secret), "{secret} reached the model: {}", prompt.text());
            assert!(!texts(said).contains(secret), "{secret} was shown: {}", texts(said));
        }
    }
    let export = awa.send(&room, "!avis exporter").await;
    let exported = said(&awa, &room, &export).await;
    let file = exported.iter().find(|one| one.file.is_some()).expect("a file");
    let file = String::from_utf8(awa.download(file).await).expect("UTF-8");
    let leaked =
        fifty.iter().flat_map(|cells| &cells[1..]).filter(|secret| secret.len() > 4 && file.contains(**secret)).count();
    assert_eq!(leaked, 0, "{file}");
    println!(
        "reviews: {}, prompts: {}, with a name or a number: 0; drafts: {}, with one: 0",
        fifty.len(),
        engine.asked(),
        shown.len()
    );
    assert!(bot.terminate().success(), "{}", bot.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_works_on_a_draft() {
    let world = World::shared().await;
    let engine = Engine::start(|prompt| {
        let says = if prompt.text().contains("12 mars") { REWRITTEN } else { REPLY };
        says.to_owned()
    });
    let setup =
        Setup { failpoints: engine.failpoint(), compagnon: "reponse-usagers".to_owned(), ..world.setup().await };
    let (mut bot, id) = (world.start(&setup), id_of(&setup));
    let awa = world.person("awa").await;
    let room = joined_dm(&awa, &id).await;
    let review = "Une heure d’attente au guichet malgré mon rendez-vous, et Mme Zorkovitch ne m’a même pas regardé. Dossier 2024-118734.";
    print("Awa", review);
    let sent = awa.send(&room, review).await;
    let first = said(&awa, &room, &sent).await;
    for one in &first {
        print("bot", &one.body);
    }
    let text = texts(&first);
    assert!(!text.contains("Zorkovitch") && !text.contains("PERSONNE") && !text.contains("118734"), "{text}");
    assert!(text.contains("promesse") && text.contains("sous 48 h"), "{text}");
    let draft = first.iter().find(|one| one.body.starts_with("Bonjour,")).expect("the draft alone");
    let fact = "le dossier est traité, réponse envoyée le 12 mars";
    print("Awa, en réponse au brouillon", fact);
    let reply = awa.send(&room, Text::new(fact).replying_to(&draft.event_id)).await;
    let second = said(&awa, &room, &reply).await;
    for one in &second {
        print("bot", &one.body);
    }
    assert!(texts(&second).contains("ne relèvent rien"), "{}", texts(&second));
    assert!(engine.prompts().iter().all(|prompt| !prompt.text().contains("Zorkovitch")));
    let end = awa.send(&room, "!avis fin").await;
    print("bot", &texts(&said(&awa, &room, &end).await));
    assert!(bot.terminate().success(), "{}", bot.log());
}
