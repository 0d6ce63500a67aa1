//! Parts of blobs: downloads that broke off, each under the digest that it will have, to be taken up again.
//!
//! They lie beside the blobs, where the image layout does not look (OCI image spec, image-layout.md). Whoever downloads
//! holds the lock on the file, and only its holder removes or renames it. Nothing in it is to be believed before the
//! whole blob has the right digest, so it need not survive a power cut.

use crate::engine::Engine;
use crate::fs::{self, Hold, Lock};
use crate::store::digest::Digest;
use anyhow::{Context, Result};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a part is kept that nobody goes on with.
pub const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// A part that this process alone may go on with.
pub struct Part {
    lock: Lock,
    pub bytes: u64,
}

impl Part {
    /// Its file, read and written from the beginning.
    pub fn file(&self) -> Result<File> {
        Ok(File::from(self.lock.as_fd().try_clone_to_owned().context("dup")?))
    }
}

pub fn path(engine: &Engine, digest: &Digest) -> PathBuf {
    directory(engine).join(digest.hex())
}

pub fn has(engine: &Engine, digest: &Digest) -> bool {
    path(engine, digest).is_file()
}

/// Takes what there is of a blob, which may be nothing; or else the number of bytes that its holder has.
pub fn claim(engine: &Engine, digest: &Digest, size: u64) -> Result<std::result::Result<Part, u64>> {
    fs::create_dir_all(&directory(engine))?;
    let Some(mut part) = take(&path(engine, digest))? else {
        return Ok(Err(rustix::fs::stat(path(engine, digest)).map_or(0, |status| status.st_size as u64)));
    };
    if part.bytes > size {
        // This is no part of it.
        part.file()?.set_len(0).context("empty the partial blob")?;
        part.bytes = 0;
    }
    Ok(Ok(part))
}

/// The lock on a file that has its name still: its last holder may have completed or removed it.
fn take(path: &Path) -> Result<Option<Part>> {
    let Some(lock) = Lock::try_take(path, Hold::Exclusive)? else { return Ok(None) };
    let ours = rustix::fs::fstat(&lock).context("stat the partial blob")?;
    let bytes = u64::try_from(ours.st_size).unwrap_or(0);
    match rustix::fs::stat(path) {
        Ok(named) if (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino) => Ok(Some(Part { lock, bytes })),
        Ok(_) | Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno).context("stat the partial blob"),
    }
}

/// A part that is on disk.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    pub digest: Digest,
    pub bytes: u64,
    /// Since it last grew.
    pub age: Duration,
}

pub fn list(engine: &Engine) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for name in fs::list(&directory(engine))? {
        let Some(digest) = Digest::parse_hex(&name) else { continue };
        // It may have been completed while this looks.
        let Ok(status) = path(engine, &digest).symlink_metadata() else { continue };
        let age = status.modified().ok().and_then(|time| time.elapsed().ok()).unwrap_or(Duration::ZERO);
        found.push(Found { digest, bytes: status.len(), age });
    }
    found.sort_unstable_by_key(|found| found.digest);
    Ok(found)
}

/// The blobs of which there is a part that nobody has gone on with for too long.
pub fn outdated(engine: &Engine) -> Result<Vec<Digest>> {
    Ok(list(engine)?.into_iter().filter(|found| found.age >= KEPT).map(|found| found.digest).collect())
}

/// Removes the parts of at least this age that nobody is at, and says how many bytes they had.
pub fn sweep(engine: &Engine, age_min: Duration) -> Result<u64> {
    let mut bytes = 0;
    for found in list(engine)?.iter().filter(|found| found.age >= age_min) {
        bytes += remove(engine, &found.digest)?;
    }
    Ok(bytes)
}

/// Removes a part unless somebody is at it, and says how many bytes it had.
pub fn remove(engine: &Engine, digest: &Digest) -> Result<u64> {
    if !has(engine, digest) {
        return Ok(0);
    }
    let Some(part) = take(&path(engine, digest))? else { return Ok(0) };
    fs::remove_file(&path(engine, digest))?;
    Ok(part.bytes)
}

fn directory(engine: &Engine) -> PathBuf {
    engine.images().join("partial")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::blobs::{self, Claim, Writer};
    use crate::store::tests::Scratch;
    use std::io::{Read, Write};

    const WHOLE: &[u8] = b"whole blob";

    fn ours<'a>(engine: &'a Engine, digest: &Digest) -> Writer<'a> {
        match Writer::resume(engine, digest, WHOLE.len() as u64).unwrap() {
            Claim::Ours(writer) => writer,
            Claim::Held { bytes } => panic!("held by another, with {bytes} bytes"),
        }
    }

    #[test]
    fn a_download_goes_on_where_it_broke_off() {
        let scratch = Scratch::new();
        let (engine, digest) = (&scratch.engine, Digest::of(WHOLE));
        drop(ours(engine, &digest));
        assert_eq!(list(engine).unwrap(), []);
        let mut first = ours(engine, &digest);
        first.write_all(&WHOLE[..4]).unwrap();
        let second = Writer::resume(engine, &digest, 10).unwrap();
        assert!(matches!(second, Claim::Held { bytes: 4 }));
        assert_eq!((remove(engine, &digest).unwrap(), sweep(engine, Duration::ZERO).unwrap()), (0, 0));
        drop(first);
        assert_eq!(list(engine).unwrap()[0].bytes, 4);
        let mut second = ours(engine, &digest);
        assert_eq!(second.part_bytes(), 4);
        let mut part = Vec::new();
        second.read_to_end(&mut part).unwrap();
        assert_eq!(part, WHOLE[..4]);
        second.write_all(&WHOLE[4..]).unwrap();
        assert_eq!(second.finish(Some((digest, 10))).unwrap(), digest);
        assert_eq!(blobs::read(engine, &digest, 10).unwrap(), WHOLE);
        assert_eq!(list(engine).unwrap(), []);
    }

    #[test]
    fn what_is_no_part_of_the_blob_goes() {
        let scratch = Scratch::new();
        let (engine, digest) = (&scratch.engine, Digest::of(WHOLE));
        let put = |bytes: &[u8]| {
            fs::create_dir_all(&directory(engine)).unwrap();
            fs::write_atomic(&path(engine, &digest), bytes, fs::Durability::Cached).unwrap();
        };
        put(b"longer than the whole blob");
        assert_eq!(ours(engine, &digest).part_bytes(), 0);
        assert_eq!(list(engine).unwrap(), []);
        put(b"whole blub");
        let mut writer = ours(engine, &digest);
        writer.read_to_end(&mut Vec::new()).unwrap();
        assert!(writer.finish(Some((digest, 10))).is_err());
        assert_eq!(list(engine).unwrap(), []);
        put(b"whole");
        ours(engine, &digest).discard();
        assert_eq!(list(engine).unwrap(), []);
        put(b"whole");
        assert_eq!(sweep(engine, KEPT).unwrap(), 0);
        assert_eq!(sweep(engine, Duration::ZERO).unwrap(), 5);
        assert_eq!(list(engine).unwrap(), []);
    }

    #[test]
    fn a_file_that_lost_its_name_to_a_blob_is_nobodys_part() {
        let scratch = Scratch::new();
        let (engine, digest) = (&scratch.engine, Digest::of(WHOLE));
        let mut writer = ours(engine, &digest);
        writer.write_all(WHOLE).unwrap();
        let verified = writer.verify(Some((digest, 10))).unwrap();
        // The lock is held until the blob has its name.
        assert!(matches!(Writer::resume(engine, &digest, 10).unwrap(), Claim::Held { bytes: 10 }));
        verified.store().unwrap();
        assert_eq!(ours(engine, &digest).part_bytes(), 0);
        assert_eq!(blobs::read(engine, &digest, 10).unwrap(), WHOLE);
    }
}
