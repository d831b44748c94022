//! What axe-core finds, and what a browser shows: under jsdom here, in Chromium where `.ci/run` has it.

use std::{env, fs, net::SocketAddr, path::PathBuf};

use serde_json::{Value, json};

use super::{
    figures::{PAGES, Told, serve, served},
    http::ask,
    support::{
        js,
        venv::{self, Venv},
    },
};

async fn script(name: &'static str, arguments: Value) -> Value {
    let run = tokio::task::spawn_blocking(move || {
        let venv = Venv::prepare_with(venv::PAGE)?;
        js::run_with(&venv, js::PAGE, name, &arguments)
    });
    run.await.expect("no panic").unwrap_or_else(|error| panic!("{error}"))
}

fn list(of: &Value) -> Vec<&str> {
    of.as_array().expect("a list").iter().map(|one| one.as_str().expect("a text")).collect()
}

/// A fault that somebody might make: what it is, what it puts in the place of what in the page of the statistics, and the words that tell of it.
type Fault = (&'static str, [&'static str; 2], &'static str);

/// Those that are found without a drawing.
const FAULTS: [Fault; 11] = [
    ("a heading level is skipped", ["<h2 id=\"key\">", "<h4 id=\"key\">"], "heading-order"),
    ("no heading of the page", ["<h1>", "<h2>"], "page-has-heading-one"),
    ("no language", ["<html lang=\"fr\">", "<html>"], "html-has-lang"),
    ("a link without a text", [">Confidentialité</a>", "></a>"], "link-name"),
    ("a header cell of a column that heads nothing", ["<th scope=\"col\">", "<th>"], "header-cell-scope"),
    ("a header cell of a row that heads nothing", ["<th scope=\"row\">", "<th>"], "header-cell-scope"),
    ("a name that is not escaped", ["&lt;script&gt;alert(", "<script>alert("], "nothing-runs"),
    ("a script in place", ["<h1>", "<h1 onclick=\"alert(1)\">"], "nothing-runs"),
    ("a style in place", ["<h1>", "<h1 style=\"color: red\">"], "no-style-in-place"),
    ("a picture from elsewhere", ["<h1>", "<img alt=\"\" src=\"https://example.org/a.png\"><h1>"], "nothing-is-loaded"),
    ("a font from elsewhere", ["<style>", "<style>@import \"https://example.org/a.css\";"], "nothing-is-loaded"),
];

/// Those that a browser finds.
const DRAWN: [Fault; 6] = [
    ("a pale colour", ["--quiet: #55565c", "--quiet: #9a9ba1"], "color-contrast"),
    (
        "no outline of what has the focus",
        [":focus-visible { outline: 0.2rem", ":focus-visible { outline: 0rem"],
        "no outline",
    ),
    (
        "a link that the keyboard does not reach",
        ["<a href=\"accessibilite\"", "<a tabindex=\"-1\" href=\"accessibilite\""],
        "out of order",
    ),
    (
        "a picture from elsewhere",
        ["<h1>", "<img alt=\"\" src=\"http://127.0.0.1:9/a.png\"><h1>"],
        "Content Security Policy",
    ),
    ("a script in place", ["<h1>", "<script>document.title = 'x'</script><h1>"], "scripts"),
    ("a page that is too wide", ["main:focus { outline: none; }", "main { width: 100rem; }"], "to the side"),
];

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_in_any_page() {
    let usual = served().await;
    let empty = serve(Told::new(compagnon::statistics::Statistics::default())).await;
    let pages = PAGES.into_iter().chain(["guide", "gone"]).map(|page| format!("http://{usual}/{page}"));
    let addresses = pages.chain(["statistiques", "statistics"].map(|page| format!("http://{empty}/{page}")));
    let found = script("page-jsdom.mjs", json!({ "addresses": addresses.collect::<Vec<_>>() })).await;
    let pages = found["pages"].as_array().expect("a list");
    assert_eq!(pages.len(), PAGES.len() + 4);
    for page in pages {
        assert!(list(&page["violations"]).is_empty(), "{}: {}", page["address"], page["violations"]);
        // It has looked.
        let passed = list(&page["passed"]);
        let rules = ["bypass", "document-title", "html-has-lang", "heading-order", "region"];
        assert!(rules.iter().all(|rule| passed.contains(rule)), "{passed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_that_is_put_into_a_page_is_found() {
    let address = format!("http://{}/statistiques", served().await);
    let plant = |(name, [from, to], _): &Fault| json!({ "name": name, "address": address, "from": from, "to": to });
    let plants: Vec<Value> = FAULTS.iter().map(plant).collect();
    let found = script("page-jsdom.mjs", json!({ "plants": plants })).await;
    for ((name, _, words), found) in FAULTS.iter().zip(found["planted"].as_array().expect("a list")) {
        assert_eq!((&found["planted"], &found["name"]), (&json!(true), &json!(name)), "{name}: it is not in the page");
        let violations = list(&found["violations"]);
        println!("| {name} | {} |", violations.join("; "));
        assert!(violations.iter().any(|violation| violation.starts_with(words)), "{name}: {violations:?}");
    }
}

/// What is wrong with a page as a browser shows it.
fn wrong(view: &Value) -> Vec<String> {
    let mut wrong: Vec<String> = list(&view["violations"]).into_iter().map(str::to_owned).collect();
    if !list(&view["passed"]).contains(&"color-contrast") {
        wrong.push("the contrast is not looked at".to_owned());
    }
    if view["overflow"] != 0 {
        wrong.push(format!("the page scrolls to the side: {}", view["overflow"]));
    }
    if (&view["scripts"], view["scrolling"].as_str()) != (&json!(0), Some("auto")) {
        wrong.push(format!("scripts: {}, scrolling: {}", view["scripts"], view["scrolling"]));
    }
    if list(&view["loaded"]).len() != 1 {
        wrong.push(format!("more than the page is loaded: {}", view["loaded"]));
    }
    // Chromium says of a missing page that it is missing.
    let complaints = list(&view["complaints"]).into_iter().filter(|_| view["path"] != "gone");
    wrong.extend(complaints.map(str::to_owned));
    wrong
}

/// What is wrong with a page for who has no mouse.
fn wrong_for_keys(keys: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (index, key) in keys["reached"].as_array().expect("a list").iter().enumerate() {
        if key["order"] != json!(index) {
            wrong.push(format!("out of order: {key}"));
        }
        for (seen, words) in [("outlined", "no outline"), ("visible", "out of sight")] {
            if key[seen] != json!(true) {
                wrong.push(format!("{words}: {key}"));
            }
        }
    }
    if keys["skipped"] != "main" {
        wrong.push(format!("the skip link leads to {}", keys["skipped"]));
    }
    wrong
}

fn chromium(address: SocketAddr) -> Value {
    let chromium = env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    json!({ "base": format!("http://{address}"), "paths": [], "chromium": chromium, "pictures": pictures() })
}

fn pictures() -> PathBuf {
    env::var_os("PICTURES").map_or_else(|| venv::root().join("page"), PathBuf::from)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: .ci/run installs it and runs this"]
async fn in_chromium_axe_finds_nothing_and_every_page_fits() {
    let address = served().await;
    let mut arguments = chromium(address);
    arguments["paths"] = json!(PAGES.into_iter().chain(["guide", "gone"]).collect::<Vec<_>>());
    let found = script("page-chromium.mjs", arguments).await;
    for page in PAGES.into_iter().chain(["guide"]) {
        // Beside their pictures, for a text browser.
        let html = ask(address, "GET", &format!("/{page}"), "").await.body;
        fs::write(pictures().join(page).with_extension("html"), html).expect("a file");
    }
    let views = found["views"].as_array().expect("a list");
    // Each page in two themes and two widths, and on paper.
    assert_eq!(views.len(), (PAGES.len() + 2) * 5);
    let mut papers = std::collections::BTreeSet::new();
    for view in views {
        let of = format!("{} {} {} {}", view["path"], view["media"], view["scheme"], view["width"]);
        assert_eq!(wrong(view), Vec::<String>::new(), "{of}");
        papers.insert(format!("{} {} {}", view["media"], view["scheme"], view["paper"]));
    }
    assert_eq!(papers.len(), 3, "each theme has its paper: {papers:?}");
    for keys in found["keys"].as_array().expect("a list") {
        assert_eq!(wrong_for_keys(keys), Vec::<String>::new(), "{}", keys["path"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: .ci/run installs it and runs this"]
async fn in_chromium_each_fault_that_is_put_into_a_page_is_found() {
    let mut arguments = chromium(served().await);
    let plant = |(name, [from, to], _): &Fault| json!({ "name": name, "path": "statistiques", "from": from, "to": to });
    arguments["plants"] = DRAWN.iter().map(plant).collect();
    let found = script("page-chromium.mjs", arguments).await;
    for ((name, _, words), found) in DRAWN.iter().zip(found["planted"].as_array().expect("a list")) {
        assert_eq!((&found["planted"], &found["name"]), (&json!(true), &json!(name)), "{name}: it is not in the page");
        let wrong = [wrong(&found["view"]), wrong_for_keys(&found["keys"])].concat();
        println!("| {name} | {} |", wrong.join("; "));
        assert!(wrong.iter().any(|said| said.contains(words)), "{name}: {wrong:?}");
    }
}
