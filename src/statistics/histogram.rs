//! How long things take, counted by steps of time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The upper bounds of the steps, in milliseconds; one more step has no bound.
pub const BOUNDS: [u64; 11] = [500, 1_000, 2_000, 3_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000];

/// Durations, by steps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// How many are within each of [`BOUNDS`] and not within an earlier one; the last one is beyond all of them.
    counts: [u64; BOUNDS.len() + 1],
    /// The sum of all, in milliseconds.
    sum: u64,
}

impl Histogram {
    /// Counts one.
    pub fn record(&mut self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let step = BOUNDS.iter().position(|bound| millis <= *bound).unwrap_or(BOUNDS.len());
        self.counts[step] = self.counts[step].saturating_add(1);
        self.sum = self.sum.saturating_add(millis);
    }

    /// Adds what another one counted.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count = count.saturating_add(more);
        }
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// How many are within each step, the last one without a bound.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The sum of all.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_millis(self.sum)
    }

    /// The time within which this share of all stays, between 0 and 1: interpolated within its step, as Prometheus' `histogram_quantile`
    /// does. Beyond the last bound it is that bound. Nothing of nothing.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let all = self.count();
        if all == 0 {
            return None;
        }
        let wanted = share.clamp(0.0, 1.0) * all as f64;
        let (mut below, mut from) = (0_u64, 0_u64);
        for (count, bound) in self.counts.iter().zip(BOUNDS) {
            let (here, before) = (*count as f64, below as f64);
            if *count > 0 && before + here >= wanted {
                let within = ((wanted - before) / here).clamp(0.0, 1.0);
                let span = Duration::from_millis(bound - from);
                return Some(Duration::from_millis(from) + span.mul_f64(within));
            }
            below = below.saturating_add(*count);
            from = bound;
        }
        Some(Duration::from_millis(from))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Histogram;

    #[test]
    fn quantiles_are_within_the_steps() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        for millis in [400, 1_500, 1_600, 1_700, 400_000] {
            histogram.record(Duration::from_millis(millis));
        }
        assert_eq!((histogram.count(), histogram.sum()), (5, Duration::from_millis(405_200)));
        // 2.5 of 5: one is below 1 s, so half of the three in the step from 1 s to 2 s.
        assert_eq!(histogram.quantile(0.5), Some(Duration::from_millis(1_500)));
        assert_eq!(histogram.quantile(1.0), Some(Duration::from_mins(5)));
        assert!(histogram.quantile(f64::NAN).is_some());
        let twice = {
            let mut sum = histogram.clone();
            sum.add(&histogram);
            sum
        };
        assert_eq!((twice.count(), twice.quantile(0.5)), (10, histogram.quantile(0.5)));
    }
}
