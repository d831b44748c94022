//! Programs that talk with one another fall silent. How many messages that takes is printed.
//!
//! That nothing more comes is seen by what is answered after it, elsewhere: the bot has read the last message of the loop by then.

use std::{sync::Mutex, time::Duration};

use futures_util::future::join_all;
use tokio::time::sleep;

use crate::{
    support::{
        bot::{Bot, STOCK_LIMITS, Setup},
        people::Person,
        room::{Message, Text},
    },
    world::{World, id_of, joined_dm},
};

const QUESTION: &str = "Comment vous appelez-vous ?";
/// The most answers that a loop may get: a person's messages in a row, and what may come while they are counted.
const MOST: usize = 25;

async fn bot_with_stock_limits(world: &World) -> (Bot, String) {
    let setup = Setup { limits: STOCK_LIMITS, ..world.setup().await };
    (world.start(&setup), id_of(&setup))
}

/// Somebody who has a conversation of their own with each bot, in which its answer proves that it has read what came before.
struct Witness {
    person: Person,
    rooms: Vec<String>,
}

impl Witness {
    async fn new(world: &World, bots: &[&str]) -> Self {
        let person = world.person("temoin").await;
        let mut rooms = Vec::new();
        for bot in bots {
            let room = person.open_dm(bot).await;
            person.until_member(&room, bot, "join").await;
            rooms.push(room);
        }
        Self { person, rooms }
    }

    /// Twice: what one answer calls forth in the other bot may come after the first.
    async fn all_read(&self) {
        for _ in 0..2 {
            join_all(self.rooms.iter().map(|room| self.person.ask(room, QUESTION))).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_bots_in_a_room_do_not_talk_with_each_other() {
    let world = World::shared().await;
    let ((_one, one), (_other, other)) = (bot_with_stock_limits(world).await, bot_with_stock_limits(world).await);
    let awa = world.person("awa").await;
    let room = awa.create_room("Bureau", true, &[&one, &other]).await;
    for bot in [&one, &other] {
        awa.until_member(&room, bot, "join").await;
    }
    let witness = Witness::new(world, &[&one, &other]).await;
    // Each answers whatever is said here: the worst that can be chosen.
    let chosen = awa.send(&room, "!réponses tout").await;
    for bot in [&one, &other] {
        let by = |message: &Message| message.sender == *bot && message.answers(&chosen) && message.complete();
        awa.until(&room, "both answers", |seen| seen.iter().any(by).then_some(())).await;
    }
    let before = awa.messages(&room).len();
    let mentioned = Text::to(&one, QUESTION);
    let questions = [awa.send(&room, QUESTION).await, awa.send(&room, mentioned).await];
    for question in &questions {
        for bot in [&one, &other] {
            let by = |message: &Message| message.sender == *bot && message.answers(question) && message.complete();
            awa.until(&room, "both answers", |seen| seen.iter().any(by).then_some(())).await;
        }
    }
    witness.all_read().await;
    let said = awa.messages(&room).split_off(before);
    let answers: Vec<_> = said.iter().filter(|message| message.sender != awa.user_id).collect();
    println!(
        "two bots in a room, both answering everything: 2 messages of a person, {} answers, then silence",
        answers.len()
    );
    // One answer of each bot to each message of hers; none to the other's.
    assert!(answers.iter().all(|answer| questions.iter().any(|question| answer.answers(question))), "{answers:#?}");
    assert_eq!(answers.len(), 4, "{answers:#?}");
    assert!(answers.iter().all(|answer| answer.msgtype == "m.text"), "{answers:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_echo_is_not_answered_for_ever() {
    let world = World::shared().await;
    let (_bot, id) = bot_with_stock_limits(world).await;
    for (kind, name) in [("m.notice", "an echo as notices, as bots should"), ("m.text", "an echo as people write")] {
        let (awa, echo) = (world.person("awa").await, world.person("echo").await);
        let room = awa.create_room("Bureau", true, &[&id, &echo.user_id]).await;
        echo.join(&room).await;
        for person in [&awa, &echo] {
            person.until_member(&room, &id, "join").await;
            person.until_member(&room, &echo.user_id, "join").await;
        }
        let first = awa.send(&room, Text::to(&id, QUESTION)).await;
        awa.answer_to(&room, &first).await;

        let (echoed, sent) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let done = |message: &&Message| message.sender == id && message.complete();
        let all_echoed = |seen: &[Message]| {
            let echoed = echoed.lock().expect("not poisoned");
            // One that is being written will be echoed.
            seen.iter().filter(|message| message.sender == id).all(|said| echoed.contains(&said.event_id))
        };
        let echoing = async {
            loop {
                let new = |seen: &[Message]| {
                    let echoed = echoed.lock().expect("not poisoned");
                    seen.iter().filter(done).find(|said| !echoed.contains(&said.event_id)).cloned()
                };
                let said = echo.next(&room, new).await.expect("the clients are there");
                let back = Text::to(&id, &said.body).replying_to(&said.event_id).of_type(kind);
                let event = echo.send(&room, back).await;
                sent.lock().expect("not poisoned").push(event);
                let mut echoed = echoed.lock().expect("not poisoned");
                echoed.push(said.event_id);
                assert!(echoed.len() <= MOST, "it goes on: {:#?}", echo.messages(&room));
            }
        };
        let silence = async {
            loop {
                let before = sent.lock().expect("not poisoned").len();
                Witness::new(world, &[&id]).await.all_read().await;
                let after = sent.lock().expect("not poisoned").len();
                if before == after && all_echoed(&echo.messages(&room)) {
                    return;
                }
            }
        };
        tokio::select! { () = echoing => {}, () = silence => {} }

        let seen = awa.messages(&room);
        let sent = sent.into_inner().expect("not poisoned");
        // A notice, such as the one that says that it is enough, is no answer.
        let is_answer = |event: &&String| seen.iter().any(|one| one.answers(event) && one.msgtype == "m.text");
        let answered = sent.iter().filter(is_answer).count();
        println!("{name}: {} messages of the echo, {answered} of them answered, then silence", sent.len());
        assert_eq!(kind == "m.text", answered > 0, "{seen:#?}");
        // The others are not silenced with it.
        let last = awa.send(&room, Text::to(&id, QUESTION)).await;
        awa.answer_to(&room, &last).await;
    }
}

/// How long a program takes for its message, once it has read an answer.
const THINKS: Duration = Duration::from_secs(3);

/// Writes to the bot after each of its answers, until it is told that this is enough. Gives the number of answers, and what it was told.
async fn goes_on(program: &Person, room: &str, write: impl Fn(Option<&Message>) -> Text) -> (usize, String) {
    let mut answer: Option<Message> = None;
    for answers in 0..=MOST {
        let event = program.send(room, write(answer.as_ref())).await;
        let said = program.answer_to(room, &event).await;
        if said.msgtype == "m.notice" {
            return (answers, said.body);
        }
        answer = Some(said);
        sleep(THINKS).await;
    }
    panic!("it goes on: {:#?}", program.messages(room));
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_think_for_three_seconds_are_stopped_within_ten_rounds_and_a_quick_person_is_not() {
    let world = World::shared().await;
    let (_bot, id) = bot_with_stock_limits(world).await;
    let salon = async |person: &Person| {
        let room = person.create_room("Bureau", true, &[&id]).await;
        person.until_member(&room, &id, "join").await;
        room
    };
    // As models write: more than anybody types in the time.
    let paragraph = "Voici ma réponse à votre message, telle que je l’ai préparée pour vous. ".repeat(3);
    let (replies, mentions, threads, writes) = (
        world.person("replies").await,
        world.person("mentions").await,
        world.person("threads").await,
        world.person("writes").await,
    );
    let quick = world.person("quick").await;
    let (first, second, third) = (salon(&replies).await, salon(&mentions).await, salon(&threads).await);
    let (dm, hers) = (joined_dm(&writes, &id).await, joined_dm(&quick, &id).await);
    let root = threads.send(&third, "Un fil").await;
    let with_reply = goes_on(&replies, &first, |answer| {
        let text = Text::to(&id, "Et ensuite ?");
        if let Some(answer) = answer { text.replying_to(&answer.event_id) } else { text }
    });
    let with_mention = goes_on(&mentions, &second, |_| Text::to(&id, &paragraph));
    let in_thread = goes_on(&threads, &third, |_| Text::to(&id, &paragraph).in_thread(&root));
    let in_private = goes_on(&writes, &dm, |_| Text::new(&*paragraph));
    let person = async {
        for pause in [1_200, 3_900, 700, 2_600, 5_100, 1_800, 900, 4_300, 2_200, 1_400, 3_100, 800, 2_900, 1_600, 1_000]
        {
            let answer = quick.ask(&hers, QUESTION).await;
            assert!(answer.body.contains("Témoin"), "{answer:#?}");
            sleep(Duration::from_millis(pause)).await;
        }
    };
    let (reply, mention, thread, private, ()) = tokio::join!(with_reply, with_mention, in_thread, in_private, person);
    for (name, (answers, told)) in [
        ("a bot of 3 s, with mention and reply", reply),
        ("a bot of 3 s, with mention only", mention),
        ("a bot of 3 s, in a thread", thread),
        ("a bot of 3 s, in a direct conversation", private),
    ] {
        println!("{name}: stopped after {answers} answers: {told}");
        assert!(answers <= 10 && told.contains("1 heure"), "{name}: {answers}, {told}");
    }
    println!("a person who asks 15 quick questions: never stopped");
}
