//! `compagnon health`: the container's health check, with no other program needed in the image.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context as _, bail};

use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(5);

/// Asks the running bot; an answer other than 200 is an error with its sentence.
pub(super) fn health(config: &Config) -> anyhow::Result<()> {
    let address = config.http.listen.context("http.listen is not set, so there is nobody to ask")?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).context("the bot does not answer")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /health HTTP/1.0\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer).context("the bot does not answer")?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.split_ascii_whitespace().nth(1) != Some("200") {
        bail!("the bot is not healthy: {}", body.trim());
    }
    super::say("healthy");
    Ok(())
}
