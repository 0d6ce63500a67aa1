//! The flags that say who the processes are, inside and outside, and whose namespaces they share.

use crate::container::config::Config;
use anyhow::Result;

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Users and namespaces")]
pub struct UserFlags {
    /// Run as this user, by name or number
    #[arg(short, long, value_name = "USER[:GROUP]")]
    user: Option<String>,
}

impl UserFlags {
    pub fn apply(&self, config: &mut Config) -> Result<()> {
        config.process.user = self.user.clone().unwrap_or_default();
        Ok(())
    }
}
