//! The rules about who may invite the bot and ask it questions, for invitations and for the assistant. Pure.

use ruma::{OwnedUserId, ServerName, UserId};

use super::config::AccessConfig;

/// The rules, for a bot that lives on a given homeserver.
#[derive(Clone, Debug)]
pub struct Access {
    servers: Vec<String>,
    users: Vec<OwnedUserId>,
    externals: bool,
    externals_servers: Vec<String>,
    unencrypted: bool,
    sentence: Sentence,
}

/// Why somebody, or a room, is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The user's homeserver is not one of those accepted.
    Server,
    /// The user is outside the State.
    External,
    /// The room is open to people outside the State.
    OpenRoom,
    /// The room is not encrypted.
    Unencrypted,
}

/// The sentence for a refused invitation. It is passed in, because the assistant has all the bot's sentences.
pub type Sentence = fn(Refusal) -> String;

impl Access {
    /// The configured rules. Without configured servers, only the bot's own server is accepted.
    #[must_use]
    pub fn new(config: &AccessConfig, own_server: &ServerName, sentence: Sentence) -> Self {
        let servers =
            if config.servers.is_empty() { vec![own_server.as_str().to_owned()] } else { config.servers.clone() };
        let users = config.users.iter().filter_map(|user| UserId::parse(user).ok()).collect();
        let externals_servers = config.externals_servers.clone();
        let (externals, unencrypted) = (config.externals, config.unencrypted);
        Self { servers, users, externals, externals_servers, unencrypted, sentence }
    }

    /// What people are told of a refusal.
    pub(super) fn sentence(&self, refusal: Refusal) -> String {
        (self.sentence)(refusal)
    }

    /// Whether this person may use the bot.
    pub fn user(&self, user: &UserId) -> Result<(), Refusal> {
        let on = |servers: &[String]| servers.iter().any(|server| server == user.server_name().as_str());
        if self.users.iter().any(|known| known == user) {
            return Ok(());
        }
        // First, so that an external server that is listed among the servers by mistake is still refused.
        if on(&self.externals_servers) {
            return if self.externals { Ok(()) } else { Err(Refusal::External) };
        }
        if on(&self.servers) { Ok(()) } else { Err(Refusal::Server) }
    }

    /// Whether the bot may be in a room with this rule (`im.vector.room.access_rules`), if the room says one.
    pub fn room(&self, rule: Option<&str>) -> Result<(), Refusal> {
        if rule == Some("unrestricted") && !self.externals { Err(Refusal::OpenRoom) } else { Ok(()) }
    }

    /// Whether the bot works in a room that is encrypted, or is not.
    pub fn encryption(&self, encrypted: bool) -> Result<(), Refusal> {
        if encrypted || self.unencrypted { Ok(()) } else { Err(Refusal::Unencrypted) }
    }

    /// Whether an invitation by this person to a room with this rule is accepted.
    pub fn invitation(&self, inviter: &UserId, rule: Option<&str>) -> Result<(), Refusal> {
        self.user(inviter)?;
        self.room(rule)
    }
}

#[cfg(test)]
mod tests {
    use ruma::{UserId, server_name};

    use super::{Access, AccessConfig, Refusal};

    const EXTERNAL: &str = "@x:agent.externe.tchap.gouv.fr";

    fn check(config: &AccessConfig, inviter: &str, rule: Option<&str>, expected: Result<(), Refusal>) {
        let access = Access::new(config, server_name!("agent.a.tchap.gouv.fr"), |_| String::new());
        let inviter = UserId::parse(inviter).unwrap();
        assert_eq!(access.invitation(&inviter, rule), expected, "{inviter} {rule:?}");
    }

    #[test]
    fn only_the_own_server_by_default() {
        let config = AccessConfig::default();
        check(&config, "@a:agent.a.tchap.gouv.fr", None, Ok(()));
        check(&config, "@a:agent.a.tchap.gouv.fr", Some("restricted"), Ok(()));
        check(&config, "@a:agent.a.tchap.gouv.fr", Some("direct"), Ok(()));
        check(&config, "@a:agent.a.tchap.gouv.fr", Some("unrestricted"), Err(Refusal::OpenRoom));
        check(&config, "@b:agent.b.tchap.gouv.fr", None, Err(Refusal::Server));
        check(&config, "@b:evil-agent.a.tchap.gouv.fr", None, Err(Refusal::Server));
        check(&config, EXTERNAL, None, Err(Refusal::External));
    }

    #[test]
    fn named_servers_replace_the_own_one() {
        let config = AccessConfig { servers: vec!["agent.b.tchap.gouv.fr".to_owned()], ..AccessConfig::default() };
        check(&config, "@b:agent.b.tchap.gouv.fr", None, Ok(()));
        check(&config, "@a:agent.a.tchap.gouv.fr", None, Err(Refusal::Server));
    }

    #[test]
    fn named_users_come_from_anywhere() {
        let config = AccessConfig { users: vec![EXTERNAL.to_owned()], ..AccessConfig::default() };
        check(&config, EXTERNAL, None, Ok(()));
        check(&config, EXTERNAL, Some("unrestricted"), Err(Refusal::OpenRoom));
        check(&config, "@y:agent.externe.tchap.gouv.fr", None, Err(Refusal::External));
    }

    #[test]
    fn externals_are_a_choice() {
        let config = AccessConfig { externals: true, ..AccessConfig::default() };
        check(&config, EXTERNAL, Some("unrestricted"), Ok(()));
        let listed =
            AccessConfig { servers: vec!["agent.externe.tchap.gouv.fr".to_owned()], ..AccessConfig::default() };
        check(&listed, EXTERNAL, None, Err(Refusal::External));
    }

    #[test]
    fn rooms_without_encryption_are_a_choice() {
        for (unencrypted, encrypted, expected) in [
            (true, false, Ok(())),
            (true, true, Ok(())),
            (false, true, Ok(())),
            (false, false, Err(Refusal::Unencrypted)),
        ] {
            let config = AccessConfig { unencrypted, ..AccessConfig::default() };
            let access = Access::new(&config, server_name!("agent.a.tchap.gouv.fr"), |_| String::new());
            assert_eq!(access.encryption(encrypted), expected, "{unencrypted} {encrypted}");
        }
        assert!(!AccessConfig::default().unencrypted);
    }
}
