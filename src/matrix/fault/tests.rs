//! The real answers of homeservers and of what stands before them, each held against what it is to mean.

use matrix_sdk::{
    HttpError,
    encryption::CryptoStoreError,
    ruma::{
        api::{EndpointError as _, client::uiaa::UiaaResponse, error::FromHttpResponseError},
        exports::http,
    },
};
use serde::Deserialize;

use super::{Duration, Error, Fault, MegolmError, OlmError, is_foreign_success};

/// One answer of `tests/support/answers.yaml`; a redirect's target is not among what counts here.
#[derive(Deserialize)]
struct Known {
    from: String,
    status: u16,
    means: String,
    body: String,
}

fn known() -> Vec<Known> {
    serde_yaml::from_str(include_str!("../../../tests/support/answers.yaml")).unwrap()
}

/// The error that the SDK makes of an answer.
fn error(status: u16, body: &str) -> HttpError {
    if status < 300 {
        let error = serde_json::from_str::<()>(body).unwrap_err();
        return HttpError::Api(Box::new(FromHttpResponseError::Deserialization(error.into())));
    }
    let response = http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap();
    HttpError::Api(Box::new(FromHttpResponseError::Server(UiaaResponse::from_http_response(response))))
}

fn name(fault: &Fault) -> &'static str {
    match fault {
        Fault::Limited(_) => "wait",
        Fault::Unreachable(_) => "retry",
        Fault::Account(_) => "account",
        Fault::LoggedOut { .. } | Fault::Deactivated(_) => "stop",
        Fault::Expired => "expired",
        Fault::Refused(_) => "refused",
        Fault::Missing(_) => "missing",
        Fault::Local(_) | Fault::Storage(_) => "ours",
    }
}

#[test]
fn each_known_answer_means_what_it_is_to_mean() {
    let known = known();
    assert!(known.len() > 30);
    for Known { from, status, means, body } in known {
        let error = Error::from(error(status, &body));
        let fault = Fault::from(&error);
        println!("| {from} | {status} | {} |", name(&fault));
        assert_eq!(name(&fault), means, "{from}: {fault:?}");
        assert_eq!(is_foreign_success(&error), status == 200, "{from}");
    }
}

#[test]
fn a_server_that_fails_has_not_said_its_last_word() {
    for code in ["M_FORBIDDEN", "M_NOT_FOUND", "M_TOO_LARGE", "M_UNKNOWN_TOKEN", "M_USER_DEACTIVATED"] {
        let body = format!(r#"{{"errcode": "{code}", "error": "no"}}"#);
        assert!(matches!(Fault::from(&error(502, &body)), Fault::Unreachable(_)), "{code}");
    }
}

#[test]
fn no_body_and_no_code_ends_what_is_under_way() {
    let odd = [
        "",
        "{}",
        "[]",
        "null",
        "\u{feff}{}",
        r#"{"errcode": 5}"#,
        r#"{"errcode": ""}"#,
        r#"{"errcode": "M_NEW", "error": "x"}"#,
    ];
    for status in [300, 304, 400, 401, 402, 403, 404, 405, 407, 409, 410, 413, 418, 421, 431, 451, 499] {
        for body in odd {
            let fault = Fault::from(&error(status, body));
            assert!(matches!(fault, Fault::Unreachable(_)), "{status} {body}: {fault:?}");
            assert!(fault.is_transient() && !fault.is_final());
        }
    }
}

#[test]
fn no_wait_is_longer_than_is_granted() {
    let asked = |wait: u64| {
        let body = format!(r#"{{"errcode": "M_LIMIT_EXCEEDED", "error": "x", "retry_after_ms": {wait}}}"#);
        Fault::from(&error(429, &body))
    };
    assert_eq!(asked(1_500), Fault::Limited(Duration::from_millis(1_500)));
    assert_eq!(asked(864_000_000), Fault::Limited(super::MOST_WAIT));
}

#[test]
fn a_store_that_fails_is_no_refusal() {
    let full = || std::io::Error::from_raw_os_error(28);
    for error in [
        Error::Io(full()),
        Error::CryptoStoreError(Box::new(CryptoStoreError::backend(full()))),
        OlmError::Store(CryptoStoreError::backend(full())).into(),
        MegolmError::Store(CryptoStoreError::backend(full())).into(),
    ] {
        let fault = Fault::from(&error);
        assert!(matches!(&fault, Fault::Storage(why) if why.contains("No space")), "{fault:?}");
    }
    assert!(matches!(Fault::from(&Error::BackupNotEnabled), Fault::Local(_)));
}

#[test]
fn too_many_open_files_says_what_to_do() {
    let fault = Fault::from(&Error::Io(std::io::Error::from_raw_os_error(24)));
    assert!(matches!(&fault, Fault::Storage(why) if why.contains("ulimit -n")), "{fault:?}");
}
