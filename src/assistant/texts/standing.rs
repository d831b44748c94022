//! How a version of a compagnon stands by its cases, in words, in both languages.

use jiff::civil::Date;

use crate::{
    compagnon::Language,
    evaluation::{Share, Standing, VersionResult, Versus},
};

/// How many passed, in French.
pub(super) fn passed_fr(share: Share) -> String {
    let plural = if share.passed > 1 { "s" } else { "" };
    format!("{} réussi{plural} sur {}", share.passed, share.of)
}

/// How many passed, in English.
pub(super) fn passed_en(share: Share) -> String {
    format!("{} of {} passed", share.passed, share.of)
}

/// The share with its interval, in French.
pub(super) fn range_fr(share: Share) -> String {
    let range = share.interval();
    format!(" ({:.0} %, intervalle à 95 % : de {:.0} à {:.0} %)", share.percent(), range.low, range.high)
}

/// The share with its interval, in English.
pub(super) fn range_en(share: Share) -> String {
    let range = share.interval();
    format!(" ({:.0}%, 95% interval: {:.0} to {:.0}%)", share.percent(), range.low, range.high)
}

/// How a version compares with an earlier one, in French.
pub(super) fn versus_fr(versus: &Versus) -> String {
    let Versus { version, model, better, worse } = versus;
    let cases = |numbers: &[u32]| match numbers {
        [one] => format!("l’essai {one}"),
        several => format!("les essais {}", numbers_in(several, " et ")),
    };
    let text = match (worse.is_empty(), better.is_empty()) {
        (true, true) => format!("Même résultat que la version {version}, essai par essai."),
        (true, false) => format!("Mieux que la version {version} : réussit maintenant {}.", cases(better)),
        (false, true) => format!("**Moins bien que la version {version}** : ne réussit plus {}.", cases(worse)),
        (false, false) => format!(
            "**Moins bien que la version {version}** sur une partie : ne réussit plus {}, mais réussit maintenant {}.",
            cases(worse),
            cases(better)
        ),
    };
    match model {
        Some(model) => format!("{text} Le modèle aussi a changé : c’était `{model}`."),
        None => text,
    }
}

/// How a version compares with an earlier one, in English.
pub(super) fn versus_en(versus: &Versus) -> String {
    let Versus { version, model, better, worse } = versus;
    let cases = |numbers: &[u32]| match numbers {
        [one] => format!("case {one}"),
        several => format!("cases {}", numbers_in(several, " and ")),
    };
    let text = match (worse.is_empty(), better.is_empty()) {
        (true, true) => format!("The same result as version {version}, case by case."),
        (true, false) => format!("Better than version {version}: now passes {}.", cases(better)),
        (false, true) => format!("**Worse than version {version}**: no longer passes {}.", cases(worse)),
        (false, false) => format!(
            "**Worse than version {version}** in part: no longer passes {}, but now passes {}.",
            cases(worse),
            cases(better)
        ),
    };
    match model {
        Some(model) => format!("{text} The model has changed, too: it was `{model}`."),
        None => text,
    }
}

/// Numbers as a sentence names them.
fn numbers_in(numbers: &[u32], and: &str) -> String {
    let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
    match numbers.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{}{and}{last}", before.join(", ")),
        None => String::new(),
    }
}

/// How a version stands, in French.
pub(super) fn standing_fr(standing: &Standing) -> String {
    match standing {
        Standing::NoCases => "Aucun essai n’éprouve ce compagnon.".to_owned(),
        Standing::NotRun => "Ses essais n’ont pas encore été faits.".to_owned(),
        Standing::Older { version, result } => format!(
            "Ses essais ont été faits sur la version {} ({}), pas sur la version {version}.",
            result.version,
            passed_fr(result.share())
        ),
        Standing::Run { result, changed, versus } => {
            let VersionResult { version, model, .. } = result;
            let share = result.share();
            let mut text = format!(
                "Essais de la version {version} : {}{}, modèle `{model}`, le {}.",
                passed_fr(share),
                range_fr(share),
                day(result, Language::Fr)
            );
            if *changed {
                text.push_str(" La liste des essais a changé depuis.");
            }
            if let Some(versus) = versus {
                text = format!("{text} {}", versus_fr(versus));
            }
            text
        }
    }
}

/// How a version stands, in English.
pub(super) fn standing_en(standing: &Standing) -> String {
    match standing {
        Standing::NoCases => "No test case judges this compagnon.".to_owned(),
        Standing::NotRun => "Its test cases have not been run yet.".to_owned(),
        Standing::Older { version, result } => format!(
            "Its test cases were run on version {} ({}), not on version {version}.",
            result.version,
            passed_en(result.share())
        ),
        Standing::Run { result, changed, versus } => {
            let VersionResult { version, model, .. } = result;
            let share = result.share();
            let mut text = format!(
                "Test cases of version {version}: {}{}, model `{model}`, on {}.",
                passed_en(share),
                range_en(share),
                day(result, Language::En)
            );
            if *changed {
                text.push_str(" The list of test cases has changed since.");
            }
            if let Some(versus) = versus {
                text = format!("{text} {}", versus_en(versus));
            }
            text
        }
    }
}

/// The day of a result, in words.
fn day(result: &VersionResult, language: Language) -> String {
    result.date.parse::<Date>().map_or_else(|_| result.date.clone(), |date| language.date(date))
}
