//! The name, type and shape of a tensor.

use super::super::kernels::WeightType;

/// A tensor of a model, before it is packed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct TensorSpec {
    pub name: String,
    pub kind: WeightType,
    pub rows: usize,
    pub columns: usize,
}
