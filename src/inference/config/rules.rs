//! What a repository, a checksum and an address of a hub are made of.

pub(super) fn default_endpoint() -> String {
    "https://huggingface.co".to_owned()
}

pub(super) fn is_repo(text: &str) -> bool {
    let name = |text: &str| {
        !text.is_empty()
            && !text.starts_with('.')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    text.split_once('/').is_some_and(|(owner, repo)| name(owner) && name(repo))
}

pub(super) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
