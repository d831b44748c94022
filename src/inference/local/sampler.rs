//! Choosing the next token from the model's logits.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::inference::Sampling;

/// How many of the latest tokens the repetition penalty looks at: the number that llama.cpp takes too.
const PENALTY_WINDOW: usize = 64;

/// Draws tokens by one request's settings.
pub(super) struct Sampler<'a> {
    settings: &'a Sampling,
    rng: StdRng,
}

impl<'a> Sampler<'a> {
    pub(super) fn new(settings: &'a Sampling) -> Self {
        let seed = settings.seed.unwrap_or_else(|| rand::rng().random());
        Self { settings, rng: StdRng::seed_from_u64(seed) }
    }

    /// The next token; `history` is what was read and written so far. Logits that are no numbers lose against all others.
    pub(super) fn next(&mut self, mut logits: Vec<f32>, history: &[u32]) -> Option<u32> {
        let recent = &history[history.len().saturating_sub(PENALTY_WINDOW)..];
        penalise(&mut logits, recent, self.settings.repetition_penalty);
        let mut candidates: Vec<(u32, f32)> = (0_u32..).zip(logits).filter(|(_, logit)| logit.is_finite()).collect();
        let (best, _) = *candidates.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        if self.settings.temperature <= 0.0 {
            return Some(best);
        }
        candidates.sort_unstable_by(|a, b| b.1.total_cmp(&a.1));
        if self.settings.top_k > 0 {
            candidates.truncate(self.settings.top_k);
        }
        let top = candidates[0].1;
        let weights: Vec<f32> =
            candidates.iter().map(|(_, logit)| ((logit - top) / self.settings.temperature).exp()).collect();
        let kept = nucleus(&weights, self.settings.top_p);
        let mut draw = self.rng.random::<f32>() * weights[..kept].iter().sum::<f32>();
        for (weight, (token, _)) in weights[..kept].iter().zip(&candidates) {
            draw -= weight;
            if draw <= 0.0 {
                return Some(*token);
            }
        }
        Some(best)
    }
}

/// Keskar et al. 2019 (CTRL): divides positive logits and multiplies negative ones, once per token.
fn penalise(logits: &mut [f32], recent: &[u32], penalty: f32) {
    if (penalty - 1.0).abs() < f32::EPSILON {
        return;
    }
    let seen: std::collections::BTreeSet<u32> = recent.iter().copied().collect();
    for token in seen {
        if let Some(logit) = logits.get_mut(token as usize) {
            *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
        }
    }
}

/// How many of the weights, sorted downwards, reach the share `top_p` of their sum (Holtzman et al. 2020); at least one.
fn nucleus(weights: &[f32], top_p: f32) -> usize {
    let wanted = top_p * weights.iter().sum::<f32>();
    let mut sum = 0.0;
    for (index, weight) in weights.iter().enumerate() {
        sum += weight;
        if sum >= wanted {
            return index + 1;
        }
    }
    weights.len()
}

#[cfg(test)]
mod tests {
    use super::{Sampler, nucleus};
    use crate::inference::Sampling;

    fn settings() -> Sampling {
        Sampling {
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            repetition_penalty: 1.0,
            seed: Some(7),
            max_tokens: 10,
            stop: Vec::new(),
        }
    }

    fn draws(settings: &Sampling, history: &[u32]) -> Vec<u32> {
        let mut sampler = Sampler::new(settings);
        (0..400).map(|_| sampler.next(vec![1.0, 3.0, f32::NAN, 2.0], history).expect("a token")).collect()
    }

    #[test]
    fn cold_takes_the_likeliest_and_a_seed_repeats() {
        assert!(draws(&Sampling { temperature: 0.0, ..settings() }, &[]).iter().all(|token| *token == 1));
        assert_eq!(draws(&settings(), &[]), draws(&settings(), &[]));
        assert_ne!(draws(&settings(), &[]), draws(&Sampling { seed: Some(8), ..settings() }, &[]));
    }

    #[test]
    fn frequencies_follow_the_softmax() {
        let all = draws(&settings(), &[]);
        let share = |token| all.iter().filter(|drawn| **drawn == token).count() as f32 / all.len() as f32;
        // e^3 : e^2 : e^1 of their sum, by hand: 0.665, 0.245, 0.090.
        assert!((share(1) - 0.665).abs() < 0.08 && (share(3) - 0.245).abs() < 0.08 && (share(0) - 0.090).abs() < 0.06);
        assert_eq!(share(2), 0.0, "not a number");
    }

    #[test]
    fn top_k_top_p_and_the_penalty_narrow_the_choice() {
        assert!(draws(&Sampling { top_k: 1, ..settings() }, &[]).iter().all(|token| *token == 1));
        assert!(draws(&Sampling { top_p: 0.9, ..settings() }, &[]).iter().all(|token| *token != 0));
        let cold = Sampling { temperature: 0.0, repetition_penalty: 2.0, ..settings() };
        assert!(draws(&cold, &[1]).iter().all(|token| *token == 3));
        assert_eq!(nucleus(&[0.5, 0.3, 0.2], 0.5), 1);
        assert_eq!(nucleus(&[0.5, 0.3, 0.2], 1.0), 3);
    }

    #[test]
    fn no_logits_no_token() {
        assert_eq!(Sampler::new(&settings()).next(vec![f32::NAN], &[]), None);
    }
}
