//! One file for each family of formats: from bytes to a [`Flow`](super::flow::Flow). What is here runs in the child only.

pub(super) mod csv;
pub(super) mod docx;
pub(super) mod eml;
pub(super) mod grid;
pub(super) mod html;
pub(super) mod lists;
pub(super) mod markdown;
pub(super) mod msg;
pub(super) mod numbering;
pub(super) mod odf;
pub(super) mod ooxml;
pub(super) mod pdf;
pub(super) mod plain;
pub(super) mod pptx;
pub(super) mod sheets;
pub(super) mod table;
pub(super) mod xml;
