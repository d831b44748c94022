//! The `collections` section of the configuration: folders of documents that ops give to compagnons.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use jiff::SignedDuration;
use serde::Deserialize;

use super::service_public;
use crate::setting::{Refused, duration, is_name, lasts, require, within};

/// More than any installation has: each is searched with every question of its compagnons.
pub const MOST_COLLECTIONS: usize = 64;

/// Stands in `compagnons` for all of them.
pub const ALL: &str = "all";

/// Stands in `links` for the path of a file below its folder.
pub const PATH: &str = "{path}";

/// Stands in `links` for the name of a file without its ending.
pub const STEM: &str = "{stem}";

/// The collections, by name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Config(pub BTreeMap<String, Collection>);

/// One collection.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    /// What people are told it is called; its name where there is none.
    #[serde(default)]
    pub title: Option<String>,
    /// The folder of its files, with those below it.
    pub folder: PathBuf,
    /// How its files are read.
    #[serde(default)]
    pub importer: Importer,
    /// The endings of the files that are read, such as `pdf`. Empty: of all formats that the program reads.
    #[serde(default)]
    pub formats: Vec<String>,
    /// How often the running bot looks for what has changed. 0: never; then `collection index` does.
    #[serde(default, deserialize_with = "duration::read")]
    pub refresh: SignedDuration,
    /// The compagnons that search it, by identifier, or `all`; beside them those whose front matter names it.
    #[serde(default)]
    pub compagnons: Vec<String>,
    /// Whether it must not leave this machine's sealed folder.
    #[serde(default = "yes")]
    pub confidential: bool,
    /// What searches it.
    #[serde(default)]
    pub index: Engine,
    /// Where a document can be read, for people: an address with `{path}` or `{stem}`. The importer's own where it has one.
    #[serde(default)]
    pub links: Option<String>,
}

/// How the files of a collection are read.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Importer {
    /// Each file is a document of its own format.
    #[default]
    Files,
    /// The fiches of service-public, as JSON.
    ServicePublic,
}

/// What searches a collection.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// The index in the program's memory.
    #[default]
    Embedded,
    /// `PostgreSQL` with pgvector, which several bots share.
    Postgres,
}

fn yes() -> bool {
    true
}

impl Collection {
    /// What people are told it is called.
    #[must_use]
    pub fn title<'a>(&'a self, name: &'a str) -> &'a str {
        self.title.as_deref().unwrap_or(name)
    }

    /// Where people read the document of a file, by its path below the folder.
    #[must_use]
    pub fn link(&self, path: &Path) -> Option<String> {
        let Some(links) = &self.links else {
            return if self.importer == Importer::ServicePublic { service_public::link(path) } else { None };
        };
        // In links only what is text can be written; each part is escaped by itself, so that no name reaches another place.
        let escaped = |part: &std::ffi::OsStr| part.to_str().map(encoded);
        let parts = path.components().map(|part| escaped(part.as_os_str())).collect::<Option<Vec<_>>>()?;
        Some(links.replace(PATH, &parts.join("/")).replace(STEM, &escaped(path.file_stem()?)?))
    }
}

/// A name as one part of a URL's path.
fn encoded(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

impl Config {
    /// Checks what serde cannot.
    pub fn validate(&self) -> Result<(), Refused> {
        within("collections", self.0.len(), 0..=MOST_COLLECTIONS)?;
        for (name, collection) in &self.0 {
            let key = |field: &str| format!("collections.{name}.{field}");
            let reason = "a collection's name is made of a–z, 0–9, _ and -, 40 at most";
            // It is a folder's name as well.
            require(is_name(name), &format!("collections.{name}"), reason)?;
            require(
                !collection.folder.as_os_str().is_empty(),
                &key("folder"),
                "it is empty; name the folder of the files",
            )?;
            // Rarer than never would be none; more often than this it would never rest.
            if !collection.refresh.is_zero() {
                let bounds = SignedDuration::from_secs(10)..=SignedDuration::from_hours(24 * 31);
                lasts(&key("refresh"), collection.refresh, bounds)?;
            }
            for format in &collection.formats {
                let plain = (1..=10).contains(&format.len()) && format.bytes().all(|byte| byte.is_ascii_alphanumeric());
                require(
                    plain,
                    &key("formats"),
                    "a format is the ending of a file's name without its dot, such as pdf",
                )?;
            }
            if collection.index == Engine::Postgres {
                let reason = "what is confidential stays in the sealed folder: index: embedded, or confidential: false";
                require(!collection.confidential, &key("index"), reason)?;
            }
            if let Some(links) = &collection.links {
                let tried = links.replace(PATH, "p").replace(STEM, "p");
                let web = crate::setting::is_web(&tried) && !tried.contains(['{', '}']);
                require(web, &key("links"), "it is not an http or https URL with {path} or {stem}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn refusal(yaml: &str) -> Option<String> {
        let config: Config = serde_yaml::from_str(yaml).expect("of the right form");
        config.validate().err().map(|refused| refused.to_string())
    }

    #[test]
    fn a_link_leads_to_the_file_and_nowhere_else() {
        let config: Config =
            serde_yaml::from_str("rh: {folder: /srv, links: 'https://x.example/{path}?s={stem}'}").expect("a form");
        let link = |path: &str| config.0["rh"].link(std::path::Path::new(path));
        assert_eq!(link("été/a&b #1.pdf").unwrap(), "https://x.example/%C3%A9t%C3%A9/a%26b%20%231.pdf?s=a%26b%20%231");
        assert_eq!(link("plain/note-1.txt").unwrap(), "https://x.example/plain/note-1.txt?s=note-1");
    }

    #[test]
    fn each_collection_has_a_plain_name_a_folder_and_bounded_settings() {
        for good in [
            "{}",
            "rh: {folder: /srv/rh}",
            "rh: {folder: /srv/rh, formats: [pdf, docx], refresh: 1h, compagnons: [all], title: Les textes RH}",
            "rh: {folder: /srv/rh, refresh: 0s, links: 'https://intranet.example/rh/{path}'}",
            "sp: {folder: /srv/sp, importer: service-public, confidential: false, index: postgres}",
        ] {
            assert_eq!(refusal(good), None, "{good}");
        }
        for (yaml, key) in [
            ("'': {folder: /srv}", "collections."),
            ("RH: {folder: /srv}", "collections.RH"),
            ("'../x': {folder: /srv}", "collections.../x"),
            ("rh: {folder: ''}", "collections.rh.folder"),
            ("rh: {folder: /srv, refresh: 1s}", "collections.rh.refresh"),
            ("rh: {folder: /srv, formats: [.pdf]}", "collections.rh.formats"),
            ("rh: {folder: /srv, index: postgres}", "collections.rh.index"),
            ("rh: {folder: /srv, index: postgres, confidential: true}", "collections.rh.index"),
            ("rh: {folder: /srv, links: 'ftp://x/{path}'}", "collections.rh.links"),
            ("rh: {folder: /srv, links: 'https://x/{name}'}", "collections.rh.links"),
        ] {
            let refusal = refusal(yaml).expect(yaml);
            assert!(refusal.starts_with(key), "{yaml}: {refusal}");
        }
    }
}
