//! `!glossaire`: the terms that translations keep to.

use super::Spec;

pub(super) const SPEC: Spec =
    Spec { names: &["glossaire", "glossary"], forms: [&[], &[]], urgent: false, instance: false };
