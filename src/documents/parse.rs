//! A file's bytes to its passages. This runs in the child; tests call it in their own process.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{
    ExtractError, Extracted, Format,
    flow::Flow,
    limits::Limits,
    passages::passages,
    read::{csv, docx, eml, html, markdown, msg, odf, pdf, plain, pptx, sheets},
    sniff::{Sniffed, sniff},
};

/// A page of a scan has fewer letters, if it has any: a stamp, a page number.
const LETTERS_OF_A_SCAN: usize = 15;

/// Reads a file. A parser that panics says that the file is damaged.
pub(super) fn parse(
    bytes: &[u8],
    name: &str,
    media_type: Option<&str>,
    limits: &Limits,
) -> Result<Extracted, ExtractError> {
    catch_unwind(AssertUnwindSafe(|| read(bytes, name, media_type, limits))).unwrap_or(Err(ExtractError::Damaged))
}

/// The same, and a panic is one.
pub(super) fn read(
    bytes: &[u8],
    name: &str,
    media_type: Option<&str>,
    limits: &Limits,
) -> Result<Extracted, ExtractError> {
    if bytes.is_empty() {
        return Err(ExtractError::NoText);
    }
    let mut flow = Flow::new(limits.clone());
    let format = fill(&mut flow, bytes, sniff(bytes, name, media_type, limits)?)?;
    let passages = passages(&flow.blocks);
    let letters: usize = passages.iter().map(|one| one.text.chars().filter(|c| c.is_alphanumeric()).count()).sum();
    let pages = flow.pages();
    let scan =
        if format == Format::Pdf { pages.unwrap_or(1).saturating_sub(1) as usize * LETTERS_OF_A_SCAN } else { 0 };
    if letters <= scan {
        return Err(ExtractError::NoText);
    }
    Ok(Extracted { format, title: flow.title, pages, passages })
}

fn fill(flow: &mut Flow, bytes: &[u8], sniffed: Sniffed<'_>) -> Result<Format, ExtractError> {
    let format = match sniffed {
        Sniffed::Pdf => {
            pdf::read(bytes, flow)?;
            Format::Pdf
        }
        Sniffed::Package(format, mut archive, part) => {
            match format {
                Format::Docx => docx::read(&mut archive, &part, flow)?,
                Format::Pptx => pptx::read(&mut archive, &part, flow)?,
                Format::Xlsx => {
                    archive.check()?;
                    sheets::xlsx(bytes, flow)?;
                }
                _ => odf::read(&mut archive, flow)?,
            }
            format
        }
        Sniffed::Xlsb(mut archive) => {
            archive.check()?;
            sheets::xlsb(bytes, flow)?;
            Format::Xlsx
        }
        Sniffed::Xls => {
            sheets::xls(bytes, flow)?;
            Format::Xls
        }
        Sniffed::Msg => {
            msg::read(bytes, flow)?;
            Format::Msg
        }
        Sniffed::Eml => {
            eml::read(bytes, flow)?;
            Format::Eml
        }
        Sniffed::Text(format, text) => {
            match format {
                Format::Csv => csv::read(&text, flow)?,
                Format::Markdown => markdown::read(&text, flow)?,
                Format::Html => html::read(&text, flow)?,
                _ => plain::read(&text, flow)?,
            }
            format
        }
    };
    Ok(format)
}
