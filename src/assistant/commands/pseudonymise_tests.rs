//! `!pseudonymiser` against the fakes.

use super::tests::{Office, awa, ben};
use crate::{
    assistant::{Config, fakes::incoming},
    message::{Content, Incoming, MediaRef},
};

const TEXT: &str = "Bonjour, je suis Mme Aïcha Benali, 06 12 34 56 78. Aïcha Benali attend sa carte.";

#[tokio::test(flavor = "multi_thread")]
async fn a_text_comes_back_with_placeholders_and_the_list_of_what_they_stand_for() {
    let mut office = Office::new(Config::default());
    for body in [format!("!pseudonymiser {TEXT}"), format!("!pseudonymise\n\n{TEXT}")] {
        let shown = office.command(&ben(), "!with-ben:h", &body).await;
        let (text, list) = shown.rsplit_once("```").expect("a block");
        assert!(text.contains("[PERSONNE_1]") && text.contains("[TELEPHONE_1]"), "{shown}");
        assert!(!text.contains("Benali") && !text.contains("06 12"), "{shown}");
        assert_eq!(text.matches("[PERSONNE_1").count(), 2, "one person has one number: {shown}");
        assert!(list.contains("Aïcha Benali") && list.contains("06 12 34 56 78"), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_put_back_for_who_had_them_taken_out_and_only_in_that_room() {
    let mut office = Office::new(Config::default());
    let shown = office.command(&ben(), "!with-ben:h", &format!("!pseudonymiser {TEXT}")).await;
    let undo = format!("!pseudonymiser annuler\n{shown}");
    assert_eq!(office.command(&ben(), "!with-ben:h", &undo).await, format!("```\n{TEXT}\n```"), "byte for byte");
    let answer = office.command(&ben(), "!with-ben:h", "!pseudonymiser annuler\n[PERSONNE_9] attend.").await;
    assert!(answer.starts_with("Je n’y trouve aucun repère"), "{answer}");
    for (person, room) in [(awa(), "!with-ben:h"), (ben(), "!other:h")] {
        let answer = office.command(&person, room, "!pseudonymiser annuler\n[PERSONNE_1] attend.").await;
        assert!(answer.starts_with("Je n’ai pas de quoi remettre"), "{answer}");
    }
    // What is forgotten is not put back.
    office.command(&ben(), "!with-ben:h", "!oublier").await;
    let answer = office.command(&ben(), "!with-ben:h", &undo).await;
    assert!(answer.starts_with("Je n’ai pas de quoi remettre"), "{answer}");
}

/// A file with a command as its caption.
async fn file(office: &mut Office, event: &str, room: &str, text: &str, caption: &str) {
    let source = format!("\"mxc://h/{}\"", &event[1..3]);
    office.bench.gateway.give(&source, text.as_bytes());
    let media = MediaRef {
        name: "dossier Benali.txt".to_owned(),
        media_type: Some("text/plain".to_owned()),
        size: None,
        caption: caption.to_owned(),
        source,
    };
    let direct = room.starts_with("!with");
    let message = Incoming {
        sender: ben(),
        direct,
        mentions_me: true,
        content: Content::Attachment(Box::new(media)),
        ..incoming(event, room, "")
    };
    office.bench.ask(vec![message]);
    office.bench.rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_back_with_its_form_and_the_list_goes_to_who_asked() {
    let before = format!("{TEXT}\n\nBenali|, dit-on|, conteste.\n\nRien.");
    for room in ["!with-ben:h", "!other:h"] {
        let mut office = Office::new(Config::default());
        file(&mut office, "$f1:h", room, &before, "!pseudonymiser").await;
        let files = office.bench.gateway.files();
        let (to, bytes) = files.first().expect("a file").clone();
        assert_eq!(to, room);
        let after = String::from_utf8(bytes).expect("text");
        assert!(!after.contains("Benali") && !after.contains("06 12"), "{after}");
        assert!(after.contains("\n\n[PERSONNE_1.2]|, dit-on|, conteste.\n\nRien."), "its form stays: {after}");
        let kept = office.bench.gateway.kept();
        assert!(kept.iter().any(|name| name.ends_with("-pseudonymise.txt")), "{kept:?}");
        assert!(!kept.iter().any(|name| name.contains("Benali") && name.contains(".txt")), "{kept:?}");
        let said = office.bench.gateway.shown().pop().expect("a sentence").text;
        if room == "!with-ben:h" {
            assert_eq!(files.len(), 1);
            assert!(said.contains("Aïcha Benali") && said.contains("06 12 34 56 78"), "{said}");
        } else {
            let (to, list) = files.get(1).expect("the list").clone();
            let list = String::from_utf8(list).expect("text");
            assert_eq!(to, "!with-ben:h");
            assert!(list.contains("[PERSONNE_1] : Aïcha Benali\n") && !said.contains("Benali"), "{said} {list}");
        }
        file(&mut office, "$f2:h", room, &after, "!pseudonymiser annuler").await;
        let (_, bytes) = office.bench.gateway.files().last().expect("a file").clone();
        assert_eq!(String::from_utf8(bytes).expect("text"), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_cannot_end_its_block_and_a_name_cannot_write_markdown() {
    let mut office = Office::new(Config::default());
    let shown = office
        .command(&ben(), "!with-ben:h", "!pseudonymiser\n```\n# Titre\nMme Aïcha **Benali**, 06 12 34 56 78")
        .await;
    assert!(shown.starts_with("````\n"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_text_its_use_is_said_and_where_nobody_is_named_that_is_said() {
    let mut office = Office::new(Config::default());
    assert!(office.command(&ben(), "!with-ben:h", "!pseudonymiser").await.contains("`!pseudonymiser annuler`"));
    let shown = office.command(&ben(), "!with-ben:h", "!pseudonymiser La réunion est reportée.").await;
    assert!(shown.starts_with("Je n’ai rien trouvé"), "{shown}");
}
