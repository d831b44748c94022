//! What stands below an answer from documents: the sources that it cites, each with the sentence that carries what it says. Pure.

use super::{
    compose::place_of,
    transforms::{Mark, comparable, marks},
};
use crate::{
    assistant::{commands::inert, texts::sources::quoted},
    compagnon::Language,
    document::{Citation, Cited, Place, Source},
};

/// The most characters of a sentence that is shown.
const LONGEST_SENTENCE: usize = 240;

/// The list of sources below an answer.
#[derive(Default)]
pub struct List {
    /// Its lines, as markdown.
    pub lines: String,
    /// The addresses that are links in them.
    pub links: Vec<String>,
    /// What is listed.
    pub cited: Vec<Cited>,
}

/// The list of the sources that an answer cites, in the order of their marks.
pub fn list(answer: &str, sources: &[Source], language: Language) -> List {
    let found = marks(answer);
    let mut list = List::default();
    for source in sources {
        let Some(mark) = found.iter().find(|mark| mark.number == source.mark) else { continue };
        let sentence = carrying(&source.passage.text, citing(answer, mark));
        let place = place_of(source, language);
        let title = inert(&source.title);
        let title = match source.link.as_ref().filter(|link| is_plain(link)) {
            Some(link) => {
                list.links.push(link.clone());
                format!("[{title}](<{link}>)")
            }
            None => title,
        };
        let separator = match (place.is_empty(), &source.passage.place) {
            (true, _) => "",
            (false, Place::Whole) => " — ",
            (false, _) => ", ",
        };
        let line = format!("- \\[{}\\] {title}{separator}{}", source.mark, inert(&place));
        if !list.lines.is_empty() {
            list.lines.push('\n');
        }
        list.lines.push_str(&line);
        if !sentence.is_empty() {
            list.lines.push_str(&quoted(&inert(&sentence), language));
        }
        list.cited.push(Cited { title: source.title.clone(), place, citation: citation(source) });
    }
    list
}

/// What finds the passage of a source again.
fn citation(source: &Source) -> Citation {
    Citation {
        mark: source.mark,
        partition: source.partition.clone(),
        document: source.document,
        ordinal: source.passage.ordinal,
        passages: source.passages,
    }
}

/// Whether an address can stand in the brackets of a link.
fn is_plain(link: &str) -> bool {
    link.starts_with("https://")
        && !link.contains(|letter: char| letter.is_whitespace() || matches!(letter, '<' | '>' | '\\'))
}

/// The sentence of an answer at whose end a mark stands.
fn citing<'a>(answer: &'a str, mark: &Mark) -> &'a str {
    let before = answer.get(..mark.place.start).unwrap_or_default();
    // Past marks before it, and past a full stop after which it stands.
    let quiet = |letter: char| letter.is_whitespace() || letter.is_ascii_digit() || "[](),.;:!?…»”\"".contains(letter);
    let end = before.trim_end_matches(quiet).len();
    let start = before.get(..end).and_then(|text| text.rfind(ends)).map_or(0, |at| at + 1);
    before.get(start..end).or_else(|| before.get(..end)).unwrap_or_default()
}

fn ends(letter: char) -> bool {
    matches!(letter, '.' | '!' | '?' | '\n')
}

/// The sentence of a passage that has most of the words of another text; of a passage without any of them, the first.
fn carrying(passage: &str, text: &str) -> String {
    let wanted = words(text);
    let mut best: Option<(usize, &str)> = None;
    for sentence in sentences(passage) {
        let shared = words(sentence).iter().filter(|word| wanted.contains(word)).count();
        if best.is_none_or(|(most, _)| shared > most) {
            best = Some((shared, sentence));
        }
    }
    shown(best.map_or("", |(_, sentence)| sentence))
}

/// The sentences of a text, and the lines of a table or a list.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let mut letters = rest.char_indices().peekable();
            let mut end = rest.len();
            while let Some((at, letter)) = letters.next() {
                let next = letters.peek().map(|(_, next)| *next);
                let stops = matches!(letter, '.' | '!' | '?' | '…') && next.is_none_or(char::is_whitespace);
                if letter == '\n' || stops {
                    end = at + letter.len_utf8();
                    break;
                }
            }
            let (sentence, after) = rest.split_at(end);
            rest = after;
            if sentence.contains(char::is_alphanumeric) {
                return Some(sentence.trim());
            }
        }
    })
}

fn words(text: &str) -> Vec<String> {
    comparable(text)
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| word.chars().count() > 2 || word.contains(|letter: char| letter.is_ascii_digit()))
        .map(str::to_owned)
        .collect()
}

/// A sentence on one line, without what marks it up in its document.
fn shown(sentence: &str) -> String {
    let sentence = sentence.replace('|', " ");
    let sentence = sentence.trim_start_matches(['#', '-', '*', '•', ' ']);
    let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    match sentence.char_indices().nth(LONGEST_SENTENCE) {
        Some((end, _)) => format!("{}…", sentence[..end].trim_end()),
        None => sentence,
    }
}

#[cfg(test)]
mod tests {
    use super::{Language, Place, Source, list};
    use crate::document::{Partition, Passage};

    fn source(mark: usize, place: Place, link: Option<&str>, text: &str) -> Source {
        let headings = vec!["Congés".to_owned(), "Report".to_owned()];
        Source {
            mark,
            partition: Partition::Catalogue,
            document: mark as u64,
            title: format!("Guide_{mark}.pdf"),
            link: link.map(str::to_owned),
            passage: Passage { ordinal: 4, place, headings, text: text.to_owned() },
            passages: 2,
        }
    }

    #[test]
    fn what_an_answer_cites_is_listed_with_the_sentence_that_carries_it() {
        let text =
            "Les congés sont annuels. Les jours non pris sont reportés jusqu’au 31 mars. Au-delà, ils sont perdus.";
        let link = Some("https://intranet.example/guide");
        let sources = [
            source(1, Place::Page(3), None, text),
            source(2, Place::Whole, link, "| a | b |\n|---|---|\n| Télétravail | 2 jours |"),
            source(3, Place::Slide(1), None, "Rien."),
        ];
        let answer = "Le télétravail est de 2 jours [2]. Ils sont reportés jusqu’au 31 mars. [1] `t[3]`";
        let found = list(answer, &sources, Language::Fr);
        assert_eq!(
            found.lines,
            "- \\[1\\] Guide\\_1.pdf, page 3 — Congés › Report : « Les jours non pris sont reportés jusqu’au 31 mars. »\n\
             - \\[2\\] [Guide\\_2.pdf](<https://intranet.example/guide>) — Congés › Report : « Télétravail 2 jours »"
        );
        assert_eq!(found.links, ["https://intranet.example/guide"]);
        let cited: Vec<_> = found.cited.iter().map(|cited| (cited.citation.mark, cited.place.as_str())).collect();
        assert_eq!(cited, [(1, "page 3 — Congés › Report"), (2, "Congés › Report")]);
        assert_eq!((found.cited[0].citation.ordinal, found.cited[0].citation.passages), (4, 2));
        assert!(list("Sans marque.", &sources, Language::En).lines.is_empty());
    }
}
