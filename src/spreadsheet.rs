//! Text in a cell that a spreadsheet opens.

/// What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection"), the wide forms of Asian keyboards too.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// The cell as it is, or with an apostrophe before it where a spreadsheet would compute it. Spreadsheets see past what is not seen: spaces of
/// any kind, tabs, line breaks, the mark of UTF-8.
#[must_use]
pub fn harmless(cell: &str) -> String {
    let unseen = |letter: char| {
        letter.is_whitespace()
            || letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    let computed = cell.trim_start_matches(unseen).starts_with(FORMULA) || cell.starts_with(['\t', '\r', '\n']);
    if computed { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn no_spreadsheet_computes_a_cell_and_others_stay() {
        for cell in [
            "=1+1",
            "+1",
            "-2",
            "@SUM(1)",
            "\tx",
            "\rx",
            "\nx",
            "\n=1",
            " =1",
            "\u{a0}=1",
            "\u{202f}+1",
            "\u{feff}=1",
            "\u{200b}@x",
            " \r\n =1",
            "＝1",
        ] {
            assert_eq!(harmless(cell), format!("'{cell}"));
        }
        for cell in ["", "Congés", " Congés", "a=1", "12", "« = »", "'=1"] {
            assert_eq!(harmless(cell), cell);
        }
    }
}
