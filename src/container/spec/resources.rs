//! What a cgroup enforces.

use super::{PIDS_DEFAULT, Surroundings};
use crate::container::config::Config;
use anyhow::Result;
use oci_spec::runtime as oci;

/// What the container's cgroup enforces. The default limit of processes is set only where there is a cgroup: it is an
/// offer, where an explicit one is a demand.
pub(super) fn resources(config: &Config, around: &Surroundings<'_>) -> Result<Option<oci::LinuxResources>> {
    let asked = config.resources;
    let pids = asked.pids.or((around.has_pids_cgroup && !config.security.privileged).then_some(PIDS_DEFAULT));
    if pids.is_none() && asked.memory_bytes.is_none() && asked.cpu_millis.is_none() {
        return Ok(None);
    }
    let mut resources = oci::LinuxResourcesBuilder::default();
    if let Some(pids) = pids {
        let limit = if pids == 0 { -1 } else { pids as i64 };
        resources = resources.pids(oci::LinuxPidsBuilder::default().limit(limit).build()?);
    }
    if let Some(bytes) = asked.memory_bytes {
        resources = resources.memory(oci::LinuxMemoryBuilder::default().limit(bytes as i64).build()?);
    }
    if let Some(millis) = asked.cpu_millis {
        let cpu = oci::LinuxCpuBuilder::default()
            .period(CPU_PERIOD_MICROS)
            .quota((millis * CPU_PERIOD_MICROS / 1000) as i64);
        resources = resources.cpu(cpu.build()?);
    }
    Ok(Some(resources.build()?))
}

/// The kernel's own default period.
const CPU_PERIOD_MICROS: u64 = 100_000;
