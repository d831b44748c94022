//! The Python environment of the testbed, prepared once per set of requirements and kept beside the build.

use std::{
    env, fs,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What an environment holds: the name of its file beside this one, and the file.
#[derive(Clone, Copy, Debug)]
pub struct Requirements(&'static str, &'static str);

/// The homeserver and the clients.
pub const MATRIX: Requirements = Requirements("requirements.txt", include_str!("requirements.txt"));

/// The database.
pub const POSTGRES: Requirements = Requirements("postgres-requirements.txt", include_str!("postgres-requirements.txt"));

/// What runs Node for the public page.
pub const PAGE: Requirements = Requirements("page-requirements.txt", include_str!("page-requirements.txt"));

/// What unpacks the embedding model.
pub const E5: Requirements = Requirements("e5-requirements.txt", include_str!("e5-requirements.txt"));

/// A prepared environment.
#[derive(Clone, Debug)]
pub struct Venv(PathBuf);

/// `<target dir>/testbed`: everything the tests download or write.
pub fn root() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target"),
        // Cargo reads a relative one from where it is called; tests run in the package's folder.
        |folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
    );
    target.join("testbed")
}

impl Venv {
    /// Prepares that of the homeserver and the clients when it is missing. The error is one sentence.
    pub fn prepare() -> Result<Self, String> {
        Self::prepare_with(MATRIX)
    }

    /// Prepares an environment when it is missing. The error is one sentence.
    pub fn prepare_with(requirements: Requirements) -> Result<Self, String> {
        let Requirements(file, text) = requirements;
        let hash = blake3::hash(text.as_bytes()).to_hex();
        let folder = root().join(format!("python-{}", &hash[..16]));
        let venv = Self(folder.clone());
        let said = |error: std::io::Error| format!("the folder {} cannot be written: {error}", folder.display());
        fs::create_dir_all(root()).map_err(said)?;
        // Several test programs may start at once; one prepares, the others wait.
        let lock = File::create(folder.with_extension("lock")).map_err(said)?;
        lock.lock().map_err(said)?;
        let marker = folder.join("complete");
        if !marker.exists() {
            venv.install(file)?;
            // Last: an installation that was cut short is done again from nothing.
            fs::write(marker, "").map_err(said)?;
        }
        Ok(venv)
    }

    /// The interpreter.
    pub fn python(&self) -> PathBuf {
        self.0.join("bin/python")
    }

    /// A folder of the packages that were installed.
    pub fn package(&self, name: &str) -> PathBuf {
        let versions = fs::read_dir(self.0.join("lib")).expect("a folder").flatten();
        let folder = versions.map(|version| version.path().join("site-packages").join(name)).find(|path| path.is_dir());
        folder.unwrap_or_else(|| panic!("{name} is not in {}", self.0.display()))
    }

    fn install(&self, requirements: &str) -> Result<(), String> {
        let _ = fs::remove_dir_all(&self.0);
        let mut create = Command::new("python3");
        create.args(["-m", "venv"]).arg(&self.0);
        quietly(&mut create).map_err(|reason| {
            format!("the testbed needs python3 with its venv module (packages python3 and python3-venv): {reason}")
        })?;
        let mut install = Command::new(self.python());
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        // Wheels only, so that nothing is compiled here; nio's `atomicwrites` is pure Python and has none.
        install.args(["--only-binary=:all:", "--no-binary=atomicwrites", "-r"]);
        install.arg(super::folder().join(requirements));
        quietly(&mut install).map_err(|reason| format!("the testbed's Python packages cannot be installed: {reason}"))
    }
}

/// Runs a command; the error is its last line.
pub fn quietly(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    Err(text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned())
}
