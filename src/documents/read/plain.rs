//! Plain text: its encoding, and its paragraphs.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

use crate::documents::{ExtractError, flow::Flow};

/// How much the encoding is guessed by, and whether bytes are text at all.
const GUESSED_BY: usize = 1 << 20;

/// The text of bytes: by their mark, as UTF-8, or as a browser would guess. Nothing when they are no text.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<String> {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return Some(encoding.decode(bytes).0.into_owned());
    }
    let encoding = guess(bytes)?;
    Some(encoding.decode(bytes).0.into_owned())
}

/// The encoding of bytes without a mark: UTF-8, or as a browser would guess. Nothing when they are no text.
pub(in crate::documents) fn guess(bytes: &[u8]) -> Option<&'static Encoding> {
    let beginning = bytes.get(..GUESSED_BY.min(bytes.len())).unwrap_or_default();
    if is_binary(beginning) {
        return None;
    }
    if std::str::from_utf8(bytes).is_ok() {
        return Some(UTF_8);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(beginning, true);
    Some(detector.guess(Some(b"fr"), Utf8Detection::Allow))
}

/// Control characters that no text has.
fn is_binary(bytes: &[u8]) -> bool {
    let control =
        bytes.iter().filter(|byte| **byte < 0x20 && !matches!(**byte, b'\n' | b'\r' | b'\t' | 0xc | 0x1b | 0x1a));
    control.count() * 200 > bytes.len() || bytes.contains(&0)
}

pub(in crate::documents) fn read(text: &str, flow: &mut Flow) -> Result<(), ExtractError> {
    let mut paragraph = String::new();
    for line in text.lines() {
        if line.trim().is_empty() {
            flow.paragraph(&paragraph)?;
            paragraph.clear();
        } else {
            paragraph.push_str(line);
            paragraph.push('\n');
        }
    }
    flow.paragraph(&paragraph)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn encodings_are_told_apart() {
        let french = "Les congés non pris à l’été sont reportés : 25 € par jour, où que l’agent soit affecté.";
        assert_eq!(decode(french.as_bytes()).as_deref(), Some(french));
        let (windows, _, _) = encoding_rs::WINDOWS_1252.encode(french);
        assert_eq!(decode(&windows).as_deref(), Some(french));
        let utf16: Vec<u8> = std::iter::once(0xfeff).chain(french.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&utf16).as_deref(), Some(french));
        assert_eq!(decode(b"\xef\xbb\xbfabc").as_deref(), Some("abc"));
        assert_eq!(decode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), None);
        assert_eq!(decode(b"").as_deref(), Some(""));
    }
}
