//! The answers of a run in the form that `EvalAP` takes: the body of `POST /v1/experiment_set`, with one `ModelRaw` whose lists follow the rows of the
//! dataset. (Names and shapes: `EvalAP`'s own API.)

use std::time::Duration;

use serde_json::{Value, json};

use super::{Incomplete, Run};

/// What `EvalAP` is to compute on the answers.
#[derive(Clone, Debug)]
pub struct Experiment<'a> {
    /// What it is called there.
    pub name: &'a str,
    /// The dataset, by the name that `EvalAP` knows it by. Its rows are the cases, in their order.
    pub dataset: &'a str,
    /// The metrics to compute.
    pub metrics: &'a [String],
    /// The model that judges there.
    pub judge: Option<&'a str>,
}

/// The body. A repeat is an experiment of its own: a list has one value a row.
#[must_use]
pub fn evalap(run: &Run, experiment: &Experiment<'_>) -> Value {
    let repeats = run.cases.iter().map(|case| case.attempts.len()).max().unwrap_or(0).max(1);
    let models: Vec<Value> = (0..repeats).map(|repeat| model(run, repeat, repeats)).collect();
    let share = run.share();
    let cut = run.cut();
    let readme = format!(
        "{} {}, {}: {} of {} cases pass every check and repeat; {} of {} answers were cut.",
        env!("CARGO_PKG_NAME"),
        run.version,
        run.date,
        share.passed,
        share.of,
        cut.passed,
        cut.of
    );
    let readme = match run.incomplete {
        Some(Incomplete { asked, of }) => {
            format!("{readme} Stopped after {asked} of {of} cases: the others have no answer, or too few.")
        }
        None => readme,
    };
    let mut common = json!({ "dataset": experiment.dataset, "metrics": experiment.metrics });
    // Never a null: it is refused.
    if let Some(judge) = experiment.judge {
        // One that is known there: of another, it wants an address and a key.
        common["judge_model"] = json!(judge);
    }
    json!({
        "name": experiment.name,
        "readme": readme,
        "cv": { "common_params": common, "grid_params": { "model": models }, "repeat": 1 },
    })
}

fn model(run: &Run, repeat: usize, repeats: usize) -> Value {
    // A case that was asked less often stands with its last answer: rows may not shift.
    let attempts: Vec<_> = run.cases.iter().map(|case| case.attempts.get(repeat).or(case.attempts.last())).collect();
    let of = |value: fn(&super::Attempt) -> Value, absent: Value| -> Vec<Value> {
        attempts.iter().map(|attempt| attempt.map_or(absent.clone(), value)).collect()
    };
    let name = if repeats > 1 { format!("{} ({})", run.model, repeat + 1) } else { run.model.clone() };
    json!({
        "aliased_name": name,
        "output": of(|attempt| json!(attempt.answer), json!("")),
        "execution_time": of(|attempt| json!(whole(attempt.seconds)), json!(0)),
        "nb_tokens_prompt": of(|attempt| json!(attempt.prompt_tokens), json!(0)),
        "nb_tokens_completion": of(|attempt| json!(attempt.completion_tokens), json!(0)),
        "retrieval_context": run.cases.iter().map(|case| json!(case.passages)).collect::<Vec<_>>(),
    })
}

/// Whole seconds: others are refused.
fn whole(seconds: f64) -> u64 {
    let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    time.saturating_add(Duration::from_millis(500)).as_secs()
}

#[cfg(test)]
mod tests {
    use super::{Experiment, Run, evalap};
    use crate::evaluation::{Attempt, CaseResult};

    #[test]
    fn each_list_has_one_value_a_row() {
        let attempt = |answer: &str| Attempt { answer: answer.to_owned(), seconds: 1.5, ..Attempt::default() };
        let case = |attempts| CaseResult { attempts, passages: vec!["25 jours".to_owned()], ..CaseResult::default() };
        let cases = vec![case(vec![attempt("a"), attempt("b")]), case(vec![attempt("c")]), case(Vec::new())];
        let run = Run { model: "m".to_owned(), cases, ..Run::default() };
        let metrics = ["judge_precision".to_owned()];
        let body = evalap(&run, &Experiment { name: "rh", dataset: "rh-2026", metrics: &metrics, judge: None });
        let models = body["cv"]["grid_params"]["model"].as_array().expect("a list");
        assert_eq!(models.len(), 2);
        assert_eq!(models[1]["output"], serde_json::json!(["b", "c", ""]));
        for model in models {
            for list in ["output", "execution_time", "nb_tokens_prompt", "nb_tokens_completion", "retrieval_context"] {
                assert_eq!(model[list].as_array().map(Vec::len), Some(3), "{list}");
            }
        }
        assert!(!body.to_string().contains("null"));
        assert_eq!(models[0]["execution_time"], serde_json::json!([2, 2, 0]), "whole seconds");
        let judged =
            evalap(&run, &Experiment { name: "rh", dataset: "d", metrics: &metrics, judge: Some("albert-large") });
        assert_eq!(judged["cv"]["common_params"]["judge_model"], "albert-large");
        assert_eq!(body["cv"]["common_params"]["dataset"], "rh-2026");
    }
}
