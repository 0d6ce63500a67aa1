//! The flags that lift or tighten the confinement.

use crate::container::config::{Config, Seccomp, Security, Systemd, Unmasked};
use crate::container::profile;
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
    /// Change the confinement: seccomp=unconfined|FILE, no-new-privileges, mask=PATHS, unmask=ALL|PATHS, proc-opts=OPTIONS, apparmor=PROFILE, label=disable, nesting
    #[arg(long, value_name = "OPTION")]
    security_opt: Vec<String>,
    /// Where the seccomp profile comes from: default, or what --security-opt names; an image has no say in it
    #[arg(long, value_name = "POLICY", hide = true)]
    seccomp_policy: Option<String>,
    /// Lift most of the confinement; the container still has no more rights than you
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_name = "BOOL", hide_default_value = true, hide_possible_values = true)]
    privileged: bool,
    /// Make the root file system read-only, with writable /run, /tmp and /var/tmp in memory
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_name = "BOOL", hide_default_value = true, hide_possible_values = true)]
    read_only: bool,
    /// Set a parameter of the kernel in the container's own namespaces
    #[arg(long, value_name = "NAME=VALUE")]
    sysctl: Vec<String>,
    /// Prepare the container for systemd as its first process: true (when it is), always, false
    #[arg(long, value_name = "WHEN")]
    systemd: Option<String>,
    /// Refused: the engine is its own init
    #[arg(long, value_name = "PATH", hide = true)]
    init_path: Option<String>,
    /// Run as on a machine of 32 bits: LINUX32
    #[arg(long, value_name = "PERSONA")]
    personality: Option<String>,
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
        if let Some(path) = &self.init_path {
            let message = format!("init {path:?} is not run: the engine has an init of its own");
            return Err(Kind::BadInput.hinted(message, "use --init alone"));
        }
        let mut security = Security {
            privileged: self.privileged,
            capabilities_added: self.cap_add.clone(),
            capabilities_dropped: self.cap_drop.clone(),
            systemd: self.systemd()?,
            personality_32: match self.personality.as_deref() {
                None => false,
                Some(persona) if persona.eq_ignore_ascii_case("LINUX") => false,
                Some(persona) if persona.eq_ignore_ascii_case("LINUX32") => true,
                Some(persona) => {
                    let message = format!("personality {persona:?} is not known");
                    return Err(Kind::BadInput.hinted(message, "use LINUX or LINUX32"));
                }
            },
            ..Security::default()
        };
        for text in &self.sysctl {
            let (key, value) = profile::sysctl::parse(text)?;
            security.sysctls.insert(key, value);
        }
        // Unknown names are told now, not when the container starts.
        let base = profile::capabilities::DEFAULT.into_iter().collect();
        profile::capabilities::resolve(base, &self.cap_add, &self.cap_drop)?;
        for option in &self.security_opt {
            apply_security_option(&mut security, option)?;
        }
        Ok(security)
    }

    fn systemd(&self) -> Result<Systemd> {
        Ok(match self.systemd.as_deref() {
            None | Some("true" | "True" | "TRUE" | "1") => Systemd::WhenItIs,
            Some("always") => Systemd::Yes,
            Some("false" | "False" | "FALSE" | "0") => Systemd::No,
            Some(other) => {
                return Err(Kind::BadInput.error(format!("--systemd {other:?} is not true, false or always")));
            }
        })
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
        ("nesting", "false") => security.nesting = false,
        ("mask", _) => security.masked.extend(checked_paths(option, paths())?),
        ("unmask", "ALL" | "all") | ("systempaths", "unconfined") => security.unmasked = Unmasked::All,
        ("unmask", _) => {
            let paths = checked_paths(option, paths())?;
            match &mut security.unmasked {
                Unmasked::All => {}
                Unmasked::Paths(unmasked) => unmasked.extend(paths),
            }
        }
        ("proc-opts", options) => security.proc_options = proc_options(options)?,
        ("apparmor", "unconfined") => security.apparmor = None,
        ("apparmor", name) if !name.is_empty() && !name.contains(char::is_control) => {
            profile::require_apparmor(name)?;
            security.apparmor = Some(name.to_owned());
        }
        // There are no labels to switch off: the engine sets none.
        ("label", "disable") => {}
        ("label", label) => return Err(refuse_label(label)),
        _ => {
            let message = format!("security option {option:?} is not known");
            let hint = "use seccomp=, apparmor=, label=, no-new-privileges, mask=, unmask=, proc-opts= or nesting";
            return Err(Kind::BadInput.hinted(message, hint));
        }
    }
    Ok(())
}

fn checked_paths(option: &str, paths: Vec<String>) -> Result<Vec<String>> {
    match paths.iter().find(|path| !path.starts_with('/') || path.contains(char::is_control)) {
        Some(path) => {
            Err(Kind::BadInput.error(format!("security option {option:?}: {path:?} is not an absolute path")))
        }
        None => Ok(paths),
    }
}

/// What of proc(5), "Mount options", shows less; each at most once.
fn proc_options(text: &str) -> Result<Vec<String>> {
    let known = |option: &&str| match option.split_once('=') {
        Some(("hidepid", value)) => {
            matches!(value, "0" | "1" | "2" | "4" | "off" | "noaccess" | "invisible" | "ptraceable")
        }
        Some(("gid", value)) => value.parse::<u32>().is_ok(),
        Some(("subset", value)) => value == "pid",
        Some(_) | None => false,
    };
    let options: Vec<&str> = text.split(',').collect();
    let is_repeated =
        |at: usize| options[..at].iter().any(|other| other.split('=').next() == options[at].split('=').next());
    match options.iter().enumerate().find(|(at, option)| !known(option) || is_repeated(*at)) {
        Some((_, option)) => {
            let message = format!("proc-opts: option {option:?} is not known, or there twice");
            Err(Kind::BadInput.hinted(message, "use hidepid=, gid= or subset=pid"))
        }
        None => Ok(options.into_iter().map(str::to_owned).collect()),
    }
}

fn refuse_label(label: &str) -> anyhow::Error {
    let known = ["type:", "level:", "user:", "role:", "filetype:"];
    if label != "nested" && !known.iter().any(|kind| label.starts_with(kind)) {
        let message = format!("label {label:?} is not known");
        return Kind::BadInput.hinted(message, "use disable, nested, user:, role:, type:, level: or filetype:");
    }
    if Path::new("/sys/fs/selinux/enforce").exists() {
        return Kind::BadInput.hinted(format!("label {label:?}: labels are not set yet"), "use label=disable");
    }
    Kind::BadInput.hinted(format!("label {label:?}: SELinux is not enabled on this machine"), "leave it out")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(option: &str) -> Result<Security> {
        let mut security = Security::default();
        apply_security_option(&mut security, option)?;
        Ok(security)
    }

    #[test]
    fn every_form_is_taken_or_refused() {
        assert!(applied("no-new-privileges").unwrap().no_new_privileges);
        assert!(applied("no-new-privileges:true").unwrap().no_new_privileges);
        assert!(!applied("no-new-privileges=false").unwrap().no_new_privileges);
        assert_eq!(applied("systempaths=unconfined").unwrap().unmasked, Unmasked::All);
        assert_eq!(
            applied("unmask=/proc/a:/proc/b*").unwrap().unmasked,
            Unmasked::Paths(vec!["/proc/a".into(), "/proc/b*".into()])
        );
        assert_eq!(applied("mask=/a:/b").unwrap().masked, ["/a", "/b"]);
        assert_eq!(applied("proc-opts=hidepid=2,subset=pid").unwrap().proc_options, ["hidepid=2", "subset=pid"]);
        assert!(applied("label=disable").is_ok() && applied("label:disable").is_ok());
        assert!(applied("apparmor=unconfined").is_ok() && applied("seccomp=unconfined").is_ok());
        for bad in [
            "",
            "x",
            "mask=",
            "mask=a",
            "unmask=b",
            "proc-opts=",
            "proc-opts=hidepid=9",
            "proc-opts=gid=1,gid=2",
            "proc-opts=rw",
            "label=nobody",
            "label=type:x",
            "apparmor=",
            "apparmor=a\nb",
            "systempaths=x",
        ] {
            assert!(applied(bad).is_err(), "{bad:?}");
        }
    }
}
