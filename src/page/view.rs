//! What stands where on the page of the statistics.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    config::Config,
    curve::{self, Curve},
    numbers,
    tables::{Table, Writer},
    texts,
};
use crate::{
    compagnon::Language,
    energy::Energy,
    statistics::published::{Period, Published, PublishedWeek, Shown},
};

/// The most weeks that the page itself shows: half a year.
const WEEKS: usize = 26;

/// The page's content.
#[derive(Debug, Serialize)]
pub(super) struct View {
    lead: String,
    rule: String,
    key_title: String,
    key_note: Option<String>,
    key: Vec<KeyFigure>,
    sections: Vec<Section>,
    data: String,
}

#[derive(Debug, Serialize)]
struct KeyFigure {
    term: String,
    value: String,
}

/// A heading with curves and a table under it.
#[derive(Debug, Serialize)]
struct Section {
    id: &'static str,
    title: String,
    text: String,
    curves: Vec<Curve>,
    table: Table,
}

/// One line of a curve: what it is called, and its value in a week.
type Series<'a> = (&'static str, &'a dyn Fn(&Shown) -> Option<f64>);

/// What draws a page.
struct Painter<'a> {
    writer: Writer<'a>,
    config: &'a Config,
    weeks: &'a [PublishedWeek],
}

impl View {
    /// The page in a language.
    pub(super) fn of(
        language: Language,
        config: &Config,
        published: &Published,
        names: &BTreeMap<String, String>,
    ) -> Self {
        let words = texts::words(language);
        let writer = Writer { language, words, names };
        let painter = Painter { writer, config, weeks: published.recent(WEEKS) };
        let lead = match published.since {
            Some(since) => writer.say(words.lead).replace("{since}", &numbers::day(language, since)),
            None => writer.say(words.lead_without_date),
        };
        let (key_title, key_note, key) = painter.key();
        Self {
            lead: lead.replace("{service}", &config.name),
            rule: writer.say(words.rule),
            key_title,
            key_note,
            key,
            sections: painter.sections(),
            data: writer.say(words.data_text).replace("{weeks}", &WEEKS.to_string()),
        }
    }
}

impl Painter<'_> {
    /// The last week: its title, what is said in place of its figures, and its figures.
    fn key(&self) -> (String, Option<String>, Vec<KeyFigure>) {
        let Some(last) = self.weeks.last() else { return Default::default() };
        let Writer { language, words, .. } = self.writer;
        let title = self.writer.say(words.key_title).replace("{week}", &numbers::week(language, last.week));
        let Some(shown) = &last.shown else {
            // A figure keeps the place of those that there are not.
            let none = KeyFigure { term: String::new(), value: String::new() };
            return (title, Some(self.writer.say(words.key_small)), vec![none]);
        };
        let [first_text, _] = self.writer.first_text(&shown.figures);
        let mut figures = vec![
            (words.people, numbers::count(language, shown.people)),
            (words.questions, numbers::count(language, shown.figures.questions())),
            (words.useful, self.writer.useful(&shown.figures)),
            (words.first_text_median, first_text),
        ];
        let Energy { measured, estimated } = shown.figures.energy();
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let questions = shown.figures.questions().max(1) as f64;
        for (term, energy) in [
            (words.per_question_measured, Energy { measured, estimated: 0 }),
            (words.per_question_estimated, Energy { measured: 0, estimated }),
        ] {
            if energy != Energy::default() {
                figures.push((term, numbers::measure(language, energy.joules() / 3.6 / questions, "mWh")));
            }
        }
        let figures = figures.into_iter().map(|(term, value)| KeyFigure { term: self.writer.say(term), value });
        (title, None, figures.collect())
    }

    fn sections(&self) -> Vec<Section> {
        if self.weeks.is_empty() {
            return Vec::new();
        }
        let period = Period::of(self.weeks);
        vec![
            self.usage(),
            self.useful(),
            self.compagnons(&period),
            self.activities(&period),
            self.times(),
            self.energy(),
        ]
    }

    fn usage(&self) -> Section {
        let Writer { language, words, .. } = self.writer;
        let count = |value: f64| numbers::count(language, whole(value));
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let (people, questions) =
            (|shown: &Shown| Some(shown.people as f64), |shown: &Shown| Some(shown.figures.questions() as f64));
        let curves = vec![
            self.curve("people-curve", words.people_curve, &[(words.people, &people)], 10.0, &count),
            self.curve("questions-curve", words.questions_curve, &[(words.questions, &questions)], 10.0, &count),
        ];
        let columns = [words.people, words.questions];
        let cells =
            |shown: &Shown| [shown.people, shown.figures.questions()].map(|n| numbers::count(language, n)).to_vec();
        let table = self.writer.weeks("use-table", words.use_caption, &columns, self.weeks, cells);
        self.section("use", words.use_title, words.use_text, curves, table)
    }

    fn useful(&self) -> Section {
        let Writer { language, words, .. } = self.writer;
        let share = |shown: &Shown| shown.figures.useful_percent().map(f64::from);
        let percent = |value: f64| numbers::percent(language, u8::try_from(whole(value)).unwrap_or(100));
        let curve = self.curve("useful-curve", words.useful_curve, &[(words.useful, &share)], 100.0, &percent);
        let cells = |shown: &Shown| vec![self.writer.useful(&shown.figures)];
        let table = self.writer.weeks("useful-table", words.useful_caption, &[words.useful], self.weeks, cells);
        self.section("useful", words.useful_title, words.useful_text, vec![curve], table)
    }

    fn compagnons(&self, period: &Period) -> Section {
        let words = self.writer.words;
        let others = words.others_compagnons;
        let table = self.writer.groups(
            "compagnons-table",
            words.compagnons_caption,
            words.compagnon,
            others,
            &period.compagnons,
        );
        self.section("compagnons", words.compagnons_title, words.compagnons_text, Vec::new(), table)
    }

    fn activities(&self, period: &Period) -> Section {
        let words = self.writer.words;
        let others = words.others_activities;
        let table = self.writer.groups(
            "activities-table",
            words.activities_caption,
            words.activity,
            others,
            &period.activities,
        );
        self.section("activities", words.activities_title, words.activities_text, Vec::new(), table)
    }

    fn times(&self) -> Section {
        let Writer { language, words, .. } = self.writer;
        let seconds = |value: f64| numbers::time(language, std::time::Duration::from_secs_f64(value.clamp(0.0, 1e6)));
        let median = |shown: &Shown| shown.figures.first_text().map(|times| times.median.as_secs_f64());
        let most = |shown: &Shown| shown.figures.first_text().map(|times| times.most.as_secs_f64());
        let series: [Series<'_>; 2] = [(words.median, &median), (words.most, &most)];
        let curve = self.curve("times-curve", words.times_curve, &series, 1.0, &seconds);
        let columns = [words.first_text_median, words.first_text_most, words.whole_median, words.whole_most];
        let cells =
            |shown: &Shown| [self.writer.first_text(&shown.figures), self.writer.whole(&shown.figures)].concat();
        let table = self.writer.weeks("times-table", words.times_caption, &columns, self.weeks, cells);
        self.section("times", words.times_title, words.times_text, vec![curve], table)
    }

    fn energy(&self) -> Section {
        let Writer { language, words, .. } = self.writer;
        let all = self.weeks.iter().filter_map(|week| week.shown.as_ref()).map(|shown| shown.figures.energy());
        let largest = all.map(Energy::joules).fold(0.0, f64::max) / 3_600.0;
        let (unit, hours) = if largest < 1_000.0 { ("Wh", 1.0) } else { ("kWh", 1_000.0) };
        let (grams, divisor) =
            if largest / 1_000.0 * self.config.co2_grams_per_kwh < 1_000.0 { ("g", 1.0) } else { ("kg", 1_000.0) };
        let energy = |value: f64| numbers::measure(language, value, unit);
        let in_hours = |energy: Energy| Some(energy.joules() / 3_600.0 / hours).filter(|hours| *hours > 0.0);
        let measured = |shown: &Shown| in_hours(Energy { estimated: 0, ..shown.figures.energy() });
        let estimated = |shown: &Shown| in_hours(Energy { measured: 0, ..shown.figures.energy() });
        let series: [Series<'_>; 2] = [(words.energy_measured, &measured), (words.energy_estimated, &estimated)];
        let curve = self.curve("energy-curve", words.energy_curve, &series, 0.0, &energy);
        let columns = [words.energy_measured, words.energy_estimated, words.co2];
        let cells = |shown: &Shown| {
            let or_none = |value: Option<f64>| value.map_or_else(|| self.writer.say(words.none), energy);
            let emitted = shown.figures.energy().co2_grams(self.config.co2_grams_per_kwh) / divisor;
            vec![or_none(measured(shown)), or_none(estimated(shown)), numbers::measure(language, emitted, grams)]
        };
        let table = self.writer.weeks("energy-table", words.energy_caption, &columns, self.weeks, cells);
        let factor = language.decimal(self.config.co2_grams_per_kwh);
        let mut section = self.section("energy", words.energy_title, words.energy_text, vec![curve], table);
        section.text = section.text.replace("{factor}", &factor).replace("{source}", &self.config.co2_source);
        section
    }

    fn section(&self, id: &'static str, title: &str, text: &str, curves: Vec<Curve>, table: Table) -> Section {
        let text = self.writer.say(text).replace("{weeks}", &self.weeks.len().to_string());
        // A curve without a point says nothing.
        let curves = curves.into_iter().filter(|curve| !curve.lines.is_empty()).collect();
        Section { id, title: self.writer.say(title), text, curves, table }
    }

    fn curve(
        &self,
        id: &'static str,
        title: &str,
        series: &[Series<'_>],
        least_top: f64,
        write: &dyn Fn(f64) -> String,
    ) -> Curve {
        let Writer { language, words, .. } = self.writer;
        let values = series.iter().map(|(name, value)| {
            let values = self.weeks.iter().map(|week| week.shown.as_ref().and_then(value)).collect::<Vec<_>>();
            (self.writer.say(name), values)
        });
        let values = values.filter(|(_, values)| values.iter().any(Option::is_some)).collect::<Vec<_>>();
        let (lines, top) = curve::lines(&values, least_top);
        let end =
            |week: Option<&PublishedWeek>| week.map(|week| numbers::week(language, week.week)).unwrap_or_default();
        let (from, to) = (end(self.weeks.first()), end(self.weeks.last()));
        let told = |sentence: &str, (name, values): &(String, Vec<Option<f64>>)| {
            let known = || values.iter().flatten().copied();
            let [least, most] = [known().fold(f64::INFINITY, f64::min), known().fold(0.0, f64::max)].map(write);
            let latest = known().last().map(write).unwrap_or_default();
            let filled = self.writer.say(sentence).replace("{line}", name).replace("{least}", &least);
            filled.replace("{most}", &most).replace("{last}", &latest)
        };
        let description = match values.as_slice() {
            [] => self.writer.say(words.curve_empty),
            [one] => told(words.curve_text, one),
            several => {
                let lines = several.iter().map(|line| told(words.curve_line, line)).collect::<Vec<_>>().join(" ");
                self.writer.say(words.curve_lines).replace("{lines}", &lines)
            }
        };
        let description = description.replace("{from}", &from).replace("{to}", &to);
        let scale = self.writer.say(words.scale).replace("{top}", &write(top));
        Curve { id, title: self.writer.say(title), description, scale, from, to, lines }
    }
}

#[expect(clippy::cast_sign_loss, reason = "clamped")]
fn whole(value: f64) -> u64 {
    value.round().clamp(0.0, 1e15) as u64
}
