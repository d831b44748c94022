//! A file, translated with its form.

use super::{
    super::{job::Job, target::SentFile},
    masks::Masked,
    memory::Memory,
    report::Report,
    translator::{Source, Translated, Translation},
    units::{Piece, pieces, sentences},
    work::{MOST_PASSAGES, Pair, pair, recalled, remembered, say, terms, translator},
};
use crate::{
    assistant::{
        clock::now,
        courier::Ending,
        documents::title,
        failure::Failure,
        texts::{self, Text},
    },
    segment::{Segment, plain, tagged, untagged},
    translation::{glossary::Terms, languages::TextLanguage},
    usage::Usage,
};

/// How many passages are translated before what they came to is kept: what was done is not done again after a stop or a kill.
const KEPT_EVERY: usize = 240;

/// How much text tells the language of a file, in bytes.
const SAMPLE: usize = 4_000;

/// A segment of a file as it is translated.
struct Part {
    /// Its text, with the tags of its runs.
    tagged: String,
    /// Whether anything of it is translated.
    has_words: bool,
    /// Whether its lines and sentences stand for themselves.
    lines: bool,
}

impl Part {
    fn of(segment: &Segment) -> Self {
        let tagged = tagged(segment);
        let has_words = !segment.hidden && Masked::new(&tagged).has_words();
        Self { has_words, lines: segment.runs.len() == 1 && tagged.contains('\n'), tagged }
    }

    fn pieces(&self) -> Vec<Piece<'_>> {
        if !self.has_words {
            vec![Piece::Kept(&self.tagged)]
        } else if self.lines {
            pieces(&self.tagged)
        } else {
            sentences(&self.tagged)
        }
    }
}

/// Translates a file.
pub(super) async fn translate(
    job: &Job<'_>,
    file: &SentFile,
    from: Option<TextLanguage>,
    to: Option<TextLanguage>,
) -> Result<Ending, Failure> {
    let segments = match job.segments(file).await {
        Ok(segments) => segments,
        Err(error) => return Ok(job.not_put_back(file, &error)),
    };
    let parts: Vec<Part> = segments.iter().map(Part::of).collect();
    let shown = segments.iter().zip(&parts).filter(|(_, part)| part.has_words);
    let mut sample = String::new();
    for (segment, _) in shown {
        sample.push_str(&plain(segment));
        sample.push('\n');
        if sample.len() > SAMPLE {
            break;
        }
    }
    let pair = match pair(job, &sample, from, to) {
        _ if sample.is_empty() => return say(job, &texts::Translation::NoWords),
        Ok(pair) => pair,
        Err(instead) => return say(job, &instead),
    };
    let pieces: Vec<Vec<Piece<'_>>> = parts.iter().map(Part::pieces).collect();
    let sources = sources(&pieces);
    if sources.len() > MOST_PASSAGES {
        return say(job, &texts::Translation::TooLong { most: MOST_PASSAGES });
    }
    let terms = terms(job, pair).await?;
    let mut memory = recalled(job).await?;
    let Done { translations, known, usage } = in_chunks(job, pair, &terms, &sources, &mut memory).await?;
    let (texts, report) = put_together(&segments, &pieces, &sources, &translations);
    let bytes = match job.rewritten(file, texts).await {
        Ok(bytes) => bytes,
        Err(error) => return Ok(job.not_put_back(file, &error)),
    };
    let mut items = match job.put(file, &name(&title(&file.name), pair.to), bytes).await? {
        Ok(file) => vec![file],
        Err(text) => return Ok(job.ends(&text)),
    };
    let done = texts::Translation::Done { from: pair.from, to: pair.to, passages: Some((sources.len(), known)) };
    let said = std::iter::once(job.text(&Text::Translation(done))).chain(report.said(job.language));
    items.extend(super::super::texts::notices(&said.collect::<Vec<_>>().join("\n\n")));
    Ok(Ending {
        items,
        changes: remembered(job, &memory).into_iter().collect(),
        usage: usage.map(|usage| job.usage(usage)),
        ..Ending::default()
    })
}

/// The texts of all segments, each with what stands before it in its segment, or in the one before.
fn sources<'a>(pieces: &[Vec<Piece<'a>>]) -> Vec<Source<'a>> {
    let mut all = Vec::new();
    let mut before = "";
    for pieces in pieces {
        for piece in pieces {
            if let Piece::Text(text) = piece {
                // Tags of another passage would be taken for those of this one.
                let context = if before.contains('<') { "" } else { before };
                all.push(Source { text, before: context });
                before = text;
            }
        }
    }
    all
}

struct Done {
    translations: Vec<Translation>,
    known: usize,
    usage: Option<Usage>,
}

/// Translates the texts, and keeps now and then what is done.
async fn in_chunks(
    job: &Job<'_>,
    pair: Pair,
    terms: &Terms,
    sources: &[Source<'_>],
    memory: &mut Memory,
) -> Result<Done, Failure> {
    let mut done = Done { translations: Vec::with_capacity(sources.len()), known: 0, usage: None };
    let all = sources.len();
    for chunk in sources.chunks(KEPT_EVERY) {
        let before = done.translations.len();
        let progress = |more: usize| {
            let done = before + more;
            job.progressed(done, &Text::Translation(texts::Translation::Progress { done, all }));
        };
        let Translated { translations, known, usage } =
            translator(job, pair, terms, &progress).translate(chunk, memory).await?;
        done.translations.extend(translations);
        done.known += known;
        done.usage = match (done.usage, usage) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        };
        if done.translations.len() < all
            && let Some(change) = remembered(job, memory)
        {
            job.parts.store.apply(&[change], now()).await?;
            fail::fail_point!("memory-stored");
            memory.changed = false;
        }
    }
    Ok(done)
}

/// The runs of each segment with the translations in them, and what is to be said.
fn put_together(
    segments: &[Segment],
    pieces: &[Vec<Piece<'_>>],
    sources: &[Source<'_>],
    translations: &[Translation],
) -> (Vec<Vec<String>>, Report) {
    let mut report = Report::default();
    let mut next = translations.iter().zip(sources);
    let mut texts = Vec::with_capacity(segments.len());
    for (segment, pieces) in segments.iter().zip(pieces) {
        if !pieces.iter().any(|piece| matches!(piece, Piece::Text(_))) {
            texts.push(segment.runs.clone());
            continue;
        }
        let mut whole = String::new();
        for piece in pieces {
            match piece {
                Piece::Kept(text) => whole.push_str(text),
                Piece::Text(text) => match next.next() {
                    Some((translation, source)) => {
                        whole.push_str(&translation.text);
                        report.add(translation, source.text);
                    }
                    None => whole.push_str(text),
                },
            }
        }
        let (runs, lost) = untagged(&whole, segment);
        report.formatting += usize::from(lost);
        texts.push(runs);
    }
    (texts, report)
}

/// The name of a translated file: "note.docx" in English is "note.en.docx".
fn name(name: &str, to: TextLanguage) -> String {
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => format!("{stem}.{}.{ending}", to.code()),
        _ => format!("{name}.{}", to.code()),
    }
}
