//! `!note`: the note of a conversation. A job: `assistant::jobs` carries it out.

use super::Spec;

pub(super) const SPEC: Spec =
    Spec { names: &["note", "note", "compte-rendu"], forms: [&[], &[]], urgent: false, instance: false };
