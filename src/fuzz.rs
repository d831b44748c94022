//! The functions of the fuzz targets in `tests/fuzz`. Each parses untrusted bytes as the program does, and panics when an invariant is
//! broken. Tests run them over the targets' seeds, so that the targets keep working; releases do not contain this module.

use crate::{
    assistant,
    compagnon::{Compagnon, Variables},
    config::Config,
    documents,
    inference::local,
    matrix, store,
};

/// A model file: opened, loaded within small limits, and asked for one step.
pub fn gguf(data: &[u8]) {
    local::fuzz::gguf(data);
}

/// A vocabulary and a text for it; then the text for the witness's own.
pub fn tokenizer(data: &[u8]) {
    local::fuzz::tokenizer(data);
}

/// A chat template, rendered for a few conversations.
pub fn template(data: &[u8]) {
    text(data, local::fuzz::template);
}

/// An event of a timeline, as the homeserver gives it.
pub fn event(data: &[u8]) {
    text(data, matrix::fuzz::event);
}

/// What a model wrote, up to what is sent.
pub fn html(data: &[u8]) {
    text(data, matrix::fuzz::answer);
}

/// A message read as a command.
pub fn command(data: &[u8]) {
    text(data, assistant::fuzz::command);
}

/// A configuration file.
pub fn config(data: &[u8]) {
    text(data, |text| {
        let _ = Config::parse(text, Vec::new());
        // The same text as the value of a variable.
        for name in ["COMPAGNON__MATRIX", "COMPAGNON__MODEL__SAMPLING__TEMPERATURE", "COMPAGNON__ASSISTANT__RETENTION"]
        {
            let _ = Config::parse("", vec![(name.to_owned(), text.to_owned())]);
        }
    });
}

/// A compagnon's file. What can be read can be written and read back the same.
pub fn prompts(data: &[u8]) {
    text(data, |text| {
        let Ok(compagnon) = Compagnon::parse("c", text) else { return };
        let room = "{{ organisation }}";
        let prompt = compagnon.system_prompt(&Variables { room, date: "d", organisation: "o" });
        assert!(prompt.is_ok(), "a compagnon that was read has a prompt");
        let again = Compagnon::parse("c", &compagnon.to_text());
        assert!(again.is_ok_and(|again| again.prompt == compagnon.prompt), "what is written is read back");
    });
}

/// The store's key files and records, once their seal is open.
pub fn record(data: &[u8]) {
    store::fuzz::record(data);
}

/// A file that somebody sent, of a format that we read ourselves.
pub fn document(data: &[u8]) {
    documents::fuzz::document(data);
}

/// The main part of an office document.
pub fn office(data: &[u8]) {
    documents::fuzz::office(data);
}

fn text(data: &[u8], read: impl Fn(&str)) {
    if let Ok(text) = std::str::from_utf8(data) {
        read(text);
    }
}

#[cfg(test)]
mod tests;
