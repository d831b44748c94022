//! Questions about anything, and the mean of their vectors: what is common to all questions.
//!
//! Embedding models place all questions close together, away from what answers them. With the mean of many taken off, a query's direction
//! is what it asks for.

use std::sync::LazyLock;

/// Questions of many fields and forms, each about something: the vaguer they are, the less of what all questions share is in their mean.
/// Few enough to be embedded at each start.
pub static QUESTIONS: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("generic.txt").lines().collect());

/// The mean of the vectors of [`QUESTIONS`], for [`super::Query::generic`]. `None` where there are none.
#[must_use]
pub fn mean(vectors: &[Vec<f32>]) -> Option<Vec<f32>> {
    let mut mean = vec![0.0; vectors.first()?.len()];
    for vector in vectors {
        for (sum, value) in mean.iter_mut().zip(vector) {
            *sum += value / vectors.len() as f32;
        }
    }
    Some(mean)
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // What is compared is exact.
mod tests {
    use super::*;

    #[test]
    fn each_question_is_there_once_and_the_mean_is_one() {
        let distinct: std::collections::HashSet<_> = QUESTIONS.iter().collect();
        assert_eq!((distinct.len(), QUESTIONS.iter().all(|question| question.len() > 10)), (64, true));
        assert_eq!(mean(&[vec![1.0, 0.0], vec![0.0, 1.0]]), Some(vec![0.5, 0.5]));
        assert_eq!(mean(&[]), None);
    }
}
