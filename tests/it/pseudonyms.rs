//! Names that no model reads, through a real homeserver: a room whose model is given placeholders, and a file that comes back without names, and with
//! them again for who had them taken out.

use std::io::{Cursor, Read as _, Write as _};

use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::{
    privacy::holder,
    sources::{answer, bot_of, fixture},
    support::{
        engine::{Engine, Prompt},
        people::Person,
        room::{Message, Text},
    },
    world::{World, joined_dm},
};

const NAMES: [&str; 3] = ["Kerbrat", "Lemonnier", "06 12 34 56 78"];

/// A model that repeats what it is asked.
fn echo(prompt: &Prompt) -> String {
    prompt.question().to_owned()
}

fn assert_no_name(prompts: &[Prompt]) {
    for prompt in prompts {
        for name in NAMES {
            assert!(!prompt.text().contains(name), "{name} reached the model: {}", prompt.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_room_with_pseudonyms_the_model_reads_placeholders_and_people_read_names() {
    let world = World::shared().await;
    let engine = Engine::start(echo);
    let (mut bot, id) = bot_of(world, &engine, world.setup().await);
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    ben.set_display_name("Benoît Lemonnier").await;
    let room = awa.create_room("Accueil", true, &[&id, &ben.user_id]).await;
    ben.join(&room).await;
    for person in [&awa, &ben] {
        person.until_member(&room, &id, "join").await;
    }
    let set = awa.send(&room, "!compagnon réglage pseudonymes oui").await;
    let set = answer(&awa, &room, &set).await;
    assert_eq!(set.msgtype, "m.notice", "{set:#?}");
    // Who does not administer the room decides nothing.
    let refused = ben.send(&room, "!compagnon réglage pseudonymes non").await;
    answer(&ben, &room, &refused).await;

    let question = "Que répondre à Mme Aïcha Kerbrat (06 12 34 56 78) ?";
    let asked = awa.send(&room, Text::to(&id, question)).await;
    let first = answer(&awa, &room, &asked).await;
    assert!(
        first.body.contains("Mme Aïcha Kerbrat (06 12 34 56 78)") && !first.body.contains("PERSONNE"),
        "{first:#?}"
    );
    let asked = ben.send(&room, Text::to(&id, "Et si Kerbrat rappelle Lemonnier ?")).await;
    let second = answer(&ben, &room, &asked).await;
    assert!(second.body.contains("Kerbrat rappelle Lemonnier"), "{second:#?}");
    let prompts = engine.prompts();
    assert!(prompts.len() >= 2);
    assert_no_name(&prompts);
    let last = prompts.last().expect("a prompt").text();
    assert!(
        last.contains("Mme [PERSONNE_1] ([TELEPHONE_1])") && last.contains("[PERSONNE_1."),
        "one person, one number: {last}"
    );

    // Without return, people read what the model wrote.
    let set = awa.send(&room, "!compagnon réglage pseudonymes sans retour").await;
    answer(&awa, &room, &set).await;
    let asked = awa.send(&room, Text::to(&id, question)).await;
    let third = answer(&awa, &room, &asked).await;
    assert!(third.body.contains("[PERSONNE_1") && !third.body.contains("Kerbrat"), "{third:#?}");
    assert_no_name(&engine.prompts());

    let log = bot.log();
    for name in NAMES {
        assert!(!log.contains(name), "{name} is in the log");
        assert_eq!(holder(&bot.data(), name), None, "{name} is on disk");
    }
    assert!(bot.terminate().success(), "{}", bot.log());
}

/// A file of a real producer, with names where others stood.
fn named() -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(fixture("libreoffice-guide.docx"))).expect("an archive");
    let mut written = ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..archive.len() {
        let mut member = archive.by_index(at).expect("a member");
        let name = member.name().expect("a name").into_owned();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).expect("unpacked");
        let mut text = bytes.clone();
        for (part, from, to) in [
            ("word/document.xml", "Le report est automatique.", "Mme Aïcha Kerbrat, 06 12 34 56 78, le demande."),
            ("word/document.xml", "Aucune demande n’est nécessaire.", "Kerbrat conteste."),
            ("word/header1.xml", "Direction des ressources humaines", "dossier de Mme Kerbrat"),
            ("docProps/core.xml", "<dc:creator></dc:creator>", "<dc:creator>Zoé Lemonnier</dc:creator>"),
        ] {
            if name == part {
                let whole = String::from_utf8(text).expect("UTF-8");
                assert!(whole.contains(from), "{part}: {from}");
                text = whole.replace(from, to).into_bytes();
            }
        }
        written.start_file(name, SimpleFileOptions::default()).expect("begun");
        written.write_all(&text).expect("written");
    }
    written.finish().expect("an archive").into_inner()
}

/// The members of an archive, with what each holds.
fn members(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    let mut members = Vec::new();
    for at in 0..archive.len() {
        let mut member = archive.by_index(at).expect("a member");
        let mut content = Vec::new();
        member.read_to_end(&mut content).expect("unpacked");
        members.push((member.name().expect("a name").into_owned(), content));
    }
    members
}

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// The file and the sentence that answer a message.
async fn returned(person: &Person, room: &str, question: &str) -> (Message, Message) {
    let both = |messages: &[Message]| {
        let own: Vec<&Message> = messages.iter().filter(|one| one.answers(question) && one.complete()).collect();
        let file = own.iter().find(|one| one.file.is_some())?;
        let said = own.iter().find(|one| one.file.is_none() && one.answer["part"] != 999)?;
        Some(((*file).clone(), (*said).clone()))
    };
    person.until(room, "the file", both).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_back_without_names_and_with_them_for_who_had_them_taken_out() {
    let world = World::shared().await;
    let engine = Engine::start(echo);
    let (mut bot, id) = bot_of(world, &engine, world.setup().await);
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let room = awa.create_room("Accueil", true, &[&id, &ben.user_id]).await;
    ben.join(&room).await;
    for person in [&awa, &ben] {
        person.until_member(&room, &id, "join").await;
    }
    let private = joined_dm(&awa, &id).await;
    let file = named();
    let sent = awa.send_file(&room, "dossier Kerbrat.docx", DOCX, &file, "!pseudonymiser").await;
    let (hidden, said) = returned(&awa, &room, &sent).await;
    assert!(!hidden.body.contains("Kerbrat") && hidden.body.ends_with("-pseudonymise.docx"), "{hidden:#?}");
    let bytes = awa.download(&hidden).await;
    let text: String =
        members(&bytes).iter().map(|(_, content)| String::from_utf8_lossy(content).into_owned()).collect();
    for name in NAMES {
        assert!(!text.contains(name) && !said.body.contains(name), "{name} is left");
    }
    assert!(text.contains("[PERSONNE_1]") && text.contains("[TELEPHONE_1]"), "placeholders stand there");
    // What was replaced is for who asked alone.
    let is_list = |one: &&Message| one.answers(&sent) && one.file.is_some();
    let list = awa.until(&private, "the list", |messages| messages.iter().find(is_list).cloned()).await;
    let list = String::from_utf8(awa.download(&list).await).expect("UTF-8");
    assert!(list.contains("Kerbrat") && list.contains("06 12 34 56 78"), "{list}");

    // Somebody else of the room puts nothing back, nor does she herself in another room.
    let others = ben.send_file(&room, "copie.docx", DOCX, &bytes, "!pseudonymiser annuler").await;
    let refused = answer(&ben, &room, &others).await;
    assert!(refused.file.is_none() && refused.body.starts_with("Je n’ai pas de quoi remettre"), "{refused:#?}");
    let elsewhere = awa.send_file(&private, "copie.docx", DOCX, &bytes, "!pseudonymiser annuler").await;
    let refused = answer(&awa, &private, &elsewhere).await;
    assert!(refused.file.is_none() && refused.body.starts_with("Je n’ai pas de quoi remettre"), "{refused:#?}");

    let undone = awa.send(&room, Text::new("!pseudonymiser annuler").replying_to(&hidden.event_id)).await;
    let (back, said) = returned(&awa, &room, &undone).await;
    assert!(!said.body.contains("Kerbrat"), "{said:#?}");
    let restored = members(&awa.download(&back).await);
    assert_eq!(restored, members(&file), "as it was, part by part");
    assert_eq!(engine.asked(), 0, "by rules alone");
    let log = bot.log();
    for name in NAMES {
        assert!(!log.contains(name), "{name} is in the log");
        assert_eq!(holder(&bot.data(), name), None, "{name} is on disk");
    }
    assert!(bot.terminate().success(), "{}", bot.log());
}
