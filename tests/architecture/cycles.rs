//! The imports among files, and the circles in them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    fmt,
};

use super::{
    tree::{Sources, Target, Tree},
    uses,
};

/// Which file imports which, with the first item that makes it so.
pub type Imports = BTreeMap<String, BTreeMap<String, Edge>>;

/// Why one file depends on another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The line that names the item.
    pub line: usize,
    /// The item.
    pub item: String,
}

/// Files that import one another in a circle; the last imports the first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cycle(pub Vec<(String, Edge)>);

impl Cycle {
    /// The files in it.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(file, _)| file.as_str())
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (file, Edge { line, item }) in &self.0 {
            write!(formatter, "{file}:{line} -({item})-> ")?;
        }
        write!(formatter, "{}", self.0[0].0)
    }
}

/// The imports among the files, tests left out. A path counts for the file that defines the item, however many files re-export it; a
/// `mod` declaration imports nothing.
pub fn imports(sources: &Sources) -> Imports {
    let tree = Tree::new(sources);
    let mut imports = Imports::new();
    for (place, module) in tree.modules() {
        let Some(file) = module.file else { continue };
        for used in uses::of_module(module, &[]).paths.into_iter().filter(|used| !used.test) {
            for target in tree.resolve(place, &used.path) {
                let (defined, item) = match target {
                    Target::Item { module, name, .. } => (module, name),
                    Target::Module(module) if used.whole => (module, "*".to_owned()),
                    Target::Module(_) => continue,
                };
                let Some(other) = tree.module(defined).file.filter(|other| *other != file) else { continue };
                let edge = Edge { line: used.line, item };
                imports.entry(file.to_owned()).or_default().entry(other.to_owned()).or_insert(edge);
            }
        }
    }
    imports
}

/// For each import that is part of a circle, the shortest circle with it; each circle once.
pub fn cycles(imports: &Imports) -> Vec<Cycle> {
    let mut found = BTreeSet::new();
    for (from, edges) in imports {
        for to in edges.keys() {
            let Some(back) = shortest(imports, to, from) else { continue };
            let mut files = back;
            // From the first file in the alphabet on: the same circle is found from each of its files.
            let first = (0..files.len()).min_by_key(|place| &files[*place]).unwrap_or_default();
            files.rotate_left(first);
            let edge = |place: usize| imports[&files[place]][&files[(place + 1) % files.len()]].clone();
            found.insert(Cycle((0..files.len()).map(|place| (files[place].clone(), edge(place))).collect()));
        }
    }
    let mut found = found.into_iter().collect::<Vec<_>>();
    found.sort_by_key(|cycle| cycle.0.len());
    found
}

/// The files on the shortest way from `start` to `end`, both with them.
fn shortest(imports: &Imports, start: &str, end: &str) -> Option<Vec<String>> {
    let mut before: HashMap<&str, &str> = HashMap::from([(start, start)]);
    let mut queue = VecDeque::from([start]);
    while let Some(file) = queue.pop_front() {
        if file == end {
            let mut way = vec![file.to_owned()];
            let mut at = file;
            while at != start {
                at = before[at];
                way.push(at.to_owned());
            }
            way.reverse();
            return Some(way);
        }
        for next in imports.get(file).into_iter().flat_map(BTreeMap::keys) {
            if !before.contains_key(next.as_str()) {
                before.insert(next, file);
                queue.push_back(next);
            }
        }
    }
    None
}
