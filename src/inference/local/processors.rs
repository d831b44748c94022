//! What the models of one process share: the threads that compute, and whether answers are being computed on them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::kernels::Pool;

/// The threads of this process that compute. Models that are opened with the same one take turns on its threads, and an encoder leaves most
/// of the time to answers.
#[derive(Clone)]
pub struct Processors {
    pub(super) pool: Arc<Pool>,
    pub(super) answering: Answering,
}

impl Processors {
    /// So many threads, of which the thread that computes is one.
    pub fn new(threads: usize) -> io::Result<Self> {
        Ok(Self { pool: Arc::new(Pool::new(threads)?), answering: Answering::default() })
    }
}

/// Whether the engine has requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Answering(Arc<AtomicBool>);

impl Answering {
    pub(super) fn set(&self, answering: bool) {
        self.0.store(answering, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
