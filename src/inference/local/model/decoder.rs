//! A model that is ready to compute, and how it is loaded.

use std::sync::Arc;

use super::super::forward::BLOCK;
use super::super::gguf::Gguf;
use super::super::gguf_error::GgufError;
use super::super::kernels::Pool;
use super::buffers::Buffers;
use super::family::Family;
use super::memory::KvMemory;
use super::metadata::Metadata;
use super::shape::Shape;
use super::weights::Weights;

/// What the configuration allows a model.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct MemoryLimits {
    /// Positions of one sequence.
    pub context: usize,
    /// Bytes for keys and values, of all sequences together.
    pub memory: usize,
}

/// A model that is ready to compute.
pub(in super::super) struct Model {
    pub(super) family: &'static Family,
    pub(super) shape: Shape,
    pub(super) weights: Weights,
    pub(super) memory: KvMemory,
    pub(super) buffers: Buffers,
    pub(super) pool: Arc<Pool>,
}

impl Model {
    /// Checks the file, reads its weights and reserves the memory. The file stays usable when it is refused: another engine
    /// may know what this one does not.
    pub(in super::super) fn load(
        gguf: &mut Gguf,
        vocabulary: usize,
        limits: MemoryLimits,
        pool: Arc<Pool>,
    ) -> Result<Self, GgufError> {
        let metadata = Metadata::of(gguf)?;
        let family = metadata.family;
        let mut shape = Shape::read(metadata)?;
        let memory = KvMemory::reserve(&shape, limits.memory)?;
        let weights = Weights::read(gguf, family, &shape, vocabulary, &pool)?;
        if let Some(factors) = &weights.rope {
            shape.rope.divide(factors)?;
        }
        // One sequence alone cannot have more positions than there is memory.
        shape.context = shape.context.min(limits.context).min(memory.blocks() * BLOCK);
        let buffers = Buffers::new();
        tracing::info!(
            family = family.name,
            origin = ?weights.origin,
            weights_mib = weights.bytes() >> 20,
            blocks = memory.blocks(),
            threads = pool.threads(),
            "the model is computed here"
        );
        Ok(Self { family, shape, weights, memory, buffers, pool })
    }
}
