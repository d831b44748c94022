//! A homeserver that misbehaves: a proxy in front of a good one, for one bot, with faults by path.
//!
//! One request per connection.

use std::{
    io::{self, BufReader, Write as _},
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::Duration,
};

use serde::Deserialize;
use serde_json::Value;

use super::listening::Listening;

/// A change of a JSON answer.
pub type Change = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// What happens to a request.
#[derive(Clone)]
pub enum Fault {
    /// It never arrives: the connection is closed.
    Refused,
    /// It never arrives: this is the answer, with this status.
    Answered(u16, Value),
    /// It never arrives: this is the answer, as it stands.
    Page(Arc<Page>),
    /// It arrives, and its answer is lost.
    Lost,
    /// Its sender learns nothing, and it arrives this much later.
    Late(Duration),
    /// It arrives, and its answer ends in the middle.
    Cut,
    /// It arrives, and its answer takes this much longer.
    Slow(Duration),
    /// Nothing happens until the fault is lifted; then it arrives.
    Frozen,
    /// It never arrives: the answer to the last one of its kind is given again.
    Repeated,
    /// It arrives, and its answer is changed.
    Changed(Change),
}

/// An answer of something that is no homeserver, or of one that refuses: those that are known stand in `answers.yaml`.
#[derive(Clone, Debug, Deserialize)]
pub struct Page {
    /// Who gives it, and when.
    pub from: String,
    /// Its status.
    pub status: u16,
    /// Its media type.
    #[serde(rename = "type")]
    pub media_type: String,
    /// Where it redirects to.
    pub location: Option<String>,
    /// What it is to mean to the bot.
    pub means: String,
    /// The body.
    pub body: String,
}

impl Page {
    /// All that are known.
    pub fn all() -> Vec<Self> {
        serde_yaml::from_str(include_str!("answers.yaml")).expect("the table of answers")
    }
}

struct Rule {
    method: &'static str,
    path: String,
    fault: Fault,
    /// How often it still applies; `None` until it is lifted.
    left: Option<usize>,
}

#[derive(Default)]
struct Shared {
    upstream: u16,
    rules: Mutex<Vec<Rule>>,
    /// The last answer to a sync.
    last: Mutex<Option<Response>>,
    /// How many late requests have arrived.
    arrived: Mutex<usize>,
    /// How many requests met a fault.
    met: Mutex<usize>,
}

/// The proxy; it ends with this value.
pub struct Proxy {
    listening: Listening,
    shared: Arc<Shared>,
}

#[derive(Clone)]
struct Response {
    status: String,
    media_type: String,
    location: Option<String>,
    body: Vec<u8>,
}

impl Response {
    fn json(status: &str, body: Vec<u8>) -> Self {
        Self { status: status.to_owned(), media_type: "application/json".to_owned(), location: None, body }
    }
}

impl Proxy {
    /// In front of the homeserver at `url`.
    pub fn start(url: &str) -> Self {
        let upstream = url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let shared = Arc::new(Shared { upstream, ..Shared::default() });
        let serving = Arc::clone(&shared);
        let listening = Listening::start(move |stream| {
            // A client that goes away in the middle is no error.
            let _ = serving.serve(stream);
        });
        Self { listening, shared }
    }

    /// The base URL for the bot.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.listening.port())
    }

    /// Has requests whose path contains `path` meet a fault, `times` times or until [`Self::lift`]. An empty method is any.
    pub fn fault(&self, method: &'static str, path: &str, fault: Fault, times: Option<usize>) {
        self.shared.rules().push(Rule { method, path: path.to_owned(), fault, left: times });
    }

    /// Ends all faults.
    pub fn lift(&self) {
        self.shared.rules().clear();
    }

    /// How many late requests have arrived by now.
    pub fn arrived(&self) -> usize {
        *self.shared.arrived.lock().expect("the count")
    }

    /// How many requests met a fault since the start.
    pub fn met(&self) -> usize {
        *self.shared.met.lock().expect("the count")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.lift();
    }
}

impl Shared {
    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().expect("the rules")
    }

    /// The faults that this request meets, in the order in which they were set.
    fn faults(&self, method: &str, path: &str) -> Vec<Fault> {
        let mut met = Vec::new();
        self.rules().retain_mut(|rule| {
            if (rule.method.is_empty() || rule.method == method) && path.contains(&rule.path) {
                met.push(rule.fault.clone());
                rule.left = rule.left.map(|left| left - 1);
            }
            rule.left != Some(0)
        });
        *self.met.lock().expect("the count") += usize::from(!met.is_empty());
        met
    }

    fn is_frozen(&self) -> bool {
        self.rules().iter().any(|rule| matches!(rule.fault, Fault::Frozen))
    }

    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let (head, body) = read_message(&mut reader)?;
        let mut words = head.lines().next().unwrap_or_default().split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let faults = self.faults(method, path);
        let is_sync = path.contains("/sync");
        for fault in &faults {
            match fault {
                Fault::Refused => return Ok(()),
                Fault::Answered(status, body) => {
                    return answer(stream, &Response::json(&status.to_string(), body.to_string().into()), None);
                }
                Fault::Page(page) => {
                    let response = Response {
                        status: page.status.to_string(),
                        media_type: page.media_type.clone(),
                        location: page.location.clone(),
                        body: page.body.clone().into(),
                    };
                    return answer(stream, &response, None);
                }
                Fault::Late(delay) => {
                    stream.shutdown(Shutdown::Both)?;
                    thread::sleep(*delay);
                    self.forward(&head, &body)?;
                    *self.arrived.lock().expect("the count") += 1;
                    return Ok(());
                }
                Fault::Slow(delay) => thread::sleep(*delay),
                Fault::Frozen => {
                    while self.is_frozen() {
                        thread::sleep(Duration::from_millis(20));
                    }
                }
                Fault::Repeated => {
                    let last = self.last.lock().expect("the last answer").clone();
                    if let Some(last) = last.filter(|_| is_sync) {
                        return answer(stream, &last, None);
                    }
                }
                Fault::Lost | Fault::Cut | Fault::Changed(_) => {}
            }
        }
        let mut response = self.forward(&head, &body)?;
        for fault in &faults {
            if let Fault::Changed(change) = fault
                && let Ok(mut json) = serde_json::from_slice::<Value>(&response.body)
            {
                change(&mut json);
                response.body = json.to_string().into();
            }
        }
        if faults.iter().any(|fault| matches!(fault, Fault::Lost)) {
            return Ok(());
        }
        if is_sync {
            *self.last.lock().expect("the last answer") = Some(response.clone());
        }
        let cut = faults.iter().any(|fault| matches!(fault, Fault::Cut));
        answer(stream, &response, cut.then_some(response.body.len() / 2))
    }

    fn forward(&self, head: &str, body: &[u8]) -> io::Result<Response> {
        let mut upstream = TcpStream::connect(("127.0.0.1", self.upstream))?;
        for line in head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:")) {
            write!(upstream, "{line}\r\n")?;
        }
        upstream.write_all(b"Connection: close\r\n\r\n")?;
        upstream.write_all(body)?;
        let (head, body) = read_message(&mut BufReader::new(upstream))?;
        let status = head.split(' ').nth(1).unwrap_or("502").to_owned();
        Ok(Response::json(&status, body))
    }
}

/// The head, without its empty line, and the body.
fn read_message(reader: &mut impl io::BufRead) -> io::Result<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let head = head.trim_end().to_owned();
    let field = |name: &str| {
        head.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.eq_ignore_ascii_case(name))
    };
    let mut body = Vec::new();
    if field("transfer-encoding").is_some() {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk)?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    } else if let Some((_, length)) = field("content-length") {
        body.resize(length.trim().parse().unwrap_or(0), 0);
        reader.read_exact(&mut body)?;
    }
    Ok((head, body))
}

/// Writes an answer, or the first `bytes` of its body.
fn answer(mut stream: &TcpStream, response: &Response, bytes: Option<usize>) -> io::Result<()> {
    let Response { status, media_type, location, body } = response;
    write!(stream, "HTTP/1.1 {status} X\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n", body.len())?;
    if let Some(location) = location {
        write!(stream, "Location: {location}\r\n")?;
    }
    stream.write_all(b"Connection: close\r\n\r\n")?;
    stream.write_all(&body[..bytes.unwrap_or(body.len())])
}

/// Changes each value under `key`, however deep.
pub fn each(json: &mut Value, key: &str, change: &dyn Fn(&mut Value)) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == key {
                    change(value);
                } else {
                    each(value, key, change);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| each(value, key, change)),
        _ => {}
    }
}
