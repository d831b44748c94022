//! What is kept on a person, as a page that is read in any browser, with a screen reader too: headings, lists, no script, nothing that is loaded.

use std::fmt::Write as _;

use super::{
    data::{is_generated, kind},
    gathered::{Author, Conversation, Gathered, moment, said},
};
use crate::{
    assistant::texts::{Exported, journal, typeset},
    compagnon::Version,
    conversation::Role,
    document::Document,
    html,
    message::Incoming,
    statistics::{Rating, Reason},
};

/// How texts keep their lines. Sizes and colours are the browser's.
const STYLE: &str = "body{max-width:48rem;margin:0 auto;padding:1rem;line-height:1.5}pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;border-left:.25rem solid;padding-left:.75rem}article{margin-bottom:2rem}";

/// One thing that is kept.
#[derive(Default)]
struct Entry {
    heading: String,
    /// When it was written.
    at: Option<u64>,
    /// The mark under a text that a model has written.
    mark: Option<String>,
    /// What else is known of it, each with its name.
    facts: Vec<(&'static str, String)>,
    text: Option<String>,
}

/// What is kept of one kind.
struct Section {
    heading: &'static str,
    entries: Vec<Entry>,
}

/// The whole page.
pub(super) fn html(gathered: &Gathered) -> String {
    let words = gathered.words();
    let sections = sections(gathered);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n<main>\n<h1>{title}</h1>\n<p><strong>{}</strong></p>\n<p>{}</p>\n",
        words.lang,
        escaped(&typeset(words.notice, gathered.language)),
        escaped(&typeset(words.without, gathered.language)),
        title = escaped(words.title),
    );
    let at = u64::try_from(gathered.at.as_millisecond()).unwrap_or_default();
    let _ = writeln!(
        page,
        "<dl>\n<dt>{}</dt><dd>{}</dd>\n<dt>{}</dt><dd>{}</dd>\n</dl>",
        escaped(words.person),
        escaped(gathered.person.as_str()),
        escaped(words.made_on),
        time(gathered, at),
    );
    let _ = writeln!(page, "<nav aria-label=\"{}\">\n<ul>", escaped(words.contents));
    for (index, section) in sections.iter().enumerate() {
        let count = section.entries.len();
        let _ = writeln!(page, "<li><a href=\"#s{index}\">{} ({count})</a></li>", escaped(section.heading));
    }
    page.push_str("</ul>\n</nav>\n");
    for (index, section) in sections.iter().enumerate() {
        let _ = writeln!(
            page,
            "<section aria-labelledby=\"s{index}\">\n<h2 id=\"s{index}\">{}</h2>",
            escaped(section.heading)
        );
        if section.entries.is_empty() {
            let _ = writeln!(page, "<p>{}</p>", escaped(words.nothing));
        }
        section.entries.iter().for_each(|entry| write(&mut page, gathered, entry));
        page.push_str("</section>\n");
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn write(page: &mut String, gathered: &Gathered, entry: &Entry) {
    let _ = write!(page, "<article>\n<h3>{}", escaped(&entry.heading));
    if let Some(at) = entry.at {
        let _ = write!(page, ", {}", time(gathered, at));
    }
    page.push_str("</h3>\n");
    if !entry.facts.is_empty() {
        page.push_str("<dl>\n");
        for (name, value) in &entry.facts {
            let _ = writeln!(page, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
        }
        page.push_str("</dl>\n");
    }
    if let Some(text) = &entry.text {
        let _ = writeln!(page, "<pre>{}</pre>", escaped(text));
    }
    if let Some(mark) = &entry.mark {
        let _ = writeln!(page, "<p><em>{}</em></p>", escaped(mark));
    }
    page.push_str("</article>\n");
}

fn sections(gathered: &Gathered) -> Vec<Section> {
    let (words, personal) = (gathered.words(), &gathered.personal);
    let section = |heading, entries| Section { heading, entries };
    let under_way = personal.under_way.iter().flat_map(|delivery| {
        let model = delivery.usage.as_ref().map(|usage| usage.model.as_str());
        delivery.answer.items.iter().map(move |item| Entry {
            at: Some(delivery.stored_at),
            text: Some(said(item).to_owned()),
            mark: item.is_generated().then(|| mark(words, Author::Model(model))).flatten(),
            ..place(words, &delivery.question)
        })
    });
    let facts = personal.facts.iter().map(|fact| Entry {
        heading: if fact.of_room { words.for_room } else { words.for_you }.to_owned(),
        at: Some(fact.at),
        facts: vec![(words.room, fact.room_id.to_string())],
        text: Some(fact.text.clone()),
        ..Entry::default()
    });
    let instructions = personal.instructions.iter().map(|(room, text)| Entry {
        heading: room.as_ref().map_or_else(|| words.unknown_room.to_owned(), ToString::to_string),
        text: Some(text.clone()),
        ..Entry::default()
    });
    vec![
        section(words.exchanges, gathered.conversations.iter().flat_map(|one| conversation(gathered, one)).collect()),
        section(
            words.waiting,
            personal
                .waiting
                .iter()
                .map(|queued| Entry { text: Some(queued.question.text().to_owned()), ..place(words, &queued.question) })
                .collect(),
        ),
        section(words.under_way, under_way.collect()),
        section(words.answered, personal.answered.iter().map(|(message, _)| place(words, message)).collect()),
        section(
            words.undecrypted,
            personal
                .undecrypted
                .iter()
                .map(|event| Entry {
                    heading: event.event_id.to_string(),
                    at: Some(event.sent_at),
                    facts: vec![(words.room, event.room_id.to_string())],
                    ..Entry::default()
                })
                .collect(),
        ),
        section(words.memory, facts.collect()),
        section(words.instructions, instructions.collect()),
        section(words.documents, personal.documents.iter().map(|one| document(words, one)).collect()),
        section(words.compagnons, compagnons(gathered)),
        section(words.proposed, proposed(gathered)),
        section(words.ratings, ratings(gathered)),
        section(words.jobs, jobs(gathered)),
        section(
            words.commands,
            personal
                .audit
                .iter()
                .map(|entry| Entry {
                    heading: journal::action(&entry.action, gathered.language).to_owned(),
                    at: Some(entry.at),
                    facts: vec![(words.room, entry.room_id.to_string())],
                    ..Entry::default()
                })
                .collect(),
        ),
        section(words.known, known(gathered)),
    ]
}

fn conversation(gathered: &Gathered, one: &Conversation) -> Vec<Entry> {
    let words = gathered.words();
    let room = match (&one.place, &one.room_name) {
        (_, Some(name)) => name.clone(),
        (Some(conversation), None) => conversation.room_id.to_string(),
        (None, None) => words.unknown_room.to_owned(),
    };
    let thread = one.place.as_ref().and_then(|conversation| conversation.thread.as_ref());
    let place = |room: &String| {
        let thread = thread.map(|thread| (words.thread, thread.to_string()));
        [(words.room, room.clone())].into_iter().chain(thread).collect::<Vec<_>>()
    };
    let summary = one.summary.as_ref().map(|text| Entry {
        heading: words.summary.to_owned(),
        mark: mark(words, Author::Model(None)),
        facts: place(&room),
        text: Some(text.clone()),
        ..Entry::default()
    });
    let turns = one.turns.iter().map(|turn| Entry {
        heading: if turn.role == Role::Assistant { words.assistant } else { words.you }.to_owned(),
        at: Some(turn.at),
        mark: mark(words, gathered.author(turn)),
        facts: place(&room),
        text: Some(turn.content.clone()),
    });
    summary.into_iter().chain(turns).collect()
}

fn document(words: &Exported, document: &Document) -> Entry {
    Entry {
        heading: document.title.clone(),
        at: Some(document.added_at),
        facts: vec![(words.format, document.format.clone())],
        ..Entry::default()
    }
}

fn compagnons(gathered: &Gathered) -> Vec<Entry> {
    let words = gathered.words();
    let version = |id: &str, published: Option<u32>, version: &Version| Entry {
        heading: format!("{id}, {} {}", words.version, version.number),
        at: Some(version.at),
        facts: published.iter().map(|number| (words.published, number.to_string())).collect(),
        text: Some(version.text.clone()),
        ..Entry::default()
    };
    let own = gathered.personal.made.iter();
    let own = own.flat_map(|made| made.versions.iter().map(|one| version(&made.id, made.published, one)));
    own.chain(gathered.personal.versions.iter().map(|(id, one)| version(id, None, one))).collect()
}

fn proposed(gathered: &Gathered) -> Vec<Entry> {
    let words = gathered.words();
    let answers = gathered.personal.answers.iter().map(|answer| Entry {
        heading: answer.question.clone(),
        at: Some(answer.proposed_at),
        facts: vec![(words.questions, answer.wordings().collect::<Vec<_>>().join(" / "))],
        text: Some(answer.text.clone()),
        ..Entry::default()
    });
    answers.collect()
}

fn ratings(gathered: &Gathered) -> Vec<Entry> {
    let words = gathered.words();
    let ratings = gathered.personal.ratings.iter().map(|given| Entry {
        heading: if given.rating == Rating::Useful { words.useful } else { words.not_useful }.to_owned(),
        at: Some(given.at),
        facts: given.reason.iter().map(|reason| (words.reason, Reason::name(*reason).to_owned())).collect(),
        ..Entry::default()
    });
    ratings.collect()
}

fn jobs(gathered: &Gathered) -> Vec<Entry> {
    let words = gathered.words();
    let jobs = gathered.personal.jobs.iter().map(|state| Entry {
        heading: kind(state.kind).to_owned(),
        at: Some(state.at),
        mark: is_generated(state.kind).then(|| mark(words, Author::Model(None))).flatten(),
        facts: vec![(words.kept_until, date(gathered, state.until).unwrap_or_default())],
        text: serde_json::to_string_pretty(&state.content).ok(),
    });
    jobs.collect()
}

fn known(gathered: &Gathered) -> Vec<Entry> {
    let (words, personal) = (gathered.words(), &gathered.personal);
    let fact = |heading: &str, at| Entry { heading: heading.to_owned(), at, ..Entry::default() };
    let counted = if personal.counted_this_week { words.yes } else { words.no };
    let informed = personal.informed_at.map(|at| fact(words.informed, Some(at)));
    let unread = personal.told_unread_at.map(|at| fact(words.told_unread, Some(at)));
    let counted = Entry { text: Some(counted.to_owned()), ..fact(words.counted, None) };
    informed.into_iter().chain(unread).chain([counted]).collect()
}

/// A message by where it stands.
fn place(words: &Exported, message: &Incoming) -> Entry {
    Entry {
        heading: words.you.to_owned(),
        at: Some(message.sent_at),
        facts: vec![(words.room, message.room_id.to_string()), (words.message, message.event_id.to_string())],
        ..Entry::default()
    }
}

/// What stands under a text of a model.
fn mark(words: &Exported, author: Author<'_>) -> Option<String> {
    match author {
        Author::People => None,
        Author::Model(Some(model)) => Some(format!("{} ({} {model})", words.generated, words.model)),
        Author::Model(None) => Some(format!("{} ({})", words.generated, words.unknown_model)),
    }
}

/// A moment as people and programs read it.
fn time(gathered: &Gathered, milliseconds: u64) -> String {
    let machine = moment(milliseconds).map(|at| at.to_string()).unwrap_or_default();
    let people = date(gathered, milliseconds).unwrap_or_default();
    format!("<time datetime=\"{machine}\">{}</time>", escaped(&people))
}

fn date(gathered: &Gathered, milliseconds: u64) -> Option<String> {
    Some(journal::time(&moment(milliseconds)?.to_zoned(gathered.zone.clone()), gathered.language))
}

/// A text that means nothing to a browser, without the characters that no page has.
fn escaped(text: &str) -> String {
    let shown = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\t');
    html::escaped(&text.chars().filter(shown).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_that_people_write_is_markup() {
        assert_eq!(
            escaped("<script>alert('\"&\u{0}\u{1b}')</script>\n\té"),
            "&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;\n\té"
        );
    }
}
