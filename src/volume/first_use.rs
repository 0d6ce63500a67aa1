//! The first use of a volume: it gets what the image has at its target, and that directory's owner and mode.
//!
//! Once and as a whole: the copy is made in staging and takes the empty directory's place in one rename. Whoever is
//! killed in the middle leaves the volume as empty and fresh as it was.

use super::{freshness, place};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::{self, Hold, Lock, Staged};
use anyhow::{Context, Result};
use rustix::fs::{CWD, Dir, Gid, Mode, OFlags, RenameFlags, Uid};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

/// How long another container's first use of the same volume is waited for.
const FILL_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// What a volume that nobody has used begins with.
pub struct FirstUse<'a> {
    /// The directory that the image has at the target.
    pub original: Option<BorrowedFd<'a>>,
    /// Whether what is in it is copied.
    pub copies: bool,
    /// Who gets the volume if the image has nothing at its target and nobody was named: uid and gid.
    pub owner: (u32, u32),
    /// A file system that was mounted for the volume: it is filled itself.
    pub mounted: Option<BorrowedFd<'a>>,
    /// Whether the copy must survive a power cut.
    pub is_durable: bool,
}

/// Makes a volume one that is used. The caller is in the namespace whose ids its files have.
pub fn take_into_use(engine: &Engine, name: &str, first: &FirstUse<'_>) -> Result<()> {
    let place = place(engine, name);
    if !freshness(&place).exists() {
        return Ok(());
    }
    let _lock = Lock::take(&place.join("lock"), Hold::Exclusive, FILL_TIMEOUT)?;
    // Another container may have been first.
    if !freshness(&place).exists() {
        return Ok(());
    }
    let owner = super::mounted::owner(&super::find(engine, name)?)?;
    let data = match first.mounted {
        Some(mounted) => open(mounted)?,
        None => open(fs::open_dir(&place.join("data"))?.as_fd())?,
    };
    // What was put in from outside, by an import or by hand, stays what it is.
    if is_empty(&data)? {
        let original = first.original.map(open).transpose()?;
        match &original {
            Some(original) if first.copies && !is_empty(original)? => match first.mounted {
                Some(_) => fs::copy_contents(original.as_fd(), data.as_fd())?,
                None => fill(engine, &place, original, owner, first.is_durable)?,
            },
            _ => {}
        }
        let now = match first.mounted {
            Some(_) => data,
            None => open(fs::open_dir(&place.join("data"))?.as_fd())?,
        };
        settle(&now, original.as_ref(), owner, first.owner)?;
    }
    fs::remove_file(&freshness(&place))
}

fn open(dir: BorrowedFd<'_>) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(dir, c".", flags, Mode::empty()).context("open the volume")
}

fn is_empty(dir: &OwnedFd) -> Result<bool> {
    for entry in Dir::read_from(dir).context("read the volume")? {
        let entry = entry.context("read the volume")?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The directory gets the owner that was asked for, else the image's, else the user of the container.
fn settle(
    data: &OwnedFd,
    original: Option<&OwnedFd>,
    (uid, gid): (Option<u32>, Option<u32>),
    owner: (u32, u32),
) -> Result<()> {
    let image = original.map(rustix::fs::fstat).transpose().context("fstat")?;
    let wanted = image.map_or(owner, |image| (image.st_uid, image.st_gid));
    let wanted = (uid.unwrap_or(wanted.0), gid.unwrap_or(wanted.1));
    let is = rustix::fs::fstat(data).context("fstat")?;
    if (is.st_uid, is.st_gid) != wanted {
        rustix::fs::fchown(data, Some(Uid::from_raw(wanted.0)), Some(Gid::from_raw(wanted.1)))
            .context("give the volume to its owner")?;
    }
    if let Some(image) = image {
        rustix::fs::fchmod(data, Mode::from_raw_mode(image.st_mode & 0o7777)).context("chmod the volume")?;
    }
    Ok(())
}

fn fill(
    engine: &Engine,
    place: &Path,
    original: &OwnedFd,
    (uid, gid): (Option<u32>, Option<u32>),
    is_durable: bool,
) -> Result<()> {
    let staged = Staged::dir(&engine.staging())?;
    let copy = open(fs::open_dir(staged.path())?.as_fd())?;
    fs::copy_contents(original.as_fd(), copy.as_fd()).context("copy what the image has there into the volume")?;
    let status = rustix::fs::fstat(original).context("fstat")?;
    fs::copy_status(original.as_fd(), copy.as_fd(), &status)?;
    settle(&copy, Some(original), (uid, gid), (0, 0))?;
    if is_durable {
        rustix::fs::syncfs(&copy).context("syncfs")?;
    }
    let data = place.join("data");
    // It is about to lie in staging. If a user has this lock, that is as good.
    let _emptied = Lock::take_dir(&data, Hold::Exclusive, Duration::ZERO).ok();
    // One of them always stands in the volume's place; what was there is empty and goes with the staging.
    rustix::fs::renameat_with(CWD, staged.path(), CWD, &data, RenameFlags::EXCHANGE)
        .with_context(|| format!("rename the filled volume to {}", data.display()))?;
    let left = open(fs::open_dir(staged.path())?.as_fd())?;
    if !is_empty(&left)? {
        // Somebody wrote into it from outside while it was being filled: theirs is what stays.
        rustix::fs::renameat_with(CWD, staged.path(), CWD, &data, RenameFlags::EXCHANGE)
            .context("take the copy back")?;
        return Err(Kind::InUse.hinted("the volume was written to while it was being filled", "start it again"));
    }
    fs::sync_dir(place)
}
