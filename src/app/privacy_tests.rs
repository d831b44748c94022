//! No sentence on privacy is said that a setting makes false. Each is held against the configuration itself, not against what was computed of it.

use std::{collections::BTreeSet, time::Duration};

use jiff::SignedDuration;

use super::privacy::{doubts, facts};
use crate::{
    assistant::texts::privacy::{
        Claim, Machine, Measures, People, Place, Rights, Time, Topic, View, html, in_short, markdown, record, section,
        short,
    },
    collections::{Collection, Engine},
    compagnon::{Answers, Language},
    config::Config,
    privacy::Here,
};

const DAY: i64 = 24;

/// What one setting changes, from what a program without configuration does.
type Setting = (&'static str, fn(&mut Config, &mut Here));

/// All that changes what is true.
const SETTINGS: [Setting; 28] = [
    ("retention", |config, here| {
        config.assistant.retention = SignedDuration::from_hours(3 * DAY);
        here.retention = Duration::from_hours(3 * 24);
    }),
    ("retention of the room", |_, here| here.retention = Duration::from_hours(5)),
    ("longest retention", |config, _| config.assistant.retention_limit = SignedDuration::from_hours(40 * DAY)),
    ("memory", |config, _| config.assistant.memory = SignedDuration::from_hours(100 * DAY)),
    ("audit", |config, _| config.assistant.audit = SignedDuration::from_hours(730 * DAY)),
    ("withdrawable", |config, _| config.assistant.withdrawable = SignedDuration::from_hours(20 * DAY)),
    ("unused compagnons", |config, _| config.assistant.compagnons = SignedDuration::from_hours(400 * DAY)),
    ("externals", |config, _| access(config).externals = true),
    ("a named external", |config, _| access(config).users.push("@x:agent.externe.tchap.gouv.fr".to_owned())),
    ("unencrypted", |config, _| access(config).unencrypted = true),
    ("no streaming", |config, _| config.assistant.streaming.enabled = false),
    ("nobody is asked why", |config, _| config.assistant.ratings.ask_why = false),
    ("docs", |config, _| {
        let given =
            parsed("assistant: {docs: {site: 'https://docs.h'}}\nservices: {docs: {url: 'https://docs-service.h/'}}");
        (config.assistant.docs, config.services) = (given.assistant.docs, given.services);
    }),
    ("scanner", |config, _| config.documents = parsed("documents: {scanner: {url: 'https://scanner.h'}}").documents),
    ("a collection", |config, _| {
        let given = parsed("collections: {rh: {folder: /srv, title: Textes RH}}").collections;
        config.collections.0.extend(given.0);
    }),
    ("a shared collection", |config, _| {
        let given = parsed(
            "collections: {sp: {folder: /srv, confidential: false, index: postgres}}\npostgres: {url: 'postgres://c@shared.h/c'}",
        );
        config.postgres = given.postgres;
        config.collections.0.extend(given.collections.0);
    }),
    ("public page", |config, _| config.statistics.listen = Some(([127, 0, 0, 1], 1).into())),
    ("digest", |config, _| config.assistant.weekly_digest = true),
    ("administrators", |config, _| {
        config.assistant.administrators = vec![ruma::owned_user_id!("@awa:h"), ruma::owned_user_id!("@ben:h")];
    }),
    ("a model", |config, _| config.model.file = Some("/models/Ministral.gguf".into())),
    ("embedding", |config, _| {
        config.model.embedding = parsed("model: {embedding: {folder: /models/e5}}").model.embedding;
    }),
    ("reranker", |config, _| config.model.reranker = parsed("model: {reranker: {folder: /models/bge}}").model.reranker),
    ("entities", |config, _| config.model.entities = parsed("model: {entities: {folder: /models/ner}}").model.entities),
    ("what ops say", |config, _| config.privacy = parsed(STATED).privacy),
    ("a room in clear", |_, here| here.encrypted = false),
    ("an open room", |_, here| (here.direct, here.open) = (false, true)),
    ("a salon that is answered whole", |_, here| (here.direct, here.answers) = (false, Answers::All)),
    ("a salon that is translated", |_, here| (here.direct, here.translated) = (false, true)),
];

const STATED: &str = "privacy: {controller: le ministère, dpo: dpo@h.fr, contact: aide@h.fr, audience: les agents, purposes: rédiger, \
     legal_basis: \"mission d’intérêt public (RGPD, art. 6.1.e)\", hosting: à Paris, homeserver_operator: la DINUM, processors: [l’hébergeur], \
     recipients: [le cabinet], transfers: aucun, backups: 21d, logs: 60d, forbidden: [données de mineurs], forbidden_uses: [noter un agent], \
     register: n° 7, dpia: faite, security: homologuée, charter: 'https://h.fr/charte', notice: 'https://h.fr/notice', \
     accessibility: 'https://h.fr/rgaa', updated: '2026-11-28'}";

fn parsed(yaml: &str) -> Config {
    Config::parse(yaml, Vec::new()).expect("a good configuration")
}

fn access(config: &mut Config) -> &mut crate::matrix::config::AccessConfig {
    &mut config.matrix.as_mut().expect("a section").access
}

fn usual() -> (Config, Here) {
    let config = parsed("matrix: {homeserver: 'http://h', user: u, password_file: f}");
    let here = Here {
        direct: true,
        encrypted: true,
        open: false,
        retention: config.assistant.retention.unsigned_abs(),
        answers: Answers::Mention,
        translated: false,
    };
    (config, here)
}

/// Nothing set, everything set; each with one or two settings the other way round.
fn states() -> Vec<(String, Config, Here)> {
    let mut states = Vec::new();
    for all in [false, true] {
        for first in 0..SETTINGS.len() {
            for second in first..SETTINGS.len() {
                let (mut config, mut here) = usual();
                let mut names = Vec::new();
                for (index, (name, set)) in SETTINGS.iter().enumerate() {
                    if (index == first || index == second) != all {
                        set(&mut config, &mut here);
                        names.push(*name);
                    }
                }
                states.push((names.join(", "), config, here));
            }
        }
    }
    states
}

/// Whether a sentence is true of a service with this configuration, in this room or in none.
#[allow(clippy::too_many_lines)] // One line for each sentence.
fn is_true(claim: Claim, config: &Config, here: Option<&Here>) -> bool {
    let access = &config.matrix.as_ref().expect("a section").access;
    let named = access.users.iter().any(|user| user.ends_with(":agent.externe.tchap.gouv.fr"));
    let said = &config.privacy;
    let shares = config.collections.0.values().any(|one: &Collection| one.index == Engine::Postgres);
    match claim {
        Claim::People(claim) => match claim {
            People::OfferedBy | People::Members | People::Operators => true,
            People::Controller => said.controller.is_some(),
            People::Officer => said.dpo.is_some(),
            People::Contact => said.contact.is_some(),
            People::Audience => said.audience.is_some(),
            People::ExternalsServed => access.externals || named,
            People::ExternalsRefused => !access.externals && !named,
            People::OpenRoomsRefused => !access.externals,
            People::Administrators => !config.assistant.administrators.is_empty(),
            People::NoAdministrators => config.assistant.administrators.is_empty(),
            People::Recipients => said.recipients.is_some(),
            People::Processors => said.processors.is_some(),
        },
        Claim::Place(claim) => match claim {
            Place::Model | Place::NoAiService | Place::Tchap => true,
            // No configuration of this program has one: see the test of it.
            Place::RemoteModel => false,
            Place::NothingLeaves => config.assistant.docs.is_none() && config.documents.scanner.is_none() && !shares,
            Place::Docs => config.assistant.docs.is_some(),
            Place::Scanner => config.documents.scanner.is_some(),
            Place::Search => shares,
            Place::Encrypted => here.is_some_and(|here| here.encrypted),
            Place::Clear => here.is_some_and(|here| !here.encrypted),
            Place::Open => here.is_some_and(|here| here.open),
            Place::EncryptedOnly => !access.unencrypted,
            Place::ClearServed => access.unencrypted,
            Place::Transfers => said.transfers.is_some(),
        },
        Claim::Time(claim) => match claim {
            Time::Addresses => config.assistant.docs.is_some(),
            Time::Backups => said.backups.is_some(),
            Time::BackupsUnsaid => said.backups.is_none(),
            Time::Logs => said.logs.is_some(),
            Time::LogsUnsaid => said.logs.is_none(),
            // Their figures are looked at below.
            Time::Short
            | Time::Exchanges
            | Time::Waiting
            | Time::Undecrypted
            | Time::Files
            | Time::Facts
            | Time::Notes
            | Time::Made
            | Time::Audit
            | Time::Marks
            | Time::Counted => true,
        },
        Claim::Machine(claim) => match claim {
            Machine::Name => config.model.file.is_some() || config.model.hub.is_some(),
            Machine::Trial => config.model.file.is_none() && config.model.hub.is_none(),
            Machine::Embedding => config.model.embedding.is_some(),
            Machine::Reranker => config.model.reranker.is_some(),
            Machine::Entities => config.model.entities.is_some(),
            Machine::Collections => !config.collections.0.is_empty(),
            Machine::Addressed => here.is_none(),
            Machine::AddressedHere => {
                here.is_some_and(|here| !here.direct && here.answers != Answers::All && !here.translated)
            }
            Machine::AllHere => here.is_some_and(|here| here.direct || here.answers == Answers::All),
            Machine::TranslatedHere => here.is_some_and(|here| here.translated),
            Machine::Drafts => config.assistant.streaming.enabled,
            Machine::Engine
            | Machine::Reads
            | Machine::OnRequest
            | Machine::Names
            | Machine::NoLinks
            | Machine::NoTraining
            | Machine::Mark => true,
        },
        Claim::Rights(claim) => match claim {
            // Only the basis that the settings above give is a task in the public interest.
            Rights::Basis | Rights::Portability => said.legal_basis.is_some(),
            Rights::ForbiddenUses => said.forbidden_uses.is_some(),
            Rights::Forbidden => said.forbidden.is_some(),
            Rights::Charter => said.charter.is_some(),
            Rights::Notice => said.notice.is_some(),
            Rights::Accessibility => said.accessibility.is_some(),
            Rights::Updated => said.updated.is_some(),
            Rights::Purpose
            | Rights::NoDecision
            | Rights::Uses
            | Rights::Never
            | Rights::Separation
            | Rights::Delete
            | Rights::Access
            | Rights::Erase
            | Rights::Rectify
            | Rights::Write
            | Rights::Complaint => true,
        },
        Claim::Measures(claim) => match claim {
            Measures::Security => said.security.is_some(),
            Measures::Impact => said.dpia.is_some(),
            Measures::Register => said.register.is_some(),
            Measures::Why => config.assistant.ratings.ask_why,
            Measures::Digest => config.assistant.weekly_digest && !config.assistant.administrators.is_empty(),
            Measures::Published => config.statistics.listen.is_some(),
            Measures::Sealed | Measures::KeyBackup | Measures::Counted | Measures::People | Measures::Ratings => true,
        },
    }
}

/// The times in a text, as `7 jours`.
fn times(text: &str) -> BTreeSet<String> {
    const UNITS: [&str; 12] =
        ["minutes", "heure", "heures", "jours", "an", "ans", "mois", "hours", "hour", "days", "years", "months"];
    let words: Vec<&str> = text.split(|letter: char| !letter.is_alphanumeric()).collect();
    words
        .windows(2)
        .filter(|pair| pair[0].parse::<u32>().is_ok() && (UNITS.contains(&pair[1]) || pair[1] == "year"))
        .map(|pair| pair.join(" "))
        .collect()
}

/// The times that may be told of a service with this configuration, in this room or in none.
fn true_times(config: &Config, here: Option<&Here>) -> BTreeSet<String> {
    let assistant = &config.assistant;
    let mut true_times: BTreeSet<String> =
        ["48 heures", "48 hours", "90 jours", "90 days", "25 mois", "25 months"].map(ToOwned::to_owned).into();
    let given = [config.privacy.backups, config.privacy.logs].into_iter().flatten();
    let kept = here.map_or(assistant.retention.unsigned_abs(), |here| here.retention);
    let configured =
        [assistant.retention_limit, assistant.memory, assistant.audit, assistant.withdrawable, assistant.compagnons];
    let configured = configured.into_iter().chain(given);
    for time in configured.map(SignedDuration::unsigned_abs).chain([kept]) {
        let (hours, days) = (time.as_secs() / 3600, time.as_secs() / (24 * 3600));
        let (years, rest) = (days / 365, days % 365);
        let [fr, en] = match (days, rest) {
            (0, _) => [format!("{hours} heures"), format!("{hours} hours")],
            (_, 0) if years == 1 => ["1 an".to_owned(), "1 year".to_owned()],
            (_, 0) => [format!("{years} ans"), format!("{years} years")],
            _ => [format!("{days} jours"), format!("{days} days")],
        };
        true_times.extend([fr, en]);
    }
    true_times
}

#[test]
fn no_setting_makes_a_sentence_false() {
    let mut seen = BTreeSet::new();
    for (name, config, room) in states() {
        let facts = facts(&config);
        for (language, here) in
            [Language::Fr, Language::En].into_iter().flat_map(|one| [(one, None), (one, Some(&room))])
        {
            let view = View { facts: &facts, here, language };
            let mut sections: Vec<_> = Topic::ALL.into_iter().map(|topic| section(topic, &view)).collect();
            sections.push(short(&view));
            let (allowed, anywhere) = (true_times(&config, here), true_times(&config, None));
            for (claim, sentence) in
                sections.iter().flat_map(|section| &section.bullets).flat_map(|said| &said.sentences)
            {
                assert!(is_true(*claim, &config, here), "with {name}: {sentence}");
                seen.insert(*claim);
                let told = times(sentence);
                // What nobody can read is kept as long everywhere, whatever a room has chosen.
                let allowed = if *claim == Claim::Time(Time::Undecrypted) { &anywhere } else { &allowed };
                assert!(told.is_subset(allowed), "with {name}: {sentence} ({told:?} of {allowed:?})");
            }
            for entry in record(&view) {
                let told = times(&entry.text);
                assert!(
                    told.iter().all(|time| allowed.contains(time) || anywhere.contains(time)),
                    "with {name}: {}",
                    entry.text
                );
            }
        }
    }
    // Each sentence is said somewhere: a condition that never holds would be no test.
    let all: BTreeSet<Claim> = Topic::ALL.into_iter().flat_map(Topic::claims).copied().chain(in_short()).collect();
    let elsewhere = Claim::Place(Place::RemoteModel);
    assert_eq!(seen, all.into_iter().filter(|claim| *claim != elsewhere).collect());
}

#[test]
fn an_engine_on_another_machine_is_told_and_nothing_says_the_contrary() {
    let (config, here) = usual();
    let mut facts = super::privacy::facts(&config);
    for remote in [false, true] {
        facts.models.remote = remote;
        for here in [None, Some(&here)] {
            let view = View { facts: &facts, here, language: Language::Fr };
            let sections = Topic::ALL.into_iter().map(|topic| section(topic, &view)).chain([short(&view)]);
            let said = sections.flat_map(|section| section.bullets).flat_map(|said| said.sentences);
            let said: BTreeSet<Claim> = said.map(|(claim, _)| claim).collect();
            assert_eq!(said.contains(&Claim::Place(Place::RemoteModel)), remote);
            for local in [
                Claim::Place(Place::Model),
                Claim::Place(Place::NoAiService),
                Claim::Place(Place::NothingLeaves),
                Claim::Machine(Machine::Engine),
            ] {
                assert_eq!(said.contains(&local), !remote, "{local:?}");
            }
        }
    }
}

#[test]
fn what_is_so_is_said() {
    for (name, config, room) in states() {
        let facts = facts(&config);
        for (here, everywhere) in [(None, markdown as fn(&View<'_>) -> String), (Some(&room), said_here)] {
            let page = everywhere(&View { facts: &facts, here, language: Language::Fr });
            let says = |part: &str, holds: bool| assert_eq!(page.contains(part), holds, "{part} with {name}:\n{page}");
            says("docs-service.h", config.assistant.docs.is_some());
            says("scanner.h", config.documents.scanner.is_some());
            says("shared.h", config.postgres.is_some());
            says("Ministral.gguf", config.model.file.is_some());
            says("dpo@h.fr", config.privacy.dpo.is_some());
            says("page publique", config.statistics.listen.is_some());
            let clear = here.is_some_and(|here| !here.encrypted);
            says("conversation n’est pas chiffrée", clear);
            says("chiffrée de bout en bout", here.is_some_and(|here| here.encrypted));
            says("externes sont dans ce salon", here.is_some_and(|here| here.open));
        }
    }
}

/// All that is said in a room.
fn said_here(view: &View<'_>) -> String {
    let sections = Topic::ALL.into_iter().map(|topic| section(topic, view)).chain([short(view)]);
    let said = sections.flat_map(|section| section.bullets).map(|said| said.text());
    said.collect::<Vec<_>>().join("\n")
}

#[test]
fn ops_are_told_what_the_notice_lacks_and_what_is_open() {
    let (config, _) = usual();
    let said = |config: &Config| doubts(config).join("\n");
    assert!(said(&config).contains("privacy.controller") && said(&config).contains("administrators is empty"));
    let (mut good, mut here) = usual();
    for (name, set) in &SETTINGS {
        if ["what ops say", "administrators"].contains(name) {
            set(&mut good, &mut here);
        }
    }
    assert_eq!(doubts(&good), [""; 0]);
    for (name, expected) in [
        ("audit", "longer than a year"),
        ("externals", "external accounts"),
        ("a named external", "external accounts"),
        ("unencrypted", "without encryption"),
    ] {
        let (_, set) = SETTINGS.iter().find(|(known, _)| *known == name).expect("known");
        let mut config = good.clone();
        set(&mut config, &mut here);
        assert!(said(&config).contains(expected) && doubts(&config).len() == 1, "{name}: {}", said(&config));
    }
    good.privacy.backups = Some(SignedDuration::from_hours(400 * DAY));
    assert!(said(&good).contains("privacy.backups"));
}

#[test]
fn the_page_is_html_with_one_title_and_nothing_of_ops_is_markup() {
    let (mut config, _) = usual();
    config.privacy =
        parsed("privacy: {controller: '<script>alert(1)</script>', contact: 'https://h.fr/\"><b>'}").privacy;
    let facts = facts(&config);
    for (language, lang) in [(Language::Fr, "fr"), (Language::En, "en")] {
        let page = html(&View { facts: &facts, here: None, language });
        assert!(page.starts_with(&format!("<!DOCTYPE html>\n<html lang=\"{lang}\">")), "{page}");
        assert_eq!((page.matches("<h1>").count(), page.matches("<h2 id=").count()), (1, Topic::ALL.len() + 1));
        assert!(!page.contains("<script") && !page.contains("\"><b>") && page.contains("&lt;script&gt;"), "{page}");
        for topic in Topic::ALL {
            let id = topic.name(Language::En);
            assert!(page.contains(&format!("href=\"#{id}\"")) && page.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }
}

#[test]
fn a_subject_is_found_however_it_is_written() {
    for (name, topic) in [
        ("durées", Topic::Durations),
        ("DUREES", Topic::Durations),
        ("durée", Topic::Durations),
        ("ou", Topic::Where),
        ("où", Topic::Where),
        ("modele", Topic::Model),
        ("rights", Topic::Rights),
        (" Mes droits ", Topic::Rights),
        ("securite", Topic::Security),
    ] {
        assert_eq!(Topic::named(name), Some(topic), "{name}");
    }
    assert_eq!(["", "tout", "xyz"].map(Topic::named), [None; 3]);
    let names: BTreeSet<&str> =
        Topic::ALL.iter().flat_map(|topic| [topic.name(Language::Fr), topic.name(Language::En)]).collect();
    assert_eq!(names.len(), 2 * Topic::ALL.len(), "no two have one name");
}
