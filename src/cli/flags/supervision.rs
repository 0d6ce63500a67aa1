//! The flags of what the monitor does for a container while it lives.

use crate::container::config::{Config, Stop};
use anyhow::Result;

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Supervision")]
pub struct SupervisionFlags {
    /// Ask the container to end with this signal [default: the image's, else TERM]
    #[arg(long, value_name = "SIGNAL")]
    stop_signal: Option<String>,
    /// Kill the container this many seconds after it was asked to end
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    stop_timeout: u64,
}

impl SupervisionFlags {
    pub fn apply(&self, config: &mut Config) -> Result<()> {
        config.stop = Stop {
            signal: self.stop_signal.as_deref().map(super::super::parse_signal).transpose()?,
            timeout_secs: self.stop_timeout,
        };
        Ok(())
    }
}
