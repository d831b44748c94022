//! Opening a GGUF file without trusting it: digest first, then bounds, then candle.

use std::{
    fs::File,
    io::{BufReader, Read, Seek},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use candle_core::{
    Device,
    quantized::gguf_file::{Content, Value},
};
use candle_transformers::models::quantized_llama::ModelWeights;
use sha2::{Digest as _, Sha256};

use super::OpenError;

/// candle's quantised llama has tables for this many positions and no more.
pub(super) const MOST_POSITIONS: usize = 4096;

/// What a file holds, checked.
pub(super) struct Model {
    pub(super) weights: ModelWeights,
    pub(super) metadata: Metadata,
}

/// The file's metadata, with the few shapes of access that are needed.
pub(super) struct Metadata(std::collections::HashMap<String, Value>);

impl Metadata {
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_string().ok().map(String::as_str)
    }

    pub(super) fn number(&self, key: &str) -> Option<usize> {
        usize::try_from(self.0.get(key)?.to_u64().ok()?).ok()
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        self.0.get(key)?.to_bool().ok()
    }

    pub(super) fn list(&self, key: &str) -> Option<&[Value]> {
        self.0.get(key)?.to_vec().ok().map(Vec::as_slice)
    }

    pub(super) fn texts(&self, key: &str) -> Option<Vec<&str>> {
        self.list(key)?.iter().map(|value| value.to_string().ok().map(String::as_str)).collect()
    }
}

/// Opens a file, once its digest is the one expected.
pub(super) fn open(path: &Path, sha256: Option<&str>) -> Result<Model, OpenError> {
    let named = |reason: String| OpenError::File { file: path.display().to_string(), reason };
    if let Some(expected) = sha256 {
        let found = digest(path).map_err(|error| named(error.to_string()))?;
        if !found.eq_ignore_ascii_case(expected) {
            return Err(named(format!("its SHA-256 is {found}, not {expected}: it is not the file that was chosen")));
        }
    }
    let file = File::open(path).map_err(|error| named(error.to_string()))?;
    read(BufReader::with_capacity(1 << 20, file)).map_err(named)
}

/// The SHA-256 of a file, in hexadecimal.
pub(crate) fn digest(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            length => hasher.update(&buffer[..length]),
        }
    }
}

/// Reads a model; the error is one sentence without the file's name.
pub(super) fn read<R: Read + Seek>(mut reader: R) -> Result<Model, String> {
    // candle checks counts against the file's length, but a hostile value can still make it panic (an alignment of 0, for one).
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let content =
            Content::read(&mut reader).map_err(|error| format!("it is not a GGUF file that can be read: {error}"))?;
        check(&content, &mut reader)?;
        let metadata = Metadata(content.metadata.clone());
        let weights = ModelWeights::from_gguf(content, &mut reader, &Device::Cpu)
            .map_err(|error| format!("its weights cannot be read: {error}"))?;
        Ok(Model { weights, metadata })
    }));
    outcome.unwrap_or_else(|_| Err("it is malformed".to_owned()))
}

/// What candle does not check and would answer wrongly, or not at all.
fn check<R: Seek>(content: &Content, reader: &mut R) -> Result<(), String> {
    let metadata = Metadata(content.metadata.clone());
    let architecture = metadata.text("general.architecture").unwrap_or("unknown");
    if architecture != "llama" {
        return Err(format!("its architecture is `{architecture}`; this engine knows `llama`"));
    }
    let number = |key: &str| metadata.number(key).filter(|value| *value > 0);
    let (width, heads) = (number("llama.embedding_length"), number("llama.attention.head_count"));
    let (Some(width), Some(heads)) = (width, heads) else {
        return Err("it does not say its embedding length and head count".to_owned());
    };
    if number("llama.attention.key_length").is_some_and(|length| length * heads != width) {
        return Err("its heads have a size of their own, which this engine does not know".to_owned());
    }
    if metadata.text("llama.rope.scaling.type").is_some_and(|kind| kind != "none")
        || content.tensor_infos.contains_key("rope_freqs.weight")
    {
        return Err("its positions are scaled (RoPE scaling), which this engine does not know".to_owned());
    }
    let length = reader.seek(std::io::SeekFrom::End(0)).map_err(|error| error.to_string())?;
    for (name, tensor) in &content.tensor_infos {
        let elements = tensor.shape.dims().iter().try_fold(1_u64, |product, dim| product.checked_mul(*dim as u64));
        let bytes = elements.and_then(|count| {
            (count / tensor.ggml_dtype.block_size() as u64).checked_mul(tensor.ggml_dtype.type_size() as u64)
        });
        let end = bytes.and_then(|bytes| bytes.checked_add(tensor.offset)?.checked_add(content.tensor_data_offset));
        if end.is_none_or(|end| end > length) {
            return Err(format!(
                "the tensor `{}` lies outside of it: it is cut short or malformed",
                name.escape_default()
            ));
        }
    }
    Ok(())
}
