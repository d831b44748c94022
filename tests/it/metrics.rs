//! What Prometheus reads of a bot that has answered.

use std::collections::BTreeMap;

use compagnon::metric::{ALL, Kind};

use crate::world::{World, id_of};

#[tokio::test]
async fn prometheus_reads_what_the_bot_does_and_nothing_of_what_people_say() {
    let world = World::shared().await;
    let setup = world.setup().await;
    let bot = world.start(&setup);
    let (id, awa) = (id_of(&setup), world.person("awa").await);
    let (room, first) = awa.create_dm(&id, "Comment vous appelez-vous, zanzibul ?").await;
    awa.answer_to(&room, &first).await;

    let (status, text) = bot.said("/metrics").expect("an answer");
    assert_eq!(status, 200);
    let mut values: BTreeMap<&str, f64> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let name = series.split('{').next().unwrap_or(series);
        let parts = ["_bucket", "_sum", "_count"];
        let of_histogram = parts.iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
        let known = ALL.iter().any(|metric| match metric.kind {
            Kind::Histogram => metric.name == of_histogram,
            _ => metric.name == name,
        });
        assert!(known, "a metric that is not documented: {line}");
        *values.entry(name).or_default() += value.parse::<f64>().expect("a number");
    }
    for name in [
        "compagnon_info",
        "compagnon_ready",
        "compagnon_engine_steps_total",
        "compagnon_engine_step_seconds_count",
        "compagnon_engine_tokens_total",
        "compagnon_kv_blocks",
        "compagnon_questions_total",
        "compagnon_first_text_seconds_count",
        "compagnon_answer_seconds_count",
        "compagnon_answer_tokens_total",
        "compagnon_messages_total",
        "compagnon_rate_budget_messages",
        "compagnon_store_bytes",
    ] {
        assert!(values.get(name).is_some_and(|value| *value > 0.0), "{name} in {values:?}");
    }
    assert!(values["compagnon_sync_age_seconds"] < 90.0);
    assert!(values["compagnon_store_damaged_records"] < 1.0);
    assert!(values["compagnon_people"] < 1.0, "one person is not told of");
    let asked = "compagnon_questions_total{compagnon=\"temoin\"";
    assert!(text.lines().any(|line| line.starts_with(asked) && line.contains("outcome=\"answered\"")), "{text}");
    for told in ["zanzibul", id.as_str(), "awa", room.as_str()] {
        assert!(!text.contains(told), "{told} is in the metrics");
    }
}
