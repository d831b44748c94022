//! The pages that are read: their Markdown, with what the configuration says in it.

use super::{config::Config, numbers, templates::Page, texts};
use crate::{
    compagnon::Language,
    statistics::published::{ROUNDED_TO, THRESHOLD},
};

/// The page's HTML. The text is ours; what the configuration says in it is escaped.
pub(super) fn html(language: Language, page: Page, config: &Config) -> String {
    let text = match (page, language) {
        (Page::Accessibility, Language::Fr) => texts::ACCESSIBILITY_FR,
        (Page::Accessibility, Language::En) => texts::ACCESSIBILITY_EN,
        (_, Language::Fr) => texts::PRIVACY_FR,
        (_, Language::En) => texts::PRIVACY_EN,
    };
    let mut html = String::new();
    let typeset = numbers::typeset(language, text);
    pulldown_cmark::html::push_html(&mut html, pulldown_cmark::Parser::new(&typeset));
    let contact = config.contact().map_or_else(String::new, |contact| {
        format!("<a href=\"{}\">{}</a>", escaped(&contact.href), escaped(&contact.text))
    });
    for (place, value) in [
        ("{contact}", contact),
        ("{name}", escaped(&config.name)),
        ("{Publisher}", escaped(&at_the_start(&config.publisher))),
        ("{threshold}", THRESHOLD.to_string()),
        ("{rounded}", ROUNDED_TO.to_string()),
    ] {
        html = html.replace(place, &value);
    }
    html
}

/// As a sentence begins.
fn at_the_start(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // What the configuration says is not looked into for places.
            '{' => escaped.push_str("&#123;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}
