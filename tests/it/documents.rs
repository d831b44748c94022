//! Files in conversations: dropped, asked about, added for others by an administrator. With people's own clients. What becomes of them through
//! kills is in `kills`.

use compagnon::{
    document::{Document, Partition},
    message::ConversationId,
    store::Database,
};

use crate::{
    support::{bot::Bot, room::Text},
    world::{World, joined_dm, play},
};

const GUIDE: &str = "# Guide RH\n\n## Congés\n\nLes jours non pris sont reportés jusqu’au 31 mars.\n\n## Télétravail\n\nLe télétravail est possible trois jours par semaine.\n";

fn conversation(room: &str) -> Partition {
    Partition::Conversation(ConversationId { room_id: room.try_into().expect("a room id"), thread: None })
}

/// What the store of a bot that has ended holds.
fn kept(bot: &Bot, partition: &Partition) -> Vec<Document> {
    Database::open(&bot.data()).expect("the store opens").documents(std::slice::from_ref(partition)).expect("readable")
}

/// The number of a document in a list of them.
fn number_of(name: &str, list: &str) -> String {
    let before = list.lines().find_map(|line| line.split_once(name)).unwrap_or_else(|| panic!("{list}")).0;
    before.chars().filter(char::is_ascii_digit).collect()
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
    let removed =
        play(&awa, &room, format!("!documents retirer {}", number_of("Guide RH.md", &list.body)).as_str()).await;
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
    let list = play(&ben, &room, Text::to(&id, "!documents")).await;
    // Ben administers nothing.
    let remove = format!("!documents retirer {}", number_of("Note 1.txt", &list.body));
    let refused = play(&ben, &room, Text::to(&id, remove.as_str())).await;
    assert!(refused.body.contains("administrent ou modèrent"), "{refused:#?}");
    assert!((1..=3).all(|number| list.body.contains(&format!("Note {number}.txt"))), "{list:#?}");
    play(&ben, &room, Text::to(&id, "Quel bureau est ouvert ?")).await;
    assert!(bot.terminate().success(), "{}", bot.log());
    assert_eq!(kept(&bot, &Partition::Room(room.as_str().try_into().expect("a room id"))).len(), 3);
    assert!(kept(&bot, &conversation(&room)).is_empty());
}
