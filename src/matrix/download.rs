//! Downloads what people send, decrypted and checked. The SDK's own download holds a whole file in memory, twice and of whatever size, before
//! anybody can ask for its size; this one stops at the first byte too many.
//!
//! Where the configuration names an antivirus proxy (`documents.scanner`), nothing is downloaded but through it: it is given the file's address
//! and key, and hands out the same bytes as the homeserver, or says why not.

use std::{
    collections::VecDeque,
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use matrix_sdk::{
    reqwest::{Client, RequestBuilder, Response, StatusCode, header::CONTENT_LENGTH},
    ruma::{
        MxcUri, OwnedMxcUri, ServerName,
        api::{EndpointError as _, error::Error as Answer},
        events::room::EncryptedFile,
        exports::http,
    },
};
use matrix_sdk_base::crypto::AttachmentDecryptor;
use serde_json::{Value, json};
use tokio::time::timeout;
use url::Url;

use super::{
    DownloadError, SendError,
    fault::{self, Fault},
    session::Session,
};
use crate::message::MediaRef;

/// The time limit of one download.
const DOWNLOAD_LIMIT: Duration = Duration::from_mins(3);
/// The most bytes of an answer without success that are read.
const LONGEST_ERROR: u64 = 64 << 10;
/// Where a homeserver gives media, and where those did that are older than Matrix 1.11.
const MEDIA: [&str; 2] = ["_matrix/client/v1/media/download/", "_matrix/media/v3/download/"];
/// Where an antivirus proxy does, below its address.
const PROXY: &str = "_matrix/media_proxy/unstable/";

impl From<Fault> for DownloadError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Missing(_) => Self::Gone,
            other => Self::Failed(other.into()),
        }
    }
}

/// Where a file is, and how it is decrypted.
enum Source {
    Plain(OwnedMxcUri),
    Encrypted(Box<EncryptedFile>),
}

impl Source {
    /// Reads what a message says of its file. `None`: it does not say where it is, or not how to decrypt it.
    fn read(source: &str) -> Option<Self> {
        let mut source: Value = serde_json::from_str(source).ok()?;
        let source = if let Some(url) = source.as_str() {
            Self::Plain(url.into())
        } else {
            // The first clients wrote none, or `v1`; what they do is the same as far as their counters go.
            let version = source.as_object_mut()?.entry("v").or_insert(Value::Null);
            if version.is_null() || version == "v1" {
                *version = "v2".into();
            }
            Self::Encrypted(Box::new(serde_json::from_value(source).ok()?))
        };
        parts(source.uri()).is_some().then_some(source)
    }

    fn uri(&self) -> &MxcUri {
        match self {
            Self::Plain(uri) => uri,
            Self::Encrypted(file) => &file.url,
        }
    }
}

/// The server and the identifier of an address. Bridges write identifiers of more letters than the specification has, and the SDK takes none of
/// these; what they must not do is lead to another path.
fn parts(uri: &MxcUri) -> Option<(&ServerName, &str)> {
    let (server, id) = uri.as_str().strip_prefix("mxc://")?.split_once('/')?;
    let sound =
        !matches!(id, "" | "." | "..") && !id.chars().any(|letter| letter.is_control() || "/\\".contains(letter));
    let server = <&ServerName>::try_from(server).ok()?;
    sound.then_some((server, id))
}

/// Downloads a file of at most so many bytes. One attempt.
pub(super) async fn download(
    session: &Session,
    scanner: Option<&Url>,
    media: &MediaRef,
    most: u64,
) -> Result<Vec<u8>, DownloadError> {
    let client = session.client();
    let (homeserver, token) = (client.homeserver(), client.access_token());
    Way { http: client.http_client(), homeserver, token, scanner }.download(&media.source, most).await
}

/// The way to the files.
struct Way<'a> {
    http: &'a Client,
    homeserver: Url,
    token: Option<String>,
    scanner: Option<&'a Url>,
}

impl Way<'_> {
    async fn download(&self, source: &str, most: u64) -> Result<Vec<u8>, DownloadError> {
        let source = Source::read(source).ok_or(DownloadError::Damaged)?;
        let downloading = async {
            let response = match self.scanner {
                Some(proxy) => self.scanned(proxy, &source).await?,
                None => self.unscanned(&source).await?,
            };
            let file = match source {
                Source::Encrypted(file) => Some(*file),
                Source::Plain(_) => None,
            };
            read(response, file, most).await
        };
        // On the heap: it holds the states of a whole transfer.
        let downloaded = timeout(DOWNLOAD_LIMIT, Box::pin(downloading)).await;
        downloaded.unwrap_or_else(|_| Err(unreachable("a download took too long")))
    }

    /// The homeserver's answer, which is a success.
    async fn unscanned(&self, source: &Source) -> Result<Response, DownloadError> {
        let mut old = false;
        for path in MEDIA {
            let url = below(&self.homeserver, path, Some(source.uri()))?;
            let response = self.send(self.http.get(url)).await?;
            if response.status().is_success() {
                return Ok(response);
            }
            let (status, body) = failure(response).await?;
            // A homeserver that does not know the first address: it is asked at the old one.
            if !old && status == StatusCode::NOT_FOUND && says(&body, "errcode", "M_UNRECOGNIZED") {
                old = true;
                continue;
            }
            return Err(meaning(status, body).into());
        }
        Err(DownloadError::Gone)
    }

    /// The antivirus proxy's answer, which is a success.
    async fn scanned(&self, proxy: &Url, source: &Source) -> Result<Response, DownloadError> {
        let request = match source {
            Source::Plain(uri) => self.http.get(below(proxy, &format!("{PROXY}download/"), Some(uri))?),
            Source::Encrypted(file) => {
                let url = below(proxy, &format!("{PROXY}download_encrypted"), None)?;
                self.http.post(url).header("content-type", "application/json").body(json!({ "file": file }).to_string())
            }
        };
        let response = self.send(request).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, body) = failure(response).await?;
        Err(refusal(status, &body))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, DownloadError> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        // The limit of the whole is that of the caller.
        let sent = request.timeout(DOWNLOAD_LIMIT).send().await;
        sent.map_err(|error| Fault::Unreachable(fault::chain(&error.without_url())).into())
    }
}

/// What the antivirus proxy means by an answer without success.
fn refusal(status: StatusCode, body: &[u8]) -> DownloadError {
    let reason = serde_json::from_slice::<Value>(body).ok();
    match reason.as_ref().and_then(|body| body["reason"].as_str()) {
        Some("MCS_MEDIA_NOT_CLEAN") => DownloadError::Infected,
        Some("MCS_MIME_TYPE_FORBIDDEN") => DownloadError::Forbidden,
        Some("MCS_BAD_DECRYPTION" | "MCS_MEDIA_FAILED_TO_DECRYPT" | "MCS_MALFORMED_JSON") => DownloadError::Damaged,
        Some("MCS_MEDIA_REQUEST_FAILED") => unreachable("the antivirus proxy could not read the file"),
        Some("M_NOT_FOUND") if status == StatusCode::NOT_FOUND => DownloadError::Gone,
        _ => unreachable(&format!("the antivirus proxy answered with status {}", status.as_u16())),
    }
}

fn unreachable(reason: &str) -> DownloadError {
    DownloadError::Failed(SendError::Unreachable(reason.to_owned()))
}

/// An address below another one, for a file where one is given.
fn below(base: &Url, path: &str, uri: Option<&MxcUri>) -> Result<Url, DownloadError> {
    let mut url = base.clone();
    {
        let mut segments = url.path_segments_mut().map_err(|()| DownloadError::Damaged)?;
        segments.pop_if_empty().extend(path.split('/').filter(|segment| !segment.is_empty()));
        if let Some(uri) = uri {
            let (server, id) = parts(uri).ok_or(DownloadError::Damaged)?;
            segments.push(server.as_str()).push(id);
        }
    }
    Ok(url)
}

/// The body of an answer without success, as far as it is read.
async fn failure(response: Response) -> Result<(StatusCode, Vec<u8>), DownloadError> {
    let status = response.status();
    match read(response, None, LONGEST_ERROR).await {
        Ok(body) => Ok((status, body)),
        Err(DownloadError::TooLarge { .. }) => Ok((status, Vec::new())),
        Err(error) => Err(error),
    }
}

/// What a homeserver means by an answer without success.
fn meaning(status: StatusCode, body: Vec<u8>) -> Fault {
    if status.is_redirection() {
        return Fault::Unreachable(format!("a redirection with status {}, which is not followed", status.as_u16()));
    }
    match http::Response::builder().status(status.as_u16()).body(body) {
        Ok(answer) => fault::meaning(&Answer::from_http_response(answer)),
        Err(error) => Fault::Unreachable(error.to_string()),
    }
}

fn says(body: &[u8], key: &str, value: &str) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|body| body[key] == value)
}

/// Reads a body of at most so many bytes, decrypted as it comes.
async fn read(mut response: Response, file: Option<EncryptedFile>, most: u64) -> Result<Vec<u8>, DownloadError> {
    let declared = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > most) {
        return Err(DownloadError::TooLarge { most });
    }
    let feed = Feed::default();
    let mut feeding = feed.clone();
    let mut body: Box<dyn Read + Send> = match file {
        Some(file) => {
            Box::new(AttachmentDecryptor::new(&mut feeding, file.into()).map_err(|_| DownloadError::Damaged)?)
        }
        None => Box::new(feeding),
    };
    let mut whole = Vec::new();
    loop {
        let chunk = response.chunk().await;
        let chunk = chunk.map_err(|error| Fault::Unreachable(fault::chain(&error.without_url())))?;
        let Some(chunk) = chunk else { break };
        if (whole.len() + chunk.len()) as u64 > most {
            return Err(DownloadError::TooLarge { most });
        }
        feed.push(&chunk);
        take(&mut body, &mut whole, chunk.len())?;
    }
    // Nothing more comes: the decryption checks the hash.
    if body.read(&mut [0]).map_err(|_| DownloadError::Damaged)? != 0 {
        return Err(DownloadError::Damaged);
    }
    Ok(whole)
}

/// Moves so many bytes.
fn take(from: &mut impl Read, to: &mut Vec<u8>, count: usize) -> Result<(), DownloadError> {
    let begin = to.len();
    to.resize(begin + count, 0);
    from.read_exact(&mut to[begin..]).map_err(|_| DownloadError::Damaged)
}

/// Bytes that have come and are not decrypted yet.
#[derive(Clone, Debug, Default)]
struct Feed(Arc<Mutex<VecDeque<u8>>>);

impl Feed {
    fn push(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
    }
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).read(buffer)
    }
}

#[cfg(test)]
mod tests;
