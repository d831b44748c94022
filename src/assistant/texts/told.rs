//! What people are told in four services, with the time it takes to hear it: `docs/privacy.md` is made from it, and is held up to date.

use std::{fmt::Write as _, fs, path::Path, time::Duration};

use super::{
    AboutPrivacy, Contact, Text, Welcome,
    privacy::{Topic, View, markdown},
};
use crate::{
    compagnon::{Answers, Language},
    privacy::{Facts, Here, Keeps, Models, Sends},
};

const DAY: Duration = Duration::from_hours(24);

/// Words a minute, read aloud without haste.
const PACE: usize = 150;

fn usual() -> (Facts, Here) {
    let stated = serde_yaml::from_str(
        "{controller: {fr: le ministère de l’Exemple, en: the Ministry of Examples}, dpo: dpo@exemple.gouv.fr, contact: assistant@exemple.gouv.fr,
          audience: {fr: les agents du ministère de l’Exemple, en: the staff of the Ministry of Examples},
          purposes: {fr: aider les agents à rédiger et à s’informer, en: helping staff to write and to find information},
          legal_basis: {fr: \"mission d’intérêt public (RGPD, article 6.1.e)\", en: \"task in the public interest (GDPR, article 6.1.e)\"},
          hosting: {fr: \"les serveurs du ministère, en France\", en: \"the ministry’s servers, in France\"},
          homeserver_operator: {fr: opéré par la direction interministérielle du numérique, en: run by the interministerial digital directorate},
          transfers: {fr: aucun hors de l’Union européenne, en: none outside the European Union}, backups: 30d, logs: 180d,
          register: 2026-17, dpia: {fr: faite le 2 novembre 2026, en: made on 2 November 2026},
          security: {fr: homologation du 12 novembre 2026, en: accreditation of 12 November 2026}, updated: '2026-11-28'}",
    );
    let facts = Facts {
        stated: stated.expect("a section"),
        organisation: "le ministère de l’Exemple".to_owned(),
        models: Models { source: Some("Ministral-3-3B-Instruct-2512-Q4_K_M.gguf".to_owned()), ..Models::default() },
        keeps: Keeps {
            retention: 7 * DAY,
            longest: 30 * DAY,
            memory: 365 * DAY,
            audit: 365 * DAY,
            marks: 90 * DAY,
            withdrawable: 30 * DAY,
            unused_compagnons: 730 * DAY,
            months_counted: 25,
        },
        administrators: 2,
        streaming: true,
        asks_why: true,
        ..Facts::default()
    };
    let here = Here {
        direct: false,
        encrypted: true,
        open: false,
        retention: 7 * DAY,
        answers: Answers::Mention,
        translated: false,
    };
    (facts, here)
}

/// Four services: all of it local; with other systems; open to external accounts; in rooms without encryption.
fn services() -> [(&'static str, Facts, Here); 4] {
    let (facts, here) = usual();
    let sends = Sends {
        docs: Some("docs.exemple.gouv.fr".to_owned()),
        scanner: Some("antivirus.exemple.gouv.fr".to_owned()),
        search: Some("documents.exemple.gouv.fr".to_owned()),
    };
    [
        ("Local only", facts.clone(), here),
        ("With other systems: Docs, an antivirus, shared collections", Facts { sends, ..facts.clone() }, here),
        ("External accounts are served", Facts { externals: true, ..facts.clone() }, Here { open: true, ..here }),
        (
            "Rooms without encryption are served",
            Facts { unencrypted: true, ..facts },
            Here { encrypted: false, ..here },
        ),
    ]
}

/// How many words, and how many seconds they take.
fn heard(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
    format!("{words} words, {} s", (words * 60).div_ceil(PACE))
}

fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_first_words_are_true_of_each_room() {
    let (mut facts, usual) = usual();
    for forbidden in [false, true] {
        if forbidden {
            facts.stated.forbidden = Some(crate::setting::spoken::Spoken::same(vec!["données de mineurs".to_owned()]));
        }
        for flags in 0..32 {
            let flag = |bit: u32| flags & (1 << bit) != 0;
            let answers = if flag(3) { Answers::All } else { Answers::Thread };
            let here = Here {
                direct: flag(0),
                encrypted: flag(1),
                open: flag(2),
                retention: 2 * DAY,
                answers,
                translated: flag(4),
            };
            assert_ne!(here.retention, usual.retention);
            let welcome = Text::Welcome(Welcome {
                organisation: "l’État",
                title: "Généraliste",
                description: "Aide.",
                facts: &facts,
                here: &here,
            });
            let contact = Text::Contact(Contact { facts: &facts, here: &here });
            for (text, first) in [(welcome, true), (contact, false)] {
                let said = text.say(Language::Fr);
                let says = |part: &str, holds: bool| assert_eq!(said.contains(part), holds, "{part}: {here:?}\n{said}");
                says("pas chiffrée", !here.encrypted);
                says("des externes", here.open);
                says("2 jours", true);
                says("7 jours", false);
                says("données de mineurs", forbidden);
                says("Diffusion Restreinte", true);
                says("`!confidentialité`", true);
                let room = first && !here.direct;
                let reads_all = here.answers == Answers::All || here.translated;
                says("Je lis tous les messages", room && reads_all);
                says("Je ne lis que ce qui m’est adressé", room && !reads_all);
                says("mentionnez-moi", room && here.answers != Answers::All);
                says("Écrivez-moi ici", first && here.direct);
            }
        }
    }
}

#[test]
fn the_page_on_privacy_is_up_to_date() {
    let mut page = format!(
        "# What people are told of their data\n\nIn four services, with made-up values, and the time that it takes to hear it at {PACE} words a minute. Made from \
         `src/assistant/texts` by `UPDATE_PHRASES=1 cargo test page_on_privacy`; a test holds it up to date.\n"
    );
    let mut before = String::new();
    for (name, facts, here) in services() {
        let _ = write!(page, "\n## {name}\n");
        let welcome = Text::Welcome(Welcome {
            organisation: &facts.organisation,
            title: "Généraliste",
            description: "Aide aux tâches courantes des agents.",
            facts: &facts,
            here: &here,
        });
        for (title, text) in [
            ("The first message in a room", welcome),
            ("The first message to a person", Text::Contact(Contact { facts: &facts, here: &here })),
            ("`!confidentialité`", Text::Privacy(AboutPrivacy { topic: None, facts: &facts, here: &here })),
        ] {
            let said = text.say(Language::Fr);
            let _ = write!(page, "\n### {title} ({})\n\n{}\n", heard(&said), quoted(&said));
        }
        let longest = Topic::ALL.map(|topic| {
            let asked = Text::Privacy(AboutPrivacy { topic: Some(topic), facts: &facts, here: &here });
            format!("`{}` {}", topic.name(Language::Fr), heard(&asked.say(Language::Fr)))
        });
        let _ = write!(page, "\nOn a subject: {}.\n", longest.join("; "));
        let notice = markdown(&View { facts: &facts, here: None, language: Language::Fr });
        if before.is_empty() {
            let _ = write!(page, "\n### The notice ({})\n\n{}\n", heard(&notice), quoted(&notice));
            before.clone_from(&notice);
        } else {
            let new: Vec<&str> = notice.lines().filter(|line| !before.lines().any(|other| other == *line)).collect();
            let _ = write!(
                page,
                "\n### The notice ({}), where it differs\n\n{}\n",
                heard(&notice),
                quoted(&new.join("\n"))
            );
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/privacy.md");
    if std::env::var_os("UPDATE_PHRASES").is_some() {
        fs::write(&path, &page).expect("written");
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(known == page, "docs/privacy.md is not up to date: UPDATE_PHRASES=1 cargo test page_on_privacy");
}
