//! Networks that have a name: a file `networks/NAME.json` for each, in the shape of podman's `network inspect`. The
//! default network needs none.

mod check;
mod free;
mod options;
#[cfg(any(test, fuzzing))]
pub mod property;

pub use check::check_name;
pub use options::{Mode, Options, translate};

use super::cidr::{Cidr, number};
use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::fs::{self, Durability, Hold, Lock};
use crate::settings::{NetworkSection, Settings};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The longest file of a network.
const FILE_BYTES_MAX: usize = 256 << 10;

/// How long a removal of networks may keep a new container waiting.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// The name of the default network, and of its interface.
pub const DEFAULT_NAME: &str = "podman";
pub const DEFAULT_INTERFACE: &str = "coracle0";
/// The SHA-256 of podman's name, as everywhere else.
const DEFAULT_ID: &str = "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9";

/// A network. Which addresses, names and options go together is checked when it is made and when it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    pub name: String,
    /// 64 hex digits.
    pub id: String,
    pub driver: Driver,
    /// The bridge, or what macvlan and ipvlan are on; the interface of the default route if it is empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub network_interface: String,
    /// Nanoseconds since 1970.
    #[serde(with = "created", default)]
    pub created: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<Subnet>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    #[serde(default)]
    pub ipv6_enabled: bool,
    /// Nothing of it is led to the outside.
    #[serde(default)]
    pub internal: bool,
    /// Whether containers find each other by their names.
    #[serde(default)]
    pub dns_enabled: bool,
    /// Whom names of the outside are asked of, instead of the host's name servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network_dns_servers: Vec<IpAddr>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The driver's, as [`Definition::options`] reads them.
    #[serde(default, rename = "options", skip_serializing_if = "BTreeMap::is_empty")]
    pub option_words: BTreeMap<String, String>,
    #[serde(default)]
    pub ipam_options: IpamOptions,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    #[default]
    Bridge,
    Macvlan,
    Ipvlan,
}

/// Addresses of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    pub subnet: Cidr,
    /// The bridge's own address; None where the network has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// The part that containers get addresses from; else any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_range: Option<LeaseRange>,
}

/// From the first address to the last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_ip: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_ip: Option<IpAddr>,
}

/// A route that each container gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub destination: Cidr,
    pub gateway: IpAddr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpamOptions {
    #[serde(default)]
    pub driver: Ipam,
}

/// Who gives addresses to containers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ipam {
    #[default]
    #[serde(rename = "host-local")]
    HostLocal,
    #[serde(rename = "none")]
    None,
}

impl Driver {
    pub fn name(self) -> &'static str {
        match self {
            Self::Bridge => "bridge",
            Self::Macvlan => "macvlan",
            Self::Ipvlan => "ipvlan",
        }
    }
}

impl Subnet {
    /// The addresses that containers may get, from the first to the last. The gateway may be among them.
    pub fn leases(&self) -> (IpAddr, IpAddr) {
        let (first, last) = self.subnet.hosts();
        let range = self.lease_range.clone().unwrap_or_default();
        // A range may be written up to the last address of the block, which is none of a host's.
        let end = range.end_ip.filter(|end| number(end) < number(&last)).unwrap_or(last);
        (range.start_ip.unwrap_or(first), end)
    }
}

impl Definition {
    /// A network of this name and driver, of which nothing more is known.
    pub fn plain(name: &str, driver: Driver) -> Self {
        Self {
            name: name.to_owned(),
            id: String::new(),
            driver,
            network_interface: String::new(),
            created: now(),
            subnets: Vec::new(),
            routes: Vec::new(),
            ipv6_enabled: false,
            internal: false,
            dns_enabled: false,
            network_dns_servers: Vec::new(),
            labels: BTreeMap::new(),
            option_words: BTreeMap::new(),
            ipam_options: IpamOptions::default(),
        }
    }

    /// Reads a file, of which nothing is believed.
    fn read(bytes: &[u8]) -> Result<Self> {
        let network: Self = serde_json::from_slice(bytes).map_err(|error| Kind::BadInput.error(error.to_string()))?;
        check::check(&network)?;
        Ok(network)
    }

    pub fn short_id(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }

    /// What its driver was told.
    pub fn options(&self) -> Result<Options> {
        Options::parse(self.driver, &self.option_words)
    }
}

/// What containers.conf settles for all networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    pub name: String,
    subnet: Cidr,
    /// Blocks, and the prefix of the subnets that are taken from each.
    pools: Vec<(Cidr, u8)>,
}

/// What podman takes subnets from, each with /24.
const POOLS: [&str; 5] = ["10.89.0.0/16", "10.90.0.0/15", "10.92.0.0/14", "10.96.0.0/11", "10.128.0.0/9"];
const DEFAULT_SUBNET: &str = "10.88.0.0/16";

impl Defaults {
    pub fn of(settings: &Settings) -> Result<Self> {
        Self::of_section(&settings.network).context("containers.conf: network")
    }

    fn of_section(section: &NetworkSection) -> Result<Self> {
        let name = section.default_network.clone().filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| DEFAULT_NAME.to_owned());
        check_name(&name)?;
        let subnet = section.default_subnet.as_deref().filter(|subnet| !subnet.is_empty());
        let subnet = Cidr::parse(subnet.unwrap_or(DEFAULT_SUBNET)).context("default_subnet")?;
        let pools = match &section.default_subnet_pools {
            None => POOLS.iter().map(|pool| Ok((Cidr::parse(pool)?, 24))).collect::<Result<_>>()?,
            Some(pools) => pools.iter().map(|pool| free::pool(&pool.base, pool.size)).collect::<Result<_>>()?,
        };
        Ok(Self { name, subnet, pools })
    }

    /// The default network, which is there without a file.
    fn network(&self) -> Definition {
        let gateway = Some(self.subnet.hosts().0);
        Definition {
            id: DEFAULT_ID.to_owned(),
            network_interface: DEFAULT_INTERFACE.to_owned(),
            subnets: vec![Subnet { subnet: self.subnet, gateway, lease_range: None }],
            ipv6_enabled: self.subnet.is_ipv6(),
            ..Definition::plain(&self.name, Driver::Bridge)
        }
    }
}

/// Held shared by who is about to use networks until that is visible, and exclusively by who makes or removes one.
pub fn hold(engine: &Engine, hold: Hold) -> Result<Lock> {
    Lock::take(&engine.data.join("networks.lock"), hold, LOCK_TIMEOUT)
}

fn directory(engine: &Engine) -> PathBuf {
    engine.data.join("networks")
}

fn file(engine: &Engine, name: &str) -> PathBuf {
    directory(engine).join(format!("{name}.json"))
}

/// The network of this name. None if there is none.
pub fn load(engine: &Engine, defaults: &Defaults, name: &str) -> Result<Option<Definition>> {
    let found = read(engine, name)?;
    Ok(found.or_else(|| (name == defaults.name).then(|| defaults.network())))
}

/// A network that a container is about to be in, as a file, which the default network may not have yet.
pub fn settle(engine: &Engine, defaults: &Defaults, name: &str) -> Result<Definition> {
    let network = find(engine, defaults, name)?;
    if is_default(defaults, &network) && read(engine, &network.name)?.is_none() {
        fs::create_dir(&directory(engine))?;
        fs::write_json(&file(engine, &network.name), &network, Durability::Synced)?;
    }
    Ok(network)
}

/// The network that the file of this name describes. None if there is no such file.
pub fn read(engine: &Engine, name: &str) -> Result<Option<Definition>> {
    // A name that is none would lead somewhere else.
    if check_name(name).is_err() {
        return Ok(None);
    }
    let path = file(engine, name);
    let Some(bytes) = fs::read_optional(&path, FILE_BYTES_MAX)? else { return Ok(None) };
    let reading = || format!("read {}", path.display());
    let network = Definition::read(&bytes).with_context(reading)?;
    if network.name != name {
        let message = format!("it is about a network {:?}", network.name);
        return Err(Kind::BadInput.error(message)).with_context(reading);
    }
    Ok(Some(network))
}

/// The network of this name, or the only one whose id begins so.
pub fn find(engine: &Engine, defaults: &Defaults, text: &str) -> Result<Definition> {
    if let Some(network) = load(engine, defaults, text)? {
        return Ok(network);
    }
    let mut begins = Vec::new();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        begins = list(engine, defaults)?;
        begins.retain(|network| network.id.starts_with(text));
    }
    if begins.len() > 1 {
        return Err(Kind::BadInput.error(format!("{text:?} is the beginning of several networks' ids")));
    }
    begins.pop().ok_or_else(|| missing(engine, defaults, text))
}

/// The error for a network that is not there, with the one that was perhaps meant.
pub fn missing(engine: &Engine, defaults: &Defaults, text: &str) -> anyhow::Error {
    let names = names(engine, defaults).unwrap_or_default();
    let near = error::nearest(text, names.iter().map(String::as_str));
    let hint = near.map_or_else(|| "see coracle network ls".to_owned(), |near| format!("did you mean {near}?"));
    let shown: String = text.chars().take(64).collect();
    Kind::NotFound.hinted(format!("no network with name or id {shown:?}"), hint)
}

/// All networks by name, the default one among them.
pub fn list(engine: &Engine, defaults: &Defaults) -> Result<Vec<Definition>> {
    let mut networks = Vec::new();
    for name in names(engine, defaults)? {
        // One that is removed at this moment is none any more.
        networks.extend(load(engine, defaults, &name)?);
    }
    Ok(networks)
}

fn names(engine: &Engine, defaults: &Defaults) -> Result<Vec<String>> {
    let files = fs::list(&directory(engine))?;
    let mut names: Vec<String> =
        files.iter().filter_map(|file| file.strip_suffix(".json")).map(str::to_owned).collect();
    names.retain(|name| !name.starts_with('.') && *name != defaults.name);
    names.push(defaults.name.clone());
    names.sort_unstable();
    Ok(names)
}

/// Makes a network of what is `wanted`: gives it an id, and a name, an interface, subnets and gateways where it has none.
pub fn create(engine: &Engine, defaults: &Defaults, mut wanted: Definition) -> Result<Definition> {
    fs::create_dir(&directory(engine))?;
    let _lock = hold(engine, Hold::Exclusive)?;
    let others = list(engine, defaults)?;
    if others.iter().any(|other| other.name == wanted.name) {
        return Err(Kind::Exists.error(format!("network {} exists", wanted.name)));
    }
    let mut id = [0; 32];
    rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty())?;
    wanted.id = id.iter().map(|byte| format!("{byte:02x}")).collect();
    wanted.created = now();
    free::complete(defaults, &others, &mut wanted, engine.rootless)?;
    check::check(&wanted)?;
    // By the lock nobody else makes one now, so that what is not there stays so.
    fs::write_json(&file(engine, &wanted.name), &wanted, Durability::Synced)?;
    Ok(wanted)
}

/// Changes whom a network asks for names that no container has, and gives those that it then asks.
pub fn set_servers(
    engine: &Engine,
    defaults: &Defaults,
    name: &str,
    change: impl FnOnce(&mut Vec<IpAddr>),
) -> Result<Vec<IpAddr>> {
    fs::create_dir(&directory(engine))?;
    let _lock = hold(engine, Hold::Exclusive)?;
    let mut network = find(engine, defaults, name)?;
    if !network.dns_enabled {
        return Err(Kind::BadInput.error(format!("network {name} answers no questions for names")));
    }
    change(&mut network.network_dns_servers);
    check::check(&network)?;
    fs::write_json(&file(engine, &network.name), &network, Durability::Synced)?;
    Ok(network.network_dns_servers)
}

/// Removes a network that nothing uses. The caller holds the lock.
pub fn remove(engine: &Engine, _lock: &Lock, name: &str) -> Result<()> {
    check_name(name)?;
    fs::remove_file(&file(engine, name))?;
    fs::sync_dir(&directory(engine))
}

/// Whether a network is there without a file, and so cannot be removed.
pub fn is_default(defaults: &Defaults, network: &Definition) -> bool {
    network.name == defaults.name
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |age| age.as_nanos() as u64)
}

/// A time in a file: RFC 3339.
mod created {
    use chrono::{DateTime, SecondsFormat};
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(created: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        let time = DateTime::from_timestamp_nanos(i64::try_from(*created).unwrap_or(i64::MAX));
        serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Nanos, true))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = DateTime::parse_from_rfc3339(&text).map_err(D::Error::custom)?;
        Ok(time.timestamp_nanos_opt().and_then(|nanos| u64::try_from(nanos).ok()).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests;
