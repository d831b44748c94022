//! That a room of nine is in nothing that is published.

use serde_json::Value;

use super::{
    figures::{last, served},
    http::ask,
};

/// What tells of the week of nine or of the room of nine.
fn told(body: &str) -> Vec<String> {
    // The questions of the week of nine, as each language groups them.
    let questions = ["7919", "7 919", "7\u{202f}919", "7,919", "7920", "7\u{202f}920", "7,920"];
    let cells = [">9<", ",9,"];
    let mut told: Vec<String> =
        questions.iter().chain(&cells).filter(|figure| body.contains(**figure)).map(|&one| one.to_owned()).collect();
    if let Ok(json) = serde_json::from_str(body) {
        fewer(&json, &mut told);
    }
    told
}

/// The numbers of people in JSON that are smaller than ten.
fn fewer(json: &Value, told: &mut Vec<String>) {
    match json {
        Value::Object(fields) => {
            let people = fields.get("people").and_then(Value::as_u64).filter(|people| *people < 10);
            told.extend(people.map(|people| format!("\"people\": {people}")));
            fields.values().for_each(|field| fewer(field, told));
        }
        Value::Array(values) => values.iter().for_each(|value| fewer(value, told)),
        _ => {}
    }
}

/// Each form in which nine people might be told of is found.
#[tokio::test]
async fn nine_people_that_are_put_into_what_is_published_are_found() {
    let address = served().await;
    for (path, from, to) in [
        ("/statistiques", "<td>", "<td>9</td><td>"),
        ("/statistiques", "<dd>", "<dd>9</dd><dd>"),
        ("/statistiques", "<td>", "<td>7\u{202f}919</td><td>"),
        ("/statistics", "<td>", "<td>7,919</td><td>"),
        ("/statistiques.csv", ",all,,,", ",all,,,9,,,"),
        ("/statistiques.json", "\"people\":", "\"people\":9,\"before\":"),
    ] {
        let body = ask(address, "GET", path, "").await.body;
        assert!(body.contains(from), "{path}: {from}");
        assert_eq!(told(&body), Vec::<String>::new(), "{path}");
        assert_eq!(told(&body.replacen(from, to, 1)).len(), 1, "{path}: {to}");
    }
}

#[tokio::test]
async fn nothing_tells_of_the_week_of_nine_or_of_the_room_of_nine() {
    let address = served().await;
    let small = last().back(29 - 12);
    let mut seen = 0;
    for path in ["/statistiques", "/statistics", "/statistiques.csv", "/statistiques.json"] {
        let body = ask(address, "GET", path, "").await.body;
        assert_eq!(told(&body), Vec::<String>::new(), "{path}");
        seen += usize::from(body.contains(&small.to_string()) || body.contains("moins de 10 personnes"));
    }
    assert!(seen >= 3, "the week itself is named");
    let csv = ask(address, "GET", "/statistiques.csv", "").await.body;
    let line = csv.lines().find(|line| line.starts_with(&small.to_string())).expect("the week");
    assert!(line.ends_with(",all,,,,,,,,,,,,,"), "{line}");
    let unfinished = last().after().to_string();
    assert!(!csv.contains(&unfinished), "the week that is not over");
    // The notes were made by the room of nine alone: they are among the others, which more people made.
    let activities = csv.lines().filter(|line| line.starts_with(&last().to_string()) && line.contains(",activity,"));
    let activities = activities.map(|line| line.split(',').nth(3).expect("an id").to_owned()).collect::<Vec<_>>();
    assert_eq!(activities, ["answer", "translation", "(others)"]);
}

#[tokio::test]
async fn the_exports_say_the_same_as_the_page() {
    let address = served().await;
    let json = ask(address, "GET", "/statistiques.json", "").await.body;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let csv = ask(address, "GET", "/statistiques.csv", "").await.body;
    let page = ask(address, "GET", "/statistics", "").await.body;
    let weeks = json["weeks"].as_array().expect("weeks");
    assert_eq!(weeks.len(), 30);
    for week in weeks.iter().filter(|week| !week["people"].is_null()) {
        let (name, people, questions) = (week["week"].as_str().expect("a name"), &week["people"], &week["questions"]);
        assert!(
            csv.contains(&format!("{name},{},all,,,{people},,{questions},", week["monday"].as_str().expect("a day")))
        );
    }
    let last = weeks.last().expect("a week");
    let (people, questions) =
        (last["people"].as_u64().expect("a number"), last["questions"].as_u64().expect("a number"));
    let grouped = |number: u64| format!("<td>{},{:03}</td>", number / 1_000, number % 1_000);
    assert!(page.contains(&format!("{}{}", grouped(people), grouped(questions))), "{people} {questions}");
}
