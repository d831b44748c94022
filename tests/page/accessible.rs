//! What axe-core finds, and what a browser shows: under jsdom here, in Chromium where `.ci/run` has it.

use std::{env, fs, path::PathBuf};

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
#[ignore = "needs Chromium: .ci/run installs it and runs this"]
async fn in_chromium_axe_finds_nothing_and_every_page_fits() {
    let address = served().await;
    let chromium = env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    let pictures = env::var_os("PICTURES").map_or_else(|| venv::root().join("page"), PathBuf::from);
    let arguments = json!({
        "base": format!("http://{address}"),
        "paths": PAGES.into_iter().chain(["guide", "gone"]).collect::<Vec<_>>(),
        "chromium": chromium,
        "pictures": pictures,
    });
    let found = script("page-chromium.mjs", arguments).await;
    for page in PAGES.into_iter().chain(["guide"]) {
        // Beside their pictures, for a text browser.
        let html = ask(address, "GET", &format!("/{page}"), "").await.body;
        fs::write(pictures.join(page).with_extension("html"), html).expect("a file");
    }
    let views = found["views"].as_array().expect("a list");
    // Each page in two themes and two widths, and on paper.
    assert_eq!(views.len(), (PAGES.len() + 2) * 5);
    let mut papers = std::collections::BTreeSet::new();
    for view in views {
        let of = format!("{} {} {} {}", view["path"], view["media"], view["scheme"], view["width"]);
        assert!(list(&view["violations"]).is_empty(), "{of}: {}", view["violations"]);
        assert!(list(&view["passed"]).contains(&"color-contrast"), "{of}");
        assert_eq!(view["overflow"], 0, "{of}: the page scrolls to the side");
        assert_eq!((&view["scripts"], view["scrolling"].as_str()), (&json!(0), Some("auto")), "{of}");
        assert_eq!(list(&view["loaded"]).len(), 1, "{of}: only the page is loaded: {}", view["loaded"]);
        let complaints = list(&view["complaints"]);
        // Chromium says of a missing page that it is missing.
        assert!(complaints.is_empty() || view["path"] == "gone", "{of}: {complaints:?}");
        papers.insert(format!("{} {} {}", view["media"], view["scheme"], view["paper"]));
    }
    assert_eq!(papers.len(), 3, "each theme has its paper: {papers:?}");
    for keys in found["keys"].as_array().expect("a list") {
        let reached = keys["reached"].as_array().expect("a list");
        for (index, key) in reached.iter().enumerate() {
            assert_eq!(key["order"], json!(index), "{}: {key}", keys["path"]);
            assert_eq!((&key["outlined"], &key["visible"]), (&json!(true), &json!(true)), "{}: {key}", keys["path"]);
        }
        assert_eq!(keys["skipped"], "main", "{}", keys["path"]);
    }
}
