//! For `crate::fuzz`.

pub(crate) use super::commands::fuzz::command;
