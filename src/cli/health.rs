//! `compagnon health`: the container's health check, with no other program needed in the image.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, bail};

use super::output;
use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(5);

/// Asks the running bot; an answer other than 200 is an error with its sentence.
pub(super) fn health(config: &Config) -> anyhow::Result<()> {
    let address = config.http.listen.context("http.listen is not set, so the bot cannot be asked")?;
    let answer = ask(address).map_err(|error| said(address, &error))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.split_ascii_whitespace().nth(1) != Some("200") {
        bail!("the bot is not healthy: {}", body.trim());
    }
    output::say("healthy");
    Ok(())
}

fn ask(address: SocketAddr) -> io::Result<String> {
    // A bot that listens on all addresses is reached on the loopback address.
    let address = if address.ip().is_unspecified() { here(address) } else { address };
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /health HTTP/1.0\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn here(address: SocketAddr) -> SocketAddr {
    let ip = if address.is_ipv4() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { IpAddr::V6(Ipv6Addr::LOCALHOST) };
    SocketAddr::new(ip, address.port())
}

/// The sentence for a failed request. The system reports a timeout as a resource that is unavailable.
fn said(address: SocketAddr, error: &io::Error) -> anyhow::Error {
    let seconds = PATIENCE.as_secs();
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            anyhow::anyhow!("the bot at {address} did not answer within {seconds} s: it is stopped, or hangs")
        }
        io::ErrorKind::ConnectionRefused => anyhow::anyhow!("no bot listens at {address}: it is not running"),
        _ => anyhow::anyhow!("the bot at {address} cannot be asked: {error}"),
    }
}
