//! The lines that subcommands print. A reader that has gone away is no error.

use std::io::{self, Write as _};

use crate::telemetry;

/// Prints an error to standard error, in the format of the log where that is JSON.
pub(super) fn complain(line: &str) {
    if !telemetry::last_words(line) {
        let _ = writeln!(io::stderr(), "compagnon: {line}");
    }
}

/// Prints a remark to standard error, because standard output may be the backup itself.
pub(super) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints one line of output.
pub(super) fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
