//! Who may have the bot act: one rule, on every path that leads to an answer. Pure: the facts are given.
//!
//! It is asked when something comes from a room (messages, edits, reactions, what cannot be decrypted yet), before it is stored; and again
//! when the turn of a question has come, because a restart, an edit or a command may bring up one that was accepted under other rules.

use ruma::UserId;

use crate::{
    matrix::{Access, Batch, RoomFacts},
    message::{Authorship, Edit, Incoming, Reaction},
};

/// The rules of this instance.
pub struct AccessRules {
    access: Access,
    /// Whether rooms open to people outside of the State are served.
    externals: bool,
    /// Whether administration commands are taken from devices that their owner has not signed.
    unverified_commands: bool,
}

/// What somebody wants of the bot.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// Who; `None`: the bot itself, because it joined a room or missed messages there.
    pub author: Option<&'a UserId>,
    /// The room, where it is an answer of the model that is wanted and the room is known.
    pub room: Option<&'a RoomFacts>,
    /// The authority that a command rests on, with what is proven of its author; `None` for what is no command.
    pub command: Option<(Authority, Option<Authorship>)>,
}

/// The authority that a command rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// None: everybody may.
    Nobody,
    /// A power level in the room.
    Room,
    /// Being an administrator of the instance.
    Instance,
}

/// Why something is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The person has no access.
    Person,
    /// The room is open to people outside of the State.
    OpenRoom,
    /// The room is not encrypted.
    Unencrypted,
    /// The author's device is not signed by its owner.
    UnverifiedDevice,
    /// The command came in clear: the homeserver's word is all there is.
    InClear,
}

impl AccessRules {
    /// The rules of the configuration.
    pub fn new(access: Access, externals: bool, unverified_commands: bool) -> Self {
        Self { access, externals, unverified_commands }
    }

    /// The rule.
    pub fn check(&self, act: &Act<'_>) -> Result<(), Denied> {
        if act.author.is_some_and(|author| self.access.user(author).is_err()) {
            return Err(Denied::Person);
        }
        if let Some(room) = act.room {
            self.serves_room(room.open, room.encrypted)?;
        }
        match act.command {
            Some((authority, authorship)) if self.needs_proof(authority) => proven(authority, authorship),
            _ => Ok(()),
        }
    }

    /// Whether a command of this authority is refused to a device that is not proven to be its owner's.
    pub fn needs_proof(&self, authority: Authority) -> bool {
        authority != Authority::Nobody && !self.unverified_commands
    }

    /// Whether a command may change something of another room. What came in clear is the homeserver's word, which counts for no more than
    /// the room it came from.
    pub fn reaches_other_rooms(&self, message: &Incoming) -> bool {
        message.megolm_session.is_some() || self.unverified_commands
    }

    /// Whether questions are answered in a room that is open to people outside of the State, or not; encrypted, or not.
    pub fn serves_room(&self, open: bool, encrypted: bool) -> Result<(), Denied> {
        if open && !self.externals {
            return Err(Denied::OpenRoom);
        }
        self.access.encryption(encrypted).map_err(|_| Denied::Unencrypted)
    }

    /// Whether a message may lead to an answer.
    pub fn may_ask(&self, message: &Incoming) -> bool {
        self.check(&Act::of(message)).is_ok()
    }

    /// Leaves out of a sync response what people without access have done. Redactions stay: what anybody takes back is forgotten.
    pub fn screen(&self, batch: &mut Batch) {
        self.screen_texts(&mut batch.messages, &mut batch.edits);
        self.screen_reactions(&mut batch.reactions);
        batch.verifications.retain(|request| self.serves(&request.sender));
        batch.undecrypted.retain(|event| event.sender.as_ref().is_some_and(|sender| self.serves(sender)));
    }

    /// The same for messages and edits alone.
    pub fn screen_texts(&self, messages: &mut Vec<Incoming>, edits: &mut Vec<Edit>) {
        messages.retain(|message| self.may_ask(message));
        edits.retain(|edit| self.serves(&edit.sender));
    }

    /// The same for reactions alone.
    pub fn screen_reactions(&self, reactions: &mut Vec<Reaction>) {
        reactions.retain(|reaction| self.serves(&reaction.sender));
    }

    fn serves(&self, person: &UserId) -> bool {
        self.check(&Act { author: Some(person), room: None, command: None }).is_ok()
    }
}

impl<'a> Act<'a> {
    /// What a message wants, as far as it is known from the message alone.
    pub fn of(message: &'a Incoming) -> Self {
        Self { author: message.is_message().then_some(&*message.sender), room: None, command: None }
    }
}

/// A homeserver can write in anybody's name, from a device that it adds to the account; what it cannot do is sign that device in the
/// owner's place.
fn proven(authority: Authority, authorship: Option<Authorship>) -> Result<(), Denied> {
    match (authorship, authority) {
        // Where nothing is encrypted the room's levels, too, are only the homeserver's word.
        (Some(Authorship::Signed), _) | (Some(Authorship::Clear), Authority::Nobody | Authority::Room) => Ok(()),
        (Some(Authorship::Clear), Authority::Instance) => Err(Denied::InClear),
        (Some(Authorship::Unsigned) | None, _) => Err(Denied::UnverifiedDevice),
    }
}

#[cfg(test)]
mod tests {
    use ruma::{server_name, user_id};

    use super::{AccessRules, Act, Authority, Denied};
    use crate::{
        matrix::{Access, RoomFacts, RoomKind, config::AccessConfig},
        message::Authorship,
    };

    fn rules(externals: bool, unverified_commands: bool) -> AccessRules {
        let config = AccessConfig { unencrypted: false, ..AccessConfig::default() };
        AccessRules::new(Access::new(&config, server_name!("h"), |_| String::new()), externals, unverified_commands)
    }

    #[test]
    fn each_act_is_denied_for_its_first_reason() {
        let (awa, stranger) = (user_id!("@awa:h"), user_id!("@mallory:elsewhere"));
        let room = |open, encrypted| RoomFacts { kind: RoomKind::Salon, name: None, open, encrypted };
        let (closed, open, clear) = (room(false, true), room(true, true), room(false, false));
        let by = |author| Act { author: Some(author), room: None, command: None };
        let command = |authority, authorship| Act { command: Some((authority, authorship)), ..by(awa) };
        let (signed, unsigned) = (Some(Authorship::Signed), Some(Authorship::Unsigned));
        let in_clear = Some(Authorship::Clear);
        let cases = [
            ("a person of the instance", by(awa), Ok(())),
            ("a stranger", by(stranger), Err(Denied::Person)),
            ("the bot's own coming in", Act { author: None, ..by(awa) }, Ok(())),
            ("a question in a room", Act { room: Some(&closed), ..by(awa) }, Ok(())),
            ("in an open room", Act { room: Some(&open), ..by(awa) }, Err(Denied::OpenRoom)),
            ("in clear", Act { room: Some(&clear), ..by(awa) }, Err(Denied::Unencrypted)),
            ("a stranger in an open room", Act { room: Some(&open), ..by(stranger) }, Err(Denied::Person)),
            ("a command for everybody", command(Authority::Nobody, unsigned), Ok(())),
            ("a room's command, signed", command(Authority::Room, signed), Ok(())),
            ("a room's command, unsigned", command(Authority::Room, unsigned), Err(Denied::UnverifiedDevice)),
            ("a room's command of nobody known", command(Authority::Room, None), Err(Denied::UnverifiedDevice)),
            ("a room's command in clear", command(Authority::Room, in_clear), Ok(())),
            ("the instance's command in clear", command(Authority::Instance, in_clear), Err(Denied::InClear)),
            ("the instance's command, signed", command(Authority::Instance, signed), Ok(())),
        ];
        for (name, act, expected) in cases {
            assert_eq!(rules(false, false).check(&act), expected, "{name}");
        }
        let lenient = rules(true, true);
        assert_eq!(lenient.check(&Act { room: Some(&open), ..by(awa) }), Ok(()), "open rooms are served");
        assert_eq!(lenient.check(&command(Authority::Instance, unsigned)), Ok(()), "devices need not be signed");
    }
}
