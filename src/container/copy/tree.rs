//! Copies objects from one directory to another by descriptor and name: nothing is followed, nothing is looked up twice.
//!
//! Either side may be changed by someone hostile meanwhile. What was opened is what is asked for its kind, its owner and
//! its mode, and what is made gets them through the descriptor of the very object just made.

use crate::error::Kind;
use crate::fs;
use anyhow::{Context, Result, bail};
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Stat, StatxAttributes, StatxFlags, Timespec, Timestamps, Uid, XattrFlags,
};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// How deep a tree may be. Two descriptors are open for each level.
const DEPTH_MAX: usize = 1000;

/// Files of this size and smaller are read in one call and written in one.
const BUFFER_BYTES: usize = 256 << 10;

/// The most that the kernel is asked to move in one call.
const CHUNK_BYTES: usize = 64 << 20;

/// The most that is read of a file that says it is empty, as those of /proc do.
const UNSIZED_BYTES_MAX: u64 = 64 << 20;

/// The most bytes of names, and of one value, that a file's extended attributes have: xattr(7).
const XATTR_BYTES_MAX: usize = 64 << 10;

/// What copies are made to be.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Whom they belong to. None keeps the owner's id.
    pub owner: Option<(u32, u32)>,
    /// Whether set-id bits of files and their capabilities are left out, as on everything that leaves a container: a
    /// program of its making must not run with the rights of the user who took it out.
    pub strip_privileges: bool,
    /// Whether a directory may take the place of something else, and the other way round.
    pub overwrite: bool,
}

/// How the kernel moves data between the file systems at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// copy_file_range(2), which shares the blocks where the file system can.
    Range,
    /// sendfile(2), between two file systems.
    Send,
    Plain,
}

/// A copy in progress.
pub struct Copier {
    rules: Rules,
    method: Method,
    buffer: Vec<u8>,
    /// The directory that all is copied into, and where in it the first of several hard links is.
    top: fs::Root,
    links: HashMap<(u64, u64), Vec<u8>>,
    /// Where in `top` the copy has got to.
    path: Vec<u8>,
    depth: usize,
    /// The topmost directory that was made, which must not be copied into itself.
    made: Option<(u64, u64)>,
    /// What was left out: sockets, and devices.
    pub skipped: u64,
}

/// What something is to make way for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Directory,
    /// It replaces whatever is no directory by itself.
    File,
    Other,
}

/// One name in a directory.
struct Entry {
    name: CString,
    kind: FileType,
}

impl Copier {
    /// To copy into `top`. From here on, files are created with the very modes that they are to have.
    pub fn new(top: &impl AsFd, rules: Rules) -> Result<Self> {
        rustix::process::umask(Mode::empty());
        Ok(Self {
            rules,
            method: Method::Range,
            buffer: vec![0; BUFFER_BYTES],
            top: fs::Root::new(top.as_fd().try_clone_to_owned().context("duplicate directory")?),
            links: HashMap::new(),
            path: Vec::new(),
            depth: 0,
            made: None,
            skipped: 0,
        })
    }

    /// Copies the object `name` of a directory under a name into `top`.
    pub fn object(&mut self, from: BorrowedFd<'_>, name: &CStr, new_name: &CStr) -> Result<()> {
        let top = self.top.as_fd().try_clone_to_owned().context("duplicate directory")?;
        let into = Into::new(&top)?;
        self.entry(from, name, FileType::Unknown, &into, new_name)
    }

    /// Copies all that is in a directory into `top`.
    pub fn contents(&mut self, from: BorrowedFd<'_>) -> Result<()> {
        let top = self.top.as_fd().try_clone_to_owned().context("duplicate directory")?;
        let from = open_directory(from, c".")?;
        self.entries(&from, &Into::new(&top)?)
    }

    fn entries(&mut self, from: &OwnedFd, into: &Into<'_>) -> Result<()> {
        for entry in list(from)? {
            self.entry(from.as_fd(), &entry.name, entry.kind, into, &entry.name)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        from: BorrowedFd<'_>,
        name: &CStr,
        kind: FileType,
        into: &Into<'_>,
        new_name: &CStr,
    ) -> Result<()> {
        let length = self.path.len();
        if length > 0 {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(new_name.to_bytes());
        let result = self.entry_here(from, name, kind, into, new_name);
        if self.depth == 0 || result.is_ok() {
            let result = result.with_context(|| format!("copy {}", fs::shown(&self.path)));
            self.path.truncate(length);
            return result;
        }
        // The path stays as it is: it names what the error is about.
        result
    }

    fn entry_here(
        &mut self,
        from: BorrowedFd<'_>,
        name: &CStr,
        kind: FileType,
        into: &Into<'_>,
        new_name: &CStr,
    ) -> Result<()> {
        if kind == FileType::RegularFile {
            return self.file(from, name, into, new_name);
        }
        let status = rustix::fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW).context("stat")?;
        match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => self.file(from, name, into, new_name),
            FileType::Directory => self.directory(from, name, into, new_name),
            FileType::Symlink => self.symlink(from, name, &status, into, new_name),
            FileType::Fifo => self.fifo(&status, into, new_name),
            FileType::Socket | FileType::CharacterDevice | FileType::BlockDevice | FileType::Unknown => {
                self.skipped += 1;
                Ok(())
            }
        }
    }

    fn file(&mut self, from: BorrowedFd<'_>, name: &CStr, into: &Into<'_>, new_name: &CStr) -> Result<()> {
        // NONBLOCK: a FIFO may have taken its place.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let source = rustix::fs::openat(from, name, flags, Mode::empty()).context("open")?;
        let status = rustix::fs::fstat(&source).context("fstat")?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            bail!("it was exchanged for another kind of file");
        }
        if status.st_nlink > 1 && self.link(&status, into, new_name)? {
            return Ok(());
        }
        let mode = self.mode(&status);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let create = |name: &CStr| rustix::fs::openat(into.dir, name, flags, mode);
        let unlink = |name: &CStr| {
            // The error that led here is the one to tell.
            let _ = rustix::fs::unlinkat(into.dir, name, AtFlags::empty());
        };
        match create(new_name) {
            Err(Errno::EXIST) => {}
            // Half a file is not left under its name, as where the disk is full.
            target => {
                let target = target.context("create")?;
                return self.fill(&source, &status, &target, into).inspect_err(|_| unlink(new_name));
            }
        }
        if let Some(mounted) = mounted_file(into.dir.as_fd(), new_name)? {
            // Whatever is mounted there is what the container sees under this name.
            return self.data(&source, &status, &mounted);
        }
        self.clear(into.dir, new_name, Way::File)?;
        // What is there stays until the copy is whole.
        let temporary = fs::staging_name(Path::new(""));
        let temporary = CString::new(format!(".{}", temporary.display())).context("a name has no NUL")?;
        let target = create(&temporary).context("create")?;
        self.fill(&source, &status, &target, into)
            .and_then(|()| {
                rustix::fs::renameat(into.dir, &temporary, into.dir, new_name).context("replace what is there")
            })
            .inspect_err(|_| unlink(&temporary))
    }

    /// Makes a new file what the source is.
    fn fill(&mut self, source: &OwnedFd, status: &Stat, target: &OwnedFd, into: &Into<'_>) -> Result<()> {
        self.data(source, status, target)?;
        if let Some((uid, gid)) = self.owner(status, into) {
            rustix::fs::fchown(target, Some(uid), Some(gid)).map_err(explain_owner)?;
        }
        self.attributes(source, target)?;
        let mode = self.mode(status);
        // Writing clears set-id bits, and so does a change of the owner.
        if mode.bits() & 0o6000 != 0 {
            rustix::fs::fchmod(target, mode).context("set mode")?;
        }
        rustix::fs::futimens(target, &times(status)).context("set time")
    }

    /// Links to the copy of the same file, if there is one. Notes where the copy will be, if there is none.
    fn link(&mut self, status: &Stat, into: &Into<'_>, new_name: &CStr) -> Result<bool> {
        let key = (status.st_dev, status.st_ino);
        let Some(first) = self.links.get(&key) else {
            self.links.insert(key, self.path.clone());
            return Ok(false);
        };
        use std::os::unix::ffi::OsStrExt;
        let first = Path::new(std::ffi::OsStr::from_bytes(first));
        let Some(name) = first.file_name() else { return Ok(false) };
        let parent = first.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("/"));
        // Somebody may have moved it meanwhile; then this becomes a copy of its own.
        let Ok(parent) = self.top.resolve_without_links(parent, OFlags::PATH | OFlags::DIRECTORY) else {
            return Ok(false);
        };
        let link = || rustix::fs::linkat(&parent, name, into.dir, new_name, AtFlags::empty());
        match link() {
            Err(Errno::EXIST) => {
                self.clear(into.dir, new_name, Way::Other)?;
                Ok(link().is_ok())
            }
            result => Ok(result.is_ok()),
        }
    }

    fn directory(&mut self, from: BorrowedFd<'_>, name: &CStr, into: &Into<'_>, new_name: &CStr) -> Result<()> {
        let source = open_directory(from, name).context("open directory")?;
        let status = rustix::fs::fstat(&source).context("fstat")?;
        let is_new = match rustix::fs::mkdirat(into.dir, new_name, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST) => {
                let there = rustix::fs::statat(into.dir, new_name, AtFlags::SYMLINK_NOFOLLOW).context("stat")?;
                let is_directory = FileType::from_raw_mode(there.st_mode) == FileType::Directory;
                if !is_directory {
                    self.clear(into.dir, new_name, Way::Directory)?;
                    rustix::fs::mkdirat(into.dir, new_name, Mode::RWXU).context("create directory")?;
                }
                !is_directory
            }
            Err(errno) => return Err(errno).context("create directory"),
        };
        if self.made == Some((status.st_dev, status.st_ino)) {
            return Err(Kind::BadInput.error("a directory cannot be copied into itself"));
        }
        let target = open_directory(into.dir.as_fd(), new_name).context("open directory")?;
        if self.made.is_none() {
            let made = rustix::fs::fstat(&target).context("fstat")?;
            self.made = Some((made.st_dev, made.st_ino));
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Kind::BadInput.error(format!("more than {DEPTH_MAX} directories in each other")));
        }
        self.entries(&source, &Into::new(&target)?)?;
        self.depth -= 1;
        if !is_new {
            // One that was there keeps its owner, its mode and its time.
            return Ok(());
        }
        if let Some((uid, gid)) = self.owner(&status, into) {
            rustix::fs::fchown(&target, Some(uid), Some(gid)).map_err(explain_owner)?;
        }
        self.attributes(&source, &target)?;
        rustix::fs::fchmod(&target, self.mode(&status)).context("set mode")?;
        rustix::fs::futimens(&target, &times(&status)).context("set time")
    }

    fn symlink(
        &mut self,
        from: BorrowedFd<'_>,
        name: &CStr,
        status: &Stat,
        into: &Into<'_>,
        new_name: &CStr,
    ) -> Result<()> {
        let target = rustix::fs::readlinkat(from, name, Vec::new()).context("read link")?;
        self.make(into, new_name, |into, name| rustix::fs::symlinkat(target.as_c_str(), into, name))?;
        if let Some((uid, gid)) = self.owner(status, into) {
            rustix::fs::chownat(into.dir, new_name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(explain_owner)?;
        }
        rustix::fs::utimensat(into.dir, new_name, &times(status), AtFlags::SYMLINK_NOFOLLOW).context("set time")
    }

    fn fifo(&mut self, status: &Stat, into: &Into<'_>, new_name: &CStr) -> Result<()> {
        let mode = self.mode(status);
        self.make(into, new_name, |into, name| rustix::fs::mknodat(into, name, FileType::Fifo, mode, 0))?;
        if let Some((uid, gid)) = self.owner(status, into) {
            rustix::fs::chownat(into.dir, new_name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(explain_owner)?;
        }
        rustix::fs::utimensat(into.dir, new_name, &times(status), AtFlags::SYMLINK_NOFOLLOW).context("set time")
    }

    /// Makes an object that must be new; one of the same name makes way for it.
    fn make(
        &self,
        into: &Into<'_>,
        name: &CStr,
        create: impl Fn(BorrowedFd<'_>, &CStr) -> rustix::io::Result<()>,
    ) -> Result<()> {
        match create(into.dir.as_fd(), name) {
            Err(Errno::EXIST) => {
                self.clear(into.dir, name, Way::Other)?;
                create(into.dir.as_fd(), name).context("create")
            }
            other => other.context("create"),
        }
    }

    /// Removes what stands in the way: a directory, or something other than one where a directory is to be, only if that
    /// was asked for.
    fn clear(&self, dir: &OwnedFd, name: &CStr, way: Way) -> Result<()> {
        let is_directory = match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) => FileType::from_raw_mode(status.st_mode) == FileType::Directory,
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(errno).context("stat"),
        };
        if is_directory != (way == Way::Directory) && !self.rules.overwrite {
            let (old, new) = if is_directory { ("a directory", "a file") } else { ("no directory", "a directory") };
            return Err(Kind::Exists.hinted(
                format!("replace {} with {new}: it is {old}", fs::shown(name.to_bytes())),
                "use --overwrite to allow that",
            ));
        }
        if is_directory {
            return fs::remove_tree_named(dir.as_fd(), name);
        }
        if way == Way::File {
            return Ok(());
        }
        match rustix::fs::unlinkat(dir, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno).context("replace what is there"),
        }
    }

    fn mode(&self, status: &Stat) -> Mode {
        // On a directory the bit only says which group new files in it have.
        let is_directory = FileType::from_raw_mode(status.st_mode) == FileType::Directory;
        let mask = if self.rules.strip_privileges && !is_directory { 0o1777 } else { 0o7777 };
        Mode::from_raw_mode(status.st_mode & mask)
    }

    /// The owner to set; None if a new object has it already.
    fn owner(&self, status: &Stat, into: &Into<'_>) -> Option<(Uid, Gid)> {
        let (uid, gid) = self.rules.owner.unwrap_or((status.st_uid, status.st_gid));
        let is_own = (uid, gid) == into.own && !into.gives_its_group;
        (!is_own).then(|| (Uid::from_raw(uid), Gid::from_raw(gid)))
    }

    /// Copies the data into a file that is empty, or replaces what is in it.
    fn data(&mut self, source: &OwnedFd, status: &Stat, target: &OwnedFd) -> Result<()> {
        let size = status.st_size as u64;
        let has_holes = (status.st_blocks as u64).saturating_mul(512) < size;
        if size <= BUFFER_BYTES as u64 && !has_holes {
            let limit = if size == 0 { UNSIZED_BYTES_MAX } else { size };
            return self.plain(source, target, limit);
        }
        if !has_holes {
            return self.range(source, target, size);
        }
        let mut position = 0;
        while position < size {
            use rustix::fs::SeekFrom;
            let start = match rustix::fs::seek(source, SeekFrom::Data(position)) {
                Ok(start) => start,
                // Nothing but a hole up to the end.
                Err(Errno::NXIO) => break,
                // No file system that knows of holes.
                Err(_) => position,
            };
            let end = rustix::fs::seek(source, SeekFrom::Hole(start)).unwrap_or(size).min(size);
            if end <= start {
                break;
            }
            rustix::fs::seek(source, SeekFrom::Start(start)).context("seek")?;
            rustix::fs::seek(target, SeekFrom::Start(start)).context("seek")?;
            self.range(source, target, end - start)?;
            position = end;
        }
        rustix::fs::ftruncate(target, size).context("set the size")
    }

    /// Moves bytes from where one file stands to where the other does, until the source ends.
    fn range(&mut self, source: &OwnedFd, target: &OwnedFd, mut length: u64) -> Result<()> {
        while length > 0 {
            let chunk = usize::try_from(length).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let moved = match self.method {
                Method::Range => rustix::fs::copy_file_range(source, None, target, None, chunk),
                Method::Send => rustix::fs::sendfile(target, source, None, chunk),
                Method::Plain => return self.plain(source, target, length),
            };
            match moved {
                Ok(0) => return Ok(()),
                Ok(moved) => length -= moved as u64,
                Err(Errno::INTR) => {}
                Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::BADF | Errno::PERM) => {
                    self.method = if self.method == Method::Range { Method::Send } else { Method::Plain };
                }
                Err(errno) => return Err(errno).context("copy the data"),
            }
        }
        Ok(())
    }

    fn plain(&mut self, source: &OwnedFd, target: &OwnedFd, mut length: u64) -> Result<()> {
        while length > 0 {
            let wanted = usize::try_from(length).unwrap_or(BUFFER_BYTES).min(BUFFER_BYTES);
            let read = match rustix::io::read(source, &mut self.buffer[..wanted]) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno).context("read"),
            };
            let mut piece = &self.buffer[..read];
            while !piece.is_empty() {
                match rustix::io::write(target, piece) {
                    Ok(written) => piece = &piece[written..],
                    Err(Errno::INTR) => {}
                    Err(errno) => return Err(errno).context("write"),
                }
            }
            length -= read as u64;
        }
        Ok(())
    }

    /// Copies those extended attributes that mean the same on both sides.
    fn attributes(&self, source: &OwnedFd, target: &OwnedFd) -> Result<()> {
        let mut names = [0u8; 1024];
        let mut long = Vec::new();
        let names = match rustix::fs::flistxattr(source, &mut names[..]) {
            Ok(0) | Err(Errno::OPNOTSUPP) => return Ok(()),
            Ok(length) => &names[..length],
            Err(Errno::RANGE) => {
                long.resize(XATTR_BYTES_MAX, 0);
                let length = rustix::fs::flistxattr(source, &mut long[..]).context("list attributes")?;
                &long[..length]
            }
            Err(errno) => return Err(errno).context("list attributes"),
        };
        for name in names.split_inclusive(|byte| *byte == 0) {
            let Ok(name) = CStr::from_bytes_with_nul(name) else { continue };
            if !fs::is_portable_attribute(name.to_bytes())
                || (self.rules.strip_privileges && !name.to_bytes().starts_with(b"user."))
            {
                continue;
            }
            let mut value = vec![0; XATTR_BYTES_MAX];
            let length = match rustix::fs::fgetxattr(source, name, &mut value[..]) {
                Ok(length) => length,
                Err(Errno::NODATA) => continue,
                Err(errno) => return Err(errno).with_context(|| format!("read attribute {name:?}")),
            };
            match rustix::fs::fsetxattr(target, name, &value[..length], XattrFlags::empty()) {
                // A file system without attributes loses them, as with every other tool.
                Ok(()) | Err(Errno::OPNOTSUPP) => {}
                Err(errno) => return Err(errno).with_context(|| format!("set attribute {name:?}")),
            }
        }
        Ok(())
    }
}

/// The directory that objects are made in, and whom new ones belong to.
struct Into<'a> {
    dir: &'a OwnedFd,
    own: (u32, u32),
    /// Its set-group-ID bit gives new objects the directory's group.
    gives_its_group: bool,
}

impl<'a> Into<'a> {
    fn new(dir: &'a OwnedFd) -> Result<Self> {
        let gives_its_group = rustix::fs::fstat(dir).context("fstat")?.st_mode & 0o2000 != 0;
        let own = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        Ok(Self { dir, own, gives_its_group })
    }
}

/// Opens a regular file that something is mounted on, to replace its data. None if nothing is.
fn mounted_file(dir: BorrowedFd<'_>, name: &CStr) -> Result<Option<OwnedFd>> {
    let status = match rustix::fs::statx(dir, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE) {
        Ok(status) => status,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(errno).context("statx"),
    };
    let is_file = FileType::from_raw_mode(status.stx_mode.into()) == FileType::RegularFile;
    if !is_file || !status.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) {
        return Ok(None);
    }
    let flags = OFlags::WRONLY | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(dir, name, flags, Mode::empty()).context("open what is mounted there").map(Some)
}

fn open_directory(dir: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(dir, name, flags, Mode::empty())
}

fn list(dir: &OwnedFd) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in rustix::fs::Dir::read_from(dir).context("list directory")? {
        let entry = entry.context("list directory")?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            entries.push(Entry { name: entry.file_name().to_owned(), kind: entry.file_type() });
        }
    }
    Ok(entries)
}

fn times(status: &Stat) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
        last_modification: Timespec { tv_sec: status.st_mtime as _, tv_nsec: status.st_mtime_nsec as _ },
    }
}

fn explain_owner(errno: Errno) -> anyhow::Error {
    match errno {
        // chown(2) tells an id without a mapping by EINVAL: user_namespaces(7).
        Errno::INVAL => Kind::Denied.error("set owner: the id is not mapped"),
        errno => anyhow::Error::new(errno).context("set owner"),
    }
}
