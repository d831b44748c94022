//! Which instructions this processor has, detected once, and the proof of it that the kernels take as an argument.

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
use super::panel::AVX2_PANEL;
use super::panel::PANEL;
#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};

/// Limits the choice, to compare the backends on one machine: `scalar`, `avx2` or `avx512`.
const LIMIT: &str = "COMPAGNON_KERNELS";

/// The instructions to compute with. A value of a variant exists only where its instructions do: only detection makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backend {
    /// Plain Rust: the reference, and the backend of other processors.
    Scalar,
    /// AVX2, FMA, F16C: every x86 server of the last ten years.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512 F, BW, VL, VNNI: four int8 products in one lane of one instruction.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Backend {
    /// The fastest one here, within the limit that the environment sets.
    pub(super) fn best() -> Self {
        static BEST: OnceLock<Backend> = OnceLock::new();
        *BEST.get_or_init(|| {
            let all = Self::all();
            let limit = std::env::var(LIMIT).ok();
            let named = limit.and_then(|name| all.iter().copied().find(|backend| backend.name() == name));
            named.or(all.last().copied()).unwrap_or(Self::Scalar)
        })
    }

    /// All that run here, the slowest first.
    pub(super) fn all() -> Vec<Self> {
        let all = [Self::Scalar].into_iter();
        #[cfg(target_arch = "x86_64")]
        let all = all.chain(Avx2::detect().map(Self::Avx2)).chain(Avx512::detect().map(Self::Avx512));
        all.collect()
    }

    /// Rows of activations that a kernel takes at once, so as to fill its registers; at most `PANEL`.
    pub(super) fn panel(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => AVX2_PANEL,
            _ => PANEL,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
        }
    }
}

/// Calls the kernel of that name in the backend's module; the caller has imported `scalar`, `avx2` and `avx512`.
macro_rules! dispatch {
    ($backend:expr, $name:ident($($argument:expr),* $(,)?)) => {
        match $backend {
            Backend::Scalar => scalar::$name($($argument),*),
            #[cfg(target_arch = "x86_64")]
            Backend::Avx2(proof) => avx2::$name(proof, $($argument),*),
            #[cfg(target_arch = "x86_64")]
            Backend::Avx512(proof) => avx512::$name(proof, $($argument),*),
        }
    };
}
pub(super) use dispatch;
