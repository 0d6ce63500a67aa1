//! The flags that give a container devices of the host.

use crate::container::config::Config;
use crate::container::{cdi, devices};
use crate::error::Kind;
use anyhow::Result;

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Devices")]
pub struct DeviceFlags {
    /// Give the container a device of the host, a directory of them, or one by its CDI name VENDOR/CLASS=NAME
    #[arg(long, value_name = "HOST[:CONTAINER][:rwm]")]
    device: Vec<String>,
    /// Give the container GPUs of NVIDIA's by their CDI names: all, an index or an id
    #[arg(long, value_name = "GPU")]
    gpus: Vec<String>,
    /// Allow devices by their numbers; only root's engine has cgroups that could
    #[arg(long, value_name = "RULE")]
    device_cgroup_rule: Vec<String>,
}

impl DeviceFlags {
    pub fn apply(&self, config: &mut Config) -> Result<()> {
        for device in &self.device {
            if cdi::is_name(device) {
                config.extras.cdi_names.push(device.clone());
            } else {
                config.extras.devices.extend(devices::find(device)?);
            }
        }
        for gpu in self.gpus.iter().flat_map(|text| text.split(',')) {
            let name = format!("nvidia.com/gpu={}", gpu.strip_prefix("device=").unwrap_or(gpu));
            if !cdi::is_name(&name) {
                return Err(Kind::BadInput.error(format!("GPU {gpu:?} is neither all nor an index nor an id")));
            }
            config.extras.cdi_names.push(name);
        }
        if let Some(rule) = self.device_cgroup_rule.first() {
            check_rule(rule)?;
            let message =
                format!("device rule {rule:?}: containers have no device cgroup, only the devices they are given");
            return Err(Kind::BadInput.hinted(message, "name the device with --device"));
        }
        Ok(())
    }
}

/// `TYPE MAJOR:MINOR MODE`, as of the kernel's cgroups of version 1.
fn check_rule(rule: &str) -> Result<()> {
    let number = |text: &str| text == "*" || text.parse::<u32>().is_ok();
    let good = match rule.split(' ').collect::<Vec<_>>().as_slice() {
        [kind, numbers, mode] => {
            matches!(*kind, "a" | "b" | "c")
                && numbers.split_once(':').is_some_and(|(major, minor)| number(major) && number(minor))
                && !mode.is_empty()
                && mode.chars().all(|letter| "rwm".contains(letter))
        }
        _ => false,
    };
    if good {
        Ok(())
    } else {
        Err(Kind::BadInput.error(format!("device rule {rule:?} is not TYPE MAJOR:MINOR MODE")))
    }
}
