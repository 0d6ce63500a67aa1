//! Blobs: immutable files named by their digest, in a plain OCI image layout.

use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::{self, Durability, Hold, Lock, Staged};
use crate::store::digest::{Digest, Hashing};
use crate::store::partial::{self, Part};
use crate::store::shared;
use crate::sys::file::begin_writing;
use anyhow::{Context, Result};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::time::Duration;

const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
/// How long bringing in an image waits for a collection of garbage to end.
const INCOMING_TIMEOUT: Duration = Duration::from_secs(60);

/// Makes the directory an OCI layout for other tools. Cheap when it is one.
pub fn init(engine: &Engine) -> Result<()> {
    let marker = engine.images().join("oci-layout");
    if fs::read_optional(&marker, 4 << 10)?.is_some_and(|bytes| bytes == LAYOUT) {
        return Ok(());
    }
    fs::create_dir_all(&directory(engine))?;
    fs::write_atomic(&marker, LAYOUT, Durability::Synced)
}

/// Keeps every blob and layer in place that no tag names yet. Whoever brings in an image holds this from before the
/// first look at what is there until its tag is written.
pub fn incoming(engine: &Engine) -> Result<Lock> {
    fs::create_dir_all(&directory(engine))?;
    Lock::take(&engine.images().join("incoming"), Hold::Shared, INCOMING_TIMEOUT)
}

/// The right to remove what no tag names. None while an image is coming in, whose parts look just like that.
pub fn collecting(engine: &Engine) -> Option<Lock> {
    Lock::take(&engine.images().join("incoming"), Hold::Exclusive, Duration::ZERO).ok()
}

pub fn path(engine: &Engine, digest: &Digest) -> PathBuf {
    directory(engine).join(digest.hex())
}

/// Whether a blob is in this very store.
pub fn has(engine: &Engine, digest: &Digest) -> bool {
    own_size(engine, digest).is_ok_and(|size| size.is_some())
}

/// How many bytes a blob has, here or in a store that is shared. None if it is in none.
pub fn size(engine: &Engine, digest: &Digest) -> Result<Option<u64>> {
    let own = own_size(engine, digest)?;
    Ok(own.or_else(|| shared::open_blob(engine, digest).map(|(_, size)| size)))
}

fn own_size(engine: &Engine, digest: &Digest) -> Result<Option<u64>> {
    match rustix::fs::stat(path(engine, digest)) {
        Ok(status) => Ok(Some(u64::try_from(status.st_size).unwrap_or(0))),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno).with_context(|| format!("stat blob {digest}")),
    }
}

/// Opens a blob, here or in a store that is shared. Its bytes need not be what they should; who depends on them hashes
/// them.
pub fn open(engine: &Engine, digest: &Digest) -> Result<File> {
    // Not waiting for a writer: in a store of others it may be a FIFO.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::openat(CWD, path(engine, digest), flags, Mode::empty()) {
        Ok(fd) => Ok(File::from(fd)),
        Err(Errno::NOENT) => match shared::open_blob(engine, digest) {
            Some((file, _)) => Ok(file),
            None => {
                Err(Kind::NotFound.hinted(format!("no blob {digest}"), "pull or load the image that it is of again"))
            }
        },
        Err(errno) => Err(errno).with_context(|| format!("open blob {digest}")),
    }
}

/// Reads a small blob and verifies it.
pub fn read(engine: &Engine, digest: &Digest, bytes_max: usize) -> Result<Vec<u8>> {
    let bytes = fs::read_all(open(engine, digest)?, bytes_max).with_context(|| format!("read blob {digest}"))?;
    match Digest::of(&bytes) == *digest {
        true => Ok(bytes),
        false => Err(Kind::BadInput
            .hinted(format!("blob {digest} is damaged on disk"), "remove the image and pull or load it again")),
    }
}

/// Stores a small blob.
pub fn write(engine: &Engine, bytes: &[u8]) -> Result<Digest> {
    let mut writer = Writer::new(engine)?;
    writer.write_all(bytes).context("write blob")?;
    writer.finish(None)
}

/// The digests of all blobs.
pub fn list(engine: &Engine) -> Result<Vec<Digest>> {
    Ok(fs::list(&directory(engine))?.iter().filter_map(|name| Digest::parse_hex(name)).collect())
}

/// Removes a blob and says how many bytes it had. One that is not here is as good as removed.
pub fn remove(engine: &Engine, digest: &Digest) -> Result<u64> {
    let size = own_size(engine, digest)?;
    match rustix::fs::unlink(path(engine, digest)) {
        Ok(()) | Err(Errno::NOENT) => Ok(size.unwrap_or(0)),
        Err(errno) => Err(errno).with_context(|| format!("remove blob {digest}")),
    }
}

/// Puts the names of all finished blobs on disk. To be called once before a tag names them.
pub fn sync(engine: &Engine) -> Result<()> {
    fs::sync_dir(&directory(engine))
}

fn directory(engine: &Engine) -> PathBuf {
    engine.images().join("blobs/sha256")
}

/// How much is given to the disk at once while more is to come, so that the end does not wait for all of it.
const WRITING_BYTES: u64 = 4 << 20;

/// A blob that is being written. It is in the store after [`Writer::finish`], or [`Verified::store`], and nowhere
/// without.
pub struct Writer<'a> {
    engine: &'a Engine,
    path: PathBuf,
    file: Option<Hashing<File>>,
    /// How much of it the disk has been given to write.
    begun: u64,
    fate: Fate,
    /// Its lock lasts until the file has another name or none.
    held: Held,
}

/// By what the file of a writer is nobody else's.
enum Held {
    Staged(Staged),
    /// A download that can be taken up again.
    Part(Part),
}

/// What becomes of the file in staging when its writer is dropped.
#[derive(PartialEq, Eq)]
enum Fate {
    Removed,
    /// For the next try, if anything is in it.
    Kept,
    /// It has become a blob; its name in staging may be somebody else's by now.
    Stored,
}

/// Who may download a blob.
pub enum Claim<'a> {
    Ours(Writer<'a>),
    /// Another has this many bytes of it already.
    Held {
        bytes: u64,
    },
}

/// A blob that is complete and known, still in staging; dropped, it is gone.
pub struct Verified<'a> {
    writer: Writer<'a>,
    digest: Digest,
}

impl<'a> Writer<'a> {
    pub fn new(engine: &'a Engine) -> Result<Self> {
        let (staged, file) = Staged::file(&engine.staging())?;
        let (path, file) = (staged.path().to_owned(), Some(Hashing::new(file)));
        Ok(Self { engine, path, file, begun: 0, fate: Fate::Removed, held: Held::Staged(staged) })
    }

    /// Takes up the download of a blob of this size. What there is of it is to be read first, to the end; then the
    /// rest may be written. Nobody else can while this lives, and dropped, it stays for the next try.
    pub fn resume(engine: &'a Engine, digest: &Digest, size: u64) -> Result<Claim<'a>> {
        let part = match partial::claim(engine, digest, size)? {
            Ok(part) => part,
            Err(bytes) => return Ok(Claim::Held { bytes }),
        };
        let file = Some(Hashing::new(part.file()?));
        let path = partial::path(engine, digest);
        Ok(Claim::Ours(Self { engine, path, file, begun: 0, fate: Fate::Kept, held: Held::Part(part) }))
    }

    /// How many bytes an earlier download has left.
    pub fn part_bytes(&self) -> u64 {
        match &self.held {
            Held::Staged(_) => 0,
            Held::Part(part) => part.bytes,
        }
    }

    /// Drops it for good: another try would fail as this one did.
    pub fn discard(mut self) {
        self.fate = Fate::Removed;
    }

    /// Verifies what was written against the digest and size that were promised, and makes it visible.
    pub fn finish(self, expected: Option<(Digest, u64)>) -> Result<Digest> {
        self.verify(expected)?.store()
    }

    /// Verifies what was written and puts it on disk.
    pub fn verify(mut self, expected: Option<(Digest, u64)>) -> Result<Verified<'a>> {
        self.fate = Fate::Removed;
        let (file, digest, size) = self.file.take().context("a blob is finished once")?.finish();
        if let Some((expected_digest, expected_size)) = expected {
            if size != expected_size {
                let message = format!("blob {expected_digest}: {size} bytes came instead of {expected_size}");
                return Err(Kind::BadInput.error(message));
            }
            if digest != expected_digest {
                return Err(Kind::BadInput.error(format!("blob {expected_digest}: its bytes are those of {digest}")));
            }
        }
        file.sync_data().with_context(|| format!("sync blob {digest}"))?;
        Ok(Verified { writer: self, digest })
    }
}

impl Verified<'_> {
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Makes it visible.
    pub fn store(self) -> Result<Digest> {
        let Self { mut writer, digest } = self;
        // One that is there already is replaced: the new bytes are verified, the old ones may have rotted.
        rustix::fs::rename(&writer.path, path(writer.engine, &digest))
            .with_context(|| format!("store blob {digest}"))?;
        writer.fate = Fate::Stored;
        Ok(digest)
    }
}

impl Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.file {
            Some(file) => {
                let written = file.write(bytes)?;
                if file.passed() - self.begun >= WRITING_BYTES {
                    begin_writing(&file.inner, self.begun, file.passed() - self.begun);
                    self.begun = file.passed();
                }
                Ok(written)
            }
            None => Err(std::io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What an earlier download has left.
impl Read for Writer<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        match &mut self.file {
            Some(file) => file.read(bytes),
            None => Ok(0),
        }
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        let length = |file: &Hashing<File>| file.inner.metadata().map_or(0, |status| status.len());
        let stays = match self.fate {
            Fate::Removed => false,
            Fate::Kept => self.file.as_ref().map_or(0, length) > 0,
            Fate::Stored => true,
        };
        match &mut self.held {
            Held::Staged(staged) if stays => staged.keep(),
            // It goes with this.
            Held::Staged(_) => {}
            Held::Part(_) if stays => {}
            // If this fails, the next sweep takes it.
            Held::Part(_) => drop(rustix::fs::unlink(&self.path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::Scratch;

    #[test]
    fn a_blob_is_visible_only_when_it_is_what_was_promised() {
        let scratch = Scratch::new();
        let engine = &scratch.engine;
        let good = Digest::of(b"abc");
        for (digest, size) in [(good, 4), (good, 2), (Digest::of(b"x"), 3)] {
            let mut writer = Writer::new(engine).unwrap();
            writer.write_all(b"abc").unwrap();
            assert!(writer.finish(Some((digest, size))).is_err());
        }
        drop(Writer::new(engine).unwrap());
        assert!(list(engine).unwrap().is_empty());
        assert!(fs::list(&engine.staging()).unwrap().is_empty());

        let mut writer = Writer::new(engine).unwrap();
        writer.write_all(b"abc").unwrap();
        assert_eq!(writer.finish(Some((good, 3))).unwrap(), good);
        assert_eq!(write(engine, b"abc").unwrap(), good);
        assert_eq!(read(engine, &good, 3).unwrap(), b"abc");
        assert!(read(engine, &good, 2).is_err());
        assert!(has(engine, &good));
        assert!(fs::list(&engine.staging()).unwrap().is_empty());
        assert_eq!(remove(engine, &good).unwrap(), 3);
        assert_eq!(remove(engine, &good).unwrap(), 0);
    }

    #[test]
    fn a_damaged_blob_is_not_read() {
        let scratch = Scratch::new();
        let digest = write(&scratch.engine, b"abc").unwrap();
        fs::write_atomic(&path(&scratch.engine, &digest), b"abd", Durability::Cached).unwrap();
        assert!(read(&scratch.engine, &digest, 10).unwrap_err().to_string().contains("damaged"));
        assert_eq!(write(&scratch.engine, b"abc").unwrap(), digest);
        assert!(read(&scratch.engine, &digest, 10).is_ok());
    }

    #[test]
    fn nothing_is_collected_while_an_image_comes_in() {
        let scratch = Scratch::new();
        let (one, two) = (incoming(&scratch.engine).unwrap(), incoming(&scratch.engine).unwrap());
        assert!(collecting(&scratch.engine).is_none());
        drop((one, two));
        assert!(collecting(&scratch.engine).is_some());
    }
}
