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
    site::{Document, Notice, Site},
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
    not_found: Notice,
    unavailable: Notice,
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
        server.document(request.uri().path(), request.headers()).await
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
        // Slashes before an address are folders for a browser, and none for us.
        let address = path.trim_start_matches('/');
        if address.is_empty() {
            return to_the_statistics(headers);
        }
        let below = path.strip_prefix('/').unwrap_or(path);
        let Some(site) = self.cache.site(Instant::now()).await else {
            let mut response = notice(StatusCode::SERVICE_UNAVAILABLE, &self.unavailable, below);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            return response;
        };
        let Some(document) = site.get(address) else {
            return match address.strip_suffix('/').filter(|address| site.get(address).is_some()) {
                Some(address) => without_its_slash(address),
                None => notice(StatusCode::NOT_FOUND, &self.not_found, below),
            };
        };
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
    let accepted = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    let language = preferred(&accepted.collect::<Vec<_>>().join(","));
    let mut response = empty(StatusCode::FOUND);
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::from_static(Address::Statistics.path(language)));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
    response
}

/// An address with a slash too much. Relative, so that a proxy may put the site below a path.
fn without_its_slash(address: &str) -> Response {
    let mut response = empty(StatusCode::MOVED_PERMANENTLY);
    if let Ok(location) = HeaderValue::try_from(format!("../{address}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// English for who asks for it rather than for French. A language that is not named has the weight of `*`.
fn preferred(accepted: &str) -> Language {
    let weight = |wanted: &str| {
        let ranges = accepted.split(',').filter_map(|range| {
            let (tag, rest) = range.split_once(';').unwrap_or((range, ""));
            let tag = tag.trim().split(['-', '_']).next().unwrap_or("");
            let weight = rest.trim().strip_prefix(['q', 'Q']).and_then(|rest| rest.trim_start().strip_prefix('='));
            let weight = weight.map_or(Some(1.0), |weight| weight.trim().parse::<f32>().ok())?;
            tag.eq_ignore_ascii_case(wanted).then_some(weight)
        });
        ranges.reduce(f32::max)
    };
    let weight = |wanted| weight(wanted).or_else(|| weight("*")).unwrap_or(0.0);
    if weight("en") > weight("fr") { Language::En } else { Language::Fr }
}

/// What proxies put into a tag when they compress: Apache's `mod_deflate` and `mod_brotli`, Jetty.
const COMPRESSED: [&str; 5] = ["--gzip", "-gzip", ";gzip", "-br", "-zstd"];

/// Whether who asks has this already, as it is or as a proxy compressed it.
fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|list| list.split(',')).any(|one| {
        let one = one.trim();
        let inner = |tag: &str| Some(tag.strip_prefix('"')?.strip_suffix('"')?.to_owned());
        let (Some(own), Some(their)) = (inner(tag), inner(one.strip_prefix("W/").unwrap_or(one))) else {
            return one == "*";
        };
        their.strip_prefix(&own).is_some_and(|rest| rest.is_empty() || COMPRESSED.contains(&rest))
    })
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn notice(status: StatusCode, notice: &Notice, address: &str) -> Response {
    notice.at(address).map_or_else(|| empty(status), |document| whole(status, document))
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
            ("*", Fr),
            ("fr;q=0, *;q=0.5", En),
            ("en;q=0, *", Fr),
            ("en;Q=0.1, fr;q=0.5", Fr),
            ("en_US, fr;q=0.5", En),
        ] {
            assert_eq!(preferred(accepted), language, "{accepted}");
        }
    }
}
