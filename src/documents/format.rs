//! The formats that are read, and which of them a name or a declared type promises.

use serde::{Deserialize, Serialize};

/// A format that is read.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // Each is its own name.
pub enum Format {
    Pdf,
    Docx,
    Odt,
    Pptx,
    Odp,
    Xlsx,
    Ods,
    Xls,
    Csv,
    Text,
    Markdown,
    Html,
    Eml,
    Msg,
}

/// Each format with its name, the endings of its files and its media types.
const FORMATS: [(Format, &str, &[&str], &[&str]); 14] = [
    (Format::Pdf, "pdf", &["pdf"], &["application/pdf"]),
    (
        Format::Docx,
        "docx",
        &["docx", "docm", "dotx"],
        &["application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
    ),
    (Format::Odt, "odt", &["odt", "ott"], &["application/vnd.oasis.opendocument.text"]),
    (
        Format::Pptx,
        "pptx",
        &["pptx", "pptm", "ppsx", "potx"],
        &["application/vnd.openxmlformats-officedocument.presentationml.presentation"],
    ),
    (Format::Odp, "odp", &["odp", "otp"], &["application/vnd.oasis.opendocument.presentation"]),
    (
        Format::Xlsx,
        "xlsx",
        &["xlsx", "xlsm", "xltx", "xlsb"],
        &["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
    ),
    (Format::Ods, "ods", &["ods", "ots"], &["application/vnd.oasis.opendocument.spreadsheet"]),
    (Format::Xls, "xls", &["xls"], &["application/vnd.ms-excel"]),
    (Format::Csv, "csv", &["csv", "tsv"], &["text/csv", "text/tab-separated-values"]),
    (Format::Text, "txt", &["txt", "text", "log"], &["text/plain"]),
    (Format::Markdown, "md", &["md", "markdown"], &["text/markdown"]),
    (Format::Html, "html", &["html", "htm", "xhtml"], &["text/html", "application/xhtml+xml"]),
    (Format::Eml, "eml", &["eml"], &["message/rfc822"]),
    (Format::Msg, "msg", &["msg"], &["application/vnd.ms-outlook"]),
];

impl Format {
    /// All formats, in the order in which people are told of them.
    pub fn all() -> impl Iterator<Item = Self> {
        FORMATS.iter().map(|(format, ..)| *format)
    }

    /// As people write it: the usual ending of its files.
    #[must_use]
    pub fn name(self) -> &'static str {
        FORMATS.iter().find(|(format, ..)| *format == self).map_or("", |(_, name, ..)| name)
    }

    /// What the ending of a file's name promises.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let ending = name.rsplit_once('.')?.1.to_lowercase();
        FORMATS.iter().find(|(_, _, endings, _)| endings.contains(&ending.as_str())).map(|(format, ..)| *format)
    }

    /// What a declared media type promises.
    #[must_use]
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        let bare = media_type.split(';').next().unwrap_or_default().trim().to_lowercase();
        FORMATS.iter().find(|(_, _, _, types)| types.contains(&bare.as_str())).map(|(format, ..)| *format)
    }
}

/// Whether a file is worth its download, by what is said of it: the name promises a format, or the name says nothing and the declared type
/// does. What the file is, only its content shows.
#[must_use]
pub fn can_read(name: &str, media_type: Option<&str>) -> bool {
    Format::of_name(name).is_some() || media_type.and_then(Format::of_media_type).is_some()
}

#[cfg(test)]
mod tests {
    use super::{Format, can_read};

    #[test]
    fn names_and_types_promise_formats() {
        assert_eq!(Format::of_name("Guide RH.v2.PDF"), Some(Format::Pdf));
        assert_eq!(Format::of_name("pdf"), None);
        assert_eq!(Format::of_media_type("Text/HTML; charset=utf-8"), Some(Format::Html));
        assert!(can_read("a.docx", Some("application/octet-stream")));
        assert!(can_read("note", Some("text/plain")));
        assert!(!can_read("photo.jpg", Some("image/jpeg")));
        assert!(!can_read("", None));
        assert_eq!(Format::all().map(Format::name).collect::<std::collections::HashSet<_>>().len(), 14);
    }
}
