//! Writing compagnons by command: their text comes in the same message, below the command, as people paste it.

use similar::{ChangeTag, TextDiff};

use super::{
    super::{
        Context, Reply,
        words::{self, slug},
    },
    Action, action,
    find::{self, Found},
    not_found, title, usage,
};
use crate::{
    assistant::{
        cases,
        clock::now,
        failure::Failure,
        texts::{Cases, Destroys, Text},
    },
    command::Command,
    compagnon::{About, Choice, Compagnon, CompagnonError, FieldError, Made, Version, alike, check_name},
    store::Change,
};

/// The most characters of a description made from a text's first line.
const LONGEST_DESCRIPTION: usize = 90;
/// Versions kept, the published and the proposed one besides.
const VERSIONS: usize = 20;
/// Lines of a change that are shown.
const DIFF_LINES: usize = 30;

/// Makes a compagnon, private to this room and its author, and gives it to the room.
pub(super) async fn create(context: &Context<'_>, line: &str, text: &str) -> Result<Reply, Failure> {
    let (name, description) = line.split_once(" : ").or_else(|| line.split_once(": ")).unwrap_or((line, ""));
    let (name, id) = (name.trim(), slug(name));
    if name.is_empty() {
        return usage(context, &[Action::Create]);
    }
    if !context.administers().await? {
        return context.say(&context.not_administrator());
    }
    if let Err(error) = check_name(name).and(if id.is_empty() { Err(FieldError::NotLatin) } else { Ok(()) }) {
        return context.say(&Text::BadField(&error));
    }
    let about = About { name: name.to_owned(), description: description.trim().to_owned(), ..About::default() };
    let compagnon = match read(context, &id, about, text) {
        Ok(compagnon) => compagnon,
        Err(refused) => return refused,
    };
    // Whatever name the text's own header gives, the identifier is the one that was typed.
    let taken = find::reachable(context).await?.iter().any(|found| found.compagnon().id == id);
    if taken || Command::named(&id).is_some() || action(&id).is_some() {
        return context.say(&Text::NameTaken { id: &id });
    }
    if let Some(imitated) = imitates(context, &compagnon, None).await? {
        return context.say(&Text::Imitates { title: &imitated });
    }
    let (number, message) = (context.new_number().await?, context.message);
    let made = Made {
        number,
        id: id.clone(),
        author: message.sender.clone(),
        room_id: message.room_id.clone(),
        published: None,
        proposed: None,
        versions: vec![Version { number: 1, at: now(), by: Some(message.sender.clone()), text: compagnon.to_text() }],
    };
    let changes = vec![
        Change::Made(made),
        context.set(|settings| settings.compagnon = Some(Choice::Made(number))),
        context.audit("compagnon.create", Some(number)),
    ];
    context.change(&Text::Created { title: &title(&compagnon), id: &id }, changes)
}

/// Gives a compagnon a new text.
pub(super) async fn edit(context: &Context<'_>, line: &str, text: &str) -> Result<Reply, Failure> {
    if line.is_empty() || text.trim().is_empty() {
        return usage(context, &[Action::Edit]);
    }
    let made = match own(context, line).await? {
        Ok(made) => made,
        Err(refused) => return Ok(refused),
    };
    let Some(before) = made.latest().and_then(|version| made.read(version).ok()) else {
        return context.say(&Text::NoSuchVersion { id: &made.id });
    };
    let after = match read(context, &made.id, before.about.clone(), text) {
        Ok(compagnon) => compagnon,
        Err(refused) => return refused,
    };
    if let Some(imitated) = imitates(context, &after, Some(made.number)).await? {
        return context.say(&Text::Imitates { title: &imitated });
    }
    add_version(context, made, &before, &after, "compagnon.edit").await
}

/// Makes an earlier version the newest again.
pub(super) async fn revert(context: &Context<'_>, line: &str) -> Result<Reply, Failure> {
    let Some((asked, number)) =
        line.rsplit_once(char::is_whitespace).and_then(|(asked, number)| Some((asked, number.parse().ok()?)))
    else {
        return usage(context, &[Action::Revert]);
    };
    let made = match own(context, asked).await? {
        Ok(made) => made,
        Err(refused) => return Ok(refused),
    };
    let read = |version: Option<&Version>| version.and_then(|version| made.read(version).ok());
    let (Some(before), Some(after)) = (read(made.latest()), read(made.version(number))) else {
        return context.say(&Text::NoSuchVersion { id: &made.id });
    };
    add_version(context, made, &before, &after, "compagnon.revert").await
}

/// Deletes a compagnon with all its versions.
pub(super) async fn delete(context: &Context<'_>, line: &str) -> Result<Reply, Failure> {
    if line.is_empty() {
        return usage(context, &[Action::Delete]);
    }
    let made = match own(context, line).await? {
        Ok(made) => made,
        Err(refused) => return Ok(refused),
    };
    let name = made
        .latest()
        .and_then(|version| made.read(version).ok())
        .map_or_else(|| made.id.clone(), |known| title(&known));
    if !context.confirms(&format!("delete {}", made.number)) {
        return context.say(&Text::Confirm(Destroys::Compagnon { title: &name }));
    }
    let mut changes = vec![Change::Unmade(made.number), context.audit("compagnon.delete", Some(made.number))];
    if context.settings.compagnon == Some(Choice::Made(made.number)) {
        changes.push(context.set(|settings| settings.compagnon = None));
    }
    context.change(&Text::Deleted { title: &name, published: made.published.is_some() }, changes)
}

/// The compagnon of that name, if it was made by command and the author of the message may change it now; else what is answered.
pub(super) async fn own(context: &Context<'_>, asked: &str) -> Result<Result<Made, Reply>, Failure> {
    let made = match find::find(context, asked).await? {
        Ok(Found::Made(made, _)) => *made,
        Ok(Found::Library(compagnon)) => {
            return context.say(&Text::FromLibrary { title: &title(&compagnon) }).map(Err);
        }
        Err(missing) => return not_found(context, &missing).map(Err),
    };
    let here = made.room_id == context.message.room_id;
    if !here && !context.reaches_other_rooms() {
        return context.say(&Text::NeedsEncryption).map(Err);
    }
    // The answer shows what changes.
    if find::is_private_elsewhere(context, &made) {
        return context.say(&Text::OnlyInPrivate).map(Err);
    }
    if may_change(context, &made).await? {
        return Ok(Ok(made));
    }
    context.say(&if here { context.not_administrator() } else { Text::NotYours }).map(Err)
}

/// Whether the author of the message administers the room in which the compagnon was made. Of a room that the bot has left, nobody can
/// be asked: there its author decides.
pub(super) async fn may_change(context: &Context<'_>, made: &Made) -> Result<bool, Failure> {
    if made.room_id == context.message.room_id {
        return context.administers().await;
    }
    if !context.is_in(&made.room_id).await? {
        return Ok(made.author == context.message.sender);
    }
    Ok(context.power(&made.room_id).await?.is_some_and(|level| level >= context.parts.config.power_level))
}

/// Reads a pasted text: a prompt, or a whole file with its header; within a code block or not.
fn read(context: &Context<'_>, id: &str, about: About, text: &str) -> Result<Compagnon, Result<Reply, Failure>> {
    let text = without_fence(text.trim());
    let limit = context.parts.config.limits.prompt;
    if text.chars().count() > limit {
        return Err(context.say(&Text::PromptTooLong { limit }));
    }
    let compagnon = if text.starts_with("---\n") || text.starts_with("---\r\n") {
        Compagnon::parse(id, text)
    } else {
        let description = Some(about.description.clone()).filter(|text| !text.is_empty());
        let description = description.unwrap_or_else(|| first_line(text));
        Compagnon::new(id, About { description, ..about }, text)
    };
    // Lists show it to whoever may see it.
    let shown = |mut compagnon: Compagnon| {
        compagnon.about.visibility = crate::compagnon::Visibility::Public;
        compagnon
    };
    let compagnon = compagnon.map(shown).map_err(|error: CompagnonError| context.say(&Text::BadPrompt(&error)))?;
    compagnon.about.check(context.parts.sampling.max_tokens).map_err(|error| context.say(&Text::BadField(&error)))?;
    if !context.fits(&compagnon) {
        return Err(context.say(&Text::DoesNotFit));
    }
    Ok(compagnon)
}

/// The title of the catalogue's compagnon that this one could be taken for, if there is one. `number` is its own, when it has one already.
async fn imitates(
    context: &Context<'_>,
    compagnon: &Compagnon,
    number: Option<u64>,
) -> Result<Option<String>, Failure> {
    let names = [compagnon.title(), &compagnon.about.name];
    let library = context.parts.library.library();
    let published = context.parts.store.all_made().await?.into_iter().filter(|made| Some(made.number) != number);
    let published = published.filter_map(|made| made.read(made.version(made.published?)?).ok());
    let known = library.iter().map(|known| Compagnon::clone(known)).chain(published);
    let known: Vec<Compagnon> = known.collect();
    let imitated = known.iter().find(|known| {
        let theirs = [known.title(), &known.about.name, &known.id];
        names.iter().any(|name| theirs.iter().any(|their| alike(name, their)))
    });
    Ok(imitated.map(title))
}

/// A text without the code block that somebody may have put it in.
fn without_fence(text: &str) -> &str {
    let inside = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    // The word after the fence is the language of the code.
    inside.and_then(|inside| inside.split_once('\n')).map_or(text, |(_, body)| body.trim())
}

fn first_line(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    if line.chars().count() <= LONGEST_DESCRIPTION {
        return line.to_owned();
    }
    let cut: String = line.chars().take(LONGEST_DESCRIPTION - 1).collect();
    format!("{}…", cut.trim_end())
}

async fn add_version(
    context: &Context<'_>,
    mut made: Made,
    before: &Compagnon,
    after: &Compagnon,
    action: &str,
) -> Result<Reply, Failure> {
    if before == after {
        return context.say(&Text::Unchanged);
    }
    let back = made.latest().map_or(1, |version| version.number);
    let number = back.saturating_add(1);
    let version = Version { number, at: now(), by: Some(context.message.sender.clone()), text: after.to_text() };
    made.versions.push(version);
    let kept = [made.published, made.proposed];
    let oldest = number.saturating_sub(VERSIONS as u32);
    made.versions.retain(|version| version.number > oldest || kept.contains(&Some(version.number)));
    let text = Text::Changed {
        title: &title(after),
        id: &made.id,
        version: number,
        back,
        diff: &diff(before, after),
        published: made.published.is_some(),
    };
    let mut text = context.text(&text);
    if !cases::of(&context.parts.store, made.number).await?.cases.is_empty() {
        text = format!("{text}\n\n{}", context.text(&Text::Cases(Cases::Try)));
    }
    let audit = context.audit(action, Some(made.number));
    Ok(Reply { changes: vec![Change::Made(made), audit], ..Reply::text(text) })
}

/// The lines that a change takes out and puts in. The header is shown only where it changes.
fn diff(before: &Compagnon, after: &Compagnon) -> String {
    let (old, new) = if before.about == after.about {
        (before.prompt.clone(), after.prompt.clone())
    } else {
        (before.to_text(), after.to_text())
    };
    let diff = TextDiff::from_lines(&old, &new);
    let mut lines: Vec<String> = diff
        .iter_all_changes()
        .filter_map(|change| {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => return None,
            };
            Some(format!("{sign} {}", change.value().trim_end()))
        })
        .collect();
    if lines.len() > DIFF_LINES {
        lines.truncate(DIFF_LINES);
        lines.push("…".to_owned());
    }
    words::block("diff", &lines.join("\n"))
}
