//! `!exporter`: all that is kept on the person who asks, as two files in their own direct conversation, and nowhere else: a page for people, and
//! JSON for programs.

mod data;
mod gathered;
mod page;

use super::{NewFile, Outcome, context::Context, spec::Spec};
use crate::{
    assistant::{
        failure::Failure,
        texts::{Rights, Text},
    },
    store::LARGEST_FILE,
};
use gathered::Gathered;

pub(super) const SPEC: Spec =
    Spec { names: &["exporter", "export"], forms: [&[], &[]], urgent: false, instance: false };

pub(super) async fn run(context: &Context<'_>) -> Result<Outcome, Failure> {
    let (parts, message) = (context.parts, context.message);
    // Asked before anything is put together: where the files may go decides whether there are any.
    let Some(room_id) = parts.homeserver.private_room(&message.sender).await? else {
        tracing::warn!(event_id = %message.event_id, "there is no direct conversation for an export");
        return context.say(&Text::ExportFailed).map(Outcome::Say);
    };
    let gathered = Gathered::of(context).await?;
    let Ok(json) = serde_json::to_vec_pretty(&data::json(&gathered)) else {
        return context.say(&Text::ExportFailed).map(Outcome::Say);
    };
    let page = NewFile { name: "compagnon.html", media_type: "text/html", bytes: page::html(&gathered).into_bytes() };
    let files = vec![NewFile { name: "compagnon.json", media_type: "application/json", bytes: json }, page];
    if files.iter().any(|file| file.bytes.len() > LARGEST_FILE) {
        return context.say(&Text::FileTooLarge { most: LARGEST_FILE as u64 }).map(Outcome::Say);
    }
    let text = Text::Rights(if room_id == message.room_id { Rights::ExportHere } else { Rights::ExportSent });
    let reply = context.change(&text, vec![context.audit("export", None)])?;
    Ok(Outcome::Files { files, room_id, reply })
}
