//! The metadata of one architecture in a GGUF, each number checked against its bounds, and the tensors that follow from it.

use std::collections::BTreeMap;

use candle_core::quantized::gguf_file::Value;

use super::gguf::{Gguf, integer};
use super::gguf_error::GgufError;

/// The entries `<architecture>.<name>` of the metadata.
#[derive(Clone, Copy)]
pub(super) struct Entries<'a> {
    gguf: &'a Gguf,
    architecture: &'static str,
}

impl<'a> Entries<'a> {
    pub(super) fn of(gguf: &'a Gguf, architecture: &'static str) -> Self {
        Self { gguf, architecture }
    }

    /// The full name of an entry.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture)
    }

    /// The names of all entries.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        let prefix = self.key("");
        self.gguf.content.metadata.keys().filter_map(move |key| key.strip_prefix(&prefix))
    }

    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.gguf.content.metadata.get(&self.key(name))
    }

    /// A string; `None` when the entry is missing.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, GgufError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.to_string().map(|text| Some(text.as_str())).map_err(|_| self.absurd(name))
    }

    /// An integer between 1 and `most`; `None` when the entry is missing.
    pub(super) fn optional(&self, name: &str, most: u64) -> Result<Option<usize>, GgufError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        match integer(value).filter(|number| (1..=most).contains(number)) {
            Some(number) => Ok(Some(number as usize)),
            None => Err(self.absurd(name)),
        }
    }

    /// An integer between 1 and `most`.
    pub(super) fn number(&self, name: &str, most: u64) -> Result<usize, GgufError> {
        self.optional(name, most)?.ok_or_else(|| self.absurd(name))
    }

    /// A number of any kind between two bounds; `None` when the entry is missing.
    pub(super) fn real(&self, name: &str, least: f64, most: f64) -> Result<Option<f64>, GgufError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        match real(value).filter(|number| (least..=most).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(self.absurd(name)),
        }
    }

    /// The error for an entry that is missing or out of bounds.
    pub(super) fn absurd(&self, name: &str) -> GgufError {
        GgufError::damaged(format!("{} is missing or absurd", self.key(name)))
    }

    /// The error for an entry that `who` would ignore.
    pub(super) fn ignored(&self, name: &str, who: &str) -> GgufError {
        GgufError::unsupported(format!("it sets {}, which {who} would ignore and so answer wrongly", self.key(name)))
    }
}

/// A number of any kind.
pub(super) fn real(value: &Value) -> Option<f64> {
    match value {
        Value::F32(number) => Some(f64::from(*number)),
        Value::F64(number) => Some(*number),
        other => integer(other).map(|number| number as f64),
    }
}

/// Whether a tensor is required.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
}

/// The names and shapes of the tensors that a model may have.
#[derive(Default)]
pub(super) struct Expected(BTreeMap<String, (Vec<usize>, Need)>);

impl Expected {
    pub(super) fn add(&mut self, name: impl Into<String>, dims: &[usize], need: Need) {
        self.0.insert(name.into(), (dims.to_vec(), need));
    }

    /// Checks the tensors of a file; `who` computes with them. Reports the first error by name, so that the same file always gives the
    /// same sentence.
    pub(super) fn check(&self, gguf: &Gguf, who: &str) -> Result<(), GgufError> {
        let found = &gguf.content.tensor_infos;
        if let Some(name) = found.keys().filter(|name| !self.0.contains_key(*name)).min() {
            return Err(GgufError::unsupported(format!(
                "it holds the tensor {name}, which {who} would ignore and so answer wrongly"
            )));
        }
        // Missing tensors first: the shapes of others may follow from them.
        let mut needed = self.0.iter().filter(|(_, (_, need))| *need == Need::Required);
        if let Some((name, _)) = needed.find(|(name, _)| !found.contains_key(*name)) {
            return Err(GgufError::damaged(format!("the tensor {name} is missing")));
        }
        for (name, (expected, _)) in &self.0 {
            if let Some(dims) = found.get(name).map(|info| info.shape.dims()).filter(|dims| dims != expected) {
                return Err(GgufError::damaged(format!(
                    "the tensor {name} has the shape {dims:?}, {expected:?} was expected"
                )));
            }
        }
        Ok(())
    }
}
