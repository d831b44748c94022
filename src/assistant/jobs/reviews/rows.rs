//! A CSV of reviews, as agencies and application stores export them. Pure: from text to rows.
//!
//! The separator is the one under which the first line has headings that are known, and the lines have as many cells. Quotes may enclose line
//! breaks; a quote that is never closed would swallow the rest of the file, and is refused.

use super::columns::Columns;

/// The most bytes of a file.
pub const MOST_BYTES: usize = 8 << 20;

/// The most reviews of a file.
pub const MOST_ROWS: usize = 10_000;

/// The most characters of a cell: a longer one is a quote that was not closed.
const MOST_CHARACTERS: usize = 20_000;

/// The most columns.
const MOST_COLUMNS: usize = 400;

/// The rows by which the separator is chosen, and columns without headings.
const TRIED: usize = 50;

/// What may separate cells.
const SEPARATORS: [u8; 4] = [b';', b',', b'\t', b'|'];

/// Words that stand where nothing was answered.
const NOTHING: [&str; 10] = ["", "-", "n/a", "na", "nan", "null", "none", "aucune", "non", "sans objet"];

/// A review of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place among the rows that hold anything, from 1.
    pub number: usize,
    /// What the user wrote; empty where nothing.
    pub text: String,
    /// Its title.
    pub title: String,
    /// Its rating.
    pub rating: String,
    /// Its date.
    pub date: String,
    /// What was answered; empty where nothing.
    pub answer: String,
    /// Whether it is answered already.
    pub answered: bool,
    /// What its author is called, and how they are reached.
    pub names: Vec<String>,
}

/// The reviews of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Rows {
    /// All of them.
    pub rows: Vec<Row>,
    /// Whether the columns were known by headings; otherwise by what they hold.
    pub headed: bool,
}

/// Why a file is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadFile {
    /// It holds no row.
    Empty,
    /// No column reads like a review.
    NoText,
    /// It has more rows than this.
    TooManyRows(usize),
    /// It is larger than this, in bytes.
    TooLarge(usize),
    /// The text that begins in this row, from 1, does not end: a quote is not closed.
    Unclosed(usize),
    /// It is no table of text.
    NoTable,
}

/// The reviews of the text of a file.
pub fn read(text: &str) -> Result<Rows, BadFile> {
    if text.len() > MOST_BYTES {
        return Err(BadFile::TooLarge(MOST_BYTES));
    }
    let text = text.trim_start_matches('\u{feff}');
    let (said, text) = said_separator(text);
    let separator = said.unwrap_or_else(|| separator(text));
    let cells = cells(text, separator, MOST_ROWS + 1)?;
    let Some((first, below)) = cells.split_first() else { return Err(BadFile::Empty) };
    let by_headings = Columns::of_headings(first.iter().map(String::as_str));
    let (columns, rows, headed) = if let Some(columns) = by_headings {
        (columns, below, true)
    } else {
        let tried = cells.get(..TRIED.min(cells.len())).unwrap_or_default();
        (Columns::of_contents(tried).ok_or(BadFile::NoText)?, cells.as_slice(), false)
    };
    if rows.is_empty() {
        return Err(BadFile::Empty);
    }
    if rows.len() > MOST_ROWS {
        return Err(BadFile::TooManyRows(MOST_ROWS));
    }
    let rows = rows.iter().zip(1..).map(|(cells, number)| row(cells, number, &columns)).collect();
    Ok(Rows { rows, headed })
}

/// What a spreadsheet may say of its separator in a line above the rest: `sep=;`.
fn said_separator(text: &str) -> (Option<u8>, &str) {
    let Some(rest) = text.strip_prefix("sep=").or_else(|| text.strip_prefix("SEP=")) else { return (None, text) };
    let (line, below) = rest.split_once('\n').unwrap_or((rest, ""));
    match line.trim_end_matches('\r').as_bytes() {
        [separator] if SEPARATORS.contains(separator) => (Some(*separator), below),
        _ => (None, text),
    }
}

/// The separator under which the text reads best.
fn separator(text: &str) -> u8 {
    let score = |separator: u8| {
        let Ok(rows) = cells(text, separator, TRIED) else { return (0, 0, 0) };
        let Some(first) = rows.first() else { return (0, 0, 0) };
        let known = first.iter().filter(|heading| super::columns::of_heading(heading).is_some()).count();
        let even = rows.iter().filter(|row| row.len() == first.len()).count() * 100 / rows.len().max(1);
        (known, even, usize::from(first.len() > 1))
    };
    // Of equal ones, the first.
    SEPARATORS.into_iter().rev().max_by_key(|separator| score(*separator)).unwrap_or(b';')
}

/// The cells of the rows that hold anything, of this many at most.
fn cells(text: &str, separator: u8, most: usize) -> Result<Vec<Vec<String>>, BadFile> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(text.as_bytes());
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut record = csv::StringRecord::new();
    while rows.len() <= most && reader.read_record(&mut record).map_err(|_| BadFile::NoTable)? {
        if record.len() > MOST_COLUMNS {
            return Err(BadFile::NoTable);
        }
        let row: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
        if row.iter().any(|cell| cell.len() > MOST_CHARACTERS && cell.chars().count() > MOST_CHARACTERS) {
            return Err(BadFile::Unclosed(rows.len().max(1)));
        }
        if row.iter().any(|cell| !cell.is_empty()) {
            rows.push(row);
        }
    }
    Ok(rows)
}

fn row(cells: &[String], number: usize, columns: &Columns) -> Row {
    let cell = |at: usize| cells.get(at).map_or("", String::as_str);
    let one = |at: Option<usize>| at.map_or("", cell).to_owned();
    let is_answer = |answer: &&str| !NOTHING.contains(&answer.trim().to_lowercase().as_str());
    let answer = columns.answers.iter().map(|at| cell(*at)).find(is_answer).unwrap_or_default();
    let status = crate::index::french::fold(columns.status.map_or("", cell));
    // "Avec réponse", "Répondue", "Traitée": never "Non traitée", "Sans réponse", "À traiter".
    let denied = ["sans ", "non ", "pas ", "a repondre", "a traiter", "en attente", "no "]
        .iter()
        .any(|word| status.starts_with(word));
    let said = ["avec reponse", "repondu", "traite", "answered", "replied", "publiee avec"]
        .iter()
        .any(|word| status.contains(word));
    Row {
        number,
        text: cell(columns.text).to_owned(),
        title: one(columns.title),
        rating: one(columns.rating),
        date: one(columns.date),
        answer: answer.to_owned(),
        answered: !answer.is_empty() || (said && !denied),
        names: columns.authors.iter().map(|at| cell(*at).to_owned()).filter(|name| !name.is_empty()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{BadFile, MOST_ROWS, Rows, read};

    fn texts(file: &str) -> Vec<String> {
        rows(file).rows.into_iter().map(|row| row.text).collect()
    }

    fn rows(file: &str) -> Rows {
        read(file).unwrap_or_else(|bad| panic!("{bad:?}: {file}"))
    }

    #[test]
    fn a_mark_at_the_beginning_hides_no_column() {
        assert_eq!(texts("\u{feff}avis;note\nLong et pénible;2\n"), ["Long et pénible"]);
        assert_eq!(texts("\u{feff}\"Description\";\"Titre\"\r\n\"Bien\";\"Oui\"\r\n"), ["Bien"]);
    }

    #[test]
    fn quotes_enclose_separators_quotes_and_line_breaks() {
        let file =
            "Titre;Description\n\"Attente\";\"Une heure ; deux heures\nPuis \"\"rien\"\".\n\nDommage\"\nBien;Merci\n";
        assert_eq!(texts(file), ["Une heure ; deux heures\nPuis \"rien\".\n\nDommage", "Merci"]);
    }

    #[test]
    fn each_separator_is_known() {
        for separator in [";", ",", "\t", "|"] {
            let file = "titre;avis;note\nA;\"Trop long, trop lent ; trop cher\";1\nB;Bien, merci;5\n"
                .replace(';', separator)
                .replace("Bien, merci", "\"Bien, merci\"");
            assert_eq!(texts(&file).len(), 2, "{file}");
            assert!(texts(&file)[1].starts_with("Bien"), "{file}");
        }
        assert_eq!(texts("sep=,\r\navis,note\r\nBien,5\r\n"), ["Bien"]);
        // One column, whose texts have commas.
        assert_eq!(
            texts("avis\nTrop long, trop lent, trop cher\nBien\nMal, très mal\n")[0],
            "Trop long, trop lent, trop cher"
        );
    }

    #[test]
    fn empty_lines_are_no_reviews_and_rows_may_be_ragged() {
        let file = "\n\navis;note;réponse\n\nBien;5\n;;;\n;;\nMal;1;;;;\n   ;  ;\n";
        let rows = rows(file);
        assert_eq!(
            rows.rows.iter().map(|row| (row.number, row.text.as_str())).collect::<Vec<_>>(),
            [(1, "Bien"), (2, "Mal")]
        );
    }

    #[test]
    fn answered_reviews_are_known_by_their_answer_or_their_status() {
        let file = "Description;Statut réponse structure 1;Réponse structure 1;Réponse structure 2\n\
                    un;Sans réponse;;\ndeux;Avec réponse;;\ntrois;;Bonjour, merci.;\nquatre;;;Bonjour\ncinq;Non traitée;N/A;\nsix;;;-\n";
        let answered: Vec<bool> = rows(file).rows.iter().map(|row| row.answered).collect();
        assert_eq!(answered, [false, true, true, true, false, false]);
    }

    #[test]
    fn names_of_other_columns_are_taken_along() {
        let file = "Nom,Prénom,Avis,E-mail\nDurand,Zoé,Bien reçu par l’équipe,zoe@exemple.fr\n";
        assert_eq!(rows(file).rows[0].names, ["Durand", "Zoé", "zoe@exemple.fr"]);
    }

    #[test]
    fn a_file_without_headings_is_read_by_what_it_holds() {
        let file = "12/03/2024;Une heure d’attente au guichet.;2\n13/03/2024;Personne ne répond au téléphone.;1\n";
        let rows = rows(file);
        assert!(!rows.headed);
        assert_eq!(
            (rows.rows.len(), rows.rows[0].text.as_str(), rows.rows[0].rating.as_str()),
            (2, "Une heure d’attente au guichet.", "2")
        );
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (file, bad) in [("", BadFile::Empty), ("avis;note\n", BadFile::Empty), ("a;b;c\n1;2;3\n", BadFile::NoText)]
        {
            assert_eq!(read(file).err(), Some(bad), "{file}");
        }
        let unclosed = format!("avis;note\n\"Bien;5\n{}", "Mal;1\n".repeat(5_000));
        assert_eq!(read(&unclosed).err(), Some(BadFile::Unclosed(1)));
        let full = format!("avis\n{}", "Mal reçu\n".repeat(MOST_ROWS));
        assert_eq!(rows(&full).rows.len(), MOST_ROWS);
        assert_eq!(read(&format!("{full}Trop\n")).err(), Some(BadFile::TooManyRows(MOST_ROWS)));
    }

    #[test]
    fn the_export_of_an_application_store_is_read() {
        let file = "Package Name,App Version Name,Reviewer Language,Device,Review Submit Date and Time,Star Rating,Review Title,Review Text,\
                    Developer Reply Date and Time,Developer Reply Text,Review Link\n\
                    fr.x,2.1,fr,a,2026-06-02T12:00:00Z,1,,\"Ne marche pas,\nrien\",,,https://x\n\
                    fr.x,2.1,fr,a,2026-06-03T12:00:00Z,5,Bien,Super,2026-06-04T12:00:00Z,Merci,https://x\n";
        let rows = rows(file).rows;
        assert_eq!(
            (rows[0].text.as_str(), rows[0].rating.as_str(), rows[0].answered),
            ("Ne marche pas,\nrien", "1", false)
        );
        assert_eq!((rows[1].title.as_str(), rows[1].answer.as_str(), rows[1].answered), ("Bien", "Merci", true));
    }
}
