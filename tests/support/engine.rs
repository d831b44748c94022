//! A model whose answers a test writes, from what it was given: the bot is told where it is by [`Engine::failpoint`].

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex, PoisonError},
};

use serde::Deserialize;

use super::listening::Listening;

/// One message of a prompt.
#[derive(Clone, Debug, Deserialize)]
pub struct Said {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// Who speaks, where several do.
    pub name: Option<String>,
    /// The text.
    pub content: String,
}

/// What a request gave the model.
#[derive(Clone, Debug, Deserialize)]
pub struct Prompt {
    /// The system prompt, the history and the question with its passages.
    pub messages: Vec<Said>,
}

/// A passage that a prompt gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The number of its mark.
    pub mark: usize,
    /// Its document, its page and its headings.
    pub heading: String,
    /// Its text.
    pub text: String,
}

impl Prompt {
    /// Everything in it.
    pub fn text(&self) -> String {
        let said = self.messages.iter().flat_map(|said| [said.name.as_deref().unwrap_or_default(), &said.content]);
        said.collect::<Vec<_>>().join("\n")
    }

    /// The last message, as the model reads it.
    pub fn asked(&self) -> &str {
        self.messages.last().map_or("", |said| &said.content)
    }

    /// What the person asks, without the passages.
    pub fn question(&self) -> &str {
        self.asked().rsplit("\n\n").next().unwrap_or_default()
    }

    /// The passages, in their order.
    pub fn passages(&self) -> Vec<Given> {
        let mut passages: Vec<Given> = Vec::new();
        for line in self.asked().lines() {
            if let Some((mark, heading)) = line.strip_prefix('[').and_then(|line| line.split_once("] ")) {
                let Ok(mark) = mark.parse() else { continue };
                passages.push(Given { mark, heading: heading.to_owned(), text: String::new() });
            } else if let (Some(text), Some(last)) = (line.strip_prefix("> "), passages.last_mut()) {
                last.text.push_str(text);
                last.text.push('\n');
            }
        }
        passages
    }

    /// The mark of the passage that has these words.
    pub fn mark_of(&self, words: &str) -> Option<usize> {
        self.passages().iter().find(|given| given.text.contains(words)).map(|given| given.mark)
    }
}

type Says = Box<dyn Fn(&Prompt) -> String + Send + Sync>;

struct Shared {
    says: Says,
    prompts: Mutex<Vec<Prompt>>,
}

/// The model; it ends with this value.
pub struct Engine {
    listening: Listening,
    shared: Arc<Shared>,
}

impl Engine {
    /// One that says what `says` makes of a prompt.
    pub fn start(says: impl Fn(&Prompt) -> String + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared { says: Box::new(says), prompts: Mutex::default() });
        let serving = Arc::clone(&shared);
        Self { listening: Listening::start(move |stream| serving.answer(stream)), shared }
    }

    /// For [`super::bot::Setup::failpoints`] or the start of a bot.
    pub fn failpoint(&self) -> String {
        format!("scripted-model=return(127.0.0.1:{})", self.listening.port())
    }

    /// Everything it was asked.
    pub fn prompts(&self) -> Vec<Prompt> {
        self.shared.prompts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.prompts().len()
    }
}

impl Shared {
    fn answer(&self, stream: &TcpStream) {
        let mut line = String::new();
        // A bot that is killed hangs up.
        let Ok(1..) = BufReader::new(stream).read_line(&mut line) else { return };
        let Ok(prompt) = serde_json::from_str::<Prompt>(&line) else { return };
        let says = (self.says)(&prompt);
        self.prompts.lock().unwrap_or_else(PoisonError::into_inner).push(prompt);
        let mut writer = stream;
        let _ = writer.write_all(says.as_bytes());
        let _ = stream.shutdown(Shutdown::Both);
    }
}
