//! What is answered to what.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
};

use compagnon::statistics::Statistics;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::figures::{HOSTILE, PAGES, Told, serve, serve_on, served, statistics};

/// An answer.
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// Sends these bytes and reads until the end.
pub async fn send(address: SocketAddr, request: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    // The server may have hung up on what it does not read.
    let _ = stream.write_all(request).await;
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    Some(Answer { status, headers: headers.collect(), body: body.to_owned() })
}

/// Asks with a method and more headers.
pub async fn ask(address: SocketAddr, method: &str, path: &str, headers: &str) -> Answer {
    let request = format!("{method} {path} HTTP/1.1\r\nhost: h\r\n{headers}\r\n");
    send(address, request.as_bytes()).await.expect("answered")
}

async fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, "GET", path, "").await
}

#[tokio::test]
async fn every_answer_says_that_nothing_else_is_loaded_and_nothing_is_run() {
    let address = served().await;
    for path in
        PAGES.map(|page| format!("/{page}")).iter().map(String::as_str).chain(["/", "/gone", "/statistiques.csv"])
    {
        let answer = get(address, path).await;
        let policy = &answer.headers["content-security-policy"];
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("connection", "close"),
        ] {
            assert_eq!(answer.headers.get(name).map(String::as_str), Some(value), "{path}");
        }
        for absent in ["set-cookie", "server"] {
            assert!(!answer.headers.contains_key(absent), "{path}: {absent}");
        }
        let foreign = |body: &str| {
            body.contains("<script") || body.contains("src=") || body.contains("@import") || body.contains("url(")
        };
        assert!(
            !answer.headers.get("content-type").is_some_and(|media| media.starts_with("text/html"))
                || !foreign(&answer.body),
            "{path}"
        );
    }
}

#[tokio::test]
async fn pages_are_in_their_language_and_name_the_other() {
    let address = served().await;
    for (index, page) in PAGES.iter().enumerate() {
        let answer = get(address, &format!("/{page}")).await;
        assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"));
        let [own, other] = if index % 2 == 0 { ["fr", "en"] } else { ["en", "fr"] };
        assert_eq!(answer.headers["content-language"], own);
        assert!(answer.body.contains(&format!("<html lang=\"{own}\">")), "{page}");
        let other_page = PAGES[index ^ 1];
        for (language, path) in [(own, page), (other, &other_page)] {
            let link = format!("<link rel=\"alternate\" hreflang=\"{language}\" href=\"{path}\">");
            assert!(answer.body.contains(&link), "{page}: {link}");
        }
        // Every page shows the state of conformity, and leads to its declaration.
        let state = if own == "fr" { "Accessibilité\u{a0}: non conforme" } else { "Accessibility: not compliant" };
        assert!(answer.body.contains(state), "{page}");
        let filled = answer.body.split("<main").nth(1).is_some_and(|body| !body.contains("{P") && !body.contains("{c"));
        assert!(filled, "{page}: a place is not filled in");
    }
    for (headers, page) in [("", "statistiques"), ("accept-language: en-GB, fr;q=0.4\r\n", "statistics")] {
        let answer = ask(address, "GET", "/", headers).await;
        assert_eq!((answer.status, answer.headers["location"].as_str()), (302, page));
        assert_eq!(answer.headers["vary"], "accept-language");
    }
}

#[tokio::test]
async fn what_was_read_is_not_sent_again_and_head_has_no_body() {
    let address = served().await;
    let first = get(address, "/statistiques").await;
    let tag = &first.headers["etag"];
    assert!(first.headers["cache-control"].contains("max-age"));
    // A proxy that compresses says so in the tag, within its quotes.
    let compressed = |how: &str| format!("{}{how}\"", tag.trim_end_matches('"'));
    for known in [
        tag.clone(),
        format!("\"x\", W/{tag}"),
        "*".to_owned(),
        compressed("-gzip"),
        compressed(";gzip"),
        format!("W/{}", compressed("-br")),
    ] {
        let again = ask(address, "GET", "/statistiques", &format!("if-none-match: {known}\r\n")).await;
        assert_eq!((again.status, again.body.as_str(), &again.headers["etag"]), (304, "", tag), "{known}");
    }
    assert_eq!(ask(address, "GET", "/statistics", &format!("if-none-match: {tag}\r\n")).await.status, 200);
    for other in [
        compressed("-x"),
        compressed("0"),
        tag.replace('"', ""),
        format!("{tag}-gzip"),
        "W/*".to_owned(),
        "\"".to_owned(),
    ] {
        let again = ask(address, "GET", "/statistiques", &format!("if-none-match: {other}\r\n")).await;
        assert_eq!(again.status, 200, "{other}");
    }
    let head = ask(address, "HEAD", "/statistiques", "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.headers["content-length"], first.body.len().to_string());
    assert_eq!(&head.headers["etag"], tag);
}

#[tokio::test]
async fn other_methods_and_addresses_are_refused_in_words() {
    let address = served().await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"] {
        let answer = ask(address, method, "/statistiques", "content-length: 0\r\n").await;
        assert_eq!((answer.status, answer.headers["allow"].as_str()), (405, "GET, HEAD"), "{method}");
    }
    for path in [
        "/gone",
        "/health",
        "/metrics",
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/statistiques//",
        "/Statistiques",
        "/gone/",
        "/statistiques%00",
        "/%ff%fe",
        "/statistiques.json.gz",
        &format!("/{}", "a".repeat(4_000)),
    ] {
        let answer = get(address, path).await;
        assert_eq!((answer.status, answer.headers["cache-control"].as_str()), (404, "no-store"), "{path}");
        assert!(answer.body.contains("Page introuvable") && answer.body.contains("lang=\"en\""), "{path}");
        assert!(!answer.body.contains("<script"), "what is asked for is not repeated");
    }
    // A question mark changes nothing.
    assert_eq!(get(address, "/statistiques?lang=%3Cscript%3E").await.body, get(address, "/statistiques").await.body);
}

#[tokio::test]
async fn whatever_the_address_links_lead_to_the_pages() {
    let address = served().await;
    for page in PAGES.iter().chain(&["statistiques.csv", "guide"]) {
        // Relative, so that it holds below a path too.
        let answer = get(address, &format!("/{page}/")).await;
        assert_eq!((answer.status, answer.headers["location"].as_str()), (301, &*format!("../{page}")), "{page}");
    }
    let told = Told::new(statistics());
    told.readable.store(false, Ordering::Relaxed);
    let unavailable = serve(told).await;
    for (path, status, server) in [
        ("/gone", 404, address),
        ("/a/b", 404, address),
        ("/a/b/", 404, address),
        ("//a/b", 404, address),
        ("/a%2fb", 404, address),
        ("/a/b", 503, unavailable),
    ] {
        let answer = get(server, path).await;
        assert_eq!(answer.status, status, "{path}");
        let up = "../".repeat(path.matches('/').count() - 1);
        let body = answer.body.replace("&#x2f;", "/");
        let links = body.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let links = links.filter(|link| !link.starts_with('#') && !link.starts_with("data:")).collect::<Vec<_>>();
        assert!(links.len() >= 6, "{path}: {links:?}");
        for link in links {
            assert!(link.strip_prefix(&up).is_some_and(|page| PAGES.contains(&page)), "{path}: {link}");
        }
    }
    let deep = get(address, &"/a".repeat(4_000)).await;
    assert!(
        deep.status == 404 && deep.body.len() < 40_000,
        "links grow with the address no further: {}",
        deep.body.len()
    );
}

#[tokio::test]
async fn what_clients_and_proxies_add_changes_nothing() {
    let address = served().await;
    let whole = get(address, "/statistiques").await;
    let large = format!("x: {}\r\n", "a".repeat(10_000));
    for headers in [
        "range: bytes=0-99\r\n",
        "range: bytes=-1,5-2\r\nif-range: \"x\"\r\n",
        "if-modified-since: Sat, 01 Jan 2050 00:00:00 GMT\r\n",
        "if-none-match: \r\n",
        "if-match: \"x\"\r\n",
        "expect: 100-continue\r\n",
        "accept: application/json\r\naccept-encoding: gzip, br\r\n",
        "x-forwarded-host: other.example\r\nx-forwarded-prefix: //other.example\r\n",
        "upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n",
        "content-length: 5\r\n\r\nhello",
        &large,
    ] {
        let answer = ask(address, "GET", "/statistiques", headers).await;
        assert_eq!((answer.status, answer.body == whole.body), (200, true), "{headers:.60}");
        assert!(!answer.headers.contains_key("content-range"), "{headers}");
    }
    for (headers, page) in [
        ("accept-language: *\r\n", "statistiques"),
        ("accept-language: de\r\naccept-language: en, fr;q=0.1\r\n", "statistics"),
        ("x-forwarded-prefix: /other\r\nhost: other.example\r\n", "statistiques"),
    ] {
        assert_eq!(ask(address, "GET", "/", headers).await.headers["location"], page, "{headers}");
    }
    for path in ["/gone", "/", "/statistiques/", "/statistiques.csv"] {
        let (head, get) = (ask(address, "HEAD", path, "").await, get(address, path).await);
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
        assert_eq!(head.headers.get("content-length"), get.headers.get("content-length"), "{path}");
    }
}

#[tokio::test]
async fn more_connections_than_places_are_all_answered_and_so_is_ipv6() {
    let address = served().await;
    let asked = (0..300).map(|_| tokio::spawn(get(address, "/statistiques.json")));
    for answer in asked.collect::<Vec<_>>() {
        assert_eq!(answer.await.expect("asked").status, 200);
    }
    // Machines without IPv6 have nothing to try.
    if let Ok(listener) = tokio::net::TcpListener::bind("[::1]:0").await {
        let address = serve_on(listener, Told::new(statistics()));
        assert_eq!(get(address, "/statistiques/").await.headers["location"], "../statistiques");
    }
}

#[tokio::test]
async fn hostile_bytes_end_their_own_connection_only() {
    let address = served().await;
    let header =
        |size: usize| format!("GET /statistiques HTTP/1.1\r\nhost: h\r\nx: {}\r\n\r\n", "a".repeat(size)).into_bytes();
    let many = format!("GET / HTTP/1.1\r\nhost: h\r\n{}\r\n", "x: y\r\n".repeat(500)).into_bytes();
    for (request, expected) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], 400),
        (b"GET\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET /<script>alert(1)</script> HTTP/1.1\r\nhost: h\r\n\r\n", 400),
        (b"GET /\"onload=1 HTTP/1.1\r\nhost: h\r\n\r\n", 404),
        (b"GET /statistiques HTTP/1.1\r\nhost: h\r\nif-none-match: \xff\xfe\r\naccept-language: \xff\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\nhost: h\r\naccept-language: \xff\r\n\r\n", 302),
        (b"GET http://other.example/statistiques HTTP/1.1\r\nhost: other.example\r\n\r\n", 200),
        (b"OPTIONS * HTTP/1.1\r\nhost: h\r\n\r\n", 405),
        (b"GET /statistiques HTTP/1.0\r\n\r\n", 200),
        (b"GET http://h HTTP/1.1\r\nhost: h\r\n\r\n", 302),
        (b"CONNECT other.example:443 HTTP/1.1\r\nhost: h\r\n\r\n", 405),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /stat\0istiques HTTP/1.1\r\nhost: h\r\n\r\n", 400),
        (b"GET //other.example/%2e%2e/ HTTP/1.1\r\nhost: h\r\n\r\n", 404),
        (b"GET /statistiques HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\nzz\r\n", 405),
        (&format!("GET /{} HTTP/1.1\r\nhost: h\r\n\r\n", "a".repeat(70_000)).into_bytes(), 414),
        (&header(1_000_000), 431),
        (&many, 431),
    ] {
        let answer = send(address, request).await;
        let status = answer.as_ref().map(|answer| answer.status);
        // It may hang up without a word on what it does not read.
        assert!(status == Some(expected) || (expected >= 400 && status.is_none()), "{status:?} to {expected}");
        assert!(answer.is_none_or(|answer| !answer.body.contains("other.example")));
    }
    assert_eq!(get(address, "/statistiques").await.status, 200);
}

#[tokio::test]
async fn names_are_text_wherever_they_stand() {
    let address = served().await;
    for page in PAGES {
        let body = get(address, &format!("/{page}")).await.body;
        assert!(
            !body.contains("<script")
                && !body.contains("Assistant d’essai <b>")
                && body.contains("Assistant d’essai &lt;b&gt;"),
            "{page}"
        );
    }
    let page = get(address, "/statistiques").await.body;
    assert!(page.contains("&lt;script&gt;alert("), "{HOSTILE}");
    let csv = get(address, "/statistiques.csv").await;
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert!(csv.headers["content-disposition"].starts_with("attachment"));
    // Otherwise Excel reads it in the alphabet of its machine.
    assert!(csv.body.starts_with("\u{feff}week,monday,"), "{}", &csv.body[..20]);
    for (page, form, cooling) in [
        ("/statistiques", "la virgule sépare les colonnes et le point les décimales", "refroidissement"),
        ("/statistics", "commas separate columns and a point the decimals", "Cooling"),
    ] {
        let body = get(address, page).await.body;
        assert!(body.contains(form) && body.contains(cooling), "{page}");
    }
    let json = get(address, "/statistiques.json").await;
    let json: serde_json::Value = serde_json::from_str(&json.body).expect("JSON");
    let names = json["weeks"][29]["compagnons"].as_array().expect("a list").iter().map(|one| one["name"].as_str());
    assert!(names.flatten().any(|name| name == HOSTILE));
}

#[tokio::test]
async fn the_figures_are_read_once_a_week_and_the_last_ones_stay_when_they_cannot_be() {
    let told = Told::new(statistics());
    let address = serve(Arc::clone(&told)).await;
    let first = get(address, "/statistiques").await.headers["etag"].clone();
    for _ in 0..5 {
        get(address, "/statistics").await;
        get(address, "/statistiques.csv").await;
    }
    assert_eq!(told.read.load(Ordering::Relaxed), 1);
    told.readable.store(false, Ordering::Relaxed);
    told.today.fetch_add(7, Ordering::Relaxed);
    for _ in 0..3 {
        assert_eq!(get(address, "/statistiques").await.headers["etag"], first);
    }
    assert!(told.read.load(Ordering::Relaxed) <= 2, "tried once a minute at most");
}

#[tokio::test]
async fn figures_that_cannot_be_read_are_no_page_but_a_word() {
    let told = Told::new(statistics());
    told.readable.store(false, Ordering::Relaxed);
    let address = serve(Arc::clone(&told)).await;
    for _ in 0..3 {
        let answer = get(address, "/statistiques").await;
        assert_eq!((answer.status, answer.headers["retry-after"].as_str()), (503, "60"));
        assert!(answer.body.contains("indisponible") && !answer.body.contains("made up"));
    }
    assert_eq!(told.read.load(Ordering::Relaxed), 1, "tried once a minute at most");
}

#[tokio::test]
async fn a_service_without_a_past_has_pages_too() {
    let address = serve(Told::new(Statistics::default())).await;
    let answer = get(address, "/statistiques").await;
    assert!(answer.status == 200 && answer.body.contains("Aucune semaine complète"));
    assert_eq!(get(address, "/statistiques.csv").await.body.lines().count(), 1);
}
