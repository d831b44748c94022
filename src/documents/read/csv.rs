//! CSV: the delimiter is the one that cuts the first lines evenly.

use super::grid::Grid;
use crate::documents::{ExtractError, flow::Flow};

/// The lines that the delimiter is guessed by, and how much of each.
const LINES: usize = 20;
const LONGEST_LINE: usize = 10_000;

pub(in crate::documents) fn read(text: &str, flow: &mut Flow) -> Result<(), ExtractError> {
    let delimiter = delimiter(text);
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let (mut grid, mut record, mut row) = (Grid::default(), csv::StringRecord::new(), 0);
    while reader.read_record(&mut record).map_err(|_| ExtractError::Damaged)? {
        for (column, cell) in (0..).zip(&record) {
            grid.add(row, column, cell.to_owned())?;
        }
        row += 1;
    }
    grid.finish(flow)
}

/// Semicolons are what a French spreadsheet writes; commas in decimals must not win over them.
pub(in crate::documents) fn delimiter(text: &str) -> u8 {
    let lines: Vec<&str> = text
        .split('\n')
        .filter(|line| !line.trim().is_empty())
        .take(LINES)
        .map(|line| line.get(..line.floor_char_boundary(LONGEST_LINE)).unwrap_or_default())
        .collect();
    let evenness = |delimiter: u8| {
        let mut counts: Vec<usize> = lines.iter().map(|line| outside_quotes(line, delimiter)).collect();
        counts.sort_unstable();
        let usual = counts.get(counts.len() / 2).copied().unwrap_or(0);
        if usual == 0 { 0 } else { counts.iter().filter(|count| **count == usual).count() * 2 + 1 }
    };
    let best = [b'|', b',', b'\t', b';'].into_iter().max_by_key(|delimiter| evenness(*delimiter));
    best.filter(|delimiter| evenness(*delimiter) > 0).unwrap_or(b';')
}

fn outside_quotes(line: &str, delimiter: u8) -> usize {
    let mut quoted = false;
    line.bytes()
        .filter(|byte| {
            quoted ^= *byte == b'"';
            !quoted && *byte == delimiter
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::delimiter;

    #[test]
    fn the_delimiter_is_the_one_that_cuts_evenly() {
        assert_eq!(delimiter("nom;montant\nDupont;1,5\nDurand;2,25\n"), b';');
        assert_eq!(delimiter("name,amount\n\"Dupont, A\",1\nDurand,2\n"), b',');
        assert_eq!(delimiter("a\tb\n1\t2"), b'\t');
        assert_eq!(delimiter("a|b|c\n1|2|3"), b'|');
        assert_eq!(delimiter("seul"), b';');
    }
}
