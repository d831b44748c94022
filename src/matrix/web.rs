//! Plain HTTP requests to a homeserver: discovery, the check that it is a homeserver, and the explanation of connection errors.
//!
//! The SDK would follow a redirect of a login with a GET. Therefore neither its client nor this one follows redirects, except to discover the
//! homeserver; a redirect is reported instead.

use std::{
    error::Error as _,
    fmt::Write as _,
    io,
    time::{Duration, SystemTime},
};

use jiff::SignedDuration;
use matrix_sdk::reqwest::{
    self, Client, RequestBuilder, Response, StatusCode,
    header::{DATE, HeaderName, LOCATION},
    redirect::Policy,
    tls,
};
use serde_json::Value;
use url::Url;

use super::{config::Config, session::SessionError};
use crate::setting;

/// The time limit of one request, for which a person waits.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The longest body that is read.
const LONGEST_BODY: usize = 1 << 20;

const VERSIONS: &str = "_matrix/client/versions";

/// The HTTP client for a homeserver, also for the SDK. It follows no redirects.
pub(super) fn client() -> Result<Client, SessionError> {
    build(Policy::none())
}

fn build(redirections: Policy) -> Result<Client, SessionError> {
    let builder = Client::builder()
        .user_agent(concat!("compagnon/", env!("CARGO_PKG_VERSION")))
        .tls_version_min(tls::Version::TLS_1_2)
        .redirect(redirections);
    builder
        .build()
        .map_err(|error| SessionError::Config(format!("the connection cannot be set up: {}", explain(&error))))
}

/// The answer of a server.
#[derive(Debug)]
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    /// The body; `Null` where it is not JSON.
    pub(super) body: Value,
    /// How far this machine's clock is ahead of the server's.
    pub(super) ahead: Option<SignedDuration>,
    /// Where it redirects to.
    location: Option<String>,
    /// The `Server` header.
    server: Option<String>,
}

impl Answer {
    /// The error code of a homeserver's refusal.
    pub(super) fn errcode(&self) -> Option<&str> {
        self.body["errcode"].as_str()
    }

    /// A sentence about an unexpected answer.
    pub(super) fn sentence(&self) -> String {
        match (self.errcode(), self.body["error"].as_str()) {
            (Some(code), Some(text)) => {
                format!("{} {code}: {}", self.status, text.chars().take(200).collect::<String>())
            }
            (Some(code), None) => format!("{} {code}", self.status),
            _ => {
                let server = self.server.as_deref().map(|name| format!(" by {name}")).unwrap_or_default();
                format!("status {}{server}, and no answer of a homeserver", self.status)
            }
        }
    }
}

/// Sends a request; the error is one sentence with all its causes.
pub(super) async fn send(request: RequestBuilder) -> Result<Answer, String> {
    let asked = async {
        let response = request.timeout(PATIENCE).send().await?;
        read(response).await
    };
    asked.await.map_err(|error: reqwest::Error| explain(&error))
}

async fn read(mut response: Response) -> Result<Answer, reqwest::Error> {
    let header = |name: HeaderName| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let (location, server) = (header(LOCATION), header(reqwest::header::SERVER));
    let ahead = header(DATE).and_then(|date| ahead(&date, SystemTime::now()));
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LONGEST_BODY {
            body.clear();
            break;
        }
        body.extend_from_slice(&chunk);
    }
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Ok(Answer { status, body, ahead, location, server })
}

/// How far `now` is ahead of the time in a `Date` header.
fn ahead(date: &str, now: SystemTime) -> Option<SignedDuration> {
    let date = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let now = jiff::Timestamp::try_from(now).ok()?;
    Some(now.duration_since(date))
}

/// The homeserver's base URL, discovered by `.well-known` where the configuration has a server name.
pub(super) async fn discover(config: &Config) -> Result<Url, SessionError> {
    let given = config.homeserver.trim();
    let url = |text: &str| {
        Url::parse(text).map_err(|error| SessionError::Config(format!("matrix.homeserver: {given}: {error}")))
    };
    if given.contains("://") {
        return url(given);
    }
    let itself = url(&format!("https://{given}"))?;
    let answer = send(build(Policy::limited(5))?.get(well_known(&itself)?)).await;
    match answer {
        Ok(answer) if answer.status == 200 => match answer.body["m.homeserver"]["base_url"].as_str() {
            Some(base) if setting::is_web(base) => url(base),
            Some(_) => {
                Err(SessionError::Unreachable(format!("{given} names a homeserver that is no http or https URL")))
            }
            None => Ok(itself),
        },
        // Temporary: the server name itself may be the address of another server.
        Ok(answer) if answer.status >= 500 || answer.status == 429 => Err(SessionError::Unreachable(format!(
            "{given} does not say where its homeserver is: {}",
            answer.sentence()
        ))),
        // No such file: the server name is the address. Whether a homeserver answers there is checked next.
        Ok(_) => Ok(itself),
        Err(reason) => Err(SessionError::Unreachable(format!("{given}: {reason}"))),
    }
}

/// The `.well-known` address of a server name.
pub(super) fn well_known(server: &Url) -> Result<Url, SessionError> {
    join(server, ".well-known/matrix/client")
}

/// An address below the base URL.
pub(super) fn join(base: &Url, path: &str) -> Result<Url, SessionError> {
    let text = format!("{}/{path}", base.as_str().trim_end_matches('/'));
    Url::parse(&text).map_err(|error| SessionError::Config(format!("matrix.homeserver: {text}: {error}")))
}

/// Requests the homeserver's versions. A redirect is an error that names its target; other answers are for the caller to judge.
pub(super) async fn versions(client: &Client, base: &Url) -> Result<Answer, SessionError> {
    let address = join(base, VERSIONS)?;
    let answer = send(client.get(address)).await;
    let answer = answer.map_err(|reason| SessionError::Unreachable(format!("{base}: {reason}")))?;
    refuse_redirection(base, &answer)?;
    Ok(answer)
}

fn refuse_redirection(base: &Url, answer: &Answer) -> Result<(), SessionError> {
    if !(300..400).contains(&answer.status) {
        return Ok(());
    }
    let Some(location) = answer.location.as_deref() else { return Ok(()) };
    let target = location.split(['?', '#']).next().unwrap_or(location);
    let home = target.strip_suffix(VERSIONS).map(|home| home.trim_end_matches('/'));
    let forever = [StatusCode::MOVED_PERMANENTLY, StatusCode::PERMANENT_REDIRECT].map(|status| status.as_u16());
    let sentence = format!("matrix.homeserver: {base} redirects ({}) to {}", answer.status, home.unwrap_or(target));
    match home {
        Some(home) if forever.contains(&answer.status) => {
            Err(SessionError::Config(format!("{sentence}: a homeserver is not followed elsewhere; write {home}")))
        }
        // A maintenance page or a captive portal, which may be temporary.
        _ => Err(SessionError::Unreachable(format!("{sentence}, which is no homeserver's address"))),
    }
}

/// The error with all its causes, after an explanation where one is known.
pub(super) fn explain(error: &reqwest::Error) -> String {
    let mut causes = Vec::<String>::new();
    let mut refused = false;
    // Without the error's own text, which repeats the address.
    let mut cause = error.source();
    while let Some(error) = cause {
        refused |=
            error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        let text = error.to_string();
        // Each cause repeats the one below it.
        if causes.last().is_none_or(|last| !last.ends_with(&text)) {
            causes.push(text);
        }
        cause = error.source();
    }
    let chain = causes.join(": ");
    let mut sentence = match meaning(&chain, refused, error.is_timeout()) {
        Some(meaning) => meaning.to_owned(),
        None if causes.is_empty() => error.to_string(),
        None => "it did not answer".to_owned(),
    };
    if !chain.is_empty() {
        let _ = write!(sentence, " ({chain})");
    }
    sentence
}

/// What the causes mean to the operator.
fn meaning(chain: &str, refused: bool, late: bool) -> Option<&'static str> {
    let has = |signs: &[&str]| signs.iter().any(|sign| chain.contains(sign));
    Some(if refused {
        "the connection is refused: nothing listens there, or a firewall says no"
    } else if has(&["dns error", "failed to lookup address"]) {
        "the name is not known to DNS"
    } else if has(&["UnknownIssuer"]) {
        "its certificate was issued by an authority that this machine does not know: name the authority's file in SSL_CERT_FILE"
    } else if has(&["NotValidForName", "not valid for name"]) {
        "its certificate is for another name"
    } else if has(&["Expired", "certificate expired"]) {
        "its certificate has expired, or this machine's clock is wrong"
    } else if has(&["invalid peer certificate"]) {
        "its certificate is not valid"
    } else if has(&["InvalidContentType", "corrupt message"]) {
        "it does not speak TLS on this port: is it http:// and not https://?"
    } else if has(&["invalid HTTP version", "invalid HTTP status", "incomplete message", "connection closed before"]) {
        "it does not speak HTTP on this port: is it https:// and not http://?"
    } else if late {
        "no answer within 10 s"
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::{TcpListener, TcpStream},
        thread,
        time::{Duration, SystemTime},
    };

    use url::Url;

    use super::{Answer, SessionError, ahead, client, send, versions};

    /// A server that answers each connection with these bytes.
    fn server(bytes: &'static [u8]) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answer(stream, bytes);
            }
        });
        Url::parse(&format!("http://127.0.0.1:{port}")).expect("a URL")
    }

    fn answer(mut stream: TcpStream, bytes: &[u8]) -> std::io::Result<()> {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request)?;
        stream.write_all(bytes)
    }

    async fn asked(bytes: &'static [u8]) -> Result<Answer, SessionError> {
        versions(&client().expect("a client"), &server(bytes)).await
    }

    #[tokio::test]
    async fn a_redirection_is_named_and_not_followed() {
        let moved = asked(
            b"HTTP/1.1 301 Moved\r\nlocation: https://hs.fr/_matrix/client/versions\r\ncontent-length: 0\r\n\r\n",
        )
        .await;
        let Err(SessionError::Config(sentence)) = moved else { panic!("{moved:?}") };
        assert!(
            sentence.contains("redirects (301) to https://hs.fr") && sentence.ends_with("write https://hs.fr"),
            "{sentence}"
        );
        for bytes in [
            &b"HTTP/1.1 302 Found\r\nlocation: https://portal.fr/login?from=x\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 301 Moved\r\nlocation: /sorry.html\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 307 Moved\r\nlocation: https://hs.fr/_matrix/client/versions\r\ncontent-length: 0\r\n\r\n",
        ] {
            let away = asked(bytes).await;
            let Err(SessionError::Unreachable(sentence)) = away else { panic!("{away:?}") };
            assert!(sentence.contains("redirects") && !sentence.contains("from=x"), "{sentence}");
        }
    }

    #[tokio::test]
    async fn a_page_is_no_answer_of_a_homeserver() {
        let page = asked(b"HTTP/1.1 404 Not Found\r\nserver: nginx\r\ncontent-length: 6\r\n\r\n<html>")
            .await
            .expect("an answer");
        assert_eq!(page.sentence(), "status 404 by nginx, and no answer of a homeserver");
        let refusal =
            b"HTTP/1.1 403 Forbidden\r\ncontent-length: 42\r\n\r\n{\"errcode\":\"M_FORBIDDEN\",\"error\":\"No way\"}";
        assert_eq!(asked(refusal).await.expect("an answer").sentence(), "403 M_FORBIDDEN: No way");
    }

    #[tokio::test]
    async fn what_stands_between_is_named() {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let plain = server(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").port().expect("a port");
        let tls = server(b"\x15\x03\x01\x00\x02\x02\x46");
        for (url, expected) in [
            (format!("http://127.0.0.1:{free}"), "the connection is refused"),
            ("http://homeserver.invalid".to_owned(), "not known to DNS"),
            (format!("https://127.0.0.1:{plain}"), "does not speak TLS on this port"),
            (tls.to_string(), "does not speak HTTP on this port"),
        ] {
            let sentence = send(client().expect("a client").get(&url)).await.expect_err(&url);
            assert!(sentence.contains(expected) && sentence.contains('('), "{url}: {sentence}");
        }
    }

    #[test]
    fn a_clock_is_held_against_the_servers() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_mins(29_405_000);
        assert_eq!(ahead("Fri, 28 Nov 2025 03:20:00 GMT", now).expect("a date").as_secs(), 0);
        assert_eq!(ahead("Fri, 28 Nov 2025 03:18:20 GMT", now).expect("a date").as_secs(), 100);
        assert_eq!(ahead("yesterday", now), None);
    }
}
