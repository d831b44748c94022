//! A real homeserver on loopback, in a folder of its own.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{leash, run_folder, venv::Venv};

/// The secret with which accounts are made; the server listens on loopback only.
pub const REGISTRATION_SECRET: &str = "testbed-registration";

/// How the homeserver limits the messages of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// So high that nothing is ever refused.
    Open,
    /// Synapse's own: 0.2 messages a second, 10 in a row. People are exempted one by one, never the bot.
    Stock,
}

/// A homeserver that ends with this value.
pub struct Synapse {
    venv: Venv,
    folder: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Synapse {
    /// Starts one on a free port and waits until it answers.
    pub fn start(venv: &Venv, profile: Profile) -> Self {
        let port = free_port();
        let folder = run_folder("synapse");
        fs::write(folder.join("homeserver.json"), configuration(&folder, port, profile).to_string()).expect("written");
        fs::write(folder.join("log.json"), logging(&folder).to_string()).expect("written");
        let mut synapse = Self { venv: venv.clone(), folder, port, child: None };
        synapse.resume();
        synapse
    }

    /// The base URL for clients.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Synapse's own log.
    pub fn log(&self) -> PathBuf {
        self.folder.join("synapse.log")
    }

    /// Stops it; clients are refused until [`Self::resume`].
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        leash::signal(&child, Signal::SIGTERM);
        let deadline = Instant::now() + Duration::from_secs(10);
        while child.try_wait().expect("waited for").is_none() {
            if Instant::now() > deadline {
                let _ = child.kill();
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts it again: same port, same data.
    pub fn resume(&mut self) {
        let mut arguments = ["-m", "synapse.app.homeserver", "-c"].map(Into::into).to_vec();
        arguments.push(self.folder.join("homeserver.json").into());
        let mut command = leash::command(&self.venv, self.venv.python().as_os_str(), &arguments);
        let output = File::options().create(true).append(true).open(self.folder.join("output.txt")).expect("opened");
        command.current_dir(&self.folder).stdin(Stdio::null());
        command.stdout(output.try_clone().expect("cloned")).stderr(output);
        let mut child = leash::spawn(command).expect("python starts");
        let deadline = Instant::now() + Duration::from_mins(1);
        while get(self.port, "/_matrix/client/versions") != Some(200) {
            let ended = child.try_wait().expect("waited for").is_some();
            assert!(!ended && Instant::now() < deadline, "Synapse did not start, see {}", self.folder.display());
            thread::sleep(Duration::from_millis(50));
        }
        self.child = Some(child);
    }

    /// [`Self::stop`], then [`Self::resume`].
    pub fn restart(&mut self) {
        self.stop();
        self.resume();
    }

    /// Stops its clock: connections stay open and nothing is answered until [`Self::thaw`].
    pub fn freeze(&self) {
        leash::signal(self.child.as_ref().expect("a running server"), Signal::SIGSTOP);
    }

    /// Ends [`Self::freeze`].
    pub fn thaw(&self) {
        leash::signal(self.child.as_ref().expect("a running server"), Signal::SIGCONT);
    }
}

impl Drop for Synapse {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A port nobody listens on at this moment.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// The status of one `GET`, if the port answers within two seconds.
pub fn get(port: u16, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").ok()?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    std::str::from_utf8(&head[9..]).ok()?.parse().ok()
}

fn configuration(folder: &Path, port: u16, profile: Profile) -> Value {
    let open = json!({"per_second": 10_000, "burst_count": 10_000});
    let mut configuration = json!({
        "server_name": "localhost",
        "public_baseurl": format!("http://127.0.0.1:{port}/"),
        "listeners": [{
            "port": port, "type": "http", "tls": false, "bind_addresses": ["127.0.0.1"],
            "resources": [{"names": ["client"], "compress": false}],
        }],
        "database": {"name": "sqlite3", "args": {"database": folder.join("synapse.db")}},
        "media_store_path": folder.join("media"),
        "signing_key_path": folder.join("signing.key"),
        "log_config": folder.join("log.json"),
        "pid_file": folder.join("synapse.pid"),
        "report_stats": false,
        "trusted_key_servers": [],
        "suppress_key_server_warning": true,
        "federation_domain_whitelist": [],
        "presence": {"enabled": false},
        "url_preview_enabled": false,
        "macaroon_secret_key": "testbed-macaroon",
        "form_secret": "testbed-form",
        "registration_shared_secret": REGISTRATION_SECRET,
        // Asleep between updates, a fresh database takes a minute over sixty of them.
        "background_updates": {"sleep_enabled": false},
        "rc_login": {"address": open, "account": open, "failed_attempts": open},
        "rc_registration": open,
        "rc_joins": {"local": open, "remote": open},
        "rc_joins_per_room": open,
        "rc_invites": {"per_room": open, "per_user": open, "per_issuer": open},
    });
    if profile == Profile::Open {
        configuration["rc_message"] = open;
    }
    configuration
}

fn logging(folder: &Path) -> Value {
    json!({
        "version": 1,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {"file": {"class": "logging.FileHandler", "filename": folder.join("synapse.log"), "formatter": "line"}},
        "root": {"level": "INFO", "handlers": ["file"]},
        "disable_existing_loggers": false,
    })
}
