//! Models as `transformers` writes them: safetensors with `config.json` and `tokenizer.json`, made to look like a GGUF.
//!
//! The names, the metadata and the order of rows become those that llama.cpp's converter gives (`convert_hf_to_gguf.py`), so that
//! one description of each family serves both. `settings` and `rope` translate `config.json`, `tokens` what concerns the vocabulary, and
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

pub(super) use self::open::{is_one, open};
