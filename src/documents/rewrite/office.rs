//! The parts of DOCX, PPTX and XLSX that hold text. Paragraphs have runs in all three, and runs have properties: runs of the same ones that
//! follow one another are one to a reader, however often the program cut them.

use std::ops::Range;

use super::{
    cells,
    escape::{Escape, Space},
    markup::{Markup, Tag, Token, unescaped},
    unit::{Draft, Kind, Piece, Unit},
};
use crate::documents::ExtractError;

/// Whose elements a part has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialect {
    /// `WordprocessingML`.
    Word,
    /// `DrawingML`: slides, charts, diagrams, and what is drawn on sheets.
    Drawing,
    /// `SpreadsheetML`: texts that cells share, and comments.
    Sheet,
    /// A sheet itself.
    Cells,
    /// Properties of the document: each element is one text.
    Properties,
}

/// Properties of a run in which no reader sees a difference: of languages, of checks, and the spacing by which a line was filled.
const UNSEEN: [&str; 10] =
    ["lang", "noProof", "spacing", "kern", "w", "snapToGrid", "rPrChange", "latentStyles", "proofErr", "extLst"];

/// The same of attributes, in `DrawingML`.
const UNSEEN_ATTRIBUTES: [&str; 10] =
    ["lang", "altLang", "dirty", "err", "noProof", "smtClean", "smtId", "bmk", "kern", "spc"];

/// What may stand between runs that are one to a reader.
const UNSEEN_BETWEEN: [&str; 21] = [
    "r",
    "rPr",
    "pPr",
    "t",
    "delText",
    "proofErr",
    "bookmarkStart",
    "bookmarkEnd",
    "commentRangeStart",
    "commentRangeEnd",
    "commentReference",
    "permStart",
    "permEnd",
    "lastRenderedPageBreak",
    "smartTag",
    "smartTagPr",
    "customXml",
    "customXmlPr",
    "endParaRPr",
    "moveFromRangeStart",
    "moveFromRangeEnd",
];

/// Elements that hold no text of their document: mathematics, what a sound is written as in a cell, data of a program.
const LEFT: [&str; 9] = ["oMath", "oMathPara", "rPh", "fld", "binData", "instrText", "delInstrText", "sdtPr", "ffData"];

/// The properties that say something of people or of what the document is about, and whether they are shown as its title is.
const PROPERTIES: [(&str, bool); 12] = [
    ("title", true),
    ("subject", true),
    ("description", false),
    ("keywords", false),
    ("category", false),
    ("contentStatus", false),
    ("creator", false),
    ("lastModifiedBy", false),
    ("Company", false),
    ("Manager", false),
    ("lpstr", false),
    ("lpwstr", false),
];

/// The texts of a part.
pub(super) fn units(source: &str, dialect: Dialect) -> Result<Vec<Unit>, ExtractError> {
    if dialect == Dialect::Cells {
        let mut units =
            [units(source, Dialect::Sheet)?, cells::units(source)?].into_iter().flatten().collect::<Vec<_>>();
        units.sort_by_key(Unit::start);
        return Ok(units);
    }
    let mut part = Part {
        markup: Markup::new(source),
        dialect,
        units: Vec::new(),
        open: Vec::new(),
        keys: Vec::new(),
        text: None,
        is_line: true,
    };
    while let Some(token) = part.markup.next()? {
        match token {
            Token::Open(tag) => part.open(&tag)?,
            Token::Text(range, text) => part.text(range, text),
            Token::Close(name, range) => part.close(name, range),
        }
    }
    part.units.sort_by_key(Unit::start);
    Ok(part.units)
}

struct Part<'a> {
    markup: Markup<'a>,
    dialect: Dialect,
    units: Vec<Unit>,
    /// Paragraphs that are open, one inside a text box of another, each with the name of its element.
    open: Vec<(&'a str, Draft)>,
    /// What the properties of the open runs are.
    keys: Vec<String>,
    /// The text element that is open, how it is escaped, and whether white space around it is left out.
    text: Option<(Escape, bool)>,
    /// The break that was read last ends a line, and no page.
    is_line: bool,
}

impl<'a> Part<'a> {
    fn open(&mut self, tag: &Tag<'a>) -> Result<(), ExtractError> {
        self.attributes(tag);
        let parent = self.markup.parent();
        let begins = match (self.dialect, tag.name) {
            (Dialect::Properties, name) => {
                let property = PROPERTIES.iter().find(|(property, _)| *property == name);
                if let Some((_, shown)) = property {
                    self.open.push((tag.name, Draft::new(!shown)));
                    self.text = Some((Escape::Xml(Space::Kept(None)), false));
                }
                return Ok(());
            }
            (Dialect::Word, "del" | "moveFrom") => parent != "rPr" && parent != "trPr",
            (_, "p" | "text")
            | (Dialect::Word, "rt")
            | (Dialect::Sheet, "si" | "is" | "author")
            | (Dialect::Drawing, "v") => true,
            _ => false,
        };
        if begins {
            if let Some((_, outer)) = self.open.last_mut() {
                outer.cut();
            }
            let hidden = matches!(tag.name, "del" | "moveFrom" | "rt" | "author");
            self.open.push((tag.name, Draft::new(hidden)));
            // These hold their text themselves.
            let strings =
                tag.name == "v" && (parent == "tx" || matches!(self.markup.ancestor(2), "strCache" | "strLit"));
            if tag.name == "author" || tag.name == "text" || strings {
                self.text = Some((Escape::Xml(Space::Kept(None)), false));
            }
            return Ok(());
        }
        match tag.name {
            name if LEFT.contains(&name) => {
                self.cut();
                self.markup.skip()?;
            }
            "r" => self.keys.push(String::new()),
            "rPr" if parent == "r" => self.properties(tag)?,
            "t" | "delText" => self.begin_text(tag),
            "br" => {
                self.is_line = !matches!(tag.raw("type"), Some("page" | "column"));
                if !self.is_line {
                    self.cut();
                }
            }
            "cr" => self.is_line = true,
            // These stand for characters, which is known at their end.
            "tab" | "ptab" | "noBreakHyphen" | "softHyphen" => {}
            name if UNSEEN_BETWEEN.contains(&name) => {}
            // Within the properties of a paragraph nothing stands between runs, but nothing is lost by a cut before the first.
            _ => self.cut(),
        }
        Ok(())
    }

    fn cut(&mut self) {
        if let Some((_, draft)) = self.open.last_mut() {
            draft.cut();
        }
    }

    /// Texts in attributes: what is said of a picture, and who made a change.
    fn attributes(&mut self, tag: &Tag<'a>) {
        let pictured = matches!(tag.name, "docPr" | "cNvPr");
        for (name, range) in tag.attributes() {
            let name = name.rsplit(':').next().unwrap_or(name);
            let hidden = match (tag.name, name) {
                (_, "descr" | "title") if pictured => false,
                (_, "author" | "initials") | ("cmAuthor" | "author", "name") | ("person", "displayName") => true,
                _ => continue,
            };
            let Some(text) = self.markup.source.get(range.clone()).and_then(unescaped) else { continue };
            self.units.extend(Unit::of(Piece::text(range, text, Escape::Attribute), hidden));
        }
    }

    /// Reads the properties of a run.
    fn properties(&mut self, tag: &Tag<'a>) -> Result<(), ExtractError> {
        let mut key = String::new();
        if self.dialect == Dialect::Drawing {
            let seen = tag.attributes().filter(|(name, _)| !UNSEEN_ATTRIBUTES.contains(name));
            for (name, range) in seen {
                key.push_str(name);
                key.push_str(self.markup.source.get(range).unwrap_or_default());
            }
        }
        let depth = self.markup.depth();
        while let Some(token) = self.markup.next()? {
            match token {
                Token::Open(inner) => self.attributes(&inner),
                Token::Close(name, range) if self.markup.depth() == depth && !UNSEEN.contains(&name) => {
                    let raw = self.markup.source.get(range).unwrap_or_default();
                    // A hint for characters of several scripts is no font.
                    let is_hint = name == "rFonts" && raw.contains(":hint=") && raw.matches('=').count() == 1;
                    key.push_str(if is_hint { "" } else { raw });
                }
                Token::Close(..) if self.markup.depth() < depth => break,
                _ => {}
            }
        }
        if let Some(last) = self.keys.last_mut() {
            *last = key;
        }
        Ok(())
    }

    fn begin_text(&mut self, tag: &Tag<'a>) {
        let preserved = tag.raw("space") == Some("preserve");
        let place = (!preserved).then(|| tag.name_end());
        self.text = Some(match self.dialect {
            Dialect::Word => (Escape::Xml(Space::OneLine(place)), !preserved),
            Dialect::Drawing => (Escape::Xml(Space::Tabs), false),
            Dialect::Sheet | Dialect::Cells | Dialect::Properties => (Escape::Xml(Space::Kept(place)), !preserved),
        });
    }

    fn text(&mut self, range: Range<usize>, text: String) {
        let (Some((escape, trimmed)), Some((_, draft))) = (self.text, self.open.last_mut()) else { return };
        // Between the runs of a comment.
        if self.markup.ancestor(0) == "text" && text.trim().is_empty() {
            return;
        }
        let text = match escape {
            Escape::Xml(Space::OneLine(_)) => text.replace(['\n', '\t'], " "),
            Escape::Xml(Space::Tabs) => text.replace('\n', " "),
            _ => text,
        };
        let text = if trimmed { text.trim_matches([' ', '\n', '\t']) } else { &text };
        let key = self.keys.last().map_or("", String::as_str);
        draft.text(key, Piece::text(range, text.replace('\u{ad}', ""), escape));
    }

    fn close(&mut self, name: &'a str, range: Range<usize>) {
        if self.open.last().is_some_and(|(open, _)| *open == name) {
            let draft = self.open.pop().map(|(_, draft)| draft);
            self.units.extend(draft.and_then(Draft::finish));
            self.text = None;
            return;
        }
        let around = self.markup.ancestor(0);
        let Some((_, draft)) = self.open.last_mut() else { return };
        match name {
            "t" | "delText" => self.text = None,
            "r" => drop(self.keys.pop()),
            "tab" | "ptab" if around == "r" => draft.mark(range, "\t", Kind::Fixed),
            "br" | "cr" if !self.is_line => draft.cut(),
            "br" | "cr" if matches!(around, "r" | "p") => draft.mark(range, "\n", Kind::Fixed),
            "noBreakHyphen" if around == "r" => draft.mark(range, "\u{2011}", Kind::Loose),
            "softHyphen" if around == "r" => draft.mark(range, "", Kind::Loose),
            _ if UNSEEN_BETWEEN.contains(&name) => {}
            _ => draft.cut(),
        }
    }
}
