//! The reviews of a file with their drafts beside them, as a file that spreadsheets open. Pure.

use super::state::Walk;
use crate::spreadsheet::harmless;

/// The headings, in French or in English.
const FRENCH: [&str; 5] = ["numéro", "titre", "avis (sans noms)", "note", "brouillon"];
const ENGLISH: [&str; 5] = ["number", "title", "review (without names)", "rating", "draft"];

/// The file. It begins with the mark of UTF-8, without which Excel reads accents wrongly, and is cut by semicolons, as a French Excel expects.
#[must_use]
pub fn exported(walk: &Walk, english: bool) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b';')
        .terminator(csv::Terminator::CRLF)
        .from_writer(b"\xef\xbb\xbf".to_vec());
    // Writing into memory does not fail; what it says is looked at all the same.
    let mut written = writer.write_record(if english { ENGLISH } else { FRENCH });
    for review in &walk.reviews {
        let draft = walk.drafts.get(&review.number).map_or("", String::as_str);
        let cells = [&review.number.to_string(), &review.title, &review.text, &review.rating, draft].map(harmless);
        written = written.and_then(|()| writer.write_record(&cells));
    }
    match (written, writer.into_inner()) {
        (Ok(()), Ok(bytes)) => bytes,
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{rows::read, state::Walk};
    use super::exported;

    #[test]
    fn no_cell_is_a_formula_and_accents_stay() {
        let file = "avis\n=cmd|'/c calc'!A1 pénible\n@SUM(1)\n+1 pour l’équipe\n-2 étoiles\n\"\t=A1\"\nCœur\n";
        let mut walk = Walk::of(&read(file).expect("read")).expect("small");
        walk.drafted(1, "=1+1");
        walk.drafted(6, "Bonjour,\n\n« Merci » ; à bientôt");
        let bytes = exported(&walk, false);
        assert!(bytes.starts_with(b"\xef\xbb\xbf"));
        let text = String::from_utf8(bytes).expect("UTF-8");
        let mut reader = csv::ReaderBuilder::new().delimiter(b';').has_headers(false).from_reader(text.as_bytes());
        let cells: Vec<String> = reader
            .records()
            .flat_map(|record| record.expect("a record").iter().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        assert!(cells.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{cells:?}");
        assert!(cells.iter().any(|cell| cell == "Bonjour,\n\n« Merci » ; à bientôt"), "{cells:?}");
        assert!(text.contains("Cœur") && text.contains("pénible"));
    }
}
