//! Looking compagnons up by what people type: only among those that this person, in this room, may see.

use std::sync::Arc;

use super::super::{
    Context,
    words::{nearest, slug},
};
use crate::{
    assistant::{exchange::version_in, failure::Failure},
    compagnon::{Choice, Compagnon, Made, Visibility},
};

/// A compagnon that was found.
#[derive(Clone)]
pub(super) enum Found {
    /// One of the library.
    Library(Arc<Compagnon>),
    /// One made by command, in the version shown here.
    Made(Box<Made>, Shown),
}

/// A version of a compagnon made by command.
#[derive(Clone)]
pub(super) struct Shown {
    /// Its number.
    pub(super) number: u32,
    compagnon: Arc<Compagnon>,
}

/// Why none was.
pub(super) enum Missing {
    /// There is none of that name; perhaps this one was meant.
    Nothing { nearest: Option<String> },
    /// Several could be meant.
    Several(Vec<String>),
}

impl Found {
    pub(super) fn compagnon(&self) -> &Arc<Compagnon> {
        match self {
            Self::Library(compagnon) | Self::Made(_, Shown { compagnon, .. }) => compagnon,
        }
    }
}

/// All that may be shown here: the room's own, in a direct conversation the person's own and what waits for their decision, then the
/// catalogue. Everybody in a room reads what the bot says there.
pub(super) async fn visible(context: &Context<'_>) -> Result<Vec<Found>, Failure> {
    let mut all = reachable(context).await?;
    all.retain(|found| match found {
        Found::Library(_) => true,
        Found::Made(made, _) => !is_private_elsewhere(context, made),
    });
    Ok(all)
}

/// The room's own compagnon, as it speaks here.
pub(super) async fn here(context: &Context<'_>) -> Result<Result<Found, Missing>, Failure> {
    let effective = context.effective_compagnon().await?;
    let number = match &context.settings.compagnon {
        Some(Choice::Made(number) | Choice::Own(number)) if !effective.gone => Some(*number),
        _ => None,
    };
    let visible = visible(context).await?.into_iter();
    let own = visible.filter_map(|found| match found {
        Found::Made(made, shown) if Some(made.number) == number => Some(Found::Made(made, shown)),
        _ => None,
    });
    Ok(Ok(own.last().unwrap_or(Found::Library(effective.compagnon))))
}

/// Whether a compagnon is nothing that the people of this room may read of.
pub(super) fn is_private_elsewhere(context: &Context<'_>, made: &Made) -> bool {
    let message = context.message;
    !message.direct && made.room_id != message.room_id && made.published.is_none()
}

/// All that this person may name here.
pub(super) async fn reachable(context: &Context<'_>) -> Result<Vec<Found>, Failure> {
    let message = context.message;
    let mut private = Vec::new();
    let mut public = Vec::new();
    for made in context.parts.store.all_made().await? {
        // What was made in a conversation of two is its author's, not of whoever is left in it.
        let of_this_room = made.room_id == message.room_id && !message.direct;
        let theirs = of_this_room || made.author == message.sender;
        let proposed = made.proposed.filter(|_| message.direct && context.administers_instance());
        let version = match proposed {
            Some(number) if !theirs => made.version(number),
            _ if theirs => version_in(&made, &message.room_id).or_else(|| made.latest()),
            _ => made.published.and_then(|number| made.version(number)),
        };
        let shown = version.and_then(|version| Some((version.number, made.read(version).ok()?)));
        let Some((number, compagnon)) = shown else { continue };
        let list = if made.published.is_some() && !theirs { &mut public } else { &mut private };
        list.push(Found::Made(Box::new(made), Shown { number, compagnon: Arc::new(compagnon) }));
    }
    private.extend(context.parts.library.library().iter().cloned().map(Found::Library));
    private.extend(public);
    Ok(private)
}

/// The compagnon that was meant: by its identifier or title, by the beginning of its identifier, or by the initials of its title. Of what
/// is private elsewhere, only who may name it and writes the whole name finds it.
pub(super) async fn find(context: &Context<'_>, asked: &str) -> Result<Result<Found, Missing>, Failure> {
    let mut visible = visible(context).await?;
    let wanted = slug(asked);
    let exact = |found: &Found| {
        let compagnon = found.compagnon();
        compagnon.id == wanted || slug(compagnon.title()) == wanted || slug(&compagnon.about.name) == wanted
    };
    if let Some(found) = visible.iter().find(|found| exact(found)) {
        return Ok(Ok(found.clone()));
    }
    if let Some(found) = reachable(context).await?.into_iter().find(exact) {
        return Ok(Ok(found));
    }
    visible.retain(|found| found.compagnon().about.visibility == Visibility::Public);
    let fits = |found: &&Found| {
        let compagnon = found.compagnon();
        !wanted.is_empty() && (compagnon.id.starts_with(&wanted) || initials(compagnon.title()) == wanted)
    };
    let candidates: Vec<&Found> = visible.iter().filter(fits).collect();
    Ok(match candidates.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let ids = visible.iter().map(|found| found.compagnon().id.as_str());
            Err(Missing::Nothing { nearest: nearest(&wanted, ids).map(str::to_owned) })
        }
        several => Err(Missing::Several(several.iter().map(|found| found.compagnon().id.clone()).collect())),
    })
}

/// As [`find`]; where a reference follows the name (`budget 2.1`: the number of the compagnon and that of its version), the one of that
/// number, since several may have one name.
pub(super) async fn find_referenced(context: &Context<'_>, asked: &str) -> Result<Result<Found, Missing>, Failure> {
    let (name, reference) = split_reference(asked);
    let number = reference.and_then(|reference| reference.split_once('.')?.0.parse::<u64>().ok());
    let Some(number) = number else { return find(context, asked).await };
    let wanted = slug(name);
    let numbered = reachable(context).await?.into_iter().find(|found| {
        let of_that_number = matches!(found, Found::Made(made, _) if made.number == number);
        of_that_number && (found.compagnon().id == wanted || slug(found.compagnon().title()) == wanted)
    });
    if let Some(found) = numbered {
        return Ok(Ok(found));
    }
    // A name may end like that.
    match find(context, asked).await? {
        Err(Missing::Nothing { .. }) => find(context, name).await,
        other => Ok(other),
    }
}

/// A name, and the reference after it, if there is one.
pub(super) fn split_reference(asked: &str) -> (&str, Option<&str>) {
    let is_reference = |word: &str| {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        word.split_once('.').is_some_and(|(number, version)| digits(number) && digits(version))
    };
    match asked.rsplit_once(char::is_whitespace).filter(|(_, last)| is_reference(last)) {
        Some((name, reference)) => (name.trim(), Some(reference)),
        None => (asked, None),
    }
}

/// `Ressources humaines` is `rh`.
fn initials(title: &str) -> String {
    slug(title).split('-').filter_map(|word| word.chars().next()).collect()
}
