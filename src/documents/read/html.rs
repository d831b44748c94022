//! HTML as a stream of tags and texts. No tree is built, so that no nesting is too deep; scripts, styles, navigation and what is hidden are
//! not read, and nothing that a page refers to is.

use std::cell::RefCell;

use html5ever::{
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts, states::RawKind,
    },
};

use super::{lists::Lists, table::Table};
use crate::documents::{ExtractError, flow::Flow};

pub(in crate::documents) fn read(text: &str, flow: &mut Flow) -> Result<(), ExtractError> {
    let page = RefCell::new(Page {
        flow,
        table: Table::default(),
        line: String::new(),
        heading: None,
        lists: Lists::default(),
        mark: None,
        skipped: None,
        title: false,
        error: None,
    });
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(text));
    let tokenizer = Tokenizer::new(Sink(page), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let mut page = tokenizer.sink.0.into_inner();
    page.end_block();
    page.table.finish(page.flow)?;
    page.error.map_or(Ok(()), Err)
}

struct Sink<'a>(RefCell<Page<'a>>);

impl TokenSink for Sink<'_> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut page = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) => page.tag(&tag),
            Token::CharacterTokens(text) => {
                page.text(&text);
                TokenSinkResult::Continue
            }
            _ => TokenSinkResult::Continue,
        }
    }
}

struct Page<'a> {
    flow: &'a mut Flow,
    table: Table,
    line: String,
    heading: Option<u8>,
    lists: Lists,
    mark: Option<String>,
    /// The element that is not read, and how many of its name are open.
    skipped: Option<(String, usize)>,
    title: bool,
    error: Option<ExtractError>,
}

impl Page<'_> {
    fn text(&mut self, text: &str) {
        if self.error.is_none() && self.skipped.is_none() {
            // White space is one space; lines end only where a tag says so.
            self.line.extend(text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }));
        }
    }

    fn tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        if self.error.is_some() {
            return TokenSinkResult::Continue;
        }
        if let Some((skipped, open)) = &mut self.skipped {
            if skipped == name && !tag.self_closing {
                *open = if tag.kind == TagKind::StartTag { *open + 1 } else { *open - 1 };
                if *open == 0 {
                    self.skipped = None;
                }
            }
            return raw(tag);
        }
        match tag.kind {
            TagKind::StartTag if is_hidden(tag) && !tag.self_closing => {
                self.end_block();
                self.skipped = Some((name.to_owned(), 1));
            }
            TagKind::StartTag => self.open(name, tag),
            TagKind::EndTag => self.close(name),
        }
        raw(tag)
    }

    fn open(&mut self, name: &str, tag: &Tag) {
        match name {
            "br" => return self.line.push('\n'),
            "td" | "th" => {
                self.end_cell();
                self.table.begin_cell();
                return;
            }
            "title" => {
                self.end_block();
                self.title = true;
                return;
            }
            _ if !is_block(name) => return,
            _ => {}
        }
        self.end_block();
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.heading = name.get(1..).and_then(|level| level.parse().ok());
            }
            "ul" | "menu" => self.lists.begin(None),
            "ol" => {
                let start = tag.attrs.iter().find(|attribute| &*attribute.name.local == "start");
                self.lists.begin(Some(start.and_then(|start| start.value.trim().parse().ok()).unwrap_or(1)));
            }
            "li" => self.mark = Some(self.lists.mark()),
            "table" => self.table.begin(self.flow),
            "tr" => {
                self.end_row();
                self.table.begin_row();
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "td" | "th" => return self.end_cell(),
            "title" if self.title => {
                self.flow.title(&std::mem::take(&mut self.line));
                self.title = false;
                return;
            }
            _ if !is_block(name) => return,
            _ => {}
        }
        self.end_block();
        match name {
            "ul" | "ol" | "menu" => self.lists.end(),
            "tr" => self.end_row(),
            "table" => {
                self.end_row();
                self.table.end(self.flow);
            }
            _ => {}
        }
    }

    fn end_cell(&mut self) {
        self.end_block();
        let ended = self.table.end_cell(1);
        self.note(ended);
    }

    fn end_row(&mut self) {
        self.end_cell();
        let ended = self.table.end_row(self.flow);
        self.note(ended);
    }

    /// What was read since the last block becomes one.
    fn end_block(&mut self) {
        let (line, heading, mark) = (std::mem::take(&mut self.line), self.heading.take(), self.mark.take());
        if line.trim().is_empty() {
            // A mark waits for the first text of its item.
            self.mark = mark;
            return;
        }
        if self.table.in_cell() {
            return self.table.add(line.trim());
        }
        let item = mark.as_deref().map(|mark| (self.lists.depth(), mark));
        let ended = self.flow.block(heading, item, &line);
        self.note(ended);
    }

    fn note(&mut self, result: Result<(), ExtractError>) {
        if let Err(error) = result {
            self.error.get_or_insert(error);
        }
    }
}

/// In which tags the tokenizer must look for nothing but their end.
fn raw(tag: &Tag) -> TokenSinkResult<()> {
    if tag.kind == TagKind::EndTag {
        return TokenSinkResult::Continue;
    }
    match &*tag.name {
        "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
        "style" | "xmp" | "iframe" | "noembed" | "noframes" => TokenSinkResult::RawData(RawKind::Rawtext),
        "script" => TokenSinkResult::RawData(RawKind::ScriptData),
        _ => TokenSinkResult::Continue,
    }
}

fn is_hidden(tag: &Tag) -> bool {
    let unread = matches!(
        &*tag.name,
        "script"
            | "style"
            | "noscript"
            | "template"
            | "svg"
            | "math"
            | "iframe"
            | "object"
            | "nav"
            | "select"
            | "button"
            | "textarea"
            | "noembed"
            | "noframes"
    );
    unread
        || (!is_void(&tag.name)
            && tag.attrs.iter().take(100).any(|attribute| match &*attribute.name.local {
                "hidden" => true,
                "aria-hidden" => &*attribute.value == "true",
                "style" => {
                    let style: String = attribute.value.chars().filter(|c| !c.is_whitespace()).take(2_000).collect();
                    style.contains("display:none") || style.contains("visibility:hidden")
                }
                _ => false,
            }))
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "source"
            | "track"
            | "wbr"
            | "p"
            | "li"
            | "td"
            | "th"
            | "tr"
    )
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "ul"
            | "ol"
            | "menu"
            | "li"
            | "dl"
            | "dt"
            | "dd"
            | "table"
            | "tr"
            | "caption"
            | "thead"
            | "tbody"
            | "tfoot"
            | "section"
            | "article"
            | "header"
            | "footer"
            | "main"
            | "aside"
            | "blockquote"
            | "pre"
            | "hr"
            | "figure"
            | "figcaption"
            | "address"
            | "details"
            | "summary"
            | "form"
            | "fieldset"
            | "legend"
            | "body"
            | "html"
            | "head"
            | "center"
    )
}
