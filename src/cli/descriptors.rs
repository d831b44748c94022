//! The limit of open files: each connection and each database file counts.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Enough for a busy bot in hundreds of rooms.
const ENOUGH: u64 = 512;

/// Raises the soft limit to the hard limit, and warns if that is low.
pub(super) fn raise() {
    let limits = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        if soft < hard {
            setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
        }
        Ok(hard)
    });
    match limits {
        Ok(hard) if hard < ENOUGH => tracing::warn!(
            limit = hard,
            "few files may be open at once: raise the limit (LimitNOFILE of systemd, ulimit -n) to 1024 or more"
        ),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the limit of open files cannot be raised"),
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::resource::{Resource, getrlimit};

    #[test]
    fn the_soft_limit_is_the_hard_one_afterwards() {
        super::raise();
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!(soft, hard);
    }
}
