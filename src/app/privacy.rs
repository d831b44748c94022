//! What the program does with what people write, read from the whole configuration.

use std::{path::Path, time::Duration};

use jiff::SignedDuration;
use ruma::UserId;
use url::Url;

use super::purge;
use crate::{
    collections::Engine,
    config::Config,
    inference::config::Encoder,
    matrix::config::AccessConfig,
    privacy::{Facts, Keeps, Models, Sends},
    store::STATISTICS_MONTHS,
};

/// What is true of a service with this configuration.
#[must_use]
pub fn facts(config: &Config) -> Facts {
    let Config { assistant, model, .. } = config;
    let own = AccessConfig::default();
    let access = config.matrix.as_ref().map_or(&own, |matrix| &matrix.access);
    let lasts = SignedDuration::unsigned_abs;
    Facts {
        stated: config.privacy.clone(),
        organisation: assistant.organisation.clone(),
        models: Models {
            name: None,
            // Which engine there is, the model says once it is open.
            remote: false,
            source: model.hub.as_ref().map(|hub| hub.repo.clone()).or_else(|| model.file.as_deref().and_then(name)),
            embedding: model.embedding.as_ref().and_then(source),
            reranker: model.reranker.as_ref().and_then(source),
            entities: model.entities.as_ref().and_then(source),
        },
        keeps: Keeps {
            retention: lasts(assistant.retention),
            longest: lasts(assistant.retention_limit),
            memory: lasts(assistant.memory),
            audit: lasts(assistant.audit),
            marks: purge::DEDUP_RETENTION,
            withdrawable: lasts(assistant.withdrawable),
            unused_compagnons: lasts(assistant.compagnons),
            months_counted: STATISTICS_MONTHS,
        },
        sends: Sends {
            docs: assistant
                .docs
                .as_ref()
                .and_then(|docs| config.services.0.get(&docs.service))
                .map(|one| host(&one.url)),
            scanner: config.documents.scanner.as_ref().map(|scanner| host(&scanner.url)),
            search: shared(config),
        },
        administrators: assistant.administrators.len(),
        digest: assistant.weekly_digest,
        externals: access.externals,
        named_externals: access.users.iter().any(|user| is_external(user, access)),
        unencrypted: access.unencrypted,
        streaming: assistant.streaming.enabled,
        asks_why: assistant.ratings.ask_why,
        publishes: config.statistics.listen.is_some(),
        collections: config.collections.0.iter().map(|(name, one)| one.title(name).to_owned()).collect(),
    }
}

/// What is no error and what a public body should still look at, one sentence each.
#[must_use]
pub fn doubts(config: &Config) -> Vec<String> {
    const YEAR: Duration = Duration::from_hours(365 * 24);
    let (facts, lacks) = (facts(config), config.privacy.lacks());
    let keys = lacks.iter().map(|key| format!("privacy.{key}")).collect::<Vec<_>>().join(", ");
    let longest = facts.keeps.longest;
    let backups = config.privacy.backups.map(SignedDuration::unsigned_abs);
    let doubts = [
        (!lacks.is_empty(), format!("people are not told all that the GDPR asks for (art. 13, 14, 30): give {keys}")),
        (
            backups.is_some_and(|backups| backups > longest),
            "privacy.backups is longer than assistant.retention_limit: what people forget is in a backup for longer than any room keeps it".to_owned(),
        ),
        (
            facts.administrators == 0,
            "assistant.administrators is empty: nobody decides on the catalogue, reads the audit trail, or is told that the disk is full".to_owned(),
        ),
        (
            facts.keeps.audit > YEAR,
            "assistant.audit is longer than a year: the CNIL recommends six months to a year for such trails".to_owned(),
        ),
        (
            facts.externals || facts.named_externals,
            "matrix.access: external accounts are served, and read questions and answers of their rooms".to_owned(),
        ),
        (
            facts.unencrypted,
            "matrix.access.unencrypted: questions and answers of rooms without encryption are readable on the homeserver".to_owned(),
        ),
    ];
    doubts.into_iter().filter(|(holds, _)| *holds).map(|(_, doubt)| doubt).collect()
}

fn is_external(user: &str, access: &AccessConfig) -> bool {
    let server = UserId::parse(user).ok().map(|user| user.server_name().as_str().to_owned());
    server.is_some_and(|server| access.externals_servers.contains(&server))
}

/// The server in which shared collections are searched, if there is one of them.
fn shared(config: &Config) -> Option<String> {
    let shares = config.collections.0.values().any(|one| one.index == Engine::Postgres);
    config.postgres.as_ref().filter(|_| shares).map(|postgres| host(&postgres.url))
}

fn source(encoder: &Encoder) -> Option<String> {
    encoder.hub.as_ref().map(|hub| hub.repo.clone()).or_else(|| encoder.folder.as_deref().and_then(name))
}

fn name(path: &Path) -> Option<String> {
    path.file_name().map(|name| name.to_string_lossy().into_owned())
}

/// The host of an address, as people are told it.
fn host(address: &str) -> String {
    let url = Url::parse(address).ok();
    let host = url.as_ref().and_then(Url::host_str).filter(|host| !host.is_empty());
    host.map_or_else(|| address.to_owned(), ToOwned::to_owned)
}
