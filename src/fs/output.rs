//! A file that the user names for output: it appears under its name when it is complete, and leaves nothing if it never
//! is.

use super::{FileType, staging_name};
use anyhow::{Context, Result};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The file that is being written. Dropped without [`Output::finish`], it is gone.
#[derive(Debug)]
pub struct Output {
    file: File,
    dir: OwnedFd,
    name: PathBuf,
    /// What it is called meanwhile. None where the file system has files without names (`O_TMPFILE`, open(2)).
    staging: Option<PathBuf>,
}

/// What a path names that is to be written to.
#[derive(Debug)]
pub enum Place {
    File(Output),
    /// A pipe, a terminal or a device, which takes bytes as they come.
    Stream(File),
}

impl Place {
    /// Opens a path for output. What it leads to by a link is replaced, not the link.
    pub fn open(path: &Path) -> Result<Self> {
        let creating = || format!("create {}", path.display());
        let path = match std::fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(error).with_context(creating),
        };
        match rustix::fs::stat(&path) {
            Ok(status) if FileType::from_raw_mode(status.st_mode) == FileType::Directory => {
                Err(Errno::ISDIR).with_context(creating)
            }
            Ok(status) if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile => {
                let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::CLOEXEC;
                let stream = rustix::fs::open(&path, flags, Mode::empty()).with_context(creating)?;
                Ok(Self::Stream(stream.into()))
            }
            Ok(_) | Err(Errno::NOENT) => {
                let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
                let name = path.file_name().ok_or(Errno::ISDIR).with_context(creating)?;
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let dir = rustix::fs::open(dir, flags, Mode::empty()).with_context(creating)?;
                Output::create(dir, Path::new(name)).with_context(creating).map(Self::File)
            }
            Err(errno) => Err(errno).with_context(creating),
        }
    }
}

impl Output {
    /// Begins a file of one name in a directory, with the mode that the umask gives.
    pub fn create(dir: OwnedFd, name: &Path) -> Result<Self> {
        let mode = Mode::from_raw_mode(0o666);
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        match rustix::fs::openat(&dir, c".", flags | OFlags::TMPFILE, mode) {
            Ok(file) => Ok(Self { file: file.into(), dir, name: name.to_owned(), staging: None }),
            // NFS, or FUSE without it.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
                let staging = hidden(name);
                let file = rustix::fs::openat(&dir, &staging, flags | OFlags::CREATE | OFlags::EXCL, mode)?;
                Ok(Self { file: file.into(), dir, name: name.to_owned(), staging: Some(staging) })
            }
            Err(errno) => Err(errno.into()),
        }
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// Puts the file on disk and gives it its name, which leaves whatever had it.
    pub fn finish(mut self) -> Result<()> {
        let finish = |output: &mut Self| -> Result<()> {
            output.file.sync_data().context("sync")?;
            if output.staging.is_none() {
                let staging = hidden(&output.name);
                let open = format!("/proc/self/fd/{}", output.file.as_raw_fd());
                rustix::fs::linkat(CWD, open, &output.dir, &staging, AtFlags::SYMLINK_FOLLOW).context("link")?;
                output.staging = Some(staging);
            }
            if let Some(staging) = &output.staging {
                rustix::fs::renameat(&output.dir, staging, &output.dir, &output.name).context("rename into place")?;
            }
            output.staging = None;
            rustix::fs::fsync(&output.dir).context("sync the directory")
        };
        finish(&mut self).with_context(|| format!("write {}", self.name.display()))
    }
}

impl AsFd for Output {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(staging) = &self.staging {
            // The error that led here is the one to tell.
            let _ = rustix::fs::unlinkat(&self.dir, staging, AtFlags::empty());
        }
    }
}

/// A name beside `name` that nobody else uses, and that is not too long whatever `name` is.
fn hidden(name: &Path) -> PathBuf {
    let unique = staging_name(Path::new(""));
    let short: String = name.to_string_lossy().chars().take(50).collect();
    PathBuf::from(format!(".{short}.{}", unique.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_appears_when_it_is_complete_and_replaces_what_a_link_leads_to() {
        let top = staging_name(&std::env::temp_dir()).with_extension("coracle-test");
        std::fs::create_dir(&top).unwrap();
        let (file, link) = (top.join("file"), top.join("link"));
        std::fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        let open = |path: &Path| match Place::open(path).unwrap() {
            Place::File(output) => output,
            Place::Stream(_) => panic!("it is a file"),
        };
        let output = open(&link);
        output.file().write_all(b"half").unwrap();
        drop(output);
        assert_eq!(std::fs::read(&file).unwrap(), b"old");
        let output = open(&link);
        output.file().write_all(b"new").unwrap();
        output.finish().unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_dir(&top).unwrap().count(), 2);
        assert!(matches!(Place::open(Path::new("/dev/null")).unwrap(), Place::Stream(_)));
        assert!(Place::open(&top).is_err());
        std::fs::remove_dir_all(&top).unwrap();
    }
}
