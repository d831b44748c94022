//! What the scenarios share: one homeserver, its people, and a bot of its own for each.

use std::{
    env,
    ffi::OsString,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::OnceCell,
    time::{sleep, timeout},
};

use crate::support::{
    bot::{Bot, Setup},
    people::{PATIENCE, People, Person},
    proxy::Proxy,
    room::{ANSWER, Message},
    synapse::{Profile, Synapse},
    venv::Venv,
};

/// A homeserver with its people.
pub struct World {
    pub venv: Venv,
    pub synapse: Synapse,
    pub people: Arc<People>,
    profile: Profile,
}

impl World {
    /// One of a scenario's own, for those that stop the homeserver or want its limits.
    pub async fn new(profile: Profile) -> Self {
        let venv = Venv::prepare().unwrap_or_else(|sentence| panic!("{sentence}"));
        let synapse = Synapse::start(&venv, profile);
        let people = People::start(&venv, &synapse).await;
        Self { venv, synapse, people, profile }
    }

    /// The one that all others share. It has no limits.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<World> = OnceCell::const_new();
        SHARED.get_or_init(|| Self::new(Profile::Open)).await
    }

    /// A new person. The name is made unique, because scenarios share the homeserver.
    pub async fn person(&self, name: &str) -> Person {
        self.people.register(&unique(name)).await
    }

    /// An account for a bot, not started yet.
    pub async fn setup(&self) -> Setup {
        let (user, password) = (unique("compagnon"), "testbed-bot");
        self.people.account(&user, password).await;
        Setup::new(&user, password, &self.synapse, self.profile)
    }

    /// As [`Self::setup`], with a proxy between the bot and the homeserver.
    pub async fn setup_behind_proxy(&self) -> (Setup, Proxy) {
        let setup = self.setup().await;
        let proxy = Proxy::start(&setup.url);
        (Setup { url: proxy.url(), ..setup }, proxy)
    }

    /// As [`Self::setup`], under this very name, on a homeserver of the scenario's own.
    pub async fn setup_for(&self, user: &str) -> Setup {
        let password = "testbed-bot";
        self.people.account(user, password).await;
        Setup::new(user, password, &self.synapse, self.profile)
    }

    /// A bot of the scenario's own, ready. Gives its full id too.
    pub async fn bot(&self) -> (Bot, String) {
        let setup = self.setup().await;
        let id = id_of(&setup);
        (self.start(&setup), id)
    }

    /// Starts a bot.
    pub fn start(&self, setup: &Setup) -> Bot {
        self.start_with(setup, "")
    }

    /// A bot that has its configuration and was never started.
    pub fn prepare(&self, setup: &Setup) -> Bot {
        Bot::prepare(&self.venv, vec![Self::program()], setup)
    }

    /// Starts a bot with kill points.
    pub fn start_with(&self, setup: &Setup, failpoints: &str) -> Bot {
        Bot::start_with(&self.venv, vec![Self::program()], setup, failpoints)
    }

    fn program() -> OsString {
        // The one beside, for a long run that a new build must not disturb.
        env::var_os("CARGO_BIN_EXE_compagnon").unwrap_or_else(|| env!("CARGO_BIN_EXE_compagnon").into())
    }
}

/// How much of something: the long runs say it in the environment.
pub fn number(variable: &str, short: u64) -> u64 {
    env::var(variable).ok().and_then(|count| count.parse().ok()).unwrap_or(short)
}

/// The full id of a bot's account.
pub fn id_of(setup: &Setup) -> String {
    format!("@{}:localhost", setup.user)
}

fn unique(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    format!("{name}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Opens a direct conversation with the bot, and waits until it has joined.
pub async fn joined_dm(person: &Person, bot: &str) -> String {
    let room = person.open_dm(bot).await;
    person.until_member(&room, bot, "join").await;
    room
}

/// Waits until a bot has logged something.
pub async fn logged(bot: &Bot, what: &str) {
    let seen = timeout(PATIENCE, async {
        while !bot.log().contains(what) {
            sleep(Duration::from_millis(20)).await;
        }
    });
    seen.await.unwrap_or_else(|_| panic!("not logged: {what}: {}", bot.log()));
}

/// The messages of `sender`.
pub fn from(messages: &[Message], sender: &str) -> Vec<Message> {
    messages.iter().filter(|message| message.sender == sender).cloned().collect()
}

/// Reads the room as the person sees it: the bot wrote one answer per question and nothing else, each complete and readable. A notice
/// (busy, too fast, failed) is no answer.
///
/// Silence is proven by what comes after it: ask something else and wait for its answer before calling this.
pub fn assert_answered_once(person: &Person, room: &str, bot: &str, questions: &[String]) {
    assert_each_once(person, room, bot, questions, &[]);
}

/// As [`assert_answered_once`], where some messages got a notice: commands, and what was refused.
pub fn assert_each_once(person: &Person, room: &str, bot: &str, answered: &[String], noticed: &[String]) {
    let seen = person.messages(room);
    // What the bot says unasked, as when it comes in, answers no message.
    let asked = |message: &Message| seen.iter().any(|other| message.answers(&other.event_id));
    let written: Vec<Message> = from(&seen, bot).into_iter().filter(asked).collect();
    for (questions, msgtype) in [(answered, "m.text"), (noticed, "m.notice")] {
        for question in questions {
            let answers: Vec<_> = written.iter().filter(|message| message.answers(question)).collect();
            assert_eq!(answers.len(), 1, "answers to {question}: {answers:#?}");
            assert!(answers[0].complete() && !answers[0].undecryptable, "{:#?}", answers[0]);
            assert_eq!(answers[0].msgtype, msgtype, "{:#?}", answers[0]);
        }
    }
    assert_eq!(written.len(), answered.len() + noticed.len(), "more messages than questions: {written:#?}");
}

/// The events in which the bot said something in answer to a question, edits included, as this person has read them.
pub fn said_to(person: &Person, room: &str, bot: &str, question: &str) -> Vec<String> {
    let said = person.events(room).into_iter().filter(|event| event.sender == bot);
    said.filter(|event| event.content[ANSWER]["question"] == question).map(|event| event.event_id).collect()
}

/// Waits until the homeserver has nothing left of these events but that they were there.
pub async fn until_nothing_is_kept(person: &Person, room: &str, events: &[String]) {
    assert!(!events.is_empty(), "nothing was said");
    let gone = async {
        loop {
            let kept = person.kept(room).await;
            let left = |id: &&String| {
                kept.get(*id).is_none_or(|content| content.as_object().is_none_or(|all| !all.is_empty()))
            };
            if !events.iter().any(|id| left(&id)) {
                return;
            }
            sleep(Duration::from_millis(200)).await;
        }
    };
    let gone = timeout(PATIENCE, gone).await.is_ok();
    assert!(gone, "the homeserver keeps what was taken back: {events:?} of {:#?}", person.kept(room).await);
}

/// Asks, and prints question and answer: the transcripts of the guide and of reviews.
pub async fn play(person: &Person, room: &str, text: impl Into<crate::support::room::Text>) -> Message {
    let text = text.into();
    let said = text.content()["body"].as_str().unwrap_or_default().to_owned();
    let answer = person.ask(room, text).await;
    println!("\n{} → {}\nbot → {}", person.name, said.replace('\n', "\n    "), answer.body.replace('\n', "\n    "));
    answer
}

/// Two compagnons that the witness model can be.
pub const TWO: [(&str, &str); 2] = [
    (
        "temoin.md",
        "---\nname: Témoin\ndescription: Le compagnon de démonstration.\ntemperature: 0\n---\nTu es {{ name }}, le compagnon de démonstration.\n",
    ),
    (
        "colette.md",
        "---\nname: Colette\ndescription: L'assistante du budget.\ntemperature: 0\nwelcome: Je réponds sur le budget.\n\
         examples: [Comment vous appelez-vous ?]\n---\nTu es {{ name }}, l'assistante du budget.\n",
    ),
];
