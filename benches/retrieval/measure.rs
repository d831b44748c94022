//! Measures of an order of documents, and what chance could have made of them.

use std::collections::{BTreeMap, HashMap};

/// The grade from which a document is an answer.
const ANSWERS: f64 = 3.0;
/// How often the topics are drawn anew.
const DRAWS: usize = 2000;

/// The measures of one order, each between 0 and 1.
#[derive(Clone, Copy, Default)]
pub struct Measures {
    pub ndcg: f64,
    pub recall: Option<f64>,
    pub reciprocal: Option<f64>,
    pub hit: Option<f64>,
}

/// Measures the order in which documents were found, the best first, against their grades.
pub fn measures(found: &[String], grades: &HashMap<String, f64>) -> Measures {
    let gain = |rank: usize, grade: f64| grade / (rank as f64 + 2.0).log2();
    let grade = |document: &String| grades.get(document).copied().unwrap_or_default();
    let reached: f64 = found.iter().take(10).enumerate().map(|(rank, document)| gain(rank, grade(document))).sum();
    let mut ideal: Vec<f64> = grades.values().copied().collect();
    ideal.sort_by(|one, other| other.total_cmp(one));
    let best: f64 = ideal.iter().take(10).enumerate().map(|(rank, grade)| gain(rank, *grade)).sum();
    let answers = ideal.iter().filter(|grade| **grade >= ANSWERS).count();
    let is_answer = |document: &&String| grade(document) >= ANSWERS;
    let among_five = found.iter().take(5).filter(is_answer).count();
    let first = found.iter().take(10).position(|document| is_answer(&document));
    let judged = answers > 0;
    Measures {
        ndcg: if best > 0.0 { reached / best } else { 0.0 },
        recall: judged.then(|| among_five as f64 / answers as f64),
        reciprocal: judged.then(|| first.map_or(0.0, |rank| 1.0 / (rank as f64 + 1.0))),
        hit: judged.then(|| f64::from(u8::from(among_five > 0))),
    }
}

/// The measures of many queries, by topic: queries of one topic are not independent of one another.
#[derive(Default)]
pub struct Run {
    pub by_topic: BTreeMap<usize, Vec<Measures>>,
}

impl Run {
    pub fn add(&mut self, topic: usize, measures: Measures) {
        self.by_topic.entry(topic).or_default().push(measures);
    }

    /// How many queries were measured.
    pub fn queries(&self) -> usize {
        self.by_topic.values().map(Vec::len).sum()
    }

    /// The mean of a measure over all queries, in percent, and the range in which 95 % of draws of the topics lie.
    pub fn mean(&self, of: Measure) -> (f64, (f64, f64)) {
        let sums = self.sums(of);
        (mean(&sums), interval(&sums))
    }

    /// By how much this one's nDCG is above another's for the same queries, and the range in which 95 % of draws lie.
    pub fn above(&self, other: &Self) -> (f64, (f64, f64)) {
        let ndcg: Measure = |measures| Some(measures.ndcg);
        let (own, others) = (self.sums(ndcg), other.sums(ndcg));
        let paired: Vec<_> = own.iter().zip(&others).map(|(one, other)| (one.0 - other.0, one.1)).collect();
        (mean(&paired), interval(&paired))
    }

    /// For each topic the sum of a measure and the number of queries that have it.
    fn sums(&self, of: Measure) -> Vec<(f64, f64)> {
        let sum = |queries: &Vec<Measures>| {
            let values = queries.iter().filter_map(of);
            values.fold((0.0, 0.0), |sums, value| (sums.0 + value, sums.1 + 1.0))
        };
        self.by_topic.values().map(sum).collect()
    }
}

/// One of the measures.
pub type Measure = fn(&Measures) -> Option<f64>;

fn mean(sums: &[(f64, f64)]) -> f64 {
    let (sum, count) = sums.iter().fold((0.0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1));
    100.0 * sum / f64::max(count, 1.0)
}

fn interval(sums: &[(f64, f64)]) -> (f64, f64) {
    let mut random = Random(7);
    let draw = |_| mean(&(0..sums.len()).map(|_| sums[random.below(sums.len())]).collect::<Vec<_>>());
    let mut means: Vec<f64> = (0..DRAWS).map(draw).collect();
    means.sort_by(f64::total_cmp);
    (means[DRAWS / 40], means[DRAWS - DRAWS / 40 - 1])
}

/// The same numbers at each run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// Between -1 and 1.
    pub fn value(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}
