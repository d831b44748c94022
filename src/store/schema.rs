//! The version of what is written.
//!
//! It stands in plain, so that it can be read whatever the seals of that version are. How a store comes from one version to the next is
//! `migrate.rs`.

use sled::Db;

use super::error::StoreError;

/// Where the version stands.
pub(super) const VERSION_KEY: &[u8] = b"mschema";

/// The version that this program writes. It is raised for what an older program would destroy as well: version 3 has documents and mastered
/// answers, whose groups' keys a program of version 2 takes for keys without records, and removes.
pub(super) const CURRENT: u32 = 3;

/// What was found at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoreState {
    /// Nothing was ever stored here.
    Empty,
    /// A store of this version or an earlier one.
    Filled,
}

/// Refuses a database that a newer program wrote, and gives a new one the current version.
pub(super) fn check_version(db: &Db) -> Result<StoreState, StoreError> {
    let Some(stored) = version(db)? else {
        db.insert(VERSION_KEY, &CURRENT.to_be_bytes())?;
        db.flush()?;
        return Ok(StoreState::Empty);
    };
    if stored > CURRENT {
        return Err(StoreError::Newer { stored, current: CURRENT });
    }
    Ok(StoreState::Filled)
}

/// The version of a database; `None` for one that is empty.
pub(super) fn version(db: &Db) -> Result<Option<u32>, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged { tree: "schema" };
    let Some(stored) = db.get(VERSION_KEY)? else { return Ok(None) };
    let stored = u32::from_be_bytes(stored.as_ref().try_into().map_err(|_| DAMAGED)?);
    if stored == 0 { Err(DAMAGED) } else { Ok(Some(stored)) }
}

#[cfg(test)]
mod tests {
    use super::{CURRENT, StoreState, VERSION_KEY, check_version};
    use crate::store::error::StoreError;

    #[test]
    fn a_new_database_has_the_current_version_and_a_newer_one_is_refused() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        assert_eq!(check_version(&db).unwrap(), StoreState::Empty);
        assert_eq!(check_version(&db).unwrap(), StoreState::Filled);
        db.insert(VERSION_KEY, &(CURRENT + 1).to_be_bytes()).unwrap();
        let refused = check_version(&db).unwrap_err();
        assert!(
            matches!(refused, StoreError::Newer { stored, current } if (stored, current) == (CURRENT + 1, CURRENT))
        );
        for damaged in [&[0, 0, 0, 0][..], &[1], &[]] {
            db.insert(VERSION_KEY, damaged).unwrap();
            assert!(matches!(check_version(&db), Err(StoreError::Damaged { tree: "schema" })));
        }
    }
}
