//! Patterns, in forms and in schemas: which are accepted.

/// The longest schema or pattern, in bytes.
pub(super) const MOST_BYTES: usize = 256 << 10;

/// Memory for the automaton of a pattern, in bytes. It is built once, to refuse patterns that explode.
const MOST_PATTERN: usize = 8 << 20;

/// Whether a pattern is a regular expression of a reasonable size.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    match regex::RegexBuilder::new(pattern).size_limit(MOST_PATTERN).build() {
        Ok(_) => Ok(()),
        Err(regex::Error::CompiledTooBig(_)) => Err("the pattern is too complex".to_owned()),
        Err(_) => Err("the pattern is no regular expression".to_owned()),
    }
}
