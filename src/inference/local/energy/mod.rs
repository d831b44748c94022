//! The energy that the engine's steps take: read from the processor's own counters where they can be read, otherwise estimated from time.

mod meter;
mod rapl;
mod shares;

pub(super) use self::{
    meter::{Meter, Power},
    shares::divided,
};
