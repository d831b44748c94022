//! What the child gives up before it reads a byte: files, network, other processes, and all system calls but those that memory, time and
//! the open pipes need.
//!
//! Three layers, each of which would do for most attacks: limits of the kernel (`setrlimit`), Landlock without a single right, and a list
//! of system calls (seccomp) with `EPERM` for all others. A kernel may lack the second and the third; the parent says so once.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _, RulesetStatus,
    Scope,
};
use nix::{
    libc,
    sys::{
        prctl,
        resource::{Resource, setrlimit},
    },
    unistd,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use serde::{Deserialize, Serialize};

use super::{limits::Limits, trouble::Trouble};

/// Files that may be open: the pipes, and what the kernel needs to set the rest up.
const OPEN_FILES: u64 = 16;

/// Between the processor time after which the kernel asks the child to end, and the end.
const GRACE: u64 = 1;

/// What the kernel holds a child to.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Confinement {
    /// No file and no network, by Landlock.
    pub landlock: bool,
    /// No system call but a few, by seccomp.
    pub system_calls: bool,
}

impl Confinement {
    /// What the kernel lacks, for a log and for `check`.
    #[must_use]
    pub fn lacks(self) -> Option<&'static str> {
        match (self.landlock, self.system_calls) {
            (true, true) => None,
            (false, true) => Some("Landlock"),
            (true, false) => Some("seccomp"),
            (false, false) => Some("Landlock and seccomp"),
        }
    }
}

/// Gives up, for all threads that begin later, what can be given up before they begin: other files, the limits, Landlock.
pub(super) fn enter(limits: &Limits) -> Result<bool, Trouble> {
    close_others();
    first_to_go();
    let time = limits.processor_time;
    for (resource, soft, hard) in [
        (Resource::RLIMIT_AS, limits.memory, limits.memory),
        (Resource::RLIMIT_CPU, time, time + GRACE),
        (Resource::RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES),
        (Resource::RLIMIT_FSIZE, 0, 0),
        (Resource::RLIMIT_CORE, 0, 0),
        (Resource::RLIMIT_MEMLOCK, 0, 0),
        (Resource::RLIMIT_MSGQUEUE, 0, 0),
    ] {
        setrlimit(resource, soft, hard).map_err(|error| Trouble::Limit(error as i32))?;
    }
    prctl::set_no_new_privs().map_err(|error| Trouble::Privileges(error as i32))?;
    Ok(landlock().unwrap_or(false))
}

/// Makes the child the first to go when memory is short. Where `/proc` is not mounted, it is one of many. A process that no other of its account
/// may look into cannot write this either: it can for that moment, in which it knows nothing yet.
fn first_to_go() {
    let _ = prctl::set_dumpable(true);
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let _ = prctl::set_dumpable(false);
}

/// Closes what the parent may have left open.
fn close_others() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<i32> = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        let _ = unistd::close(descriptor);
    }
}

/// Whether the kernel took all rights to files, and those to the network that it knows.
fn landlock() -> Result<bool, landlock::RulesetError> {
    let abi = ABI::V6;
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?;
    Ok(ruleset.restrict_self()?.ruleset != RulesetStatus::NotEnforced)
}

/// Gives up the system calls, in all threads. Then no more thread can begin.
pub(super) fn close_system_calls() -> bool {
    filter().is_ok_and(|filter| seccompiler::apply_filter_all_threads(&filter).is_ok())
}

fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let free = [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_readv,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_clock_gettime,
        libc::SYS_gettimeofday,
        libc::SYS_getrandom,
        libc::SYS_gettid,
        libc::SYS_getpid,
        libc::SYS_restart_syscall,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let mut rules: Vec<(i64, Vec<SeccompRule>)> = free.into_iter().map(|call| (call, Vec::new())).collect();
    // Memory that can be run is none that a parser needs.
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        let executable = SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64);
        rules.push((
            call,
            vec![SeccompRule::new(vec![SeccompCondition::new(2, SeccompCmpArgLen::Dword, executable, 0)?])?],
        ));
    }
    // A process that aborts sends itself a signal.
    let own = unistd::getpid().as_raw().unsigned_abs().into();
    let itself = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, own)?;
    rules.push((libc::SYS_tgkill, vec![SeccompRule::new(vec![itself])?]));
    let denied = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(
        rules.into_iter().collect(),
        denied,
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into()?,
    )?;
    filter.try_into()
}
