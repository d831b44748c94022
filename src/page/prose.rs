//! The pages that are read: their Markdown, with what the configuration says in it.

use super::{config::Config, numbers, templates::Page, texts};
use crate::{
    compagnon::Language,
    html::escaped as escaped_html,
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

/// Escaped; and what the configuration says is not looked into for places.
fn escaped(text: &str) -> String {
    escaped_html(text).replace('{', "&#123;")
}
