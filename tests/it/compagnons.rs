//! Compagnons as people make, change, share and choose them. With `--nocapture` the exchanges are printed as people see them.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::{
    support::{
        people::PATIENCE,
        room::{Message, Text},
    },
    world::{TWO, World, id_of, joined_dm, play},
};

const NAME: &str = "Comment vous appelez-vous ?";

#[tokio::test]
async fn an_administrator_makes_changes_publishes_and_withdraws_a_compagnon() {
    let world = World::shared().await;
    let (awa, ben, chief) = (world.person("awa").await, world.person("ben").await, world.person("chef").await);
    let mut setup = world.setup().await;
    setup.assistant = format!(", administrators: [\"{}\"]", chief.user_id);
    let _bot = world.start(&setup);
    let id = id_of(&setup);
    let room = awa.create_room("Bureau", true, &[&id, &ben.user_id]).await;
    ben.join(&room).await;
    for person in [&awa, &ben] {
        person.until_member(&room, &id, "join").await;
    }
    awa.until_member(&room, &ben.user_id, "join").await;
    let office = joined_dm(&chief, &id).await;

    // Ben has no power in the room.
    for command in ["!compagnon créer Marius\nTu es Marius.", "!compagnon temoin", "!compagnon consigne Sois bref."] {
        let refused = play(&ben, &room, command).await;
        assert!(refused.msgtype == "m.notice" && refused.body.contains("administrent ou modèrent"), "{refused:#?}");
    }
    let made =
        play(&awa, &room, "!compagnon créer Marius : répond au guichet\nTu es {{ name }}, l'assistant du guichet.")
            .await;
    assert!(made.encrypted && made.body.contains("`!compagnon publier marius`"), "{made:#?}");
    assert!(play(&ben, &room, Text::to(&id, NAME)).await.body.contains("Marius"));
    for command in
        ["!compagnon modifier marius\nTu es Autre.", "!compagnon publier marius", "!compagnon supprimer marius"]
    {
        assert!(play(&ben, &room, command).await.body.contains("administrent ou modèrent"));
    }
    assert!(play(&chief, &office, "!compagnon voir marius").await.body.contains("Je ne trouve pas"), "it is private");

    let changed = play(&awa, &room, "!compagnon modifier marius\nTu es Basile, l'assistant du guichet.").await;
    assert!(changed.body.contains("+ Tu es Basile, l'assistant du guichet."), "{changed:#?}");
    assert!(play(&ben, &room, Text::to(&id, NAME)).await.body.contains("Basile"));
    assert!(play(&awa, &room, "!compagnon revenir marius 1").await.body.contains("version 3"));
    assert!(play(&ben, &room, Text::to(&id, NAME)).await.body.contains("Marius"));

    let mine = joined_dm(&awa, &id).await;
    play(&awa, &room, "!compagnon publier marius").await;
    let proposal = chief
        .until(&office, "the proposal", |messages| {
            messages.iter().find(|one| one.body.contains("propose le compagnon")).cloned()
        })
        .await;
    // The text that was read is part of the command.
    let (_, accept) = proposal.body.split_once("`!compagnon accepter ").expect("how to accept it");
    let accept = format!("!compagnon accepter {}", accept.split('`').next().unwrap_or_default());
    assert!(play(&chief, &office, "!compagnon accepter marius").await.body.contains(&accept));
    assert!(play(&chief, &office, accept.as_str()).await.body.contains("tous les salons"));
    let decided = |messages: &[Message]| messages.iter().any(|one| one.body.contains("est accepté")).then_some(());
    awa.until(&mine, "what was decided", decided).await;
    // In another conversation, by somebody else.
    let (private, _) = ben.create_dm(&id, "Bonjour").await;
    play(&ben, &private, "compagnon marius").await;
    assert!(play(&ben, &private, NAME).await.body.contains("Marius"));

    assert!(play(&awa, &room, "!compagnon retirer marius").await.body.contains("n’est plus au catalogue"));
    let gone = play(&ben, &private, NAME).await;
    assert!(gone.body.contains("Témoin") && gone.body.contains("n’est plus disponible"), "{gone:#?}");
    assert!(play(&awa, &room, Text::to(&id, NAME)).await.body.contains("Marius"), "at home it stays");
    let journal = play(&chief, &office, "!journal").await;
    assert!(journal.body.contains("compagnon retiré du catalogue") && !journal.body.contains("Basile"), "{journal:#?}");
}

#[tokio::test]
async fn an_expert_judges_a_compagnon_and_who_decides_on_it_reads_the_result() {
    let world = World::shared().await;
    let (awa, chief) = (world.person("awa").await, world.person("chef").await);
    let mut setup = world.setup().await;
    setup.assistant = format!(", administrators: [\"{}\"]", chief.user_id);
    let _bot = world.start(&setup);
    let id = id_of(&setup);
    let room = awa.create_room("Guichet", true, &[&id]).await;
    awa.until_member(&room, &id, "join").await;
    let office = joined_dm(&chief, &id).await;

    play(&awa, &room, "!compagnon créer Gaston : répond au guichet\nTu es {{ name }}, l'assistant du guichet.").await;
    for (number, case) in [
        format!("{NAME} => Gaston ; sans: Basile"),
        "Répétez : bonjour => bonjour | salut".to_owned(),
        "Répétez : guichet => mots: 10 ; motif: ^guich[a-z]+".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let noted = play(&awa, &room, format!("!compagnon essai ajouter {case}").as_str()).await;
        assert!(noted.msgtype == "m.notice" && noted.body.contains(&format!("essai {}", number + 1)), "{noted:#?}");
    }
    let run = play(&awa, &room, "!compagnon essais").await;
    assert!(run.encrypted && run.body.contains("version 1 : **3 réussis sur 3**"), "{run:#?}");
    assert!(run.body.contains("✓ réussi") && run.body.contains("Modèle :"), "{run:#?}");

    let changed = play(&awa, &room, "!compagnon modifier gaston\nTu es Basile, l'assistant du guichet.").await;
    assert!(changed.body.contains("`!compagnon essais`"), "{changed:#?}");
    let worse = play(&awa, &room, "!compagnon essais").await;
    assert!(worse.body.contains("**2 réussis sur 3**"), "{worse:#?}");
    assert!(worse.body.contains("**Moins bien que la version 1** : ne réussit plus l’essai 1."), "{worse:#?}");
    assert!(worse.body.contains("n’a pas « Gaston » ; a « Basile »"), "{worse:#?}");

    play(&awa, &room, "!compagnon publier gaston").await;
    let news = chief
        .until(&office, "the proposal", |messages| {
            messages.iter().find(|one| one.body.contains("propose le compagnon **Gaston**")).cloned()
        })
        .await;
    for told in [news, play(&chief, &office, "!compagnon voir gaston").await] {
        assert!(
            told.body.contains("2 réussis sur 3") && told.body.contains("Moins bien que la version 1"),
            "{told:#?}"
        );
    }
    let list = play(&chief, &office, "!compagnon essai liste gaston").await;
    assert!(list.body.contains(NAME), "{list:#?}");
}

#[tokio::test]
async fn a_newcomer_gets_an_answer_and_another_compagnon_in_three_messages() {
    let world = World::shared().await;
    let mut setup = world.setup().await;
    setup.prompts = TWO.to_vec();
    let _bot = world.start(&setup);
    let (awa, id) = (world.person("awa").await, id_of(&setup));
    let (room, first) = awa.create_dm(&id, NAME).await;
    let answer = awa.answer_to(&room, &first).await;
    let welcome = awa.messages(&room).into_iter().find(|message| message.sender == id).expect("a welcome");
    println!("\n(bot) {}\n\nawa → {NAME}\nbot → {}", welcome.body, answer.body);
    assert!(answer.body.contains("Témoin") && welcome.body.contains("!compagnon liste"), "{welcome:#?}");
    let list = play(&awa, &room, "compagnons").await;
    assert!(list.body.contains("`!compagnon choisir colette`"), "{list:#?}");
    let chosen = play(&awa, &room, "compagnon colette").await;
    assert!(chosen.body.contains("Je réponds sur le budget.") && chosen.body.contains(NAME), "{chosen:#?}");
    assert!(play(&awa, &room, NAME).await.body.contains("Colette"));
}

#[tokio::test]
async fn a_room_keeps_its_compagnon_when_it_is_upgraded() {
    let world = World::shared().await;
    let mut setup = world.setup().await;
    setup.prompts = TWO.to_vec();
    let _bot = world.start(&setup);
    let (awa, id) = (world.person("awa").await, id_of(&setup));
    let room = awa.create_room("Bureau", true, &[&id]).await;
    awa.until_member(&room, &id, "join").await;
    play(&awa, &room, "!compagnon colette").await;
    let new = awa.upgrade(&room).await;
    awa.invite(&new, &id).await;
    awa.until_member(&new, &id, "join").await;
    // The move is told with the first sync after the join; whoever asks sees it then.
    let moved = timeout(PATIENCE, async {
        while !play(&awa, &new, "!compagnon").await.body.contains("Colette") {
            sleep(Duration::from_millis(200)).await;
        }
    });
    moved.await.expect("the settings did not move");
    assert!(play(&awa, &new, Text::to(&id, NAME)).await.body.contains("Colette"));
}

#[tokio::test]
async fn a_changed_file_is_taken_up_and_a_broken_one_keeps_the_last_good() {
    let world = World::shared().await;
    let mut setup = world.setup().await;
    setup.prompts = TWO.to_vec();
    let bot = world.start(&setup);
    let (awa, id) = (world.person("awa").await, id_of(&setup));
    let (room, first) = awa.create_dm(&id, NAME).await;
    assert!(awa.answer_to(&room, &first).await.body.contains("Témoin"));
    let changed = TWO[0].1.replace("name: Témoin", "name: Basile");
    for (text, word) in [(changed.as_str(), "the compagnons were read again"), ("---\nname: [\n---\n", "temoin.md: ")] {
        bot.write_prompt("temoin.md", text);
        let read = timeout(PATIENCE, async {
            while !bot.log().contains(word) {
                sleep(Duration::from_millis(50)).await;
            }
        });
        read.await.unwrap_or_else(|_| panic!("{word:?} is not in the log: {}", bot.log()));
        assert!(awa.ask(&room, NAME).await.body.contains("Basile"));
    }
}
