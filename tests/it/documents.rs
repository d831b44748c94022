//! Files in conversations: dropped, asked about, added for others by an administrator, through kills. With people's own clients.

use std::time::{Duration, Instant};

use compagnon::{
    document::{Document, Partition},
    message::ConversationId,
    store::Database,
};
use tokio::time::sleep;

use crate::{
    support::{
        bot::{Bot, Setup},
        people::Person,
        room::{Message, Text},
    },
    world::{World, from, id_of, joined_dm, number, play},
};

/// Between a file's message and what is said of it.
const POINTS: [&str; 9] = [
    "question-begun",
    "before-download",
    "after-download",
    "after-extract",
    "after-embed",
    "document-chunks-stored",
    "document-stored",
    "before-answer-stored",
    "after-put",
];

const GUIDE: &str = "# Guide RH\n\n## Congés\n\nLes jours non pris sont reportés jusqu’au 31 mars.\n\n## Télétravail\n\nLe télétravail est possible trois jours par semaine.\n";

fn conversation(room: &str) -> Partition {
    Partition::Conversation(ConversationId { room_id: room.try_into().expect("a room id"), thread: None })
}

/// What the store of a bot that has ended holds.
fn kept(bot: &Bot, partition: &Partition) -> Vec<Document> {
    Database::open(&bot.data()).expect("the store opens").documents(std::slice::from_ref(partition)).expect("readable")
}

/// The bot's notices in answer to a message.
fn notices(person: &Person, room: &str, bot: &str, message: &str) -> Vec<Message> {
    from(&person.messages(room), bot).into_iter().filter(|said| said.answers(message)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_dropped_asked_about_and_removed() {
    let world = World::shared().await;
    let (mut bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let room = joined_dm(&awa, &id).await;
    let file = awa.send_file(&room, "Guide RH.md", "text/markdown", GUIDE.as_bytes(), "").await;
    let said = awa.answer_to(&room, &file).await;
    println!("\nawa → [Guide RH.md]\nbot → {}", said.body);
    assert!(said.msgtype == "m.notice" && said.body == "Guide RH.md : posez votre question.", "{said:#?}");
    let answer = play(&awa, &room, "Jusqu’à quand les jours non pris sont-ils reportés ?").await;
    assert_eq!(answer.msgtype, "m.text", "{answer:#?}");
    play(&awa, &room, "Et le télétravail ?").await;
    play(&awa, &room, "Quel est le prix d’un vélo de fonction ?").await;
    let list = play(&awa, &room, "!documents").await;
    assert!(list.body.contains("Guide RH.md"), "{list:#?}");
    // With a caption that asks, and as a reply to a file of before.
    let asked =
        awa.send_file(&room, "note.txt", "text/plain", "La réunion est salle 12.".as_bytes(), "Quelle salle ?").await;
    let answer = awa.answer_to(&room, &asked).await;
    assert!(answer.msgtype == "m.text" && !answer.body.contains("pas pu lire"), "{answer:#?}");
    let removed = play(&awa, &room, "!documents retirer 1").await;
    assert!(removed.body.contains("Guide RH.md"), "{removed:#?}");
    // Why not, in one sentence.
    for (name, media_type, bytes, word) in [
        ("vide.txt", "text/plain", &b""[..], "vide"),
        ("photo.zip", "application/zip", b"PK", "ce type de fichier"),
        ("faux.pdf", "application/pdf", b"%PDF-1.7 nothing", "Je n’ai pas lu faux.pdf"),
    ] {
        let sent = awa.send_file(&room, name, media_type, bytes, "").await;
        let said = awa.answer_to(&room, &sent).await;
        println!("\nawa → [{name}]\nbot → {}", said.body);
        assert!(said.msgtype == "m.notice" && said.body.contains(word), "{said:#?}");
    }
    // Taken back: the document goes with its message.
    awa.redact(&room, &asked).await;
    let listed_last = play(&awa, &room, "!documents").await;
    assert!(!listed_last.body.contains("note.txt"), "{listed_last:#?}");
    assert!(bot.terminate().success(), "{}", bot.log());
    assert!(kept(&bot, &conversation(&room)).is_empty());
    assert!(!bot.log().contains("télétravail est possible"), "no content in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_gives_a_room_three_documents() {
    let world = World::shared().await;
    let (mut bot, id) = world.bot().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let room = awa.create_room("RH", true, &[&id, &ben.user_id]).await;
    awa.until_member(&room, &id, "join").await;
    ben.join(&room).await;
    for number in 1..=3 {
        let name = format!("Note {number}.txt");
        let text = format!("La note numéro {number} dit que le bureau {number} est ouvert.");
        let file = ben.send_file(&room, &name, "text/plain", text.as_bytes(), "").await;
        awa.until(&room, "the file", |seen| seen.iter().any(|one| one.event_id == file).then_some(())).await;
        let command = awa.send(&room, Text::to(&id, "!documents ajouter salon").replying_to(&file)).await;
        let said = awa.answer_to(&room, &command).await;
        println!("\nawa → !documents ajouter salon [en réponse à {name}]\nbot → {}", said.body);
        assert!(said.body.contains(&name) && said.body.contains("ce salon"), "{said:#?}");
    }
    // Ben administers nothing.
    let refused = play(&ben, &room, Text::to(&id, "!documents retirer 1")).await;
    assert!(refused.body.contains("administrateur"), "{refused:#?}");
    let list = play(&ben, &room, Text::to(&id, "!documents")).await;
    assert!((1..=3).all(|number| list.body.contains(&format!("Note {number}.txt"))), "{list:#?}");
    play(&ben, &room, Text::to(&id, "Quel bureau est ouvert ?")).await;
    assert!(bot.terminate().success(), "{}", bot.log());
    assert_eq!(kept(&bot, &Partition::Room(room.as_str().try_into().expect("a room id"))).len(), 3);
    assert!(kept(&bot, &conversation(&room)).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn through_kills_one_file_is_one_document_and_one_sentence() {
    let world = World::shared().await;
    let (began, kills) = (Instant::now(), number("COMPAGNON_KILLS", 1));
    let setup = Setup { mortal: true, ..world.setup().await };
    let (mut bot, id) = (world.start(&setup), id_of(&setup));
    let awa = world.person("awa").await;
    println!("| point | kills | files | documents | said | answered |\n|---|---|---|---|---|---|");
    for point in POINTS {
        let room = joined_dm(&awa, &id).await;
        let (mut files, mut questions, mut died) = (Vec::new(), Vec::new(), 0);
        for turn in 0..kills {
            bot.die_at(point, 1);
            let name = format!("note {turn}.md");
            // Every other one with a word.
            let caption = if turn % 2 == 0 { "" } else { "Que dit-elle ?" };
            let sent = awa.send_file(&room, &name, "text/markdown", GUIDE.as_bytes(), caption).await;
            if caption.is_empty() { &mut files } else { &mut questions }.push(sent);
            while bot.ended().is_none() {
                sleep(Duration::from_millis(20)).await;
            }
            died += 1;
            bot.kill();
            bot.live_on();
            bot.start_again();
            awa.answer_to(&room, files.iter().chain(&questions).last().expect("just sent")).await;
            for sent in files.iter().chain(&questions) {
                awa.answer_to(&room, sent).await;
            }
        }
        let last = awa.send(&room, "Comment vous appelez-vous ?").await;
        awa.answer_to(&room, &last).await;
        assert!(bot.terminate().success(), "{}", bot.log());
        let documents = kept(&bot, &conversation(&room)).len();
        let said = files.iter().map(|file| notices(&awa, &room, &id, file).len()).sum::<usize>();
        let answered = questions.iter().map(|file| notices(&awa, &room, &id, file).len()).sum::<usize>();
        println!("| {point} | {died} | {} | {documents} | {said} | {answered} |", files.len() + questions.len());
        assert_eq!(documents, files.len() + questions.len(), "{point}");
        assert_eq!((said, answered), (files.len(), questions.len()), "{point}: {}", bot.log());
        bot.start_again();
    }
    println!("({} s)", began.elapsed().as_secs());
}
