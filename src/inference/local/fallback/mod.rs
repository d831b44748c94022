//! What our own pass does not compute: candle's quantised models, one sequence at a time, held to what they do rightly.
//!
//! Candle ignores what it does not know (`RoPE` scaling, biases, other head sizes) and answers wrongly without a word; so
//! everything in the file must be something it reads, or the file is refused. `architecture` says what each model reads,
//! `check` holds a file to it, `weights` are the models themselves.
//!
//! Of candle's models that read GGUF, three are not here. `quantized_gemma3` computes `SiLU` where Gemma has GELU, and makes
//! angles for 131 072 positions in every layer; `quantized_qwen3_moe` has its experts on CUDA only; `quantized_smollm3` takes
//! heads of 128 for granted. The others in candle-transformers read only files that candle itself has written.

mod architecture;
mod candle_model;
mod check;
mod shape;
#[cfg(test)]
mod tests;
mod weights;

pub(super) use self::candle_model::CandleModel;
