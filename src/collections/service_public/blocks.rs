//! The readable content of a fiche: sections with lines and sections in them.

use super::tree::Node;

/// Elements that only hold others.
const WRAP: [&str; 11] = [
    "Texte",
    "Introduction",
    "ListeSituations",
    "BlocCas",
    "FragmentConditionne",
    "Contenu",
    "ContenuIllustre",
    "Problematiques",
    "Questionnaire",
    "Aide",
    "LienExterneCommente",
];
/// Elements that become sections.
const SECTIONS: [&str; 7] = ["Chapitre", "SousChapitre", "Situation", "Cas", "Problematique", "Branche", "Question"];
/// Remarks, with what stands before one that has no title.
const REMARKS: [(&str, &str); 4] =
    [("ANoter", "À noter"), ("ASavoir", "À savoir"), ("Attention", "Attention"), ("Rappel", "Rappel")];

/// A titled part.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Section {
    pub(super) title: String,
    pub(super) items: Vec<Item>,
}

/// What a section holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    /// A paragraph, a list or a table: one or more lines.
    Lines(String),
    /// A section of its own.
    Section(Section),
}

impl Item {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Lines(lines) => lines.clone(),
            Self::Section(section) => section.text(),
        }
    }
}

impl Section {
    /// Its title and all its lines.
    pub(super) fn text(&self) -> String {
        let title = match self.title.as_str() {
            "" => None,
            title if title.ends_with([':', '?']) => Some(title.to_owned()),
            title => Some(format!("{title} :")),
        };
        title.into_iter().chain(self.items.iter().map(Item::text)).collect::<Vec<_>>().join("\n")
    }

    /// Adds lines.
    pub(super) fn line(&mut self, lines: String) {
        self.items.push(Item::Lines(lines));
    }

    /// Adds lines that are not there yet.
    pub(super) fn line_once(&mut self, lines: String) {
        let item = Item::Lines(lines);
        if !self.items.contains(&item) {
            self.items.push(item);
        }
    }

    fn line_unless_empty(&mut self, lines: String) {
        if !lines.is_empty() {
            self.line(lines);
        }
    }

    /// Adds the content of an element.
    fn fill(&mut self, element: &Node) {
        for child in element.children() {
            self.fill_with(child, element.name());
        }
    }

    /// Adds an element that stands in one of the name `inside`.
    pub(super) fn fill_with(&mut self, element: &Node, inside: &str) {
        let name = element.name();
        if SECTIONS.contains(&name) {
            return self.add_section(element);
        }
        if WRAP.contains(&name) {
            return self.fill(element);
        }
        if let Some((_, usual)) = REMARKS.iter().find(|(remark, _)| *remark == name) {
            return self.add_remark(element, usual);
        }
        match name {
            "Liste" => self.line_unless_empty(list(element, 0).join("\n")),
            "Tableau" => self.line_unless_empty(table(element).join("\n")),
            "OuSAdresser" if !element.title().is_empty() => self.line(format!("Où s'adresser : {}", element.title())),
            "ServiceEnLigne" if !element.title().is_empty() => self.line(service(element)),
            "LienInterne" if inside == "Problematique" => self.line(format!("→ {}", element.text())),
            "Paragraphe" | "LienExterne" | "LienWeb" | "Commentaire" | "Choix" | "Description" | "Resume" => {
                self.line_unless_empty(element.text());
            }
            _ => {}
        }
    }

    fn add_section(&mut self, element: &Node) {
        let mut section = Self { title: element.title(), items: Vec::new() };
        if let Some(link) = element.named(&["LienInterne"]).next().filter(|_| element.name() == "Branche") {
            section.title = format!("{} → {}", section.title, link.text());
        }
        section.fill(element);
        if !section.items.is_empty() {
            self.items.push(Item::Section(section));
        } else if !section.title.is_empty() {
            self.line(format!("- {}", section.title));
        }
    }

    fn add_remark(&mut self, element: &Node, usual: &str) {
        let mut remark = Self::default();
        remark.fill(element);
        let title = Some(element.title()).filter(|title| !title.is_empty());
        if !remark.items.is_empty() {
            self.line(format!("{} : {}", title.as_deref().unwrap_or(usual), remark.text()));
        }
    }
}

/// An online service or a form, on one line.
pub(super) fn service(element: &Node) -> String {
    let kind = element.attribute("type").unwrap_or("Service en ligne");
    let form = element.attribute("numerocerfa").filter(|number| !number.is_empty());
    let form = form.map_or_else(String::new, |number| format!(" (cerfa n°{number})"));
    format!("{kind} : {}{form}", element.title())
}

fn list(element: &Node, depth: usize) -> Vec<String> {
    element.named(&["Item"]).flat_map(|item| point(item, depth)).collect()
}

/// A point of a list: its text on one line, nested lists below it.
fn point(item: &Node, depth: usize) -> Vec<String> {
    let (mut head, mut below) = (Vec::new(), Vec::new());
    for child in item.children() {
        match child.name() {
            "Liste" => below.extend(list(child, depth + 1)),
            "Tableau" => below.extend(table(child)),
            _ => head.extend(Some(child.text()).filter(|text| !text.is_empty())),
        }
    }
    below.insert(0, format!("{}- {}", "  ".repeat(depth), head.join(" ")));
    below
}

fn cell(element: &Node) -> String {
    let texts = element.children().iter().flat_map(|child| match child.name() {
        "Liste" => child.named(&["Item"]).map(Node::text).collect(),
        _ => vec![child.text()],
    });
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ; ")
}

/// Rows as `a | b | c`; a row of headings, where it is marked as such, names each value below it.
fn table(element: &Node) -> Vec<String> {
    let mut lines = Vec::new();
    if !element.title().is_empty() {
        lines.push(format!("{} :", element.title()));
    }
    let mut head: Vec<String> = Vec::new();
    for row in element.named(&["Rangée"]) {
        let cells: Vec<String> = row.named(&["Cellule"]).map(cell).collect();
        if cells.iter().all(String::is_empty) {
            continue;
        }
        if row.attribute("type") == Some("header") {
            lines.push(cells.join(" | "));
            head = cells;
        } else if head.len() == cells.len() && cells.len() > 2 {
            let named = head.iter().zip(&cells).skip(1).filter(|(_, cell)| !cell.is_empty());
            let named =
                named.map(|(head, cell)| if head.is_empty() { cell.clone() } else { format!("{head} : {cell}") });
            lines.push(format!(
                "{} : {}",
                cells.first().map_or("", String::as_str),
                named.collect::<Vec<_>>().join(" ; ")
            ));
        } else if cells.len() == 2 {
            lines.push(cells.into_iter().filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" : "));
        } else {
            lines.push(cells.join(" | "));
        }
    }
    lines
}
