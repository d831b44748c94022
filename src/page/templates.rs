//! The templates, and what all pages have around their content.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, context, syntax::SyntaxConfig, value::Serde};

use super::{
    config::Config,
    numbers,
    texts::{self, Address, Words},
    view::View,
};
use crate::compagnon::Language;

/// The style of all pages, within each of them.
pub(super) const STYLE: &str = include_str!("style.css");

/// A page cannot be drawn. Never on account of the figures.
#[derive(Debug, thiserror::Error)]
#[error("the page cannot be drawn: {0}")]
pub struct Draw(pub(super) String);

impl From<minijinja::Error> for Draw {
    fn from(error: minijinja::Error) -> Self {
        Self(format!("{error:#}"))
    }
}

/// The templates that others than [`Templates`] use.
pub(super) const GUIDE: &str = include_str!("templates/guide.html");

/// A kind of page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Statistics,
    Accessibility,
    Privacy,
    NotFound,
    Unavailable,
}

/// All templates, parsed.
pub(super) struct Templates(Environment<'static>);

impl Templates {
    pub(super) fn new() -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.add_template("layout.html", include_str!("templates/layout.html"))?;
        environment.add_template("statistics.html", include_str!("templates/statistics.html"))?;
        environment.add_template("prose.html", include_str!("templates/prose.html"))?;
        environment.add_template("notice.html", include_str!("templates/notice.html"))?;
        Ok(Self(environment))
    }

    /// A page in a language. `up` leads from the folder of its address to that of the site: `../` for each folder between.
    pub(super) fn page(
        &self,
        config: &Config,
        language: Language,
        page: Page,
        view: Option<&View>,
        prose: &str,
        up: &str,
    ) -> Result<String, minijinja::Error> {
        let words = texts::words(language);
        let (template, title, address) = match page {
            Page::Statistics => ("statistics.html", words.statistics, Some(Address::Statistics)),
            Page::Accessibility => ("prose.html", words.accessibility, Some(Address::Accessibility)),
            Page::Privacy => ("prose.html", words.privacy, Some(Address::Privacy)),
            Page::NotFound => ("notice.html", words.not_found, None),
            Page::Unavailable => ("notice.html", words.unavailable, None),
        };
        let other = match language {
            Language::Fr => Language::En,
            Language::En => Language::Fr,
        };
        let path = |address: Address, language| format!("{up}{}", address.path(language));
        let english = texts::words(Language::En);
        let notice_in_english = match page {
            Page::Unavailable => english.unavailable_text,
            _ => english.not_found_text,
        };
        let notice = match page {
            Page::Unavailable => words.unavailable_text,
            _ => words.not_found_text,
        };
        self.0.get_template(template)?.render(context! {
            w => Serde(typeset(language, words)),
            style => STYLE,
            service => config.name.as_str(),
            language => texts::code(language),
            title => title,
            here => address.map(|address| path(address, language)),
            statistics_path => path(Address::Statistics, language),
            accessibility_path => path(Address::Accessibility, language),
            privacy_path => path(Address::Privacy, language),
            csv_path => texts::CSV,
            json_path => texts::JSON,
            other_path => path(address.unwrap_or(Address::Statistics), other),
            other_language => texts::code(other),
            other_name => texts::words(other).own_name,
            prose => prose,
            notice => numbers::typeset(language, notice),
            notice_in_english => notice_in_english,
            statistics_in_english => english.statistics,
            view => Serde(view),
        })
    }
}

/// The sentences as the language sets them.
fn typeset(language: Language, words: &Words) -> BTreeMap<String, String> {
    let serde_json::Value::Object(words) = serde_json::json!(words) else { return BTreeMap::new() };
    let set = words.into_iter().filter_map(|(name, text)| Some((name, numbers::typeset(language, text.as_str()?))));
    set.collect()
}
