//! A zip archive of which some members are written anew. All others are copied as they are packed, in their order.

use std::io::{Cursor, Write as _};

use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::documents::ExtractError;

/// The archive with other contents of some members, by their names.
pub(super) fn replaced(bytes: &[u8], members: &[(String, Vec<u8>)]) -> Result<Vec<u8>, ExtractError> {
    let damaged = |_| ExtractError::Damaged;
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    let mut writer = ZipWriter::new(Cursor::new(Vec::with_capacity(bytes.len())));
    writer.set_raw_comment(archive.comment().into()).map_err(damaged)?;
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index).map_err(damaged)?;
        let own = member.name().map_err(damaged)?.into_owned();
        let Some((name, content)) = members.iter().find(|(name, _)| *name == own) else {
            writer.raw_copy_file(member).map_err(damaged)?;
            continue;
        };
        let method = if member.compression() == CompressionMethod::Stored {
            CompressionMethod::Stored
        } else {
            CompressionMethod::Deflated
        };
        let mut options = SimpleFileOptions::default().compression_method(method);
        if let Some(modified) = member.last_modified() {
            options = options.last_modified_time(modified);
        }
        writer.start_file(name, options).map_err(damaged)?;
        writer.write_all(content).map_err(|_| ExtractError::Damaged)?;
    }
    Ok(writer.finish().map_err(damaged)?.into_inner())
}
