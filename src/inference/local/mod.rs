//! The local engine: a model file, its tokenizer and its template, and a thread that answers.
//!
//! | task | files |
//! |---|---|
//! | read a file | `gguf` with `header`, `byte_source`, `entries`; `safetensors`, which makes the other format look the same; `packed` keeps packed weights for the next start |
//! | make a prompt | `vocabulary`, `tokenizer` with `pretokenizer`, `spm` and `tokenizer_json`; `template`; `counter` |
//! | compute | `model` behind the trait `forward`, with the arithmetic of `kernels`; `fallback` is candle, for what `model` does not support; `load` chooses |
//! | decide what is computed when | `scheduler`, `prefix_cache` |
//! | turn logits into text | `sampler`, `thinking`, `text`, `answer`; `constraint` keeps an answer in its form; `pooling` turns hidden states into vectors; `task` is either |
//! | run | `engine` is the queue and its handle, `worker` the thread, `open_requests` what both know, `supervisor` restarts it after a panic |
//! | offer it | `local_model` answers, `embedder` embeds |

mod answer;
pub mod bench;
mod byte_source;
mod constraint;
mod counter;
mod embedder;
mod encoder;
mod energy;
mod engine;
mod engine_metrics;
mod entries;
#[cfg(test)]
mod fakes;
mod fallback;
mod forward;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod gguf;
mod gguf_error;
mod header;
mod kernels;
mod load;
mod local_model;
mod model;
mod open_requests;
mod packed;
mod pooling;
mod prefix_cache;
mod pretokenizer;
mod processors;
pub mod random;
mod safetensors;
mod sampler;
mod scheduler;
mod spm;
mod supervisor;
mod task;
mod template;
#[cfg(test)]
mod testing;
mod text;
mod thinking;
mod tokenizer;
mod tokenizer_json;
mod vocabulary;
mod witness;
mod worker;

pub use self::embedder::LocalEmbedder;
pub use self::encoder::{LocalEncoder, LocalEntities, LocalReranker, open_embedding, open_entities, open_reranker};
pub use self::gguf_error::GgufError;
pub use self::local_model::{LocalModel, OpenError};
pub use self::processors::Processors;
