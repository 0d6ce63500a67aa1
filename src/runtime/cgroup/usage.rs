//! What the processes of a container's cgroup have used up, as the controllers that are there count it.

use super::{Cgroup, FILE_BYTES_MAX, MOUNT_POINT, keyed, own_path, refuse_version_1};
use crate::fs;
use rustix::fs::OFlags;
use std::path::{Path, PathBuf};

/// None for what no controller counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub cpu_micros: Option<u64>,
    pub memory_bytes: Option<u64>,
    /// None is unlimited, too.
    pub memory_bytes_max: Option<u64>,
    pub tasks: Option<u64>,
    pub read_bytes: Option<u64>,
    pub written_bytes: Option<u64>,
}

/// The cgroup of the container whose monitor this is, below the root of the hierarchy. None if it has none of its own.
pub fn of_container(monitor: i32) -> Option<PathBuf> {
    let text = fs::read(Path::new(&format!("/proc/{monitor}/cgroup")), FILE_BYTES_MAX).ok()?;
    let monitors = own_path(&text)?;
    monitors.ends_with("monitor").then(|| monitors.with_file_name("container"))
}

/// The usage of the container whose monitor this is. None if it has no cgroup of its own.
pub fn usage(monitor: i32) -> Option<Usage> {
    refuse_version_1().ok()?;
    let path = of_container(monitor)?;
    let root = fs::Root::open(Path::new(MOUNT_POINT)).ok()?;
    let dir = root.resolve(&path, OFlags::RDONLY | OFlags::DIRECTORY).ok()?;
    let cgroup = Cgroup { dir, path };
    let read = |file: &str| cgroup.read_optional(file).ok().flatten();
    let number = |file: &str| read(file)?.trim().parse::<u64>().ok();
    let io = read("io.stat");
    // Cache that can be had back at once is no use of memory, as other engines count too.
    let cached = read("memory.stat").and_then(|stat| keyed(&stat, "inactive_file")).unwrap_or(0);
    Some(Usage {
        // Without the controller, too: it is counted in every cgroup.
        cpu_micros: read("cpu.stat").and_then(|stat| keyed(&stat, "usage_usec")),
        memory_bytes: number("memory.current").map(|bytes| bytes.saturating_sub(cached)),
        memory_bytes_max: number("memory.max"),
        tasks: number("pids.current"),
        read_bytes: io.as_deref().map(|text| sum_of_devices(text, "rbytes=")),
        written_bytes: io.as_deref().map(|text| sum_of_devices(text, "wbytes=")),
    })
}

/// Of lines `8:0 rbytes=1 wbytes=2 …`, one for each device.
fn sum_of_devices(text: &str, key: &str) -> u64 {
    text.split_whitespace().filter_map(|word| word.strip_prefix(key)?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::sum_of_devices;

    #[test]
    fn devices_add_up() {
        let text = "8:0 rbytes=1 wbytes=20 rios=3 wios=4 dbytes=0 dios=0\n252:0 rbytes=5 wbytes=60 rios=7\n";
        assert_eq!((sum_of_devices(text, "rbytes="), sum_of_devices(text, "wbytes=")), (6, 80));
        assert_eq!(sum_of_devices("", "rbytes="), 0);
    }
}
