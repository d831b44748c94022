//! One order from several: each list's scores are standardised over its best, then summed with weights. Pure, and apart from the engines,
//! so that each of them ranks alike.

/// How many of a list's best its mean and deviation are of. What is not among them is worth as much as the last of them.
pub const BEST: usize = 100;

/// How many passages are compared exactly with a query; the others are too far off to matter.
pub const COMPARED: usize = 5 * BEST;

/// What the words count, of a document or of a passage.
const WORDS: f32 = 0.5;
/// What the best passage of a document counts by its vector.
const PASSAGE: f32 = 0.2;
/// What the document as a whole counts: a passage alone often does not say what it is about.
const DOCUMENT: f32 = 0.3;
/// What the beginning of a document counts, where most documents say what they are about.
const FIRST: f32 = 0.15;

/// The scores of one document or passage in each list.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Parts {
    /// By its words. Zero where it holds none of the query's.
    pub words: f32,
    /// By the vector of the passage, or of the best of its passages. `None` where it has none or is not near.
    pub passage: Option<f32>,
    /// By the mean of the vectors of its passages.
    pub document: Option<f32>,
    /// By the vector of the document's first passage.
    pub first: Option<f32>,
}

/// A scale for each list.
#[derive(Clone, Copy, Debug)]
pub struct Scales {
    words: Scale,
    passage: Scale,
    document: Scale,
    first: Scale,
}

impl Scales {
    /// The scales of all that is searched.
    #[must_use]
    pub fn of(all: impl Iterator<Item = Parts> + Clone) -> Self {
        Self {
            words: Scale::of(all.clone().map(|parts| parts.words)),
            passage: Scale::of(all.clone().filter_map(|parts| parts.passage)),
            document: Scale::of(all.clone().filter_map(|parts| parts.document)),
            first: Scale::of(all.filter_map(|parts| parts.first)),
        }
    }

    /// The score of a document.
    ///
    /// What documents are about as a whole helps to choose among many. Of two, one is always above the mean and the other below, however
    /// little they differ: among few, the passage that answers decides.
    #[must_use]
    pub fn score(&self, parts: &Parts) -> f32 {
        let passage = self.passage.standardised(parts.passage);
        let document = self.document.standardised(parts.document);
        let first = self.first.standardised(parts.first);
        let words = self.words.standardised(Some(parts.words));
        let many = self.document.share_of_best;
        let by_passage = PASSAGE + (1.0 - many) * (DOCUMENT + FIRST);
        WORDS * words + by_passage * passage + many * (DOCUMENT * document + FIRST * first)
    }

    /// The score of a passage among those of its document, which are all about the same.
    #[must_use]
    pub fn score_within(&self, parts: &Parts) -> f32 {
        let passage = self.passage.standardised(parts.passage);
        WORDS * self.words.standardised(Some(parts.words)) + (PASSAGE + DOCUMENT) * passage
    }
}

/// The scores of passages, each of a document that has a score. The best of a document's has its document's; the others, as much less as they are
/// worse than it. Where there are no vectors the words alone decide, in whichever document.
#[must_use]
pub fn scores_within(passages: &[(usize, Parts)], documents: &[f32], words_alone: bool) -> Vec<f32> {
    if words_alone {
        return passages.iter().map(|(_, parts)| parts.words).collect();
    }
    let scales = Scales::of(passages.iter().map(|(_, parts)| *parts));
    let within: Vec<f32> = passages.iter().map(|(_, parts)| scales.score_within(parts)).collect();
    let mut best = vec![f32::NEG_INFINITY; documents.len()];
    for ((document, _), score) in passages.iter().zip(&within) {
        if let Some(best) = best.get_mut(*document) {
            *best = best.max(*score);
        }
    }
    let score = |((document, _), within): (&(usize, Parts), &f32)| {
        let (Some(whole), Some(best)) = (documents.get(*document), best.get(*document)) else { return 0.0 };
        whole - (best - within)
    };
    passages.iter().zip(&within).map(score).collect()
}

/// A list's scores on a common scale: in deviations from the mean of its best.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    last: f32,
    mean: f32,
    deviation: f32,
    /// How many scores there are, as a share of [`BEST`].
    share_of_best: f32,
}

impl Scale {
    fn of(scores: impl Iterator<Item = f32>) -> Self {
        let best = best(scores, BEST);
        let count = best.len().max(1) as f32;
        let mean = best.iter().sum::<f32>() / count;
        let variance = best.iter().map(|score| (score - mean).powi(2)).sum::<f32>() / count;
        let share_of_best = best.len() as f32 / BEST as f32;
        Self { last: best.into_iter().fold(f32::INFINITY, f32::min), mean, deviation: variance.sqrt(), share_of_best }
    }

    fn standardised(&self, score: Option<f32>) -> f32 {
        // All are alike, or there are none: nothing about the order.
        if self.deviation <= 1e-6 {
            return 0.0;
        }
        (score.unwrap_or(self.last).max(self.last) - self.mean) / self.deviation
    }
}

/// The lowest of the highest scores, of which there are at most so many.
#[must_use]
pub fn last_of_best(scores: impl Iterator<Item = f32>, most: usize) -> f32 {
    best(scores, most).into_iter().fold(f32::INFINITY, f32::min)
}

/// The highest of some scores, in descending order: the order in which they are summed must not depend on the one in which they came.
fn best(scores: impl Iterator<Item = f32>, most: usize) -> Vec<f32> {
    let descending = |one: &f32, other: &f32| other.total_cmp(one);
    let mut best: Vec<f32> = scores.filter(|score| score.is_finite()).collect();
    if best.len() > most {
        best.select_nth_unstable_by(most, descending);
        best.truncate(most);
    }
    best.sort_unstable_by(descending);
    best
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // What is compared is exact.
mod tests {
    use super::*;

    fn words(words: f32) -> Parts {
        Parts { words, ..Parts::default() }
    }

    #[test]
    fn lists_of_any_unit_count_alike() {
        let make =
            |words: f32, passage: f32| Parts { words, passage: Some(passage), document: Some(passage), first: None };
        let all = [make(900.0, 0.80), make(100.0, 0.81), make(0.0, 0.82)];
        let scales = Scales::of(all.into_iter());
        let scores: Vec<_> = all.iter().map(|parts| scales.score(parts)).collect();
        assert!(scores[0] > scores[1] && scores[0] - scores[2] < 0.3, "{scores:?}");
    }

    #[test]
    fn what_all_have_in_common_or_nobody_has_says_nothing() {
        let scales = Scales::of([words(3.0), words(3.0)].into_iter());
        assert_eq!(scales.score(&words(3.0)), 0.0);
        assert_eq!(Scales::of(std::iter::empty()).score(&words(1.0)), 0.0);
        let scales = Scales::of([words(f32::NAN), words(1.0), words(2.0)].into_iter());
        assert!(scales.score(&words(2.0)) > scales.score(&words(1.0)));
        assert_eq!(scales.score(&words(f32::NAN)), scales.score(&words(1.0)), "as the last");
    }

    #[test]
    fn among_few_documents_the_passage_decides_and_among_many_what_they_are_about() {
        // One of several subjects whose second passage answers, and one that is vaguely about it from its beginning.
        let answers = Parts { words: 0.0, passage: Some(1.0), document: Some(0.7), first: Some(0.0) };
        let vague = Parts { words: 0.0, passage: Some(0.8), document: Some(0.8), first: Some(0.8) };
        let ahead = |others: usize| {
            let other = |n: usize| Parts {
                words: 0.0,
                passage: Some(0.5 + n as f32 * 0.004),
                document: Some(0.5 + n as f32 * 0.002),
                first: Some(0.4 + n as f32 * 0.002),
            };
            let scales = Scales::of([answers, vague].into_iter().chain((0..others).map(other)));
            scales.score(&answers) - scales.score(&vague)
        };
        assert!(ahead(0) > 0.0 && ahead(3) > 0.0 && ahead(200) < 0.0, "{} {} {}", ahead(0), ahead(3), ahead(200));
    }

    #[test]
    fn only_the_best_set_the_scale() {
        let many = (0..1000).map(|n| words(if n < 100 { n as f32 } else { -5.0 }));
        assert_eq!(Scales::of(many).words, Scales::of((0..100).map(|n| words(n as f32))).words);
    }
}
