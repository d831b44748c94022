//! The tensors of several files as one sequence of bytes, with the rows of some in another order.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::super::byte_source::ByteSource;

/// One tensor, and its offset among the others.
pub(super) struct Segment {
    offset: u64,
    length: u64,
    content: SegmentContent,
}

enum SegmentContent {
    Stored {
        file: usize,
        /// Its offset in the file, in bytes.
        start: u64,
        /// Bytes of a row.
        row: u64,
        /// The rows of a head, where the two halves of each head are to be interleaved.
        head: Option<u64>,
    },
    Made(Vec<u8>),
}

impl Segment {
    /// A tensor of a file. `head`: the rows of a head, where the two halves of each are to be interleaved; their number is even.
    pub(super) fn stored(offset: u64, length: u64, file: usize, start: u64, row: u64, head: Option<usize>) -> Self {
        let head = head.map(|rows| rows as u64);
        Self { offset, length, content: SegmentContent::Stored { file, start, row, head } }
    }

    /// A tensor that is computed, not read.
    pub(super) fn made(offset: u64, bytes: Vec<u8>) -> Self {
        Self { offset, length: bytes.len() as u64, content: SegmentContent::Made(bytes) }
    }
}

/// All tensors, one after the other.
pub(super) struct Segments {
    files: Vec<File>,
    segments: Vec<Segment>,
}

impl Segments {
    /// The segments follow one another, the first at offset 0.
    pub(super) fn new(files: Vec<File>, segments: Vec<Segment>) -> Self {
        Self { files, segments }
    }

    /// Reads within one segment, from `from` on.
    fn read(&self, segment: &Segment, buffer: &mut [u8], from: u64) -> io::Result<()> {
        match &segment.content {
            SegmentContent::Made(bytes) => ByteSource::read_at(bytes, buffer, from),
            SegmentContent::Stored { file, start, head: None, .. } => {
                self.files[*file].read_exact_at(buffer, start + from)
            }
            SegmentContent::Stored { file, start, row, head: Some(head) } => {
                let (mut from, mut rest) = (from, buffer);
                while !rest.is_empty() {
                    let (index, within) = (from / row, from % row);
                    let (piece, after) = rest.split_at_mut(rest.len().min((row - within) as usize));
                    self.files[*file].read_exact_at(piece, start + stored_row(index, *head) * row + within)?;
                    from += piece.len() as u64;
                    rest = after;
                }
                Ok(())
            }
        }
    }
}

/// The index in `transformers`' order of the row at `row` in a GGUF: the pair `(2j, 2j + 1)` of a head of `head` rows is `(j, j + head / 2)`
/// there.
fn stored_row(row: u64, head: u64) -> u64 {
    let (first, within) = (row / head * head, row % head);
    first + within % 2 * (head / 2) + within / 2
}

impl ByteSource for Segments {
    fn length(&self) -> u64 {
        self.segments.last().map_or(0, |last| last.offset + last.length)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let (mut offset, mut rest) = (offset, buffer);
        while !rest.is_empty() {
            let after = self.segments.partition_point(|segment| segment.offset <= offset);
            let segment = after.checked_sub(1).and_then(|index| self.segments.get(index));
            let segment = segment.filter(|segment| offset < segment.offset + segment.length);
            let segment = segment.ok_or(io::ErrorKind::UnexpectedEof)?;
            let from = offset - segment.offset;
            let count = rest.len().min(usize::try_from(segment.length - from).unwrap_or(usize::MAX));
            let (piece, others) = rest.split_at_mut(count);
            self.read(segment, piece, from)?;
            offset += count as u64;
            rest = others;
        }
        Ok(())
    }
}
