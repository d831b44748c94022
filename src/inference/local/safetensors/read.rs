//! Reads the files of a model's folder, with a limit on the length of each.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value as Json;

use super::super::gguf_error::GgufError;

/// The longest `config.json`, template and index; vocabularies are longer.
pub(in super::super) const LONGEST_TEXT: u64 = 16 << 20;

/// Reads a JSON file as a whole.
pub(in super::super) fn read_json(file: &File, name: &str) -> Result<Json, GgufError> {
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

/// An optional file of the model's folder.
pub(in super::super) fn read_if_there(path: &Path, longest: u64) -> Result<Option<Vec<u8>>, GgufError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match File::open(path) {
        Ok(file) => read_bounded(&file, longest, &name).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(GgufError::damaged(format!("{name} cannot be read: {error}"))),
    }
}
