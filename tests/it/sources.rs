//! Answers from documents, as people see them: what an answer rests on, what is taken out of it, and whole conversations, which `--nocapture`
//! prints. With people's own clients, in encrypted rooms; the model says what each scenario has written for it, and only from passages that it was
//! given.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    support::{
        bot::{Bot, Setup},
        engine::{Engine, Prompt},
        js,
        people::Person,
        room::{Message, Text},
    },
    world::{World, from, id_of, joined_dm},
};

/// What the model says where its table has nothing, or where it was not given the passage.
pub const UNKNOWN: &str = "Je ne trouve pas cela dans les documents.";

/// A document of a real producer.
pub fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/documents").join(name);
    fs::read(path).expect("the fixture")
}

/// A model that answers by a table: what a question contains, and what is said to it. In that, `{words}` stands for the mark of the passage that
/// has these words; where the model was given no such passage, it says [`UNKNOWN`].
pub fn reciting(table: &'static [(&'static str, &'static str)]) -> Engine {
    Engine::start(move |prompt| {
        let line = table.iter().find(|(asked, _)| prompt.question().contains(asked));
        line.and_then(|(_, says)| recited(prompt, says)).unwrap_or_else(|| UNKNOWN.to_owned())
    })
}

fn recited(prompt: &Prompt, says: &str) -> Option<String> {
    let mut text = says.to_owned();
    while let Some((before, words, after)) = text
        .split_once('{')
        .and_then(|(before, rest)| rest.split_once('}').map(|(words, after)| (before, words, after)))
    {
        text = format!("{before}{}{after}", prompt.mark_of(words)?);
    }
    Some(text)
}

/// A bot with this model.
pub fn bot_of(world: &World, engine: &Engine, setup: Setup) -> (Bot, String) {
    let setup = Setup { failpoints: engine.failpoint(), ..setup };
    (world.start(&setup), id_of(&setup))
}

/// The answer to a message, its text as clients show it; what is said once to a newcomer is none.
pub async fn answer(person: &Person, room: &str, question: &str) -> Message {
    let is_it = |one: &&Message| one.answers(question) && one.complete() && one.answer["part"] != 999;
    let found = person.until(room, "the answer", |messages| messages.iter().find(is_it).cloned()).await;
    Message { body: shown(&found.body), ..found }
}

/// A text without the marks of Markdown, of which clients show the HTML.
fn shown(body: &str) -> String {
    body.replace(['\u{a0}', '\u{202f}'], " ").replace("\\[", "[").replace("\\]", "]").replace("**", "")
}

fn print(who: &str, said: &str) {
    println!("\n{who} → {}", said.trim_end().replace('\n', "\n    "));
}

/// Says something, and prints it with its answer.
async fn says(person: &Person, room: &str, text: impl Into<Text>) -> Message {
    let text = text.into();
    print(&person.name, text.content()["body"].as_str().unwrap_or_default());
    let said = person.send(room, text).await;
    let answer = answer(person, room, &said).await;
    print("bot", &answer.body);
    answer
}

/// Drops a document of a real producer under a name of the agent's own. `caption` may mention the bot.
async fn drops(person: &Person, room: &str, (file, name): (&str, &str), caption: &Text) -> Message {
    let mut message = person.file(name, media_type(name), &fixture(file), "", true).await;
    let caption = caption.content();
    let words = caption["body"].as_str().unwrap_or_default();
    message["m.mentions"] = caption["m.mentions"].clone();
    if !words.is_empty() {
        message["body"] = words.into();
    }
    print(&person.name, &format!("[{name}] {words}"));
    let sent = person.send_raw(room, message).await;
    let said = answer(person, room, &sent).await;
    print("bot", &said.body);
    said
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("pdf") => "application/pdf",
        Some("docx") => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        Some("pptx") => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _ => "application/octet-stream",
    }
}

/// What a program reads of the sources of an answer: their marks, titles and places.
fn machine_readable(answer: &Message) -> Vec<(u64, &str, &str)> {
    let sources = answer.answer["sources"].as_array().map(Vec::as_slice).unwrap_or_default();
    sources
        .iter()
        .map(|one| {
            let [title, place] = ["title", "place"].map(|key| one[key].as_str().expect("a text"));
            (one["mark"].as_u64().expect("a mark"), title, place)
        })
        .collect()
}

const LEAVE: &[(&str, &str)] = &[
    (
        "non pris sont-ils reportés",
        "« Les jours non pris sont reportés jusqu’au 31 mars de l’année suivante » [{31 mars}].",
    ),
    ("Et au-delà", "Au-delà de cette date, ils sont perdus [{ils sont perdus}]."),
    (
        "À qui écrire",
        "Les jours sont « reportés jusqu’au 30 avril de l’année suivante » [{31 mars}] [9]. Écrivez à conges@invente.fr, ou voyez \
         https://faux.example.org/conges.",
    ),
    ("plafond", "Soixante jours."),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_shows_what_it_rests_on_and_nothing_that_it_does_not() {
    let world = World::shared().await;
    let engine = reciting(LEAVE);
    let (mut bot, id) = bot_of(world, &engine, world.setup().await);
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let room = awa.create_room("RH", true, &[&id, &ben.user_id]).await;
    ben.join(&room).await;
    for person in [&awa, &ben] {
        person.until_member(&room, &id, "join").await;
    }
    awa.until_member(&room, &ben.user_id, "join").await;
    let file = ("libreoffice-guide.pdf", "Guide RH.pdf");
    let read = drops(&awa, &room, file, &Text::to(&id, "")).await;
    assert!(
        read.msgtype == "m.notice" && read.body.contains("Guide RH.pdf, 3 pages : posez votre question."),
        "{read:#?}"
    );

    // The answer, what stands below it, and what a program reads of it.
    let to = |text: &str| Text::to(&id, text);
    let first = says(&awa, &room, to("Jusqu’à quand les jours non pris sont-ils reportés ?")).await;
    let (mark, title, place) = machine_readable(&first)[0];
    assert_eq!((title, place), ("Guide RH.pdf", "page 1 — Congés annuels › Report"));
    let shown = format!(
        "« Les jours non pris sont reportés jusqu’au 31 mars de l’année suivante » [{mark}].\n\nSources :\n\n- [{mark}] Guide RH.pdf, page 1 \
         — Congés annuels › Report : « Les jours non pris sont reportés jusqu’au 31 mars de l’année suivante. »"
    );
    assert!(first.body.contains(&shown), "{}", first.body);
    assert!(first.encrypted && first.msgtype == "m.text" && first.answer["generated"] == true, "{first:#?}");
    assert_eq!(machine_readable(&first).len(), 1);

    // What it goes on from.
    let next = says(&ben, &room, to("Et au-delà ?")).await;
    assert!(next.body.contains("ils sont perdus [") && machine_readable(&next).len() == 1, "{next:#?}");

    // A mark of no passage, a quotation that is none, addresses that nobody has written.
    let mended = says(&awa, &room, to("À qui écrire au sujet des jours non pris ?")).await;
    let (mark, ..) = machine_readable(&mended)[0];
    let shown = format!(
        "Les jours sont reportés jusqu’au 30 avril de l’année suivante [{mark}]. Écrivez à (adresse non vérifiée), ou voyez \
         (adresse non vérifiée)."
    );
    assert!(mended.body.contains(&shown) && !mended.body.contains("[9]"), "{}", mended.body);
    let html = mended.formatted_body.as_deref().unwrap_or_default();
    assert!(!html.contains("faux.example.org") && !html.contains("invente.fr"), "{html}");

    // An answer that cites nothing is shown as one.
    let bare = says(&awa, &room, to("Quel est le plafond du compte épargne-temps ?")).await;
    assert!(bare.body.contains("ne cite aucun des passages") && machine_readable(&bare).is_empty(), "{bare:#?}");

    // The passages of an earlier answer, for a colleague.
    let passages = says(&ben, &room, to("!sources").replying_to(&first.event_id)).await;
    assert!(passages.msgtype == "m.notice", "{passages:#?}");
    for part in [
        "] Guide RH.pdf, page 1 — Congés annuels › Report",
        "Au-delà de cette date, ils sont perdus",
        "Le report est automatique",
    ] {
        assert!(passages.body.contains(part), "{part}: {}", passages.body);
    }

    demanded_and_approved(&awa, &room, &id, &engine).await;
    assert!(bot.terminate().success(), "{}", bot.log());
    for content in ["31 mars", "Congés annuels", "invente.fr", "Agora"] {
        assert!(!bot.log().contains(content), "no content in the log: {content}");
    }
}

const APPROVED: &str = "Dans l’outil Agora, au moins quinze jours avant.";

/// Where only what documents say is answered, and where an answer was approved.
async fn demanded_and_approved(awa: &Person, room: &str, id: &str, engine: &Engine) {
    let to = |text: &str| Text::to(id, text);
    says(awa, room, "!compagnon réglage sources exigées").await;
    let asked = engine.asked();
    let nothing = says(awa, room, to("Quelle est la capitale du Pérou ?")).await;
    let required = "Je ne réponds ici que d’après des documents, et je n’y trouve rien qui réponde à cette question.";
    assert!(nothing.body == required && nothing.msgtype == "m.notice", "{nothing:#?}");
    assert_eq!(engine.asked(), asked, "the model was not asked");
    let cited = says(awa, room, to("Jusqu’à quand les jours non pris sont-ils reportés ?")).await;
    assert_eq!(machine_readable(&cited).len(), 1);
    // One that cites nothing is none.
    let uncited = says(awa, room, to("Quel est le plafond du compte épargne-temps ?")).await;
    assert_eq!(uncited.body, required);

    let made =
        says(awa, room, "!compagnon créer Marius : répond au guichet\nVous êtes {{ name }}, l’assistant du guichet.")
            .await;
    assert!(made.body.contains("est créé"), "{made:#?}");
    let proposal =
        format!("!compagnon réponse proposer Comment poser mes congés ? | Où demander un congé ?\n{APPROVED}");
    let proposed = says(awa, room, proposal.as_str()).await;
    assert!(proposed.body.contains("La réponse 1 est proposée"), "{proposed:#?}");
    let accepted = says(awa, room, "!compagnon réponse accepter 1").await;
    assert!(accepted.msgtype == "m.notice", "{accepted:#?}");
    let asked = engine.asked();
    for question in ["Comment poser mes congés ?", "Bonjour, où demander un congé svp ?"] {
        let given = says(awa, room, to(question)).await;
        assert!(given.body.starts_with(APPROVED), "word for word: {given:#?}");
        let author = awa.name.as_str();
        assert!(given.body.contains(author), "who proposed it: {given:#?}");
    }
    assert_eq!(engine.asked(), asked, "the model was not asked");
}

const DUTY: &[(&str, &str)] = &[
    ("rappeler", "L’agent d’astreinte rappelle dans les trente minutes [{trente minutes}]."),
    ("Et ensuite", "Il note l’heure de l’appel et prévient le cadre de permanence [{cadre de permanence}]."),
];

/// A transcript: `cargo test --test it an_agent_drops_a_file -- --nocapture`.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_drops_a_file_asks_follows_up_and_asks_something_that_is_not_in_it() {
    let world = World::shared().await;
    let engine = reciting(DUTY);
    let (_bot, id) = bot_of(world, &engine, world.setup().await);
    let awa = world.person("awa").await;
    let room = joined_dm(&awa, &id).await;
    println!("\n— Awa, en privé —");
    let read = drops(&awa, &room, ("python-docx-astreinte.docx", "Astreinte.docx"), &Text::default()).await;
    assert_eq!(read.body, "Astreinte.docx : posez votre question.");
    let asked = says(&awa, &room, "Sous quel délai l’agent doit-il rappeler ?").await;
    assert!(asked.body.starts_with("L’agent d’astreinte rappelle dans les trente minutes ["), "{asked:#?}");
    assert!(asked.body.contains("Astreinte.docx — Procédure d’astreinte › Appel : « "), "{asked:#?}");
    let followed = says(&awa, &room, "Et ensuite, que fait-il ?").await;
    assert!(followed.body.contains("prévient le cadre de permanence ["), "{followed:#?}");
    assert_eq!(machine_readable(&followed)[0].1, "Astreinte.docx");
    let missing = says(&awa, &room, "Quel est le prix d’un vélo de fonction ?").await;
    assert!(missing.body.starts_with(UNKNOWN) && missing.body.contains("sans source"), "{missing:#?}");
    assert!(machine_readable(&missing).is_empty() && !missing.body.contains("Sources :"), "{missing:#?}");
    let passages = says(&awa, &room, Text::new("!sources").replying_to(&asked.event_id)).await;
    assert!(passages.body.contains("L’agent d’astreinte rappelle dans les trente minutes."), "{passages:#?}");
}

const DESK: &[(&str, &str)] = &[
    ("reportés", "Jusqu’au 31 mars de l’année suivante [{31 mars}]."),
    ("jours de télétravail", "Trois jours par semaine au plus [{trois jours par semaine}]."),
    ("mot de passe", "Douze caractères au moins [{Douze caractères}]."),
];

/// A transcript: `cargo test --test it an_administrator_gives_a_compagnon -- --nocapture`.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_gives_a_compagnon_three_documents_and_asks_it_in_another_room() {
    let world = World::shared().await;
    let engine = reciting(DESK);
    let (_bot, id) = bot_of(world, &engine, world.setup().await);
    let (awa, ben) = (world.person("awa").await, world.person("ben").await);
    let desk = awa.create_room("Guichet", true, &[&id]).await;
    awa.until_member(&desk, &id, "join").await;
    println!("\n— Awa, administratrice du salon « Guichet » —");
    says(&awa, &desk, "!compagnon créer Marius : répond au guichet\nVous êtes {{ name }}, l’assistant du guichet.")
        .await;
    for (file, name) in [
        ("libreoffice-guide.pdf", "Guide RH.pdf"),
        ("weasyprint-note.pdf", "Note télétravail.pdf"),
        ("python-pptx-securite.pptx", "Sécurité.pptx"),
    ] {
        let added = drops(&awa, &desk, (file, name), &Text::new("!documents ajouter compagnon")).await;
        assert!(added.msgtype == "m.notice" && added.body.contains(name), "{added:#?}");
    }
    let list = says(&awa, &desk, "!documents").await;
    assert!(
        ["Guide RH.pdf", "Note télétravail.pdf", "Sécurité.pptx"].iter().all(|name| list.body.contains(name)),
        "{list:#?}"
    );

    let office = awa.create_room("Bureau", true, &[&id, &ben.user_id]).await;
    ben.join(&office).await;
    for person in [&awa, &ben] {
        person.until_member(&office, &id, "join").await;
    }
    awa.until_member(&office, &ben.user_id, "join").await;
    println!("\n— Awa et Ben, dans un autre salon —");
    let before = says(&ben, &office, Text::to(&id, "Combien de jours de télétravail par semaine ?")).await;
    assert!(
        before.body.starts_with(UNKNOWN) && !before.body.contains("Sources"),
        "another compagnon answers: {before:#?}"
    );
    let chosen = says(&awa, &office, "!compagnon choisir marius").await;
    assert!(chosen.body.contains("Marius"), "{chosen:#?}");
    for (person, question, says_so, source) in [
        (
            &awa,
            "Jusqu’à quand les jours non pris sont-ils reportés ?",
            "Jusqu’au 31 mars",
            "Guide RH.pdf, page 1 — Congés annuels › Report",
        ),
        (
            &ben,
            "Combien de jours de télétravail par semaine ?",
            "Trois jours par semaine",
            "Note télétravail.pdf, page 1 — Télétravail",
        ),
        (
            &ben,
            "Combien de caractères dans un mot de passe ?",
            "Douze caractères",
            "Sécurité.pptx, diapositive 1 — Mots de passe",
        ),
    ] {
        let answer = says(person, &office, Text::to(&id, question)).await;
        assert!(answer.body.starts_with(says_so) && answer.body.contains(&format!("] {source}")), "{answer:#?}");
        assert_eq!(machine_readable(&answer).len(), 1);
    }
    // Nothing of it where another compagnon answers.
    let private = joined_dm(&ben, &id).await;
    println!("\n— Ben, en privé, où un autre compagnon répond —");
    let other = says(&ben, &private, "Combien de jours de télétravail par semaine ?").await;
    assert!(other.body.starts_with(UNKNOWN) && !other.body.contains("Sources"), "{other:#?}");
    let listed = from(&ben.messages(&office), &id);
    assert!(listed.iter().all(|message| message.encrypted), "{listed:#?}");
}

/// The same with the SDK of Element, which encrypts the file with the browser's cryptography. A transcript.
#[tokio::test(flavor = "multi_thread")]
async fn elements_sdk_drops_an_encrypted_file_and_asks() {
    let world = World::shared().await;
    let engine = reciting(DUTY);
    let (_bot, id) = bot_of(world, &engine, world.setup().await);
    let awa = world.person("awa").await;
    let name = format!("{}-element", awa.name);
    let user = world.people.account(&name, "testbed-element").await;
    let room = awa.create_room("Bureau", true, &[&id, &user]).await;
    awa.until_member(&room, &id, "join").await;
    let arguments = json!({
        "url": world.synapse.url(), "user": user, "password": "testbed-element", "room": room, "bot": id, "name": "Compagnon",
        "document": {
            "name": "Astreinte.docx", "type": media_type("a.docx"),
            "bytes": hex(&fixture("python-docx-astreinte.docx")),
            "questions": [
                "Sous quel délai l’agent doit-il rappeler ?", "Et ensuite, que fait-il ?", "Quel est le prix d’un vélo de fonction ?",
            ],
        },
    });
    let venv = world.venv.clone();
    let client = tokio::task::spawn_blocking(move || js::run(&venv, "person.mjs", &arguments));
    let seen = client.await.expect("the client ran").unwrap_or_else(|sentence| panic!("{sentence}"));
    let steps = seen["outcomes"].as_array().expect("the outcomes");
    for step in steps {
        print("element", step["said"].as_str().unwrap_or_default());
        print("bot", &shown(step["answer"]["body"].as_str().unwrap_or_default()));
    }
    let [read, asked, followed, missing] = steps.as_slice() else { panic!("{seen:#}") };
    let body = |step: &Value| shown(step["answer"]["body"].as_str().unwrap_or_default());
    assert!(steps.iter().all(|step| step["answer"]["encrypted"] == true), "{seen:#}");
    assert!(body(read).ends_with("Astreinte.docx : posez votre question."), "{read:#}");
    assert!(
        body(asked).contains("dans les trente minutes [") && body(asked).contains("] Astreinte.docx — "),
        "{asked:#}"
    );
    assert_eq!(asked["answer"]["sources"][0]["title"], "Astreinte.docx", "{asked:#}");
    assert!(body(followed).contains("cadre de permanence ["), "{followed:#}");
    assert!(body(missing).contains("sans source") && missing["answer"]["sources"].is_null(), "{missing:#}");
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
