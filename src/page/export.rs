//! The same figures for machines: CSV and JSON, of all weeks that are kept. Their names and values are of no language.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{config::Config, numbers::to_three_digits};
use crate::{
    energy::Energy,
    spreadsheet::harmless,
    statistics::published::{Figures, Group, Label, Published, PublishedWeek, ROUNDED_TO, THRESHOLD, Times},
};

/// The columns of the CSV.
const COLUMNS: [&str; 16] = [
    "week",
    "monday",
    "dimension",
    "id",
    "name",
    "people",
    "people_at_least",
    "questions",
    "useful_percent",
    "first_text_median_seconds",
    "first_text_p95_seconds",
    "whole_median_seconds",
    "whole_p95_seconds",
    "energy_measured_wh",
    "energy_estimated_wh",
    "co2_grams",
];

/// As JSON.
pub(super) fn json(
    published: &Published,
    names: &BTreeMap<String, String>,
    config: &Config,
) -> Result<String, serde_json::Error> {
    let weeks = published.weeks.iter().map(|week| {
        let which = json!({ "week": week.week.to_string(), "monday": week.week.monday().to_string() });
        let Some(shown) = &week.shown else { return with(which, json!({ "people": null })) };
        let groups = |groups: &[Group]| groups.iter().map(|group| group_json(group, names)).collect::<Vec<_>>();
        let energy = shown.figures.energy();
        let whole = json!({
            "people": shown.people,
            "questions": shown.figures.questions(),
            "energy_measured_wh": watt_hours(energy.measured),
            "energy_estimated_wh": watt_hours(energy.estimated),
            "co2_grams": to_three_digits(energy.co2_grams(config.co2_grams_per_kwh)),
            "compagnons": groups(&shown.compagnons),
            "activities": groups(&shown.activities),
        });
        with(with(which, whole), figures_json(&shown.figures))
    });
    serde_json::to_string_pretty(&json!({
        "service": config.name,
        "since": published.since.map(|day| day.to_string()),
        "people_threshold": THRESHOLD,
        "group_questions_rounded_to": ROUNDED_TO,
        "co2_grams_per_kwh": config.co2_grams_per_kwh,
        "co2_source": config.co2_source,
        "weeks": weeks.collect::<Vec<_>>(),
    }))
}

fn with(mut one: Value, other: Value) -> Value {
    if let (Value::Object(one), Value::Object(other)) = (&mut one, other) {
        one.extend(other);
    }
    one
}

fn group_json(group: &Group, names: &BTreeMap<String, String>) -> Value {
    let (id, name) = identity(&group.label, names);
    let known = json!({
        "id": id,
        "name": name,
        "people_at_least": group.at_least,
        "questions": group.figures.questions_rounded(),
    });
    with(known, figures_json(&group.figures))
}

fn figures_json(figures: &Figures) -> Value {
    let [first_median, first_most] = seconds(figures.first_text());
    let [whole_median, whole_most] = seconds(figures.whole());
    json!({
        "useful_percent": figures.useful_percent(),
        "first_text_median_seconds": first_median,
        "first_text_p95_seconds": first_most,
        "whole_median_seconds": whole_median,
        "whole_p95_seconds": whole_most,
    })
}

fn seconds(times: Option<Times>) -> [Option<f64>; 2] {
    times.map_or([None, None], |times| [times.median, times.most].map(|time| Some(time.as_secs_f64())))
}

fn watt_hours(microjoules: u64) -> f64 {
    to_three_digits(Energy { measured: microjoules, estimated: 0 }.joules() / 3_600.0)
}

/// A group's identifier, of no language, and the name that people gave it.
fn identity(label: &Label, names: &BTreeMap<String, String>) -> (String, Option<String>) {
    match label {
        Label::Library(id) => (id.clone(), names.get(id).cloned()),
        Label::Made => ("(made in rooms)".to_owned(), None),
        Label::Activity(activity) => (activity.name().to_owned(), None),
        Label::Others => ("(others)".to_owned(), None),
    }
}

/// As CSV: a line for each week, and for each group in it. A week of too few people has its line and no figure. It begins with the mark of
/// UTF-8, without which Excel reads accents wrongly.
pub(super) fn csv(
    published: &Published,
    names: &BTreeMap<String, String>,
    config: &Config,
) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    writer.write_record(COLUMNS)?;
    for week in &published.weeks {
        for line in lines(week, names, config) {
            writer.write_record(line)?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(std::io::Error::other(error.to_string())))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn lines(week: &PublishedWeek, names: &BTreeMap<String, String>, config: &Config) -> Vec<[String; COLUMNS.len()]> {
    let line = |dimension: &str, id: &str, name: &str, people: [String; 3], figures: &Figures, energy: [String; 3]| {
        let [first_median, first_most] = seconds(figures.first_text()).map(text);
        let [whole_median, whole_most] = seconds(figures.whole()).map(text);
        let [people, at_least, questions] = people;
        let [measured, estimated, co2] = energy;
        [
            week.week.to_string(),
            week.week.monday().to_string(),
            dimension.to_owned(),
            harmless(id),
            harmless(name),
            people,
            at_least,
            questions,
            text(figures.useful_percent()),
            first_median,
            first_most,
            whole_median,
            whole_most,
            measured,
            estimated,
            co2,
        ]
    };
    let nothing = || [(); 3].map(|()| String::new());
    let Some(shown) = &week.shown else {
        return vec![line("all", "", "", nothing(), &Figures::default(), nothing())];
    };
    let energy = shown.figures.energy();
    let energies = [
        watt_hours(energy.measured).to_string(),
        watt_hours(energy.estimated).to_string(),
        to_three_digits(energy.co2_grams(config.co2_grams_per_kwh)).to_string(),
    ];
    let people = [shown.people.to_string(), String::new(), shown.figures.questions().to_string()];
    let mut lines = vec![line("all", "", "", people, &shown.figures, energies)];
    for (dimension, groups) in [("compagnon", &shown.compagnons), ("activity", &shown.activities)] {
        lines.extend(groups.iter().map(|group| {
            let (id, name) = identity(&group.label, names);
            let people = [String::new(), text(group.at_least), group.figures.questions_rounded().to_string()];
            line(dimension, &id, name.as_deref().unwrap_or(""), people, &group.figures, nothing())
        }));
    }
    lines
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
