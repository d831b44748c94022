//! The report as one HTML file: no script, nothing from elsewhere, readable in the dark, on paper and by a screen reader.

use std::fmt::Write as _;

use super::shown::{cut, energy, incomplete, shown, visible};
use crate::{
    evaluation::{CaseResult, Change, Comparison, Run, Share},
    html::escaped,
};

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;margin:1rem 0}caption{text-align:left;font-weight:bold}\
th,td{border:1px solid;padding:.25rem .75rem;text-align:left}td.n{text-align:right}\
blockquote{margin:.5rem 0;padding-left:1rem;border-left:.25rem solid;white-space:pre-wrap;overflow-wrap:anywhere}";

/// The report as a page.
#[must_use]
pub fn html(run: &Run, comparison: Option<&Comparison<'_>>) -> String {
    let model = escaped(&run.model);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>Evaluation of {model}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>Evaluation of {model}</h1>\n<p>{} {}, {}. {}.</p>\n",
        env!("CARGO_PKG_NAME"),
        escaped(&run.version),
        escaped(&run.date),
        shown(run.share())
    );
    if let Some(sentence) = incomplete(run) {
        let _ = writeln!(page, "<p><strong>{sentence}</strong></p>");
    }
    if let Some(energy) = energy(run) {
        let _ = writeln!(page, "<p>{energy}</p>");
    }
    table(&mut page, "Compagnon", "By compagnon", &run.by_compagnon());
    table(&mut page, "Kind", "By what is measured", &run.by_kind());
    if let Some(comparison) = comparison {
        against(&mut page, comparison);
    }
    if let Some((sentence, cases)) = cut(run) {
        let _ = writeln!(page, "<h2>Answers that were cut</h2>\n<p>{}.</p>\n<ul>", sentence.replace('`', ""));
        for case in cases {
            let _ = writeln!(page, "<li>{} · {}</li>", escaped(&case.compagnon), escaped(&case.name));
        }
        page.push_str("</ul>\n");
    }
    let failed: Vec<&CaseResult> = run.cases.iter().filter(|case| !case.passed()).collect();
    let _ = writeln!(page, "<h2>Cases that fail ({})</h2>", failed.len());
    for case in failed {
        one(&mut page, case);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    visible(&page)
}

fn table(page: &mut String, heading: &str, caption: &str, rows: &[(&str, Share)]) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(
        page,
        "<table>\n<caption>{caption}</caption>\n<thead><tr><th scope=\"col\">{heading}</th><th scope=\"col\">passed</th>\
         <th scope=\"col\">of</th><th scope=\"col\">%</th><th scope=\"col\">95 %</th></tr></thead>\n<tbody>"
    );
    for (name, share) in rows {
        let interval = share.interval();
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{:.1}</td><td>{:.1} to {:.1}</td></tr>",
            escaped(name),
            share.passed,
            share.of,
            share.percent(),
            interval.low,
            interval.high
        );
    }
    page.push_str("</tbody>\n</table>\n");
}

fn against(page: &mut String, comparison: &Comparison<'_>) {
    let _ = writeln!(
        page,
        "<h2>Against the baseline</h2>\n<p>{} before, {} now, over the cases that both have. By chance alone: p = {:.3}.</p>",
        shown(comparison.before),
        shown(comparison.after),
        comparison.chance
    );
    if comparison.changes.is_empty() {
        return;
    }
    page.push_str("<ul>\n");
    for (change, case) in &comparison.changes {
        let change = match change {
            Change::Better => "better",
            Change::Worse => "<strong>worse</strong>",
            Change::New => "new",
            Change::Gone => "gone",
        };
        let _ = writeln!(page, "<li>{change}: {} · {}</li>", escaped(&case.compagnon), escaped(&case.name));
    }
    page.push_str("</ul>\n");
}

fn one(page: &mut String, case: &CaseResult) {
    let _ = writeln!(
        page,
        "<h3>{} · {}</h3>\n<blockquote>{}</blockquote>\n<ul>",
        escaped(&case.compagnon),
        escaped(&case.name),
        escaped(&case.query)
    );
    for reason in case.reasons() {
        let _ = writeln!(page, "<li>{}</li>", escaped(&reason.to_string()));
    }
    page.push_str("</ul>\n");
    let wrong = case.attempts.iter().find(|attempt| !attempt.failed.is_empty());
    if let Some(attempt) = wrong.filter(|attempt| !attempt.answer.is_empty()) {
        let cut = if attempt.cut() { ", cut" } else { "" };
        let _ = writeln!(page, "<p>The answer{cut}:</p>\n<blockquote>{}</blockquote>", escaped(&attempt.answer));
    }
    if !case.passages.is_empty() {
        page.push_str("<details>\n<summary>The passages</summary>\n<ol>\n");
        for passage in &case.passages {
            let _ = writeln!(page, "<li><blockquote>{}</blockquote></li>", escaped(passage));
        }
        page.push_str("</ol>\n</details>\n");
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{markdown, terminal},
        html,
    };
    use crate::{
        evaluation::{Attempt, CaseResult, Failed, Run, compare},
        usage::Finish,
    };

    #[test]
    fn a_report_names_what_failed_and_nothing_in_it_is_markup() {
        let hostile = "<script>alert(1)</script> **gras** [lien](https://x) \u{1b}[31m\0";
        let attempt = |failed| Attempt { answer: hostile.to_owned(), failed, ..Attempt::default() };
        let case = |name: &str, failed| CaseResult {
            name: name.to_owned(),
            compagnon: "rh".to_owned(),
            query: hostile.to_owned(),
            passages: vec![format!("Extrait : {hostile}")],
            attempts: vec![attempt(failed)],
            ..CaseResult::default()
        };
        let before = Run { cases: vec![case("congés", Vec::new())], ..Run::default() };
        let now = Run {
            model: "m<i>".to_owned(),
            cases: vec![case("congés", vec![Failed::Lacks("<b>25</b>\u{1b}[2J".to_owned())])],
            ..before.clone()
        };
        let comparison = compare(&before, &now);
        let page = html(&now, Some(&comparison));
        assert!(
            page.contains("congés") && page.contains("<strong>worse</strong>") && page.contains("lacks “&lt;b&gt;25")
        );
        assert!(!page.contains("<script>") && !page.contains("<i>"));
        assert!(page.contains("<li><blockquote>Extrait : &lt;script"), "{page}");
        let text = markdown(&now, Some(&comparison));
        assert!(
            text.contains("lacks")
                && !text.contains("**gras**")
                && !text.contains("[lien](")
                && text.contains("**worse**")
        );
        assert!(text.contains("Passage 1:\n\n> Extrait :"), "{text}");
        let lines = terminal(&now, Some(&comparison));
        assert!(lines.contains("✗ rh · congés") && lines.contains("1 worse"), "{lines}");
        for report in [page, text, lines] {
            assert!(report.chars().all(|letter| letter == '\n' || !letter.is_control()), "{report:?}");
        }
    }

    #[test]
    fn answers_that_were_cut_are_counted_and_named_even_where_they_pass() {
        let case = |name: &str, finish, failed| CaseResult {
            name: name.to_owned(),
            attempts: vec![Attempt { answer: "Oui, et".to_owned(), finish, failed, ..Attempt::default() }],
            ..CaseResult::default()
        };
        let mut run = Run::default();
        run.cases.push(case("passe", Finish::Length, Vec::new()));
        run.cases.push(case("manque", Finish::Length, vec![Failed::NotJson]));
        run.cases.push(case("entier", Finish::Stop, vec![Failed::NotJson]));
        for report in [html(&run, None), markdown(&run, None), terminal(&run, None)] {
            assert!(report.contains("2 of 3 answers were cut") && report.contains(" · passe"), "{report}");
        }
        assert!(html(&run, None).contains("The answer, cut:") && markdown(&run, None).contains("The answer, cut:"));
        let kept = serde_json::to_string(&run).expect("JSON");
        assert_eq!(serde_json::from_str::<Run>(&kept).expect("a run"), run);
        let before = kept.replace(",\"finish\":\"Length\"", "").replace(",\"finish\":\"Stop\"", "");
        assert_ne!(before, kept);
        assert_eq!(serde_json::from_str::<Run>(&before).expect("a run of before").cut().passed, 0);
        run.cases.retain(|case| case.name == "entier");
        for report in [html(&run, None), markdown(&run, None), terminal(&run, None)] {
            assert!(!report.contains("cut"), "{report}");
        }
    }
}
