//! What can go wrong with a download, in one sentence each: what failed, where, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use hf_hub::api::sync::ApiError;
use indicatif::HumanBytes;

/// What is wrong with downloaded models; each is one sentence.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The configuration forbids the network.
    #[error("model.offline is set: nothing is downloaded")]
    Offline,
    /// The hub could not be reached, or refuses the file.
    #[error("the download of {url} failed: {reason}; {remedy}")]
    Download {
        /// What was asked for.
        url: String,
        /// What came instead.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The hub has no such file.
    #[error(
        "the download of {url} failed: there is no such file; check the repository, the file and the revision (model.hub.repo, \
         model.hub.file, model.hub.revision, and those of model.embedding.hub, model.reranker.hub and model.entities.hub)"
    )]
    Missing {
        /// What was asked for.
        url: String,
    },
    /// A repository without weights that can be read.
    #[error(
        "{repo} at {revision} holds no model.safetensors: take a revision that does (for some models, that of a pull request with the \
         conversion)"
    )]
    NoSafetensors {
        /// The repository.
        repo: String,
        /// The commit.
        revision: String,
    },
    /// An index of safetensors does not name its parts.
    #[error("{} does not say which files hold the model: remove it and pull the model again", .0.display())]
    Index(PathBuf),
    /// A downloaded file has another length than when it was pulled.
    #[error("{} is not what was pulled: run `compagnon model pull` to fetch it again", .0.display())]
    Changed(PathBuf),
    /// The file does not fit on the disk. Nothing was downloaded.
    #[error(
        "the model needs {} and {} has {} free: make room, or set `data` to a larger disk",
        HumanBytes(*needed), folder.display(), HumanBytes(*free)
    )]
    NoSpace {
        /// The folder of models.
        folder: PathBuf,
        /// What is still to come, in bytes.
        needed: u64,
        /// What is there, in bytes.
        free: u64,
    },
    /// Another process pulls.
    #[error("another pull is running into {}: wait until it is done", .0.display())]
    Busy(PathBuf),
    /// The `tokenizer.json` beside a model is not the one that was there when it was pulled.
    #[error(
        "{} is not what lay beside the model when it was pulled: remove it, or run `compagnon model pull` to take it up",
        .0.display()
    )]
    Tokenizer(PathBuf),
    /// A file is not what was expected.
    #[error("{file} has the SHA-256 {found}, {expected} was expected")]
    Mismatch {
        /// The file's path in its repository.
        file: String,
        /// The sum in the configuration, the hub's answer or the manifest.
        expected: String,
        /// The file's sum.
        found: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The manifest is not one.
    #[error("{0} is damaged: remove it and pull the models again")]
    Manifest(PathBuf),
}

pub(super) fn at(path: &Path, error: io::Error) -> HubError {
    HubError::File { path: path.to_owned(), error }
}

/// The status with which the hub refused, if that is what it did.
pub(super) fn status(error: &ApiError) -> Option<u16> {
    match error {
        ApiError::RequestError(error) => match **error {
            ureq::Error::StatusCode(status) => Some(status),
            _ => None,
        },
        ApiError::TooManyRetries(error) => status(error),
        _ => None,
    }
}

/// The sentence for a download from `url` into `root` that failed.
pub(super) fn failed(url: &str, root: &Path, error: &ApiError) -> HubError {
    let error = if let ApiError::TooManyRetries(last) = error { last } else { error };
    let again = "run it again: it goes on where it stopped";
    let remedy = match (status(error), error) {
        (Some(404), _) => return HubError::Missing { url: url.to_owned() },
        (Some(401 | 403), _) => {
            "the hub does not give this file without an account: choose one that is public, or a mirror in model.hub.endpoint"
        }
        (Some(429), _) => "the hub asks to wait: run it again later",
        (Some(400..500), _)
        | (None, ApiError::MissingHeader(_) | ApiError::InvalidHeader(_) | ApiError::ParseIntError(_)) => {
            "what answers there is no hub, or a proxy before it: check model.hub.endpoint"
        }
        (None, ApiError::LockAcquisition(_)) => return HubError::Busy(root.to_owned()),
        (None, ApiError::IoError(error)) if error.kind() == io::ErrorKind::StorageFull => {
            "make room on the disk, then run it again: it goes on where it stopped"
        }
        _ => again,
    };
    HubError::Download { url: url.to_owned(), reason: error.to_string(), remedy }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::{ApiError, failed};

    #[test]
    fn each_failure_names_its_url_and_its_own_remedy() {
        let status = |status| ApiError::RequestError(Box::new(ureq::Error::StatusCode(status)));
        let io = |code| ApiError::IoError(io::Error::from_raw_os_error(code));
        let cases = [
            (status(404), "model.hub.revision"),
            (status(401), "public"),
            (status(403), "public"),
            (status(429), "later"),
            (status(405), "model.hub.endpoint"),
            (status(502), "goes on where it stopped"),
            (ApiError::MissingHeader("etag"), "model.hub.endpoint"),
            (io(28), "make room"),
            (io(104), "goes on where it stopped"),
            (ApiError::TooManyRetries(Box::new(io(28))), "make room"),
            (ApiError::TooManyRetries(Box::new(status(404))), "model.hub.revision"),
        ];
        for (error, remedy) in cases {
            let sentence = failed("https://hub/m.gguf", Path::new("models"), &error).to_string();
            assert!(sentence.contains("https://hub/m.gguf") && sentence.contains(remedy), "{sentence}");
            assert!(!sentence.contains("again") || !sentence.contains("model.hub.revision"), "{sentence}");
        }
        let busy = failed("https://hub/m.gguf", Path::new("models"), &ApiError::LockAcquisition("x.lock".into()));
        assert!(busy.to_string().contains("another pull is running"), "{busy}");
    }
}
