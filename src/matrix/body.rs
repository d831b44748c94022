//! The text of a question for the model: without the reply fallback of old clients, and without the name by which the message addresses
//! the bot. Pure.

use ruma::UserId;

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
        let pill = formatted.and_then(|html| pill_text(html, own));
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
/// unambiguously addresses the bot: with `@`, before a comma or colon, as a link, or before the prefix of a command.
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
    let is_link = formatted.is_some_and(|html| pill_text(html, own).is_some());
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

/// Removes a leading address: a name, with or without `@`, followed by `:`, `,`, a space or the end, or a Markdown link to the bot.
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
        let found = rest.next()?;
        if found != wanted && !found.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    Some(rest.as_str())
}

/// What follows a name: nothing, or the text after one separator. `None` when the name only begins a longer word.
fn after_separator(rest: &str) -> Option<&str> {
    let mut chars = rest.chars();
    match chars.next() {
        None => Some(rest),
        Some(':' | ',') if chars.as_str().is_empty() || chars.as_str().starts_with(char::is_whitespace) => {
            Some(chars.as_str())
        }
        Some(c) if c.is_whitespace() => Some(chars.as_str()),
        _ => None,
    }
}

/// `[name](https://matrix.to/#/@bot:server)` at the beginning.
fn after_markdown_pill<'a>(text: &'a str, own: &UserId) -> Option<&'a str> {
    let (_, link) = text.strip_prefix('[')?.split_once("](")?;
    let (href, rest) = link.split_once(')')?;
    links_to(href, own).then_some(rest)
}

/// The text of the first link to the bot in a message's HTML: the name this client shows for it.
fn pill_text(html: &str, own: &UserId) -> Option<String> {
    html.split("<a ").skip(1).find_map(|tag| {
        let (attributes, rest) = tag.split_once('>')?;
        let (_, href) = attributes.split_once("href=\"")?;
        let (href, _) = href.split_once('"')?;
        let (label, _) = rest.split_once("</a>")?;
        let plain = !label.is_empty() && !label.contains('<');
        (plain && links_to(href, own)).then(|| unescape(label))
    })
}

fn links_to(href: &str, own: &UserId) -> bool {
    let Some((_, target)) = href.split_once("/#/") else { return false };
    let target = target.strip_prefix("user/").unwrap_or(target);
    let target = target.split('?').next().unwrap_or(target).replace("%40", "@").replace("%3A", ":").replace("%3a", ":");
    target == own.as_str()
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use ruma::user_id;

    use super::{direct_question, question};

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
