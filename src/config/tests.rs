//! The layers together, and the example against the types.

use std::collections::BTreeSet;

use serde_yaml::Value;

use super::{
    Config, ConfigError,
    keys::{Key, ValueKind, keys},
};

const EXAMPLE: &str = include_str!("../../config.example.yaml");
const ACCOUNT: &str = "matrix: {homeserver: 'http://h', user: u, password_file: f}\n";

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| (format!("COMPAGNON__{name}"), (*value).to_owned())).collect()
}

fn parse(text: &str, pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::parse(text, variables(pairs))
}

fn sentence(text: &str, pairs: &[(&str, &str)]) -> String {
    parse(text, pairs).expect_err("refused").to_string()
}

#[test]
fn the_example_loads_as_it_stands() {
    let config = parse(EXAMPLE, &[]).expect("a good example");
    assert!(config.matrix.is_some());
}

/// Lines that are a key behind a comment's sign count as keys: they are what people take the sign off.
fn uncommented(text: &str) -> String {
    let mut yaml = String::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let name = |rest: &str| {
            let name =
                rest.trim_start().split_once(':').filter(|(_, value)| value.is_empty() || value.starts_with(' '));
            name.is_some_and(|(name, _)| {
                !["true", "0"].contains(&name)
                    && name.bytes().all(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte))
            })
        };
        match line.trim_start().strip_prefix("# ") {
            Some(rest) if name(rest) => {
                yaml.push_str(&line[..indent]);
                yaml.push_str(rest);
            }
            Some(_) => {}
            None => yaml.push_str(line),
        }
        yaml.push('\n');
    }
    yaml
}

fn leaves(value: &Value, path: &str, known: &BTreeSet<String>, found: &mut BTreeSet<String>) {
    match value {
        Value::Mapping(section) if !known.contains(path) => {
            for (key, value) in section {
                let key = key.as_str().expect("a text");
                leaves(value, &if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }, known, found);
            }
        }
        _ => {
            found.insert(path.to_owned());
        }
    }
}

#[test]
fn the_example_has_every_key_and_no_other() {
    let known: BTreeSet<String> = keys::<Config>()
        .iter()
        .map(|key| key.name().replace("collections.*", "collections.rh").replace('*', "docs"))
        .collect();
    // The keys of the other encoders are those of an embedding model, which are all shown; the threshold is shown where it is used.
    let elsewhere = |key: &str| {
        let shown = ["model.reranker.folder", "model.entities.folder", "model.entities.threshold"];
        let of_others = key.starts_with("model.reranker.") || key.starts_with("model.entities.");
        key == "model.embedding.threshold" || (of_others && !shown.contains(&key))
    };
    let known: BTreeSet<String> = known.into_iter().filter(|key| !elsewhere(key)).collect();
    let example: Value = serde_yaml::from_str(&uncommented(EXAMPLE)).expect("YAML");
    let mut found = BTreeSet::new();
    leaves(&example, "", &known, &mut found);
    let missing: Vec<_> = known.difference(&found).collect();
    let unknown: Vec<_> = found.difference(&known).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing: {missing:?}; unknown: {unknown:?}");
}

#[test]
fn the_example_names_the_variables_that_are_not_keys() {
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"] {
        assert!(EXAMPLE.contains(name), "{name}");
    }
}

#[test]
fn the_example_shows_the_defaults() {
    let (example, default) = (parse(EXAMPLE, &[]).expect("good"), Config::default());
    assert_eq!(format!("{:#?}", example.assistant), format!("{:#?}", default.assistant));
    assert_eq!(format!("{:#?}", example.log), format!("{:#?}", default.log));
    let model = crate::inference::Config { file: example.model.file.clone(), ..default.model };
    assert_eq!(format!("{:#?}", example.model), format!("{model:#?}"));
}

#[test]
fn nothing_at_all_is_a_configuration() {
    assert!(parse("", &[]).expect("defaults").matrix.is_none());
    assert!(parse("matrix:\nmodel:\n# all of it left out\n", &[]).expect("defaults").matrix.is_none());
}

#[test]
fn what_does_not_fit_is_named_with_its_key_and_line() {
    let cases = [
        ("data: x\nmodle: {}\n", "modle: there is no such key; did you mean `model`?", "line 2"),
        ("assistant:\n  streaming:\n    enabled: perhaps\n", "assistant.streaming.enabled: it must be true", "line 3"),
        (
            "services:\n  docs: {url: 'https://h/', tokenfile: x}\n",
            "services.docs.tokenfile: there is no such key; did you mean `services.docs.token_file`?",
            "line 2",
        ),
        ("services:\n  docs:\n    timeout: 5s\n", "services.docs.url: it is missing", "line 2"),
        ("services:\n  docs:\n    url: ftp://h/\n", "services.docs.url: it is not an http or https URL", "line 3"),
        ("services: {docs: x}\n", "services.docs: it is a section", "line 1"),
        ("model:\n  contexte: 5\n", "model.contexte: there is no such key; did you mean `model.context`?", "line 2"),
        ("model:\n  queue: 5\n  context: 3\n", "model.context: 3 is not between", "line 3"),
        ("model:\n  queue: -5\n", "model.queue: ", "line 2"),
        ("model:\n  queue: many\n", "model.queue: it must be a number", "line 2"),
        ("model: {\n  time_limit: soon }\n", "model.time_limit: `soon` is not a duration such as", "line 2"),
        ("model:\n  time_limit: 30\n", "model.time_limit: it has no unit", "line 2"),
        ("assistant: {max_age: 1 mois}\n", "assistant.max_age: `1 mois`: months", "line 1"),
        ("assistant:\n  language: de\n", "assistant.language: unknown variant `de`", "line 2"),
        ("assistant:\n  administrators: [\n    'bob']\n", "assistant.administrators.0", "line 3"),
        ("assistant:\n  administrators: '@bob:h'\n", "assistant.administrators: it must be a list", "line 2"),
        ("assistant: 5\n", "assistant: it is a section", "line 1"),
        ("http:\n  listen: 8080\n", "http.listen: YAML reads this as something else than text", "line 2"),
        ("http: {listen: localhost}\n", "http.listen: ", "line 1"),
        ("matrix:\n  user: u\n", "matrix.homeserver: it is missing", "line 1"),
        ("matrix:\n  homeserver: h\n  user: u\n", "matrix: give exactly one of password", "line 1"),
        ("http: [1\n", "flow sequence", "line 1"),
        ("http:\n  listen: a\n  listen: b\n", "duplicate entry", "line 2"),
        ("- a\n", "it holds no sections", "config.yaml"),
    ];
    for (text, expected, place) in cases {
        let sentence = sentence(text, &[]);
        assert!(sentence.contains(expected) && sentence.contains(place), "{text:?} → {sentence}");
        assert!(!sentence.contains("jiff") && !sentence.contains("Span"), "{sentence}");
    }
}

#[test]
fn durations_are_read_as_people_write_them() {
    let text = "assistant: {retention: 7 days, retention_limit: 2 semaines, max_age: 1d}\nmodel: {time_limit: PT5M}\n";
    let config = parse(text, &[("ASSISTANT__AUDIT", "52w")]).expect("durations");
    assert_eq!(config.assistant.retention.as_hours(), 7 * 24);
    assert_eq!(config.assistant.retention_limit.as_hours(), 14 * 24);
    assert_eq!(config.assistant.max_age.as_hours(), 24);
    assert_eq!(config.assistant.audit.as_hours(), 52 * 7 * 24);
    assert_eq!(config.model.time_limit.as_mins(), 5);
}

#[test]
fn the_environment_alone_is_a_configuration() {
    let config = parse(
        "",
        &[
            ("MATRIX__HOMESERVER", "https://matrix.example.fr"),
            ("MATRIX__USER", "@bot:example.fr"),
            ("MATRIX__ACCESS_TOKEN_FILE", "/run/secrets/token"),
            ("MATRIX__DEVICE_ID", "123"),
            ("MATRIX__ACCESS__SERVERS", "a.fr, b.fr"),
            ("MATRIX__ACCESS__USERS", "[\"@c:d.fr\"]"),
            ("MATRIX__ENCRYPTION__STRICT", "True"),
            ("ASSISTANT__ADMINISTRATORS", "@x:a.fr,@y:a.fr"),
            ("ASSISTANT__LIMITS__PERSON", "{burst: 5, per_hour: 10}"),
            ("ASSISTANT__LIMITS__PERSON__BURST", "6"),
            ("ASSISTANT__COMPAGNON", ""),
            ("MODEL__SAMPLING__STOP", "[\"a,b\", \"c\"]"),
            ("MODEL__CONTEXT", "2048"),
            ("HTTP__LISTEN", "127.0.0.1:8080"),
        ],
    )
    .expect("fits");
    let matrix = config.matrix.expect("the section");
    assert_eq!(matrix.device_id.as_deref(), Some("123"), "text stays text");
    assert_eq!(matrix.access.servers, ["a.fr", "b.fr"]);
    assert_eq!(matrix.access.users, ["@c:d.fr"]);
    assert!(matrix.encryption.strict);
    assert_eq!(config.assistant.administrators.len(), 2);
    assert_eq!(config.assistant.limits.person.burst.get(), 6, "a key is over its section");
    assert_eq!(config.assistant.limits.person.per_hour.get(), 10);
    assert_eq!(config.assistant.compagnon, "generaliste", "an empty variable gives nothing");
    assert_eq!(config.model.sampling.stop, ["a,b", "c"]);
    assert_eq!(config.model.context, 2048);
}

#[test]
fn the_environment_is_over_the_file_and_its_mistakes_are_named() {
    let text = "assistant:\n  compagnon: temoin\n";
    let config = parse(text, &[("ASSISTANT__COMPAGNON", "autre")]).expect("fits");
    assert_eq!(config.assistant.compagnon, "autre");
    for (pairs, expected) in [
        (
            &[("ASSISTANT__COMPAGNE", "autre")][..],
            "COMPAGNON__ASSISTANT__COMPAGNE: assistant.compagne: there is no such key",
        ),
        (&[("DATA__X", "1"), ("DATA", "d")], "COMPAGNON__DATA__X"),
        (&[("MODEL__CONTEXT", "much")], "COMPAGNON__MODEL__CONTEXT: model.context: `much` is not a number"),
        (&[("MODEL__CONTEXT", "3")], "COMPAGNON__MODEL__CONTEXT: model.context: 3 is not between"),
        (&[("LOG__JSON", "oui")], "COMPAGNON__LOG__JSON: log.json: `oui` is neither"),
        (&[("ASSISTANT", "{max_age: 3}")], "COMPAGNON__ASSISTANT"),
        (&[("ASSISTANT", "x")], "COMPAGNON__ASSISTANT: assistant: it is a section"),
        (&[("ASSISTANT__ADMINISTRATORS", "@a:h,bob")], "COMPAGNON__ASSISTANT__ADMINISTRATORS"),
    ] {
        let sentence = sentence(text, pairs);
        assert!(sentence.contains(expected), "{pairs:?} → {sentence}");
    }
}

#[test]
fn a_layer_takes_the_place_of_what_excludes_it_below() {
    let text = format!("{ACCOUNT}model: {{file: a.gguf}}\n");
    let config = parse(&text, &[("MATRIX__PASSWORD", "12345")]).expect("fits");
    let matrix = config.matrix.expect("the section");
    assert!(matrix.password.is_some() && matrix.password_file.is_none());
    let config = parse(&text, &[("MATRIX__PASSWORD_FILE", "other")]).expect("fits");
    assert_eq!(config.matrix.expect("the section").password_file.as_deref(), Some("other".as_ref()));
    let hub = [
        ("MODEL__HUB__REPO", "o/n"),
        ("MODEL__HUB__FILE", "m.gguf"),
        ("MODEL__HUB__REVISION", "0123456789012345678901234567890123456789"),
    ];
    assert!(parse(&text, &hub).expect("fits").model.file.is_none());
    let both = sentence(&text, &[("MATRIX__PASSWORD", "a"), ("MATRIX__ACCESS_TOKEN", "b")]);
    assert!(both.contains("exactly one"), "{both}");
}

#[test]
fn no_sentence_and_no_debug_form_holds_a_secret() {
    let secret = "987654321";
    for text in [
        format!("matrix: {{homeserver: 'http://h', user: u, password: {secret}}}\n"),
        format!("matrix: {{homeserver: 'http://h', user: u, passwrod: '{secret}'}}\n"),
        format!("matrix: {{homeserver: 'http://h', user: u, access_token: ['{secret}']}}\n"),
        format!("matrix: {{homeserver: 'http://h', user: u, password: '{secret}', access_token: '{secret}'}}\n"),
    ] {
        let sentence = sentence(&text, &[]);
        assert!(!sentence.contains(secret), "{sentence}");
    }
    let config = parse(ACCOUNT, &[("MATRIX__PASSWORD", secret)]).expect("a secret is text whatever it looks like");
    assert!(!format!("{config:?}").contains(secret));
}

#[test]
fn a_huge_value_is_not_repeated() {
    let huge = "x".repeat(900_000);
    for text in
        [huge.clone(), format!("log: {{level: {huge}}}"), format!("? {huge}\n: 1"), format!("assistant: {{{huge}: 1}}")]
    {
        let length = sentence(&text, &[]).len();
        assert!(length < 1000, "{length} bytes of sentence for {}", &text[..20]);
    }
    assert!(sentence("", &[("LOG__LEVEL", &huge)]).len() < 1000);
}

#[test]
fn a_byte_order_mark_is_no_document() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, "\u{feff}log: {level: warn}\n").expect("written");
    assert_eq!(Config::load(Some(&path)).expect("fits").log.level, crate::telemetry::Level::Warn);
    std::fs::write(&path, "x".repeat(10_000_000)).expect("written");
    let sentence = Config::load(Some(&path)).expect_err("too long").to_string();
    assert!(sentence.contains("longer than 1048576 bytes") && sentence.len() < 300, "{sentence}");
}

/// Sets one key to one value, at whatever depth.
fn with(key: &Key, value: &str) -> Result<Config, ConfigError> {
    // What a section cannot be without.
    let rate = [
        ("ASSISTANT__LIMITS__PERSON", "{burst: 1, per_hour: 1}"),
        ("ASSISTANT__LIMITS__ROOM", "{burst: 1, per_hour: 1}"),
        ("SERVICES__DOCS__URL", "https://docs.example/"),
        ("MODEL__EMBEDDING__FOLDER", "/models/e5"),
        ("MODEL__RERANKER__FOLDER", "/models/reranker"),
        ("MODEL__ENTITIES__FOLDER", "/models/names"),
        ("COLLECTIONS__DOCS__FOLDER", "/srv/documents"),
        ("POSTGRES__URL", "postgres://compagnon@localhost/compagnon"),
    ];
    let name = key.path.join("__").replace('*', "docs").to_uppercase();
    parse("", &[&rate[..], &[(&name, value)]].concat())
}

#[test]
fn every_number_and_every_duration_has_bounds() {
    let (mut numbers, mut durations) = (0, 0);
    for key in keys::<Config>() {
        let absurd: &[&str] = match key.kind {
            // A seed is any number.
            ValueKind::Number if key.path.last() == Some(&"seed") => continue,
            ValueKind::Number => {
                numbers += 1;
                &["-1000000", "18446744073709551615", "1e300", ".inf", ".nan"]
            }
            // 0s: never.
            ValueKind::Duration if key.path.last() == Some(&"refresh") => &["-1h", "9999999h"],
            ValueKind::Duration => {
                durations += 1;
                &["-1h", "0s", "9999999h"]
            }
            _ => continue,
        };
        for value in absurd {
            let sentence = with(&key, value).map(drop).expect_err(&format!("{} = {value}", key.name())).to_string();
            assert!(sentence.contains(&key.name().replace('*', "docs")), "{value}: {sentence}");
        }
    }
    assert!(numbers >= 20 && durations >= 6, "{numbers} numbers, {durations} durations");
}

#[test]
fn json_is_known_to_be_wanted_even_where_the_rest_is_refused() {
    let json = super::layers::asks_for_json;
    assert!(json("log: {json: true}\nmodle: 1\n", &[]));
    assert!(json("", &variables(&[("LOG__JSON", "1")])));
    assert!(!json("log: {json: true}\n", &variables(&[("LOG__JSON", "false")])));
    assert!(!json(": [", &[]) && !json("", &[]));
}
