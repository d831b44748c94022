//! What each command does, in English, for the list of commands.

use crate::command::Command;

pub fn summary(command: Command) -> &'static str {
    match command {
        Command::Help => "this list",
        Command::Compagnon => "see, choose or create the compagnon of this room",
        Command::Answers => "choose when I answer: mentions only or every message, in a thread or not",
        Command::Retention => "see or change how long I remember",
        Command::Forget => {
            "make me forget this conversation, a fact I remember, our exchanges everywhere, or the whole room"
        }
        Command::Remember => "have me remember a fact, for you or for the whole room",
        Command::Memory => "see what I remember here",
        Command::Sources => "the passages that my last answer cites",
        Command::Translate => "translate a message, a text or a file",
        Command::Glossary => "the terms that translations keep to",
        Command::Note => "write the note of a conversation",
        Command::CatchUp => "what you missed in a room",
        Command::Reviews => "draft a reply to a user’s review",
        Command::Pseudonymise => "replace what identifies people in a French text",
        Command::Documents => "see, add or remove the documents that my answers rest on",
        Command::Export => "get a copy of what I keep about you",
        Command::Privacy => "what happens to your messages",
        Command::Status => "check that I’m working",
        Command::Redo => "rewrite my last answer",
        Command::Stop => "stop my answer (or react with 🛑)",
        Command::Statistics => "see how much is asked here, and whether my answers are useful",
        Command::Journal => "see who changed what (assistant administrators)",
    }
}
