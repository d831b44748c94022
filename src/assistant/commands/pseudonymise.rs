//! `!pseudonymiser`: a text with placeholders for what identifies people, and the list of what was replaced, for the agent to check.
//!
//! Nothing is kept of it: the table lives as long as the command.

use super::{
    Context, Reply, Spec,
    words::{block, inert},
};
use crate::{
    assistant::{
        failure::Failure,
        texts::{Text, pseudonyms::Pseudonyms},
    },
    pseudonym::{Finding, Kind, Table},
};

pub(super) const SPEC: Spec = Spec {
    names: &["pseudonymiser", "pseudonymise", "pseudonymisez", "anonymiser", "anonymise"],
    forms: [&[("<texte>", "le texte peut suivre à la ligne")], &[("<text>", "the text may begin on the next line")]],
    urgent: false,
    instance: false,
};

/// The most findings that are listed.
const LISTED: usize = 100;

pub(super) fn run(context: &Context<'_>, arguments: &str, below: &str) -> Result<Reply, Failure> {
    let text = if arguments.is_empty() { below.to_owned() } else { format!("{arguments}\n{below}") };
    let text = text.trim_matches('\n').trim_end();
    if text.trim().is_empty() {
        return context.usage(&SPEC.usage(context.language));
    }
    let pseudonymised = Table::new().pseudonymise(text);
    let replaced = replaced(&pseudonymised.found);
    if replaced.is_empty() {
        return context.say(&Text::Pseudonyms(Pseudonyms::Nothing));
    }
    let (listed, left) = replaced.split_at(replaced.len().min(LISTED));
    let list = listed.iter().map(|(placeholder, original)| format!("- {} : {}", inert(placeholder), inert(original)));
    let list = list.collect::<Vec<_>>().join("\n");
    let text = block("", &pseudonymised.text);
    context.say(&Text::Pseudonyms(Pseudonyms::Done { text: &text, list: &list, left: left.len() }))
}

/// Each placeholder once, with what it stands for.
fn replaced(found: &[Finding]) -> Vec<(&str, &str)> {
    let mut replaced: Vec<(&str, &str)> = Vec::new();
    for finding in found.iter().filter(|finding| finding.kind != Kind::Literal) {
        if !replaced.iter().any(|(placeholder, _)| *placeholder == finding.placeholder) {
            replaced.push((&finding.placeholder, &finding.original));
        }
    }
    replaced
}
