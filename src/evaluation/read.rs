//! Sets of cases, read from YAML, JSON lines or CSV.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{Case, CaseError, case::last_line};

/// The most bytes of a set.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The most cases of a set.
const MOST_CASES: usize = 10_000;

/// What separates the texts of one cell of a CSV file.
const SEPARATOR: char = '|';

/// A file of cases.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Set {
    /// The compagnon that is asked.
    pub compagnon: Option<String>,
    /// The cases.
    pub cases: Vec<Case>,
}

/// Reads a set, whose form its name says.
pub fn read(path: &Path, bytes: &[u8]) -> Result<Set, CaseError> {
    if bytes.len() > MOST_BYTES {
        return Err(CaseError::TooLarge { most: MOST_BYTES });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| CaseError::Encoding)?;
    // Spreadsheets begin their files with it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let kind = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_lowercase();
    let mut set = match kind.as_str() {
        "yaml" | "yml" => serde_yaml::from_str(text).map_err(|error| malformed("the set", &error))?,
        "jsonl" | "ndjson" => Set { compagnon: None, cases: lines(text)? },
        "csv" => Set { compagnon: None, cases: table(text)? },
        _ => return Err(CaseError::Kind),
    };
    finish(&mut set)?;
    Ok(set)
}

fn malformed(place: &str, error: &dyn std::fmt::Display) -> CaseError {
    CaseError::Malformed { place: place.to_owned(), reason: last_line(&error.to_string()).to_owned() }
}

/// Names the cases, and refuses those that cannot be used.
fn finish(set: &mut Set) -> Result<(), CaseError> {
    if set.cases.is_empty() {
        return Err(CaseError::Empty);
    }
    if set.cases.len() > MOST_CASES {
        return Err(CaseError::TooMany { most: MOST_CASES });
    }
    let mut names = HashSet::new();
    for (index, case) in set.cases.iter_mut().enumerate() {
        if case.name.trim().is_empty() {
            case.name = (index + 1).to_string();
        }
        if case.compagnon.is_none() {
            case.compagnon.clone_from(&set.compagnon);
        }
        case.sound()?;
        // Two runs are compared by the names.
        if !names.insert(case.name.clone()) {
            let reason = "another case has the same name".to_owned();
            return Err(CaseError::Case { case: case.name.clone(), reason });
        }
    }
    Ok(())
}

fn lines(text: &str) -> Result<Vec<Case>, CaseError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| malformed(&format!("line {}", index + 1), &error))
        })
        .collect()
}

/// The columns of a CSV file that are lists, then those that are texts, as cases name them.
fn table(text: &str) -> Result<Vec<Case>, CaseError> {
    let delimiter = delimiter(text);
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(false).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| malformed("the header", &error))?.clone();
    let mut cases = Vec::new();
    for (index, row) in reader.records().enumerate() {
        let place = format!("row {}", index + 1);
        let row = row.map_err(|error| malformed(&place, &error))?;
        let mut case = Case::default();
        for (column, value) in headers.iter().zip(row.iter()).filter(|(_, value)| !value.trim().is_empty()) {
            set(&mut case, column.trim(), value.trim())
                .map_err(|reason| CaseError::Malformed { place: format!("{place}, column `{column}`"), reason })?;
        }
        cases.push(case);
    }
    Ok(cases)
}

/// French spreadsheets separate by semicolons.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let count = |delimiter: char| header.matches(delimiter).count();
    [';', '\t']
        .into_iter()
        .max_by_key(|one| count(*one))
        .filter(|one| count(*one) > count(','))
        .map_or(b',', |one| one as u8)
}

/// Sets the field that a column is called after.
fn set(case: &mut Case, column: &str, value: &str) -> Result<(), String> {
    let list = || -> Vec<String> {
        value.split(SEPARATOR).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
    };
    let text = || Some(value.to_owned());
    match column {
        "name" => value.clone_into(&mut case.name),
        "kind" => value.clone_into(&mut case.kind),
        "compagnon" => case.compagnon = text(),
        "query" => value.clone_into(&mut case.query),
        "output_true" => case.output_true = text(),
        "documents" => case.documents = list().into_iter().map(PathBuf::from).collect(),
        "cites" => case.cites = list(),
        "contains" => case.contains = list(),
        "contains_any" => case.contains_any = list(),
        "excludes" => case.excludes = list(),
        "pattern" => case.pattern = text(),
        "excludes_pattern" => case.excludes_pattern = text(),
        "language" => {
            case.language = Some(match value {
                "fr" => super::Tongue::Fr,
                "en" => super::Tongue::En,
                _ => return Err(format!("“{value}” is neither fr nor en")),
            });
        }
        "least_words" => case.least_words = number(value)?,
        "most_words" => case.most_words = number(value)?,
        "refuses" => case.refuses = Some(truth(value)?),
        "json" => case.json = truth(value)?,
        "schema" => case.schema = Some(json(value)?),
        "similar" => case.similar = number(value)?,
        "rubric" => case.rubric = text(),
        "repeats" => case.repeats = number(value)?,
        "seed" => case.seed = number(value)?,
        _ => {
            return Err("no field of a case is called so (turns and passages need YAML or JSON lines)".to_owned());
        }
    }
    Ok(())
}

fn number<T: std::str::FromStr>(value: &str) -> Result<Option<T>, String> {
    value.replace(',', ".").parse().map(Some).map_err(|_| format!("“{value}” is not such a number"))
}

fn json(value: &str) -> Result<serde_json::Value, String> {
    serde_json::from_str(value).map_err(|error| format!("it is not JSON: {error}"))
}

fn truth(value: &str) -> Result<bool, String> {
    match super::words::plain(value).as_str() {
        "true" | "yes" | "oui" | "vrai" | "1" => Ok(true),
        "false" | "no" | "non" | "faux" | "0" => Ok(false),
        _ => Err(format!("“{value}” is neither true nor false")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{super::Said, CaseError, Set, read};

    fn set(name: &str, text: &str) -> Result<Set, CaseError> {
        read(Path::new(name), text.as_bytes())
    }

    const YAML: &str = "compagnon: rh
cases:
  - name: conges
    kind: faits
    query: Combien de jours ?
    turns: [{user: Bonjour, assistant: Bonjour.}]
    passages: [{title: Guide, text: 25 jours.}]
    contains: [25 jours]
    refuses: false
    cites: [Guide]
  - query: Et moi ?
    most_words: 80
    repeats: 3
";

    #[test]
    fn the_three_forms_are_read() {
        let yaml = set("rh.yaml", YAML).expect("a set");
        assert_eq!((yaml.cases.len(), yaml.cases[1].name.as_str()), (2, "2"));
        assert_eq!(yaml.cases[0].turns, [Said { user: "Bonjour".to_owned(), assistant: "Bonjour.".to_owned() }]);
        assert!(yaml.cases.iter().all(|case| case.compagnon.as_deref() == Some("rh")));
        let jsonl = set("x.jsonl", "{\"query\": \"Combien ?\", \"contains\": [\"25\"]}\n\n").expect("a set");
        let commas = set("x.csv", "\u{feff}query,contains\nCombien ?,25\n").expect("a set");
        let semicolons = set("x.csv", "query;contains;refuses\n\"Combien ?\";25|vingt-cinq;non\n").expect("a set");
        assert_eq!(jsonl.cases, commas.cases);
        assert_eq!(semicolons.cases[0].contains, ["25", "vingt-cinq"]);
        assert_eq!(semicolons.cases[0].refuses, Some(false));
        let documents = set("x.csv", "query,documents,cites\na,a.pdf|sous/b.docx,a.pdf\n").expect("a set");
        assert_eq!(documents.cases[0].documents, [Path::new("a.pdf"), Path::new("sous/b.docx")]);
        assert_eq!(documents.cases[0].cites, ["a.pdf"]);
        let schema = serde_json::json!({"type": "object", "required": ["a"]});
        for (name, text) in [
            ("x.yaml", "cases:\n  - {query: a, schema: {type: object, required: [a]}}"),
            ("x.jsonl", r#"{"query": "a", "schema": {"type": "object", "required": ["a"]}}"#),
            ("x.csv", "query;schema\na;\"{\"\"type\"\": \"\"object\"\", \"\"required\"\": [\"\"a\"\"]}\"\n"),
        ] {
            assert_eq!(set(name, text).expect("a set").cases[0].schema.as_ref(), Some(&schema), "{name}");
        }
        let none = set("x.yaml", "cases:\n  - {query: a, schema: false}").expect("a set");
        assert_eq!(none.cases[0].schema, Some(false.into()));
    }

    #[test]
    fn lines_may_end_as_windows_ends_them() {
        let csv = "query,contains,most_words\n\"Combien ?\",25|30,9\nQuand ?,lundi,\n";
        let jsonl = "{\"query\": \"Combien ?\", \"contains\": [\"25\"]}\n\n{\"query\": \"Quand ?\", \"json\": true}\n";
        let block = "cases:\n  - query: |\n      Combien ?\n      Quand ?\n    pattern: ^25$\n";
        for (name, text) in [("x.yaml", YAML), ("x.yaml", block), ("x.csv", csv), ("x.jsonl", jsonl)] {
            let unix = set(name, text).expect("a set");
            assert_eq!(set(name, &text.replace('\n', "\r\n")), Ok(unix), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_place() {
        let error = |name: &str, text: &str| set(name, text).expect_err("refused").to_string();
        let crowded = serde_json::json!({"query": "a", "json": true, "documents": vec!["a.pdf"; 21]}).to_string();
        for (name, text, says) in [
            ("x.txt", "", "a .yaml, .jsonl or .csv file"),
            ("x.yaml", "cases: []", "no case"),
            ("x.yaml", "cases:\n  - query: a\n    contians: [b]", "contians"),
            ("x.yaml", "cases:\n  - query: a", "case 1: nothing says"),
            ("x.yaml", "cases:\n  - {query: a, pattern: '('}", "the pattern `(` cannot be used"),
            ("x.yaml", "cases:\n  - {query: a, similar: 0.5}", "`output_true`, which is missing"),
            ("x.yaml", "cases:\n  - {query: a, cites: [b]}", "has no `passages`"),
            ("x.yaml", "cases:\n  - {query: a, json: true, documents: ['']}", "a file without a name"),
            ("x.jsonl", &crowded, "case 1: `documents` names more than 20 files"),
            ("x.yaml", "cases:\n  - {query: a, contains: [' ']}", "a text to be found is empty"),
            (
                "x.yaml",
                "cases:\n  - {name: a, query: a, json: true}\n  - {name: a, query: b, json: true}",
                "the same name",
            ),
            ("x.yaml", "cases:\n  - {query: a, json: true, repeats: 0}", "from 1 to 20"),
            ("x.yaml", "cases:\n  - {name: a, query: a, schema: {type: strnig}}", "case a: `schema` cannot be used"),
            ("x.yaml", "cases:\n  - {query: a, schema: 3}", "it is an object, true or false"),
            ("x.yaml", "cases:\n  - {query: a, schema: {$ref: 'https://h/s'}}", "https://h/s"),
            ("x.csv", "query,schema\na,{\n", "row 1, column `schema`: it is not JSON"),
            ("x.jsonl", "{\"query\": \"a\", \"json\": true}\n{", "line 2"),
            ("x.csv", "query,wrong\na,b\n", "row 1, column `wrong`"),
            ("x.csv", "query,contains\na\n", "row 1"),
            ("x.csv", "query,most_words\na,many\n", "“many” is not such a number"),
        ] {
            let said = error(name, text);
            assert!(said.contains(says), "{text:?}: {said}");
        }
        assert_eq!(read(Path::new("x.yaml"), &[0xff, 0xfe]), Err(CaseError::Encoding));
    }
}
