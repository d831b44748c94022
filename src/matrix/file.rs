//! Sending a file: encrypted here, kept by the server, and told to the room with the key that opens it.

use matrix_sdk::{Client, config::RequestConfig};
use serde_json::{Value, json};

use super::{Attachment, content::ANSWER, fault::Fault};

/// Encrypts a file and gives it to the server; what comes back is the content of the message for it.
///
/// After a failure the file is uploaded again, under another key. Nobody ever sees the first one: only the message tells of it.
pub(super) async fn upload(client: &Client, file: &Attachment<'_>, once: RequestConfig) -> Result<Value, Fault> {
    let mut bytes = file.bytes;
    let encrypted = client.upload_encrypted_file(&mut bytes).with_request_config(once).await;
    let encrypted = encrypted.map_err(|error| Fault::from(&error))?;
    let encrypted = serde_json::to_value(encrypted).map_err(|error| Fault::Local(error.to_string()))?;
    Ok(content(file, &encrypted))
}

fn content(file: &Attachment<'_>, encrypted: &Value) -> Value {
    json!({
        "msgtype": "m.file",
        "body": file.name,
        "filename": file.name,
        "info": {"mimetype": file.media_type, "size": file.bytes.len()},
        "file": encrypted,
        "m.mentions": {},
        ANSWER: {"question": file.question, "part": 0, "complete": true},
    })
}

#[cfg(test)]
mod tests {
    use ruma::event_id;
    use serde_json::json;

    use super::{Attachment, content};

    #[test]
    fn a_file_says_what_it_is_and_what_asked_for_it() {
        let question = event_id!("$q");
        let file =
            Attachment { name: "a.json", media_type: "application/json", bytes: b"{}", question, transaction: "t" };
        let found = content(&file, &json!({"url": "mxc://hs/x"}));
        assert_eq!((&found["msgtype"], &found["body"]), (&json!("m.file"), &json!("a.json")));
        assert_eq!(found["info"], json!({"mimetype": "application/json", "size": 2}));
        assert_eq!(found["file"], json!({"url": "mxc://hs/x"}));
        assert_eq!(found["org.compagnon.answer"], json!({"question": "$q", "part": 0, "complete": true}));
        assert!(found.get("url").is_none(), "a file in clear");
    }
}
