//! What stands on an encoder: the head of a model that scores pairs, or that labels tokens.

use super::super::gguf_error::GgufError;
use super::super::kernels::{Activations, Pool};
use super::settings::Shape;
use super::weights::{Files, Linear};

/// What a model is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Vectors: it has no head.
    Vectors,
    /// One score for a pair.
    Scores,
    /// So many labels for each token.
    Labels(usize),
}

/// The head of a model that classifies.
pub(super) enum Head {
    /// One label for a whole text.
    Score { dense: Linear, out: Linear },
    /// Labels for each token.
    Labels { out: Linear, count: usize },
}

impl Head {
    pub(super) fn load(files: &Files, shape: &Shape, wanted: Wanted, pool: &Pool) -> Result<Option<Self>, GgufError> {
        match wanted {
            Wanted::Vectors => {
                if files.has("classifier.weight") || files.has("classifier.out_proj.weight") {
                    return Err(GgufError::unsupported(
                        "it is a model that scores or classifies: name it in model.reranker or model.entities",
                    ));
                }
                Ok(None)
            }
            Wanted::Scores => score(files, shape, pool).map(Some),
            Wanted::Labels(count) => labels(files, shape, count, pool).map(Some),
        }
    }

    /// The score of a pair, from the state of its first token.
    pub(super) fn score(&self, first: &[f32], pool: &Pool) -> Option<Vec<f32>> {
        let Self::Score { dense, out } = self else { return None };
        let mut input = Activations::new();
        input.fill(1, first.len(), |to| to.copy_from_slice(first));
        let mut hidden = vec![0.0; first.len()];
        dense.multiply(&input, &mut hidden, pool);
        input.fill(1, hidden.len(), |to| to.iter_mut().zip(&hidden).for_each(|(to, value)| *to = value.tanh()));
        let mut score = vec![0.0];
        out.multiply(&input, &mut score, pool);
        Some(score.iter().map(|score| 1.0 / (1.0 + (-score).exp())).collect())
    }

    /// How likely each label is for each token, from their states, of so many values each.
    pub(super) fn chances(&self, states: &[f32], width: usize, pool: &Pool) -> Option<Vec<f32>> {
        let Self::Labels { out, count } = self else { return None };
        let rows = states.len() / width;
        let mut input = Activations::new();
        input.fill(rows, width, |to| to.copy_from_slice(states));
        let mut chances = vec![0.0; rows * count];
        out.multiply(&input, &mut chances, pool);
        for row in chances.chunks_exact_mut(*count) {
            let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            for value in row.iter_mut() {
                *value = (*value - most).exp();
            }
            let sum: f32 = row.iter().sum();
            for value in row {
                *value /= sum;
            }
        }
        Some(chances)
    }
}

fn score(files: &Files, shape: &Shape, pool: &Pool) -> Result<Head, GgufError> {
    let width = shape.width;
    let (dense, out) = if shape.bert {
        (files.own("pooler.dense"), "classifier")
    } else {
        ("classifier.dense".to_owned(), "classifier.out_proj")
    };
    if !files.has(&format!("{out}.weight")) {
        return Err(GgufError::unsupported("it has no head that scores: it is not a reranker"));
    }
    let out = files.linear(out, 1, width, pool).map_err(|error| match error {
        GgufError::Damaged(reason) if reason.contains("shape") => {
            GgufError::unsupported("it classifies with several labels: a reranker has one")
        }
        other => other,
    })?;
    Ok(Head::Score { dense: files.linear(&dense, width, width, pool)?, out })
}

fn labels(files: &Files, shape: &Shape, count: usize, pool: &Pool) -> Result<Head, GgufError> {
    if !files.has("classifier.weight") {
        return Err(GgufError::unsupported("it has no head that labels words (classifier.weight)"));
    }
    Ok(Head::Labels { out: files.linear("classifier", count, shape.width, pool)?, count })
}
