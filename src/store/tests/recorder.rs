//! What Prometheus is told of what is counted: the same as the store, once it is on disk.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::ratings::{react_on, reaction};
use super::usage::{answered, series};
use super::{accept, answer, deliver, folder, open, question, redact, turns};
use crate::energy::Energy;
use crate::statistics::{Compagnon, Counted, Day, Outcome, Refusal, Series};
use crate::store::{Conclusion, Database};
use crate::usage::{AnswerUsage, Usage};

const DAY: Day = Day(20_420);

/// Does something to a store, and reads what Prometheus then reads.
fn told(act: impl FnOnce(&Database)) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle: PrometheusHandle = recorder.handle();
    let folder = folder();
    metrics::with_local_recorder(&recorder, || act(&open(&folder)));
    handle.render()
}

fn conclude(store: &Database, name: &str, counted: Counted) {
    let asked = question("a", name);
    accept(store, std::slice::from_ref(&asked), 1_000);
    let usage = Usage {
        prompt_tokens: 100,
        cached_tokens: 60,
        completion_tokens: 10,
        energy: Energy { measured: 0, estimated: 600_000 },
        ..Usage::NOTHING
    };
    let usage =
        AnswerUsage { model: "tout-petit".to_owned(), compagnon: "juriste".to_owned(), compagnon_version: None, usage };
    let usage = Some(usage).filter(|_| counted.outcome == Outcome::Answered);
    let (turns, answer, counted) = (turns(&asked, 4_000), answer(&["a", "b"]), Some(counted));
    let conclusion = Conclusion { question: &asked, turns, answer, changes: Vec::new(), usage, counted };
    assert!(store.conclude(conclusion, 4_000).unwrap().is_some());
    deliver(store, &asked, 5_000);
}

fn lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn each_question_and_each_rating_is_told_once() {
    let text = told(|store| {
        conclude(store, "1", answered(DAY, "juriste"));
        conclude(store, "2", answered(DAY, "juriste"));
        let refused = Outcome::Refused(Refusal::TooLong);
        conclude(store, "3", Counted { outcome: refused, first_text_at: None, ..answered(DAY, "juriste") });
        let made = Series { compagnon: Compagnon::Made(7), ..series("x") };
        conclude(store, "4", Counted { series: made, ..answered(DAY, "x") });
        let awa = "@awa:tchap.test";
        let react = |name: &str, key: &str| react_on(store, DAY, reaction(awa, name, "shown0.1", key), false);
        react("r1", "👍");
        react("r1", "👍");
        react("r2", "👎");
        redact(store, "a", &["r2"], 6_000);
        redact(store, "a", &["r1"], 6_000);
        react("r3", "✅");
    });
    let of = |rest: &str| format!("{{compagnon=\"juriste\",model=\"tout-petit\",activity=\"answer\",{rest}}}");
    let made = |rest: &str| of(rest).replace("juriste", "made");
    let histogram = |name: &str, each: f64| {
        let labels = "activity=\"answer\"";
        [
            format!("compagnon_{name}_seconds_count{{{labels}}} 3"),
            format!("compagnon_{name}_seconds_sum{{{labels}}} {}", each * 3.0),
        ]
    };
    let mut expected = vec![
        format!("compagnon_questions_total{} 2", of("outcome=\"answered\"")),
        format!("compagnon_questions_total{} 1", of("outcome=\"too_long\"")),
        format!("compagnon_questions_total{} 1", made("outcome=\"answered\"")),
        format!("compagnon_answer_tokens_total{} 80", of("kind=\"prompt\"")),
        format!("compagnon_answer_tokens_total{} 120", of("kind=\"cached\"")),
        format!("compagnon_answer_tokens_total{} 20", of("kind=\"written\"")),
        format!("compagnon_answer_tokens_total{} 40", made("kind=\"prompt\"")),
        format!("compagnon_answer_tokens_total{} 60", made("kind=\"cached\"")),
        format!("compagnon_answer_tokens_total{} 10", made("kind=\"written\"")),
        // 1.2 J: the rest waits. 0.6 J of the other wait whole.
        format!("compagnon_answer_energy_joules_total{} 1", of("known=\"estimated\"")),
        // 👍, then 👎 in its place, then 👍 again, then nothing, then ✅.
        format!("compagnon_ratings_total{} 3", of("rating=\"useful\",change=\"given\"")),
        format!("compagnon_ratings_total{} 2", of("rating=\"useful\",change=\"withdrawn\"")),
        format!("compagnon_ratings_total{} 1", of("rating=\"not_useful\",change=\"given\"")),
        format!("compagnon_ratings_total{} 1", of("rating=\"not_useful\",change=\"withdrawn\"")),
    ];
    // Answers came 3 s after their questions, the first text after 0.4 s.
    expected.extend(histogram("answer", 3.0));
    expected.extend(histogram("first_text", 0.4));
    let (lines, mut expected) = (lines(&text), expected);
    expected.sort_unstable();
    let told: Vec<&str> =
        lines.into_iter().filter(|line| !line.contains("quantile=") && !line.ends_with(" 0")).collect();
    assert_eq!(told, expected);
}

#[test]
fn a_rate_sees_the_first_of_each_thing() {
    let text = told(|store| conclude(store, "1", answered(DAY, "juriste")));
    for (name, value) in [("useful", 0), ("not_useful", 0)] {
        let of = "{compagnon=\"juriste\",model=\"tout-petit\",activity=\"answer\"";
        let line = format!("compagnon_ratings_total{of},rating=\"{name}\",change=\"given\"}} {value}");
        assert!(text.contains(&line), "{line} in\n{text}");
    }
}

#[test]
fn many_series_are_told_together() {
    let text = told(|store| {
        for number in 0..230 {
            conclude(store, &format!("q{number}"), answered(DAY, &format!("c{number}")));
        }
    });
    let questions = text.lines().filter(|line| line.starts_with("compagnon_questions_total{"));
    let questions: Vec<&str> = questions.filter(|line| line.contains("outcome=\"answered\"")).collect();
    assert_eq!(questions.len(), 201);
    let others = questions.iter().find(|line| line.contains("compagnon=\"others\",model=\"\"")).expect("the others");
    assert!(others.ends_with(" 30"), "{others}");
}
