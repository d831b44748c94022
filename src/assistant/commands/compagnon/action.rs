//! What may follow `!compagnon`, and what it rests on.

use crate::{
    assistant::{
        access::Authority,
        commands::{spec::Spec, words::is},
    },
    evaluation::has_arrow,
};

pub(in crate::assistant::commands) const SPEC: Spec = Spec {
    names: &["compagnon", "compagnon", "compagnons", "assistant"],
    forms: [
        &[
            ("", ""),
            ("liste", ""),
            ("voir", "celui d’ici"),
            ("voir <nom>", ""),
            ("choisir <nom>", ""),
            ("créer <nom>", "puis son texte à la ligne, dans le même message"),
            ("modifier <nom>", "puis son nouveau texte à la ligne"),
            ("revenir <nom> <version>", ""),
            ("supprimer <nom>", ""),
            ("publier <nom>", "le propose à tous"),
            ("retirer <nom>", "le retire du catalogue"),
            ("réponses", "celles qui sont validées"),
            ("réponse proposer <question>", "puis la réponse à la ligne, donnée mot pour mot une fois validée"),
            ("réponse voir <numéro>", ""),
            ("réponse accepter <numéro>", ""),
            ("réponse retirer <numéro>", ""),
            ("essais", "l’éprouve, et dit s’il fait mieux ou moins bien qu’avant"),
            ("essai ajouter <question> => <attendu>", CASES_FR),
            ("essai liste", ""),
            ("essai retirer <numéro>", ""),
            ("consigne <texte>", "s’ajoute au compagnon, ici seulement"),
            ("consigne aucune", ""),
            ("réglage température 0,3", ""),
            ("réglage longueur 500", ""),
            ("réglage langue fr", ""),
            ("réglage sources exigées", "ne répond que d’après des documents"),
            ("réglage aucun", ""),
        ],
        &[
            ("", ""),
            ("list", ""),
            ("show", "the one here"),
            ("show <name>", ""),
            ("choose <name>", ""),
            ("create <name>", "then its text on the next line, in the same message"),
            ("edit <name>", "then its new text on the next line"),
            ("revert <name> <version>", ""),
            ("delete <name>", ""),
            ("publish <name>", "proposes it to everybody"),
            ("withdraw <name>", "takes it out of the catalogue"),
            ("answers", "those that are approved"),
            ("answer propose <question>", "then the answer on the next line, given word for word once approved"),
            ("answer show <number>", ""),
            ("answer accept <number>", ""),
            ("answer remove <number>", ""),
            ("cases", "tests it, and tells whether it does better or worse than before"),
            ("case add <question> => <expected>", CASES_EN),
            ("case list", ""),
            ("case remove <number>", ""),
            ("instruction <text>", "is added to the compagnon, here only"),
            ("instruction none", ""),
            ("set temperature 0.3", ""),
            ("set length 500", ""),
            ("set language en", ""),
            ("set sources required", "answers from documents only"),
            ("set none", ""),
        ],
    ],
    urgent: false,
    instance: false,
};

/// What may be expected of an answer.
const CASES_FR: &str = "attendu : un texte de la réponse, `a | b` (l’un des deux), `sans: a`, `motif: [0-9]+`, `refuse`, `répond`, `langue: fr`, `mots: 100` (au plus) ; plusieurs séparés par « ; »";
const CASES_EN: &str = "expected: a text of the answer, `a | b` (one of the two), `without: a`, `pattern: [0-9]+`, `refuses`, `answers`, `language: en`, `words: 100` (at most); several parted by “;”";

/// What follows `!compagnon`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    List,
    View,
    Choose,
    Create,
    Edit,
    Revert,
    Delete,
    Publish,
    Withdraw,
    Addition,
    Mastered,
    Cases,
    Set,
    Proposals,
    Accept,
    Decline,
}

/// The actions by their names, French and English in turn.
pub(super) const ACTIONS: [(Action, &[&str]); 16] = [
    (Action::List, &["liste", "list"]),
    (Action::View, &["voir", "show"]),
    (Action::Choose, &["choisir", "choose"]),
    (Action::Create, &["créer", "create"]),
    (Action::Edit, &["modifier", "edit"]),
    (Action::Revert, &["revenir", "revert"]),
    (Action::Delete, &["supprimer", "delete"]),
    (Action::Publish, &["publier", "publish"]),
    (Action::Withdraw, &["retirer", "withdraw"]),
    (Action::Addition, &["consigne", "instruction"]),
    (Action::Mastered, &["réponse", "answer", "réponses", "answers"]),
    (Action::Cases, &["essai", "case", "essais", "cases"]),
    (Action::Set, &["réglage", "set", "réglages"]),
    (Action::Proposals, &["propositions", "proposals"]),
    (Action::Accept, &["accepter", "accept"]),
    (Action::Decline, &["refuser", "decline"]),
];

/// What may follow `!compagnon réponses` and changes nothing.
pub(super) const LIST_ANSWERS: [&str; 2] = ["liste", "list"];
pub(super) const SHOW_ANSWER: [&str; 2] = ["voir", "show"];

/// What may follow `!compagnon essai`.
pub(super) const ADD_CASE: [&str; 3] = ["ajouter", "add", "ajoute"];
pub(super) const REMOVE_CASE: [&str; 4] = ["retirer", "remove", "supprimer", "delete"];
pub(super) const LIST_CASES: [&str; 4] = ["liste", "list", "voir", "show"];
pub(super) const RUN_CASES: [&str; 4] = ["lancer", "run", "faire", "lance"];

/// Whether what follows `!compagnon essai` only lists the cases.
fn is_case_list(rest: &str) -> bool {
    is(rest.split_whitespace().next().unwrap_or_default(), &LIST_CASES)
}

/// Whether it asks for a run of them; what has an arrow was meant to be added.
fn is_case_run(rest: &str) -> bool {
    let word = rest.split_whitespace().next().unwrap_or_default();
    let other = [ADD_CASE.as_slice(), REMOVE_CASE.as_slice(), LIST_CASES.as_slice()];
    !other.iter().any(|names| is(word, names)) && !has_arrow(rest)
}

/// Whether what follows `!compagnon réponses` changes nothing.
fn reads_answers(rest: &str) -> bool {
    let word = rest.split_whitespace().next().unwrap_or_default();
    word.is_empty() || is(word, &LIST_ANSWERS) || is(word, &SHOW_ANSWER)
}

/// The action named by the first word, and what follows it.
pub(super) fn action(arguments: &str) -> Option<(Action, &str)> {
    let (word, rest) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    let (action, _) = ACTIONS.iter().find(|(_, names)| is(word, names))?;
    Some((*action, rest.trim()))
}

/// Whether the arguments are those of a command even without its `!`.
pub(in crate::assistant::commands) fn bare(arguments: &str) -> bool {
    arguments.is_empty()
        || match action(arguments) {
            Some((Action::List | Action::Proposals, rest)) => rest.is_empty(),
            Some((Action::View | Action::Mastered | Action::Cases, "")) => true,
            Some((Action::View | Action::Choose, rest)) => !rest.is_empty() && !rest.contains(char::is_whitespace),
            Some(_) => false,
            None => !arguments.contains(char::is_whitespace),
        }
}

/// Whether the command changes nothing.
pub(in crate::assistant::commands) fn only_reads(arguments: &str) -> bool {
    arguments.is_empty()
        || match action(arguments) {
            Some((Action::List | Action::View | Action::Proposals, _)) => true,
            Some((Action::Mastered, rest)) => reads_answers(rest),
            Some((Action::Cases, rest)) => is_case_list(rest),
            _ => false,
        }
}

/// What the command rests on: in a direct conversation too, some reach into the rooms where compagnons were made, or into the catalogue.
pub(in crate::assistant::commands) fn authority(arguments: &str, direct: bool) -> Authority {
    match action(arguments) {
        Some((Action::Withdraw | Action::Proposals | Action::Accept | Action::Decline, _)) => Authority::Instance,
        // In a direct conversation too: what is decided there counts elsewhere.
        Some((Action::Mastered, rest)) if !reads_answers(rest) => Authority::Room,
        // So are cases, which the computing power of all is spent on.
        Some((Action::Cases, rest)) if !is_case_list(rest) => Authority::Room,
        Some((Action::Edit | Action::Revert | Action::Delete | Action::Publish, _)) => Authority::Room,
        _ => Authority::here(!only_reads(arguments), direct),
    }
}

/// Whether the cases of a compagnon are to be run: a job does that.
pub(in crate::assistant::commands) fn runs_cases(arguments: &str) -> bool {
    matches!(action(arguments), Some((Action::Cases, rest)) if is_case_run(rest))
}

/// Whether the action has its English name.
pub(in crate::assistant::commands) fn is_english(arguments: &str) -> bool {
    let word = arguments.split_whitespace().next().unwrap_or_default();
    ACTIONS.iter().any(|(_, names)| names.iter().skip(1).step_by(2).any(|name| is(word, &[name])))
}
