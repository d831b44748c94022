//! Sums and products of vectors. Pure.

/// Adds a vector to a sum, value by value, as often as said.
pub fn add(sum: &mut Vec<f32>, vector: &[f32], times: f32) {
    sum.resize(sum.len().max(vector.len()), 0.0);
    for (sum, value) in sum.iter_mut().zip(vector) {
        *sum += value * times;
    }
}

/// A vector without another one, where both have as many values.
#[must_use]
pub fn without(vector: &[f32], other: &[f32]) -> Vec<f32> {
    if vector.len() != other.len() {
        return vector.to_vec();
    }
    vector.iter().zip(other).map(|(one, other)| one - other).collect()
}

/// The product of two vectors.
#[must_use]
pub fn dot(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// A vector divided by its length; as it is, where that is zero.
#[must_use]
pub fn normalised(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        for value in &mut vector {
            *value /= length;
        }
    }
    vector
}
