//! Downloads from a homeserver and from an antivirus proxy, with files that were encrypted by the SDK, and answers of every kind.

use std::{
    collections::HashMap,
    io::{Cursor, Read as _},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Response, Uri},
};
use futures_util::stream;
use matrix_sdk::reqwest::Client;
use matrix_sdk_base::crypto::AttachmentEncryptor;
use serde_json::{Value, json};
use url::Url;

use super::{DownloadError, SendError, Source, Way};

const TEXT: &[u8] = b"Les jours non pris sont reportes.";

/// What a request is answered with.
#[derive(Clone)]
enum Given {
    Whole(Vec<u8>),
    /// Without saying how many bytes there are.
    Streamed(Vec<u8>),
    /// The connection ends in the middle.
    Cut(Vec<u8>),
    Status(u16, Value),
}

#[derive(Default)]
struct Seen {
    answers: HashMap<String, Given>,
    requests: Vec<(String, String, String)>,
}

/// A server, on a thread of its own.
struct Server {
    url: Url,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let url = format!("http://{}/", listener.local_addr().expect("an address")).parse().expect("a URL");
        let seen = Arc::new(Mutex::new(Seen::default()));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&seen));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
                axum::serve(listener, router).await.expect("served");
            });
        });
        Self { url, seen }
    }

    fn give(&self, path: &str, given: Given) {
        self.seen.lock().expect("not poisoned").answers.insert(path.to_owned(), given);
    }

    fn requests(&self) -> Vec<(String, String, String)> {
        self.seen.lock().expect("not poisoned").requests.clone()
    }

    async fn download(&self, proxy: Option<&Url>, source: &str, most: u64) -> Result<Vec<u8>, DownloadError> {
        let http = Client::new();
        let way = Way { http: &http, homeserver: self.url.clone(), token: Some("s3cret".to_owned()), scanner: proxy };
        way.download(source, most).await
    }
}

async fn answer(
    State(seen): State<Arc<Mutex<Seen>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let token = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut seen = seen.lock().expect("not poisoned");
    let body = String::from_utf8_lossy(&body).into_owned();
    seen.requests.push((format!("{method} {}", uri.path()), token.to_owned(), body));
    let unknown = || Given::Status(404, json!({"errcode": "M_UNRECOGNIZED", "error": "?"}));
    let response = Response::builder();
    match seen.answers.get(uri.path()).cloned().unwrap_or_else(unknown) {
        Given::Whole(bytes) => response.body(Body::from(bytes)),
        Given::Streamed(bytes) => {
            let pieces: Vec<_> =
                bytes.chunks(1000).map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece))).collect();
            response.body(Body::from_stream(stream::iter(pieces)))
        }
        Given::Cut(bytes) => {
            let pieces = [Ok(Bytes::from(bytes)), Err(std::io::Error::other("cut"))];
            response.body(Body::from_stream(stream::iter(pieces)))
        }
        Given::Status(status, body) => response.status(status).body(Body::from(body.to_string())),
    }
    .expect("an answer")
}

/// A file as clients encrypt it: what is uploaded, and what its message says.
fn encrypted(bytes: &[u8]) -> (Vec<u8>, Value) {
    let mut plain = Cursor::new(bytes);
    let mut encryptor = AttachmentEncryptor::new(&mut plain);
    let mut sealed = Vec::new();
    encryptor.read_to_end(&mut sealed).expect("encrypted");
    let mut file = serde_json::to_value(encryptor.finish()).expect("JSON");
    file["url"] = "mxc://hs.example/Abc_-9".into();
    (sealed, file)
}

const NEW: &str = "/_matrix/client/v1/media/download/hs.example/Abc_-9";
const OLD: &str = "/_matrix/media/v3/download/hs.example/Abc_-9";
const PLAIN: &str = "\"mxc://hs.example/Abc_-9\"";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_downloaded_with_the_token_decrypted_and_checked() {
    let server = Server::start();
    let (sealed, file) = encrypted(TEXT);
    for given in [Given::Whole(sealed.clone()), Given::Streamed(sealed.clone())] {
        server.give(NEW, given);
        assert_eq!(server.download(None, &file.to_string(), 1_000).await.expect("downloaded"), TEXT);
    }
    assert_eq!(server.requests()[0], (format!("GET {NEW}"), "Bearer s3cret".to_owned(), String::new()));
    server.give(NEW, Given::Whole(TEXT.to_vec()));
    assert_eq!(server.download(None, PLAIN, 1_000).await.expect("downloaded"), TEXT);
    // More than one piece, and the very last byte that is allowed.
    let long: Vec<u8> = (0..100_000_u32).map(|number| (number % 251) as u8).collect();
    let (sealed, file) = encrypted(&long);
    server.give(NEW, Given::Streamed(sealed));
    assert_eq!(server.download(None, &file.to_string(), 100_000).await.expect("downloaded"), long);
    // Nothing at all.
    let (sealed, file) = encrypted(b"");
    server.give(NEW, Given::Whole(sealed));
    assert_eq!(server.download(None, &file.to_string(), 1).await.expect("downloaded"), b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_homeserver_is_asked_at_the_old_address() {
    let server = Server::start();
    server.give(OLD, Given::Whole(TEXT.to_vec()));
    assert_eq!(server.download(None, PLAIN, 1_000).await.expect("downloaded"), TEXT);
    let asked: Vec<String> = server.requests().into_iter().map(|(request, ..)| request).collect();
    assert_eq!(asked, [format!("GET {NEW}"), format!("GET {OLD}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_of_a_bridge_stays_one_part_of_the_path() {
    let server = Server::start();
    let path = "/_matrix/client/v1/media/download/hs.example/a=b.c%3Fd%25e";
    server.give(path, Given::Whole(TEXT.to_vec()));
    let got = server.download(None, "\"mxc://hs.example/a=b.c?d%e\"", 1_000).await;
    let asked = server.requests();
    assert_eq!(got.ok().as_deref(), Some(TEXT), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_read_than_is_allowed_whatever_is_said() {
    let server = Server::start();
    let long = vec![b'x'; 100_000];
    for given in [Given::Whole(long.clone()), Given::Streamed(long)] {
        server.give(NEW, given);
        let error = server.download(None, PLAIN, 99_999).await.expect_err("too large");
        assert!(matches!(error, DownloadError::TooLarge { most: 99_999 }), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_than_those_that_were_sent_are_damaged() {
    let server = Server::start();
    let (sealed, file) = encrypted(TEXT);
    let mut other = sealed.clone();
    other[3] ^= 1;
    for bytes in [other, sealed[..7].to_vec(), [&sealed[..], b"x"].concat(), Vec::new()] {
        server.give(NEW, Given::Whole(bytes));
        let error = server.download(None, &file.to_string(), 1_000).await.expect_err("damaged");
        assert!(matches!(error, DownloadError::Damaged), "{error}");
    }
    server.give(NEW, Given::Cut(sealed));
    let error = server.download(None, &file.to_string(), 1_000).await.expect_err("cut");
    assert!(matches!(error, DownloadError::Failed(SendError::Unreachable(_))), "{error}");
}

#[test]
fn a_message_that_does_not_say_where_its_file_is_or_how_it_opens_has_none() {
    let (_, file) = encrypted(TEXT);
    let with = |key: &str, value: Value| {
        let mut file = file.clone();
        file[key] = value;
        file.to_string()
    };
    let without = |key: &str| {
        let mut file = file.clone();
        file.as_object_mut().expect("an object").remove(key);
        file.to_string()
    };
    // What the first clients wrote.
    for good in [file.to_string(), without("v"), with("v", "v1".into()), PLAIN.to_owned()] {
        assert!(Source::read(&good).is_some(), "{good}");
    }
    for bad in [
        with("v", "v3".into()).replace("hashes", "ashes"),
        without("key"),
        without("iv"),
        without("hashes"),
        without("url"),
        with("url", "https://hs.example/x".into()),
        with("url", "mxc://hs.example/../../admin".into()),
        with("url", "mxc:///x".into()),
        with("iv", "short".into()),
        with("key", json!({"k": "AAAA", "kty": "oct", "alg": "A256CTR", "ext": true, "key_ops": []})),
        "\"\"".to_owned(),
        "\"mxc://hs.example/..\"".to_owned(),
        "\"mxc://hs.example/a\\\\..\\\\b\"".to_owned(),
        "\"mxc://hs.example/a/b\"".to_owned(),
        "7".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        String::new(),
    ] {
        assert!(Source::read(&bad).is_none(), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_told_from_what_does_not() {
    let server = Server::start();
    let error = |code: &str| json!({"errcode": code, "error": "no"});
    for (status, body) in [
        (500, error("M_UNKNOWN")),
        (502, Value::Null),
        (504, error("M_NOT_YET_UPLOADED")),
        (404, json!("a portal's page")),
        (302, Value::Null),
        (401, error("M_UNKNOWN_TOKEN")),
    ] {
        server.give(NEW, Given::Status(status, body));
        let error = server.download(None, PLAIN, 1_000).await.expect_err("an error");
        assert!(matches!(error, DownloadError::Failed(SendError::Unreachable(_))), "{status}: {error}");
    }
    server.give(NEW, Given::Status(404, error("M_NOT_FOUND")));
    assert!(matches!(server.download(None, PLAIN, 1_000).await, Err(DownloadError::Gone)));
    server.give(NEW, Given::Status(403, error("M_FORBIDDEN")));
    let refused = server.download(None, PLAIN, 1_000).await.expect_err("an error");
    assert!(matches!(refused, DownloadError::Failed(SendError::Refused(_))), "{refused}");
    server.give(NEW, Given::Status(429, json!({"errcode": "M_LIMIT_EXCEEDED", "error": "no", "retry_after_ms": 2000})));
    let limited = server.download(None, PLAIN, 1_000).await.expect_err("an error");
    assert!(matches!(limited, DownloadError::Failed(SendError::Limited(wait)) if wait.as_secs() == 2), "{limited}");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_an_antivirus_proxy_nothing_is_downloaded_but_through_it() {
    let server = Server::start();
    // Below a path of its own.
    let proxy = server.url.join("scanner").expect("a URL");
    let (sealed, file) = encrypted(TEXT);
    let (sealing, plain) = (
        "/scanner/_matrix/media_proxy/unstable/download_encrypted",
        "/scanner/_matrix/media_proxy/unstable/download/hs.example/Abc_-9",
    );
    // The proxy hands out what the homeserver has, still encrypted.
    server.give(sealing, Given::Streamed(sealed.clone()));
    assert_eq!(server.download(Some(&proxy), &file.to_string(), 1_000).await.expect("downloaded"), TEXT);
    server.give(plain, Given::Whole(TEXT.to_vec()));
    assert_eq!(server.download(Some(&proxy), PLAIN, 1_000).await.expect("downloaded"), TEXT);
    let requests = server.requests();
    assert_eq!((requests[0].0.as_str(), requests[0].1.as_str()), (&*format!("POST {sealing}"), "Bearer s3cret"));
    let body: Value = serde_json::from_str(&requests[0].2).expect("JSON");
    assert_eq!((&body["file"]["url"], &body["file"]["hashes"]), (&file["url"], &file["hashes"]));
    assert_eq!(body["file"]["key"]["k"], file["key"]["k"]);
    assert_eq!(requests[1].0, format!("GET {plain}"));
    for (status, reason) in [
        (403, "MCS_MEDIA_NOT_CLEAN"),
        (403, "MCS_MIME_TYPE_FORBIDDEN"),
        (403, "MCS_BAD_DECRYPTION"),
        (400, "MCS_MEDIA_FAILED_TO_DECRYPT"),
        (404, "M_NOT_FOUND"),
        (502, "MCS_MEDIA_REQUEST_FAILED"),
        (500, "M_UNKNOWN"),
        (401, "M_UNKNOWN_TOKEN"),
        (403, ""),
    ] {
        server.give(sealing, Given::Status(status, json!({"reason": reason, "info": "***VIRUS DETECTED***"})));
        let error = server.download(Some(&proxy), &file.to_string(), 1_000).await.expect_err("an error");
        let fits = match reason {
            "MCS_MEDIA_NOT_CLEAN" => matches!(error, DownloadError::Infected),
            "MCS_MIME_TYPE_FORBIDDEN" => matches!(error, DownloadError::Forbidden),
            "MCS_BAD_DECRYPTION" | "MCS_MEDIA_FAILED_TO_DECRYPT" => matches!(error, DownloadError::Damaged),
            "M_NOT_FOUND" => matches!(error, DownloadError::Gone),
            _ => matches!(error, DownloadError::Failed(SendError::Unreachable(_))),
        };
        assert!(fits, "{status} {reason}: {error}");
        assert!(!error.to_string().contains("VIRUS"));
    }
    // Never around it.
    assert!(!server.requests().iter().any(|(request, ..)| request.contains("/_matrix/client/")));
}
