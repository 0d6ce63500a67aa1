//! Where everything of this user lies. The first argument of every function that touches the disk.

use crate::error::Kind;
use crate::fs;
use anyhow::{Context, Result};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The engine's two directories and whose they are.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Survives a reboot: images, layers, containers, volumes.
    pub data: PathBuf,
    /// About live processes only; a reboot clears it.
    pub run: PathBuf,
    /// Whether this engine serves an ordinary user, from inside that user's namespace or outside it.
    pub rootless: bool,
    /// The user's uid in the initial user namespace, as far as one mapping shows it.
    pub uid: u32,
}

/// Directories that the command line names, over those of the environment.
#[derive(Clone, Debug, Default)]
pub struct Directories {
    pub root: Option<PathBuf>,
    pub runroot: Option<PathBuf>,
}

/// This boot, as the kernel names it. Empty where it cannot be asked.
pub fn boot_id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| {
        let text = fs::read(Path::new("/proc/sys/kernel/random/boot_id"), 128).unwrap_or_default();
        String::from_utf8_lossy(&text).trim().to_owned()
    })
}

impl Engine {
    /// Finds the directories; makes none.
    pub fn locate(directories: &Directories) -> Result<Self> {
        let (uid, rootless) = who()?;
        let data = match &directories.root {
            Some(root) => absolute(root)?,
            None if rootless => data_home()?.join("coracle"),
            None => PathBuf::from("/var/lib/coracle"),
        };
        let run = match &directories.runroot {
            Some(run) => absolute(run)?,
            None if rootless => runtime_home(uid)?.join("coracle"),
            None => PathBuf::from("/run/coracle"),
        };
        Ok(Self { data, run, rootless, uid })
    }

    /// Makes the directories, and refuses a runtime directory that belongs to someone else. True if the store is new.
    pub fn prepare(&self) -> Result<bool> {
        let is_new = !self.staging().is_dir();
        if is_new {
            // Staging last: its being there says that all the others are.
            for room in ["images/blobs/sha256", "layers", "containers", "names", "volumes", "tmp"] {
                fs::create_dir_all(&self.data.join(room))?;
            }
        }
        let containers = self.run.join("containers");
        if !containers.is_dir() {
            fs::create_dir_all(&containers)?;
        }
        refuse_foreign(&self.run)?;
        Ok(is_new)
    }

    pub fn images(&self) -> PathBuf {
        self.data.join("images")
    }

    /// Where artifacts lie: like images, in a store of their own, so that a name may be one of each.
    pub fn artifacts(&self) -> Self {
        Self { data: self.data.join("artifacts"), ..self.clone() }
    }

    pub fn layers(&self) -> PathBuf {
        self.data.join("layers")
    }

    pub fn containers(&self) -> PathBuf {
        self.data.join("containers")
    }

    pub fn names(&self) -> PathBuf {
        self.data.join("names")
    }

    pub fn volumes(&self) -> PathBuf {
        self.data.join("volumes")
    }

    /// Trees of images' files with other owners, each made when it is first needed.
    pub fn shifted(&self) -> PathBuf {
        self.data.join("shifted")
    }

    /// Where `image mount` shows an image, each caller in a mount namespace of their own.
    pub fn shown_image(&self, id: &str) -> PathBuf {
        self.run.join("images").join(id)
    }

    /// Where monitors share a volume that is a file system in memory.
    pub fn shared_volume(&self, name: &str) -> PathBuf {
        self.run.join("volumes").join(name)
    }

    /// Staging on the same file system as everything it will be renamed into.
    pub fn staging(&self) -> PathBuf {
        self.data.join("tmp")
    }
}

/// The uid in the namespace outside ours, and whether that is an ordinary user.
fn who() -> Result<(u32, bool)> {
    let uid = rustix::process::geteuid().as_raw();
    if uid != 0 {
        return Ok((uid, true));
    }
    // Uid 0 may be an ordinary user inside a namespace of theirs: user_namespaces(7), "uid_map".
    let map = fs::read(Path::new("/proc/self/uid_map"), 64 << 10)?;
    let map = String::from_utf8_lossy(&map);
    let mut first = map.split_whitespace().map(|word| word.parse::<u32>().unwrap_or(u32::MAX));
    let (inside, outside, count) = (first.next(), first.next(), first.next());
    let initial = (inside, outside, count) == (Some(0), Some(0), Some(u32::MAX));
    Ok((if inside == Some(0) { outside.unwrap_or(0) } else { 0 }, !initial))
}

fn data_home() -> Result<PathBuf> {
    let base = directories::BaseDirs::new().ok_or_else(|| {
        Kind::BadInput.hinted("find the data directory: no home directory", "set HOME, or name one with --root")
    })?;
    Ok(base.data_dir().to_owned())
}

/// `XDG_RUNTIME_DIR`; without it (su, cron) the directory that a login would have given, else one in /tmp.
fn runtime_home(uid: u32) -> Result<PathBuf> {
    if let Some(dir) = std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty()) {
        let dir = PathBuf::from(dir);
        if dir.is_absolute() && is_ours(&dir) {
            return Ok(dir);
        }
    }
    let login = PathBuf::from(format!("/run/user/{uid}"));
    if is_ours(&login) {
        return Ok(login);
    }
    let fallback = PathBuf::from(format!("/tmp/coracle-run-{uid}"));
    fs::create_dir(&fallback)?;
    refuse_foreign(&fallback)?;
    Ok(fallback)
}

fn is_ours(dir: &Path) -> bool {
    dir.symlink_metadata().is_ok_and(|status| status.is_dir() && status.uid() == rustix::process::geteuid().as_raw())
}

fn refuse_foreign(dir: &Path) -> Result<()> {
    let status = dir.symlink_metadata().with_context(|| format!("stat {}", dir.display()))?;
    if !status.is_dir() || status.uid() != rustix::process::geteuid().as_raw() {
        let message = format!("use {}: it belongs to another user", dir.display());
        return Err(Kind::Denied.hinted(message, "set XDG_RUNTIME_DIR to a directory of your own"));
    }
    if status.mode() & 0o077 != 0 {
        rustix::fs::chmod(dir, rustix::fs::Mode::RWXU).with_context(|| format!("chmod {}", dir.display()))?;
    }
    Ok(())
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("find {}", path.display()))
}
