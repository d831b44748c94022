//! PDF: `pdf_oxide` gives runs of text in reading order, column by column; lines, tables, paragraphs, headings and repeated headers are found
//! here, by where the runs stand and how large they are.

mod blocks;
mod line;
mod mark;
mod repeated;
mod table;
mod tree;

use pdf_oxide::{Error, PdfDocument, ReadingOrder};

use self::line::{Area, Page, Run, lines};
use crate::documents::{ExtractError, Limit, flow::Flow};

pub(in crate::documents) fn read(bytes: &[u8], flow: &mut Flow) -> Result<(), ExtractError> {
    let document = PdfDocument::from_bytes(bytes.to_vec()).map_err(refused)?;
    // A document with an empty password is encrypted against changes only, and opens.
    if document.is_encrypted() && !document.is_authenticated() {
        return Err(ExtractError::Encrypted);
    }
    tree::check(&document, flow.limits().pages)?;
    let count = document.page_count().map_err(refused)?;
    let most = flow.limits().pages;
    if count > most as usize {
        return Err(ExtractError::TooLarge(Limit::Pages(most)));
    }
    let (mut pages, mut broken) = (Vec::new(), 0);
    for index in 0..count {
        // A page that is broken is empty; a document that is all broken is said to be.
        let page = page(&document, index).unwrap_or_else(|_| {
            broken += 1;
            Page { lines: Vec::new(), height: 0.0 }
        });
        pages.push(page);
    }
    if broken == count {
        return Err(ExtractError::Damaged);
    }
    repeated::drop_repeated(&mut pages);
    if let Some(title) = title(&document) {
        flow.title(&title);
    }
    blocks::put(&pages, flow)
}

fn refused(error: Error) -> ExtractError {
    match error {
        Error::Unsupported(reason) | Error::InvalidPdf(reason) if reason.to_lowercase().contains("encrypt") => {
            ExtractError::Encrypted
        }
        _ => ExtractError::Damaged,
    }
}

/// The title in the properties. What a program made of a file's name is none.
fn title(document: &PdfDocument) -> Option<String> {
    let info = document.trailer().as_dict()?.get("Info")?.clone();
    let info = document.resolve_object(&info).ok()?;
    let title = document.resolve_object(info.as_dict()?.get("Title")?).ok()?;
    let bytes = title.as_string()?;
    let text = match bytes {
        [0xfe, 0xff, rest @ ..] => encoding_rs::UTF_16BE.decode(rest).0.into_owned(),
        [0xef, 0xbb, 0xbf, rest @ ..] => encoding_rs::UTF_8.decode(rest).0.into_owned(),
        bytes => bytes.iter().map(|byte| pdf_doc_encoding(*byte)).collect(),
    };
    let is_file = text.to_lowercase().ends_with(".doc")
        || text.to_lowercase().ends_with(".docx")
        || text.contains("Microsoft Word");
    (!is_file && text.to_lowercase() != "untitled").then_some(text)
}

/// `PDFDocEncoding`: Latin-1, but for these.
fn pdf_doc_encoding(byte: u8) -> char {
    const OTHERS: [char; 33] = [
        '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚', '™', 'ﬁ', 'ﬂ', 'Ł',
        'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', '\u{fffd}', '€',
    ];
    let other = byte.checked_sub(0x80).and_then(|at| OTHERS.get(usize::from(at)));
    other.copied().unwrap_or(char::from(byte))
}

fn page(document: &PdfDocument, index: usize) -> Result<Page, Error> {
    let found = document.extract_page_text_with_options(index, ReadingOrder::ColumnAware)?;
    // What the file marks as a header, a footer or a watermark is none of its text.
    let spans = found.spans.into_iter().filter(|span| span.artifact_type.is_none());
    let runs: Vec<Run> = spans
        .map(|span| Run {
            area: area(&span.bbox),
            size: span.font_size,
            bold: span.font_weight.is_bold(),
            text: span.text,
        })
        .collect();
    Ok(Page { lines: table::tables(lines(&runs)), height: found.page_height })
}

fn area(rect: &pdf_oxide::geometry::Rect) -> Area {
    Area { left: rect.x, bottom: rect.y, right: rect.x + rect.width, top: rect.y + rect.height }
}
