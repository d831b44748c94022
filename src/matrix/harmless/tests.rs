//! The hostile messages of `tests/hostile`, as they are and as they become, against what is sent.

use proptest::{prelude::*, sample::select, test_runner::Config as Runs};
use serde_json::{Value, json};

use super::check_content;
use crate::matrix::fuzz::{answer, event};

const MESSAGES: &str = include_str!("../../../tests/hostile/messages.json");

fn messages() -> Vec<String> {
    let list: Vec<Value> = serde_json::from_str(MESSAGES).expect("a list");
    let text = |message: &Value| {
        let times = message["times"].as_u64().unwrap_or(1);
        message["text"].as_str().expect("a text").repeat(times as usize)
    };
    list.iter().map(text).collect()
}

/// The message within other markup.
fn within(text: &str, surroundings: &str) -> String {
    surroundings.replace('…', text)
}

const SURROUNDINGS: [&str; 16] = [
    "…",
    "… …",
    "Bonjour.\n\n…\n\nCordialement.",
    "> …",
    "- …\n- …",
    "# …",
    "**…**",
    "~~…~~",
    "`…`",
    "```\n…",
    "| a |\n|---|\n| … |",
    "[…](https://evil.example/)",
    "![…](…)",
    "[x](…)",
    "<div …>\n\n…</div>",
    "[…]: …\n\n[x][…]",
];

#[test]
fn no_hostile_message_does_anything_when_it_is_sent() {
    for text in messages() {
        // The long ones are about length; what stands around them is for the others.
        for surroundings in &SURROUNDINGS[..if text.len() > 4_000 { 1 } else { SURROUNDINGS.len() }] {
            answer(&within(&text, surroundings));
        }
    }
}

#[test]
fn hostile_messages_are_read_as_events() {
    for text in messages() {
        let formatted =
            json!({"msgtype": "m.text", "body": text, "formatted_body": text, "m.mentions": {"room": true}});
        let mut edit = json!({"msgtype": "m.text", "body": "x", "m.new_content": formatted});
        edit["m.relates_to"] = json!({"rel_type": "m.replace", "event_id": "$e"});
        for content in [formatted, edit] {
            event(
                &json!({"type": "m.room.message", "event_id": "$e", "sender": "@a:hs", "content": content}).to_string(),
            );
        }
    }
}

/// A change of one place in a text.
fn changed(text: &str, at: usize, put: &str) -> String {
    let (before, after) = text.split_at(text.floor_char_boundary(at % (text.len() + 1)));
    format!("{before}{put}{after}")
}

proptest! {
    #![proptest_config(Runs::with_cases(400))]

    #[test]
    fn nor_do_two_of_them_together_with_something_put_in(
        one in select(messages().into_iter().filter(|text| text.len() < 2_000).collect::<Vec<_>>()),
        two in select(messages().into_iter().filter(|text| text.len() < 2_000).collect::<Vec<_>>()),
        surroundings in select(SURROUNDINGS.to_vec()),
        at in any::<usize>(),
        put in select(vec![
            "", "\n", "\n\n", "![](x)", "[", "](", ")", "<", ">", "<!--", "-->", "`", "```\n", "*", "~~", "\\", "&", "&#64;", "|", "@",
            "\u{200B}", "\u{202E}", "\0", "> ", "- ", "[a]: b\n",
        ]),
    ) {
        answer(&within(&changed(&format!("{one}{two}"), at, put), surroundings));
    }
}

/// What must be refused is: the rules above would mean nothing without.
#[test]
fn each_rule_can_be_broken() {
    let sound = json!({
        "msgtype": "m.text", "body": "x", "format": "org.matrix.custom.html", "formatted_body": "<p>x</p>", "m.mentions": {},
    });
    assert_eq!(check_content(&sound, None, &[]), Ok(()));
    let links = ["https://source/".to_owned(), "javascript:x".to_owned(), "https://matrix.to/#/@bob:hs".to_owned()];
    let html = |html: &str| ("formatted_body", json!(html));
    let mut content = sound.clone();
    content["formatted_body"] = json!("<p><a href=\"https://source/\">x</a></p>");
    assert_eq!(check_content(&content, None, &links), Ok(()));
    assert!(check_content(&content, None, &[]).is_err(), "a link that nobody allowed");
    let message = "https://matrix.to/#/!r:hs/$m?via=hs".to_owned();
    content["formatted_body"] = json!(format!("<p><a href=\"{message}\">x</a></p>"));
    assert_eq!(check_content(&content, None, &[message]), Ok(()));
    assert!(check_content(&content, None, &[]).is_err(), "a message that nobody allowed");
    let broken = [
        html("<p>x"),
        html("x</p>"),
        html("<p><em>x</p></em>"),
        html("<img src=\"x\">"),
        html("<a href=\"https://evil\">x</a>"),
        html("<a href=\"https://source/\" onclick=\"x\">x</a>"),
        html("<a href=\"javascript:x\">x</a>"),
        html("<a href=\"https://matrix.to/#/@bob:hs\">x</a>"),
        html("<a href=\"https://source/\"><a href=\"https://source/\">x</a></a>"),
        html("<a name=\"x\">x</a>"),
        html("<p onclick=\"x\">x</p>"),
        html("<ol start=\"x\"></ol>"),
        html("<code class=\"x\"></code>"),
        html("<script>x</script>"),
        html("a > b"),
        html("&commat;room"),
        html("<p>@room</p>"),
        html("https://matrix.to/#/@bob:hs"),
        html(&"<p>".repeat(101)),
        html(&"x".repeat(50_000)),
        ("body", json!("@ROOM")),
        ("body", json!("matrix:u/bob:hs")),
        ("m.mentions", json!({"room": true})),
        ("m.mentions", json!({"user_ids": ["@bob:hs"]})),
        ("m.mentions", Value::Null),
        ("url", json!("mxc://evil/x")),
        ("msgtype", json!("m.image")),
    ];
    for (key, value) in broken {
        let mut content = sound.clone();
        content[key] = value;
        assert!(check_content(&content, None, &links).is_err(), "{content}");
    }
}
