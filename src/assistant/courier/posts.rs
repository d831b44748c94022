//! The items of an answer that are texts in another place than its conversation, or need what came of the item before them; and calls to services
//! that do not honour keys.

use std::time::Duration;

use ruma::RoomId;

use super::{
    attempted::Attempted,
    delivery::{Courier, Parts},
    homeserver::unless_refused,
    outgoing::{edition, transaction},
    repeat::{Setback, repeat},
};
use crate::{
    assistant::{
        failure::Failure,
        texts::{Documented, Text},
    },
    matrix::Sought,
    message::{Egress, Item, Linked, MessageKind, Outgoing, Post},
    services::OnceError,
    store::{Delivery, Sent},
};

/// How long a service that cannot be reached is called: somebody waits for it.
const CALL_FOR: Duration = Duration::from_mins(2);

/// Written down before a call is made that must not be made twice.
const CALLED: &str = "called";
/// Written down when nothing of it has arrived.
const NOT_CALLED: &str = "not called";
/// The longest identifier of what a service has made, in bytes.
const LONGEST_ID: usize = 64;

impl Courier {
    /// Writes a text in another room, or in the main line of the question's. `resumed` says that an earlier attempt may have sent it.
    pub(super) async fn send_post(
        &self,
        delivery: &Delivery,
        part: usize,
        post: &Post,
        resumed: bool,
    ) -> Result<Attempted, Failure> {
        let homeserver = &self.parts.homeserver;
        let (question, answer) = (&delivery.question, &delivery.answer);
        let elsewhere: Option<&RoomId> = post.room_id.as_deref().filter(|room| **room != question.room_id);
        let room_id = elsewhere.unwrap_or(&question.room_id);
        let sent = |event| match elsewhere {
            Some(room) => Attempted::Done(Sent::Elsewhere(room.to_owned(), event)),
            None => Attempted::Done(Sent::Message(event)),
        };
        if resumed && answer.again.is_none() {
            let find = || homeserver.gateway.find_sent(room_id, &question.event_id, part, Sought::Complete);
            if let Some(event) = unless_refused(homeserver.retry(find).await)?.flatten() {
                return Ok(sent(event));
            }
        }
        let edition = edition(answer.again.as_deref(), &answer.lost);
        let transaction = transaction(&question.event_id, part, &format!("{edition}-post"));
        let outgoing = Outgoing {
            room_id,
            thread: None,
            question: &question.event_id,
            asker: None,
            about: None,
            part,
            opens: false,
            replaces: None,
            kind: MessageKind::Text,
            // A room that the text names was chosen for being private.
            encrypted: post.room_id.is_some() || question.megolm_session.is_some(),
            complete: true,
            markdown: &post.text,
            links: &post.links,
            sources: &[],
            transaction: &transaction,
        };
        Ok(match unless_refused(homeserver.send(&outgoing).await)? {
            Some(event) => sent(event),
            None => Attempted::Refused(Text::Documented(Documented::NotPosted)),
        })
    }

    /// The sentence with the link to what the call before it has made, as an item that can be sent.
    pub(super) fn linked(delivery: &Delivery, linked: &Linked) -> Item {
        let said = delivery.sent.iter().rev().find_map(Sent::service).unwrap_or_default();
        let link = link(&linked.site, said);
        let text = linked.text.replace(Linked::HERE, &link);
        Item::Linked(Linked { text, site: link })
    }

    /// Calls a service that does not honour keys, once at most. That a call is made is written down before it is: where the process ended
    /// between the two and what came of it, nobody knows whether it was done, and that is said.
    pub(super) async fn call_once(
        &self,
        delivery: &Delivery,
        part: usize,
        egress: &Egress,
    ) -> Result<Attempted, Failure> {
        let Parts { store, services, lifecycle, .. } = &self.parts;
        let question = &delivery.question;
        let unknown = || Ok(Attempted::Refused(Text::Documented(Documented::Unknown)));
        if delivery.uploaded.get(&part).is_some_and(|mark| mark == CALLED) {
            tracing::warn!(event_id = %question.event_id, "nobody knows whether a call was made: it is not made again");
            return unknown();
        }
        fail::fail_point!("before-call-once");
        let request = || async {
            let current = self.is_current(delivery).await.map_err(OnceSetback::Store)?;
            if !current {
                return Err(OnceSetback::Over);
            }
            store.item_uploaded(question, part, CALLED).await.map_err(OnceSetback::Store)?;
            fail::fail_point!("call-noted");
            let called = services.call_once(egress).await;
            fail::fail_point!("after-call-once");
            match called {
                Err(OnceError::NotMade(wait)) => {
                    store.item_uploaded(question, part, NOT_CALLED).await.map_err(OnceSetback::Store)?;
                    Err(OnceSetback::NotMade(wait))
                }
                other => Ok(other),
            }
        };
        let called = match repeat(lifecycle, CALL_FOR, request).await {
            Err(Failure::Unanswered(_)) => return Ok(Attempted::Refused(Text::Documented(Documented::Unreachable))),
            called => called?,
        };
        match called {
            Ok(said) => Ok(Attempted::Done(Sent::Service(said))),
            Err(OnceError::Refused { status, fields }) => {
                let (event_id, service) = (&question.event_id, &egress.service);
                tracing::error!(%event_id, service, status, ?fields, "a service refused a call: it is given up");
                Ok(Attempted::Refused(Text::Documented(Documented::of_refusal(status, &fields))))
            }
            Err(OnceError::Unknown | OnceError::NotMade(_)) => unknown(),
        }
    }
}

/// Why a call that is made once was not made.
enum OnceSetback {
    NotMade(Duration),
    Over,
    Store(crate::store::StoreError),
}

impl From<OnceSetback> for Setback {
    fn from(setback: OnceSetback) -> Self {
        match setback {
            OnceSetback::NotMade(wait) => {
                Self::Asked(wait, "the service asks to wait, or cannot be reached".to_owned())
            }
            OnceSetback::Over => Self::Final(Failure::Refused("its question was taken back".to_owned())),
            OnceSetback::Store(error) => Self::Final(Failure::Store(error)),
        }
    }
}

/// The address of what a service says it has made; the site itself where it does not say what.
pub fn link(site: &str, said: &str) -> String {
    let id = serde_json::from_str::<serde_json::Value>(said).ok();
    let id = id.as_ref().and_then(|said| said.get("id")?.as_str());
    let plain = |id: &&str| {
        !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let site = site.trim_end_matches('/');
    id.filter(plain).map_or_else(|| format!("{site}/"), |id| format!("{site}/docs/{id}/"))
}

#[cfg(test)]
mod tests {
    use super::link;

    #[test]
    fn a_link_is_made_of_a_plain_identifier_only() {
        let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
        assert_eq!(link("https://docs.h/", &format!("{{\"id\":\"{id}\"}}")), format!("https://docs.h/docs/{id}/"));
        for said in ["", "no JSON", "{}", "{\"id\":7}", "{\"id\":\"\"}", "{\"id\":\"../../evil\"}", "{\"id\":\"a)b\"}"]
        {
            assert_eq!(link("https://docs.h", said), "https://docs.h/", "{said}");
        }
    }
}
