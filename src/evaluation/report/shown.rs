//! Figures and texts as all reports show them.

use crate::evaluation::{Interval, Run, Share};

/// A share with its interval.
pub(super) fn shown(share: Share) -> String {
    let Interval { low, high } = share.interval();
    format!("{:.1} % ({} of {}; 95 %: {low:.1} to {high:.1})", share.percent(), share.passed, share.of)
}

/// What the answers took, as a sentence; nothing where none was written.
pub(super) fn energy(run: &Run) -> Option<String> {
    let per_token = run.joules_per_token()?;
    Some(format!("Energy: {}, {per_token:.2} J a token written.", run.energy().shown()))
}
