//! The table of bounds in `docs/operations.md` against the constants and the settings that it names.

use std::fs;
use std::path::{Path, PathBuf};

/// The last cell of a row names constants as `module::path::CONSTANT`.
fn constants(cell: &str) -> impl Iterator<Item = (Vec<&str>, &str)> {
    cell.split('`').filter_map(|name| {
        let mut path: Vec<&str> = name.split("::").collect();
        let constant = path.pop().filter(|last| last.chars().all(|c| c.is_ascii_uppercase() || c == '_'))?;
        (!path.is_empty() && !constant.is_empty()).then_some((path, constant))
    })
}

/// The files that may hold a module: its own, and those below it.
fn sources(path: &[&str]) -> Vec<PathBuf> {
    let place = path.iter().fold(PathBuf::from("src"), |place, module| place.join(module));
    [place.with_extension("rs"), place.join("mod.rs")].into_iter().filter(|file| file.is_file()).collect()
}

/// What a constant is set to.
fn value(file: &Path, constant: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let after = text.split(&format!("const {constant}:")).nth(1)?;
    Some(after.split_once('=')?.1.split_once(';')?.0.trim().to_owned())
}

/// A product of numbers with shifts: `64 * 1024`, `1 << 20`.
fn number(expression: &str) -> Option<u64> {
    if let Some((value, shift)) = expression.split_once("<<") {
        return Some(number(value)? << number(shift)?);
    }
    expression.split('*').map(|factor| factor.trim().replace('_', "").parse::<u64>().ok()).product()
}

/// The ways in which a limit may be written.
fn spellings(expression: &str) -> Vec<String> {
    if let Some((unit, inner)) = expression.strip_prefix("Duration::from_").and_then(|rest| rest.split_once('(')) {
        let count = number(inner.trim_end_matches(')')).expect("a number of seconds, minutes or hours");
        let plain = |unit: &str| vec![format!("{count} {unit}")];
        return match unit {
            "millis" => plain("ms"),
            "secs" => plain("s"),
            "mins" => plain("min"),
            "hours" if count.is_multiple_of(24) => vec![format!("{count} h"), format!("{} days", count / 24)],
            "hours" => plain("h"),
            other => panic!("Duration::from_{other}"),
        };
    }
    let number = number(expression).unwrap_or_else(|| panic!("{expression} is no number"));
    let mut spellings = vec![grouped(number)];
    for (unit, shift) in [("KiB", 10), ("MiB", 20), ("GiB", 30)] {
        if number > 0 && number.trailing_zeros() >= shift {
            spellings.push(format!("{} {unit}", grouped(number >> shift)));
        }
    }
    spellings
}

/// With a comma for each thousand.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).expect("digits")).collect();
    groups.join(",")
}

/// Whether a text has this figure, and not only a longer one that it is a part of.
fn says(cell: &str, figure: &str) -> bool {
    cell.match_indices(figure).any(|(at, _)| {
        let (before, after) = (&cell[..at], &cell[at + figure.len()..]);
        let longer_after = after.strip_prefix(',').unwrap_or(after).starts_with(|c: char| c.is_alphanumeric());
        !before.ends_with(|c: char| c.is_alphanumeric() || c == ',') && !longer_after
    })
}

#[test]
fn the_table_of_bounds_says_what_the_constants_are() {
    let text = fs::read_to_string("docs/operations.md").expect("the page");
    let example = fs::read_to_string("config.example.yaml").expect("the example");
    let table = text.split("\n## Bounds\n").nth(1).expect("its heading").split("\n## ").next().expect("a section");
    let mut held = 0;
    for row in table.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, what, limit, happens, setting, holder, _] = cells[..] else { panic!("a row of another form: {row}") };
        for key in setting.split('`').filter(|key| key.contains('.')) {
            let last = key.rsplit('.').next().unwrap_or(key);
            assert!(example.contains(&format!("{last}:")), "{what}: {key} is not in config.example.yaml");
        }
        for (path, constant) in constants(holder) {
            let files = sources(&path);
            let found = files.iter().find_map(|file| value(file, constant));
            let found = found.unwrap_or_else(|| panic!("{what}: there is no {constant} in {files:?} ({path:?})"));
            let spellings = spellings(&found);
            assert!(
                spellings.iter().any(|spelling| says(limit, spelling) || says(happens, spelling)),
                "{what}: {constant} is {found}, which is one of {spellings:?}, and the table says {limit:?}"
            );
            held += 1;
        }
    }
    assert!(held >= 40, "{held} constants are held");
}

#[test]
fn figures_are_read_as_they_are_written() {
    assert_eq!(spellings("64 * 1024"), ["65,536", "64 KiB"]);
    assert_eq!(spellings("2 << 30"), ["2,147,483,648", "2,097,152 KiB", "2,048 MiB", "2 GiB"]);
    assert_eq!(spellings("Duration::from_hours(7 * 24)"), ["168 h", "7 days"]);
    assert!(says("60, 120 while", "120") && !says("1,120", "120") && !says("12,000", "12"));
}
