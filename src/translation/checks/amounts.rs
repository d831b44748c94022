//! Numbers, with the currency or the percent sign that they may have.

use super::{
    fact::Value,
    reading::Reading,
    tokens::{Shape, Token, ascii, plain},
};
use crate::translation::words::{fold, words};

/// The most digits of a number that is read as one.
const MOST_DIGITS: usize = 30;

/// A number that begins at a token, or the currency before it, with the token behind all of it.
pub fn amount(reading: &Reading<'_, '_>, at: usize) -> Option<(usize, Vec<Value>)> {
    let (before, first) = match unit_before(reading, at) {
        Some((unit, first)) => (Some(unit), first),
        None => (None, at),
    };
    let (numbers, mut end) = number(reading, first)?;
    let negative = is_negative(reading, first);
    let mut places = 0;
    if let Some((more, behind)) = scale(reading, end, before.is_some()) {
        (places, end) = (more, behind);
    } else if reading.token(end).is_some_and(super::dates::is_ordinal) {
        end += 1;
    }
    let (unit, end) = match (before, unit_behind(reading, end)) {
        (Some(unit), _) => (Some(unit), end),
        (None, Some((unit, behind))) => (Some(unit), behind),
        (None, None) => (None, end),
    };
    let signed = |number: String| if negative { format!("-{number}") } else { number };
    let values = numbers.into_iter().map(|number| Value::Amount { number: signed(scaled(&number, places)), unit });
    Some((end, values.collect()))
}

/// A minus sign, and no hyphen.
fn is_negative(reading: &Reading<'_, '_>, at: usize) -> bool {
    at > 0
        && reading.joined(at)
        && reading.token(at - 1).is_some_and(|mark| (mark.is('-') || mark.is('−')) && mark.spaced)
}

/// What a number that begins at a token may be, and the token behind it.
fn number(reading: &Reading<'_, '_>, at: usize) -> Option<(Vec<String>, usize)> {
    let is_digits = |at: usize| reading.token(at).is_some_and(|token| token.shape == Shape::Digits);
    if !is_digits(at) {
        return None;
    }
    let mut groups = vec![ascii(reading.token(at)?.text)];
    let mut marks: Vec<char> = Vec::new();
    let mut end = at + 1;
    loop {
        let next = reading.token(end);
        let spaced_group = is_digits(end)
            && next.is_some_and(|token| token.spaced && token.text.chars().count() == 3)
            && groups.first().is_some_and(|first| first.len() <= 3 && !first.starts_with('0'))
            && marks.iter().all(|mark| *mark == ' ');
        if spaced_group {
            groups.push(ascii(next?.text));
            marks.push(' ');
            end += 1;
            continue;
        }
        let mark = next.filter(|token| !token.spaced && (token.is('.') || token.is(',') || token.is_apostrophe()));
        let Some(mark) = mark.filter(|_| is_digits(end + 1) && reading.joined(end + 1)) else { break };
        let group = ascii(reading.token(end + 1)?.text);
        if mark.is_apostrophe() && group.len() != 3 {
            break;
        }
        marks.push(if mark.is('.') {
            '.'
        } else if mark.is(',') {
            ','
        } else {
            ' '
        });
        groups.push(group);
        end += 2;
    }
    let digits: usize = groups.iter().map(String::len).sum();
    // A telephone number, most often.
    if groups.len() == 1
        && digits == 2
        && let Some((phone, end)) = pairs(reading, at)
    {
        return Some((vec![phone], end));
    }
    Some((if digits <= MOST_DIGITS { meanings(&groups, &marks) } else { vec![groups.concat()] }, end))
}

/// Four pairs of digits or more: "01 23 45 67 89".
fn pairs(reading: &Reading<'_, '_>, at: usize) -> Option<(String, usize)> {
    let mut digits = ascii(reading.token(at)?.text);
    let mut end = at + 1;
    loop {
        let joint =
            usize::from(reading.joined(end) && reading.token(end).is_some_and(|mark| mark.is('.') || mark.is_dash()));
        let Some(next) =
            reading.token(end + joint).filter(|token| token.shape == Shape::Digits && token.text.chars().count() == 2)
        else {
            break;
        };
        digits.push_str(&ascii(next.text));
        end += joint + 1;
    }
    (digits.len() >= 8).then_some((digits, end))
}

/// What groups of digits with marks between them may mean.
fn meanings(groups: &[String], marks: &[char]) -> Vec<String> {
    let whole = || vec![plain(&groups.concat())];
    let decimal = |at: usize| {
        let (before, after) = (groups.get(..=at).unwrap_or_default(), groups.get(at + 1..).unwrap_or_default());
        with_fraction(&before.concat(), &after.concat())
    };
    let Some(last) = marks.last() else { return whole() };
    let of_three = groups.iter().skip(1).all(|group| group.len() == 3);
    let kinds = marks.iter().collect::<std::collections::BTreeSet<_>>().len();
    let last_once = marks.iter().filter(|mark| *mark == last).count() == 1;
    if *last == ' ' {
        return whole();
    }
    if kinds > 1 && last_once {
        return vec![decimal(marks.len() - 1)];
    }
    if marks.len() > 1 {
        return if of_three { whole() } else { vec![groups.join(".")] };
    }
    let thousands = of_three && groups.first().is_some_and(|first| first.len() <= 3 && !first.starts_with('0'));
    let mut found = vec![decimal(0)];
    if thousands {
        found.extend(whole());
    }
    found
}

fn with_fraction(whole: &str, fraction: &str) -> String {
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { plain(whole) } else { format!("{}.{fraction}", plain(whole)) }
}

/// A number with so many more zeros.
fn scaled(number: &str, places: usize) -> String {
    if places == 0 {
        return number.to_owned();
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let moved: String = fraction.chars().chain(std::iter::repeat('0')).take(places).collect();
    let rest: String = fraction.chars().skip(places).collect();
    with_fraction(&format!("{whole}{moved}"), &rest)
}

/// "millions", "Md": how many zeros they stand for, and the token behind. A letter counts only with a currency.
fn scale(reading: &Reading<'_, '_>, at: usize, has_currency: bool) -> Option<(usize, usize)> {
    let token = reading.token(at).filter(|token| token.shape == Shape::Word)?;
    let currency = has_currency || reading.token(at + 1).is_some_and(|next| currency_sign(next).is_some());
    let places = match fold(token.text).as_str() {
        "mille" | "thousand" | "tausend" | "mil" | "mila" | "duizend" => 3,
        "million" | "millions" | "mio" | "millionen" | "millon" | "millones" | "milione" | "milioni" | "milhao"
        | "milhoes" | "miljoen" | "mn" => 6,
        "billion" | "billions" if matches!(reading.language, "fr" | "de") => 12,
        "milliard" | "milliards" | "mrd" | "md" | "mds" | "milliarden" | "billion" | "billions" | "bn" | "miliardo"
        | "miliardi" | "miljard" => 9,
        "k" if currency => 3,
        "m" if currency => 6,
        "b" if currency => 9,
        _ => return None,
    };
    Some((places, at + 1))
}

fn currency_sign(token: &Token<'_>) -> Option<&'static str> {
    match token.shape {
        Shape::Mark('€') => Some("EUR"),
        Shape::Mark('$') => Some("USD"),
        Shape::Mark('£') => Some("GBP"),
        Shape::Mark('¥') => Some("JPY"),
        _ => None,
    }
}

fn currency(token: &Token<'_>) -> Option<&'static str> {
    currency_sign(token).or_else(|| match fold(token.text).as_str() {
        "eur" | "euro" | "euros" => Some("EUR"),
        "usd" | "dollar" | "dollars" | "dolar" | "dolares" | "dollari" => Some("USD"),
        "gbp" | "livre" | "livres" | "pound" | "pounds" | "pfund" | "libras" | "sterline" => Some("GBP"),
        "chf" | "franc" | "francs" | "franken" => Some("CHF"),
        "jpy" | "yen" | "yens" => Some("JPY"),
        _ => None,
    })
}

/// "€", "EUR", "US$" before a number.
fn unit_before(reading: &Reading<'_, '_>, at: usize) -> Option<(&'static str, usize)> {
    let token = reading.token(at)?;
    let is_code =
        token.shape == Shape::Word && token.text.chars().count() == 3 && token.text.chars().all(char::is_uppercase);
    let unit = if is_code { currency(token) } else { currency_sign(token) }?;
    reading.token(at + 1).filter(|next| next.shape == Shape::Digits).map(|_| (unit, at + 1))
}

/// "%", "pour cent", "€", "d’euros" behind a number.
fn unit_behind(reading: &Reading<'_, '_>, at: usize) -> Option<(&'static str, usize)> {
    let mut at = at;
    if reading.token(at).is_some_and(|token| matches!(fold(token.text).as_str(), "de" | "d" | "of" | "di")) {
        at += 1;
    }
    if reading.token(at).is_some_and(Token::is_apostrophe) {
        at += 1;
    }
    let token = reading.token(at)?;
    if let Some(unit) = currency(token) {
        return Some((unit, at + 1));
    }
    let next = reading.token(at + 1).map(|token| fold(token.text)).unwrap_or_default();
    match fold(token.text).as_str() {
        "‰" => Some(("‰", at + 1)),
        "%" | "％" | "٪" | "percent" | "prozent" | "procent" => Some(("%", at + 1)),
        "pour" if next == "cent" => Some(("%", at + 2)),
        "per" if next == "cent" || next == "cento" => Some(("%", at + 2)),
        "por" if next == "ciento" || next == "cento" => Some(("%", at + 2)),
        "us" if reading.token(at + 1).is_some_and(|sign| sign.is('$')) => Some(("USD", at + 2)),
        _ => None,
    }
}

/// Words for numbers from one on, by language. The first word of each list is none.
const NUMBERS: [(&str, [&[&str]; 12]); 7] = [
    (
        "fr",
        [
            &["un", "une", "premier", "premiere", "premiers", "premieres", "seul", "seule"],
            &["deux", "deuxieme", "second", "seconde"],
            &["trois", "troisieme"],
            &["quatre", "quatrieme"],
            &["cinq", "cinquieme"],
            &["six", "sixieme"],
            &["sept", "septieme"],
            &["huit", "huitieme"],
            &["neuf", "neuvieme"],
            &["dix", "dixieme"],
            &["onze", "onzieme"],
            &["douze", "douzieme", "douzaine"],
        ],
    ),
    (
        "en",
        [
            &["one", "first", "a", "an", "once", "single"],
            &["two", "second", "twice", "both"],
            &["three", "third"],
            &["four", "fourth"],
            &["five", "fifth"],
            &["six", "sixth"],
            &["seven", "seventh"],
            &["eight", "eighth"],
            &["nine", "ninth"],
            &["ten", "tenth"],
            &["eleven", "eleventh"],
            &["twelve", "twelfth", "dozen"],
        ],
    ),
    (
        "de",
        [
            &["ein", "eine", "eins", "einen", "einem", "einer", "erste", "ersten"],
            &["zwei", "zweite", "zweiten"],
            &["drei", "dritte", "dritten"],
            &["vier", "vierte"],
            &["funf", "funfte"],
            &["sechs", "sechste"],
            &["sieben", "siebte"],
            &["acht", "achte"],
            &["neun", "neunte"],
            &["zehn", "zehnte"],
            &["elf", "elfte"],
            &["zwolf", "zwolfte"],
        ],
    ),
    (
        "es",
        [
            &["un", "una", "uno", "primer", "primero", "primera"],
            &["dos", "segundo", "segunda"],
            &["tres", "tercer", "tercero", "tercera"],
            &["cuatro", "cuarto"],
            &["cinco", "quinto"],
            &["seis", "sexto"],
            &["siete", "septimo"],
            &["ocho", "octavo"],
            &["nueve", "noveno"],
            &["diez", "decimo"],
            &["once"],
            &["doce"],
        ],
    ),
    (
        "it",
        [
            &["un", "una", "uno", "primo", "prima"],
            &["due", "secondo"],
            &["tre", "terzo"],
            &["quattro", "quarto"],
            &["cinque", "quinto"],
            &["sei", "sesto"],
            &["sette", "settimo"],
            &["otto", "ottavo"],
            &["nove", "nono"],
            &["dieci", "decimo"],
            &["undici"],
            &["dodici"],
        ],
    ),
    (
        "pt",
        [
            &["um", "uma", "primeiro", "primeira"],
            &["dois", "duas", "segundo"],
            &["tres", "terceiro"],
            &["quatro", "quarto"],
            &["cinco", "quinto"],
            &["seis", "sexto"],
            &["sete", "setimo"],
            &["oito", "oitavo"],
            &["nove", "nono"],
            &["dez", "decimo"],
            &["onze"],
            &["doze"],
        ],
    ),
    (
        "nl",
        [
            &["een", "eerste"],
            &["twee", "tweede"],
            &["drie", "derde"],
            &["vier", "vierde"],
            &["vijf", "vijfde"],
            &["zes", "zesde"],
            &["zeven", "zevende"],
            &["acht", "achtste"],
            &["negen", "negende"],
            &["tien", "tiende"],
            &["elf", "elfde"],
            &["twaalf", "twaalfde"],
        ],
    ),
];

/// Whether a small number stands in a text in words, or in Roman numerals.
pub fn in_words(number: &str, text: &str, language: &str) -> bool {
    let Ok(number) = number.parse::<usize>() else { return false };
    let folded = || words(text).into_iter().map(|word| (word.text, fold(word.text)));
    let named =
        NUMBERS.iter().find(|(code, _)| *code == language).and_then(|(_, names)| names.get(number.checked_sub(1)?));
    named.is_some_and(|names| folded().any(|(_, word)| names.contains(&word.as_str())))
        || folded().any(|(written, _)| roman(written) == Some(number))
}

/// The value of a Roman numeral in capitals, perhaps with the ending of an ordinal.
pub fn roman(written: &str) -> Option<usize> {
    let numeral = written.trim_end_matches(|letter: char| letter.is_lowercase());
    if numeral.is_empty() || numeral.len() > 8 || written.len() - numeral.len() > 3 {
        return None;
    }
    let value = |letter: char| match letter {
        'I' => Some(1),
        'V' => Some(5),
        'X' => Some(10),
        'L' => Some(50),
        'C' => Some(100),
        _ => None,
    };
    let values = numeral.chars().map(value).collect::<Option<Vec<usize>>>()?;
    let mut total = 0_isize;
    for (at, one) in values.iter().enumerate() {
        let one = isize::try_from(*one).ok()?;
        let smaller = values.get(at + 1).and_then(|next| isize::try_from(*next).ok()).is_some_and(|next| next > one);
        total += if smaller { -one } else { one };
    }
    usize::try_from(total).ok().filter(|total| *total > 0)
}
