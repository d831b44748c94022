//! Packed weights that are kept: read when everything fits, packed anew otherwise, and never wrong.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::gguf::Gguf;
use super::super::gguf_error::GgufError;
use super::super::kernels::Pool;
use super::super::packed::PackedCache;
use super::reference_tests::{path, read};
use super::weights::WeightsOrigin;
use super::{MemoryLimits, Model};

/// A model in a folder of its own.
struct ModelFolder {
    folder: tempfile::TempDir,
    model: PathBuf,
    data: PathBuf,
}

impl ModelFolder {
    fn new(case: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (model, data) = (folder.path().join("model.gguf"), folder.path().join("data"));
        fs::copy(path(case), &model).unwrap();
        Self { folder, model, data }
    }

    fn kept(&self) -> PathBuf {
        self.folder.path().join("model.gguf.packed")
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn load(&self, sha256: Option<&str>) -> Result<Model, GgufError> {
        load(&self.model, sha256, &self.data)
    }

    /// How the weights came, and the logits after some tokens.
    fn start(&self) -> (WeightsOrigin, Vec<f32>) {
        let mut model = self.load(None).unwrap();
        (model.weights.origin, read(&mut model, &[17]))
    }
}

/// As a start does, whatever the model's size.
fn load(model: &Path, sha256: Option<&str>, data: &Path) -> Result<Model, GgufError> {
    let cache = PackedCache::of(model, vec![File::open(model).unwrap()], sha256, data)?;
    let mut gguf = Gguf { cache: Some(cache), ..Gguf::open(model, None, None)? };
    let limits = MemoryLimits { context: 1 << 10, memory: 8 << 20 };
    Model::load(&mut gguf, 256, limits, Arc::new(Pool::new(2).unwrap()))
}

/// Changes what a file of packed weights says, and signs it anew.
fn forge(kept: &Path, change: impl Fn(&mut u64, &mut String)) {
    let bytes = fs::read(kept).unwrap();
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let (mut version, offset) = (number(16), number(24));
    let mut header = String::from_utf8(bytes[offset as usize..].to_vec()).unwrap();
    change(&mut version, &mut header);
    let mut forged = bytes[..16].to_vec();
    for number in [version, offset, header.len() as u64] {
        forged.extend(number.to_le_bytes());
    }
    let digest = blake3::Hasher::new().update(&forged).update(header.as_bytes()).finalize();
    forged.extend(digest.as_bytes());
    forged.extend(&bytes[72..offset as usize]);
    forged.extend(header.as_bytes());
    fs::write(kept, forged).unwrap();
}

#[test]
fn weights_are_packed_once_and_read_the_next_time() {
    for case in ["qwen3", "llama-3"] {
        let place = ModelFolder::new(case);
        let (first, logits) = place.start();
        assert_eq!(first, WeightsOrigin::Packed);
        assert_eq!(place.names(), ["model.gguf", "model.gguf.packed"]);
        assert_eq!(fs::metadata(place.kept()).unwrap().permissions().mode() & 0o777, 0o600);
        let written = fs::read(place.kept()).unwrap();
        assert_eq!(place.start(), (WeightsOrigin::Cache, logits.clone()));
        assert!(fs::read(place.kept()).unwrap() == written, "what is read is not written");
        // They are those that are packed where nothing is kept.
        let plain = read(&mut super::reference_tests::load(&mut Gguf::open(&place.model, None, None).unwrap()), &[17]);
        assert_eq!(plain, logits);
    }
}

#[test]
fn a_damaged_byte_anywhere_costs_a_packing_and_nothing_else() {
    let place = ModelFolder::new("qwen3");
    let (_, logits) = place.start();
    let sound = fs::read(place.kept()).unwrap();
    let offset = u64::from_le_bytes(sound[24..32].try_into().unwrap()) as usize;
    let step = sound.len() / 40;
    let places = (0..72).step_by(3).chain((72..sound.len()).step_by(step)).chain([offset - 1, offset, sound.len() - 1]);
    for at in places {
        let mut spoiled = sound.clone();
        spoiled[at] ^= 0x10;
        fs::write(place.kept(), &spoiled).unwrap();
        assert_eq!(place.start(), (WeightsOrigin::Packed, logits.clone()), "byte {at} of {}", sound.len());
    }
    for length in [0, 10, 72, offset, sound.len() - 1] {
        fs::write(place.kept(), &sound[..length]).unwrap();
        assert_eq!(place.start(), (WeightsOrigin::Packed, logits.clone()), "{length} bytes of {}", sound.len());
    }
    fs::write(place.kept(), [&sound[..], b"x"].concat()).unwrap();
    assert_eq!(place.start(), (WeightsOrigin::Packed, logits.clone()));
    assert_eq!(place.start(), (WeightsOrigin::Cache, logits));
}

#[test]
fn another_content_of_the_same_length_is_packed_anew() {
    let place = ModelFolder::new("qwen3");
    let (_, before) = place.start();
    let file = File::options().write(true).open(&place.model).unwrap();
    let metadata = file.metadata().unwrap();
    // The last tensor's last weight; and the times of before, as far as anybody can set them.
    file.write_all_at(&[0x12, 0x34], metadata.len() - 2).unwrap();
    file.set_modified(metadata.modified().unwrap()).unwrap();
    let (origin, after) = place.start();
    assert_eq!(origin, WeightsOrigin::Packed);
    assert_ne!(before, after);
    assert_eq!(place.start(), (WeightsOrigin::Cache, after));
}

#[test]
fn the_same_content_under_another_time_or_name_is_still_known() {
    let place = ModelFolder::new("qwen3");
    let (_, logits) = place.start();
    let copy = place.folder.path().join("copy");
    fs::copy(&place.model, &copy).unwrap();
    fs::rename(&copy, &place.model).unwrap();
    assert_eq!(place.start(), (WeightsOrigin::Cache, logits));
}

#[test]
fn another_layout_version_or_model_is_packed_anew() {
    let place = ModelFolder::new("qwen3");
    let (_, logits) = place.start();
    // Signed anew without a change, it is as good as before: what follows is refused for what it says.
    forge(&place.kept(), |_, _| {});
    assert_eq!(place.start(), (WeightsOrigin::Cache, logits.clone()));
    let changes: [fn(&mut u64, &mut String); 5] = [
        |version, _| *version += 1,
        |_, header| *header = header.replace("16 rows, 1", "16 rows, 0"),
        |_, header| *header = header.replace("blk.1.attn_q.weight", "blk.1.attn_k.weight"),
        |_, header| *header = header.replacen("\"kind\":\"F16\"", "\"kind\":\"Bf16\"", 1),
        |_, header| *header = header.replacen("\"columns\":64", "\"columns\":63", 1),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let sound = fs::read(place.kept()).unwrap();
        forge(&place.kept(), change);
        assert!(fs::read(place.kept()).unwrap() != sound, "change {index} changes something");
        assert_eq!(place.start(), (WeightsOrigin::Packed, logits.clone()), "change {index}");
    }
    fs::copy(path("qwen2"), &place.model).unwrap();
    assert_eq!(place.start().0, WeightsOrigin::Packed);
    assert_eq!(place.start().0, WeightsOrigin::Cache);
}

#[test]
fn what_a_killed_process_left_is_removed_and_what_another_writes_is_not() {
    let place = ModelFolder::new("qwen3");
    let [dead, alive] = ["1", "2"].map(|process| place.folder.path().join(format!("model.gguf.packed.{process}.part")));
    fs::write(&dead, b"half of it").unwrap();
    let other = File::create(&alive).unwrap();
    other.lock().unwrap();
    assert_eq!(place.start().0, WeightsOrigin::Packed);
    assert_eq!(place.names(), ["model.gguf", "model.gguf.packed", "model.gguf.packed.2.part"]);
    assert_eq!(place.start().0, WeightsOrigin::Cache);
}

/// The folder of open files under `/proc` takes no other file, from whomever.
#[cfg(target_os = "linux")]
#[test]
fn where_the_folder_cannot_be_written_the_data_folder_serves_or_nothing_is_kept() {
    use std::os::fd::AsRawFd;
    let place = ModelFolder::new("qwen3");
    let open = File::open(&place.model).unwrap();
    let elsewhere = PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd()));
    let origin = || load(&elsewhere, None, &place.data).unwrap().weights.origin;
    assert_eq!([origin(), origin()], [WeightsOrigin::Packed, WeightsOrigin::Packed]);
    fs::create_dir(&place.data).unwrap();
    assert_eq!([origin(), origin()], [WeightsOrigin::Packed, WeightsOrigin::Cache]);
    assert_eq!(fs::read_dir(place.data.join("packed")).unwrap().count(), 1);
    assert_eq!(place.names(), ["data", "model.gguf"]);
}

#[test]
fn a_file_that_is_cut_short_while_its_weights_are_in_use_changes_nothing() {
    let place = ModelFolder::new("qwen3");
    let (_, logits) = place.start();
    let mut model = place.load(None).unwrap();
    assert_eq!(model.weights.origin, WeightsOrigin::Cache);
    // Of a mapping, the first page that is missed would end the process.
    for file in [place.kept(), place.model.clone()] {
        File::options().write(true).open(file).unwrap().set_len(0).unwrap();
    }
    assert_eq!(read(&mut model, &[17]), logits);
}

/// A start that has to leave so much free.
fn start_with_spare(place: &ModelFolder, spare: u64) -> WeightsOrigin {
    let mut cache = PackedCache::of(&place.model, vec![File::open(&place.model).unwrap()], None, &place.data).unwrap();
    cache.spare(spare);
    let mut gguf = Gguf { cache: Some(cache), ..Gguf::open(&place.model, None, None).unwrap() };
    let limits = MemoryLimits { context: 1 << 10, memory: 8 << 20 };
    Model::load(&mut gguf, 256, limits, Arc::new(Pool::new(2).unwrap())).unwrap().weights.origin
}

#[test]
fn nothing_is_written_where_there_is_no_room_for_it() {
    let place = ModelFolder::new("qwen3");
    fs::create_dir(&place.data).unwrap();
    assert_eq!(start_with_spare(&place, u64::MAX), WeightsOrigin::Packed);
    assert_eq!(place.names(), ["data", "model.gguf"]);
    assert_eq!(fs::read_dir(&place.data).unwrap().count(), 0);
    // It is asked anew at each start.
    assert_eq!([0, 0].map(|spare| start_with_spare(&place, spare)), [WeightsOrigin::Packed, WeightsOrigin::Cache]);
}

#[test]
fn a_packing_that_failed_is_not_tried_again_until_the_note_goes_or_the_model_changes() {
    let place = ModelFolder::new("qwen3");
    let note = place.folder.path().join("model.gguf.packed.failed");
    let fail = || {
        let cache = PackedCache::of(&place.model, vec![File::open(&place.model).unwrap()], None, &place.data).unwrap();
        cache.failed(&std::io::Error::from_raw_os_error(28));
    };
    fail();
    assert_eq!([place.start().0, place.start().0], [WeightsOrigin::Packed, WeightsOrigin::Packed]);
    assert_eq!(place.names(), ["model.gguf", "model.gguf.packed.failed"]);
    fs::remove_file(&note).unwrap();
    assert_eq!([place.start().0, place.start().0], [WeightsOrigin::Packed, WeightsOrigin::Cache]);
    fs::remove_file(place.kept()).unwrap();
    fail();
    fs::copy(path("qwen2"), &place.model).unwrap();
    assert_eq!([place.start().0, place.start().0], [WeightsOrigin::Packed, WeightsOrigin::Cache]);
    assert_eq!(place.names(), ["model.gguf", "model.gguf.packed"], "the note goes with what it was about");
    fs::write(&note, "no note of ours").unwrap();
    fs::remove_file(place.kept()).unwrap();
    assert_eq!([place.start().0, place.start().0], [WeightsOrigin::Packed, WeightsOrigin::Cache]);
}

#[test]
fn what_others_may_write_is_not_believed() {
    let place = ModelFolder::new("qwen3");
    let (_, logits) = place.start();
    fs::set_permissions(place.kept(), fs::Permissions::from_mode(0o620)).unwrap();
    assert_eq!(place.start(), (WeightsOrigin::Packed, logits));
    assert_eq!(fs::metadata(place.kept()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_checked_sum_is_remembered_until_anything_changes() {
    let place = ModelFolder::new("qwen3");
    let sum = crate::inference::sha256::sha256(&mut File::open(&place.model).unwrap()).unwrap();
    let origin = |sum: &str| place.load(Some(sum)).map(|model| model.weights.origin);
    let wrong = "0".repeat(64);
    assert!(matches!(origin(&wrong), Err(GgufError::Checksum { .. })));
    // Packed before the sum was asked for: not enough.
    assert_eq!(place.start().0, WeightsOrigin::Packed);
    assert_eq!(origin(&sum.to_uppercase()).unwrap(), WeightsOrigin::Packed);
    assert_eq!(origin(&sum).unwrap(), WeightsOrigin::Cache);
    assert!(matches!(origin(&wrong), Err(GgufError::Checksum { .. })));
    // Whoever signs for another sum is believed, so the file itself was not read for it …
    forge(&place.kept(), |_, header| *header = header.replace(&sum, &wrong));
    assert_eq!(origin(&wrong).unwrap(), WeightsOrigin::Cache);
    // … but not any more once the weights turn out to be damaged …
    let file = File::options().write(true).open(place.kept()).unwrap();
    file.write_all_at(&[0xa5; 64], 4000).unwrap();
    assert!(matches!(origin(&wrong), Err(GgufError::Checksum { .. })));
    // … or when the model is another file, even with the same content.
    assert_eq!(origin(&sum).unwrap(), WeightsOrigin::Packed);
    forge(&place.kept(), |_, header| *header = header.replace(&sum, &wrong));
    fs::copy(path("qwen3"), &place.model).unwrap();
    assert!(matches!(origin(&wrong), Err(GgufError::Checksum { .. })));
}

#[test]
fn small_models_are_not_kept() {
    assert!(!PackedCache::is_worthwhile((64 << 20) - 1) && PackedCache::is_worthwhile(64 << 20));
    let place = ModelFolder::new("qwen3");
    assert!(Gguf::open(&place.model, None, Some(&place.data)).unwrap().cache.is_none());
}
