//! What a container is told of names: its /etc/hosts and /etc/resolv.conf.
//!
//! Both are files of lines, and what goes into them is checked where it is parsed: no value has a space or a line break
//! in it, so none makes a word or a line more.

use super::dns::HOST_NAMES;
use super::{Link, Network, pasta};
use crate::error::Kind;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The most name servers that are asked: resolv.conf(5).
const SERVERS_MAX: usize = 3;

/// The largest resolv.conf or hosts file that is copied.
const FILE_BYTES_MAX: usize = 1 << 20;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Names {
    /// Name servers, as text: an address of one's own link has an interface behind a `%`.
    pub servers: Vec<String>,
    /// None takes the host's.
    pub searches: Option<Vec<String>>,
    pub options: Option<Vec<String>>,
    /// Whether the image's own resolv.conf stays.
    pub keeps_resolv_conf: bool,
    pub hosts: Vec<Host>,
    /// Whether the image's own hosts file stays.
    pub no_hosts: bool,
    /// Whether the image's own /etc/hostname stays.
    pub no_hostname: bool,
    pub base: HostsBase,
    /// The host's address for containers, if the settings name one.
    pub gateway: Option<IpAddr>,
}

impl Names {
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a name leads to the host that runs the container.
    pub fn leads_to_host(&self) -> bool {
        let is_asked_for = self.hosts.iter().any(|host| host.address.is_none());
        self.gateway.is_none() && (is_asked_for || (!self.no_hosts && pasta::leads_to_host()))
    }

    /// The name servers, but for those on links of the host's.
    pub fn server_addresses(&self) -> Vec<IpAddr> {
        self.servers.iter().filter_map(|server| server.parse().ok()).collect()
    }
}

/// A line of the hosts file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    pub names: Vec<String>,
    /// None is the host that runs the container.
    pub address: Option<IpAddr>,
}

/// What a hosts file starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostsBase {
    /// What every host has, or in the host's network the host's own file.
    #[default]
    Engine,
    Nothing,
    Image,
    File(PathBuf),
}

impl HostsBase {
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "" => Ok(Self::Engine),
            "none" => Ok(Self::Nothing),
            "image" => Ok(Self::Image),
            path if path.starts_with('/') => Ok(Self::File(PathBuf::from(path))),
            other => {
                let message = format!("hosts file {other:?} is not an absolute path");
                Err(Kind::BadInput.hinted(message, "use a path, none or image"))
            }
        }
    }
}

impl Host {
    /// `NAME[;NAME...]:ADDRESS`, or with `=` as docker has it too.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || Kind::BadInput.error(format!("host {text:?} is not NAME[;NAME]:ADDRESS"));
        let (names, address) = text.split_once([':', '=']).ok_or_else(bad)?;
        let names: Vec<String> = names.split(';').map(str::to_owned).collect();
        if !names.iter().all(|name| is_name(name)) {
            return Err(bad());
        }
        let address = match address.trim_start_matches('[').trim_end_matches(']') {
            "host-gateway" => None,
            address => Some(address.parse().map_err(|_| bad())?),
        };
        Ok(Self { names, address })
    }
}

/// A name of a host or a domain.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && name.len() <= 253 && name.bytes().all(plain)
}

/// The address of a name server.
pub fn server(text: &str) -> Result<String> {
    let (address, interface) = text.split_once('%').map_or((text, None), |(address, name)| (address, Some(name)));
    if address.parse::<IpAddr>().is_err() || interface.is_some_and(|name| !is_name(name)) {
        return Err(Kind::BadInput.error(format!("name server {text:?} is not an address")));
    }
    Ok(text.to_owned())
}

/// A domain to search; a dot alone is none.
pub fn search(text: &str) -> Result<String> {
    if is_name(text) {
        Ok(text.to_owned())
    } else {
        Err(Kind::BadInput.error(format!("search domain {text:?} is not a domain")))
    }
}

/// An option of resolv.conf(5).
pub fn option(text: &str) -> Result<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.' | b'=');
    let good = !text.is_empty() && text.len() <= 255 && text.bytes().all(plain);
    if good {
        Ok(text.to_owned())
    } else {
        Err(Kind::BadInput.error(format!("resolver option {text:?} is not one word")))
    }
}

/// The hosts file of a container; None where the image's own stays. `image` reads a file of the image.
pub fn hosts(
    network: Network,
    links: &[Link],
    names: &Names,
    hostname: &str,
    rootless: bool,
    image: impl FnOnce(&Path) -> Result<Option<Vec<u8>>>,
) -> Result<Option<String>> {
    if names.no_hosts {
        return Ok(None);
    }
    let mut text = String::new();
    for host in &names.hosts {
        let address = match host.address.or(names.gateway) {
            Some(address) => address,
            None => host_address(network, links, rootless).ok_or_else(|| {
                let message = "host-gateway: a container without a network does not reach the host";
                Kind::BadInput.hinted(message, "use --network pasta, or a network that leads outside")
            })?,
        };
        text.push_str(&format!("{address}\t{}\n", host.names.join(" ")));
    }
    let own = Path::new("/etc/hosts");
    let base = match &names.base {
        HostsBase::Engine if network == Network::Host => crate::fs::read_optional(own, FILE_BYTES_MAX)?,
        HostsBase::Engine => {
            Some(b"127.0.0.1\tlocalhost localhost.localdomain\n::1\tlocalhost ip6-localhost ip6-loopback\n".to_vec())
        }
        HostsBase::Nothing => None,
        HostsBase::Image => image(own)?,
        HostsBase::File(file) => Some(crate::fs::read(file, FILE_BYTES_MAX).context("read the hosts file")?),
    };
    let base = String::from_utf8_lossy(&base.unwrap_or_default()).into_owned();
    text.push_str(&base);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    // Without a way to the host, its names lead nowhere.
    let leads = |address: &IpAddr| *address != pasta::HOST_ADDRESS || pasta::leads_to_host();
    let named = names.gateway.filter(|_| network != Network::None);
    if let Some(address) = named.or_else(|| host_address(network, links, rootless).filter(leads)) {
        // What the user says of these names counts.
        let is_free = |name: &&str| !text.split_whitespace().any(|word| word == *name);
        let free: Vec<&str> = HOST_NAMES.into_iter().filter(is_free).collect();
        if !free.is_empty() {
            text.push_str(&format!("{address}\t{}\n", free.join(" ")));
        }
    }
    text.push_str(&own_hosts(links, hostname));
    Ok(Some(text))
}

/// The lines of a container's own addresses.
fn own_hosts(links: &[Link], hostname: &str) -> String {
    if links.is_empty() {
        return format!("127.0.1.1\t{hostname}\n");
    }
    let own = links.iter().flat_map(|link| link.addresses.iter().map(|address| (address, link.names.first())));
    own.map(|(address, name)| format!("{address}\t{hostname} {}\n", name.map_or("", String::as_str))).collect()
}

/// Where a container finds the host, if it does.
fn host_address(network: Network, links: &[Link], rootless: bool) -> Option<IpAddr> {
    let mut outward = links.iter().filter(|link| !link.place.internal);
    match network {
        Network::Host => Some(IpAddr::from([127, 0, 0, 1])),
        Network::Pasta => Some(pasta::HOST_ADDRESS.into()),
        // It is the keeper's pasta that has this address.
        Network::Bridge if rootless => outward.next().map(|_| pasta::HOST_ADDRESS.into()),
        // Real root's bridges are the host's, with these addresses of its own.
        Network::Bridge => outward.find_map(|link| link.place.gateways().next()),
        Network::None => None,
    }
}

/// The resolv.conf of a container; None where there is no one to ask, or the image's own stays.
pub fn resolv_conf(network: Network, links: &[Link], names: &Names) -> Result<Option<String>> {
    if names.keeps_resolv_conf || network == Network::None {
        return Ok(None);
    }
    let host = crate::fs::read_optional(Path::new("/etc/resolv.conf"), FILE_BYTES_MAX)?.unwrap_or_default();
    let host = String::from_utf8_lossy(&host);
    if network == Network::Host && names.servers.is_empty() && names.searches.is_none() && names.options.is_none() {
        return Ok(Some(host.into_owned()));
    }
    Ok(Some(merged(&host, network, links, names)))
}

/// The host's settings, but for those that the container has of its own. pasta stands for the host's name servers: one on
/// the host's loopback would be unreachable.
fn merged(host: &str, network: Network, links: &[Link], names: &Names) -> String {
    // The networks' name server asks those that the container names: containers still find each other.
    let named = if links.iter().any(|link| link.place.resolves) { &[][..] } else { &names.servers };
    let keeps = |line: &&str| match line.split_whitespace().next() {
        Some("search" | "domain") => names.searches.is_none() && links.iter().all(|link| !link.place.resolves),
        Some("options") => names.options.is_none(),
        Some("nameserver") => asks_as_host(network, links) && named.is_empty(),
        Some(_) | None => false,
    };
    let mut text: String = host.lines().filter(keeps).map(|line| format!("{line}\n")).collect();
    let searches: Vec<&str> =
        names.searches.iter().flatten().map(String::as_str).filter(|name| *name != ".").collect();
    if !searches.is_empty() {
        text.push_str(&format!("search {}\n", searches.join(" ")));
    }
    if let Some(options) = names.options.as_ref().filter(|options| !options.is_empty()) {
        text.push_str(&format!("options {}\n", options.join(" ")));
    }
    for server in named {
        text.push_str(&format!("nameserver {server}\n"));
    }
    if names.searches.is_none() && links.iter().any(|link| link.place.resolves) {
        text.push_str("search dns.podman\n");
    }
    if named.is_empty() {
        text.extend(servers(network, links).iter().map(|server| format!("nameserver {server}\n")));
    }
    text
}

/// Whether a container has the host's name servers: in its network, or on interfaces of its own.
fn asks_as_host(network: Network, links: &[Link]) -> bool {
    let is_beside = |link: &Link| !link.place.is_managed();
    network == Network::Host || (!links.is_empty() && links.iter().all(is_beside))
}

/// Who answers a container's look-ups, if nobody is named: the keeper at its networks' gateways, else pasta.
fn servers(network: Network, links: &[Link]) -> Vec<IpAddr> {
    let gateways = links.iter().flat_map(|link| link.place.gateways());
    let servers: Vec<IpAddr> = gateways.take(SERVERS_MAX).collect();
    match network {
        Network::Pasta | Network::Bridge if servers.is_empty() && !asks_as_host(network, links) => {
            vec![pasta::DNS_ADDRESS]
        }
        Network::None | Network::Host | Network::Pasta | Network::Bridge => servers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pasta_answers_for_the_hosts_name_servers() {
        let host = "# c\nsearch a.example\nnameserver 127.0.0.53\noptions edns0\n";
        let text = merged(host, Network::Pasta, &[], &Names::default());
        assert_eq!(text, "search a.example\noptions edns0\nnameserver 169.254.1.1\n");
        let own = Names {
            servers: vec!["1.1.1.1".into()],
            searches: Some(vec![".".into()]),
            options: Some(vec!["ndots:2".into()]),
            ..Names::default()
        };
        assert_eq!(merged(host, Network::Pasta, &[], &own), "options ndots:2\nnameserver 1.1.1.1\n");
    }

    #[test]
    fn hosts_are_names_and_an_address() {
        assert_eq!(
            Host::parse("a;b.c:::1").unwrap(),
            Host { names: vec!["a".into(), "b.c".into()], address: Some("::1".parse().unwrap()) }
        );
        assert_eq!(Host::parse("a=1.2.3.4").unwrap().address, Some([1, 2, 3, 4].into()));
        assert_eq!(Host::parse("a:[fe80::1]").unwrap().address, Some("fe80::1".parse().unwrap()));
        assert_eq!(Host::parse("a:host-gateway").unwrap().address, None);
        for bad in
            ["", "a", ":1.2.3.4", "a:", "a:nowhere", "a b:1.2.3.4", "a\nb:1.2.3.4", "a:1.2.3.4\nx", "a;:1.2.3.4"]
        {
            assert!(Host::parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        /// B06: whatever is taken makes one line, of as many words as it should.
        #[test]
        fn no_value_makes_a_line_or_a_word_more(text in "[a-z0-9.:;%\\[\\]= \t\r\n\u{0}\u{2028}-]{1,40}") {
            if let Ok(host) = Host::parse(&text) {
                let names = Names { hosts: vec![host.clone()], base: HostsBase::Nothing, ..Names::default() };
                let file = hosts(Network::Pasta, &[], &names, "me", true, |_| Ok(None)).unwrap().unwrap();
                let of_host = usize::from(pasta::leads_to_host());
                prop_assert_eq!(file.lines().count(), 2 + of_host);
                prop_assert_eq!(file.lines().next().unwrap().split_whitespace().count(), 1 + host.names.len());
            }
            for taken in [server(&text), search(&text), option(&text)].into_iter().flatten() {
                prop_assert!(!taken.contains(|letter: char| letter.is_whitespace() || letter.is_control()));
            }
        }
    }
}
