//! The only place that knows sled.
