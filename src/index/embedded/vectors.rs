//! Vectors in 8 bits, each with a scale of its own, and their products with a query. Every vector is looked at: an exact scan needs no
//! structure that would have to be kept right while documents come and go.

use zeroize::Zeroize;

/// The largest value of a query in 16 bits: products with 8 bits, summed over 32,768 dimensions, fit 32 bits.
const QUERY_LARGEST: f32 = 511.0;

/// The vectors of a document's passages.
pub struct Vectors {
    dimension: usize,
    values: Vec<i8>,
    scales: Vec<f32>,
    /// The square of the length of each.
    squares: Vec<f32>,
}

impl Vectors {
    /// Quantises vectors. One that is of another dimension or not finite becomes zero, which resembles nothing.
    pub fn new<'a>(dimension: usize, vectors: impl Iterator<Item = &'a [f32]>) -> Self {
        let mut quantised = Self { dimension, values: Vec::new(), scales: Vec::new(), squares: Vec::new() };
        for vector in vectors {
            let largest = vector.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            let sound = vector.len() == dimension && vector.iter().all(|value| value.is_finite()) && largest > 0.0;
            let scale = if sound { largest / 127.0 } else { 0.0 };
            quantised.scales.push(scale);
            if sound {
                quantised.values.extend(vector.iter().map(|value| (value / scale).round() as i8));
            } else {
                quantised.values.resize(quantised.values.len() + dimension, 0);
            }
            let rounded = quantised.values.get(quantised.values.len() - dimension..).unwrap_or_default();
            quantised.squares.push(product(rounded, rounded) as f32 * scale * scale);
        }
        quantised
    }

    /// How many values each of them has.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> usize {
        self.values.len() + (self.scales.len() + self.squares.len()) * size_of::<f32>()
    }

    /// The product of each with a query. `None` for one that says nothing.
    pub fn products<'a>(&'a self, query: &'a QueryVector) -> impl Iterator<Item = Option<f32>> + 'a {
        let same = query.values.len() == self.dimension;
        self.values.chunks_exact(self.dimension.max(1)).zip(&self.scales).map(move |(values, scale)| {
            (same && *scale > 0.0).then(|| product(values, &query.values) as f32 * scale * query.scale)
        })
    }

    /// The product of one with a query. `None` where it says nothing.
    pub fn product(&self, index: usize, query: &QueryVector) -> Option<f32> {
        let scale = self.scales.get(index).copied().filter(|scale| *scale > 0.0)?;
        let values = self.values.get(index * self.dimension..(index + 1) * self.dimension)?;
        (query.values.len() == self.dimension).then(|| product(values, &query.values) as f32 * scale * query.scale)
    }

    /// The square of the length of one. `None` where it says nothing.
    pub fn square(&self, index: usize) -> Option<f32> {
        self.squares.get(index).copied().filter(|square| *square > 0.0)
    }

    /// One of them, as it was given but for the rounding.
    pub fn get(&self, index: usize) -> Option<Vec<f32>> {
        let scale = *self.scales.get(index)?;
        let values = self.values.get(index * self.dimension..(index + 1) * self.dimension)?;
        (scale > 0.0).then(|| values.iter().map(|value| f32::from(*value) * scale).collect())
    }
}

impl Drop for Vectors {
    fn drop(&mut self) {
        self.values.zeroize();
        self.scales.zeroize();
        self.squares.zeroize();
    }
}

/// A query in 16 bits, so that a product needs whole numbers only, with its scale.
pub struct QueryVector {
    values: Vec<i16>,
    scale: f32,
}

impl QueryVector {
    /// `None` for one that is not finite or zero.
    pub fn new(vector: &[f32]) -> Option<Self> {
        let largest = vector.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let sound = largest > 0.0 && vector.iter().all(|value| value.is_finite());
        let scale = largest / QUERY_LARGEST;
        sound.then(|| Self { values: vector.iter().map(|value| (value / scale).round() as i16).collect(), scale })
    }
}

/// The compiler makes vector instructions of this: the pieces have a fixed length.
fn product<T: Copy + Into<i32>>(values: &[i8], query: &[T]) -> i32 {
    const WIDTH: usize = 32;
    let (wide, rest) = values.as_chunks::<WIDTH>();
    let (query_wide, query_rest) = query.as_chunks::<WIDTH>();
    let mut sums = [0_i32; WIDTH];
    for (values, query) in wide.iter().zip(query_wide) {
        for ((sum, value), query) in sums.iter_mut().zip(values).zip(query) {
            *sum += i32::from(*value) * (*query).into();
        }
    }
    let rest: i32 = rest.iter().zip(query_rest).map(|(value, query)| i32::from(*value) * (*query).into()).sum();
    sums.iter().sum::<i32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::vector::normalised;

    #[test]
    fn products_are_close_to_the_exact_ones() {
        let make = |seed: u32| {
            let value =
                |place: u32| (((place + 1).wrapping_mul(seed + 3).wrapping_mul(2_654_435_761) >> 8) as f32) - 8e6;
            normalised((0..384).map(value).collect())
        };
        let vectors: Vec<Vec<f32>> = (0..20).map(make).collect();
        let query = make(77);
        let quantised = Vectors::new(384, vectors.iter().map(Vec::as_slice));
        let products: Vec<_> = quantised.products(&QueryVector::new(&query).unwrap()).collect();
        for (vector, product) in vectors.iter().zip(products) {
            let exact: f32 = vector.iter().zip(&query).map(|(one, other)| one * other).sum();
            assert!((exact - product.unwrap()).abs() < 2e-3, "{exact} {product:?}");
        }
    }

    #[test]
    fn what_is_no_vector_resembles_nothing() {
        let bad = [vec![f32::NAN; 4], vec![0.0; 4], vec![1.0; 3], vec![f32::INFINITY, 0.0, 0.0, 0.0], vec![]];
        let quantised = Vectors::new(4, bad.iter().map(Vec::as_slice));
        let query = QueryVector::new(&[1.0, 0.0, 0.0, 0.0]).unwrap();
        assert!(quantised.products(&query).all(|product| product.is_none()));
        assert_eq!(quantised.products(&query).count(), bad.len());
        assert!(QueryVector::new(&[f32::NAN, 1.0]).is_none() && QueryVector::new(&[]).is_none());
        let other = QueryVector::new(&[1.0; 5]).unwrap();
        assert!(quantised.products(&other).all(|product| product.is_none()));
        assert_eq!(Vectors::new(0, [[0.0_f32; 0].as_slice()].into_iter()).products(&other).count(), 0);
    }
}
