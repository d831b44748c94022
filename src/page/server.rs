//! The site over HTTP: what every answer says about itself, and what is asked for in a way that there is no answer to.

use std::{future::Future, sync::Arc, time::Instant};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use super::{
    cache::Cache,
    config::Config,
    listener::Bounded,
    site::{Document, Site},
    source::Source,
    templates::STYLE,
    texts::Address,
};
use crate::compagnon::Language;

/// How long a browser or a proxy may keep what it has without asking again, in seconds.
const FRESH: &str = "public, max-age=300";

/// What answers are made of.
struct Server {
    cache: Cache,
    policy: HeaderValue,
    not_found: Document,
    unavailable: Document,
}

/// Serves until `over` completes.
pub async fn serve(
    listener: TcpListener,
    config: Config,
    source: Arc<dyn Source>,
    over: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let said = |error| std::io::Error::other(format!("{error}"));
    let not_found = Site::not_found(&config).map_err(said)?;
    let unavailable = Site::unavailable(&config).map_err(said)?;
    let policy = HeaderValue::try_from(policy()).map_err(std::io::Error::other)?;
    let cache = Cache::new(Arc::new(config), source);
    let server = Arc::new(Server { cache, policy, not_found, unavailable });
    let router = Router::new().fallback(answer).with_state(server);
    axum::serve(Bounded::new(listener), router).with_graceful_shutdown(over).await
}

/// Nothing is loaded, framed, sent or run; the style is the one in the page, by its hash.
fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

async fn answer(State(server): State<Arc<Server>>, request: Request) -> Response {
    let method = request.method();
    let mut response = if method == Method::GET || method == Method::HEAD {
        let path = request.uri().path().trim_start_matches('/').to_owned();
        server.document(&path, request.headers()).await
    } else {
        let mut refused = empty(StatusCode::METHOD_NOT_ALLOWED);
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        refused
    };
    protect(response.headers_mut(), &server.policy);
    response
}

impl Server {
    async fn document(&self, path: &str, headers: &HeaderMap) -> Response {
        if path.is_empty() {
            return to_the_statistics(headers);
        }
        let Some(site) = self.cache.site(Instant::now()).await else {
            let mut response = whole(StatusCode::SERVICE_UNAVAILABLE, &self.unavailable);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            return response;
        };
        let Some(document) = site.get(path) else { return whole(StatusCode::NOT_FOUND, &self.not_found) };
        let mut response = if knows(headers, &document.tag) {
            empty(StatusCode::NOT_MODIFIED)
        } else {
            whole(StatusCode::OK, document)
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(FRESH));
        if let Ok(tag) = HeaderValue::try_from(&document.tag) {
            headers.insert(header::ETAG, tag);
        }
        response
    }
}

/// Whoever comes to the root is sent to the page in their language.
fn to_the_statistics(headers: &HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let language = preferred(accepted);
    let mut response = empty(StatusCode::FOUND);
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::from_static(Address::Statistics.path(language)));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
    response
}

/// English for who asks for it rather than for French.
fn preferred(accepted: &str) -> Language {
    let weight = |wanted: &str| {
        let ranges = accepted.split(',').filter_map(|range| {
            let (tag, rest) = range.split_once(';').unwrap_or((range, ""));
            let tag = tag.trim().split('-').next().unwrap_or("");
            let weight =
                rest.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.trim().parse::<f32>().ok())?;
            tag.eq_ignore_ascii_case(wanted).then_some(weight)
        });
        ranges.fold(0.0, f32::max)
    };
    if weight("en") > weight("fr") { Language::En } else { Language::Fr }
}

/// Whether who asks has this already.
fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|list| list.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    })
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn whole(status: StatusCode, document: &Document) -> Response {
    let mut response = Response::new(Body::from(document.body.clone()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(document.media));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(language) = document.language {
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language));
    }
    if let Some(name) = document.file
        && let Ok(disposition) = HeaderValue::try_from(format!("attachment; filename=\"{name}\""))
    {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

fn protect(headers: &mut HeaderMap, policy: &HeaderValue) {
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        // Places are few: a connection is for one request.
        ("connection", "close"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::preferred;
    use crate::compagnon::Language::{En, Fr};

    #[test]
    fn the_root_leads_to_the_language_that_is_preferred() {
        for (accepted, language) in [
            ("", Fr),
            ("fr-FR,fr;q=0.9,en;q=0.8", Fr),
            ("en-GB,en;q=0.9,fr;q=0.5", En),
            ("EN", En),
            ("en;q=0.2, fr;q=0.8", Fr),
            ("de, en;q=0.3", En),
            ("de", Fr),
            ("en;q=x", Fr),
            ("en;q=NaN", Fr),
            (",,;;q=,-", Fr),
        ] {
            assert_eq!(preferred(accepted), language, "{accepted}");
        }
    }
}
