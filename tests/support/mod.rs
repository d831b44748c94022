//! The testbed: a real homeserver, real clients that share no code with the bot, and the bot as a child process.

// Two programs share this module, and each uses only a part of it.
#![allow(dead_code)]

pub mod bot;
pub mod e5;
pub mod engine;
pub mod js;
pub mod leash;
pub mod listening;
pub mod people;
pub mod postgres;
pub mod proxy;
pub mod room;
pub mod synapse;
pub mod venv;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// Where this module's Python and JavaScript lie.
pub fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support"))
}

/// A new folder for one program's data, under the build's folder. It stays after the tests, so that a failure can be read; the next
/// program of tests removes those of programs that have ended.
pub fn run_folder(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let runs = venv::root().join("runs");
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    if count == 0 {
        for entry in fs::read_dir(&runs).into_iter().flatten().flatten() {
            let alive = Path::new("/proc").join(entry.file_name()).exists();
            if !alive {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
    let folder = runs.join(std::process::id().to_string()).join(format!("{count}-{name}"));
    fs::create_dir_all(&folder).expect("a folder for the run");
    folder
}
