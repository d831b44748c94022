//! Sends a file in two steps: it is uploaded, encrypted if the room is; then a message refers to the upload and contains its key. Between
//! the two steps the caller stores the result of the first, so that a message that is sent again is the same.

use std::time::Duration;

use matrix_sdk::{
    Client,
    config::RequestConfig,
    ruma::{api::client::media::create_content, assign},
};
use serde_json::{Map, Value, json};

use super::{OutgoingFile, SendError, Upload, content::ANSWER, fault::Fault};

/// The time limit of an upload.
const UPLOAD_LIMIT: Duration = Duration::from_mins(5);

/// The most bytes that the server accepts. The SDK requests it once.
pub(super) async fn limit(client: &Client) -> Result<u64, Fault> {
    client.load_or_fetch_max_upload_size().await.map(u64::from).map_err(|error| Fault::from(&error))
}

/// Uploads a file, encrypted or not. Returns the part of the message's content that refers to it.
///
/// An upload whose answer is lost remains on the server. Nobody knows its address, and nobody has the key of an encrypted one.
pub(super) async fn upload(client: &Client, upload: &Upload<'_>, encrypt: bool) -> Result<String, Fault> {
    let once = RequestConfig::new().disable_retry().timeout(UPLOAD_LIMIT);
    let (key, value) = if encrypt {
        let mut bytes = upload.bytes;
        let file = client.upload_encrypted_file(&mut bytes).with_request_config(once).await;
        let file = file.map_err(|error| Fault::from(&error))?;
        ("file", serde_json::to_value(file).map_err(|error| Fault::Local(error.to_string()))?)
    } else {
        let request = assign!(create_content::v3::Request::new(upload.bytes.to_vec()), {
            content_type: Some(upload.media_type.to_owned()),
            filename: Some(upload.name.to_owned()),
        });
        let sent = client.send(request).with_request_config(once).await.map_err(|error| Fault::from(&error))?;
        ("url", sent.content_uri.to_string().into())
    };
    Ok(json!({ key: value }).to_string())
}

/// The content of the message for a file. In an encrypted room, the file must be encrypted too.
pub(super) fn content(file: &OutgoingFile<'_>, encrypted: bool) -> Result<Value, SendError> {
    let media: Map<String, Value> = serde_json::from_str(file.media).unwrap_or_default();
    let sealed = media.contains_key("file");
    if !sealed && (encrypted || file.encrypted || !media.contains_key("url")) {
        return Err(SendError::Refused("the file was uploaded in clear, and the room is encrypted".to_owned()));
    }
    let mut content = json!({
        "msgtype": "m.file",
        "body": file.name,
        "filename": file.name,
        "info": {"mimetype": file.media_type, "size": file.size},
        "m.mentions": {},
        ANSWER: {"question": file.question, "part": file.part, "complete": true},
    });
    for key in ["file", "url"] {
        if let Some(value) = media.get(key) {
            content[key] = value.clone();
        }
    }
    if let Some(root) = file.thread {
        content["m.relates_to"] = json!({
            "rel_type": "m.thread",
            "event_id": root,
            "is_falling_back": true,
            "m.in_reply_to": {"event_id": file.question},
        });
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use ruma::{event_id, room_id, user_id};
    use serde_json::{Value, json};

    use super::{OutgoingFile, SendError, content};
    use crate::matrix::{Sought, content::sent_id};

    fn file(media: &str) -> OutgoingFile<'_> {
        OutgoingFile {
            room_id: room_id!("!r:hs"),
            thread: None,
            question: event_id!("$q"),
            part: 2,
            name: "a.json",
            media_type: "application/json",
            size: 2,
            media,
            encrypted: false,
            transaction: "t",
        }
    }

    #[test]
    fn a_file_says_what_it_is_and_what_asked_for_it() {
        let found = content(&file("{\"file\": {\"url\": \"mxc://hs/x\"}}"), true).expect("sealed");
        assert_eq!((&found["msgtype"], &found["body"]), (&json!("m.file"), &json!("a.json")));
        assert_eq!(found["info"], json!({"mimetype": "application/json", "size": 2}));
        assert_eq!(found["file"], json!({"url": "mxc://hs/x"}));
        assert_eq!(found["org.compagnon.answer"], json!({"question": "$q", "part": 2, "complete": true}));
        assert_eq!((found.get("url"), found.get("m.relates_to")), (None, None));
        let event = json!({"sender": "@bot:hs", "event_id": "$file", "content": found}).to_string();
        let known = |part: usize| sent_id(&event, user_id!("@bot:hs"), event_id!("$q"), Some(part), Sought::File);
        assert_eq!((known(2).as_deref(), known(0)), (Some(event_id!("$file")), None));
    }

    #[test]
    fn a_file_in_clear_is_not_told_of_where_messages_are_encrypted() {
        let clear = "{\"url\": \"mxc://hs/x\"}";
        let found = content(&file(clear), false).expect("in clear");
        assert_eq!((&found["url"], found.get("file")), (&json!("mxc://hs/x"), None::<&Value>));
        for (media, must, encrypted) in
            [(clear, false, true), (clear, true, false), ("{}", false, false), ("x", false, false)]
        {
            let refused = content(&OutgoingFile { encrypted: must, ..file(media) }, encrypted);
            assert!(matches!(refused, Err(SendError::Refused(_))), "{media} {must} {encrypted}");
        }
    }

    #[test]
    fn a_file_stays_in_its_thread() {
        let root = event_id!("$root");
        let threaded = content(&OutgoingFile { thread: Some(root), ..file("{\"url\": \"mxc://hs/x\"}") }, false);
        assert_eq!(threaded.expect("in clear")["m.relates_to"]["event_id"], "$root");
    }
}
