//! What a container may do unless its user says otherwise: system calls, capabilities, and what it sees of the machine.

pub mod capabilities;
pub mod document;
pub mod seccomp;
pub mod sysctl;

use super::config::{Config, Seccomp, Systemd};
use crate::error::Kind;
use anyhow::{Context, Result};
use document::Document;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Decides what of the confinement depends on the whole container: all that it asked for is known now.
pub fn settle(config: &mut Config) -> Result<()> {
    for key in config.security.sysctls.keys() {
        sysctl::check(key, config)?;
    }
    if config.security.systemd == Systemd::WhenItIs && runs_systemd(config) {
        config.security.systemd = Systemd::Yes;
    }
    if config.security.systemd == Systemd::Yes {
        config.stop.signal.get_or_insert(libc::SIGRTMIN() + 3);
        let uuid = format!("container_uuid={}", &config.id.as_str()[..32]);
        config.process.environment.push(uuid);
    }
    settle_seccomp(config)
}

/// Whether the container's command is systemd, or an init where distributions have it.
fn runs_systemd(config: &Config) -> bool {
    let arguments = config.process.arguments();
    let program = arguments.first().map_or("", String::as_str);
    ["/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init"].contains(&program)
        || program.rsplit('/').next() == Some("systemd")
}

/// Reads the seccomp profile that a container was given by its file, for the capabilities that it has: what its monitor
/// gets is the OCI form.
fn settle_seccomp(config: &mut Config) -> Result<()> {
    let Seccomp::File(file) = &config.security.seccomp else { return Ok(()) };
    let security = &config.security;
    let base = capabilities::base(security, security.privileged)?;
    let granted = capabilities::resolve(base, &security.capabilities_added, &security.capabilities_dropped)?;
    let profile = Document::read(file)?.resolve(granted.set)?;
    if crate::runtime::seccomp::notifies(&profile)
        && let Some(socket) = profile.listener_path()
        && !socket.symlink_metadata().is_ok_and(|status| status.file_type().is_socket())
    {
        let message =
            format!("no seccomp agent listens at {}, the listenerPath of {}", socket.display(), file.display());
        return Err(Kind::NotFound.hinted(message, "start the agent first"));
    }
    let text = serde_json::to_string(&profile).context("serialise the seccomp profile")?;
    config.security.seccomp = Seccomp::Profile(text);
    Ok(())
}

/// Refuses an AppArmor profile where the kernel has no AppArmor, or has it switched off.
pub fn require_apparmor(name: &str) -> Result<()> {
    let enabled = crate::fs::read_optional(Path::new("/sys/module/apparmor/parameters/enabled"), 16)?;
    if enabled.is_some_and(|text| text.starts_with(b"Y")) {
        return Ok(());
    }
    Err(Kind::BadInput
        .hinted(format!("AppArmor profile {name:?}: AppArmor is not enabled on this machine"), "leave it out"))
}

/// A device node that every container has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    pub path: &'static str,
    pub major: u32,
    pub minor: u32,
    pub mode: u32,
}

/// The nodes of a container's /dev, besides the terminals and links that its runtime makes: OCI runtime-spec,
/// config-linux.md, "Default Devices".
pub const DEVICES: [Device; 6] = [
    character("/dev/null", 1, 3),
    character("/dev/zero", 1, 5),
    character("/dev/full", 1, 7),
    character("/dev/random", 1, 8),
    character("/dev/urandom", 1, 9),
    character("/dev/tty", 5, 0),
];

/// What is hidden from a container, for it tells about, or reaches, the machine and not the container. Most exist on
/// some machines only.
const MASKED: &[&str] = &[
    // Hardware and firmware.
    "/proc/acpi",
    "/proc/asound",
    "/proc/scsi",
    "/sys/class/dmi",
    "/sys/devices/virtual/dmi",
    "/sys/firmware",
    "/sys/hypervisor",
    "/sys/power",
    // Side channels: energy, interrupts, temperatures, scheduling.
    "/proc/interrupts",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/schedstat",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    // Memory and addresses of the kernel.
    "/proc/kcore",
    "/proc/kpagecgroup",
    "/proc/kpagecount",
    "/proc/kpageflags",
    "/proc/pagetypeinfo",
    "/proc/slabinfo",
    "/proc/vmallocinfo",
    "/sys/kernel/btf",
    "/sys/kernel/notes",
    "/sys/kernel/slab",
    "/sys/module",
    // Keyrings, and the kernel's own control files.
    "/proc/key-users",
    "/proc/keys",
    "/sys/fs/bpf",
    "/sys/fs/pstore",
    "/sys/fs/selinux",
    "/sys/kernel/debug",
    "/sys/kernel/security",
    "/sys/kernel/tracing",
];

/// What a container can read and not write, even as its root.
pub const READ_ONLY: &[&str] =
    &["/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// Where the machine's processors have a directory each, some with a counter of overheatings in it.
const PROCESSORS: &str = "/sys/devices/system/cpu";
/// More processors than any kernel is built for (`NR_CPUS`).
const PROCESSORS_MAX: usize = 8192;

/// The container paths to hide. One that does not exist is no error; one that cannot be hidden must stop the start.
pub fn masked_paths() -> Vec<String> {
    MASKED.iter().map(|path| (*path).to_owned()).chain(throttle_counters()).collect()
}

/// The overheating counters of the processors, which tell containers about each other's load. Virtual machines, and so
/// most servers, have none: then this is one look-up.
fn throttle_counters() -> Vec<String> {
    let counter = |processor: usize| format!("{PROCESSORS}/cpu{processor}/thermal_throttle");
    (0..PROCESSORS_MAX)
        .map(counter)
        .take_while(|path| rustix::fs::access(path, rustix::fs::Access::EXISTS).is_ok())
        .collect()
}

const fn character(path: &'static str, major: u32, minor: u32) -> Device {
    Device { path, major, minor, mode: 0o666 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_absolute_and_listed_once() {
        let mut masks = masked_paths();
        assert!(masks.iter().all(|path| path.starts_with("/proc/") || path.starts_with("/sys/")));
        let count = masks.len();
        masks.sort();
        masks.dedup();
        assert_eq!(masks.len(), count);
    }

    #[test]
    fn what_the_oci_spec_masks_is_masked() {
        let masks = masked_paths();
        for path in oci_spec::runtime::get_default_maskedpaths() {
            assert!(masks.contains(&path), "{path}");
        }
        for path in oci_spec::runtime::get_default_readonly_paths() {
            assert!(READ_ONLY.contains(&path.as_str()), "{path}");
        }
    }
}
