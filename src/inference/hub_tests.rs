use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::folders::{find_folder, pull_files};
use super::{HubError, find, list, pull_with, verify};
use crate::inference::config::{Hub, HubFolder};

const REVISION: &str = "0123456789012345678901234567890123456789";
const CONTENT: &[u8] = b"GGUF, or nearly: what matters here is that it comes whole.";

/// A hub on loopback: it serves one file and remembers what was asked.
struct FakeHub {
    endpoint: String,
    state: Arc<Mutex<State>>,
}

struct State {
    content: Vec<u8>,
    etag: String,
    /// After how many bytes of the file the next download is cut.
    cut: Option<usize>,
    requests: Vec<String>,
    /// The status of every answer, in place of the file.
    refuses: Option<u16>,
    /// The length that it says the file has.
    claims: Option<usize>,
    /// The files that it has, by path, in place of the one.
    files: Option<HashMap<&'static str, Vec<u8>>>,
}

impl FakeHub {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            content: CONTENT.to_vec(),
            etag: "e".into(),
            cut: None,
            requests: vec![],
            refuses: None,
            claims: None,
            files: None,
        }));
        let shared = Arc::clone(&state);
        // The thread ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &mut shared.lock().unwrap());
            }
        });
        Self { endpoint, state }
    }

    fn hub(&self) -> Hub {
        Hub {
            repo: "owner/name".into(),
            file: "folder/m.gguf".into(),
            revision: REVISION.into(),
            endpoint: self.endpoint.clone(),
        }
    }

    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }
}

fn serve(mut stream: std::net::TcpStream, state: &mut State) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let path = lines.next().unwrap_or_default();
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let range = headers.iter().find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    let range = range.unwrap_or_else(|| "0-".to_owned());
    state.requests.push(format!("{path} {range}"));
    if let Some(status) = state.refuses {
        let _ = write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return;
    }
    let (content, etag) = match &state.files {
        None => (&state.content, state.etag.clone()),
        Some(files) => {
            let asked = path.split_whitespace().nth(1).and_then(|path| path.split_once(&format!("{REVISION}/")));
            let Some((name, content)) = asked.and_then(|(_, name)| files.get_key_value(name)) else {
                let _ = write!(stream, "HTTP/1.1 404 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                return;
            };
            (content, format!("e-{}", name.replace('/', "-")))
        }
    };
    let total = content.len();
    let length = state.claims.unwrap_or(total);
    let (start, end) = range.split_once('-').unwrap();
    let start: usize = start.parse().unwrap();
    let end = end.parse().map_or(total, |last: usize| last + 1);
    if start >= total {
        let _ = write!(stream, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return;
    }
    let _ = write!(
        stream,
        "HTTP/1.1 206 Partial Content\r\nContent-Length: {}\r\nContent-Range: bytes {start}-{}/{length}\r\n\
         ETag: \"{}\"\r\nX-Repo-Commit: {REVISION}\r\nConnection: close\r\n\r\n",
        end - start,
        end - 1,
        etag,
    );
    let probing = range == "0-0";
    let stop = if probing { end } else { state.cut.take().unwrap_or(end) };
    let _ = stream.write_all(&content[start..stop]);
}

fn pull(hub: &Hub, sha256: Option<&str>, data: &Path) -> Result<super::Entry, HubError> {
    pull_with(hub, sha256, false, data, 0)
}

fn sum(bytes: &[u8]) -> String {
    super::sha256(&mut std::io::Cursor::new(bytes)).unwrap()
}

#[test]
fn a_pull_is_whole_recorded_and_not_repeated() {
    let (fake, data) = (FakeHub::start(), tempfile::tempdir().unwrap());
    let entry = pull(&fake.hub(), None, data.path()).unwrap();
    assert_eq!(std::fs::read(entry.path(data.path())).unwrap(), CONTENT);
    assert_eq!((entry.bytes, entry.sha256.as_str()), (CONTENT.len() as u64, sum(CONTENT).as_str()));
    assert_eq!(list(data.path()).unwrap(), std::slice::from_ref(&entry));
    assert_eq!(find(&fake.hub(), data.path()).unwrap(), Some(entry.clone()));
    assert!(fake.requests().iter().all(|line| line.contains(&format!("/owner/name/resolve/{REVISION}/folder/m.gguf"))));
    // Nothing is asked of the hub again, so it also works offline.
    assert_eq!(pull_with(&fake.hub(), Some(&sum(CONTENT)), true, data.path(), 0).unwrap(), entry);
    assert_eq!(fake.requests(), Vec::<String>::new());
}

#[test]
fn offline_downloads_nothing() {
    let (fake, data) = (FakeHub::start(), tempfile::tempdir().unwrap());
    assert!(matches!(pull_with(&fake.hub(), None, true, data.path(), 0), Err(HubError::Offline)));
    assert_eq!(fake.requests(), Vec::<String>::new());
    assert_eq!(list(data.path()).unwrap(), []);
}

#[test]
fn a_cut_download_goes_on_where_it_stopped() {
    let (fake, data) = (FakeHub::start(), tempfile::tempdir().unwrap());
    fake.state.lock().unwrap().cut = Some(20);
    assert!(matches!(pull(&fake.hub(), None, data.path()), Err(HubError::Download { .. })));
    assert_eq!(list(data.path()).unwrap(), []);
    fake.requests();
    let entry = pull(&fake.hub(), None, data.path()).unwrap();
    assert_eq!(std::fs::read(entry.path(data.path())).unwrap(), CONTENT);
    assert!(fake.requests().last().unwrap().ends_with(" 20-"));
}

#[test]
fn a_part_that_is_already_whole_does_not_block_for_ever() {
    let (fake, data) = (FakeHub::start(), tempfile::tempdir().unwrap());
    for length in [CONTENT.len(), CONTENT.len() + 1] {
        let blobs = data.path().join("models/hub/models--owner--name/blobs");
        std::fs::create_dir_all(&blobs).unwrap();
        std::fs::write(blobs.join("e.part"), vec![b'x'; length]).unwrap();
        let entry = pull(&fake.hub(), None, data.path()).unwrap();
        assert_eq!(entry.sha256, sum(CONTENT));
        std::fs::remove_dir_all(data.path().join("models")).unwrap();
    }
}

#[test]
fn a_file_that_is_not_the_expected_one_is_removed_and_refused() {
    let (fake, data) = (FakeHub::start(), tempfile::tempdir().unwrap());
    let wrong = "0".repeat(64);
    for (configured, etag) in [(Some(wrong.as_str()), "e"), (None, wrong.as_str())] {
        fake.state.lock().unwrap().etag = etag.to_owned();
        let error = pull(&fake.hub(), configured, data.path()).unwrap_err();
        assert!(matches!(&error, HubError::Mismatch { expected, .. } if *expected == wrong), "{error}");
        assert_eq!(list(data.path()).unwrap(), []);
    }
    // The refused file is gone: with the right sum, the same pull works.
    fake.state.lock().unwrap().etag = sum(CONTENT);
    assert!(pull(&fake.hub(), Some(&sum(CONTENT)), data.path()).is_ok());
}

#[test]
fn a_copy_that_changed_is_seen_and_pulled_again() {
    let (fake, data) = (FakeHub::start(), tempfile::tempdir().unwrap());
    let entry = pull(&fake.hub(), None, data.path()).unwrap();
    let outcome = || verify(data.path()).unwrap().pop().unwrap().outcome;
    assert!(outcome().is_ok());
    std::fs::write(entry.path(data.path()), "spoiled").unwrap();
    assert!(matches!(outcome(), Err(HubError::Mismatch { .. })));
    assert_eq!(pull(&fake.hub(), None, data.path()).unwrap(), entry);
    assert!(outcome().is_ok());
    std::fs::remove_file(entry.path(data.path())).unwrap();
    assert!(matches!(outcome(), Err(HubError::File { .. })));
}

#[test]
fn a_hub_that_changes_a_pinned_file_is_refused() {
    let (fake, data) = (FakeHub::start(), tempfile::tempdir().unwrap());
    let entry = pull(&fake.hub(), None, data.path()).unwrap();
    std::fs::remove_file(entry.path(data.path())).unwrap();
    fake.state.lock().unwrap().content.push(b'!');
    fake.state.lock().unwrap().etag = "other".to_owned();
    assert!(matches!(pull(&fake.hub(), None, data.path()), Err(HubError::Mismatch { .. })));
}

#[test]
fn what_the_hub_does_not_have_is_not_to_be_tried_again() {
    let (fake, data) = (FakeHub::start(), tempfile::tempdir().unwrap());
    fake.state.lock().unwrap().refuses = Some(404);
    let sentence = pull(&fake.hub(), None, data.path()).unwrap_err().to_string();
    assert!(sentence.contains(&format!("{}/owner/name/resolve/{REVISION}/folder/m.gguf", fake.endpoint)), "{sentence}");
    assert!(sentence.contains("model.hub.revision") && !sentence.contains("again"), "{sentence}");
}

#[test]
fn a_second_pull_is_refused_in_plain_words() {
    let (fake, data) = (FakeHub::start(), tempfile::tempdir().unwrap());
    let models = data.path().join("models");
    std::fs::create_dir_all(&models).unwrap();
    let held = super::alone(&models).unwrap();
    let sentence = pull(&fake.hub(), None, data.path()).unwrap_err().to_string();
    assert!(sentence.contains("another pull is running"), "{sentence}");
    assert_eq!(fake.requests(), Vec::<String>::new());
    drop(held);
    pull(&fake.hub(), None, data.path()).unwrap();
}

#[test]
fn a_model_that_does_not_fit_is_refused_before_the_first_byte() {
    let root = Path::new("/data/models");
    let gib = 1 << 30;
    assert!(super::fits(root, 2 * gib, 3 * gib).is_ok());
    let sentence = super::fits(root, 2 * gib, 2 * gib).unwrap_err().to_string();
    assert!(sentence.contains("2.00 GiB") && sentence.contains("/data/models"), "{sentence}");
    // The hub's word for the length of the file, which no disk here can take.
    let (fake, data) = (FakeHub::start(), tempfile::tempdir().unwrap());
    fake.state.lock().unwrap().claims = Some(1 << 60);
    assert!(matches!(pull(&fake.hub(), None, data.path()), Err(HubError::NoSpace { .. })));
    assert_eq!(fake.requests().len(), 1, "only its length was asked for");
}

#[test]
fn a_tokenizer_beside_the_model_is_the_one_of_the_manifest() {
    let (fake, data) = (FakeHub::start(), tempfile::tempdir().unwrap());
    let entry = pull(&fake.hub(), None, data.path()).unwrap();
    assert!(entry.tokenizer.is_none() && entry.check_tokenizer(data.path()).is_ok());
    let tokenizer = entry.path(data.path()).with_file_name("tokenizer.json");
    std::fs::write(&tokenizer, "{}").unwrap();
    let sentence = entry.check_tokenizer(data.path()).unwrap_err().to_string();
    assert!(sentence.contains("tokenizer.json") && sentence.contains("model pull"), "{sentence}");
    assert!(verify(data.path()).unwrap().pop().unwrap().outcome.is_err());
    fake.requests();
    let taken_up = pull(&fake.hub(), None, data.path()).unwrap();
    assert_eq!(fake.requests(), Vec::<String>::new(), "the model itself is not fetched again");
    assert_eq!(taken_up.tokenizer, Some(sum(b"{}")));
    assert_eq!(find(&fake.hub(), data.path()).unwrap(), Some(taken_up.clone()));
    std::fs::write(&tokenizer, "{ }").unwrap();
    assert!(taken_up.check_tokenizer(data.path()).is_err());
}

#[test]
fn a_damaged_manifest_is_told() {
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(data.path().join("models")).unwrap();
    std::fs::write(data.path().join("models/manifest.json"), "[{").unwrap();
    assert!(matches!(list(data.path()), Err(HubError::Manifest(_))));
}

/// A hub with these files, and the section that names it.
fn folder_of(files: &[&'static str]) -> (FakeHub, HubFolder) {
    let fake = FakeHub::start();
    let content = |name: &&'static str| match *name {
        "model.safetensors.index.json" => {
            br#"{"weight_map": {"a": "part-1.safetensors", "b": "part-2.safetensors"}}"#.to_vec()
        }
        name => format!("the content of {name}").into_bytes(),
    };
    fake.state.lock().unwrap().files = Some(files.iter().map(|name| (*name, content(name))).collect());
    let hub = HubFolder {
        repo: "owner/name".into(),
        revision: REVISION.into(),
        files: Vec::new(),
        endpoint: fake.endpoint.clone(),
    };
    (fake, hub)
}

#[test]
fn an_encoder_is_pulled_with_what_lies_beside_it_and_verified() {
    let (files, data) =
        (["config.json", "tokenizer.json", "model.safetensors", "1_Pooling/config.json"], tempfile::tempdir().unwrap());
    let (fake, hub) = folder_of(&files);
    assert_eq!(find_folder(&hub, data.path()).unwrap(), None);
    assert!(matches!(pull_files(&hub, true, data.path(), 0), Err(HubError::Offline)));
    let entries = pull_files(&hub, false, data.path(), 0).unwrap();
    assert_eq!(entries.len(), 4);
    let folder = find_folder(&hub, data.path()).unwrap().expect("it is here");
    for name in files {
        assert_eq!(std::fs::read_to_string(folder.join(name)).unwrap(), format!("the content of {name}"));
    }
    assert!(verify(data.path()).unwrap().iter().all(|verified| verified.outcome.is_ok()));
    // Nothing is asked of the hub again.
    fake.requests();
    assert_eq!(pull_files(&hub, true, data.path(), 0).unwrap().len(), 4);
    assert_eq!(fake.requests(), Vec::<String>::new());
    // What was cut or changed is found, by its length at once and by its content when it is asked for.
    let weights = folder.join("model.safetensors").canonicalize().unwrap();
    std::fs::write(&weights, b"shorter").unwrap();
    assert!(matches!(find_folder(&hub, data.path()), Err(HubError::Changed(_))));
    std::fs::write(&weights, b"The content of model.safetensors").unwrap();
    assert!(find_folder(&hub, data.path()).unwrap().is_some());
    assert_eq!(verify(data.path()).unwrap().iter().filter(|verified| verified.outcome.is_err()).count(), 1);
    pull_files(&hub, false, data.path(), 0).unwrap();
    assert!(verify(data.path()).unwrap().iter().all(|verified| verified.outcome.is_ok()));
}

#[test]
fn an_encoder_in_parts_is_pulled_whole_and_one_without_safetensors_is_named() {
    let parts =
        ["config.json", "tokenizer.json", "model.safetensors.index.json", "part-1.safetensors", "part-2.safetensors"];
    let data = tempfile::tempdir().unwrap();
    let (_fake, hub) = folder_of(&parts[..4]);
    assert!(matches!(pull_files(&hub, false, data.path(), 0), Err(HubError::Missing { .. })));
    assert_eq!(find_folder(&hub, data.path()).unwrap(), None, "a part is missing");
    let (_fake, hub) = folder_of(&parts);
    assert_eq!(pull_files(&hub, false, data.path(), 0).unwrap().len(), 5);
    assert!(find_folder(&hub, data.path()).unwrap().is_some());
    let data = tempfile::tempdir().unwrap();
    let (_fake, hub) = folder_of(&["config.json", "tokenizer.json", "pytorch_model.bin"]);
    let error = pull_files(&hub, false, data.path(), 0).unwrap_err().to_string();
    assert!(error.contains("owner/name") && error.contains("model.safetensors"), "{error}");
}
