//! The guide tells the truth: each exchange of `docs/guide.md` is played as it stands there, with the account name of
//! `config.example.yaml`, the compagnons that come with the program (their prompts shortened), and the test model in the place of a large one.

use std::{fs, path::Path};

use crate::{
    support::{
        people::Person,
        room::{Message, Text},
        synapse::Profile,
    },
    world::{World, from, id_of, play},
};

/// One exchange: what is written, and what the guide says the bot writes.
struct Exchange {
    said: String,
    answered: String,
}

fn page(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of the repository")
}

/// The compagnons that come with the program, as lists and people see them. Their prompts are longer than the test model can read.
fn shipped() -> Vec<(&'static str, &'static str)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let files = fs::read_dir(folder).expect("the prompts").map(|entry| entry.expect("a file").path());
    let markdown = files.filter(|file| file.extension().is_some_and(|extension| extension == "md"));
    let short = markdown.filter_map(|file| {
        let text = fs::read_to_string(&file).expect("a compagnon");
        // The base has no header, and the test model does not read it.
        let (header, _) = text.strip_prefix("---\n").and_then(|text| text.split_once("\n---\n"))?;
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        Some((name, format!("---\n{header}\n---\nTu es {{{{ name }}}}.\n")))
    });
    // For as long as the scenario, as the other compagnons of the tests.
    short.map(|(name, text)| (&*name.leak(), &*text.leak())).collect()
}

/// The quotations of the guide.
fn quotations(guide: &str) -> Vec<String> {
    let mut quotations = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    for line in guide.lines().chain([""]) {
        if let Some(quoted) = line.strip_prefix('>') {
            lines.push(quoted.strip_prefix(' ').unwrap_or(quoted));
        } else if !lines.is_empty() {
            quotations.push(lines.join("\n"));
            lines.clear();
        }
    }
    quotations
}

/// The exchanges in a quotation: what `**Awa** →` begins goes on to the empty line, and the answer to what she says next.
fn exchanges(quotation: &str) -> Vec<Exchange> {
    let turns = quotation.split("**Awa** → ").skip(1);
    turns
        .map(|turn| {
            let (said, answered) = turn.split_once("\n\n").expect("an answer");
            Exchange { said: said.to_owned(), answered: answered.trim().to_owned() }
        })
        .collect()
}

/// A text in which only the words count: a page is wrapped, and its apostrophes are typographic.
fn words(text: &str) -> String {
    text.replace('’', "'").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether an answer is what the guide says; a line `- …` stands for those that the guide leaves out.
fn is_as_told(answer: &str, told: &str) -> bool {
    let (answer, told) = (words(answer), words(told));
    let parts: Vec<&str> = told.split("- …").map(str::trim).collect();
    let (first, rest) = parts.split_first().expect("a part");
    let Some(mut left) = answer.strip_prefix(first) else { return false };
    for part in rest {
        let Some((_, after)) = left.split_once(part) else { return false };
        left = if part.is_empty() { "" } else { after };
    }
    left.is_empty()
}

async fn check(person: &Person, room: &str, exchange: &Exchange) -> Message {
    let answer = play(person, room, exchange.said.as_str()).await;
    assert!(
        is_as_told(&answer.body, &exchange.answered),
        "{} → the guide says:\n{}\nand the bot:\n{}",
        exchange.said,
        exchange.answered,
        answer.body
    );
    answer
}

/// What stands between backquotes in a part of the guide.
fn codes(text: &str) -> Vec<&str> {
    // The lines of quotations and code are no prose.
    let prose = text.lines().filter(|line| !line.starts_with('>'));
    prose.flat_map(|line| line.split('`').skip(1).step_by(2)).filter(|code| !code.trim().is_empty()).collect()
}

#[tokio::test]
async fn each_exchange_of_the_guide_is_as_it_stands_there() {
    let guide = page("docs/guide.md");
    let example = page("config.example.yaml");
    let user = example.lines().find_map(|line| line.strip_prefix("  user: ")).expect("an account name");
    let chosen = example.lines().find_map(|line| line.strip_prefix("  compagnon: ")).expect("a compagnon");

    let world = World::new(Profile::Open).await;
    let mut setup = world.setup_for(user).await;
    setup.compagnon = chosen.to_owned();
    setup.prompts = shipped();
    let _bot = world.start(&setup);
    let (awa, id) = (world.person("awa").await, id_of(&setup));
    let quotations = quotations(&guide);
    let (agents, administrators) = guide.split_once("## Pour les administrateurs de salon").expect("the second part");
    let mut played = 0;

    // The first contact, and the mark under an answer.
    let private = awa.open_dm(&id).await;
    let welcome = awa.until(&private, "the welcome", |messages| from(messages, &id).first().cloned()).await;
    assert!(is_as_told(&welcome.body, &quotations[0]), "{}\nis not\n{}", welcome.body, quotations[0]);
    let question = awa.send(&private, "Bonjour").await;
    let answer = awa.answer_to(&private, &question).await;
    assert!(words(&answer.body).ends_with(&words(&quotations[1])), "{}\nhas no\n{}", answer.body, quotations[1]);

    // What changes one's mind.
    awa.send(&private, Text::new("Merci").editing(&question)).await;
    awa.until(&private, "the answer anew", |messages| {
        messages
            .iter()
            .find(|message| message.answers(&question) && message.edits > answer.edits && message.complete())
            .cloned()
    })
    .await;
    assert!(play(&awa, &private, "refaire").await.body.contains("réécris"));
    awa.redact(&private, &question).await;
    awa.until(&private, "the answer's end", |messages| {
        (!messages.iter().any(|message| message.answers(&question))).then_some(())
    })
    .await;

    // In private first, then in a room of hers.
    let room = awa.create_room("Guichet", true, &[&id]).await;
    awa.until_member(&room, &id, "join").await;
    for quotation in &quotations {
        let here = if agents.contains(&*quotation.lines().next().map(|line| format!("> {line}")).unwrap_or_default()) {
            &private
        } else {
            &room
        };
        for exchange in exchanges(quotation) {
            check(&awa, here, &exchange).await;
            played += 1;
        }
    }
    assert_eq!(played, guide.matches("**Awa** → ").count(), "each exchange was played");

    // And each command that it names is one, here and there.
    for (text, here) in [(agents, &private), (administrators, &room)] {
        for code in codes(text).into_iter().filter(|code| !code.starts_with(['<', '{', 'h'])) {
            // What is written without its beginning continues the one before.
            let begins = code.starts_with('!')
                || ["stop", "compagnon ", "refaire", "oublier", "confid", "export", "aide", "état"]
                    .iter()
                    .any(|word| code.starts_with(word));
            if !begins || (here == &room && !code.starts_with('!')) {
                continue;
            }
            let answer = awa.ask(here, code).await;
            println!("\n{code} → {}", answer.body.lines().next().unwrap_or_default());
            assert!(answer.msgtype == "m.notice" || answer.file.is_some(), "{code}: {}", answer.body);
            assert!(!answer.body.contains("Je ne connais pas"), "{code}: {}", answer.body);
        }
    }
}
