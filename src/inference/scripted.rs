//! A model whose answers somebody else writes: for tests of the whole program. Nothing opens it unless the program was built with the
//! `failpoints` feature and a test asks for it.

use std::{io, sync::Arc};

use async_trait::async_trait;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
};

use super::{
    chat::{ChatModel, CountAccuracy, Health, ModelLimits, TokenCounter},
    generation::{Generation, InferenceError, Piece},
    request::{Message, Request},
};
use crate::usage::{Finish, Usage};

/// How many pieces wait to be read.
const PIECES: usize = 64;

/// The model behind an address: it is sent what a request asks as one line of JSON, and what it says until it hangs up is the answer.
pub struct Scripted {
    address: String,
}

/// The model behind `address`.
#[must_use]
pub fn open(address: String) -> Arc<dyn ChatModel> {
    Arc::new(Scripted { address })
}

#[async_trait]
impl ChatModel for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn limits(&self) -> ModelLimits {
        ModelLimits { context_length: 8192 }
    }

    fn token_counter(&self) -> Arc<dyn TokenCounter> {
        Arc::new(Thirds)
    }

    fn generate(&self, request: Request) -> Result<Generation, InferenceError> {
        let (pieces, reader) = mpsc::channel(PIECES);
        let address = self.address.clone();
        tokio::spawn(async move {
            match ask(&address, &request).await {
                Ok(answer) => {
                    // In words, as engines write.
                    for word in answer.split_inclusive(' ') {
                        let _ = pieces.send(Ok(Piece::Text(word.to_owned()))).await;
                    }
                    let _ = pieces.send(Ok(Piece::Done(usage(&request, &answer)))).await;
                }
                Err(error) => {
                    let _ = pieces.send(Err(InferenceError::Engine(error.to_string()))).await;
                }
            }
        });
        Ok(Generation::new(reader))
    }

    fn health(&self) -> Health {
        Health::Ok
    }
}

async fn ask(address: &str, request: &Request) -> io::Result<String> {
    let said =
        |message: &Message| json!({"role": message.role.as_str(), "name": message.name, "content": message.content});
    let messages: Vec<_> = request.rendered().iter().map(said).collect();
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("{}\n", json!({"messages": messages})).as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

fn usage(request: &Request, answer: &str) -> Usage {
    Usage {
        prompt_tokens: request.rendered().iter().map(|message| Thirds.count(message)).sum(),
        cached_tokens: 0,
        completion_tokens: answer.split_whitespace().count(),
        prefill: std::time::Duration::ZERO,
        decode: std::time::Duration::ZERO,
        energy: crate::energy::Energy::NONE,
        finish: Finish::Stop,
    }
}

/// A token for every three bytes.
struct Thirds;

impl TokenCounter for Thirds {
    fn count(&self, message: &Message) -> usize {
        message.content.len() / 3 + 8
    }

    fn accuracy(&self) -> CountAccuracy {
        CountAccuracy::UpperBound
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
        net::TcpListener,
    };

    use super::{Message, Piece, Request, open};
    use crate::conversation::Role;

    #[tokio::test]
    async fn what_stands_behind_the_address_is_asked_and_says_the_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let model = open(listener.local_addr().expect("an address").to_string());
        let asked = vec![Message::new(Role::System, "Tu es."), Message::new(Role::User, "Où ?\nQuand ?")];
        let mut generation = model.generate(Request { messages: asked, ..Request::default() }).expect("begun");
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await.expect("a line");
        let said: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(
            (&said["messages"][0]["role"], &said["messages"][1]["content"]),
            (&"system".into(), &"Où ?\nQuand ?".into())
        );
        stream.write_all("À Lille, demain.".as_bytes()).await.expect("written");
        drop(stream);
        let mut text = String::new();
        while let Some(Ok(Piece::Text(piece))) = generation.next().await {
            text.push_str(&piece);
        }
        assert_eq!(text, "À Lille, demain.");
    }
}
