//! Crates made up to break a rule, and such as must not be taken for it.

use super::{cycles, layers, tree::Sources};

/// Made-up files, by their path below `src`.
type Files = &'static [(&'static str, &'static str)];

/// What it is, its files, and the files of a cycle that is among those found.
const CYCLES: &[(&str, Files, &[&str])] = &[
    (
        "two files",
        &[
            ("store/a.rs", "use super::b::B; pub struct A;"),
            ("store/b.rs", "pub struct B; fn f() -> crate::store::a::A { todo!() }"),
        ],
        &["store/a.rs", "store/b.rs"],
    ),
    (
        "three files through re-exports",
        &[
            ("store/mod.rs", "mod a; mod b; mod c; pub use a::A; pub use b::*; pub use c::C as Renamed;"),
            ("store/a.rs", "pub struct A(super::B);"),
            ("store/b.rs", "use crate::store as all; pub struct B(all::Renamed);"),
            ("store/c.rs", "use super::{self as up}; pub struct C; impl From<up::A> for C {}"),
        ],
        &["store/a.rs", "store/b.rs", "store/c.rs"],
    ),
    (
        "parent and child",
        &[
            ("store/mod.rs", "mod child; pub struct Store; fn open() { child::open() }"),
            ("store/child.rs", "pub fn open() -> super::Store { todo!() }"),
        ],
        &["store/child.rs", "store/mod.rs"],
    ),
    (
        "a parent that re-exports what uses it",
        &[
            ("store/mod.rs", "mod child; pub use child::open; pub struct Store;"),
            ("store/child.rs", "pub fn open() -> super::Store { todo!() }"),
        ],
        &["store/child.rs", "store/mod.rs"],
    ),
    (
        "in the body of a macro",
        &[
            ("a.rs", "pub fn a() { println!(\"{}\", crate::b::b()) }"),
            ("b.rs", "use crate::a; pub fn b() -> u8 { vec![a::a()].len() as u8 }"),
        ],
        &["a.rs", "b.rs"],
    ),
    (
        "within a block",
        &[("a.rs", "pub fn a() { use crate::b as other; other::b() }"), ("b.rs", "pub fn b() { crate::a::a() }")],
        &["a.rs", "b.rs"],
    ),
    (
        "an inline module and an associated function",
        &[
            ("a.rs", "pub struct A; mod inner { use super::super::b; fn f() { b::B::new() } }"),
            ("b.rs", "pub struct B; impl B { pub fn new() { crate::a::A::new() } }"),
        ],
        &["a.rs", "b.rs"],
    ),
    (
        "a module of the same name as its function",
        &[
            ("store/mod.rs", "mod probe; mod other; pub use probe::probe;"),
            ("store/probe.rs", "pub fn probe() -> super::other::Outcome { todo!() }"),
            ("store/other.rs", "pub struct Outcome; fn f() { super::probe() }"),
        ],
        &["store/other.rs", "store/probe.rs"],
    ),
    (
        "a path that serde is given as text",
        &[
            ("a.rs", "#[derive(Deserialize)] struct S { #[serde(with = \"crate::b::id\")] id: u8 } pub struct A;"),
            ("b.rs", "pub mod id { pub struct Id(crate::a::A); }"),
        ],
        &["a.rs", "b.rs"],
    ),
];

/// What it is, and files without a cycle.
const NO_CYCLES: &[(&str, Files)] = &[
    (
        "a parent that only declares and re-exports",
        &[
            ("store/mod.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("store/a.rs", "use super::B; pub struct A(B);"),
            ("store/b.rs", "pub struct B;"),
        ],
    ),
    (
        "a parent that uses its child",
        &[("store/mod.rs", "mod a; pub struct Store(a::A);"), ("store/a.rs", "pub struct A;")],
    ),
    (
        "tests",
        &[
            ("a.rs", "use crate::b::B; pub struct A; #[cfg(test)] mod tests;"),
            ("a/tests.rs", "use super::A; fn f() { crate::b::B }"),
            ("b.rs", "pub struct B; #[cfg(test)] mod tests { use crate::a::A; } #[test] fn f() { crate::a::A }"),
        ],
    ),
    (
        "comments and texts",
        &[
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "//! crate::a::A\npub const B: &str = \"crate::a::A\";"),
        ],
    ),
    (
        "a field and a method called like an item",
        &[
            ("a.rs", "use crate::b::*; pub fn open() {}"),
            ("b.rs", "pub struct B { open: u8 } fn f(b: B) { println!(\"{}\", b.open) }"),
        ],
    ),
];

#[test]
fn made_up_violations_are_seen() {
    let refused = [
        ("store/mod.rs", "use crate::assistant::Config;", "`assistant`"),
        ("matrix/reply.rs", "use crate::store::Store;", "`store`"),
        ("conversation.rs", "use crate::message::Incoming;", "`message`"),
        ("assistant/mod.rs", "use crate::{matrix::Session, app::App};", "`app`"),
        ("assistant/mod.rs", "use crate::{\n    matrix::{Session, Send},\n    http,\n};", "`http`"),
        ("inference/local/mod.rs", "fn f() { crate::cli::main() }", "`cli`"),
        ("store/mod.rs", "pub(crate) use super::matrix::Session;", "`matrix`"),
        ("store/files.rs", "use super::super::matrix::Session;", "`matrix`"),
        ("store/files.rs", "mod inner { use super::super::super::matrix::Session; }", "`matrix`"),
        ("store/files.rs", "#[cfg(test)] mod tests { use super::super::super::matrix::Session; }", "`matrix`"),
        ("store/files.rs", "use crate as here; fn f() -> here::matrix::Session { todo!() }", "`matrix`"),
        ("store/files.rs", "fn f() { println!(\"{}\", crate::matrix::NAME) }", "`matrix`"),
        (
            "store/files.rs",
            "#[derive(Deserialize)] struct S { #[serde(with = \"crate::matrix::id\")] id: u8 }",
            "`matrix`",
        ),
        ("telemetry.rs", "use crate::http::Config;", "`http`"),
        ("assistant/mod.rs", "use matrix_sdk::Room;", "`matrix_sdk`"),
        ("assistant/mod.rs", "use ::matrix_sdk as m;", "`matrix_sdk`"),
        ("assistant/mod.rs", "fn f() -> sled::Db { todo!() }", "`sled`"),
        ("assistant/mod.rs", "fn f() { assert!(sled::open(\"x\").is_ok()) }", "`sled`"),
        ("store/mod.rs", "use candle_core::Tensor;", "`candle_core`"),
        ("store/mod.rs", "type R = anyhow::Result<()>;", "`anyhow`"),
        ("inference/local/model/mod.rs", "#![allow(unsafe_code)]", "unsafe"),
        ("inference/local/model/mod.rs", "#[expect(unsafe_code)] fn f() {}", "unsafe"),
        ("inference/local/model/mod.rs", "fn f() { unsafe { g() } }", "unsafe"),
        ("unheard_of.rs", "", "no layer"),
    ];
    for (file, text, named) in refused {
        let found = layers::violations(&made_up(&[(file, text)]));
        assert!(found.iter().any(|violation| violation.contains(named)), "{file}: {text:?} → {found:?}");
    }
    let allowed = [
        ("store/mod.rs", "//! Like crate::assistant, and sled::Db\nuse sled::Db;\nuse crate::message::Incoming;"),
        ("config.rs", "use crate::{assistant, http, inference, matrix, telemetry};"),
        ("assistant/mod.rs", "use crate::{store::Store, message::{Incoming, Source}};\nuse super::texts;"),
        ("matrix/mod.rs", "mod session;\nuse self::session::Session;\nuse crate::matrix::reply;"),
        ("inference/local/cache.rs", "use super::super::Prompt;\nuse candle_core::Tensor;"),
        ("cli/run.rs", "fn f() -> anyhow::Result<()> { crate::app::run() }"),
        ("main.rs", "fn main() { compagnon::cli::main() }"),
        ("http.rs", "const URL: &str = \"https://matrix_sdk::not code\"; /* crate::matrix::Session */"),
        ("inference/local/kernels/pool.rs", "#![allow(unsafe_code)]\nfn f() { unsafe { g() } }"),
        ("inference/local/model/mod.rs", "#![deny(unsafe_code)]"),
        ("lib.rs", "pub mod store;"),
    ];
    for (file, text) in allowed {
        assert_eq!(layers::violations(&made_up(&[(file, text)])), Vec::<String>::new(), "{file}: {text:?}");
    }
}

#[test]
fn made_up_cycles_are_seen() {
    for (what, files, expected) in CYCLES {
        let found = cycles::cycles(&cycles::imports(&made_up(files)));
        let all = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(found.iter().any(|cycle| cycle.files().eq(expected.iter().copied())), "{what}: {all:?}");
    }
    for (what, files) in NO_CYCLES {
        assert_eq!(cycles::cycles(&cycles::imports(&made_up(files))), [], "{what}");
    }
}

#[test]
fn a_cycle_is_named_with_the_items_that_make_it() {
    let sources = made_up(&[
        ("store/b.rs", "pub struct B;\n\nfn f() -> super::A { todo!() }"),
        ("store/mod.rs", "mod a; mod b; pub use a::A;"),
        ("store/a.rs", "use super::b::B;\npub struct A;"),
    ]);
    let found = cycles::cycles(&cycles::imports(&sources));
    let found = found.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(found, ["store/a.rs:1 -(B)-> store/b.rs:3 -(A)-> store/a.rs"]);
}

fn made_up(files: &[(&str, &str)]) -> Sources {
    files.iter().map(|(file, text)| ((*file).to_owned(), syn::parse_file(text).expect("Rust"))).collect()
}
