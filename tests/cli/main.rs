//! The program at its command line, without a real homeserver: exit statuses as `docs/operations.md` has them, what `check` says, and
//! the sentences with which a start is refused.

mod collections;
mod documents;
mod eval;
mod homeserver;

use std::{
    fs::{self, Permissions},
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use homeserver::{Homeserver, LOGIN, Route, VERSIONS};
use serde_json::Value;
use tempfile::TempDir;

const OPERATIONS: &str = include_str!("../../docs/operations.md");
/// Nobody answers there.
const NOBODY: &str = "http://127.0.0.1:9";
const PASSWORD: &str = "password: secret";
const TOKEN: &str = "access_token: secret, device_id: DEVICE";

/// A folder with a configuration.
struct Place(TempDir);

impl Place {
    fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Self(folder);
        fs::write(place.path("config.yaml"), config).expect("written");
        fs::set_permissions(place.path("config.yaml"), Permissions::from_mode(0o600)).expect("changed");
        place
    }

    /// With an account at this homeserver.
    fn with_account(url: &str, user: &str, secret: &str, more: &str) -> Self {
        Self::new(&format!(
            "matrix: {{ homeserver: \"{url}\", user: \"{user}\", {secret} }}\nassistant: {{ compagnon: temoin }}\n{more}"
        ))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a file in the data folder as the bot would.
    fn keep(&self, name: &str, content: &str) {
        let path = self.path("data").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, content).expect("written");
        for path in [self.path("data"), path.parent().expect("a folder").to_owned()] {
            fs::set_permissions(path, Permissions::from_mode(0o700)).expect("changed");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("changed");
    }

    /// A session that has been used.
    fn keep_session(&self, user: &str) {
        let session = format!(
            r#"{{"device_id":"DEVICE","user_id":"{user}","tokens":{{"access_token":"stored"}},"ed25519":"key"}}"#
        );
        self.keep("session.json", &session);
        self.keep("matrix/matrix-sdk-crypto.sqlite3", "");
        self.keep("matrix.key", "0123456789abcdef0123456789abcdef");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_compagnon"));
        command.current_dir(self.0.path()).args(["--config", "config.yaml"]).args(arguments).stdin(Stdio::null());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COMPAGNON__")) {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        Said::of(&self.command(arguments).output().expect("the program starts"))
    }
}

/// How the program ended, and what it said.
#[derive(Debug)]
struct Said {
    status: Option<i32>,
    out: String,
    error: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { status: output.status.code(), out: text(&output.stdout), error: text(&output.stderr) }
    }

    /// Its last sentence.
    fn last(&self) -> &str {
        self.error.lines().rev().find_map(|line| line.strip_prefix("compagnon: ")).unwrap_or_default()
    }

    fn has(&self, line: &str) -> bool {
        self.out.lines().any(|said| said.starts_with(line))
    }
}

/// `run` ends with this status and sentence; `check` finds the same wrong, with the same status.
fn refused(place: &Place, what: &str, status: i32, sentence: &str) {
    let run = place.run(&["run"]);
    println!("| {what} | {:?} | {} |", run.status, run.last());
    assert_eq!(run.status, Some(status), "{what}: {run:#?}");
    assert!(run.last().contains(sentence), "{what}: {run:#?}");
    let check = place.run(&["check"]);
    assert_eq!(check.status, Some(status), "check, {what}: {check:#?}");
    let found = check.out.lines().any(|line| line.starts_with("wrong ") && line.contains(sentence));
    assert!(found, "check, {what}: {check:#?}");
}

#[test]
fn the_table_of_exit_statuses_is_the_one_tested_here() {
    let rows: Vec<&str> = OPERATIONS
        .lines()
        .skip_while(|line| *line != "## Exit statuses")
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .map_while(|line| line.strip_prefix("| "))
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(rows, ["0", "1", "2", "3", "4", "5", "6", "7"]);
}

#[test]
fn status_0_when_all_is_well() {
    let place = Place::with_account(NOBODY, "bot", PASSWORD, "");
    let check = place.run(&["check", "--offline"]);
    assert_eq!(check.status, Some(0), "{check:#?}");
    assert!(check.has("the homeserver was not asked"), "{check:#?}");
    assert!(!place.path("data").exists(), "check makes nothing");
}

#[test]
fn status_1_for_what_no_other_row_names() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let place = Place::new(&format!("http: {{ listen: \"{free}\" }}\n"));
    let health = place.run(&["health"]);
    assert_eq!(health.status, Some(1), "{health:#?}");
    assert!(health.last().contains("it is not running"), "{health:#?}");
}

#[test]
fn status_2_for_a_wrong_command_line() {
    let place = Place::new("");
    assert_eq!(place.run(&["runn"]).status, Some(2));
    assert_eq!(place.run(&["check", "--ofline"]).status, Some(2));
}

#[test]
fn status_3_for_a_configuration_that_is_refused() {
    let account = |more: &str| Place::with_account(NOBODY, "bot", PASSWORD, more);
    let prompts = account("prompts: prompts\n");
    fs::create_dir(prompts.path("prompts")).expect("made");
    let damaged = account("model: { file: damaged.gguf }\n");
    fs::write(damaged.path("damaged.gguf"), "GGUF and nothing more").expect("written");
    let hub = "model: { hub: { repo: o/n, file: m.gguf, revision: 0123456789012345678901234567890123456789 } }\n";
    for (what, place, sentence) in [
        (
            "unknown key",
            account("modle: {}\n"),
            "config.yaml, line 3: modle: there is no such key; did you mean `model`?",
        ),
        ("no account", Place::new("assistant: { compagnon: temoin }\n"), "matrix: this section is missing"),
        ("no homeserver", Place::new("matrix: { user: u, password: x }\n"), "matrix.homeserver: it is missing"),
        ("mail address", Place::with_account(NOBODY, "bot@x.fr", PASSWORD, ""), "@bot:x.fr"),
        (
            "secret missing",
            Place::with_account(NOBODY, "bot", "password_file: nowhere", ""),
            "matrix.password_file: nowhere: ",
        ),
        ("unknown compagnon", prompts, "there is no compagnon `temoin`"),
        ("prompts missing", account("prompts: nowhere\n"), "prompts folder nowhere cannot be read"),
        ("model file missing", account("model: { file: nowhere.gguf }\n"), "nowhere.gguf"),
        ("model file damaged", damaged, "damaged.gguf"),
        ("model not pulled", account(hub), "compagnon model pull"),
    ] {
        refused(&place, what, 3, sentence);
    }
}

#[test]
fn status_3_for_a_data_folder_that_is_not_fit() {
    let open = Place::with_account(NOBODY, "bot", PASSWORD, "");
    open.keep("session.json", "{}");
    fs::set_permissions(open.path("data/session.json"), Permissions::from_mode(0o644)).expect("changed");
    refused(&open, "files open to others", 3, "chmod");
    let half = Place::with_account(NOBODY, "bot", PASSWORD, "");
    half.keep(".restoring/store.key", "");
    refused(&half, "half a restore", 3, "cut short");
}

#[test]
fn status_3_when_the_port_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let place = Place::with_account(NOBODY, "bot", PASSWORD, &format!("http: {{ listen: \"{address}\" }}\n"));
    let run = place.run(&["run"]);
    assert_eq!(run.status, Some(3), "{run:#?}");
    assert!(run.last().contains(&format!("http.listen: {address} cannot be used")), "{run:#?}");
}

#[test]
fn status_3_for_the_account_of_another_folder() {
    for user in ["other", "@other:hs.fr", "@bot:elsewhere.fr"] {
        let place = Place::with_account(NOBODY, user, PASSWORD, "");
        place.keep_session("@bot:hs.fr");
        refused(
            &place,
            &format!("user changed to {user}"),
            3,
            &format!("matrix.user is {user}, and the data folder belongs to @bot:hs.fr"),
        );
    }
}

#[test]
fn status_3_for_a_homeserver_that_has_moved() {
    let moved: Route = (
        "GET /_matrix/client/versions",
        "301 Moved Permanently\r\nlocation: https://matrix.hs.fr/_matrix/client/versions",
        "",
    );
    let server = Homeserver::start(&[moved]);
    let place = Place::with_account(&server.url(), "bot", PASSWORD, "");
    refused(&place, "homeserver redirects", 3, "write https://matrix.hs.fr");
}

#[test]
fn status_3_for_somebody_elses_token() {
    let whoami: Route =
        ("GET /_matrix/client/v3/account/whoami", "200 OK", r#"{"user_id":"@eve:hs.fr","device_id":"EVE"}"#);
    let server = Homeserver::start(&[VERSIONS, LOGIN, whoami]);
    let place = Place::with_account(&server.url(), "@bot:hs.fr", TOKEN, "");
    refused(&place, "another's token", 3, "matrix.access_token: the token belongs to @eve:hs.fr, device EVE");
}

#[test]
fn status_4_when_the_homeserver_refuses_the_account() {
    let unknown = r#"{"errcode":"M_UNKNOWN_TOKEN","error":"Invalid access token passed."}"#;
    let whoami: Route = ("GET /_matrix/client/v3/account/whoami", "401 Unauthorized", unknown);
    let server = Homeserver::start(&[VERSIONS, LOGIN, whoami]);
    let place = Place::with_account(&server.url(), "@bot:hs.fr", TOKEN, "");
    refused(&place, "wrong token at the first start", 4, "it does not know the token in matrix.access_token");

    let wrong: Route = (
        "POST /_matrix/client/v3/login",
        "403 Forbidden",
        r#"{"errcode":"M_FORBIDDEN","error":"Invalid username or password"}"#,
    );
    let server = Homeserver::start(&[VERSIONS, LOGIN, wrong]);
    let place = Place::with_account(&server.url(), "bot", PASSWORD, "");
    let run = place.run(&["run"]);
    println!("| wrong password | {:?} | {} |", run.status, run.last());
    assert_eq!(run.status, Some(4), "{run:#?}");
    assert!(run.last().contains("Invalid username or password"), "{run:#?}");

    let none: Route = ("GET /_matrix/client/v3/login", "200 OK", r#"{"flows":[{"type":"m.login.sso"}]}"#);
    let server = Homeserver::start(&[VERSIONS, none]);
    let check = Place::with_account(&server.url(), "bot", PASSWORD, "").run(&["check"]);
    assert_eq!(check.status, Some(4), "{check:#?}");
}

#[test]
fn status_5_when_the_keys_of_the_session_are_lost() {
    let lost = Place::with_account(NOBODY, "bot", PASSWORD, "");
    lost.keep_session("@bot:hs.fr");
    fs::remove_file(lost.path("data/matrix/matrix-sdk-crypto.sqlite3")).expect("removed");
    refused(&lost, "crypto store lost", 5, "the encryption store of this device is lost");
    let advised = "move matrix/, matrix.key and session.json away";
    for content in ["", "{", "[1]", "\u{0}"] {
        let damaged = Place::with_account(NOBODY, "bot", PASSWORD, "");
        damaged.keep_session("@bot:hs.fr");
        damaged.keep("session.json", content);
        refused(&damaged, "session.json damaged", 5, "session.json is damaged");
        assert!(damaged.run(&["run"]).last().contains(advised));
    }
}

#[test]
fn an_account_that_is_refused_for_now_is_waited_for_and_named() {
    let locked = r#"{"errcode":"M_USER_LOCKED","error":"This account has been locked","soft_logout":true}"#;
    let routes: [Route; 3] = [VERSIONS, LOGIN, ("POST /_matrix/client/v3/login", "401 Unauthorized", locked)];
    let homeserver = Homeserver::start(&routes);
    let place = Place::with_account(&homeserver.url(), "bot", PASSWORD, "");
    let mut bot = place.command(&["run"]).stderr(Stdio::piped()).spawn().expect("the program starts");
    let log = BufReader::new(bot.stderr.take().expect("its log"));
    let waits = log.lines().map_while(Result::ok).find(|line| line.contains("trying again"));
    let _ = bot.kill();
    let _ = bot.wait();
    let waits = waits.expect("a line while the account is refused");
    assert!(waits.contains("refuses the account for now") && waits.contains("M_USER_LOCKED"), "{waits}");
    assert!(!waits.contains("out of reach"), "{waits}");
}

#[test]
fn status_6_when_the_folder_is_in_use() {
    let place = Place::with_account(NOBODY, "bot", PASSWORD, "");
    let mut first = place.command(&["run"]).stderr(Stdio::piped()).spawn().expect("the program starts");
    let log = BufReader::new(first.stderr.take().expect("its log"));
    let waits = log.lines().map_while(Result::ok).find(|line| line.contains("out of reach"));
    let second = place.run(&["run"]);
    let _ = first.kill();
    let _ = first.wait();
    let waits = waits.expect("a line while the homeserver is out of reach");
    assert!(waits.contains("the connection is refused"), "{waits}");
    assert_eq!(second.status, Some(6), "{second:#?}");
}

const WHOAMI: Route =
    ("GET /_matrix/client/v3/account/whoami", "200 OK", r#"{"user_id":"@bot:hs.fr","device_id":"DEVICE"}"#);
const DEVICE: Route =
    ("GET /_matrix/client/v3/devices/DEVICE", "200 OK", r#"{"device_id":"DEVICE","display_name":"compagnon"}"#);
const SIGNED: Route = (
    "POST /_matrix/client/v3/keys/query",
    "200 OK",
    r#"{"device_keys":{"@bot:hs.fr":{"DEVICE":{"signatures":{"@bot:hs.fr":{"ed25519:S":"x"}}}}},
        "self_signing_keys":{"@bot:hs.fr":{"keys":{"ed25519:S":"S"}}}}"#,
);
const MEDIA: Route = ("GET /_matrix/client/v1/media/config", "200 OK", r#"{"m.upload.size":52428800}"#);

#[test]
fn check_asks_for_the_account_step_by_step() {
    let clock: Route = (
        "GET /_matrix/client/versions",
        "200 OK\r\ndate: Sat, 28 Nov 2020 05:00:00 GMT",
        r#"{"versions":["v1.1","v1.11"]}"#,
    );
    let server = Homeserver::start(&[clock, LOGIN, WHOAMI, DEVICE, SIGNED, MEDIA]);
    let place = Place::with_account(&server.url(), "bot", PASSWORD, "");
    place.keep_session("@bot:hs.fr");
    let before = fs::read(place.path("data/session.json")).expect("the session");
    let check = place.run(&["check"]);
    println!("{}", check.out);
    assert_eq!(check.status, Some(0), "{check:#?}");
    for line in [
        "ok    secret: matrix.password is read",
        "ok    session: @bot:hs.fr, device DEVICE",
        "ok    homeserver: http://127.0.0.1:",
        "warn  clock: this machine's clock is ",
        "ok    login: with a password",
        "ok    account: @bot:hs.fr, device DEVICE",
        "ok    device: DEVICE, compagnon",
        "ok    cross-signing: the account has signed this device",
        "ok    files: up to 50 MiB",
        "ok    rate limits: ",
    ] {
        assert!(check.has(line), "{line}: {}", check.out);
    }
    // Each step is told before its finding.
    let lines: Vec<&str> = check.out.lines().collect();
    for step in ["homeserver", "login", "account", "device", "cross-signing", "files"] {
        let at = |mark: &str| lines.iter().position(|line| line.starts_with(&format!("{mark}{step}: ")));
        assert!(at("...   ").expect(step) < at("ok    ").expect(step), "{step}");
    }
    assert!(server.asked().iter().all(|request| !request.starts_with("POST /_matrix/client/v3/login")), "it logs in");
    assert_eq!(fs::read(place.path("data/session.json")).expect("the session"), before);
}

#[test]
fn check_says_what_is_to_be_looked_at_and_goes_on() {
    let unsigned: Route = (
        "POST /_matrix/client/v3/keys/query",
        "200 OK",
        r#"{"device_keys":{"@bot:hs.fr":{"DEVICE":{"signatures":{}}}},"self_signing_keys":{"@bot:hs.fr":{"keys":{"ed25519:S":"S"}}}}"#,
    );
    let small: Route = ("GET /_matrix/client/v1/media/config", "200 OK", r#"{"m.upload.size":1000}"#);
    let server = Homeserver::start(&[VERSIONS, LOGIN, WHOAMI, DEVICE, unsigned, small]);
    let place = Place::with_account(&server.url(), "@bot:hs.fr", TOKEN, "");
    let check = place.run(&["check"]);
    assert_eq!(check.status, Some(0), "{check:#?}");
    assert!(check.has("warn  cross-signing: the account has not signed this device"), "{}", check.out);
    assert!(check.has("warn  files: the homeserver takes files of 1000 bytes"), "{}", check.out);
    assert!(check.has("ok    session: none yet"), "{}", check.out);
    assert!(check.out.contains("documents: they are read in a process of their own"), "{}", check.out);

    // A password is not tried, and a stored token that has expired is renewed by the next start.
    let server = Homeserver::start(&[VERSIONS, LOGIN]);
    let check = Place::with_account(&server.url(), "bot", PASSWORD, "").run(&["check"]);
    assert_eq!(check.status, Some(0), "{check:#?}");
    assert!(check.has("warn  account: the password is not tested"), "{}", check.out);
    let soft: Route = (
        "GET /_matrix/client/v3/account/whoami",
        "401 Unauthorized",
        r#"{"errcode":"M_UNKNOWN_TOKEN","error":"expired","soft_logout":true}"#,
    );
    let server = Homeserver::start(&[VERSIONS, LOGIN, soft]);
    let place = Place::with_account(&server.url(), "bot", PASSWORD, "");
    place.keep_session("@bot:hs.fr");
    let check = place.run(&["check"]);
    assert_eq!(check.status, Some(0), "{check:#?}");
    assert!(check.has("warn  account: the stored token has expired"), "{}", check.out);
}

#[test]
fn check_names_what_stands_between_and_waits_10_seconds_at_most() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let page =
        Homeserver::start(&[("GET /_matrix/client/versions", "503 Service Unavailable\r\nserver: nginx", "<html>")]);
    for (url, sentence) in [
        (NOBODY.to_owned(), "the connection is refused"),
        ("https://homeserver.invalid".to_owned(), "not known to DNS"),
        (format!("http://{}", silent.local_addr().expect("an address")), "no answer within 10 s"),
        (page.url(), "status 503 by nginx, and no answer of a homeserver"),
    ] {
        let check = Place::with_account(&url, "bot", PASSWORD, "").run(&["check"]);
        assert_eq!(check.status, Some(1), "{check:#?}");
        assert!(check.has("...   homeserver: asks "), "{}", check.out);
        let said = check.out.lines().find(|line| line.starts_with("wrong homeserver: ")).expect("a finding");
        println!("{said}");
        assert!(said.contains(sentence), "{said}");
    }
}

/// A server behind TLS whose certificate is for `localhost`, by an authority of its own. It ends with this value.
struct Tls(Child, u16);

impl Tls {
    /// One that names this homeserver.
    fn start(homeserver: &str) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/tls");
        let body = format!(r#"{{"m.homeserver":{{"base_url":"{homeserver}"}}}}"#);
        let mut command = Command::new("python3");
        command.arg("-I").arg(format!("{folder}/server.py")).arg(format!("{folder}/server.pem")).arg(body);
        let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("python3 starts");
        let mut port = String::new();
        BufReader::new(server.stdout.take().expect("its output")).read_line(&mut port).expect("its port");
        Self(server, port.trim().parse().expect("a port"))
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn check_tells_an_unknown_authority_from_a_wrong_name() {
    let server = Tls::start(NOBODY);
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/tls/authority.pem");
    for (host, known, sentence) in [
        (
            "localhost",
            false,
            "an authority that this machine does not know: name the authority's file in SSL_CERT_FILE",
        ),
        ("127.0.0.1", true, "its certificate is for another name"),
        ("localhost", true, "status 404 by BaseHTTP"),
    ] {
        let place = Place::with_account(&format!("https://{host}:{}", server.1), "bot", PASSWORD, "");
        let mut command = place.command(&["check"]);
        command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
        if known {
            command.env("SSL_CERT_FILE", authority);
        }
        let check = Said::of(&command.output().expect("the program starts"));
        let said = check.out.lines().find(|line| line.starts_with("wrong homeserver: ")).unwrap_or_default();
        println!("{said}");
        assert!(said.contains(sentence), "{host}, known {known}: {check:#?}");
        assert_eq!(check.status, Some(1), "{check:#?}");
    }
}

#[test]
fn a_server_name_is_discovered_through_redirections() {
    let homeserver = Homeserver::start(&[VERSIONS, LOGIN]);
    let server = Tls::start(&homeserver.url());
    let place = Place::with_account(&format!("localhost:{}", server.1), "bot", PASSWORD, "");
    let mut command = place.command(&["check"]);
    command.env("SSL_CERT_FILE", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/tls/authority.pem"));
    let check = Said::of(&command.output().expect("the program starts"));
    assert_eq!(check.status, Some(0), "{check:#?}");
    assert!(check.has("...   homeserver: asks localhost:"), "{check:#?}");
    assert!(check.has(&format!("ok    homeserver: {}/ answers, Matrix v1.11", homeserver.url())), "{check:#?}");
}

#[test]
fn the_environment_alone_is_enough() {
    let place = Place::new("");
    fs::write(place.path("secret"), "\u{feff}hunter2\n").expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_compagnon"));
    command.current_dir(place.0.path()).args(["check", "--offline"]);
    for (name, value) in [
        ("MATRIX__HOMESERVER", "https://matrix.hs.fr"),
        ("MATRIX__USER", "@bot:hs.fr"),
        ("MATRIX__ACCESS_TOKEN_FILE", "secret"),
        ("MATRIX__DEVICE_ID", "123"),
        ("ASSISTANT__COMPAGNON", "temoin"),
        ("ASSISTANT__MAX_AGE", "1d"),
        ("ASSISTANT__ADMINISTRATORS", "@a:hs.fr,@b:hs.fr"),
    ] {
        command.env(format!("COMPAGNON__{name}"), value);
    }
    let said = Said::of(&command.output().expect("the program starts"));
    assert_eq!(said.status, Some(0), "{said:#?}");
    assert!(said.has("ok    secret: matrix.access_token_file is read"), "{said:#?}");
    command.env("COMPAGNON__ASSISTANT__MAX_AGE", "1 fortnight");
    let said = Said::of(&command.output().expect("the program starts"));
    assert_eq!(said.status, Some(3), "{said:#?}");
    assert!(
        said.out.contains("the environment variable COMPAGNON__ASSISTANT__MAX_AGE: assistant.max_age: "),
        "{said:#?}"
    );
}

#[test]
fn secrets_that_anybody_may_read_are_said_by_check_and_at_a_start() {
    let place = Place::with_account(NOBODY, "bot", "password_file: secret", "model: { file: nowhere }\n");
    fs::write(place.path("secret"), "hunter2\n").expect("written");
    let inline = Place::with_account(NOBODY, "bot", PASSWORD, "model: { file: nowhere }\n");
    for (place, name) in [(&place, "secret"), (&inline, "config.yaml")] {
        for mode in [0o644, 0o666] {
            fs::set_permissions(place.path(name), Permissions::from_mode(mode)).expect("changed");
            let check = place.run(&["check", "--offline"]);
            assert!(
                check.out.lines().any(|line| line.starts_with("warn ") && line.contains(&format!("chmod o= {name}"))),
                "{check:#?}"
            );
            let run = place.run(&["run"]);
            assert!(run.error.lines().any(|line| line.contains("WARN") && line.contains("chmod")), "{run:#?}");
        }
        fs::set_permissions(place.path(name), Permissions::from_mode(0o640)).expect("changed");
        let check = place.run(&["check", "--offline"]);
        assert!(!check.out.contains("chmod"), "{check:#?}");
    }
}

#[test]
fn with_json_logs_the_last_sentence_is_json_too() {
    let account = "log: { json: true }\nmodel: { file: nowhere.gguf }\n";
    for (what, config, sentence) in [
        ("a model that is missing", account.to_owned(), "nowhere.gguf"),
        ("a configuration that is refused", format!("{account}modle: 1\n"), "modle"),
    ] {
        let run = Place::with_account(NOBODY, "bot", PASSWORD, &config).run(&["run"]);
        assert_eq!(run.status, Some(3), "{what}: {run:#?}");
        let lines: Vec<Value> = run
            .error
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{what}: {line}")))
            .collect();
        let last = lines.last().expect("a line");
        assert_eq!(last["level"], "ERROR", "{what}: {last}");
        assert!(last["fields"]["message"].as_str().is_some_and(|text| text.contains(sentence)), "{what}: {last}");
    }
}

#[test]
fn health_says_in_plain_words_that_nobody_answers() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let health = Place::new(&format!("http: {{ listen: \"{address}\" }}\n")).run(&["health"]);
    assert_eq!(health.status, Some(1), "{health:#?}");
    assert!(health.last().contains("did not answer within 5 s"), "{health:#?}");
    assert!(!health.error.contains("Resource temporarily"), "{health:#?}");
}
