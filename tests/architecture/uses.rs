//! What the code of a module names: every path in its declarations, types, expressions, attributes and macro bodies, with the line.

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};
use syn::{
    Attribute, Block, ImplItem, Item, Meta, Signature, Stmt, TraitItem,
    spanned::Spanned,
    visit::{self, Visit},
};

use super::tree::{self, Module, Name, Names};

/// What one module names.
#[derive(Default)]
pub struct Uses {
    /// The paths.
    pub paths: Vec<Use>,
    /// The lines on which `unsafe` is written or allowed.
    pub unsafe_lines: Vec<usize>,
    /// The functions that are not tests, with their lengths in lines.
    pub functions: Vec<(String, usize)>,
}

/// One path that code names.
pub struct Use {
    /// Its names.
    pub path: Vec<String>,
    /// Whether it means all of a module, when it leads to one.
    pub whole: bool,
    /// Whether only tests name it.
    pub test: bool,
    /// The line in its file.
    pub line: usize,
}

/// What `module` names, its inline modules left out: they are modules of their own.
pub fn of_module(module: &Module<'_>, attributes: &[Attribute]) -> Uses {
    let mut reader = Reader { test: module.test, scopes: Vec::new(), uses: Uses::default() };
    for attribute in attributes {
        reader.visit_attribute(attribute);
    }
    for item in module.items {
        reader.visit_item(item);
    }
    reader.uses
}

struct Reader {
    test: bool,
    /// What the blocks around the present place define and bring in, the innermost last.
    scopes: Vec<Names>,
    uses: Uses,
}

impl Reader {
    /// Notes a path, unless a block around it defines its first name.
    fn note(&mut self, path: Vec<String>, whole: bool, span: Span) {
        let Some(first) = path.first() else { return };
        let meanings = self.scopes.iter().rev().find_map(|scope| scope.get(first));
        let paths = match meanings {
            None => vec![path],
            Some(meanings) => {
                let aliases = meanings.iter().filter_map(|name| match name {
                    // An import names itself when it is declared.
                    Name::Alias(alias) if alias.first() != Some(first) => Some([alias, &path[1..]].concat()),
                    Name::Alias(_) => Some(path.clone()),
                    _ => None,
                });
                aliases.collect()
            }
        };
        let line = span.start().line;
        self.uses.paths.extend(paths.into_iter().map(|path| Use { path, whole, test: self.test, line }));
    }

    fn under(&mut self, attributes: &[Attribute], visit: impl FnOnce(&mut Self)) {
        let before = self.test;
        self.test |= !tree::may_be_in_product(attributes);
        visit(self);
        self.test = before;
    }

    fn function(&mut self, signature: &Signature, end: Span) {
        if signature.unsafety.is_some() {
            self.uses.unsafe_lines.push(signature.span().start().line);
        }
        if !self.test {
            let lines = end.end().line - signature.span().start().line + 1;
            self.uses.functions.push((signature.ident.to_string(), lines));
        }
    }

    /// Reads the paths in tokens whose grammar only their macro knows; each is continued below `prefix`.
    fn tokens(&mut self, tokens: TokenStream, prefix: &[String]) {
        let mut tokens = tokens.into_iter().peekable();
        let mut path = prefix.to_vec();
        // After a dot comes a field or a method, after a dollar sign a macro's own variable.
        let mut free = true;
        while let Some(token) = tokens.next() {
            let span = token.span();
            match token {
                TokenTree::Ident(ident) => {
                    if ident == "unsafe" {
                        self.uses.unsafe_lines.push(span.start().line);
                    }
                    if !free && ident != "crate" {
                        free = true;
                        continue;
                    }
                    path.push(ident.to_string());
                    if goes_on(&mut tokens) {
                        match tokens.peek() {
                            Some(TokenTree::Ident(_)) => continue,
                            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                                let inner = group.stream();
                                tokens.next();
                                self.tokens(inner, &path);
                            }
                            _ => self.note(path, false, span),
                        }
                    } else {
                        self.note(path, false, span);
                    }
                    path = prefix.to_vec();
                }
                TokenTree::Group(group) => self.tokens(group.stream(), &[]),
                TokenTree::Punct(punct) => free = !matches!(punct.as_char(), '.' | '$'),
                TokenTree::Literal(_) => free = true,
            }
        }
    }
}

/// Whether `::` comes next; it is read over.
fn goes_on(tokens: &mut std::iter::Peekable<proc_macro2::token_stream::IntoIter>) -> bool {
    let colon = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    let joint = matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint);
    if joint {
        tokens.next();
        if colon(tokens.peek()) {
            tokens.next();
            return true;
        }
    }
    false
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            // Its items are read with the module it makes.
            Item::Mod(inline) => {
                for attribute in &inline.attrs {
                    self.visit_attribute(attribute);
                }
            }
            _ => self.under(attributes(item), |reader| visit::visit_item(reader, item)),
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for import in tree::imports(&item.tree) {
            self.note(import.path, import.glob, item.span());
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, item.block.span());
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            _ => return,
        };
        self.under(attributes, |reader| visit::visit_impl_item(reader, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, item.block.span());
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        let attributes = match item {
            TraitItem::Fn(item) => &item.attrs[..],
            _ => &[],
        };
        self.under(attributes, |reader| visit::visit_trait_item(reader, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        let end = item.default.as_ref().map_or_else(|| item.sig.span(), Spanned::span);
        self.function(&item.sig, end);
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.uses.unsafe_lines.extend(item.unsafety.iter().map(|word| word.span.start().line));
        visit::visit_item_impl(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.uses.unsafe_lines.extend(item.unsafety.iter().map(|word| word.span.start().line));
        visit::visit_item_trait(self, item);
    }

    fn visit_item_foreign_mod(&mut self, item: &'ast syn::ItemForeignMod) {
        self.uses.unsafe_lines.push(item.span().start().line);
        visit::visit_item_foreign_mod(self, item);
    }

    fn visit_expr_unsafe(&mut self, expression: &'ast syn::ExprUnsafe) {
        self.uses.unsafe_lines.push(expression.span().start().line);
        visit::visit_expr_unsafe(self, expression);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.under(&field.attrs, |reader| visit::visit_field(reader, field));
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.under(&variant.attrs, |reader| visit::visit_variant(reader, variant));
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.under(&arm.attrs, |reader| visit::visit_arm(reader, arm));
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        self.under(&local.attrs, |reader| visit::visit_local(reader, local));
    }

    fn visit_block(&mut self, block: &'ast Block) {
        let items = block.stmts.iter().filter_map(|stmt| if let Stmt::Item(item) = stmt { Some(item) } else { None });
        self.scopes.push(tree::names_of(items).0);
        visit::visit_block(self, block);
        self.scopes.pop();
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(names, false, path.span());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone(), &[]);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let Meta::List(list) = &attribute.meta else { return };
        let allowed = list.tokens.to_string();
        if allowed.contains("unsafe_code") && !["deny", "forbid"].iter().any(|word| list.path.is_ident(word)) {
            self.uses.unsafe_lines.push(attribute.span().start().line);
        }
        self.tokens(list.tokens.clone(), &[]);
        if list.path.is_ident("serde") {
            self.texts(list.tokens.clone());
        }
    }
}

impl Reader {
    /// Reads the paths that serde takes as text, as in `with = "crate::setting::duration"`.
    fn texts(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.texts(group.stream()),
                TokenTree::Literal(literal) => {
                    let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) else { continue };
                    let Ok(path) = text.parse::<syn::Path>() else { continue };
                    let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>();
                    // A single name is a field's, or a function's of the same module.
                    if names.len() > 1 {
                        self.note(names, true, literal.span());
                    }
                }
                _ => {}
            }
        }
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
