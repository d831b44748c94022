//! What the parser and the help know of a command: each command's file has its own [`Spec`].

use crate::assistant::texts::Language;

/// What may follow a command, and a word on it.
pub(super) type Form = (&'static str, &'static str);

/// What the parser and the help know of a command.
pub(super) struct Spec {
    /// Its names, the French first, then the English, then others.
    pub(super) names: &'static [&'static str],
    /// What may follow it, in French and in English: each form with what is to be known of it.
    pub(super) forms: [&'static [Form]; 2],
    /// Whether it changes nothing, and so need not wait for the answers before it.
    pub(super) urgent: bool,
    /// Whether only the administrators of the instance are shown it.
    pub(super) instance: bool,
}

impl Spec {
    /// The command with each of its forms, as code.
    pub(super) fn usage(&self, language: Language) -> Vec<String> {
        let (name, forms) = match language {
            Language::Fr => (self.names.first(), self.forms[0]),
            Language::En => (self.names.get(1), self.forms[1]),
        };
        let name = name.copied().unwrap_or_default();
        if forms.is_empty() {
            return vec![format!("`!{name}`")];
        }
        let usage =
            |(form, note): &Form| format!("`!{}` {note}", format!("{name} {form}").trim_end()).trim_end().to_owned();
        forms.iter().map(usage).collect()
    }
}
