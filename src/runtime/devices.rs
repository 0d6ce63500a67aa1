//! Device nodes in a container: binds of the host's, never new ones (a user namespace cannot make any).

use crate::error::Kind;
use crate::fs::Root;
use crate::sys::mount::{self, Attributes};
use anyhow::{Context, Result};
use oci_spec::runtime::LinuxDevice;
use rustix::fs::FileType;
use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The links that programs expect in /dev: OCI runtime spec, config-linux.md "Default Devices" and "/dev symbolic links".
const LINKS: [(&str, &str); 5] = [
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("pts/ptmx", "ptmx"),
];

/// A device of the host as a detached mount, checked to be the device that is meant.
pub fn clone_host(path: &Path, expected: Option<(u32, u32)>) -> Result<OwnedFd> {
    let name = CString::new(path.as_os_str().as_bytes()).context("device path with a NUL byte")?;
    let device =
        mount::clone_tree(mount::here(), &name, false).with_context(|| format!("open device {}", path.display()))?;
    let status = rustix::fs::fstat(&device).context("fstat device")?;
    let kind = FileType::from_raw_mode(status.st_mode);
    let numbers = (rustix::fs::major(status.st_rdev), rustix::fs::minor(status.st_rdev));
    let is_device = matches!(kind, FileType::CharacterDevice | FileType::BlockDevice);
    if !is_device || expected.is_some_and(|expected| expected != numbers) {
        return Err(Kind::Denied.error(format!("{} is not the device it should be", path.display())));
    }
    Ok(device)
}

/// The host's /dev/null, proven to be it: what masks are made of. Cloned from the host for each, since before Linux 6.15
/// a detached mount cannot be cloned again.
pub fn null() -> Result<OwnedFd> {
    clone_host(Path::new("/dev/null"), Some((1, 3)))
}

/// Binds the spec's devices into the root.
pub fn bind(root: &Root, devices: &[LinuxDevice]) -> Result<()> {
    for device in devices {
        let numbers = (device.major() as u32, device.minor() as u32);
        let host = clone_host(device.path(), (device.major() >= 0).then_some(numbers))?;
        mount::set_attributes(host.as_fd(), Attributes::NOSUID | Attributes::NOEXEC, false)?;
        let target = root.make_file(device.path(), 0o666)?;
        mount::attach(host.as_fd(), target.as_fd())
            .with_context(|| format!("mount device {}", device.path().display()))?;
    }
    Ok(())
}

/// Makes the links of /dev, where the image or a volume has not put something of its own.
pub fn link(root: &Root) -> Result<()> {
    let dev = root.make_dir_all(Path::new("/dev"), 0o755)?;
    for (target, name) in LINKS {
        match rustix::fs::symlinkat(target, &dev, name) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(errno) => return Err(errno).with_context(|| format!("link /dev/{name}")),
        }
    }
    Ok(())
}
