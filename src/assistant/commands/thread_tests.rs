//! Rooms in which each question is answered in a thread of its own, against the fakes.

use ruma::OwnedUserId;

use super::tests::{FORGOTTEN_CONVERSATION, Office, awa, ben, fr};
use crate::{
    assistant::{Config, texts::Text},
    compagnon::Answers,
    matrix::Batch,
    message::{Edit, Incoming, Redaction},
};

const ROOM: &str = "!room:h";
const ALONE: &str = "!with-awa:h";

/// Asks with a mention, and gives the question with what is shown for it.
async fn ask(office: &mut Office, person: &OwnedUserId, body: &str) -> (Incoming, String) {
    let question = Incoming { mentions_me: true, ..office.message(person, ROOM, body) };
    let (_, text) = office.send(question.clone()).await.expect("an answer");
    (question, text)
}

/// Writes in the thread of a question, without a mention.
async fn follow(office: &mut Office, person: &OwnedUserId, root: &Incoming, body: &str) -> Option<String> {
    let message = Incoming { thread: Some(root.event_id.clone()), ..office.message(person, ROOM, body) };
    office.send(message).await.map(|(_, text)| text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_opens_a_thread_that_is_a_conversation_of_its_own() {
    let mut office = Office::new(Config::default());
    assert_eq!(office.command(&awa(), ROOM, "!réponses fil").await, fr(&Text::AnswersAre(Answers::Thread)));
    assert_eq!(office.command(&awa(), ROOM, "!réponses").await, fr(&Text::AnswersAre(Answers::Thread)));
    assert_eq!(office.say(&ben(), ROOM, "Entre nous.").await, None, "as with mentions");
    let (first, text) = ask(&mut office, &awa(), "Un ?").await;
    assert!(text.starts_with("2: Un ?"), "{text}");
    let gateway = std::sync::Arc::clone(&office.bench.gateway);
    assert_eq!(gateway.thread_of(first.event_id.as_str()), Some(first.event_id.clone()));
    let (second, text) = ask(&mut office, &awa(), "Deux ?").await;
    assert!(text.starts_with("2: Deux ?"), "another question is another conversation: {text}");
    let text = follow(&mut office, &ben(), &first, "Et encore ?").await.expect("no mention is needed there");
    assert!(text.starts_with("4: Et encore ?"), "{text}");
    // A command is answered where it is written; a reply in the main line opens a thread on itself.
    let command = office.message(&awa(), ROOM, "!état");
    office.send(command.clone()).await.expect("an answer");
    assert_eq!(gateway.thread_of(command.event_id.as_str()), None);
    let answer = gateway.message_of(command.event_id.as_str()).expect("sent");
    let reply = Incoming { replies_to: Some(answer), ..office.message(&ben(), ROOM, "Et puis ?") };
    office.send(reply.clone()).await.expect("an answer");
    assert_eq!(gateway.thread_of(reply.event_id.as_str()), Some(reply.event_id.clone()));

    office.command(&awa(), ROOM, "!réponses mention").await;
    let (main, _) = ask(&mut office, &awa(), "Trois ?").await;
    assert_eq!(gateway.thread_of(main.event_id.as_str()), None);
    assert!(follow(&mut office, &ben(), &second, "Toujours là ?").await.is_some(), "the threads there are go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_conversation_may_have_threads_too() {
    let mut office = Office::new(Config::default());
    assert_eq!(office.command(&awa(), ALONE, "réponses fil").await, fr(&Text::AnswersDirect { threads: true }));
    let question = office.message(&awa(), ALONE, "Un ?");
    office.send(question.clone()).await.expect("an answer");
    assert_eq!(office.bench.gateway.thread_of(question.event_id.as_str()), Some(question.event_id));
    assert_eq!(office.command(&awa(), ALONE, "!réponses tout").await, fr(&Text::AnswersDirect { threads: false }));
    assert_eq!(
        office.command(&awa(), ALONE, "!answers mention").await,
        Text::AnswersDirect { threads: false }.say(super::super::texts::Language::En)
    );
    let question = office.message(&awa(), ALONE, "Deux ?");
    office.send(question.clone()).await.expect("an answer");
    assert_eq!(office.bench.gateway.thread_of(question.event_id.as_str()), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_redactions_and_commands_find_the_thread() {
    let mut office = Office::new(Config::default());
    office.command(&awa(), ROOM, "!réponses fil").await;
    let (question, _) = ask(&mut office, &awa(), "Un ?").await;
    let edit = Edit {
        room_id: question.room_id.clone(),
        event_id: "$edit:h".try_into().expect("an id"),
        replaces: question.event_id.clone(),
        sender: awa(),
        sent_at: 1,
        body: "Deux ?".to_owned(),
        mentions_me: None,
        direct: false,
        without_call: None,
    };
    office.bench.accept(Batch { edits: vec![edit], ..Batch::default() });
    office.bench.rest().await;
    let shown = |office: &Office, question: &Incoming| {
        let mut shown = office.bench.gateway.shown().into_iter();
        shown.find(|shown| shown.question == question.event_id).map(|shown| shown.text)
    };
    assert!(shown(&office, &question).expect("shown").starts_with("2: Deux ?"));
    assert_eq!(office.command(&ben(), ROOM, "!refaire").await, fr(&Text::NothingToRedo), "it is not his");
    assert_eq!(office.command(&awa(), ROOM, "!refaire").await, fr(&Text::Redoing), "from the main line");
    assert!(shown(&office, &question).expect("shown").starts_with("2: Deux ?"));
    let in_thread = Incoming { thread: Some(question.event_id.clone()), ..office.message(&awa(), ROOM, "!refaire") };
    assert_eq!(office.send(in_thread).await.expect("an answer").1, fr(&Text::Redoing));
    assert_eq!(office.bench.gateway.shown().iter().filter(|shown| shown.text.contains("Deux")).count(), 1, "in place");

    assert_eq!(office.command(&awa(), ROOM, "!oublier").await, fr(&Text::ForgetInThread));
    let forget = Incoming { thread: Some(question.event_id.clone()), ..office.message(&awa(), ROOM, "!oublier") };
    assert_eq!(office.send(forget).await.expect("an answer").1, fr(&FORGOTTEN_CONVERSATION));

    let (question, _) = ask(&mut office, &awa(), "Trois ?").await;
    let redaction = Redaction { room_id: question.room_id.clone(), redacts: question.event_id.clone() };
    office.bench.accept(Batch { redactions: vec![redaction], ..Batch::default() });
    office.bench.rest().await;
    assert_eq!(shown(&office, &question), None, "the answer goes with the question");
    let conversation = Incoming { thread: Some(question.event_id.clone()), ..question }.conversation();
    assert!(office.bench.store().turns(&conversation).await.expect("readable").is_empty());
}
