//! French typography of the sentences that people read: the spaces before some signs, where a line must not end, and the apostrophe.
//!
//! The rules are those of the *Lexique des règles typographiques en usage à l'Imprimerie nationale*: a narrow no-break space (U+202F) before
//! `;`, `!` and `?`; a no-break space (U+00A0) before `:`, `»`, `%` and `€`, and after `«`. Sentences are written plainly in the sources, and set here.

use std::{borrow::Cow, ops::Range};

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};

const NO_BREAK: char = '\u{a0}';
const NARROW: char = '\u{202f}';
/// What may stand before a vowel: `l’`, `d’`, `qu’`, …
const ELIDED: &str = "cdjlmnstuCDJLMNSTU";

/// A Markdown text with the spaces and apostrophes of French. Code, the addresses of links, e-mail addresses and identifiers stay as they are.
/// Setting a text twice is setting it once.
#[must_use]
pub fn french(markdown: &str) -> Cow<'_, str> {
    if !markdown.contains([':', ';', '!', '?', '«', '»', '%', '€', '\'']) {
        return Cow::Borrowed(markdown);
    }
    let prose = prose(markdown);
    let mut set = String::with_capacity(markdown.len().saturating_add(16));
    let letters: Vec<(usize, char)> = markdown.char_indices().collect();
    let mut changed = false;
    for (place, &(at, letter)) in letters.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|place| letters.get(place)).map(|(_, letter)| *letter);
        let after = |count: usize| letters.get(place.saturating_add(count)).map(|(_, letter)| *letter);
        let kept = if prose.get(at).copied().unwrap_or_default() {
            match letter {
                ' ' | NO_BREAK | NARROW => space(letter, before, after(1), after(2)),
                '\'' => apostrophe(before, after(1)),
                ':' | ';' | '!' | '?' => {
                    if before.is_some_and(is_end_of_word) && is_sign(letter, after(1)) {
                        set.push(if letter == ':' { NO_BREAK } else { NARROW });
                        changed = true;
                    }
                    letter
                }
                _ => letter,
            }
        } else {
            letter
        };
        changed |= kept != letter;
        set.push(kept);
    }
    if changed { Cow::Owned(set) } else { Cow::Borrowed(markdown) }
}

/// The space to write in the place of one.
fn space(written: char, before: Option<char>, next: Option<char>, then: Option<char>) -> char {
    // At the beginning of a line it belongs to Markdown.
    if before.is_none_or(|before| before == '\n' || is_space(before)) {
        return written;
    }
    match next {
        Some(sign @ (';' | '!' | '?')) if is_sign(sign, then) => NARROW,
        Some(':') if is_sign(':', then) => NO_BREAK,
        Some('»') => NO_BREAK,
        Some('%' | '€') if before.is_some_and(|before| before.is_ascii_digit()) => NO_BREAK,
        _ if before == Some('«') => NO_BREAK,
        _ => written,
    }
}

/// Whether a sign is punctuation, by what follows it: not the `!` of a command, the `?` of an address or the `:` of a time.
fn is_sign(sign: char, next: Option<char>) -> bool {
    next.is_none_or(|next| {
        next.is_whitespace() || "*_~»)…".contains(next) || (sign != ':' && "!?".contains(next)) || next == '"'
    })
}

fn is_end_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, ')' | '»')
}

fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | NO_BREAK | NARROW | '\t')
}

fn apostrophe(before: Option<char>, next: Option<char>) -> char {
    let inside = before.is_some_and(char::is_alphabetic) && next.is_some_and(char::is_alphabetic);
    let elided = before.is_some_and(|before| ELIDED.contains(before)) && next.is_some_and(|next| "*_`«".contains(next));
    if inside || elided { '’' } else { '\'' }
}

/// Which bytes of a Markdown text are prose.
fn prose(markdown: &str) -> Vec<bool> {
    let mut prose = vec![false; markdown.len()];
    let mut code = false;
    let mut address = false;
    let options = Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH);
    for (event, range) in Parser::new_ext(markdown, options).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(_)) => code = true,
            Event::End(TagEnd::CodeBlock) => code = false,
            Event::Start(Tag::Link { link_type: LinkType::Autolink | LinkType::Email, .. }) => address = true,
            Event::End(TagEnd::Link) => address = false,
            // A text that does not stand so in the source is an entity.
            Event::Text(text) if !code && !address && markdown.get(range.clone()) == Some(&*text) => {
                mark(&mut prose, range, true);
            }
            _ => {}
        }
    }
    for word in addresses(markdown) {
        mark(&mut prose, word, false);
    }
    prose
}

fn mark(prose: &mut [bool], range: Range<usize>, is_prose: bool) {
    if let Some(bytes) = prose.get_mut(range) {
        bytes.fill(is_prose);
    }
}

/// The words that are addresses or identifiers: of the web, of e-mail, of Matrix; and emoji written by name.
fn addresses(markdown: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0_usize;
    markdown.split_inclusive(char::is_whitespace).filter_map(move |word| {
        let begin = at;
        at = begin.saturating_add(word.len());
        let word = word.trim_end();
        let is_address = word.contains("://")
            || word.contains('@')
            || (word.starts_with(['#', '$']) && word.contains(':'))
            || (word.len() > 2 && word.starts_with(':') && word.ends_with(':'));
        is_address.then(|| begin..begin.saturating_add(word.len()))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::french;

    #[test]
    fn signs_have_their_spaces_and_words_their_apostrophe() {
        for (plain, set) in [
            ("Vu : « oui » ; non ? 5 %", "Vu\u{a0}: «\u{a0}oui\u{a0}»\u{202f}; non\u{202f}? 5\u{a0}%"),
            ("**Attention : ouvert !**", "**Attention\u{a0}: ouvert\u{202f}!**"),
            ("Quoi ?! Non !!", "Quoi\u{202f}?! Non\u{202f}!!"),
            ("C'est l'**État**, qu'`un` « d'ici »", "C’est l’**État**, qu’`un` «\u{a0}d’ici\u{a0}»"),
            // What people and ops write closely.
            (
                "Bonjour! Ça va? Note: rien; (oui)!",
                "Bonjour\u{202f}! Ça va\u{202f}? Note\u{a0}: rien\u{202f}; (oui)\u{202f}!",
            ),
            ("12 € et 3 %", "12\u{a0}€ et 3\u{a0}%"),
            ("- Compagnon : `a : b`", "- Compagnon\u{a0}: `a : b`"),
            ("`!aide` : les commandes", "`!aide`\u{a0}: les commandes"),
            (
                "| Semaine du | Utile ? |\n| :--- | ---: |\n| a : b | c |",
                "| Semaine du | Utile\u{202f}? |\n| :--- | ---: |\n| a\u{a0}: b | c |",
            ),
        ] {
            assert_eq!(french(plain), set);
        }
    }

    #[test]
    fn code_addresses_and_commands_stay() {
        for text in [
            "`a : b ?` et ``l'un ` ?``",
            "```\nl'un : « x » ?\n```",
            "    l'un : x ?",
            "[ici](https://a.fr/?x=1;y=d'z)",
            "<https://a.fr/l'un?x>",
            "https://a.fr/l'un?x=1;y!",
            "@awa:a.fr, #salon:a.fr, l'awa@a.fr",
            "à 10:30, !aide, ?x, :smile: 1.5",
            "a &amp; b",
            "",
        ] {
            assert_eq!(french(text), text);
        }
    }

    fn letters(text: &str) -> String {
        text.chars()
            .filter(|letter| !matches!(letter, ' ' | '\u{a0}' | '\u{202f}'))
            .collect::<String>()
            .replace('\'', "’")
    }

    proptest! {
        #[test]
        fn only_spaces_and_apostrophes_change_and_a_text_that_is_set_stays(text in "(?s)[a-z '’:;!?«»%€*_`#@|\\-\n\\[\\]()<>&/\u{a0}\u{202f}1É]{0,60}") {
            let set = french(&text).into_owned();
            prop_assert_eq!(letters(&set), letters(&text));
            prop_assert_eq!(french(&set), set.as_str());
        }

        #[test]
        fn code_is_never_touched(code in "[a-z ':;!?«»%]{1,20}", before in "[a-z :!?«»']{0,20}") {
            let text = format!("{before}\n\n```\n{code}\n```\n\n{before} `x{code}x` {before}");
            let set = french(&text).into_owned();
            let fence = format!("```\n{code}\n```");
            let span = format!("`x{code}x`");
            prop_assert!(set.contains(&fence) && set.contains(&span));
        }
    }
}
