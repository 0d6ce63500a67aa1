//! Resource limits of an OCI specification as the values of cgroup files, set and read back.
//!
//! Sources: runtime-spec, config-linux.md "Control groups"; cgroup-v2.rst "Controllers". What the specification says in
//! terms of version 1 is converted as the common runtimes do.

use super::{Cgroup, explain};
use crate::error::Kind;
use anyhow::{Context, Result, bail};
use oci_spec::runtime::{LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxResources, LinuxThrottleDevice};
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};

/// The most that the kernel may round a number of bytes down by: the largest page there is on our architectures.
const PAGE_BYTES_MAX: u64 = 64 << 10;

/// The most CPUs or memory nodes that a list is expanded to: CONFIG_NR_CPUS of any kernel is at most this.
const CPUS_MAX: u32 = 8192;

/// The period of `cpu.max` where none is given, in microseconds: the kernel's default.
const PERIOD_DEFAULT: u64 = 100_000;

/// One value for one file.
#[derive(Debug, PartialEq, Eq)]
struct Setting {
    file: String,
    value: String,
    read_back: ReadBack,
}

/// What the file must say after the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadBack {
    /// The same.
    Same,
    /// The same, or less by less than a page.
    Bytes,
    /// The same numbers, as ranges or not.
    Ranges,
    /// Among others, a line that starts with the same key; or a form that we do not know.
    Free,
}

impl Cgroup {
    /// Sets every limit asked for, or says which one cannot be set, and what to do. Device rules are no cgroup files
    /// and are left to others.
    pub fn apply(&self, resources: &LinuxResources) -> Result<()> {
        settings(resources)?.iter().try_for_each(|setting| self.set(setting))
    }

    fn set(&self, setting: &Setting) -> Result<()> {
        let Setting { file, value, read_back } = setting;
        match self.try_write(file, value) {
            Ok(()) => {}
            Err(Errno::NOENT | Errno::ACCESS)
                if !self.controllers()?.iter().any(|name| name == setting.controller()) =>
            {
                return Err(explain::missing_controller(self, setting.controller(), &setting.to_string()));
            }
            // A kernel without swap has no such file, and keeps every limit on it.
            Err(Errno::NOENT) if file == "memory.swap.max" => return Ok(()),
            Err(errno) => return Err(errno).with_context(|| setting.to_string()),
        }
        if *read_back == ReadBack::Free {
            return Ok(());
        }
        let now = self.read(file)?;
        if !read_back.accepts(value, now.trim()) {
            bail!("{setting}: the kernel made it {}", now.trim().escape_debug());
        }
        Ok(())
    }
}

/// Refuses any limit on a host where there is no cgroup to set it in: `reason` is why, and what to do.
pub fn refuse_limits(resources: &LinuxResources, reason: anyhow::Error) -> Result<()> {
    match settings(resources)?.first() {
        None => Ok(()),
        Some(setting) => {
            let controller = setting.controller();
            Err(reason.context(format!("{setting}: needs the {controller} controller")))
        }
    }
}

impl Setting {
    /// `memory` of `memory.max`.
    fn controller(&self) -> &str {
        self.file.split('.').next().unwrap_or(&self.file)
    }
}

impl std::fmt::Display for Setting {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "set {} to {}", self.file, self.value.escape_debug())
    }
}

impl ReadBack {
    fn accepts(self, asked: &str, now: &str) -> bool {
        match self {
            Self::Same => asked == now,
            Self::Bytes => match (asked.parse::<u64>(), now.parse::<u64>()) {
                (Ok(asked), Ok(now)) => now <= asked && asked - now < PAGE_BYTES_MAX,
                _ => asked == now,
            },
            Self::Ranges => ranges(asked).is_some() && ranges(asked) == ranges(now),
            Self::Free => true,
        }
    }
}

/// The numbers of a list such as `0-2,7`: cpuset(7), "List format".
fn ranges(list: &str) -> Option<BTreeSet<u32>> {
    let mut numbers = BTreeSet::new();
    for range in list.split(',').map(str::trim).filter(|range| !range.is_empty()) {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
        if first > last || last >= CPUS_MAX {
            return None;
        }
        numbers.extend(first..=last);
    }
    Some(numbers)
}

/// All that is asked for, in the order in which it is to be set.
fn settings(resources: &LinuxResources) -> Result<Vec<Setting>> {
    let mut settings = Vec::new();
    let mut add = |file: &str, value: String, read_back: ReadBack| {
        settings.push(Setting { file: file.to_owned(), value, read_back });
    };
    if let Some(memory) = resources.memory() {
        memory_settings(memory, &mut add)?;
    }
    if let Some(cpu) = resources.cpu() {
        cpu_settings(cpu, &mut add)?;
    }
    if let Some(pids) = resources.pids() {
        let limit = pids.limit();
        add("pids.max", if limit > 0 { limit.to_string() } else { "max".to_owned() }, ReadBack::Same);
    }
    if let Some(block_io) = resources.block_io() {
        io_settings(block_io, &mut add);
    }
    for page in resources.hugepage_limits().iter().flatten() {
        let file = format!("hugetlb.{}.max", file_name_part(page.page_size())?);
        add(&file, bytes_or_max(page.limit()), ReadBack::Bytes);
    }
    let unified: BTreeMap<_, _> = resources.unified().iter().flatten().collect();
    for (file, value) in unified {
        let file = file_name_part(file)?;
        if file.starts_with("cgroup.") || !file.contains('.') {
            return Err(Kind::BadInput.error(format!("{file:?} is no file of a controller")));
        }
        add(file, value.clone(), ReadBack::Free);
    }
    Ok(settings)
}

fn memory_settings(memory: &LinuxMemory, add: &mut impl FnMut(&str, String, ReadBack)) -> Result<()> {
    if memory.swappiness().is_some() {
        return Err(version_1_only("memory swappiness"));
    }
    if memory.disable_oom_killer() == Some(true) {
        return Err(version_1_only("switching the OOM killer off"));
    }
    // 0 has always meant "not set" here.
    let set = |value: Option<i64>| value.filter(|value| *value != 0);
    let (limit, swap) = (set(memory.limit()), set(memory.swap()));
    if let Some(limit) = limit {
        add("memory.max", bytes_or_max(limit), ReadBack::Bytes);
    }
    // Version 1 counts memory and swap together.
    let swap = match (limit, swap) {
        (_, Some(..0)) | (Some(..0), None) => Some("max".to_owned()),
        (_, None) => None,
        (None | Some(..0), Some(_)) => {
            return Err(Kind::BadInput.error("a limit of memory and swap needs a limit of memory"));
        }
        (Some(limit), Some(both)) => Some(both.checked_sub(limit).filter(|swap| *swap >= 0).map_or_else(
            || Err(Kind::BadInput.error(format!("memory and swap ({both}) is less than memory ({limit})"))),
            |swap| Ok(swap.to_string()),
        )?),
    };
    if let Some(swap) = swap {
        add("memory.swap.max", swap, ReadBack::Bytes);
    }
    if let Some(reservation) = set(memory.reservation()) {
        add("memory.low", bytes_or_max(reservation), ReadBack::Bytes);
    }
    Ok(())
}

fn cpu_settings(cpu: &LinuxCpu, add: &mut impl FnMut(&str, String, ReadBack)) -> Result<()> {
    if cpu.realtime_runtime().is_some_and(|runtime| runtime != 0)
        || cpu.realtime_period().is_some_and(|time| time != 0)
    {
        return Err(version_1_only("a limit of real-time CPU"));
    }
    if let Some(idle) = cpu.idle() {
        add("cpu.idle", idle.to_string(), ReadBack::Same);
    }
    if let Some(shares) = cpu.shares().filter(|shares| *shares != 0) {
        add("cpu.weight", weight_of_shares(shares).to_string(), ReadBack::Same);
    }
    let period = cpu.period().filter(|period| *period != 0);
    if cpu.quota().is_some() || period.is_some() {
        let quota =
            cpu.quota().filter(|quota| *quota > 0).map_or_else(|| "max".to_owned(), |quota| quota.to_string());
        add("cpu.max", format!("{quota} {}", period.unwrap_or(PERIOD_DEFAULT)), ReadBack::Same);
    }
    if let Some(burst) = cpu.burst() {
        add("cpu.max.burst", burst.to_string(), ReadBack::Same);
    }
    for (file, list) in [("cpuset.cpus", cpu.cpus()), ("cpuset.mems", cpu.mems())] {
        let Some(list) = list.as_deref().filter(|list| !list.is_empty()) else { continue };
        if ranges(list).is_none() {
            return Err(Kind::BadInput.error(format!("{list:?} is no list of numbers and ranges")));
        }
        add(file, list.to_owned(), ReadBack::Ranges);
    }
    Ok(())
}

fn io_settings(block_io: &LinuxBlockIo, add: &mut impl FnMut(&str, String, ReadBack)) {
    if let Some(weight) = block_io.weight().filter(|weight| *weight != 0) {
        // 10..=1000 onto 1..=10000.
        let weight = 1 + (u64::from(weight).clamp(10, 1000) - 10) * 9999 / 990;
        add("io.weight", format!("default {weight}"), ReadBack::Free);
    }
    for device in block_io.weight_device().iter().flatten() {
        let weight = 1 + (u64::from(device.weight().unwrap_or(0)).clamp(10, 1000) - 10) * 9999 / 990;
        add("io.weight", format!("{}:{} {weight}", device.major(), device.minor()), ReadBack::Free);
    }
    let throttles: [(&str, &Option<Vec<LinuxThrottleDevice>>); 4] = [
        ("rbps", block_io.throttle_read_bps_device()),
        ("wbps", block_io.throttle_write_bps_device()),
        ("riops", block_io.throttle_read_iops_device()),
        ("wiops", block_io.throttle_write_iops_device()),
    ];
    for (key, devices) in throttles {
        for device in devices.iter().flatten() {
            let rate = if device.rate() == 0 { "max".to_owned() } else { device.rate().to_string() };
            add("io.max", format!("{}:{} {key}={rate}", device.major(), device.minor()), ReadBack::Free);
        }
    }
}

/// Shares, 2..=262144 around 1024, as a weight, 1..=10000 around 100: the curve through these three points that the
/// field agreed on in 2025 (the straight line before it made 1024 shares a weight of 39).
fn weight_of_shares(shares: u64) -> u64 {
    match shares {
        ..=2 => 1,
        262_144.. => 10_000,
        _ => {
            let log = (shares as f64).log2();
            let exponent = (log * log + 125.0 * log) / 612.0 - 7.0 / 34.0;
            10f64.powf(exponent).ceil() as u64
        }
    }
}

fn bytes_or_max(bytes: i64) -> String {
    if bytes < 0 { "max".to_owned() } else { bytes.to_string() }
}

/// Part of a file name in a cgroup, as a document gives it.
fn file_name_part(name: &str) -> Result<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    if name.is_empty() || name.starts_with('.') || name.len() > 64 || !name.bytes().all(plain) {
        return Err(Kind::BadInput.error(format!("{name:?} is no file of a controller")));
    }
    Ok(name)
}

fn version_1_only(what: &str) -> anyhow::Error {
    Kind::BadInput.error(format!("{what} exists in cgroups of version 1 only"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn from_json(json: &str) -> Result<Vec<(String, String)>> {
        let resources: LinuxResources = serde_json::from_str(json).expect("a test's own document");
        Ok(settings(&resources)?.into_iter().map(|setting| (setting.file, setting.value)).collect())
    }

    #[test]
    fn limits_become_values_of_version_2() {
        for (json, expected) in [
            ("{}", ""),
            (r#"{"memory":{"limit":0,"swap":0}}"#, ""),
            (
                r#"{"memory":{"limit":1048576,"swap":3145728,"reservation":4096}}"#,
                "memory.max=1048576 memory.swap.max=2097152 memory.low=4096",
            ),
            (r#"{"memory":{"limit":-1}}"#, "memory.max=max memory.swap.max=max"),
            (r#"{"memory":{"limit":4096,"swap":-1}}"#, "memory.max=4096 memory.swap.max=max"),
            (r#"{"pids":{"limit":5}}"#, "pids.max=5"),
            (r#"{"pids":{"limit":-1}}"#, "pids.max=max"),
            (r#"{"cpu":{"shares":1024,"quota":50000}}"#, "cpu.weight=100 cpu.max=50000 100000"),
            (
                r#"{"cpu":{"quota":-1,"period":5000,"cpus":"0-1","mems":"0"}}"#,
                "cpu.max=max 5000 cpuset.cpus=0-1 cpuset.mems=0",
            ),
            (
                r#"{"blockIO":{"weight":500,"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":9}]}}"#,
                "io.weight=default 4950 io.max=8:0 rbps=9",
            ),
            (r#"{"hugepageLimits":[{"pageSize":"2MB","limit":4}]}"#, "hugetlb.2MB.max=4"),
            (r#"{"unified":{"memory.high":"7","cpu.idle":"1"}}"#, "cpu.idle=1 memory.high=7"),
        ] {
            let found: Vec<_> =
                from_json(json).unwrap().iter().map(|(file, value)| format!("{file}={value}")).collect();
            assert_eq!(found.join(" "), expected, "{json}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_before_anything_is_set() {
        for json in [
            r#"{"memory":{"swap":4096}}"#,
            r#"{"memory":{"limit":-1,"swap":4096}}"#,
            r#"{"memory":{"limit":8192,"swap":4096}}"#,
            r#"{"memory":{"swappiness":10}}"#,
            r#"{"memory":{"disableOOMKiller":true}}"#,
            r#"{"cpu":{"realtimeRuntime":1}}"#,
            r#"{"cpu":{"cpus":"0,x"}}"#,
            r#"{"cpu":{"cpus":"0-4000000000"}}"#,
            r#"{"unified":{"cgroup.procs":"1"}}"#,
            r#"{"unified":{"../memory.max":"1"}}"#,
            r#"{"unified":{"memory":"1"}}"#,
            r#"{"hugepageLimits":[{"pageSize":"../2MB","limit":4}]}"#,
        ] {
            let error = from_json(json).expect_err(json);
            assert_eq!(crate::error::kind(&error), Kind::BadInput, "{json}");
        }
    }

    #[test]
    fn values_are_compared_as_the_kernel_writes_them() {
        assert!(ReadBack::Bytes.accepts("1000001", "999424"));
        assert!(!ReadBack::Bytes.accepts("1000001", "max"));
        assert!(!ReadBack::Bytes.accepts("1000001", "1003520"));
        assert!(ReadBack::Ranges.accepts("0,1,2,7", "0-2,7"));
        assert!(!ReadBack::Ranges.accepts("0-3", "0-2"));
        assert!(!ReadBack::Same.accepts("50000 100000", "max 100000"));
    }

    #[test]
    fn shares_keep_their_default_and_their_ends() {
        for (shares, weight) in [(1, 1), (2, 1), (1024, 100), (262_144, 10_000), (u64::MAX, 10_000)] {
            assert_eq!(weight_of_shares(shares), weight, "{shares}");
        }
        assert!(weight_of_shares(512) < 100 && weight_of_shares(2048) > 100);
    }

    #[test]
    fn a_limit_without_a_cgroup_names_its_controller() {
        let resources: LinuxResources = serde_json::from_str(r#"{"pids":{"limit":5}}"#).unwrap();
        let error = refuse_limits(&resources, Kind::Denied.hinted("no cgroups are mounted here", "mount them"));
        let error = error.unwrap_err();
        assert_eq!(
            crate::error::line(&error),
            "set pids.max to 5: needs the pids controller: no cgroups are mounted here"
        );
        assert_eq!(crate::error::hint(&error), Some("mount them"));
        assert!(refuse_limits(&LinuxResources::default(), Kind::Denied.error("none")).is_ok());
    }

    proptest! {
        #[test]
        fn lists_of_numbers_never_panic(list in "[-0-9, ]{0,24}") {
            let _ = ranges(&list);
        }

        #[test]
        fn weights_stay_within_what_the_kernel_takes(shares in any::<u64>()) {
            prop_assert!((1..=10_000).contains(&weight_of_shares(shares)));
        }
    }
}
