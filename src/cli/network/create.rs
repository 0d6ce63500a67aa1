//! `network create`: make a network.

use crate::cli::{Context, Verb, say};
use crate::container::events::{self, Event, Happening};
use crate::error::{self, Kind};
use crate::network::cidr::{Cidr, parse_address};
use crate::network::definition::{
    self, Definition, Driver, Ipam, IpamOptions, LeaseRange, Route, Subnet, check_name, translate,
};
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Make a network and print its name
#[derive(clap::Args)]
pub struct Create {
    /// Accepted for scripts of docker: containers can be connected to any network
    #[arg(long, hide = true)]
    attachable: bool,
    /// Do not let containers find each other by their names
    #[arg(long)]
    disable_dns: bool,
    /// Ask this name server for names of the outside, instead of the host's
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    dns: Vec<String>,
    /// What the network is made of: bridge, macvlan or ipvlan
    #[arg(short, long, value_name = "DRIVER", default_value = "bridge")]
    driver: String,
    /// The network's own address in the subnet of the same place [default: the first]
    #[arg(long, value_name = "ADDRESS")]
    gateway: Vec<String>,
    /// Make no error of a network that exists
    #[arg(long)]
    ignore: bool,
    /// Call the bridge so; for macvlan and ipvlan, the interface of the host that they are on
    #[arg(long, value_name = "NAME")]
    interface_name: Option<String>,
    /// Lead nothing of it to the outside
    #[arg(long)]
    internal: bool,
    /// Give containers addresses of this part of the subnet of the same place: a block, or FIRST-LAST
    #[arg(long, value_name = "RANGE")]
    ip_range: Vec<String>,
    /// Who gives addresses to containers: host-local, or none
    #[arg(long, value_name = "DRIVER")]
    ipam_driver: Option<String>,
    /// Give it a subnet of IPv6 too
    #[arg(long)]
    ipv6: bool,
    /// Attach metadata to the network
    #[arg(long, value_name = "KEY[=VALUE]")]
    label: Vec<String>,
    /// Tell the driver: mtu (or that of what leads outside), metric, no_default_route, mode; bridge: vlan, isolate, vrf; macvlan and ipvlan: parent; macvlan: bclim
    #[arg(short, long, value_name = "KEY=VALUE")]
    opt: Vec<String>,
    /// Give containers a route
    #[arg(long, value_name = "BLOCK,GATEWAY[,METRIC]")]
    route: Vec<String>,
    /// Give it these addresses [default: a block that is free]
    #[arg(long, value_name = "BLOCK")]
    subnet: Vec<String>,
    /// The name [default: coracle and a number]
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

impl Verb for Create {
    fn run(self, context: &Context) -> Result<u8> {
        let engine = &context.engine;
        let defaults = super::defaults(context)?;
        let ignore = self.ignore;
        let wanted = self.wanted()?;
        crate::store::prepare(engine)?;
        let name = wanted.name.clone();
        let made = match definition::create(engine, &defaults, wanted) {
            Err(error) if error::kind(&error) == Kind::Exists && ignore => {
                say(&name);
                return Ok(0);
            }
            Err(error) if error::kind(&error) == Kind::Exists => {
                return Err(error::with_hint(error, "use another name, or --ignore"));
            }
            made => made?,
        };
        events::tell(engine, &[Event::of_network(&made, Happening::Create)]);
        say(if context.docker { &made.id } else { &made.name });
        Ok(0)
    }
}

impl Create {
    /// The network as far as it was told.
    fn wanted(self) -> Result<Definition> {
        let driver = parse_driver(&self.driver)?;
        let name = self.name.clone().unwrap_or_default();
        // Without one it gets one that is free.
        if !name.is_empty() {
            check_name(&name)?;
        }
        if self.disable_dns && !self.dns.is_empty() {
            return Err(Kind::BadInput.error("--dns and --disable-dns contradict each other"));
        }
        let mut option_words = BTreeMap::new();
        for text in &self.opt {
            let (key, value) = text.split_once('=').ok_or_else(|| {
                Kind::BadInput.hinted(format!("option {text:?} has no value"), "write it as KEY=VALUE")
            })?;
            option_words.insert(key.to_owned(), value.to_owned());
        }
        let interface = translate(driver, &mut option_words);
        let subnets = subnets(&self.subnet, &self.gateway, &self.ip_range)?;
        let ipam = self.ipam(driver, subnets.is_empty())?;
        let labels = self.label.iter().map(|text| text.split_once('=').unwrap_or((text, "")));
        let servers = self.dns.iter().map(|text| parse_address(text)).collect::<Result<_>>().context("--dns")?;
        Ok(Definition {
            network_interface: interface.or(self.interface_name).unwrap_or_default(),
            subnets,
            routes: self.route.iter().map(|text| parse_route(text)).collect::<Result<_>>()?,
            ipv6_enabled: self.ipv6,
            internal: self.internal,
            dns_enabled: !self.disable_dns && driver == Driver::Bridge && ipam == Ipam::HostLocal,
            network_dns_servers: servers,
            labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            option_words,
            ipam_options: IpamOptions { driver: ipam },
            ..Definition::plain(&name, driver)
        })
    }

    fn ipam(&self, driver: Driver, is_bare: bool) -> Result<Ipam> {
        match self.ipam_driver.as_deref() {
            None | Some("") if driver != Driver::Bridge && is_bare => {
                let message = format!("network driver {} needs addresses: DHCP is not supported", driver.name());
                Err(Kind::BadInput.hinted(message, "give --subnet, or --ipam-driver none"))
            }
            None | Some("" | "host-local") => Ok(Ipam::HostLocal),
            Some("none") => Ok(Ipam::None),
            Some("dhcp") => Err(Kind::BadInput.hinted("ipam driver dhcp is not supported", "use host-local or none")),
            Some(other) => {
                Err(Kind::BadInput.hinted(format!("unsupported ipam driver {other:?}"), "use host-local or none"))
            }
        }
    }
}

fn parse_driver(text: &str) -> Result<Driver> {
    match text {
        "bridge" | "" => Ok(Driver::Bridge),
        "macvlan" => Ok(Driver::Macvlan),
        "ipvlan" => Ok(Driver::Ipvlan),
        other => {
            let message = format!("network driver {other:?} does not exist");
            Err(Kind::BadInput.hinted(message, "use bridge, macvlan or ipvlan"))
        }
    }
}

/// Subnets, with the gateways and ranges that stand at the same place.
fn subnets(subnets: &[String], gateways: &[String], ranges: &[String]) -> Result<Vec<Subnet>> {
    for (flag, count) in [("--gateway", gateways.len()), ("--ip-range", ranges.len())] {
        if count > subnets.len() {
            let message = match subnets {
                [] => format!("{flag} needs --subnet"),
                _ => format!("there are more {flag} than --subnet"),
            };
            return Err(Kind::BadInput.error(message));
        }
    }
    let parse = |(at, text): (usize, &String)| {
        Ok(Subnet {
            subnet: Cidr::parse(text).context("--subnet")?,
            gateway: gateways.get(at).map(|text| parse_address(text)).transpose().context("--gateway")?,
            lease_range: ranges.get(at).map(|text| parse_range(text)).transpose().context("--ip-range")?,
        })
    };
    subnets.iter().enumerate().map(parse).collect()
}

fn parse_range(text: &str) -> Result<LeaseRange> {
    let (start, end): (IpAddr, IpAddr) = match text.split_once('-') {
        Some((start, end)) => (parse_address(start)?, parse_address(end)?),
        None => {
            let block = Cidr::parse(text)?;
            (block.hosts().0, block.last())
        }
    };
    Ok(LeaseRange { start_ip: Some(start), end_ip: Some(end) })
}

fn parse_route(text: &str) -> Result<Route> {
    let words: Vec<&str> = text.split(',').collect();
    let (destination, gateway, metric) = match words.as_slice() {
        [destination, gateway] => (destination, gateway, None),
        [destination, gateway, metric] => (destination, gateway, Some(metric)),
        _ => {
            let message = format!("route {text:?} is not written as it should be");
            return Err(Kind::BadInput.hinted(message, "write it as BLOCK,GATEWAY or BLOCK,GATEWAY,METRIC"));
        }
    };
    let metric = metric.map(|metric| {
        metric.parse().map_err(|_| Kind::BadInput.error(format!("route {text:?}: {metric:?} is not a metric")))
    });
    let (address, destination) = Cidr::parse_with_address(destination).context("--route")?;
    if address != destination.first() {
        let message = format!("route destination {address}/{} is no block", destination.prefix());
        return Err(Kind::BadInput.hinted(message, format!("write it as {destination}")));
    }
    Ok(Route { destination, gateway: parse_address(gateway).context("--route")?, metric: metric.transpose()? })
}
