//! How much energy work takes, and what it emits. Pure: what measures it is elsewhere.

use serde::{Deserialize, Serialize};

/// Energy, kept apart by how it is known: a sum of measured and of estimated figures would be neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Energy {
    /// In millijoules, read from the machine's own counters.
    pub measured: u64,
    /// In millijoules, computed from a published model.
    pub estimated: u64,
}

impl Energy {
    /// Adds another one.
    pub fn add(&mut self, other: Self) {
        self.measured = self.measured.saturating_add(other.measured);
        self.estimated = self.estimated.saturating_add(other.estimated);
    }

    /// All of it, in joules.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "2^52 millijoules are a thousand megawatt hours")]
    pub fn joules(self) -> f64 {
        self.measured.saturating_add(self.estimated) as f64 / 1_000.0
    }

    /// What it emits where a kilowatt hour emits so many grams of CO₂ equivalent, in grams.
    #[must_use]
    pub fn co2_grams(self, grams_per_kwh: f64) -> f64 {
        self.joules() / 3_600_000.0 * grams_per_kwh
    }
}

#[cfg(test)]
mod tests {
    use super::Energy;

    #[test]
    fn a_kilowatt_hour_is_3_6_megajoules() {
        let energy = Energy { measured: 3_000_000_000, estimated: 600_000_000 };
        assert!((energy.joules() - 3_600_000.0).abs() < 1e-6);
        assert!((energy.co2_grams(21.7) - 21.7).abs() < 1e-9);
    }
}
