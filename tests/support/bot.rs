//! The bot as a child process, in a folder of its own.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use super::{
    leash, run_folder,
    synapse::{Profile, Synapse, free_port, get},
    venv::Venv,
};

/// Nobody types in a test: the limits that are for people are out of the way.
const NO_LIMITS: &str =
    "{ person: { burst: 99999, per_hour: 99999 }, room: { burst: 99999, per_hour: 99999 }, loop_after: 99999 }";

/// The clients of these tests do not sign their devices, and administer all the same.
const UNSIGNED: &str = "{ commands_from_unverified_devices: true }";

/// The limits that a bot has by itself.
pub const STOCK_LIMITS: &str = "{}";

/// How a bot is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The account's name and password, registered beforehand.
    pub user: String,
    /// See [`Self::user`].
    pub password: String,
    /// The homeserver.
    pub url: String,
    /// Its limits, which the bot is told as ops would tell it.
    pub profile: Profile,
    /// `matrix.access`, as YAML in one line.
    pub access: String,
    /// `matrix.encryption`, as YAML in one line.
    pub encryption: &'static str,
    /// `log.level`.
    pub log_level: &'static str,
    /// More of the `assistant` section, as YAML in one line that begins with a comma.
    pub assistant: String,
    /// `assistant.limits`, as YAML in one line.
    pub limits: &'static str,
    /// The `model` section, as YAML in one line.
    pub model: &'static str,
    /// The compagnons of its prompts folder, by file name; none for those that come with the program.
    pub prompts: Vec<(&'static str, &'static str)>,
    /// The compagnon of rooms that have chosen none.
    pub compagnon: String,
    /// Its data folder, when it is not to lie beside its configuration.
    pub data: Option<PathBuf>,
    /// Whether [`Bot::die_at`] works; the kill points of `FAILPOINTS` then do not.
    pub mortal: bool,
    /// `FAILPOINTS` of every start, beside what a start is given.
    pub failpoints: String,
}

impl Setup {
    /// The usual one: everybody of the homeserver is welcome.
    pub fn new(user: &str, password: &str, synapse: &Synapse, profile: Profile) -> Self {
        Self {
            user: user.to_owned(),
            password: password.to_owned(),
            url: synapse.url(),
            profile,
            access: r#"{ servers: ["localhost"] }"#.to_owned(),
            encryption: UNSIGNED,
            log_level: "info",
            limits: NO_LIMITS,
            model: "{}",
            assistant: String::new(),
            prompts: Vec::new(),
            compagnon: "temoin".to_owned(),
            data: None,
            mortal: false,
            failpoints: String::new(),
        }
    }

    fn data_in(&self, folder: &Path) -> PathBuf {
        self.data.clone().unwrap_or_else(|| folder.join("data"))
    }

    fn yaml(&self, folder: &Path, port: u16) -> String {
        // Under the stock limits the bot's own defaults must be right, so it is told nothing.
        let limits = if self.profile == Profile::Open { ", per_second: 50, burst: 100" } else { "" };
        let prompts = folder.join("prompts");
        let prompts =
            if self.prompts.is_empty() { String::new() } else { format!("prompts: \"{}\"\n", prompts.display()) };
        format!(
            "data: \"{data}\"\n\
             {prompts}\
             matrix: {{ homeserver: \"{url}\", user: {user}, password: \"{password}\", access: {access}, encryption: {encryption} }}\n\
             assistant: {{ compagnon: {compagnon}, streaming: {{ enabled: true{limits} }}, limits: {rates}{assistant} }}\n\
             model: {model}\n\
             http: {{ listen: \"127.0.0.1:{port}\" }}\n\
             log: {{ level: {level} }}\n",
            data = self.data_in(folder).display(),
            compagnon = self.compagnon,
            url = self.url,
            user = self.user,
            password = self.password,
            access = self.access,
            encryption = self.encryption,
            level = self.log_level,
            rates = self.limits,
            model = self.model,
            assistant = self.assistant,
        )
    }
}

/// A bot that ends with this value.
pub struct Bot {
    venv: Venv,
    program: Vec<OsString>,
    folder: PathBuf,
    data: PathBuf,
    port: u16,
    mortal: bool,
    failpoints: String,
    child: Option<Child>,
}

impl Bot {
    /// Starts `program` (with its first arguments) in a new folder and waits until it is ready.
    pub fn start(venv: &Venv, program: Vec<OsString>, setup: &Setup) -> Self {
        Self::start_with(venv, program, setup, "")
    }

    /// As [`Self::start`], with kill points.
    pub fn start_with(venv: &Venv, program: Vec<OsString>, setup: &Setup, failpoints: &str) -> Self {
        let mut bot = Self::prepare(venv, program, setup);
        bot.start_again_with(failpoints);
        bot
    }

    /// Writes its configuration in a new folder, and does not start it.
    pub fn prepare(venv: &Venv, program: Vec<OsString>, setup: &Setup) -> Self {
        let (folder, port) = (run_folder("bot"), free_port());
        let data = setup.data_in(&folder);
        fs::create_dir_all(&data).expect("a folder");
        fs::write(folder.join("config.yaml"), setup.yaml(&folder, port)).expect("written");
        let (mortal, failpoints) = (setup.mortal, setup.failpoints.clone());
        let bot = Self { venv: venv.clone(), program, folder, data, port, mortal, failpoints, child: None };
        for (name, text) in &setup.prompts {
            bot.write_prompt(name, text);
        }
        bot
    }

    /// Writes a file of its prompts folder.
    pub fn write_prompt(&self, name: &str, text: &str) {
        fs::create_dir_all(self.folder.join("prompts")).expect("a folder");
        fs::write(self.folder.join("prompts").join(name), text).expect("written");
    }

    /// Gives it another configuration, for its next start.
    pub fn configure(&self, setup: &Setup) {
        fs::write(self.folder.join("config.yaml"), setup.yaml(&self.folder, self.port)).expect("written");
    }

    /// Starts it once more in the same folder.
    pub fn start_again(&mut self) {
        self.start_again_with("");
    }

    /// As [`Self::start_again`], with kill points for this start.
    pub fn start_again_with(&mut self, failpoints: &str) {
        self.spawn(failpoints);
        let ready = self.until_ready();
        assert!(ready, "the bot ended with {:?}: {}", self.ended(), self.log());
    }

    /// Starts it and does not wait for anything.
    pub fn spawn(&mut self, failpoints: &str) {
        assert!(self.child.is_none(), "the bot runs already");
        let mut arguments = self.program[1..].to_vec();
        arguments.extend(["--config".into(), self.folder.join("config.yaml").into(), "run".into()]);
        let mut command = leash::command(&self.venv, &self.program[0], &arguments);
        let log = File::options().create(true).append(true).open(self.folder.join("bot.log")).expect("opened");
        let failpoints = [&self.failpoints, failpoints].join(";");
        command.current_dir(&self.folder).env("FAILPOINTS", failpoints).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("cloned")).stderr(log);
        if self.mortal {
            command.env("COMPAGNON_DIE_AT", self.order());
        }
        self.child = Some(leash::spawn(command).expect("python starts"));
    }

    /// Waits until it answers; gives false when it ends before.
    ///
    /// # Panics
    ///
    /// When it does neither within 90 seconds.
    pub fn until_ready(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(90);
        while get(self.port, "/ready") != Some(200) {
            if self.ended().is_some() {
                return false;
            }
            assert!(Instant::now() < deadline, "the bot is not ready: {}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
        true
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut()?.try_wait().expect("waited for")
    }

    /// Waits until it ends by itself, and gives its exit status.
    ///
    /// # Panics
    ///
    /// When it has not ended after 60 seconds.
    pub fn until_ended(&mut self) -> Option<i32> {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            if let Some(status) = self.ended() {
                self.child = None;
                return status.code();
            }
            assert!(Instant::now() < deadline, "the bot does not end: {}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Has it die at the `count`th passing of a kill point, now or when it runs. Needs [`Setup::mortal`].
    pub fn die_at(&self, point: &str, count: u64) {
        assert!(self.mortal, "this bot knows no kill points");
        // Whole or not at all: it is read at each passing.
        let beside = self.order().with_extension("new");
        fs::write(&beside, format!("{point} {count}"))
            .and_then(|()| fs::rename(beside, self.order()))
            .expect("written");
    }

    /// Ends [`Self::die_at`].
    pub fn live_on(&self) {
        let _ = fs::remove_file(self.order());
    }

    fn order(&self) -> PathBuf {
        self.folder.join("die-at")
    }

    /// SIGKILL: the process gets no chance to write anything down.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGTERM, and the exit status.
    ///
    /// # Panics
    ///
    /// When it has not ended after 30 seconds.
    pub fn terminate(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("a running bot");
        leash::signal(&child, Signal::SIGTERM);
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = child.try_wait().expect("waited for") {
                return status;
            }
            if Instant::now() > deadline {
                let _ = child.kill();
                panic!("the bot does not stop: {}", self.log());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        leash::signal(self.child.as_ref().expect("a running bot"), signal);
    }

    /// Runs another subcommand with its configuration, in its folder, and waits for it.
    pub fn command(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.program[0]);
        command.args(&self.program[1..]).arg("--config").arg(self.folder.join("config.yaml")).args(arguments);
        command.current_dir(&self.folder).stdin(Stdio::null()).output().expect("the program starts")
    }

    /// One of the system's files about its process.
    pub fn proc(&self, name: &str) -> String {
        let id = self.child.as_ref().expect("a running bot").id();
        fs::read_to_string(format!("/proc/{id}/{name}")).expect("a file of the process")
    }

    /// Where its endpoints are.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The status of `GET` on one of its endpoints.
    pub fn get(&self, path: &str) -> Option<u16> {
        get(self.port, path)
    }

    /// What `GET` on one of its endpoints says: the status and the body.
    pub fn said(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.trim().to_owned()))
    }

    /// How many descriptors it holds open.
    pub fn descriptors(&self) -> usize {
        let id = self.child.as_ref().expect("a running bot").id();
        fs::read_dir(format!("/proc/{id}/fd")).expect("the process's descriptors").count()
    }

    /// How many threads it has.
    pub fn threads(&self) -> u64 {
        self.status("Threads:")
    }

    /// The memory it holds, in KiB.
    pub fn rss_kib(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// One number of the process's status.
    fn status(&self, name: &str) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of the status");
        line.trim_end_matches("kB").trim().parse().expect("a number")
    }

    /// The sentence with which it ended last.
    pub fn complaint(&self) -> String {
        self.log().lines().rev().find(|line| line.starts_with("compagnon: ")).unwrap_or_default().to_owned()
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// Everything it has logged, over all starts.
    pub fn log(&self) -> String {
        // Whatever bytes stand in it: a test that searches an empty text would find nothing wrong.
        String::from_utf8_lossy(&fs::read(self.folder.join("bot.log")).expect("the log")).into_owned()
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        // What was covered is written at an orderly end only.
        if let Some(child) = self.child.as_mut().filter(|_| env::var_os("LLVM_PROFILE_FILE").is_some()) {
            leash::signal(child, Signal::SIGTERM);
            let _ = child.wait();
        }
        self.kill();
    }
}
