//! Days and weeks, as numbers: what is counted stands at them.

use std::fmt;

use jiff::{
    Span,
    civil::{Date, ISOWeekDate, Weekday},
};
use serde::{Deserialize, Serialize};

/// A day, as its number since 1970-01-01. In which time zone is whoever's who makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Day(pub u32);

/// A week from Monday to Sunday, as the number of its Monday since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Week(u32);

const EPOCH: Date = Date::constant(1970, 1, 1);

impl From<Date> for Day {
    /// Days before 1970 are 1970-01-01.
    fn from(date: Date) -> Self {
        let days = (date - EPOCH).get_days();
        Self(u32::try_from(days).unwrap_or(0))
    }
}

impl Day {
    /// The date. Days that no calendar has are its last one.
    #[must_use]
    pub fn date(self) -> Date {
        let days = Span::new().try_days(i64::from(self.0));
        days.and_then(|days| EPOCH.checked_add(days)).unwrap_or(Date::MAX)
    }

    /// The week that it is in.
    #[must_use]
    pub fn week(self) -> Week {
        // 1970-01-01 was a Thursday.
        Week(self.0.saturating_sub((self.0 + 3) % 7))
    }
}

impl Day {
    /// The day of that number so many months earlier, or the last one of a shorter month.
    #[must_use]
    pub fn months_before(self, months: u32) -> Self {
        let earlier = Span::new().try_months(i64::from(months));
        earlier.and_then(|earlier| self.date().checked_sub(earlier)).map_or(Self(0), Self::from)
    }
}

impl Week {
    /// Its first day, a Monday.
    #[must_use]
    pub fn monday(self) -> Day {
        Day(self.0)
    }

    /// Its last day, a Sunday.
    #[must_use]
    pub fn sunday(self) -> Day {
        Day(self.0.saturating_add(6))
    }

    /// The week before.
    #[must_use]
    pub fn before(self) -> Self {
        self.back(1)
    }

    /// The week that is so many weeks earlier.
    #[must_use]
    pub fn back(self, weeks: u32) -> Self {
        Self(self.0.saturating_sub(weeks.saturating_mul(7)))
    }

    /// The week after.
    #[must_use]
    pub fn after(self) -> Self {
        Self(self.0.saturating_add(7))
    }

    fn iso(self) -> ISOWeekDate {
        self.monday().date().iso_week_date()
    }
}

impl fmt::Display for Day {
    /// As `2026-11-29`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(formatter)
    }
}

impl fmt::Display for Week {
    /// As ISO 8601 writes it: `2026-W48`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let week = self.iso();
        debug_assert!(self.0 == 0 || week.weekday() == Weekday::Monday);
        write!(formatter, "{}-W{:02}", week.year(), week.week())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::{Day, Week};

    #[test]
    fn weeks_begin_on_monday_whatever_the_year_says() {
        for (day, monday, name) in [
            (date(2026, 11, 29), date(2026, 11, 23), "2026-W48"),
            (date(2026, 11, 30), date(2026, 11, 30), "2026-W49"),
            (date(2027, 1, 1), date(2026, 12, 28), "2026-W53"),
            (date(2025, 12, 29), date(2025, 12, 29), "2026-W01"),
            (date(1970, 1, 5), date(1970, 1, 5), "1970-W02"),
        ] {
            let week = Day::from(day).week();
            assert_eq!((week.monday().date(), week.to_string().as_str()), (monday, name), "{day}");
            assert_eq!((week.after().before(), week.sunday().week()), (week, week));
        }
        assert_eq!(Day::from(date(1969, 1, 1)), Day(0));
        assert_eq!(Day(0).week(), Week(0));
        assert_eq!(Day(u32::MAX).to_string(), "9999-12-31");
    }
}
