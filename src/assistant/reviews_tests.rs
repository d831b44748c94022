//! `!avis` against the fakes: what the model is given, what reaches people, what is kept.

use std::sync::Arc;

use ruma::{OwnedEventId, owned_room_id};

use super::{
    Config,
    care_tests::redaction,
    clock::now,
    config::Rate,
    fakes::{FakeGateway, Parrot, incoming, room_message},
    jobs::reviews::fifty,
    tests::{Bench, assistant},
};
use crate::{
    compagnon::{Choice, SettingsPatch},
    document::{Partition, Passage, Place},
    job::{JobKind, JobScope},
    matrix::RoomMessage,
    message::{Content, ConversationId, Incoming, MediaRef, MessageKind},
    store::{Change, NewDocument},
};

const ROOM: &str = "!a:h";

const REPLY: &str = "Bonjour,\n\nNous vous remercions de votre message. Nous comprenons que cette attente au guichet a été pénible, et nous \
                     avons transmis votre remarque à l’équipe de l’accueil.\n\nCordialement,\nLe service [à compléter]";

/// A direct conversation, and a model that says one thing, or what it was given.
struct Desk {
    bench: Bench,
    parrot: Parrot,
    _folder: tempfile::TempDir,
}

impl Desk {
    async fn new(says: Option<&'static str>, compagnon: &str) -> Self {
        let mut config = Config::default();
        config.limits.loop_after = u32::MAX;
        (config.limits.person, config.limits.room) = (Rate::of(100_000, 1), Rate::of(100_000, 1));
        (config.waiting, config.waiting_per_conversation) = (10_000, 1_000);
        let (folder, gateway) = (tempfile::tempdir().expect("a folder"), Arc::<FakeGateway>::default());
        let parrot = Parrot { says, ..Parrot::default() };
        let bench = assistant(folder.path(), &gateway, parrot.clone(), config);
        let choice = SettingsPatch::Compagnon(Some(Choice::Library(compagnon.to_owned())));
        let chosen = Change::Settings(owned_room_id!("!a:h"), vec![choice]);
        bench.store().apply(&[chosen], now()).await.expect("set");
        Self { bench, parrot, _folder: folder }
    }

    async fn ask(&self, event: &str, body: &str) -> Vec<(MessageKind, String)> {
        self.send(incoming(event, ROOM, body)).await
    }

    async fn send(&self, message: Incoming) -> Vec<(MessageKind, String)> {
        let event = message.event_id.clone();
        self.bench.ask(vec![message]);
        self.bench.rest().await;
        self.said(&event)
    }

    /// What is shown in answer to a message, in order.
    fn said(&self, event: &OwnedEventId) -> Vec<(MessageKind, String)> {
        let mut shown: Vec<_> =
            self.bench.gateway.shown().into_iter().filter(|shown| shown.question == *event).collect();
        shown.sort_by_key(|shown| shown.part);
        shown.into_iter().map(|shown| (shown.kind, shown.text)).collect()
    }

    fn prompts(&self) -> Vec<String> {
        let requests = self.parrot.requests.lock().expect("not poisoned");
        let whole = |request: &crate::inference::Request| {
            request.messages.iter().map(|message| message.content.as_str()).collect::<Vec<_>>().join("\n---\n")
        };
        requests.iter().map(whole).collect()
    }

    fn last_prompt(&self) -> String {
        self.prompts().pop().expect("a prompt")
    }

    async fn kept(&self) -> Option<String> {
        let scope = JobScope::Conversation(ConversationId { room_id: owned_room_id!("!a:h"), thread: None });
        let kept = self.bench.store().job_state(JobKind::Reviews, &scope, now()).await.expect("readable");
        kept.map(|kept| kept.content.to_string())
    }

    fn csv(&self, event: &str, text: &[u8]) -> Incoming {
        self.table(event, text, "!avis")
    }

    fn table(&self, event: &str, text: &[u8], caption: &str) -> Incoming {
        let media = MediaRef {
            name: "avis.csv".to_owned(),
            media_type: Some("text/csv".to_owned()),
            size: Some(text.len() as u64),
            caption: caption.to_owned(),
            source: format!("\"mxc://h/{}\"", event.trim_matches(['$', ':'])),
        };
        self.bench.gateway.give(&media.source, text);
        Incoming { content: Content::Attachment(Box::new(media)), ..incoming(event, ROOM, "") }
    }
}

fn generated(said: &[(MessageKind, String)]) -> String {
    let drafts = said.iter().filter(|(kind, _)| *kind != MessageKind::Notice).map(|(_, text)| text.as_str());
    drafts.collect::<Vec<_>>().join("\n")
}

fn all(said: &[(MessageKind, String)]) -> String {
    said.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_and_no_number_of_fifty_reviews_reaches_the_model_the_draft_or_the_store() {
    // It says what it was given: the whole prompt.
    let desk = Desk::new(None, "generaliste").await;
    let (mut prompts, mut drafts) = (0, 0);
    for (index, (review, secrets)) in fifty().into_iter().enumerate() {
        let said = desk.ask(&format!("$r{index}:h"), &format!("!avis\n{review}")).await;
        let (prompt, draft, kept) = (desk.last_prompt(), generated(&said), desk.kept().await.expect("kept"));
        assert_eq!(desk.prompts().len(), index + 1, "{}", all(&said));
        assert!(!draft.is_empty(), "{}", all(&said));
        for secret in secrets {
            assert!(!prompt.contains(secret), "{secret} reached the model:\n{prompt}");
            assert!(!all(&said).contains(secret), "{secret} was shown:\n{}", all(&said));
            assert!(!kept.contains(secret), "{secret} is kept:\n{kept}");
        }
        assert!(!draft.contains("[PERSONNE") && !draft.contains("[NUMERO"), "{draft}");
        prompts += usize::from(!prompt.is_empty());
        drafts += usize::from(!draft.is_empty());
    }
    println!("reviews: 50, prompts without a name or number: {prompts}, drafts: {drafts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_stands_alone_in_its_message_with_what_is_to_be_checked_below() {
    let desk = Desk::new(Some(REPLY), "generaliste").await;
    let said = desk.ask("$1:h", "!avis Une heure d’attente au guichet, et Mme Zorkovitch n’a rien dit.").await;
    let kinds: Vec<MessageKind> = said.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds.len(), 3, "{said:?}");
    assert!(said[0].1.contains("Brouillon de réponse publique écrit par une IA"), "{said:?}");
    assert_eq!(said[1].1, REPLY);
    assert!(
        said[2].1.contains("À vérifier avant envoi") && said[2].1.contains("[à compléter]\u{a0}: 1 endroit"),
        "{said:?}"
    );
    let request = desk.parrot.requests.lock().expect("not poisoned").last().cloned().expect("a request");
    assert!((request.sampling.temperature - 0.25).abs() < f32::EPSILON && request.cache.cache_key == 0);
    let turns = desk.bench.store().turns(&incoming("$1:h", ROOM, "").conversation()).await.expect("read");
    assert!(turns.is_empty(), "the conversation keeps no review");
}

#[tokio::test(flavor = "multi_thread")]
async fn distress_stands_first() {
    let desk = Desk::new(Some(REPLY), "generaliste").await;
    let said = desk.ask("$1:h", "!avis Personne ne me répond, je n’ai plus envie de vivre.").await;
    assert!(said[0].1.starts_with("⚠️") && said[0].1.contains("3114"), "{said:?}");
    assert!(desk.last_prompt().contains("3114, gratuit"), "{}", desk.last_prompt());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_rewritten_and_what_the_agent_says_is_given() {
    let desk = Desk::new(Some("Bonjour,\n\nNous vous remercions de votre message. Votre dossier est traité et la réponse a été envoyée le 12 \
        mars. Nous comprenons que cette attente a été longue.\n\nCordialement,\nLe service"), "generaliste").await;
    let nothing = desk.ask("$0:h", "!avis plus court").await;
    assert!(nothing[0].1.contains("pas de brouillon"), "{nothing:?}");
    let said = desk.ask("$1:h", "!avis Mon dossier n’avance pas depuis des mois.").await;
    assert!(all(&said).contains("date qui ne vient ni de vous"), "{said:?}");
    let said =
        desk.ask("$2:h", "!avis corriger le dossier de M. Zorkovitch est traité, réponse envoyée le 12/03").await;
    assert!(!all(&said).contains("date qui ne vient ni de vous"), "{said:?}");
    assert!(desk.last_prompt().contains("envoyée le 12/03") && !desk.last_prompt().contains("Zorkovitch"));
    // In the thread on a draft, by a reply, or in a few known words: without the command.
    let draft = desk.bench.gateway.message_of("$2:h").expect("sent");
    let reply = Incoming { replies_to: Some(draft.clone()), ..incoming("$3:h", ROOM, "citez le portail des usagers") };
    desk.send(reply).await;
    assert!(
        desk.last_prompt().contains("citez le portail des usagers")
            && desk.last_prompt().contains("Réécrivez ce brouillon")
    );
    let threaded = Incoming { thread: Some(draft), ..incoming("$4:h", ROOM, "plus court") };
    desk.send(threaded).await;
    assert!(desk.last_prompt().contains("plus court : six lignes"), "{}", desk.last_prompt());
    desk.ask("$5:h", "Plus chaleureux, s’il vous plaît !").await;
    assert!(desk.last_prompt().contains("plus chaleureux :"), "{}", desk.last_prompt());
    // Anything else is a question like any other.
    desk.ask("$6:h", "Comment poser mes congés ?").await;
    assert!(!desk.last_prompt().contains("brouillon de la réponse publique"), "{}", desk.last_prompt());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_compagnon_for_reviews_answers_a_pasted_review_is_one() {
    let desk = Desk::new(Some(REPLY), "reponse-usagers").await;
    let said =
        desk.ask("$1:h", "Préparez une réponse à cet avis : « Mme Zorkovitch m’a fait attendre une heure. »").await;
    assert_eq!(generated(&said), REPLY);
    assert!(!desk.last_prompt().contains("Zorkovitch"));
    desk.ask("$2:h", "Quelles sont les règles d’une bonne réponse publique ?").await;
    assert!(desk.last_prompt().contains("Quelles sont les règles"), "{}", desk.last_prompt());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_walked_through_and_given_back_with_its_drafts() {
    let desk = Desk::new(Some(REPLY), "generaliste").await;
    let file = "Titre;Description;Réponse structure 1;Posté comme\n\
                Guichet;\"Une heure d’attente,\navec Mme Zorkovitch\";;Bob75\n\
                Carte;Ma carte n’arrive pas;Bonjour, elle est en route.;\n\
                ;;;Vide\n\
                Loyer;Je vais être expulsé lundi, dit Bob75;;Bob75\n\
                =cmd;Merci à tous;;\n";
    let (windows, _, _) = encoding_rs::WINDOWS_1252.encode(file);
    let said = desk.send(desk.csv("$1:h", &windows)).await;
    let text = all(&said);
    assert!(
        text.contains("5 avis dans ce fichier, 1 déjà répondu, 1 sans texte") && text.contains("avis 4**"),
        "{text}"
    );
    assert!(
        text.contains("**Avis 1/5**")
            && text.contains("d’attente")
            && !text.contains("orkovitch")
            && text.contains(REPLY),
        "{text}"
    );
    let said = all(&desk.ask("$2:h", "!avis suivant").await);
    assert!(
        said.starts_with("⚠️")
            && said.contains("**Avis 4/5** (avis passés\u{a0}: 2\u{a0}: déjà répondu\u{202f}; 3\u{a0}: sans texte)"),
        "{said}"
    );
    assert!(!said.contains("Bob75") && !desk.last_prompt().contains("Bob75"), "{said}");
    assert!(all(&desk.ask("$3:h", "!avis 2").await).contains("a déjà une réponse"));
    assert!(all(&desk.ask("$4:h", "!avis 9").await).contains("en compte 5"));
    assert!(all(&desk.ask("$5:h", "!avis suivant").await).contains("**Avis 5/5**"));
    assert!(all(&desk.ask("$6:h", "!avis suivant").await).contains("3 brouillons"));
    assert!(all(&desk.ask("$7:h", "!avis précédent").await).contains("**Avis 4/5**"));
    let said = all(&desk.ask("$8:h", "!avis exporter").await);
    assert!(said.contains("contient 3 brouillons. Ce qui"), "{said}");
    let (_, bytes) = desk.bench.gateway.files().pop().expect("a file");
    let text = String::from_utf8(bytes).expect("UTF-8");
    assert!(
        text.contains("'=cmd") && text.contains("Le service [à compléter]") && !text.contains("orkovitch"),
        "{text}"
    );
    assert!(all(&desk.ask("$9:h", "!avis fin").await).contains("oubliés") && desk.kept().await.is_none());
    assert!(all(&desk.ask("$10:h", "!avis suivant").await).contains("Aucun fichier"));
}

#[tokio::test(flavor = "multi_thread")]
async fn earlier_replies_of_the_compagnon_are_given_without_names() {
    let desk = Desk::new(Some(REPLY), "reponse-usagers").await;
    let text = "| Avis | Réponse |\n|---|---|\n| Une heure d’attente au guichet de Mme Zorkovitch | Bonjour, nous regrettons cette attente ; \
                prenez rendez-vous sur exemple.gouv.fr. |\n| Ma carte grise est perdue | Bonjour, votre carte. |";
    let passage = Passage { ordinal: 0, place: Place::Whole, headings: Vec::new(), text: text.to_owned() };
    let document = NewDocument {
        partition: Partition::Compagnon("reponse-usagers".to_owned()),
        title: "réponses.csv".to_owned(),
        format: "csv".to_owned(),
        pages: None,
        origin: None,
        link: None,
        passages: vec![passage],
        vectors: None,
    };
    desk.bench.store().put_document(document, now()).await.expect("stored");
    let said = desk.ask("$1:h", "!avis Encore une heure d’attente au guichet !").await;
    let prompt = desk.last_prompt();
    assert!(
        prompt.contains("> Réponse : Bonjour, nous regrettons cette attente ; prenez rendez-vous sur exemple.gouv.fr."),
        "{prompt}"
    );
    assert!(!prompt.contains("Zorkovitch"), "{prompt}");
    assert!(all(&said).contains("d’après une réponse passée"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_the_command_is_not_kept_with_names_where_the_compagnon_for_reviews_answers() {
    let file = "Description;Auteur\nMme Zorkovitch m’a fait attendre une heure.;Bob75\nRien ne va.;Ana\n".as_bytes();
    let here = Partition::Conversation(incoming("$1:h", ROOM, "").conversation());
    let desk = Desk::new(Some(REPLY), "reponse-usagers").await;
    let kept = async || desk.bench.store().documents(std::slice::from_ref(&here)).await.expect("readable").len();
    let said = all(&desk.send(desk.table("$1:h", file, "")).await);
    assert!(
        said.contains("2 avis d’usagers") && said.contains("`!avis`") && said.contains("`!documents ajouter`"),
        "{said}"
    );
    assert_eq!((kept().await, desk.prompts().len()), (0, 0), "no document, and no model");
    // Replies are asked for in other words, with it or in reply to it.
    let said = all(&desk.send(desk.table("$2:h", file, "Prépare les réponses à ces avis")).await);
    assert!(said.contains("**Avis 1/2**") && !said.contains("Zorkovitch"), "{said}");
    let message = desk.table("$3:h", file, "");
    let Content::Attachment(media) = &message.content else { panic!("a file") };
    let written = room_message("$3:h", &message.sender, "");
    desk.bench.gateway.write(&message.room_id, None, RoomMessage { media: Some((**media).clone()), ..written });
    let reply =
        Incoming { replies_to: Some(message.event_id.clone()), ..incoming("$4:h", ROOM, "réponds à ces avis") };
    let said = all(&desk.send(reply).await);
    assert!(said.contains("**Avis 1/2**"), "{said}");
    assert!(desk.prompts().iter().all(|prompt| !prompt.contains("Zorkovitch") && !prompt.contains("Bob75")));
    assert_eq!(kept().await, 0);
    // Another table, and one whose reviews are answered, are documents as anywhere.
    for (event, file) in [("$5:h", "a;b\n1;2\n"), ("$6:h", "avis;réponse\nUne heure d’attente.;Bonjour, merci.\n")] {
        desk.send(desk.table(event, file.as_bytes(), "")).await;
    }
    assert_eq!(kept().await, 2);
    let desk = Desk::new(Some(REPLY), "generaliste").await;
    desk.send(desk.table("$1:h", file, "")).await;
    let documents = desk.bench.store().documents(&[here]).await.expect("readable");
    assert_eq!(documents.len(), 1, "another compagnon reads what it is given");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said() {
    let desk = Desk::new(Some(REPLY), "generaliste").await;
    for (index, (file, expected)) in [
        (&b"a;b\n1;2\n"[..], "colonne des avis"),
        (&b""[..], "il est vide"),
        (&b"\x89PNG\r\n\x1a\n\0\0\0"[..], "pas un CSV"),
        (&b"avis\n"[..], "aucun avis"),
    ]
    .into_iter()
    .enumerate()
    {
        let said = all(&desk.send(desk.csv(&format!("$f{index}:h"), file)).await);
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert_eq!(desk.prompts().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_that_was_taken_back_is_not_worked_on() {
    let desk = Desk::new(Some(REPLY), "generaliste").await;
    desk.ask("$1:h", "!avis Une heure d’attente au guichet.").await;
    assert!(generated(&desk.ask("$2:h", "!avis plus court").await).starts_with("Bonjour"));
    desk.bench.accept(redaction("$1:h"));
    desk.bench.rest().await;
    assert!(all(&desk.ask("$3:h", "!avis plus court").await).contains("pas de brouillon"));
}
