//! Sampling the next token.
//!
//! The order, each step on the result of the one before: repetition penalty, presence penalty, the answer's form, temperature, `top_k`, `min_p`,
//! `top_p`, a random draw. A temperature of 0 takes the most likely token after the penalties. The vocabulary is never sorted: a
//! token costs one pass over it.

use std::collections::{HashSet, VecDeque};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::inference::Sampling;

/// How many of the answer's last tokens the repetition penalty looks at.
const WINDOW: usize = 64;

/// How many of the most likely candidates `top_p` sorts first; the sum is nearly always reached there.
const FIRST: usize = 64;

/// A token and its logit, later its weight: its probability times a factor that is the same for all.
type Candidate = (u32, f32);

/// Samples the tokens of one answer.
pub(super) struct Sampler {
    temperature: f32,
    top_p: f32,
    top_k: usize,
    min_p: f32,
    repetition: f32,
    presence: f32,
    recent: VecDeque<u32>,
    generated: HashSet<u32>,
    random: StdRng,
    /// Kept from token to token, so that it is not allocated again.
    candidates: Vec<Candidate>,
}

impl Sampler {
    /// The same parameters with the same seed sample the same tokens.
    pub(super) fn new(sampling: &Sampling) -> Self {
        Self {
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            top_k: sampling.top_k,
            min_p: sampling.min_p,
            repetition: sampling.repetition_penalty,
            presence: sampling.presence_penalty,
            recent: VecDeque::with_capacity(WINDOW),
            generated: HashSet::new(),
            random: sampling.seed.map_or_else(rand::make_rng, StdRng::seed_from_u64),
            candidates: Vec::new(),
        }
    }

    /// The next token's id, from one logit for each token of the vocabulary; `None` when one of them is infinite or NaN: then an
    /// activation was, and the other logits are wrong too. Minus infinity excludes a token. The penalties are applied in place.
    #[cfg(test)]
    pub(super) fn sample(&mut self, logits: &mut [f32]) -> Option<u32> {
        self.sample_among(logits, |_| {})
    }

    /// [`Sampler::sample`] among the tokens that `restrict` leaves: it sets the logits of all others to minus infinity, after the
    /// penalties, which may therefore be whatever they are.
    pub(super) fn sample_among(&mut self, logits: &mut [f32], restrict: impl FnOnce(&mut [f32])) -> Option<u32> {
        // Without an early exit, the loop is vectorised. NaN is not below infinity.
        if logits.iter().filter(|logit| **logit < f32::INFINITY).count() < logits.len() {
            return None;
        }
        self.penalise(logits);
        restrict(logits);
        let token = if self.temperature > 0.0 {
            let mut candidates = std::mem::take(&mut self.candidates);
            collect(logits, self.top_k, &mut candidates);
            let token = self.draw(&mut candidates);
            self.candidates = candidates;
            token?
        } else {
            collect(logits, 1, &mut self.candidates);
            self.candidates.first()?.0
        };
        if self.recent.len() == WINDOW {
            self.recent.pop_front();
        }
        self.recent.push_back(token);
        self.generated.insert(token);
        Some(token)
    }

    /// Repetition as in Keskar et al. 2019 (CTRL, section 4.1), presence as `OpenAI`'s API documents it: once for each token, however
    /// often it was generated.
    fn penalise(&self, logits: &mut [f32]) {
        let seen: HashSet<u32> = self.recent.iter().copied().collect();
        for token in seen {
            if let Some(logit) = logits.get_mut(token as usize) {
                *logit = if *logit > 0.0 { *logit / self.repetition } else { *logit * self.repetition };
            }
        }
        if self.presence != 0.0 {
            for token in &self.generated {
                if let Some(logit) = logits.get_mut(*token as usize) {
                    *logit -= self.presence;
                }
            }
        }
    }

    fn draw(&mut self, candidates: &mut Vec<Candidate>) -> Option<u32> {
        let top = candidates.iter().map(|(_, logit)| *logit).max_by(f32::total_cmp)?;
        // The greatest weight is exactly 1, so that neither overflow nor a zero sum can occur.
        for (_, logit) in candidates.iter_mut() {
            *logit = if logit.to_bits() == top.to_bits() { 1.0 } else { ((*logit - top) / self.temperature).exp() };
        }
        if self.min_p > 0.0 {
            candidates.retain(|(_, weight)| *weight >= self.min_p);
        }
        if self.top_p < 1.0 {
            nucleus(candidates, self.top_p);
        }
        let mut left = self.random.random::<f64>() * sum(candidates);
        let drawn = candidates.iter().find(|(_, weight)| {
            left -= f64::from(*weight);
            left < 0.0
        });
        // Rounding can leave a rest after the last weight.
        drawn.or_else(|| candidates.iter().rfind(|(_, weight)| *weight > 0.0)).map(|(token, _)| *token)
    }
}

/// The order of a full sort; equal weights by token id, so that the result does not depend on how the selection moves them.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature of the sorting functions")]
fn most_likely_first(a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

fn sum(candidates: &[Candidate]) -> f64 {
    candidates.iter().map(|(_, weight)| f64::from(*weight)).sum()
}

/// The `most` most likely tokens (all of them for 0) whose logit is not NaN, in any order.
fn collect(logits: &[f32], most: usize, candidates: &mut Vec<Candidate>) {
    candidates.clear();
    let most = if most == 0 { logits.len() } else { most };
    // Once twice as many as wanted are collected, the better half sets a threshold that nearly all other tokens fail.
    let mut threshold = f32::NEG_INFINITY;
    for (token, logit) in (0..).zip(logits.iter().copied()) {
        // False for NaN.
        if logit > threshold {
            candidates.push((token, logit));
            if candidates.len() >= most.saturating_mul(2) {
                keep(candidates, most);
                threshold = candidates[most - 1].1;
            }
        }
    }
    keep(candidates, most);
}

/// Keeps the `most` most likely, with the least likely of them at the end.
fn keep(candidates: &mut Vec<Candidate>, most: usize) {
    if most < candidates.len() {
        candidates.select_nth_unstable_by(most - 1, most_likely_first);
        candidates.truncate(most);
    }
}

/// Keeps the smallest set of most likely tokens whose weights reach the share `top_p` of all.
fn nucleus(candidates: &mut Vec<Candidate>, top_p: f32) {
    let enough = sum(candidates) * f64::from(top_p);
    let (mut sorted, mut end, mut total) = (0, FIRST, 0.0);
    while sorted < candidates.len() {
        end = end.min(candidates.len());
        if end < candidates.len() {
            candidates[sorted..].select_nth_unstable_by(end - sorted - 1, most_likely_first);
        }
        candidates[sorted..end].sort_unstable_by(most_likely_first);
        for at in sorted..end {
            total += f64::from(candidates[at].1);
            if total >= enough {
                candidates.truncate(at + 1);
                return;
            }
        }
        (sorted, end) = (end, end * 4);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::{Candidate, FIRST, Sampler, collect, most_likely_first, nucleus, sum};
    use crate::inference::Sampling;

    fn sampling(temperature: f32) -> Sampling {
        Sampling { temperature, top_p: 1.0, top_k: 0, repetition_penalty: 1.0, seed: Some(7), ..Sampling::default() }
    }

    fn samples(sampling: &Sampling, logits: &[f32], count: usize) -> Vec<u32> {
        let mut sampler = Sampler::new(sampling);
        (0..count).map(|_| sampler.sample(&mut logits.to_vec()).unwrap()).collect()
    }

    fn distinct(sampling: &Sampling, logits: &[f32]) -> HashSet<u32> {
        samples(sampling, logits, 500).into_iter().collect()
    }

    #[test]
    fn zero_takes_the_first_of_the_most_likely() {
        assert_eq!(samples(&sampling(0.0), &[0.5, 2.0, 2.0, f32::NEG_INFINITY], 3), [1, 1, 1]);
    }

    #[test]
    fn no_usable_logit_is_no_token() {
        for temperature in [0.0, 1.0] {
            for spoiled in [f32::NAN, f32::INFINITY] {
                assert_eq!(Sampler::new(&sampling(temperature)).sample(&mut [0.0, spoiled, 1.0]), None, "{spoiled}");
            }
            assert_eq!(Sampler::new(&sampling(temperature)).sample(&mut [f32::NEG_INFINITY; 2]), None);
        }
    }

    #[test]
    fn a_seed_repeats_and_another_differs() {
        let logits = [0.0; 50];
        let other = Sampling { seed: Some(8), ..sampling(1.0) };
        assert_eq!(samples(&sampling(1.0), &logits, 20), samples(&sampling(1.0), &logits, 20));
        assert_ne!(samples(&sampling(1.0), &logits, 20), samples(&other, &logits, 20));
    }

    #[test]
    fn frequencies_follow_the_softmax() {
        // Probabilities 0.2 and 0.8.
        let ones = samples(&sampling(1.0), &[0.0, 4_f32.ln()], 4000).iter().filter(|token| **token == 1).count();
        assert!((3080..3320).contains(&ones), "{ones}");
    }

    #[test]
    fn top_k_and_top_p_cut_the_tail() {
        let logits = [0.0, 3.0, 2.0, 1.0];
        assert_eq!(distinct(&sampling(5.0), &logits), HashSet::from([0, 1, 2, 3]));
        assert_eq!(distinct(&Sampling { top_k: 2, ..sampling(5.0) }, &logits), HashSet::from([1, 2]));
        // At temperature 1 the two most likely have 0.64 + 0.24.
        assert_eq!(distinct(&Sampling { top_p: 0.7, ..sampling(1.0) }, &logits), HashSet::from([1, 2]));
        assert_eq!(distinct(&Sampling { top_p: 0.01, ..sampling(1.0) }, &logits), HashSet::from([1]));
    }

    #[test]
    fn the_penalty_moves_away_from_recent_tokens_whatever_the_sign() {
        let penalised = Sampling { repetition_penalty: 2.0, ..sampling(0.0) };
        assert_eq!(samples(&penalised, &[3.0, 2.0], 2), [0, 1]);
        assert_eq!(samples(&penalised, &[-2.0, -3.0], 2), [0, 1]);
    }

    #[test]
    fn the_penalty_forgets_after_its_window() {
        let mut sampler = Sampler::new(&Sampling { repetition_penalty: 2.0, ..sampling(0.0) });
        assert_eq!(sampler.sample(&mut [3.0, 2.0, -9.0]), Some(0));
        for _ in 0..63 {
            assert_eq!(sampler.sample(&mut [0.0, 0.0, 9.0]), Some(2));
        }
        assert_eq!(sampler.sample(&mut [3.0, 2.0, -9.0]), Some(1));
        assert_eq!(sampler.sample(&mut [3.0, 2.0, -9.0]), Some(0));
    }

    #[test]
    fn min_p_cuts_what_is_far_less_likely_than_the_most_likely() {
        // Shares of the highest probability: 1, 0.5, 0.1.
        let logits = [0.0, 0.5_f32.ln(), 0.1_f32.ln()];
        let kept = |min_p| distinct(&Sampling { min_p, ..sampling(1.0) }, &logits);
        assert_eq!(kept(0.0), HashSet::from([0, 1, 2]));
        assert_eq!(kept(0.3), HashSet::from([0, 1]));
        assert_eq!(kept(1.0), HashSet::from([0]));
        // It looks at the tempered probabilities: at 2, the least likely has a share of 0.32.
        assert_eq!(distinct(&Sampling { min_p: 0.3, ..sampling(2.0) }, &logits), HashSet::from([0, 1, 2]));
    }

    #[test]
    fn presence_is_punished_once_and_for_the_whole_answer() {
        let present = Sampling { presence_penalty: 1.5, ..sampling(0.0) };
        // After both were written, the first leads again.
        assert_eq!(samples(&present, &[3.0, 2.0], 4), [0, 1, 0, 0]);
        let mut sampler = Sampler::new(&present);
        assert_eq!(sampler.sample(&mut [3.0, 2.0, -9.0]), Some(0));
        for _ in 0..100 {
            assert_eq!(sampler.sample(&mut [0.0, 0.0, 9.0]), Some(2));
        }
        assert_eq!(sampler.sample(&mut [3.0, 2.0, -9.0]), Some(1));
    }

    #[test]
    fn the_distribution_of_a_tiny_vocabulary_is_the_filtered_softmax() {
        // Probabilities 0.4, 0.3, 0.2, 0.1; top_k drops the last, top_p 0.7 of the remaining 0.9 the third: 4/7 and 3/7 are left.
        let logits = [0.1_f32.ln(), 0.3_f32.ln(), 0.4_f32.ln(), 0.2_f32.ln()];
        let filtered = Sampling { top_k: 3, top_p: 0.7, ..sampling(1.0) };
        let mut counts = [0_u32; 4];
        for token in samples(&filtered, &logits, 7000) {
            counts[token as usize] += 1;
        }
        assert_eq!((counts[0], counts[3]), (0, 0));
        // Four standard deviations are 166.
        assert!(counts[2].abs_diff(4000) < 166, "{counts:?}");
    }

    proptest! {
        #[test]
        fn the_selections_keep_what_a_full_sort_would(
            logits in prop::collection::vec(prop_oneof![(-8_i8..8).prop_map(|x| f32::from(x) / 2.0), Just(f32::NAN)], 1..600),
            most in 0_usize..80, top_p in 0.01_f32..1.0,
        ) {
            let mut sorted: Vec<Candidate> = (0..).zip(logits.iter().copied()).filter(|(_, logit)| !logit.is_nan()).collect();
            sorted.sort_by(most_likely_first);
            let mut kept = Vec::new();
            collect(&logits, most, &mut kept);
            kept.sort_by(most_likely_first);
            prop_assert_eq!(&kept[..], &sorted[..if most == 0 { sorted.len() } else { most.min(sorted.len()) }]);

            let mut weights: Vec<Candidate> = sorted.iter().rev().map(|(token, logit)| (*token, logit.exp())).collect();
            let (all, before) = (sum(&weights), weights.len());
            nucleus(&mut weights, top_p);
            let enough = all * f64::from(top_p);
            prop_assert!(weights.len() <= before && sum(&weights) >= enough * (1.0 - 1e-9));
            prop_assert!(weights.is_empty() || sum(&weights[..weights.len() - 1]) < enough * (1.0 + 1e-9));
            prop_assert!(weights.is_sorted_by(|a, b| most_likely_first(a, b).is_lt()), "beyond {} too", FIRST);
        }
    }
}
