//! Kill points for crash tests. Without the `failpoints` feature they do nothing.
//!
//! `COMPAGNON_DIE_AT` names a file. While that file contains `POINT COUNT`, the process aborts at the `COUNT`th pass of that point, as under
//! SIGKILL: no destructor runs and nothing is flushed. It is a file and not a value, so that a running process can be ordered to die.

use std::{
    env, fs,
    path::Path,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// The points at which the process can be made to abort.
const POINTS: [&str; 45] = [
    "before-sync-saved",
    "sync-saved",
    "question-begun",
    "before-question-ended",
    "question-ended",
    "before-statistics-aged",
    "statistics-aged",
    "prefill",
    "decode",
    "before-answer-stored",
    "answer-stored",
    "part-recorded",
    "chunks-stored",
    "file-stored",
    "memory-stored",
    "case-kept",
    "before-download",
    "after-download",
    "after-extract",
    "after-embed",
    "document-chunks-stored",
    "document-stored",
    "vectors-stored",
    "before-upload",
    "after-upload",
    "upload-recorded",
    "before-call",
    "after-call",
    "before-call-once",
    "call-noted",
    "after-call-once",
    "before-put",
    "after-put",
    "before-done",
    "done",
    "before-purge",
    "purged",
    "before-rotation",
    "rotation-keys-saved",
    "rotation-slice",
    "rotated",
    "before-redaction",
    "after-redaction",
    "segment-written",
    "manifest-written",
];

/// Installs the kill points, if the environment asks for them. Fails if a point has an action already.
pub(super) fn lay() -> Result<(), String> {
    let Some(order) = env::var_os("COMPAGNON_DIE_AT") else { return Ok(()) };
    for point in POINTS {
        let order = order.clone();
        fail::cfg_callback(point, move || pass(point, Path::new(&order)))?;
    }
    Ok(())
}

fn pass(point: &str, order: &Path) {
    /// How often the named point was passed.
    static PASSED: AtomicU32 = AtomicU32::new(0);
    let Ok(text) = fs::read_to_string(order) else { return };
    let mut words = text.split_ascii_whitespace();
    let (named, count) = (words.next(), words.next().and_then(|count| count.parse().ok()));
    if named == Some(point) && PASSED.fetch_add(1, Ordering::SeqCst) + 1 >= count.unwrap_or(1) {
        process::abort();
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::POINTS;

    /// Points at which other tests have something else done, or die in a process of their own.
    const OTHERS: [&str; 7] = [
        "engine-dies",
        "backfill",
        "membership-task",
        "migration-begun",
        "migration-slice-written",
        "migration-slice",
        "request",
    ];

    /// The names of the points without a value in the sources below a folder.
    fn named(folder: &Path, names: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                named(&path, names);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let points = text.split(concat!("fail_point", "!(\"")).skip(1);
                names.extend(points.filter_map(|rest| rest.split_once("\");")).map(|(name, _)| name.to_owned()));
            }
        }
    }

    #[test]
    fn each_point_of_the_sources_can_kill() {
        let mut names = Vec::new();
        named(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut names);
        names.retain(|name| !name.contains('"') && !OTHERS.contains(&name.as_str()));
        assert!(names.len() >= POINTS.len());
        let lacking: Vec<_> = names.iter().filter(|name| !POINTS.contains(&name.as_str())).collect();
        assert!(lacking.is_empty(), "{lacking:?}");
        let unknown: Vec<_> = POINTS.iter().filter(|point| !names.iter().any(|name| name == *point)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
