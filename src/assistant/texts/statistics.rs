//! What is told of the counters. In both languages.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use super::energy::{self, Spent};
use crate::{
    compagnon::Language,
    statistics::{Activity, Counters, Refusal, Week},
};

/// The counters of one room, or of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// Whether it is a conversation of two.
    pub direct: bool,
    /// The weeks, the last one first, with how many people asked, where that is told: of all rooms together.
    pub weeks: Vec<(Week, Counters, Option<u64>)>,
    /// All of it.
    pub sum: Counters,
    /// Questions by kind of work.
    pub activities: BTreeMap<Activity, u64>,
    /// What a kilowatt hour emits, in grams of CO₂ equivalent.
    pub co2_grams_per_kwh: f64,
    /// The compagnons with their names, where all rooms are told of; those made by command have none and are one.
    pub compagnons: Vec<(Option<String>, Counters)>,
}

impl Told {
    /// Adds counters to what is told.
    pub fn count(&mut self, activity: Activity, counters: &Counters) {
        self.sum.add(counters);
        let sum = self.activities.entry(activity).or_default();
        *sum = sum.saturating_add(counters.questions);
    }

    fn is_of_all(&self) -> bool {
        self.weeks.iter().any(|(_, _, people)| people.is_some())
    }
}

/// In French.
pub(super) fn fr(told: &Told) -> String {
    say(told, Language::Fr)
}

/// In English.
pub(super) fn en(told: &Told) -> String {
    say(told, Language::En)
}

/// The digest, in French.
pub(super) fn digest_fr(told: &Told) -> String {
    format!("Voici le bilan de la semaine (réglage `weekly_digest`).\n\n{}", fr(told))
}

/// The digest, in English.
pub(super) fn digest_en(told: &Told) -> String {
    format!("Here is the digest of the week (setting `weekly_digest`).\n\n{}", en(told))
}

fn say(told: &Told, language: Language) -> String {
    let of = |fr: &'static str, en: &'static str| match language {
        Language::Fr => fr,
        Language::En => en,
    };
    if told.sum.questions == 0 {
        let nothing = match (told.is_of_all(), told.direct) {
            (true, _) => of("Rien n’a été demandé depuis cinq semaines.", "Nothing was asked in the last five weeks."),
            (_, true) => of(
                "Vous ne m’avez rien demandé ici depuis cinq semaines.",
                "You have asked me nothing here in the last five weeks.",
            ),
            (_, false) => of(
                "On ne m’a rien demandé dans ce salon depuis cinq semaines.",
                "Nothing was asked in this room in the last five weeks.",
            ),
        };
        return nothing.to_owned();
    }
    let mut text = match (told.is_of_all(), told.direct) {
        (true, _) => of("**Tous les salons, depuis cinq semaines**", "**All rooms, in the last five weeks**"),
        (_, true) => {
            of("**Cette conversation, depuis cinq semaines**", "**This conversation, in the last five weeks**")
        }
        (_, false) => of("**Ce salon, depuis cinq semaines**", "**This room, in the last five weeks**"),
    }
    .to_owned();
    text.push_str("\n\n");
    text.push_str(&table(told, language));
    let mut facts = vec![list(of("Par travail", "By kind of work"), activities(told, language), language)];
    if !told.compagnons.is_empty() {
        facts.push(list(of("Par compagnon", "By compagnon"), compagnons(told, language), language));
    }
    if !told.sum.refusals.is_empty() {
        let refusals = told.sum.refusals.iter().map(|(why, count)| (refusal(*why, language).to_owned(), *count));
        facts.push(list(of("Sans réponse", "Not answered"), refusals.collect(), language));
    }
    facts.extend(times(&told.sum, language));
    facts.extend(energy(told, language));
    for fact in facts {
        let _ = write!(text, "\n- {fact}");
    }
    text
}

fn table(told: &Told, language: Language) -> String {
    let people = told.is_of_all();
    let heading = match (language, people) {
        (Language::Fr, false) => "| Semaine du | Demandes | Réponses | Jugées utiles |\n|---|---|---|---|\n",
        (Language::Fr, true) => {
            "| Semaine du | Personnes | Demandes | Réponses | Jugées utiles |\n|---|---|---|---|---|\n"
        }
        (Language::En, false) => "| Week of | Asked | Answered | Rated useful |\n|---|---|---|---|\n",
        (Language::En, true) => "| Week of | People | Asked | Answered | Rated useful |\n|---|---|---|---|---|\n",
    };
    let mut table = heading.to_owned();
    for (week, counters, people) in &told.weeks {
        let people = people.map_or_else(String::new, |people| format!("{people} | "));
        let _ = writeln!(
            table,
            "| {} | {people}{} | {} | {} |",
            monday(*week, language),
            counters.questions,
            counters.answers,
            rated(counters, language)
        );
    }
    table
}

fn monday(week: Week, language: Language) -> String {
    let date = week.monday().date();
    match language {
        Language::Fr => date.strftime("%d/%m/%Y").to_string(),
        Language::En => date.to_string(),
    }
}

fn rated(counters: &Counters, language: Language) -> String {
    let all = counters.useful.saturating_add(counters.not_useful);
    match (counters.usefulness(), language) {
        (None, _) => "–".to_owned(),
        (Some(share), Language::Fr) => format!("{} sur {all} ({:.0}\u{a0}%)", counters.useful, share * 100.0),
        (Some(share), Language::En) => format!("{} of {all} ({:.0}%)", counters.useful, share * 100.0),
    }
}

fn list(title: &str, counts: Vec<(String, u64)>, language: Language) -> String {
    let counts: Vec<String> = counts.into_iter().map(|(name, count)| format!("{name} {count}")).collect();
    let colon = match language {
        Language::Fr => "\u{a0}:",
        Language::En => ":",
    };
    format!("{title}{colon} {}", counts.join(", "))
}

fn activities(told: &Told, language: Language) -> Vec<(String, u64)> {
    let name = |activity: Activity| match (activity, language) {
        (Activity::Answer, _) => "questions",
        (Activity::Mastered, Language::Fr) => "réponses validées",
        (Activity::Mastered, Language::En) => "approved answers",
        (Activity::Document, Language::Fr) => "documents lus",
        (Activity::Document, Language::En) => "documents read",
        (Activity::Translation, Language::Fr) => "traductions",
        (Activity::Translation, Language::En) => "translations",
        (Activity::Note, _) => "notes",
        (Activity::Review, Language::Fr) => "réponses à des avis",
        (Activity::Review, Language::En) => "replies to reviews",
        (Activity::Pseudonyms, _) => "pseudonymisations",
        (Activity::Cases, Language::Fr) => "essais de compagnons",
        (Activity::Cases, Language::En) => "tests of compagnons",
    };
    told.activities.iter().map(|(activity, count)| (name(*activity).to_owned(), *count)).collect()
}

fn compagnons(told: &Told, language: Language) -> Vec<(String, u64)> {
    let made = match language {
        Language::Fr => "ceux des salons",
        Language::En => "those of rooms",
    };
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| made.to_owned());
    told.compagnons.iter().map(|(title, counters)| (name(title), counters.questions)).collect()
}

fn refusal(refusal: Refusal, language: Language) -> &'static str {
    match (refusal, language) {
        (Refusal::Access, Language::Fr) => "personne sans accès",
        (Refusal::Access, Language::En) => "no access",
        (Refusal::Rate, Language::Fr) => "trop de demandes à la suite",
        (Refusal::Rate, Language::En) => "too many at once",
        (Refusal::Busy, Language::Fr) => "trop d’attente",
        (Refusal::Busy, Language::En) => "too busy",
        (Refusal::Stale, Language::Fr) => "restée trop longtemps en attente",
        (Refusal::Stale, Language::En) => "waited too long",
        (Refusal::TooLong, Language::Fr) => "trop longue",
        (Refusal::TooLong, Language::En) => "too long",
        (Refusal::Unreadable, Language::Fr) => "fichier illisible",
        (Refusal::Unreadable, Language::En) => "unreadable file",
        (Refusal::Unsourced, Language::Fr) => "rien dans les documents",
        (Refusal::Unsourced, Language::En) => "nothing in the documents",
        (Refusal::Stopped, Language::Fr) => "arrêtée par son auteur",
        (Refusal::Stopped, Language::En) => "stopped by its author",
        (Refusal::Model, Language::Fr) => "modèle en panne",
        (Refusal::Model, Language::En) => "the model failed",
        (Refusal::Failure, Language::Fr) => "autre panne",
        (Refusal::Failure, Language::En) => "another failure",
    }
}

fn times(sum: &Counters, language: Language) -> Option<String> {
    let half = sum.whole.quantile(0.5)?;
    let most = sum.whole.quantile(0.95)?;
    let first = sum.first_text.quantile(0.5);
    Some(match language {
        Language::Fr => {
            let first =
                first.map_or_else(String::new, |first| format!(", premiers mots en {}", seconds(first, language)));
            let (half, most) = (seconds(half, language), seconds(most, language));
            format!("La moitié des réponses sont complètes en {half}, 95\u{a0}% en {most}{first}")
        }
        Language::En => {
            let first =
                first.map_or_else(String::new, |first| format!(", first words in {}", seconds(first, language)));
            format!(
                "Half of the answers are complete in {}, 95% in {}{first}",
                seconds(half, language),
                seconds(most, language)
            )
        }
    })
}

fn seconds(duration: Duration, language: Language) -> String {
    language.decimal(format_args!("{:.1}\u{a0}s", duration.as_secs_f64()))
}

fn energy(told: &Told, language: Language) -> Option<String> {
    let Told { sum: Counters { energy, answers, .. }, co2_grams_per_kwh, .. } = *told;
    let said = energy::said(&Spent { energy, answers, co2_grams_per_kwh }, language)?;
    Some(match language {
        Language::Fr => format!("Énergie : {said}"),
        Language::En => format!("Energy: {said}"),
    })
}

/// For proofreading.
#[cfg(test)]
pub(super) fn samples() -> Vec<Told> {
    use crate::{energy::Energy, statistics::Day};

    let week = Day(20_786).week();
    let mut counters = Counters {
        questions: 41,
        answers: 38,
        refusals: Refusal::ALL.into_iter().map(|refusal| (refusal, 1)).collect(),
        useful: 8,
        not_useful: 1,
        energy: Energy { measured: 0, estimated: 9_000_000_000 },
        ..Counters::default()
    };
    counters.whole.record(Duration::from_secs(9));
    counters.first_text.record(Duration::from_secs(2));
    let mut room = Told {
        weeks: vec![(week, counters.clone(), None), (week.before(), Counters::default(), None)],
        co2_grams_per_kwh: 21.7,
        ..Told::default()
    };
    for activity in Activity::ALL {
        room.count(activity, &counters);
    }
    let mut service = room.clone();
    service.weeks.iter_mut().for_each(|(_, _, people)| *people = Some(12));
    service.compagnons = vec![(Some("Ressources humaines".to_owned()), counters.clone()), (None, counters)];
    let direct = Told { direct: true, ..room.clone() };
    let nothing = |told: &Told| Told {
        direct: told.direct,
        weeks: told.weeks.iter().map(|(week, _, people)| (*week, Counters::default(), *people)).collect(),
        ..Told::default()
    };
    let empty: Vec<Told> = [&room, &direct, &service].map(nothing).into();
    [vec![room, direct, service], empty].concat()
}
