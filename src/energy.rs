//! How much energy work takes, and what it emits. Pure: what measures it is elsewhere.

use serde::{Deserialize, Serialize};

/// Energy, kept apart by how it is known: a sum of measured and of estimated figures would be neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Energy {
    /// In microjoules, read from the machine's own counters.
    pub measured: u64,
    /// In microjoules, computed from a published model.
    pub estimated: u64,
}

impl Energy {
    /// None at all.
    pub const NONE: Self = Self { measured: 0, estimated: 0 };

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            measured: self.measured.saturating_add(other.measured),
            estimated: self.estimated.saturating_add(other.estimated),
        }
    }

    /// All of it, in joules.
    #[must_use]
    pub fn joules(self) -> f64 {
        self.measured.saturating_add(self.estimated) as f64 / 1e6
    }

    /// In words, with how it is known: `12.3 J (estimated)`. Of none at all nothing is known.
    #[must_use]
    pub fn shown(self) -> String {
        let known = match (self.measured, self.estimated) {
            (0, 0) => "neither measured nor estimated",
            (_, 0) => "measured",
            (0, _) => "estimated",
            _ => "partly measured",
        };
        format!("{:.1} J ({known})", self.joules())
    }

    /// Takes the whole joules out, measured and estimated, for counters that count no parts of one. The rest stays.
    pub fn take_joules(&mut self) -> [u64; 2] {
        const JOULE: u64 = 1_000_000;
        let whole = [self.measured / JOULE, self.estimated / JOULE];
        *self = Self { measured: self.measured % JOULE, estimated: self.estimated % JOULE };
        whole
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
        let energy = Energy { measured: 3_000_000_000_000, estimated: 600_000_000_000 };
        assert!((energy.joules() - 3_600_000.0).abs() < 1e-6);
        assert!((energy.co2_grams(21.7) - 21.7).abs() < 1e-9);
    }

    #[test]
    fn how_it_is_known_is_said_of_all_of_it() {
        for (measured, estimated, shown) in [
            (0, 0, "0.0 J (neither measured nor estimated)"),
            (2_500_000, 0, "2.5 J (measured)"),
            (0, 2_500_000, "2.5 J (estimated)"),
            (2_000_000, 500_000, "2.5 J (partly measured)"),
        ] {
            assert_eq!(Energy { measured, estimated }.shown(), shown);
        }
    }
}
