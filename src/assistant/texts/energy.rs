//! What answers took, and what that emits. In both languages.

use crate::{compagnon::Language, energy::Energy};

/// The energy of some answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// All of it.
    pub energy: Energy,
    /// Of so many answers.
    pub answers: u64,
    /// What a kilowatt hour emits, in grams of CO₂ equivalent.
    pub co2_grams_per_kwh: f64,
}

/// The energy of all, of one answer, and the CO₂ of all, with how it is known; nothing where none is known.
pub(super) fn said(spent: &Spent, language: Language) -> Option<String> {
    let Spent { energy, answers, co2_grams_per_kwh } = *spent;
    let watt_hours = energy.joules() / 3_600.0;
    if answers == 0 || watt_hours <= 0.0 {
        return None;
    }
    let known = match (language, energy.estimated, energy.measured) {
        (Language::Fr, 0, _) => "mesuré",
        (Language::Fr, _, 0) => "estimé",
        (Language::Fr, ..) => "en partie estimé",
        (Language::En, 0, _) => "measured",
        (Language::En, _, 0) => "estimated",
        (Language::En, ..) => "partly estimated",
    };
    let [all, each] = [watt_hours, watt_hours / answers as f64].map(|value| amount(value, "Wh", language));
    let co2 = amount(energy.co2_grams(co2_grams_per_kwh), "g", language);
    Some(match language {
        Language::Fr => format!("{all} ({known}), {each} par réponse ; {co2} de CO₂ en tout"),
        Language::En => format!("{all} ({known}), {each} an answer; {co2} of CO₂ in all"),
    })
}

/// An amount with two significant digits, in thousandths of its unit where it is small.
fn amount(value: f64, unit: &str, language: Language) -> String {
    let (value, thousandth) = if value < 0.1 { (value * 1_000.0, "m") } else { (value, "") };
    let decimals = match value {
        value if value >= 9.95 => 0,
        value if value >= 0.995 => 1,
        _ => 2,
    };
    format!("{}\u{a0}{thousandth}{unit}", language.decimal(format_args!("{value:.decimals$}")))
}

#[cfg(test)]
mod tests {
    use super::{Language, Spent, amount, said};
    use crate::energy::Energy;

    #[test]
    fn energy_is_told_of_all_and_of_one_answer_with_how_it_is_known() {
        // 2.5 Wh of 38 answers; 2.5 Wh · 21.7 g/kWh = 54.25 mg.
        let spent =
            Spent { energy: Energy { measured: 0, estimated: 9_000_000_000 }, answers: 38, co2_grams_per_kwh: 21.7 };
        let french = said(&spent, Language::Fr).unwrap();
        assert_eq!(french, "2,5\u{a0}Wh (estimé), 66\u{a0}mWh par réponse ; 54\u{a0}mg de CO₂ en tout");
        let mixed = Spent { energy: Energy { measured: 1, ..spent.energy }, ..spent };
        assert!(said(&mixed, Language::En).unwrap().contains("(partly estimated)"));
        assert_eq!(said(&Spent { answers: 0, ..spent }, Language::Fr), None);
        assert_eq!(said(&Spent { energy: Energy::NONE, ..spent }, Language::Fr), None);
    }

    #[test]
    fn amounts_have_two_digits_and_a_unit_that_fits() {
        for (value, told) in [
            (1_234.4, "1234\u{a0}g"),
            (9.96, "10\u{a0}g"),
            (9.94, "9.9\u{a0}g"),
            (0.25, "0.25\u{a0}g"),
            (0.0999, "100\u{a0}mg"),
            (0.004_2, "4.2\u{a0}mg"),
            (0.000_42, "0.42\u{a0}mg"),
            (0.0, "0.00\u{a0}mg"),
        ] {
            assert_eq!(amount(value, "g", Language::En), told);
        }
    }
}
