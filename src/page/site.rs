//! Every document of the site, drawn once from a snapshot.

use std::collections::BTreeMap;

use super::{
    config::Config,
    export, guide, prose,
    source::Snapshot,
    templates::{Draw, Page, Templates},
    texts::{self, Address},
    view::View,
};
use crate::{
    compagnon::Language,
    statistics::{
        Week,
        published::{Published, last_week},
    },
};

/// A document, as it is given out.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its media type.
    pub media: &'static str,
    /// The language of its words, where it has any.
    pub language: Option<&'static str>,
    /// The name under which it is saved, where it is not for reading.
    pub file: Option<&'static str>,
    /// What it is.
    pub body: String,
    /// What tells it from others of the same address.
    pub tag: String,
}

/// All documents, by address below the root.
#[derive(Clone, Debug, Default)]
pub struct Site {
    documents: BTreeMap<&'static str, Document>,
    /// The last week that it may show.
    pub last: Option<Week>,
}

impl Site {
    /// Draws everything.
    pub fn draw(config: &Config, snapshot: &Snapshot) -> Result<Self, Draw> {
        let published = Published::of(&snapshot.statistics, snapshot.today);
        let templates = Templates::new()?;
        let mut documents = BTreeMap::new();
        for language in [Language::Fr, Language::En] {
            let view = View::of(language, config, &published, &snapshot.names);
            let html = templates.page(config, language, Page::Statistics, Some(&view), "", "")?;
            documents.insert(Address::Statistics.path(language), page(language, html));
            for (address, at) in [(Address::Accessibility, Page::Accessibility), (Address::Privacy, Page::Privacy)] {
                let text = prose::html(language, at, config);
                let html = templates.page(config, language, at, None, &text, "")?;
                documents.insert(address.path(language), page(language, html));
            }
        }
        documents.insert(texts::GUIDE, page(Language::Fr, guide::html()?));
        let csv = export::csv(&published, &snapshot.names, config).map_err(|error| Draw(error.to_string()))?;
        documents
            .insert(texts::CSV, document("text/csv; charset=utf-8; header=present", Some("statistiques.csv"), csv));
        let json = export::json(&published, &snapshot.names, config).map_err(|error| Draw(error.to_string()))?;
        documents.insert(texts::JSON, document("application/json", Some("statistiques.json"), json));
        Ok(Self { documents, last: last_week(snapshot.today) })
    }

    /// The page for an address that there is none for.
    pub fn not_found(config: &Config) -> Result<Notice, Draw> {
        Notice::draw(config, Page::NotFound)
    }

    /// The page for when the figures cannot be read.
    pub fn unavailable(config: &Config) -> Result<Notice, Draw> {
        Notice::draw(config, Page::Unavailable)
    }

    /// The document at an address, without the slash before it.
    #[must_use]
    pub fn get(&self, address: &str) -> Option<&Document> {
        self.documents.get(address)
    }

    /// All addresses.
    pub fn addresses(&self) -> impl Iterator<Item = &'static str> {
        self.documents.keys().copied()
    }
}

/// A page that is given out at any address: drawn once for each depth, because its links are relative.
#[derive(Debug)]
pub struct Notice(Vec<Document>);

impl Notice {
    /// The most folders that an address may be below for the links to lead to the pages.
    const DEEPEST: usize = 16;

    fn draw(config: &Config, at: Page) -> Result<Self, Draw> {
        let templates = Templates::new()?;
        let drawn = |depth| {
            let html = templates.page(config, Language::Fr, at, None, "", &"../".repeat(depth))?;
            Ok(page(Language::Fr, html))
        };
        (0..=Self::DEEPEST).map(drawn).collect::<Result<_, _>>().map(Self)
    }

    /// As it is given out at an address, without the slash before it; nothing where there is none at all.
    #[must_use]
    pub fn at(&self, address: &str) -> Option<&Document> {
        let depth = address.bytes().filter(|byte| *byte == b'/').count();
        self.0.get(depth).or_else(|| self.0.last())
    }
}

fn page(language: Language, html: String) -> Document {
    let language = Some(texts::code(language));
    Document { language, ..document("text/html; charset=utf-8", None, html) }
}

fn document(media: &'static str, file: Option<&'static str>, body: String) -> Document {
    let tag = format!("\"{}\"", &blake3::hash(body.as_bytes()).to_hex()[..32]);
    Document { media, language: None, file, body, tag }
}
