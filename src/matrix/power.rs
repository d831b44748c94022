//! What a person may do in a room: the power level, as the specification computes it. Pure.

use ruma::{OwnedUserId, UserId};
use serde_json::Value;

/// The level of those who made a room, where no event says anything about levels.
const CREATOR: i64 = 100;

/// The people who made a room, and what that is worth in its version.
pub(super) struct Creators {
    pub(super) users: Vec<OwnedUserId>,
    /// Since room version 12 nothing stands above them, and no power level counts for them.
    pub(super) above_all: bool,
}

/// The power level of a person, from the content of `m.room.power_levels` if the room has one.
pub(super) fn level(creators: &Creators, levels: Option<&Value>, user: &UserId) -> i64 {
    let made_it = creators.users.iter().any(|creator| creator == user);
    if made_it && creators.above_all {
        return i64::MAX;
    }
    let Some(levels) = levels else { return if made_it { CREATOR } else { 0 } };
    let own = levels.get("users").and_then(|users| users.get(user.as_str()));
    own.or_else(|| levels.get("users_default")).and_then(number).unwrap_or(0)
}

/// Old rooms may hold numbers written as texts. What is neither gives no power.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use ruma::user_id;
    use serde_json::{Value, json};

    use super::{Creators, level};

    fn levels_of(above_all: bool, levels: Option<&Value>) -> [i64; 3] {
        let creators = Creators { users: vec![user_id!("@maker:hs").to_owned()], above_all };
        [user_id!("@maker:hs"), user_id!("@mod:hs"), user_id!("@other:hs")].map(|user| level(&creators, levels, user))
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
    fn without_a_word_the_maker_has_a_hundred() {
        assert_eq!(levels_of(false, None), [100, 0, 0]);
        assert_eq!(levels_of(true, None), [i64::MAX, 0, 0]);
        assert_eq!(levels_of(false, Some(&json!({}))), [0, 0, 0]);
    }

    #[test]
    fn since_version_12_nothing_stands_above_the_maker() {
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
