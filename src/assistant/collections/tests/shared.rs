//! A collection that several bots share: what one of them does not see is not gone.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;

use super::{CollectionError, Options, Scene, SharedIndex};
use crate::{
    assistant::{collections::Searchable, documents::fakes::FakeIndex},
    document::{Document, Passage},
    index::{IndexError, SharedDocument},
};

/// The server: the documents of one collection, with their versions and passages.
#[derive(Default)]
pub struct Server {
    documents: Mutex<HashMap<u64, Held>>,
    /// What is tried while a document is put.
    meanwhile: Mutex<Option<Box<dyn FnMut() + Send>>>,
}

type Held = (Document, [u8; 32], Vec<Passage>);

#[async_trait]
impl SharedIndex for Server {
    async fn holds(&self, _: &str) -> Result<bool, IndexError> {
        Ok(!self.documents.lock().unwrap().is_empty())
    }

    async fn begin(&self, _: &str, _: Option<(&str, usize)>) -> Result<HashMap<u64, [u8; 32]>, IndexError> {
        Ok(self.documents.lock().unwrap().iter().map(|(number, (_, version, _))| (*number, *version)).collect())
    }

    async fn document(&self, _: &str, number: u64) -> Result<Option<Document>, IndexError> {
        Ok(self.documents.lock().unwrap().get(&number).map(|(document, ..)| document.clone()))
    }

    async fn passages(&self, _: &str, number: u64) -> Result<Option<(Document, Vec<Passage>)>, IndexError> {
        let documents = self.documents.lock().unwrap();
        Ok(documents.get(&number).map(|(document, _, passages)| (document.clone(), passages.clone())))
    }

    async fn put(&self, _: &str, document: &SharedDocument<'_>) -> Result<(), IndexError> {
        if let Some(meanwhile) = &mut *self.meanwhile.lock().unwrap() {
            meanwhile();
        }
        let entry = (document.document.clone(), document.version, document.passages.to_vec());
        self.documents.lock().unwrap().insert(document.document.number, entry);
        Ok(())
    }

    async fn remove(&self, _: &str, number: u64) -> Result<(), IndexError> {
        self.documents.lock().unwrap().remove(&number);
        Ok(())
    }
}

impl Server {
    fn titles(&self) -> BTreeSet<String> {
        self.documents.lock().unwrap().values().map(|(document, ..)| document.title.clone()).collect()
    }
}

/// A bot that has read two files into the server.
async fn scene() -> (Scene, Arc<Server>) {
    let server = Arc::new(Server::default());
    let scene = Scene { shared: Some(Arc::clone(&server)), ..Scene::new() };
    scene.put("a.txt", "un");
    scene.put("b.txt", "deux");
    scene.index().await;
    assert_eq!(server.titles(), ["a.txt", "b.txt"].map(str::to_owned).into());
    (scene, server)
}

/// Another bot, which has read nothing yet.
fn other(scene: Scene) -> Scene {
    Scene { data: tempfile::tempdir().unwrap(), ..scene }
}

#[tokio::test]
async fn what_is_gone_goes_from_the_server_as_well() {
    let (scene, server) = scene().await;
    fs::remove_file(scene.files.path().join("a.txt")).unwrap();
    scene.index().await;
    assert_eq!(server.titles(), ["b.txt".to_owned()].into());
}

#[tokio::test]
async fn a_folder_that_is_not_mounted_does_not_empty_what_others_share() {
    let (scene, server) = scene().await;
    let scene = other(Scene { files: tempfile::tempdir().unwrap(), ..scene });
    for _ in 0..2 {
        let refused = scene.try_index(Options::default()).await.err();
        assert!(matches!(refused, Some(CollectionError::EmptiedShared { .. })), "{refused:?}");
        assert_eq!(server.titles().len(), 2);
    }
    // Files that give nothing are none to go by either.
    scene.put("vide.txt", "");
    assert!(scene.try_index(Options::default()).await.is_err());
    assert_eq!(server.titles().len(), 2);
    scene.try_index(Options { empty: true }).await.unwrap();
    assert!(server.titles().is_empty(), "told so");
}

#[tokio::test]
async fn what_cannot_be_read_at_the_moment_stays_in_the_server() {
    let (scene, server) = scene().await;
    let scene = other(scene);
    // Its reading fails for a while.
    scene.put("b.txt", "later");
    scene.put("c.txt", "trois");
    scene.index().await;
    assert_eq!(server.titles(), ["a.txt", "b.txt", "c.txt"].map(str::to_owned).into());
}

#[tokio::test]
async fn a_bot_that_has_read_nothing_itself_shows_what_is_cited() {
    let (scene, server) = scene().await;
    let number = *server.documents.lock().unwrap().keys().next().unwrap();
    let scene = other(scene);
    let mut searchable = Searchable::new(scene.collections(), Arc::new(FakeIndex::default()), None, None);
    assert!(searchable.passages("rh", number).await.is_none(), "without the server");
    searchable.shared = Some(server);
    let (document, passages) = searchable.passages("rh", number).await.unwrap();
    assert_eq!((document.number, passages.len()), (number, 1));
    assert_eq!(searchable.document("rh", number).await.unwrap().title, document.title);
}

#[tokio::test]
async fn nobody_else_reads_it_until_the_server_has_it() {
    let server = Arc::new(Server::default());
    let scene = Scene { shared: Some(Arc::clone(&server)), ..Scene::new() };
    scene.put("a.txt", "un");
    let (folder, refused) = (scene.collections().folder("rh"), Arc::new(Mutex::new(0)));
    let count = Arc::clone(&refused);
    let lock = move || *count.lock().unwrap() += i32::from(matches!(folder.lock(), Err(CollectionError::InUse)));
    *server.meanwhile.lock().unwrap() = Some(Box::new(lock));
    scene.index().await;
    assert_eq!(*refused.lock().unwrap(), 1);
}
