//! The version of what is written, and the way from one version to the next.
//!
//! Each step is one atomic write that carries its new version number, so that a kill in the middle of a migration leaves the
//! store at one version or the next.

use sled::{Batch, Db};

use super::StoreError;

/// Where the version stands: in plain, so that it can be read whatever the seals of that version are.
pub(super) const VERSION_KEY: &[u8] = b"mschema";

/// One step: reads the database and adds its changes to the batch.
pub(super) type Migration = fn(&Db, &mut Batch) -> Result<(), StoreError>;

/// The steps, the first one leading from version 1 to version 2. The current version is one more than their number.
pub(super) const MIGRATIONS: &[Migration] = &[];

/// What was found at start.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing was ever stored here.
    Empty,
    /// A store, now at the current version.
    Database,
}

/// Brings the database to the version these steps lead to; refuses one that a newer program wrote.
pub(super) fn migrate(db: &Db, migrations: &[Migration]) -> Result<Found, StoreError> {
    let current = migrations.len() as u32 + 1;
    let Some(stored) = db.get(VERSION_KEY)? else {
        db.insert(VERSION_KEY, &current.to_be_bytes())?;
        db.flush()?;
        return Ok(Found::Empty);
    };
    let stored: [u8; 4] = stored.as_ref().try_into().map_err(|_| StoreError::Damaged { tree: "schema" })?;
    let stored = u32::from_be_bytes(stored);
    if stored == 0 {
        return Err(StoreError::Damaged { tree: "schema" });
    }
    if stored > current {
        return Err(StoreError::Newer { stored, current });
    }
    for version in stored..current {
        let mut batch = Batch::default();
        migrations[version as usize - 1](db, &mut batch)?;
        batch.insert(VERSION_KEY, &(version + 1).to_be_bytes());
        fail::fail_point!("before-migration");
        db.apply_batch(batch)?;
        fail::fail_point!("migration-written");
        db.flush()?;
        fail::fail_point!("migrated");
        tracing::info!(from = version, to = version + 1, "the store was migrated");
    }
    Ok(Found::Database)
}

#[cfg(test)]
mod tests {
    use std::{env, os::unix::process::ExitStatusExt as _, path::Path, process};

    use sled::{Batch, Db};

    use super::{Found, MIGRATIONS, Migration, VERSION_KEY, migrate};
    use crate::store::StoreError;

    fn database() -> Db {
        sled::Config::new().temporary(true).open().unwrap()
    }

    /// Appends a letter to the one record, so that order and repetition show.
    fn append(db: &Db, batch: &mut Batch, letter: u8) {
        let mut value = db.get("x").unwrap().map_or(Vec::new(), |value| value.to_vec());
        value.push(letter);
        batch.insert("x", value);
    }

    const STEPS: &[Migration] = &[
        |db, batch| {
            append(db, batch, b'a');
            Ok(())
        },
        |db, batch| {
            append(db, batch, b'b');
            Ok(())
        },
    ];

    #[test]
    fn a_new_store_starts_at_the_current_version() {
        let db = database();
        assert_eq!(migrate(&db, STEPS).unwrap(), Found::Empty);
        assert_eq!(migrate(&db, STEPS).unwrap(), Found::Database);
        assert!(db.get("x").unwrap().is_none(), "no step runs on a new store");
    }

    #[test]
    fn each_step_runs_once_and_in_order() {
        let db = database();
        migrate(&db, MIGRATIONS).unwrap();
        migrate(&db, &STEPS[..1]).unwrap();
        assert_eq!(db.get("x").unwrap().unwrap(), b"a");
        migrate(&db, STEPS).unwrap();
        migrate(&db, STEPS).unwrap();
        assert_eq!(db.get("x").unwrap().unwrap(), b"ab");
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_before_it() {
        let db = database();
        migrate(&db, MIGRATIONS).unwrap();
        let failing: &[Migration] = &[STEPS[0], |_, batch| {
            batch.insert("x", "half");
            Err(StoreError::Damaged { tree: "test" })
        }];
        assert!(migrate(&db, failing).is_err());
        assert_eq!(db.get("x").unwrap().unwrap(), b"a");
        assert_eq!(db.get(VERSION_KEY).unwrap().unwrap().as_ref(), 2_u32.to_be_bytes());
    }

    fn database_at(folder: &Path) -> Db {
        sled::Config::new().path(folder).flush_every_ms(None).open().unwrap()
    }

    /// Not a test of its own: the process that dies, started by the test below.
    #[test]
    fn dies_in_a_migration() {
        let (Some(folder), Ok(point)) = (env::var_os("COMPAGNON_TEST_STORE"), env::var("COMPAGNON_TEST_POINT")) else {
            return;
        };
        fail::cfg_callback(point, || process::abort()).unwrap();
        let _ = migrate(&database_at(Path::new(&folder)), STEPS);
        unreachable!("the point is on the way");
    }

    #[test]
    fn a_kill_in_a_migration_leaves_the_version_before_or_after() {
        let kills = env::var("COMPAGNON_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(2);
        for point in ["before-migration", "migration-written", "migrated"] {
            let mut found = [0; 3];
            for _ in 0..kills {
                let folder = tempfile::tempdir().unwrap();
                let db = database_at(folder.path());
                migrate(&db, MIGRATIONS).unwrap();
                drop(db);
                // Two steps, each of which may be the one that is cut.
                for _ in 0..2 {
                    let status = process::Command::new(env::current_exe().unwrap())
                        .args(["--exact", "store::schema::tests::dies_in_a_migration"])
                        .envs([
                            ("COMPAGNON_TEST_STORE", folder.path().as_os_str()),
                            ("COMPAGNON_TEST_POINT", point.as_ref()),
                        ])
                        .stdout(process::Stdio::null())
                        .stderr(process::Stdio::null())
                        .status()
                        .unwrap();
                    // At the latest version nothing is left to die in.
                    assert!(status.signal().is_some() || !status.success(), "{point}: {status}");
                    let db = database_at(folder.path());
                    let version =
                        u32::from_be_bytes(db.get(VERSION_KEY).unwrap().unwrap().as_ref().try_into().unwrap());
                    let letters = db.get("x").unwrap().map_or(Vec::new(), |value| value.to_vec());
                    assert_eq!(letters, b"ab"[..version as usize - 1], "{point}");
                    found[version as usize - 1] += 1;
                }
                let db = database_at(folder.path());
                migrate(&db, STEPS).unwrap();
                assert_eq!(db.get("x").unwrap().unwrap(), b"ab");
            }
            println!(
                "{point}: {} kills left version 1, 2, 3: {found:?}; store opened and migrated: {kills}",
                2 * kills
            );
        }
    }

    #[test]
    fn a_store_of_a_newer_program_is_refused() {
        let db = database();
        migrate(&db, STEPS).unwrap();
        let error = migrate(&db, MIGRATIONS).unwrap_err();
        assert!(matches!(error, StoreError::Newer { stored: 3, current: 1 }));
    }
}
