//! `!statistiques`: how much is asked here and how useful the answers are; for the administrators of the service, of all rooms.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{Context, Reply, Spec};
use crate::{
    assistant::{
        clock::now,
        counting,
        failure::Failure,
        texts::{Text, statistics::Told},
    },
    compagnon::Library,
    statistics::{Activity, Compagnon, Counters, Crowd, Statistics, Week},
};

pub(super) const SPEC: Spec = Spec {
    names: &["statistiques", "statistics"],
    forms: [
        &[("", ""), ("service", "(administrateurs du service)")],
        &[("", ""), ("service", "(service administrators)")],
    ],
    urgent: true,
    instance: false,
};

/// The weeks that are shown, the present one included.
const WEEKS: u32 = 5;

/// The most compagnons that are named.
const MOST_COMPAGNONS: usize = 12;

/// Whether all rooms are meant.
pub(super) fn of_service(arguments: &str) -> bool {
    arguments.trim().eq_ignore_ascii_case("service")
}

pub(super) async fn run(context: &Context<'_>, arguments: &str) -> Result<Reply, Failure> {
    let (parts, direct) = (context.parts, context.message.direct);
    let present = counting::day(&parts.config, now()).week();
    let mut told = if of_service(arguments) {
        if !context.administers_instance() {
            return context.say(&Text::NeedsInstanceAdministrator);
        }
        if !context.is_private().await? {
            return context.say(&Text::OnlyInPrivate);
        }
        of_all_rooms(&parts.store.statistics().await?, present, &parts.library.library())
    } else if !arguments.trim().is_empty() {
        return context.usage(&SPEC.usage(context.language));
    } else {
        if !direct && !context.administers().await? {
            return context.say(&Text::NeedsAdministrator);
        }
        let counted = parts.store.room_statistics(&context.message.room_id).await?;
        of_one_room(&counted, present, direct)
    };
    told.co2_grams_per_kwh = parts.co2_grams_per_kwh;
    context.say(&Text::Statistics(Box::new(told)))
}

/// What is told of one room, without its people.
fn of_one_room(counted: &BTreeMap<(Week, Activity), Counters>, present: Week, direct: bool) -> Told {
    let mut told = Told { direct, ..Told::default() };
    for week in weeks(present) {
        let mut counters = Counters::default();
        for (activity, more) in of_week(counted, week) {
            counters.add(more);
            told.count(activity, more);
        }
        told.weeks.push((week, counters, None));
    }
    told
}

/// What is counted of a room in a week, by kind of work.
pub(super) fn of_week(
    counted: &BTreeMap<(Week, Activity), Counters>,
    week: Week,
) -> impl Iterator<Item = (Activity, &Counters)> {
    Activity::ALL.into_iter().filter_map(move |activity| Some((activity, counted.get(&(week, activity))?)))
}

/// What is told of all rooms: compagnons by their titles, those made by command together.
pub fn of_all_rooms(statistics: &Statistics, present: Week, library: &Library) -> Told {
    let shown: Vec<Week> = weeks(present).collect();
    let mut by_compagnon: BTreeMap<Option<&str>, Counters> = BTreeMap::new();
    let mut told = Told::default();
    for ((_, series), counters) in statistics.days.iter().filter(|((day, _), _)| shown.contains(&day.week())) {
        told.count(series.activity, counters);
        let name = match &series.compagnon {
            Compagnon::Library(id) => Some(id.as_str()),
            // Where there are so many that some are counted together, nearly all are made ones.
            Compagnon::Made(_) | Compagnon::Others => None,
        };
        by_compagnon.entry(name).or_default().add(counters);
    }
    for week in shown {
        let people = statistics.people(week, &Crowd::All);
        told.weeks.push((week, statistics.sum(week..=week, |_| true), Some(people)));
    }
    let title = |id: &str| library.get(id).map_or_else(|_| id.to_owned(), |compagnon| compagnon.about.name.clone());
    told.compagnons = by_compagnon.into_iter().map(|(id, counters)| (id.map(title), counters)).collect();
    told.compagnons.sort_by_key(|(_, counters)| Reverse(counters.questions));
    told.compagnons.truncate(MOST_COMPAGNONS);
    told
}

/// The weeks that are shown, the last one first.
fn weeks(present: Week) -> impl Iterator<Item = Week> {
    (0..WEEKS).map(move |ago| present.back(ago))
}

#[cfg(test)]
mod tests {
    use super::{of_all_rooms, of_one_room};
    use crate::{
        compagnon::Library,
        statistics::{Activity, Compagnon, Counters, Crowd, Day, Series, Statistics},
    };

    fn asked(questions: u64) -> Counters {
        Counters { questions, answers: questions, ..Counters::default() }
    }

    #[test]
    fn a_room_is_told_of_its_last_five_weeks() {
        let present = Day(20_786).week();
        let counted = [
            ((present, Activity::Answer), asked(3)),
            ((present, Activity::Note), asked(1)),
            ((present.back(4), Activity::Answer), asked(5)),
            ((present.back(5), Activity::Answer), asked(100)),
        ];
        let told = of_one_room(&counted.into(), present, false);
        let weeks: Vec<_> = told.weeks.iter().map(|(_, counters, people)| (counters.questions, *people)).collect();
        assert_eq!(weeks, [(4, None), (0, None), (0, None), (0, None), (5, None)]);
        assert_eq!((told.sum.questions, told.activities[&Activity::Answer]), (9, 8));
    }

    #[test]
    fn all_rooms_are_told_of_by_compagnon_and_made_ones_together() {
        let day = Day(20_786);
        let of = |compagnon, activity| (day, Series { compagnon, model: "m".to_owned(), activity });
        let statistics = Statistics {
            since: Some(day),
            days: [
                (of(Compagnon::Library("rh".to_owned()), Activity::Answer), asked(2)),
                (of(Compagnon::Made(1), Activity::Answer), asked(4)),
                (of(Compagnon::Made(2), Activity::Translation), asked(5)),
            ]
            .into(),
            people: [((day.week(), Crowd::All), 7)].into(),
            ..Statistics::default()
        };
        let told = of_all_rooms(&statistics, day.week(), &Library::default());
        assert_eq!(told.weeks[0].2, Some(7));
        assert_eq!(told.sum.questions, 11);
        let compagnons: Vec<_> = told.compagnons.iter().map(|(name, sum)| (name.as_deref(), sum.questions)).collect();
        assert_eq!(compagnons, [(None, 9), (Some("rh"), 2)]);
    }
}
