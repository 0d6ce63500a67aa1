//! The flags of a container's network.

use crate::container::config::Config;
use crate::error::Kind;
use crate::network::{self, Host, HostsBase, Names, Network, Port, pasta, ports};
use crate::settings::Containers;
use anyhow::Result;

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Network")]
pub struct NetworkFlags {
    /// Connect to a network: none, host, private, pasta[:OPTION,...], container:NAME or ns:PATH [default: pasta where it is installed]
    #[arg(long, visible_alias = "net", value_name = "MODE")]
    network: Option<String>,
    /// Lead a port of the host into the container; without one of the host's, one that is free
    #[arg(short, long, value_name = "[[ADDRESS:][PORT]:]PORT[/tcp|udp]")]
    publish: Vec<String>,
    /// Publish all ports that the image or --expose names, at ports that are free
    #[arg(short = 'P', long)]
    publish_all: bool,
    /// Name a port that may be published
    #[arg(long, value_name = "PORT[/tcp|udp]")]
    expose: Vec<String>,
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
    /// Needs a bridge network, which is not supported yet
    #[arg(long, value_name = "ADDRESS", hide = true)]
    ip: Option<String>,
    /// Needs a bridge network, which is not supported yet
    #[arg(long, value_name = "ADDRESS", hide = true)]
    ip6: Option<String>,
    /// Needs a bridge network, which is not supported yet
    #[arg(long, value_name = "ADDRESS", hide = true)]
    mac_address: Option<String>,
    /// Needs a bridge network, which is not supported yet
    #[arg(long, value_name = "NAME", hide = true)]
    network_alias: Vec<String>,
}

impl NetworkFlags {
    pub fn fill(&mut self, containers: &Containers) {
        if self.network.is_none() {
            // A private one is what a container has anyway, or none where pasta is not installed.
            self.network = containers.netns.clone().filter(|mode| !matches!(mode.as_str(), "" | "private"));
        }
    }

    pub fn apply(&self, config: &mut Config, rootless: bool) -> Result<()> {
        self.refuse_bridge()?;
        for text in &self.publish {
            config.ports.extend(ports::parse(text)?);
        }
        for text in &self.expose {
            config.exposed.extend(ports::parse_exposed(text)?);
        }
        config.publish_all = self.publish_all;
        let shared = self.network.as_deref().filter(|mode| mode.starts_with("container:") || mode.starts_with("ns:"));
        if let Some(mode) = shared {
            if !config.ports.is_empty() {
                return Err(Kind::BadInput.error(format!("ports cannot be published with --network {mode}")));
            }
            config.users.network = super::users::parse_namespace("network", shared, &[])?;
            // Another container's network is known when that is looked up.
            config.network = Network::Host;
        } else {
            (config.network, config.pasta_options) = self.network(rootless, &config.ports)?;
        }
        config.names = self.names(config.network)?;
        Ok(())
    }

    fn refuse_bridge(&self) -> Result<()> {
        let bridge = [
            ("--ip", self.ip.is_some()),
            ("--ip6", self.ip6.is_some()),
            ("--mac-address", self.mac_address.is_some()),
            ("--network-alias", !self.network_alias.is_empty()),
        ];
        match bridge.iter().find(|(_, asked)| *asked) {
            Some((flag, _)) => {
                Err(Kind::BadInput.error(format!("{flag} needs a bridge network, which is not supported yet")))
            }
            None => Ok(()),
        }
    }

    fn network(&self, rootless: bool, ports: &[Port]) -> Result<(Network, Vec<String>)> {
        let (mode, options) = match self.network.as_deref().map(|text| text.split_once(':').unwrap_or((text, ""))) {
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
            Some("private") => plain(Network::Pasta),
            Some("pasta") if options.is_empty() => plain(Network::Pasta),
            Some("pasta") => Ok((Network::Pasta, network::pasta_options(options)?)),
            Some("slirp4netns") => {
                super::super::talk(
                    "the network is pasta's, which has taken the place of slirp4netns and its options",
                );
                Ok((Network::Pasta, Vec::new()))
            }
            None if !rootless || pasta::find().is_some() => plain(Network::Pasta),
            None if !ports.is_empty() => {
                Err(Kind::NotFound.hinted("publish ports: pasta is not installed", "install the package passt"))
            }
            None => {
                super::super::talk(
                    "no network for the container: pasta is not installed (install the package passt, or say --network none)",
                );
                plain(Network::None)
            }
            Some(other) => {
                let message = format!("network {other:?} is not supported yet");
                Err(Kind::BadInput.hinted(message, "use none, host, private, pasta, container:NAME or ns:PATH"))
            }
        }
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
