//! What a stretch of time took.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Instant;

use super::rapl::{Counters, FOLDER, PAUSE, Reading};
use crate::energy::Energy;
use crate::inference::Config;
use crate::inference::local::forward::Cost;

/// What a machine takes while the engine computes, where it cannot be measured: the model of Green Algorithms
/// (Lannelongue, Grealey, Inouye, *Advanced Science* 2021, doi:10.1002/advs.202100707), with all cores in use and without the cooling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Power {
    /// The processors that compute.
    pub cores: usize,
    /// What one of them takes, in watts.
    pub watts_per_core: f64,
    /// The memory held for the model, in GiB.
    pub memory: f64,
}

/// What a GiB of memory takes, in watts, by the same source: it hardly depends on its use.
const WATTS_PER_GIB: f64 = 0.3725;

impl Power {
    /// Of a machine that computes with a model of this cost.
    pub fn of(config: &Config, cost: Cost) -> Self {
        const MIB: usize = 1 << 20;
        let memory = (cost.bytes / MIB + config.kv_memory) as f64 / 1_024.0;
        Self { cores: config.threads, watts_per_core: config.watts_per_core, memory }
    }

    /// All of it, in watts.
    fn watts(self) -> f64 {
        let cores = self.cores as f64;
        cores * self.watts_per_core + self.memory * WATTS_PER_GIB
    }
}

/// A meter of the machine's energy.
pub struct Meter {
    counters: Option<Counters>,
    power: Power,
    /// Whether everything so far was read from counters.
    measures: Arc<AtomicBool>,
}

/// The beginning of a stretch of time.
pub struct Mark {
    at: Instant,
    reading: Option<Reading>,
}

impl Meter {
    /// The machine's meter. What it measures, or why it estimates, is logged. Takes [`PAUSE`] where there are counters.
    pub fn open(power: Power) -> Self {
        Self::of(Path::new(FOLDER), power, || sleep(PAUSE))
    }

    fn of(folder: &Path, power: Power, pause: impl FnOnce()) -> Self {
        let counters = match Counters::open(folder, pause) {
            Ok(counters) => {
                tracing::info!(
                    counters = counters.names(),
                    "energy is measured, whatever else the machine does meanwhile included"
                );
                Some(counters)
            }
            Err(reason) => {
                tracing::info!(reason, watts = power.watts(), "energy is estimated from time");
                None
            }
        };
        let measures = Arc::new(AtomicBool::new(counters.is_some()));
        Self { counters, power, measures }
    }

    /// Whether everything that it told so far was read from counters, now and later.
    pub fn measures(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.measures)
    }

    /// Begins a stretch.
    pub fn mark(&self, now: Instant) -> Mark {
        Mark { at: now, reading: self.counters.as_ref().and_then(Counters::read) }
    }

    /// What a stretch took. Where its counters cannot be read at one of its ends, or show what cannot be, it is estimated.
    pub fn since(&self, mark: &Mark, now: Instant) -> Energy {
        let elapsed = now.saturating_duration_since(mark.at);
        let read = self.counters.as_ref().map(|counters| {
            let readings = mark.reading.as_ref().zip(counters.read());
            let (before, after) = readings.ok_or("a counter cannot be read")?;
            counters.between(before, &after, elapsed)
        });
        match read {
            Some(Ok(measured)) => return Energy { measured, estimated: 0 },
            // Once: a counter that is lost is missed at each step.
            Some(Err(reason)) if self.measures.swap(false, Ordering::Relaxed) => {
                tracing::warn!(reason, "energy is estimated where the counters cannot tell it");
            }
            _ => {}
        }
        let microjoules = self.power.watts() * elapsed.as_secs_f64() * 1e6;
        #[expect(clippy::cast_sign_loss, reason = "a stretch and a power are never negative")]
        let estimated = microjoules.round() as u64;
        Energy { measured: 0, estimated }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::Ordering;
    use std::time::{Duration, Instant};

    use super::super::rapl::tests::{server, server_later, zone};
    use super::{Meter, Power};
    use crate::energy::Energy;

    const POWER: Power = Power { cores: 8, watts_per_core: 12.0, memory: 16.0 };

    #[test]
    fn what_is_not_measured_follows_from_time() {
        let folder = tempfile::tempdir().unwrap();
        let meter = Meter::of(folder.path(), POWER, || ());
        let start = Instant::now();
        let mark = meter.mark(start);
        // 8 · 12 W + 16 · 0.3725 W = 101.96 W, for ten seconds.
        let spent = meter.since(&mark, start + Duration::from_secs(10));
        assert_eq!(spent, Energy { measured: 0, estimated: 1_019_600_000 });
        assert_eq!(meter.since(&mark, start), Energy::default());
    }

    #[test]
    fn what_the_counters_show_is_measured_and_a_counter_that_is_lost_estimated() {
        let folder = tempfile::tempdir().unwrap();
        server(folder.path());
        let meter = Meter::of(folder.path(), POWER, || server_later(folder.path()));
        let measures = meter.measures();
        let start = Instant::now();
        let mark = meter.mark(start);
        zone(folder.path(), "intel-rapl:1", "package-1", 4_000_000);
        let later = start + Duration::from_secs(1);
        assert_eq!(meter.since(&mark, later), Energy { measured: 3_000_000, estimated: 0 });
        assert!(measures.load(Ordering::Relaxed));
        fs::remove_dir_all(folder.path().join("intel-rapl:1")).unwrap();
        assert_eq!(meter.since(&mark, later), Energy { measured: 0, estimated: 101_960_000 });
        assert!(!measures.load(Ordering::Relaxed), "whoever tells of all of it says so");
        assert_eq!(meter.since(&meter.mark(start), later).measured, 0);
    }

    #[test]
    fn what_the_counters_cannot_have_shown_is_estimated() {
        let folder = tempfile::tempdir().unwrap();
        server(folder.path());
        let meter = Meter::of(folder.path(), POWER, || server_later(folder.path()));
        let start = Instant::now();
        let mark = meter.mark(start);
        let later = start + Duration::from_secs(1);
        let estimated = Energy { measured: 0, estimated: 101_960_000 };
        assert_eq!(meter.since(&mark, later), estimated, "they stood still");
        zone(folder.path(), "intel-rapl:1", "package-1", 0);
        assert_eq!(meter.since(&mark, later), estimated, "one was put back");
        // The next step is measured again.
        let mark = meter.mark(later);
        zone(folder.path(), "intel-rapl:1", "package-1", 70_000_000);
        assert_eq!(meter.since(&mark, later + Duration::from_secs(1)).measured, 70_000_000);
    }

    #[test]
    fn counters_that_never_move_are_not_asked() {
        let folder = tempfile::tempdir().unwrap();
        server(folder.path());
        let meter = Meter::of(folder.path(), POWER, || ());
        assert!(!meter.measures().load(Ordering::Relaxed) && meter.counters.is_none());
    }
}
