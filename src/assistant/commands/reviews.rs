//! `!avis`: drafts of replies to users' reviews. A job: `assistant::jobs` carries it out.

use super::Spec;

pub(super) const SPEC: Spec =
    Spec { names: &["avis", "review", "reviews"], forms: [&[], &[]], urgent: false, instance: false };
