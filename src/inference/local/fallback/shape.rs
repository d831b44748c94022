//! The numbers of a model that candle computes.

/// What a file says about its model.
pub(super) struct Shape {
    pub vocabulary: usize,
    pub width: usize,
    pub hidden: usize,
    pub heads: usize,
    /// For each layer; 0 is one without attention.
    pub kv_heads: Vec<usize>,
    /// The size of a head.
    pub dim: usize,
    /// How much of it is rotated.
    pub rotated: usize,
    pub base: f32,
    pub epsilon: f32,
    /// The length of lfm2's convolutions.
    pub convolution: usize,
    pub context: usize,
}
