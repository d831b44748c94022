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
    lacks: Lacks,
}

/// What becomes of a character that the encoding of a file lacks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lacks {
    /// The whole file is written in UTF-8 with its mark.
    Marked,
    /// It is written as a reference.
    References,
    /// All that is not ASCII is: the file was, and says nothing of its encoding.
    AllReferences,
}

impl Source {
    /// The text of bytes by their mark, as UTF-8, or as a browser would guess. Nothing when they are no text.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        Self::by(bytes, plain::guess, Lacks::Marked)
    }

    /// The same of a page, which may name its encoding.
    pub(super) fn of_html(bytes: &[u8], named: Option<&'static Encoding>) -> Option<Self> {
        let lacks = if bytes.is_ascii() && named.is_none() { Lacks::AllReferences } else { Lacks::References };
        let guess = |bytes: &[u8]| match named {
            // What is UTF-8 is, whatever it says; what could be anything is what it says.
            Some(named) if bytes.is_ascii() || std::str::from_utf8(bytes).is_err() => Some(named),
            _ => plain::guess(bytes),
        };
        Self::by(bytes, guess, lacks)
    }

    fn by(bytes: &[u8], guess: impl Fn(&[u8]) -> Option<&'static Encoding>, lacks: Lacks) -> Option<Self> {
        let (marked, length) =
            Encoding::for_bom(bytes).map_or((None, 0), |(encoding, length)| (Some(encoding), length));
        let (mark, body) = bytes.split_at_checked(length)?;
        let encoding = marked.or_else(|| guess(bytes))?;
        let (text, _) = encoding.decode_without_bom_handling(body);
        let source = Self { text: text.into_owned(), encoding, mark: mark.to_vec(), lacks };
        // What does not come back as it was is written as UTF-8.
        let is_exact = source.encode(&source.text).is_some_and(|again| again == bytes);
        Some(if is_exact { source } else { Self { encoding: UTF_8, mark: MARK.to_vec(), ..source } })
    }

    /// The text of a part of a package: UTF-8, or UTF-16 with its mark.
    pub(super) fn of_xml(bytes: &[u8]) -> Option<Self> {
        let (encoding, length) = Encoding::for_bom(bytes).unwrap_or((UTF_8, 0));
        let (mark, body) = bytes.split_at_checked(length)?;
        let (text, is_broken) = encoding.decode_without_bom_handling(body);
        let lacks = Lacks::Marked;
        (!is_broken).then(|| Self { text: text.into_owned(), encoding, mark: mark.to_vec(), lacks })
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

    /// The bytes of a changed text.
    pub(super) fn bytes(&self, text: &str) -> Vec<u8> {
        match (self.lacks, self.encode(text)) {
            (Lacks::AllReferences, _) => text.chars().flat_map(reference).collect::<String>().into_bytes(),
            (_, Some(bytes)) => bytes,
            (Lacks::Marked, None) => [MARK, text.as_bytes()].concat(),
            (Lacks::References, None) => [self.mark.as_slice(), &self.encoding.encode(text).0].concat(),
        }
    }
}

/// A character of ASCII, or a reference to one that is not.
fn reference(c: char) -> Vec<char> {
    if c.is_ascii() { vec![c] } else { format!("&#{};", u32::from(c)).chars().collect() }
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
            let source = Source::of(&bytes).unwrap();
            assert_eq!((source.text.as_str(), source.bytes(french)), (french, bytes));
        }
        let source = Source::of(&windows).unwrap();
        assert_eq!(source.bytes("Ελλάδα"), "\u{feff}Ελλάδα".as_bytes());
        let page = Source::of_html(&windows, None).unwrap();
        assert_eq!(page.bytes("é Ω"), b"\xe9 &#937;");
        assert_eq!(Source::of_html(b"a", None).unwrap().bytes("\u{e9}"), b"&#233;");
        assert_eq!(Source::of_html(b"a", Some(encoding_rs::WINDOWS_1252)).unwrap().bytes("\u{e9}"), b"\xe9");
        assert_eq!(Source::of_html("é".as_bytes(), Some(encoding_rs::WINDOWS_1252)).unwrap().text, "é");
        assert!(Source::of(b"\x89PNG\0\0").is_none());
    }
}
