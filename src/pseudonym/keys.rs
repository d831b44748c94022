//! The keys of identifiers. Each takes digits (and letters, where the identifier has them) without separators.

/// Whether the digits add up as Luhn's algorithm asks.
#[must_use]
pub fn luhn(digits: &str) -> bool {
    let mut sum = 0;
    for (place, byte) in digits.bytes().rev().enumerate() {
        if !byte.is_ascii_digit() {
            return false;
        }
        let digit = u32::from(byte - b'0') * if place % 2 == 1 { 2 } else { 1 };
        sum += digit / 10 + digit % 10;
    }
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// The number of digits, where there is nothing else.
fn digits(text: &str) -> Option<usize> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text.len())
}

/// A company's number.
#[must_use]
pub fn siren(text: &str) -> bool {
    digits(text) == Some(9) && luhn(text) && text.bytes().any(|byte| byte != b'0')
}

/// La Poste's company number.
const LA_POSTE: &str = "356000000";

/// An establishment's number. Those of La Poste, too many for the key, add up to a multiple of five instead.
#[must_use]
pub fn siret(text: &str) -> bool {
    if digits(text) != Some(14) || text.bytes().all(|byte| byte == b'0') {
        return false;
    }
    let sum: u32 = text.bytes().map(|byte| u32::from(byte - b'0')).sum();
    luhn(text) || (text.starts_with(LA_POSTE) && sum.is_multiple_of(5))
}

/// A number of the social security with its key, Corsica included.
#[must_use]
pub fn nir(text: &str) -> bool {
    if text.len() != 15 || !text.is_ascii() || !nir_form(&text[..13]) {
        return false;
    }
    let (number, key) = text.split_at(13);
    let (Some(number), Ok(key)) = (nir_number(number), key.parse::<u64>()) else { return false };
    // A sign is no digit.
    digits(&text[13..]).is_some() && 97 - number % 97 == key
}

/// What is divided for the key: 2A counts as 19, 2B as 18.
fn nir_number(text: &str) -> Option<u64> {
    let department = match text.get(5..7)? {
        "2A" | "2a" => "19",
        "2B" | "2b" => "18",
        digits => digits,
    };
    [&text[..5], department, &text[7..]].concat().parse().ok()
}

/// Whether thirteen characters have the form of a number of the social security: sex, year, month, department.
#[must_use]
pub fn nir_form(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != 13
        || !bytes.iter().enumerate().all(|(at, b)| b.is_ascii_digit() || (at == 6 && b.is_ascii_alphabetic()))
    {
        return false;
    }
    let corsica = bytes[6].is_ascii_alphabetic();
    let right_letter = bytes[5] == b'2' && matches!(bytes[6], b'A' | b'B' | b'a' | b'b');
    let month = (bytes[3] - b'0') * 10 + (bytes[4] - b'0');
    // 20 to 42 and 50 to 99: the month was not known.
    let month = matches!(month, 1..=12 | 20..=42 | 50..=99);
    matches!(bytes[0], b'1' | b'2' | b'3' | b'4' | b'7' | b'8') && month && (!corsica || right_letter)
}

/// How long the bank accounts of a country are.
fn iban_length(country: [u8; 2]) -> Option<usize> {
    const LENGTHS: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 \
        FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 \
        MA28 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25 SV28 \
        TL23 TN24 TR26 UA29 VA22 VG24 XK20 DZ26 SN28 CI28 CM27 ML28 BF28 BJ28";
    let row = LENGTHS.split(' ').find(|row| row.as_bytes()[..2].eq_ignore_ascii_case(&country))?;
    row[2..].parse().ok()
}

/// How long a bank account that begins so has to be.
#[must_use]
pub fn iban_expected(start: &str) -> Option<usize> {
    let bytes = start.as_bytes();
    let country = [*bytes.first()?, *bytes.get(1)?];
    (bytes.get(2)?.is_ascii_digit() && bytes.get(3)?.is_ascii_digit()).then(|| iban_length(country)).flatten()
}

/// Whether accounts of a country begin with these letters.
#[must_use]
pub fn iban_country(letters: &str) -> bool {
    matches!(*letters.as_bytes(), [first, second] if iban_length([first, second]).is_some())
}

/// A bank account: the length of its country, and the key.
#[must_use]
pub fn iban(text: &str) -> bool {
    if iban_expected(text) != Some(text.len()) || !text.is_ascii() {
        return false;
    }
    let (start, rest) = text.split_at(4);
    let mut remainder = 0;
    for byte in rest.bytes().chain(start.bytes()) {
        remainder = match byte {
            b'0'..=b'9' => remainder * 10 + u32::from(byte - b'0'),
            b'A'..=b'Z' => remainder * 100 + u32::from(byte - b'A') + 10,
            b'a'..=b'z' => remainder * 100 + u32::from(byte - b'a') + 10,
            _ => return false,
        } % 97;
    }
    remainder == 1
}

/// A French account as it was written before: bank, branch, account, key.
#[must_use]
pub fn rib(text: &str) -> bool {
    if text.len() != 23 || !text.is_ascii() {
        return false;
    }
    let value = |part: &str| -> Option<u64> {
        part.bytes().try_fold(0_u64, |sum, byte| {
            let digit = match byte.to_ascii_uppercase() {
                digit @ b'0'..=b'9' => digit - b'0',
                letter @ b'A'..=b'I' => letter - b'A' + 1,
                letter @ b'J'..=b'R' => letter - b'J' + 1,
                letter @ b'S'..=b'Z' => letter - b'S' + 2,
                _ => return None,
            };
            Some(sum * 10 + u64::from(digit))
        })
    };
    let (Some(bank), Some(branch), Some(account)) = (value(&text[..5]), value(&text[5..10]), value(&text[10..21]))
    else {
        return false;
    };
    let Ok(key) = text[21..].parse::<u64>() else { return false };
    97 - (89 * bank + 15 * branch + 3 * account) % 97 == key
}

/// A payment card: a network's first digits, its length, and the key.
#[must_use]
pub fn card(text: &str) -> bool {
    let Some(length) = digits(text) else { return false };
    let first = |count: usize| text.get(..count).and_then(|start| start.parse::<u32>().ok()).unwrap_or(0);
    let network = match length {
        13 | 19 => first(1) == 4,
        14 => matches!(first(2), 36 | 38 | 39) || matches!(first(3), 300..=305),
        15 => matches!(first(2), 34 | 37),
        16 => {
            first(1) == 4
                || matches!(first(2), 51..=55 | 50 | 56..=58 | 63 | 65 | 67)
                || matches!(first(4), 2221..=2720 | 6011)
        }
        _ => false,
    };
    network && luhn(text)
}

/// A taxpayer's number: three digits of key after ten.
#[must_use]
pub fn tax(text: &str) -> bool {
    if digits(text) != Some(13) || !matches!(text.as_bytes()[0], b'0'..=b'3') {
        return false;
    }
    let (number, key) = text.split_at(10);
    matches!((number.parse::<u64>(), key.parse::<u64>()), (Ok(number), Ok(key)) if number > 0 && number % 511 == key)
}
