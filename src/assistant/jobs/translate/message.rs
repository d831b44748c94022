//! A text, translated and answered as a message.

use super::{
    super::job::Job,
    report::Report,
    translator::{Source, Translated},
    units::{Piece, pieces},
    work::{MOST_PASSAGES, Pair, pair, recalled, remembered, say, terms, translator},
};
use crate::{
    assistant::{
        courier::Ending,
        failure::Failure,
        texts::{Text, Translation},
    },
    matrix,
    message::Item,
    translation::languages::TextLanguage,
};

/// How many passages a text has before its progress is shown.
const SHOWN_FROM: usize = 4;

/// Translates a text.
pub(super) async fn translate(
    job: &Job<'_>,
    text: &str,
    from: Option<TextLanguage>,
    to: Option<TextLanguage>,
) -> Result<Ending, Failure> {
    let pieces = pieces(text);
    let sources = sources(&pieces);
    if sources.is_empty() {
        return say(job, &Translation::NoWords);
    }
    if sources.len() > MOST_PASSAGES {
        return say(job, &Translation::TooLong { most: MOST_PASSAGES });
    }
    let pair = match pair(job, text, from, to) {
        Ok(pair) => pair,
        Err(instead) => return say(job, &instead),
    };
    let terms = terms(job, pair).await?;
    let mut memory = recalled(job).await?;
    let all = sources.len();
    let progress = |done: usize| {
        if all >= SHOWN_FROM && !job.call.unasked {
            job.progressed(done, &Text::Translation(Translation::Progress { done, all }));
        }
    };
    let Translated { translations, usage, .. } =
        translator(job, pair, &terms, &progress).translate(&sources, &mut memory).await?;
    let mut report = Report::default();
    let mut whole = String::with_capacity(text.len());
    let mut next = translations.iter().zip(&sources);
    for piece in &pieces {
        match piece {
            Piece::Kept(text) => whole.push_str(text),
            Piece::Text(text) => match next.next() {
                Some((translation, source)) => {
                    whole.push_str(&translation.text);
                    report.add(translation, if all > 1 { source.text } else { "" });
                }
                None => whole.push_str(text),
            },
        }
    }
    Ok(Ending {
        items: items(job, pair, whole.trim(), text, &report),
        changes: remembered(job, &memory).into_iter().collect(),
        usage: usage.map(|usage| job.usage(usage)),
        ..Ending::default()
    })
}

/// The texts among the pieces, each with what stands before it.
pub(super) fn sources<'a>(pieces: &[Piece<'a>]) -> Vec<Source<'a>> {
    let mut before = "";
    let texts = pieces.iter().filter_map(|piece| match piece {
        Piece::Text(text) => Some(*text),
        Piece::Kept(_) => None,
    });
    texts.map(|text| Source { text, before: std::mem::replace(&mut before, text) }).collect()
}

/// The translation with what is said of it below, in parts that each fit into an event.
fn items(job: &Job<'_>, pair: Pair, translation: &str, source: &str, report: &Report) -> Vec<Item> {
    let done = Translation::Done { from: pair.from, to: pair.to, passages: None };
    let below = std::iter::once(job.text(&Text::Translation(done))).chain(report.said(job.language));
    let whole = below.fold(matrix::closed(translation).into_owned(), |whole, said| format!("{whole}\n\n{said}"));
    // The addresses of the text itself are as they were.
    let links: Vec<String> = addresses(source).map(str::to_owned).collect();
    let parts = matrix::parts(&whole).into_iter();
    parts.map(|text| Item::Markdown { text, links: links.clone(), sources: Vec::new() }).collect()
}

/// The addresses of the Web in a text.
fn addresses(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|letter: char| letter.is_whitespace() || "<>()[]\"«»“”`|".contains(letter));
    let whole = words.map(|word| word.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_', '\'', '’']));
    whole.filter(|word| word.starts_with("https://") || word.starts_with("http://"))
}
