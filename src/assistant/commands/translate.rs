//! `!traduire`: a message, a text or a file in another language. A job: `assistant::jobs` carries it out.

use super::Spec;

pub(super) const SPEC: Spec = Spec {
    names: &["traduire", "translate", "traduis", "traduction"],
    forms: [&[], &[]],
    urgent: false,
    instance: false,
};
