//! What there is to say.

use serde::Serialize;

/// The short sentences of the page, in one language. Each language has all of them, because a struct must.
#[derive(Debug, Serialize)]
pub(in crate::page) struct Words {
    // The language's own name.
    pub(in crate::page) own_name: &'static str,
    // Leads past the navigation.
    pub(in crate::page) skip: &'static str,
    // What the navigation is.
    pub(in crate::page) pages: &'static str,
    // Titles of the pages.
    pub(in crate::page) statistics: &'static str,
    pub(in crate::page) accessibility: &'static str,
    pub(in crate::page) privacy: &'static str,
    // The state of conformity, which every page must show.
    pub(in crate::page) accessibility_state: &'static str,
    // What a search engine shows.
    pub(in crate::page) description: &'static str,
    // Notices.
    pub(in crate::page) not_found: &'static str,
    pub(in crate::page) not_found_text: &'static str,
    pub(in crate::page) unavailable: &'static str,
    pub(in crate::page) unavailable_text: &'static str,
    // What the page is.
    pub(in crate::page) lead: &'static str,
    // Before anything was counted.
    pub(in crate::page) lead_without_date: &'static str,
    // What is not shown.
    pub(in crate::page) rule: &'static str,
    // No week is over.
    pub(in crate::page) nothing_yet: &'static str,
    // A table without a row.
    pub(in crate::page) nothing_in_it: &'static str,
    // The last week.
    pub(in crate::page) key_title: &'static str,
    // The last week, of too few people.
    pub(in crate::page) key_small: &'static str,
    // Measures.
    pub(in crate::page) people: &'static str,
    pub(in crate::page) questions: &'static str,
    pub(in crate::page) useful: &'static str,
    pub(in crate::page) first_text_median: &'static str,
    pub(in crate::page) first_text_most: &'static str,
    pub(in crate::page) whole_median: &'static str,
    pub(in crate::page) whole_most: &'static str,
    pub(in crate::page) energy_measured: &'static str,
    pub(in crate::page) energy_estimated: &'static str,
    pub(in crate::page) co2: &'static str,
    // The last week's energy, shared.
    pub(in crate::page) per_question_measured: &'static str,
    pub(in crate::page) per_question_estimated: &'static str,
    // In place of a figure.
    pub(in crate::page) unknown: &'static str,
    // In place of energy that nothing took.
    pub(in crate::page) none: &'static str,
    // In place of a week's figures.
    pub(in crate::page) small_week: &'static str,
    // A column of weeks.
    pub(in crate::page) week: &'static str,
    // Sections.
    pub(in crate::page) use_title: &'static str,
    pub(in crate::page) use_text: &'static str,
    pub(in crate::page) use_caption: &'static str,
    pub(in crate::page) people_curve: &'static str,
    pub(in crate::page) questions_curve: &'static str,
    pub(in crate::page) useful_title: &'static str,
    pub(in crate::page) useful_text: &'static str,
    pub(in crate::page) useful_caption: &'static str,
    pub(in crate::page) useful_curve: &'static str,
    pub(in crate::page) compagnons_title: &'static str,
    pub(in crate::page) compagnons_text: &'static str,
    pub(in crate::page) compagnons_caption: &'static str,
    pub(in crate::page) compagnon: &'static str,
    pub(in crate::page) activities_title: &'static str,
    pub(in crate::page) activities_text: &'static str,
    pub(in crate::page) activities_caption: &'static str,
    pub(in crate::page) activity: &'static str,
    pub(in crate::page) people_at_least: &'static str,
    pub(in crate::page) questions_rounded: &'static str,
    // Groups.
    pub(in crate::page) made: &'static str,
    pub(in crate::page) others_compagnons: &'static str,
    pub(in crate::page) others_activities: &'static str,
    pub(in crate::page) answer: &'static str,
    pub(in crate::page) mastered: &'static str,
    pub(in crate::page) document: &'static str,
    pub(in crate::page) translation: &'static str,
    pub(in crate::page) note: &'static str,
    pub(in crate::page) review: &'static str,
    pub(in crate::page) pseudonyms: &'static str,
    pub(in crate::page) cases: &'static str,
    pub(in crate::page) times_title: &'static str,
    pub(in crate::page) times_text: &'static str,
    pub(in crate::page) times_caption: &'static str,
    pub(in crate::page) times_curve: &'static str,
    // The lines of a curve.
    pub(in crate::page) median: &'static str,
    pub(in crate::page) most: &'static str,
    pub(in crate::page) energy_title: &'static str,
    pub(in crate::page) energy_text: &'static str,
    pub(in crate::page) energy_caption: &'static str,
    pub(in crate::page) energy_curve: &'static str,
    pub(in crate::page) data: &'static str,
    pub(in crate::page) data_text: &'static str,
    pub(in crate::page) csv: &'static str,
    pub(in crate::page) json: &'static str,
    // How high a curve's drawing is.
    pub(in crate::page) scale: &'static str,
    // What a curve shows, in words.
    pub(in crate::page) curve_text: &'static str,
    // The same for one of several lines.
    pub(in crate::page) curve_line: &'static str,
    // Several lines.
    pub(in crate::page) curve_lines: &'static str,
    // No value.
    pub(in crate::page) curve_empty: &'static str,
}
