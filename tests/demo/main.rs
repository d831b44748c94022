//! `cargo run --example demo`: the bot in a real homeserver on this machine, to talk with; nothing is left running afterwards.
//!
//! With `-- --script`, a fixed conversation is played and the exit status says whether the right answers came.

#[path = "../support/mod.rs"]
mod support;

mod screen;

use std::{
    env,
    ffi::OsString,
    io::{self, BufRead as _},
    process::ExitCode,
    thread,
};

use support::{
    bot::{Bot, Setup},
    e5::e5,
    people::{People, Person},
    room::Text,
    synapse::{Profile, Synapse},
    venv::Venv,
};
use tokio::sync::mpsc;

/// The hidden first argument with which this program becomes the bot: the example is built without the product's binary.
const BOT: &str = "--bot";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    if arguments.get(1).is_some_and(|first| first == BOT) {
        let own = arguments.into_iter().enumerate().filter(|(place, _)| *place != 1).map(|(_, argument)| argument);
        return compagnon::cli::main(own);
    }
    let script = arguments.iter().any(|argument| argument == "--script");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let played = runtime.block_on(async {
        tokio::select! {
            played = play(script) => played,
            // What was started ends when `play` is dropped here, and by the kernel if this process is killed.
            _ = tokio::signal::ctrl_c() => Ok(!script),
        }
    });
    // A thread may still wait for a line of the keyboard; it must not hold the end up.
    runtime.shutdown_background();
    match played {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

/// Everything that runs during the demonstration, in the order in which it ends: the bot first.
struct Stage {
    _bot: Bot,
    awa: Person,
    id: String,
    dm: String,
    room: String,
    _people: std::sync::Arc<People>,
    _synapse: Synapse,
}

async fn play(script: bool) -> Result<bool, String> {
    let stage = prepare().await?;
    let dm = screen::follow(&stage.awa, &stage.dm, "conversation directe", &stage.id);
    let room = screen::follow(&stage.awa, &stage.room, "salon", &stage.id);
    let told = async {
        if script {
            return recite(&stage).await;
        }
        converse(&stage).await;
        true
    };
    tokio::select! {
        good = told => Ok(good),
        () = dm => Ok(false),
        () = room => Ok(false),
    }
}

async fn prepare() -> Result<Stage, String> {
    println!("1/6 Environnement Python (une demi-minute la première fois)…");
    let venv = tokio::task::spawn_blocking(Venv::prepare).await.map_err(|error| error.to_string())??;
    println!("2/6 Modèle de vecteurs multilingual-e5-small (91 Mo à télécharger la première fois)…");
    let model = tokio::task::spawn_blocking(e5).await.map_err(|error| error.to_string())??;
    println!("3/6 Serveur Synapse…");
    let synapse = Synapse::start(&venv, Profile::Open);
    println!("    {} · journal : {}", synapse.url(), synapse.log().display());
    println!("4/6 Comptes : l'agente Awa (client matrix-nio) et le bot…");
    let people = People::start(&venv, &synapse).await;
    let awa = people.register("awa").await;
    let id = people.account("compagnon", "demo").await;
    println!("5/6 Le bot…");
    let program = vec![env::current_exe().map_err(|error| error.to_string())?.into_os_string(), BOT.into()];
    let mut setup = Setup::new("compagnon", "demo", &synapse, Profile::Open);
    // Once, and until the end of the program.
    setup.model = format!("{{ embedding: {{ folder: \"{}\" }} }}", model.display()).leak();
    let bot = Bot::start(&venv, program, &setup);
    println!("    prêt, {} Mio de mémoire", bot.rss_kib() / 1024);
    println!("6/6 Une conversation directe et un salon, chiffrés…");
    let dm = awa.open_dm(&id).await;
    awa.until_member(&dm, &id, "join").await;
    let room = awa.create_room("Bureau", true, &[&id]).await;
    awa.until_member(&room, &id, "join").await;
    Ok(Stage { _bot: bot, awa, id, dm, room, _people: people, _synapse: synapse })
}

/// Sends what is typed, until the end of the input.
async fn converse(stage: &Stage) {
    println!("\nÉcrivez à {} ; « #texte » parle dans le salon, en mentionnant le bot. Ctrl-C pour finir.\n", stage.id);
    let (typed, mut lines) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if typed.send(line).is_err() {
                break;
            }
        }
    });
    let mut latest = None;
    while let Some(line) = lines.recv().await {
        let line = line.trim();
        latest = match line.strip_prefix('#') {
            _ if line.is_empty() => continue,
            Some(text) => Some((&stage.room, stage.awa.send(&stage.room, Text::to(&stage.id, text.trim())).await)),
            None => Some((&stage.dm, stage.awa.send(&stage.dm, line).await)),
        };
    }
    // When lines are piped in, the last answer is worth waiting for.
    if let Some((room, question)) = latest {
        screen::shown(&stage.awa, room, &question).await;
    }
}

/// Plays the fixed conversation. Whether each answer was right.
async fn recite(stage: &Stage) -> bool {
    let lines = [
        (&stage.dm, "Comment vous appelez-vous ?", Some("Témoin")),
        (&stage.dm, "Je m'appelle Awa.", None),
        (&stage.dm, "Comment je m'appelle ?", Some("Awa")),
        (&stage.dm, "aide", Some("!compagnon")),
        (&stage.room, "!compagnon créer Marius\nTu es {{ name }}, l'assistant du guichet.", Some("est créé")),
        (&stage.room, "Comment vous appelez-vous ?", Some("Marius")),
    ];
    let mut good = true;
    for (room, line, expected) in lines {
        println!("\nAwa → {line}");
        let text = if *room == stage.room { Text::to(&stage.id, line) } else { Text::new(line) };
        let question = stage.awa.send(room, text).await;
        let answer = screen::shown(&stage.awa, room, &question).await;
        let right = answer.encrypted && expected.is_none_or(|word| answer.body.contains(word));
        if !right {
            println!("✗ attendu : une réponse chiffrée qui contient « {} »", expected.unwrap_or_default());
        }
        good &= right;
    }
    println!("\n{}", if good { "Toutes les réponses sont justes." } else { "Une réponse au moins est fausse." });
    good
}
