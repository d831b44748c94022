//! Which column of a file of reviews is what, by its heading or, without headings, by what it holds. Pure.
//!
//! The headings are those of the exports of Services Publics+ (`Titre`, `Description`, `Écrit le`, `Ressenti usager`, `Réponse structure 1`,
//! `Statut réponse structure 1`), of its open data (`id_experience`, `reponse_structure_1`), of application stores (`Review Text`, `Star Rating`,
//! `Developer Reply Text`) and of sites of reviews.

use super::words::plain;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// What the user wrote.
    Text,
    /// Its title.
    Title,
    /// Stars, a mark, or how the user felt.
    Rating,
    /// When it was written.
    Date,
    /// What was answered.
    Answer,
    /// Whether it was answered.
    Status,
    /// What its author is called, or how to reach them: it is looked for in the texts, and goes nowhere.
    Author,
}

/// Headings of texts, the likelier first.
const TEXTS: [&str; 22] = [
    "description",
    "verbatim",
    "verbatims",
    "review text",
    "review content",
    "commentaire",
    "commentaires",
    "avis",
    "texte",
    "texte de l avis",
    "contenu",
    "temoignage",
    "message",
    "content",
    "body",
    "comment",
    "review",
    "text",
    "experience",
    "remarque",
    "question",
    "pitch",
];

/// Headings of titles.
const TITLES: [&str; 8] = ["titre", "title", "review title", "objet", "sujet", "intitule", "subject", "pitch"];

/// Headings of ratings.
const RATINGS: [&str; 13] = [
    "note",
    "notes",
    "rating",
    "star rating",
    "starrating",
    "stars",
    "review stars",
    "etoiles",
    "score",
    "ressenti",
    "ressenti usager",
    "satisfaction",
    "evaluation",
];

/// What a heading of somebody begins with.
const AUTHORS: [&str; 20] = [
    "auteur",
    "nom",
    "prenom",
    "pseudo",
    "author",
    "user",
    "username",
    "reviewer",
    "nickname",
    "poste comme",
    "usager",
    "email",
    "e mail",
    "mail",
    "courriel",
    "telephone",
    "tel",
    "phone",
    "review username",
    "first name",
];

/// What makes something else of an answer, or of anything.
const NEVER: [&str; 12] = [
    "millis",
    "lien",
    "link",
    "url",
    "langue",
    "language",
    "version",
    "device",
    "delai",
    "similaires",
    "motif",
    "tags",
];

/// What a column holds, by its heading. The place is how likely it is, among several of the same kind: the least is the likeliest.
#[must_use]
pub fn of_heading(heading: &str) -> Option<(Column, usize)> {
    let heading = plain(heading);
    let has = |word: &str| heading.split(' ').any(|one| one == word);
    let is = |names: &[&str]| names.iter().position(|name| *name == heading);
    if heading.is_empty() || NEVER.iter().any(|word| has(word)) || heading == "id" || heading.starts_with("id ") {
        return None;
    }
    let answers = ["reponse", "reponses", "reply", "response", "answer", "reviewreply"].iter().any(|word| has(word));
    let dated = has("date") || has("time") || has("createtime") || heading.ends_with(" at") || heading.ends_with(" le");
    if answers {
        if dated || has("auteur") || has("author") {
            return None;
        }
        let status = has("statut") || has("status") || has("etat");
        return Some((if status { Column::Status } else { Column::Answer }, heading.len()));
    }
    if has("statut") || has("etat") || has("status") {
        return Some((Column::Status, heading.len() + 100));
    }
    if dated || heading == "ecrit le" {
        return Some((Column::Date, heading.len()));
    }
    if let Some(place) = is(&RATINGS) {
        return Some((Column::Rating, place));
    }
    if let Some(place) = is(&TITLES).filter(|_| heading != "pitch") {
        return Some((Column::Title, place));
    }
    if let Some(place) = is(&TEXTS) {
        return Some((Column::Text, place));
    }
    if AUTHORS.iter().any(|name| heading == *name || heading.starts_with(&format!("{name} "))) {
        return Some((Column::Author, 0));
    }
    // "Avis de l’usager", "Votre commentaire".
    let within = TEXTS.iter().take(9).position(|name| heading.contains(name))?;
    Some((Column::Text, TEXTS.len() + within))
}

/// Where the columns of a file are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The text.
    pub text: usize,
    /// The title.
    pub title: Option<usize>,
    /// The rating.
    pub rating: Option<usize>,
    /// The date.
    pub date: Option<usize>,
    /// The answers, of which any may be given: a file of Services Publics+ has one for each structure.
    pub answers: Vec<usize>,
    /// Whether it is answered.
    pub status: Option<usize>,
    /// Everything that names the author.
    pub authors: Vec<usize>,
}

impl Columns {
    /// By the headings. Nothing where none is a text's.
    #[must_use]
    pub fn of_headings<'a>(headings: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let known: Vec<(usize, Column, usize)> = headings
            .into_iter()
            .enumerate()
            .filter_map(|(at, heading)| of_heading(heading).map(|(column, likely)| (at, column, likely)))
            .collect();
        let best = |wanted: Column| {
            known
                .iter()
                .filter(|(_, column, _)| *column == wanted)
                .min_by_key(|(at, _, likely)| (*likely, *at))
                .map(|(at, ..)| *at)
        };
        let all =
            |wanted: Column| known.iter().filter(|(_, column, _)| *column == wanted).map(|(at, ..)| *at).collect();
        // A title alone is what there is to be answered.
        let (text, title) = match (best(Column::Text), best(Column::Title)) {
            (Some(text), title) => (text, title),
            (None, Some(title)) => (title, None),
            (None, None) => return None,
        };
        Some(Self {
            text,
            title,
            rating: best(Column::Rating),
            date: best(Column::Date),
            answers: all(Column::Answer),
            status: best(Column::Status),
            authors: all(Column::Author),
        })
    }

    /// By what the first rows hold: the text is the longest. Nothing where no column reads like one.
    #[must_use]
    pub fn of_contents(rows: &[Vec<String>]) -> Option<Self> {
        /// The fewest letters that a text has on average.
        const LETTERS: usize = 20;
        let width = rows.iter().map(Vec::len).max()?;
        let cells = |column: usize| {
            rows.iter().filter_map(move |row| row.get(column)).map(|cell| cell.trim()).filter(|cell| !cell.is_empty())
        };
        let mean = |column: usize| {
            let (all, count) =
                cells(column).fold((0, 0), |(all, count), cell| (all + cell.chars().count(), count + 1_usize));
            all.checked_div(count).unwrap_or_default()
        };
        let text = (0..width)
            .max_by_key(|column| (mean(*column), usize::MAX - column))
            .filter(|column| mean(*column) >= LETTERS)?;
        let rated =
            |cell: &str| cell.chars().all(|letter| "12345★☆⭐/,.".contains(letter)) && cell.chars().count() <= 5;
        let dated = |cell: &str| {
            let digits = cell.chars().filter(char::is_ascii_digit).count();
            (6..=17).contains(&digits) && cell.chars().count() <= 30 && cell.contains(['/', '-', '.'])
        };
        let holds = |test: &dyn Fn(&str) -> bool| {
            (0..width)
                .filter(|column| *column != text)
                .find(|column| cells(*column).next().is_some() && cells(*column).all(test))
        };
        Some(Self { text, rating: holds(&rated), date: holds(&dated), ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Column, Columns, of_heading};

    #[test]
    fn headings_are_known_however_they_are_written() {
        for (heading, column) in [
            ("Description", Column::Text),
            ("\u{feff}Description", Column::Text),
            ("Avis de l’usager", Column::Text),
            ("REVIEW TEXT", Column::Text),
            ("Titre", Column::Title),
            ("Écrit le", Column::Date),
            ("ecrit_le", Column::Date),
            ("Review Submit Date and Time", Column::Date),
            ("Ressenti usager", Column::Rating),
            ("Star Rating", Column::Rating),
            ("Réponse structure 1", Column::Answer),
            ("reponse_structure_1", Column::Answer),
            ("Developer Reply Text", Column::Answer),
            ("Statut réponse structure 1", Column::Status),
            ("État expérience", Column::Status),
            ("Nom de l’usager", Column::Author),
            ("Posté comme", Column::Author),
            ("E-mail", Column::Author),
        ] {
            assert_eq!(of_heading(heading).map(|(column, _)| column), Some(column), "{heading}");
        }
        for heading in [
            "ID expérience",
            "Developer Reply Date and Time",
            "Review Link",
            "Intitulé structure 1",
            "Tags métiers",
            "",
        ] {
            assert_eq!(of_heading(heading), None, "{heading}");
        }
    }

    #[test]
    fn the_export_of_services_publics_is_read_by_its_headings() {
        let headings = "ID expérience;Etat expérience;Date de publication;Titre;Description;Posté comme;Ressenti usager;Intitulé structure 1;\
                        Statut réponse structure 1;Réponse structure 1;Statut réponse structure 2;Réponse structure 2";
        let columns = Columns::of_headings(headings.split(';')).expect("a text");
        let expected = Columns {
            text: 4,
            title: Some(3),
            rating: Some(6),
            date: Some(2),
            answers: vec![9, 11],
            status: Some(8),
            authors: vec![5],
        };
        assert_eq!(columns, expected);
    }

    #[test]
    fn without_headings_the_longest_column_is_the_text() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [
            row(["12/03/2024", "Une heure d’attente au guichet malgré le rendez-vous.", "2"]),
            row(["13/03/2024", "Très bien reçu, merci à tous.", "5"]),
        ];
        let columns = Columns::of_contents(&rows).expect("a text");
        assert_eq!((columns.text, columns.date, columns.rating), (1, Some(0), Some(2)));
        assert_eq!(Columns::of_contents(&[row(["a", "b", "c"])]), None);
    }
}
