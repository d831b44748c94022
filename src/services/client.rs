//! One call is one request: a `POST` of a JSON body with an `Idempotency-Key`. Whether and when to try again is decided by the caller,
//! which knows what else waits.
//!
//! | answer | meaning |
//! |---|---|
//! | 2xx | done; the body, if it is not too long, is what the service says of it |
//! | nothing, a connection that breaks, 408, 409, 425, any 5xx | [`CallError::Unreachable`]: tried again with the same key |
//! | 429 | [`CallError::Limited`]: tried again after `Retry-After` |
//! | a redirection, any other 4xx, a name that the configuration does not have | [`CallError::Refused`]: given up |
//!
//! 409 is what services that honour the key answer while the first call with it is still being processed.

use std::{collections::BTreeMap, error::Error as _, fmt, time::Duration};

use jiff::Timestamp;
use metrics::counter;
use reqwest::{
    Client, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
    redirect::Policy,
    tls,
};
use url::Url;

use super::config::{self, Config};
use crate::{
    message::Egress,
    metric::EGRESS,
    setting::{self, Refused},
};

/// The longest answer that is kept. A longer one counts as done, without its body.
const LONGEST_ANSWER: usize = 64 << 10;

/// The longest file with a token that is read.
const LONGEST_TOKEN: u64 = 64 << 10;

/// The wait when a service asks for one without saying how long.
const DEFAULT_WAIT: Duration = Duration::from_secs(5);

/// The longest wait that is granted: an absurd one would hold a call back for ever.
const MOST_WAIT: Duration = Duration::from_mins(15);

/// Tells a service that a repeated call is the same one (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// How requests end, for Prometheus: taken, refused for good, or to be tried again.
const DONE: &str = "done";
const REFUSED: &str = "refused";
const FAILED: &str = "failed";
const OUTCOMES: [&str; 3] = [DONE, REFUSED, FAILED];

/// Why a call has no answer that counts.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The service asks to wait.
    #[error("the service asks to wait {0:?}")]
    Limited(Duration),
    /// The service could not be reached, failed, or is still at it; the same key may be tried again.
    #[error("the service did not answer: {0}")]
    Unreachable(String),
    /// The service will never take this call.
    #[error("the service refuses the call: {0}")]
    Refused(String),
}

/// Why a call to a service that does not honour keys did not succeed.
#[derive(Debug, PartialEq, Eq)]
pub enum OnceError {
    /// Nothing of it has arrived, or the service asks to wait: it may be made again.
    NotMade(Duration),
    /// The service does not take it.
    Refused {
        /// The status that it answered.
        status: u16,
        /// The fields that it names.
        fields: Vec<String>,
    },
    /// Nobody knows whether it was done.
    Unknown,
}

/// The services that the configuration names, ready to be called.
#[derive(Debug)]
pub struct Services {
    client: Client,
    services: BTreeMap<String, Service>,
}

struct Service {
    url: Url,
    token: Option<HeaderValue>,
    timeout: Duration,
}

impl fmt::Debug for Service {
    /// Leaves the token out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Service").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Services {
    /// Reads the tokens' files and prepares the connections. Asks no service anything.
    pub fn open(config: &Config) -> Result<Self, Refused> {
        let builder = Client::builder()
            .user_agent(concat!("compagnon/", env!("CARGO_PKG_VERSION")))
            .tls_version_min(tls::Version::TLS_1_2)
            // A redirected POST becomes a GET, or takes its content to another system.
            .redirect(Policy::none())
            .retry(reqwest::retry::never());
        let client = builder.build().map_err(|error| Refused::new("services", explain(&error)))?;
        let services = config.0.iter().map(|(name, service)| Ok((name.clone(), Service::open(name, service)?)));
        let services = services.collect::<Result<BTreeMap<_, _>, Refused>>()?;
        // `rate` sees no growth to the first value of a series.
        for (name, outcome) in services.keys().flat_map(|name| OUTCOMES.map(|outcome| (name, outcome))) {
            counter!(EGRESS, "service" => name.clone(), "outcome" => outcome).increment(0);
        }
        Ok(Self { client, services })
    }

    /// Whether the configuration names a service.
    #[must_use]
    pub fn has(&self, service: &str) -> bool {
        self.services.contains_key(service)
    }

    /// Calls a service once, and gives what it answers. The same key may be given again, as often as it takes.
    pub async fn call(&self, egress: &Egress) -> Result<String, CallError> {
        let request = self.request(egress)?;
        let answer = Self::answer(request).await;
        count(
            egress,
            match &answer {
                Ok(_) => DONE,
                Err(CallError::Refused(_)) => REFUSED,
                Err(CallError::Limited(_) | CallError::Unreachable(_)) => FAILED,
            },
        );
        answer
    }

    async fn answer(request: reqwest::RequestBuilder) -> Result<String, CallError> {
        let response = request.send().await.map_err(|error| sent_badly(&error))?;
        let status = response.status();
        if status.is_success() {
            return body(response).await;
        }
        Err(failure(status, response.headers()))
    }

    /// As [`Services::call`], for a service that would do a call twice that is made twice: tells what may be repeated from what may not.
    pub async fn call_once(&self, egress: &Egress) -> Result<String, OnceError> {
        let request = self.request(egress).map_err(|_| not_taken(0))?;
        let answer = Self::answer_once(request).await;
        count(
            egress,
            match &answer {
                Ok(_) => DONE,
                Err(OnceError::Refused { .. }) => REFUSED,
                Err(OnceError::NotMade(_) | OnceError::Unknown) => FAILED,
            },
        );
        answer
    }

    async fn answer_once(request: reqwest::RequestBuilder) -> Result<String, OnceError> {
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_builder() => return Err(not_taken(0)),
            Err(error) if error.is_connect() => {
                tracing::warn!(error = explain(&error), "a service could not be reached");
                return Err(OnceError::NotMade(DEFAULT_WAIT));
            }
            Err(error) => {
                tracing::warn!(error = explain(&error), "nobody knows what became of a call");
                return Err(OnceError::Unknown);
            }
        };
        let status = response.status();
        match status {
            // It is done, even where the end of the answer is missing.
            _ if status.is_success() => Ok(body(response).await.unwrap_or_default()),
            StatusCode::TOO_MANY_REQUESTS => Err(OnceError::NotMade(wait(response.headers(), Timestamp::now()))),
            StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::TOO_EARLY => Err(OnceError::Unknown),
            _ if status.is_server_error() => Err(OnceError::Unknown),
            _ => {
                let said = body(response).await.unwrap_or_default();
                Err(OnceError::Refused { status: status.as_u16(), fields: fields(&said) })
            }
        }
    }

    fn request(&self, egress: &Egress) -> Result<reqwest::RequestBuilder, CallError> {
        let service = self.services.get(&egress.service);
        let service = service.ok_or_else(|| CallError::Refused("the configuration does not name it".to_owned()))?;
        let mut request = self
            .client
            .post(service.url.clone())
            .timeout(service.timeout)
            .header(CONTENT_TYPE, "application/json")
            .header(IDEMPOTENCY_KEY, &egress.idempotency_key)
            .body(egress.body.clone());
        if let Some(token) = &service.token {
            request = request.header(AUTHORIZATION, token.clone());
        }
        Ok(request)
    }
}

impl Service {
    fn open(name: &str, config: &config::Service) -> Result<Self, Refused> {
        let refused = |field: &str, reason: String| Refused::new(format!("services.{name}.{field}"), reason);
        let url = Url::parse(&config.url).map_err(|error| refused("url", error.to_string()))?;
        let token = match &config.token_file {
            Some(path) => {
                let reason = |reason: &str| refused("token_file", format!("{}: {reason}", path.display()));
                let text = setting::file::read(path, LONGEST_TOKEN).map_err(|error| reason(&error))?;
                let line = text.lines().next().map(str::trim).filter(|line| !line.is_empty());
                let line = line.ok_or_else(|| reason("its first line is empty"))?;
                let value = HeaderValue::from_str(&format!("Bearer {line}"));
                let mut value = value.map_err(|_| reason("its first line cannot be a token"))?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        Ok(Self { url, token, timeout: config.timeout.unsigned_abs() })
    }
}

/// A call that will never be taken, of which the service names nothing.
fn not_taken(status: u16) -> OnceError {
    OnceError::Refused { status, fields: Vec::new() }
}

/// Counts a request that was made.
fn count(egress: &Egress, outcome: &'static str) {
    counter!(EGRESS, "service" => egress.service.clone(), "outcome" => outcome).increment(1);
}

/// The most fields of a refusal that are read.
const MOST_FIELDS: usize = 8;

/// The fields that a refusal names. What it says of them may repeat what was sent, and is not read.
fn fields(body: &str) -> Vec<String> {
    let Ok(serde_json::Value::Object(named)) = serde_json::from_str(body) else { return Vec::new() };
    let plain = |name: &String| name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    named.into_iter().map(|(name, _)| name).filter(plain).take(MOST_FIELDS).collect()
}

/// What the service says of a call that it has taken.
async fn body(mut response: Response) -> Result<String, CallError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| CallError::Unreachable(explain(&error)))? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Ok(String::new());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// A request that got no answer. One that could not even be made is refused for good.
fn sent_badly(error: &reqwest::Error) -> CallError {
    if error.is_builder() { CallError::Refused(explain(error)) } else { CallError::Unreachable(explain(error)) }
}

/// What an answer other than success means. Its body may repeat what was sent, and is not read.
fn failure(status: StatusCode, headers: &HeaderMap) -> CallError {
    let reason = format!("status {}", status.as_u16());
    match status {
        StatusCode::TOO_MANY_REQUESTS => CallError::Limited(wait(headers, Timestamp::now())),
        StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::TOO_EARLY => CallError::Unreachable(reason),
        status if status.is_server_error() => CallError::Unreachable(reason),
        status if status.is_redirection() => {
            CallError::Refused(format!("{reason}, a redirection, which is not followed"))
        }
        _ => CallError::Refused(reason),
    }
}

/// How long `Retry-After` asks to wait: seconds, or a date.
fn wait(headers: &HeaderMap, now: Timestamp) -> Duration {
    let text = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::trim);
    let seconds = text.and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let date = || {
        let date = jiff::fmt::rfc2822::parse(text?).ok()?.timestamp();
        Duration::try_from(date.duration_since(now)).ok()
    };
    seconds.or_else(date).unwrap_or(DEFAULT_WAIT).min(MOST_WAIT)
}

/// The causes of an error, without the address, which may hold more than its host.
fn explain(error: &reqwest::Error) -> String {
    let mut causes = Vec::<String>::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Each layer repeats the one below it.
        if causes.last().is_none_or(|last| !last.ends_with(&text)) {
            causes.push(text);
        }
        cause = error.source();
    }
    match causes.is_empty() {
        true if error.is_timeout() => "it took too long".to_owned(),
        true => "the connection failed".to_owned(),
        false => causes.join(": "),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

    use super::{CallError, Config, DEFAULT_WAIT, Egress, LONGEST_ANSWER, MOST_WAIT, OnceError, Services, wait};
    use crate::services::fake::{Answer, FakeService};

    fn egress(service: &str) -> Egress {
        let (service, idempotency_key) = (service.to_owned(), "key-1".to_owned());
        Egress { service, idempotency_key, body: "{\"a\":1}".to_owned(), once: false }
    }

    fn services(server: &FakeService, more: &str) -> Services {
        let yaml = format!("docs: {{url: '{}', timeout: 1s{more}}}", server.url);
        Services::open(&serde_yaml::from_str(&yaml).expect("a section")).expect("ready")
    }

    async fn call(answer: Answer) -> Result<String, CallError> {
        let server = FakeService::start();
        server.answer([answer]);
        services(&server, "").call(&egress("docs")).await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_call_carries_its_body_its_key_and_the_token() {
        let folder = tempfile::tempdir().expect("a folder");
        let token = folder.path().join("token");
        std::fs::write(&token, "s3cret\n").expect("written");
        let server = FakeService::start();
        let services = services(&server, &format!(", token_file: '{}'", token.display()));
        assert_eq!(services.call(&egress("docs")).await.expect("taken"), "{\"done\":1}");
        let calls = server.calls();
        assert_eq!(calls.len(), 1);
        assert_eq!((calls[0].key.as_str(), calls[0].body.as_str()), ("key-1", "{\"a\":1}"));
        assert_eq!(calls[0].authorization.as_deref(), Some("Bearer s3cret"));
        assert!(!format!("{services:?}").contains("s3cret"));
        std::fs::write(&token, "\n").expect("written");
        let config = format!("docs: {{url: 'http://h/', token_file: '{}'}}", token.display());
        let refused = Services::open(&serde_yaml::from_str(&config).expect("a section")).expect_err("no token");
        assert_eq!(refused.key, "services.docs.token_file");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_passes_is_told_from_what_does_not() {
        for status in [500, 503, 408, 409, 425] {
            let error = call(Answer::Status(status)).await.expect_err("an error");
            assert!(matches!(error, CallError::Unreachable(_)), "{status}: {error}");
        }
        for status in [302, 308, 400, 401, 403, 404, 413, 422] {
            let error = call(Answer::Status(status)).await.expect_err("an error");
            assert!(matches!(error, CallError::Refused(_)), "{status}: {error}");
        }
        let error = call(Answer::Wait(7)).await.expect_err("an error");
        assert!(matches!(error, CallError::Limited(wait) if wait == Duration::from_secs(7)), "{error}");
        for answer in [Answer::Cut, Answer::Slow(Duration::from_secs(30))] {
            let error = call(answer).await.expect_err("an error");
            assert!(matches!(error, CallError::Unreachable(_)), "{error}");
        }
        let server = FakeService::start();
        let error = services(&server, "").call(&egress("other")).await.expect_err("unknown");
        assert!(matches!(error, CallError::Refused(_)) && server.calls().is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_a_call_that_is_made_once_it_is_known_whether_it_may_be_repeated() {
        let once = async |answer: Answer| {
            let server = FakeService::start();
            server.answer([answer]);
            services(&server, "").call_once(&egress("docs")).await
        };
        let refused = |status, fields: &[&str]| {
            let fields = fields.iter().map(|&field| field.to_owned()).collect();
            Err(OnceError::Refused { status, fields })
        };
        assert_eq!(once(Answer::Done).await, Ok("{\"done\":1}".to_owned()));
        assert_eq!(once(Answer::Wait(7)).await, Err(OnceError::NotMade(Duration::from_secs(7))));
        assert_eq!(
            once(Answer::Refuses("{\"email\": [\"a@b is taken\"], \"Odd key\": 1}")).await,
            refused(400, &["email"])
        );
        assert_eq!(once(Answer::Refuses("no JSON")).await, refused(400, &[]));
        assert_eq!(once(Answer::Status(401)).await, refused(401, &[]));
        for answer in [Answer::Cut, Answer::Status(500), Answer::Status(503), Answer::Slow(Duration::from_secs(30))] {
            assert_eq!(once(answer).await, Err(OnceError::Unknown), "{answer:?}");
        }
        let nobody: Config =
            serde_yaml::from_str("docs: {url: 'http://127.0.0.1:1/', timeout: 1s}").expect("a section");
        let nobody = Services::open(&nobody).expect("ready");
        assert_eq!(nobody.call_once(&egress("docs")).await, Err(OnceError::NotMade(DEFAULT_WAIT)));
        assert_eq!(nobody.call_once(&egress("other")).await, refused(0, &[]));
        assert!(nobody.has("docs") && !nobody.has("other"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_endless_answer_is_not_read_to_its_end() {
        assert_eq!(call(Answer::Long(LONGEST_ANSWER)).await.expect("taken").len(), LONGEST_ANSWER);
        assert_eq!(call(Answer::Long(LONGEST_ANSWER + 1)).await.expect("taken"), "");
    }

    #[test]
    fn a_wait_is_seconds_or_a_date_and_bounded() {
        let now = Timestamp::from_second(1_800_000_000).expect("a time");
        let asked =
            |text: &'static str| wait(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]), now);
        assert_eq!(asked("120"), Duration::from_mins(2));
        assert_eq!(asked("Fri, 15 Jan 2027 08:01:00 GMT"), Duration::from_mins(1));
        assert_eq!(asked("Fri, 15 Jan 2027 07:00:00 GMT"), DEFAULT_WAIT, "a date that is over");
        assert_eq!(asked("99999999999"), MOST_WAIT);
        assert_eq!([asked("soon"), wait(&HeaderMap::new(), now)], [DEFAULT_WAIT; 2]);
    }
}
