//! What keeps a child from its work, before it knows anything of a file.

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

/// Why a child cannot work. The parent has the words for it: those of a child could be the file's.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// A limit of the kernel, with its error.
    #[error("a limit cannot be set: {}", Errno::from_raw(*.0))]
    Limit(i32),
    /// New privileges could be had, with the kernel's error.
    #[error("privileges cannot be given up: {}", Errno::from_raw(*.0))]
    Privileges(i32),
    /// The texts are not as many as the file has.
    #[error("the texts are not those of its segments")]
    Misfit,
    /// The file did not come.
    #[error("the file could not be read from the pipe")]
    Pipe,
}
