//! Showing and choosing compagnons.

use super::{
    super::{Context, Reply, words},
    Action, cases,
    find::{self, Found},
    not_found, prompt,
    say::shown,
    title, usage,
};
use crate::{
    assistant::{
        failure::Failure,
        texts::{self, Text},
    },
    compagnon::{Choice, Visibility},
};

/// The room's compagnon, and what the room adds to it.
pub(super) async fn current(context: &Context<'_>) -> Result<Reply, Failure> {
    let effective = context.effective_compagnon().await?;
    let addition = context.settings.addition.as_deref().map(|text| words::block("", text));
    let settings = shown(context);
    context.say(&Text::Current {
        title: &title(&effective.compagnon),
        description: &words::inert(&effective.compagnon.about.description),
        addition: addition.as_deref(),
        settings: &settings,
    })
}

/// All that can be chosen here.
pub(super) async fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let effective = context.effective_compagnon().await?;
    let mut private = Vec::new();
    let mut public = Vec::new();
    let mut example = None;
    for found in find::visible(context).await? {
        let compagnon = found.compagnon();
        let current = compagnon.id == effective.compagnon.id;
        if compagnon.about.visibility != Visibility::Public && !current {
            continue;
        }
        if !current {
            example.get_or_insert_with(|| compagnon.id.clone());
        }
        let mark = if current { format!(" {}", context.text(&Text::ListCurrent)) } else { String::new() };
        let description = words::inert(&compagnon.about.description);
        let description = texts::typeset(&description, context.language);
        let line = format!("- **{}** `{}` — {description}{mark}", title(compagnon), compagnon.id);
        let list = if matches!(found, Found::Made(..)) { &mut private } else { &mut public };
        list.push(line);
    }
    let mut text = format!("{}\n\n{}", context.text(&Text::List), public.join("\n"));
    if !private.is_empty() {
        text = format!("{text}\n\n{}\n\n{}", context.text(&Text::ListPrivate), private.join("\n"));
    }
    if let Some(example) = example {
        text = format!("{text}\n\n{}", context.text(&Text::ListMore { example: &example }));
    }
    Ok(Reply::text(text))
}

/// One compagnon with its text and its versions.
pub(super) async fn view(context: &Context<'_>, asked: &str) -> Result<Reply, Failure> {
    let found = match if asked.is_empty() {
        find::here(context).await?
    } else {
        find::find_referenced(context, asked).await?
    } {
        Ok(found) => found,
        Err(missing) => return not_found(context, &missing),
    };
    if let Found::Made(made, _) = &found
        && find::is_private_elsewhere(context, made)
    {
        return context.say(&Text::OnlyInPrivate);
    }
    let compagnon = found.compagnon();
    let description = words::inert(&compagnon.about.description);
    let description = texts::typeset(&description, context.language);
    let prompt = words::block("", &compagnon.prompt);
    let version = match &found {
        Found::Made(_, shown) => format!(" (version {})", shown.number),
        Found::Library(_) => String::new(),
    };
    let mut text = format!("**{}** `{}`{version} — {description}\n\n{prompt}", title(compagnon), compagnon.id);
    if let Found::Made(made, _) = &found
        && made.room_id == context.message.room_id
        && made.versions.len() > 1
    {
        let lines = made.versions.iter().rev().map(|version| {
            let shown = if made.published == Some(version.number) { " ✓" } else { "" };
            let by = version.by.as_ref().map(|by| format!(" `{by}`")).unwrap_or_default();
            format!("- {}{by}{shown}", version.number)
        });
        let lines = lines.collect::<Vec<_>>().join("\n");
        // The one before the newest: it is there, whichever older ones were given up.
        let before = made.versions.iter().rev().nth(1).map_or(1, |version| version.number);
        let more = context.text(&Text::VersionsMore { id: &compagnon.id, version: before });
        text = format!("{text}\n\n{}\n\n{lines}\n\n{more}", context.text(&Text::Versions));
    }
    if let Found::Made(made, shown) = &found
        && let Some(cases) = cases::standing(context, made, shown.number).await?
    {
        text = format!("{text}\n\n{cases}");
    }
    // Who decides what the model is told here sees all of it.
    if asked.is_empty() && context.administers().await? {
        text = format!("{text}\n\n{}", prompt::effective(context).await?);
    }
    Ok(Reply::text(text))
}

/// Gives the room another compagnon.
pub(super) async fn choose(context: &Context<'_>, asked: &str) -> Result<Reply, Failure> {
    if asked.is_empty() {
        return usage(context, &[Action::Choose, Action::List]);
    }
    let found = match find::find(context, asked).await? {
        Ok(found) => found,
        Err(missing) => return not_found(context, &missing),
    };
    if !context.administers().await? {
        return context.say(&context.not_administrator());
    }
    if !context.fits(found.compagnon()) {
        return context.say(&Text::DoesNotFit);
    }
    let (choice, number) = match &found {
        Found::Library(compagnon) => (Choice::Library(compagnon.id.clone()), None),
        Found::Made(made, _) if made.author == context.message.sender && made.room_id != context.message.room_id => {
            (Choice::Own(made.number), Some(made.number))
        }
        Found::Made(made, _) => (Choice::Made(made.number), Some(made.number)),
    };
    let changes =
        vec![context.set(|settings| settings.compagnon = Some(choice)), context.audit("compagnon.choose", number)];
    let compagnon = found.compagnon();
    let example = compagnon.about.examples.first().map(|example| words::inert(example));
    let text = Text::Chosen {
        title: &title(compagnon),
        welcome: &words::inert(&compagnon.about.welcome),
        example: example.as_deref(),
    };
    context.change(&text, changes)
}
