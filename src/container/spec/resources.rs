//! What a cgroup enforces.

use super::PIDS_DEFAULT;
use crate::container::config::{Config, Rare, Resources, ThrottleKind};
use anyhow::Result;
use oci_spec::runtime as oci;

/// What the container's cgroup enforces. The default limit of processes is set only where there is a cgroup: it is an
/// offer, where an explicit one is a demand.
pub fn resources(config: &Config, has_pids_cgroup: bool) -> Result<Option<oci::LinuxResources>> {
    let asked = &config.resources;
    let pids = asked.pids.or((has_pids_cgroup && !config.security.privileged).then_some(PIDS_DEFAULT));
    let mut resources = oci::LinuxResources::default();
    resources.set_devices(None);
    let nothing = resources.clone();
    if let Some(pids) = pids {
        let limit = if pids == 0 { -1 } else { pids as i64 };
        resources.set_pids(Some(oci::LinuxPidsBuilder::default().limit(limit).build()?));
    }
    resources.set_memory(memory(asked));
    resources.set_cpu(cpu(asked));
    resources.set_block_io(block_io(&asked.rare)?);
    if !asked.rare.unified.is_empty() {
        resources.set_unified(Some(asked.rare.unified.clone().into_iter().collect()));
    }
    Ok((resources != nothing).then_some(resources))
}

fn memory(asked: &Resources) -> Option<oci::LinuxMemory> {
    let mut memory = oci::LinuxMemory::default();
    let nothing = memory;
    memory.set_limit(asked.memory_bytes.map(|bytes| bytes as i64));
    memory.set_swap(asked.rare.memory_swap_bytes);
    memory.set_reservation(asked.rare.memory_reservation_bytes.map(|bytes| bytes as i64));
    (memory != nothing).then_some(memory)
}

fn cpu(asked: &Resources) -> Option<oci::LinuxCpu> {
    let rare = &asked.rare;
    let mut cpu = oci::LinuxCpu::default();
    let nothing = cpu.clone();
    if let Some(millis) = asked.cpu_millis {
        cpu.set_period(Some(CPU_PERIOD_MICROS));
        cpu.set_quota(Some((millis * CPU_PERIOD_MICROS / 1000) as i64));
    }
    if rare.cpu_period_micros.is_some() || rare.cpu_quota_micros.is_some() {
        cpu.set_period(rare.cpu_period_micros);
        cpu.set_quota(rare.cpu_quota_micros);
    }
    cpu.set_shares(rare.cpu_shares);
    cpu.set_cpus(rare.cpuset_cpus.clone());
    cpu.set_mems(rare.cpuset_mems.clone());
    (cpu != nothing).then_some(cpu)
}

fn block_io(rare: &Rare) -> Result<Option<oci::LinuxBlockIo>> {
    let mut block_io = oci::LinuxBlockIo::default();
    let nothing = block_io.clone();
    block_io.set_weight(rare.io_weight);
    let of = |kind: ThrottleKind| -> Result<Option<Vec<oci::LinuxThrottleDevice>>> {
        let devices = rare.throttles.iter().filter(|throttle| throttle.kind == kind);
        let device = |throttle: &crate::container::config::Throttle| {
            oci::LinuxThrottleDeviceBuilder::default()
                .major(throttle.major)
                .minor(throttle.minor)
                .rate(throttle.rate)
                .build()
        };
        let devices = devices.map(device).collect::<Result<Vec<_>, _>>()?;
        Ok((!devices.is_empty()).then_some(devices))
    };
    block_io.set_throttle_read_bps_device(of(ThrottleKind::ReadBytes)?);
    block_io.set_throttle_write_bps_device(of(ThrottleKind::WriteBytes)?);
    block_io.set_throttle_read_iops_device(of(ThrottleKind::ReadOperations)?);
    block_io.set_throttle_write_iops_device(of(ThrottleKind::WriteOperations)?);
    let weights = rare.throttles.iter().filter(|throttle| throttle.kind == ThrottleKind::Weight);
    let weights = weights.map(|throttle| {
        let device = oci::LinuxWeightDeviceBuilder::default().major(throttle.major).minor(throttle.minor);
        device.weight(throttle.rate as u16).build()
    });
    let weights = weights.collect::<Result<Vec<_>, _>>()?;
    block_io.set_weight_device((!weights.is_empty()).then_some(weights));
    Ok((block_io != nothing).then_some(block_io))
}

/// The kernel's own default period.
const CPU_PERIOD_MICROS: u64 = 100_000;
