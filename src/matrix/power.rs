//! The power level of a person in a room, by ruma's rules of the room's version. Pure.
//!
//! The content of `m.room.power_levels` is read field by field: in old rooms a single odd value would make the typed content fail, and
//! nobody could administer the bot there.

use std::collections::BTreeMap;

use matrix_sdk::ruma::{
    Int, OwnedUserId, UserId,
    events::room::power_levels::{RoomPowerLevels, RoomPowerLevelsSource, UserPowerLevel},
    room_version_rules::AuthorizationRules,
};
use serde_json::Value;

/// The power level of a person, from the content of `m.room.power_levels` if the room has one. `i64::MAX` for a privileged creator.
pub(super) fn level(
    rules: &AuthorizationRules,
    creators: &[OwnedUserId],
    content: Option<&Value>,
    user: &UserId,
) -> i64 {
    let mut levels = RoomPowerLevels::new(RoomPowerLevelsSource::None, rules, creators.iter().cloned());
    if let Some(content) = content {
        levels.users_default = content.get("users_default").map(number).unwrap_or_default();
        let own = content.get("users").and_then(|users| users.get(user.as_str()));
        levels.users = own.map(|own| (user.to_owned(), number(own))).into_iter().collect::<BTreeMap<_, _>>();
    }
    match levels.for_user(user) {
        UserPowerLevel::Infinite => i64::MAX,
        UserPowerLevel::Int(level) => level.into(),
        _ => 0,
    }
}

/// Old rooms may contain numbers as strings. Any other value gives no power.
fn number(value: &Value) -> Int {
    let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
    number.and_then(|number| Int::try_from(number).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use ruma::user_id;
    use serde_json::{Value, json};

    use super::{AuthorizationRules, level};

    /// The levels of the creator, of a moderator and of somebody else, in a room of version 12 or of an earlier one.
    fn levels_of(version_12: bool, levels: Option<&Value>) -> [i64; 3] {
        let rules = if version_12 { AuthorizationRules::V12 } else { AuthorizationRules::V11 };
        let creators = [user_id!("@maker:hs").to_owned()];
        let level = |user| level(&rules, &creators, levels, user);
        [user_id!("@maker:hs"), user_id!("@mod:hs"), user_id!("@other:hs")].map(level)
    }

    #[test]
    fn a_level_is_what_the_room_says() {
        let named = json!({"users": {"@maker:hs": 100, "@mod:hs": 50}});
        assert_eq!(levels_of(false, Some(&named)), [100, 50, 0]);
        let default = json!({"users": {"@mod:hs": 50}, "users_default": 7});
        assert_eq!(levels_of(false, Some(&default)), [7, 50, 7]);
        let texts = json!({"users": {"@mod:hs": " 50 "}, "users_default": "-1"});
        assert_eq!(levels_of(false, Some(&texts)), [-1, 50, -1]);
    }

    #[test]
    fn without_an_event_the_creator_has_a_hundred() {
        assert_eq!(levels_of(false, None), [100, 0, 0]);
        assert_eq!(levels_of(true, None), [i64::MAX, 0, 0]);
        assert_eq!(levels_of(false, Some(&json!({}))), [0, 0, 0]);
    }

    #[test]
    fn since_version_12_nothing_limits_the_creator() {
        assert_eq!(levels_of(true, Some(&json!({"users": {"@maker:hs": 0, "@mod:hs": 50}}))), [i64::MAX, 50, 0]);
    }

    #[test]
    fn what_is_not_a_number_gives_no_power() {
        for odd in [json!("a lot"), json!(1.5), json!(null), json!([100]), json!({}), json!(u64::MAX)] {
            assert_eq!(levels_of(false, Some(&json!({"users": {"@mod:hs": odd}}))), [0, 0, 0]);
        }
        for odd in [json!(7), json!(null), json!([])] {
            assert_eq!(levels_of(false, Some(&json!({"users": odd, "users_default": odd}))).len(), 3);
        }
        assert_eq!(levels_of(false, Some(&json!("nothing"))), [0, 0, 0]);
    }
}
