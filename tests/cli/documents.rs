//! Hostile documents, read by the real program: the child ends in time and within its memory, says why, and the reader goes on. And the
//! child's sandbox from inside.
#![allow(clippy::format_collect)] // Hostile texts are built once.

use std::{
    fs::Permissions,
    io::{Cursor, Read as _, Write as _},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use compagnon::documents::{Config, ExtractError, Extractor, Format, Limit, SourceFile};
use serde_json::Value;
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

const PROGRAM: &str = env!("CARGO_BIN_EXE_compagnon");

/// The longest that any child may take: its own limit is 60 s.
const LONGEST: Duration = Duration::from_secs(70);

/// An archive of members.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, SimpleFileOptions::default()).expect("a member");
        writer.write_all(content).expect("written");
    }
    writer.finish().expect("an archive").into_inner()
}

/// A package whose main part is of a kind.
fn package(part: &str, content: &[u8], more: &[(&str, &[u8])]) -> Vec<u8> {
    let relations = format!(
        r#"<Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="{part}"/></Relationships>"#
    );
    let mut members: Vec<(&str, &[u8])> = vec![("_rels/.rels", relations.as_bytes()), (part, content)];
    members.extend(more);
    archive(&members)
}

fn docx(body: &str) -> Vec<u8> {
    package("word/document.xml", format!("<w:document><w:body>{body}</w:body></w:document>").as_bytes(), &[])
}

fn xlsx(rows: &str) -> Vec<u8> {
    let book = r#"<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>"#;
    let relations = r#"<Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
    let sheet = format!(r#"<worksheet><dimension ref="A1:XFD1048576"/><sheetData>{rows}</sheetData></worksheet>"#);
    package(
        "xl/workbook.xml",
        book.as_bytes(),
        &[("xl/_rels/workbook.xml.rels", relations.as_bytes()), ("xl/worksheets/sheet1.xml", sheet.as_bytes())],
    )
}

/// A compound file whose chains of sectors go round in circles.
fn cyclic_msg() -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).expect("a compound file");
    for name in ["/__properties_version1.0", "/__substg1.0_1000001F"] {
        file.create_stream(name).expect("a stream").write_all(&vec![b'a'; 20_000]).expect("written");
    }
    file.flush().expect("written");
    let mut bytes = file.into_inner().into_inner();
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let (shift, fat) = (u16::from_le_bytes([bytes[30], bytes[31]]), number(76) as usize);
    let sector = 1_usize << shift;
    let start = (fat + 1) * sector;
    for entry in 0..sector / 4 {
        let at = start + entry * 4;
        let next = u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        // Chains that end begin anew.
        if next == 0xffff_fffe {
            bytes[at..at + 4].copy_from_slice(&0_u32.to_le_bytes());
        }
    }
    bytes
}

/// Compressed as PDF has it.
fn flate(content: &[u8]) -> Vec<u8> {
    let packed = archive(&[("a", content)]);
    let mut zip = ZipArchive::new(Cursor::new(packed)).expect("an archive");
    let mut bytes = vec![0x78, 0x9c];
    zip.by_index_raw(0).expect("a member").read_to_end(&mut bytes).expect("read");
    bytes
}

/// A PDF of these objects, the first of which is the catalogue.
fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(bytes.len());
        bytes.extend(format!("{} 0 obj\n", number + 1).bytes());
        bytes.extend(object);
        bytes.extend(b"\nendobj\n");
    }
    let start = bytes.len();
    bytes.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for place in places {
        bytes.extend(format!("{place:010} 00000 n \n").bytes());
    }
    bytes
        .extend(format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1).bytes());
    bytes
}

fn object(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// One page with this content stream.
fn pdf_page(dictionary: &str, stream: &[u8]) -> Vec<u8> {
    let mut content = format!("<< /Length {} {dictionary} >>\nstream\n", stream.len()).into_bytes();
    content.extend(stream);
    content.extend(b"\nendstream");
    pdf(&[
        object("<< /Type /Catalog /Pages 2 0 R >>"),
        object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>"),
        object(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>",
        ),
        content,
        object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"),
    ])
}

fn many_pages(count: usize) -> Vec<u8> {
    let kids: String = (0..count).map(|_| "3 0 R ").collect();
    pdf(&[
        object("<< /Type /Catalog /Pages 2 0 R >>"),
        object(&format!("<< /Type /Pages /Kids [{kids}] /Count {count} >>")),
        object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] >>"),
    ])
}

/// What may come of a file.
type Fits = fn(&Result<Format, ExtractError>) -> bool;

const TOO_LARGE: Fits = |result| matches!(result, Err(ExtractError::TooLarge(_)));
const NOTHING: Fits = |result| matches!(result, Err(ExtractError::NoText | ExtractError::Damaged));
const DAMAGED: Fits = |result| matches!(result, Err(ExtractError::Damaged));
const UNKNOWN: Fits = |result| matches!(result, Err(ExtractError::UnknownType));
const READ: Fits = |result| result.is_ok();
/// No text comes of it, for whichever reason.
const REFUSED: Fits = |result| matches!(result, Err(error) if !matches!(error, ExtractError::Failed(_)));
/// It may be read or not, but nothing fails.
const ENDS: Fits = |result| !matches!(result, Err(ExtractError::Failed(_)));

fn office() -> Vec<(&'static str, &'static str, Vec<u8>, Fits)> {
    let laughs: String =
        (1..10).map(|level| format!("<!ENTITY l{level} \"{}\">", format!("&l{};", level - 1).repeat(10))).collect();
    let laughs = format!(
        "<!DOCTYPE d [<!ENTITY l0 \"ha\">{laughs}]><w:document><w:body><w:p><w:r><w:t>&l9;</w:t></w:r></w:p></w:body></w:document>"
    );
    let outside = "<!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><w:document><w:p><w:r><w:t>&x;</w:t></w:r></w:p></w:document>";
    let attributes: String = (0..300_000).map(|number| format!(" a{number}=\"\"")).collect();
    let inner = archive(&[("inner.docx", &docx("<w:p/>"))]);
    let bomb = format!("<w:p>{}</w:p>", " ".repeat(300 << 20));
    let cell = r#"<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>"#;
    vec![
        ("zip bomb", "a.docx", docx(&bomb), TOO_LARGE),
        ("zip in a zip", "a.docx", archive(&[("a.zip", &inner)]), UNKNOWN),
        ("paths out of the archive", "a.docx", archive(&[("../../tmp/x", b"x"), ("/etc/x", b"x")]), UNKNOWN),
        ("20,000 members", "a.docx", archive(&(0..20_000).map(|n| n.to_string()).collect::<Vec<_>>().iter().map(|n| (n.as_str(), &b""[..])).collect::<Vec<_>>()), TOO_LARGE),
        ("billion laughs", "a.docx", package("word/document.xml", laughs.as_bytes(), &[]), NOTHING),
        ("entity of a file", "a.docx", package("word/document.xml", outside.as_bytes(), &[]), NOTHING),
        ("nested 100,000 deep", "a.docx", docx(&"<w:p>".repeat(100_000)), TOO_LARGE),
        ("300,000 attributes", "a.docx", docx(&format!("<w:p{attributes}><w:r><w:t>a</w:t></w:r></w:p>")), READ),
        ("an XML that ends early", "a.docx", package("word/document.xml", b"<w:document><w:p><w:r><w:t>a", &[]), DAMAGED),
        ("relations in a circle", "a.pptx", package("ppt/presentation.xml", b"<p:presentation><p:sldId id=\"1\" r:id=\"r1\"/></p:presentation>", &[("ppt/_rels/presentation.xml.rels", br#"<Relationships><Relationship Id="r1" Type="x/slide" Target="presentation.xml"/></Relationships>"#)]), NOTHING),
        ("a sheet of 17 billion cells", "a.xlsx", xlsx(cell), READ),
        ("cells without a book", "a.xlsx", package("xl/workbook.xml", b"", &[]), REFUSED),
        ("repeated columns", "a.ods", archive(&[("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", b"<a><spreadsheet><table name=\"s\"><table-row number-rows-repeated=\"1048576\"><table-cell number-columns-repeated=\"4294967295\"><p>a</p></table-cell><table-cell number-columns-repeated=\"4294967295\"><p>b</p></table-cell></table-row></table></spreadsheet></a>")]), READ),
        ("an archive cut in half", "a.docx", { let whole = docx("<w:p/>"); whole[..whole.len() / 2].to_vec() }, DAMAGED),
        ("sectors in a circle", "a.msg", cyclic_msg(), REFUSED),
        ("a compound file of nothing", "a.msg", [&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1][..], &[0xff; 4096]].concat(), DAMAGED),
    ]
}

fn texts() -> Vec<(&'static str, &'static str, Vec<u8>, Fits)> {
    let multiparts: String =
        (0..10_000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n")).collect();
    let attributes: String = (0..20_000).map(|number| format!(" a{number}=b")).collect();
    vec![
        ("empty", "a.txt", Vec::new(), NOTHING),
        ("white space", "a.txt", b" \n\t\r\n".repeat(100_000), NOTHING),
        ("a line of 9 MB", "a.csv", b"a".repeat(9_000_000), READ),
        ("4,500,000 cells", "a.csv", b"a;".repeat(4_500_000), TOO_LARGE),
        ("a quote that never ends", "a.csv", [b"a;\"".as_slice(), &b"b\n".repeat(1_000_000)].concat(), READ),
        ("nested 100,000 deep", "a.html", format!("<html>{}a", "<div><b>".repeat(100_000)).into_bytes(), READ),
        ("lists 100,000 deep", "a.html", format!("<html>{}a", "<ul><li>".repeat(100_000)).into_bytes(), READ),
        ("tables 50,000 deep", "a.html", format!("<html>{}a", "<table><tr><td>".repeat(50_000)).into_bytes(), ENDS),
        ("20,000 attributes", "a.html", format!("<html><p{attributes}>a").into_bytes(), READ),
        ("quotations 50,000 deep", "a.md", format!("{} a", ">".repeat(50_000)).into_bytes(), ENDS),
        ("brackets", "a.md", b"[".repeat(200_000), ENDS),
        ("multiparts 10,000 deep", "a.eml", format!("From: a@b.c\r\nTo: d@e.f\r\n{multiparts}text").into_bytes(), ENDS),
        ("no text at all", "a.txt", (0..=255).cycle().take(100_000).collect(), UNKNOWN),
        ("a picture that is called a PDF", "a.pdf", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0".to_vec(), UNKNOWN),
        ("a page that is called a spreadsheet", "a.xlsx", b"<!DOCTYPE html><html><body><p>Bonjour".to_vec(), READ),
    ]
}

fn pdfs() -> Vec<(&'static str, &'static str, Vec<u8>, Fits)> {
    let text = b"BT /F 12 Tf 72 700 Td (Bonjour) Tj ET".to_vec();
    let plain = pdf_page("", &text);
    let bomb = flate(&vec![b' '; 600 << 20]);
    let twice = flate(&flate(&vec![b'q'; 200 << 20]));
    let cycle =
        pdf(&[object("<< /Type /Catalog /Pages 2 0 R >>"), object("<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 9 >>")]);
    let references = pdf(&[object("2 0 R"), object("3 0 R"), object("1 0 R")]);
    let length = pdf_page("", b"").into_iter().collect::<Vec<u8>>();
    let nested = pdf(&[object(&format!("<< /Type /Catalog /Pages {} >>", "[".repeat(200_000)))]);
    vec![
        ("plain", "a.pdf", plain.clone(), READ),
        ("called a text", "a.txt", plain.clone(), READ),
        ("cut in half", "a.pdf", plain[..plain.len() / 2].to_vec(), ENDS),
        ("only the mark", "a.pdf", b"%PDF-1.7\n".to_vec(), REFUSED),
        ("pages in a circle", "a.pdf", cycle, REFUSED),
        ("references in a circle", "a.pdf", references, REFUSED),
        ("no content", "a.pdf", length, NOTHING),
        ("arrays 200,000 deep", "a.pdf", nested, REFUSED),
        ("a stream of 600 MB", "a.pdf", pdf_page("/Filter /FlateDecode", &bomb), REFUSED),
        ("a stream packed twice", "a.pdf", pdf_page("/Filter [/FlateDecode /FlateDecode]", &twice), REFUSED),
        ("100,000 pages", "a.pdf", many_pages(100_000), TOO_LARGE),
        (
            "a count of 4 billion pages",
            "a.pdf",
            pdf(&[
                object("<< /Type /Catalog /Pages 2 0 R >>"),
                object("<< /Type /Pages /Kids [] /Count 4000000000 >>"),
            ]),
            REFUSED,
        ),
        ("operators without end", "a.pdf", pdf_page("", &b"q ".repeat(4_000_000)), REFUSED),
        ("an archive after it", "a.pdf", [plain, archive(&[("a", b"a")])].concat(), READ),
    ]
}

async fn outcome(extractor: &Extractor, name: &str, bytes: &[u8]) -> Result<Format, ExtractError> {
    let extracted = extractor.extract(SourceFile { name, media_type: None, bytes }).await?;
    assert!(!extracted.passages.is_empty());
    Ok(extracted.format)
}

/// Each file in turn, and after each a good one: the reader lives.
async fn try_all(files: Vec<(&'static str, &'static str, Vec<u8>, Fits)>) {
    let extractor = Extractor::with_program(&Config::default(), PROGRAM.into());
    let mut wrong = Vec::new();
    for (what, name, bytes, fits) in files {
        let begun = Instant::now();
        let result = outcome(&extractor, name, &bytes).await;
        let time = begun.elapsed();
        println!("{name} ({what}): {result:?}, {:.2} s", time.as_secs_f64());
        if !fits(&result) || time > LONGEST {
            wrong.push(format!("{name} ({what}): {result:?} after {time:?}"));
        }
        let begun = Instant::now();
        let put_back = put_back(&extractor, name, &bytes).await;
        let time = begun.elapsed();
        println!("… put back: {put_back:?}, {:.2} s", time.as_secs_f64());
        if matches!(put_back, Err(ExtractError::Failed(_))) || time > LONGEST * 3 {
            wrong.push(format!("{name} ({what}): {put_back:?} after {time:?} when it is put back"));
        }
        assert_eq!(outcome(&extractor, "a.txt", b"Bonjour").await, Ok(Format::Text), "after {name} ({what})");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Takes the texts of a file out and puts them back, as they are and changed: how many there are.
async fn put_back(extractor: &Extractor, name: &str, bytes: &[u8]) -> Result<usize, ExtractError> {
    let file = SourceFile { name, media_type: None, bytes };
    let found = extractor.segments(file).await?.segments;
    let texts: Vec<Vec<String>> = found.into_iter().map(|segment| segment.runs).collect();
    let same = extractor.rewritten(file, texts.clone()).await?;
    assert!(same == bytes, "{name}: what is not changed stays as it is");
    let upper = |runs: &Vec<String>| runs.iter().map(|run| run.to_uppercase()).collect();
    extractor.rewritten(file, texts.iter().map(upper).collect()).await?;
    Ok(texts.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_put_back_by_the_child() {
    let extractor = Extractor::with_program(&Config::default(), PROGRAM.into());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/documents/");
    for (name, count) in
        [("python-docx-note.docx", 24), ("libreoffice-missions.odt", 32), ("openpyxl-missions.xlsx", 11)]
    {
        let bytes = std::fs::read(format!("{folder}{name}")).expect("the fixture");
        assert_eq!(put_back(&extractor, name, &bytes).await, Ok(count), "{name}");
        let file = SourceFile { name, media_type: None, bytes: &bytes };
        for wrong in [vec![], vec![vec!["seul".to_owned()]]] {
            let refused = extractor.rewritten(file, wrong).await;
            assert!(
                matches!(&refused, Err(ExtractError::Failed(reason)) if reason.contains("segments")),
                "{refused:?}"
            );
        }
    }
    let bytes = std::fs::read(format!("{folder}libreoffice-guide.pdf")).expect("the fixture");
    assert_eq!(put_back(&extractor, "a.pdf", &bytes).await, Err(ExtractError::FixedForm));
    // More text than a child is given.
    let file = SourceFile { name: "a.txt", media_type: None, bytes: b"Bonjour" };
    let small = Config { output: 1, file_size: 1, ..Config::default() };
    let extractor = Extractor::with_program(&small, PROGRAM.into());
    let long = |length: usize| vec![vec!["a".repeat(length)]];
    assert_eq!(extractor.rewritten(file, long(5_000_000)).await, Err(ExtractError::TooLarge(Limit::Text(1))));
    assert_eq!(extractor.rewritten(file, long(3_900_000)).await, Err(ExtractError::TooLarge(Limit::File(1))));
    for program in ["/bin/true", "/bin/cat", "/nowhere"] {
        let extractor = Extractor::with_program(&Config::default(), program.into());
        let result = extractor.rewritten(file, long(3)).await;
        assert!(matches!(result, Err(ExtractError::Failed(_))), "{program}: {result:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_office_files_end_in_a_sentence() {
    try_all(office()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_texts_end_in_a_sentence() {
    try_all(texts()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_pdfs_end_in_a_sentence() {
    try_all(pdfs()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_said() {
    let small = Config { file_size: 1, unpacked: 1, ..Config::default() };
    let extractor = Extractor::with_program(&small, PROGRAM.into());
    let large = extractor.extract(SourceFile { name: "a.txt", media_type: None, bytes: &vec![b'a'; 1_000_001] }).await;
    assert_eq!(large.map(|one| one.format), Err(ExtractError::TooLarge(Limit::File(1))));
    // Letters that do not pack well: 2 MB in less than 1 MB.
    let mut seed = 1_u32;
    let mut letter = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + (seed >> 29) as u8)
    };
    let text: String = (0..2_000_000).map(|_| letter()).collect();
    let unpacked = docx(&format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"));
    assert_eq!(outcome(&extractor, "a.docx", &unpacked).await, Err(ExtractError::TooLarge(Limit::Unpacked(1))));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_ended() {
    let hasty = Config { processor_time: jiff::SignedDuration::from_secs(1), ..Config::default() };
    let extractor = Extractor::with_program(&hasty, PROGRAM.into());
    let attributes: String = (0..400_000).map(|number| format!(" a{number}=b")).collect();
    let page = format!("<html><p{attributes}>a").into_bytes();
    assert_eq!(outcome(&extractor, "a.html", &page).await, Err(ExtractError::TimedOut));
    assert_eq!(outcome(&extractor, "a.txt", b"Bonjour").await, Ok(Format::Text));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_does_not_answer_is_a_failure() {
    for program in ["/bin/true", "/bin/cat", "/nowhere"] {
        let extractor = Extractor::with_program(&Config::default(), program.into());
        let result = outcome(&extractor, "a.txt", b"Bonjour").await;
        assert!(matches!(result, Err(ExtractError::Failed(_))), "{program}: {result:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_child_says_what_confines_it() {
    let extractor = Extractor::with_program(&Config::default(), PROGRAM.into());
    let confinement = extractor.confinement().await.expect("an answer");
    assert!(confinement.system_calls, "any kernel that we run on has seccomp");
    // Landlock is of 5.13, and may be switched off.
    println!("lacks: {:?}", confinement.lacks());
}

/// The child is the first to be ended when memory is short, whatever the account that runs it.
#[test]
fn the_child_is_the_first_to_go() {
    let limits = r#"{"file":9,"unpacked":9,"ratio":1,"pages":1,"processor_time":60,"memory":1000000000,"output":9}"#;
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("compagnon");
    std::fs::copy(PROGRAM, &program).expect("copied");
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("changed");
    let mut command = Command::new(program);
    command.args(["extract", "--limits", limits]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    if nix::unistd::Uid::effective().is_root() {
        // Root may write whatever it wants.
        command.uid(65_534);
    }
    let mut child = command.spawn().expect("the program starts");
    let score = format!("/proc/{}/oom_score_adj", child.id());
    let until = Instant::now() + Duration::from_mins(1);
    let read = || std::fs::read_to_string(&score).expect("the child waits for its file").trim() == "1000";
    while !read() {
        assert!(Instant::now() < until, "its score is not raised");
        std::thread::yield_now();
    }
    drop(child.stdin.take());
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn inside_the_sandbox_there_is_no_file_no_network_and_no_other_process() {
    let limits = r#"{"file":1,"unpacked":1,"ratio":1,"pages":1,"processor_time":10,"memory":1000000000,"output":1}"#;
    let child = Command::new(PROGRAM)
        .args(["extract", "--limits", limits, "--probe"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .expect("the program starts");
    let tries: Value = serde_json::from_slice(&child.stdout).expect("a report");
    let tries = tries.as_object().expect("tries");
    assert_eq!(tries.len(), 12);
    for (what, result) in tries {
        assert_eq!(result, "EPERM", "{what}");
    }
}
