//! Weights that stay in their file: the system reads a page when it is first needed, and may drop it again.
#![allow(unsafe_code)] // A mapping's content is the file's.

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use bytemuck::Pod;

/// A whole file, mapped to be read.
pub(in super::super) struct Mapping(memmap2::Mmap);

impl Mapping {
    /// Maps a file of packed weights.
    pub(in super::super) fn of(file: &File) -> io::Result<Arc<Self>> {
        // SAFETY: the bytes must not change while they are borrowed. The file belongs to the bot's account alone, and is never
        // written after it got its name: a newer one takes the name and leaves this one as it is. Who can change it nevertheless
        // can change this process as well; and what would be read then are other weights, for which any bytes will do.
        let map = unsafe { memmap2::Mmap::map(file)? };
        Ok(Arc::new(Self(map)))
    }

    /// All of it.
    pub(in super::super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The tiles of a matrix, wherever they are.
pub(super) enum Storage<T> {
    /// In memory.
    Held(Vec<T>),
    /// In a file.
    Mapped {
        file: Arc<Mapping>,
        /// Bytes before the first.
        offset: usize,
        count: usize,
        tile: PhantomData<T>,
    },
}

impl<T: Pod> Storage<T> {
    /// `count` tiles of a file; `None` when they are not all there, or do not lie as their type must.
    pub(super) fn mapped(file: &Arc<Mapping>, offset: usize, count: usize) -> Option<Self> {
        let length = count.checked_mul(size_of::<T>())?;
        let bytes = file.bytes().get(offset..offset.checked_add(length)?)?;
        bytemuck::try_cast_slice::<u8, T>(bytes).ok()?;
        Some(Self::Mapped { file: Arc::clone(file), offset, count, tile: PhantomData })
    }
}

impl<T: Pod> Deref for Storage<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Held(tiles) => tiles,
            Self::Mapped { file, offset, count, .. } => {
                bytemuck::cast_slice(&file.bytes()[*offset..*offset + count * size_of::<T>()])
            }
        }
    }
}
