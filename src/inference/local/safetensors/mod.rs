//! Models as `transformers` writes them, safetensors with `config.json` and `tokenizer.json`, read as if they were a GGUF.
//!
//! Names, metadata and the order of rows become those of llama.cpp's converter (`convert_hf_to_gguf.py`), so that there is one description
//! of each family. `settings` and `rope` translate `config.json`, `tokens` translates the vocabulary, `tensors` the names and shapes, and
//! `rows` reads rows in their new order; no tensor is copied or held in memory for it.

mod open;
mod read;
mod rope;
mod rows;
mod settings;
mod stored;
mod tensors;
#[cfg(test)]
mod tests;
mod tokens;

pub(super) use self::open::{is_one, main_file, open, weight_files};
pub(super) use self::read::{LONGEST_TEXT, read_if_there, read_json};
pub(super) use self::stored::StoredTensor;
pub(super) use self::tensors::Tensors;
