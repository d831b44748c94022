//! The files of the Matrix session in the data folder, all readable by the bot's account alone:
//!
//! | file | what | lost |
//! |---|---|---|
//! | `matrix/` | the SDK's `SQLite` stores | old messages unreadable, the device must be replaced |
//! | `matrix/lease.json` | how often this device has written the account's lease (`lease.rs`) | the folder counts as put back to an earlier state |
//! | `matrix.key` | 32 random bytes that encrypt those stores | as above |
//! | `session.json` | user, device, tokens | log in again: a new device |
//! | `recovery.key` | the account's recovery key | the keys' backup on the server cannot be opened |
//! | `retired.json` | after a restore: the devices whose keys are not here | a device could be used again that must not be |
//!
//! A backup holds the last two and not the others. A device's keys only ever go forward: put back to an earlier state they would
//! seal new messages as old ones were, and the homeserver would hand out one-time keys that nobody has any more. So what is
//! restored is the account's identity, and the next start logs in as a new device, which that identity signs.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use matrix_sdk::{
    SessionTokens,
    ruma::{OwnedDeviceId, OwnedUserId},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// The database whose loss makes the device unusable.
const CRYPTO_STORE: &str = "matrix-sdk-crypto.sqlite3";

/// What of these files goes into a backup.
pub const PORTABLE: [&str; 2] = ["recovery.key", RETIRED];
const RETIRED: &str = "retired.json";

/// Files by name.
pub type Files = Vec<(&'static str, Zeroizing<Vec<u8>>)>;

/// The files of [`PORTABLE`], as they are to be in another data folder: there this one's device is retired.
pub fn portable(folder: &Path) -> io::Result<Files> {
    let vault = Vault { folder: folder.to_owned() };
    let mut retired = vault.retired()?;
    retired.extend(vault.session()?.map(|stored| stored.device_id));
    let mut files = vec![(RETIRED, Zeroizing::new(serde_json::to_vec(&retired)?))];
    if let Some(key) = vault.recovery_key()? {
        files.push(("recovery.key", Zeroizing::new(key.expose().as_bytes().to_vec())));
    }
    Ok(files)
}

/// What `session.json` holds.
///
/// It is first written *before* the login, with the device id alone: a login that is cut off is then repeated for the same device
/// on the same stores, instead of leaving stores that belong to no known device.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    /// The device, chosen here before the first login.
    pub(super) device_id: OwnedDeviceId,
    /// The account, known after the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user_id: Option<OwnedUserId>,
    /// The tokens of a password login. An administrator's token stays in the configuration and is not copied here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tokens: Option<SessionTokens>,
    /// The device's public signing key, known after the first connection: a store that has lost its account and makes another is known by
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ed25519: Option<String>,
}

/// What `matrix/lease.json` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Instance {
    /// This data folder on this disk; a copy of it is another.
    #[serde(rename = "instance")]
    pub(super) id: String,
    /// How often the lease was written from here.
    pub(super) count: u64,
    /// Until when another bot may have answered for the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) another_until: Option<u64>,
}

/// The files.
#[derive(Clone, Debug)]
pub(super) struct Vault {
    folder: PathBuf,
}

impl Vault {
    /// Opens the folder, making what is missing.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder.join("matrix"))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The folder as it is: nothing is made.
    pub(super) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Where the SDK's stores are.
    pub(super) fn stores(&self) -> PathBuf {
        self.folder.join("matrix")
    }

    /// Whether the encryption store, and the key that opens it, are there.
    pub(super) fn holds_crypto(&self) -> bool {
        self.stores().join(CRYPTO_STORE).exists() && self.folder.join("matrix.key").exists()
    }

    /// Which instance this folder is. It is known by the folder itself, whatever is put in it; where the file system does not say when
    /// a folder was made, by a name that is kept in it, which a copy then shares.
    pub(super) fn instance(&self) -> io::Result<Instance> {
        let kept = match fs::read(self.lease_file()) {
            // A damaged file counts as one that was put back from the very beginning.
            Ok(bytes) => serde_json::from_slice::<Instance>(&bytes).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let known = match (place(&self.folder)?, &kept) {
            (Some(place), _) => place,
            (None, Some(kept)) => kept.id.clone(),
            (None, None) => format!("{:032x}", rand::random::<u128>()),
        };
        let instance = match kept {
            Some(kept) if kept.id == known => return Ok(kept),
            Some(copied) => Instance { id: known, ..copied },
            None => Instance { id: known, count: 0, another_until: None },
        };
        self.save_instance(&instance)?;
        Ok(instance)
    }

    /// Replaces what [`Self::instance`] gives.
    pub(super) fn save_instance(&self, instance: &Instance) -> io::Result<()> {
        write(&self.lease_file(), &serde_json::to_vec(instance)?)
    }

    /// Beside the encryption store: put back to an earlier state, they are so together.
    fn lease_file(&self) -> PathBuf {
        self.stores().join("lease.json")
    }

    /// The devices that must not be used again.
    pub(super) fn retired(&self) -> io::Result<Vec<OwnedDeviceId>> {
        match fs::read(self.folder.join(RETIRED)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Whether stores are there without the key that opens them.
    pub(super) fn lost_key(&self) -> bool {
        self.stores().join(CRYPTO_STORE).exists() && !self.folder.join("matrix.key").exists()
    }

    /// The key of the SDK's stores, made at the first start.
    pub(super) fn store_key(&self) -> io::Result<Zeroizing<[u8; 32]>> {
        let path = self.folder.join("matrix.key");
        match fs::read(&path).map(Zeroizing::new) {
            Ok(bytes) => <[u8; 32]>::try_from(bytes.as_slice())
                .map(Zeroizing::new)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "matrix.key does not hold 32 bytes")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = Zeroizing::new(rand::random::<[u8; 32]>());
                write(&path, key.as_slice())?;
                Ok(key)
            }
            Err(error) => Err(error),
        }
    }

    /// The stored session, if there is one.
    pub(super) fn session(&self) -> io::Result<Option<Stored>> {
        match fs::read(self.folder.join("session.json")).map(Zeroizing::new) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the stored session.
    pub(super) fn save_session(&self, session: &Stored) -> io::Result<()> {
        let bytes = Zeroizing::new(serde_json::to_vec(session)?);
        write(&self.folder.join("session.json"), &bytes)
    }

    /// The recovery key: one made by the bot, or put there by an administrator for an account that already has one.
    pub(super) fn recovery_key(&self) -> io::Result<Option<Secret>> {
        match fs::read_to_string(self.folder.join("recovery.key")).map(Zeroizing::new) {
            Ok(text) => Ok(Some(text.trim()).filter(|text| !text.is_empty()).map(|text| Secret::from(text.to_owned()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps the recovery key.
    pub(super) fn save_recovery_key(&self, key: &Secret) -> io::Result<()> {
        write(&self.folder.join("recovery.key"), key.expose().as_bytes())
    }
}

/// What no copy of a folder shares with it: its inode, and when it was made.
fn place(folder: &Path) -> io::Result<Option<String>> {
    let metadata = fs::metadata(folder)?;
    let made = metadata.created().ok().and_then(|made| made.duration_since(SystemTime::UNIX_EPOCH).ok());
    let name = made.map(|made| format!("{}-{}", metadata.ino(), made.as_nanos()));
    Ok(name.map(|name| blake3::hash(name.as_bytes()).to_hex()[..32].to_owned()))
}

/// Writes a file whole or not at all: beside it first, then renamed over it, both on disk before returning.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{Secret, Stored, Vault};

    #[test]
    fn what_is_written_is_read_again_by_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        assert!(vault.session().unwrap().is_none() && vault.recovery_key().unwrap().is_none());

        let key = vault.store_key().unwrap();
        assert_eq!(*key, *vault.store_key().unwrap(), "the key is made once");
        vault.save_session(&Stored { device_id: "DEVICE".into(), user_id: None, tokens: None, ed25519: None }).unwrap();
        assert_eq!(vault.session().unwrap().unwrap().device_id, "DEVICE");
        vault.save_recovery_key(&Secret::from("EsTx".to_owned())).unwrap();
        assert_eq!(vault.recovery_key().unwrap().unwrap().expose(), "EsTx");

        for name in ["matrix.key", "session.json", "recovery.key"] {
            let mode = folder.path().join(name).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn what_goes_into_a_backup_retires_the_device() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        vault.save_session(&Stored { device_id: "OLD".into(), user_id: None, tokens: None, ed25519: None }).unwrap();
        vault.save_recovery_key(&Secret::from("EsTx".to_owned())).unwrap();
        let there = tempfile::tempdir().unwrap();
        for (name, content) in super::portable(folder.path()).unwrap() {
            assert!(super::PORTABLE.contains(&name));
            std::fs::write(there.path().join(name), content).unwrap();
        }
        let restored = Vault::open(there.path()).unwrap();
        assert_eq!(restored.retired().unwrap(), ["OLD"]);
        assert_eq!(restored.recovery_key().unwrap().unwrap().expose(), "EsTx");
        assert!(restored.session().unwrap().is_none());
        assert!(vault.retired().unwrap().is_empty(), "here it goes on");
    }

    #[test]
    fn a_folder_is_an_instance_and_its_copy_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        let first = vault.instance().unwrap();
        assert_eq!(first, vault.instance().unwrap());
        vault.save_instance(&super::Instance { count: 7, another_until: Some(3), ..first.clone() }).unwrap();
        assert_eq!(vault.instance().unwrap().count, 7);

        let there = tempfile::tempdir().unwrap();
        let copy = Vault::open(there.path()).unwrap();
        std::fs::copy(vault.lease_file(), copy.lease_file()).unwrap();
        let copied = copy.instance().unwrap();
        assert_ne!(copied.id, first.id);
        assert_eq!((copied.count, copied.another_until), (7, Some(3)), "a copy has come as far");
        assert_eq!(copied, copy.instance().unwrap());

        std::fs::write(copy.lease_file(), "{").unwrap();
        assert_eq!(copy.instance().unwrap().count, 0);
    }

    #[test]
    fn stores_without_their_key_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        assert!(!vault.holds_crypto() && !vault.lost_key());
        std::fs::write(vault.stores().join("matrix-sdk-crypto.sqlite3"), b"").unwrap();
        assert!(!vault.holds_crypto() && vault.lost_key());
    }
}
