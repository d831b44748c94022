//! E-mail addresses, and names on networks.

use std::ops::Range;

use super::flags::Flags;
use super::kind::Kind;
use super::page::Page;

/// The most characters before the at sign, and after it.
const LOCAL: usize = 64;
const DOMAIN: usize = 253;

/// How people write the sign to hide an address, as they think, from programs.
const SIGNS: [&str; 6] = ["@", "(at)", "[at]", "(arobase)", "[arobase]", " arobase "];

/// Finds them.
pub(super) fn find(page: &mut Page<'_>) {
    for sign in SIGNS {
        let text = page.text;
        for (at, _) in text.match_indices(sign) {
            let after = at + sign.len();
            if let Some(found) = address(text, at, after) {
                page.claim(Kind::Email, found);
            } else if sign == "@" {
                account(page, at);
            }
        }
    }
}

fn in_local(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '.' | '_' | '%' | '+' | '-' | '\'' | '=')
}

fn in_domain(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '.' | '-')
}

/// The address around a sign; a space on either side is forgiven.
fn address(text: &str, at: usize, after: usize) -> Option<Range<usize>> {
    let before = text[..at].strip_suffix(' ').unwrap_or(&text[..at]);
    let local: usize = before.chars().rev().take(LOCAL).take_while(|c| in_local(*c)).map(char::len_utf8).sum();
    let local = before[before.len() - local..].trim_start_matches(['.', '\'', '-', '=']);
    let from = if text[after..].starts_with(' ') { after + 1 } else { after };
    let domain = domain(&text[from..])?;
    let spaced = before.len() < at || from > after;
    // "rendez-vous @ tchap.gouv.fr" would be one too.
    (!local.is_empty() && (!spaced || local.contains(['.', '_']) || after - at > 1))
        .then(|| before.len() - local.len()..from + domain)
}

/// How long the domain at the start of a text is.
fn domain(text: &str) -> Option<usize> {
    let length: usize = text.chars().take(DOMAIN).take_while(|c| in_domain(*c)).map(char::len_utf8).sum();
    let domain = text[..length].trim_end_matches(['.', '-']);
    let (name, last) = domain.rsplit_once('.')?;
    let letters = last.chars().take_while(|c| c.is_alphabetic()).count();
    (letters >= 2 && !name.is_empty()).then_some(domain.len())
}

/// A Matrix identifier, or a name after an at sign.
fn account(page: &mut Page<'_>, at: usize) {
    let text = page.text;
    let rest = &text[at + 1..];
    let in_name = |c: &char| in_local(*c) || *c == '/';
    let local: usize = rest.chars().take(DOMAIN).take_while(in_name).map(char::len_utf8).sum();
    if local == 0 || text[..at].ends_with(char::is_alphanumeric) {
        return;
    }
    if let Some(domain) = rest[local..].strip_prefix(':').and_then(domain) {
        page.claim(Kind::Account, at..at + 1 + local + 1 + domain);
        return;
    }
    let name = rest[..local].trim_end_matches(['.', '-', '\'']);
    let tokens = page.tokens_in(&(at + 1..at + 1 + name.len()));
    let flags = page.flags(tokens.start);
    let ordinary = tokens.len() == 1 && flags.any(Flags::WORD | Flags::KNOWN) && !flags.any(Flags::NAME);
    if name.len() >= 3 && !ordinary {
        page.claim(Kind::Account, at..at + 1 + name.len());
    }
}
