//! The vectors of a document's passages, as bytes: eight bits a value, with one scale for each vector. What that takes from a cosine is less
//! than what tells one passage from another, and it is what an index computes with.
//!
//! The bytes are `number of values of a vector (4, little endian)`, then for each vector `scale (4, little endian, a float) ‖ its values`.

/// The largest value.
const LARGEST: f32 = 127.0;

/// The bytes of vectors; `None` where they are not of one length, or not all finite.
pub(super) fn to_bytes(vectors: &[Vec<f32>]) -> Option<Vec<u8>> {
    let length = vectors.first().map_or(0, Vec::len);
    let mut bytes = Vec::with_capacity(4 + vectors.len() * (4 + length));
    bytes.extend_from_slice(&u32::try_from(length).ok()?.to_le_bytes());
    for vector in vectors {
        if vector.len() != length || vector.is_empty() || !vector.iter().all(|value| value.is_finite()) {
            return None;
        }
        let largest = vector.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let scale = largest / LARGEST;
        bytes.extend_from_slice(&scale.to_le_bytes());
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        bytes.extend(
            vector.iter().map(|value| ((value * inverse).round().clamp(-LARGEST, LARGEST) as i8).cast_unsigned()),
        );
    }
    Some(bytes)
}

/// The vectors of bytes; `None` where these are cut short.
pub(super) fn of_bytes(bytes: &[u8]) -> Option<Vec<Vec<f32>>> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = u32::from_le_bytes(*length) as usize;
    let size = length.checked_add(4)?;
    let vectors = rest.chunks_exact(size);
    if !vectors.remainder().is_empty() {
        return None;
    }
    let vector = |bytes: &[u8]| {
        let (scale, values) = bytes.split_first_chunk()?;
        let scale = f32::from_le_bytes(*scale);
        Some(values.iter().map(|value| f32::from(value.cast_signed()) * scale).collect())
    };
    vectors.map(vector).collect()
}

#[cfg(test)]
mod tests {
    use super::{of_bytes, to_bytes};

    fn cosine(one: &[f32], other: &[f32]) -> f32 {
        let dot = |one: &[f32], other: &[f32]| one.iter().zip(other).map(|(a, b)| a * b).sum::<f32>();
        dot(one, other) / (dot(one, one) * dot(other, other)).sqrt()
    }

    #[test]
    fn vectors_are_read_back_nearly_as_they_were() {
        let vector = |seed: usize| (0..384).map(|at| ((at * seed) as f32).sin() * 0.05).collect::<Vec<f32>>();
        let vectors: Vec<Vec<f32>> = (1..50).map(vector).collect();
        let bytes = to_bytes(&vectors).unwrap();
        assert_eq!(bytes.len(), 4 + 49 * 388);
        let read = of_bytes(&bytes).unwrap();
        assert_eq!(read.len(), vectors.len());
        let worst = vectors.iter().zip(&read).map(|(before, after)| cosine(before, after)).fold(1.0, f32::min);
        assert!(worst > 0.9999, "{worst}");
        assert_eq!(to_bytes(&read).unwrap(), bytes, "what was read is written the same");
    }

    #[test]
    fn what_is_no_row_of_vectors_is_refused() {
        assert!(to_bytes(&[vec![1.0], vec![1.0, 2.0]]).is_none());
        assert!(to_bytes(&[vec![f32::NAN]]).is_none());
        assert!(to_bytes(&[Vec::new()]).is_none());
        assert_eq!(of_bytes(&to_bytes(&[]).unwrap()).unwrap(), Vec::<Vec<f32>>::new());
        assert_eq!(of_bytes(&to_bytes(&[vec![0.0; 3]]).unwrap()).unwrap(), [vec![0.0; 3]]);
        let bytes = to_bytes(&[vec![1.0, -1.0]]).unwrap();
        for length in [0, 3, 5, bytes.len() - 1] {
            assert!(of_bytes(&bytes[..length]).is_none(), "{length}");
        }
        assert!(of_bytes(&[0xff; 9]).is_none(), "a length that is none");
    }
}
