//! The metrics that Prometheus reads: their names, what they say, and by which labels. They are recorded where the thing happens, through the
//! `metrics` crate, and served by `http`. None has content, an identifier of Matrix, or a label with values that people make.

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows while the process runs.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It counts durations by steps.
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name, with its unit.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says, in one sentence.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident = $name:literal, $kind:ident, [$($label:literal),*], $help:literal;)*) => {
        $(#[doc = $help] pub const $constant: &str = $name;)*

        /// All of them.
        pub const ALL: &[Metric] =
            &[$(Metric { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help }),*];
    };
}

metrics! {
    INFO = "compagnon_info", Gauge, ["version", "model"], "1, with the version of the program and the model's name.";
    READY = "compagnon_ready", Gauge, [], "1 where the bot answers, otherwise 0: as /ready says.";
    SYNC_AGE = "compagnon_sync_age_seconds", Gauge, [], "The time since the homeserver's last answer was stored.";
    QUESTIONS_WAITING = "compagnon_questions_waiting", Gauge, [], "Messages that wait for an answer, or have one being written.";
    ANSWERS_TO_SEND = "compagnon_answers_to_send", Gauge, [], "Answers that are stored and not wholly sent.";
    UNDECRYPTED = "compagnon_undecrypted_messages", Gauge, [], "Messages whose key has not come.";
    STORE_BYTES = "compagnon_store_bytes", Gauge, [], "The size of the store on its disk.";
    DAMAGED = "compagnon_store_damaged_records", Gauge, [], "Records that did not open and were set aside.";
    MESSAGES = "compagnon_messages_total", Counter, ["outcome"], "Requests to send a message, by how the homeserver answered: accepted, limited, failed.";
    RATE_BUDGET = "compagnon_rate_budget_messages", Gauge, [], "How many messages in a row the homeserver would still take, as far as is known.";
    EGRESS = "compagnon_egress_calls_total", Counter, ["service", "outcome"], "Requests to other services, by their name in the configuration and by how they ended: done, refused, failed (tried again, or its outcome is not known).";
    ENGINE_STEPS = "compagnon_engine_steps_total", Counter, [], "Steps of the engine.";
    ENGINE_STEP_SECONDS = "compagnon_engine_step_seconds", Histogram, [], "How long the engine's steps take.";
    ENGINE_TOKENS = "compagnon_engine_tokens_total", Counter, ["kind"], "Tokens that the engine computed: of prompts (prompt), of answers (written).";
    ENGINE_SEQUENCES = "compagnon_engine_sequences", Gauge, ["state"], "Requests in the engine: running, waiting.";
    KV_BLOCKS = "compagnon_kv_blocks", Gauge, ["state"], "Blocks of the KV cache: used, and all there are (total).";
    QUESTIONS = "compagnon_questions_total", Counter, ["compagnon", "model", "activity", "outcome"], "Questions and jobs that ended: answered, or why they were not.";
    FIRST_TEXT_SECONDS = "compagnon_first_text_seconds", Histogram, ["activity"], "From a question's arrival to the first text of its answer.";
    ANSWER_SECONDS = "compagnon_answer_seconds", Histogram, ["activity"], "From a question's arrival to the end of its answer.";
    ANSWER_TOKENS = "compagnon_answer_tokens_total", Counter, ["compagnon", "model", "activity", "kind"], "Tokens of the answers that were counted: of prompts, computed (prompt) or from the cache (cached); written.";
    ANSWER_ENERGY = "compagnon_answer_energy_joules_total", Counter, ["compagnon", "model", "activity", "known"], "What the answers that were counted took, measured or estimated.";
    RATINGS = "compagnon_ratings_total", Counter, ["compagnon", "model", "activity", "rating", "change"], "Ratings of answers: given, or withdrawn. One that is changed is withdrawn and given.";
    REASONS = "compagnon_rating_reasons_total", Counter, ["compagnon", "model", "activity", "reason", "change"], "Why answers are not useful: given, or withdrawn.";
    PEOPLE = "compagnon_people", Gauge, [], "How many different people have asked something this week; 0 where they are fewer than ten.";
    ENERGY = "compagnon_energy_joules_total", Counter, ["known"], "What the engine's steps took, measured or estimated.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ALL, Kind};

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        let mut names = BTreeSet::new();
        for metric in ALL {
            let ends = metric.name.ends_with("_total");
            assert_eq!(ends, metric.kind == Kind::Counter, "{}", metric.name);
            assert!(metric.name.starts_with("compagnon_") && metric.help.ends_with('.'), "{}", metric.name);
            let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            // Prometheus has labels of these names of its own: ours would become `exported_job`.
            assert!(!metric.labels.contains(&"job") && !metric.labels.contains(&"instance"), "{}", metric.name);
            assert!(plain(metric.name) && metric.labels.iter().all(|label| plain(label)), "{}", metric.name);
            assert!(names.insert(metric.name), "{} is there twice", metric.name);
        }
    }

    #[test]
    fn every_metric_is_documented() {
        let page = include_str!("../docs/operations.md");
        for metric in ALL {
            let labels = metric.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
            let row = format!("| `{}` | {labels} | {} |", metric.name, metric.help);
            assert!(page.contains(&row), "operations.md has no row\n{row}");
        }
    }

    #[test]
    fn the_dashboard_and_the_alerts_ask_for_metrics_that_there_are() {
        let dashboard: serde_json::Value = serde_json::from_str(include_str!("../docs/grafana.json")).unwrap();
        let panels = dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row");
        let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
        let mut asked: Vec<String> = targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect();
        // Several bots are told apart, whatever the interval at which they are scraped.
        let apart = |expression: &String| expression.contains("$instance") && !expression.contains("m]");
        assert!(asked.iter().all(apart), "{asked:#?}");
        let alerts: serde_yaml::Value = serde_yaml::from_str(include_str!("../docs/alerts.yaml")).unwrap();
        let rules = alerts["groups"][0]["rules"].as_sequence().unwrap();
        let rules = rules.iter().map(|rule| rule["expr"].as_str().unwrap().to_owned());
        // Prometheus' own, of whether a bot is reached.
        asked.extend(rules.filter(|rule| !rule.starts_with("up{")));
        let word = |character: char| character.is_ascii_lowercase() || character == '_';
        for expression in &asked {
            let mut names =
                expression.split(|character| !word(character)).filter(|name| name.starts_with("compagnon_"));
            let known = |name: &str| {
                let name = name.strip_suffix("_bucket").unwrap_or(name);
                ALL.iter().any(|metric| metric.name == name)
            };
            assert!(names.clone().next().is_some() && names.all(known), "{expression}");
        }
        let shown = |metric: &super::Metric| asked.iter().any(|expression| expression.contains(metric.name));
        let unseen: Vec<&str> = ALL.iter().filter(|metric| !shown(metric)).map(|metric| metric.name).collect();
        assert_eq!(unseen, ["compagnon_engine_steps_total"], "what nobody looks at");
    }
}
