//! Commands against the fakes: what is understood, what is refused, and what changes.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use ruma::{OwnedUserId, owned_user_id};
use serde_json::Value;
use tempfile::TempDir;

use crate::command::{Call, Command};
use crate::compagnon::Bases;
use crate::{
    assistant::{
        Config,
        config::{Limits, Rate},
        fakes::{FakeGateway, FakeModel, incoming},
        tests::{Bench, admitted, assistant, block},
        texts::{Cases, Destroys, Language, Rights, Text},
    },
    evaluation::Standing,
    inference::CacheScope,
    matrix::Batch,
    message::{Edit, Incoming, MessageKind, Redaction},
    store::{Accept, Change, QueuedKind, Store},
};

const MONTH: Duration = Duration::from_hours(30 * 24);

pub(super) const FORGOTTEN_CONVERSATION: Text<'static> =
    Text::Rights(Rights::ForgottenConversation { withdrawable: MONTH });
const FORGOTTEN_PERSON: Text<'static> =
    Text::Rights(Rights::ForgottenPerson { withdrawable: MONTH, audit: Duration::from_hours(365 * 24) });
const FORGOTTEN_ROOM: Text<'static> = Text::Rights(Rights::ForgottenRoom { withdrawable: MONTH });

/// Awa and Ben in one room, each in a direct conversation too.
pub(super) struct Office {
    pub(super) bench: Bench,
    pub(super) systems: Arc<Mutex<Vec<String>>>,
    pub(super) invalidated: Arc<Mutex<Vec<CacheScope>>>,
    asked: usize,
    _folder: TempDir,
}

pub(super) fn awa() -> OwnedUserId {
    owned_user_id!("@awa:h")
}

pub(super) fn ben() -> OwnedUserId {
    owned_user_id!("@ben:h")
}

impl Office {
    pub(super) fn new(mut config: Config) -> Self {
        // Nobody types here.
        config.limits.loop_after = u32::MAX;
        (config.limits.person, config.limits.room) = (Rate::of(1_000, 1), Rate::of(1_000, 1));
        let folder = tempfile::tempdir().expect("a folder");
        let model = FakeModel::default();
        let (systems, invalidated) = (Arc::clone(&model.systems), Arc::clone(&model.invalidated));
        let bench = assistant(folder.path(), &Arc::<FakeGateway>::default(), model, config);
        block(bench.store().apply(&[Change::Informed(ben())], 0)).expect("stored");
        Self { bench, systems, invalidated, asked: 0, _folder: folder }
    }

    pub(super) fn message(&mut self, person: &OwnedUserId, room: &str, body: &str) -> Incoming {
        self.asked += 1;
        let event = format!("$q{}:h", self.asked);
        Incoming { sender: person.clone(), direct: room.starts_with("!with"), ..incoming(&event, room, body) }
    }

    /// Writes in a room, and gives what the bot shows for it at rest.
    pub(super) async fn say(&mut self, person: &OwnedUserId, room: &str, body: &str) -> Option<(MessageKind, String)> {
        let message = self.message(person, room, body);
        self.send(message).await
    }

    pub(super) async fn send(&mut self, message: Incoming) -> Option<(MessageKind, String)> {
        let question = message.event_id.clone();
        self.bench.ask(vec![message]);
        self.bench.rest().await;
        let shown = self.bench.gateway.shown().into_iter().find(|shown| shown.question == question)?;
        Some((shown.kind, shown.text))
    }

    /// As [`Self::say`], for a command: its answer is a notice.
    pub(super) async fn command(&mut self, person: &OwnedUserId, room: &str, body: &str) -> String {
        let (kind, text) = self.say(person, room, body).await.expect("an answer");
        assert_eq!(kind, MessageKind::Notice, "{text}");
        text
    }

    /// The system prompt with which a question is answered in a room.
    pub(super) async fn prompt(&mut self, person: &OwnedUserId, room: &str) -> String {
        let message = self.message(person, room, "Question ?");
        let (kind, text) = self.send(Incoming { mentions_me: true, ..message }).await.expect("an answer");
        assert_eq!(kind, MessageKind::Text, "{text}");
        self.systems.lock().expect("not poisoned").last().expect("a prompt").clone()
    }
}

pub(super) fn fr(text: &Text<'_>) -> String {
    text.say(Language::Fr).into_owned()
}

fn read(body: &str, direct: bool, addressed: bool) -> Option<(Option<Command>, String)> {
    let message = Incoming { direct, ..incoming("$q:h", "!a:h", body) };
    Call::read(&message).filter(|call| addressed || call.command.is_some()).map(|call| (call.command, call.arguments))
}

#[test]
fn what_is_a_command() {
    let is = |command| Some((Some(command), String::new()));
    for body in ["!aide", "!AIDE", " ! aide", "!help", "！aide", "!aide\n"] {
        assert_eq!(read(body, false, false), is(Command::Help), "{body:?}");
    }
    for (body, command) in [("!etat", Command::Status), ("!état", Command::Status), ("!e\u{301}tat", Command::Status)]
    {
        assert_eq!(read(body, false, false), is(command));
    }
    assert_eq!(
        read("!compagnon  choisir rh ", false, false),
        Some((Some(Command::Compagnon), "choisir rh".to_owned()))
    );
    // Of another bot, perhaps: only where this one is spoken to is it said that there is no such command.
    assert_eq!(read("!meteo", false, false), None);
    assert_eq!(read("!meteo", false, true), Some((None, String::new())));
}

#[test]
fn a_command_may_have_the_mention_behind_it_and_what_has_a_mark_is_never_a_question() {
    let read = |body: &str, without_call: &str| {
        let message = Incoming {
            mentions_me: true,
            direct: false,
            without_call: Some(without_call.to_owned()),
            ..incoming("$q:h", "!a:h", body)
        };
        Call::read(&message).map(|call| (call.command, call.arguments))
    };
    let is = |command, arguments: &str| Some((Some(command), arguments.to_owned()));
    assert_eq!(read("stop @Compagnon", "stop"), is(Command::Stop, ""));
    assert_eq!(read("aide @Compagnon !", "aide !"), is(Command::Help, ""));
    assert_eq!(read("!oublier moi @Compagnon", "!oublier moi"), is(Command::Forget, "moi"));
    assert_eq!(read("!aide compagnon", "!aide"), is(Command::Help, "compagnon"), "the name of a command, too");
    assert_eq!(read("\u{200b}!état", "x"), is(Command::Status, ""));
    assert_eq!(read("bonjour Compagnon", "bonjour"), None);
    assert_eq!(read("! Bonjour, quelle heure ?", "x"), None, "\"Compagnon ! Bonjour\"");
    assert_eq!(read("qui est Compagnon ?", "qui est ?"), None);
    for body in ["!oublier tout de suite et sans attendre, @Compagnon", "!stop ça", "!meteo Compagnon"] {
        assert!(read(body, body).is_some(), "{body}");
    }
}

#[test]
fn no_edit_becomes_a_command() {
    let becomes = |body: &str, without_call: Option<&str>| {
        Call::is_made_by(&Edit {
            room_id: "!a:h".try_into().expect("a room id"),
            event_id: "$e:h".try_into().expect("an event id"),
            replaces: "$q:h".try_into().expect("an event id"),
            sender: awa(),
            sent_at: 0,
            body: body.to_owned(),
            mentions_me: Some(true),
            direct: false,
            without_call: without_call.map(str::to_owned),
        })
    };
    assert!(becomes("!oublier", None) && becomes("stop", None) && becomes("\u{2060}! aide", None));
    assert!(becomes("stop @Compagnon", Some("stop")));
    assert!(!becomes("bonjour Compagnon", Some("bonjour")) && !becomes("Que faites-vous ?", None));
}

#[test]
fn what_is_none() {
    for body in [
        "aide",
        "Une question !aide",
        "> !aide",
        "`!aide`",
        "```\n!aide\n```",
        "    x !oublier",
        "!",
        "!!!",
        "!= 3",
        "! ",
        "- !aide",
        "\u{200b}!aide",
        "/aide",
        "",
    ] {
        assert_eq!(read(body, false, true), None, "{body:?}");
    }
}

#[test]
fn where_the_bot_is_spoken_to_the_mark_may_be_left_out() {
    for (body, command) in [
        ("aide", Command::Help),
        ("Aide", Command::Help),
        ("help", Command::Help),
        ("stop", Command::Stop),
        ("oublier", Command::Forget),
        ("oublier moi", Command::Forget),
        ("compagnons", Command::Compagnon),
        ("compagnon liste", Command::Compagnon),
        ("compagnon rh", Command::Compagnon),
        ("conservation 2 j", Command::Retention),
        ("exporter", Command::Export),
        ("confidentialite", Command::Privacy),
    ] {
        assert_eq!(read(body, true, true).and_then(|(command, _)| command), Some(command), "{body:?}");
    }
    for (body, command) in [
        ("Stop !", Command::Stop),
        ("stop.", Command::Stop),
        ("Stop.", Command::Stop),
        ("STOP", Command::Stop),
        ("stop svp", Command::Stop),
        ("Stop, s’il vous plaît !", Command::Stop),
        ("arrête !", Command::Stop),
        ("arrete", Command::Stop),
        ("arrêtez", Command::Stop),
        ("Arrêtez !", Command::Stop),
        ("!stop!", Command::Stop),
        ("!stop.", Command::Stop),
        ("!stop svp", Command::Stop),
        ("/stop", Command::Stop),
        ("stop stop stop", Command::Stop),
        ("/help", Command::Help),
        ("/aide", Command::Help),
        ("aide moi", Command::Help),
        ("aide-moi", Command::Help),
        ("Aide-moi !", Command::Help),
        ("Aide, svp", Command::Help),
        ("état ?", Command::Status),
        ("Oublier moi.", Command::Forget),
        ("oublie tout !", Command::Forget),
        ("refaire svp", Command::Redo),
        ("compagnons ?", Command::Compagnon),
        ("Compagnon rh, s'il te plaît", Command::Compagnon),
        ("compagnon voir", Command::Compagnon),
        ("conservation 2 j.", Command::Retention),
        ("conservation habituelle", Command::Retention),
        ("réponses tout !", Command::Answers),
        ("EXPORTER !", Command::Export),
        ("confidentialité ?", Command::Privacy),
    ] {
        assert_eq!(read(body, true, true).and_then(|(command, _)| command), Some(command), "{body:?}");
    }
    for body in [
        "aide-moi à écrire",
        "/home/awa/aide",
        "stop au gaspillage !",
        "Arrêtez de fumer : des conseils ?",
        "merci",
        "Merci !",
        "svp",
        "aide moi à écrire",
        "oublier cette phrase",
        "refaire le toit",
        "stop ou encore",
        "état des lieux",
        "compagnon de route depuis toujours",
        "conservation des archives",
        "réponses aux usagers",
        "Bonjour",
        "exporter un fichier",
        "compagnon créer X",
        "journal officiel",
        "Oublier moi ?",
        "oublier\u{a0}?",
        "Conservation 2 jours ?",
        "compagnon rh ?",
        "!",
    ] {
        assert_eq!(read(body, true, true), None, "{body:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_command_names_the_nearest_and_never_reaches_the_model() {
    let mut office = Office::new(Config::default());
    let text = office.command(&awa(), "!with-awa:h", "!oublie-moi").await;
    assert!(text.contains("`!aide`"), "{text}");
    assert_eq!(
        office.command(&awa(), "!with-awa:h", "!compangon").await,
        fr(&Text::UnknownCommand { nearest: Some("compagnon") })
    );
    assert!(office.systems.lock().expect("not poisoned").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn help_is_made_from_the_commands() {
    let mut office = Office::new(Config::default());
    let text = office.command(&awa(), "!with-awa:h", "aide").await;
    for command in Command::ALL {
        let name = command.spec().names[0];
        assert_eq!(
            text.contains(&format!("`!{name}`")) || text.contains(&format!("`!{name} ")),
            command != Command::Journal,
            "{name}"
        );
    }
    let one = office.command(&awa(), "!room:h", "!help compagnon").await;
    assert!(one.contains("`!compagnon create <name>`"), "{one}");
    // Who calls by an English name reads English.
    assert!(office.command(&awa(), "!room:h", "!help").await.contains("What you can ask me to do"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compagnon_is_made_changed_published_and_withdrawn() {
    let chief = owned_user_id!("@chief:h");
    let config = Config { administrators: vec![chief.clone()], ..Config::default() };
    let mut office = Office::new(config);
    let (home, other) = ("!room:h", "!other:h");
    office.bench.gateway.set_level(&ben(), 0);

    // A member without the level is refused each.
    for body in [
        "!compagnon créer Budget\nVous êtes Budget.",
        "!compagnon choisir synthese",
        "!compagnon consigne Soyez bref.",
        "!compagnon réglage température 1",
        "!réponses tout",
        "!conservation 2j",
        "!oublier tout",
    ] {
        assert_eq!(office.command(&ben(), home, body).await, fr(&Text::NeedsAdministrator), "{body}");
    }
    let made = office
        .command(&awa(), home, "!compagnon créer Budget : prépare le budget\nVous êtes {{ name }}.\n\nVous comptez.")
        .await;
    assert_eq!(made, fr(&Text::Created { title: "Budget", id: "budget" }));
    assert_eq!(office.prompt(&ben(), home).await, "Vous êtes Budget.\n\nVous comptez.");
    for body in [
        "!compagnon modifier budget\nVous êtes Budget.",
        "!compagnon revenir budget 1",
        "!compagnon supprimer budget",
        "!compagnon publier budget",
        "!compagnon retirer budget",
    ] {
        assert_eq!(office.command(&ben(), home, body).await, fr(&Text::NeedsAdministrator), "{body}");
    }
    for body in ["!compagnon accepter budget", "!compagnon refuser budget", "!compagnon propositions", "!journal"] {
        assert_eq!(office.command(&awa(), home, body).await, fr(&Text::NeedsInstanceAdministrator), "{body}");
    }

    // Private to its room and its author.
    assert!(office.command(&ben(), "!with-ben:h", "!compagnon voir budget").await.starts_with("Je ne trouve pas"));
    assert!(office.command(&awa(), "!with-awa:h", "!compagnon voir budget").await.contains("Vous comptez."));

    let changed = office
        .command(&awa(), home, "!compagnon modifier budget\n```\nVous êtes {{ name }}.\n\nVous vérifiez.\n```")
        .await;
    assert!(changed.contains("- Vous comptez.") && changed.contains("+ Vous vérifiez."), "{changed}");
    assert!(!changed.contains("Vous êtes"), "only what changes is shown: {changed}");

    let proposed = office.command(&awa(), home, "!compagnon publier budget").await;
    let without_cases = fr(&Text::Cases(Cases::Proposed(&Standing::NoCases)));
    assert_eq!(proposed, format!("{}\n\n{without_cases}", fr(&Text::Proposed { title: "Budget", id: "budget" })));
    assert!(
        office.command(&ben(), "!with-ben:h", "!compagnon voir budget").await.starts_with("Je ne trouve pas"),
        "not yet"
    );
    assert!(office.command(&chief, "!with-chief:h", "!compagnon propositions").await.contains("`budget 1.2`"));
    assert!(office.command(&chief, "!with-chief:h", "!compagnon voir budget").await.contains("Vous vérifiez."));
    // It is the text that was read which is accepted, and in private.
    let read = "!compagnon accepter budget 1.2";
    assert_eq!(office.command(&chief, "!room:h", read).await, fr(&Text::OnlyInPrivate));
    for unread in ["!compagnon accepter budget", "!compagnon accepter budget 1.1", "!compagnon accepter budget 2"] {
        let text = office.command(&chief, "!with-chief:h", unread).await;
        let refused = [
            fr(&Text::ReadFirst { id: "budget", reference: "1.2" }),
            fr(&Text::NoSuchCompagnon { nearest: Some("budget") }),
        ];
        assert!(refused.contains(&text), "{unread}: {text}");
    }
    let accepted = office.command(&chief, "!with-chief:h", read).await;
    assert_eq!(accepted, fr(&Text::Accepted { title: "Budget", version: 2 }));

    // Everybody may choose it now, and has the version that was accepted while its room tries the next.
    office.bench.gateway.set_level(&ben(), 50);
    office.command(&ben(), other, "!compagnon budget").await;
    let next = office.command(&awa(), home, "!compagnon modifier budget\nVous êtes Budget, version trois.").await;
    assert!(next.contains("`!compagnon publier budget`"), "{next}");
    assert_eq!(office.prompt(&ben(), other).await, "Vous êtes Budget.\n\nVous vérifiez.");
    assert_eq!(office.prompt(&ben(), home).await, "Vous êtes Budget, version trois.");
    office.command(&awa(), home, "!compagnon revenir budget 1").await;
    assert_eq!(office.prompt(&ben(), home).await, "Vous êtes Budget.\n\nVous comptez.");

    assert_eq!(
        office.command(&awa(), home, "!compagnon retirer budget").await,
        fr(&Text::Withdrawn { title: "Budget" })
    );
    let message = office.message(&ben(), other, "Question ?");
    let (_, gone) = office.send(Incoming { mentions_me: true, ..message }).await.expect("an answer");
    assert!(gone.contains("n’est plus disponible"), "{gone}");
    assert_eq!(office.prompt(&ben(), home).await, "Vous êtes Budget.\n\nVous comptez.", "at home it stays");

    let asked = office.command(&awa(), home, "!compagnon supprimer budget").await;
    assert_eq!(asked, fr(&Text::Confirm(Destroys::Compagnon { title: "Budget" })));
    assert_eq!(
        office.command(&awa(), home, "!compagnon supprimer budget").await,
        fr(&Text::Deleted { title: "Budget", published: false })
    );
    assert!(office.command(&awa(), home, "!compagnon").await.starts_with("Compagnon choisi ici\u{a0}: **Témoin**"));
    let journal = office.command(&chief, "!with-chief:h", "!journal").await;
    let actions = [
        "créé",
        "modifié",
        "proposé au catalogue",
        "accepté au catalogue",
        "choisi",
        "remis à une version",
        "retiré du catalogue",
        "supprimé",
    ];
    assert!(actions.iter().all(|action| journal.contains(&format!("compagnon {action}"))), "{journal}");
    assert!(!journal.contains("vérifiez") && !journal.contains("Budget"), "no content: {journal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_administrator_of_its_room_cannot_change_a_compagnon_from_elsewhere() {
    let mut office = Office::new(Config::default());
    office.command(&awa(), "!room:h", "!compagnon créer Budget\nVous êtes Budget.").await;
    office.bench.gateway.set_level(&awa(), 0);
    // Its author, who has lost the level in its room, in a conversation of her own.
    let refused = office.command(&awa(), "!with-awa:h", "!compagnon modifier budget\nVous êtes Autre.").await;
    assert_eq!(refused, fr(&Text::NotYours));
    assert_eq!(office.prompt(&awa(), "!room:h").await, "Vous êtes Budget.");
}

#[tokio::test(flavor = "multi_thread")]
async fn pasted_texts_that_cannot_be_used_are_refused_in_one_sentence() {
    let mut office = Office::new(Config { limits: Limits { prompt: 90, ..Limits::default() }, ..Config::default() });
    for (body, expected) in [
        ("!compagnon créer Budget", "Il manque le texte"),
        ("!compagnon créer", "s’écrit ainsi"),
        ("!compagnon créer 🙂\nVous êtes X.", "lettres latines"),
        ("!compagnon créer Бюджет\nVous êtes X.", "lettres latines"),
        ("!compagnon créer Вudget\nVous êtes X.", "lettres latines"),
        ("!compagnon créer Bud\u{200b}get\nVous êtes X.", "invisibles"),
        (
            "!compagnon créer aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nVous.",
            "Le nom dépasse 60 caractères",
        ),
        ("!compagnon créer B\n---\nname: B\ndescription: d\ntemperature: .inf\n---\nV.", "de 0 à 1,5"),
        ("!compagnon créer B\n---\nname: B\ndescription: d\nmax_tokens: 0\n---\nV.", "de 1 à 100"),
        ("!compagnon créer B\n---\nname: B\ntitle: Вudget\ndescription: d\n---\nV.", "lettres latines"),
        ("!compagnon créer B\n---\nname: B\ntitle: SYNTHESE\ndescription: d\n---\nV.", "**Synthèse**"),
        ("!compagnon créer Généra1iste\nVous êtes G.", "**Généraliste**"),
        ("!compagnon créer Budget\nVous êtes {{ nom }}.", "`nom` n’est pas une variable"),
        ("!compagnon créer Budget\nVous êtes {{ name.", "n’est pas fermée"),
        ("!compagnon créer Budget\n---\nname: [\n---\nVous.", "L’en-tête"),
        ("!compagnon créer Synthèse\nVous êtes S.", "déjà pris"),
        ("!compagnon créer liste\nVous êtes S.", "déjà pris"),
        ("!compagnon modifier synthese\nVous êtes S.", "fait partie du catalogue"),
        ("!compagnon choisir sinthese", "`synthese`"),
        ("!compagnon réglage température 9", "de 0 (constant) à 1,5"),
        ("!compagnon réglage couleur bleu", "s’écrit ainsi"),
        ("!conservation 300j", "30 jours au plus"),
        ("!conservation toujours", "s’écrit ainsi"),
    ] {
        let text = office.command(&awa(), "!room:h", body).await;
        assert!(text.contains(expected), "{body:?} → {text}");
    }
    let long = format!("!compagnon créer Budget\n{}", "x".repeat(91));
    assert_eq!(office.command(&awa(), "!room:h", &long).await, fr(&Text::PromptTooLong { limit: 90 }));
    assert!(office.bench.store().all_made().await.expect("readable").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rooms_own_instruction_settings_and_mode() {
    let mut office = Office::new(Config::default());
    let room = "!room:h";
    office.command(&awa(), room, "!compagnon consigne Répondez en une phrase.\nToujours.").await;
    let prompt = office.prompt(&awa(), room).await;
    assert!(prompt.ends_with("Consigne de ce salon :\nRépondez en une phrase.\nToujours."), "{prompt}");
    assert!(!office.prompt(&awa(), "!other:h").await.contains("une phrase"), "another room");
    office.command(&awa(), room, "!compagnon consigne aucune").await;
    assert!(!office.prompt(&awa(), room).await.contains("une phrase"));

    assert_eq!(office.say(&ben(), room, "Entre nous.").await, None);
    office.command(&awa(), room, "!réponses tout").await;
    assert!(office.say(&ben(), room, "À tous.").await.is_some());
    office.command(&awa(), room, "!réponses mention").await;
    assert_eq!(office.say(&ben(), room, "Entre nous.").await, None);

    let english = office.command(&awa(), room, "!compagnon réglage langue en").await;
    assert!(english.starts_with("Saved: language en."), "{english}");
    assert!(office.command(&awa(), room, "!état").await.starts_with("Everything is working"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_who_may_can_forget_what_others_said() {
    let mut office = Office::new(Config::default());
    let room = "!room:h";
    office.bench.gateway.set_level(&ben(), 0);
    office.bench.gateway.set_level(&awa(), 0);
    for person in [awa(), ben()] {
        office.prompt(&person, room).await;
    }
    assert_eq!(office.command(&ben(), room, "!oublier").await, fr(&Text::Rights(Rights::ForgetOthers)));
    assert_eq!(office.command(&ben(), room, "!oublier moi").await, fr(&FORGOTTEN_PERSON));
    let conversation = office.message(&awa(), room, "").conversation();
    let left = office.bench.store().turns(&conversation).await.expect("readable");
    assert!(!left.is_empty() && left.iter().all(|turn| turn.asker.as_ref() == Some(&awa())));
    // A power level counts only from a device that proves whose it is.
    office.bench.gateway.set_level(&ben(), 100);
    office.bench.gateway.sign_devices(false);
    assert_eq!(office.command(&ben(), room, "!oublier").await, fr(&Text::UnverifiedDevice));
    // What is left is hers alone.
    assert_eq!(office.command(&awa(), room, "!oublier").await, fr(&FORGOTTEN_CONVERSATION));
    assert!(office.bench.store().turns(&conversation).await.expect("readable").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_goes_to_the_persons_own_conversation_and_holds_what_is_theirs() {
    let mut office = Office::new(Config::default());
    office.say(&awa(), "!with-awa:h", "Je m'appelle Awa.").await;
    office.say(&ben(), "!with-ben:h", "Je m'appelle Ben.").await;
    office.command(&awa(), "!room:h", "!compagnon créer Budget\nVous êtes Budget.").await;
    assert_eq!(office.command(&awa(), "!room:h", "!exporter").await, fr(&Text::Rights(Rights::ExportSent)));
    let files = office.bench.gateway.files();
    assert_eq!(files[0].0, "!with-awa:h");
    let file: Value = serde_json::from_slice(&files[0].1).expect("JSON");
    let text = file.to_string();
    assert!(text.contains("Je m'appelle Awa.") && !text.contains("Ben"), "{text}");
    assert_eq!(file["conversations"][0]["messages"].as_array().map(Vec::len), Some(2), "question and answer");
    assert_eq!(file["compagnons"][0]["id"], "budget");
    assert_eq!(file["commands"][0]["action"], "compagnon.create");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_or_a_redaction_executes_nothing() {
    let mut office = Office::new(Config::default());
    let room = "!with-awa:h";
    let question = office.message(&awa(), room, "Bonjour");
    office.send(question.clone()).await.expect("an answer");
    let (shown, asked) = (office.bench.gateway.shown(), office.systems.lock().expect("not poisoned").len());
    for body in ["!oublier", "oublier", "! oublier moi"] {
        let edit = Edit {
            room_id: question.room_id.clone(),
            event_id: format!("$edit{}:h", body.len()).try_into().expect("an id"),
            replaces: question.event_id.clone(),
            sender: awa(),
            sent_at: 0,
            body: body.to_owned(),
            mentions_me: None,
            direct: false,
            without_call: None,
        };
        office.bench.accept(Batch { edits: vec![edit], ..Batch::default() });
        office.bench.rest().await;
        assert_eq!(office.bench.store().turns(&question.conversation()).await.expect("readable").len(), 2, "{body}");
        assert_eq!(office.bench.gateway.shown(), shown, "{body}: the answer is as it was");
        assert_eq!(office.systems.lock().expect("not poisoned").len(), asked, "{body}: the model was not asked");
    }
    // A command taken back before its turn: both come in one response.
    let command = office.message(&awa(), room, "!oublier");
    let redaction = Redaction { room_id: command.room_id.clone(), redacts: command.event_id.clone() };
    office.bench.accept(Batch { messages: vec![command], redactions: vec![redaction], ..Batch::default() });
    office.bench.rest().await;
    assert_eq!(office.bench.store().turns(&question.conversation()).await.expect("readable").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_destroys_for_others_asks_once() {
    let mut office = Office::new(Config::default());
    let room = "!room:h";
    let conversation = office.message(&awa(), room, "").conversation();
    for person in [awa(), ben()] {
        office.prompt(&person, room).await;
    }
    let left = |office: &Office| block(office.bench.store().turns(&conversation)).expect("readable").len();
    assert_eq!(office.command(&awa(), room, "!oublier").await, fr(&Text::Confirm(Destroys::Conversation)));
    assert_eq!(
        office.command(&awa(), room, "!oublier tout").await,
        fr(&Text::Confirm(Destroys::Room { direct: false }))
    );
    assert_eq!(
        office.command(&ben(), room, "!oublie tout").await,
        fr(&Text::Confirm(Destroys::Room { direct: false }))
    );
    assert_eq!(left(&office), 4, "nothing is gone yet, whoever else was asked");
    assert_eq!(office.command(&awa(), room, "!oublie tout !").await, fr(&FORGOTTEN_ROOM), "however it is written");
    assert_eq!(left(&office), 0);

    // One's own asks nothing; what a room keeps is shortened for all of it.
    office.prompt(&awa(), "!with-awa:h").await;
    assert_eq!(office.command(&awa(), "!with-awa:h", "oublier").await, fr(&FORGOTTEN_CONVERSATION));
    assert_eq!(
        office.command(&awa(), "!with-awa:h", "oublie tout").await,
        fr(&Text::Confirm(Destroys::Room { direct: true }))
    );
    let hour = std::time::Duration::from_hours(1);
    assert_eq!(
        office.command(&awa(), room, "!conservation 1h").await,
        fr(&Text::Confirm(Destroys::Retention { retention: hour }))
    );
    let set = office.command(&awa(), room, "!conservation 1h").await;
    assert!(set.contains("après une heure") && set.contains("`!conservation habituelle`"), "{set}");
    let two_days = office.command(&awa(), room, "!conservation 2j").await;
    assert!(two_days.contains("2 jours") && !two_days.contains("`!conservation 2j`"), "{two_days}");
    let usual = office.command(&awa(), room, "!conservation habituelle").await;
    assert!(usual.contains("7 jours") && !usual.contains("habituelle"), "{usual}");
    let settings = office.bench.store().room_settings(&conversation.room_id).await.expect("readable");
    assert_eq!(settings.retention, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_shown_nothing_of_what_is_private_elsewhere() {
    let chief = owned_user_id!("@chief:h");
    let mut office = Office::new(Config { administrators: vec![chief.clone()], ..Config::default() });
    office.command(&awa(), "!home:h", "!compagnon créer Rachat : le rachat secret\nVous êtes Rachat.").await;
    office.command(&awa(), "!home:h", "!compagnon publier rachat").await;
    let room = "!room:h";
    for (person, body) in [
        (awa(), "!compagnon"),
        (awa(), "!compagnon liste"),
        (awa(), "!compagnon voir rachat"),
        (awa(), "!compagnon voir rach"),
        (awa(), "!compagnon ra"),
        (awa(), "!compagnon rachet"),
        (chief.clone(), "!compagnon liste"),
        (chief.clone(), "!compagnon voir rachat"),
        (chief.clone(), "!compagnon propositions"),
        (chief.clone(), "!compagnon accepter rachat 1.1"),
        (chief.clone(), "!compagnon refuser rachat"),
        (ben(), "!compagnon rachat"),
    ] {
        let text = office.command(&person, room, body).await;
        let text = text.to_lowercase();
        assert!(!text.contains("secret") && !text.contains("rachat"), "{body}: {text}");
    }
    // In private each sees what is theirs; and an author may bring their own into a room.
    assert!(office.command(&awa(), "!with-awa:h", "compagnons").await.contains("le rachat secret"));
    assert!(office.command(&chief, "!with-chief:h", "!compagnon propositions").await.contains("`rachat 1.1`"));
    assert!(office.command(&chief, "!with-chief:h", "!compagnon voir rachat").await.contains("(version 1)"));
    assert!(office.command(&awa(), room, "!compagnon choisir rachat").await.contains("Rachat"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_text_under_the_same_name_is_not_what_was_read() {
    let chief = owned_user_id!("@chief:h");
    let mut office = Office::new(Config { administrators: vec![chief.clone()], ..Config::default() });
    let room = "!room:h";
    for text in ["Vous êtes poli.", "Vous êtes grossier."] {
        for body in [&format!("!compagnon créer Budget\n{text}"), "!compagnon publier budget"] {
            office.command(&awa(), room, body).await;
        }
        if text.contains("poli") {
            for _ in 0..2 {
                office.command(&awa(), room, "!compagnon supprimer budget").await;
            }
        }
    }
    let refused = office.command(&chief, "!with-chief:h", "!compagnon accepter budget 1.1").await;
    assert_eq!(refused, fr(&Text::ReadFirst { id: "budget", reference: "2.1" }));
    let accepted = office.command(&chief, "!with-chief:h", "!compagnon accepter budget 2.1").await;
    assert_eq!(accepted, fr(&Text::Accepted { title: "Budget", version: 1 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn proposals_of_one_name_are_told_apart_by_their_references() {
    let chief = owned_user_id!("@chief:h");
    let mut office = Office::new(Config { administrators: vec![chief.clone()], ..Config::default() });
    for (person, room, text) in [(awa(), "!room:h", "Vous êtes poli."), (ben(), "!other:h", "Vous êtes bref.")] {
        office.command(&person, room, &format!("!compagnon créer Budget\n{text}")).await;
        office.command(&person, room, "!compagnon publier budget").await;
    }
    let private = "!with-chief:h";
    let list = office.command(&chief, private, "!compagnon propositions").await;
    assert!(list.contains("`budget 1.1`") && list.contains("`budget 2.1`"), "{list}");
    for (reference, text) in [("1.1", "poli"), ("2.1", "bref")] {
        let shown = office.command(&chief, private, &format!("!compagnon voir budget {reference}")).await;
        assert!(shown.contains(text), "{shown}");
    }
    // Which one is refused must be said.
    assert_eq!(office.command(&chief, private, "!compagnon refuser budget").await, list);
    let declined = office.command(&chief, private, "!compagnon refuser budget 2.1").await;
    assert_eq!(declined, fr(&Text::Declined { title: "Budget" }));
    let left = office.command(&chief, private, "!compagnon propositions").await;
    assert!(left.contains("`budget 1.1`") && !left.contains("budget 2.1"), "{left}");
    let accepted = office.command(&chief, private, "!compagnon accepter budget 1.1").await;
    assert_eq!(accepted, fr(&Text::Accepted { title: "Budget", version: 1 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_name_what_is_there() {
    let mut office = Office::new(Config::default());
    let room = "!room:h";
    office.command(&awa(), room, "!compagnon créer Budget\nVersion 1.").await;
    for number in 2..=30 {
        let body = format!("!compagnon modifier budget\nVersion {number}.");
        let text = office.command(&awa(), room, &body).await;
        assert!(text.contains(&format!("`!compagnon revenir budget {}`", number - 1)), "{text}");
    }
    for body in ["!compagnon voir", "!compagnon voir budget"] {
        let text = office.command(&awa(), room, body).await;
        assert!(text.contains("Version 30.") && text.contains("`!compagnon revenir budget 29`"), "{body}: {text}");
    }
    assert!(office.command(&awa(), room, "!compagnon revenir budget 29").await.contains("+ Version 29."));
    let own = office.command(&awa(), "!other:h", "!compagnon voir").await;
    assert!(own.starts_with("**Témoin** `temoin` —"), "{own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn french_has_a_comma_and_a_long_name_its_place() {
    let mut office = Office::new(Config::default());
    let room = "!room:h";
    for written in ["0,3", "0.3"] {
        let set = office.command(&awa(), room, &format!("!compagnon réglage température {written}")).await;
        assert!(set.contains("température 0,3"), "{set}");
    }
    assert!(office.command(&awa(), room, "!compagnon").await.contains("température 0,3"));
    assert!(office.command(&awa(), room, "!compagnon set temperature 0.3").await.contains("temperature 0.3"));
    let name = "Anticonstitutionnellementissimement".to_owned() + "abcde";
    assert_eq!(name.len(), 40);
    let made = office.command(&awa(), room, &format!("!compagnon créer {name}\nVous êtes long.")).await;
    assert_eq!(made, fr(&Text::Created { title: &name, id: &name.to_lowercase() }));
}

/// A homeserver that answers nothing to one person's command holds up no other command.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_stuck_holds_up_no_other() {
    let mut office = Office::new(Config::default());
    let stuck = office.bench.gateway.silence(&awa());
    let export = office.message(&awa(), "!room:h", "!exporter");
    let choose = office.message(&awa(), "!elsewhere:h", "!compagnon choisir synthese");
    office.bench.ask(vec![export.clone(), choose.clone()]);
    while office.bench.gateway.stuck() < 2 {
        tokio::task::yield_now().await;
    }
    let commands = [
        ("!with-ben:h", "!compagnon choisir synthese"),
        ("!with-ben:h", "!conservation 2j"),
        ("!with-ben:h", "!oublier moi"),
    ];
    for (room, body) in commands {
        let command = office.message(&ben(), room, body);
        office.bench.ask(vec![command.clone()]);
        while office.bench.gateway.message_of(command.event_id.as_str()).is_none() {
            tokio::task::yield_now().await;
        }
    }
    assert!(office.bench.gateway.message_of(choose.event_id.as_str()).is_none());
    drop(stuck);
    office.bench.rest().await;
    for command in [export, choose] {
        assert!(office.bench.gateway.message_of(command.event_id.as_str()).is_some(), "it goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_is_the_same_after_it_has_waited_in_the_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("a store");
    for (number, command) in Command::ALL.into_iter().enumerate() {
        let event = format!("${number}:h");
        let message = incoming(&event, "!a:h", &format!("!{}", command.spec().names[0]));
        let admitted = admitted(&message);
        assert!(matches!(&admitted.kind, QueuedKind::Command(call) if call.command == Some(command)), "{command:?}");
        let accept = Accept { questions: std::slice::from_ref(&admitted), ..Accept::default() };
        store.accept(&accept, 0).await.expect("stored");
        let waiting = store.queued().await.expect("readable").pop().expect("it waits");
        assert_eq!(waiting.kind, admitted.kind, "{command:?}");
    }
}

/// What the common base tells people to send is a command, in the language of the base.
#[test]
fn the_commands_of_the_base_are_commands() {
    for (language, which) in [(Language::Fr, 0), (Language::En, 1)] {
        let base = Bases::default().written(language, "", "");
        let named: Vec<&str> = base.split('`').skip(1).step_by(2).collect();
        assert!(named.len() >= 6, "{named:?}");
        for name in named {
            let name = name.strip_prefix('!').expect("a command");
            let (command, _) = Command::named(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(command.spec().names[which], name);
        }
    }
}
