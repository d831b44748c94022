//! What a room would add to a prompt, from the command line, and the prompt as the model is given it.

use std::{fmt::Write as _, path::PathBuf};

use super::input::read_file;
use crate::{
    assistant::compose::Composed,
    compagnon::{Compagnon, Settings},
    material::{Author, Material, MaterialKind},
    memory::RememberedFacts,
};

/// What a room would add.
#[derive(clap::Args, Default)]
pub(super) struct Options {
    /// Print what the model is given before each answer.
    #[arg(long)]
    pub(super) show_prompt: bool,
    /// The name of a room, as if the question were asked there.
    #[arg(long, value_name = "NAME")]
    room: Option<String>,
    /// A room's instruction (`!compagnon consigne`).
    #[arg(long, value_name = "TEXT")]
    addition: Option<String>,
    /// A fact remembered for the room (`!retenir salon`); may be repeated.
    #[arg(long, value_name = "TEXT")]
    fact: Vec<String>,
    /// The message that each question replies to, as "Author: text".
    #[arg(long, value_name = "MESSAGE")]
    reply_to: Option<String>,
    /// A file with the earlier messages of the thread that each question stands in, one a line, as "Author: text".
    #[arg(long, value_name = "FILE")]
    thread: Option<PathBuf>,
}

/// The same, read.
pub(super) struct Room {
    pub(super) name: String,
    pub(super) settings: Settings,
    pub(super) facts: RememberedFacts,
    /// The messages, still with their authors as they were written.
    messages: Vec<(MaterialKind, String)>,
}

impl Options {
    /// Reads the file of the thread.
    pub(super) fn read(&self) -> anyhow::Result<Room> {
        let mut messages = Vec::new();
        if let Some(path) = &self.thread {
            let text = read_file(path)?;
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            messages.extend(lines.map(|line| (MaterialKind::Thread, line.to_owned())));
        }
        messages.extend(self.reply_to.iter().map(|message| (MaterialKind::RepliedTo, message.clone())));
        Ok(Room {
            name: self.room.clone().unwrap_or_default(),
            settings: Settings { addition: self.addition.clone(), ..Settings::default() },
            facts: RememberedFacts { room: self.fact.clone(), person: Vec::new() },
            messages,
        })
    }
}

impl Room {
    /// What each question points at. What the compagnon itself is said to have written counts as the bot's.
    pub(super) fn material(&self, compagnon: &Compagnon) -> Vec<Material> {
        let own = [compagnon.title(), compagnon.about.name.as_str(), compagnon.id.as_str()];
        let material = |(kind, message): &(MaterialKind, String)| {
            let (author, text) = message.split_once(':').unwrap_or(("", message));
            let author = author.trim();
            let is_own = !author.is_empty() && own.iter().any(|name| name.to_lowercase() == author.to_lowercase());
            Material {
                kind: *kind,
                author: if is_own { Author::Bot } else { Author::Person(author.to_owned()) },
                content: Ok(text.trim().to_owned()),
            }
        };
        self.messages.iter().map(material).collect()
    }
}

/// What the model is given, each message under its role and, where the model is told it, the name of who speaks.
pub(super) fn shown(composed: &Composed) -> String {
    let request = &composed.request;
    let mut text = String::new();
    for message in request.rendered().iter() {
        let name = message.name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
        let _ = writeln!(text, "--- {}{name}\n{}\n", message.role.as_str(), message.content);
    }
    let left_out = composed.left_out;
    if left_out.turns > 0 {
        let _ = writeln!(text, "--- left out: the {} oldest messages\n", left_out.turns);
    }
    if left_out.last_exchange {
        let _ = writeln!(text, "--- shortened: the last exchange\n");
    }
    if left_out.material {
        let _ = writeln!(text, "--- shortened: what the question points at\n");
    }
    let sampling = &request.sampling;
    let _ = writeln!(text, "--- answer: at most {} tokens, temperature {}", sampling.max_tokens, sampling.temperature);
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Options, shown};
    use crate::{
        assistant::compose::{Composed, LeftOut},
        compagnon::{About, Compagnon},
        conversation::Role,
        inference::{CacheHint, Message, Request, Sampling},
        material::{Author, MaterialKind},
    };

    #[test]
    fn messages_are_read_with_their_authors() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("fil.txt");
        fs::write(&path, "Ben : Qui vient ?\n\ntemoin: Je ne sais pas.\nsans auteur\n").expect("written");
        let options =
            Options { thread: Some(path), reply_to: Some("Awa: Mardi : 14 h".to_owned()), ..Options::default() };
        let compagnon = Compagnon::new("temoin", About::default(), "Vous êtes T.").expect("good");
        let material = options.read().expect("readable").material(&compagnon);
        let read: Vec<(Author, &str)> =
            material.iter().map(|one| (one.author.clone(), one.content.as_deref().unwrap_or_default())).collect();
        let person = |name: &str| Author::Person(name.to_owned());
        let expected = [
            (person("Ben"), "Qui vient ?"),
            (Author::Bot, "Je ne sais pas."),
            (person(""), "sans auteur"),
            (person("Awa"), "Mardi : 14 h"),
        ];
        assert_eq!(read, expected);
        assert_eq!(material.last().map(|one| one.kind), Some(MaterialKind::RepliedTo));
    }

    #[test]
    fn a_prompt_is_shown_with_roles_and_names_and_what_is_not_in_it() {
        let asked = Message { name: Some("Ben".to_owned()), ..Message::new(Role::User, "Et moi ?") };
        let request = Request {
            base: Some("Soyez bref.".into()),
            messages: vec![Message::new(Role::System, "Vous êtes C."), asked],
            sampling: Sampling { max_tokens: 10, temperature: 0.5, ..Sampling::default() },
            cache: CacheHint { cache_key: 0, shared_prefix_len: 0 },
            format: None,
        };
        let left_out = LeftOut { turns: 4, last_exchange: false, material: true };
        assert_eq!(
            shown(&Composed { request, left_out, room: 0, taken: 0, sources: 0 }),
            "--- system\nSoyez bref.\nVous êtes C.\n\n--- user (Ben)\nEt moi ?\n\n--- left out: the 4 oldest messages\n\n\
             --- shortened: what the question points at\n\n--- answer: at most 10 tokens, temperature 0.5\n"
        );
    }
}
