//! The files of the Matrix session in the data folder, readable by the bot's account only:
//!
//! | file | what | lost |
//! |---|---|---|
//! | `matrix/` | the SDK's `SQLite` stores | old messages unreadable, the device must be replaced |
//! | `matrix/lease.json` | how often this device has written the account's lease (`lease`) | the folder counts as restored to an earlier state |
//! | `matrix.key` | 32 random bytes that encrypt those stores | as above |
//! | `session.json` | user, device, tokens | log in again: a new device |
//! | `recovery.key` | the account's recovery key | the key backup on the server cannot be opened |
//! | `retired.json` | after a restore: the devices whose keys are not here | a device could be used again that must not be |
//!
//! A backup contains only the last two. A device's keys must never be restored: they would encrypt new messages like old ones, and the
//! homeserver would give out one-time keys whose private parts are lost. A restore therefore brings back the account's identity, and the
//! next start logs in as a new device, which that identity signs.
//!
//! Files are replaced by writing `NAME.new` and renaming it. The fixed name, unlike that of a temporary file, leaves at most one copy of a
//! secret behind after a kill, and the next write replaces it.

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

/// The database without which the device must not be used.
const CRYPTO_STORE: &str = "matrix-sdk-crypto.sqlite3";

/// The files that a backup contains.
pub const PORTABLE: [&str; 2] = ["recovery.key", RETIRED];
const RETIRED: &str = "retired.json";

/// Files by name.
pub type PortableFiles = Vec<(&'static str, Zeroizing<Vec<u8>>)>;

/// The files of [`PORTABLE`] for another data folder, in which the present device is retired.
pub fn portable(folder: &Path) -> io::Result<PortableFiles> {
    let vault = Vault { folder: folder.to_owned() };
    let mut retired = vault.retired()?;
    retired.extend(vault.session()?.map(|stored| stored.device_id));
    let mut files = vec![(RETIRED, Zeroizing::new(serde_json::to_vec(&retired)?))];
    if let Some(key) = vault.recovery_key()? {
        files.push(("recovery.key", Zeroizing::new(key.expose().as_bytes().to_vec())));
    }
    Ok(files)
}

/// The content of `session.json`.
///
/// It is first written *before* the login, with only the device id. An interrupted login is then repeated for the same device on the same
/// stores, instead of leaving stores without a known device.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct StoredSession {
    /// The device, chosen here before the first login.
    pub(super) device_id: OwnedDeviceId,
    /// The account, known after the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user_id: Option<OwnedUserId>,
    /// The tokens of a password login. An access token of the configuration is not copied here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tokens: Option<SessionTokens>,
    /// The device's public identity key, known after the first connection. It reveals a store that was lost and created anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ed25519: Option<String>,
}

/// The content of `matrix/lease.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Instance {
    /// Identifies this data folder on this disk; a copy of it is another instance.
    #[serde(rename = "instance")]
    pub(super) id: String,
    /// How often the lease was written from this folder.
    pub(super) count: u64,
    /// Until when another bot may have answered for the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) another_until: Option<u64>,
}

/// The session files of one data folder.
#[derive(Clone, Debug)]
pub(super) struct Vault {
    folder: PathBuf,
}

impl Vault {
    /// Opens the folder, and creates what is missing.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder.join("matrix"))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The folder as it is; nothing is created.
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

    /// Which instance this folder is. It is derived from the folder itself, not from its content. On a file system without creation times it
    /// is a stored random name, which a copy shares.
    pub(super) fn instance(&self) -> io::Result<Instance> {
        let kept = match fs::read(self.lease_file()) {
            // A damaged file counts as one without any writes.
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

    /// Beside the encryption store, so that both are restored to an earlier state together.
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

    /// Whether the stores exist without their key.
    pub(super) fn lost_key(&self) -> bool {
        self.stores().join(CRYPTO_STORE).exists() && !self.folder.join("matrix.key").exists()
    }

    /// The key of the SDK's stores, created at the first start.
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
    pub(super) fn session(&self) -> io::Result<Option<StoredSession>> {
        match fs::read(self.folder.join("session.json")).map(Zeroizing::new) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the stored session.
    pub(super) fn save_session(&self, session: &StoredSession) -> io::Result<()> {
        let bytes = Zeroizing::new(serde_json::to_vec(session)?);
        write(&self.folder.join("session.json"), &bytes)
    }

    /// The recovery key: created by the bot, or provided by an administrator for an account that already has one.
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

/// Identifies a folder by its inode and creation time, which no copy shares.
fn place(folder: &Path) -> io::Result<Option<String>> {
    let metadata = fs::metadata(folder)?;
    let made = metadata.created().ok().and_then(|made| made.duration_since(SystemTime::UNIX_EPOCH).ok());
    let name = made.map(|made| format!("{}-{}", metadata.ino(), made.as_nanos()));
    Ok(name.map(|name| blake3::hash(name.as_bytes()).to_hex()[..32].to_owned()))
}

/// Replaces a file atomically. File and folder are synced to disk before this returns.
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

    use super::{Secret, StoredSession, Vault};

    #[test]
    fn what_is_written_is_read_again_by_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        assert!(vault.session().unwrap().is_none() && vault.recovery_key().unwrap().is_none());

        let key = vault.store_key().unwrap();
        assert_eq!(*key, *vault.store_key().unwrap(), "the key is made once");
        vault
            .save_session(&StoredSession { device_id: "DEVICE".into(), user_id: None, tokens: None, ed25519: None })
            .unwrap();
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
        vault
            .save_session(&StoredSession { device_id: "OLD".into(), user_id: None, tokens: None, ed25519: None })
            .unwrap();
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
