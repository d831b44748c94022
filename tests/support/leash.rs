//! Child processes that never outlive the tests.

use std::{
    ffi::{OsStr, OsString},
    io,
    process::{Child, Command},
    sync::{Mutex, OnceLock, mpsc},
    thread,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::venv::Venv;

type Request = (Command, mpsc::Sender<io::Result<Child>>);

/// A command for `program` on the leash.
pub fn command(venv: &Venv, program: &OsStr, arguments: &[OsString]) -> Command {
    let mut command = Command::new(venv.python());
    // Isolated: nothing of the caller's Python settings reaches the wrapper.
    command.arg("-I").arg(super::folder().join("leash.py")).arg(std::process::id().to_string());
    command.arg(program).args(arguments);
    command
}

/// Starts `command` from a thread that never ends.
///
/// The kernel ends a leashed child with the *thread* that forked it, and a test's thread ends with the test, while the homeserver is
/// shared by all of them.
pub fn spawn(command: Command) -> io::Result<Child> {
    static FORKER: OnceLock<Mutex<mpsc::Sender<Request>>> = OnceLock::new();
    let forker = FORKER.get_or_init(|| {
        let (requests, queue) = mpsc::channel::<Request>();
        thread::spawn(move || {
            for (mut command, reply) in queue {
                let _ = reply.send(command.spawn());
            }
        });
        Mutex::new(requests)
    });
    let (reply, answer) = mpsc::channel();
    forker.lock().expect("the forker's queue").send((command, reply)).expect("the forker never ends");
    answer.recv().expect("the forker answers")
}

/// Sends a signal; a child that is gone already is no error.
pub fn signal(child: &Child, signal: Signal) {
    let _ = kill(Pid::from_raw(child.id().cast_signed()), signal);
}
