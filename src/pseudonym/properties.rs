//! What holds of every text.

use proptest::prelude::*;

use super::{Kind, LONGEST_PLACEHOLDER, Table, keys};

/// Pieces that rules turn on, so that random texts are full of them.
const PIECES: [&str; 40] = [
    "M. ",
    "Mme ",
    "Dupont",
    "Jean-Pierre ",
    " de ",
    "d'",
    "L'",
    "[PERSONNE_1]",
    "[LIEU_2.1]",
    "[",
    "]",
    "_1]",
    "[personne\\_3",
    "@",
    ".",
    "\n",
    ", ",
    " : ",
    "Nom",
    "rue",
    "12",
    "69100 ",
    "Lyon",
    "06 12 34 56 78",
    "FR76",
    " 3000",
    "née le ",
    "1985",
    "mars",
    "é",
    "É",
    "e\u{301}",
    "\u{a0}",
    "œ",
    "ﬁ",
    "-",
    "'",
    "cordialement",
    "İ",
    "🙂",
];

/// Any text, and such as rules turn on.
pub(super) fn texts() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..60).prop_map(|pieces| pieces.concat());
    prop_oneof![pieces, "\\PC{0,200}", "[a-zA-Z0-9 .,@'\\[\\]_\n-]{0,200}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_text_comes_back_byte_for_byte(texts in prop::collection::vec(texts(), 1..4)) {
        let mut table = Table::new();
        let shown: Vec<_> = texts.iter().map(|text| table.pseudonymise(text)).collect();
        let read: Table = serde_json::from_str(&serde_json::to_string(&table).expect("written")).expect("read");
        for (text, shown) in texts.iter().zip(&shown) {
            prop_assert_eq!(&table.restore(&shown.text), text);
            prop_assert_eq!(&read.restore(&shown.text), text);
            let mut end = 0;
            for finding in &shown.found {
                prop_assert!(finding.range.start >= end && finding.range.end <= text.len());
                prop_assert_eq!(&text[finding.range.clone()], finding.original.as_str());
                prop_assert!(finding.placeholder.len() <= LONGEST_PLACEHOLDER);
                end = finding.range.end;
            }
        }
    }

    #[test]
    fn any_text_may_be_restored(text in texts()) {
        let mut table = Table::new();
        table.pseudonymise("M. Dupont, 12 rue des Lilas, 69100 Lyon");
        let _ = table.restore(&text);
    }

    #[test]
    fn keys_take_anything(text in "\\PC{0,40}") {
        let _ = (keys::nir(&text), keys::siren(&text), keys::siret(&text), keys::iban(&text), keys::rib(&text));
        let _ = (keys::card(&text), keys::tax(&text), keys::luhn(&text), keys::nir_form(&text), keys::iban_expected(&text));
    }
}

/// Digits from a seed: the same ones each time.
struct Digits(u64);

impl Digits {
    fn next(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| {
                self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from(b'0' + u8::try_from((self.0 >> 33) % 10).unwrap_or(0))
            })
            .collect()
    }
}

/// How many numbers of each kind are tried.
const NUMBERS: usize = 10_000;

#[test]
fn every_number_with_its_key_is_found_and_none_without() {
    type Check = fn(&str) -> bool;
    let forms: [(Kind, usize, Check); 4] = [
        (Kind::Siren, 9, keys::siren),
        (Kind::Siret, 14, keys::siret),
        (Kind::Card, 16, keys::card),
        (Kind::TaxNumber, 13, keys::tax),
    ];
    for (kind, length, right) in forms {
        let mut digits = Digits(7);
        let (mut with, mut without) = (0, 0);
        while with < NUMBERS || without < NUMBERS {
            let mut number = digits.next(length);
            if kind == Kind::Card {
                number.replace_range(..1, "4");
            }
            if kind == Kind::TaxNumber {
                let body: u64 = number[1..10].parse().expect("digits");
                number = format!("0{:09}{:03}", body, (body + u64::from(without < NUMBERS)) % 511);
            }
            let wanted = right(&number);
            if *(if wanted { &with } else { &without }) >= NUMBERS {
                continue;
            }
            *(if wanted { &mut with } else { &mut without }) += 1;
            let found = Table::new().pseudonymise(&format!("Voici {number}.")).found;
            let found = found.iter().any(|finding| finding.kind == kind && finding.original == number);
            assert_eq!(found, wanted, "{kind:?} {number}");
        }
    }
}

#[test]
fn every_nir_and_account_with_its_key_is_found_and_none_without() {
    let mut digits = Digits(11);
    for at in 0..NUMBERS {
        let random: u64 = digits.next(12).parse().expect("digits");
        let (year, month, town, order) =
            (random % 100, random / 100 % 12 + 1, random / 10_000 % 989 + 1, random / 10_000_000 % 999 + 1);
        let (written, counted) = [("2A", 19), ("2B", 18), ("75", 75), ("01", 1)][at % 4];
        let value: u64 =
            format!("{}{year:02}{month:02}{counted:02}{town:03}{order:03}", at % 2 + 1).parse().expect("digits");
        for wrong in [0, 1] {
            let key = (97 - value % 97 + wrong - 1) % 97 + 1;
            let number = format!("{}{year:02}{month:02}{written}{town:03}{order:03}{key:02}", at % 2 + 1);
            let found = Table::new().pseudonymise(&format!("Voici {number}.")).found;
            assert_eq!(
                found.iter().any(|finding| finding.kind == Kind::Nir && finding.original == number),
                wrong == 0,
                "{number}"
            );
        }
        let body = digits.next(23);
        let remainder = format!("{body}152700").bytes().fold(0, |rest, byte| (rest * 10 + u32::from(byte - b'0')) % 97);
        for wrong in [0, 1] {
            let number = format!("FR{:02}{body}", 98 - remainder + wrong);
            let found = Table::new().pseudonymise(&format!("Voici {number}.")).found;
            assert_eq!(
                found.iter().any(|finding| finding.kind == Kind::BankAccount && finding.original == number),
                wrong == 0,
                "{number}"
            );
        }
    }
}

#[test]
fn one_name_in_every_case_comes_back() {
    // Each is a spelling of one person.
    let variant = |bits: u32| -> String {
        let letter =
            |(at, letter): (usize, char)| if bits >> at & 1 == 1 { letter.to_ascii_uppercase() } else { letter };
        "benmansouriatrix".chars().enumerate().map(letter).collect()
    };
    let text = (0..1 << 16).map(|bits| format!("Mme {}.\n", variant(bits))).collect::<Vec<_>>().concat();
    let mut table = Table::new();
    let shown = table.pseudonymise(&text).text;
    assert!(table.restore(&shown) == text);
    assert_eq!(table.len(), 1);
}

/// The same work for each byte, whatever the text holds: none of these may take the square of its length.
#[test]
fn hostile_texts_come_back() {
    const LENGTH: usize = 200_000;
    for piece in [
        "a",
        "A",
        "A ",
        "1",
        "1 ",
        "@",
        "a@",
        "[",
        "[PERSONNE_",
        "M. ",
        "de ",
        "Jean ",
        "l'",
        "a-",
        "12 rue ",
        "Nom : ",
        "\n",
        "Cordialement,\n",
        "né le ",
        "<a@b.fr> ",
        "« ",
        "SARL ",
        "Dupont, ",
    ] {
        let text = piece.repeat(LENGTH / piece.len());
        let mut table = Table::new();
        let shown = table.pseudonymise(&text).text;
        assert!(table.restore(&shown) == text, "{piece:?}");
    }
}
