//! Candle's quantised models, for architectures that our own forward pass does not compute: one sequence at a time.
//!
//! Candle ignores what it does not support (`RoPE` scaling, biases, other head sizes), and silently computes something else. So
//! everything in a file must be something that candle's model reads, or the file is refused. `architecture` says what each model
//! reads, `check` compares a file with it, `weights` are candle's models, `candle_model` runs them behind the engine's trait.
//!
//! Of candle's models that read GGUF, three are not used. `quantized_gemma3` computes `SiLU` where Gemma has GELU, and a table of
//! angles for 131 072 positions in every layer; `quantized_qwen3_moe` runs its experts on CUDA only; `quantized_smollm3` assumes
//! heads of 128. The others in candle-transformers read only files that candle itself has written.

mod architecture;
mod candle_model;
mod check;
mod shape;
#[cfg(test)]
mod tests;
mod weights;

pub(super) use self::candle_model::CandleModel;
