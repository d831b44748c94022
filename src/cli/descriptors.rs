//! How many files the process may have open: each connection and each database file is one.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What a bot in hundreds of rooms needs at its busiest, with room to spare.
const ENOUGH: u64 = 512;

/// Raises the soft limit to the hard one: the soft one is a default for programs that know no better. Says when that is still little.
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
