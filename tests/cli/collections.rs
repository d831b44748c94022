//! `compagnon collection`: files and fiches that are read, listed, searched; kills in between.

use std::{fs, path::Path};

use super::Place;

/// A configuration with a collection of files and one of fiches, beside it.
const COLLECTIONS: &str = "assistant: { compagnon: temoin }\ncollections:\n  rh: { folder: files, formats: [txt, md], links: 'https://x.example/{path}' }\n  \
                           sp: { folder: fiches, importer: service-public, compagnons: [all] }\n";

fn place() -> Place {
    let place = Place::new(COLLECTIONS);
    for folder in ["files/sous", "fiches/particuliers"] {
        fs::create_dir_all(place.path(folder)).expect("made");
    }
    place
}

fn put(place: &Place, path: &str, text: &str) {
    fs::write(place.path(path), text).expect("written");
}

fn fiche(title: &str, text: &str) -> String {
    let text = format!(r#"[{{"type": "text", "text": "{text}"}}]"#);
    let paragraph = format!(r#"[{{"type": "element", "name": "Paragraphe", "children": {text}}}]"#);
    format!(
        r#"{{"children": [{{"type": "element", "name": "Publication", "children": [
            {{"type": "element", "name": "dc:title", "children": [{{"type": "text", "text": "{title}"}}]}},
            {{"type": "element", "name": "Texte", "children": {paragraph}}}]}}]}}"#
    )
}

#[test]
fn files_and_fiches_are_read_listed_and_found() {
    let place = place();
    put(&place, "files/conges.txt", "Les congés non pris sont reportés jusqu’au 31 mars.\n");
    put(&place, "files/sous/note.md", "# Parapheur\n\nLe parapheur est électronique.\n");
    put(&place, "files/~$conges.txt", "verrou");
    let early = place.run(&["collection", "test", "rh", "congés"]);
    assert!(early.status == Some(1) && early.last().ends_with("compagnon collection index rh"), "{early:?}");
    put(&place, "fiches/particuliers/F1.json", &fiche("Congé de formation", "Le congé de formation est de droit."));
    put(&place, "fiches/index.json", "[]");
    let index = place.run(&["collection", "index"]);
    println!("{}{}", index.out, index.error);
    assert_eq!(index.status, Some(0), "{index:?}");
    assert!(index.has("rh: 2 read, 0 unchanged, 0 copies, 0 removed, 0 failed; 2 documents"), "{}", index.out);
    assert!(
        index.has("sp: 1 read, 0 unchanged, 0 copies, 0 removed, 0 failed; 1 documents, 1 passages"),
        "{}",
        index.out
    );
    let again = place.run(&["collection", "index", "rh"]);
    assert!(again.has("rh: 0 read, 2 unchanged"), "{}", again.out);
    let list = place.run(&["collection", "list"]);
    assert!(list.has("rh — rh: 2 documents") && list.has("sp — sp: 1 documents, 1 passages; read "), "{}", list.out);

    let test = place.run(&["collection", "test", "rh", "report des congés"]);
    println!("{}", test.out);
    assert!(test.has("1. conges.txt"), "{test:?}");
    assert!(test.out.contains("31 mars") && test.out.contains("https://x.example/conges.txt"), "{}", test.out);
    let test = place.run(&["collection", "test", "sp", "congé de formation"]);
    assert!(test.out.contains("https://www.service-public.gouv.fr/particuliers/vosdroits/F1"), "{}", test.out);
    // What is damaged is said in one sentence, and the others are listed.
    fs::write(place.path("data/collections/rh/manifest"), "x").expect("written");
    let list = place.run(&["collection", "list"]);
    assert!(list.status == Some(1) && list.has("sp — sp: 1 documents"), "{list:?}");
    assert!(list.last().contains("collection rh: what is kept of the collection is damaged"), "{list:?}");
    let test = place.run(&["collection", "test", "rh", "congés"]);
    assert!(
        test.status == Some(1) && test.last().contains("collection rh: what is kept of the collection"),
        "{test:?}"
    );
    assert!(place.run(&["collection", "index", "rh"]).has("rh: 0 read, 2 unchanged"), "its documents are used again");
    let unknown = place.run(&["collection", "test", "nulle", "x"]);
    assert!(unknown.status == Some(1) && unknown.last().contains("there are: rh, sp"), "{unknown:?}");
}

#[test]
fn what_cannot_be_read_is_said_with_status_one() {
    let place = place();
    put(&place, "files/bon.txt", "bon");
    put(&place, "files/vide.txt", "");
    put(&place, "fiches/F9.json", "{}");
    let index = place.run(&["collection", "index"]);
    println!("{}{}", index.out, index.error);
    assert_eq!(index.status, Some(1));
    assert!(
        index.error.contains("rh: vide.txt: ") && index.error.contains("sp: F9.json: it is no fiche"),
        "{}",
        index.error
    );
    assert!(index.has("rh: 1 read, 0 unchanged, 0 copies, 0 removed, 1 failed; 1 documents"), "{}", index.out);
    fs::remove_dir_all(place.path("files")).expect("removed");
    let gone = place.run(&["collection", "index", "rh"]);
    assert!(gone.status == Some(1) && gone.last().contains("cannot be read"), "{gone:?}");
    fs::create_dir(place.path("files")).expect("made");
    let empty = place.run(&["collection", "index", "rh"]);
    assert!(empty.status == Some(1) && empty.last().contains("is it mounted"), "{empty:?}");
    let emptied = place.run(&["collection", "index", "rh", "--empty"]);
    assert!(emptied.has("rh: 0 read, 0 unchanged, 0 copies, 1 removed"), "{emptied:?}");
}

#[test]
fn a_reading_that_is_killed_goes_on_with_the_next_file() {
    let place = place();
    for number in 1..=12 {
        put(
            &place,
            &format!("fiches/particuliers/F{number}.json"),
            &fiche(&format!("Fiche {number}"), &format!("Texte {number}.")),
        );
    }
    let order = place.path("order");
    let mut killed = 0;
    // Each time after one file more, then after the manifest.
    for at in (1..=12).map(|_| "segment-written 1").chain(["manifest-written 1"; 8]) {
        fs::write(&order, at).expect("written");
        let output = place.command(&["collection", "index", "sp"]).env("COMPAGNON_DIE_AT", &order).output();
        killed += usize::from(output.expect("the program starts").status.code().is_none());
    }
    assert_eq!(killed, 20, "each was killed");
    fs::remove_file(&order).expect("removed");
    let index = place.run(&["collection", "index", "sp"]);
    assert!(
        index.has("sp: 0 read, 12 unchanged, 0 copies, 0 removed, 0 failed; 12 documents, 12 passages"),
        "{}",
        index.out
    );
    let sealed = fs::read_dir(place.path("data/collections/sp")).expect("a folder").count();
    assert_eq!(sealed, 12 + 2, "a segment for each, the manifest and the lock; nothing unfinished");
}

#[test]
fn nothing_of_a_collection_is_readable_on_disk() {
    let place = place();
    put(&place, "files/sous/canari-nom.txt", "canari-texte");
    assert_eq!(place.run(&["collection", "index", "rh"]).status, Some(0));
    assert!(place.run(&["collection", "test", "rh", "canari-texte"]).out.contains("canari-nom.txt"));
    let mut looked = 0;
    search(&place.path("data"), &mut looked);
    assert!(looked >= 4, "the key, the lock, the manifest, a segment: {looked}");
}

/// No file below a folder has the canary in its name or bytes.
fn search(folder: &Path, looked: &mut usize) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        assert!(!path.to_string_lossy().contains("canari"), "{}", path.display());
        if path.is_dir() {
            search(&path, looked);
        } else {
            let bytes = fs::read(&path).expect("read");
            assert!(!bytes.windows(6).any(|bytes| bytes == b"canari"), "{}", path.display());
            *looked += 1;
        }
    }
}

#[test]
fn a_collection_of_the_wrong_form_is_refused_with_its_key() {
    for (yaml, key) in [
        ("collections: { RH: { folder: x } }", "collections.RH"),
        ("collections: { rh: { folder: x, index: postgres } }", "collections.rh.index"),
        ("collections: { rh: { folder: x, confidential: false, index: postgres } }", "collections.rh.index"),
        ("collections: { rh: { folder: x, refresh: 1s } }", "collections.rh.refresh"),
        ("postgres: { url: 'postgres://a:secret@h/x' }", "postgres.url"),
    ] {
        let said = Place::new(yaml).run(&["collection", "list"]);
        assert!(
            said.status == Some(3) && said.last().contains(key) && !said.error.contains("secret"),
            "{yaml}: {said:?}"
        );
    }
}
