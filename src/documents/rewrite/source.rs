//! The characters of a text file, and the way back to its bytes.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::documents::read::plain;

/// The mark of UTF-8 at the beginning of a file.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A text and how it was encoded.
pub(super) struct Source {
    pub text: String,
    encoding: &'static Encoding,
    /// The mark of the encoding.
    mark: Vec<u8>,
}

impl Source {
    /// The text of bytes by their mark, as UTF-8, by the encoding that they name, or as a browser would guess. Nothing when they are no
    /// text.
    pub(super) fn of(bytes: &[u8], named: Option<&'static Encoding>) -> Option<Self> {
        let (marked, length) =
            Encoding::for_bom(bytes).map_or((None, 0), |(encoding, length)| (Some(encoding), length));
        let (mark, body) = bytes.split_at_checked(length)?;
        let encoding = marked
            .or_else(|| std::str::from_utf8(bytes).is_ok().then_some(UTF_8))
            .or(named)
            .or_else(|| plain::guess(bytes))?;
        let (text, _) = encoding.decode_without_bom_handling(body);
        let source = Self { text: text.into_owned(), encoding, mark: mark.to_vec() };
        // What does not come back as it was is written as UTF-8.
        let is_exact = source.encode(&source.text).is_some_and(|again| again == bytes);
        Some(if is_exact { source } else { Self { encoding: UTF_8, mark: MARK.to_vec(), ..source } })
    }

    /// The text of a part of a package: UTF-8, or UTF-16 with its mark.
    pub(super) fn of_xml(bytes: &[u8]) -> Option<Self> {
        let (encoding, length) = Encoding::for_bom(bytes).unwrap_or((UTF_8, 0));
        let (mark, body) = bytes.split_at_checked(length)?;
        let (text, is_broken) = encoding.decode_without_bom_handling(body);
        (!is_broken).then(|| Self { text: text.into_owned(), encoding, mark: mark.to_vec() })
    }

    /// A text in the encoding, or nothing where it has characters that the encoding lacks.
    fn encode(&self, text: &str) -> Option<Vec<u8>> {
        let mut bytes = self.mark.clone();
        if self.encoding == UTF_16LE {
            bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        } else if self.encoding == UTF_16BE {
            bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
        } else {
            let (encoded, _, lacks) = self.encoding.encode(text);
            if lacks {
                return None;
            }
            bytes.extend_from_slice(&encoded);
        }
        Some(bytes)
    }

    /// The bytes of a changed text: in UTF-8, with its mark, where the encoding lacks a character of it.
    pub(super) fn bytes(&self, text: &str) -> Vec<u8> {
        self.encode(text).unwrap_or_else(|| [MARK, text.as_bytes()].concat())
    }

    /// The same where characters that the encoding lacks can be written as references.
    pub(super) fn bytes_with_references(&self, text: &str) -> Vec<u8> {
        self.encode(text).unwrap_or_else(|| [self.mark.as_slice(), &self.encoding.encode(text).0].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn files_keep_their_encoding() {
        let french = "Les congés non pris à l’été sont reportés : 25 € par jour, où que l’agent soit affecté.";
        let utf16: Vec<u8> = std::iter::once(0xfeff).chain(french.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        let windows = encoding_rs::WINDOWS_1252.encode(french).0.into_owned();
        for bytes in [french.as_bytes().to_vec(), [b"\xef\xbb\xbf", french.as_bytes()].concat(), utf16, windows.clone()]
        {
            let source = Source::of(&bytes, None).unwrap();
            assert_eq!((source.text.as_str(), source.bytes(french)), (french, bytes));
        }
        let source = Source::of(&windows, None).unwrap();
        assert_eq!(source.bytes("Ελλάδα"), "\u{feff}Ελλάδα".as_bytes());
        assert_eq!(source.bytes_with_references("é Ω"), b"\xe9 &#937;");
        assert!(Source::of(b"\x89PNG\0\0", None).is_none());
    }
}
