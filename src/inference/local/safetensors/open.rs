//! Opens a model that is a folder, or one file with its descriptions beside it.

use std::fs::File;
use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::{Content, Value, VersionedMagic};

use super::super::gguf::Gguf;
use super::super::gguf_error::GgufError;
use super::super::packed::PackedCache;
use super::read::read_json;
use super::rows::Segments;
use super::settings::Settings;
use super::tensors::Tensors;
use super::tokens;
use crate::inference::weight_map;

/// Whether a path is such a model rather than a GGUF.
pub(in super::super) fn is_one(path: &Path) -> bool {
    path.is_dir() || path.extension().is_some_and(|extension| extension == "safetensors")
}

/// Opens the model in a folder, or the one of a single file with its descriptions beside it. With `sha256`, only if that file
/// has that checksum. Its packed tensors are kept as [`Gguf::open`] has it.
pub(in super::super) fn open(path: &Path, sha256: Option<&str>, keep: Option<&Path>) -> Result<Gguf, GgufError> {
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
    // `config.json` is among them, because the order of rows depends on it.
    let parts = files.iter().chain([&config]).map(File::try_clone).collect::<Result<_, _>>()?;
    let cache = PackedCache::open(&main, parts, sha256, keep)?;

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
    let gguf = Gguf::from_parts(content, Segments::new(files, segments));
    Ok(Gguf { cache, ..gguf })
}

fn name(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    whole.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The file that contains all weights, or the index of several.
pub(in super::super) fn main_file(path: &Path) -> Result<PathBuf, GgufError> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let names = ["model.safetensors.index.json", "model.safetensors"];
    let found = names.iter().map(|name| path.join(name)).find(|file| file.exists());
    found.ok_or_else(|| GgufError::damaged("the folder holds neither model.safetensors nor its index"))
}

pub(in super::super) fn weight_files(main: &Path) -> Result<Vec<PathBuf>, GgufError> {
    if main.extension().is_some_and(|extension| extension == "safetensors") {
        return Ok(vec![main.to_owned()]);
    }
    let index = read_json(&File::open(main)?, "its index")?;
    let damaged = || GgufError::damaged("its index does not name the files in its folder that its tensors are in");
    let names = weight_map::parts(&index).ok_or_else(damaged)?;
    Ok(names.into_iter().map(|name| main.with_file_name(name)).collect())
}
