//! That nothing of fewer than ten people can be computed, however what is published is combined.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::civil::date;
use proptest::{collection::vec, prelude::*};

use super::{Group, Label, Period, Published, Shown, THRESHOLD, last_week};
use crate::statistics::{Activity, Compagnon, Counters, Crowd, Day, Series, Statistics, Week};

/// A question: whose, in which week, of which compagnon, of which kind.
#[derive(Clone, Copy, Debug)]
struct Asked {
    person: u8,
    week: u8,
    compagnon: u8,
    activity: u8,
    /// Whether its answer is rated.
    rated: bool,
}

const WEEKS: u8 = 3;
const COMPAGNONS: u8 = 5;
const ACTIVITIES: u8 = 3;

fn today() -> Day {
    Day::from(date(2026, 11, 24))
}

/// The weeks before, the oldest first.
fn week(index: u8) -> Week {
    last_week(today()).expect("a week").back(u32::from(WEEKS - 1 - index))
}

/// The last two are made by command.
fn compagnon(index: u8) -> Compagnon {
    match index {
        0..3 => Compagnon::Library(format!("c{index}")),
        made => Compagnon::Made(u64::from(made)),
    }
}

fn activity(index: u8) -> Activity {
    Activity::ALL[usize::from(index)]
}

fn counted(asked: &[Asked]) -> Statistics {
    let mut statistics = Statistics { since: Some(week(0).monday()), ..Statistics::default() };
    let mut people = BTreeMap::<(Week, Crowd), BTreeSet<u8>>::new();
    let mut raters = people.clone();
    for one in asked {
        let week = week(one.week);
        let series =
            Series { compagnon: compagnon(one.compagnon), model: String::new(), activity: activity(one.activity) };
        for crowd in [Crowd::All, Crowd::Compagnon(series.compagnon.clone()), Crowd::Activity(series.activity)] {
            if one.rated {
                raters.entry((week, crowd.clone())).or_default().insert(one.person);
            }
            people.entry((week, crowd)).or_default().insert(one.person);
        }
        let counters = statistics.days.entry((week.monday(), series)).or_default();
        counters.questions += 1;
        counters.answers += 1;
        counters.useful += u64::from(one.rated);
        counters.first_text.record(Duration::from_secs(1));
    }
    let numbers =
        |crowds: BTreeMap<_, BTreeSet<u8>>| crowds.into_iter().map(|(of, all)| (of, all.len() as u64)).collect();
    (statistics.people, statistics.raters) = (numbers(people), numbers(raters));
    statistics
}

/// What a label stands for in a week of which these labels are told apart.
fn members(label: &Label, told: &[Group], compagnons: bool) -> Vec<u8> {
    let of =
        |index: u8| if compagnons { super::of_compagnon(&compagnon(index)) } else { Label::Activity(activity(index)) };
    let all = 0..if compagnons { COMPAGNONS } else { ACTIVITIES };
    let named = |index: &u8| told.iter().any(|group| group.label == of(*index));
    match label {
        Label::Others => all.filter(|index| !named(index)).collect(),
        label => all.filter(|index| of(*index) == *label).collect(),
    }
}

/// The questions of a week of some compagnons or of some kinds of work.
type Form = Vec<bool>;

fn form(of: &[u8], compagnons: bool) -> Form {
    let cells = (0..COMPAGNONS).flat_map(|compagnon| (0..ACTIVITIES).map(move |activity| (compagnon, activity)));
    cells.map(|(compagnon, activity)| of.contains(if compagnons { &compagnon } else { &activity })).collect()
}

/// Everything that is told of a week, as if it were not rounded.
fn told(shown: &Shown) -> Vec<Form> {
    let mut forms = vec![vec![true; usize::from(COMPAGNONS * ACTIVITIES)]];
    for (groups, compagnons) in [(&shown.compagnons, true), (&shown.activities, false)] {
        forms.extend(groups.iter().map(|group| form(&members(&group.label, groups, compagnons), compagnons)));
    }
    forms
}

/// Whether a form is a sum of multiples of others: elimination modulo a prime.
fn follows(wanted: &Form, from: &[Form]) -> bool {
    const PRIME: i64 = 1_000_003;
    let inverse = |value: i64| {
        (0..=PRIME.ilog2()).rev().fold(1, |power, bit| {
            let squared = power * power % PRIME;
            if (PRIME - 2) >> bit & 1 == 1 { squared * value % PRIME } else { squared }
        })
    };
    let numbers = |form: &Form| form.iter().map(|set| i64::from(*set)).collect::<Vec<_>>();
    let mut basis: Vec<(usize, Vec<i64>)> = Vec::new();
    let reduce = |basis: &[(usize, Vec<i64>)], mut row: Vec<i64>| {
        for (pivot, other) in basis {
            let factor = row[*pivot];
            row.iter_mut().zip(other).for_each(|(cell, other)| *cell = (*cell - factor * other).rem_euclid(PRIME));
        }
        row
    };
    for form in from {
        let row = reduce(&basis, numbers(form));
        if let Some(pivot) = row.iter().position(|cell| *cell != 0) {
            let scale = inverse(row[pivot]);
            basis.push((pivot, row.into_iter().map(|cell| cell * scale % PRIME).collect()));
        }
    }
    reduce(&basis, numbers(wanted)).iter().all(|cell| *cell == 0)
}

fn people(asked: &[Asked], in_week: u8, of: &[u8], compagnons: bool) -> BTreeSet<u8> {
    let here = asked.iter().filter(|one| one.week == in_week);
    here.filter(|one| of.contains(if compagnons { &one.compagnon } else { &one.activity }))
        .map(|one| one.person)
        .collect()
}

fn raters(asked: &[Asked], in_week: u8, of: &[u8], compagnons: bool) -> BTreeSet<u8> {
    let rated = asked.iter().filter(|one| one.rated).copied().collect::<Vec<_>>();
    people(&rated, in_week, of, compagnons)
}

/// Every set of compagnons, or of kinds of work.
fn sets(of: u8) -> impl Iterator<Item = Vec<u8>> {
    (1..1_u8 << of).map(move |set| (0..of).filter(|index| set >> index & 1 == 1).collect())
}

fn few(people: &BTreeSet<u8>) -> bool {
    (1..THRESHOLD).contains(&(people.len() as u64))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_sum_or_difference_is_of_fewer_than_ten_people(
        asked in vec(
            // Of the compagnons and kinds, some are used by many and some by few.
            (0..45_u8, 0..WEEKS, prop_oneof![6 => Just(0), 3 => Just(1), 1 => 2..COMPAGNONS], prop_oneof![5 => Just(0), 1 => 1..ACTIVITIES])
                .prop_map(|(person, week, compagnon, activity)| Asked { person, week, compagnon, activity, rated: person % 2 == 0 }),
            0..300,
        )
    ) {
        let published = Published::of(&counted(&asked), today());
        prop_assert_eq!(published.weeks.len(), usize::from(WEEKS));
        for (index, one) in (0..).zip(&published.weeks) {
            prop_assert_eq!(one.week, week(index));
            let everybody = people(&asked, index, &(0..COMPAGNONS).collect::<Vec<_>>(), true);
            let Some(shown) = &one.shown else {
                prop_assert!((everybody.len() as u64) < THRESHOLD, "a week that could be shown");
                continue;
            };
            prop_assert_eq!(shown.people, everybody.len() as u64);
            prop_assert!(shown.people >= THRESHOLD);
            let forms = told(shown);
            for (compagnons, of) in [(true, COMPAGNONS), (false, ACTIVITIES)] {
                for set in sets(of) {
                    let form = form(&set, compagnons);
                    prop_assert!(!few(&people(&asked, index, &set, compagnons)) || !follows(&form, &forms), "{set:?}");
                }
            }
            for (groups, compagnons) in [(&shown.compagnons, true), (&shown.activities, false)] {
                for group in groups {
                    let of = members(&group.label, groups, compagnons);
                    let inside = people(&asked, index, &of, compagnons).len() as u64;
                    let at_least = group.at_least.expect("of one week");
                    prop_assert!(THRESHOLD <= at_least && at_least <= inside);
                    // Whoever subtracts it does not learn of fewer than ten who are outside.
                    prop_assert!(shown.people - at_least >= THRESHOLD);
                    let few = few(&raters(&asked, index, &of, compagnons));
                    prop_assert!(!few || group.figures.useful_percent().is_none(), "rated by few");
                }
            }
            let few = few(&raters(&asked, index, &(0..COMPAGNONS).collect::<Vec<_>>(), true));
            prop_assert!(!few || shown.figures.useful_percent().is_none(), "rated by few");
        }
    }

    #[test]
    fn a_period_is_made_of_what_its_weeks_tell(
        asked in vec(
            (0..30_u8, 0..WEEKS, 0..COMPAGNONS, 0..ACTIVITIES)
                .prop_map(|(person, week, compagnon, activity)| Asked { person, week, compagnon, activity, rated: person % 2 == 0 }),
            0..400,
        )
    ) {
        let published = Published::of(&counted(&asked), today());
        let period = Period::of(&published.weeks);
        let shown = || published.weeks.iter().filter_map(|week| week.shown.as_ref());
        let all: u64 = shown().map(|shown| shown.figures.questions()).sum();
        prop_assert_eq!(period.figures.questions(), all);
        for groups in [&period.compagnons, &period.activities] {
            prop_assert_eq!(groups.iter().map(|group| group.figures.questions()).sum::<u64>(), all);
        }
        for group in period.compagnons.iter().filter(|group| group.label != Label::Others) {
            let told = shown().flat_map(|shown| &shown.compagnons).filter(|other| other.label == group.label);
            prop_assert_eq!(group.figures.questions(), told.map(|other| other.figures.questions()).sum::<u64>());
        }
    }
}

/// So many people who ask one question each, from a number on.
fn room(of: u8, from: u8, compagnon: u8) -> impl Iterator<Item = Asked> {
    (from..from + of).map(move |person| Asked { person, week: 2, compagnon, activity: 0, rated: false })
}

fn labels(published: &Published) -> Vec<Label> {
    let shown = published.weeks.last().and_then(|week| week.shown.as_ref()).expect("shown");
    shown.compagnons.iter().map(|group| group.label.clone()).collect()
}

#[test]
fn a_room_of_nine_is_not_seen_beside_a_hundred() {
    let library = |id: &str| Label::Library(id.to_owned());
    // Nine with a compagnon of their own, fifty with one, thirty with another: the nine are hidden by the thirty.
    let asked = room(50, 0, 0).chain(room(30, 50, 1)).chain(room(9, 80, 3)).collect::<Vec<_>>();
    assert_eq!(labels(&Published::of(&counted(&asked), today())), [library("c0"), Label::Others]);
    // Ten are seen.
    let asked = room(50, 0, 0).chain(room(30, 50, 1)).chain(room(10, 80, 3)).collect::<Vec<_>>();
    assert_eq!(labels(&Published::of(&counted(&asked), today())), [library("c0"), library("c1"), Label::Made]);
    // Two rooms of nine: nobody knows whether they are the same people.
    let asked = room(50, 0, 0).chain(room(9, 50, 3)).chain(room(9, 59, 4)).collect::<Vec<_>>();
    assert_eq!(labels(&Published::of(&counted(&asked), today())), []);
}

#[test]
fn nine_people_are_not_a_week_and_a_week_is_over_when_its_answers_are() {
    let nine = Published::of(&counted(&room(9, 0, 0).collect::<Vec<_>>()), today());
    assert!(nine.weeks.iter().all(|week| week.shown.is_none()));
    let ten = counted(&room(10, 0, 0).collect::<Vec<_>>());
    assert!(Published::of(&ten, today()).weeks[2].shown.is_some());
    let monday = Published::of(&ten, Day(today().0 - 1));
    assert!(monday.weeks.iter().all(|week| week.week != week_of_the_questions()), "on Monday its answers are awaited");
    assert_eq!(Published::of(&ten, Day(0)).weeks.len(), 0);
    assert_eq!(Published::of(&Statistics::default(), today()).weeks.len(), 0);
    let old = Statistics { since: Some(Day(0)), ..ten };
    assert_eq!(Published::of(&old, today()).weeks.len() as u32, super::MOST_WEEKS);
}

fn week_of_the_questions() -> Week {
    week(2)
}

#[test]
fn ratings_and_times_of_few_answers_are_not_told() {
    let mut statistics = counted(&room(20, 0, 0).collect::<Vec<_>>());
    let rate = |statistics: &mut Statistics, useful, not_useful| {
        let counters = statistics.days.values_mut().next().expect("a day");
        *counters = Counters { useful, not_useful, ..counters.clone() };
        let published = Published::of(statistics, today());
        published.weeks[2].shown.as_ref().expect("shown").figures.useful_percent()
    };
    assert_eq!(rate(&mut statistics, 50, 50), None, "of nobody knows how many");
    let week = week_of_the_questions();
    statistics.raters.insert((week, Crowd::All), 9);
    assert_eq!(rate(&mut statistics, 50, 50), None, "of nine people");
    statistics.raters.insert((week, Crowd::All), 10);
    assert_eq!(rate(&mut statistics, 9, 0), None);
    assert_eq!(rate(&mut statistics, 7, 3), Some(70));
    assert_eq!(rate(&mut statistics, 2, 10), Some(17));
    let figures =
        |statistics: &Statistics| Published::of(statistics, today()).weeks[2].shown.clone().expect("shown").figures;
    assert!(figures(&statistics).first_text().is_some() && figures(&statistics).whole().is_none());
    for counters in statistics.days.values_mut() {
        counters.first_text = crate::statistics::Histogram::default();
        (0..9).for_each(|_| counters.first_text.record(Duration::from_secs(1)));
    }
    assert_eq!(figures(&statistics).first_text(), None);
}
