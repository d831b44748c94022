//! The testbed itself: without it, a green scenario would prove little.

use crate::{support::room::Text, world::World};

#[tokio::test]
async fn two_people_read_each_other_through_encryption() {
    let world = World::shared().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let (room, first) = awa.create_dm(&ben.user_id, "Bonjour, déjà").await;
    ben.join(&room).await;
    let seen = ben.until(&room, "the first message", |all| all.iter().find(|m| m.event_id == first).cloned()).await;
    assert_eq!((seen.body.as_str(), seen.encrypted, seen.undecryptable), ("Bonjour, déjà", true, false));

    let reply = ben.send(&room, Text::new("Bonjour").replying_to(&first)).await;
    ben.send(&room, Text::new("Bonsoir").editing(&reply)).await;
    let seen = awa.until(&room, "the edit", |all| all.iter().find(|m| m.edits == 1).cloned()).await;
    assert_eq!((seen.body.as_str(), seen.in_reply_to, seen.encrypted), ("Bonsoir", Some(first), true));
    assert_eq!(awa.members(&room).await.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_read_is_seen_as_such() {
    let world = World::shared().await;
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let room = awa.create_room("à clé", true, &[]).await;
    let before = awa.send(&room, "avant l'arrivée").await;
    awa.invite(&room, &ben.user_id).await;
    ben.join(&room).await;
    let after = awa.send(&room, "après l'arrivée").await;
    let read = ben.until(&room, "the second", |all| all.iter().find(|m| m.event_id == after).cloned()).await;
    assert!(!read.undecryptable);
    let unread = ben.messages(&room).into_iter().find(|message| message.event_id == before);
    assert!(unread.is_none_or(|message| message.undecryptable), "the key was never given to ben");
}
