//! A service for tests: it keeps what it is sent, and answers as it is told.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response, StatusCode, header::RETRY_AFTER},
};
use futures_util::stream;

/// How a call is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// As a service does that has done it.
    Done,
    /// With this status.
    Status(u16),
    /// With the wish to wait for so many seconds.
    Wait(u32),
    /// As a service does that names the fields that it does not take.
    Refuses(&'static str),
    /// As Docs does that has made a document of this number.
    Made(u32),
    /// It is done, and the answer ends before its end.
    Cut,
    /// It is done, and the answer takes this long.
    Slow(Duration),
    /// It is done, and the answer has so many bytes.
    Long(usize),
}

/// One call as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) key: String,
    pub(crate) body: String,
    pub(crate) authorization: Option<String>,
}

#[derive(Default)]
struct Seen {
    answers: VecDeque<Answer>,
    calls: Vec<Call>,
}

/// The service, on a thread of its own: a test may block its own runtime, or end a process in the middle of a call.
pub(crate) struct FakeService {
    /// Where it is.
    pub(crate) url: String,
    seen: Arc<Mutex<Seen>>,
}

impl FakeService {
    /// Begins to serve, on a free port of this machine, until the program ends.
    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let url = format!("http://{}/calls", listener.local_addr().expect("an address"));
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

    /// How the next calls are answered; those after them are done.
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).answers.extend(answers);
    }

    /// The calls that have arrived, in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).calls.clone()
    }
}

async fn answer(State(seen): State<Arc<Mutex<Seen>>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
    let call = Call {
        key: header("idempotency-key").unwrap_or_default(),
        body: String::from_utf8_lossy(&body).into_owned(),
        authorization: header("authorization"),
    };
    let answer = {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.calls.push(call);
        seen.answers.pop_front().unwrap_or(Answer::Done)
    };
    let response = Response::builder();
    let response = match answer {
        Answer::Done => response.body(Body::from("{\"done\":1}")),
        Answer::Status(status) => response.status(status).header("location", "http://127.0.0.1:9/").body(Body::empty()),
        Answer::Refuses(fields) => response.status(400).body(Body::from(fields)),
        Answer::Made(number) => {
            response.status(201).body(Body::from(format!("{{\"id\":\"0f8fad5b-d9cb-469f-a165-{number:012}\"}}")))
        }
        Answer::Wait(seconds) => {
            response.status(StatusCode::TOO_MANY_REQUESTS).header(RETRY_AFTER, seconds).body(Body::empty())
        }
        Answer::Cut => {
            let pieces = [Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("cut"))];
            response.body(Body::from_stream(stream::iter(pieces)))
        }
        Answer::Slow(time) => {
            tokio::time::sleep(time).await;
            response.body(Body::from("{\"done\":1}"))
        }
        Answer::Long(bytes) => {
            let whole = std::iter::repeat_n(1024, bytes / 1024).chain([bytes % 1024]);
            let pieces = whole.map(|size| Ok::<_, Infallible>(Bytes::from(vec![b'x'; size]))).collect::<Vec<_>>();
            response.body(Body::from_stream(stream::iter(pieces)))
        }
    };
    response.expect("an answer")
}
