//! What a child says of a file, before it is believed: a parser that a file has taken over writes what the file wants. It can make up a text,
//! as the file itself could have had it, and nothing else.

use super::{
    clean::is_invisible,
    extracted::{Extracted, Segments},
    flow::LONGEST_TITLE,
    limits::Limits,
    passages::{LONGEST_HEADING, MOST_WORDS},
    rewrite::MOST_SEGMENTS,
    sentences::words,
};
use crate::document::{Passage, Place};

/// The most headings above a passage: one for each level.
const MOST_HEADINGS: usize = 10;

/// The most bytes of a passage: 300 words of 20 bytes, and the white space between them.
const LONGEST_PASSAGE: usize = 16 * 1024;

/// Whether this can have been read from a file. The reason holds nothing of it.
pub(super) fn sound(extracted: &Extracted, limits: &Limits) -> Result<(), &'static str> {
    let holds = |holds: bool, reason| if holds { Ok(()) } else { Err(reason) };
    holds(!extracted.passages.is_empty(), "no passages")?;
    holds(extracted.pages.is_none_or(|pages| pages <= limits.pages), "more pages than there may be")?;
    holds(extracted.title.as_deref().is_none_or(|title| is_shown(title, LONGEST_TITLE)), "a title that is none")?;
    for (ordinal, passage) in (0..).zip(&extracted.passages) {
        holds(passage.ordinal == ordinal, "passages out of order")?;
        let headings = passage.headings.len() <= MOST_HEADINGS
            && passage.headings.iter().all(|heading| is_shown(heading, LONGEST_HEADING));
        holds(headings, "headings that are none")?;
        holds(is_placed(passage, extracted.pages.unwrap_or(0)), "a passage in no place")?;
        let Passage { text, .. } = passage;
        holds(!text.trim().is_empty(), "an empty passage")?;
        holds(text.len() <= LONGEST_PASSAGE && words(text) <= MOST_WORDS, "a passage that is too long")?;
        holds(!text.contains(is_invisible), "a passage with invisible characters")?;
    }
    Ok(())
}

/// Whether these can be the segments of a file.
pub(super) fn sound_segments(segments: &Segments, limits: &Limits) -> Result<(), &'static str> {
    let holds = |holds: bool, reason| if holds { Ok(()) } else { Err(reason) };
    let Segments { segments, .. } = segments;
    holds(!segments.is_empty(), "no segments")?;
    holds(segments.len() <= MOST_SEGMENTS, "more segments than there may be")?;
    holds(segments.iter().all(|segment| !segment.runs.is_empty()), "a segment without a run")?;
    let runs = || segments.iter().flat_map(|segment| &segment.runs);
    holds(runs().map(String::len).sum::<usize>() as u64 <= limits.output, "more text than there may be")?;
    let is_text = |c: char| !c.is_control() || matches!(c, '\t' | '\n');
    holds(runs().all(|run| run.chars().all(is_text)), "a segment with control characters")
}

/// Whether a rewritten file is still of the kind that the file was, as far as its first bytes say. Who opens it trusts it no more than the file:
/// that it is a good one of its kind, only the child could tell.
pub(super) fn is_still(file: &[u8], rewritten: &[u8]) -> bool {
    match (Kind::of(file), Kind::of(rewritten)) {
        (Kind::Package(one), Kind::Package(other)) => one == other,
        (Kind::Text, Kind::Text) => true,
        _ => false,
    }
}

/// The kinds of files that are rewritten.
enum Kind<'a> {
    /// A zip archive, and the type that those of `OpenDocument` begin with.
    Package(Option<&'a [u8]>),
    Text,
    Other,
}

impl<'a> Kind<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        /// Where a member's header says how it is packed and how long what stands between its name and its content is, and where its name stands.
        const PACKED: usize = 8;
        const EXTRA: usize = 28;
        const NAME: (usize, &[u8]) = (30, b"mimetype");
        /// As much of a type as tells texts, sheets and presentations apart.
        const TYPE: usize = "application/vnd.oasis.opendocument.text".len();
        if bytes.starts_with(b"PK\x03\x04") {
            let number = |at: usize| {
                bytes
                    .get(at..at + 2)
                    .map_or(0, |two| two.iter().rev().fold(0, |all, byte| all << 8 | usize::from(*byte)))
            };
            let start = NAME.0 + NAME.1.len() + number(EXTRA);
            let is_named = bytes.get(NAME.0..).is_some_and(|rest| rest.starts_with(NAME.1)) && number(PACKED) == 0;
            return Self::Package(bytes.get(start..start + TYPE).filter(|_| is_named));
        }
        // UTF-16 has its mark, and no other text has this character.
        let is_text = encoding_rs::Encoding::for_bom(bytes).is_some() || !bytes.contains(&0);
        if is_text && !bytes.starts_with(b"%PDF-") { Self::Text } else { Self::Other }
    }
}

/// A text in one line or two, as it is cut to so many characters: with a mark where it was.
fn is_shown(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().take(most + 2).count() <= most + 1 && !text.contains(is_invisible)
}

fn is_placed(passage: &Passage, pages: u32) -> bool {
    match &passage.place {
        Place::Whole => true,
        Place::Page(number) | Place::Slide(number) => (1..=pages).contains(number),
        Place::Sheet(name) => name.is_empty() || is_shown(name, LONGEST_TITLE),
    }
}

#[cfg(test)]
mod tests {
    use super::{Extracted, Limits, MOST_SEGMENTS, Passage, Place, Segments, is_still, sound, sound_segments};
    use crate::{
        documents::{Config, Format},
        segment::Segment,
    };

    fn good() -> Extracted {
        let passage = |ordinal: u32| Passage {
            ordinal,
            place: Place::Page(ordinal + 1),
            headings: vec!["Congés".to_owned()],
            text: "Les congés sont reportés.\nAutomatiquement.".to_owned(),
        };
        let passages = (0..3).map(passage).collect();
        Extracted { format: Format::Pdf, title: Some("Guide".to_owned()), pages: Some(3), passages }
    }

    type Change = fn(&mut Extracted);

    #[test]
    fn a_file_is_of_its_kind_after_a_change() {
        let read = |name: &str| {
            std::fs::read(format!("{}/tests/fixtures/documents/{name}", env!("CARGO_MANIFEST_DIR")))
                .expect("the fixture")
        };
        let names = [
            "libreoffice-guide.odt",
            "libreoffice-effectifs.ods",
            "libreoffice-securite.odp",
            "libreoffice-guide.docx",
            "windows-1252.csv",
        ];
        for one in names {
            for other in names {
                assert_eq!(is_still(&read(one), &read(other)), one == other, "{one} {other}");
            }
        }
        assert!(is_still(b"a", "\u{feff}\u{e9}".as_bytes()));
        assert!(!is_still(b"a", &read("libreoffice-guide.pdf")) && !is_still(b"a", b"\x7fELF\0\0\0\0"));
    }

    #[test]
    fn segments_that_no_file_has_are_refused() {
        let limits = Limits::of(&Config::default());
        let with = |segments: Vec<Segment>| sound_segments(&Segments { format: Format::Docx, segments }, &limits);
        let one = |text: &str| Segment::new(vec![text.to_owned()]);
        assert_eq!(with(vec![one("a\tb\nc \u{200b}\u{202e}")]), Ok(()));
        for (segments, reason) in [
            (Vec::new(), "no segments"),
            (vec![Segment::default()], "without a run"),
            (vec![one("a\u{1b}[2J")], "control"),
            (vec![one(&"a".repeat(32_000_001))], "more text"),
            (vec![one("a"); MOST_SEGMENTS + 1], "more segments"),
        ] {
            assert!(with(segments).is_err_and(|refused| refused.contains(reason)), "{reason}");
        }
    }

    #[test]
    fn what_no_reading_gives_is_refused() {
        let limits = Limits::of(&Config::default());
        assert_eq!(sound(&good(), &limits), Ok(()));
        let changes: [(&str, Change); 14] = [
            ("no passages", |it| it.passages.clear()),
            ("more pages", |it| it.pages = Some(2_001)),
            ("a title", |it| it.title = Some("a".repeat(300))),
            ("a title", |it| it.title = Some("\u{202e}rbonjour".to_owned())),
            ("out of order", |it| it.passages.swap(0, 1)),
            ("out of order", |it| it.passages[2].ordinal = 7),
            ("headings", |it| it.passages[1].headings = vec!["h".to_owned(); 11]),
            ("headings", |it| it.passages[1].headings = vec!["h".repeat(200)]),
            ("no place", |it| it.passages[1].place = Place::Page(0)),
            ("no place", |it| it.passages[1].place = Place::Slide(4)),
            ("no place", |it| it.passages[1].place = Place::Sheet("s".repeat(300))),
            ("an empty passage", |it| it.passages[0].text = " \n".to_owned()),
            ("too long", |it| it.passages[0].text = "mot ".repeat(301)),
            ("invisible", |it| it.passages[0].text = "a\u{200b}b\u{1b}[2J".to_owned()),
        ];
        for (reason, change) in changes {
            let mut extracted = good();
            change(&mut extracted);
            let refused = sound(&extracted, &limits).expect_err(reason);
            assert!(refused.contains(reason), "{refused} for {reason}");
        }
        let mut blank = good();
        blank.passages[0].text = format!("a{}b", " ".repeat(1 << 20));
        assert!(sound(&blank, &limits).is_err());
    }
}
