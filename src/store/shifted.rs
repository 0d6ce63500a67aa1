//! Layers whose files have other owners: for containers in which ids are not what they are in the engine's namespace.
//!
//! `shifted/<stack>/maps/<map>/tree` is the merged tree of an image's layers with the owners of one map. Its files hold no
//! data: overlayfs finds that by `user.overlay.redirect` in data-only layers below. These are `shifted/<stack>/links`,
//! which has the layers' files under short names, and the layers themselves. A value of at most 24 bytes lies in an ext4
//! inode; a longer one takes a block of its own. Where the kernel cannot do this for an ordinary user, the tree is
//! `copy` instead, and has the data too.
//!
//! A map's directory is complete if it is there: it is built in staging and renamed. Nothing in a `tree` is file data, so
//! the file system's own journal keeps it whole over a power cut; that is why `of/` names the layers by empty files.

mod build;
mod probe;

pub use build::Copied;

use crate::engine::{self, Engine};
use crate::error::Kind;
use crate::fs::{self, Hold, Lock, Staged, Step};
use crate::rootless::map::Extent;
use crate::store::digest::Digest;
use crate::store::{layers, overlay};
use anyhow::{Context, Result};
use rustix::fs::{CWD, FileType, Mode, RenameFlags};
use rustix::io::Errno;
use std::collections::{HashMap, HashSet};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

/// Ids inside a container and which of the engine's they are. A layer's files have the ids inside as the engine's.
#[derive(Clone, Copy, Debug)]
pub struct Owners<'a> {
    pub uids: &'a [Extent],
    pub gids: &'a [Extent],
}

/// The unit of `st_blocks`: stat(3type).
const BLOCK_BYTES: u64 = 512;

/// How many directories the links are spread over, so that threads do not wait for each other.
const LINK_DIRS: u64 = 8;

/// Held by who makes a tree, shared.
const MAKING: &str = "making.lock";

/// How long others that make trees are waited for.
const MAKING_TIMEOUT: Duration = Duration::from_secs(60);

/// Marks a stack whose layers the disk may not have had, as such a layer is marked: its links may name files of theirs that
/// are not whole.
const UNSETTLED: &str = "unsettled";

/// The tree of a stack of layers for these owners, to be mounted; None if it has not been made.
pub fn find(engine: &Engine, diff_ids: &[Digest], owners: Owners<'_>) -> Result<Option<overlay::Lower>> {
    let stack = Stack::of(engine, diff_ids);
    if stack.is_doubtful(engine, diff_ids) {
        return Ok(None);
    }
    let map = stack.map(owners);
    if map.join("copy").is_dir() {
        return Ok(Some(overlay::Lower { layers: vec![map.join("copy")], data: Vec::new() }));
    }
    if !map.join("tree").is_dir() {
        return Ok(None);
    }
    // Where several have a path, the topmost is meant.
    let mut data = vec![stack.dir.join("links")];
    data.extend(layers::stack(engine, diff_ids)?.into_iter().rev());
    Ok(Some(overlay::Lower { layers: vec![map.join("tree")], data }))
}

/// Whether any stack has a tree for these owners.
pub fn is_known(engine: &Engine, owners: Owners<'_>) -> Result<bool> {
    let top = engine.shifted();
    let name = map_name(owners);
    Ok(fs::list(&top)?.iter().any(|stack| top.join(stack).join("maps").join(&name).is_dir()))
}

/// Whether trees leave the data where it is. The caller is in the engine's user namespace, has a mount namespace of its own
/// and no other thread.
pub fn shares_data(engine: &Engine) -> Result<bool> {
    fs::create_dir_all(&engine.shifted())?;
    Ok(probe::method(engine)? == probe::Method::Redirect)
}

/// The same, as far as this kernel has been asked before.
pub fn is_known_to_share_data(engine: &Engine) -> bool {
    probe::known(engine).is_ok_and(|method| method == Some(probe::Method::Redirect))
}

/// Whether there is no such tree yet.
pub fn is_missing(engine: &Engine, diff_ids: &[Digest], owners: Owners<'_>) -> bool {
    let stack = Stack::of(engine, diff_ids);
    !stack.map(owners).is_dir() || stack.is_doubtful(engine, diff_ids)
}

/// Makes the tree if it is missing. The caller is in the engine's user namespace, has a mount namespace of its own and
/// no other thread.
pub fn ensure(engine: &Engine, diff_ids: &[Digest], owners: Owners<'_>, copied: Copied<'_>) -> Result<()> {
    let stack = Stack::of(engine, diff_ids);
    let place = stack.map(owners);
    if stack.is_doubtful(engine, diff_ids) {
        remove(engine, &stack_name(diff_ids))?;
    }
    if place.is_dir() {
        return Ok(());
    }
    let layers = layers::stack(engine, diff_ids)?;
    if let Some(gone) = diff_ids.iter().find(|diff_id| !layers::has(engine, diff_id)) {
        return Err(Kind::NotFound.error(format!("layer {gone} is not there")));
    }
    let _making = making(engine)?;
    stack.ensure(engine, diff_ids)?;
    // Who is at the same is faster than a second that begins now. One that is stopped keeps nobody for ever.
    let _alone = Lock::take_dir(&stack.dir, Hold::Exclusive, MAKING_TIMEOUT);
    if place.is_dir() {
        return Ok(());
    }
    let staged = Staged::dir(&engine.staging())?;
    let method = probe::method(engine)?;
    let tree = staged.path().join(method.tree_name());
    fs::create_dir(&tree)?;
    build::build(&build::Plan {
        layers: &layers,
        attributes: layers::have_attributes(engine, diff_ids)?,
        tree: &tree,
        links: &stack.dir.join("links"),
        owners,
        method,
        copied,
    })
    .context("give the image's files the container's ids")?;
    if method == probe::Method::Copy {
        // Here there is data, which no journal brings back.
        let dir = rustix::fs::openat(CWD, &tree, rustix::fs::OFlags::RDONLY, Mode::empty()).context("open")?;
        rustix::fs::syncfs(dir).context("syncfs")?;
    }
    publish(staged.path(), &place)
}

/// Says, for as long as it is held, that trees are being made; who inherits it goes on saying so.
pub fn making(engine: &Engine) -> Result<Lock> {
    fs::create_dir_all(&engine.shifted())?;
    Lock::take(&engine.shifted().join(MAKING), Hold::Shared, MAKING_TIMEOUT)
}

/// Waits until nobody makes a tree, and keeps others from it. One that is stopped keeps nobody for ever.
pub fn alone(engine: &Engine) -> Option<Lock> {
    Lock::take(&engine.shifted().join(MAKING), Hold::Exclusive, MAKING_TIMEOUT).ok()
}

/// Removes the trees of all stacks but those of these lists of layers. The caller is in the engine's user namespace.
pub fn remove_all_but(engine: &Engine, used: &[Vec<Digest>]) -> Result<()> {
    let _alone = alone(engine);
    unused(engine, used)?.iter().try_for_each(|unused| remove(engine, unused))
}

/// Removes a stack with its trees. One that is not there is no error.
fn remove(engine: &Engine, stack: &str) -> Result<()> {
    let hidden = Staged::hide(&engine.staging(), &engine.shifted().join(stack));
    hidden.and_then(|hidden| hidden.map_or(Ok(()), Staged::remove)).with_context(|| format!("remove shifted {stack}"))
}

/// The names of the stacks that none of these lists of layers is.
pub fn unused(engine: &Engine, used: &[Vec<Digest>]) -> Result<Vec<String>> {
    let used: HashSet<String> = used.iter().map(|diff_ids| stack_name(diff_ids)).collect();
    let mut names = fs::list(&engine.shifted())?;
    names.retain(|name| Digest::parse_hex(name).is_some() && !used.contains(name));
    names.sort();
    Ok(names)
}

/// How many bytes on the disk the trees of each stack take up, by its name. What its links name is the layers'. The
/// caller is in the engine's user namespace.
pub fn sizes(engine: &Engine) -> Result<HashMap<String, u64>> {
    let top = engine.shifted();
    let mut sizes = HashMap::new();
    if !top.is_dir() {
        return Ok(sizes);
    }
    for stack in fs::list(&top)? {
        // One may be removed at this moment.
        let Ok(maps) = fs::open_dir(&top.join(&stack).join("maps")) else { continue };
        let (mut blocks, mut linked) = (0, HashSet::new());
        fs::walk(maps.as_fd(), &mut |step| {
            match step {
                Step::Leaf { status, .. }
                    if status.st_nlink > 1 && !linked.insert((status.st_dev, status.st_ino)) => {}
                Step::Leaf { status, .. } | Step::Enter { status, .. } => blocks += status.st_blocks as u64,
                Step::Leave => {}
            }
            Ok(())
        })?;
        sizes.insert(stack, blocks * BLOCK_BYTES);
    }
    Ok(sizes)
}

struct Stack {
    dir: PathBuf,
}

impl Stack {
    fn of(engine: &Engine, diff_ids: &[Digest]) -> Self {
        Self { dir: engine.shifted().join(stack_name(diff_ids)) }
    }

    fn map(&self, owners: Owners<'_>) -> PathBuf {
        self.dir.join("maps").join(map_name(owners))
    }

    /// Makes the directory, complete or not at all.
    fn ensure(&self, engine: &Engine, diff_ids: &[Digest]) -> Result<()> {
        if self.dir.is_dir() {
            return Ok(());
        }
        let staged = Staged::dir(&engine.staging())?;
        for dir in ["maps", "links", "of"] {
            fs::create_dir(&staged.path().join(dir))?;
        }
        for number in 0..LINK_DIRS {
            fs::create_dir(&staged.path().join("links").join(number.to_string()))?;
        }
        let of = fs::open_dir(&staged.path().join("of"))?;
        for diff_id in diff_ids.iter().collect::<HashSet<_>>() {
            rustix::fs::mknodat(&of, diff_id.hex(), FileType::RegularFile, Mode::RUSR, 0).context("name a layer")?;
        }
        if !layers::are_settled(engine, diff_ids) {
            rustix::fs::symlink(engine::boot_id(), staged.path().join(UNSETTLED)).context("mark the files")?;
        }
        publish(staged.path(), &self.dir)
    }

    /// Whether it was made of layers that the disk may not have had when the machine stopped. In the boot in which it was
    /// made that is settled with them.
    fn is_doubtful(&self, engine: &Engine, diff_ids: &[Digest]) -> bool {
        let mark = self.dir.join(UNSETTLED);
        let Ok(boot) = rustix::fs::readlink(&mark, Vec::new()) else { return false };
        if boot.to_bytes() != engine::boot_id().as_bytes() {
            return true;
        }
        if layers::are_settled(engine, diff_ids) {
            // If it stays, the next boot makes the files again.
            let _ = rustix::fs::unlink(&mark);
        }
        false
    }
}

fn publish(staged: &std::path::Path, place: &std::path::Path) -> Result<()> {
    match rustix::fs::renameat_with(CWD, staged, CWD, place, RenameFlags::NOREPLACE) {
        Ok(()) | Err(Errno::EXIST | Errno::NOTEMPTY) => Ok(()),
        Err(errno) => Err(errno).with_context(|| format!("rename {} into place", staged.display())),
    }
}

/// The same for the same layers in the same order.
pub fn stack_name(diff_ids: &[Digest]) -> String {
    let text: Vec<String> = diff_ids.iter().map(ToString::to_string).collect();
    Digest::of(text.join("\n").as_bytes()).hex()
}

fn map_name(owners: Owners<'_>) -> String {
    let lines = |map: &[Extent]| -> String {
        map.iter().map(|line| format!("{} {} {}\n", line.inside, line.outside, line.count)).collect()
    };
    let text = format!("{}\n{}", lines(owners.uids), lines(owners.gids));
    Digest::of(text.as_bytes()).hex()[..16].to_owned()
}

#[cfg(test)]
mod tests;
