//! The weekly digest: what the administrators of the service are told in private of the week that is over, where the configuration says so.

use std::time::Duration;

use ruma::OwnedEventId;

use super::{
    commands::{self, of_all_rooms},
    counting::day,
    courier::Administrators,
    texts::Text,
};
use crate::store::StoreError;

/// From which hour of Monday it is told: nobody's telephone rings at night for it.
const FROM: Duration = Duration::from_hours(8);

/// Tells the administrators of the week that is over, unless they were told or nothing was asked. It goes out under the same transaction id
/// each time, and is noted once all of them have it: a process that dies in between doubles nothing.
pub async fn tell(parts: &commands::Parts, administrators: &Administrators, now: u64) -> Result<(), StoreError> {
    let config = &parts.config;
    if !config.weekly_digest || !administrators.are_there() {
        return Ok(());
    }
    let waited = now.saturating_sub(u64::try_from(FROM.as_millis()).unwrap_or(u64::MAX));
    let over = day(config, waited).week().before();
    if parts.store.last_digest().await?.is_some_and(|told| told >= over) {
        return Ok(());
    }
    let mut told = of_all_rooms(&parts.store.statistics().await?, over, &parts.library.library());
    told.co2_grams_per_kwh = parts.co2_grams_per_kwh;
    let asked = told.weeks.first().is_some_and(|(_, counters, _)| counters.questions > 0);
    // No event made the bot speak: the week stands for one.
    let cause = OwnedEventId::try_from(format!("${over}:digest"));
    let (true, Ok(cause)) = (asked, cause) else { return Ok(()) };
    if administrators.told_all(&cause, &Text::Digest(Box::new(told))).await {
        parts.store.note_digest(over).await?;
    }
    Ok(())
}
