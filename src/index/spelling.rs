//! The terms that were meant by one that no passage holds. Pure.

/// The fewest letters of a word that is looked for under another spelling: among shorter ones too many are alike.
const LETTERS: usize = 6;
/// From this many letters on, two of them may be wrong.
const TWO_WRONG: usize = 10;
/// The most terms that are taken for one.
const MEANT: usize = 2;
/// The most terms of a query that are looked for under other spellings: each is compared with every term of the partitions.
pub const LOOKED_FOR: usize = 4;

/// The known terms that are spelt almost like one that is not, each with what it counts beside it: the nearest, and of those the commonest.
#[must_use]
pub fn meant<'a>(term: &str, known: impl Iterator<Item = (&'a str, u64)>) -> Vec<(String, f32)> {
    let known = known.filter_map(|(other, holders)| Some((distance(term, other)?, holders, other)));
    let mut near: Vec<(usize, u64, &str)> = known.collect();
    near.sort_unstable_by(|one, other| one.0.cmp(&other.0).then(other.1.cmp(&one.1)).then(one.2.cmp(other.2)));
    near.truncate(MEANT);
    let weight = |distance| if distance <= 1 { 0.7 } else { 0.5 };
    near.into_iter().map(|(distance, _, other)| (other.to_owned(), weight(distance))).collect()
}

/// Whether a term is spelt almost like another one.
#[must_use]
pub fn is_near(term: &str, other: &str) -> bool {
    distance(term, other).is_some()
}

/// How many bytes another term may be longer or shorter; none where a term is not looked for under another spelling.
#[must_use]
pub fn slack(term: &str) -> Option<usize> {
    let letters = term.len();
    let is_word = letters >= LETTERS && term.bytes().all(|letter| letter.is_ascii_alphabetic());
    is_word.then_some(if letters < TWO_WRONG { 1 } else { 2 })
}

/// How many letters are wrong; none where too many are.
fn distance(term: &str, other: &str) -> Option<usize> {
    let most = slack(term)?;
    // Few people get the first letter wrong, and most of the terms are passed by for it.
    if other.as_bytes().first() != term.as_bytes().first() || other.len().abs_diff(term.len()) > most {
        return None;
    }
    Some(strsim::osa_distance(term, other)).filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_spelt_almost_alike_are_meant() {
        let known =
            [("professionnalis", 4), ("conventionnel", 9), ("conventionnal", 2), ("harcel", 3), ("troisiem", 8)];
        let find = |term| meant(term, known.into_iter()).into_iter().map(|(term, _)| term).collect::<Vec<_>>();
        assert_eq!(find("conventionel"), ["conventionnel", "conventionnal"]);
        assert_eq!(find("profesionalis"), ["professionnalis"]);
        assert_eq!(find("harceel"), ["harcel"]);
        assert_eq!(find("treiziem"), [""; 0], "another word");
        assert_eq!(find("harc"), [""; 0], "too short");
        assert_eq!(find("1234-56"), [""; 0], "a number is never another one");
    }
}
