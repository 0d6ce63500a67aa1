//! Unpacked layers: one directory per diff id, the lower directories of every container's overlay.
//!
//! `layers/<hex>/fs` is the tree, `layers/<hex>/info.json` tells about it. A layer is complete if its directory
//! exists: it is unpacked and verified in staging and becomes visible by one rename. See [`Unpacker`] for the making.
//!
//! Nobody waits for a layer's files to be on the disk: its blob is there, and the layer can be made of it again. Until the
//! disk has them, `layers/<hex>/unsettled` is a link to the boot that they were written in. In another boot the layer counts as
//! missing, since the machine may have stopped before. The link is older than the layer's name, and is no file data: a file
//! system with a journal has it if it has the name.

mod unpacker;

pub use unpacker::{Sink, Unpacker};

use crate::engine::{self, Engine};
use crate::error::Kind;
use crate::fs::{self, Durability, Staged};
use crate::store::digest::Digest;
use crate::store::shared;
use crate::store::unpack::{Ids, Limits, Summary, decompress, unpack};
use anyhow::{Context, Result, bail};
use rustix::fs::{CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::{Path, PathBuf};

/// How a layer's blob is compressed (OCI image spec, layer.md, media types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

/// What `info.json` tells of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    pub diff_id: Digest,
    /// The sum of the sizes of its files.
    pub size_bytes: u64,
    pub entries: u64,
    /// Device nodes that were left out.
    pub devices_skipped: u64,
    /// Whoever mounts this layer leaves out those below it.
    pub is_opaque: bool,
    /// How many entries have extended attributes. Layers of earlier versions do not say.
    #[serde(default)]
    pub attributed: Option<u64>,
    /// How long its plain archive is, where it came compressed. Layers of earlier versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive_bytes: Option<u64>,
}

/// Marks a layer that the disk may not have yet, by the boot in which it was written.
const UNSETTLED: &str = "unsettled";

/// Whether a layer is there, which means complete.
pub fn has(engine: &Engine, diff_id: &Digest) -> bool {
    path(engine, diff_id).is_dir() && !is_doubtful(engine, diff_id)
}

/// Whether a layer was written in an earlier boot, which may have ended before the disk had it.
pub fn is_doubtful(engine: &Engine, diff_id: &Digest) -> bool {
    written_in(engine, diff_id).is_some_and(|boot| boot != engine::boot_id())
}

/// The boot that a layer was written in, if it may not be on the disk.
fn written_in(engine: &Engine, diff_id: &Digest) -> Option<String> {
    match rustix::fs::readlink(directory(engine, diff_id).join(UNSETTLED), Vec::new()) {
        Ok(boot) => Some(boot.to_string_lossy().into_owned()),
        Err(Errno::NOENT) => None,
        // Whatever stands there, it is not this boot.
        Err(_) => Some(String::new()),
    }
}

/// Whether all of these layers are on the disk.
pub fn are_settled(engine: &Engine, diff_ids: &[Digest]) -> bool {
    diff_ids.iter().all(|diff_id| written_in(engine, diff_id).is_none())
}

/// Puts layers on the disk that were written in this boot.
pub fn settle(engine: &Engine, diff_ids: &[Digest]) -> Result<()> {
    let written = |diff_id: &&Digest| written_in(engine, diff_id).is_some_and(|boot| boot == engine::boot_id());
    let written: Vec<&Digest> = diff_ids.iter().filter(written).collect();
    if written.is_empty() {
        return Ok(());
    }
    sync_file_system(engine)?;
    for diff_id in written {
        match rustix::fs::unlink(directory(engine, diff_id).join(UNSETTLED)) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno).with_context(|| format!("settle layer {diff_id}")),
        }
    }
    Ok(())
}

fn sync_file_system(engine: &Engine) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let layers = rustix::fs::openat(CWD, engine.layers(), flags, Mode::empty()).context("open the layers")?;
    rustix::fs::syncfs(layers).context("syncfs")
}

/// The root of a layer's tree.
pub fn path(engine: &Engine, diff_id: &Digest) -> PathBuf {
    directory(engine, diff_id).join("fs")
}

/// The trees that an image's layers make, bottom first. A layer whose root is opaque hides all below it: overlayfs looks
/// for that mark on directories within layers only.
pub fn stack(engine: &Engine, diff_ids: &[Digest]) -> Result<Vec<PathBuf>> {
    let mut stack = Vec::with_capacity(diff_ids.len());
    for diff_id in diff_ids {
        if is_doubtful(engine, diff_id) {
            let message = format!("layer {diff_id} may not have been on the disk when the machine stopped");
            return Err(Kind::NotFound.hinted(message, "start its container, or pull its image again"));
        }
        if info(engine, diff_id)?.is_some_and(|info| info.is_opaque) {
            stack.clear();
        }
        stack.push(path(engine, diff_id));
    }
    Ok(stack)
}

/// Whether anything in the layers may have extended attributes.
pub fn have_attributes(engine: &Engine, diff_ids: &[Digest]) -> Result<bool> {
    for diff_id in diff_ids {
        if info(engine, diff_id)?.is_none_or(|info| info.attributed != Some(0)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What is known of a layer. None if it is not there.
pub fn info(engine: &Engine, diff_id: &Digest) -> Result<Option<Info>> {
    fs::read_json(&directory(engine, diff_id).join("info.json"))
}

/// How long the files of a layer are, for who only looks: by what is known here, or in a store that is shared.
pub fn shown_bytes(engine: &Engine, diff_id: &Digest) -> Result<u64> {
    let own = info(engine, diff_id)?.map(|info| info.size_bytes);
    Ok(own.or_else(|| shared::layer_bytes(engine, diff_id)).unwrap_or(0))
}

/// Removes layers; those that are not there are no error. The caller is in the user namespace that made them.
pub fn remove(engine: &Engine, diff_ids: &[Digest]) -> Result<()> {
    for diff_id in diff_ids {
        let hidden = Staged::hide(&engine.staging(), &directory(engine, diff_id));
        let removed = hidden.and_then(|hidden| hidden.map_or(Ok(()), Staged::remove));
        removed.with_context(|| format!("remove layer {diff_id}"))?;
    }
    Ok(())
}

/// Makes a layer of a plain archive whose digest is known when it has been read. `digest` tells it, or what was wrong
/// with the archive, having heard whether it could be unpacked. The caller is in the user namespace whose ids the
/// archive's are.
pub fn make(
    engine: &Engine,
    mut archive: impl std::io::BufRead,
    digest: impl FnOnce(Result<()>) -> Result<Digest>,
) -> Result<Digest> {
    let staged = Staged::dir(&engine.staging())?;
    let root = make_root(&staged.path().join("fs"))?;
    let (summary, read) = match unpack(&mut archive, root, Ids::of_this_process()?, &Limits::default()) {
        Ok(summary) => (summary, Ok(())),
        Err(error) => (Summary::default(), Err(error)),
    };
    // Whoever writes the archive waits no longer for it to be read.
    drop(archive);
    let diff_id = digest(read)?;
    if !has(engine, &diff_id) {
        let layer = Unpacked::new(staged, diff_id, summary, None)?;
        sync_file_system(engine)?;
        layer.publish(engine)?;
    }
    Ok(diff_id)
}

fn directory(engine: &Engine, diff_id: &Digest) -> PathBuf {
    engine.layers().join(diff_id.hex())
}

/// A layer that is unpacked and verified, but not yet visible.
struct Unpacked {
    staged: Staged,
    diff_id: Digest,
}

impl Unpacked {
    /// Unpacks a blob into staging; an error if it is not the layer that it should be.
    fn from(
        engine: &Engine,
        blob: impl Read + Send,
        diff_id: Digest,
        compression: Compression,
        ids: Ids,
    ) -> Result<Self> {
        let staged = Staged::dir(&engine.staging())?;
        let root = make_root(&staged.path().join("fs"))?;
        let limits = Limits::default();
        let (summary, found, bytes) =
            decompress(blob, compression, &limits, |plain| unpack(plain, root, ids, &limits))?;
        if found != diff_id {
            bail!(Kind::BadInput.error(format!("the content is {found}, which is another layer")));
        }
        Self::new(staged, diff_id, summary, Some(bytes))
    }

    /// A tree in staging that is this layer.
    fn new(staged: Staged, diff_id: Digest, summary: Summary, archive_bytes: Option<u64>) -> Result<Self> {
        let Summary { entries, size_bytes, devices_skipped, is_opaque, attributed } = summary;
        let attributed = Some(attributed);
        let info = Info { diff_id, size_bytes, entries, devices_skipped, is_opaque, attributed, archive_bytes };
        fs::write_json(&staged.path().join("info.json"), &info, Durability::Cached)?;
        Ok(Self { staged, diff_id })
    }

    /// Notes that the disk may not have it. False where that cannot be trusted to outlive a power cut.
    fn mark_unsettled(&self) -> Result<bool> {
        if engine::boot_id().is_empty() || !has_journal(self.staged.path())? {
            return Ok(false);
        }
        rustix::fs::symlink(engine::boot_id(), self.staged.path().join(UNSETTLED)).context("mark the layer")?;
        Ok(true)
    }

    /// Makes the layer visible. Another process may have been faster with the same layer, which is as good; one that is
    /// in doubt makes way.
    fn publish(self, engine: &Engine) -> Result<()> {
        let path = self.staged.path();
        let place = directory(engine, &self.diff_id);
        let rename = |flags| rustix::fs::renameat_with(CWD, path, CWD, &place, flags);
        let renamed = match rename(RenameFlags::NOREPLACE) {
            Err(Errno::EXIST | Errno::NOTEMPTY) if has(engine, &self.diff_id) => Ok(()),
            // The other is removed from staging then.
            Err(Errno::EXIST | Errno::NOTEMPTY) => rename(RenameFlags::EXCHANGE),
            renamed => renamed,
        };
        renamed.with_context(|| format!("rename {} into place", path.display()))
    }
}

/// Whether a file system has the names of files in the order in which they were made, if it has any of them after a
/// power cut: ext4, XFS, btrfs and F2FS do.
fn has_journal(path: &Path) -> Result<bool> {
    const JOURNALED: [u64; 4] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010];
    let status = rustix::fs::statfs(path).with_context(|| format!("statfs {}", path.display()))?;
    Ok(JOURNALED.contains(&(status.f_type as u64)))
}

/// The root directory of a layer: 0755 whatever the umask, since it is what the container sees as `/`.
fn make_root(path: &Path) -> Result<std::os::fd::OwnedFd> {
    fs::create_dir(path)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(CWD, path, flags, Mode::empty()).context("open the layer's root")?;
    rustix::fs::fchmod(&root, Mode::from_raw_mode(0o755)).context("chmod the layer's root")?;
    Ok(root)
}
