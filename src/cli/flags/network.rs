//! The flags of a container's network.

use crate::container::config::Config;
use crate::container::networks;
use crate::error::Kind;
use crate::network::{self, Egress, Host, HostsBase, Membership, Names, Network, Port, membership, pasta, ports};
use crate::settings::Containers;
use anyhow::Result;

/// What names no network of network create.
const MODES: [&str; 7] = ["none", "host", "private", "pasta", "slirp4netns", "container", "ns"];

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Network")]
pub struct NetworkFlags {
    /// Connect to networks: those of network create, bridge, none, host, private, pasta[:OPTION,...], container:NAME or ns:PATH; NAME:ip=ADDRESS,ip6=ADDRESS,mac=ADDRESS,alias=NAME,interface_name=NAME says how [default: pasta where it is installed, bridge for root]
    #[arg(long, visible_alias = "net", value_name = "MODE|NAME[:OPTION,...]")]
    network: Vec<String>,
    /// Lead a port of the host into the container; without one of the host's, one that is free. On a bridge, proxy has each connection begin with a header of the PROXY protocol that names the client
    #[arg(short, long, value_name = "[[ADDRESS:][PORT]:]PORT[/tcp|udp][,proxy=v1|v2]")]
    publish: Vec<String>,
    /// Publish all ports that the image or --expose names, at ports that are free
    #[arg(short = 'P', long)]
    publish_all: bool,
    /// Name a port that may be published
    #[arg(long, value_name = "PORT[/tcp|udp]")]
    expose: Vec<String>,
    /// Rule what may leave the container's networks, to other networks, the host or the world: allow=TARGET,... and deny=TARGET,..., of which the first that fits decides; deny or allow alone is for what none of them names [default: deny with an allow=, else allow]. A target is ADDRESS, ADDRESS/PREFIX, or with allow= a NAME or *.NAME; behind it :PORT or :PORT-PORT, of TCP unless /udp follows ([ADDRESS]:PORT for IPv6). A name is open as the networks' name server resolves it, to public addresses alone, and other names are not resolved. Containers of its networks and clients of published ports are always answered. Without --network it is on the bridge
    #[arg(long, value_name = "allow|deny[=TARGET[:PORT[-PORT][/tcp|udp]],...]")]
    egress: Vec<String>,
    /// Ask this name server, or with none keep the image's resolv.conf
    #[arg(long, value_name = "ADDRESS")]
    dns: Vec<String>,
    /// Complete names with this domain; a dot is none
    #[arg(long, value_name = "DOMAIN")]
    dns_search: Vec<String>,
    /// Set an option of resolv.conf
    #[arg(long, visible_alias = "dns-opt", value_name = "OPTION")]
    dns_option: Vec<String>,
    /// Add a line to /etc/hosts; host-gateway is the address of the host
    #[arg(long, value_name = "NAME[;NAME]:ADDRESS")]
    add_host: Vec<String>,
    /// Keep the image's /etc/hosts
    #[arg(long, conflicts_with = "add_host")]
    no_hosts: bool,
    /// Keep the image's /etc/hostname
    #[arg(long)]
    no_hostname: bool,
    /// Make /etc/hosts from this file of the host, from none, or from the image's
    #[arg(long, value_name = "FILE")]
    hosts_file: Option<String>,
    #[command(flatten)]
    addresses: AddressFlags,
    /// Be found by this name, too, in the networks
    #[arg(long, value_name = "NAME")]
    network_alias: Vec<String>,
}

/// The addresses of a container in one network.
#[derive(clap::Args, Clone, Debug)]
pub struct AddressFlags {
    /// Have this address in the network
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<String>,
    /// Have this IPv6 address in the network
    #[arg(long, value_name = "ADDRESS")]
    ip6: Option<String>,
    /// Have this MAC address in the network
    #[arg(long, value_name = "ADDRESS")]
    mac_address: Option<String>,
}

impl AddressFlags {
    pub fn apply(&self, membership: &mut Membership) -> Result<()> {
        for (text, must_be_ipv6) in [(&self.ip, false), (&self.ip6, true)] {
            let address = text.as_ref().map(|text| membership::address(text, must_be_ipv6)).transpose()?;
            membership.addresses.extend(address);
        }
        if let Some(text) = &self.mac_address {
            membership.mac = Some(membership::mac(text)?);
        }
        Ok(())
    }

    /// One that was given.
    fn first(&self) -> Option<&'static str> {
        let given = [("--ip", &self.ip), ("--ip6", &self.ip6), ("--mac-address", &self.mac_address)];
        given.into_iter().find(|(_, text)| text.is_some()).map(|(flag, _)| flag)
    }
}

impl NetworkFlags {
    pub fn fill(&mut self, containers: &Containers) {
        if self.network.is_empty() {
            // A private one is what a container has anyway, or none where pasta is not installed.
            self.network.extend(containers.netns.clone().filter(|mode| !matches!(mode.as_str(), "" | "private")));
        }
    }

    pub fn apply(&self, config: &mut Config, rootless: bool) -> Result<()> {
        for text in &self.publish {
            config.ports.extend(ports::parse(text)?);
        }
        for text in &self.expose {
            config.exposed.extend(ports::parse_exposed(text)?);
        }
        config.publish_all = self.publish_all;
        let shared = |mode: &&str| mode.starts_with("container:") || mode.starts_with("ns:");
        if let Some(mode) = self.only()?.filter(shared) {
            if !config.ports.is_empty() {
                return Err(Kind::BadInput.error(format!("ports cannot be published with --network {mode}")));
            }
            if !self.egress.is_empty() {
                return Err(networks::unruled(mode));
            }
            config.users.network = super::users::parse_namespace("network", Some(mode), &[])?;
            // Another container's network is known when that is looked up.
            config.network = Network::Host;
        } else {
            (config.network, config.pasta_options) = self.network(rootless, &config.ports)?;
        }
        config.egress = Egress::parse(&self.egress)?;
        if config.egress.is_some() && matches!(config.network, Network::Host | Network::Pasta) {
            return Err(networks::unruled(config.network.name()));
        }
        config.memberships = self.memberships(config.network)?;
        config.names = self.names(config.network)?;
        Ok(())
    }

    /// The one thing that was said, unless it is several networks.
    fn only(&self) -> Result<Option<&str>> {
        let plain = |text: &&String| MODES.contains(&text.split(':').next().unwrap_or_default());
        match &self.network[..] {
            [] => Ok(None),
            [one, rest @ ..] if rest.iter().all(|other| other == one) => Ok(Some(one)),
            several => match several.iter().find(plain) {
                Some(mode) => Err(Kind::BadInput.error(format!("network {mode} goes with no other network"))),
                None => Ok(Some("bridge")),
            },
        }
    }

    fn network(&self, rootless: bool, ports: &[Port]) -> Result<(Network, Vec<String>)> {
        let (mode, options) = match self.only()?.map(|text| text.split_once(':').unwrap_or((text, ""))) {
            Some((mode, options)) => (Some(mode), options),
            None => (None, ""),
        };
        let plain = |network| {
            if options.is_empty() {
                return Ok((network, Vec::new()));
            }
            Err(Kind::BadInput.error(format!("network {:?} takes no options", mode.unwrap_or_default())))
        };
        match mode {
            Some("none") if !ports.is_empty() => {
                Err(Kind::BadInput.error("ports cannot be published with --network none"))
            }
            Some("none") => plain(Network::None),
            Some("host") => plain(Network::Host),
            Some("private") if rootless => plain(Network::Pasta),
            // Real root's own bridge, as podman's.
            None | Some("private") if !rootless => plain(Network::Bridge),
            Some("pasta") if options.is_empty() => plain(Network::Pasta),
            Some("pasta") => Ok((Network::Pasta, network::pasta_options(options)?)),
            Some("slirp4netns") => {
                super::super::talk(
                    "the network is pasta's, which has taken the place of slirp4netns and its options",
                );
                Ok((Network::Pasta, Vec::new()))
            }
            None if !self.egress.is_empty() => plain(Network::Bridge),
            None if pasta::find().is_some() => plain(Network::Pasta),
            None if !ports.is_empty() => {
                Err(Kind::NotFound.hinted("publish ports: pasta is not installed", "install the package passt"))
            }
            None => {
                super::super::talk(
                    "no network for the container: pasta is not installed (install the package passt, or say --network none)",
                );
                plain(Network::None)
            }
            Some(_) => Ok((Network::Bridge, Vec::new())),
        }
    }

    /// The networks that were named, and what was said of the container's place in them.
    fn memberships(&self, network: Network) -> Result<Vec<Membership>> {
        if network != Network::Bridge {
            let alias = (!self.network_alias.is_empty()).then_some("--network-alias");
            return self.addresses.first().or(alias).map_or(Ok(Vec::new()), |flag| {
                let message = format!("{flag} needs a network that is a bridge");
                Err(Kind::BadInput.hinted(message, "say --network bridge, or one of network create"))
            });
        }
        let default = ["bridge".to_owned()];
        let typed = match self.only()? {
            None | Some("private") => &default,
            Some("bridge") => &self.network[..],
            Some(_) => &self.network[..1],
        };
        let named = typed.iter().map(|text| {
            let (name, options) = text.split_once(':').unwrap_or((text, ""));
            Membership::parse(name, options)
        });
        let mut memberships = named.collect::<Result<Vec<_>>>()?;
        for membership in &mut memberships {
            membership
                .aliases
                .extend(self.network_alias.iter().map(|name| membership::alias(name)).collect::<Result<Vec<_>>>()?);
        }
        match &mut memberships[..] {
            [one] => self.addresses.apply(one)?,
            _ => {
                if let Some(flag) = self.addresses.first() {
                    let message = format!("{flag} is for a container in one network");
                    return Err(Kind::BadInput.hinted(message, "say --network NAME:ip=ADDRESS,mac=ADDRESS for each"));
                }
            }
        }
        Ok(memberships)
    }

    fn names(&self, network: Network) -> Result<Names> {
        let keeps_resolv_conf = self.dns.iter().any(|server| server == "none");
        if keeps_resolv_conf && self.dns.len() > 1 {
            return Err(Kind::BadInput.error("--dns none goes with no other --dns"));
        }
        let asks = !self.dns.is_empty() || !self.dns_search.is_empty() || !self.dns_option.is_empty();
        if network == Network::None && asks && !keeps_resolv_conf {
            return Err(Kind::BadInput.error("name servers cannot be asked with --network none"));
        }
        if let Some(server) = self.dns.iter().find(|server| network == Network::Bridge && server.contains('%')) {
            let message = format!("name server {server} is on a link of the host's, which no bridge leads to");
            return Err(Kind::BadInput.hinted(message, "name one without %, or use --network host"));
        }
        let servers = self.dns.iter().filter(|server| *server != "none");
        let searches = self.dns_search.iter().map(|text| network::search(text)).collect::<Result<Vec<_>>>()?;
        let options = self.dns_option.iter().map(|text| network::option(text)).collect::<Result<Vec<_>>>()?;
        Ok(Names {
            servers: servers.map(|text| network::server(text)).collect::<Result<_>>()?,
            searches: (!searches.is_empty()).then_some(searches),
            options: (!options.is_empty()).then_some(options),
            keeps_resolv_conf,
            hosts: self.add_host.iter().map(|text| Host::parse(text)).collect::<Result<_>>()?,
            no_hosts: self.no_hosts,
            no_hostname: self.no_hostname,
            base: self.hosts_file.as_deref().map(HostsBase::parse).transpose()?.unwrap_or_default(),
            gateway: None,
        })
    }
}
