//! The tables of the page.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{numbers, texts::Words};
use crate::{
    compagnon::Language,
    statistics::{
        Activity,
        published::{Figures, Group, Label, PublishedWeek, Shown, THRESHOLD},
    },
};

/// A table, as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    /// Which, in the page.
    pub(super) id: &'static str,
    /// What it shows.
    pub(super) caption: String,
    /// The heads of its columns, that of the rows first.
    pub(super) columns: Vec<String>,
    /// Its rows.
    pub(super) rows: Vec<Row>,
}

/// A row: its cells, or one sentence in place of them.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) head: String,
    pub(super) note: Option<String>,
    pub(super) cells: Vec<String>,
}

/// How cells are written.
#[derive(Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) language: Language,
    pub(super) words: &'a Words,
    pub(super) names: &'a BTreeMap<String, String>,
}

impl Writer<'_> {
    /// A sentence, as the language sets it.
    pub(super) fn say(self, sentence: &str) -> String {
        numbers::typeset(self.language, &sentence.replace("{threshold}", &THRESHOLD.to_string()))
    }

    /// A table of weeks, the latest first.
    pub(super) fn weeks(
        self,
        id: &'static str,
        caption: &str,
        columns: &[&str],
        weeks: &[PublishedWeek],
        cells: impl Fn(&Shown) -> Vec<String>,
    ) -> Table {
        let rows = weeks.iter().rev().map(|week| {
            let head = numbers::short_week(self.language, week.week);
            match &week.shown {
                Some(shown) => Row { head, note: None, cells: cells(shown) },
                None => Row { head, note: Some(self.say(self.words.small_week)), cells: Vec::new() },
            }
        });
        let columns = std::iter::once(&self.words.week).chain(columns).map(|column| self.say(column)).collect();
        Table { id, caption: self.say(caption), columns, rows: rows.collect() }
    }

    /// A table of groups.
    pub(super) fn groups(self, id: &'static str, caption: &str, head: &str, others: &str, groups: &[Group]) -> Table {
        let words = self.words;
        let columns = [
            head,
            words.people_at_least,
            words.questions_rounded,
            words.useful,
            words.first_text_median,
            words.first_text_most,
        ];
        let rows = groups.iter().map(|group| {
            let people =
                group.at_least.map_or_else(|| self.say(words.unknown), |people| numbers::count(self.language, people));
            let questions = numbers::count(self.language, group.figures.questions_rounded());
            let mut cells = vec![people, questions, self.useful(&group.figures)];
            cells.extend(self.first_text(&group.figures));
            Row { head: self.label(&group.label, others), note: None, cells }
        });
        let rows = rows.collect();
        Table { id, caption: self.say(caption), columns: columns.map(|column| self.say(column)).to_vec(), rows }
    }

    /// What a group is called.
    fn label(self, label: &Label, others: &str) -> String {
        let words = self.words;
        match label {
            Label::Library(id) => return self.names.get(id).unwrap_or(id).clone(),
            Label::Made => words.made,
            Label::Others => others,
            Label::Activity(Activity::Answer) => words.answer,
            Label::Activity(Activity::Mastered) => words.mastered,
            Label::Activity(Activity::Document) => words.document,
            Label::Activity(Activity::Translation) => words.translation,
            Label::Activity(Activity::Note) => words.note,
            Label::Activity(Activity::Review) => words.review,
            Label::Activity(Activity::Pseudonyms) => words.pseudonyms,
            Label::Activity(Activity::Cases) => words.cases,
        }
        .to_owned()
    }

    /// The share of useful answers.
    pub(super) fn useful(self, figures: &Figures) -> String {
        let share = figures.useful_percent().map(|share| numbers::percent(self.language, share));
        share.unwrap_or_else(|| self.say(self.words.unknown))
    }

    /// How soon answers begin: half of them, 95 % of them.
    pub(super) fn first_text(self, figures: &Figures) -> [String; 2] {
        self.times(figures.first_text().map(|times| [times.median, times.most]))
    }

    /// How soon answers are over.
    pub(super) fn whole(self, figures: &Figures) -> [String; 2] {
        self.times(figures.whole().map(|times| [times.median, times.most]))
    }

    fn times(self, times: Option<[std::time::Duration; 2]>) -> [String; 2] {
        let unknown = || [(); 2].map(|()| self.say(self.words.unknown));
        times.map_or_else(unknown, |times| times.map(|time| numbers::time(self.language, time)))
    }
}
