//! E-mail: who wrote what to whom and when, the text, and the names of what was attached, which is not read.

use mail_parser::{Address, MessageParser, MimeHeaders as _};

use super::html;
use crate::documents::{ExtractError, flow::Flow};

/// The most addresses and attachments that are named.
const MOST_NAMED: usize = 100;

pub(in crate::documents) fn read(bytes: &[u8], flow: &mut Flow) -> Result<(), ExtractError> {
    let message = MessageParser::default().parse(bytes).ok_or(ExtractError::Damaged)?;
    let mut head = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push('\n');
        }
    };
    line("From", &addresses(message.from()));
    line("To", &addresses(message.to()));
    line("Cc", &addresses(message.cc()));
    line("Date", &message.date().map(ToString::to_string).unwrap_or_default());
    line("Subject", message.subject().unwrap_or_default());
    flow.title(message.subject().unwrap_or_default());
    flow.paragraph(&head)?;
    if message.text_body_count() > 0 && message.text_bodies().any(|part| part.is_text() && !part.is_text_html()) {
        for part in 0..message.text_body_count() {
            super::plain::read(&message.body_text(part).unwrap_or_default(), flow)?;
        }
    } else {
        for part in 0..message.html_body_count() {
            html::read(&message.body_html(part).unwrap_or_default(), flow)?;
        }
    }
    for attachment in message.attachments().take(MOST_NAMED) {
        let nested = attachment.message().and_then(mail_parser::Message::subject);
        if let Some(name) = attachment.attachment_name().or(nested) {
            flow.item(0, "-", &format!("Attachment: {name}"))?;
        }
    }
    Ok(())
}

fn addresses(addresses: Option<&Address<'_>>) -> String {
    let Some(addresses) = addresses else { return String::new() };
    let shown = addresses.iter().take(MOST_NAMED).map(|one| match (one.name(), one.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (name, address) => name.or(address).unwrap_or_default().to_owned(),
    });
    shown.collect::<Vec<_>>().join(", ")
}
