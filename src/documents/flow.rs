//! What the readers of the formats make: the text of a file as a flow of blocks, each with its kind and its place, within the limits.

use super::{ExtractError, Limit, clean::clean, limits::Limits};
use crate::document::Place;

/// The most blocks of one file. A file of 200 MB that is nothing but empty paragraphs has no more.
const MOST_BLOCKS: u64 = 1_000_000;

/// The longest title of a file, in characters.
pub(super) const LONGEST_TITLE: usize = 200;

/// A piece of a file that is cut only when it is too long for a passage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub content: Content,
}

/// What a block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A heading of this level: 0 is the title's, 1 the outermost in the text.
    Heading(u8, String),
    /// A paragraph.
    Paragraph(String),
    /// An item of a list, with its mark.
    Item(String),
    /// A row of a table, by its cells. The first row of a table holds its headers.
    Row { first: bool, cells: Vec<String> },
}

/// The blocks of a file, as they are found.
#[derive(Debug)]
pub(super) struct Flow {
    limits: Limits,
    place: Place,
    pages: u32,
    bytes: u64,
    in_table: bool,
    /// The title that the file gives itself.
    pub title: Option<String>,
    /// The blocks, in order.
    pub blocks: Vec<Block>,
}

impl Flow {
    pub(super) fn new(limits: Limits) -> Self {
        let (place, blocks) = (Place::Whole, Vec::new());
        Self { limits, place, pages: 0, bytes: 0, in_table: false, title: None, blocks }
    }

    /// The limits that hold.
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How many pages, slides or sheets there were.
    pub(super) fn pages(&self) -> Option<u32> {
        (self.pages > 0).then_some(self.pages)
    }

    /// The next page begins.
    pub(super) fn page(&mut self) -> Result<(), ExtractError> {
        self.turn(Place::Page)
    }

    /// The next slide begins.
    pub(super) fn slide(&mut self) -> Result<(), ExtractError> {
        self.turn(Place::Slide)
    }

    /// A sheet begins.
    pub(super) fn sheet(&mut self, name: &str) -> Result<(), ExtractError> {
        let name = short(&clean(name), LONGEST_TITLE);
        self.turn(|_| Place::Sheet(name))
    }

    fn turn(&mut self, place: impl FnOnce(u32) -> Place) -> Result<(), ExtractError> {
        if self.pages >= self.limits.pages {
            return Err(ExtractError::TooLarge(Limit::Pages(self.limits.pages)));
        }
        self.pages += 1;
        self.place = place(self.pages);
        self.in_table = false;
        Ok(())
    }

    /// The title, of which the first one counts.
    pub(super) fn title(&mut self, text: &str) {
        let text = short(&clean(text), LONGEST_TITLE);
        if self.title.is_none() && !text.is_empty() {
            self.title = Some(text);
        }
    }

    pub(super) fn heading(&mut self, level: u8, text: &str) -> Result<(), ExtractError> {
        self.text(text, |text| Content::Heading(level.min(9), text))
    }

    pub(super) fn paragraph(&mut self, text: &str) -> Result<(), ExtractError> {
        self.text(text, Content::Paragraph)
    }

    /// An item of a list; `depth` is 0 for the outermost list.
    pub(super) fn item(&mut self, depth: usize, mark: &str, text: &str) -> Result<(), ExtractError> {
        let indent = "  ".repeat(depth.min(8));
        self.text(text, |text| Content::Item(format!("{indent}{mark} {text}")))
    }

    /// A heading of this level, or an item of a list (its depth and its mark), or a paragraph.
    pub(super) fn block(
        &mut self,
        level: Option<u8>,
        item: Option<(usize, &str)>,
        text: &str,
    ) -> Result<(), ExtractError> {
        match (level, item) {
            (Some(level), _) => self.heading(level, text),
            (None, Some((depth, mark))) => self.item(depth, mark, text),
            (None, None) => self.paragraph(text),
        }
    }

    fn text(&mut self, text: &str, content: impl FnOnce(String) -> Content) -> Result<(), ExtractError> {
        self.in_table = false;
        let text = clean(text);
        if text.is_empty() { Ok(()) } else { self.push(text.len(), content(text)) }
    }

    /// A table begins: the next row is its first.
    pub(super) fn table(&mut self) {
        self.in_table = false;
    }

    /// Whether the last block is a row.
    pub(super) fn in_table(&self) -> bool {
        self.in_table
    }

    /// A row of a table.
    pub(super) fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) -> Result<(), ExtractError> {
        let cells: Vec<String> = cells.into_iter().map(|cell| clean(cell).replace('\n', " ")).collect();
        if cells.iter().all(String::is_empty) {
            return Ok(());
        }
        let first = !self.in_table;
        self.in_table = true;
        self.push(cells.iter().map(|cell| cell.len() + 3).sum(), Content::Row { first, cells })
    }

    fn push(&mut self, bytes: usize, content: Content) -> Result<(), ExtractError> {
        self.bytes += bytes as u64;
        if self.bytes > self.limits.output {
            return Err(ExtractError::TooLarge(Limit::Text(self.limits.output / 1_000_000)));
        }
        if self.blocks.len() as u64 >= MOST_BLOCKS {
            return Err(ExtractError::TooLarge(Limit::Parts(MOST_BLOCKS)));
        }
        self.blocks.push(Block { place: self.place.clone(), content });
        Ok(())
    }
}

/// At most so many characters.
pub(super) fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => text.get(..end).unwrap_or_default().trim_end().to_owned() + "…",
        None => text.to_owned(),
    }
}
