//! The processors' energy counters as Linux shows them (RAPL, `Documentation/power/powercap/powercap.rst`): Intel's, and AMD's under the
//! same names. Since 2020 only root may read them (CVE-2020-8694), and container engines hide the folder that the links here lead to:
//! `docs/operations.md` says what a container must be given.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where Linux shows them. The tests of the engine estimate, whatever their machine shows.
pub const FOLDER: &str = if cfg!(test) { "/nowhere" } else { "/sys/class/powercap" };

/// The most counters that are read: two a socket.
const MOST: usize = 64;

/// A time in which every counter of a processor moves: it is updated about every millisecond, in steps of less than 0.1 mJ.
pub const PAUSE: Duration = Duration::from_millis(50);

/// More than one package, or the memory of one, ever takes, in watts: twice what the largest server processors of 2025 are made for
/// (500 W: Intel Xeon 6980P, AMD EPYC 9965).
const MOST_WATTS: u128 = 1_000;

/// One counter, of a processor or of its memory.
struct Counter {
    file: PathBuf,
    name: String,
    /// Where it begins anew, in microjoules.
    range: u64,
    /// Whether it is below no other.
    is_top: bool,
}

/// All counters that are not part of one another.
pub struct Counters(Vec<Counter>);

/// What the counters showed, in microjoules, in their order.
#[derive(Clone, Default)]
pub struct Reading(Vec<u64>);

impl Counters {
    /// The counters in a folder; the reason, where what the processors take cannot be read from them. They are read twice, and `pause` is
    /// called between: what it waits for is [`PAUSE`].
    pub fn open(folder: &Path, pause: impl FnOnce()) -> Result<Self, String> {
        let mut all = Self(found(folder)?);
        if !all.0.iter().any(Counter::is_package) {
            return Err(format!("{} has no counter of a processor", folder.display()));
        }
        let lost = || format!("{}: a counter cannot be read twice", folder.display());
        let before = all.read().ok_or_else(lost)?;
        pause();
        let after = all.read().ok_or_else(lost)?;
        let mut kept: Vec<(Counter, u64, u64)> = Vec::new();
        for ((counter, before), after) in all.0.drain(..).zip(before.0).zip(after.0) {
            let moved = counter.moved(before, after).unwrap_or(0);
            let shows_the_same = |(other, began, ended): &&(Counter, u64, u64)| {
                let most = moved.max(other.moved(*began, *ended).unwrap_or(0));
                counter.may_show_the_same_as(other)
                    && counter.distance(before, *began) <= most
                    && counter.distance(after, *ended) <= most
            };
            if let Some((other, ..)) = kept.iter().find(shows_the_same) {
                let (counter, other) = (&counter.name, &other.name);
                tracing::info!(counter, other, "two counters show the same energy: one is counted");
            } else if moved > 0 {
                kept.push((counter, before, after));
            } else if counter.is_package() {
                return Err(format!("{} shows {after} µJ and does not move", counter.file.display()));
            } else {
                tracing::info!(counter = counter.name, "a counter of memory does not move: it is left out");
            }
        }
        Ok(Self(kept.into_iter().map(|(counter, ..)| counter).collect()))
    }

    /// What they are called, for whoever asks what is measured.
    pub fn names(&self) -> String {
        self.0.iter().map(|counter| counter.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// What they show now; nothing where one of them cannot be read any more.
    pub fn read(&self) -> Option<Reading> {
        self.0.iter().map(|counter| number(&counter.file).ok()).collect::<Option<_>>().map(Reading)
    }

    /// The energy between two readings that are so long apart, in microjoules; the reason, where they cannot be right: a driver that was
    /// loaded again or a machine that was suspended puts counters back, and one that goes back is otherwise taken to have begun anew.
    pub fn between(&self, before: &Reading, after: &Reading, elapsed: Duration) -> Result<u64, String> {
        // A short step may hold what a longer one took: counters are updated, and this thread goes on, a little later.
        let most = (elapsed + PAUSE).as_micros().saturating_mul(MOST_WATTS);
        let (mut all, mut packages) = (0_u64, 0_u64);
        for ((before, after), counter) in before.0.iter().zip(&after.0).zip(&self.0) {
            let spent = counter.moved(*before, *after).filter(|spent| u128::from(*spent) <= most);
            let spent =
                spent.ok_or_else(|| format!("{} went from {before} to {after} µJ in {elapsed:?}", counter.name))?;
            all = all.saturating_add(spent);
            packages = packages.saturating_add(if counter.is_package() { spent } else { 0 });
        }
        if packages == 0 && elapsed >= PAUSE {
            return Err(format!("no processor's counter moved in {elapsed:?}"));
        }
        Ok(all)
    }
}

impl Counter {
    fn open(zone: &Path, name: &str, is_top: bool) -> Result<Self, String> {
        let file = zone.join("energy_uj");
        number(&file)?;
        let range = number(&zone.join("max_energy_range_uj"))?;
        Ok(Self { file, name: name.to_owned(), range, is_top })
    }

    fn is_package(&self) -> bool {
        self.name.starts_with("package")
    }

    /// Whether two names may stand for one counter. AMD's processors before Zen 3 show that of the socket for each of its dies, Intel's have
    /// one for each die under the same kind of name; the memory of a socket may be shown beside it and in it.
    fn may_show_the_same_as(&self, other: &Self) -> bool {
        let package = |name: &str| name.split_once("-die-").map_or(name, |(package, _)| package).to_owned();
        match (self.is_package(), other.is_package()) {
            (true, true) => package(&self.name) == package(&other.name),
            (false, false) => self.is_top || other.is_top,
            _ => false,
        }
    }

    /// How far it went, in microjoules; nothing where it went back and its range does not say why.
    fn moved(&self, before: u64, after: u64) -> Option<u64> {
        // A step is far shorter than the range: some minutes under full load.
        let anew = || Some(self.range.checked_sub(before)?.saturating_add(after));
        after.checked_sub(before).or_else(anew)
    }

    /// How far two values are from each other, over the end of the range where that is nearer.
    fn distance(&self, one: u64, other: u64) -> u64 {
        let distance = one.abs_diff(other);
        self.range.checked_sub(distance).map_or(distance, |over| distance.min(over))
    }
}

/// The counters of packages and of memory, in the order of their places; the reason, where a zone cannot be read.
fn found(folder: &Path) -> Result<Vec<Counter>, String> {
    let zones = zones(folder)?;
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    for (place, zone) in &zones {
        let is_top = !place.contains(':');
        let counter = text(&zone.join("name")).and_then(|name| {
            let name = name.trim();
            // A package has its cores in it, not its memory.
            let counts = (is_top && name.starts_with("package")) || name == "dram";
            counts.then(|| Counter::open(zone, name, is_top)).transpose()
        });
        match counter {
            Ok(counter) => found.extend(counter),
            Err(reason) => unread.push(reason),
        }
    }
    found.truncate(MOST);
    match unread.first() {
        None => Ok(found),
        Some(first) => {
            let (few, all) = (unread.len(), zones.len());
            Err(format!("{}: {few} of {all} zones cannot be read: {first}", folder.display()))
        }
    }
}

/// All zones by their place: `0` a package, `0:1` a part of it. Linux links every zone in the folder; where the folder behind the links is
/// given in its place, parts are only within what they are part of.
fn zones(folder: &Path) -> Result<BTreeMap<String, PathBuf>, String> {
    let listed = |folder: &Path| {
        let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        // `intel-rapl-mmio` shows the same counters another way.
        let place = |path: PathBuf| Some((path.file_name()?.to_str()?.strip_prefix("intel-rapl:")?.to_owned(), path));
        Ok::<_, String>(entries.flatten().filter_map(move |entry| place(entry.path())))
    };
    let mut zones: BTreeMap<_, _> = listed(folder)?.collect();
    let within = zones.values().filter_map(|zone| listed(zone).ok()).flatten().collect::<Vec<_>>();
    for (place, zone) in within {
        zones.entry(place).or_insert(zone);
    }
    Ok(zones)
}

fn number(file: &Path) -> Result<u64, String> {
    text(file)?.trim().parse().map_err(|_| format!("{} has no number", file.display()))
}

fn text(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

#[cfg(test)]
pub mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::time::Duration;

    use super::{Counters, Reading};

    /// A zone as Linux shows it.
    pub fn zone(folder: &Path, place: &str, name: &str, energy: u64) {
        ranged(folder, place, name, energy, 262_143_328_850);
    }

    fn ranged(folder: &Path, place: &str, name: &str, energy: u64, range: u64) {
        let zone = folder.join(place);
        fs::create_dir_all(&zone).unwrap();
        for (file, text) in [
            ("name", name.to_owned()),
            ("energy_uj", energy.to_string()),
            ("max_energy_range_uj", range.to_string()),
            ("enabled", "0".to_owned()),
        ] {
            fs::write(zone.join(file), format!("{text}\n")).unwrap();
        }
    }

    /// Two sockets, one of which shows its memory, as a server does.
    pub fn server(folder: &Path) {
        fs::create_dir_all(folder.join("intel-rapl")).unwrap();
        zone(folder, "intel-rapl:0", "package-0", 262_142_000_000);
        zone(folder, "intel-rapl:0:0", "core", 5);
        zone(folder, "intel-rapl:0:1", "dram", 6_000);
        zone(folder, "intel-rapl:1", "package-1", 500_000);
        zone(folder, "intel-rapl:2", "psys", 9_000_000);
        zone(folder, "intel-rapl-mmio:0", "package-0", 4);
    }

    /// The server a little later.
    pub fn server_later(folder: &Path) {
        zone(folder, "intel-rapl:0", "package-0", 262_143_000_000);
        zone(folder, "intel-rapl:0:1", "dram", 7_000);
        zone(folder, "intel-rapl:1", "package-1", 1_000_000);
    }

    fn opened(folder: &Path, zones: &[(&str, &str, u64, u64)]) -> Result<String, String> {
        for (place, name, before, _) in zones {
            zone(folder, place, name, *before);
        }
        let later = || {
            for (place, name, _, after) in zones {
                zone(folder, place, name, *after);
            }
        };
        Counters::open(folder, later).map(|counters| counters.names())
    }

    #[test]
    fn packages_and_their_memory_count_once_and_may_begin_anew() {
        let folder = tempfile::tempdir().unwrap();
        server(folder.path());
        let counters = Counters::open(folder.path(), || server_later(folder.path())).unwrap();
        assert_eq!(counters.names(), "package-0, dram, package-1");
        let between = |before: &Reading, after: &Reading| counters.between(before, after, Duration::from_millis(1));
        let before = counters.read().unwrap();
        assert_eq!(between(&before, &before), Ok(0));
        // 328,850 µJ to the end of the range, and 671,150 from its beginning: 1 J. Memory 0.5 J, the other socket 2 J.
        zone(folder.path(), "intel-rapl:0", "package-0", 671_150);
        zone(folder.path(), "intel-rapl:0:1", "dram", 507_000);
        zone(folder.path(), "intel-rapl:1", "package-1", 3_000_000);
        // Parts of a package and other ways to it add nothing.
        zone(folder.path(), "intel-rapl:0:0", "core", 900_000_000);
        zone(folder.path(), "intel-rapl:2", "psys", 900_000_000);
        assert_eq!(between(&before, &counters.read().unwrap()), Ok(3_500_000));
        fs::remove_file(folder.path().join("intel-rapl:1/energy_uj")).unwrap();
        assert!(counters.read().is_none());
    }

    #[test]
    fn dies_that_show_one_counter_count_once_and_dies_with_their_own_each() {
        let folder = || tempfile::tempdir().unwrap();
        let [first, second] = ["intel-rapl:0", "intel-rapl:1"];
        // The second die is read a little later than the first.
        let amd = [
            (first, "package-0-die-0", 9_000_000_000, 9_003_000_000),
            (second, "package-0-die-1", 9_000_050_000, 9_003_050_000),
            ("intel-rapl:2", "package-1-die-0", 9_000_000_010, 9_003_000_010),
        ];
        assert_eq!(opened(folder().path(), &amd).unwrap(), "package-0-die-0, package-1-die-0");
        // Over the end of the range, between the two readings of the dies.
        let over =
            [(first, "package-0-die-0", 262_143_300_000, 3_000_000), (second, "package-0-die-1", 10_000, 3_040_000)];
        assert_eq!(opened(folder().path(), &over).unwrap(), "package-0-die-0");
        // Two dies that take alike, each counted by its own.
        let intel = [
            (first, "package-0-die-0", 9_000_000_000, 9_003_000_000),
            (second, "package-0-die-1", 8_800_000_000, 8_803_000_000),
        ];
        assert_eq!(opened(folder().path(), &intel).unwrap(), "package-0-die-0, package-0-die-1");
    }

    #[test]
    fn memory_beside_its_package_counts_once() {
        let folder = || tempfile::tempdir().unwrap();
        let package = ("intel-rapl:0", "package-0", 1_000_000, 2_000_000);
        let beside = ("intel-rapl:1", "dram", 40_000, 50_000);
        assert_eq!(opened(folder().path(), &[package, beside]).unwrap(), "package-0, dram");
        let within = ("intel-rapl:0:0", "dram", 40_000, 50_000);
        assert_eq!(opened(folder().path(), &[package, within, beside]).unwrap(), "package-0, dram");
        let of_another = ("intel-rapl:0:0", "dram", 90_000, 99_000);
        assert_eq!(opened(folder().path(), &[package, of_another, beside]).unwrap(), "package-0, dram, dram");
        // Two sockets whose memory happens to show the same.
        let [other, of_other] = [("intel-rapl:1", "package-1", 1, 2), ("intel-rapl:1:0", "dram", 40_000, 50_000)];
        let two = opened(folder().path(), &[package, within, other, of_other]).unwrap();
        assert_eq!(two, "package-0, dram, package-1, dram");
        // Nothing is said of processors that have no counter.
        assert!(opened(folder().path(), &[beside]).unwrap_err().ends_with("has no counter of a processor"));
    }

    #[test]
    fn counters_that_stand_still_are_refused() {
        let folder = || tempfile::tempdir().unwrap();
        let package = ("intel-rapl:0", "package-0", 0, 0);
        let refused = opened(folder().path(), &[package]).unwrap_err();
        assert!(refused.ends_with("intel-rapl:0/energy_uj shows 0 µJ and does not move"), "{refused}");
        let other = ("intel-rapl:1", "package-1", 5, 70_000);
        assert!(opened(folder().path(), &[other, package]).unwrap_err().ends_with("does not move"));
        let memory = ("intel-rapl:1:0", "dram", 7, 7);
        assert_eq!(opened(folder().path(), &[other, memory]).unwrap(), "package-1");
        // They stood still only later.
        let folder = folder();
        server(folder.path());
        let counters = Counters::open(folder.path(), || server_later(folder.path())).unwrap();
        let reading = counters.read().unwrap();
        let stood = counters.between(&reading, &reading, Duration::from_secs(1)).unwrap_err();
        assert_eq!(stood, "no processor's counter moved in 1s");
    }

    #[test]
    fn what_no_processor_takes_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        for (range, before, after, seconds, believed) in [
            // A counter that was put back, not one that went over its end.
            (262_143_328_850, 5_000_000, 100, 10, None),
            // 900 W and 1,100 W, in one go and over the end.
            (262_143_328_850, 5_000_000, 9_005_000_000, 10, Some(9_000_000_000)),
            (262_143_328_850, 5_000_000, 11_005_000_000, 10, None),
            (262_143_328_850, 262_143_328_850, 9_000_000_000, 10, Some(9_000_000_000)),
            (262_143_328_850, 262_143_328_850, 11_000_000_000, 10, None),
            // A range that is none.
            (0, 5_000_000, 6_000_000, 10, Some(1_000_000)),
            (0, 5_000_000, 4_000_000, 10, None),
            (4_000_000, 5_000_000, 100, 10, None),
            (u64::MAX, u64::MAX, u64::MAX - 1, 10, None),
        ] {
            let show = |energy| ranged(folder.path(), "intel-rapl:0", "package-0", energy, range);
            show(1_000);
            let counters = Counters::open(folder.path(), || show(2_000)).unwrap();
            let spent = counters.between(&Reading(vec![before]), &Reading(vec![after]), Duration::from_secs(seconds));
            assert_eq!(spent.ok(), believed, "{range} {before} {after}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |folder: &Path| Counters::open(folder, || ()).err().unwrap();
        assert!(refused(&folder.path().join("none")).contains("none: No such file"));
        assert!(refused(folder.path()).ends_with("has no counter of a processor"));
        zone(folder.path(), "intel-rapl:0", "package-0", 1);
        fs::write(folder.path().join("intel-rapl:0/energy_uj"), "many\n").unwrap();
        let reason = refused(folder.path());
        assert!(
            reason.contains(": 1 of 1 zones cannot be read: ") && reason.ends_with("energy_uj has no number"),
            "{reason}"
        );
    }

    #[test]
    fn links_that_lead_nowhere_are_counted() {
        // A container in which the folder that they lead to is hidden.
        let folder = tempfile::tempdir().unwrap();
        for place in ["intel-rapl:0", "intel-rapl:0:0", "intel-rapl:1"] {
            symlink("/nowhere/powercap", folder.path().join(place)).unwrap();
        }
        let refused = Counters::open(folder.path(), || ()).err().unwrap();
        assert!(refused.contains(": 3 of 3 zones cannot be read: "), "{refused}");
        assert!(refused.contains("intel-rapl:0/name: No such file"), "{refused}");
    }

    #[test]
    fn the_folder_behind_the_links_may_be_given_in_their_place() {
        let folder = tempfile::tempdir().unwrap();
        let nested = [
            ("intel-rapl:0", "package-0", 1, 500_000),
            ("intel-rapl:0/intel-rapl:0:0", "core", 1, 2),
            ("intel-rapl:0/intel-rapl:0:1", "dram", 3, 4_000),
        ];
        assert_eq!(opened(folder.path(), &nested).unwrap(), "package-0, dram");
        // With the links beside it, as Linux has them.
        let linked = tempfile::tempdir().unwrap();
        for (link, to) in [("intel-rapl:0", "intel-rapl:0"), ("intel-rapl:0:1", "intel-rapl:0/intel-rapl:0:1")] {
            symlink(folder.path().join(to), linked.path().join(link)).unwrap();
        }
        let later = || {
            for (place, name, _, after) in nested {
                zone(folder.path(), place, name, after + 5_000);
            }
        };
        assert_eq!(Counters::open(linked.path(), later).unwrap().names(), "package-0, dram");
    }
}
