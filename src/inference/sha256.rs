//! The SHA-256 of files: what the configuration and the manifest of downloaded models identify a model by.

use std::io::{self, Read, Seek};

use sha2::{Digest, Sha256};

/// The SHA-256 of everything in `reader`, in lower-case hexadecimal; the reader is left at its start.
pub(super) fn sha256(reader: &mut (impl Read + Seek)) -> io::Result<String> {
    reader.rewind()?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match reader.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    reader.rewind()?;
    Ok(format!("{:x}", hasher.finalize()))
}
