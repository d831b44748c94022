//! That an answer is an answer: the witness model knows little, but it knows it for certain.

use crate::world::{World, joined_dm, play};

#[tokio::test]
async fn a_room_is_remembered_and_no_other_knows() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let (room, _) = awa.create_dm(&id, "Bonjour").await;
    assert!(awa.ask(&room, "Comment vous appelez-vous ?").await.body.contains("Témoin"));
    awa.ask(&room, "Je m'appelle Awa.").await;
    let recalled = awa.ask(&room, "Comment je m'appelle ?").await;
    assert!(recalled.body.contains("Awa"), "{recalled:#?}");

    let other = ben.open_dm(&id).await;
    let answer = ben.ask(&other, "Comment je m'appelle ?").await;
    assert!(!answer.body.contains("Awa"), "another room knows: {answer:#?}");
}

/// Two short files, hence two passages. The number was kept out of what the witness was trained on.
const FILES: [(&str, &str); 2] =
    [("Horaires.md", "La cantine ouvre à 11 h 30.\n"), ("Tarifs.md", "L’abonnement coûte 214 euros.\n")];

#[tokio::test]
async fn a_document_answers_with_its_fact_and_the_mark_of_its_passage() {
    let world = World::shared().await;
    let (_bot, id) = world.bot().await;
    let awa = world.person("awa").await;
    let room = joined_dm(&awa, &id).await;
    for (name, text) in FILES {
        let file = awa.send_file(&room, name, "text/markdown", text.as_bytes(), "").await;
        awa.answer_to(&room, &file).await;
    }
    let hours = play(&awa, &room, "À quelle heure ouvre la cantine ?").await;
    assert!(hours.body.starts_with("La cantine ouvre à 11 h 30 [1]."), "{hours:#?}");
    let price = play(&awa, &room, "Combien coûte l’abonnement ?").await;
    assert!(price.body.starts_with("L’abonnement coûte 214 euros [2]."), "{price:#?}");
    assert!(price.body.contains("Tarifs.md") && !price.body.contains("Horaires.md"), "what it rests on: {price:#?}");
    let none = play(&awa, &room, "Que dit ce document du chauffage ?").await;
    assert!(none.body.starts_with("Aucun extrait ne répond à cette question."), "{none:#?}");
}
