//! Each sentence with values as they may be: `docs/phrases.md` is made from it, for proofreading, and is held up to date.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path, sync::LazyLock, time::Duration};

use super::{
    AboutPrivacy, Contact, Destroys, FactPlace, Language, Mastered, Memory, Synthesis, Text, Welcome, energy::Spent,
    privacy::Topic,
};
use crate::{
    command::Command,
    compagnon::{Answers, CompagnonError, Field, FieldError},
    energy::Energy,
    evaluation::Standing,
    material::Unreadable,
    message::Unread,
    privacy::{Facts, Here, Keeps},
    typography,
};

const WEEK: Duration = Duration::from_hours(7 * 24);
const MONTH: Duration = Duration::from_hours(30 * 24);
const YEAR: Duration = Duration::from_hours(365 * 24);

/// A service as a ministry may have it.
static FACTS: LazyLock<Facts> = LazyLock::new(|| {
    Facts {
    stated: serde_yaml::from_str(
        "{controller: {fr: le ministère de l’Exemple, en: the Ministry of Examples}, dpo: dpo@exemple.gouv.fr, contact: assistant@exemple.gouv.fr,
          audience: {fr: les agents du ministère de l’Exemple, en: the staff of the Ministry of Examples},
          legal_basis: {fr: \"mission d’intérêt public (RGPD, article 6.1.e)\", en: \"task in the public interest (GDPR, article 6.1.e)\"}}",
    )
    .expect("a section"),
    organisation: "l’État".to_owned(),
    keeps: Keeps {
        retention: WEEK,
        longest: MONTH,
        memory: YEAR,
        audit: YEAR,
        marks: MONTH,
        withdrawable: MONTH,
        unused_compagnons: YEAR,
        months_counted: 25,
    },
    administrators: 2,
    ..Facts::default()
}
});

const DIRECT: Here =
    Here { direct: true, encrypted: true, open: false, retention: WEEK, answers: Answers::Mention, translated: false };
const OPEN: Here = Here { direct: false, open: true, ..DIRECT };
const CLEAR: Here = Here { encrypted: false, ..OPEN };

#[allow(clippy::too_many_lines)] // The table of all sentences.
fn samples() -> Vec<Text<'static>> {
    let welcome = |here| {
        Text::Welcome(Welcome {
            organisation: "l’État",
            title: "Généraliste",
            description: "Aide aux tâches courantes des agents.",
            facts: &FACTS,
            here,
        })
    };
    let (title, id) = ("Budget", "budget");
    let mut all = vec![
        Text::Busy,
        Text::NoRoom { told: true },
        Text::NoRoom { told: false },
        Text::DiskFull,
        Text::TooOld,
        Text::CannotRead(Unread::File),
        Text::CannotRead(Unread::Image),
        Text::CannotRead(Unread::Recording),
        Text::CannotRead(Unread::Video),
        Text::CannotRead(Unread::Sticker),
        Text::CannotRead(Unread::Poll),
        Text::CannotRead(Unread::Location),
        Text::TooLong { most: None },
        Text::TooLong { most: Some(7_900) },
        Text::QuestionTooLong { limit: 16_000 },
        Text::NoQuestion,
        Text::CannotAnswerTo(Unreadable::Redacted),
        Text::CannotAnswerTo(Unreadable::Undecryptable),
        Text::CannotAnswerTo(Unreadable::Unavailable),
        Text::CannotReadThread,
        Text::AnsweredWithout(Unreadable::Redacted),
        Text::AnsweredWithout(Unreadable::Undecryptable),
        Text::AnsweredWithout(Unreadable::Unavailable),
        Text::ThreadNotWhole,
        Text::Unread,
        Text::Missed,
        Text::NotChecked,
        Text::Failed,
        Text::GivenUp,
        Text::Empty,
        Text::SlowDown { wait: Duration::from_millis(29_200) },
        Text::LoopStopped { wait: Duration::from_hours(1) },
        Text::Cut,
        Text::Stopped,
        Text::NotRead(Unread::File),
        Text::NotRead(Unread::Image),
        Text::NotRead(Unread::Recording),
        Text::NotRead(Unread::Video),
        Text::Mark { title },
        Text::AskWhy,
        Text::Opened,
        Text::Verification { device: "DTKCHKQXEO", key: "dbMK 2oAi Vw7r qPnY 4uHt sZ0c XkLe 8JfB gT1o WyRa Nm3" },
        Text::BeginningLeftOut,
        Text::LastExchangeShortened,
        Text::RefusedServer,
        Text::RefusedExternal,
        Text::RefusedOpenRoom,
        Text::RefusedUnencrypted,
        Text::NotServed,
        welcome(&DIRECT),
        welcome(&OPEN),
        Text::Contact(Contact { facts: &FACTS, here: &DIRECT }),
        Text::Contact(Contact { facts: &FACTS, here: &CLEAR }),
        Text::UnknownCommand { nearest: Some("oublier") },
        Text::UnknownCommand { nearest: None },
        Text::Usage { usage: "- `!réponses mention`\n- `!réponses tout`" },
        Text::NeedsAdministrator,
        Text::NoRightHere,
        Text::OnlyInPrivate,
        Text::NeedsInstanceAdministrator,
        Text::UnverifiedDevice,
        Text::NeedsEncryption,
        Text::Help,
        Text::HelpContact,
        Text::HelpMore { guide: None, direct: true },
        Text::HelpMore { guide: Some("https://exemple.gouv.fr/guide"), direct: false },
        Text::Current { title, description: "Prépare le budget.", addition: None, settings: &[] },
        Text::Current {
            title,
            description: "Prépare le budget.",
            addition: Some("```\nSoyez bref.\n```"),
            settings: &[],
        },
        Text::List,
        Text::ListPrivate,
        Text::ListCurrent,
        Text::ListMore { example: "ressources-humaines" },
        Text::Chosen { title, welcome: "Je prépare votre budget.", example: Some("Que vaut le chapitre 2 ?") },
        Text::NoSuchCompagnon { nearest: Some("synthese") },
        Text::NoSuchCompagnon { nearest: None },
        Text::Ambiguous { candidates: "`budget`, `budget-2027`", example: "budget" },
        Text::Gone { title: "Généraliste" },
        Text::NameTaken { id },
        Text::Created { title, id },
        Text::Changed {
            title,
            id,
            version: 2,
            back: 1,
            diff: "```diff\n- Vous comptez.\n+ Vous comptez et vérifiez.\n```",
            published: false,
        },
        Text::Changed {
            title,
            id,
            version: 3,
            back: 2,
            diff: "```diff\n+ Vous citez vos sources.\n```",
            published: true,
        },
        Text::Unchanged,
        Text::Deleted { title, published: false },
        Text::Deleted { title, published: true },
        Text::FromLibrary { title: "Synthèse" },
        Text::NotYours,
        Text::Proposed { title, id },
        Text::AlreadyPublished,
        Text::Accepted { title, version: 2 },
        Text::Declined { title },
        Text::Decided { title, accepted: true },
        Text::Decided { title, accepted: false },
        Text::Withdrawn { title },
        Text::NotPublished,
        Text::Proposals,
        Text::NoProposals,
        Text::NewProposal { title, id, author: "Awa", reference: "17.2", cases: &Standing::NoCases },
        Text::NewProposal { title, id, author: "Awa", reference: "17.3", cases: &Standing::NotRun },
        Text::ReadFirst { id, reference: "17.2" },
        Text::Versions,
        Text::VersionsMore { id, version: 3 },
        Text::NoSuchVersion { id },
        Text::PromptTooLong { limit: 8_000 },
        Text::DoesNotFit,
        Text::BadPrompt(&CompagnonError::NoFrontMatter),
        Text::BadPrompt(&CompagnonError::Empty),
        Text::BadPrompt(&CompagnonError::Unclosed),
        Text::BadField(&FieldError::TooLong { field: Field::Name, limit: 60 }),
        Text::BadField(&FieldError::TooLong { field: Field::Title, limit: 60 }),
        Text::BadField(&FieldError::TooLong { field: Field::Description, limit: 200 }),
        Text::BadField(&FieldError::TooLong { field: Field::Welcome, limit: 500 }),
        Text::BadField(&FieldError::TooLong { field: Field::Example, limit: 200 }),
        Text::BadField(&FieldError::NotLatin),
        Text::BadField(&FieldError::Invisible),
        Text::BadField(&FieldError::TooManyExamples { limit: 10 }),
        Text::BadField(&FieldError::Temperature),
        Text::BadField(&FieldError::MaxTokens { limit: 1_024 }),
        Text::Imitates { title: "Synthèse" },
        Text::Effective {
            prompt: "```\nVous êtes Budget.\n\nConsigne de ce salon :\nSoyez bref.\n```",
            temperature: 0.3,
            longest: 1024,
            answers: "…",
        },
        Text::SummaryNotShown,
        Text::AdditionSet,
        Text::AdditionRemoved,
        Text::NoAddition,
        Text::SettingSet { setting: "température 0,2" },
        Text::SettingsReset,
        Text::BadValue { allowed: "50, 100" },
        Text::Mastered(Mastered::Mark { date: "12 novembre 2026", author: "awa" }),
        Text::Mastered(Mastered::List {
            title: "Compagnon RH",
            lines: "- **3** (à valider) : Comment poser mes congés ?",
        }),
        Text::Mastered(Mastered::None { title: "Compagnon RH" }),
        Text::Mastered(Mastered::Waiting { number: 3, question: "Comment poser mes congés ?" }),
        Text::Mastered(Mastered::Approved {
            number: 3,
            question: "Comment poser mes congés ?",
            date: "12 novembre 2026",
        }),
        Text::Mastered(Mastered::Shown {
            number: 3,
            questions: "- Comment poser mes congés ?",
            text: "Dans l’outil de gestion des congés.",
            waiting: true,
        }),
        Text::Mastered(Mastered::Proposed { number: 3, by_instance: true }),
        Text::Mastered(Mastered::Proposed { number: 3, by_instance: false }),
        Text::Mastered(Mastered::Accepted { number: 3 }),
        Text::Mastered(Mastered::Declined { number: 3 }),
        Text::Mastered(Mastered::Removed { number: 3 }),
        Text::Mastered(Mastered::NoSuch { number: 3 }),
        Text::Mastered(Mastered::Full { limit: 200 }),
        Text::Mastered(Mastered::BadQuestion { limit: 300, wordings: 10 }),
        Text::Mastered(Mastered::BadAnswer { limit: 4_000 }),
        Text::Mastered(Mastered::OnlyInRoom),
        Text::Mastered(Mastered::News { title: "Compagnon RH", author: "Awa", number: 3 }),
        Text::Synthesis(Synthesis::Reading { read: 12, parts: 40 }),
        Text::Synthesis(Synthesis::NotWhole),
        Text::Memory(Memory::Noted { number: 3, room_meant: false }),
        Text::Memory(Memory::Noted { number: 3, room_meant: true }),
        Text::Memory(Memory::NotedForRoom { number: 1, fact: "Le COPIL est le mardi." }),
        Text::Memory(Memory::Known(FactPlace { of_room: false, number: 3 })),
        Text::Memory(Memory::TooLong { limit: Some(300) }),
        Text::Memory(Memory::TooLong { limit: None }),
        Text::Memory(Memory::Full { of_room: false, limit: 1 }),
        Text::Memory(Memory::Full { of_room: true, limit: 1 }),
        Text::Memory(Memory::Full { of_room: false, limit: 20 }),
        Text::Memory(Memory::Full { of_room: true, limit: 20 }),
        Text::Memory(Memory::List {
            person: "- `1` Je travaille au SG. *(28 novembre 2026)*",
            room: "- `salon 1` Le COPIL est le mardi. *(Awa, 28 novembre 2026)*",
            hidden: true,
            retention: YEAR,
        }),
        Text::Memory(Memory::Nothing { direct: true, hidden: false }),
        Text::Memory(Memory::Nothing { direct: false, hidden: false }),
        Text::Memory(Memory::Nothing { direct: false, hidden: true }),
        Text::Memory(Memory::NoSuch(FactPlace { of_room: true, number: 4 })),
        Text::Memory(Memory::Forgotten(FactPlace { of_room: false, number: 3 })),
        Text::Memory(Memory::ForgottenAll { of_room: false }),
        Text::Memory(Memory::ForgottenAll { of_room: true }),
        Text::AnswersAre(Answers::Mention),
        Text::AnswersAre(Answers::All),
        Text::AnswersAre(Answers::Thread),
        Text::AnswersDirect { threads: false },
        Text::AnswersDirect { threads: true },
        Text::RetentionIs { retention: WEEK, limit: MONTH, chosen: false },
        Text::RetentionIs { retention: Duration::from_hours(48), limit: MONTH, chosen: true },
        Text::RetentionIs { retention: Duration::from_hours(1), limit: MONTH, chosen: true },
        Text::RetentionTooLong { limit: MONTH },
        Text::Confirm(Destroys::Conversation),
        Text::Confirm(Destroys::Room { direct: false }),
        Text::Confirm(Destroys::Room { direct: true }),
        Text::Confirm(Destroys::Facts { of_room: false }),
        Text::Confirm(Destroys::Facts { of_room: true }),
        Text::Confirm(Destroys::Retention { retention: Duration::from_hours(1) }),
        Text::Confirm(Destroys::Compagnon { title }),
        Text::ForgetInThread,
        Text::FileTooLarge { most: 10_485_760 },
        Text::FileFailed,
        Text::ServiceRefused { service: "docs".into() },
        Text::ExportFailed,
        Text::Privacy(AboutPrivacy { topic: None, facts: &FACTS, here: &DIRECT }),
        Text::Privacy(AboutPrivacy { topic: Some(Topic::Durations), facts: &FACTS, here: &OPEN }),
        Text::Status {
            ready: true,
            model: "Ministral 3B",
            compagnon: title,
            waiting: 2,
            retention: WEEK,
            spent: Spent {
                energy: Energy { measured: 0, estimated: 9_000_000_000 },
                answers: 38,
                co2_grams_per_kwh: 21.7,
            },
            version: "1.0.0",
        },
        Text::Status {
            ready: false,
            model: "Ministral 3B",
            compagnon: title,
            waiting: 2,
            retention: Duration::from_hours(1),
            spent: Spent::default(),
            version: "1.0.0",
        },
        Text::Redoing,
        Text::NothingToRedo,
        Text::Stopping { dropped: 0 },
        Text::Stopping { dropped: 1 },
        Text::Stopping { dropped: 2 },
        Text::JobStopped,
        Text::NothingToStop,
        Text::StopNotYours,
        Text::Journal,
        Text::JournalEmpty,
    ];
    all.extend(super::documents::samples().into_iter().map(Text::Documents));
    all.extend(super::sources::samples().into_iter().map(Text::Sources));
    let counted = super::statistics::samples();
    all.extend(counted.iter().take(3).skip(2).map(|told| Text::Digest(Box::new(told.clone()))));
    all.extend(counted.into_iter().map(|told| Text::Statistics(Box::new(told))));
    all.extend(super::cases::samples().into_iter().map(Text::Cases));
    all.extend(super::pseudonyms::samples().into_iter().map(Text::Pseudonyms));
    all.extend(super::reviews::samples().into_iter().map(Text::Reviews));
    all.extend(super::translation::samples().into_iter().map(Text::Translation));
    all.extend(super::glossary::samples().into_iter().map(Text::Glossary));
    all.extend(super::rights::samples().into_iter().map(Text::Rights));
    all.extend(super::notes::samples().into_iter().map(Text::Notes));
    all.extend(super::documented::samples().into_iter().map(Text::Documented));
    all.extend(Command::ALL.map(Text::Summary));
    all
}

/// The name of a variant.
fn name(text: &Text<'_>) -> String {
    let debug = format!("{text:?}");
    debug.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

#[test]
fn every_sentence_is_in_the_samples_and_used() {
    let source = include_str!("text.rs");
    let (_, body) = source.split_once("pub enum Text<'a> {").expect("the table");
    let (body, _) = body.split_once("\n}").expect("its end");
    let variants = body.lines().filter_map(|line| {
        let line = line.strip_prefix("    ")?;
        line.starts_with(char::is_uppercase)
            .then(|| line.split([' ', '(', '{', ',']).next().unwrap_or_default().to_owned())
    });
    let variants: BTreeSet<String> = variants.collect();
    assert!(variants.len() > 60, "the table was read: {variants:?}");
    let sampled: BTreeSet<String> = samples().iter().map(name).collect();
    assert_eq!(variants, sampled);
    // The compiler names a variant that nobody makes; this names one that only the samples would make.
    let uses = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/assistant"));
    let unused: Vec<&String> = variants.iter().filter(|name| !uses.contains(&format!("Text::{name}"))).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

/// The text of all source files below a folder, those of the sentences themselves left out.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("texts") {
            text.push_str(&sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).expect("a file"));
        }
    }
    // Refused invitations are named where the sentences are.
    text + include_str!("say.rs").split_once("pub fn refusal").map_or("", |(_, refusal)| refusal)
}

#[test]
fn each_sentence_is_said_once_in_each_language_and_in_its_own_words() {
    let mut seen = BTreeSet::new();
    for text in samples() {
        // What a line must not end before, where the typography of French says so.
        let set = text.say(Language::Fr);
        assert!(text.quoted().is_some() || typography::french(&set) == set, "{set}");
        let (fr, en) = (text.say_of(Language::Fr, &FACTS), text.say_of(Language::En, &FACTS));
        assert!(!fr.trim().is_empty() && !en.trim().is_empty(), "{text:?}");
        // Titles and samples of values are the same in both; what is around them is not.
        assert!(fr != en, "{text:?} is not translated");
        for sentence in [fr, en] {
            assert!(!sentence.contains("  "), "{sentence}");
            assert!(seen.insert(sentence.clone().into_owned()), "said twice: {sentence}");
        }
    }
}

#[test]
fn the_page_of_phrases_is_up_to_date() {
    let mut page = String::from(
        "# Phrases\n\nEverything the bot says by itself, in French and in English, with made-up values. Made from \
         `src/assistant/texts` by `UPDATE_PHRASES=1 cargo test phrases`; a test holds it up to date.\n",
    );
    for text in samples() {
        let quote = |sentence: &str| {
            sentence.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
        };
        let (fr, en) = (quote(&text.say_of(Language::Fr, &FACTS)), quote(&text.say_of(Language::En, &FACTS)));
        let _ = write!(page, "\n### {}\n\n{fr}\n\n{en}\n", name(&text));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/phrases.md");
    if std::env::var_os("UPDATE_PHRASES").is_some() {
        fs::write(&path, &page).expect("written");
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(known == page, "docs/phrases.md is not up to date: UPDATE_PHRASES=1 cargo test phrases");
}
