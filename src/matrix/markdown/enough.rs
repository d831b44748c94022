//! When a text that is being written is worth showing for the first time: what is shown first is also what a phone notifies about.

use pulldown_cmark::{Event, Tag, TagEnd};

use super::{document::Document, table::Tables};

/// So many letters, figures and spaces are enough without a sentence.
const ENOUGH: usize = 80;
/// A sentence has at least so many: "Bonjour !" and "1." say nothing yet.
const SHORTEST_SENTENCE: usize = 20;
/// A word before a full stop has at least so many letters; shorter ones are abbreviated: "M.", "art.", "p.".
const SHORTEST_WORD: usize = 3;

/// Whether the beginning of a text is at least a sentence, or about as long as two lines of a phone. Markup does not count, and a full stop
/// in code ends no sentence.
#[must_use]
pub fn says_enough(markdown: &str) -> bool {
    let document = Document::new(markdown);
    let (mut visible, mut in_code) = (0, false);
    // The running text of the block being read, and whether one before it was long enough.
    let (mut block, mut ended) = (String::new(), false);
    for event in document.events(Tables::Text) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Start(tag) if is_block(tag.to_end()) => end(&mut block, &mut ended),
            Event::End(tag) if is_block(tag) => end(&mut block, &mut ended),
            Event::Text(text) | Event::Code(text) => {
                visible += text.trim().chars().filter(|letter| letter.is_alphanumeric() || *letter == ' ').count();
                if !in_code {
                    block.push_str(&text);
                }
                if ended && !text.trim().is_empty() || visible >= ENOUGH || has_sentence(&block) {
                    return true;
                }
            }
            Event::SoftBreak | Event::HardBreak => block.push(' '),
            _ => {}
        }
    }
    false
}

fn is_block(tag: TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::Paragraph
            | TagEnd::Heading(_)
            | TagEnd::Item
            | TagEnd::List(_)
            | TagEnd::BlockQuote(_)
            | TagEnd::CodeBlock
    )
}

fn end(block: &mut String, ended: &mut bool) {
    *ended |= block.trim().chars().count() >= SHORTEST_SENTENCE;
    block.clear();
}

/// Whether a text has a sentence that has ended: another one has begun after it.
fn has_sentence(text: &str) -> bool {
    text.char_indices().any(|(at, letter)| {
        let after = &text[at + letter.len_utf8()..];
        let closes = |letter: char| matches!(letter, '»' | '”' | '"' | ')' | '\u{a0}' | '\u{202f}');
        let next = after.trim_start_matches(closes);
        matches!(letter, '.' | '!' | '?' | '…')
            && next.starts_with(char::is_whitespace)
            && next.trim_start().starts_with(|first: char| first.is_uppercase() || !first.is_alphanumeric())
            && text[..at].trim_start().chars().count() + 1 >= SHORTEST_SENTENCE
            && (letter != '.' || last_word(&text[..at]) >= SHORTEST_WORD)
    })
}

/// The length of the word that a text ends with.
fn last_word(text: &str) -> usize {
    text.chars()
        .rev()
        .skip_while(|letter| matches!(letter, '»' | ')' | '”'))
        .take_while(|letter| letter.is_alphanumeric())
        .count()
}

#[cfg(test)]
mod tests {
    use super::says_enough;

    #[test]
    fn a_sentence_or_some_eighty_characters_are_enough() {
        for text in [
            "La demande se fait en ligne. Il",
            "Bonjour ! La demande se fait en ligne. Il",
            "Peut-on le faire en ligne ? **Oui",
            "Pouvez-vous préciser votre demande ?\n\n- a",
            "# La demande de passeport\n\nElle",
            "- La demande de passeport\n- La",
            "la demande se fait en ligne et il faut un justificatif de domicile de moins de trois mois ou un",
            "Il a dit « c'est possible. » Puis",
            "```python\nimport this_is_a_long_module_name\nfrom another_long_module import something_long_too, and_one_more_thing\nz",
        ] {
            assert!(says_enough(text), "{text}");
        }
    }

    #[test]
    fn less_is_not() {
        for text in [
            "",
            "Bon",
            "Bonjour !",
            "Bonjour ! Voici",
            "Oui. Voici",
            "1. La demande de passe",
            "Selon ce que dit l'art. 5",
            "La demande en ligne auprès de M. Dupont",
            "Cela coûte en tout 1.250 euros",
            "La demande se fait en ligne.",
            "La demande se fait en ligne. ",
            "**Demande**\n\n**Lieu",
            "| Démarche | Délai |\n|----------------------------------|-----------------------------------------|\n| a",
            "```python\nprint(\"Voici. Une phrase. Ici\")\n",
            "### **************** _____________ \\\\\\\\ ************************ ---------------------- **",
            "[voir](https://www.service-public.fr/particuliers/vosdroits/F14929/une/adresse/tres/longue/encore)",
        ] {
            assert!(!says_enough(text), "{text}");
        }
    }

    #[test]
    fn what_is_enough_stays_so() {
        let text = "## Réponse\n\nOui. La carte d'identité *provisoire* n'existe pas. Il faut `demander` un titre.\n\n1. Un\n2. Deux";
        let ends = (0..=text.len()).filter(|end| text.is_char_boundary(*end));
        let found: Vec<bool> = ends.map(|end| says_enough(&text[..end])).collect();
        let first = found.iter().position(|enough| *enough).expect("enough in the end");
        assert!(found[first..].iter().all(|enough| *enough));
        assert!(text.char_indices().nth(first).is_some_and(|(at, _)| text[..at].contains("n'existe pas. ")));
    }
}
