//! Models as `transformers` writes them: safetensors with `config.json` and `tokenizer.json`, made to look like a GGUF.
//!
//! The names, the metadata and the order of rows become those that llama.cpp's converter gives (`convert_hf_to_gguf.py`), so that
//! one description of each family serves both. `settings` and `rope` translate `config.json`, `tokens` what concerns the vocabulary, and
//! `rows` reads rows in their new order; no tensor is copied or held in memory for it.

mod rope;
mod rows;
mod settings;
mod tokens;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};

use candle_core::Shape;
use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::{Content, TensorInfo, Value, VersionedMagic};
use safetensors::Dtype;
use safetensors::tensor::Metadata;
use serde_json::Value as Json;

use self::rows::{Segment, Segments};
use self::settings::Settings;
use super::gguf::{Gguf, GgufError};
use super::packed::Cache;
use super::tokenizer_json;

/// Names of tensors and their places: a large model has some thousands, of a hundred bytes each.
const LONGEST_HEADER: u64 = 16 << 20;

/// The longest `config.json`, template and index; vocabularies are longer.
const LONGEST_TEXT: u64 = 16 << 20;
const LONGEST_VOCABULARY: u64 = tokenizer_json::LONGEST;

/// The most files a model may be in.
const MOST_FILES: usize = 1024;

/// Whether a path names such a model rather than a GGUF.
pub(super) fn is_one(path: &Path) -> bool {
    path.is_dir() || path.extension().is_some_and(|extension| extension == "safetensors")
}

/// Opens the model in a folder, or the one of a single file with its descriptions beside it. With `sha256`, only if that file
/// has that sum. Its packed tensors are kept as [`Gguf::open`] has it.
pub(super) fn open(path: &Path, sha256: Option<&str>, keep: Option<&Path>) -> Result<Gguf, GgufError> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) };
    let main = main_file(path)?;
    let weights = weight_files(&main)?;
    let config = File::open(folder.join("config.json"))
        .map_err(|_| GgufError::damaged("there is no config.json that can be read beside its safetensors"))?;
    let settings = Settings::read(&read_json(&config, "config.json")?)?;

    let files = weights.iter().map(File::open).collect::<Result<Vec<File>, _>>()?;
    if sha256.is_some() && files.len() > 1 {
        return Err(GgufError::unsupported("it is several files, and model.sha256 is the sum of one"));
    }
    // Rows are put in another order by what the settings say.
    let parts = files.iter().chain([&config]).map(File::try_clone).collect::<Result<_, _>>()?;
    let cache = Cache::open(&main, parts, sha256, keep)?;

    let mut tensors = Tensors::default();
    for (index, file) in files.iter().enumerate() {
        tensors.add(index, file)?;
    }
    let (segments, infos) = tensors.translate(&settings)?;
    let rows = infos.get("token_embd.weight").map_or(0, |info| info.shape.dims()[0]);
    let mut metadata = settings.metadata;
    metadata.insert("general.name".to_owned(), Value::String(name(folder)));
    tokens::read(folder, rows, &settings.ends, &mut metadata)?;
    let content = Content { magic: VersionedMagic::GgufV3, metadata, tensor_infos: infos, tensor_data_offset: 0 };
    let gguf = Gguf::made(content, Segments::new(files, segments));
    Ok(Gguf { cache, ..gguf })
}

fn name(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    whole.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The file that holds all weights, or the index of several.
fn main_file(path: &Path) -> Result<PathBuf, GgufError> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let names = ["model.safetensors.index.json", "model.safetensors"];
    let found = names.iter().map(|name| path.join(name)).find(|file| file.exists());
    found.ok_or_else(|| GgufError::damaged("the folder holds neither model.safetensors nor its index"))
}

fn weight_files(main: &Path) -> Result<Vec<PathBuf>, GgufError> {
    if main.extension().is_some_and(|extension| extension == "safetensors") {
        return Ok(vec![main.to_owned()]);
    }
    let index = read_json(&File::open(main)?, "its index")?;
    let damaged = || GgufError::damaged("its index does not say which tensor is in which file");
    let map = index.get("weight_map").and_then(Json::as_object).ok_or_else(damaged)?;
    let names = map.values().map(Json::as_str).collect::<Option<HashSet<&str>>>().ok_or_else(damaged)?;
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    let plain = |name: &&str| matches!(Path::new(name).components().collect::<Vec<_>>()[..], [Component::Normal(_)]);
    if names.is_empty() || names.len() > MOST_FILES || !names.iter().all(plain) {
        return Err(GgufError::damaged("its index names files that are not in its folder"));
    }
    Ok(names.into_iter().map(|name| main.with_file_name(name)).collect())
}

/// A JSON file that is read whole.
fn read_json(file: &File, name: &str) -> Result<Json, GgufError> {
    let text = read_bounded(file, LONGEST_TEXT, name)?;
    serde_json::from_slice(&text).map_err(|error| GgufError::damaged(format!("{name} cannot be read: {error}")))
}

fn read_bounded(file: &File, longest: u64, name: &str) -> Result<Vec<u8>, GgufError> {
    let mut bytes = Vec::new();
    file.take(longest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(GgufError::damaged(format!("{name} is absurdly long")));
    }
    Ok(bytes)
}

/// A file of the model's folder that need not be there.
fn read_if_there(path: &Path, longest: u64) -> Result<Option<Vec<u8>>, GgufError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match File::open(path) {
        Ok(file) => read_bounded(&file, longest, &name).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(GgufError::damaged(format!("{name} cannot be read: {error}"))),
    }
}

/// A tensor as its file has it.
struct Stored {
    file: usize,
    start: u64,
    dtype: Dtype,
    dims: Vec<usize>,
}

/// The tensors of all files, by the name that `transformers` gives them.
#[derive(Default)]
struct Tensors(BTreeMap<String, Stored>);

impl Tensors {
    /// Reads the header of a file; what it says is held against the file's length.
    fn add(&mut self, index: usize, file: &File) -> Result<(), GgufError> {
        let whole = file.metadata()?.len();
        let mut length = [0; 8];
        file.read_exact_at(&mut length, 0)?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER || length.saturating_add(8) > whole {
            return Err(GgufError::damaged("it is cut short, or is no safetensors file"));
        }
        let mut header = vec![0; length as usize];
        file.read_exact_at(&mut header, 8)?;
        refuse_doubles(&header)?;
        // The crate checks that the tensors follow each other without a gap, each as long as its shape says.
        let metadata: Metadata = serde_json::from_slice(&header)
            .map_err(|error| GgufError::damaged(format!("its header cannot be read: {error}")))?;
        if metadata.data_len() as u64 != whole - 8 - length {
            return Err(GgufError::damaged("it is cut short, or its header lies"));
        }
        for (name, info) in metadata.tensors() {
            let start = 8 + length + info.data_offsets.0 as u64;
            let stored = Stored { file: index, start, dtype: info.dtype, dims: info.shape.clone() };
            if self.0.insert(name.clone(), stored).is_some() {
                return Err(GgufError::damaged(format!("the tensor {name} is in two of its files")));
            }
        }
        Ok(())
    }

    /// The tensors as a GGUF has them: names, order of rows, and places one after the other.
    fn translate(mut self, settings: &Settings) -> Result<(Vec<Segment>, HashMap<String, TensorInfo>), GgufError> {
        let mut segments = Vec::new();
        let mut infos = HashMap::new();
        let mut offset = 0;
        settings.choose(&mut self.0)?;
        for (name, stored) in self.0 {
            let name = settings::rename(&name)?;
            let (ggml_dtype, bytes) = match stored.dtype {
                Dtype::F32 => (GgmlDType::F32, 4),
                Dtype::F16 => (GgmlDType::F16, 2),
                Dtype::BF16 => (GgmlDType::BF16, 2),
                other => {
                    return Err(GgufError::unsupported(format!(
                        "the tensor {name} is stored as {other:?}, which is not supported: only F16, BF16 and F32 are"
                    )));
                }
            };
            let [rows, rest @ ..] = &stored.dims[..] else {
                return Err(GgufError::damaged(format!("the tensor {name} has an impossible shape")));
            };
            // Their product is within the file's length.
            let row = rest.iter().product::<usize>() * bytes;
            if *rows == 0 || row == 0 || rest.len() > 1 {
                return Err(GgufError::damaged(format!("the tensor {name} has an impossible shape")));
            }
            let head = settings.head_to_interleave(&name);
            if head.is_some_and(|head| !rows.is_multiple_of(head)) {
                return Err(GgufError::damaged(format!("the tensor {name} does not have whole heads")));
            }
            let length = (rows * row) as u64;
            segments.push(Segment::stored(offset, length, stored.file, stored.start, row as u64, head));
            infos.insert(name, TensorInfo { ggml_dtype, shape: Shape::from(stored.dims), offset });
            offset += length;
        }
        if let Some(factors) = &settings.rope_factors {
            let bytes: Vec<u8> = factors.iter().flat_map(|factor| factor.to_le_bytes()).collect();
            let info = TensorInfo { ggml_dtype: GgmlDType::F32, shape: Shape::from(factors.len()), offset };
            infos.insert("rope_freqs.weight".to_owned(), info);
            segments.push(Segment::made(offset, bytes));
        }
        Ok((segments, infos))
    }
}

/// A name that is there twice would hide one of two tensors.
fn refuse_doubles(header: &[u8]) -> Result<(), GgufError> {
    struct Names;
    impl<'de> serde::de::Visitor<'de> for Names {
        type Value = Option<String>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let (mut seen, mut double) = (HashSet::new(), None);
            while let Some((name, serde::de::IgnoredAny)) = map.next_entry::<String, _>()? {
                double = double.or_else(|| seen.replace(name));
            }
            Ok(double)
        }
    }
    let mut reader = serde_json::Deserializer::from_slice(header);
    match serde::Deserializer::deserialize_map(&mut reader, Names) {
        Ok(None) => Ok(()),
        Ok(Some(name)) => Err(GgufError::damaged(format!("it has the tensor {name} twice"))),
        Err(error) => Err(GgufError::damaged(format!("its header cannot be read: {error}"))),
    }
}

#[cfg(test)]
mod tests;
