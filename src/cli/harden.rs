//! What is done before anything else, so that secrets stay in the process: no core dump, no other process of the same account that
//! looks into it, and files that are the owner's alone.

use nix::sys::{
    prctl,
    resource::{Resource, setrlimit},
    stat::{Mode, umask},
};

use super::output;

/// Does it. What the system does not allow is said and goes on: none of it is needed to answer.
pub(super) fn harden() {
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
    if let Err(error) = setrlimit(Resource::RLIMIT_CORE, 0, 0) {
        output::complain(&format!("core dumps cannot be switched off: {error}"));
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = prctl::set_dumpable(false) {
        output::complain(&format!("the process cannot be closed to others: {error}"));
    }
}
