//! What is kept of a conversation's reviews for 48 hours: without names, sealed by the store, forgotten with the conversation. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    distress::{Distress, distress},
    masked::Masks,
    rows::{Row, Rows},
};

/// The most bytes that the reviews of a file may take: they are rewritten with each draft.
pub const MOST_KEPT: usize = 640 << 10;

/// The most drafts of one review that are kept, and the most facts.
const MOST_DRAFTS: usize = 8;

/// The most bytes of all drafts of a file.
const MOST_DRAFTED: usize = 256 << 10;

/// A review, without names.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(Debug))]
pub struct Review {
    /// Its place in its file, from 1; 0 without one.
    #[serde(default)]
    pub number: usize,
    /// What the user wrote.
    pub text: String,
    /// Its title.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Its rating.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rating: String,
    /// What it lets one fear.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub distress: Vec<Distress>,
}

impl Review {
    /// A review without what identifies anybody.
    #[must_use]
    pub fn masked(row: &Row, masks: &mut Masks) -> Self {
        let whole = format!("{}\n{}", row.title, row.text);
        Self {
            number: row.number,
            title: masks.mask(&row.title, &row.names),
            text: masks.mask(&row.text, &row.names),
            // A mark, or a word: what is longer is no rating.
            rating: if row.rating.chars().count() <= 12 { row.rating.clone() } else { String::new() },
            distress: distress(&whole),
        }
    }
}

/// The review that a conversation is about, and what was written for it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(Debug))]
pub struct Current {
    /// The review.
    pub review: Review,
    /// Its drafts, the last one last.
    #[serde(default)]
    pub drafts: Vec<String>,
    /// What the agent said of it, without names: it may stand in the reply.
    #[serde(default)]
    pub facts: Vec<String>,
    /// The message that brought the review, or led to it: without that, nothing is kept.
    #[serde(default)]
    pub origin: String,
    /// The messages that asked for the drafts: a reply to their answer is about this review.
    #[serde(default)]
    pub asked_by: Vec<String>,
}

impl Current {
    /// Notes a draft and the message that asked for it.
    pub fn drafted(&mut self, draft: &str, asked_by: &str) {
        self.drafts.push(draft.to_owned());
        self.asked_by.push(asked_by.to_owned());
        for kept in [&mut self.drafts, &mut self.asked_by, &mut self.facts] {
            let more = kept.len().saturating_sub(MOST_DRAFTS);
            kept.drain(..more);
        }
    }
}

/// A file that is walked through.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(Debug))]
pub struct Walk {
    /// The reviews that wait for an answer, in their order.
    pub reviews: Vec<Review>,
    /// How many the file has, answered or empty ones too.
    pub total: usize,
    /// The numbers of those that are answered already.
    #[serde(default)]
    pub answered: Vec<usize>,
    /// The numbers of those without a text.
    #[serde(default)]
    pub empty: Vec<usize>,
    /// The last draft of each.
    #[serde(default)]
    pub drafts: BTreeMap<usize, String>,
    /// The message that brought the file, or asked for it: without that, nothing is kept.
    #[serde(default)]
    pub origin: String,
}

/// Where a step leads.
#[derive(PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Step<'a> {
    /// To this review. Those between were passed over: they are answered, or empty.
    To {
        /// The review.
        review: &'a Review,
        /// The numbers of those that are answered.
        answered: Vec<usize>,
        /// The numbers of those without a text.
        empty: Vec<usize>,
    },
    /// There is none further.
    Over,
    /// It is answered already.
    Answered,
    /// It has no text.
    Empty,
    /// The file has no such number.
    None,
}

impl Walk {
    /// The reviews of a file without what identifies anybody. Nothing where they are too large to be kept: then how many would fit, about.
    pub fn of(rows: &Rows) -> Result<Self, usize> {
        let mut walk = Self { total: rows.rows.len(), ..Self::default() };
        let mut size = 0;
        for row in &rows.rows {
            if row.answered {
                walk.answered.push(row.number);
            } else if row.text.is_empty() && row.title.is_empty() {
                walk.empty.push(row.number);
            } else {
                let review = Review::masked(row, &mut Masks::default());
                size += serde_json::to_vec(&review).map_or(0, |bytes| bytes.len() + 1);
                if size > MOST_KEPT {
                    return Err(walk.reviews.len());
                }
                walk.reviews.push(review);
            }
        }
        Ok(walk)
    }

    /// The first review that waits after this number.
    #[must_use]
    pub fn after(&self, number: usize) -> Step<'_> {
        match self.reviews.iter().find(|review| review.number > number) {
            Some(review) => self.to(review, number + 1..review.number),
            None => Step::Over,
        }
    }

    /// The last review that waits before this number.
    #[must_use]
    pub fn before(&self, number: usize) -> Step<'_> {
        match self.reviews.iter().rev().find(|review| review.number < number) {
            Some(review) => self.to(review, review.number + 1..number),
            None => Step::Over,
        }
    }

    /// The review of this number.
    #[must_use]
    pub fn at(&self, number: usize) -> Step<'_> {
        match self.reviews.iter().find(|review| review.number == number) {
            Some(review) => self.to(review, 0..0),
            None if self.answered.contains(&number) => Step::Answered,
            None if self.empty.contains(&number) => Step::Empty,
            None => Step::None,
        }
    }

    fn to<'a>(&'a self, review: &'a Review, passed: std::ops::Range<usize>) -> Step<'a> {
        let among = |numbers: &[usize]| numbers.iter().copied().filter(|number| passed.contains(number)).collect();
        Step::To { review, answered: among(&self.answered), empty: among(&self.empty) }
    }

    /// The numbers of those that cannot wait.
    #[must_use]
    pub fn urgent(&self) -> Vec<usize> {
        self.reviews.iter().filter(|review| !review.distress.is_empty()).map(|review| review.number).collect()
    }

    /// Notes the last draft of a review. What would be too much is not noted.
    pub fn drafted(&mut self, number: usize, draft: &str) {
        let kept: usize = self.drafts.iter().filter(|(other, _)| **other != number).map(|(_, draft)| draft.len()).sum();
        if kept + draft.len() <= MOST_DRAFTED {
            self.drafts.insert(number, draft.to_owned());
        }
    }
}

/// All that is kept.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(Debug))]
pub struct State {
    /// The review that the conversation is about.
    #[serde(default)]
    pub current: Option<Current>,
    /// The file that is walked through.
    #[serde(default)]
    pub walk: Option<Walk>,
    /// The number of the last review of the file that was answered: a review that is pasted between does not change it.
    #[serde(default)]
    pub at: usize,
}

#[cfg(test)]
mod tests {
    use super::super::rows::read;
    use super::{Current, MOST_DRAFTS, Step, Walk};

    fn walk() -> Walk {
        let file = "avis;note;réponse\nUn avis de Mme Zorkovitch, tél. 06 12 34 56 78;1;\nDéjà vu;2;Merci\n;3;\nJe vais me suicider;1;\nBien;5;\n";
        Walk::of(&read(file).expect("read")).expect("small")
    }

    fn number(step: &Step<'_>) -> usize {
        if let Step::To { review, .. } = step { review.number } else { 0 }
    }

    #[test]
    fn a_walk_passes_over_what_is_answered_or_empty_and_says_so() {
        let walk = walk();
        assert_eq!((walk.total, walk.reviews.len()), (5, 3));
        assert_eq!(number(&walk.after(0)), 1);
        let Step::To { review, answered, empty } = walk.after(1) else { panic!("a review") };
        assert_eq!((review.number, answered, empty), (4, vec![2], vec![3]));
        assert_eq!(number(&walk.before(4)), 1);
        assert_eq!((walk.after(5), walk.before(1)), (Step::Over, Step::Over));
        assert_eq!(
            (walk.at(2), walk.at(3), walk.at(9), walk.at(0)),
            (Step::Answered, Step::Empty, Step::None, Step::None)
        );
        assert_eq!(walk.urgent(), [4]);
    }

    #[test]
    fn nothing_of_a_name_is_kept() {
        let kept = serde_json::to_string(&walk()).expect("JSON");
        assert!(!kept.contains("orkovitch") && !kept.contains("06 12"), "{kept}");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let file = format!("avis\n{}", "Un avis assez long pour compter. ".repeat(30) + "\n").repeat(1);
        let long = format!("{file}{}", format!("{}\n", "Un avis assez long pour compter. ".repeat(30)).repeat(2_000));
        assert!(Walk::of(&read(&long).expect("read")).is_err_and(|fit| (300..1_000).contains(&fit)));
        let mut current = Current::default();
        for index in 0..50 {
            current.drafted(&index.to_string(), "$e");
        }
        assert_eq!((current.drafts.len(), current.asked_by.len()), (MOST_DRAFTS, MOST_DRAFTS));
        assert_eq!(current.drafts.last().map(String::as_str), Some("49"));
        let mut walk = walk();
        walk.drafted(1, &"a".repeat(256 << 10));
        walk.drafted(4, "b");
        assert_eq!(walk.drafts.len(), 1);
    }
}
