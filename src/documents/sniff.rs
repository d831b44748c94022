//! What a file is, by its content. Its name and its declared type are believed only among formats that are all plain text.

use std::io::Cursor;

use super::{
    ExtractError, Format,
    archive::Archive,
    limits::Limits,
    read::{ooxml, plain},
};

/// A file as it is to be read.
pub(super) enum Sniffed<'a> {
    Pdf,
    /// A package of parts, and the one that it is about.
    Package(Format, Archive<'a>, String),
    /// An XLSX whose sheets are binary.
    Xlsb(Archive<'a>),
    Xls,
    Msg,
    Eml,
    Text(Format, String),
}

/// Header fields with which a message begins.
const FIELDS: [&str; 12] = [
    "from:",
    "to:",
    "date:",
    "subject:",
    "received:",
    "return-path:",
    "mime-version:",
    "message-id:",
    "delivered-to:",
    "content-type:",
    "reply-to:",
    "dkim-signature:",
];

/// How far into a file its mark may be: mail gateways put lines before it.
const MARK_WITHIN: usize = 1_024;

pub(super) fn sniff<'a>(
    bytes: &'a [u8],
    name: &str,
    media_type: Option<&str>,
    limits: &Limits,
) -> Result<Sniffed<'a>, ExtractError> {
    let beginning = bytes.get(..MARK_WITHIN.min(bytes.len())).unwrap_or_default();
    if bytes.starts_with(b"PK\x03\x04") {
        return package(Archive::open(bytes, limits)?);
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) {
        return compound(bytes);
    }
    if beginning.windows(5).any(|window| window == b"%PDF-") {
        return Ok(Sniffed::Pdf);
    }
    let hint = Format::of_name(name).or_else(|| media_type.and_then(Format::of_media_type));
    let text = plain::decode(bytes).ok_or(ExtractError::UnknownType)?;
    let start = text.get(..text.floor_char_boundary(MARK_WITHIN)).unwrap_or_default().trim_start().to_lowercase();
    if start.starts_with("{\\rtf") || start.starts_with("%!ps") {
        return Err(ExtractError::UnknownType);
    }
    if is_message(&start) {
        return Ok(Sniffed::Eml);
    }
    let is_page = ["<!doctype html", "<html", "<head", "<body"].iter().any(|mark| start.contains(mark));
    Ok(match hint {
        _ if start.starts_with('<') && is_page => Sniffed::Text(Format::Html, text),
        Some(Format::Eml) => Sniffed::Eml,
        Some(format @ (Format::Csv | Format::Markdown | Format::Html)) => Sniffed::Text(format, text),
        _ => Sniffed::Text(Format::Text, text),
    })
}

/// Whether a text begins with at least two of the fields of a message.
fn is_message(start: &str) -> bool {
    let lines: Vec<&str> = start.lines().take_while(|line| !line.is_empty()).collect();
    let fields = lines.iter().filter(|line| FIELDS.iter().any(|field| line.starts_with(field))).count();
    let begins = lines.first().is_some_and(|line| {
        let field = line.split(':').next().unwrap_or_default();
        line.contains(':')
            && !field.is_empty()
            && field.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    begins && fields >= 2
}

fn package(mut archive: Archive<'_>) -> Result<Sniffed<'_>, ExtractError> {
    if let Some(kind) = archive.read("mimetype")? {
        let format = match String::from_utf8_lossy(&kind).trim().trim_end_matches("-template") {
            "application/vnd.oasis.opendocument.text" => Format::Odt,
            "application/vnd.oasis.opendocument.presentation" => Format::Odp,
            "application/vnd.oasis.opendocument.spreadsheet" => Format::Ods,
            _ => return Err(ExtractError::UnknownType),
        };
        return Ok(Sniffed::Package(format, archive, "content.xml".to_owned()));
    }
    let Some(part) = ooxml::main_part(&mut archive)? else { return Err(ExtractError::UnknownType) };
    if part.rsplit('.').next() == Some("bin") {
        return Ok(Sniffed::Xlsb(archive));
    }
    let format = match part.split('/').next() {
        Some("word") => Format::Docx,
        Some("ppt") => Format::Pptx,
        Some("xl") => Format::Xlsx,
        _ => return Err(ExtractError::UnknownType),
    };
    Ok(Sniffed::Package(format, archive, part))
}

fn compound(bytes: &[u8]) -> Result<Sniffed<'_>, ExtractError> {
    let file = cfb::CompoundFile::open(Cursor::new(bytes)).map_err(|_| ExtractError::Damaged)?;
    if file.exists("/EncryptedPackage") {
        return Err(ExtractError::Encrypted);
    }
    if file.exists("/Workbook") || file.exists("/Book") {
        return Ok(Sniffed::Xls);
    }
    if file.exists("/__properties_version1.0") {
        return Ok(Sniffed::Msg);
    }
    Err(ExtractError::UnknownType)
}
