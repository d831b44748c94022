//! Mastered answers, against the fakes: who proposes, who decides, and what is given word for word.

use super::tests::{Office, awa, ben, fr};
use crate::{
    assistant::{
        Config,
        texts::{Mastered, Text},
    },
    message::{Incoming, MessageKind},
};

const ROOM: &str = "!room:h";
const OTHER: &str = "!other:h";
const ALONE: &str = "!with-awa:h";

const PROPOSE: &str =
    "!compagnon réponse proposer Comment poser mes congés ? | Où demander un congé ?\nDans l’outil **Agora**.";

fn said(text: Mastered<'_>) -> String {
    fr(&Text::Mastered(text))
}

/// What is answered to a question of Awa's.
async fn answer(office: &mut Office, room: &str, question: &str) -> (MessageKind, String) {
    let message = office.message(&awa(), room, question);
    office.send(Incoming { mentions_me: true, ..message }).await.expect("an answer")
}

/// An office whose instance Ben administers.
fn office() -> Office {
    Office::new(Config { administrators: vec![ben()], ..Config::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_given_word_for_word_once_it_is_accepted() {
    let mut office = office();
    let proposed = office.command(&awa(), ROOM, PROPOSE).await;
    assert_eq!(proposed, said(Mastered::Proposed { number: 1, by_instance: true }));
    let (kind, text) = answer(&mut office, ROOM, "Comment poser mes congés ?").await;
    assert!(kind == MessageKind::Text && !text.contains("Agora"), "it waits: {text}");
    let refused = office.command(&awa(), ROOM, "!compagnon réponse accepter 1").await;
    assert_eq!(refused, fr(&Text::NeedsInstanceAdministrator));
    let accepted = office.command(&ben(), "!with-ben:h", "!compagnon réponse accepter 1").await;
    assert_eq!(accepted, said(Mastered::Accepted { number: 1 }));

    for question in ["comment poser mes conges", "Bonjour, où demander un congé, svp ?"] {
        let (_, text) = answer(&mut office, ROOM, question).await;
        assert!(text.starts_with("Dans l’outil **Agora**.\n\n_Réponse validée le "), "{question}: {text}");
    }
    let (kind, text) = answer(&mut office, OTHER, "Où demander un congé ?").await;
    assert!(kind == MessageKind::Notice && text.contains("Agora") && text.contains("proposée par awa"), "{text}");
    for other in ["Combien de congés poser ?", "Comment ne pas poser mes congés ?", "Comment poser ses congés ?"] {
        let (kind, text) = answer(&mut office, ROOM, other).await;
        assert!(kind == MessageKind::Text && !text.starts_with("Dans l’outil"), "{text}");
    }

    let list = office.command(&awa(), ROOM, "!compagnon réponses").await;
    assert!(list.contains("- **1** (validée le ") && list.contains("Comment poser mes congés\u{202f}?"), "{list}");
    office.command(&ben(), "!with-ben:h", "!compagnon réponse retirer 1").await;
    let (kind, text) = answer(&mut office, ROOM, "Comment poser mes congés ?").await;
    assert!(kind == MessageKind::Text && !text.starts_with("Dans l’outil"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_clear_nobody_decides_for_the_instance() {
    let mut office = office();
    office.command(&awa(), ROOM, PROPOSE).await;
    for command in ["!compagnon réponse accepter 1", "!compagnon réponse retirer 1", PROPOSE] {
        let message = office.message(&ben(), "!with-ben:h", command);
        let (_, text) = office.send(Incoming { megolm_session: None, ..message }).await.expect("an answer");
        assert_eq!(text, fr(&Text::NeedsEncryption), "{command}");
    }
    let accepted = office.command(&ben(), "!with-ben:h", "!compagnon réponse accepter 1").await;
    assert_eq!(accepted, said(Mastered::Accepted { number: 1 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_compagnon_made_here_the_administrators_of_the_room_decide() {
    let mut office = office();
    office.command(&awa(), ROOM, "!compagnon créer Budget : le budget\nVous êtes l’assistant du budget.").await;
    let proposed = office.command(&awa(), ROOM, PROPOSE).await;
    assert_eq!(proposed, said(Mastered::Proposed { number: 1, by_instance: false }));
    let shown = office.command(&awa(), ROOM, "!compagnon réponse voir 1").await;
    assert!(shown.contains("Agora") && shown.contains("`!compagnon réponse accepter 1`"), "{shown}");
    assert_eq!(
        office.command(&awa(), ROOM, "!compagnon réponse accepter 1").await,
        said(Mastered::Accepted { number: 1 })
    );
    let (_, text) = answer(&mut office, ROOM, "Comment poser mes congés ?").await;
    assert!(text.starts_with("Dans l’outil **Agora**."), "{text}");
    let (_, text) = answer(&mut office, OTHER, "Comment poser mes congés ?").await;
    assert!(!text.starts_with("Dans l’outil"), "another room has another compagnon: {text}");
    assert_eq!(office.command(&awa(), OTHER, "!compagnon réponse voir 1").await, said(Mastered::NoSuch { number: 1 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_an_answer_is_refused_with_its_limits() {
    let mut office = office();
    let long = "x".repeat(301);
    for (command, expected) in [
        (format!("!compagnon réponse proposer {long}\nOui."), said(Mastered::BadQuestion { limit: 300, wordings: 10 })),
        ("!compagnon réponse proposer Pourquoi ?".to_owned(), said(Mastered::BadAnswer { limit: 4_000 })),
        ("!compagnon réponse accepter 7".to_owned(), said(Mastered::NoSuch { number: 7 })),
        ("!compagnon réponse retirer 7".to_owned(), said(Mastered::NoSuch { number: 7 })),
    ] {
        assert_eq!(office.command(&ben(), ALONE.replace("awa", "ben").as_str(), &command).await, expected);
    }
    let usage = office.command(&awa(), ROOM, "!compagnon réponse bidule").await;
    assert!(usage.contains("!compagnon réponse proposer <question>"), "{usage}");
    let alone = office.command(&awa(), ALONE, "!compagnon réponse proposer Pourquoi ?\nParce que.").await;
    assert_eq!(alone, said(Mastered::OnlyInRoom), "nobody proposes for others from a conversation of two");
}
