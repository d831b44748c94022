//! The modules of a crate as the compiler sees them: which file defines which name, and where a path leads.
//!
//! Names are resolved as far as the checks need: `use` with its aliases, globs and re-exports, `crate`, `self`, `super`. Types are not
//! inferred, so a method call leads nowhere.

use std::collections::{BTreeMap, HashMap, HashSet};

use syn::{Attribute, Item, Meta, UseTree, punctuated::Punctuated, token::Comma};

/// The crate's own name: how its binary calls the library.
const CRATE: &str = "compagnon";

/// Source files by their path below `src`, parsed.
pub type Sources = BTreeMap<String, syn::File>;

/// The modules of the library and of its binary.
pub struct Tree<'a> {
    modules: Vec<Module<'a>>,
}

/// A module: a file, or a block inside one.
pub struct Module<'a> {
    /// The file it stands in, by its path below `src`. `None` for a parent of which no file was given.
    pub file: Option<&'a str>,
    /// Its path in the crate.
    pub path: Vec<String>,
    /// Whether it is compiled for tests only.
    pub test: bool,
    /// What it contains.
    pub items: &'a [Item],
    parent: Option<usize>,
    names: Names,
    globs: Vec<Vec<String>>,
}

/// What the names of a scope stand for. One name may be a module, a type and a function at once.
pub type Names = HashMap<String, Vec<Name>>;

/// What a name stands for.
pub enum Name {
    /// A type or a trait, defined here.
    Type,
    /// A function, a constant or a macro, defined here.
    Value,
    /// A module, by its place in the tree.
    Module(usize),
    /// Brought in from elsewhere.
    Alias(Vec<String>),
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To an item of a module. Associated items and variants lead to their type.
    Item { module: usize, name: String, is_type: bool },
    /// To a module itself.
    Module(usize),
}

/// One name of a `use` declaration.
pub struct Import {
    /// The path it names.
    pub path: Vec<String>,
    /// The name it brings in. `None` for `*` and `_`.
    pub name: Option<String>,
    /// Whether it ends in `*`.
    pub glob: bool,
}

impl<'a> Tree<'a> {
    /// Follows the `mod` declarations from `lib.rs` and `main.rs`. A file that no declaration leads to takes the place its path says.
    pub fn new(sources: &'a Sources) -> Self {
        let root = Module {
            file: sources.get_key_value("lib.rs").map(|(file, _)| file.as_str()),
            path: Vec::new(),
            test: false,
            items: &[],
            parent: None,
            names: Names::new(),
            globs: Vec::new(),
        };
        let mut tree = Self { modules: vec![root] };
        let mut builder = Builder { sources, reached: HashSet::new() };
        if let Some(library) = sources.get("lib.rs") {
            builder.reached.insert("lib.rs".to_owned());
            tree.fill(&mut builder, 0, &library.items, "");
        }
        let mut rest = sources.keys().map(|file| (module_path(file), file)).collect::<Vec<_>>();
        rest.sort_by_key(|(path, file)| (path.len(), *file));
        for (path, file) in rest {
            if builder.reached.contains(file) {
                continue;
            }
            // The binary is a crate of its own.
            let parent = if file == "main.rs" { None } else { Some(tree.ensure(&path[..path.len() - 1])) };
            tree.add_file(&mut builder, parent, path, file, false);
        }
        tree
    }

    /// All modules.
    pub fn modules(&self) -> impl Iterator<Item = (usize, &Module<'a>)> {
        self.modules.iter().enumerate()
    }

    /// A module by its place in the tree.
    pub fn module(&self, module: usize) -> &Module<'a> {
        &self.modules[module]
    }

    /// Where `path` leads from within `module`: nowhere if it leaves the crate.
    pub fn resolve(&self, module: usize, path: &[String]) -> Vec<Target> {
        self.resolve_from(module, path, &mut HashSet::new())
    }

    /// The path from the crate's root, as far as the first names tell, whether or not there is such a thing.
    pub fn absolute(&self, module: usize, path: &[String]) -> Option<Vec<String>> {
        self.absolute_from(module, path, 0)
    }

    fn absolute_from(&self, module: usize, path: &[String], depth: usize) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        // Aliases of one another end somewhere.
        let depth = (depth < 16).then_some(depth + 1)?;
        let below = |start: &[String]| Some([start, rest].concat());
        match first.as_str() {
            "crate" => below(&[]),
            "self" if rest.first().is_some_and(|next| next == "super") => self.absolute_from(module, rest, depth),
            "self" => below(&self.modules[module].path),
            "super" => {
                let parent = self.modules[module].parent?;
                match rest.first().map(String::as_str) {
                    Some("super") => self.absolute_from(parent, rest, depth),
                    _ => below(&self.modules[parent].path),
                }
            }
            first => match self.modules[module].names.get(first).and_then(|names| names.first()) {
                Some(Name::Module(inner)) => below(&self.modules[*inner].path),
                Some(Name::Alias(alias)) if alias.first().is_some_and(|start| start != first) => {
                    self.absolute_from(module, &[alias, rest].concat(), depth)
                }
                None if first == CRATE => below(&[]),
                _ => None,
            },
        }
    }

    fn resolve_from(&self, module: usize, path: &[String], seen: &mut HashSet<(usize, String, usize)>) -> Vec<Target> {
        let Some((first, mut rest)) = path.split_first() else { return vec![Target::Module(module)] };
        let mut reached = match first.as_str() {
            "crate" => vec![Target::Module(self.root(module))],
            "self" => vec![Target::Module(module)],
            "super" => self.modules[module].parent.map(Target::Module).into_iter().collect(),
            first => self.look_up(module, first, seen),
        };
        if reached.is_empty() && first == CRATE {
            reached.push(Target::Module(0));
        }
        while let Some((next, after)) = rest.split_first() {
            rest = after;
            let through = |target: Target| match target {
                Target::Module(inner) if next == "super" => {
                    self.modules[inner].parent.map(Target::Module).into_iter().collect()
                }
                Target::Module(inner) if next == "self" => vec![Target::Module(inner)],
                Target::Module(inner) => self.look_up(inner, next, seen),
                // What is called like a module and is none has no path below it.
                Target::Item { is_type: false, .. } => Vec::new(),
                item @ Target::Item { .. } => vec![item],
            };
            reached = reached.into_iter().flat_map(through).collect();
        }
        reached
    }

    fn root(&self, mut module: usize) -> usize {
        while let Some(parent) = self.modules[module].parent {
            module = parent;
        }
        module
    }

    fn look_up(&self, module: usize, name: &str, seen: &mut HashSet<(usize, String, usize)>) -> Vec<Target> {
        let here = &self.modules[module];
        let mut found = Vec::new();
        for (index, meaning) in here.names.get(name).into_iter().flatten().enumerate() {
            match meaning {
                Name::Type => found.push(Target::Item { module, name: name.to_owned(), is_type: true }),
                Name::Value => found.push(Target::Item { module, name: name.to_owned(), is_type: false }),
                Name::Module(inner) => found.push(Target::Module(*inner)),
                Name::Alias(path) => {
                    let key = (module, name.to_owned(), index);
                    if seen.insert(key.clone()) {
                        found.extend(self.resolve_from(module, path, seen));
                        seen.remove(&key);
                    }
                }
            }
        }
        if found.is_empty() {
            for (index, path) in here.globs.iter().enumerate() {
                let key = (module, format!("* {name}"), index);
                if seen.insert(key.clone()) {
                    for target in self.resolve_from(module, path, seen) {
                        if let Target::Module(inner) = target {
                            found.extend(self.look_up(inner, name, seen));
                        }
                    }
                    seen.remove(&key);
                }
            }
        }
        found.dedup();
        found
    }

    /// The module of this path; it and its parents are made where no file gave them.
    fn ensure(&mut self, path: &[String]) -> usize {
        let Some((name, parents)) = path.split_last() else { return 0 };
        let parent = self.ensure(parents);
        let known = self.modules[parent].names.get(name).into_iter().flatten();
        let known = known.filter_map(|meaning| if let Name::Module(inner) = meaning { Some(*inner) } else { None });
        known.max().unwrap_or_else(|| {
            self.add(Module {
                file: None,
                path: path.to_vec(),
                test: false,
                items: &[],
                parent: Some(parent),
                names: Names::new(),
                globs: Vec::new(),
            })
        })
    }

    fn add(&mut self, module: Module<'a>) -> usize {
        let place = self.modules.len();
        if let (Some(parent), Some(name)) = (module.parent, module.path.last()) {
            self.modules[parent].names.entry(name.clone()).or_default().push(Name::Module(place));
        }
        self.modules.push(module);
        place
    }

    fn add_file(
        &mut self,
        builder: &mut Builder<'a>,
        parent: Option<usize>,
        path: Vec<String>,
        file: &str,
        test: bool,
    ) {
        let Some((file, source)) = builder.sources.get_key_value(file) else { return };
        if !builder.reached.insert(file.clone()) {
            return;
        }
        let test = test || !may_be_in_product(&source.attrs);
        let module = Module {
            file: Some(file),
            path,
            test,
            items: &source.items,
            parent,
            names: Names::new(),
            globs: Vec::new(),
        };
        let place = self.add(module);
        self.fill(builder, place, &source.items, &folder_of_children(file));
    }

    /// Enters the names of a module; `folder` is where its child modules lie.
    fn fill(&mut self, builder: &mut Builder<'a>, place: usize, items: &'a [Item], folder: &str) {
        self.modules[place].items = items;
        let (names, globs) = names_of(items);
        // Declared children first: a module comes before an import of the same name.
        let imported = std::mem::replace(&mut self.modules[place].names, names);
        for (name, meanings) in imported {
            self.modules[place].names.entry(name).or_default().extend(meanings);
        }
        self.modules[place].globs = globs;
        for item in items {
            let Item::Mod(declared) = item else { continue };
            let name = declared.ident.to_string();
            let path = [&self.modules[place].path[..], std::slice::from_ref(&name)].concat();
            let test = self.modules[place].test || !may_be_in_product(&declared.attrs);
            if let Some((_, items)) = &declared.content {
                let file = self.modules[place].file;
                let module =
                    Module { file, path, test, items, parent: Some(place), names: Names::new(), globs: Vec::new() };
                let inner = self.add(module);
                self.fill(builder, inner, items, &format!("{folder}{name}/"));
            } else {
                let beside = self.modules[place].file.unwrap_or_default();
                let beside = beside.rfind('/').map_or("", |end| &beside[..=end]);
                let file = match path_attribute(&declared.attrs) {
                    Some(given) => format!("{beside}{given}"),
                    None => [format!("{folder}{name}.rs"), format!("{folder}{name}/mod.rs")]
                        .into_iter()
                        .find(|file| builder.sources.contains_key(file))
                        .unwrap_or_default(),
                };
                self.add_file(builder, Some(place), path, &file, test);
            }
        }
    }
}

struct Builder<'a> {
    sources: &'a Sources,
    reached: HashSet<String>,
}

/// The names that items define or bring in, child modules left out, and the paths of their `*` imports.
pub fn names_of<'i>(items: impl IntoIterator<Item = &'i Item>) -> (Names, Vec<Vec<String>>) {
    let mut names = Names::new();
    let mut globs = Vec::new();
    for item in items {
        let (ident, meaning) = match item {
            Item::Struct(item) => (&item.ident, Name::Type),
            Item::Enum(item) => (&item.ident, Name::Type),
            Item::Union(item) => (&item.ident, Name::Type),
            Item::Trait(item) => (&item.ident, Name::Type),
            Item::Type(item) => (&item.ident, Name::Type),
            Item::Fn(item) => (&item.sig.ident, Name::Value),
            Item::Const(item) => (&item.ident, Name::Value),
            Item::Static(item) => (&item.ident, Name::Value),
            Item::Macro(item) => match &item.ident {
                Some(ident) => (ident, Name::Value),
                None => continue,
            },
            Item::Use(item) => {
                for import in imports(&item.tree) {
                    match import.name {
                        Some(name) => names.entry(name).or_default().push(Name::Alias(import.path)),
                        None if import.glob => globs.push(import.path),
                        None => {}
                    }
                }
                continue;
            }
            _ => continue,
        };
        names.entry(ident.to_string()).or_default().push(meaning);
    }
    (names, globs)
}

/// What a `use` declaration names, one by one.
pub fn imports(tree: &UseTree) -> Vec<Import> {
    fn walk(tree: &UseTree, prefix: &[String], into: &mut Vec<Import>) {
        let with = |name: String| [prefix, &[name]].concat();
        match tree {
            UseTree::Path(path) => walk(&path.tree, &with(path.ident.to_string()), into),
            UseTree::Group(group) => group.items.iter().for_each(|tree| walk(tree, prefix, into)),
            UseTree::Glob(_) => into.push(Import { path: prefix.to_vec(), name: None, glob: true }),
            UseTree::Name(name) if name.ident == "self" => {
                into.push(Import { path: prefix.to_vec(), name: prefix.last().cloned(), glob: false });
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                into.push(Import { path: with(name.clone()), name: Some(name), glob: false });
            }
            UseTree::Rename(rename) => {
                let path = if rename.ident == "self" { prefix.to_vec() } else { with(rename.ident.to_string()) };
                let name = (rename.rename != "_").then(|| rename.rename.to_string());
                into.push(Import { path, name, glob: false });
            }
        }
    }
    let mut found = Vec::new();
    walk(tree, &[], &mut found);
    found
}

/// Whether something with these attributes may be compiled outside tests.
pub fn may_be_in_product(attributes: &[Attribute]) -> bool {
    fn may_hold(condition: &Meta) -> bool {
        let Meta::List(list) = condition else { return !condition.path().is_ident("test") };
        let Ok(inner) = list.parse_args_with(Punctuated::<Meta, Comma>::parse_terminated) else { return true };
        if list.path.is_ident("all") {
            inner.iter().all(may_hold)
        } else if list.path.is_ident("any") {
            inner.iter().any(may_hold)
        } else {
            true
        }
    }
    attributes.iter().all(|attribute| {
        let condition = attribute.path().is_ident("cfg").then(|| attribute.parse_args::<Meta>());
        !attribute.path().is_ident("test") && condition.is_none_or(|condition| condition.is_ok_and(|it| may_hold(&it)))
    })
}

/// The module path that a file has by where it lies.
fn module_path(file: &str) -> Vec<String> {
    let path = file.strip_suffix(".rs").unwrap_or(file);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    path.split('/').map(str::to_owned).collect()
}

/// The folder in which the child modules of a file lie.
fn folder_of_children(file: &str) -> String {
    match file.strip_suffix("mod.rs") {
        Some(folder) => folder.to_owned(),
        None => format!("{}/", file.trim_end_matches(".rs")),
    }
}

fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(given) if given.path.is_ident("path") => match &given.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}
