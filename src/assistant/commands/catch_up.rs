//! `!manqué`: what its author has missed in a room. A job: `assistant::jobs` carries it out.

use super::Spec;

pub(super) const SPEC: Spec = Spec { names: &["manqué", "missed"], forms: [&[], &[]], urgent: false, instance: false };
