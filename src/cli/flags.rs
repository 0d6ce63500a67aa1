//! The flags of `run` and `create`: what was typed becomes a [`Config`], and nothing is decided here.

mod later;
mod mounts;

pub use later::later;

use crate::container::config::{
    Config, FORMAT, Id, ImageSource, Limit, Mount, Name, Process, Resources, Seccomp, Security, Source, Stop,
    Unmasked,
};
use crate::container::create::Naming;
use crate::container::state;
use crate::error::Kind;
use crate::fs;
use crate::image::platform::Platform;
use crate::image::pull::{Access, Policy};
use crate::network::{Network, Port, Protocol, pasta};
use crate::store::digest::Digest;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How a container is made.
#[derive(clap::Args, Clone, Debug)]
#[command(disable_help_flag = true)]
pub struct ContainerFlags {
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// Give the container this name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Remove an existing container of the same name first
    #[arg(long, requires = "name")]
    pub replace: bool,
    /// Remove the container, and its anonymous volumes, when it ends
    #[arg(long)]
    pub rm: bool,
    /// Keep standard input open
    #[arg(short, long)]
    pub interactive: bool,
    /// Give the container a terminal of its own
    #[arg(short, long)]
    pub tty: bool,
    /// Set an environment variable; NAME alone takes its value from here, NAME* all that begin so
    #[arg(short, long = "env", value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Read environment variables from a file of NAME=VALUE lines
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
    /// Start in this directory of the container
    #[arg(short, long, value_name = "DIR")]
    workdir: Option<String>,
    /// Run as this user, by name or number
    #[arg(short, long, value_name = "USER[:GROUP]")]
    user: Option<String>,
    /// Mount a directory of the host, or a named volume; options: ro, rw, exec, noexec, suid, dev, private, slave, shared
    #[arg(short, long, value_name = "[SOURCE:]TARGET[:OPTIONS]")]
    volume: Vec<String>,
    /// Mount by key=value words: type=bind|volume|tmpfs, source, target, readonly, tmpfs-size, tmpfs-mode, bind-propagation
    #[arg(long, value_name = "KEY=VALUE,...")]
    mount: Vec<String>,
    /// Mount an empty file system in memory; options: size=, mode=, ro, rw, exec, noexec
    #[arg(long, value_name = "TARGET[:OPTIONS]")]
    tmpfs: Vec<String>,
    /// Make the root file system read-only, with writable /run, /tmp and /var/tmp in memory
    #[arg(long)]
    read_only: bool,
    /// Run this instead of the image's entrypoint: a program, or a JSON array; empty for none
    #[arg(long, value_name = "PROGRAM")]
    entrypoint: Option<String>,
    /// Name the host inside [default: the container's short id]
    #[arg(short = 'h', long, value_name = "NAME")]
    hostname: Option<String>,
    /// Attach metadata to the container
    #[arg(short, long, value_name = "KEY[=VALUE]")]
    label: Vec<String>,
    /// Connect to a network: none, host, private or pasta [default: pasta where it is installed]
    #[arg(long, visible_alias = "net", value_name = "MODE")]
    network: Option<String>,
    /// Lead a port of the host into the container
    #[arg(short, long, value_name = "[ADDRESS:][PORT:]PORT[/tcp|udp]")]
    publish: Vec<String>,
    /// When to ask the registry for the image: always, missing, never, newer
    #[arg(long, value_name = "POLICY", default_value = "missing")]
    pub pull: String,
    #[command(flatten)]
    pub registry: RegistryFlags,
    /// Choose the image for this system, such as linux/arm64
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<String>,
    /// Add a capability, or ALL
    #[arg(long, value_name = "CAPABILITY")]
    cap_add: Vec<String>,
    /// Drop a capability, or ALL
    #[arg(long, value_name = "CAPABILITY")]
    cap_drop: Vec<String>,
    /// Change the confinement: seccomp=unconfined|FILE, no-new-privileges, mask=PATHS, unmask=ALL|PATHS, nesting
    #[arg(long, value_name = "OPTION")]
    security_opt: Vec<String>,
    /// Lift most of the confinement; the container still has no more rights than you
    #[arg(long)]
    privileged: bool,
    /// Run a small init as pid 1, which reaps zombies and passes signals on
    #[arg(long)]
    init: bool,
    /// Write the container's id to a new file
    #[arg(long, value_name = "FILE")]
    pub cidfile: Option<PathBuf>,
    /// Ask the container to end with this signal [default: the image's, else TERM]
    #[arg(long, value_name = "SIGNAL")]
    stop_signal: Option<String>,
    /// Kill the container this many seconds after it was asked to end
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    stop_timeout: u64,
    /// Set a resource limit
    #[arg(long, value_name = "NAME=SOFT[:HARD]")]
    ulimit: Vec<String>,
    /// Limit the container's memory, such as 512m; needs a delegated cgroup
    #[arg(short, long, value_name = "SIZE")]
    memory: Option<String>,
    /// Limit the container's processors, such as 1.5; needs a delegated cgroup
    #[arg(long, value_name = "NUMBER")]
    cpus: Option<f64>,
    /// Limit the number of processes [default: 2048]; 0 or -1 is unlimited; needs a delegated cgroup
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pids_limit: Option<i64>,
    /// Take the next argument as a directory of the host that is the root file system, instead of an image
    #[arg(long)]
    rootfs: bool,
    /// An image, or with --rootfs a directory, and the command to run in it
    #[arg(value_name = "IMAGE [COMMAND]", required = true, trailing_var_arg = true, allow_hyphen_values = true, num_args = 1..)]
    words: Vec<String>,
}

/// How registries are spoken to.
#[derive(clap::Args, Clone, Debug)]
pub struct RegistryFlags {
    /// Require a valid certificate of the registry; with false, plain http is tried too
    #[arg(long, value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    tls_verify: bool,
    /// Log in to the registry as this user
    #[arg(long, value_name = "USER:PASSWORD")]
    creds: Option<String>,
    /// Take credentials from this file
    #[arg(long, value_name = "FILE")]
    authfile: Option<PathBuf>,
    /// Trust the certificates (*.crt) in this directory
    #[arg(long, value_name = "DIR")]
    cert_dir: Option<PathBuf>,
}

impl RegistryFlags {
    pub fn access(&self) -> Result<Access> {
        Ok(Access {
            tls_verify: self.tls_verify,
            creds: self.creds.as_deref().map(crate::image::auth::Credentials::parse).transpose()?,
            authfile: self.authfile.clone(),
            cert_dir: self.cert_dir.clone(),
        })
    }
}

impl ContainerFlags {
    pub fn image(&self) -> &str {
        &self.words[0]
    }

    pub fn is_rootfs(&self) -> bool {
        self.rootfs
    }

    pub fn policy(&self) -> Result<Policy> {
        self.pull.parse()
    }

    pub fn platform(&self) -> Result<Option<Platform>> {
        self.platform.as_deref().map(Platform::parse).transpose()
    }

    /// The container that was asked for; what was left open stays open.
    pub fn config(&self, rootless: bool, command_line: &[String]) -> Result<(Config, Naming)> {
        if self.image().starts_with('-') {
            return Err(later::refuse_option(self.image()));
        }
        let id = Id::new_random()?;
        let (name, naming) = match &self.name {
            Some(name) => (Name::parse(name)?, Naming::Given),
            None => (Name::generated()?, Naming::Generated),
        };
        let source = if self.rootfs {
            let dir = std::path::absolute(self.image()).with_context(|| format!("find {}", self.image()))?;
            Source::Directory(dir)
        } else {
            let nothing = Digest::of(b"");
            Source::Image(ImageSource {
                name: self.image().to_owned(),
                id: nothing,
                manifest: nothing,
                layers: Vec::new(),
            })
        };
        let ports = self.publish.iter().map(|text| parse_port(text)).collect::<Result<Vec<_>>>()?;
        let network = self.network(rootless, &ports)?;
        let hostname = match &self.hostname {
            Some(name) => parse_hostname(name)?,
            None if network == Network::Host => nix::unistd::gethostname()?.to_string_lossy().into_owned(),
            None => id.short().to_owned(),
        };
        let config = Config {
            format: FORMAT,
            name,
            created: state::now(),
            source,
            process: self.process()?,
            hostname,
            labels: self.labels()?,
            annotations: BTreeMap::new(),
            mounts: self.mounts()?,
            read_only: self.read_only,
            network,
            ports,
            security: self.security()?,
            limits: self.ulimit.iter().map(|text| parse_limit(text)).collect::<Result<_>>()?,
            resources: self.resources()?,
            init: self.init,
            stop: Stop {
                signal: self.stop_signal.as_deref().map(super::parse_signal).transpose()?,
                timeout_secs: self.stop_timeout,
            },
            auto_remove: self.rm,
            create_command: command_line.to_vec(),
            id,
        };
        Ok((config, naming))
    }

    fn process(&self) -> Result<Process> {
        Ok(Process {
            entrypoint: self.entrypoint.as_deref().map(parse_entrypoint),
            command: self.words[1..].to_vec(),
            environment: environment(&self.env, &self.env_file)?,
            working_directory: match &self.workdir {
                Some(dir) if !dir.starts_with('/') => {
                    return Err(Kind::BadInput.error(format!("working directory {dir:?} is not an absolute path")));
                }
                dir => dir.clone().unwrap_or_default(),
            },
            user: self.user.clone().unwrap_or_default(),
            terminal: self.tty,
            interactive: self.interactive,
        })
    }

    fn labels(&self) -> Result<BTreeMap<String, String>> {
        let split = |text: &String| {
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            if key.is_empty() {
                return Err(Kind::BadInput.error(format!("label {text:?} has no key")));
            }
            Ok((key.to_owned(), value.to_owned()))
        };
        self.label.iter().map(split).collect()
    }

    fn network(&self, rootless: bool, ports: &[Port]) -> Result<Network> {
        match self.network.as_deref() {
            Some("none") if !ports.is_empty() => {
                Err(Kind::BadInput.error("ports cannot be published with --network none"))
            }
            Some("none") => Ok(Network::None),
            Some("host") => Ok(Network::Host),
            Some("private" | "pasta") => Ok(Network::Pasta),
            None if !rootless || pasta::find().is_some() => Ok(Network::Pasta),
            None if !ports.is_empty() => {
                Err(Kind::NotFound.hinted("publish ports: pasta is not installed", "install the package passt"))
            }
            None => {
                super::talk(
                    "no network for the container: pasta is not installed (install the package passt, or say --network none)",
                );
                Ok(Network::None)
            }
            Some(other) => {
                let message = format!("network {other:?} is not supported yet");
                Err(Kind::BadInput.hinted(message, "use none, host, private or pasta"))
            }
        }
    }

    fn mounts(&self) -> Result<Vec<Mount>> {
        let mut mounts = Vec::new();
        for text in &self.volume {
            mounts.push(mounts::parse_volume(text)?);
        }
        for text in &self.mount {
            mounts.push(mounts::parse_mount(text)?);
        }
        for text in &self.tmpfs {
            mounts.push(mounts::parse_tmpfs(text)?);
        }
        for (index, mount) in mounts.iter().enumerate() {
            if mounts[..index].iter().any(|other| other.target == mount.target) {
                return Err(Kind::BadInput.error(format!("two mounts at {}", mount.target)));
            }
        }
        Ok(mounts)
    }

    fn resources(&self) -> Result<Resources> {
        let millis = |cpus: f64| {
            let millis = (cpus * 1000.0).round();
            let bad = || Kind::BadInput.error(format!("--cpus {cpus} is not a number from 0.01 to 100000"));
            if (10.0..=1e8).contains(&millis) { Ok(millis as u64) } else { Err(bad()) }
        };
        Ok(Resources {
            pids: self.pids_limit.map(|limit| u64::try_from(limit).unwrap_or(0)),
            memory_bytes: self.memory.as_deref().map(super::units::parse_bytes).transpose()?,
            cpu_millis: self.cpus.map(millis).transpose()?,
        })
    }

    fn security(&self) -> Result<Security> {
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

/// The largest seccomp profile or environment file that is read.
const FILE_BYTES_MAX: usize = 1 << 20;

fn apply_security_option(security: &mut Security, option: &str) -> Result<()> {
    let (key, value) = option.split_once(['=', ':']).unwrap_or((option, ""));
    let paths = || value.split(':').map(str::to_owned).collect::<Vec<_>>();
    match (key, value) {
        ("seccomp", "unconfined") => security.seccomp = Seccomp::Unconfined,
        ("seccomp", file) => {
            let text = fs::read(Path::new(file), FILE_BYTES_MAX).context("read the seccomp profile")?;
            let text = String::from_utf8(text).context("the seccomp profile is not UTF-8")?;
            let parsed: oci_spec::runtime::LinuxSeccomp =
                serde_json::from_str(&text).with_context(|| format!("parse the seccomp profile {file}"))?;
            crate::runtime::seccomp::compile(&parsed)
                .with_context(|| format!("compile the seccomp profile {file}"))?;
            security.seccomp = Seccomp::Profile(text);
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

/// `--env-file` first, `--env` over it.
pub fn environment(entries: &[String], files: &[PathBuf]) -> Result<Vec<String>> {
    let mut environment = Vec::new();
    for file in files {
        let text = fs::read(file, FILE_BYTES_MAX)?;
        let text = String::from_utf8(text).with_context(|| format!("{} is not UTF-8", file.display()))?;
        for line in text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            add_environment(&mut environment, line).with_context(|| format!("read {}", file.display()))?;
        }
    }
    for entry in entries {
        add_environment(&mut environment, entry)?;
    }
    Ok(environment)
}

fn add_environment(environment: &mut Vec<String>, entry: &str) -> Result<()> {
    match entry.split_once('=') {
        Some(("", _)) => return Err(Kind::BadInput.error(format!("environment variable {entry:?} has no name"))),
        Some(_) => environment.push(entry.to_owned()),
        None => {
            let own = std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
            let matches = |name: &str| match entry.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => name == entry,
            };
            environment.extend(own.filter(|(name, _)| matches(name)).map(|(name, value)| format!("{name}={value}")));
        }
    }
    Ok(())
}

/// A JSON array is a whole command line; anything else is one program, and empty is none.
fn parse_entrypoint(text: &str) -> Vec<String> {
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(words) => words,
        Err(_) if text.is_empty() => Vec::new(),
        Err(_) => vec![text.to_owned()],
    }
}

fn parse_hostname(name: &str) -> Result<String> {
    let good = !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    if good {
        Ok(name.to_owned())
    } else {
        Err(Kind::BadInput.error(format!("{name:?} is not a host name of at most 64 characters")))
    }
}

/// `[ADDRESS:][HOST_PORT:]CONTAINER_PORT[/PROTOCOL]`.
fn parse_port(text: &str) -> Result<Port> {
    let bad = || Kind::BadInput.error(format!("port {text:?} is not [ADDRESS:][PORT:]PORT[/tcp|udp]"));
    let (front, protocol) = match text.rsplit_once('/') {
        Some((front, "tcp")) => (front, Protocol::Tcp),
        Some((front, "udp")) => (front, Protocol::Udp),
        Some(_) => return Err(bad()),
        None => (text, Protocol::Tcp),
    };
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port != 0).ok_or_else(bad);
    let (front, container_port) = match front.rsplit_once(':') {
        Some((front, port)) => (Some(front), number(port)?),
        None => (None, number(front)?),
    };
    let Some(front) = front else {
        return Err(Kind::BadInput
            .hinted(format!("port {text:?} names no port of the host"), format!("use HOST_PORT:{container_port}")));
    };
    let (address, host_port) = match front.rsplit_once(':') {
        Some((address, port)) => (Some(address.trim_start_matches('[').trim_end_matches(']')), number(port)?),
        None => (None, number(front)?),
    };
    let host_address = address
        .filter(|address| !address.is_empty())
        .map(|address| address.parse().map_err(|_| bad()))
        .transpose()?;
    Ok(Port { host_address, host_port, container_port, protocol })
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
    fn ports_parse() {
        let port = parse_port("127.0.0.1:8080:80/udp").unwrap();
        assert_eq!((port.host_port, port.container_port, port.protocol), (8080, 80, Protocol::Udp));
        assert_eq!(parse_port("[::1]:8080:80").unwrap().host_address, Some("::1".parse().unwrap()));
        assert_eq!(parse_port("8080:80").unwrap().host_address, None);
        for bad in ["", "80", "0:80", "x:80", "70000:80", "1:2/sctp", "999.1.1.1:1:2"] {
            assert!(parse_port(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn limits_parse() {
        let limit = parse_limit("nofile=10:-1").unwrap();
        assert_eq!((limit.resource.as_str(), limit.soft, limit.hard), ("RLIMIT_NOFILE", 10, u64::MAX));
        for bad in ["nofile", "nope=1", "nofile=2:1", "nofile=x"] {
            assert!(parse_limit(bad).is_err(), "{bad}");
        }
    }
}
