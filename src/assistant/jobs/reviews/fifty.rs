//! Fifty made reviews with names and numbers. Nobody in them exists.

/// Each with what must reach neither a model nor a draft.
pub fn fifty() -> Vec<(&'static str, Vec<&'static str>)> {
    let lines = include_str!("../../../../tests/fixtures/reviews.tsv").lines();
    let fifty: Vec<_> = lines
        .filter_map(|line| {
            let mut cells = line.split('\t');
            Some((cells.next()?, cells.collect()))
        })
        .collect();
    assert_eq!(fifty.len(), 50);
    fifty
}
