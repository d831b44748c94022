//! Reads a collection's folder: what is new or changed is extracted, embedded and sealed, what is gone is removed.
//!
//! A content that was read once is not read again: after a kill, or when a file was moved, its segment is there. The manifest is published now
//! and then, so that a long first reading can be searched before its end. Only one process reads a collection at a time.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use sha2::{Digest as _, Sha256};

use super::{
    blocking::blocking,
    shared::{Publication, SharedIndex, Unseen},
};
use crate::{
    assistant::documents::{FileReader, embed},
    collections::{
        self, Collection, CollectionError, Collections, Engine, Entry, FilePath, FileState, Found, Importer, Manifest,
        Outcome, Segment, Stored, Writer, service_public,
    },
    documents::{self, ExtractError, Extracted, SourceFile},
    index::PostgresIndex,
    inference::EmbeddingModel,
};

/// How often the manifest is published while a reading goes on.
const PUBLISH_EVERY: Duration = Duration::from_secs(30);

/// What reads collections.
#[derive(Clone)]
pub struct Indexing {
    collections: Collections,
    reader: Arc<dyn FileReader>,
    largest_file: u64,
    /// The program, and the limits of its reading.
    tried_by: String,
    embedding: Option<Arc<dyn EmbeddingModel>>,
    shared: Option<Arc<dyn SharedIndex>>,
}

/// How a collection is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether a folder without files empties the collection. Otherwise it is taken for one that is not mounted.
    pub empty: bool,
}

/// How far a reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The files that were looked at.
    pub done: usize,
    /// The files that were found.
    pub of: usize,
    /// The passages of those that were read.
    pub passages: u64,
}

/// What a reading did.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files that were read.
    pub read: usize,
    /// Files that had not changed, or whose content was known.
    pub unchanged: usize,
    /// Files with the same content as another.
    pub copies: usize,
    /// Documents that were removed because their file is gone.
    pub removed: usize,
    /// Files that could not be read, each with one sentence.
    pub failed: Vec<(String, String)>,
    /// Documents that there are now.
    pub documents: usize,
    /// Passages that there are now.
    pub passages: u64,
}

impl Indexing {
    /// Reads collections with these parts. `reader` reads within the limits of `documents`.
    #[must_use]
    pub fn new(
        collections: Collections,
        documents: &documents::Config,
        reader: Arc<dyn FileReader>,
        embedding: Option<Arc<dyn EmbeddingModel>>,
        shared: Option<Arc<PostgresIndex>>,
    ) -> Self {
        let tried_by = format!("{} {}", env!("CARGO_PKG_VERSION"), documents.limits());
        let shared = shared.map(|shared| shared as Arc<dyn SharedIndex>);
        Self { collections, reader, largest_file: documents.largest_file(), tried_by, embedding, shared }
    }

    /// Reads files of so many bytes, and shares with another server.
    #[cfg(test)]
    pub fn with(
        collections: Collections,
        reader: Arc<dyn FileReader>,
        embedding: Option<Arc<dyn EmbeddingModel>>,
        (largest_file, shared): (u64, Option<Arc<dyn SharedIndex>>),
    ) -> Self {
        Self { collections, reader, largest_file, tried_by: largest_file.to_string(), embedding, shared }
    }

    /// The collections.
    #[must_use]
    pub fn collections(&self) -> &Collections {
        &self.collections
    }

    /// Reads a collection. What cannot be read is in the summary, and stops nothing.
    pub async fn index(
        &self,
        name: &str,
        options: Options,
        tell: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Summary, CollectionError> {
        let collection = self.collections.get(name)?;
        let folder = self.collections.folder(name);
        let writer = Arc::new(blocking(move || folder.lock()).await?);
        let reader = Arc::clone(&writer);
        // What does not open is read anew; its segments go with it.
        let old = match blocking(move || reader.folder().manifest()).await {
            Err(CollectionError::Damaged) => None,
            manifest => manifest?,
        };
        let (wanted, root) = (wanted(collection), collection.folder.clone());
        let found = blocking(move || collections::walk(&root, wanted)).await?;
        // Until the shared server has it as well: of two that publish, one would undo what the other does.
        let _held = Arc::clone(&writer);
        let mut run = Run::new(self, name, collection, writer, old.unwrap_or_default());
        run.drop_gone(&found, options)?;
        let of = found.files.len();
        for (done, (path, state)) in found.files.into_iter().enumerate() {
            tell(Progress { done, of, passages: run.passages });
            run.file(path, state).await?;
            run.publish_now_and_then().await?;
            // A folder of many files that have not changed waits for nothing.
            tokio::task::yield_now().await;
        }
        tell(Progress { done: of, of, passages: run.passages });
        let (mut summary, unseen) = run.end().await?;
        if let (Engine::Postgres, Some(shared)) = (collection.index, self.shared.as_deref()) {
            let (collections, embedding) = (&self.collections, self.embedding.as_deref());
            let publication = Publication { collections, name, shared, embedding, unseen, empty: options.empty };
            let damaged = publication.publish().await?;
            if damaged > 0 {
                let reason = format!("{damaged} documents are damaged: index it again");
                summary.failed.push((".".to_owned(), reason));
            }
        }
        Ok(summary)
    }
}

/// One reading.
struct Run<'a> {
    parts: &'a Indexing,
    name: &'a str,
    collection: &'a Collection,
    writer: Arc<Writer>,
    manifest: Manifest,
    /// The paths that each content was found at first.
    seen: HashMap<Vec<u8>, FilePath>,
    summary: Summary,
    unseen: Unseen,
    passages: u64,
    published: Instant,
}

impl<'a> Run<'a> {
    fn new(
        parts: &'a Indexing,
        name: &'a str,
        collection: &'a Collection,
        writer: Arc<Writer>,
        manifest: Manifest,
    ) -> Self {
        let (seen, summary, published) = (HashMap::new(), Summary::default(), Instant::now());
        let unseen = Unseen::default();
        Self { parts, name, collection, writer, manifest, seen, summary, unseen, passages: 0, published }
    }

    /// Removes the entries of files that are gone. What could not be looked at is not gone.
    fn drop_gone(&mut self, found: &Found, options: Options) -> Result<(), CollectionError> {
        let documents = self.manifest.documents().count();
        if found.files.is_empty() && documents > 0 && !options.empty {
            let folder = self.collection.folder.display().to_string();
            return Err(CollectionError::Emptied { folder, documents });
        }
        for (path, reason) in &found.unreadable {
            self.not_read(path, reason);
        }
        let numbers = |manifest: &Manifest| manifest.documents().map(|(path, _)| path.number()).collect::<HashSet<_>>();
        let before = numbers(&self.manifest);
        let unseen = |path: &FilePath| found.unreadable.iter().any(|(above, _)| path.path().starts_with(above.path()));
        self.manifest.entries.retain(|path, _| found.files.contains_key(path) || unseen(path));
        let after = numbers(&self.manifest);
        self.summary.removed = before.len() - after.len();
        self.unseen.only = found.hides.then(|| before.difference(&after).copied().collect());
        Ok(())
    }

    /// Looks at one file.
    async fn file(&mut self, path: FilePath, state: FileState) -> Result<(), CollectionError> {
        if let Some(entry) = self.manifest.entries.get(&path).filter(|entry| self.is_unchanged(&path, entry, state)) {
            if matches!(entry.outcome, Outcome::Document(_)) {
                self.seen.insert(entry.content.clone(), path.clone());
            }
            self.count_unchanged(&path);
            return Ok(());
        }
        let (root, below, most) = (self.collection.folder.clone(), path.clone(), self.largest());
        let read = move || {
            let read = collections::read(&root, below.path(), most);
            Ok(read.map(|(bytes, state)| (Sha256::digest(&bytes).to_vec(), bytes, state)))
        };
        let (content, bytes, state) = match blocking(read).await? {
            Ok(read) => read,
            Err(error) => {
                self.not_read(&path, &error.to_string());
                return Ok(());
            }
        };
        let outcome = if self.seen.get(&content).is_some_and(|first| *first != path) {
            self.summary.copies += 1;
            Outcome::Copy
        } else {
            self.outcome(&path, &content, bytes).await?
        };
        match &outcome {
            Outcome::Document(_) => drop(self.seen.insert(content.clone(), path.clone())),
            Outcome::Failed { by: None, .. } => drop(self.unseen.numbers.insert(path.number())),
            Outcome::Copy | Outcome::Failed { .. } => {}
        }
        self.manifest.entries.insert(path, Entry { state, content, outcome });
        Ok(())
    }

    /// Whether a file need not be read: it rests since it was read, and what it gave is what it would give now.
    fn is_unchanged(&self, path: &FilePath, entry: &Entry, state: FileState) -> bool {
        if !entry.state.rested || entry.state != state {
            return false;
        }
        let first = self.seen.get(&entry.content);
        match &entry.outcome {
            Outcome::Document(stored) => {
                let folder = self.writer.folder();
                let expected = folder.id(&entry.content, &self.kind(path), self.model());
                first.is_none() && stored.segment == expected && stored.link == self.link(path) && folder.has(&expected)
            }
            Outcome::Copy => first.is_some(),
            Outcome::Failed { by, .. } => by.as_deref() == Some(&self.parts.tried_by),
        }
    }

    fn count_unchanged(&mut self, path: &FilePath) {
        match self.manifest.entries.get(path).map(|entry| &entry.outcome) {
            Some(Outcome::Copy) => self.summary.copies += 1,
            Some(Outcome::Failed { reason, .. }) => self.summary.failed.push((shown(path), reason.clone())),
            _ => self.summary.unchanged += 1,
        }
    }

    /// A file that cannot be read at this moment keeps its document.
    fn not_read(&mut self, path: &FilePath, reason: &str) {
        self.unseen.numbers.insert(path.number());
        self.summary.failed.push((shown(path), reason.to_owned()));
    }

    /// What the bytes of a file give.
    async fn outcome(&mut self, path: &FilePath, content: &[u8], bytes: Vec<u8>) -> Result<Outcome, CollectionError> {
        let (kind, model) = (self.kind(path), self.model().map(str::to_owned));
        let id = self.writer.folder().id(content, &kind, model.as_deref());
        if let Some(segment) = self.segment(&id).await {
            self.summary.unchanged += 1;
            return Ok(self.stored(path, id, model, &segment));
        }
        // Read before, under another model of vectors or without one.
        let plain = self.writer.folder().id(content, &kind, None);
        let known = match self.manifest.entries.get(path) {
            Some(Entry { content: old, outcome: Outcome::Document(stored), .. }) if old == content => {
                self.segment(&stored.segment.clone()).await
            }
            _ => self.segment(&plain).await,
        };
        let mut segment = match known {
            Some(segment) => segment,
            None => match self.extract(path, bytes).await {
                Ok(segment) => segment,
                Err(failed) => {
                    if let Outcome::Failed { reason, .. } = &failed {
                        self.summary.failed.push((shown(path), reason.clone()));
                    }
                    return Ok(failed);
                }
            },
        };
        let vectors = embed::vectors(self.parts.embedding.as_deref(), &title(path, &segment), &segment.passages).await;
        segment.vectors = vectors.map(|vectors| vectors.values);
        // Found by its words only until the model works again.
        let (id, model) = if model.is_some() && segment.vectors.is_none() {
            self.summary.failed.push((shown(path), "it is found by its words only: it was not embedded".to_owned()));
            (plain, None)
        } else {
            (id, model)
        };
        self.summary.read += 1;
        let outcome = self.stored(path, id.clone(), model, &segment);
        let writer = Arc::clone(&self.writer);
        blocking(move || writer.put(&id, &segment)).await?;
        Ok(outcome)
    }

    /// What is kept of a content. What cannot be read of it is made anew.
    async fn segment(&self, id: &[u8]) -> Option<Segment> {
        let (writer, id) = (Arc::clone(&self.writer), id.to_vec());
        blocking(move || writer.folder().segment(&id)).await.unwrap_or_else(|error| {
            tracing::warn!(collection = self.name, %error, "what is kept of a document is made anew");
            None
        })
    }

    /// The passages of a file, or why it has none.
    async fn extract(&self, path: &FilePath, bytes: Vec<u8>) -> Result<Segment, Outcome> {
        let failed =
            |reason: String, lasts: bool| Outcome::Failed { reason, by: lasts.then(|| self.parts.tried_by.clone()) };
        if bytes.len() as u64 > self.largest() {
            return Err(failed(format!("it is too large: {} MB at most", self.largest() / 1_000_000), true));
        }
        if self.collection.importer == Importer::ServicePublic {
            let read = blocking(move || Ok(service_public::read(&bytes))).await.ok().flatten();
            return read
                .filter(|fiche| !fiche.passages.is_empty())
                .ok_or_else(|| failed("it is no fiche".to_owned(), true));
        }
        let name = file_name(path);
        match self.parts.reader.read(SourceFile { name: &name, media_type: None, bytes: &bytes }).await {
            Ok(Extracted { format, title, pages, passages }) => {
                Ok(Segment { format: format.name().to_owned(), title, pages, passages, vectors: None })
            }
            Err(error) => {
                let lasts = !matches!(error, ExtractError::TimedOut | ExtractError::Failed(_));
                Err(failed(error.to_string(), lasts))
            }
        }
    }

    fn stored(&mut self, path: &FilePath, segment: Vec<u8>, model: Option<String>, read: &Segment) -> Outcome {
        self.passages += read.passages.len() as u64;
        let added_at = match self.manifest.entries.get(path).map(|entry| &entry.outcome) {
            Some(Outcome::Document(stored)) => stored.added_at,
            _ => now(),
        };
        Outcome::Document(Stored {
            segment,
            model,
            title: title(path, read),
            format: read.format.clone(),
            pages: read.pages,
            passages: u32::try_from(read.passages.len()).unwrap_or(u32::MAX),
            characters: read.passages.iter().map(|passage| passage.text.chars().count() as u64).sum(),
            link: self.link(path),
            added_at,
        })
    }

    fn model(&self) -> Option<&str> {
        self.parts.embedding.as_deref().map(EmbeddingModel::name)
    }

    fn largest(&self) -> u64 {
        match self.collection.importer {
            Importer::Files => self.parts.largest_file,
            Importer::ServicePublic => service_public::LARGEST_FICHE,
        }
    }

    /// What else, beside its content, decides what a file gives: the importer, and its name, which is its title where it has no other.
    fn kind(&self, path: &FilePath) -> String {
        format!("{:?}/{}", self.collection.importer, file_name(path))
    }

    fn link(&self, path: &FilePath) -> Option<String> {
        self.collection.link(path.path())
    }

    async fn publish_now_and_then(&mut self) -> Result<(), CollectionError> {
        if self.published.elapsed() >= PUBLISH_EVERY {
            self.publish(false).await?;
            self.published = Instant::now();
        }
        Ok(())
    }

    async fn publish(&self, sweep: bool) -> Result<(), CollectionError> {
        let (writer, manifest) = (Arc::clone(&self.writer), self.manifest.clone());
        blocking(move || {
            writer.publish(&manifest)?;
            if sweep { writer.sweep(&manifest) } else { Ok(()) }
        })
        .await
    }

    async fn end(mut self) -> Result<(Summary, Unseen), CollectionError> {
        self.manifest.completed_at = Some(now());
        self.publish(true).await?;
        self.summary.documents = self.manifest.documents().count();
        self.summary.passages = self.manifest.documents().map(|(_, stored)| u64::from(stored.passages)).sum();
        tracing::info!(
            collection = self.name,
            read = self.summary.read,
            unchanged = self.summary.unchanged,
            removed = self.summary.removed,
            failed = self.summary.failed.len(),
            documents = self.summary.documents,
            "a collection was read"
        );
        Ok((self.summary, self.unseen))
    }
}

/// Which files of a collection are read, by their names.
fn wanted(collection: &Collection) -> impl Fn(&Path) -> bool + Send + 'static {
    let (importer, formats) = (collection.importer, collection.formats.clone());
    move |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match importer {
            Importer::ServicePublic => service_public::is_fiche(path),
            Importer::Files if formats.is_empty() => documents::can_read(&name, None),
            Importer::Files => name
                .rsplit_once('.')
                .is_some_and(|(_, ending)| formats.iter().any(|format| format.eq_ignore_ascii_case(ending))),
        }
    }
}

fn file_name(path: &FilePath) -> String {
    path.path().file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What a document is called: as it says itself, or as its file.
fn title(path: &FilePath, read: &Segment) -> String {
    read.title.clone().filter(|title| !title.trim().is_empty()).unwrap_or_else(|| file_name(path))
}

/// A path for ops to find the file by.
fn shown(path: &FilePath) -> String {
    let shown = PathBuf::from(path.path()).display().to_string();
    if shown.is_empty() { ".".to_owned() } else { shown }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
