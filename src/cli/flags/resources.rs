//! The flags that limit what a container may use up.

use super::super::units;
use crate::container::config::{Config, Limit, Resources};
use crate::error::Kind;
use anyhow::Result;

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Resources")]
pub struct ResourceFlags {
    /// Limit the container's memory, such as 512m; needs a delegated cgroup
    #[arg(short, long, value_name = "SIZE")]
    memory: Option<String>,
    /// Limit the container's processors, such as 1.5; needs a delegated cgroup
    #[arg(long, value_name = "NUMBER")]
    cpus: Option<f64>,
    /// Limit the number of processes [default: 2048]; 0 or -1 is unlimited; needs a delegated cgroup
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pids_limit: Option<i64>,
    /// Set a resource limit
    #[arg(long, value_name = "NAME=SOFT[:HARD]")]
    ulimit: Vec<String>,
}

impl ResourceFlags {
    pub fn apply(&self, config: &mut Config) -> Result<()> {
        config.limits = self.ulimit.iter().map(|text| parse_limit(text)).collect::<Result<_>>()?;
        config.resources = self.resources()?;
        Ok(())
    }

    fn resources(&self) -> Result<Resources> {
        let millis = |cpus: f64| {
            let millis = (cpus * 1000.0).round();
            let bad = || Kind::BadInput.error(format!("--cpus {cpus} is not a number from 0.01 to 100000"));
            if (10.0..=1e8).contains(&millis) { Ok(millis as u64) } else { Err(bad()) }
        };
        Ok(Resources {
            pids: self.pids_limit.map(|limit| u64::try_from(limit).unwrap_or(0)),
            memory_bytes: self.memory.as_deref().map(units::parse_bytes).transpose()?,
            cpu_millis: self.cpus.map(millis).transpose()?,
        })
    }
}

/// `nofile=1024:2048`; -1 is unlimited.
fn parse_limit(text: &str) -> Result<Limit> {
    let bad = || Kind::BadInput.error(format!("limit {text:?} is not NAME=SOFT[:HARD]"));
    let (name, values) = text.split_once('=').ok_or_else(bad)?;
    let number = |text: &str| match text {
        "-1" | "unlimited" => Ok(u64::MAX),
        text => text.parse::<u64>().map_err(|_| bad()),
    };
    let (soft, hard) = match values.split_once(':') {
        Some((soft, hard)) => (number(soft)?, number(hard)?),
        None => (number(values)?, number(values)?),
    };
    let resource = format!("RLIMIT_{}", name.to_ascii_uppercase());
    let known = resource.parse::<oci_spec::runtime::PosixRlimitType>().is_ok();
    if !known || soft > hard {
        let cause = if known { "the soft limit is above the hard one" } else { "there is no such limit" };
        return Err(Kind::BadInput.error(format!("limit {text:?}: {cause}")));
    }
    Ok(Limit { resource, soft, hard })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_parse() {
        let limit = parse_limit("nofile=10:-1").unwrap();
        assert_eq!((limit.resource.as_str(), limit.soft, limit.hard), ("RLIMIT_NOFILE", 10, u64::MAX));
        for bad in ["nofile", "nope=1", "nofile=2:1", "nofile=x"] {
            assert!(parse_limit(bad).is_err(), "{bad}");
        }
    }
}
