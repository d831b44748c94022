//! The note of a conversation, written with a model: part by part, several at a time; the program brings the parts together.

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::BoxFuture, stream};

use super::{
    evidence::entries,
    found::{Claim, Found, Head},
    material::{Conversation, Part},
    merge::add,
    prompt::{MOST_POINTS, Prompts},
    value::{Entry, MOST_MESSAGES, Note, Section},
};
use crate::{
    assistant::{
        jobs::job::Job,
        texts::{Notes, Text},
    },
    inference::{InferenceError, Request, Sampling},
    usage::Usage,
};

/// How many parts are read at once: the engine computes them together, and its other rows stay free for rooms.
const AT_ONCE: usize = 6;
/// The most parts of a note. What comes after is left out, and that is said.
const MOST_PARTS: usize = 120;
/// How warm the second try of an answer is that had not the form: the first one was the likeliest.
const WARMER: f32 = 0.5;

/// A note that was written.
pub struct Written {
    /// The note.
    pub note: Note,
    /// What it cost.
    pub usage: Usage,
    /// Whether something of the conversation is not in it.
    pub left_out: bool,
}

/// A part that was read, with what was found in it, if that has the form, and what it cost.
type Read = Result<(Part, Option<Found>, Usage), InferenceError>;

/// Writes the note of a conversation. `None` where nothing that the model wrote is one.
pub async fn write(job: &Job<'_>, conversation: &Conversation) -> Result<Option<Written>, InferenceError> {
    let prompts = Prompts::new(job.model(), &job.parts.sampling, job.language);
    let mut requests = prompts.of_parts(conversation)?;
    let mut left_out = requests.len() > MOST_PARTS;
    requests.truncate(MOST_PARTS);
    let all = requests.len();
    let mut spent = Usage::NOTHING;
    let mut note = Note { participants: conversation.participants.clone(), ..Note::default() };
    let reading = requests.into_iter().map(|(part, request)| {
        let found = async move {
            let (found, usage) = formed(job, request, Found::read).await?;
            Ok((part, found, usage))
        };
        found.boxed()
    });
    // Boxed and collected: the compiler does not see that a stream of closures may move between threads.
    let reading: Vec<BoxFuture<'_, Read>> = reading.collect();
    let mut reading = stream::iter(reading).buffered(AT_ONCE);
    let (mut read, mut formed_parts) = (0, 0);
    while let Some((part, found, usage)) = reading.try_next().await? {
        read += 1;
        job.progressed(read, &Text::Notes(Notes::Reading { read, parts: all }));
        spent = spent.and(usage);
        let Some(found) = found else {
            left_out = true;
            continue;
        };
        formed_parts += 1;
        for section in Section::ALL {
            let more = entries(&found, section, conversation, part, job.language);
            left_out |= !add(note.section_mut(section), more);
        }
    }
    drop(reading);
    if formed_parts == 0 {
        return Ok(None);
    }
    let (head, usage) = formed(job, prompts.of_head(&note)?, Head::read).await?;
    spent = spent.and(usage);
    let head = head.unwrap_or_default();
    note.points = together(&note.points, &head.points);
    (note.object, note.context) = (head.object, head.context);
    Ok(Some(Written { note, usage: spent, left_out }))
}

/// An answer that has its form; tried twice.
pub async fn formed<T>(
    job: &Job<'_>,
    request: Request,
    read: impl Fn(&str) -> Option<T>,
) -> Result<(Option<T>, Usage), InferenceError> {
    let (answer, usage) = job.write(&request).await?;
    if let Some(found) = read(&answer) {
        return Ok((Some(found), usage));
    }
    tracing::debug!(bytes = answer.len(), "an answer has not the form that was asked for: once more");
    let sampling = Sampling { temperature: WARMER, ..request.sampling.clone() };
    let (answer, more) = job.write(&Request { sampling, ..request }).await?;
    Ok((read(&answer), usage.and(more)))
}

/// Points brought together as a model says. Those that it leaves out stay, while there is place.
fn together(points: &[Entry], claims: &[Claim]) -> Vec<Entry> {
    let mut joined: Vec<Entry> = Vec::new();
    let mut used = vec![false; points.len()];
    for claim in claims.iter().take(MOST_POINTS) {
        let mut messages = Vec::new();
        for index in claim.numbers.iter().filter_map(|number| number.checked_sub(1)) {
            let (Some(point), Some(used)) = (points.get(index), used.get_mut(index)) else { continue };
            if std::mem::replace(used, true) {
                continue;
            }
            messages.extend(point.messages.iter().cloned());
        }
        messages.dedup();
        messages.truncate(MOST_MESSAGES);
        if !messages.is_empty() {
            joined.push(Entry { text: claim.text.clone(), messages, ..Entry::default() });
        }
    }
    let left = points.iter().zip(used).filter(|(_, used)| !used).map(|(point, _)| point.clone());
    joined.extend(left);
    // The order of the conversation is that of the first of them; more than a reader takes in helps nobody.
    joined.truncate(MOST_POINTS.max(claims.len().min(MOST_POINTS)) * 2);
    joined
}

#[cfg(test)]
mod tests {
    use super::{Claim, Entry, together};

    #[test]
    fn points_are_brought_together_and_none_is_lost() {
        let point = |number: usize| Entry {
            text: format!("p{number}"),
            messages: vec![format!("$m{number}").try_into().expect("an id")],
            ..Entry::default()
        };
        let points = [point(1), point(2), point(3)];
        let claim = |text: &str, numbers: &[usize]| Claim {
            text: text.to_owned(),
            numbers: numbers.to_vec(),
            ..Claim::default()
        };
        let joined =
            together(&points, &[claim("un et trois", &[1, 3, 3, 9]), claim("inventé", &[77]), claim("encore", &[1])]);
        let texts: Vec<_> = joined.iter().map(|entry| (entry.text.as_str(), entry.messages.len())).collect();
        assert_eq!(texts, [("un et trois", 2), ("p2", 1)]);
        assert_eq!(together(&points, &[]), points);
    }
}
