//! Outlook's MSG: a compound file whose streams are the properties of a message.

use std::io::{Cursor, Read as _};

use cfb::CompoundFile;
use encoding_rs::{Encoding, UTF_16LE, WINDOWS_1252};

use super::{html, plain};
use crate::documents::{ExtractError, flow::Flow};

/// Properties (MS-OXPROPS).
const SUBJECT: &str = "0037";
const SENDER: &str = "0C1A";
const SENDER_ADDRESS: [&str; 2] = ["5D01", "0C1F"];
const TO: &str = "0E04";
const CC: &str = "0E03";
const BODY: &str = "1000";
const BODY_HTML: &str = "1013";
const ATTACHMENT_NAMES: [&str; 2] = ["3707", "3704"];
const SENT: u32 = 0x0039_0040;
const CODE_PAGE: u32 = 0x3FDE_0003;

/// The most attachments that are named.
const MOST_NAMED: usize = 100;

/// From 1601 to 1970, in units of 100 ns.
const EPOCH: i64 = 116_444_736_000_000_000;

type File<'a> = CompoundFile<Cursor<&'a [u8]>>;

pub(in crate::documents) fn read(bytes: &[u8], flow: &mut Flow) -> Result<(), ExtractError> {
    let mut file = CompoundFile::open(Cursor::new(bytes)).map_err(|_| ExtractError::Damaged)?;
    let properties = stream(&mut file, "/__properties_version1.0", flow).unwrap_or_default();
    let page = fixed(&properties, CODE_PAGE).map_or(WINDOWS_1252, |page| encoding(page as u32));
    let text = |file: &mut File<'_>, name: &str| string(file, "/", name, page, flow).unwrap_or_default();
    let (subject, sender) = (text(&mut file, SUBJECT), text(&mut file, SENDER));
    let address = SENDER_ADDRESS.iter().map(|name| text(&mut file, name)).find(|text| text.contains('@'));
    let (to, cc, body) = (text(&mut file, TO), text(&mut file, CC), text(&mut file, BODY));
    let from = match address {
        Some(address) if sender.is_empty() => address,
        Some(address) if sender != address => format!("{sender} <{address}>"),
        _ => sender,
    };
    let date = fixed(&properties, SENT).and_then(sent).unwrap_or_default();
    let head: Vec<String> = [("From", from), ("To", to), ("Cc", cc), ("Date", date), ("Subject", subject.clone())]
        .into_iter()
        .filter(|(_, value)| !value.trim_matches(['\0', ' ']).is_empty())
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    flow.title(&subject);
    flow.paragraph(&head.join("\n"))?;
    if body.trim().is_empty() {
        html_body(&mut file, page, flow)?;
    } else {
        plain::read(&body, flow)?;
    }
    attachments(&mut file, page, flow)
}

fn html_body(file: &mut File<'_>, page: &'static Encoding, flow: &mut Flow) -> Result<(), ExtractError> {
    if let Some(bytes) = stream(file, &format!("/__substg1.0_{BODY_HTML}0102"), flow) {
        let text = plain::decode(&bytes).unwrap_or_else(|| page.decode(&bytes).0.into_owned());
        return html::read(&text, flow);
    }
    match string(file, "/", BODY_HTML, page, flow) {
        Some(text) => html::read(&text, flow),
        None => Ok(()),
    }
}

fn attachments(file: &mut File<'_>, page: &'static Encoding, flow: &mut Flow) -> Result<(), ExtractError> {
    let folders: Vec<String> = file
        .read_root_storage()
        .map(|entry| entry.name().to_owned())
        .filter(|name| name.starts_with("__attach_version1.0_"))
        .take(MOST_NAMED)
        .collect();
    for folder in folders {
        let folder = format!("/{folder}/");
        let name = ATTACHMENT_NAMES.iter().find_map(|name| string(file, &folder, name, page, flow));
        if let Some(name) = name {
            flow.item(0, "-", &format!("Attachment: {name}"))?;
        }
    }
    Ok(())
}

/// A property that is text: of Unicode, or in the message's code page.
fn string(file: &mut File<'_>, folder: &str, name: &str, page: &'static Encoding, flow: &Flow) -> Option<String> {
    let unicode = stream(file, &format!("{folder}__substg1.0_{name}001F"), flow)
        .map(|bytes| UTF_16LE.decode(&bytes).0.into_owned());
    let text = unicode.or_else(|| {
        stream(file, &format!("{folder}__substg1.0_{name}001E"), flow).map(|bytes| page.decode(&bytes).0.into_owned())
    })?;
    Some(text.trim_end_matches('\0').to_owned())
}

fn stream(file: &mut File<'_>, path: &str, flow: &Flow) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    // A stream may claim more than the file has, but not give more than the limit.
    file.open_stream(path).ok()?.take(flow.limits().file).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// A property of fixed size: entries of 16 bytes follow a header of 32.
fn fixed(properties: &[u8], tag: u32) -> Option<u64> {
    let entries = properties.get(32..)?.chunks_exact(16);
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    entries
        .into_iter()
        .find(|entry| entry.get(..4).is_some_and(|own| number(own) == u64::from(tag)))
        .and_then(|entry| entry.get(8..))
        .map(number)
}

fn sent(time: u64) -> Option<String> {
    let since = i64::try_from(time).ok()?.checked_sub(EPOCH)?;
    jiff::Timestamp::from_second(since / 10_000_000).ok().map(|time| time.to_string())
}

/// The encoding of a Windows code page.
fn encoding(page: u32) -> &'static Encoding {
    let label = match page {
        65001 => "utf-8".to_owned(),
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        page => format!("windows-{page}"),
    };
    Encoding::for_label(label.as_bytes()).unwrap_or(WINDOWS_1252)
}
