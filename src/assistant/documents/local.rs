//! Documents made of files on this machine, for cases of an evaluation: in memory only, and searched as a conversation searches the files that
//! were put into it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use ruma::{EventId, owned_room_id};

use super::{DocumentParts, Documents, Found, Search, asked::characters_for, embed, kept::Kept, names::title};
use crate::{
    assistant::failure::Failure,
    document::{Document, Partition, Passage},
    documents::{ExtractError, SourceFile},
    message::ConversationId,
    store::{GoneDocuments, StoreError, StoredVectors},
};

/// When the files were put there, and when what was said before a question: in this order.
const PUT: u64 = 0;
const SAID: u64 = 1;

/// A file that was read: one, in however many sets it is.
#[derive(Clone)]
pub struct LocalFile {
    title: String,
    format: &'static str,
    pages: Option<u32>,
    passages: Arc<[Passage]>,
    vectors: Option<Arc<StoredVectors>>,
}

/// Files that are searched together.
pub struct LocalSet {
    conversation: ConversationId,
    documents: Vec<Document>,
}

/// Documents of files on this machine.
pub struct LocalDocuments {
    documents: Documents,
    memory: Arc<Memory>,
}

impl LocalDocuments {
    /// With nothing in them yet.
    #[must_use]
    pub fn new(parts: DocumentParts) -> Self {
        let memory = Arc::new(Memory::default());
        Self { documents: Documents::new(memory.clone(), parts), memory }
    }

    /// The most bytes of a file.
    #[must_use]
    pub fn largest_file(&self) -> u64 {
        self.documents.largest_file
    }

    /// Reads a file in the confined child, and makes the vectors of its passages where there is a model for them.
    pub async fn read(&self, name: &str, bytes: &[u8]) -> Result<LocalFile, ExtractError> {
        let read = self.documents.reader.read(SourceFile { name, media_type: None, bytes }).await?;
        let title = title(name);
        let vectors = embed::vectors(self.documents.embedding.as_deref(), &title, &read.passages).await;
        let (format, pages) = (read.format.name(), read.pages);
        Ok(LocalFile { title, format, pages, passages: read.passages.into(), vectors: vectors.map(Arc::new) })
    }

    /// Puts files together, in this order.
    #[must_use]
    pub fn put(&self, files: &[LocalFile]) -> LocalSet {
        let mut held = self.memory.lock();
        let thread = EventId::parse(format!("${}", held.len())).ok();
        let conversation = ConversationId { room_id: owned_room_id!("!local:localhost"), thread };
        let partition = Partition::Conversation(conversation.clone());
        let document = |(index, file): (usize, &LocalFile)| Document {
            number: index as u64 + 1,
            partition: partition.clone(),
            title: file.title.clone(),
            format: file.format.to_owned(),
            pages: file.pages,
            passages: file.passages.len() as u32,
            characters: file.passages.iter().map(|passage| passage.text.chars().count() as u64).sum(),
            origin: None,
            added_at: PUT,
            link: None,
        };
        let documents: Vec<Document> = files.iter().enumerate().map(document).collect();
        held.insert(partition, documents.iter().cloned().zip(files.iter().cloned()).collect());
        LocalSet { conversation, documents }
    }

    /// The passages of a set that answer a question, perhaps; `before` is what was asked before it, of the same files. `context` is how many
    /// tokens the model takes.
    pub async fn search(
        &self,
        set: &LocalSet,
        question: &str,
        before: Option<&str>,
        context: usize,
    ) -> Result<Found, Failure> {
        let search = Search {
            conversation: &set.conversation,
            partitions: &[Partition::Conversation(set.conversation.clone())],
            documents: &set.documents,
            question,
            before,
            about: &[],
            last_answer: before.map(|_| SAID),
            now: SAID,
            characters: characters_for(context),
        };
        self.documents.search(&search).await
    }
}

/// The documents of each set, by its partition. None ever goes.
#[derive(Default)]
struct Memory(Mutex<HashMap<Partition, Vec<(Document, LocalFile)>>>);

impl Memory {
    fn lock(&self) -> MutexGuard<'_, HashMap<Partition, Vec<(Document, LocalFile)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something of the file of a document.
    fn of<T>(&self, document: &Document, some: impl FnOnce(&mut LocalFile) -> Option<T>) -> Option<T> {
        let mut held = self.lock();
        let set = held.get_mut(&document.partition)?;
        set.iter_mut().find(|(known, _)| known.number == document.number).and_then(|(_, file)| some(file))
    }
}

#[async_trait]
impl Kept for Memory {
    async fn documents(&self, partitions: &[Partition]) -> Result<Vec<Document>, StoreError> {
        let held = self.lock();
        let sets = partitions.iter().filter_map(|partition| held.get(partition)).flatten();
        Ok(sets.map(|(document, _)| document.clone()).collect())
    }

    async fn passages(&self, document: &Document) -> Result<Option<Vec<Passage>>, StoreError> {
        Ok(self.of(document, |file| Some(file.passages.to_vec())))
    }

    async fn vectors(&self, document: &Document, model: &str) -> Result<Option<Vec<Vec<f32>>>, StoreError> {
        let of_model = |vectors: &&Arc<StoredVectors>| vectors.model == model;
        Ok(self.of(document, |file| file.vectors.as_ref().filter(of_model).map(|vectors| vectors.values.clone())))
    }

    async fn put_vectors(&self, document: &Document, vectors: StoredVectors) -> Result<(), StoreError> {
        self.of(document, |file| file.vectors.replace(Arc::new(vectors)));
        Ok(())
    }

    async fn gone_documents(&self) -> Result<GoneDocuments, StoreError> {
        Ok(GoneDocuments::default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use async_trait::async_trait;

    use super::{DocumentParts, Documents, Found, LocalDocuments, Partition, SAID, Search, characters_for};
    use crate::{
        assistant::{
            collections::Searchable,
            documents::{
                FileReader, embed,
                fakes::{FakeIndex, FakeReader},
            },
        },
        document::Source,
        documents::{ExtractError, SourceFile},
        index::{Index, embedded::EmbeddedIndex},
        inference::{EmbeddingError, EmbeddingLimits, EmbeddingModel, TextKind},
        store::{NewDocument, Store},
    };

    const CONTEXT: usize = 4_096;

    /// A text's vector is what words it has; how often texts were embedded as passages is counted.
    #[derive(Default)]
    struct Words {
        passages: AtomicUsize,
    }

    #[async_trait]
    impl EmbeddingModel for Words {
        fn name(&self) -> &'static str {
            "words"
        }

        fn limits(&self) -> EmbeddingLimits {
            EmbeddingLimits { dimension: 64, context_length: 1_000, max_batch: 8 }
        }

        async fn embed(&self, kind: TextKind, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbeddingError> {
            if kind == TextKind::Passage {
                self.passages.fetch_add(texts.len(), Ordering::Relaxed);
            }
            let vector = |text: &String| {
                // As texts of one language are: all of them near to one another.
                let mut vector = vec![2.0_f32; 64];
                for word in text.split_whitespace() {
                    let place = word.bytes().map(usize::from).sum::<usize>() % 64;
                    vector[place] += 1.0;
                }
                let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
                vector.into_iter().map(|value| value / length).collect()
            };
            Ok(texts.iter().map(vector).collect())
        }
    }

    fn parts(embedding: Option<Arc<dyn EmbeddingModel>>) -> DocumentParts {
        let index: Arc<dyn Index> = Arc::new(EmbeddedIndex::new(1 << 26));
        let collections = Arc::new(Searchable::none(Arc::clone(&index)));
        DocumentParts { index, embedding, collections, ..FakeIndex::parts() }
    }

    /// A long file, which is searched, and a short one, which is given whole where it is asked about.
    fn files() -> [(&'static str, String); 2] {
        let articles =
            (1..300).map(|number| format!("Article {number}. La prime numéro {number} revient au bureau {number}."));
        let mut long: Vec<String> = articles.collect();
        long.insert(120, "Le budget des astreintes est voté chaque mardi par la commission.".to_owned());
        long.insert(200, "Le congé pour astreinte dure deux jours.".to_owned());
        [("Règlement.txt", long.join("\n\n")), ("conges.txt", "Un congé de formation dure dix jours.".to_owned())]
    }

    fn sources(found: Found) -> Vec<Source> {
        match found {
            Found::Sources(sources) => sources,
            Found::NotSearched | Found::Nothing => Vec::new(),
            Found::Failed => panic!("not searched"),
        }
    }

    /// All of sources but the numbers of their documents, which the store gives otherwise.
    fn shown(sources: &[Source]) -> Vec<(usize, &str, u32, u32, &str)> {
        let sources = sources.iter();
        let shown = sources.map(|Source { mark, title, passage, passages, .. }| {
            (*mark, title.as_str(), passage.ordinal, *passages, passage.text.as_str())
        });
        shown.collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_set_is_searched_as_a_conversation_with_the_same_files() {
        let models: [Option<Arc<dyn EmbeddingModel>>; 2] = [None, Some(Arc::new(Words::default()))];
        for embedding in models {
            let local = LocalDocuments::new(parts(embedding.clone()));
            let mut read = Vec::new();
            for (name, text) in &files() {
                read.push(local.read(name, text.as_bytes()).await.expect("read"));
            }
            let set = local.put(&read);

            let folder = tempfile::tempdir().expect("a folder");
            let store = Store::open(folder.path()).expect("a store");
            let partition = Partition::Conversation(set.conversation.clone());
            for (name, text) in &files() {
                let file = SourceFile { name, media_type: None, bytes: text.as_bytes() };
                let passages = FakeReader.read(file).await.expect("read").passages;
                let vectors = embed::vectors(embedding.as_deref(), name, &passages).await;
                let title = (*name).to_owned();
                let (partition, format) = (partition.clone(), "txt".to_owned());
                let (pages, origin, link) = (None, None, None);
                let new = NewDocument { partition, title, format, pages, origin, link, passages, vectors };
                store.put_document(new, 0).await.expect("stored");
            }
            let room = Documents::new(Arc::new(store), parts(embedding.clone()));
            let documents = room.of(std::slice::from_ref(&partition)).await.expect("documents");

            let mut given = Vec::new();
            for (question, before) in [
                ("Qui vote le budget des astreintes ?", None),
                ("Combien de temps dure un congé de formation ?", Some("Bonjour")),
                ("Combien de jours dure le congé pour astreinte ?", Some("Bonjour")),
                ("Et pour le budget ?", Some("Qui décide des astreintes ?")),
                ("Quelle est la capitale du Japon ?", Some("Bonjour")),
                ("Merci beaucoup", None),
            ] {
                let search = Search {
                    conversation: &set.conversation,
                    partitions: std::slice::from_ref(&partition),
                    documents: &documents,
                    question,
                    before,
                    about: &[],
                    last_answer: before.map(|_| SAID),
                    now: SAID,
                    characters: characters_for(CONTEXT),
                };
                let expected = sources(room.search(&search).await.expect("searched"));
                let found = sources(local.search(&set, question, before, CONTEXT).await.expect("searched"));
                assert_eq!(shown(&found), shown(&expected), "{question}");
                let marks: Vec<usize> = found.iter().map(|source| source.mark).collect();
                assert_eq!(marks, (1..=found.len()).collect::<Vec<_>>());
                given.push(found);
            }
            let has = |asked: usize, words: &str| given[asked].iter().any(|source| source.passage.text.contains(words));
            if embedding.is_none() {
                assert!(has(0, "chaque mardi") && has(1, "dix jours") && has(2, "deux jours"), "{given:?}");
                assert!(given[4].is_empty(), "nothing answers: {given:?}");
            }
            assert!(!given[2].is_empty(), "{given:?}");
            assert!(given[5].is_empty(), "thanks are not searched for");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn sets_see_nothing_of_one_another_and_share_what_was_read() {
        let words = Arc::new(Words::default());
        let local = LocalDocuments::new(parts(Some(words.clone())));
        let one = local.read("a.txt", "Le badge s’active au guichet.".as_bytes()).await.expect("read");
        let other = local.read("b.txt", "Le parking ferme à vingt heures.".as_bytes()).await.expect("read");
        let (both, alone) = (local.put(&[one, other.clone()]), local.put(&[other]));
        let found = |found: Found| sources(found).into_iter().map(|source| source.title).collect::<Vec<_>>();
        let asked = "Où s’active le badge, et quand ferme le parking ?";
        assert_eq!(found(local.search(&both, asked, None, CONTEXT).await.expect("searched")), ["a.txt", "b.txt"]);
        assert_eq!(found(local.search(&alone, asked, None, CONTEXT).await.expect("searched")), ["b.txt"]);
        assert_eq!(words.passages.load(Ordering::Relaxed), 2, "each file is embedded once");
        let refused = local.read("c.pdf", b"!password").await;
        assert!(matches!(refused, Err(ExtractError::Encrypted)));
    }
}
