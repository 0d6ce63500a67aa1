//! Makes the merged tree of some layers with other owners: one walk over the layers, several directories at a time.

use super::probe::Method;
use super::{LINK_DIRS, Owners};
use crate::fs::Root;
use crate::rootless::map::{self, Extent};
use anyhow::{Context, Result};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, Stat, Timespec, Timestamps, XattrFlags};
use rustix::io::Errno;
use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString, OsStr};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

/// Overlayfs's marks of a file whose data lies in another layer, and where (mount option `userxattr`).
pub const METACOPY: &str = "user.overlay.metacopy";
pub const REDIRECT: &str = "user.overlay.redirect";
const OPAQUE: &str = "user.overlay.opaque";

/// The longest redirect that an ext4 inode of 256 bytes holds beside the other mark.
const REDIRECT_BYTES_MAX: usize = 24;

/// Files here keep a single link: programs refuse others for fear of tricks (cron, postfix). They are few.
const SINGLE_LINKED: [&[u8]; 2] = [b"etc/", b"var/spool/"];

/// The most threads. Most of a thread's time is the file system's.
const THREADS_MAX: usize = 4;

/// A stack this high is walked by one thread, which then has that many directories open.
const LAYERS_FOR_THREADS_MAX: usize = 100;

/// Room for the entries of a directory that are read at once.
const ENTRIES_BYTES: usize = 32 << 10;

/// The largest extended attribute of an unpacked file.
const ATTRIBUTE_BYTES_MAX: usize = 64 << 10;

pub struct Plan<'a> {
    /// Bottom first.
    pub layers: &'a [PathBuf],
    /// Whether any file in them may have extended attributes.
    pub attributes: bool,
    pub tree: &'a Path,
    pub links: &'a Path,
    pub owners: Owners<'a>,
    pub method: Method,
    pub copied: Copied<'a>,
}

/// Who is told of bytes that had to be copied, from any thread.
pub type Copied<'a> = &'a (dyn Fn(u64) + Sync);

/// A directory to be made: where, and which layers have a part in it, topmost first.
struct Job {
    path: Vec<u8>,
    layers: Vec<usize>,
}

/// A further name of a file that has one already.
struct Link {
    to: Vec<u8>,
    at: Vec<u8>,
    /// When the directory of the new name was changed.
    modified: Timespec,
}

struct Builder<'a> {
    plan: &'a Plan<'a>,
    /// Topmost first.
    layers: Vec<Root>,
    tree: Root,
    links: Vec<OwnedFd>,
    strangers: Strangers,
    queue: Mutex<Queue>,
    changed: Condvar,
    /// The first names of files with several, by layer and inode number.
    names: Mutex<HashMap<(usize, u64), Vec<u8>>>,
    late: Mutex<Vec<Link>>,
}

#[derive(Default)]
struct Queue {
    jobs: Vec<Job>,
    working: usize,
    failed: Option<anyhow::Error>,
}

/// Makes the tree. This process has no other thread; its umask is its own again afterwards.
pub fn build(plan: &Plan<'_>) -> Result<()> {
    let layers = plan.layers.iter().rev().map(|layer| Root::open(layer)).collect::<Result<Vec<_>>>()?;
    let open_links = |number: u64| crate::fs::open_dir(&plan.links.join(number.to_string()));
    let all = (0..layers.len()).collect();
    let first = Job { path: Vec::new(), layers: all };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    let threads = if layers.len() > LAYERS_FOR_THREADS_MAX { 1 } else { threads };
    let builder = Builder {
        plan,
        layers,
        tree: Root::open(plan.tree)?,
        links: (0..LINK_DIRS).map(open_links).collect::<Result<_>>()?,
        strangers: Strangers::of(plan.owners),
        queue: Mutex::new(Queue { jobs: vec![first], ..Queue::default() }),
        changed: Condvar::new(),
        names: Mutex::default(),
        late: Mutex::default(),
    };
    let umask = rustix::process::umask(Mode::empty());
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| builder.work());
        }
        builder.work();
    });
    rustix::process::umask(umask);
    let Builder { queue, late, tree, .. } = builder;
    if let Some(error) = queue.into_inner().unwrap_or_else(PoisonError::into_inner).failed {
        return Err(error);
    }
    late.into_inner().unwrap_or_else(PoisonError::into_inner).iter().try_for_each(|link| add_link(&tree, link))
}

impl Builder<'_> {
    /// Takes directories until none is left and none can come any more.
    fn work(&self) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if queue.failed.is_some() {
                return;
            }
            let Some(job) = queue.jobs.pop() else {
                if queue.working == 0 {
                    return;
                }
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            queue.working += 1;
            drop(queue);
            let done = self.directory(&job);
            queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.working -= 1;
            match done {
                Ok(more) => queue.jobs.extend(more),
                Err(error) => {
                    let shown = String::from_utf8_lossy(&job.path).into_owned();
                    queue.failed.get_or_insert(error.context(format!("in /{shown}")));
                }
            }
            self.changed.notify_all();
        }
    }

    /// Makes all entries of a directory. Gives the directories in it, which are empty so far.
    fn directory(&self, job: &Job) -> Result<Vec<Job>> {
        let path = if job.path.is_empty() { Path::new(".") } else { Path::new(OsStr::from_bytes(&job.path)) };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let open = |layer: &usize| self.layers[*layer].resolve_without_links(path, flags).context("open");
        let parts = job.layers.iter().map(open).collect::<Result<Vec<OwnedFd>>>()?;
        let into = self.tree.resolve_without_links(path, flags).context("open the new directory")?;
        let status = rustix::fs::fstat(&parts[0]).context("fstat")?;
        let mut more = Vec::new();
        let mut seen: HashSet<CString> = HashSet::new();
        let mut space = [MaybeUninit::<u8>::uninit(); ENTRIES_BYTES];
        for (part, dir) in parts.iter().enumerate() {
            let mut entries = RawDir::new(dir, &mut space);
            while let Some(entry) = entries.next() {
                let entry = entry.context("list")?;
                let name = entry.file_name();
                if name == c"." || name == c".." || (parts.len() > 1 && !seen.insert(name.to_owned())) {
                    continue;
                }
                let place = Place { job, parts: &parts, part, into: into.as_fd(), name, modified: modified(&status) };
                if let Some(job) = self.entry(&place).with_context(|| format!("make {}", name.to_string_lossy()))? {
                    more.push(job);
                }
            }
        }
        self.finish_directory(&parts[0], &into, &status)?;
        Ok(more)
    }

    fn finish_directory(&self, from: &OwnedFd, into: &OwnedFd, status: &Stat) -> Result<()> {
        let (uid, gid) = self.owner(status);
        rustix::fs::fchown(into, Some(uid), Some(gid)).context("chown")?;
        rustix::fs::fchmod(into, Mode::from_raw_mode(status.st_mode & 0o7777)).context("chmod")?;
        if self.plan.attributes {
            self.copy_attributes(from, into)?;
        }
        rustix::fs::futimens(into, &times(status)).context("set time")
    }

    fn entry(&self, place: &Place<'_>) -> Result<Option<Job>> {
        let Place { parts, part, into, name, .. } = *place;
        let dir = &parts[part];
        let status = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).context("stat")?;
        match FileType::from_raw_mode(status.st_mode) {
            FileType::Directory => {
                rustix::fs::mkdirat(into, name, Mode::RWXU).context("mkdir")?;
                return Ok(Some(Job { path: place.path(), layers: self.parts_of(place)? }));
            }
            FileType::RegularFile => self.file(place, &status)?,
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(dir, name, Vec::new()).context("readlink")?;
                rustix::fs::symlinkat(&target, into, name).context("symlink")?;
                self.give(place, &status)?;
            }
            kind @ (FileType::Fifo | FileType::Socket) => {
                rustix::fs::mknodat(into, name, kind, Mode::from_raw_mode(status.st_mode & 0o777), 0)
                    .context("mknod")?;
                self.give(place, &status)?;
            }
            // A whiteout: what it hides has been left out. There are no other devices in layers.
            FileType::CharacterDevice | FileType::BlockDevice | FileType::Unknown => {}
        }
        Ok(None)
    }

    /// Which layers show their part of a directory: all from this one down to the first that hides those below it.
    fn parts_of(&self, place: &Place<'_>) -> Result<Vec<usize>> {
        let Place { job, parts, part, name, .. } = *place;
        let mut layers = vec![job.layers[part]];
        let mut top = part;
        for next in part + 1..parts.len() {
            if is_opaque(&parts[top], name)? {
                break;
            }
            match rustix::fs::statat(&parts[next], name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(status) if FileType::from_raw_mode(status.st_mode) == FileType::Directory => {
                    layers.push(job.layers[next]);
                    top = next;
                }
                Ok(_) => break,
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(errno).context("stat"),
            }
        }
        Ok(layers)
    }

    /// A file without data, but of its size, and where the data is.
    fn file(&self, place: &Place<'_>, status: &Stat) -> Result<()> {
        let Place { job, parts, part, into, name, modified } = *place;
        if status.st_nlink > 1 {
            let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            let key = (job.layers[part], status.st_ino);
            if let Some(first) = names.get(&key) {
                let link = Link { to: first.clone(), at: place.path(), modified };
                self.late.lock().unwrap_or_else(PoisonError::into_inner).push(link);
                return Ok(());
            }
            names.insert(key, place.path());
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(status.st_mode & 0o777);
        let file = rustix::fs::openat(into, name, flags, mode).context("create")?;
        if status.st_size > 0 {
            match self.plan.method {
                Method::Redirect => {
                    rustix::fs::ftruncate(&file, status.st_size as u64).context("ftruncate")?;
                    let redirect = self.redirect(place, status)?;
                    rustix::fs::fsetxattr(&file, METACOPY, b"", XattrFlags::empty()).context("set attribute")?;
                    rustix::fs::fsetxattr(&file, REDIRECT, &redirect, XattrFlags::empty())
                        .context("set attribute")?;
                }
                Method::Copy => {
                    copy_data(&parts[part], name, &file)?;
                    (self.plan.copied)(status.st_size as u64);
                }
            }
        }
        // Owner first, since chown(2) clears setuid and capabilities.
        let (uid, gid) = self.owner(status);
        rustix::fs::fchown(&file, Some(uid), Some(gid)).context("chown")?;
        if status.st_mode & 0o7000 != 0 {
            rustix::fs::fchmod(&file, Mode::from_raw_mode(status.st_mode & 0o7777)).context("chmod")?;
        }
        if self.plan.attributes {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let from = rustix::fs::openat(&parts[part], name, flags, Mode::empty()).context("open")?;
            self.copy_attributes(&from, &file)?;
        }
        rustix::fs::futimens(&file, &times(status)).context("set time")
    }

    /// The path of a file's data in the data-only layers: its own in the image if that is short, else that of a link.
    fn redirect(&self, place: &Place<'_>, status: &Stat) -> Result<Vec<u8>> {
        let path = place.path();
        // Links lie in directories with names of one letter.
        let is_apart = path.iter().position(|byte| *byte == b'/').is_some_and(|length| length > 1);
        let is_short = path.len() < REDIRECT_BYTES_MAX;
        let stays_single = SINGLE_LINKED.iter().any(|top| path.starts_with(top));
        if !(is_apart && (is_short || stays_single)) {
            let (number, name) = (status.st_ino % LINK_DIRS, format!("{:x}", status.st_ino));
            let links = &self.links[number as usize];
            match rustix::fs::linkat(&place.parts[place.part], place.name, links, &name, AtFlags::empty()) {
                Ok(()) | Err(Errno::EXIST) => return Ok(format!("/{number}/{name}").into_bytes()),
                Err(Errno::MLINK) if is_apart => {}
                Err(errno) => return Err(errno).context("link"),
            }
        }
        Ok([b"/", path.as_slice()].concat())
    }

    /// Owner and time of what cannot be opened.
    fn give(&self, place: &Place<'_>, status: &Stat) -> Result<()> {
        let (uid, gid) = self.owner(status);
        let Place { into, name, .. } = *place;
        rustix::fs::chownat(into, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW).context("chown")?;
        rustix::fs::utimensat(into, name, &times(status), AtFlags::SYMLINK_NOFOLLOW).context("set time")
    }

    fn owner(&self, status: &Stat) -> (rustix::fs::Uid, rustix::fs::Gid) {
        let Owners { uids, gids } = self.plan.owners;
        let uid = map::to_outside(uids, status.st_uid).unwrap_or(self.strangers.uid);
        let gid = map::to_outside(gids, status.st_gid).unwrap_or(self.strangers.gid);
        (rustix::fs::Uid::from_raw(uid), rustix::fs::Gid::from_raw(gid))
    }

    fn copy_attributes(&self, from: &OwnedFd, to: &OwnedFd) -> Result<()> {
        let mut names = vec![0; ATTRIBUTE_BYTES_MAX];
        let length = rustix::fs::flistxattr(from, &mut names).context("list attributes")?;
        for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            let is_users = name.starts_with(b"user.") && !name.starts_with(b"user.overlay.");
            if !is_users && name != CAPABILITY {
                continue;
            }
            let mut value = vec![0; ATTRIBUTE_BYTES_MAX];
            let length = rustix::fs::fgetxattr(from, name, &mut value).context("get attribute")?;
            value.truncate(length);
            if name == CAPABILITY {
                value = self.capability(value);
            }
            rustix::fs::fsetxattr(to, name, &value, XattrFlags::empty()).context("set attribute")?;
        }
        Ok(())
    }

    /// A file's capabilities hold for one root user, who is the container's: capabilities(7), "Namespaced file
    /// capabilities". Version 2 is for the root of whoever reads it, here the engine's.
    fn capability(&self, value: Vec<u8>) -> Vec<u8> {
        const VERSION_2: u32 = 0x0200_0000;
        const VERSION_3: u32 = 0x0300_0000;
        const FLAGS: u32 = 0x00ff_ffff;
        let first = value.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes));
        let root = map::to_outside(self.plan.owners.uids, 0);
        let (Some(first), Some(root)) = (first, root) else { return value };
        if value.len() != 20 || first & !FLAGS != VERSION_2 {
            return value;
        }
        let first = (VERSION_3 | (first & FLAGS)).to_le_bytes();
        [&first, &value[4..], &root.to_le_bytes()].concat()
    }
}

const CAPABILITY: &[u8] = b"security.capability";

/// An entry of one of the parts of a directory, and where it is to be made.
#[derive(Clone, Copy)]
struct Place<'a> {
    job: &'a Job,
    parts: &'a [OwnedFd],
    part: usize,
    into: BorrowedFd<'a>,
    name: &'a CStr,
    modified: Timespec,
}

impl Place<'_> {
    fn path(&self) -> Vec<u8> {
        match self.job.path.as_slice() {
            [] => self.name.to_bytes().to_vec(),
            path => [path, b"/", self.name.to_bytes()].concat(),
        }
    }
}

/// Who owns the files of ids that the container does not have: an id of the engine's that is not the container's either,
/// so that they are nobody's inside.
struct Strangers {
    uid: u32,
    gid: u32,
}

impl Strangers {
    fn of(owners: Owners<'_>) -> Self {
        // All ids up to the first that is free are taken, so the search ends.
        let free = |map: &[Extent]| {
            let mut id = 0;
            while let Some(extent) =
                map.iter().find(|extent| id >= extent.outside && id - extent.outside < extent.count)
            {
                id = extent.outside.saturating_add(extent.count);
            }
            id
        };
        Self { uid: free(owners.uids), gid: free(owners.gids) }
    }
}

fn is_opaque(parent: &OwnedFd, name: &CStr) -> Result<bool> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = rustix::fs::openat(parent, name, flags, Mode::empty()).context("open")?;
    let mut value = [0; 8];
    match rustix::fs::fgetxattr(&dir, OPAQUE, &mut value) {
        Ok(length) => Ok(&value[..length] == b"y"),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(false),
        Err(errno) => Err(errno).context("get attribute"),
    }
}

fn copy_data(dir: &OwnedFd, name: &CStr, into: &OwnedFd) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let from = rustix::fs::openat(dir, name, flags, Mode::empty()).context("open")?;
    match rustix::fs::ioctl_ficlone(into, &from) {
        Ok(()) => Ok(()),
        // copy_file_range(2) inside, which the file system may still make cheap.
        Err(_) => {
            let (mut from, mut into) = (std::fs::File::from(from), std::fs::File::from(into.try_clone()?));
            std::io::copy(&mut from, &mut into).context("copy").map(drop)
        }
    }
}

/// Adds a name to a file of the tree, in which every directory of a path is one.
fn add_link(tree: &Root, link: &Link) -> Result<()> {
    let split = |path: &[u8]| -> Result<(OwnedFd, CString)> {
        let (dir, name) = match path.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => (&path[..slash], &path[slash + 1..]),
            None => (b".".as_slice(), path),
        };
        let dir = tree.resolve_without_links(Path::new(OsStr::from_bytes(dir)), OFlags::RDONLY | OFlags::DIRECTORY);
        Ok((dir.context("open")?, CString::new(name)?))
    };
    let ((from, old), (into, new)) = (split(&link.to)?, split(&link.at)?);
    rustix::fs::linkat(&from, &old, &into, &new, AtFlags::empty())
        .with_context(|| format!("link {}", String::from_utf8_lossy(&link.at)))?;
    let omitted = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT };
    rustix::fs::futimens(&into, &Timestamps { last_access: omitted, last_modification: link.modified })
        .context("set time")
}

fn modified(status: &Stat) -> Timespec {
    Timespec { tv_sec: status.st_mtime, tv_nsec: status.st_mtime_nsec as _ }
}

fn times(status: &Stat) -> Timestamps {
    let omitted = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT };
    Timestamps { last_access: omitted, last_modification: modified(status) }
}
