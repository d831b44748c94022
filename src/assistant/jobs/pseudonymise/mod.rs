//! `!pseudonymiser`: a text or a file with placeholders for what identifies people, with the list of what was replaced, for the agent to check; and
//! `!pseudonymiser annuler`, which puts the names back.
//!
//! What placeholders stand for is kept for the person who asked, in this room: nobody else can put names back, and nobody in another room.

mod file;
#[cfg(test)]
mod files_tests;

use ruma::OwnedRoomId;
use tokio::task::spawn_blocking;

use self::file::{hidden, restored, whole};
use super::{
    job::Job,
    target::{SentFile, Target},
    texts::notices,
};
use crate::{
    assistant::{
        clock::{later, now},
        commands::{block, inert},
        courier::Ending,
        entities::Found,
        failure::Failure,
        texts::{
            Text,
            pseudonyms::{Listed, Pseudonyms, without_list},
        },
    },
    documents::ExtractError,
    inference::Haste,
    job::{JobKind, JobScope, JobState},
    message::{ConversationId, FileRef, Item},
    pseudonym::{Kind, Table},
    store::{Change, LARGEST_FILE},
};

/// The most findings that are listed in a message.
const LISTED: usize = 100;

/// What the names of files end with that have placeholders.
const MARK: &str = "-pseudonymise";

pub(super) async fn run(job: &Job<'_>) -> Result<Ending, Failure> {
    let (arguments, below) = (job.call.arguments.as_str(), job.call.text.as_str());
    let undoes = ["annuler", "undo"].contains(&arguments.to_lowercase().as_str());
    let own = if undoes || arguments.is_empty() { below.to_owned() } else { format!("{arguments}\n{below}") };
    let own = own.trim_matches('\n').trim_end();
    match Target::of(job, own).await? {
        Target::NotRead(text) => Ok(job.ends(&text)),
        Target::Nothing => Ok(job.ends(&Text::Pseudonyms(Pseudonyms::Usage))),
        Target::Text(text) if undoes => undo_text(job, &text).await,
        Target::Text(text) => hide_text(job, &text).await,
        Target::File(sent) if undoes => undo_file(job, sent).await,
        Target::File(sent) => hide_file(job, sent).await,
    }
}

async fn hide_text(job: &Job<'_>, text: &str) -> Result<Ending, Failure> {
    let mut table = job.table().await?.unwrap_or_default();
    let names = job.names(&[text], Haste::Answer).await?;
    let pseudonymised = table.pseudonymise_with(text, &names.of(text));
    let mut replaced: Vec<(String, String)> = Vec::new();
    for finding in pseudonymised.found.into_iter().filter(|finding| finding.kind != Kind::Literal) {
        if !replaced.iter().any(|(placeholder, _)| *placeholder == finding.placeholder) {
            replaced.push((finding.placeholder, finding.original));
        }
    }
    if replaced.is_empty() {
        return Ok(job.ends(&Text::Pseudonyms(Pseudonyms::Nothing)));
    }
    let (kept, changes) = job.keep(&table);
    let (list, left) = listed(&replaced);
    let text = block("", &pseudonymised.text);
    let listed = Listed { list: &list, left, kept };
    Ok(Ending { changes, ..job.ends(&Text::Pseudonyms(Pseudonyms::Done { text: &text, listed })) })
}

async fn hide_file(job: &Job<'_>, sent: SentFile) -> Result<Ending, Failure> {
    let segments = match job.segments(&sent).await {
        Ok(segments) => segments,
        Err(error) => return Ok(job.not_put_back(&sent, &error)),
    };
    let mut table = job.table().await?.unwrap_or_default();
    let name = sent.name.clone();
    let names = job.names(&[&whole(&segments), &name_words(&name)], Haste::Later).await?;
    // A long file takes its time.
    let work = spawn_blocking(move || {
        let made = hidden(&mut table, &segments, &names);
        // After the texts, which say more of names than the name of a file does.
        let name = hidden_name(&mut table, &name, &names);
        (made, name, table)
    });
    let Ok((made, name, table)) = work.await else {
        return Ok(job.not_put_back(&sent, &ExtractError::Failed("the texts were not replaced".to_owned())));
    };
    if made.replaced.is_empty() && table.known() == 0 {
        return Ok(job.ends(&Text::Pseudonyms(Pseudonyms::NothingInFile)));
    }
    let bytes = match job.rewritten(&sent, made.texts).await {
        Ok(bytes) => bytes,
        Err(error) => return Ok(job.not_put_back(&sent, &error)),
    };
    let mut items = match job.put(&sent, &name, bytes).await? {
        Ok(file) => vec![file],
        Err(text) => return Ok(job.ends(&text)),
    };
    let (kept, changes) = job.keep(&table);
    let (list, left) = listed(&made.replaced);
    let count = made.replaced.len();
    let told = match job.private_room().await? {
        // Everybody there has the file that it was made of; the list of names is for who asked.
        Some(room) if room != job.message.room_id => {
            items.push(job.put_list(&made.replaced, room).await?);
            Pseudonyms::FileWithList { count, kept }
        }
        Some(_) => Pseudonyms::File { listed: Listed { list: &list, left, kept } },
        None => Pseudonyms::FileWithoutList { count, kept },
    };
    items.extend(job.say(&Text::Pseudonyms(told)));
    Ok(Ending { items, changes, ..Ending::default() })
}

async fn undo_text(job: &Job<'_>, text: &str) -> Result<Ending, Failure> {
    let text = without_list(text);
    let Some(table) = job.table().await? else { return Ok(job.ends(&Text::Pseudonyms(Pseudonyms::NothingKept))) };
    if table.standing(text).is_empty() {
        return Ok(job.ends(&Text::Pseudonyms(Pseudonyms::NothingToRestore)));
    }
    let items = notices(&block("", &table.restore(inside(text))));
    Ok(Ending { items, ..Ending::default() })
}

async fn undo_file(job: &Job<'_>, sent: SentFile) -> Result<Ending, Failure> {
    let Some(table) = job.table().await? else { return Ok(job.ends(&Text::Pseudonyms(Pseudonyms::NothingKept))) };
    let segments = match job.segments(&sent).await {
        Ok(segments) => segments,
        Err(error) => return Ok(job.not_put_back(&sent, &error)),
    };
    let name = table.restore(&sent.name).replacen(MARK, "", 1);
    let work = spawn_blocking(move || restored(&table, &segments));
    let Some(texts) = work.await.ok().flatten() else {
        return Ok(job.ends(&Text::Pseudonyms(Pseudonyms::NothingToRestore)));
    };
    let bytes = match job.rewritten(&sent, texts).await {
        Ok(bytes) => bytes,
        Err(error) => return Ok(job.not_put_back(&sent, &error)),
    };
    let mut items = match job.put(&sent, &name, bytes).await? {
        Ok(file) => vec![file],
        Err(text) => return Ok(job.ends(&text)),
    };
    items.extend(job.say(&Text::Pseudonyms(Pseudonyms::FileRestored)));
    Ok(Ending { items, ..Ending::default() })
}

impl Job<'_> {
    /// Whose table it is: the person's own, in this room with its threads.
    fn scope(&self) -> JobScope {
        let conversation = ConversationId { room_id: self.message.room_id.clone(), thread: None };
        JobScope::Member(conversation, self.message.sender.clone())
    }

    async fn table(&self) -> Result<Option<Table>, Failure> {
        let state = self.parts.store.job_state(JobKind::Pseudonyms, &self.scope(), now()).await?;
        Ok(state.and_then(|state| serde_json::from_value(state.content).ok()))
    }

    /// What keeps a table; without one that is too large, the one before it stays.
    fn keep(&self, table: &Table) -> (bool, Vec<Change>) {
        let Ok(content) = serde_json::to_value(table) else { return (false, Vec::new()) };
        let at = now();
        let state = JobState {
            kind: JobKind::Pseudonyms,
            scope: self.scope(),
            by: Some(self.message.sender.clone()),
            at,
            until: later(at, self.parts.config.retention_in(self.settings)),
            content,
        };
        let kept = state.fits();
        (kept, kept.then(|| Change::KeepJob(Box::new(state))).into_iter().collect())
    }

    /// Stores the list of what was replaced, for a conversation of two.
    async fn put_list(&self, replaced: &[(String, String)], room: OwnedRoomId) -> Result<Item, Failure> {
        let line = |(placeholder, original): &(String, String)| {
            let original = original.split_whitespace().collect::<Vec<_>>().join(" ");
            format!("{placeholder} : {original}\n")
        };
        let mut text: String = replaced.iter().map(line).collect();
        text.truncate(text.floor_char_boundary(LARGEST_FILE));
        let store = &self.parts.store;
        let file = store.put_file(&self.message.room_id, "reperes.txt", "text/plain", text.into_bytes(), now()).await?;
        Ok(Item::File(FileRef { room_id: Some(room), ..file }))
    }

    /// The conversation of two with who asks, where there is one or may be one.
    async fn private_room(&self) -> Result<Option<OwnedRoomId>, Failure> {
        if self.message.direct {
            return Ok(Some(self.message.room_id.clone()));
        }
        self.parts.homeserver.private_room(&self.message.sender).await
    }
}

/// The name of a file with placeholders: a name of a person in it is between other marks than in a text.
fn hidden_name(table: &mut Table, name: &str, names: &Found) -> String {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let words = name_words(name);
    let found = table.pseudonymise_with(&words, &names.of(&words));
    let stem = if found.found.is_empty() { stem } else { &found.text };
    let dot = if extension.is_empty() { "" } else { "." };
    format!("{stem}{MARK}{dot}{extension}")
}

/// The name of a file without its end, as words.
fn name_words(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.replace(['_', '-', '.', '+'], " ")
}

/// What was replaced, one a line, and how many there are beside.
fn listed(replaced: &[(String, String)]) -> (String, usize) {
    let (listed, left) = replaced.split_at(replaced.len().min(LISTED));
    let list = listed.iter().map(|(placeholder, original)| format!("- {} : {}", inert(placeholder), inert(original)));
    (list.collect::<Vec<_>>().join("\n"), left.len())
}

/// A text without the fence that the bot has put around it.
fn inside(text: &str) -> &str {
    let text = text.trim();
    let ticks = text.len() - text.trim_start_matches('`').len();
    let fence = &text[..ticks];
    let within = text.strip_prefix(fence).and_then(|rest| rest.strip_suffix(fence));
    within.filter(|_| ticks >= 3).map_or(text, |within| within.trim_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::{Found, Table, hidden_name, inside};

    #[test]
    fn the_name_of_a_file_says_nobody_and_comes_back() {
        let mut table = Table::new();
        table.pseudonymise("Mme Aïcha Kerbrat");
        assert_eq!(hidden_name(&mut table, "compte-rendu.docx", &Found::default()), "compte-rendu-pseudonymise.docx");
        let name = hidden_name(&mut table, "dossier_Kerbrat.xlsx", &Found::default());
        assert!(!name.contains("Kerbrat") && name.ends_with("-pseudonymise.xlsx"), "{name}");
        assert_eq!(hidden_name(&mut table, "sans", &Found::default()), "sans-pseudonymise");
    }

    #[test]
    fn a_fence_around_a_text_is_no_part_of_it() {
        assert_eq!(inside("```\na\nb\n```\n"), "a\nb");
        assert_eq!(inside("````\n```\n````"), "```");
        assert_eq!(inside("`a`"), "`a`");
        assert_eq!(inside("a"), "a");
        assert_eq!(inside(""), "");
    }
}
