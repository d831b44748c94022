//! PDF: pdf_oxide gives runs of text in reading order and the tables; lines, paragraphs, headings and repeated headers are made here.

mod blocks;
mod line;
mod repeated;

use pdf_oxide::{Error, PdfDocument, RegionRole, StructuredPage, structure::table_extractor::Table};

use self::line::{Area, Line, Run, lines};
use crate::documents::{ExtractError, Limit, flow::Flow};

/// A page as its lines, top to bottom and column by column.
struct Page {
    lines: Vec<Line>,
    height: f32,
}

pub(in crate::documents) fn read(bytes: &[u8], flow: &mut Flow) -> Result<(), ExtractError> {
    let document = PdfDocument::from_bytes(bytes.to_vec()).map_err(refused)?;
    // A document with an empty password is encrypted against changes only, and opens.
    if document.is_encrypted() && !document.is_authenticated() {
        return Err(ExtractError::Encrypted);
    }
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
        // PDFDocEncoding is Latin-1 where titles are concerned.
        bytes => encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned(),
    };
    let is_file = text.to_lowercase().ends_with(".doc")
        || text.to_lowercase().ends_with(".docx")
        || text.contains("Microsoft Word");
    (!is_file && text.to_lowercase() != "untitled").then_some(text)
}

fn page(document: &PdfDocument, index: usize) -> Result<Page, Error> {
    let structured = document.extract_structured(index)?;
    // Tables that are not found are read as lines.
    let tables = document.extract_tables(index).unwrap_or_default();
    let areas: Vec<(Area, Vec<Vec<String>>)> = tables.iter().filter_map(table).collect();
    let height = structured.page_height;
    Ok(Page { lines: lines(&runs(structured), &areas), height })
}

fn table(table: &Table) -> Option<(Area, Vec<Vec<String>>)> {
    let area = area(&table.bbox?);
    let rows: Vec<Vec<String>> =
        table.rows.iter().map(|row| row.cells.iter().map(|cell| cell.text.trim().to_owned()).collect()).collect();
    let real =
        rows.len() > 1 && rows.iter().filter(|row| row.iter().filter(|cell| !cell.is_empty()).count() > 1).count() > 1;
    real.then_some((area, rows))
}

fn runs(page: StructuredPage) -> Vec<Run> {
    let mut runs = Vec::new();
    for (region, found) in page.regions.into_iter().enumerate() {
        let unread = matches!(
            found.kind,
            RegionRole::Header | RegionRole::Footer | RegionRole::PageNumber | RegionRole::Artifact
        );
        if unread {
            continue;
        }
        let column = found.column_index.map_or(usize::MAX - region, |column| column);
        runs.extend(found.spans.into_iter().map(|span| Run {
            area: area(&span.bbox),
            size: span.font_size,
            bold: span.font_weight.is_bold(),
            text: span.text,
            column: if found.column_index.is_some() { Some(column) } else { None },
        }));
    }
    runs
}

fn area(rect: &pdf_oxide::geometry::Rect) -> Area {
    Area { left: rect.x, bottom: rect.y, right: rect.x + rect.width, top: rect.y + rect.height }
}
