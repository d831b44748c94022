//! Process hardening at the start, so that secrets stay in the process: no core dumps, no access to its memory by other processes of the
//! same account, and files that only the owner can access.

use nix::sys::{
    prctl,
    resource::{Resource, setrlimit},
    stat::{Mode, umask},
};

use super::output;

/// Hardens the process. Failures are reported and ignored, because answering does not depend on it.
pub(super) fn harden() {
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
    if let Err(error) = setrlimit(Resource::RLIMIT_CORE, 0, 0) {
        output::complain(&format!("core dumps cannot be switched off: {error}"));
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = prctl::set_dumpable(false) {
        output::complain(&format!("the memory of the process cannot be protected: {error}"));
    }
}
