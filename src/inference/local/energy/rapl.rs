//! The processors' energy counters as Linux shows them (RAPL, `Documentation/power/powercap/powercap.rst`): Intel's, and AMD's under the
//! same names. Since 2020 only root may read them (CVE-2020-8694): a container needs the folder mounted and its files readable.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where Linux shows them. The tests of the engine estimate, whatever their machine shows.
pub const FOLDER: &str = if cfg!(test) { "/nowhere" } else { "/sys/class/powercap" };

/// The most counters that are read: two a socket.
const MOST: usize = 64;

/// One counter, of a processor or of its memory.
struct Counter {
    file: PathBuf,
    name: String,
    /// Where it begins anew, in microjoules.
    range: u64,
}

/// All counters that are not part of one another.
pub struct Counters(Vec<Counter>);

/// What the counters showed, in microjoules, in their order.
#[derive(Clone, Default)]
pub struct Reading(Vec<u64>);

impl Counters {
    /// The counters in a folder; the reason, where there are none that can be read.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let reason = |error: &io::Error| format!("{}: {error}", folder.display());
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| reason(&error))?.flatten() {
            let zone = entry.path();
            let Some(name) = zone.file_name().and_then(|name| name.to_str()) else { continue };
            // `intel-rapl-mmio` shows the same counters another way.
            let Some(place) = name.strip_prefix("intel-rapl:") else { continue };
            let depth = place.split(':').count();
            let Ok(label) = fs::read_to_string(zone.join("name")) else { continue };
            let label = label.trim();
            // A package has its cores in it, not its memory.
            let counts = (depth == 1 && label.starts_with("package")) || (depth == 2 && label == "dram");
            if counts && found.len() < MOST {
                found.push(Counter::open(&zone, label)?);
            }
        }
        if !found.iter().any(|counter| counter.name.starts_with("package")) {
            return Err(format!("{} has no counter of a processor", folder.display()));
        }
        found.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(Self(found))
    }

    /// What they are called, for whoever asks what is measured.
    pub fn names(&self) -> String {
        self.0.iter().map(|counter| counter.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// What they show now; nothing where one of them cannot be read any more.
    pub fn read(&self) -> Option<Reading> {
        self.0.iter().map(|counter| number(&counter.file).ok()).collect::<Option<_>>().map(Reading)
    }

    /// The energy between two readings, in microjoules.
    pub fn between(&self, before: &Reading, after: &Reading) -> u64 {
        let pairs = before.0.iter().zip(&after.0).zip(&self.0);
        let spent = pairs.map(|((before, after), counter)| match after.checked_sub(*before) {
            Some(spent) => spent,
            // It has begun anew. A step is far shorter than its range: some minutes under full load.
            None => counter.range.saturating_sub(*before).saturating_add(*after),
        });
        spent.fold(0, u64::saturating_add)
    }
}

impl Counter {
    fn open(zone: &Path, name: &str) -> Result<Self, String> {
        let file = zone.join("energy_uj");
        number(&file)?;
        let range = number(&zone.join("max_energy_range_uj"))?;
        Ok(Self { file, name: name.to_owned(), range })
    }
}

fn number(file: &Path) -> Result<u64, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    text.trim().parse().map_err(|_| format!("{} has no number", file.display()))
}

#[cfg(test)]
pub mod tests {
    use std::fs;
    use std::path::Path;

    use super::Counters;

    /// A zone as Linux shows it.
    pub fn zone(folder: &Path, place: &str, name: &str, energy: u64) {
        let zone = folder.join(place);
        fs::create_dir_all(&zone).unwrap();
        for (file, text) in [
            ("name", name.to_owned()),
            ("energy_uj", energy.to_string()),
            ("max_energy_range_uj", "262143328850".to_owned()),
            ("enabled", "0".to_owned()),
        ] {
            fs::write(zone.join(file), format!("{text}\n")).unwrap();
        }
    }

    /// Two sockets, one of which shows its memory, as a server does.
    pub fn server(folder: &Path) {
        fs::create_dir_all(folder.join("intel-rapl")).unwrap();
        zone(folder, "intel-rapl:0", "package-0", 262_143_000_000);
        zone(folder, "intel-rapl:0:0", "core", 5);
        zone(folder, "intel-rapl:0:1", "dram", 7_000);
        zone(folder, "intel-rapl:1", "package-1", 1_000_000);
        zone(folder, "intel-rapl:2", "psys", 9_000_000);
        zone(folder, "intel-rapl-mmio:0", "package-0", 4);
    }

    #[test]
    fn packages_and_their_memory_count_once_and_may_begin_anew() {
        let folder = tempfile::tempdir().unwrap();
        server(folder.path());
        let counters = Counters::open(folder.path()).unwrap();
        assert_eq!(counters.names(), "package-0, dram, package-1");
        let before = counters.read().unwrap();
        assert_eq!(counters.between(&before, &before), 0);
        // 328,850 µJ to the end of the range, and 671,150 from its beginning: 1 J. Memory 0.5 J, the other socket 2 J.
        zone(folder.path(), "intel-rapl:0", "package-0", 671_150);
        zone(folder.path(), "intel-rapl:0:1", "dram", 507_000);
        zone(folder.path(), "intel-rapl:1", "package-1", 3_000_000);
        // Parts of a package and other ways to it add nothing.
        zone(folder.path(), "intel-rapl:0:0", "core", 900_000_000);
        zone(folder.path(), "intel-rapl:2", "psys", 900_000_000);
        assert_eq!(counters.between(&before, &counters.read().unwrap()), 3_500_000);
        fs::remove_file(folder.path().join("intel-rapl:1/energy_uj")).unwrap();
        assert!(counters.read().is_none());
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |folder: &Path| Counters::open(folder).err().unwrap();
        assert!(refused(&folder.path().join("none")).contains("none: No such file"));
        assert!(refused(folder.path()).ends_with("has no counter of a processor"));
        zone(folder.path(), "intel-rapl:0", "package-0", 1);
        fs::write(folder.path().join("intel-rapl:0/energy_uj"), "many\n").unwrap();
        assert!(refused(folder.path()).ends_with("energy_uj has no number"));
    }
}
