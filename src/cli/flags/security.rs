//! The flags that lift or tighten the confinement.

use crate::container::config::{Config, Seccomp, Security, Unmasked};
use crate::container::profile::document::Document;
use crate::error::Kind;
use crate::runtime::capabilities::Set;
use anyhow::{Context, Result};
use std::path::Path;

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Security")]
pub struct SecurityFlags {
    /// Add a capability, or ALL
    #[arg(long, value_name = "CAPABILITY")]
    cap_add: Vec<String>,
    /// Drop a capability, or ALL
    #[arg(long, value_name = "CAPABILITY")]
    cap_drop: Vec<String>,
    /// Change the confinement: seccomp=unconfined|FILE, no-new-privileges, mask=PATHS, unmask=ALL|PATHS, nesting
    #[arg(long, value_name = "OPTION")]
    security_opt: Vec<String>,
    /// Where the seccomp profile comes from: default, or what --security-opt names; an image has no say in it
    #[arg(long, value_name = "POLICY", hide = true)]
    seccomp_policy: Option<String>,
    /// Lift most of the confinement; the container still has no more rights than you
    #[arg(long)]
    privileged: bool,
    /// Make the root file system read-only, with writable /run, /tmp and /var/tmp in memory
    #[arg(long)]
    read_only: bool,
}

impl SecurityFlags {
    pub fn apply(&self, config: &mut Config) -> Result<()> {
        config.security = self.security()?;
        config.read_only = self.read_only;
        Ok(())
    }

    fn security(&self) -> Result<Security> {
        if let Some(policy) = self.seccomp_policy.as_deref().filter(|policy| *policy != "default") {
            let message = format!("seccomp policy {policy:?}: an image cannot choose its own confinement");
            return Err(Kind::BadInput.hinted(message, "use --security-opt seccomp=FILE"));
        }
        let mut security = Security {
            privileged: self.privileged,
            capabilities_added: self.cap_add.clone(),
            capabilities_dropped: self.cap_drop.clone(),
            ..Security::default()
        };
        // Unknown names are told now, not when the container starts.
        let base = crate::container::profile::capabilities::DEFAULT.into_iter().collect();
        crate::container::profile::capabilities::resolve(base, &self.cap_add, &self.cap_drop)?;
        for option in &self.security_opt {
            apply_security_option(&mut security, option)?;
        }
        Ok(security)
    }
}

fn apply_security_option(security: &mut Security, option: &str) -> Result<()> {
    let (key, value) = option.split_once(['=', ':']).unwrap_or((option, ""));
    let paths = || value.split(':').map(str::to_owned).collect::<Vec<_>>();
    match (key, value) {
        ("seccomp", "unconfined") => security.seccomp = Seccomp::Unconfined,
        ("seccomp", file) => {
            let file = Path::new(file);
            let profile = Document::read(file)?.resolve(Set::FULL)?;
            crate::runtime::seccomp::compile(&profile)
                .with_context(|| format!("compile the seccomp profile {}", file.display()))?;
            security.seccomp = Seccomp::File(std::path::absolute(file)?);
        }
        ("no-new-privileges", "" | "true") => security.no_new_privileges = true,
        ("no-new-privileges", "false") => security.no_new_privileges = false,
        ("nesting", "" | "true") => security.nesting = true,
        ("mask", _) => security.masked.extend(paths()),
        ("unmask", "ALL" | "all") => security.unmasked = Unmasked::All,
        ("unmask", _) => match &mut security.unmasked {
            Unmasked::All => {}
            Unmasked::Paths(unmasked) => unmasked.extend(paths()),
        },
        // There are no labels or profiles to switch off: the engine sets none.
        ("label", "disable") | ("apparmor", "unconfined") => {}
        _ => {
            let message = format!("security option {option:?} is not supported yet");
            return Err(Kind::BadInput.hinted(message, "use seccomp=, no-new-privileges, mask=, unmask= or nesting"));
        }
    }
    Ok(())
}
