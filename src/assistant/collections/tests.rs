//! Folders that are read, changed, cut short and read again; what of them is searched.

mod shared;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use super::{Indexing, Options, Searchable, SharedIndex, Summary};
use crate::{
    assistant::documents::{FileReader, fakes::FakeIndex},
    collections::{CollectionError, Collections, Config, Outcome},
    compagnon::Compagnon,
    document::{Partition, Passage, Place},
    documents::{ExtractError, Extracted, Format, Segments, SourceFile},
    index::{Index, Query},
    inference::{EmbeddingError, EmbeddingLimits, EmbeddingModel, TextKind},
    secret::SealingKey,
};

/// Each line of a file is a passage. Counts the files that it reads.
#[derive(Default)]
struct Lines {
    read: AtomicUsize,
}

#[async_trait]
impl FileReader for Lines {
    async fn read(&self, file: SourceFile<'_>) -> Result<Extracted, ExtractError> {
        self.read.fetch_add(1, Ordering::SeqCst);
        let text = std::str::from_utf8(file.bytes).map_err(|_| ExtractError::Damaged)?;
        match text {
            "" => return Err(ExtractError::NoText),
            "later" => return Err(ExtractError::TimedOut),
            _ => {}
        }
        let passage = |(ordinal, text): (u32, &str)| Passage {
            ordinal,
            place: Place::Page(ordinal + 1),
            headings: Vec::new(),
            text: text.to_owned(),
        };
        let passages = (0..).zip(text.lines()).map(passage).collect();
        Ok(Extracted { format: Format::Text, title: None, pages: None, passages })
    }

    async fn segments(&self, _: SourceFile<'_>) -> Result<Segments, ExtractError> {
        Err(ExtractError::UnknownType)
    }

    async fn rewritten(&self, _: SourceFile<'_>, _: Vec<Vec<String>>) -> Result<Vec<u8>, ExtractError> {
        Err(ExtractError::UnknownType)
    }
}

/// Vectors that say nothing; the texts that were embedded are counted.
struct Embedding {
    name: &'static str,
    texts: AtomicUsize,
    fails: Mutex<bool>,
}

#[async_trait]
impl EmbeddingModel for Embedding {
    fn name(&self) -> &str {
        self.name
    }

    fn limits(&self) -> EmbeddingLimits {
        EmbeddingLimits { dimension: 2, context_length: 10, max_batch: 3 }
    }

    async fn embed(&self, _: TextKind, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbeddingError> {
        if *self.fails.lock().unwrap() {
            return Err(EmbeddingError::Engine("it is away".to_owned()));
        }
        if let Some(index) = texts.iter().position(|text| text.len() > 60) {
            return Err(EmbeddingError::TextTooLong { index, tokens: 61, context: 60 });
        }
        self.texts.fetch_add(texts.len(), Ordering::SeqCst);
        Ok(texts.iter().map(|_| vec![0.6, 0.8]).collect())
    }
}

fn embedding(name: &'static str) -> Arc<Embedding> {
    Arc::new(Embedding { name, texts: AtomicUsize::new(0), fails: Mutex::new(false) })
}

/// A folder of files and a data folder.
struct Scene {
    files: tempfile::TempDir,
    data: tempfile::TempDir,
    reader: Arc<Lines>,
    embedding: Option<Arc<Embedding>>,
    shared: Option<Arc<shared::Server>>,
    /// The largest file, in bytes.
    largest: u64,
}

impl Scene {
    fn new() -> Self {
        let (files, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        Self { files, data, reader: Arc::default(), embedding: None, shared: None, largest: 10_000 }
    }

    fn put(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.files.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        rest(&path);
    }

    fn collections(&self) -> Collections {
        let engine = if self.shared.is_some() { ", confidential: false, index: postgres" } else { "" };
        let folder = self.files.path().display();
        let yaml = format!("rh: {{folder: '{folder}', links: 'https://x.example/{{path}}'{engine}}}");
        let config: Config = serde_yaml::from_str(&yaml).unwrap();
        Collections::new(config, self.data.path(), SealingKey::new(&[7; 32]))
    }

    fn indexing(&self) -> Indexing {
        let embedding = self.embedding.clone().map(|model| model as Arc<dyn EmbeddingModel>);
        let shared = self.shared.clone().map(|shared| shared as Arc<dyn SharedIndex>);
        Indexing::with(
            self.collections(),
            Arc::clone(&self.reader) as Arc<dyn FileReader>,
            embedding,
            (self.largest, shared),
        )
    }

    async fn try_index(&self, options: Options) -> Result<Summary, CollectionError> {
        self.indexing().index("rh", options, &mut |_| {}).await
    }

    async fn index(&self) -> Summary {
        self.try_index(Options::default()).await.unwrap()
    }

    fn read(&self) -> usize {
        self.reader.read.swap(0, Ordering::SeqCst)
    }

    /// The titles of the documents with their passages.
    fn kept(&self) -> BTreeMap<String, Vec<String>> {
        let kept = self.collections().kept("rh").unwrap();
        let loaded = kept.load().map(|loaded| loaded.unwrap().unwrap());
        let texts = |passages: Vec<Passage>| passages.into_iter().map(|passage| passage.text).collect();
        loaded.map(|loaded| (loaded.document.title, texts(loaded.passages))).collect()
    }
}

/// Waits for nothing: the kernel's clock sets the time of a change, so the tests rest a file by what they read of it. A file that has not
/// rested is read again, which is what they count on where they say so.
fn rest(path: &Path) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_hours(1)).unwrap();
}

#[tokio::test]
async fn a_folder_is_read_followed_and_emptied_only_when_told() {
    let scene = Scene::new();
    scene.put("a.txt", "un\ndeux");
    scene.put("sous/b.txt", "trois");
    let summary = scene.index().await;
    assert_eq!((summary.read, summary.documents, summary.passages, summary.failed.len()), (2, 2, 3, 0));
    assert_eq!(scene.kept()["a.txt"], ["un", "deux"]);
    assert_eq!(scene.read(), 2);

    let again = scene.index().await;
    assert_eq!((again.read, again.unchanged, again.documents), (0, 2, 2));
    assert_eq!(scene.read(), 0, "a content that is known is not extracted again");

    scene.put("a.txt", "un\nquatre");
    fs::rename(scene.files.path().join("sous/b.txt"), scene.files.path().join("b.txt")).unwrap();
    let changed = scene.index().await;
    assert_eq!((changed.read, changed.removed, changed.documents), (1, 1, 2), "what moved is not read again");
    assert_eq!(scene.kept()["a.txt"], ["un", "quatre"]);

    for name in ["a.txt", "b.txt"] {
        fs::remove_file(scene.files.path().join(name)).unwrap();
    }
    let emptied = scene.try_index(Options::default()).await.err();
    assert!(matches!(emptied, Some(CollectionError::Emptied { documents: 2, .. })), "a folder that is not mounted");
    assert_eq!(scene.kept().len(), 2);
    assert_eq!(scene.try_index(Options { empty: true }).await.unwrap().documents, 0);
    assert!(scene.kept().is_empty());
    let left = fs::read_dir(scene.data.path().join("collections/rh")).unwrap().count();
    assert_eq!(left, 2, "the manifest and the lock");
}

#[tokio::test]
async fn content_that_changes_under_an_old_time_is_seen() {
    let scene = Scene::new();
    scene.put("a.txt", "avant");
    scene.index().await;
    // The same length, and its time is put back: only the kernel's own time of the change tells.
    scene.put("a.txt", "après"[..].replace('è', "e"));
    assert_eq!(scene.index().await.read, 1);
    assert_eq!(scene.kept()["a.txt"], ["apres"]);
}

#[tokio::test]
async fn the_same_bytes_are_one_document_wherever_they_lie() {
    let scene = Scene::new();
    scene.put("a/note.txt", "pareil");
    scene.put("b/copie.txt", "pareil");
    let summary = scene.index().await;
    assert_eq!((summary.read, summary.copies, summary.documents), (1, 1, 1));
    fs::remove_file(scene.files.path().join("a/note.txt")).unwrap();
    let summary = scene.index().await;
    assert_eq!((summary.copies, summary.documents), (0, 1), "the copy stands in for it");
    assert_eq!(scene.kept().keys().collect::<Vec<_>>(), ["copie.txt"]);
}

#[tokio::test]
async fn what_fails_is_said_and_the_others_are_read() {
    let scene = Scene::new();
    for (name, bytes) in [
        ("bon.txt", &b"bon"[..]),
        ("vide.txt", b""),
        ("lent.txt", b"later"),
        ("casse.txt", b"\xff"),
        ("gros.txt", &[b'x'; 10_001]),
    ] {
        scene.put(name, bytes);
    }
    let summary = scene.index().await;
    let failed: BTreeMap<_, _> = summary.failed.iter().cloned().collect();
    assert_eq!(failed.keys().collect::<Vec<_>>(), ["casse.txt", "gros.txt", "lent.txt", "vide.txt"]);
    assert!(failed["vide.txt"].contains("no text") && failed["gros.txt"].contains("too large"), "{failed:?}");
    assert_eq!(summary.documents, 1);
    assert_eq!(scene.index().await.failed.len(), 4, "said each time");
    scene.put("lent.txt", "mieux");
    assert_eq!(scene.index().await.failed.len(), 3);
}

#[tokio::test]
async fn what_a_limit_refuses_is_read_once_the_limit_is_raised() {
    let mut scene = Scene::new();
    scene.put("gros.txt", [b'x'; 10_001]);
    scene.put("casse.txt", b"\xff");
    assert_eq!(scene.index().await.failed.len(), 2);
    let tried_by = |scene: &Scene| {
        let kept = scene.collections().kept("rh").unwrap();
        let outcomes = kept.manifest().entries.values().map(|entry| entry.outcome.clone());
        let by = outcomes.filter_map(|outcome| if let Outcome::Failed { by, .. } = outcome { by } else { None });
        by.collect::<Vec<_>>()
    };
    // What was tried under these limits is not tried again under them, when it rests.
    assert_eq!(tried_by(&scene), ["10000", "10000"]);
    scene.largest = 20_000;
    let summary = scene.index().await;
    assert_eq!((summary.documents, summary.failed.len()), (1, 1));
    assert!(scene.kept().contains_key("gros.txt"));
    assert_eq!(tried_by(&scene), ["20000"]);
}

/// Writes over the one segment that there is.
fn damage(scene: &Scene) {
    let folder = scene.data.path().join("collections/rh");
    let segments = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let segment = segments.filter(|path| !path.ends_with("manifest") && !path.ends_with("lock")).min().unwrap();
    fs::write(segment, "not what was sealed").unwrap();
}

#[tokio::test]
async fn a_damaged_document_stops_no_other_and_is_made_anew() {
    let scene = Scene::new();
    scene.put("a.txt", "congés reportés");
    scene.put("b.txt", "congés perdus");
    scene.index().await;
    damage(&scene);
    let index: Arc<dyn Index> = Arc::new(FakeIndex::default());
    let searchable = Searchable::new(scene.collections(), Arc::clone(&index), None, None);
    let found = async || {
        let query = Query { text: "congés".to_owned(), vector: None, generic: None, most: 5 };
        index.search(&[Partition::Collection("rh".to_owned())], &query).await.unwrap().len()
    };
    searchable.load(&["rh".to_owned()]).await;
    assert_eq!(found().await, 1, "the other one");
    scene.read();
    assert_eq!((scene.index().await.documents, scene.read()), (2, 1), "it alone is read anew");
    searchable.look_again().await;
    searchable.load(&["rh".to_owned()]).await;
    assert_eq!(found().await, 2);
    // One that nobody has searched since is found damaged when its vectors are to be made.
    damage(&scene);
    let scene = Scene { embedding: Some(embedding("e5")), ..scene };
    assert_eq!(scene.index().await.documents, 2);
    assert_eq!(scene.kept().len(), 2);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_at_the_moment_keeps_its_document() {
    let scene = Scene::new();
    scene.put("a.txt", "un");
    scene.put("sous/b.txt", "deux");
    scene.index().await;
    if nix::unistd::Uid::effective().is_root() {
        println!("root reads everything: a link to nowhere stands in");
        let sub = scene.files.path().join("sous");
        fs::rename(&sub, scene.data.path().join("moved")).unwrap();
        std::os::unix::fs::symlink(scene.data.path().join("moved"), &sub).unwrap();
        // A link to a folder is not followed: its files are gone.
        assert_eq!(scene.index().await.documents, 1);
        return;
    }
    let sub = scene.files.path().join("sous");
    fs::set_permissions(&sub, fs::Permissions::from_mode(0o000)).unwrap();
    let summary = scene.index().await;
    fs::set_permissions(&sub, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!((summary.documents, summary.removed, summary.failed.len()), (2, 0, 1));
}

#[tokio::test]
async fn one_process_at_a_time_and_nothing_of_another_key() {
    let scene = Scene::new();
    scene.put("a.txt", "un");
    let held = scene.collections().folder("rh").lock().unwrap();
    assert!(matches!(scene.try_index(Options::default()).await, Err(CollectionError::InUse)));
    drop(held);
    scene.index().await;
    let config: Config = serde_yaml::from_str(&format!("rh: {{folder: '{}'}}", scene.files.path().display())).unwrap();
    let other = Collections::new(config, scene.data.path(), SealingKey::new(&[8; 32]));
    assert!(matches!(other.kept("rh"), Err(CollectionError::Damaged)));
    // A store that was begun anew reads its collections anew.
    let indexing = Indexing::with(other, Arc::clone(&scene.reader) as Arc<dyn FileReader>, None, (10_000, None));
    assert_eq!(indexing.index("rh", Options::default(), &mut |_| {}).await.unwrap().read, 1);
}

#[tokio::test]
async fn nothing_readable_is_on_disk() {
    let mut scene = Scene::new();
    scene.embedding = Some(embedding("e"));
    scene.put("canari-nom/canari-fichier.txt", "canari-texte\ncanari-passage");
    scene.index().await;
    let mut looked = 0;
    let mut waiting = vec![scene.data.path().to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            assert!(!path.to_string_lossy().contains("canari"), "{}", path.display());
            if path.is_dir() {
                assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
                waiting.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                assert!(!bytes.windows(6).any(|window| window == b"canari"), "{}", path.display());
                assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
                looked += 1;
            }
        }
    }
    assert_eq!(looked, 3, "the lock, the manifest and a segment");
}

#[tokio::test]
async fn vectors_are_of_the_model_that_there_is() {
    let mut scene = Scene::new();
    scene.put("a.txt", format!("un\n{}", "long ".repeat(40)));
    scene.index().await;
    let model = embedding("e5");
    scene.embedding = Some(Arc::clone(&model));
    *model.fails.lock().unwrap() = true;
    let summary = scene.index().await;
    assert!(summary.failed.len() == 1 && summary.documents == 1, "it is found by its words");
    *model.fails.lock().unwrap() = false;
    assert_eq!(scene.index().await.failed.len(), 0);
    assert_eq!(model.texts.load(Ordering::SeqCst), 2);
    assert_eq!(scene.read(), 1, "the passages were known");
    let kept = scene.collections().kept("rh").unwrap();
    let loaded = kept.load().next().unwrap().unwrap().unwrap();
    assert_eq!((loaded.model.as_deref(), loaded.vectors.map(|vectors| vectors.len())), (Some("e5"), Some(2)));
    scene.embedding = Some(embedding("bge"));
    scene.index().await;
    assert_eq!(scene.read(), 0);
    let kept = scene.collections().kept("rh").unwrap();
    assert_eq!(kept.load().next().unwrap().unwrap().unwrap().model.as_deref(), Some("bge"));
}

#[tokio::test]
async fn a_search_sees_what_was_just_read() {
    let scene = Scene::new();
    scene.put("a.txt", "congés reportés");
    scene.put("b.txt", "parapheur rouge");
    scene.index().await;
    let index: Arc<dyn Index> = Arc::new(FakeIndex::default());
    let searchable = Searchable::new(scene.collections(), Arc::clone(&index), None, None);
    let found = async |text: &str| {
        let query = Query { text: text.to_owned(), vector: None, generic: None, most: 5 };
        index.search(&[Partition::Collection("rh".to_owned())], &query).await.unwrap()
    };
    searchable.load(&["rh".to_owned()]).await;
    let hits = found("congés").await;
    assert_eq!(hits[0].title, "a.txt");
    let document = searchable.document("rh", hits[0].document).await.unwrap();
    assert_eq!(document.link.as_deref(), Some("https://x.example/a.txt"));

    fs::remove_file(scene.files.path().join("b.txt")).unwrap();
    scene.put("a.txt", "congés perdus");
    scene.index().await;
    searchable.look_again().await;
    searchable.load(&["rh".to_owned()]).await;
    assert_eq!(found("perdus").await.len(), 1);
    assert!(found("parapheur").await.is_empty() && found("reportés").await.is_empty());
    // An index that has dropped them is given them again.
    index.remove(&Partition::Collection("rh".to_owned()), None).await.unwrap();
    searchable.load(&["rh".to_owned(), "unknown".to_owned()]).await;
    assert_eq!(found("perdus").await.len(), 1);
}

#[test]
fn a_compagnon_searches_what_is_given_to_it() {
    let yaml = "{rh: {folder: /a, compagnons: [colette]}, tous: {folder: /b, compagnons: [all]}, cyber: {folder: /c}}";
    let collections =
        Collections::new(serde_yaml::from_str(yaml).unwrap(), Path::new("/nowhere"), SealingKey::new(&[0; 32]));
    let compagnon = |id: &str, named: &str| {
        Compagnon::parse(id, &format!("---\nname: N\ndescription: D\ncollections: [{named}]\n---\nTexte")).unwrap()
    };
    assert_eq!(collections.of(&compagnon("colette", ""), true), ["rh", "tous"]);
    assert_eq!(collections.of(&compagnon("marius", "cyber"), true), ["cyber", "tous"]);
    assert_eq!(
        collections.of(&compagnon("colette", "cyber"), false),
        ["tous"],
        "made by command under a name of the library"
    );
    assert_eq!(collections.of(&compagnon("marius", "inconnue"), true), ["tous"]);
}
