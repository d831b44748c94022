//! Choosing the next token.

use std::collections::{HashSet, VecDeque};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::inference::Sampling;

/// How many of the answer's last tokens the repetition penalty looks at.
const WINDOW: usize = 64;

/// Draws the tokens of one answer.
pub(super) struct Sampler {
    temperature: f32,
    top_p: f32,
    top_k: usize,
    penalty: f32,
    recent: VecDeque<u32>,
    random: StdRng,
}

impl Sampler {
    /// The same sampling with the same seed draws the same tokens.
    pub(super) fn new(sampling: &Sampling) -> Self {
        Self {
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            top_k: sampling.top_k,
            penalty: sampling.repetition_penalty,
            recent: VecDeque::with_capacity(WINDOW),
            random: sampling.seed.map_or_else(rand::make_rng, StdRng::seed_from_u64),
        }
    }

    /// The next token's id, from one logit for each token of the vocabulary; `None` when no logit is a number.
    pub(super) fn draw(&mut self, mut logits: Vec<f32>) -> Option<u32> {
        self.penalise(&mut logits);
        let mut candidates: Vec<(u32, f32)> =
            (0_u32..).zip(logits).filter(|(_, logit)| !logit.is_nan() && *logit > f32::NEG_INFINITY).collect();
        let token = if self.temperature > 0.0 { self.pick(&mut candidates)? } else { best(&candidates)? };
        if self.recent.len() == WINDOW {
            self.recent.pop_front();
        }
        self.recent.push_back(token);
        Some(token)
    }

    /// Keskar et al. 2019 (CTRL, section 4.1): once for each token, however often it was seen.
    fn penalise(&self, logits: &mut [f32]) {
        let seen: HashSet<u32> = self.recent.iter().copied().collect();
        for token in seen {
            if let Some(logit) = logits.get_mut(token as usize) {
                *logit = if *logit > 0.0 { *logit / self.penalty } else { *logit * self.penalty };
            }
        }
    }

    fn pick(&mut self, candidates: &mut Vec<(u32, f32)>) -> Option<u32> {
        let likeliest_first = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if self.top_k > 0 && self.top_k < candidates.len() {
            candidates.select_nth_unstable_by(self.top_k - 1, likeliest_first);
            candidates.truncate(self.top_k);
        }
        candidates.sort_unstable_by(likeliest_first);
        let top = candidates.first()?.1;
        // The greatest weight is exactly 1: neither overflow nor a zero sum. An infinite logit takes everything.
        let weigh =
            |logit: f32| if logit.to_bits() == top.to_bits() { 1.0 } else { ((logit - top) / self.temperature).exp() };
        let mut weights: Vec<f32> = candidates.iter().map(|(_, logit)| weigh(*logit)).collect();
        let enough = weights.iter().sum::<f32>() * self.top_p;
        let mut total = 0.0;
        let kept = weights.iter().position(|weight| {
            total += weight;
            total >= enough
        });
        weights.truncate(kept.map_or(weights.len(), |last| last + 1));
        let mut left = self.random.random::<f32>() * weights.iter().sum::<f32>();
        let drawn = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        // Rounding can leave a crumb after the last weight.
        Some(candidates[drawn.unwrap_or(weights.len() - 1)].0)
    }
}

fn best(candidates: &[(u32, f32)]) -> Option<u32> {
    candidates.iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0))).map(|(token, _)| *token)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Sampler;
    use crate::inference::Sampling;

    fn sampling(temperature: f32) -> Sampling {
        Sampling { temperature, top_p: 1.0, top_k: 0, repetition_penalty: 1.0, seed: Some(7), ..Sampling::default() }
    }

    fn draws(sampling: &Sampling, logits: &[f32], count: usize) -> Vec<u32> {
        let mut sampler = Sampler::new(sampling);
        (0..count).map(|_| sampler.draw(logits.to_vec()).unwrap()).collect()
    }

    fn distinct(sampling: &Sampling, logits: &[f32]) -> HashSet<u32> {
        draws(sampling, logits, 500).into_iter().collect()
    }

    #[test]
    fn zero_takes_the_first_of_the_likeliest() {
        assert_eq!(draws(&sampling(0.0), &[0.5, 2.0, 2.0, f32::NAN], 3), [1, 1, 1]);
    }

    #[test]
    fn no_usable_logit_is_no_token() {
        for temperature in [0.0, 1.0] {
            assert_eq!(Sampler::new(&sampling(temperature)).draw(vec![f32::NAN, f32::NEG_INFINITY]), None);
        }
        assert_eq!(draws(&sampling(1.0), &[0.0, f32::INFINITY], 1), [1]);
    }

    #[test]
    fn a_seed_repeats_and_another_differs() {
        let logits = [0.0; 50];
        let other = Sampling { seed: Some(8), ..sampling(1.0) };
        assert_eq!(draws(&sampling(1.0), &logits, 20), draws(&sampling(1.0), &logits, 20));
        assert_ne!(draws(&sampling(1.0), &logits, 20), draws(&other, &logits, 20));
    }

    #[test]
    fn frequencies_follow_the_softmax() {
        // Probabilities 0.2 and 0.8.
        let ones = draws(&sampling(1.0), &[0.0, 4_f32.ln()], 4000).iter().filter(|token| **token == 1).count();
        assert!((3080..3320).contains(&ones), "{ones}");
    }

    #[test]
    fn top_k_and_top_p_cut_the_tail() {
        let logits = [0.0, 3.0, 2.0, 1.0];
        assert_eq!(distinct(&sampling(5.0), &logits), HashSet::from([0, 1, 2, 3]));
        assert_eq!(distinct(&Sampling { top_k: 2, ..sampling(5.0) }, &logits), HashSet::from([1, 2]));
        // At temperature 1 the two likeliest hold 0.64 + 0.24.
        assert_eq!(distinct(&Sampling { top_p: 0.7, ..sampling(1.0) }, &logits), HashSet::from([1, 2]));
        assert_eq!(distinct(&Sampling { top_p: 0.01, ..sampling(1.0) }, &logits), HashSet::from([1]));
    }

    #[test]
    fn the_penalty_moves_away_from_recent_tokens_whatever_the_sign() {
        let penalised = Sampling { repetition_penalty: 2.0, ..sampling(0.0) };
        assert_eq!(draws(&penalised, &[3.0, 2.0], 2), [0, 1]);
        assert_eq!(draws(&penalised, &[-2.0, -3.0], 2), [0, 1]);
    }

    #[test]
    fn the_penalty_forgets_after_its_window() {
        let mut sampler = Sampler::new(&Sampling { repetition_penalty: 2.0, ..sampling(0.0) });
        assert_eq!(sampler.draw(vec![3.0, 2.0, -9.0]), Some(0));
        for _ in 0..63 {
            assert_eq!(sampler.draw(vec![0.0, 0.0, 9.0]), Some(2));
        }
        assert_eq!(sampler.draw(vec![3.0, 2.0, -9.0]), Some(1));
        assert_eq!(sampler.draw(vec![3.0, 2.0, -9.0]), Some(0));
    }
}
