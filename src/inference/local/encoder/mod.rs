//! Encoders: models that read a text as a whole, BERT and XLM-R, for vectors, for scores and for the names that stand in it.
//!
//! `settings` and `weights` read a folder as `transformers` writes it, `tokens` its tokenizer; `model` is the forward pass, on the kernels and
//! the threads of the engine, `head` what stands on it; `worker` is the thread with its queues, `pace` how it leaves the processors to answers.
//! `embedding`, `reranker` and `entities` offer it. Names are found in `windows` of a text, by `labels` that become `spans`.

mod embedding;
mod entities;
#[cfg(test)]
mod entities_tests;
mod head;
mod labels;
mod model;
mod open;
mod pace;
mod reranker;
mod settings;
mod spans;
#[cfg(test)]
mod tests;
mod tokens;
mod weights;
mod windows;
mod worker;

pub use self::embedding::LocalEncoder;
pub use self::entities::LocalEntities;
pub use self::open::{open_embedding, open_entities, open_reranker};
pub use self::reranker::LocalReranker;
