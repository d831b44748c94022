//! The text of a question for the model: without the reply fallback of old clients, and without the name by which the message addresses
//! the bot. Pure.

use ruma::UserId;

use super::markup;
use crate::compagnon::is_invisible;

/// The longest text of one message. Events have at most 64 KiB, so this only guards against a faulty server.
const MAX_BYTES: usize = 64 * 1024;

/// The question in a message.
///
/// `names` are the texts by which the bot may be addressed, `own` is its id (to recognise a pill), `reply` says whether the message is a
/// reply, and `called` whether it is known to be for the bot: only then is a leading name removed.
pub(super) fn question(
    body: &str,
    formatted: Option<&str>,
    names: &[String],
    own: &UserId,
    reply: bool,
    called: bool,
) -> String {
    let body = if reply { without_quote(body) } else { body };
    let mut text = body.trim();
    if called {
        let pill = formatted.and_then(|html| markup::label(html, own));
        let names = pill.iter().chain(names).map(String::as_str);
        text = without_mention(text, names, own).trim();
    }
    let mut end = text.len().min(MAX_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// The question in a message of a direct conversation, where every message is for the bot.
///
/// A leading name may be a word of the question, because the account may have the name of a command. It is removed only where it
/// unambiguously addresses the bot: with `@`, before a separator, as a link, or before the prefix of a command.
pub(super) fn direct_question(
    body: &str,
    formatted: Option<&str>,
    names: &[String],
    own: &UserId,
    reply: bool,
) -> String {
    let written = question(body, formatted, names, own, reply, false);
    let bare = question(body, formatted, names, own, reply, true);
    let call = written.strip_suffix(bare.as_str()).unwrap_or_default().trim_end();
    let is_name = names.iter().any(|name| name.to_lowercase() == call.to_lowercase());
    let may_be_a_word = is_name && !call.starts_with('@') && !bare.starts_with(['!', '！', '/']);
    let is_link = formatted.is_some_and(|html| markup::label(html, own).is_some());
    if may_be_a_word && !is_link { written } else { bare }
}

/// Removes the reply fallback (lines `> <@user:server> …`, then an empty one). Any other quote is the person's own.
fn without_quote(body: &str) -> &str {
    if !body.starts_with("> <@") && !body.starts_with("> * <@") {
        return body;
    }
    let mut rest = body;
    while rest.starts_with('>') {
        let Some(end) = rest.find('\n') else { return "" };
        rest = &rest[end + 1..];
    }
    rest.strip_prefix('\n').unwrap_or(rest)
}

/// The question without the mention of the bot at its end, where it has one: `stop @Compagnon`. It may be a command; any other text may
/// need the name where it stands. Only a short text of one line is looked at.
pub(super) fn without_call_behind(
    text: &str,
    formatted: Option<&str>,
    names: &[String],
    own: &UserId,
) -> Option<String> {
    const LONGEST: usize = 300;
    if text.len() > LONGEST || text.contains('\n') {
        return None;
    }
    let said = text.trim_end_matches(|letter: char| is_space(letter) || STOPS.contains(&letter));
    let stops = text[said.len()..].trim();
    let pill = formatted.and_then(|html| markup::label(html, own));
    let called = pill.iter().chain(names).filter_map(|name| {
        let rest = before_name(said, name.strip_prefix('@').unwrap_or(name))?;
        let bare = rest.strip_suffix('@').unwrap_or(rest);
        bare.ends_with(|letter: char| is_space(letter) || SEPARATORS.contains(&letter)).then_some(bare)
    });
    let linked = before_markdown_pill(said, own);
    // The longest match counts.
    let rest = called.chain(linked).min_by_key(|rest| rest.len())?;
    let rest = rest.trim_end_matches(|letter: char| is_space(letter) || SEPARATORS.contains(&letter));
    (!rest.is_empty()).then(|| if stops.is_empty() { rest.to_owned() } else { format!("{rest} {stops}") })
}

/// Removes a leading address: a name, with or without `@`, followed by a separator, a space or the end, or a Markdown link to the bot.
fn without_mention<'a, 'n>(text: &'a str, names: impl Iterator<Item = &'n str>, own: &UserId) -> &'a str {
    if let Some(rest) = after_markdown_pill(text, own) {
        return after_separator(rest).unwrap_or(rest);
    }
    names
        .filter_map(|name| {
            let rest = after_name(text, name)
                .or_else(|| after_name(text.strip_prefix('@')?, name.strip_prefix('@').unwrap_or(name)))?;
            after_separator(rest)
        })
        // The longest match counts, because the full id starts with the localpart.
        .min_by_key(|rest| rest.len())
        .unwrap_or(text)
}

fn after_name<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = text.chars();
    for wanted in name.chars() {
        is_same(rest.next()?, wanted).then_some(())?;
    }
    Some(rest.as_str())
}

fn before_name<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = text.chars();
    for wanted in name.chars().rev() {
        is_same(rest.next_back()?, wanted).then_some(())?;
    }
    Some(rest.as_str()).filter(|_| !name.is_empty())
}

/// Clients put a no-break space where a name has a space.
fn is_same(found: char, wanted: char) -> bool {
    found == wanted || found.is_whitespace() && wanted.is_whitespace() || found.to_lowercase().eq(wanted.to_lowercase())
}

/// What people put between a name and what they say.
const SEPARATORS: [char; 7] = [':', ',', '—', '–', '-', '：', '，'];
/// What ends a sentence.
const STOPS: [char; 5] = ['.', '!', '?', '…', ';'];
/// What begins a command.
const MARKS: [char; 3] = ['!', '！', '/'];

fn is_space(letter: char) -> bool {
    letter.is_whitespace() || is_invisible(letter)
}

/// What follows a name: nothing, or the text after spaces and one separator. `None` when the name only begins a longer word.
fn after_separator(rest: &str) -> Option<&str> {
    let text = rest.trim_start_matches(is_space);
    let spaced = text.len() < rest.len();
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return Some(text) };
    let after = letters.as_str();
    let next = after.chars().next();
    if SEPARATORS.contains(&first) {
        // Not the sign of a number, nor a face, nor what belongs to a longer name.
        let ends = next.is_none_or(|next| is_space(next) || MARKS.contains(&next))
            || spaced && !"—–-".contains(first) && next.is_some_and(char::is_alphanumeric);
        return if ends { Some(after.trim_start_matches(is_space)) } else { spaced.then_some(text) };
    }
    let is_command =
        MARKS.contains(&first) && first != '/' && after.trim_start_matches(is_space).starts_with(char::is_alphabetic);
    (spaced || is_command).then_some(text)
}

/// `[name](https://matrix.to/#/@bot:server)` at the beginning.
fn after_markdown_pill<'a>(text: &'a str, own: &UserId) -> Option<&'a str> {
    let (_, link) = text.strip_prefix('[')?.split_once("](")?;
    let (href, rest) = link.split_once(')')?;
    markup::links_to(href, own).then_some(rest)
}

/// The same at the end.
fn before_markdown_pill<'a>(text: &'a str, own: &UserId) -> Option<&'a str> {
    let (label, href) = text.strip_suffix(')')?.rsplit_once("](")?;
    let (rest, _) = label.rsplit_once('[')?;
    markup::links_to(href, own).then_some(rest)
}

#[cfg(test)]
mod tests {
    use ruma::user_id;

    use super::{direct_question, question, without_call_behind};

    fn check(body: &str, formatted: Option<&str>, reply: bool, called: bool, expected: &str) {
        let names = ["@marius:hs".to_owned(), "Marius [DINUM]".to_owned(), "marius".to_owned()];
        let found = question(body, formatted, &names, user_id!("@marius:hs"), reply, called);
        assert_eq!(found, expected, "{body:?}");
    }

    #[test]
    fn a_leading_mention_is_taken_off() {
        for (body, expected) in [
            ("Marius [DINUM]: bonjour", "bonjour"),
            ("marius [dinum], bonjour", "bonjour"),
            ("@Marius [DINUM] bonjour", "bonjour"),
            ("@marius:hs: bonjour", "bonjour"),
            ("@marius:hs bonjour", "bonjour"),
            ("@marius bonjour", "bonjour"),
            ("marius: !aide", "!aide"),
            ("Marius [DINUM]", ""),
            ("[Marius](https://matrix.to/#/@marius:hs) bonjour", "bonjour"),
            ("[Marius](https://tchap.gouv.fr/#/@marius:hs): bonjour", "bonjour"),
            ("[Marius](https://tchap.gouv.fr/#/user/%40marius%3Ahs)\u{a0}: bonjour", "bonjour"),
            ("Marius\u{a0}[DINUM] : bonjour", "bonjour"),
            ("marius!aide", "!aide"),
            ("marius :aide", "aide"),
            ("@marius - bonjour", "bonjour"),
            // A separator is one that separates.
            ("marius -5 + 3 ?", "-5 + 3 ?"),
            ("marius :) merci", ":) merci"),
            ("marius /etc/hosts", "/etc/hosts"),
            ("marius-antoine, bonjour", "marius-antoine, bonjour"),
            ("marius, - bonjour", "- bonjour"),
            // Not the bot, or not at the beginning.
            ("mariusz, bonjour", "mariusz, bonjour"),
            ("marius:autre bonjour", "marius:autre bonjour"),
            ("[Marius](https://matrix.to/#/@other:hs) bonjour", "[Marius](https://matrix.to/#/@other:hs) bonjour"),
            ("bonjour marius", "bonjour marius"),
            ("", ""),
        ] {
            check(body, None, false, true, expected);
        }
    }

    #[test]
    fn in_a_direct_conversation_a_name_may_be_a_word_of_the_question() {
        let names = ["@compagnon:hs".to_owned(), "Compagnon".to_owned(), "compagnon".to_owned()];
        let pill = r#"<a href="https://matrix.to/#/@compagnon:hs">Compagnon</a> rh"#;
        for (body, formatted, expected) in [
            ("compagnon rh", None, "compagnon rh"),
            ("Compagnon", None, "Compagnon"),
            ("compagnon voir synthese", None, "compagnon voir synthese"),
            ("compagnons", None, "compagnons"),
            ("!compagnon rh", None, "!compagnon rh"),
            ("Compagnon, quelle heure ?", None, "quelle heure ?"),
            ("compagnon: rh", None, "rh"),
            ("@compagnon rh", None, "rh"),
            ("@compagnon:hs rh", None, "rh"),
            ("compagnon !aide", None, "!aide"),
            ("Compagnon rh", Some(pill), "rh"),
            ("[Compagnon](https://matrix.to/#/@compagnon:hs) rh", None, "rh"),
        ] {
            let found = direct_question(body, formatted, &names, user_id!("@compagnon:hs"), false);
            assert_eq!(found, expected, "{body:?}");
        }
    }

    #[test]
    fn a_command_is_found_beside_a_mention_whatever_separates_them() {
        let own = user_id!("@compagnon:hs");
        let names = ["@compagnon:hs", "Compagnon [DINUM]", "compagnon"].map(str::to_owned);
        let pill = r#"<a href="https://matrix.to/#/@compagnon:hs">Le Compagnon</a>"#;
        let forms = [
            "@compagnon:hs",
            "compagnon",
            "@Compagnon",
            "Compagnon [DINUM]",
            "@Compagnon [DINUM]",
            "Compagnon\u{a0}[DINUM]",
            "Le Compagnon",
            "[Le Compagnon](https://www.tchap.gouv.fr/#/user/@compagnon:hs)",
        ];
        let commands = ["!oublier", "!état", "！aide", "! stop", "!compagnon rh", "!foo"];
        let spaces = ["", " ", "  ", "\u{a0}", "\u{202f}", "\u{2009}", " \u{a0}\u{200b} ", "\n"];
        for (form, command) in forms.iter().flat_map(|form| commands.map(|command| (form, command))) {
            for (before, after) in spaces.iter().flat_map(|before| spaces.map(|after| (before, after))) {
                for separator in [":", ",", "—", "–", "-"] {
                    let body = format!("{form}{before}{separator}{after}{command}");
                    assert_eq!(question(&body, Some(pill), &names, own, false, true), command, "{body:?}");
                    assert_eq!(direct_question(&body, Some(pill), &names, own, false), command, "{body:?}");
                }
                let body = format!("{form}{before}{after}{command}");
                assert_eq!(question(&body, Some(pill), &names, own, false, true), command, "{body:?}");
            }
        }
    }

    #[test]
    fn a_mention_behind_a_text_is_told_apart() {
        let own = user_id!("@compagnon:hs");
        let names = ["@compagnon:hs", "Compagnon [DINUM]", "compagnon"].map(str::to_owned);
        let pill = r#"<a href="https://matrix.to/#/@compagnon:hs">Le Compagnon</a>"#;
        for (body, expected) in [
            ("stop @Compagnon", Some("stop")),
            ("aide @Compagnon !", Some("aide !")),
            ("aide\u{a0}Compagnon [DINUM]\u{202f}!", Some("aide !")),
            ("stop, @compagnon:hs", Some("stop")),
            ("!oublier moi — Le Compagnon", Some("!oublier moi")),
            ("stop [Le Compagnon](https://matrix.to/#/@compagnon:hs).", Some("stop .")),
            ("oublier moi s'il te plaît @compagnon", Some("oublier moi s'il te plaît")),
            ("stop", None),
            ("@Compagnon", None),
            ("le concompagnon", None),
            ("stop @Compagnon\nvraiment", None),
            ("stop [Ben](https://matrix.to/#/@ben:hs)", None),
        ] {
            let found = without_call_behind(body, Some(pill), &names, own);
            assert_eq!(found.as_deref(), expected, "{body:?}");
        }
    }

    #[test]
    fn a_name_is_text_when_the_bot_is_not_called() {
        check("marius: bonjour", None, false, false, "marius: bonjour");
    }

    #[test]
    fn a_pill_may_show_another_name() {
        let html = r#"<a href="https://matrix.to/#/%40marius%3Ahs">Mon &amp; robot</a>: quelle heure ?"#;
        check("Mon & robot: quelle heure ?", Some(html), false, true, "quelle heure ?");
        let other = r#"<a href="https://matrix.to/#/@bob:hs">Bob</a> quelle heure ?"#;
        check("Bob quelle heure ?", Some(other), false, true, "Bob quelle heure ?");
    }

    #[test]
    fn only_the_fallback_quote_is_taken_off() {
        check("> <@a:hs> avant\n> encore\n\nma question", None, true, false, "ma question");
        check("> <@a:hs> avant\n\nmarius: ma question", None, true, true, "ma question");
        check("> une citation\n\nma question", None, true, false, "> une citation\n\nma question");
        check("> <@a:hs> avant\n\nma question", None, false, false, "> <@a:hs> avant\n\nma question");
        check("> <@a:hs> rien d'autre", None, true, false, "");
    }

    #[test]
    fn an_endless_text_is_cut_between_characters() {
        let body = "é".repeat(64 * 1024);
        check(&body, None, false, false, &body[..64 * 1024]);
    }
}
