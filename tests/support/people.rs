//! People with real Matrix clients: one Python process (`people.py`) that many tests share.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Stdio},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::{oneshot, watch},
    time::timeout,
};

use super::{
    leash,
    room::{Event, Message, Text, messages},
    run_folder,
    synapse::{REGISTRATION_SECRET, Synapse},
    venv::Venv,
};

/// How long an answer may take: a debug build on two busy cores.
pub const PATIENCE: Duration = Duration::from_secs(90);

type Waiting = HashMap<u64, oneshot::Sender<Result<Value, String>>>;
/// What each person saw in each room.
type Seen = HashMap<(String, String), Sight>;

/// What one person saw in one room, in order.
#[derive(Default)]
struct Sight {
    events: Vec<Event>,
    /// Grows with each change: whoever waits looks again only then.
    version: u64,
}

/// Everybody who takes part.
///
/// The pipes are read by a thread and not by tokio: each test has a runtime of its own, and this process outlives them.
pub struct People {
    child: Child,
    input: Mutex<ChildStdin>,
    next: AtomicU64,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    seen: Mutex<Seen>,
    changed: watch::Sender<u64>,
    /// Nothing more will come: the process has ended.
    ended: AtomicBool,
}

/// One person, logged in. Cheap to clone.
#[derive(Clone)]
pub struct Person {
    people: Arc<People>,
    /// The localpart.
    pub name: String,
    /// The full id.
    pub user_id: String,
}

impl People {
    /// Starts the clients' process for one homeserver.
    pub async fn start(venv: &Venv, synapse: &Synapse) -> Arc<Self> {
        let folder = run_folder("people");
        let arguments = [
            super::folder().join("people.py").into(),
            synapse.url().into(),
            REGISTRATION_SECRET.into(),
            folder.clone().into(),
        ];
        let mut command = leash::command(venv, venv.python().as_os_str(), &arguments);
        let errors = File::create(folder.join("errors.txt")).expect("created");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut child = leash::spawn(command).expect("python starts");
        let input = Mutex::new(child.stdin.take().expect("a pipe"));
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let shared = Arc::new(Shared::default());
        let (ready, started) = oneshot::channel();
        let listener = Arc::clone(&shared);
        thread::spawn(move || {
            let mut ready = Some(ready);
            for line in output.lines().map_while(Result::ok) {
                let line: Value = serde_json::from_str(&line).expect("a line of JSON");
                if line["seen"] == "ready" {
                    let _ = ready.take().expect("once").send(());
                } else {
                    listener.take(line);
                }
            }
            // Whoever still waits learns that nothing will come.
            listener.ended.store(true, Ordering::Relaxed);
            listener.lock_waiting().clear();
            listener.changed.send_modify(|count| *count += 1);
        });
        started.await.unwrap_or_else(|_| panic!("people.py did not start, see {}", folder.display()));
        Arc::new(Self { child, input, next: AtomicU64::new(0), shared })
    }

    /// Asks for one thing; the error is what the server or nio said.
    pub async fn request(&self, what: &str, mut arguments: Value) -> Result<Value, String> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        arguments["id"] = id.into();
        arguments["do"] = what.into();
        let (reply, answer) = oneshot::channel();
        self.shared.lock_waiting().insert(id, reply);
        writeln!(self.input.lock().expect("the pipe"), "{arguments}").map_err(|error| error.to_string())?;
        let answer = timeout(PATIENCE, answer).await.map_err(|_| format!("{what}: no answer"))?;
        answer.map_err(|_| format!("{what}: people.py ended"))?
    }

    /// Makes an account without logging in, for the bot; the homeserver's limits hold for it.
    pub async fn account(&self, name: &str, password: &str) -> String {
        let made = self.request("account", json!({"name": name, "password": password})).await.expect("an account");
        made.as_str().expect("a user id").to_owned()
    }

    /// The ids of those who are in a room, as the homeserver knows it: even when nobody is left to look.
    pub async fn in_room(&self, room: &str) -> Vec<String> {
        let ids = self.request("in_room", json!({"room": room})).await.expect("the members");
        serde_json::from_value(ids).expect("ids")
    }

    /// How many rooms an account is in, as the homeserver knows.
    pub async fn rooms_of(&self, user: &str) -> usize {
        let count = self.request("rooms_of", json!({"user": user})).await.expect("a number");
        count.as_u64().and_then(|count| usize::try_from(count).ok()).expect("a number")
    }

    /// Makes an account that has no client and `count` encrypted rooms with it, to which `invite` (a full id) is invited.
    pub async fn fill(&self, name: &str, count: usize, invite: &str) {
        self.request("account", json!({"name": name, "exempted": true})).await.expect("an account");
        // Thousands of rooms take minutes: the requests are short.
        for begun in (0..count).step_by(50) {
            let some = (count - begun).min(50);
            self.request("fill", json!({"name": name, "count": some, "invite": invite})).await.expect("rooms");
        }
    }

    /// Makes an account that the limits spare, and logs in.
    pub async fn register(self: &Arc<Self>, name: &str) -> Person {
        let made = self.request("account", json!({"name": name, "exempted": true})).await.expect("an account");
        self.request("login", json!({"person": name})).await.expect("logged in");
        Person {
            people: Arc::clone(self),
            name: name.to_owned(),
            user_id: made.as_str().expect("a user id").to_owned(),
        }
    }
}

impl Drop for People {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Shared {
    fn lock_waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("the requests")
    }

    fn lock_seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("the events")
    }

    /// Takes one line of `people.py`.
    fn take(&self, mut line: Value) {
        if let Some(id) = line["id"].as_u64() {
            let answer = match line["error"].as_str() {
                Some(error) => Err(error.to_owned()),
                None => Ok(line["ok"].take()),
            };
            if let Some(reply) = self.lock_waiting().remove(&id) {
                let _ = reply.send(answer);
            }
        } else if line["seen"] == "event" {
            let event: Event = serde_json::from_value(line["event"].take()).expect("an event");
            let place = [&line["person"], &line["room"]].map(|name| name.as_str().expect("a name").to_owned());
            let mut seen = self.lock_seen();
            let sight = seen.entry(place.into()).or_default();
            sight.version += 1;
            let events = &mut sight.events;
            // An event comes twice when its key came late: the readable one takes the place of the other.
            match events.iter_mut().find(|known| known.event_id == event.event_id) {
                Some(known) => *known = event,
                None => events.push(event),
            }
            drop(seen);
            self.changed.send_modify(|count| *count += 1);
        }
    }
}

impl Person {
    async fn request(&self, what: &str, mut arguments: Value) -> Value {
        arguments["person"] = self.name.as_str().into();
        self.people.request(what, arguments).await.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    async fn request_text(&self, what: &str, arguments: Value) -> String {
        self.request(what, arguments).await.as_str().expect("a text").to_owned()
    }

    /// Makes a room and invites `invite` (full ids).
    pub async fn create_room(&self, name: &str, encrypted: bool, invite: &[&str]) -> String {
        self.request_text("create_room", json!({"name": name, "encrypted": encrypted, "invite": invite})).await
    }

    /// As [`Self::create_room`], with the power levels of some people in place of the usual 0.
    pub async fn create_room_with_powers(&self, name: &str, invite: &[&str], powers: &[(&str, i64)]) -> String {
        let powers: HashMap<_, _> = powers.iter().copied().collect();
        let room = json!({"name": name, "encrypted": true, "invite": invite, "powers": powers});
        self.request_text("create_room", room).await
    }

    /// Opens an encrypted direct conversation and writes `first` at once, before the other has joined. Gives the room and the message.
    pub async fn create_dm(&self, with: &str, first: &str) -> (String, String) {
        let room = self.open_dm(with).await;
        let question = self.send(&room, first).await;
        (room, question)
    }

    /// Opens an encrypted direct conversation and says nothing.
    pub async fn open_dm(&self, with: &str) -> String {
        self.request_text("create_room", json!({"encrypted": true, "invite": [with], "direct": true})).await
    }

    /// Invites somebody.
    pub async fn invite(&self, room: &str, user: &str) {
        self.request("invite", json!({"room": room, "user": user})).await;
    }

    /// Joins.
    pub async fn join(&self, room: &str) {
        self.request("join", json!({"room": room})).await;
    }

    /// Replaces a room by one of another version, and gives the new one.
    pub async fn upgrade(&self, room: &str) -> String {
        let new = self.request_text("upgrade", json!({"room": room})).await;
        self.until_member(&new, &self.user_id, "join").await;
        new
    }

    /// Leaves.
    pub async fn leave(&self, room: &str) {
        self.request("leave", json!({"room": room})).await;
    }

    /// Throws somebody out.
    pub async fn kick(&self, room: &str, user: &str) {
        self.request("kick", json!({"room": room, "user": user})).await;
    }

    /// Throws somebody out for good.
    pub async fn ban(&self, room: &str, user: &str) {
        self.request("ban", json!({"room": room, "user": user})).await;
    }

    /// Ends [`Self::ban`].
    pub async fn unban(&self, room: &str, user: &str) {
        self.request("unban", json!({"room": room, "user": user})).await;
    }

    /// Has the next message of the room sent under a new key.
    pub async fn rotate(&self, room: &str) {
        self.request("rotate", json!({"room": room})).await;
    }

    /// Signs this person's device with cross-signing keys of their own.
    pub async fn cross_sign(&self) {
        self.request("cross_sign", json!({})).await;
    }

    /// Sends an event of any type in clear.
    pub async fn send_event_plain(&self, room: &str, kind: &str, content: Value) -> String {
        self.request_text("send_plain", json!({"room": room, "content": content, "type": kind})).await
    }

    /// Writes, and gives the event's id. A plain `&str` is a plain text.
    pub async fn send(&self, room: &str, text: impl Into<Text>) -> String {
        self.send_raw(room, text.into().content()).await
    }

    /// Sends any content as `m.room.message`, encrypted where the room is.
    pub async fn send_raw(&self, room: &str, content: Value) -> String {
        self.request_text("send", json!({"room": room, "content": content})).await
    }

    /// As [`Self::send_raw`], as an event of another type.
    pub async fn send_event(&self, room: &str, kind: &str, content: Value) -> String {
        self.request_text("send", json!({"room": room, "content": content, "type": kind})).await
    }

    /// Sends a text in clear, even where the room is encrypted: what a homeserver that meddles could do.
    pub async fn send_plain(&self, room: &str, text: impl Into<Text>) -> String {
        self.request_text("send_plain", json!({"room": room, "content": text.into().content()})).await
    }

    /// Removes a message.
    pub async fn redact(&self, room: &str, event: &str) {
        self.request("redact", json!({"room": room, "event": event})).await;
    }

    /// Puts an emoji on a message.
    pub async fn react(&self, room: &str, event: &str, key: &str) -> String {
        self.request_text("react", json!({"room": room, "event": event, "key": key})).await
    }

    /// Gives a person another power level.
    pub async fn set_power(&self, room: &str, user: &str, level: i64) {
        self.request("set_power", json!({"room": room, "user": user, "level": level})).await;
    }

    /// Sets a piece of the room's state.
    pub async fn set_state(&self, room: &str, kind: &str, content: Value) {
        self.request("set_state", json!({"room": room, "type": kind, "content": content})).await;
    }

    /// Changes the name that others see.
    pub async fn set_display_name(&self, name: &str) {
        self.request("set_display_name", json!({"name": name})).await;
    }

    /// The bytes of the file in a message.
    pub async fn download(&self, message: &Message) -> Vec<u8> {
        let file = message.file.as_ref().expect("a message with an encrypted file");
        hex(&self.request_text("download", json!({"file": file})).await)
    }

    /// Sends a file, encrypted as the room is, and gives its message. With a caption, that is what the file is about.
    pub async fn send_file(&self, room: &str, name: &str, media_type: &str, bytes: &[u8], caption: &str) -> String {
        let content = self.file(name, media_type, bytes, caption, true).await;
        self.send_raw(room, content).await
    }

    /// Uploads a file, and gives the content of its message.
    pub async fn file(&self, name: &str, media_type: &str, bytes: &[u8], caption: &str, encrypt: bool) -> Value {
        use std::fmt::Write as _;
        let content = bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let upload = json!({"content": content, "media_type": media_type, "encrypt": encrypt});
        let mut message = self.request("upload", upload).await;
        message["msgtype"] = "m.file".into();
        message["filename"] = name.into();
        message["body"] = if caption.is_empty() { name } else { caption }.into();
        message["info"] = json!({"mimetype": media_type, "size": bytes.len()});
        message
    }

    /// The rooms this person is in or invited to, as the homeserver says: `join` or `invite` by room.
    pub async fn rooms(&self) -> HashMap<String, String> {
        serde_json::from_value(self.request("rooms", json!({})).await).expect("memberships")
    }

    /// Waits until this person is invited somewhere, and gives the room: that of a conversation which the bot opens by itself.
    pub async fn invitation(&self) -> String {
        let invited = async {
            loop {
                if let Some((room, _)) = self.rooms().await.into_iter().find(|(_, membership)| membership == "invite") {
                    return room;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(PATIENCE, invited).await.unwrap_or_else(|_| panic!("{} waited for an invitation in vain", self.name))
    }

    /// Each person the room ever knew, with their membership, as the homeserver says.
    pub async fn members(&self, room: &str) -> HashMap<String, String> {
        serde_json::from_value(self.request("members", json!({"room": room})).await).expect("memberships")
    }

    /// The room's messages as this person sees them now.
    pub fn messages(&self, room: &str) -> Vec<Message> {
        messages(&self.events(room))
    }

    /// Everything this person's client received in the room, edits and state included.
    pub fn events(&self, room: &str) -> Vec<Event> {
        let seen = self.people.shared.lock_seen();
        seen.get(&self.place(room)).map(|sight| sight.events.clone()).unwrap_or_default()
    }

    /// The content of each event of the room as the homeserver keeps it now, by its id; encrypted where it was sent so.
    pub async fn kept(&self, room: &str) -> HashMap<String, Value> {
        serde_json::from_value(self.request("kept", json!({"room": room})).await).expect("contents")
    }

    /// Waits until the room as this person sees it satisfies `wanted`, looking again at each event and at nothing else.
    ///
    /// # Panics
    ///
    /// After [`PATIENCE`], with `what` and the room.
    pub async fn until<T>(&self, room: &str, what: &str, mut wanted: impl FnMut(&[Message]) -> Option<T>) -> T {
        self.until_events(room, what, |events| wanted(&messages(events))).await
    }

    /// As [`Self::until`], over everything that was received.
    pub async fn until_events<T>(&self, room: &str, what: &str, mut wanted: impl FnMut(&[Event]) -> Option<T>) -> T {
        let found = timeout(PATIENCE, self.watch(room, |events| wanted(events)));
        let seen = || format!("{} waited for {what} in vain; seen: {:#?}", self.name, self.messages(room));
        found.await.ok().flatten().unwrap_or_else(|| panic!("{}", seen()))
    }

    /// As [`Self::until`], without a limit: `None` when nothing more will come.
    pub async fn next<T>(&self, room: &str, wanted: impl Fn(&[Message]) -> Option<T>) -> Option<T> {
        self.watch(room, |events| wanted(&messages(events))).await
    }

    async fn watch<T>(&self, room: &str, mut wanted: impl FnMut(&[Event]) -> Option<T>) -> Option<T> {
        let mut changed = self.people.shared.changed.subscribe();
        let place = self.place(room);
        let mut looked_at = None;
        loop {
            changed.borrow_and_update();
            let version = self.people.shared.lock_seen().get(&place).map_or(0, |sight| sight.version);
            if looked_at.replace(version) != Some(version)
                && let Some(found) = wanted(&self.events(room))
            {
                return Some(found);
            }
            if self.people.shared.ended.load(Ordering::Relaxed) {
                return None;
            }
            changed.changed().await.ok()?;
        }
    }

    fn place(&self, room: &str) -> (String, String) {
        (self.name.clone(), room.to_owned())
    }

    /// Waits until `user` is in the room, or out of it, in this person's eyes: `join`, `leave`, …
    pub async fn until_member(&self, room: &str, user: &str, membership: &str) {
        let latest = |events: &[Event]| {
            let of_user = |event: &&Event| {
                event.kind.as_deref() == Some("m.room.member") && event.state_key.as_deref() == Some(user)
            };
            events.iter().rev().find(of_user).filter(|event| event.content["membership"] == membership).map(|_| ())
        };
        self.until_events(room, membership, latest).await;
    }

    /// Asks, and waits for the complete answer.
    pub async fn ask(&self, room: &str, text: impl Into<Text>) -> Message {
        let question = self.send(room, text).await;
        self.answer_to(room, &question).await
    }

    /// The complete answer to `question`: its last part.
    pub async fn answer_to(&self, room: &str, question: &str) -> Message {
        let complete = |message: &Message| message.answers(question) && message.complete();
        self.until(room, "the answer", |messages| messages.iter().find(|message| complete(message)).cloned()).await
    }

    /// The first text of an answer to `question`, complete or not.
    pub async fn first_text(&self, room: &str, question: &str) -> Message {
        let any = |message: &Message| message.answers(question) && !message.body.is_empty();
        self.until(room, "a first text", |messages| messages.iter().find(|message| any(message)).cloned()).await
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digit =
        |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).expect("a hex digit");
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) * 16 + digit(pair[1])).collect()
}
