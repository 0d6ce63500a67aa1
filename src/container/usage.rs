//! What a container uses up right now: from its cgroup where it has one, else summed over its processes in /proc.

use super::processes;
use super::state::{self, Container};
use crate::fs;
use crate::runtime::cgroup;
use crate::sys::namespace;
use anyhow::Result;
use std::os::fd::AsFd;
use std::path::Path;

/// The largest file of /proc that is read here.
const FILE_BYTES_MAX: usize = 1 << 20;

/// Counters since the container's start, but for memory and tasks, which are as of now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Nanoseconds since 1970.
    pub at: u64,
    pub started: u64,
    pub cpu_nanos: u64,
    pub memory_bytes: u64,
    /// The container's limit, else what the host has.
    pub memory_bytes_max: u64,
    pub received_bytes: u64,
    pub sent_bytes: u64,
    pub read_bytes: u64,
    pub written_bytes: u64,
    pub tasks: u64,
}

/// Reads it; all is zero for one that is not alive.
pub fn of(container: &Container) -> Result<Usage> {
    let Some(state) = container.state.as_ref().filter(|state| container.status.is_alive() && state.pid > 0) else {
        return Ok(Usage::default());
    };
    let summed = sum(state.monitor_pid, state.pid)?;
    let counted = cgroup::usage(state.monitor_pid).unwrap_or_default();
    let (received_bytes, sent_bytes) = network(state.pid);
    Ok(Usage {
        at: state::now(),
        started: state.started,
        cpu_nanos: counted.cpu_micros.map_or(summed.cpu_nanos, |micros| micros.saturating_mul(1000)),
        memory_bytes: counted.memory_bytes.unwrap_or(summed.memory_bytes),
        memory_bytes_max: counted.memory_bytes_max.unwrap_or_else(memory_of_host),
        received_bytes,
        sent_bytes,
        read_bytes: counted.read_bytes.unwrap_or(summed.read_bytes),
        written_bytes: counted.written_bytes.unwrap_or(summed.written_bytes),
        tasks: counted.tasks.unwrap_or(summed.tasks),
    })
}

fn sum(monitor: i32, first: i32) -> Result<Usage> {
    let positive = |variable, otherwise| {
        let value = nix::unistd::sysconf(variable).ok().flatten().and_then(|value| u64::try_from(value).ok());
        value.filter(|value| *value > 0).unwrap_or(otherwise)
    };
    let ticks_per_sec = positive(nix::unistd::SysconfVar::CLK_TCK, 100);
    let page_bytes = positive(nix::unistd::SysconfVar::PAGE_SIZE, 4096);
    let mut usage = Usage::default();
    for stat in processes::of(monitor, first)? {
        usage.cpu_nanos += (stat.user_ticks + stat.system_ticks).saturating_mul(1_000_000_000 / ticks_per_sec);
        usage.memory_bytes += stat.resident_pages.saturating_mul(page_bytes);
        usage.tasks += processes::status(stat.pid).and_then(|status| status.get("Threads").parse().ok()).unwrap_or(1);
        // Not to be read of a process that another user has.
        let io = read(&format!("/proc/{}/io", stat.pid)).unwrap_or_default();
        usage.read_bytes += keyed(&io, "read_bytes").unwrap_or(0);
        usage.written_bytes += keyed(&io, "write_bytes").unwrap_or(0);
    }
    Ok(usage)
}

/// What has come in and gone out through a network of the container's own.
fn network(first: i32) -> (u64, u64) {
    let inode = |pid: &str| namespace::open(pid, "net").and_then(|net| namespace::inode(net.as_fd())).ok();
    if inode(&first.to_string()) == inode("self") {
        return (0, 0);
    }
    devices(&read(&format!("/proc/{first}/net/dev")).unwrap_or_default())
}

/// Of lines `NAME: RECEIVED … SENT …`, after two of headings; what stays inside does not count.
fn devices(text: &str) -> (u64, u64) {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let numbers = lines.filter(|(name, _)| name.trim() != "lo").map(|(_, numbers)| {
        let number = |index| numbers.split_whitespace().nth(index).and_then(|text| text.parse::<u64>().ok());
        (number(0).unwrap_or(0), number(8).unwrap_or(0))
    });
    numbers.fold((0, 0), |(received, sent), (more, less)| (received + more, sent + less))
}

fn memory_of_host() -> u64 {
    let text = read("/proc/meminfo").unwrap_or_default();
    keyed(&text, "MemTotal").unwrap_or(0).saturating_mul(1024)
}

fn read(path: &str) -> Option<String> {
    fs::read(Path::new(path), FILE_BYTES_MAX).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The number behind `KEY:`.
fn keyed(text: &str, key: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    value.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_proc_are_read_by_their_keys() {
        let text = "Inter-| Receive |  Transmit\n face |bytes packets|bytes\n    lo: 9 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0\n\
                    eth0: 100 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0\n  tap0:1 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0\n";
        assert_eq!(devices(text), (101, 22));
        assert_eq!(keyed("MemTotal:       8 kB\nMemFree: 1 kB\n", "MemTotal"), Some(8));
        assert_eq!(keyed("cancelled_write_bytes: 5\nwrite_bytes: 3\n", "write_bytes"), Some(3));
    }
}
