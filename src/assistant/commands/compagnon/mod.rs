//! `!compagnon`: who answers in this room, and what it is told.
//!
//! `find` looks compagnons up, `choose` shows and chooses them, `make` writes them, `publish` brings them into the catalogue, `tune`
//! sets what the room adds.

mod choose;
mod find;
mod make;
mod publish;
mod tune;

use super::{
    Context, Reply, Spec,
    authority::Authority,
    words::{self, is},
};
use crate::{
    assistant::{failure::Failure, texts::Text},
    compagnon::{Compagnon, Language},
};

pub(super) const SPEC: Spec = Spec {
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
            ("consigne <texte>", "s’ajoute au compagnon, ici seulement"),
            ("consigne aucune", ""),
            ("réglage température 0,3", ""),
            ("réglage longueur 500", ""),
            ("réglage langue fr", ""),
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
            ("instruction <text>", "is added to the compagnon, here only"),
            ("instruction none", ""),
            ("set temperature 0.3", ""),
            ("set length 500", ""),
            ("set language en", ""),
            ("set none", ""),
        ],
    ],
    urgent: false,
    instance: false,
};

/// What follows `!compagnon`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
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
    Set,
    Proposals,
    Accept,
    Decline,
}

/// The actions by their names, the French first.
const ACTIONS: [(Action, &[&str]); 14] = [
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
    (Action::Set, &["réglage", "set", "réglages"]),
    (Action::Proposals, &["propositions", "proposals"]),
    (Action::Accept, &["accepter", "accept"]),
    (Action::Decline, &["refuser", "decline"]),
];

/// The action named by the first word, and what follows it.
fn action(arguments: &str) -> Option<(Action, &str)> {
    let (word, rest) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    let (action, _) = ACTIONS.iter().find(|(_, names)| is(word, names))?;
    Some((*action, rest.trim()))
}

/// Whether the arguments are those of a command even without its `!`.
pub(super) fn bare(arguments: &str) -> bool {
    arguments.is_empty()
        || match action(arguments) {
            Some((Action::List | Action::Proposals, rest)) => rest.is_empty(),
            Some((Action::View, "")) => true,
            Some((Action::View | Action::Choose, rest)) => !rest.is_empty() && !rest.contains(char::is_whitespace),
            Some(_) => false,
            None => !arguments.contains(char::is_whitespace),
        }
}

/// Whether the command changes nothing.
pub(super) fn only_reads(arguments: &str) -> bool {
    arguments.is_empty() || matches!(action(arguments), Some((Action::List | Action::View | Action::Proposals, _)))
}

/// What the command rests on: in a direct conversation too, some reach into the rooms where compagnons were made, or into the catalogue.
pub(super) fn authority(arguments: &str, direct: bool) -> Authority {
    match action(arguments) {
        Some((Action::Withdraw | Action::Proposals | Action::Accept | Action::Decline, _)) => Authority::Instance,
        Some((Action::Edit | Action::Revert | Action::Delete | Action::Publish, _)) => Authority::Room,
        _ => Authority::here(!only_reads(arguments), direct),
    }
}

/// Whether the action has its English name.
pub(super) fn is_english(arguments: &str) -> bool {
    let word = arguments.split_whitespace().next().unwrap_or_default();
    ACTIONS.iter().any(|(_, names)| is(word, &names[1..2]))
}

pub(super) async fn run(context: &Context<'_>, arguments: &str, text: &str) -> Result<Reply, Failure> {
    let Some((action, rest)) = action(arguments) else {
        // `!compagnon rh` is short for choosing it.
        return if arguments.is_empty() {
            choose::current(context).await
        } else {
            choose::choose(context, arguments).await
        };
    };
    match action {
        Action::List => choose::list(context).await,
        Action::View => choose::view(context, rest).await,
        Action::Choose => choose::choose(context, rest).await,
        Action::Create => make::create(context, rest, text).await,
        Action::Edit => make::edit(context, rest, text).await,
        Action::Revert => make::revert(context, rest).await,
        Action::Delete => make::delete(context, rest).await,
        Action::Publish => publish::propose(context, rest).await,
        Action::Withdraw => publish::withdraw(context, rest).await,
        Action::Proposals => publish::proposals(context).await,
        Action::Accept => publish::accept(context, rest).await,
        Action::Decline => publish::decline(context, rest).await,
        Action::Addition => tune::addition(context, rest, text).await,
        Action::Set => tune::set(context, rest).await,
    }
}

/// How these actions are written, as an answer.
fn usage(context: &Context<'_>, actions: &[Action]) -> Result<Reply, Failure> {
    let place = usize::from(context.language == Language::En);
    let names = actions.iter().filter_map(|action| ACTIONS.iter().find(|(known, _)| known == action)?.1.get(place));
    let forms = SPEC.usage(context.language);
    let usage = names.flat_map(|name| {
        let with: Vec<String> =
            forms.iter().filter(|form| form.contains(&format!("compagnon {name}"))).cloned().collect();
        if with.is_empty() { vec![format!("`!compagnon {name}`")] } else { with }
    });
    context.usage(&usage.collect::<Vec<_>>())
}

/// The sentence for a compagnon that was not found.
fn not_found(context: &Context<'_>, missing: &find::Missing) -> Result<Reply, Failure> {
    match missing {
        find::Missing::Nothing { nearest } => context.say(&Text::NoSuchCompagnon { nearest: nearest.as_deref() }),
        find::Missing::Several(ids) => {
            let candidates = ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
            context.say(&Text::Ambiguous { candidates: &candidates })
        }
    }
}

/// A title as markdown leaves it alone.
fn title(compagnon: &Compagnon) -> String {
    words::inert(compagnon.title())
}
