//! For `crate::fuzz`: files of every format whose reader is ours. `pdf_oxide`'s own is fuzzed by its authors, and runs only in the child.

use std::io::{Cursor, Write as _};

use zip::{ZipWriter, write::SimpleFileOptions};

use super::{
    Config,
    limits::Limits,
    parse::read,
    rewrite,
    sound::{is_still, sound, sound_segments},
};

/// A file, whose first line is its name.
pub(crate) fn document(data: &[u8]) {
    let (name, bytes) = first_line(data);
    if !bytes.windows(5).any(|window| window == b"%PDF-") {
        try_one(name, bytes);
    }
}

/// The main part of an office document, whose format the first line names.
pub(crate) fn office(data: &[u8]) {
    let (format, content) = first_line(data);
    let relations = |part: &str| {
        format!(
            r#"<r><Relationship Id="r1" Type="t/officeDocument" Target="{part}"/><Relationship Id="r2" Type="t/slide" Target="{part}"/></r>"#
        )
    };
    let package = |part: &str| {
        let own = part.replace('/', "/_rels/") + ".rels";
        archive(&[
            ("_rels/.rels", relations(part).as_bytes()),
            (&own, relations("s.xml").as_bytes()),
            (part, content),
            ("ppt/s.xml", content),
        ])
    };
    let opened = |kind: &str| {
        archive(&[
            ("mimetype", format!("application/vnd.oasis.opendocument.{kind}").as_bytes()),
            ("content.xml", content),
        ])
    };
    let bytes = match format {
        "docx" => package("word/document.xml"),
        "pptx" => package("ppt/presentation.xml"),
        "odp" => opened("presentation"),
        "ods" => opened("spreadsheet"),
        _ => opened("text"),
    };
    try_one("", &bytes);
}

fn first_line(data: &[u8]) -> (&str, &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let name = data.get(..end).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
    (name, data.get(end + 1..).unwrap_or_default())
}

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        let written =
            writer.start_file(*name, SimpleFileOptions::default()).is_ok() && writer.write_all(content).is_ok();
        assert!(written, "an archive in memory is written");
    }
    writer.finish().map(Cursor::into_inner).unwrap_or_default()
}

fn try_one(name: &str, bytes: &[u8]) {
    let limits = Limits::of(&Config { unpacked: 1, output: 1, ..Config::default() });
    put_back(name, bytes, &limits);
    let Ok(extracted) = read(bytes, name, None, &limits) else { return };
    // What the parent takes of a child, a child must give.
    let reason = sound(&extracted, &limits).err();
    assert!(reason.is_none(), "{reason:?}");
}

/// Takes the texts of a file out and puts them back, as they are and changed.
fn put_back(name: &str, bytes: &[u8], limits: &Limits) {
    let Ok(found) = rewrite::read(bytes, name, None, limits) else { return };
    let reason = sound_segments(&found, limits).err();
    assert!(reason.is_none(), "{reason:?}");
    let texts: Vec<Vec<String>> = found.segments.into_iter().map(|segment| segment.runs).collect();
    let same = rewrite::write(bytes, name, None, &texts, limits);
    assert!(same.is_ok_and(|same| same == bytes), "what is not changed stays as it is");
    let change = |text: &String| text.chars().rev().flat_map(char::to_uppercase).collect::<String>();
    let changed: Vec<Vec<String>> = texts.iter().map(|runs| runs.iter().map(change).collect()).collect();
    let Ok(written) = rewrite::write(bytes, name, None, &changed, limits) else { return };
    assert!(is_still(bytes, &written), "it is no such file any more");
    if bytes.starts_with(b"PK") {
        let again = rewrite::read(&written, name, None, limits).map(|found| found.segments.len());
        assert!(again == Ok(texts.len()), "{again:?} segments of {}", texts.len());
    }
}
