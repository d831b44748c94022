//! Encoders: models that read a text as a whole, BERT and XLM-R, for vectors and for scores.
//!
//! `settings` and `weights` read a folder as `transformers` writes it, `tokens` its tokenizer; `model` is the forward pass, on the kernels and
//! the threads of the engine; `worker` is the thread with its queues, `pace` how it leaves the processors to answers. `embedding` and
//! `reranker` offer it.

mod embedding;
mod model;
mod open;
mod pace;
mod reranker;
mod settings;
#[cfg(test)]
mod tests;
mod tokens;
mod weights;
mod worker;

pub use self::embedding::LocalEncoder;
pub use self::open::{open_embedding, open_reranker};
pub use self::reranker::LocalReranker;
