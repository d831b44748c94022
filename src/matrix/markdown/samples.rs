//! What people see of an answer: `docs/rendering.md` is made from these samples, so that a change of it shows in a review.
//!
//! Two clients are simulated, from HTML to visible text. One follows the rules of Element Web's sanitizer. The other keeps only what Element
//! X's list has (`wysiwyg`, `HtmlToDomParser`), and drops the tags of everything else.

use std::{fmt::Write as _, fs, path::Path};

use super::{Tables, plain};
use crate::matrix::html::to_html;

/// What the strict client keeps.
pub(super) const STRICT: [&str; 15] =
    ["a", "b", "strong", "i", "em", "u", "del", "code", "ul", "ol", "li", "pre", "blockquote", "p", "br"];
/// What Element Web keeps, of what is ever written.
const WEB: [&str; 28] = [
    "a",
    "p",
    "br",
    "strong",
    "em",
    "u",
    "del",
    "sup",
    "sub",
    "code",
    "pre",
    "ul",
    "ol",
    "li",
    "blockquote",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
];

/// What a client shows that keeps these elements.
pub(super) fn visible(html: &str, keeps: &[&str]) -> String {
    let mut screen = Screen::default();
    let mut rest = html;
    while let Some((text, tagged)) = rest.split_once('<') {
        screen.text(text);
        let (tag, after) = tagged.split_once('>').expect("a tag ends");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        if keeps.contains(&name) {
            screen.tag(name, tag.starts_with('/'), tag);
        }
        rest = after;
    }
    screen.text(rest);
    let lines: Vec<&str> = screen.out.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

#[derive(Default)]
struct Screen {
    out: String,
    in_code: bool,
    quotes: usize,
    /// For each list, the number of its next point.
    lists: Vec<Option<usize>>,
    has_cell: bool,
    /// Whether the line has begun.
    begun: bool,
}

impl Screen {
    fn text(&mut self, html: &str) {
        let text = html
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&");
        for letter in text.chars() {
            match letter {
                '\n' if self.in_code => self.line(),
                ' ' | '\n' if !self.in_code && (!self.begun || self.out.ends_with(' ')) => {}
                '\n' => self.out.push(' '),
                other => {
                    self.begin(self.lists.len());
                    self.out.push(other);
                }
            }
        }
    }

    /// Begins the line, within so many lists.
    fn begin(&mut self, lists: usize) {
        if !std::mem::replace(&mut self.begun, true) {
            self.out.push_str(&"> ".repeat(self.quotes));
            self.out.push_str(&"   ".repeat(lists));
            self.out.push_str(if self.in_code { "    " } else { "" });
        }
    }

    fn line(&mut self) {
        self.out.push('\n');
        self.begun = false;
    }

    /// A new line, unless there is one.
    fn fresh(&mut self) {
        if self.begun {
            self.line();
        }
    }

    fn tag(&mut self, name: &str, ends: bool, tag: &str) {
        match name {
            "br" => self.line(),
            "hr" => {
                self.fresh();
                self.out.push_str("────────");
                self.line();
            }
            "pre" => {
                self.fresh();
                self.in_code = !ends;
            }
            "blockquote" => {
                self.fresh();
                self.quotes = if ends { self.quotes.saturating_sub(1) } else { self.quotes + 1 };
            }
            "ul" | "ol" if ends => {
                self.fresh();
                self.lists.pop();
            }
            "ul" | "ol" => {
                self.fresh();
                let start = tag.split('"').nth(1).and_then(|start| start.parse().ok()).unwrap_or(1);
                self.lists.push((name == "ol").then_some(start));
            }
            "li" if !ends => {
                self.fresh();
                self.begin(self.lists.len().saturating_sub(1));
                let point = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "•  ".to_owned(),
                };
                self.out.push_str(&point);
            }
            // A paragraph that a point of a list begins with.
            "p" if !ends && self.out.ends_with("  ") || self.out.ends_with(". ") => {}
            "p" | "li" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "tr" | "table" => {
                self.fresh();
                self.has_cell = false;
            }
            "td" | "th" if !ends => {
                if self.has_cell {
                    self.out.push_str(" │ ");
                }
                self.has_cell = true;
            }
            "sup" | "sub" | "del" => {
                let _ = write!(self.out, "‹{tag}›");
            }
            _ => {}
        }
    }
}

const SAMPLES: &[(&str, &str)] = &[
    (
        "A small table",
        "Voici les délais :\n\n| Démarche | Délai | Coût |\n|:---|:---:|---:|\n| Passeport | 3 sem. | 86 € |\n| Permis | 2 sem. | **25 €** |\n\nBonne journée.",
    ),
    (
        "A table that is wider than a phone",
        "| Démarche | Où | Pièces |\n|---|---|---|\n| Passeport | En mairie équipée, sur rendez-vous | Photo,<br>justificatif de domicile |\n| Permis | En ligne | `ants.gouv.fr` |",
    ),
    (
        "A table in Chinese and with signs",
        "| 国家 | 首都 |\n|---|---|\n| 法国 | 巴黎 |\n| Été ✅ | e\u{301}te\u{301} |",
    ),
    ("A table without titles", "| | |\n|---|---|\n| Nom | Durand |\n| Prénom | Zoé |"),
    ("A table in a list", "1. Les délais :\n\n   | a | b |\n   |---|---|\n   | 1 | 2 |\n\n2. Les coûts."),
    (
        "Operators",
        "La factorielle : 5*4*3*2*1 = 120, soit **12*30*1,05** = 378 €, et 2**3**2 = 512. *Attention* : a*b*c, 3 * 4 * 5, environ ~5 à ~10.",
    ),
    ("Line breaks", "- Un<br>deux<br/>trois\n- <b>Quatre</b>\n\nCinq<br>\nsix"),
    (
        "Raised and lowered",
        "10<sup>6</sup> m<sup>2</sup>, CO<sub>2</sub>, le 1<sup>er</sup> du mois, e<sup>-x/2</sup>.",
    ),
    (
        "Tags: harmless, unclosed, and others",
        "<b>Gras</b>, <u>souligné</u>, <kbd>Entrée</kbd>, <span>rien</span>, <b>ouvert, fermé</i>, <votre nom>, <img src=x>, a<b>c.\n\n<center>Au milieu</center>",
    ),
    (
        "Formulas",
        "On a \\(x^2 + y_1 \\leq \\frac{a+b}{2}\\), donc $x \\times 2$.\n\n\\[ x = \\frac{-b \\pm \\sqrt{\\Delta}}{2a} \\]\n\nCela coûte 5 $ ou $10.",
    ),
    (
        "Fractions and roots beside something",
        "\\(V = \\frac{4}{3}\\pi r^3\\), \\(\\frac{1}{2}\\left(a+b\\right)\\), \\(\\sqrt{2}x\\), \\(\\sqrt{2x}\\), \\(\\sqrt{x}^2\\).",
    ),
    ("A table with struck-out figures", "| Démarche | Coût |\n|---|---|\n| Passeport | ~~100 €~~ 86 € |"),
    (
        "Placeholders and variables",
        "Service : <service>, section : <section>, code : <code>, chemin : ${USER}/${HOME}.",
    ),
    (
        "Formulas that are no line of text",
        "Soit $$\\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix}$$ et :\n\n\\[\n\\begin{aligned}\na &= b \\\\\nc &= d\n\\end{aligned}\n\\]",
    ),
    ("Titles", "# Titre\n## Sous-titre\nTexte.\n\n---\n\n### Suite\n\n~~Faux~~ vrai."),
    ("Lists within lists", "1. Un\n   - a\n   - b\n2. Deux\n\n   Suite de deux.\n3. Trois"),
    ("Code", "Tapez `ls *.txt` :\n\n```python\nprint(5*4*3)  # $x^2$ <br>\n```"),
    ("A quotation", "> Un **point**\n> sur deux lignes.\n\nFin."),
    (
        "A link that nobody has allowed",
        "Voir [la fiche](https://www.service-public.fr/x) ou <https://www.impots.gouv.fr>.",
    ),
    ("A list of HTML in a cell", "| Pièces | Délai |\n|---|---|\n| <ul><li>Photo</li><li>Titre</li></ul> | 3 jours |"),
];

/// Lines as a block.
fn quoted(text: &str) -> String {
    format!("~~~~~~ text\n{text}\n~~~~~~\n")
}

#[test]
fn the_page_of_rendered_samples_is_up_to_date() {
    let mut page = String::from(
        "# Rendering\n\nWhat people see of the Markdown that a model writes. Made from `src/matrix/markdown/samples.rs` by \
         `UPDATE_RENDERING=1 cargo test --lib samples`; a test holds it up to date.\n\n\
         - **Strict**: a client that keeps only the elements of Element X (no table, title, rule, raised or lowered text).\n\
         - **Web**: the elements that Element Web keeps; it is shown where it differs from the strict client. `‹…›` marks what is raised, lowered or struck out.\n\
         - **Body**: the plain text, for clients and notifications that show no HTML.\n\
         - **Web, `matrix.tables: html`**: where that setting makes a difference.\n",
    );
    for (title, markdown) in SAMPLES {
        let (html, tables) = (to_html(markdown, &[], Tables::Text), to_html(markdown, &[], Tables::Html));
        let (strict, web) = (visible(&html, &STRICT), visible(&html, &WEB));
        let _ = write!(page, "\n## {title}\n\nMarkdown:\n\n{}\nStrict:\n\n{}", quoted(markdown), quoted(&strict));
        if web != strict {
            let _ = write!(page, "\nWeb:\n\n{}", quoted(&web));
        }
        let _ = write!(page, "\nBody:\n\n{}", quoted(&plain(markdown)));
        if html != tables {
            let _ = write!(page, "\nWeb, `matrix.tables: html`:\n\n{}", quoted(&visible(&tables, &WEB)));
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rendering.md");
    if std::env::var_os("UPDATE_RENDERING").is_some() {
        fs::write(&path, &page).expect("written");
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(known == page, "docs/rendering.md is not up to date: UPDATE_RENDERING=1 cargo test --lib samples");
}

/// Every beginning of a sample, as a draft and as an answer that was stopped there.
#[test]
fn every_beginning_of_a_sample_is_sound() {
    for (_, markdown) in SAMPLES {
        for end in (0..markdown.len()).filter(|end| markdown.is_char_boundary(*end)) {
            let draft = super::settled(&markdown[..end]);
            for text in [&draft, &markdown[..end]] {
                crate::matrix::fuzz::answer(text);
            }
            let shown = visible(&to_html(&draft, &[], Tables::Text), &STRICT);
            assert!(!shown.contains("**") || draft.len() < 3 || markdown.contains("2**3"), "{shown}");
            assert!(!shown.contains("|--") && !shown.contains("\\(") && !shown.contains("\\["), "{shown}");
        }
    }
}
