//! A segment: the passages of one document with their vectors, as bytes.
//!
//! `length of the JSON (8 bytes) ‖ JSON ‖ vectors (f32, little endian)`. The JSON says how many values a vector has.

use serde::{Deserialize, Serialize};

use crate::document::Passage;

/// What a file's content gives, whatever the file is called.
#[derive(Clone, Default, PartialEq)]
pub struct Segment {
    /// What it was made from: `pdf`, `docx`…
    pub format: String,
    /// Its own title, where it has one.
    pub title: Option<String>,
    /// Its pages, slides or sheets.
    pub pages: Option<u32>,
    /// Its passages, in order.
    pub passages: Vec<Passage>,
    /// One vector for each, where there is an embedding model.
    pub vectors: Option<Vec<Vec<f32>>>,
}

#[derive(Serialize, Deserialize)]
struct Head<P> {
    format: String,
    title: Option<String>,
    pages: Option<u32>,
    /// Values of a vector; none: there are no vectors.
    dimension: usize,
    passages: P,
}

impl Segment {
    /// Its bytes. `None` when the vectors do not fit the passages.
    pub(super) fn write(&self) -> Option<Vec<u8>> {
        let dimension = self.vectors.as_ref().and_then(|vectors| vectors.first()).map_or(0, Vec::len);
        let vectors = self.vectors.as_deref().unwrap_or_default();
        let fits = self.vectors.as_ref().is_none_or(|vectors| vectors.len() == self.passages.len());
        if !fits || vectors.iter().any(|vector| vector.len() != dimension) {
            return None;
        }
        let (title, pages) = (self.title.clone(), self.pages);
        let head = Head { format: self.format.clone(), title, pages, dimension, passages: &self.passages };
        let json = serde_json::to_vec(&head).ok()?;
        let mut bytes = Vec::with_capacity(8 + json.len() + vectors.len() * dimension * 4);
        bytes.extend_from_slice(&(json.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&json);
        bytes.extend(vectors.iter().flatten().flat_map(|value| value.to_le_bytes()));
        Some(bytes)
    }

    /// The segment of these bytes; `None` when they are none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let (json, values) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        let head: Head<Vec<Passage>> = serde_json::from_slice(json).ok()?;
        let expected = head.dimension.checked_mul(4)?.checked_mul(head.passages.len())?;
        if values.len() != expected {
            return None;
        }
        let vectors = (head.dimension > 0).then(|| {
            let value = |bytes: &[u8]| f32::from_le_bytes(bytes.first_chunk().copied().unwrap_or_default());
            values.chunks(head.dimension * 4).map(|vector| vector.chunks(4).map(value).collect()).collect()
        });
        let Head { format, title, pages, passages, .. } = head;
        Some(Self { format, title, pages, passages, vectors })
    }
}

#[cfg(test)]
mod tests {
    use super::Segment;
    use crate::document::{Passage, Place};

    fn segment() -> Segment {
        let passage = |ordinal: u32| Passage {
            ordinal,
            place: Place::Page(3),
            headings: vec!["Congés".to_owned()],
            text: format!("Le report nº {ordinal}."),
        };
        let vectors = Some(vec![vec![0.6, -0.8], vec![1.0, 0.0]]);
        Segment { format: "pdf".to_owned(), passages: vec![passage(0), passage(1)], vectors, ..Segment::default() }
    }

    #[test]
    fn what_is_written_is_read() {
        let whole = segment();
        assert!(Segment::read(&whole.write().unwrap()) == Some(whole.clone()));
        let lexical = Segment { vectors: None, ..whole };
        assert!(Segment::read(&lexical.write().unwrap()) == Some(lexical));
        assert!(Segment::read(&Segment::default().write().unwrap()) == Some(Segment::default()));
    }

    #[test]
    fn other_bytes_are_refused() {
        let bytes = segment().write().unwrap();
        for length in 0..bytes.len() {
            assert!(Segment::read(&bytes[..length]).is_none(), "{length} bytes");
        }
        assert!(Segment::read(&[&bytes[..], b"x"].concat()).is_none());
        assert!(Segment::read(&[0xff; 64]).is_none());
    }

    #[test]
    fn vectors_that_do_not_fit_are_not_written() {
        for vectors in [vec![], vec![vec![1.0]], vec![vec![1.0], vec![0.0, 1.0]]] {
            assert!(Segment { vectors: Some(vectors), ..segment() }.write().is_none());
        }
    }
}
