//! The flags that limit what a container may use up.

use super::super::units;
use crate::container::config::{Cgroup, Config, Limit, Rare, Resources, Throttle, ThrottleKind};
use crate::error::Kind;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Resources")]
pub struct ResourceFlags {
    /// Limit the container's memory, such as 512m; needs a delegated cgroup
    #[arg(short, long, value_name = "SIZE")]
    memory: Option<String>,
    /// Limit memory and swap together; -1 is unlimited
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    memory_swap: Option<String>,
    /// Protect this much memory from being taken away while other memory can be
    #[arg(long, value_name = "SIZE")]
    memory_reservation: Option<String>,
    /// Refused: cgroups of version 2 have no such setting
    #[arg(long, value_name = "NUMBER", hide = true, allow_negative_numbers = true)]
    memory_swappiness: Option<i64>,
    /// Refused: cgroups of version 2 have no such setting
    #[arg(long, hide = true)]
    oom_kill_disable: bool,
    /// Limit the container's processors, such as 1.5; needs a delegated cgroup
    #[arg(long, value_name = "NUMBER")]
    cpus: Option<f64>,
    /// Weigh the container's processor time against that of others, around 1024
    #[arg(short, long, value_name = "SHARES")]
    cpu_shares: Option<u64>,
    /// Limit the processor time in each period, in microseconds
    #[arg(long, value_name = "MICROSECONDS", allow_negative_numbers = true, conflicts_with = "cpus")]
    cpu_quota: Option<i64>,
    /// The period of --cpu-quota, in microseconds
    #[arg(long, value_name = "MICROSECONDS", conflicts_with = "cpus")]
    cpu_period: Option<u64>,
    /// Refused: cgroups of version 2 have no such setting
    #[arg(long, value_name = "MICROSECONDS", hide = true)]
    cpu_rt_period: Option<u64>,
    /// Refused: cgroups of version 2 have no such setting
    #[arg(long, value_name = "MICROSECONDS", hide = true)]
    cpu_rt_runtime: Option<u64>,
    /// Run on these processors only, such as 0-3,7
    #[arg(long, value_name = "LIST")]
    cpuset_cpus: Option<String>,
    /// Take memory from these nodes only
    #[arg(long, value_name = "LIST")]
    cpuset_mems: Option<String>,
    /// Limit the number of processes [default: 2048]; 0 or -1 is unlimited; needs a delegated cgroup
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pids_limit: Option<i64>,
    /// Weigh the container's reading and writing against that of others, from 10 to 1000
    #[arg(long, value_name = "WEIGHT")]
    blkio_weight: Option<u16>,
    /// Weigh it on one device
    #[arg(long, value_name = "DEVICE:WEIGHT")]
    blkio_weight_device: Vec<String>,
    /// Limit how fast a device is read
    #[arg(long, value_name = "DEVICE:SIZE")]
    device_read_bps: Vec<String>,
    /// Limit how fast a device is written
    #[arg(long, value_name = "DEVICE:SIZE")]
    device_write_bps: Vec<String>,
    /// Limit how often a device is read, per second
    #[arg(long, value_name = "DEVICE:NUMBER")]
    device_read_iops: Vec<String>,
    /// Limit how often a device is written, per second
    #[arg(long, value_name = "DEVICE:NUMBER")]
    device_write_iops: Vec<String>,
    /// Have a cgroup for the container or not: enabled, no-conmon, split, disabled
    #[arg(long, value_name = "HOW")]
    cgroups: Option<String>,
    /// Put the container into this slice of systemd's
    #[arg(long, value_name = "SLICE")]
    cgroup_parent: Option<String>,
    /// Write a value to a file of the container's cgroup
    #[arg(long, value_name = "FILE=VALUE")]
    cgroup_conf: Vec<String>,
    /// Set a resource limit, or with host take those of who starts the container
    #[arg(long, value_name = "NAME=SOFT[:HARD]")]
    ulimit: Vec<String>,
    /// Say how soon the kernel ends the container when memory is short, from -1000 to 1000
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    oom_score_adj: Option<i32>,
    /// Refused: the engine makes no resource control groups of Intel's RDT
    #[arg(long, value_name = "CLASS", hide = true)]
    rdt_class: Option<String>,
}

impl ResourceFlags {
    pub fn apply(&self, config: &mut Config) -> Result<()> {
        config.limits = self.limits()?;
        config.resources = self.resources()?;
        refuse_swap_alone(&config.resources)
    }

    fn limits(&self) -> Result<Vec<Limit>> {
        self.ulimit.iter().filter(|text| *text != "host").map(|text| Limit::parse(text)).collect()
    }

    /// The same over what a container has already: what was not asked for stays.
    pub fn apply_over(&self, config: &mut Config) -> Result<()> {
        let (limits, resources) = (self.limits()?, self.resources()?);
        config.limits.retain(|had| limits.iter().all(|limit| limit.resource != had.resource));
        config.limits.extend(limits);
        let mut merged = serde_json::to_value(&config.resources).context("serialise resources")?;
        merge(&mut merged, serde_json::to_value(&resources).context("serialise resources")?);
        config.resources = serde_json::from_value(merged).context("parse resources")?;
        // Two ways to say the same: the last word counts.
        if self.cpus.is_some() {
            (config.resources.rare.cpu_quota_micros, config.resources.rare.cpu_period_micros) = (None, None);
        } else if self.cpu_quota.is_some() || self.cpu_period.is_some() {
            config.resources.cpu_millis = None;
        }
        refuse_swap_alone(&config.resources)
    }

    fn resources(&self) -> Result<Resources> {
        self.refuse()?;
        let millis = |cpus: f64| {
            let millis = (cpus * 1000.0).round();
            let bad = || Kind::BadInput.error(format!("--cpus {cpus} is not a number from 0.01 to 100000"));
            if (10.0..=1e8).contains(&millis) { Ok(millis as u64) } else { Err(bad()) }
        };
        if let Some(score) = self.oom_score_adj.filter(|score| !(-1000..=1000).contains(score)) {
            return Err(Kind::BadInput.error(format!("--oom-score-adj {score} is not from -1000 to 1000")));
        }
        Ok(Resources {
            pids: self.pids_limit.map(|limit| u64::try_from(limit).unwrap_or(0)),
            memory_bytes: self.memory.as_deref().map(units::parse_bytes).transpose()?,
            cpu_millis: self.cpus.map(millis).transpose()?,
            rare: self.rare()?,
            cgroup: self.cgroup()?,
            limits_of_host: self.ulimit.iter().any(|text| text == "host"),
            oom_score_adj: self.oom_score_adj,
        })
    }

    /// What only cgroups of version 1 had.
    fn refuse(&self) -> Result<()> {
        let gone = [
            ("--memory-swappiness", self.memory_swappiness.is_some_and(|value| value != -1)),
            ("--oom-kill-disable", self.oom_kill_disable),
            ("--cpu-rt-period", self.cpu_rt_period.is_some_and(|value| value != 0)),
            ("--cpu-rt-runtime", self.cpu_rt_runtime.is_some_and(|value| value != 0)),
        ];
        if let Some((flag, _)) = gone.iter().find(|(_, asked)| *asked) {
            return Err(Kind::BadInput.error(format!("{flag}: cgroups of version 2 have no such setting")));
        }
        if let Some(class) = &self.rdt_class {
            let message = format!("--rdt-class {class}: resource control groups are not supported");
            return Err(Kind::BadInput.error(message));
        }
        Ok(())
    }

    fn rare(&self) -> Result<Rare> {
        let bytes = |text: &Option<String>| text.as_deref().map(units::parse_bytes).transpose();
        let memory_swap_bytes = match self.memory_swap.as_deref() {
            Some("-1") => Some(-1),
            Some(text) => Some(i64::try_from(units::parse_bytes(text)?).unwrap_or(i64::MAX)),
            None => None,
        };
        if let Some(weight) = self.blkio_weight.filter(|weight| *weight != 0 && !(10..=1000).contains(weight)) {
            return Err(Kind::BadInput.error(format!("--blkio-weight {weight} is not from 10 to 1000")));
        }
        let size = |text: &str| units::parse_bytes(text);
        let number =
            |text: &str| text.parse::<u64>().map_err(|_| Kind::BadInput.error(format!("{text:?} is not a number")));
        let weight = |text: &str| match number(text)? {
            weight @ 10..=1000 => Ok(weight),
            weight => Err(Kind::BadInput.error(format!("weight {weight} is not from 10 to 1000"))),
        };
        let mut throttles = Vec::new();
        let mut add = |flag: &str, values: &[String], kind, rate: &dyn Fn(&str) -> Result<u64>| -> Result<()> {
            for value in values {
                let throttle = throttle(value, kind, rate).with_context(|| format!("{flag} {value}"))?;
                throttles.push(throttle);
            }
            Ok(())
        };
        add("--blkio-weight-device", &self.blkio_weight_device, ThrottleKind::Weight, &weight)?;
        add("--device-read-bps", &self.device_read_bps, ThrottleKind::ReadBytes, &size)?;
        add("--device-write-bps", &self.device_write_bps, ThrottleKind::WriteBytes, &size)?;
        add("--device-read-iops", &self.device_read_iops, ThrottleKind::ReadOperations, &number)?;
        add("--device-write-iops", &self.device_write_iops, ThrottleKind::WriteOperations, &number)?;
        Ok(Rare {
            memory_swap_bytes,
            memory_reservation_bytes: bytes(&self.memory_reservation)?,
            cpu_shares: self.cpu_shares,
            cpu_quota_micros: self.cpu_quota,
            cpu_period_micros: self.cpu_period,
            cpuset_cpus: self.cpuset_cpus.clone(),
            cpuset_mems: self.cpuset_mems.clone(),
            io_weight: self.blkio_weight.filter(|weight| *weight != 0),
            throttles,
            unified: self.cgroup_conf.iter().map(|text| cgroup_file(text)).collect::<Result<BTreeMap<_, _>>>()?,
        })
    }

    fn cgroup(&self) -> Result<Cgroup> {
        let disabled = match self.cgroups.as_deref() {
            // The monitor and the container have a cgroup each below one that systemd made for both.
            None | Some("enabled" | "no-conmon" | "split") => false,
            Some("disabled") => true,
            Some(other) => {
                let message = format!("--cgroups {other:?} is not known");
                return Err(Kind::BadInput.hinted(message, "use enabled, no-conmon, split or disabled"));
            }
        };
        if self.cgroup_parent.is_some()
            && self.cgroups.as_deref().is_some_and(|how| how == "disabled" || how == "split")
        {
            return Err(Kind::BadInput.error("--cgroup-parent needs --cgroups enabled"));
        }
        let parent = self.cgroup_parent.as_deref().filter(|parent| !parent.is_empty());
        if let Some(parent) = parent
            && !is_slice(parent)
        {
            let message = format!("--cgroup-parent {parent:?} is not the name of a slice");
            return Err(Kind::BadInput.hinted(message, "use a name such as user-apps.slice, which systemd makes"));
        }
        Ok(Cgroup { disabled, parent: parent.map(str::to_owned) })
    }
}

fn refuse_swap_alone(resources: &Resources) -> Result<()> {
    if resources.rare.memory_swap_bytes.is_some() && resources.memory_bytes.is_none() {
        return Err(Kind::BadInput.error("--memory-swap needs --memory"));
    }
    Ok(())
}

/// systemd.slice(5): dashes order slices into a tree, and there is nothing between two of them.
fn is_slice(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'@');
    name.len() <= 255
        && name
            .strip_suffix(".slice")
            .is_some_and(|stem| stem.split('-').all(|part| !part.is_empty() && part.bytes().all(plain)))
}

/// `DEVICE:RATE`; the device is named by its node.
fn throttle(text: &str, kind: ThrottleKind, rate: &dyn Fn(&str) -> Result<u64>) -> Result<Throttle> {
    let (path, rate_text) = text
        .rsplit_once(':')
        .filter(|(path, _)| path.starts_with('/'))
        .ok_or_else(|| Kind::BadInput.error("it is not DEVICE:RATE"))?;
    let status = rustix::fs::stat(Path::new(path)).with_context(|| format!("look at {path}"))?;
    if rustix::fs::FileType::from_raw_mode(status.st_mode) != rustix::fs::FileType::BlockDevice {
        return Err(Kind::BadInput.error(format!("{path} is not a block device")));
    }
    let (major, minor) = (rustix::fs::major(status.st_rdev), rustix::fs::minor(status.st_rdev));
    Ok(Throttle { kind, major: i64::from(major), minor: i64::from(minor), rate: rate(rate_text)? })
}

fn cgroup_file(text: &str) -> Result<(String, String)> {
    let (file, value) = text
        .split_once('=')
        .filter(|(file, value)| file.contains('.') && !value.is_empty() && !value.contains(char::is_control))
        .ok_or_else(|| Kind::BadInput.error(format!("--cgroup-conf {text:?} is not CONTROLLER.FILE=VALUE")))?;
    Ok((file.to_owned(), value.to_owned()))
}

/// Puts what one description says over another; what is null or empty says nothing.
fn merge(over: &mut Value, said: Value) {
    match (over, said) {
        (Value::Object(over), Value::Object(said)) => {
            for (key, value) in said {
                merge(over.entry(key).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (_, Value::Array(list)) if list.is_empty() => {}
        (_, Value::Bool(false)) => {}
        (over, said) => *over = said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_parse() {
        let limit = Limit::parse("nofile=10:-1").unwrap();
        assert_eq!((limit.resource.as_str(), limit.soft, limit.hard), ("RLIMIT_NOFILE", 10, u64::MAX));
        for name in
            "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack as"
                .split(' ')
        {
            assert!(Limit::parse(&format!("{name}=1")).is_ok(), "{name}");
        }
        for bad in ["nofile", "nope=1", "nofile=2:1", "nofile=x"] {
            assert!(Limit::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn slices_are_names_of_systemd() {
        for good in ["a.slice", "user-apps.slice", "app-x@1.slice"] {
            assert!(is_slice(good), "{good}");
        }
        for bad in ["", ".slice", "-.slice", "a--b.slice", "/a.slice", "a", "../a.slice", "a b.slice", "a\n.slice"] {
            assert!(!is_slice(bad), "{bad:?}");
        }
    }
}
