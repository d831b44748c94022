//! The differences between the families of decoders, one line each. A new family that needs no other difference is one more line.
//!
//! Tensors and rotations are those of llama.cpp's converters (`ggml-org/llama.cpp`, `src/models/*.cpp`), as GGUF files have them.

use super::super::kernels::Rotation;

/// One family of decoders: RMS norms, grouped-query attention with `RoPE`, a gated feed-forward network, and these differences.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Family {
    /// `general.architecture`, and the prefix of the metadata.
    pub name: &'static str,
    /// `Interleaved` is llama.cpp's `NORM`: the converter has permuted the rows of queries and keys for it. `Halves` is `NEOX`, as
    /// `transformers` has them.
    pub rotation: Rotation,
    /// Whether queries, keys and values must have biases; in the other families they may.
    pub biases: bool,
    /// Whether each head of queries and keys is normalised before the rotation.
    pub head_norms: bool,
    /// Whether queries are scaled with the position (`attention.temperature_scale`).
    pub temperature: bool,
    /// Every how many layers one has no `RoPE`.
    pub unrotated: Option<usize>,
}

const LLAMA: Family = Family {
    name: "llama",
    rotation: Rotation::Interleaved,
    biases: false,
    head_norms: false,
    temperature: false,
    unrotated: None,
};

static FAMILIES: [Family; 5] = [
    LLAMA,
    Family { name: "mistral3", temperature: true, ..LLAMA },
    Family { name: "qwen2", rotation: Rotation::Halves, biases: true, ..LLAMA },
    Family { name: "qwen3", rotation: Rotation::Halves, head_norms: true, ..LLAMA },
    Family { name: "smollm3", unrotated: Some(4), ..LLAMA },
];

impl Family {
    /// The family of an architecture, if it is supported.
    pub(super) fn find(architecture: &str) -> Option<&'static Self> {
        FAMILIES.iter().find(|family| family.name == architecture)
    }

    /// Whether a layer has `RoPE`.
    pub(super) fn rotates(&self, layer: usize) -> bool {
        self.unrotated.is_none_or(|every| !(layer + 1).is_multiple_of(every))
    }
}

/// Whether a GGUF of this architecture has the two halves of each head of queries and keys interleaved, which `transformers` has
/// one after the other.
pub(in super::super) fn interleaves(architecture: &str) -> bool {
    Family::find(architecture).is_some_and(|family| family.rotation == Rotation::Interleaved)
}
