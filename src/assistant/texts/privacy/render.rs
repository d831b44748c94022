//! The notice as Markdown, as HTML and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    notice::{Entry, notice, record, record_title},
    page::{Page, Said},
    view::View,
};
use crate::{compagnon::Language, html::escaped, setting::is_web};

/// Little enough to be read by everybody: the reader's own colours and sizes.
const STYLE: &str = "body{max-width:42rem;margin:0 auto;padding:1rem;line-height:1.5;font-family:sans-serif}dt{font-weight:bold;margin-top:.75rem}dd{margin:0}";

/// The notice and the entry of the record, as Markdown.
#[must_use]
pub fn markdown(view: &View<'_>) -> String {
    let Page { title, sections } = notice(view);
    let mut text = format!("# {title}\n");
    for section in &sections {
        let _ = write!(text, "\n## {}\n\n", section.title);
        for said in &section.bullets {
            let _ = writeln!(text, "- {}", said.text());
        }
    }
    let _ = write!(text, "\n# {}\n\n", record_title(view));
    let colon = colon(view.language);
    for Entry { label, text: said, .. } in record(view) {
        let _ = writeln!(text, "- **{label}**{colon}{said}");
    }
    text
}

/// As a page that needs nothing else: no script, no address but those that ops give.
#[must_use]
pub fn html(view: &View<'_>) -> String {
    let Page { title, sections } = notice(view);
    let language = match view.language {
        Language::Fr => "fr",
        Language::En => "en",
    };
    let title = escaped(&title);
    let contents = match view.language {
        Language::Fr => "Sommaire",
        Language::En => "Contents",
    };
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n</header>\n<nav aria-label=\"{contents}\">\n<ul>\n"
    );
    for section in &sections {
        let _ = writeln!(page, "<li><a href=\"#{}\">{}</a></li>", section.id, escaped(&section.title));
    }
    let record_title = escaped(&record_title(view));
    let _ = write!(page, "<li><a href=\"#record\">{record_title}</a></li>\n</ul>\n</nav>\n<main>\n");
    for section in &sections {
        let _ = write!(page, "<h2 id=\"{}\">{}</h2>\n<ul>\n", section.id, escaped(&section.title));
        for said in &section.bullets {
            let _ = writeln!(page, "<li>{}</li>", inline(&said.text()));
        }
        page.push_str("</ul>\n");
    }
    let _ = write!(page, "<h2 id=\"record\">{record_title}</h2>\n<dl>\n");
    for Entry { label, text, .. } in record(view) {
        let _ = write!(page, "<dt>{}</dt>\n<dd>{}</dd>\n", escaped(&label), inline(&text));
    }
    page.push_str("</dl>\n</main>\n</body>\n</html>\n");
    page
}

/// For programs.
#[must_use]
pub fn json(view: &View<'_>) -> Value {
    let Page { title, sections } = notice(view);
    let sections: Vec<Value> = sections
        .iter()
        .map(|section| {
            let said: Vec<String> = section.bullets.iter().map(Said::text).collect();
            json!({ "id": section.id, "title": section.title, "statements": said })
        })
        .collect();
    let record: Vec<Value> = record(view)
        .into_iter()
        .map(|Entry { id, label, text }| json!({ "id": id, "label": label, "text": text }))
        .collect();
    json!({
        "language": view.language,
        "updated": view.facts.stated.updated,
        "version": env!("CARGO_PKG_VERSION"),
        "notice": { "title": title, "sections": sections },
        "record": { "title": record_title(view), "entries": record },
    })
}

fn colon(language: Language) -> &'static str {
    match language {
        Language::Fr => "\u{a0}: ",
        Language::En => ": ",
    }
}

/// A sentence in HTML: its code, its emphasis, its addresses. Everything else is escaped.
fn inline(text: &str) -> String {
    let mut html = String::new();
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 {
            let _ = write!(html, "<code>{}</code>", escaped(part));
            continue;
        }
        for (index, part) in part.split("**").enumerate() {
            let part = part.split(' ').map(word).collect::<Vec<_>>().join(" ");
            if index % 2 == 1 {
                let _ = write!(html, "<strong>{part}</strong>");
            } else {
                html.push_str(&part);
            }
        }
    }
    html
}

fn word(word: &str) -> String {
    let address = word.trim_end_matches(['.', ',', ';', ')']);
    if address.starts_with("http") && is_web(address) {
        let (shown, rest) = (escaped(address), escaped(&word[address.len()..]));
        return format!("<a href=\"{shown}\">{shown}</a>{rest}");
    }
    escaped(word)
}

#[cfg(test)]
mod tests {
    use super::inline;

    #[test]
    fn only_code_emphasis_and_addresses_are_marked() {
        assert_eq!(
            inline("**Non** : `!aide` <b> https://a.fr/?x=1&y=2. javascript:alert(1)"),
            "<strong>Non</strong> : <code>!aide</code> &lt;b&gt; <a href=\"https://a.fr/?x=1&amp;y=2\">https://a.fr/?x=1&amp;y=2</a>. javascript:alert(1)"
        );
        assert!(!inline("http\"onclick=x `<`").contains('"'));
    }
}
