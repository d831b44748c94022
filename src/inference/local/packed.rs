//! Packed weights, kept in a file, so that the next start reads them as they are: nothing is packed, and nothing is trusted.
//!
//! The file: a mark, the version, the place and length of a header, their BLAKE3; the tiles of one tensor after the other; the
//! header (JSON), which says what they were packed from and holds the BLAKE3 of each [`PIECE`] of them. Every byte is checked
//! at each start. What does not fit, for whichever reason, is packed anew; the reason is one line of the log.
//!
//! A file is written under another name, and gets its own only when it is whole and on the disk.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::gguf::{GgufError, expect_sum, one_line};
use super::kernels::{Kind, LAYOUT, Mapping, Matrix, Pool, try_each};

const MARK: &[u8; 16] = b"compagnon tiles\n";

/// To be raised with each change of the file's form; that of the tiles has a name of its own.
const VERSION: u64 = 1;

/// Mark, version, the header's place and length, the BLAKE3 of these and of the header; and zeros, so that tiles begin at a line of
/// the processor's caches.
const PREFIX: usize = 128;

/// The mark and three numbers, which the digest that follows covers.
const SIGNED: usize = 16 + 3 * 8;

/// Tensors begin at multiples of this, as the strictest of the tiles wants it.
const LINE: u64 = 64;

/// What a thread hashes at once.
const PIECE: usize = 1 << 20;

/// Smaller models are packed in no time.
const SMALLEST: u64 = 64 << 20;

/// No header of any model is as long.
const LONGEST_HEADER: u64 = 64 << 20;

/// What the name of a file being written ends with.
const UNFINISHED: &str = ".part";

/// A model's place for its packed weights, and what vouches for them.
pub(super) struct Cache {
    /// The places it may have, the best first.
    places: Vec<PathBuf>,
    /// The files it is packed from.
    parts: Vec<Part>,
    /// The SHA-256 that the configuration asks of the first file, in lower case.
    sha256: Option<String>,
    /// Whether the sum was computed since the file was opened.
    checked: bool,
    /// What is there, if its own header can be read, and the trouble otherwise.
    found: Result<Found, String>,
}

/// An open file that weights are read from.
struct Part {
    file: File,
    stat: Stat,
    digest: OnceLock<String>,
}

/// What tells one content of a file from another without reading it. The time of change cannot be set back by whoever can write
/// to the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stat {
    length: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A file that weights were packed from.
#[derive(Debug, Serialize, Deserialize)]
struct Origin {
    stat: Stat,
    /// The BLAKE3 of the BLAKE3s of its pieces.
    digest: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    layout: String,
    origins: Vec<Origin>,
    /// The SHA-256 that the first origin was found to have.
    sha256: Option<String>,
    tensors: Vec<Kept>,
}

/// A tensor of a model, before it is packed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tensor {
    pub name: String,
    pub kind: Kind,
    pub rows: usize,
    pub columns: usize,
}

/// A packed tensor in the file.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    name: String,
    kind: String,
    rows: usize,
    columns: usize,
    offset: u64,
    length: u64,
    /// Of each piece.
    digests: Vec<String>,
}

struct Found {
    path: PathBuf,
    file: File,
    header: Header,
}

impl Cache {
    /// The cache of the model at `path`, packed from `files`: beside it, or else below `data` if that is there. `sha256` is what
    /// the first of the files must have.
    pub(super) fn of(path: &Path, files: Vec<File>, sha256: Option<&str>, data: &Path) -> io::Result<Self> {
        let parts = files.into_iter().map(Part::of).collect::<io::Result<_>>()?;
        let places = places(path, data);
        let found = find(&places);
        Ok(Self { places, parts, sha256: sha256.map(str::to_ascii_lowercase), checked: false, found })
    }

    /// Whether a model of `length` bytes takes longer to pack than to read.
    pub(super) fn is_worthwhile(length: u64) -> bool {
        length >= SMALLEST
    }

    /// Computes the SHA-256 that is asked for, unless it was when the weights were packed and the file is still the same.
    pub(super) fn check_sum(&mut self) -> Result<(), GgufError> {
        let vouched = self.found.as_ref().is_ok_and(|found| {
            found.header.sha256 == self.sha256 && self.parts.iter().map(|part| &part.stat).eq(found.header.stats())
        });
        if vouched { Ok(()) } else { self.compute_sum() }
    }

    fn compute_sum(&mut self) -> Result<(), GgufError> {
        if let Some(expected) = self.sha256.as_deref().filter(|_| !self.checked) {
            if let Some(part) = self.parts.first_mut() {
                expect_sum(&mut part.file, expected)?;
            }
            self.checked = true;
        }
        Ok(())
    }

    /// What is kept of exactly these tensors, or why it cannot be used.
    pub(super) fn open<'a>(&'a self, tensors: &'a [Tensor], pool: &Pool) -> Result<Packed<'a>, String> {
        let Found { header, file, path } = self.found.as_ref().map_err(Clone::clone)?;
        if header.layout != layout() {
            return Err(format!("{} has another layout", path.display()));
        }
        if self.sha256.is_some() && header.sha256 != self.sha256 {
            return Err(format!("{} was packed before model.sha256 was asked for", path.display()));
        }
        if !follows(&header.tensors, tensors) {
            return Err(format!("{} holds other tensors", path.display()));
        }
        if !self.same_origins(header, pool).map_err(|error| error.to_string())? {
            return Err(format!("{} was packed from another file", path.display()));
        }
        let tensors = header.tensors.iter().zip(tensors);
        Ok(Packed {
            file: Mapping::of(file).map_err(|error| format!("{}: {error}", path.display()))?,
            path,
            tensors: tensors.map(|(kept, tensor)| (tensor.name.as_str(), (tensor, kept))).collect(),
        })
    }

    /// Whether each file is the one it was, by its length and times, or else by its content.
    fn same_origins(&self, header: &Header, pool: &Pool) -> io::Result<bool> {
        if header.origins.len() != self.parts.len() {
            return Ok(false);
        }
        for (part, origin) in self.parts.iter().zip(&header.origins) {
            let same = part.stat == origin.stat
                || part.stat.length == origin.stat.length && *part.digest(pool)? == origin.digest;
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Begins to keep what will be packed from the files themselves. The error is a sum that is not the expected one: what
    /// vouched for it is not believed any more.
    pub(super) fn renew(&mut self) -> Result<Option<Writer>, GgufError> {
        self.compute_sum()?;
        if cfg!(target_endian = "big") {
            return Ok(None);
        }
        let mut trouble = String::new();
        for place in &self.places {
            match Writer::create(place) {
                Ok(writer) => return Ok(Some(writer)),
                Err(error) => trouble = format!("{}: {error}", place.display()),
            }
        }
        tracing::info!(reason = trouble, "the packed weights are not kept: the next start packs them again");
        Ok(None)
    }

    /// Puts what was written in its place, if the files are still those that were packed; the result is the place.
    pub(super) fn keep(&self, writer: Writer, pool: &Pool) -> io::Result<PathBuf> {
        let origins = self.parts.iter().map(|part| {
            let origin = Origin { digest: part.digest(pool)?.clone(), stat: part.stat.clone() };
            let unchanged = Stat::of(&part.file.metadata()?) == origin.stat;
            unchanged.then_some(origin).ok_or_else(|| io::Error::other("the model was changed meanwhile"))
        });
        let origins = origins.collect::<io::Result<_>>()?;
        let place = writer.finish(origins, self.sha256.clone())?;
        for other in self.places.iter().filter(|other| **other != place) {
            // An older one there would never be read again.
            let _ = fs::remove_file(other);
        }
        Ok(place)
    }
}

/// Beside the model, or in a folder of the bot's own data under a name that tells one model's path from another's.
fn places(path: &Path, data: &Path) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut places = vec![path.with_file_name(format!("{name}.packed"))];
    if data.is_dir() {
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let digest = blake3::hash(whole.as_os_str().as_encoded_bytes()).to_hex();
        places.push(data.join("packed").join(format!("{name}.{}.packed", &digest[..16])));
    }
    places
}

fn find(places: &[PathBuf]) -> Result<Found, String> {
    let mut trouble = "they are not kept yet".to_owned();
    for path in places {
        match read_header(path) {
            Ok((file, header)) => return Ok(Found { path: path.clone(), file, header }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => trouble = format!("{}: {error}", path.display()),
        }
    }
    Err(trouble)
}

fn read_header(path: &Path) -> io::Result<(File, Header)> {
    let invalid = |says: &str| io::Error::new(io::ErrorKind::InvalidData, says);
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || !is_ours(&metadata) {
        return Err(invalid("others than the bot may write to it"));
    }
    let mut prefix = [0; PREFIX];
    file.read_exact_at(&mut prefix, 0)?;
    let number = |at: usize| prefix[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let (version, offset, length) = (number(16), number(24), number(32));
    if &prefix[..16] != MARK || version != VERSION || prefix[SIGNED + 32..].iter().any(|byte| *byte != 0) {
        return Err(invalid("it is of another version"));
    }
    if length > LONGEST_HEADER || offset.checked_add(length) != Some(metadata.len()) {
        return Err(invalid("it is damaged"));
    }
    let mut header = vec![0; length as usize];
    file.read_exact_at(&mut header, offset)?;
    if digest_of_header(&prefix[..SIGNED], &header) != prefix[SIGNED..SIGNED + 32] {
        return Err(invalid("it is damaged"));
    }
    let header: Header = serde_json::from_slice(&header)?;
    if end(&header.tensors) == Some(offset) { Ok((file, header)) } else { Err(invalid("it is damaged")) }
}

/// Whether nobody but the bot's own account (or root) can have written it: it stands for a file that a sum vouches for.
fn is_ours(metadata: &fs::Metadata) -> bool {
    let own = fs::metadata("/proc/self").map(|own| own.uid());
    metadata.mode() & 0o022 == 0 && (metadata.uid() == 0 || own.is_ok_and(|own| own == metadata.uid()))
}

fn digest_of_header(prefix: &[u8], header: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(prefix).update(header).finalize().as_bytes()
}

/// The name of what the tiles' bytes mean here.
fn layout() -> String {
    format!("{LAYOUT}, pieces of {PIECE}")
}

/// Where the next tensor begins: at a line of the processor's caches, as tiles must.
fn end(tensors: &[Kept]) -> Option<u64> {
    let Some(last) = tensors.last() else { return Some(PREFIX as u64) };
    last.offset.checked_add(last.length)?.checked_next_multiple_of(LINE)
}

/// Whether these are the tensors, one after the other.
fn follows(kept: &[Kept], tensors: &[Tensor]) -> bool {
    let mut offset = PREFIX as u64;
    kept.len() == tensors.len()
        && kept.iter().zip(tensors).all(|(kept, tensor)| {
            let length = Matrix::packed(tensor.kind, tensor.rows, tensor.columns).unwrap_or(0);
            let same = kept.name == tensor.name
                && kept.kind == format!("{:?}", tensor.kind)
                && (kept.rows, kept.columns) == (tensor.rows, tensor.columns)
                && (kept.offset, kept.length) == (offset, length as u64)
                && kept.digests.len() == length.div_ceil(PIECE);
            offset += (length as u64).next_multiple_of(LINE);
            same
        })
}

impl Header {
    fn stats(&self) -> impl Iterator<Item = &Stat> {
        self.origins.iter().map(|origin| &origin.stat)
    }
}

impl Part {
    fn of(file: File) -> io::Result<Self> {
        Ok(Self { stat: Stat::of(&file.metadata()?), file, digest: OnceLock::new() })
    }

    /// Reads the whole file, once.
    fn digest(&self, pool: &Pool) -> io::Result<&String> {
        if let Some(digest) = self.digest.get() {
            return Ok(digest);
        }
        let length = self.stat.length;
        let count = length.div_ceil(PIECE as u64) as usize;
        let digests = hash_pieces(count, pool, |index| {
            let offset = (index * PIECE) as u64;
            let mut piece = vec![0; (length - offset).min(PIECE as u64) as usize];
            self.file.read_exact_at(&mut piece, offset)?;
            Ok(blake3::hash(&piece))
        })?;
        let mut hasher = blake3::Hasher::new();
        for digest in &digests {
            hasher.update(digest.as_bytes());
        }
        Ok(self.digest.get_or_init(|| hasher.finalize().to_hex().to_string()))
    }
}

fn hash_pieces(
    count: usize,
    pool: &Pool,
    hash: impl Fn(usize) -> io::Result<blake3::Hash> + Sync,
) -> io::Result<Vec<blake3::Hash>> {
    let digests: Vec<OnceLock<blake3::Hash>> = (0..count).map(|_| OnceLock::new()).collect();
    // Each index comes once: no place is taken.
    try_each(pool, count, |index| hash(index).map(|digest| _ = digests[index].set(digest)))?;
    Ok(digests.into_iter().filter_map(OnceLock::into_inner).collect())
}

impl Stat {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            length: metadata.len(),
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Kept tensors that belong to the model; whether they are what was written is seen as they are read.
pub(super) struct Packed<'a> {
    file: Arc<Mapping>,
    path: &'a Path,
    tensors: HashMap<&'a str, (&'a Tensor, &'a Kept)>,
}

impl Packed<'_> {
    /// Where they are kept.
    pub(super) fn path(&self) -> &Path {
        self.path
    }

    /// A tensor in its place in the file, once each piece of it is checked.
    pub(super) fn matrix(&self, name: &str, pool: &Pool) -> Result<Matrix, GgufError> {
        let unlike = || io::Error::new(io::ErrorKind::InvalidData, "it is damaged");
        let (tensor, kept) = self.tensors.get(name).ok_or_else(unlike)?;
        let (first, length) = (kept.offset as usize, kept.length as usize);
        let bytes = self.file.bytes().get(first..first.saturating_add(length)).ok_or_else(unlike)?;
        try_each(pool, length.div_ceil(PIECE), |index| {
            let digest = blake3::hash(&bytes[index * PIECE..length.min((index + 1) * PIECE)]).to_hex();
            if kept.digests[index] == digest.as_str() { Ok(()) } else { Err(unlike()) }
        })?;
        Ok(Matrix::map(tensor.kind, tensor.rows, tensor.columns, &self.file, first)?)
    }
}

/// A file being written. Dropped before its end, it is removed.
pub(super) struct Writer {
    place: PathBuf,
    unfinished: PathBuf,
    file: File,
    tensors: Vec<Kept>,
}

impl Writer {
    fn create(place: &Path) -> io::Result<Self> {
        // A bare name has an empty parent.
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        remove_abandoned(folder, &name)?;
        let unfinished = folder.join(format!("{name}.{}{UNFINISHED}", std::process::id()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        // Whoever finds it unlocked takes it for abandoned.
        file.lock()?;
        file.write_all(&[0; PREFIX])?;
        Ok(Self { place: place.to_owned(), unfinished, file, tensors: Vec::new() })
    }

    /// Appends a tensor.
    pub(super) fn add(&mut self, tensor: &Tensor, matrix: &Matrix, pool: &Pool) -> io::Result<()> {
        let tiles = matrix.tiles();
        let pieces: Vec<&[u8]> = tiles.chunks(PIECE).collect();
        let digests = hash_pieces(pieces.len(), pool, |index| Ok(blake3::hash(pieces[index])))?;
        self.file.write_all(tiles)?;
        self.file.write_all(&[0; LINE as usize][..tiles.len().next_multiple_of(LINE as usize) - tiles.len()])?;
        let offset = end(&self.tensors).unwrap_or_default();
        self.tensors.push(Kept {
            name: tensor.name.clone(),
            kind: format!("{:?}", tensor.kind),
            rows: tensor.rows,
            columns: tensor.columns,
            offset,
            length: tiles.len() as u64,
            digests: digests.iter().map(|digest| digest.to_hex().to_string()).collect(),
        });
        Ok(())
    }

    fn finish(mut self, origins: Vec<Origin>, sha256: Option<String>) -> io::Result<PathBuf> {
        let offset = end(&self.tensors).unwrap_or_default();
        let tensors = std::mem::take(&mut self.tensors);
        let header = serde_json::to_vec(&Header { layout: layout(), origins, sha256, tensors })?;
        let mut prefix = MARK.to_vec();
        for number in [VERSION, offset, header.len() as u64] {
            prefix.extend(number.to_le_bytes());
        }
        prefix.extend(digest_of_header(&prefix, &header));
        self.file.write_all(&header)?;
        self.file.write_all_at(&prefix, 0)?;
        self.file.sync_all()?;
        fs::rename(&self.unfinished, &self.place)?;
        // The name as well; where folders cannot be synced, a crash may cost one more packing.
        let _ = self.place.parent().map(|folder| File::open(folder).and_then(|folder| folder.sync_all()));
        Ok(self.place.clone())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // After the renaming, nothing is there.
        let _ = fs::remove_file(&self.unfinished);
    }
}

/// Removes what a process that was killed has left: nobody holds the lock of it.
fn remove_abandoned(folder: &Path, name: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let other = entry.file_name().to_string_lossy().into_owned();
        let unfinished =
            other.strip_prefix(name).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(UNFINISHED));
        if unfinished && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Says why what was kept is not used, in one line.
pub(super) fn pack_anew(reason: &str) {
    tracing::info!(reason = one_line(reason), "the weights are packed anew");
}
