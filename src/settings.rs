//! What the machine's operator and the user have settled for all containers: containers.conf(5).
//!
//! Read in podman 5's order, later files over earlier ones, key by key. A machine without any of them costs a failed
//! look-up for each place. Keys that are not known here are for other programs, or other versions, and are no mistake.

use crate::error::Kind;
use crate::fs;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The largest file that is read, and the most drop-ins.
const FILE_BYTES_MAX: usize = 1 << 20;
const FILES_MAX: usize = 256;

/// Takes what a later file says, where it says something.
trait Merge {
    fn merge(&mut self, later: Self);
}

impl<T> Merge for Option<T> {
    fn merge(&mut self, later: Self) {
        if later.is_some() {
            *self = later;
        }
    }
}

/// A list, which may be meant as an addition: `["a", {append=true}]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<Item>")]
pub struct List {
    pub items: Option<Vec<String>>,
    append: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a string, or {append=BOOL} at the end of the list")]
enum Item {
    Text(String),
    Attributes { append: bool },
}

impl TryFrom<Vec<Item>> for List {
    type Error = String;

    fn try_from(items: Vec<Item>) -> Result<Self, String> {
        let mut list = Self { items: Some(Vec::new()), append: None };
        for item in items {
            match item {
                Item::Text(_) if list.append.is_some() => return Err("a string after {append=...}".to_owned()),
                Item::Text(text) => list.items.get_or_insert_default().push(text),
                Item::Attributes { append } => list.append = Some(append),
            }
        }
        Ok(list)
    }
}

impl List {
    /// The items; none if no file has the list.
    pub fn as_slice(&self) -> &[String] {
        self.items.as_deref().unwrap_or_default()
    }
}

impl Merge for List {
    fn merge(&mut self, later: Self) {
        // An attribute holds until another file sets it.
        self.append = later.append.or(self.append);
        match (later.items, self.append) {
            (Some(items), Some(true)) => self.items.get_or_insert_default().extend(items),
            (Some(items), _) => self.items = Some(items),
            (None, _) => {}
        }
    }
}

macro_rules! section {
    ($(#[$about:meta])* $name:ident { $($key:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
        #[serde(default)]
        #[allow(dead_code, reason = "a wrong type is a mistake even where nothing depends on the key yet")]
        pub struct $name {
            $(pub $key: $kind,)*
        }

        impl Merge for $name {
            fn merge(&mut self, later: Self) {
                $(self.$key.merge(later.$key);)*
            }
        }
    };
}

section! {
    /// `[containers]`: what every container starts from.
    Containers {
        annotations: List,
        apparmor_profile: Option<String>,
        base_hosts_file: Option<String>,
        cgroupns: Option<String>,
        cgroups: Option<String>,
        default_capabilities: List,
        default_sysctls: List,
        default_ulimits: List,
        devices: List,
        dns_options: List,
        dns_searches: List,
        dns_servers: List,
        env: List,
        env_host: Option<bool>,
        host_containers_internal_ip: Option<String>,
        http_proxy: Option<bool>,
        init: Option<bool>,
        init_path: Option<String>,
        interface_name: Option<String>,
        ipcns: Option<String>,
        // There are no SELinux labels that could be left out.
        label: Option<bool>,
        label_users: Option<bool>,
        log_driver: Option<String>,
        log_path: Option<String>,
        log_size_max: Option<i64>,
        log_tag: Option<String>,
        mounts: List,
        netns: Option<String>,
        no_hosts: Option<bool>,
        oom_score_adj: Option<i32>,
        pidns: Option<String>,
        pids_limit: Option<i64>,
        prepare_volume_on_create: Option<bool>,
        privileged: Option<bool>,
        read_only: Option<bool>,
        seccomp_profile: Option<String>,
        shm_size: Option<String>,
        tz: Option<String>,
        umask: Option<String>,
        userns: Option<String>,
        utsns: Option<String>,
        volumes: List,
    }
}

section! {
    /// `[engine]`: how the engine works.
    EngineSection {
        cdi_spec_dirs: List,
        compression_format: Option<String>,
        compression_level: Option<i64>,
        detach_keys: Option<String>,
        env: List,
        events_logger: Option<String>,
        exit_command_delay: Option<u64>,
        healthcheck_events: Option<bool>,
        helper_binaries_dir: List,
        hooks_dir: List,
        image_default_transport: Option<String>,
        image_parallel_copies: Option<u64>,
        image_volume_mode: Option<String>,
        num_locks: Option<u64>,
        pull_policy: Option<String>,
        retry: Option<u64>,
        retry_delay: Option<String>,
        stop_timeout: Option<u64>,
    }
}

/// A block that subnets of networks are taken from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SubnetPool {
    pub base: String,
    /// The prefix of each subnet.
    pub size: u8,
}

section! {
    /// `[network]`: what networks start from.
    NetworkSection {
        default_network: Option<String>,
        default_subnet: Option<String>,
        default_subnet_pools: Option<Vec<SubnetPool>>,
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub containers: Containers,
    pub engine: EngineSection,
    pub network: NetworkSection,
}

impl Settings {
    /// Reads all files that count, and those that `--module` names.
    pub fn load<'a>(modules: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let user = directories::BaseDirs::new().map(|dirs| dirs.config_dir().join("containers"));
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let places = Places {
            vendor: PathBuf::from("/usr/share/containers"),
            system: PathBuf::from("/etc/containers"),
            user: user.filter(|_| !rustix::process::geteuid().is_root()),
            only: variable("CONTAINERS_CONF"),
            last: variable("CONTAINERS_CONF_OVERRIDE"),
        };
        places.load(modules)
    }

    fn add(&mut self, text: &str) -> Result<()> {
        let later: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            Kind::BadInput.error(format!("line {line}: {}", error.message()))
        })?;
        self.containers.merge(later.containers);
        self.engine.merge(later.engine);
        self.network.merge(later.network);
        Ok(())
    }
}

/// Where files are looked for.
struct Places {
    vendor: PathBuf,
    system: PathBuf,
    user: Option<PathBuf>,
    /// Named by the environment, instead of all others.
    only: Option<PathBuf>,
    /// Named by the environment, over all others.
    last: Option<PathBuf>,
}

impl Places {
    fn load<'a>(&self, modules: impl IntoIterator<Item = &'a str>) -> Result<Settings> {
        let mut settings = Settings::default();
        match &self.only {
            Some(file) => require(&mut settings, file)?,
            None => {
                read(&mut settings, &self.vendor.join("containers.conf"))?;
                for place in [Some(&self.system), self.user.as_ref()].into_iter().flatten() {
                    read(&mut settings, &place.join("containers.conf"))?;
                    for file in drop_ins(&place.join("containers.conf.d")) {
                        read(&mut settings, &file)?;
                    }
                }
            }
        }
        for module in modules {
            let file = self.module(module)?;
            require(&mut settings, &file)?;
        }
        if let Some(file) = &self.last {
            require(&mut settings, file)?;
        }
        Ok(settings)
    }

    fn module(&self, name: &str) -> Result<PathBuf> {
        let path = Path::new(name);
        if path.is_absolute() {
            return Ok(path.to_owned());
        }
        let places = [self.user.as_ref(), Some(&self.system), Some(&self.vendor)];
        let mut files = places.into_iter().flatten().map(|place| place.join("containers.conf.modules").join(path));
        files.find(|file| file.is_file()).ok_or_else(|| {
            let message = format!("module {name:?} is in no directory containers.conf.modules");
            Kind::NotFound.hinted(message, "name it by an absolute path")
        })
    }
}

/// The drop-ins of a directory, by name.
fn drop_ins(directory: &Path) -> Vec<PathBuf> {
    // Few machines have the directory.
    let names: BTreeSet<String> = fs::list(directory).unwrap_or_default().into_iter().collect();
    names.iter().filter(|name| name.ends_with(".conf")).take(FILES_MAX).map(|name| directory.join(name)).collect()
}

fn read(settings: &mut Settings, file: &Path) -> Result<()> {
    match fs::read_optional(file, FILE_BYTES_MAX)? {
        Some(bytes) => add(settings, file, &bytes),
        None => Ok(()),
    }
}

fn require(settings: &mut Settings, file: &Path) -> Result<()> {
    add(settings, file, &fs::read(file, FILE_BYTES_MAX)?)
}

fn add(settings: &mut Settings, file: &Path, bytes: &[u8]) -> Result<()> {
    let text = std::str::from_utf8(bytes).map_err(|error| Kind::BadInput.error(error.to_string()));
    text.and_then(|text| settings.add(text)).with_context(|| format!("read {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(texts: &[&str]) -> Result<Settings> {
        let mut settings = Settings::default();
        for text in texts {
            settings.add(text)?;
        }
        Ok(settings)
    }

    #[test]
    fn later_files_go_over_earlier_ones_key_by_key() {
        let settings = of(&[
            "[containers]\nenv = [\"A=1\"]\ninit = true\npids_limit = 5\n[engine]\nretry = 3\n",
            "[containers]\nenv = [\"B=2\", {append = true}]\ninit = false\n[network]\nof_tomorrow = 7\n",
            "[containers]\nenv = [\"C=3\"]\nof_tomorrow = [1]\n",
        ])
        .unwrap();
        assert_eq!(settings.containers.env.as_slice(), ["A=1", "B=2", "C=3"]);
        assert_eq!((settings.containers.init, settings.containers.pids_limit), (Some(false), Some(5)));
        assert_eq!(settings.engine.retry, Some(3));
        let replaced = of(&["[containers]\nenv = [\"A=1\"]", "[containers]\nenv = [\"B=2\"]"]).unwrap();
        assert_eq!(replaced.containers.env.as_slice(), ["B=2"]);
    }

    #[test]
    fn a_wrong_type_is_told_with_its_line() {
        for (text, said) in [
            ("[containers]\n\ninit = \"yes\"\n", "line 3: "),
            ("[containers]\nenv = \"A\"\n", "line 2: "),
            ("[containers]\nenv = [{append = true}, \"A\"]\n", "line 2: "),
            ("[containers\n", "line 1: "),
            ("[engine]\nretry = -1\n", "line 2: "),
        ] {
            let error = of(&[text]).unwrap_err().to_string();
            assert!(error.starts_with(said) && !error.contains('\n'), "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_file_makes_the_reader_panic(text in "(\\[containers\\]\n)?[a-z_]{0,12} ?= ?[\\[\\]{}a-z0-9\"',= \n]{0,80}") {
            let _ = of(&[&text]);
        }
    }
}
