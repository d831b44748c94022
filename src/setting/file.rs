//! Reads files with settings, up to a size limit, and only regular files.

use std::{
    fs::{self, Metadata},
    io::{self, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use zeroize::Zeroizing;

/// The text of a regular file of at most `most` bytes, without a byte order mark. The error is a reason that holds nothing of the text.
pub fn read(path: &Path, most: u64) -> Result<Zeroizing<String>, String> {
    let plain = |error: io::Error| error.to_string();
    // Checked before opening, because opening a named pipe waits for a writer.
    ensure_regular(&fs::metadata(path).map_err(plain)?)?;
    let file = fs::File::open(path).map_err(plain)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(most + 1).read_to_end(&mut bytes).map_err(plain)?;
    if bytes.len() as u64 > most {
        return Err(format!("it is longer than {most} bytes"));
    }
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    match std::str::from_utf8(text) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err("it is not UTF-8 text".to_owned()),
    }
}

fn ensure_regular(metadata: &Metadata) -> Result<(), String> {
    if metadata.is_dir() {
        return Err("it is a folder".to_owned());
    }
    if metadata.is_file() { Ok(()) } else { Err("it is not a regular file".to_owned()) }
}

/// Whether accounts that are neither the owner nor of its group may read or write the file. A group is not counted: deployments
/// give mounted secrets to one.
#[must_use]
pub fn is_open(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt as _,
    };

    use super::{is_open, read};

    #[test]
    fn a_file_is_read_within_its_limit_and_without_its_mark() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        fs::write(&path, "\u{feff}été").expect("written");
        assert_eq!(read(&path, 8).expect("read").as_str(), "été");
        assert!(read(&path, 7).expect_err("too long").contains("longer than 7 bytes"));
        fs::write(&path, [b'a', 0xff]).expect("written");
        assert!(read(&path, 100).expect_err("no text").contains("UTF-8"));
        assert!(read(folder.path(), 100).expect_err("a folder").contains("folder"));
        assert!(read(&folder.path().join("none"), 100).is_err());
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("made");
        assert!(read(&pipe, 100).expect_err("a pipe").contains("regular file"));
    }

    #[test]
    fn a_file_that_anybody_may_read_is_known() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        fs::write(&path, "x").expect("written");
        for (mode, open) in [(0o600, false), (0o640, false), (0o604, true), (0o644, true), (0o602, true)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("changed");
            assert_eq!(is_open(&path), open, "{mode:o}");
        }
    }
}
