//! Requests to verify the bot's device. Nobody is there to compare emojis with, so each request is found here to be cancelled, and the
//! person to be told the device's fingerprint: without an answer, their client would wait for ten minutes.
//!
//! In a room a request is a message with a `msgtype` of its own (MSC2241); between devices it is an event, and old clients begin without it.

use std::collections::BTreeMap;

use matrix_sdk::{
    Client, Room,
    config::RequestConfig,
    deserialized_responses::ProcessedToDeviceEvent,
    encryption::verification::Verification,
    ruma::{
        OwnedDeviceId, OwnedEventId, OwnedRoomId, OwnedTransactionId, OwnedUserId, UserId,
        api::client::to_device::send_event_to_device::v3::Request as ToDevice, events::ToDeviceEventType, serde::Raw,
        to_device::DeviceIdOrAllDevices,
    },
};
use serde_json::{Value, json};

use super::{clock::now, fault::Fault};

/// The longest id of a request or a device that is taken for one.
const LONGEST_ID: usize = 255;
/// The `msgtype` and the type of a request.
const REQUEST: &str = "m.key.verification.request";
/// How clients of 2019 begin, and others after a request was accepted.
const START: &str = "m.key.verification.start";
const CANCEL: &str = "m.key.verification.cancel";

/// Somebody wants to verify the bot's device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationRequest {
    /// Who.
    pub sender: OwnedUserId,
    /// Where the answer goes.
    pub place: VerificationPlace,
    /// When, in milliseconds since the epoch.
    pub sent_at: u64,
}

/// Where a verification was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerificationPlace {
    /// In a room.
    Room {
        /// The room.
        room_id: OwnedRoomId,
        /// The request.
        event_id: OwnedEventId,
        /// Whether it came encrypted.
        encrypted: bool,
    },
    /// From one device to the other.
    Device {
        /// The person's device.
        device: OwnedDeviceId,
        /// The id that the device gave to the verification.
        transaction: String,
    },
}

/// What tells this device from any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The device's id.
    pub device: String,
    /// Its public Ed25519 key, in groups of four characters as clients show it.
    pub key: String,
}

impl VerificationRequest {
    /// The id by which clients know the verification.
    #[must_use]
    pub fn flow(&self) -> &str {
        match &self.place {
            VerificationPlace::Room { event_id, .. } => event_id.as_str(),
            VerificationPlace::Device { transaction, .. } => transaction,
        }
    }
}

/// Whether the content of a message is a request to verify this user's device.
pub(super) fn asks(content: &Value, own: &UserId) -> bool {
    content.get("msgtype").is_some_and(|kind| kind == REQUEST) && content.get("to").is_some_and(|to| to == own.as_str())
}

/// The request in an event between devices.
pub(super) fn between_devices(event: &ProcessedToDeviceEvent, own: &UserId) -> Option<VerificationRequest> {
    match event {
        ProcessedToDeviceEvent::PlainText(raw) | ProcessedToDeviceEvent::Decrypted { raw, .. } => {
            read(raw.json().get(), own)
        }
        ProcessedToDeviceEvent::UnableToDecrypt { .. } | ProcessedToDeviceEvent::Invalid(_) => None,
    }
}

fn read(json: &str, own: &UserId) -> Option<VerificationRequest> {
    let event: Value = serde_json::from_str(json).ok()?;
    let content = event.get("content")?;
    let sent_at = match event.get("type")?.as_str()? {
        REQUEST => content.get("timestamp").and_then(Value::as_u64).unwrap_or_else(now),
        START => now(),
        _ => return None,
    };
    let sender = OwnedUserId::try_from(event.get("sender")?.as_str()?).ok().filter(|sender| sender != own)?;
    let text = |key: &str| {
        let text = content.get(key)?.as_str()?;
        (!text.is_empty() && text.len() <= LONGEST_ID).then(|| text.to_owned())
    };
    let (device, transaction) = (text("from_device")?.into(), text("transaction_id")?);
    Some(VerificationRequest { sender, place: VerificationPlace::Device { device, transaction }, sent_at })
}

/// Cancels a verification. `room` is that of the request; its lock is held by the caller. One attempt.
///
/// The SDK keeps the requests that it understands, and would cancel them late and by itself. Only where it knows none is the event ours.
pub(super) async fn cancel(
    client: &Client,
    request: &VerificationRequest,
    room: Option<&Room>,
    config: RequestConfig,
) -> Result<(), Fault> {
    let encryption = client.encryption();
    if let Some(known) = encryption.get_verification_request(&request.sender, request.flow()).await {
        if known.is_cancelled() || known.is_done() || known.cancel().await.is_ok() {
            return Ok(());
        }
    } else if let Some(sas) =
        encryption.get_verification(&request.sender, request.flow()).await.and_then(Verification::sas)
        && (sas.is_cancelled() || sas.cancel().await.is_ok())
    {
        return Ok(());
    }
    // The same one however often it is tried.
    let transaction = blake3::hash(format!("{} {}", request.sender, request.flow()).as_bytes()).to_hex();
    let transaction = OwnedTransactionId::from(format!("compagnon-verification-{}", &transaction[..32]));
    let mut content = json!({"code": "m.user", "reason": "An automated account cannot compare emojis."});
    match (&request.place, room) {
        (VerificationPlace::Room { event_id, .. }, Some(room)) => {
            content["m.relates_to"] = json!({"rel_type": "m.reference", "event_id": event_id});
            let sending = room.send_raw(CANCEL, content).with_transaction_id(&transaction).with_request_config(config);
            sending.await.map_err(|error| Fault::from(&error))?;
        }
        (VerificationPlace::Device { device, transaction: flow }, _) => {
            content["transaction_id"] = flow.as_str().into();
            let content = Raw::new(&content).map_err(|error| Fault::Local(error.to_string()))?.cast_unchecked();
            let to_device = BTreeMap::from([(DeviceIdOrAllDevices::DeviceId(device.clone()), content)]);
            let messages = BTreeMap::from([(request.sender.clone(), to_device)]);
            let event = ToDevice::new_raw(ToDeviceEventType::from(CANCEL), transaction, messages);
            let sending = client.send(event).with_request_config(config);
            sending.await.map_err(|error| Fault::from(&error))?;
        }
        (VerificationPlace::Room { .. }, None) => {}
    }
    Ok(())
}

/// The fingerprint of this device; nothing before its keys are made.
pub(super) async fn fingerprint(client: &Client) -> Option<Fingerprint> {
    let key = client.encryption().ed25519_key().await?;
    Some(Fingerprint { device: client.device_id()?.to_string(), key: grouped(&key) })
}

/// In groups of four characters.
pub(super) fn grouped(key: &str) -> String {
    let letters: Vec<char> = key.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use ruma::user_id;
    use serde_json::{Value, json};

    use super::{LONGEST_ID, VerificationPlace, asks, grouped, read};

    #[test]
    fn a_request_in_a_room_is_for_whom_it_names() {
        let own = user_id!("@bot:h");
        let request = |to: Value| json!({"msgtype": "m.key.verification.request", "to": to, "from_device": "A"});
        assert!(asks(&request(json!("@bot:h")), own));
        for other in [json!("@awa:h"), json!(["@bot:h"]), json!(null)] {
            assert!(!asks(&request(other), own));
        }
        assert!(!asks(&json!({"msgtype": "m.text", "to": "@bot:h"}), own));
        assert!(!asks(&json!("m.key.verification.request"), own));
    }

    #[test]
    fn between_devices_a_request_and_a_start_want_an_answer_and_nothing_else() {
        let own = user_id!("@bot:h");
        let event = |kind: &str, sender: &str, content: Value| {
            json!({"type": kind, "sender": sender, "content": content}).to_string()
        };
        let sound = json!({"from_device": "A", "transaction_id": "t", "timestamp": 7, "methods": ["m.sas.v1"]});
        let asked = read(&event("m.key.verification.request", "@awa:h", sound.clone()), own).expect("a request");
        assert_eq!((asked.sent_at, asked.flow(), asked.sender.as_str()), (7, "t", "@awa:h"));
        let place = VerificationPlace::Device { device: "A".into(), transaction: "t".to_owned() };
        assert_eq!(asked.place, place);
        let begun = read(&event("m.key.verification.start", "@awa:h", sound.clone()), own).expect("a start");
        assert!(begun.place == place && begun.sent_at > 7, "{begun:?}");
        let long = "t".repeat(LONGEST_ID + 1);
        for other in [
            event("m.key.verification.cancel", "@awa:h", sound.clone()),
            event("m.key.verification.request", "@bot:h", sound),
            event("m.key.verification.request", "@awa:h", json!({"from_device": "A"})),
            event("m.key.verification.request", "@awa:h", json!({"from_device": "A", "transaction_id": long})),
            event("m.key.verification.request", "@awa:h", json!({"from_device": 3, "transaction_id": "t"})),
            event("m.key.verification.request", "awa", json!(null)),
            "nothing".to_owned(),
        ] {
            assert_eq!(read(&other, own), None, "{other}");
        }
    }

    #[test]
    fn a_key_is_shown_as_clients_show_it() {
        assert_eq!(grouped("abcdefghij"), "abcd efgh ij");
        assert_eq!(grouped(""), "");
    }
}
