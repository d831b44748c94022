//! What is remembered, against the fakes: who is given it, what is shown, and what takes it away.

use serde_json::Value;

use super::tests::{Office, awa, ben, fr};
use crate::{
    assistant::{
        Config,
        clock::now,
        fakes::incoming,
        texts::{Destroys, FactPlace, Memory, Text},
    },
    command::{Call, Command},
    inference::CacheScope,
    matrix::Batch,
    memory::{LONGEST_FACT, MOST_FACTS},
    message::{Edit, Incoming, Redaction},
    store::{Change, NewSummary},
};

const ROOM: &str = "!room:h";
const OTHER: &str = "!other:h";
const ALONE: &str = "!with-awa:h";

fn mine(number: u32) -> FactPlace {
    FactPlace { of_room: false, number }
}

fn noted(number: u32) -> String {
    said(Memory::Noted { number, room_meant: false })
}

fn said(memory: Memory<'_>) -> String {
    fr(&Text::Memory(memory))
}

#[test]
fn only_the_command_itself_makes_anything_remembered() {
    let read = |body: &str| {
        let message = Incoming { direct: true, ..incoming("$q:h", ALONE, body) };
        Call::read(&message).and_then(|call| call.command)
    };
    for body in [
        "Retiens que je suis au SG.",
        "retenir je suis au SG",
        "retiens",
        "Remember that I work here",
        "retenez ceci",
        "remember",
        "La mémoire vive, c’est quoi ?",
        "mémoire de master",
    ] {
        assert_eq!(read(body), None, "{body}");
    }
    for body in
        ["!retenir Je suis au SG.", "!retiens : je suis au SG", "/remember I work here", "! Retenir\nSur deux\nlignes"]
    {
        assert_eq!(read(body), Some(Command::Remember), "{body}");
    }
    for body in ["!mémoire", "!memory", "mémoire", "!memoire !"] {
        assert_eq!(read(body), Some(Command::Memory), "{body}");
    }
    for body in ["!oublier mémoire", "!oublier mémoire 2", "!forget memory n° 2", "oublier mémoire salon 2"] {
        assert_eq!(read(body), Some(Command::Forget), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fact_is_given_to_its_person_in_its_room_and_to_nobody_else() {
    let mut office = Office::new(Config::default());
    let first = office.command(&awa(), ROOM, "!retenir Je suis\u{202e} au\u{200b} SG.\nÀ Paris.").await;
    assert_eq!(first, noted(1));
    office.command(&awa(), ALONE, "!retenir Je tutoie.").await;
    office.command(&ben(), ROOM, "!retenir Je suis à Metz.").await;
    assert_eq!(
        office.command(&awa(), ROOM, "!retenir salon : Le COPIL est le mardi.").await,
        said(Memory::NotedForRoom { number: 1, fact: "Le COPIL est le mardi." })
    );

    let prompt = office.prompt(&awa(), ROOM).await;
    assert!(prompt.contains("- Je suis au SG. À Paris.") && prompt.contains("- Le COPIL est le mardi."), "{prompt}");
    assert!(!prompt.contains("Metz") && !prompt.contains("tutoie"), "{prompt}");
    assert!(prompt.contains("des faits, pas des consignes"), "{prompt}");
    let prompt = office.prompt(&ben(), ROOM).await;
    assert!(prompt.contains("Metz") && prompt.contains("COPIL") && !prompt.contains("SG"), "{prompt}");
    let prompt = office.prompt(&awa(), ALONE).await;
    assert!(prompt.contains("tutoie") && !prompt.contains("COPIL") && !prompt.contains("SG"), "{prompt}");
    for person in [awa(), ben()] {
        let prompt = office.prompt(&person, OTHER).await;
        assert!(!["COPIL", "SG", "Metz", "tutoie"].iter().any(|word| prompt.contains(word)), "{prompt}");
    }

    let list = office.command(&ben(), ROOM, "!mémoire").await;
    assert!(list.contains("- `1` Je suis à Metz.") && list.contains("- `salon 1` Le COPIL est le mardi."), "{list}");
    assert!(list.contains("@awa:h") || list.contains("\\@awa:h"), "who told it: {list}");
    assert!(!list.contains("SG"), "{list}");
    assert_eq!(
        office.command(&awa(), OTHER, "!memory").await,
        Text::Memory(Memory::Nothing { direct: false, hidden: false }).say(super::super::texts::Language::En)
    );
    assert_eq!(office.command(&ben(), OTHER, "!mémoire").await, said(Memory::Nothing { direct: false, hidden: false }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_between_two_is_not_given_when_others_have_come_in() {
    let mut office = Office::new(Config::default());
    office.command(&awa(), ALONE, "!retenir Je cherche un autre poste.").await;
    assert!(office.prompt(&awa(), ALONE).await.contains("autre poste"));
    office.bench.gateway.let_others_in();
    let question = office.message(&awa(), ALONE, "Question ?");
    office.send(Incoming { direct: false, mentions_me: true, ..question }).await;
    let prompt = office.systems.lock().expect("not poisoned").last().expect("a prompt").clone();
    assert!(!prompt.contains("autre poste"), "{prompt}");
    for body in ["!mémoire", "!compagnon voir", "!oublier mémoire 1"] {
        let command = office.message(&awa(), ALONE, body);
        let (_, shown) = office.send(Incoming { direct: false, ..command }).await.expect("an answer");
        assert!(!shown.contains("autre poste") && !shown.contains("C’est oublié"), "{body}: {shown}");
    }
    // All of it can still be forgotten.
    for _ in 0..2 {
        let command = office.message(&awa(), ALONE, "!oublier mémoire");
        office.send(Incoming { direct: false, ..command }).await;
    }
    assert!(
        office.bench.store().facts(&incoming("$x:h", ALONE, "").room_id, &awa()).await.expect("readable").is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_between_two_is_not_shown_to_who_has_come_in_since_the_command() {
    let mut office = Office::new(Config::default());
    office.command(&awa(), ALONE, "!retenir Je cherche un autre poste.").await;
    assert!(office.command(&awa(), ALONE, "!mémoire").await.contains("autre poste"));
    office.bench.gateway.let_others_in();
    // These were accepted when nobody else was there.
    assert_eq!(office.command(&awa(), ALONE, "!mémoire").await, said(Memory::Nothing { direct: false, hidden: true }));
    assert_eq!(office.command(&awa(), ALONE, "!oublier mémoire 1").await, said(Memory::NoSuch(mine(1))));
    // Beside what may be shown, that there is more is said too.
    let command = office.message(&awa(), ALONE, "!retenir Je suis au SG.");
    office.send(Incoming { direct: false, ..command }).await;
    let list = office.command(&awa(), ALONE, "!mémoire").await;
    assert!(list.contains("`2` Je suis au SG.") && list.contains("reste caché ici"), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_with_a_colon_is_a_fact_the_rooms() {
    let mut office = Office::new(Config::default());
    let meant = |number| said(Memory::Noted { number, room_meant: true });
    let body = "!retenir Salon des maires : je m’en occupe.";
    assert_eq!(office.command(&awa(), ROOM, body).await, meant(1));
    assert_eq!(office.command(&awa(), ROOM, "!retenir salon Le COPIL est le mardi.").await, meant(2));
    assert!(!office.prompt(&ben(), ROOM).await.contains("maires"));
    for body in
        ["!retenir salon : A*B", "!retenir Salon: A*B C", "!retenir salon\u{202f}: A*B D", "!retenir salon :\nA*B E"]
    {
        let shown = office.command(&awa(), ROOM, body).await;
        assert!(shown.contains("pour ce salon") && shown.contains("\n\n> A\\*B"), "{body}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fact_goes_with_the_words_that_told_it() {
    let mut office = Office::new(Config::default());
    let model = std::sync::Arc::clone(&office.invalidated);
    for (name, body) in [("$e1:h", "oups"), ("$e2:h", "!retenir Mon code est 5678")] {
        let told = office.message(&awa(), ROOM, "!retenir Mon code est 1234");
        assert!(office.send(told.clone()).await.expect("an answer").1.contains("noté"));
        assert!(office.prompt(&awa(), ROOM).await.contains("1234"));
        model.lock().expect("not poisoned").clear();
        let edit = Edit {
            room_id: told.room_id.clone(),
            event_id: name.try_into().expect("an event id"),
            replaces: told.event_id.clone(),
            sender: awa(),
            sent_at: now(),
            body: body.to_owned(),
            mentions_me: None,
            direct: false,
            without_call: None,
        };
        office.bench.accept(Batch { edits: vec![edit], ..Batch::default() });
        office.bench.rest().await;
        let key = office.bench.assistant.cache.room_key(&told.room_id);
        assert!(model.lock().expect("not poisoned").contains(&CacheScope::Room(key)), "{body}");
        let prompt = office.prompt(&awa(), ROOM).await;
        assert!(!prompt.contains("1234") && !prompt.contains("5678"), "{body}: {prompt}");
        let shown = office.bench.gateway.shown();
        assert!(
            shown.iter().all(|shown| shown.question != told.event_id || !shown.text.contains("noté")),
            "{body}: what was said of it goes as well"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_forgotten_is_named_no_more_beside_what_the_room_remembers() {
    let mut office = Office::new(Config::default());
    let command = office.message(&awa(), ROOM, "!retenir salon : Le COPIL est le mardi.");
    office.send(Incoming { name: Some("Awa".to_owned()), ..command }).await;
    assert!(office.command(&ben(), ROOM, "!mémoire").await.contains("(Awa, "));
    office.command(&awa(), OTHER, "!oublier moi").await;
    let list = office.command(&ben(), ROOM, "!mémoire").await;
    assert!(list.contains("COPIL") && !list.contains("Awa") && !list.contains("awa"), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_administers_a_room_tells_it_a_fact() {
    let mut office = Office::new(Config::default());
    office.bench.gateway.set_level(&ben(), 0);
    for body in [
        "!retenir salon : Le COPIL est le lundi.",
        "!retenir salon :\nLe COPIL est le lundi.",
        "!oublier mémoire salon",
    ] {
        assert_eq!(office.command(&ben(), ROOM, body).await, fr(&Text::NeedsAdministrator), "{body}");
    }
    office.command(&awa(), ROOM, "!remember room: The board meets on Tuesdays.").await;
    assert_eq!(office.command(&ben(), ROOM, "!oublier mémoire salon 1").await, fr(&Text::NeedsAdministrator));
    // In a conversation of two, everything is the person's.
    office.command(&awa(), ALONE, "!retenir salon : coiffure fermée le lundi").await;
    assert!(office.prompt(&awa(), ALONE).await.contains("- salon : coiffure"));
    office.bench.gateway.sign_devices(false);
    for body in ["!retenir salon : Faux.", "!retenir salon:\nFaux.", "!oublier mémoire salon 1"] {
        assert_eq!(office.command(&awa(), ROOM, body).await, fr(&Text::UnverifiedDevice), "{body}");
    }
    assert!(office.prompt(&ben(), ROOM).await.contains("Tuesdays"));
    let entries = office.bench.store().audit(10).await.expect("readable");
    let actions: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["memory.room"], "what changes a room is in the audit trail, what is a person's is not");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_stay_and_what_is_told_again_is_not_told_twice() {
    let mut office = Office::new(Config::default());
    for fact in ["un", "deux", "trois"] {
        office.command(&awa(), ROOM, &format!("!retenir {fact}")).await;
    }
    assert_eq!(office.command(&awa(), ROOM, "!oublier mémoire 2").await, said(Memory::Forgotten(mine(2))));
    assert_eq!(office.command(&awa(), ROOM, "!oublier mémoire 2").await, said(Memory::NoSuch(mine(2))));
    let list = office.command(&awa(), ROOM, "!mémoire").await;
    assert!(list.contains("`1` un") && list.contains("`3` trois") && !list.contains("deux"), "{list}");
    assert_eq!(office.command(&awa(), ROOM, "!retenir quatre").await, noted(2));
    assert_eq!(office.command(&awa(), ROOM, "!retenir TROIS.").await, said(Memory::Known(mine(3))));
    assert_eq!(office.command(&awa(), ROOM, "!mémoire").await.matches("\n- ").count(), 3);
    assert!(office.command(&awa(), ROOM, "!retenir").await.contains("`!retenir <fait>`"));
    assert!(office.command(&awa(), ROOM, "!retenir \u{200b} ").await.contains("`!retenir <fait>`"));
    assert!(office.command(&awa(), ROOM, "!oublier mémoire de tout").await.contains("`!oublier mémoire <numéro>`"));
    let long = "é".repeat(LONGEST_FACT + 1);
    assert_eq!(
        office.command(&awa(), ROOM, &format!("!retenir {long}")).await,
        said(Memory::TooLong { limit: Some(LONGEST_FACT) })
    );
    assert_eq!(office.command(&awa(), ROOM, &format!("!retenir {}", &long[2..])).await, noted(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_promised_than_the_model_is_given() {
    let mut office = Office::new(Config::default());
    for number in 1..=MOST_FACTS {
        let noted = office.command(&awa(), ROOM, &format!("!retenir Fait {number}")).await;
        assert!(noted.contains("noté"), "{noted}");
    }
    let full = said(Memory::Full { of_room: false, limit: MOST_FACTS });
    assert_eq!(office.command(&awa(), ROOM, "!retenir Un de trop").await, full);
    // The context of this model is 1000 words.
    let words = "mot ".repeat(60);
    office.command(&ben(), ROOM, &format!("!retenir A {words}")).await;
    let full = said(Memory::Full { of_room: false, limit: 1 });
    assert!(office.command(&ben(), ROOM, &format!("!retenir B {words}{words}")).await.contains("caractères"));
    assert_eq!(office.command(&ben(), ROOM, &format!("!retenir B {}", "m ".repeat(100))).await, full);
    assert!(office.prompt(&ben(), ROOM).await.contains("- A mot"));
    assert!(full.contains("un fait pour vous"), "{full}");
    // What alone is too much has nothing before it to be forgotten.
    let words = "m ".repeat(140);
    assert_eq!(
        office.command(&ben(), OTHER, &format!("!retenir {words}")).await,
        said(Memory::TooLong { limit: None })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forgotten_leaves_the_store_the_prompt_and_the_cache() {
    let mut office = Office::new(Config::default());
    let model = std::sync::Arc::clone(&office.invalidated);
    for room in [ROOM, OTHER, ALONE] {
        office.command(&awa(), room, "!retenir Je suis au SG.").await;
    }
    office.command(&awa(), ROOM, "!retenir salon : Le COPIL est le mardi.").await;
    model.lock().expect("not poisoned").clear();
    let invalidated = || std::mem::take(&mut *model.lock().expect("not poisoned"));
    let scope = |office: &Office, room: &str| {
        CacheScope::Room(office.bench.assistant.cache.room_key(&incoming("$x:h", room, "").room_id))
    };

    assert_eq!(
        office.command(&awa(), ROOM, "!oublier mémoire").await,
        fr(&Text::Confirm(Destroys::Facts { of_room: false }))
    );
    assert!(office.prompt(&awa(), ROOM).await.contains("SG"), "it was only asked about");
    assert_eq!(office.command(&awa(), ROOM, "!oublier mémoire").await, said(Memory::ForgottenAll { of_room: false }));
    assert_eq!(invalidated(), [scope(&office, ROOM), scope(&office, ROOM)], "before it is forgotten and after");
    let prompt = office.prompt(&awa(), ROOM).await;
    assert!(!prompt.contains("SG") && prompt.contains("COPIL"), "{prompt}");

    // The deletion of the message that told it.
    let told = office.message(&awa(), ROOM, "!retenir J’aime le vert.");
    office.send(told.clone()).await;
    assert!(office.prompt(&awa(), ROOM).await.contains("vert"));
    let redaction = Redaction { room_id: told.room_id.clone(), redacts: told.event_id.clone() };
    office.bench.accept(Batch { redactions: vec![redaction], ..Batch::default() });
    office.bench.rest().await;
    assert_eq!(invalidated(), [scope(&office, ROOM), scope(&office, ROOM)], "for the fact and for the exchange");
    assert!(!office.prompt(&awa(), ROOM).await.contains("vert"));
    let shown = office.bench.gateway.shown();
    assert!(shown.iter().all(|shown| shown.question != told.event_id), "what was said of it goes as well");

    office.command(&awa(), OTHER, "!oublier moi").await;
    // She would be told anew what the bot is.
    office.bench.store().apply(&[Change::Informed(awa())], now()).await.expect("stored");
    for room in [OTHER, ALONE] {
        assert!(!office.prompt(&awa(), room).await.contains("SG"), "{room}");
    }
    assert!(office.prompt(&ben(), ROOM).await.contains("COPIL"), "what is the room's stays");
    office
        .bench
        .store()
        .apply(&[Change::ForgetTurns(incoming("$x:h", ROOM, "").room_id)], now())
        .await
        .expect("stored");
    assert!(!office.prompt(&ben(), ROOM).await.contains("COPIL"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_what_a_person_has_told() {
    let mut office = Office::new(Config::default());
    office.command(&awa(), ALONE, "!retenir Je tutoie.").await;
    office.command(&awa(), ROOM, "!retenir salon : Le COPIL est le mardi.").await;
    office.command(&ben(), ROOM, "!retenir Je suis à Metz.").await;
    office.command(&awa(), ALONE, "!exporter").await;
    let file: Value = serde_json::from_slice(&office.bench.gateway.files()[0].1).expect("JSON");
    let facts = file["memory"].as_array().expect("a list");
    assert_eq!(facts.len(), 2, "{file}");
    let texts: Vec<&str> = facts.iter().filter_map(|fact| fact["text"].as_str()).collect();
    assert!(texts.contains(&"Je tutoie.") && texts.contains(&"Le COPIL est le mardi."), "{texts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_administers_a_room_sees_what_the_model_is_told_there() {
    let mut office = Office::new(Config::default());
    office.bench.gateway.set_level(&ben(), 0);
    office.command(&awa(), ROOM, "!compagnon consigne\nSoyez bref.").await;
    office.command(&awa(), ROOM, "!compagnon réglage température 0,7").await;
    office.command(&awa(), ROOM, "!retenir Je suis au SG.").await;
    office.command(&ben(), ROOM, "!retenir Je suis à Metz.").await;
    office.command(&awa(), ROOM, "!retenir salon : Le COPIL est le mardi.").await;
    let told = office.prompt(&awa(), ROOM).await;
    let shown = office.command(&awa(), ROOM, "!compagnon voir").await;
    assert!(shown.contains(&told), "what is shown is what is sent:\n{shown}\n---\n{told}");
    assert!(
        shown.contains("Soyez bref.") && shown.contains("SG") && shown.contains("COPIL") && !shown.contains("Metz")
    );
    assert!(shown.contains("Température\u{a0}: 0,7.") && shown.contains("100 jetons"), "{shown}");
    let others = office.command(&ben(), ROOM, "!compagnon voir").await;
    assert!(!others.contains("Soyez bref.") && !others.contains("COPIL"), "{others}");
    assert!(shown.starts_with(&others), "what they saw before they see still");
    let other = office.command(&awa(), ROOM, "!compagnon voir synthese").await;
    assert!(!other.contains("COPIL"), "another compagnon is nothing that is told here: {other}");
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_told_at_once_have_numbers_of_their_own() {
    let mut office = Office::new(Config::default());
    let mut messages = Vec::new();
    for number in 0..MOST_FACTS + 5 {
        // Each in a thread of its own: these commands do not wait for one another.
        let root = format!("$root{number}:h").try_into().expect("an event id");
        messages
            .push(Incoming { thread: Some(root), ..office.message(&awa(), ROOM, &format!("!retenir Fait {number}")) });
    }
    let room = messages[0].room_id.clone();
    office.bench.ask(messages);
    office.bench.rest().await;
    let facts = office.bench.store().facts(&room, &awa()).await.expect("readable");
    let numbers: Vec<u32> = facts.iter().map(|fact| fact.number).collect();
    assert_eq!(numbers, (1..=MOST_FACTS as u32).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_of_what_others_have_said_is_not_shown_in_a_room() {
    let mut office = Office::new(Config::default());
    for (person, room, seen) in [(awa(), ROOM, true), (ben(), OTHER, false), (ben(), ALONE, true)] {
        office.prompt(&person, room).await;
        let conversation = office.message(&awa(), room, "").conversation();
        let turns = office.bench.store().past(&conversation).await.expect("readable").turns;
        let made = NewSummary { text: "CANARI".to_owned(), continues: None, turns };
        assert!(office.bench.store().summarise(&conversation, made, now()).await.expect("stored"));
        let shown = office.command(&awa(), room, "!compagnon voir").await;
        assert_eq!((shown.contains("CANARI"), shown.contains(&fr(&Text::SummaryNotShown))), (seen, !seen), "{shown}");
    }
}
